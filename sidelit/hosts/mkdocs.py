r"""
# The MkDocs plugin

`plugins: - sidelit: {sources: [my_package]}` gives a MkDocs site a page for every annotated source and every readme of
the trees it names. MkDocs keeps what is MkDocs': configuration, navigation, templates, the sitemap. This module hands
it pages, in the order in which MkDocs asks:

1. it finds the sources and adds them to MkDocs' files and navigation;
2. it makes each page, or takes it from the cache, and sends its formulas to MathJax, which works while Python goes on;
3. when all pages are known, it resolves the links between them;
4. it puts formulas and links into the bodies as MkDocs writes them;
5. it writes what the whole site shares: the style sheet of the formulas, the site tree, the search index.

The same module serves ProperDocs, which answers to the name `mkdocs`.
"""

from __future__ import annotations

import json
import logging
import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urljoin

from markdown.extensions.toc import nest_toc_tokens
from markupsafe import Markup
from mkdocs.config import base
from mkdocs.config import config_options as option
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, CombinedEvent, event_priority, get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page as HostPage
from mkdocs.structure.toc import AnchorLink, TableOfContents, get_toc
from mkdocs.utils import normalize_url
from platformdirs import user_cache_path
from tqdm import tqdm

from sidelit import formula, mathjax, portable, prose, search
from sidelit.cache import Cache
from sidelit.check import duplicate_titles, sharpened
from sidelit.diagnostic import Diagnostic
from sidelit.dialects import DIALECTS
from sidelit.formula import Formula, Link, Slot
from sidelit.hosts import repository, shelf
from sidelit.hosts.nav import home_page, rest_of_nav, titles, tree_script
from sidelit.hosts.verified import comparison_page, comparison_uri
from sidelit.inventories import Inventory, load_inventories
from sidelit.links import Anchors, SiteMap, Target, relative_url, resolve, url_of
from sidelit.names import NameIndex
from sidelit.page import Page, finish, redirection
from sidelit.prose import Heading
from sidelit.references import Reference
from sidelit.rules import Switch, levels_of_build, read_settings, switched_off, unknown_switches
from sidelit.selection import GlobError, Globs
from sidelit.settings import SettingsError, project_rules
from sidelit.source import decode, split_lines, take_switches
from sidelit.symbols import Symbol, unused_symbols
from sidelit.theme import ASSETS, SCRIPTS, TEMPLATES
from sidelit.tree import (
    PACKAGE_FILES,
    Mount,
    Source,
    common_folder,
    escapes,
    find_sources,
    mount,
    name_of,
    page_address,
    shown_path,
)
from sidelit.workshop import Order, Workshop

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

# MkDocs counts the warnings of its own loggers only. A diagnostic is a whole line by itself and gets no prefix.
log = get_plugin_logger("sidelit").logger

# Where a browser finds MathJax when the formulas are left to it, and the hash that the file must have.
CDN_SRC = "https://cdn.jsdelivr.net/npm/mathjax@4.1.3/tex-mml-chtml.js"
CDN_INTEGRITY = "sha384-OrHfGTnIbkl0do3N76qW/uWr38o91N05sbSPuYBPLH+hG8X/dNSrjZf3AGjzrCwC"

MATH_SHEET = f"{ASSETS}/math.css"
SEARCH_INDEX = f"{ASSETS}/search-index.js"
TREE = f"{ASSETS}/tree.js"
FONTS = f"{ASSETS}/fonts"


class Options(base.Config):
    """
    ## The plugin's options

    * `sources` are the trees: a path, or `{path: …, at: …}` where `at` is the folder of the site it goes to
    * `include` and `exclude` are globs, as in a `.gitignore`, that say which files of the trees are meant
    * `allow_html` keeps the HTML in the prose; say `false` where the sources are other people's
    * `docstrings` is their dialect: `markdown`, `google`, `numpy` or `sphinx`, or `auto` to find it out
    * `math` is `build` (typeset now, with Node) or `client` (in the reader's browser)
    * `mathjax_src` is where a browser gets MathJax from with `math: client`, `mathjax_integrity` its hash
    * `macros` are TeX macros: name to text, or to `[text, number of arguments]`
    * `inventories` say where other libraries are documented: the address of their documentation, or
      `{path: …, at: …}` for an inventory on the disk and that address
    * `proofs` is a file of [proofs](../proofs.py), which pages show
    * `rules` are levels of rules: name to `off`, `warning` or `error`
    * `cache` is the folder where results are kept between builds, by default the user's own cache folder
    """

    sources = option.ListOfItems(option.Type((str, dict)), default=[])
    include = option.ListOfItems(option.Type(str), default=[])
    exclude = option.ListOfItems(option.Type(str), default=[])
    allow_html = option.Type(bool, default=True)
    docstrings = option.Choice(DIALECTS, default="auto")
    math = option.Choice(("build", "client"), default="build")
    mathjax_src = option.Type(str, default=CDN_SRC)
    mathjax_integrity = option.Type(str, default=CDN_INTEGRITY)
    macros = option.Type(dict, default={})
    inventories = option.ListOfItems(option.Type((str, dict)), default=[])
    proofs = option.Type(str, default="")
    rules = option.Type(dict, default={})
    cache = option.Type(str, default="")


