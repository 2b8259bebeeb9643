"""
# The API reference in a MkDocs site

This module gives the plugin the pages of the [reference](../api/__init__.py): a list of the modules at `api/index.html`
and a page for each, in a section of the navigation that is called API. In a navigation and in links, they are named as
if each was a Markdown file: `api/index.md`, `api/my_package.model.md`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page as HostPage

from sidelit import fingerprint, portable
from sidelit.api.describe import Described, Description, Failure, describe, lack
from sidelit.api.wanted import INDEX, Wanted, find_modules, import_roots, page_uri
from sidelit.cache import Cache, digest
from sidelit.diagnostic import Diagnostic
from sidelit.formula import Formula, Link
from sidelit.hosts.documents import AnnotatedPage, table_of_contents
from sidelit.hosts.linking import Linking
from sidelit.hosts.nav import sources_in, titles
from sidelit.hosts.options import Options
from sidelit.hosts.telling import Teller, log
from sidelit.hosts.typesetting import Typesetting
from sidelit.links import relative_url
from sidelit.page import Page, finish, from_bytes, to_bytes
from sidelit.theme import PACKAGE
from sidelit.tree import Source, page_address

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

TITLE = "API"


class ApiPage(HostPage):
    """
    ## A page of the reference, as MkDocs' page

    `made` is what sidelit made of the module, `source` the annotated file that explains it, if it is on the site.
    """

    def __init__(self, title: str, file: File, config: MkDocsConfig, made: Page, source: Source | None) -> None:
        super().__init__(title, file, config)
        self.made = made
        self.source = source

    def read_source(self, config: MkDocsConfig) -> None:
        """There is none."""
        self.markdown = ""

    def render(self, config: MkDocsConfig, files: Files) -> None:
        """Take what was made. Its content is put in when it is written."""
        self.meta = {"api": True, "summary": self.made.summary}
        self.content = ""
        self.toc = table_of_contents(self.made.headings)
        self.present_anchor_ids = set(self.made.anchors)


class ApiReference:
    """
    ## The reference of one build

    * `wanted` says what is asked for; without it, all here is empty
    * `options` are the plugin's, `cache` keeps descriptions and pages between builds
    * `modules` are the modules that may have a page, once the sources are known
    * `linking` knows where the stories are, `typesetting` makes formulas, `teller` hears what could not be documented
    """

    def __init__(
        self, wanted: Wanted, options: Options, cache: Cache, linking: Linking, typesetting: Typesetting, teller: Teller
    ) -> None:
        self._wanted = wanted
        self._options = options
        self._cache = cache
        self._linking = linking
        self._typesetting = typesetting
        self._teller = teller
        self._sources: Sequence[Source] = ()
        self._pages: Sequence[ApiPage] = ()
        self._places: Mapping[str, tuple[ApiPage, frozenset[str]]] = {}
        self.modules: frozenset[str] = frozenset()

    def choose(self, sources: Iterable[Source]) -> None:
        """
        ### Find the modules, among the sources of the site and elsewhere
        """
        if self._wanted:
            self._sources = [source for source in sources if not source.is_markdown]
            self.modules = frozenset(find_modules(self._wanted, self._sources))

    def add(self, files: Files, config: MkDocsConfig) -> None:
        """
        ### Add its pages to MkDocs' files, and to its navigation

        The modules are imported in a process of their own, if they have changed since they last were. One that cannot
        be is told of, and has no page.
        """
        if not self._wanted:
            return
        if reason := lack() if self.modules else "`api` means no module, so there is no API reference":
            log.warning(reason)
            return
        folders = config.use_directory_urls
        modules = sorted(self.modules)
        roots = import_roots(modules, self._sources)
        description = describe(modules, roots, mock=self._wanted.mock, folders=folders, cache=self._cache)
        by_module = {source.module: source for source in self._sources}
        option = Diagnostic(self._wanted.path, self._wanted.line, self._wanted.column, "api", "")
        self._teller.tell(_problem(failure, by_module, option) for failure in description.failures)

        given = titles(config.nav)
        made = self._make(description, by_module, folders)
        pages = []
        for each in made:
            uri = page_uri(each.title) if each is not made[0] else INDEX
            file = File.generated(config, uri, content="")
            file.dest_uri = page_address(uri, folders)
            file.edit_uri = None
            pages.append(ApiPage(given.get(uri, each.title), file, config, each, by_module.get(each.title)))
        self._pages, clashes = _with_room(pages, files)
        self._teller.tell(replace(option, rule="address", message=message) for message in clashes)
        self._places = {
            page.made.title: (page, frozenset(page.made.anchors)) for page in self._pages if page.file.src_uri != INDEX
        }
        for page in self._pages:
            files.append(page.file)
        if config.nav is not None:
            config.nav = [*config.nav, *rest_of_nav(self._pages, config.nav)]

    def _make(self, description: Description, explained: Collection[str], folders: bool) -> list[Page]:
        """The list of modules and their pages, from the cache where nothing has changed."""
        if not (modules := description.modules):
            return []
        # Few sites have a reference, and what makes its pages takes long to import.
        from sidelit.api.page import make_index_page, make_module_page

        maker = digest(fingerprint.of_generator(), (PACKAGE / "api" / "page.py").read_bytes())
        options = repr((self._options.allow_html, self._options.docstrings, folders))
        keys = {module.name: digest(maker, options, repr(module), str(module.name in explained)) for module in modules}
        kept = self._cache.get_many("api-page", keys.values())

        def made(module: Described) -> Page:
            if data := kept.get(keys[module.name]):
                try:
                    return from_bytes(data)
                except (ValueError, KeyError, TypeError):
                    # A foreign entry in the cache: the page is made again.
                    pass
            page = make_module_page(
                module,
                allow_html=self._options.allow_html,
                docstrings=self._options.docstrings,
                is_explained=module.name in explained,
            )
            self._cache.put("api-page", keys[module.name], to_bytes(page))
            return page

        addresses = [quote(module.name) + ("/" if folders else ".html") for module in modules]
        return [make_index_page(modules, addresses, allow_html=self._options.allow_html), *map(made, modules)]

    def put_last(self, nav: Any) -> None:
        """
        ### Put the reference behind the stories, in order

        Where nobody wrote a navigation, MkDocs makes a section of each folder, and `pkg.model.md` comes before
        `pkg.md`.
        """
        for section in [item for item in nav.items if item.is_section and isinstance(item.children[0], ApiPage)]:
            section.title, section.children = TITLE, list(self._pages)
            nav.items.remove(section)
            nav.items.append(section)
            nav.pages[:] = [*(page for page in nav.pages if not isinstance(page, ApiPage)), *self._pages]
            for page, other in zip(nav.pages, [*nav.pages[1:], None], strict=True):
                page.next_page = other
                if other:
                    other.previous_page = page
            nav.pages[0].previous_page = None

    def way(self, link: Link, page: AnnotatedPage) -> str:
        """
        ### From a section to its entry

        Empty where it has none.
        """
        entry, anchors = self._places.get(page.source.module, (None, frozenset()))
        if entry is None or (link.target and link.target not in anchors):
            return ""
        return relative_url(entry.url, page.url) + (f"#{quote(link.target)}" if link.target else "")

    def content(self, page: ApiPage) -> str:
        """
        ### A page as the reader shall see it
        """

        def typeset(each: Formula) -> str:
            if self._typesetting.refuses(each):
                return f'<code class="tex-error">{escape(each.tex)}</code>'
            return self._typesetting.html(each)

        def address(link: Link) -> str:
            if link.kind == "story":
                place = self._linking.place(*link.target.split(":"))
                return relative_url(place, page.url) if place else ""
            # What a library's docstring means by an address, nobody here can tell.
            return self._linking.from_elsewhere(link.target, page.source, page.url) if page.source else "#"

        return finish(page.made, typeset, address, str)


def rest_of_nav(pages: Iterable[ApiPage], nav: Sequence[Any]) -> list[Any]:
    """
    ## The entries that a navigation lacks
    """
    named = sources_in(nav)
    uris = [page.file.src_uri for page in pages if page.file.src_uri not in named]
    return [{TITLE: uris}] if uris else []


def _with_room(pages: Sequence[ApiPage], files: Files) -> tuple[list[ApiPage], list[str]]:
    """Return the pages whose addresses nobody has, and what is wrong with the others."""
    taken = {portable.place(file.dest_uri): file for file in files}
    kept, problems = [], []
    for page in pages:
        file = page.file
        other = taken.setdefault(portable.place(file.dest_uri), file)
        if other is not file:
            problems.append(portable.clash(file.dest_uri, other.src_uri, other.dest_uri))
        elif problem := portable.problem(file.dest_uri):
            problems.append(problem)
        if other is file and portable.is_writable(file.dest_uri):
            kept.append(page)
    return kept, problems


# ## What is wrong


def _problem(failure: Failure, sources: Mapping[str, Source], option: Diagnostic) -> Diagnostic:
    """Say which module could not be documented, at the line of a source where it went wrong, or else at the option."""
    library = failure.missing.partition(".")[0]
    advice = ""
    if library and library != failure.name.partition(".")[0]:
        advice = f"; install {library} where the site is built, or name it in `mock`"
    message = f"`{failure.name}` cannot be imported, so it is not in the API reference: {failure.reason}{advice}"
    for source in sources.values():
        if failure.file and source.path.resolve() == Path(failure.file).resolve():
            return Diagnostic(source.shown, max(1, failure.line), 1, "api", message)
    if failure.name in sources:
        return Diagnostic(sources[failure.name].shown, 1, 1, "api", message)
    return replace(option, message=message)
