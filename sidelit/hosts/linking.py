"""
# Where links and names lead

When all pages are made, it is known which places there are. Then the links of each page are resolved, and the names in
its code: to a definition on a page of the site, or in the documentation of another library.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from mkdocs.structure.files import Files

from sidelit import prose
from sidelit.formula import Link
from sidelit.hosts import repository
from sidelit.hosts.documents import AnnotatedPage
from sidelit.hosts.telling import Teller
from sidelit.inventories import Inventory
from sidelit.links import SiteMap, Target, relative_url, resolve
from sidelit.names import NameIndex
from sidelit.references import Reference
from sidelit.tree import name_of, page_address


class Linking:
    """
    ## The places of one build

    * `top` is the folder from which diagnostics name their files
    * `inventory` is where other libraries are documented
    * `repo_url` is the address of the repository, `root` a folder in its checkout
    """

    def __init__(self, top: Path, root: Path, repo_url: str, inventory: Inventory, teller: Teller) -> None:
        self._top = top
        self._repo_url = repo_url
        self._checkout = repository.checkout(root) if repo_url else None
        self._inventory = inventory
        self._teller = teller
        self._site = SiteMap({}, {})
        self._names = NameIndex({})
        self._places: dict[str, tuple[str, Mapping[str, str]]] = {}

    def know(self, files: Files) -> None:
        """
        ### Note what links and names may lead to
        """
        self._site = self._site_map(files)
        # A page that the site leaves out was never made.
        made = {file.url: getattr(file.page, "made", None) for file in files}
        exports = {url: page.exports for url, page in made.items() if page}
        self._names = NameIndex({each.module: each.names for each in exports.values()})
        self._places = {each.module: (url, each.places) for url, each in exports.items()}

    def _site_map(self, files: Files) -> SiteMap:
        targets, aliases = {}, {}
        for file in files:
            if file.inclusion.is_excluded():
                continue
            anchors = getattr(file.page, "present_anchor_ids", None)
            targets[file.src_uri] = Target(file.url, anchors)
            aliases[file.dest_uri] = file.src_uri
            if file.is_documentation_page():
                flat = posixpath.splitext(page_address(file.src_uri, use_directory_urls=False))[0]
                aliases[f"{flat}.html"] = file.src_uri
                if posixpath.basename(flat) == "index":
                    aliases[posixpath.dirname(flat) or "."] = file.src_uri
                if file.abs_src_path:
                    aliases.setdefault(name_of(Path(file.abs_src_path), self._top), file.src_uri)
        return SiteMap(targets, aliases)

    def definition(self, reference: Reference, page: AnnotatedPage) -> str:
        """
        ### The address of what a name refers to

        Empty where there is none.
        """
        if not (found := self._names.locate(reference.target)):
            outside = map(self._inventory.find, self._names.outside(reference.target))
            return next(filter(None, outside), "")
        module, qualname = found
        url, places = self._places[module]
        anchor = f"#{quote(places[qualname])}" if qualname in places else ""
        return anchor if url == page.url and anchor else relative_url(url, page.url) + anchor

    def address(self, link: Link, page: AnnotatedPage) -> str:
        """
        ### The address that a link leads to

        What is wrong with it is told.
        """
        source = page.source
        if link.kind == "repository":
            path = source.path.resolve()
            return repository.view_url(page.edit_url or "", self._repo_url, path, self._checkout) + link.target
        if not prose.is_local(link.target):
            return link.target
        own = self._site.targets[source.uri]
        resolved = resolve(link.target, (source.uri, source.shown), self._site, own)
        self._teller.tell(resolved.findings(link))
        return resolved.href

    def from_the_top(self, link: Link, page: AnnotatedPage) -> str:
        """
        ### The same, as seen from the top of the site

        One that is complete stays as it is.
        """
        href = self.address(link, page)
        if not prose.is_local(href):
            return href
        return posixpath.normpath(posixpath.join(posixpath.dirname(page.url), href))