class AnnotatedFile(File):
    """
    ### A source, as MkDocs' file

    MkDocs knows documents by the ending `.md`. This one is a document whatever it is called.
    """

    def __init__(self, source: Source, config: MkDocsConfig) -> None:
        address = page_address(source.uri, config.use_directory_urls)
        super().__init__(source.uri, None, config.site_dir, config.use_directory_urls, dest_uri=address)
        self.source = source
        self.abs_src_path = str(source.path)
        self.generated_by = "sidelit"
        self.edit_uri = _edit_uri(source.path, config)
        if source.is_package:
            self.name = "index"

    def is_documentation_page(self) -> bool:
        """Yes: it becomes a page."""
        return True


class AnnotatedPage(HostPage):
    """
    ### An annotated page, as MkDocs' page

    MkDocs asks a page to read its source and to render it. `made` is what sidelit made of it.
    """

    made: Page

    def __init__(self, title: str | None, file: AnnotatedFile, config: MkDocsConfig, plugin: SidelitPlugin) -> None:
        super().__init__(title, file, config)
        self._given = title
        self.source = file.source
        self._plugin = plugin

    def read_source(self, config: MkDocsConfig) -> None:
        """Leave the reading to `render`, which may not need it."""
        self.markdown = ""

    def render(self, config: MkDocsConfig, files: Files) -> None:
        """Make the page. Its content is put in when it is written."""
        self.made = self._plugin.make(self, files)
        # A title in the navigation comes first. In MkDocs, those that were read from a page are HTML.
        self.title = self._given or escape(self.made.title, quote=False)
        self.meta = {"annotated": True, "summary": self.made.summary}
        self.content = ""
        self.toc = _table_of_contents(self.made.headings)
        self.present_anchor_ids = Anchors(frozenset(self.made.anchors), self.made.code_lines)  # type: ignore[assignment]


