"""
# The proofs of a site

The plugin's part in showing [proofs](../proofs.py): it reads their file, adds the page that [compares](verified.py) all
of them, and says for each page what is verified of its code.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

from sidelit.cache import Cache
from sidelit.hosts.documents import AnnotatedFile, AnnotatedPage
from sidelit.hosts.shelf import Shelf, outdated, read_shelf, verified
from sidelit.hosts.telling import Teller
from sidelit.hosts.verified import comparison_page, comparison_uri
from sidelit.proofs import Verified

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig


class Proven:
    """
    ## What is proven, in one build

    * `file` holds the proofs, if there are any
    * `top` is the folder from which diagnostics name their files
    * `cache` keeps what is known of the code that they are about
    * `teller` hears what is wrong with them
    """

    def __init__(self, file: Path | None, top: Path, cache: Cache, teller: Teller) -> None:
        self._file = file
        self._top = top
        self._cache = cache
        self._teller = teller
        self._shelf = Shelf()
        self._urls: dict[Path, str] = {}
        self._comparison = ""

    def add(self, added: Iterable[File], files: Files, config: MkDocsConfig) -> list[str]:
        """
        ### Add the page that compares them

        `added` are the sources of the site. Returns the place of the page, if it is new.
        """
        annotated = [file for file in added if isinstance(file, AnnotatedFile)]
        self._urls = {file.source.path: file.url for file in annotated}
        if self._file is None:
            return []
        self._shelf, problems = read_shelf(self._file, self._top)
        stale = outdated(self._shelf, self._urls, self._cache)
        self._teller.tell([*problems, *stale.values()])
        proven = [(each.src_uri, each.source.path) for each in annotated if each.source.path in self._shelf.proofs]
        if not proven:
            return []
        uri = comparison_uri(uri for uri, _ in proven)
        page = files.get_file_from_path(uri)
        if own := page is None:
            page = File.generated(config, uri, content=comparison_page(self._shelf, proven, stale.keys()))
            files.append(page)
        self._comparison = page.url
        return [uri] if own else []

    def of(self, page: AnnotatedPage, lines: str) -> Verified | None:
        """
        ### What the page of a source shows

        `lines` is how the repository writes lines at the end of an address, empty where there is none.
        """
        return verified(
            self._shelf,
            page.source.path,
            self._cache,
            url=page.file.url,
            addresses=self._urls,
            comparison=self._comparison,
            lines=lines,
        )
