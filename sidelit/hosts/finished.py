"""
# Pages that were finished before

Most builds change little, and to put formulas, links and the frame around a page takes longer than to make it. So a
page is kept as it was written, under a key that has all that went into it:

* the page itself, by the key under which the [workshop](../workshop.py) keeps it
* what its links and names led to, what was offered beside it, and what MkDocs says of it
* the frame: the navigation, what the templates read of the configuration, the templates, the programs, how formulas
  are typeset

What else a plugin, a hook or somebody's own templates make of a page, nobody here knows. Where there are any, nothing
is kept. Nor is a page of which something was told on the way, since that has to be told again.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidelit import fingerprint
from sidelit.cache import Cache, digest
from sidelit.hosts.documents import AnnotatedPage
from sidelit.hosts.output import take_over

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

# What the templates read of the configuration, besides the theme's own settings
READ = (
    "copyright", "extra_css", "extra_javascript", "repo_name", "repo_url", "site_author", "site_description",
    "site_name", "site_url",
)  # fmt: skip

# Who may be there besides us: MkDocs' search looks at pages and changes none.
_SEARCH = ("mkdocs.contrib.search", "properdocs.contrib.search")


# Before the page stands the SHA-256 of what was written.
_DIGEST = 32


class Finished:
    """
    ## Those of one build

    `cache` keeps them. `is_kept` is whether there are any.
    """

    def __init__(self, config: MkDocsConfig, cache: Cache) -> None:
        plain = config.theme.name == "sidelit" and config.theme.custom_dir is None and not config.hooks
        others = [each for name, each in config.plugins.items() if name != "sidelit"]
        self.is_kept = plain and all(type(each).__module__ in _SEARCH for each in others)
        self._cache = cache
        self._frame = ""
        self._keys: dict[str, str] = {}
        self._there: set[str] = set()

    def look(self, config: MkDocsConfig, nav: Any, setup: str, pages: Iterable[tuple[AnnotatedPage, object]]) -> None:
        """
        ### See which pages were finished before

        When nothing but their writing is left. `setup` is how formulas are typeset; with each of the pages comes what
        went into it, as far as MkDocs does not know that.
        """
        if not self.is_kept:
            return
        self._frame = digest(fingerprint.of_site(), setup, repr(_frame(config)), repr(_tree(nav)))
        self._keys = {page.file.src_uri: digest(self._frame, _facts(page, found)) for page, found in pages}
        self._there = self._cache.known("finished", self._keys.values())

    def has(self, page: AnnotatedPage) -> bool:
        """
        ### Was this page finished before?
        """
        return self._keys.get(page.file.src_uri) in self._there

    def take(self, page: AnnotatedPage, site: Path, old: Path | None) -> str | None:
        """
        ### The page as it was written

        `None` where it was not, or cannot be read any more. If it is in the `old` site that this one replaces, it is
        taken over from there, and there is nothing left to write.
        """
        if self.has(page) and (data := self._cache.get("finished", self._keys[page.file.src_uri])):
            place = page.file.dest_uri
            if old and take_over(site / place, data[:_DIGEST], old / place):
                return ""
            try:
                return zlib.decompress(data[_DIGEST:]).decode()
            except (zlib.error, UnicodeDecodeError):
                # A foreign entry in the cache: the page is finished again.
                pass
        return None

    def keep(self, page: AnnotatedPage, output: str) -> None:
        """
        ### Keep what was written
        """
        if key := self._keys.get(page.file.src_uri):
            data = output.encode("utf-8", "xmlcharrefreplace")
            self._cache.put("finished", key, hashlib.sha256(data).digest() + zlib.compress(data, 1))

    def forget(self, page: AnnotatedPage) -> None:
        """
        ### Finish a page anew, since it is made again, and do not keep it
        """
        self._keys.pop(page.file.src_uri, None)


def _frame(config: MkDocsConfig) -> list[object]:
    """Return what the templates read of the configuration."""
    values = {name: config[name] for name in READ}
    scripts = [each if isinstance(each, str) else dict(each) for each in config.extra_javascript]
    theme = {name: str(value) for name, value in config.theme.items()}
    return [values, scripts, theme, config.theme.dirs, config.extra["sidelit"].get("search")]


def _tree(nav: Any) -> list[object]:
    """Return the navigation: what is where, how it is called and where it leads."""

    def branch(items: Iterable[Any]) -> list[object]:
        return [
            (type(each).__name__, str(each.title), "" if each.is_section else each.url, branch(each.children or ()))
            for each in items
        ]

    return [nav.homepage and nav.homepage.url, *branch(nav)]


def _facts(page: AnnotatedPage, found: object) -> str:
    neighbours = [each and (str(each.title), each.url) for each in (page.previous_page, page.next_page)]
    said = page.url, str(page.title), page.canonical_url, page.edit_url, page.file.inclusion.name, neighbours, page.meta
    return json.dumps([said, found])