class SidelitPlugin(BasePlugin[Options]):
    """
    ## The plugin

    `show_progress` is for a terminal; the command line sets it. With `goes_on`, what runs beside a build is kept after
    it, so that a server can have single pages [made again](#SidelitPlugin.write_again).
    """

    show_progress = False
    goes_on = False

    def __init__(self) -> None:
        # What runs during one build and has to be stopped, whether it ends well or in an error.
        self._running = ExitStack()

    # ### Settings

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Check the options and start what lasts for one build."""
        self._host_config = config
        self._root = Path(config.config_file_path).parent if config.config_file_path else Path.cwd()
        self._mounts = [self._mount(entry) for entry in self.config.sources]
        self._globs = self._read_globs()
        self._top = common_folder(self._mounts)
        self._repo_url = config.repo_url or ""
        self._checkout = repository.checkout(self._root) if self._repo_url else None
        self._found: dict[str, list[Diagnostic]] = defaultdict(list)
        self._switched: dict[str, frozenset[tuple[int, str]]] = {}
        self._read_rules(config)
        self._cache = Cache(self._root / self.config.cache if self.config.cache else user_cache_path("sidelit"))
        self._running.callback(self._cache.close)
        self._inventory = self._read_inventories()
        self._math = self._start_math()
        self._workshop = Workshop(self._cache)
        self._running.callback(self._workshop.close)
        self._theirs: dict[str, list[Slot]] = {}
        self._has_math = False
        self._progress = tqdm(desc="pages", unit="page", disable=not self.show_progress, leave=False)
        self._rules: set[tuple[str, ...]] = set()
        self._mathml: dict[str, str] = {}
        self._indexed: list[search.Indexed] = []

        # Another theme lacks the two columns and what readers can do with them, and searches in its own way.
        self._own_theme = config.theme.name == "sidelit"
        if not self._own_theme:
            config.extra_css.insert(0, f"{ASSETS}/pages.css")
            config.extra_javascript += [f"{ASSETS}/{name}" for name in SCRIPTS]
        config.extra.setdefault("sidelit", {})["search"] = self._own_theme and self._can_search()
        return config

    def _can_search(self) -> bool:
        if _search_library():
            return True
        log.warning("MiniSearch is not installed: run `npm ci` in the checkout; this site has no search")
        return False

    def _read_rules(self, config: MkDocsConfig) -> None:
        """Set how loud each rule is, and say what is wrong with that."""
        try:
            common, diagnostics = project_rules(self._root)
        except SettingsError as error:
            raise PluginError(f"sidelit: {error}") from None
        path = config.config_file_path or ""
        lines: tuple[str, ...] = ()
        if self.config.rules and path:
            lines = split_lines(Path(path).read_text(encoding="utf-8-sig", errors="replace"))
        own, problems = read_settings(self.config.rules, path, lines)
        self._levels = levels_of_build(common, own)
        self._tell([*diagnostics, *problems])

    def _mount(self, entry: Any) -> Mount:
        path, at = _path_and_place(entry, "sources")
        return mount(self._root / path, at)

    def _read_inventories(self) -> Inventory:
        """Read where other libraries are documented. What cannot be had costs its links, and no more."""
        pairs = [_path_and_place(entry, "inventories") for entry in self.config.inventories]
        places = [(path if "://" in path else str(self._root / path), at or "") for path, at in pairs]
        inventory, problems = load_inventories(places, self._cache.directory / "inventories")
        for problem in problems:
            log.info(problem)
        return inventory

    def _read_globs(self) -> Globs:
        globs = Globs(tuple(self.config.include), tuple(self.config.exclude))
        try:
            globs.check()
        except GlobError as error:
            raise PluginError(f"sidelit: {error}") from None
        return globs

    def _start_math(self) -> mathjax.MathJax | None:
        """Return the typesetter, or `None` where the reader's browser has to do it."""
        reason = mathjax.missing() if self.config.math == "build" else ""
        if self.config.math == "build" and not reason:
            math = mathjax.MathJax(macros=self.config.macros, cache=self._cache, on_progress=self._show_formulas)
            self._running.callback(math.close)
            return math
        if reason:
            log.info(f"{reason}; formulas are left to the reader's browser, as with `math: client`")
        return None

    def _show_formulas(self, done: int, asked: int) -> None:
        self._progress.set_postfix_str(f"{done} of {asked} new formulas")

    # ### 1. Files and navigation

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Add every source to MkDocs' files, and to its navigation."""
        self._check_docs(files, config)
        sources, diagnostics = find_sources(self._mounts, self._globs)
        taken = {portable.place(file.dest_uri): file for file in files.documentation_pages()}
        given = titles(config.nav)
        added: list[File] = []
        told: set[str] = set()

        # Hand-written prose comes first where two want one address.
        for source in sorted(sources, key=lambda source: not source.is_markdown):
            # A tree may lie in `docs`. Readmes are pages there already, and code is not only to be copied.
            there = files.get_file_from_path(source.uri)
            if there and os.path.realpath(there.abs_src_path or "") == os.path.realpath(source.path):
                if there.is_documentation_page():
                    continue
                files.remove(there)

            file = self._host_file(source, config)
            other = taken.get(portable.place(file.dest_uri)) or files.get_file_from_path(source.uri)
            problem = _clash(file, other) if other else portable.problem(file.dest_uri)
            if problem and problem not in told:
                told.add(problem)
                diagnostics.append(Diagnostic(source.shown, 1, 1, "address", problem))
            if other or not portable.is_writable(file.dest_uri):
                continue
            taken[portable.place(file.dest_uri)] = file
            files.append(file)
            added.append(file)
            if isinstance(file, AnnotatedFile):
                AnnotatedPage(given.get(source.uri), file, config, self)

        added.sort(key=lambda file: file.src_uri)
        diagnostics += self._read_proofs(added, files, config)
        pages = [*added, *([self._comparison] if self._comparison else [])]
        self._give_places([file.src_uri for file in pages], files, config)
        self._add_assets(files, config)

        by_uri = {source.uri: source for source in sources}
        self._sources = {file.src_uri: by_uri[file.src_uri] for file in added}
        self._places_of = {str(source.path): uri for uri, source in self._sources.items()}
        self._addresses = {file.src_uri: file.dest_uri for file in added}

        self._workshop.order([self._order(file.page) for file in added if isinstance(file.page, AnnotatedPage)])

        # Each page is made first, and written later.
        self._progress.reset(total=2 * len(files.documentation_pages()))
        self._tell(diagnostics)
        return files

    def _read_proofs(self, added: Iterable[File], files: Files, config: MkDocsConfig) -> list[Diagnostic]:
        """Read what is verified of the sources, and add the page that compares it."""
        self._shelf, self._comparison = shelf.Shelf(), None
        annotated = [file for file in added if isinstance(file, AnnotatedFile)]
        self._urls = {file.source.path: file.url for file in annotated}
        if not self.config.proofs:
            return []
        self._shelf, diagnostics = shelf.read_shelf(self._root / self.config.proofs, self._top)
        if proven := [(each.src_uri, each.source.path) for each in annotated if each.source.path in self._shelf.proofs]:
            uri = comparison_uri(uri for uri, _ in proven)
            if files.get_file_from_path(uri) is None:
                page = comparison_page(self._shelf, proven, self._cache)
                files.append(File.generated(config, uri, content=page))
            self._comparison = files.get_file_from_path(uri)
        return [*diagnostics, *shelf.outdated(self._shelf, self._urls, self._cache)]

    def _give_places(self, uris: Sequence[str], files: Files, config: MkDocsConfig) -> None:
        """Put pages into the navigation that the user wrote, and make a home page, to which every page leads."""
        if config.nav is not None:
            config.nav = [*config.nav, *rest_of_nav(uris, config.nav)]
        if all(file.dest_uri != "index.html" for file in files):
            files.append(File.generated(config, "index.md", content=home_page(config.site_name, uris)))
            if config.nav is not None:
                config.nav = ["index.md", *config.nav]

    def _host_file(self, source: Source, config: MkDocsConfig) -> File:
        if not source.is_markdown:
            return AnnotatedFile(source, config)
        file = File.generated(config, source.uri, abs_src_path=str(source.path))
        file.dest_uri = page_address(source.uri, config.use_directory_urls)
        file.name = posixpath.splitext(posixpath.basename(source.uri))[0]
        file.edit_uri = _edit_uri(source.path, config)
        file.content_string = self._text_of(source.path, source.shown)
        return file

    def _check_docs(self, files: Files, config: MkDocsConfig) -> None:
        """Keep MkDocs from what it would publish, or fall over: links out of `docs`, and files that are not UTF-8."""
        docs = Path(config.docs_dir)
        for file in list(files):
            if file.src_dir is None or Path(file.src_dir) != docs:
                continue
            path = docs / file.src_uri
            if escapes(path, docs):
                files.remove(file)
                message = "a symbolic link out of the folder is not published; put a copy in its place"
                self._tell([Diagnostic(name_of(path, self._top), 1, 1, "link-out-of-tree", message)])
            elif file.is_documentation_page():
                try:
                    path.read_text(encoding="utf-8-sig")
                except (UnicodeDecodeError, OSError):
                    file.content_string = self._text_of(path, name_of(path, self._top))

    def _text_of(self, path: Path, shown: str) -> str:
        """Read a Markdown file, whatever is in it."""
        try:
            text, diagnostics = decode(path.read_bytes(), shown)
        except OSError as error:
            text, diagnostics = "", [Diagnostic(shown, 1, 1, "source", f"cannot be read: {error.strerror}")]
        self._tell(diagnostics)
        return text

    def _add_assets(self, files: Files, config: MkDocsConfig) -> None:
        """Bring along what the pages need in another theme, or what ours takes from npm."""
        if self._own_theme:
            assets = _search_library()
        else:
            names = ("pages.css", "mathjax-config.js", *SCRIPTS)
            assets = {name: TEMPLATES / ASSETS / name for name in names}
        for name, path in assets.items():
            uri = f"{ASSETS}/{name}"
            if files.get_file_from_path(uri) is None:
                files.append(File.generated(config, uri, abs_src_path=str(path)))

    # ### 2. Pages

    def make(self, page: AnnotatedPage, files: Files) -> Page:
        """Fetch a page and send its formulas away."""
        made = self._workshop.page(self._order(page))
        self._switch(page.source.shown, made.switches)
        for link in [*made.links, *filter(None, (made.image,))]:
            if link.kind != "repository":
                self._publish(page.source, link.target, files)
        self._request(made.formulas, _pairs(made.symbols))
        self._request([symbol.formula for symbol in made.symbols])
        self._progress.update()
        return made

    def _order(self, page: AnnotatedPage) -> Order:
        form = repository.line_form(page.edit_url or "")
        proof = shelf.verified(
            self._shelf,
            page.source.path,
            self._cache,
            url=page.file.url,
            addresses=self._urls,
            comparison=self._comparison.url if self._comparison else "",
            lines=form,
        )
        parents = tuple(self._parents(page))
        return Order(page.source, parents, form, self.config.allow_html, self.config.docstrings, proof)

    def _request(self, formulas: Sequence[Formula], symbols: mathjax.Symbols = ()) -> None:
        self._has_math |= bool(formulas)
        if self._math:
            self._math.request(formulas, symbols)

    def _parents(self, page: AnnotatedPage) -> Iterator[tuple[str, str]]:
        """The pages above: the home page, then each package that has a page."""
        yield "home", relative_url("" if page.file.use_directory_urls else "index.html", page.file.url)
        folder = ""
        for name in posixpath.dirname(page.source.uri).split("/"):
            folder = posixpath.join(folder, name)
            package = (posixpath.join(folder, each) for each in PACKAGE_FILES)
            if address := next(filter(None, map(self._addresses.get, package)), ""):
                yield name, relative_url(url_of(address, page.file.use_directory_urls), page.file.url)

    def _publish(self, source: Source, target: str, files: Files) -> None:
        """Put a file of the tree that a page refers to, such as an image, beside the page."""
        relative = unquote(target.partition("#")[0])
        place = posixpath.normpath(posixpath.join(posixpath.dirname(source.uri), relative))
        file = source.path.parent / relative
        if not relative or place.startswith("/") or files.get_file_from_path(place):
            return

        # What is hidden, or behind a hidden folder such as `.git`, was not meant to be published.
        if any(part.startswith(".") for part in place.split("/")):
            return

        # Not `Path.is_file`, which raises for a name that is too long.
        if file.suffix in (".py", ".pyi", ".md") or not os.path.isfile(file):
            return
        root = next(each.path for each in self._mounts if source.path.is_relative_to(each.path))
        if not escapes(file, root if root.is_dir() else root.parent):
            files.append(File.generated(self._host_config, place, abs_src_path=str(file)))

    def on_page_markdown(self, markdown: str, *, page: HostPage, config: MkDocsConfig, files: Files) -> str | None:
        """Lift the math out of the site's other Markdown, which MkDocs renders."""
        if isinstance(page, AnnotatedPage):
            return None
        source = self._sources.get(page.file.src_uri)
        text = page.file.content_string
        skipped = text[: len(text) - len(markdown)].count("\n") if text.endswith(markdown) else 0
        origins = [(skipped + number, 1) for number in range(1, markdown.count("\n") + 2)]
        shown = source.shown if source else name_of(Path(config.docs_dir) / page.file.src_uri, self._top)
        if source:
            for target in _TARGET.finditer(markdown):
                self._publish(source, target[1] or target[2], files)
        docs = list(zip(markdown.split("\n"), origins, strict=True))
        if switches := take_switches(docs):
            self._switch(shown, switches)
            self._tell(unknown_switches(switches, shown))
            markdown, origins = "\n".join(text for text, _ in docs), [origin for _, origin in docs]
        slots = self._theirs[page.file.src_uri] = []
        lifted = formula.lift(markdown, shown, origins, slots)
        return _TARGET.sub(lambda target: self._as_in_the_site(target, source), lifted) if source else lifted

    def _as_in_the_site(self, target: re.Match[str], source: Source) -> str:
        """Return a link to a source by its place in the site, in which a folder `src` does not count."""
        relative, mark, anchor = (target[1] or target[2]).partition("#")
        place = self._places_of.get(os.path.normpath(source.path.parent / unquote(relative)))
        if not relative or place is None:
            return target[0]
        link = quote(posixpath.relpath(place, posixpath.dirname(source.uri) or "."))
        return target[0].replace(target[1] or target[2], f"{link}{mark}{anchor}")

    def on_page_content(self, html: str, *, page: HostPage, config: MkDocsConfig, files: Files) -> str | None:
        """Send the formulas of MkDocs' Markdown away, and make its titles readable."""
        slots = self._theirs.get(page.file.src_uri)
        if slots is None:
            return None
        if page.file.src_uri in self._sources and not self.config.allow_html:
            html = prose.sanitise(html)
        asked = list(formula.contents(html, slots))
        self._tell(item for item in asked if isinstance(item, Diagnostic))
        self._request([item for item in asked if isinstance(item, Formula)])
        self._progress.update()
        if page.title:
            # Front matter may give a number.
            page.title = formula.plain(str(page.title), slots)
        for item in _all_items(page.toc):
            item.title = formula.plain(item.title, slots)
        return html

    # ### 3. Links

    def on_nav(self, nav: Any, *, config: MkDocsConfig, files: Files) -> Any:
        """Keep the navigation, whose titles are not yet all known."""
        self._nav = nav
        return nav

    def on_env(self, env: Any, *, config: MkDocsConfig, files: Files) -> Any:
        """Resolve every link, now that all pages and their anchors are known."""
        self._env, self._files = env, files
        self._know_pages(files)
        pages = [file.page for file in files if isinstance(file.page, AnnotatedPage) and hasattr(file.page, "made")]
        self._tell(duplicate_titles((page.made.title, page.source.shown, page.made.title_line) for page in pages))
        self._follows: dict[str, bool] = {}
        if self._math and self._has_math:
            config.extra_css.append(MATH_SHEET)
        return env

    def _know_pages(self, files: Files) -> None:
        """Note what links and names may lead to."""
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

    # ### 4. Bodies

    @event_priority(100)
    def _show_search(self, context: Any, *, page: HostPage, config: MkDocsConfig, nav: Any) -> Any:
        """
        Show the page to search plugins as they shall index it: headings and text, with the TeX of formulas. What the
        search of our own theme knows is put down here too.

        Typeset formulas read as garbage there, and parsing whole pages costs more than the rest of a build.
        """
        self._kept = page.content, page.toc
        if config.extra["sidelit"]["search"]:
            self._index(page)
        if isinstance(page, AnnotatedPage):
            page.content = _search_text(page.made)

            # Search plugins look each heading up in the table of contents, from its start. An iterator goes on
            # where it stopped, so that a page of ten thousand sections costs as many steps and not their square.
            page.toc = iter([AnchorLink(_html(e.title), e.anchor, 1) for e in page.made.entries])  # type: ignore[assignment]
        elif (slots := self._theirs.get(page.file.src_uri)) is not None:
            page.content = formula.fill(page.content or "", slots, lambda each: escape(each.tex))
        return context

    def _index(self, page: HostPage) -> None:
        title = Markup(str(page.title or "")).striptags()
        if not isinstance(page, AnnotatedPage):
            slots = self._theirs.get(page.file.src_uri, [])
            entries = search.entries_of(page.content or "", slots, "", title)
            self._indexed.append(search.Indexed(page.url, title, entries))
        elif not page.made.redirect:
            self._indexed.append(search.Indexed(page.url, title, page.made.entries))

    @event_priority(-100)
    def _show_reader(self, context: Any, *, page: HostPage, config: MkDocsConfig, nav: Any) -> Any:
        """Show the page to the template as the reader shall see it."""
        content, page.toc = self._kept
        if isinstance(page, AnnotatedPage):
            self._tell(page.made.diagnostics)
            if page.made.image:
                page.meta["image"] = self._from_the_top(page.made.image, page)
            page.content = self._finish(page)
            has_math = bool(page.made.formulas)
        else:
            slots = self._theirs.get(page.file.src_uri, [])
            page.content = formula.fill(content or "", slots, self._typeset)
            has_math = bool(slots)
        page.content = self._mark_images(page.content, page)
        if has_math and not self._math:
            page.content += self._client_scripts(page)
        preload = [f"{FONTS}/{name}" for name in mathjax.PRELOAD] if has_math and self._math else []
        config.extra.setdefault("sidelit", {})["preload"] = preload
        return context

    on_page_context = CombinedEvent(_show_search, _show_reader)

    def _finish(self, page: AnnotatedPage) -> str:
        """Put formulas, links and names into the body, and tell which symbols no formula holds."""
        made, found = page.made, set[int]()
        body = finish(
            made,
            lambda formula: self._typeset(formula, _pairs(made.symbols), found),
            lambda link: self._address(link, page),
            lambda reference: self._definition(reference, page),
        )
        if self._math:
            for number, symbol in enumerate(made.symbols):
                # TeX that MathJax refuses is told as such.
                if isinstance(result := self._math.typeset(symbol.formula), Diagnostic):
                    self._tell([result])
                elif number not in found:
                    self._tell(unused_symbols([symbol]))
        return body

    def _definition(self, reference: Reference, page: AnnotatedPage) -> str:
        """Return the address of what a name refers to, empty where there is none."""
        if not (found := self._names.locate(reference.target)):
            outside = map(self._inventory.find, self._names.outside(reference.target))
            return next(filter(None, outside), "")
        module, qualname = found
        url, places = self._places[module]
        anchor = f"#{quote(places[qualname])}" if qualname in places else ""
        return anchor if url == page.url and anchor else relative_url(url, page.url) + anchor

    def _typeset(self, each: Formula, symbols: mathjax.Symbols = (), found: set[int] | None = None) -> str:
        if self._math is None:
            opening, closing = (r"\[", r"\]") if each.display else (r"\(", r"\)")
            return f'<span class="math">{opening}{escape(each.tex)}{closing}</span>'
        result = self._math.typeset(each, symbols)
        if isinstance(result, Diagnostic):
            self._tell([result])
            return f'<code class="tex-error">{escape(each.tex)}</code>'
        self._rules.add(result.rules)
        if found is not None:
            found.update(result.found)
        if self._own_theme and each.tex not in self._mathml:
            self._mathml[each.tex] = search.mathml_of(result.html)
        return result.html

    def _mark_images(self, html: str, page: HostPage) -> str:
        """Mark the drawings that bring colours for the dark along. The others get a light ground there."""

        def marked(image: re.Match[str]) -> str:
            place = posixpath.normpath(posixpath.join(posixpath.dirname(page.url), unquote(image[1])))
            if place not in self._follows:
                file = self._files.get_file_from_path(place)
                self._follows[place] = file is not None and b"prefers-color-scheme" in file.content_bytes
            return f"{image[0]} data-follows" if self._follows[place] else image[0]

        return _DRAWING.sub(marked, html)

    def _client_scripts(self, page: HostPage) -> str:
        """What a page needs for its formulas to be typeset by the browser."""
        settings = escape(normalize_url(f"{ASSETS}/mathjax-config.js", page))
        src = escape(normalize_url(self.config.mathjax_src, page))
        integrity = f' integrity="{escape(self.config.mathjax_integrity)}"' if self.config.mathjax_integrity else ""
        return (
            f'\n<script defer src="{settings}" data-macros="{escape(json.dumps(self.config.macros))}"></script>'
            f'\n<script defer src="{src}" crossorigin="anonymous"{integrity}></script>'
        )

    def _address(self, link: Link, page: AnnotatedPage) -> str:
        source = page.source
        if link.kind == "repository":
            path = source.path.resolve()
            return urljoin(repository.view_url(page.edit_url or "", self._repo_url, path, self._checkout), link.target)
        if not prose.is_local(link.target):
            return link.target
        own = self._site.targets[source.uri]
        resolved = resolve(link.target, (source.uri, source.shown), self._site, own)
        self._tell(resolved.findings(link))
        return resolved.href

    def _from_the_top(self, link: Link, page: AnnotatedPage) -> str:
        """Return an address as seen from the top of the site; one that is complete stays as it is."""
        href = self._address(link, page)
        if not prose.is_local(href):
            return href
        return posixpath.normpath(posixpath.join(posixpath.dirname(page.url), href))

    def on_post_page(self, output: str, *, page: HostPage, config: MkDocsConfig) -> str:
        """Let a page lead elsewhere, and let go of what was written, so that a large site fits into memory."""
        self._progress.update()
        if not isinstance(page, AnnotatedPage):
            return output
        redirect = page.made.redirect
        page.content = None
        page.made = page.made.emptied()
        return redirection(page.made.title, self._address(redirect, page)) if redirect else output

    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Write the style sheet of the formulas with the fonts that it names, and the scripts of the whole site."""
        self._progress.close()
        site = Path(config.site_dir)
        self._write_math(site)
        if self._own_theme:
            _write(site / TREE, tree_script(self._nav).encode())
        if self._indexed:
            _write(site / SEARCH_INDEX, search.script(self._indexed, self._mathml).encode())
        if not self.goes_on:
            self.stop()

    def _write_math(self, site: Path) -> None:
        if self._math and self._has_math:
            sheet = self._math.stylesheet([mathjax.Typeset("", rules) for rules in self._rules], "fonts")
            _write(site / MATH_SHEET, sheet.encode())
            for font in self._math.fonts(sheet):
                _write(site / FONTS / font.name, font.read_bytes())

    def stop(self) -> None:
        """Stop what runs beside a build."""
        self._running.close()

    def on_build_error(self, *, error: Exception) -> None:
        """Stop what was started."""
        self._running.close()

    # ### Telling

    def _tell(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Say what is wrong, with paths that lead to the files from the current folder."""
        macros = self.config.macros
        for each in diagnostics:
            each = sharpened(each, macros)
            level = self._levels[each.rule]
            if level == "off" or (each.line, each.rule) in self._switched.get(each.path, ()):
                continue
            self._found[each.path].append(each)
            each = replace(each, path=shown_path(self._top / each.path))
            log.log(logging.ERROR if level == "error" else logging.WARNING, "%s", each, extra={"diagnostic": True})

    def _switch(self, path: str, switches: Sequence[Switch]) -> None:
        """Heed the comments in a file that switch rules off."""
        if switches:
            self._switched[path] = switched_off(switches)

    # ### Serving

    def on_serve(self, server: Any, *, config: MkDocsConfig, builder: Any) -> Any:
        """Watch the sources too."""
        proofs = [self._root / self.config.proofs] if self.config.proofs else []
        for path in [*(each.path for each in self._mounts), *proofs]:
            if path.exists():
                server.watch(str(path))
        return server


    # ### One page again

    def page_of(self, path: Path) -> AnnotatedPage | None:
        """Return the page of a source, if it has one."""
        pages = (file.page for file in self._files)
        return next((page for page in pages if isinstance(page, AnnotatedPage) and _is_at(page, path)), None)

    def write_again(self, page: AnnotatedPage) -> None:
        """
        Make and write one page again, after a build that `goes_on`.

        As MkDocs does it. Other pages stay as they are, also where they show something of this one.
        """
        from mkdocs.commands.build import get_context

        config, files = self._host_config, self._files
        self._found.pop(page.source.shown, None)
        page.render(config, files)
        self._know_pages(files)
        page.active = True
        try:
            context = get_context(self._nav, files, config, page)
            context = config.plugins.on_page_context(context, page=page, config=config, nav=self._nav)
            output = self._env.get_template("main.html").render(context)
            output = config.plugins.on_post_page(output, page=page, config=config)
        finally:
            page.active = False
        site = Path(config.site_dir)
        _write(site / page.file.dest_uri, output.encode("utf-8", "xmlcharrefreplace"))
        self._write_math(site)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Give what is wrong with each page, as the page's file and a message."""
        for file in self._files:
            if isinstance(page := file.page, AnnotatedPage):
                for each in self._found.get(page.source.shown, ()):
                    yield file.dest_uri, str(each)


