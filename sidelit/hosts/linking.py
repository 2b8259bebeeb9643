"""
# Where links and names lead

When all pages are made, it is known which places there are. Then the links of each page are resolved, and the names in
its code: to a definition on a page of the site, or in the documentation of another library.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, urljoin

from mkdocs.structure.files import File, Files

from sidelit.diagnostic import Diagnostic
from sidelit.formula import Link
from sidelit.hosts import repository
from sidelit.hosts.documents import AnnotatedPage
from sidelit.hosts.telling import Teller
from sidelit.inventories import Inventory
from sidelit.links import SiteMap, Target, is_local, relative_url, resolve
from sidelit.names import NameIndex, Names
from sidelit.page import Reference
from sidelit.tree import Source, name_of, page_address


class Linking:
    """
    ## The places of one build

    * `top` is the folder from which diagnostics name their files
    * `inventory` is where other libraries are documented
    * `repo_url` is the address of the repository, `root` a folder in its checkout
    * `withheld` says of files why they are not published
    * `teller` hears what is wrong with links
    """

    def __init__(
        self,
        top: Path,
        root: Path,
        repo_url: str,
        inventory: Inventory,
        withheld: Mapping[str, str],
        teller: Teller,
    ) -> None:
        self._top = top
        self._repo_url = repo_url
        self._checkout = repository.checkout(root) if repo_url else None
        self._inventory = inventory
        self._teller = teller
        self._targets: dict[str, Target] = {}
        self._aliases: dict[str, str] = {}
        self._withheld = withheld
        self._site = SiteMap(self._targets, self._aliases, withheld)
        self._exports: dict[str, Names] = {}
        self._names = NameIndex({})
        self._places: dict[str, tuple[str, Mapping[str, str]]] = {}
        self._located: dict[str, tuple[str, str] | str] = {}

    def know(self, files: Files, changed: File | None = None) -> None:
        """
        ### Note what links and names may lead to

        Files that are known already are not looked at again, except for the one that has `changed`.
        """
        for file in files:
            if file is changed or file.src_uri not in self._targets:
                self._learn(file)
        self._site = SiteMap(self._targets, self._aliases, self._withheld)
        self._names = NameIndex(self._exports)
        self._located.clear()

    def _learn(self, file: File) -> None:
        # A page that the site leaves out was never made.
        made = getattr(file.page, "made", None)
        if made and made.exports.module:
            self._exports[made.exports.module] = made.exports.names
            self._places[made.exports.module] = file.url, made.exports.places
        if file.inclusion.is_excluded():
            return
        anchors = getattr(file.page, "present_anchor_ids", None)
        self._targets[file.src_uri] = Target(file.url, anchors)
        self._aliases[file.dest_uri] = file.src_uri
        if file.is_documentation_page():
            flat = posixpath.splitext(page_address(file.src_uri, use_directory_urls=False))[0]
            self._aliases[f"{flat}.html"] = file.src_uri
            if posixpath.basename(flat) == "index":
                self._aliases[posixpath.dirname(flat) or "."] = file.src_uri
            if file.abs_src_path:
                self._aliases.setdefault(name_of(Path(file.abs_src_path), self._top), file.src_uri)

    def locate(self, dotted: str) -> tuple[str, str] | None:
        """Return the module of the site that defines something, and its qualified name there."""
        return self._names.locate(dotted)

    def definition(self, reference: Reference, page: AnnotatedPage) -> str:
        """
        ### The address of what a name refers to

        Empty where there is none.
        """
        # The same names stand in many places.
        if (found := self._located.get(reference.target)) is None:
            found = self._located[reference.target] = self._locate(reference.target)
        if isinstance(found, str):
            return found
        url, anchor = found
        return anchor if url == page.url and anchor else relative_url(url, page.url) + anchor

    def _locate(self, target: str) -> tuple[str, str] | str:
        """Return a page and the place on it, or a whole address elsewhere."""
        if not (found := self._names.locate(target)):
            return next(filter(None, map(self._inventory.find, self._names.outside(target))), "")
        module, qualname = found
        url, places = self._places[module]
        return url, f"#{quote(places[qualname])}" if qualname in places else ""

    def place(self, module: str, qualname: str) -> str:
        """
        ### Where a definition is explained

        From the top of the site, empty where it is not. Without a qualified name, it is the page of the module.
        """
        url, places = self._places.get(module, ("", {}))
        if not url or not qualname:
            return url
        return f"{url}#{quote(places[qualname])}" if qualname in places else ""

    def from_elsewhere(self, target: str, source: Source, url: str) -> str:
        """
        ### A link of a source, on another page than its own

        What is wrong with it is told of its own. `url` is that of the other page.
        """
        if target.startswith("#"):
            target = posixpath.basename(source.uri) + target
        return resolve(target, (source.uri, source.shown), self._site, Target(url)).href

    def address(self, link: Link, page: AnnotatedPage) -> str:
        """
        ### The address that a link leads to

        What is wrong with it is told.
        """
        href, findings = self._follow(link, page)
        self._teller.tell(findings)
        return href

    def found(self, links: Iterable[Link], references: Iterable[Reference], page: AnnotatedPage) -> list[str] | None:
        """
        ### What all links and names of a page lead to

        In their order, each once. `None` where something is wrong with one. All links into the repository go the same
        way.
        """
        hrefs = []
        for kind, target in dict.fromkeys((each.kind, each.target * (each.kind != "repository")) for each in links):
            href, findings = self._follow(Link(target, kind, page.source.shown, 1, 1), page)
            if findings:
                return None
            hrefs.append(href)
        return [*hrefs, *(self.definition(each, page) for each in dict.fromkeys(references))]

    def _follow(self, link: Link, page: AnnotatedPage) -> tuple[str, Sequence[Diagnostic]]:
        """Return where a link leads, and what is wrong with it."""
        source = page.source
        if link.kind == "repository":
            path = source.path.resolve()
            view = repository.view_url(page.edit_url or "", self._repo_url, path, self._checkout)
            return urljoin(view, link.target), ()
        if not is_local(link.target):
            return link.target, ()
        own = self._site.targets[source.uri]
        resolved = resolve(link.target, (source.uri, source.shown), self._site, own)
        return resolved.href, tuple(resolved.findings(link))

    def from_the_top(self, link: Link, page: AnnotatedPage) -> str:
        """
        ### The same, as seen from the top of the site

        One that is complete stays as it is.
        """
        href = self.address(link, page)
        if not is_local(href):
            return href
        return posixpath.normpath(posixpath.join(posixpath.dirname(page.url), href))
