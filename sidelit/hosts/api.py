"""
# The API reference in a MkDocs site

This module gives the plugin the pages of the [reference](../api/__init__.py): a list of the modules at `api/index.html`
and a page for each, in a section of the navigation that is called API. In a navigation and in links, they are named as
if each was a Markdown file: `api/index.md`, `api/my_package.model.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page as HostPage

from sidelit import fingerprint, portable
from sidelit.api.describe import Described, Description, Failure, describe
from sidelit.api.page import make_index_page, make_module_page
from sidelit.api.wanted import INDEX, Wanted, import_roots, page_uri
from sidelit.cache import Cache, digest
from sidelit.diagnostic import Diagnostic
from sidelit.hosts.nav import sources_in, table_of_contents, titles
from sidelit.page import Page, from_json, to_json
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


@dataclass(frozen=True)
class Reference:
    """
    ## The reference of a site

    * `pages` are its pages, the list of modules first
    * `places` has the page and the anchors of each module by its name
    * `problems` are what could not be documented
    """

    pages: tuple[ApiPage, ...] = ()
    places: Mapping[str, tuple[ApiPage, frozenset[str]]] = field(default_factory=dict)
    problems: tuple[Diagnostic, ...] = ()

    def address(self, module: str, qualname: str) -> str:
        """Return where an entry is from the top of the site, empty where there is none."""
        page, anchors = self.places.get(module, (None, frozenset()))
        if page is None or (qualname and qualname not in anchors):
            return ""
        return f"{page.url}#{quote(qualname)}" if qualname else page.url


def reference(
    wanted: Wanted, modules: Sequence[str], sources: Sequence[Source], files: Files, config: MkDocsConfig, cache: Cache,
    *, allow_html: bool, docstrings: str,
) -> Reference:  # fmt: skip
    """
    ## Make the reference

    Of those of the `modules` whose pages find room beside the site's `files`. They are imported in a process of their
    own, if they have changed since they last were. One that cannot be is named among the problems, and has no page.
    """
    option = Diagnostic(wanted.path, wanted.line, wanted.column, "api", "")
    folders = config.use_directory_urls
    description = describe(modules, import_roots(modules, sources), mock=wanted.mock, folders=folders, cache=cache)
    by_module = {source.module: source for source in sources if not source.is_markdown}
    problems = [_problem(failure, by_module, option) for failure in description.failures]
    made = _make(description, set(by_module), folders, cache, allow_html, docstrings)
    if not made:
        return Reference(problems=tuple(problems))

    given = titles(config.nav)

    def page(uri: str, title: str, content: Page, source: Source | None = None) -> ApiPage:
        file = File.generated(config, uri, content="")
        file.dest_uri = page_address(uri, folders)
        file.edit_uri = None
        return ApiPage(given.get(uri, title), file, config, content, source)

    index, *rest = made
    pages = [page(INDEX, "API reference", index)]
    pages += [page(page_uri(each.title), each.title, each, by_module.get(each.title)) for each in rest]
    pages, clashes = _with_room(pages, files)
    problems += [replace(option, rule="address", message=message) for message in clashes]
    places = {each.made.title: (each, frozenset(each.made.anchors)) for each in pages if each.file.src_uri != INDEX}
    return Reference(tuple(pages), places, tuple(problems))


def rest_of_nav(reference: Reference, nav: Sequence[Any]) -> list[Any]:
    """
    ## The entries that a navigation lacks
    """
    named = sources_in(nav)
    uris = [page.file.src_uri for page in reference.pages if page.file.src_uri not in named]
    return [{TITLE: uris}] if uris else []


def put_last(reference: Reference, nav: Any) -> None:
    """
    ## Put the reference behind the stories, in order

    Where nobody wrote a navigation, MkDocs makes a section of each folder, and `pkg.model.md` comes before `pkg.md`.
    """
    for section in [item for item in nav.items if item.is_section and isinstance(item.children[0], ApiPage)]:
        section.title, section.children = TITLE, list(reference.pages)
        nav.items.remove(section)
        nav.items.append(section)
        nav.pages[:] = [*(page for page in nav.pages if not isinstance(page, ApiPage)), *reference.pages]
        for page, other in zip(nav.pages, [*nav.pages[1:], None], strict=True):
            page.next_page = other
            if other:
                other.previous_page = page
        nav.pages[0].previous_page = None


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


def _make(
    description: Description, explained: set[str], folders: bool, cache: Cache, allow_html: bool, docstrings: str
) -> list[Page]:
    """The list of modules and their pages, from the cache where nothing has changed."""
    modules = description.modules
    if not modules:
        return []
    maker = digest(fingerprint.of_generator(), (PACKAGE / "api" / "page.py").read_bytes())
    options = repr((allow_html, docstrings, folders))
    keys = {module.name: digest(maker, options, repr(module), str(module.name in explained)) for module in modules}
    kept = cache.get_many("api-page", keys.values())

    def made(module: Described) -> Page:
        if data := kept.get(keys[module.name]):
            try:
                return from_json(data)
            except (ValueError, KeyError, TypeError):
                # A foreign entry in the cache: the page is made again.
                pass
        page = make_module_page(
            module, allow_html=allow_html, docstrings=docstrings, is_explained=module.name in explained
        )
        cache.put("api-page", keys[module.name], to_json(page))
        return page

    addresses = [f"{quote(module.name)}/" if folders else f"{quote(module.name)}.html" for module in modules]
    index = make_index_page(modules, addresses, allow_html=allow_html)
    return [index, *map(made, modules)]


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