# ## Small things


def _path_and_place(entry: Any, name: str) -> tuple[str, str | None]:
    """Read `path`, or `{path: …, at: …}`."""
    if isinstance(entry, str):
        entry = {"path": entry}
    path, at = entry.get("path"), entry.get("at")
    if not isinstance(path, str) or not isinstance(at, str | None) or entry.keys() - {"path", "at"}:
        raise PluginError(f"sidelit: {name}: {entry} is neither a path nor {{path: …, at: …}}")
    return path, at


def _clash(file: File, other: File) -> str:
    name = other.source.shown if isinstance(other, AnnotatedFile) else other.src_uri
    return portable.clash(file.dest_uri, name, file.dest_uri if file.src_uri == other.src_uri else other.dest_uri)


def _is_at(page: AnnotatedPage, path: Path) -> bool:
    return path.is_file() and page.source.path.resolve() == path.resolve()


def _edit_uri(path: Path, config: MkDocsConfig) -> str:
    """MkDocs counts from `docs`; the repository's host resolves the dots."""
    return posixpath.normpath(Path(os.path.relpath(path.resolve(), config.docs_dir)).as_posix())


def _pairs(symbols: Iterable[Symbol]) -> mathjax.Symbols:
    return tuple((symbol.variable, symbol.formula.tex) for symbol in symbols)


def _table_of_contents(headings: Sequence[Heading]) -> TableOfContents:
    flat: list[Any] = [{"level": e.level, "id": e.id, "name": escape(e.text, quote=False)} for e in headings]
    return get_toc(nest_toc_tokens(flat))


def _search_library() -> dict[str, Path]:
    """Return the files of the library by their names in a site, none where it is not installed."""
    modules = mathjax.find_modules() or Path()
    files = {name: modules / part for name, part in zip(("minisearch.js", "minisearch.txt"), search.PARTS, strict=True)}
    return files if all(path.is_file() for path in files.values()) else {}


def _search_text(page: Page) -> str:
    return "".join(
        f'<h2 id="{escape(entry.anchor)}">{_html(entry.title)}</h2>{_html(entry.text)} {escape(entry.names)}'
        for entry in page.entries
    )


def _html(pieces: search.Pieces) -> str:
    return escape("".join(pieces), quote=False)


def _all_items(items: Iterable[AnchorLink]) -> Iterator[AnchorLink]:
    for item in items:
        yield item
        yield from _all_items(item.children)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


# The targets of links and images in a Markdown file, to find the files of the tree that it shows.
_TARGET = re.compile(r"""\]\(\s*<?([^\s<>()]+)|\bsrc=["']([^"']+)["']""")

# An SVG of the site's own as an image
_DRAWING = re.compile(r'<img\b[^>]*?\bsrc="([^":?#]+\.svg)"')
