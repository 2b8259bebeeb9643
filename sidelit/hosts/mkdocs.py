r"""
# The MkDocs plugin

`plugins: - sidelit: {sources: [my_package]}` gives a MkDocs site a page for every annotated source and every readme of
the trees it names. MkDocs keeps what is MkDocs': configuration, navigation, templates, search, the sitemap. This module
hands it pages, in the order in which MkDocs asks:

1. it finds the sources and adds them to MkDocs' files and navigation;
2. it makes each page, or takes it from the cache, and sends its formulas to MathJax, which works while Python goes on;
3. when all pages are known, it resolves the links between them;
4. it puts formulas and links into the bodies as MkDocs writes them.

The same module serves ProperDocs, which answers to the name `mkdocs`.
"""

from __future__ import annotations

import json
import logging
import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from markdown.extensions.toc import nest_toc_tokens
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

from sidelit import formula, mathjax, prose
from sidelit.cache import Cache
from sidelit.check import duplicate_titles, sharpened
from sidelit.diagnostic import Diagnostic
from sidelit.formula import Formula, Link, Slot
from sidelit.hosts.nav import home_page, rest_of_nav, titles
from sidelit.links import Anchors, SiteMap, Target, relative_url, resolve, url_of
from sidelit.names import NameIndex
from sidelit.page import Page, finish, redirection
from sidelit.prose import Heading
from sidelit.references import Reference
from sidelit.rules import Switch, levels_of_build, read_settings, switched_off, unknown_switches
from sidelit.settings import SettingsError, project_rules
from sidelit.source import decode, split_lines, take_switches
from sidelit.symbols import Symbol, unused_symbols
from sidelit.theme import TEMPLATES
from sidelit.tree import Mount, Source, common_folder, escapes, find_sources, mount, name_of, page_address, shown_path
from sidelit.workshop import Order, Workshop

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

# MkDocs counts the warnings of its own loggers only. A diagnostic is a whole line by itself and gets no prefix.
log = get_plugin_logger("sidelit").logger

# Where a browser finds MathJax when the formulas are left to it, and the hash that the file must have.
CDN_SRC = "https://cdn.jsdelivr.net/npm/mathjax@4.1.3/tex-mml-chtml.js"
CDN_INTEGRITY = "sha384-OrHfGTnIbkl0do3N76qW/uWr38o91N05sbSPuYBPLH+hG8X/dNSrjZf3AGjzrCwC"

ASSETS = "assets/sidelit"
MATH_SHEET = f"{ASSETS}/math.css"
FONTS = f"{ASSETS}/fonts"

# What makes pages answer to their reader in any theme. Ours has more.
SCRIPTS = ("bridge.js", "preview.js")


class Options(base.Config):
    """
    ## The plugin's options

    * `sources` are the trees: a path, or `{path: …, at: …}` where `at` is the folder of the site it goes to
    * `allow_html` keeps the HTML in the prose; say `false` where the sources are other people's
    * `math` is `build` (typeset now, with Node) or `client` (in the reader's browser)
    * `mathjax_src` is where a browser gets MathJax from with `math: client`, `mathjax_integrity` its hash
    * `macros` are TeX macros: name to text, or to `[text, number of arguments]`
    * `rules` are levels of rules: name to `off`, `warning` or `error`
    * `cache` is the folder where results are kept between builds, by default the user's own cache folder
    """

    sources = option.ListOfItems(option.Type((str, dict)), default=[])
    allow_html = option.Type(bool, default=True)
    math = option.Choice(("build", "client"), default="build")
    mathjax_src = option.Type(str, default=CDN_SRC)
    mathjax_integrity = option.Type(str, default=CDN_INTEGRITY)
    macros = option.Type(dict, default={})
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
        if source.uri.endswith("__init__.py"):
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

    `show_progress` is for a terminal; the command line sets it.
    """

    show_progress = False

    def __init__(self) -> None:
        # What runs during one build and has to be stopped, whether it ends well or in an error.
        self._running = ExitStack()

    # ### Settings

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Check the options and start what lasts for one build."""
        self._host_config = config
        self._root = Path(config.config_file_path).parent if config.config_file_path else Path.cwd()
        self._mounts = [self._mount(entry) for entry in self.config.sources]
        self._top = common_folder(self._mounts)
        self._switched: dict[str, frozenset[tuple[int, str]]] = {}
        self._read_rules(config)
        self._cache = Cache(self._root / self.config.cache if self.config.cache else user_cache_path("sidelit"))
        self._running.callback(self._cache.close)
        self._math = self._start_math()
        self._workshop = Workshop(self._cache)
        self._running.callback(self._workshop.close)
        self._theirs: dict[str, list[Slot]] = {}
        self._has_math = False
        self._progress = tqdm(desc="pages", unit="page", disable=not self.show_progress, leave=False)
        self._rules: set[tuple[str, ...]] = set()

        # Another theme lacks the two columns, and what readers can do with them.
        if config.theme.name != "sidelit":
            config.extra_css.insert(0, f"{ASSETS}/pages.css")
            config.extra_javascript += [f"{ASSETS}/{name}" for name in SCRIPTS]
        return config

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
        if isinstance(entry, str):
            entry = {"path": entry}
        path, at = entry.get("path"), entry.get("at")
        if not isinstance(path, str) or not isinstance(at, str | None) or entry.keys() - {"path", "at"}:
            raise PluginError(f"sidelit: sources: {entry} is neither a path nor {{path: …, at: …}}")
        return mount(self._root / path, at)

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
        sources, diagnostics = find_sources(self._mounts)
        taken = {file.dest_uri: file.src_uri for file in files.documentation_pages()}
        given = titles(config.nav)
        added: list[File] = []

        # Hand-written prose comes first where two want one address.
        for source in sorted(sources, key=lambda source: not source.is_markdown):
            # A tree may lie in `docs`. Readmes are pages there already, and code is not only to be copied.
            there = files.get_file_from_path(source.uri)
            if there and os.path.realpath(there.abs_src_path or "") == os.path.realpath(source.path):
                if there.is_documentation_page():
                    continue
                files.remove(there)

            file = self._host_file(source, config)
            if other := taken.get(file.dest_uri) or (files.get_file_from_path(source.uri) and source.uri):
                message = f"wants the address {file.dest_uri}, which {other} has; rename one, or mount it elsewhere"
                diagnostics.append(Diagnostic(source.shown, 1, 1, "address", message))
                continue
            taken[file.dest_uri] = source.shown
            files.append(file)
            added.append(file)
            if isinstance(file, AnnotatedFile):
                AnnotatedPage(given.get(source.uri), file, config, self)

        added.sort(key=lambda file: file.src_uri)
        self._give_places([file.src_uri for file in added], files, config)
        if config.theme.name != "sidelit":
            self._add_assets(files, config)

        by_uri = {source.uri: source for source in sources}
        self._sources = {file.src_uri: by_uri[file.src_uri] for file in added}
        self._addresses = {file.src_uri: file.dest_uri for file in added}

        self._workshop.order([self._order(file.page) for file in added if isinstance(file.page, AnnotatedPage)])

        # Each page is made first, and written later.
        self._progress.reset(total=2 * len(files.documentation_pages()))
        self._tell(diagnostics)
        return files

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
        """Bring what the pages need along into another theme."""
        for name in ("pages.css", "mathjax-config.js", *SCRIPTS):
            uri = f"{ASSETS}/{name}"
            if files.get_file_from_path(uri) is None:
                files.append(File.generated(config, uri, abs_src_path=str(TEMPLATES / uri)))

    # ### 2. Pages

    def make(self, page: AnnotatedPage, files: Files) -> Page:
        """Fetch a page and send its formulas away."""
        made = self._workshop.page(self._order(page))
        self._switch(page.source.shown, made.switches)
        for link in [*made.links, *filter(None, (made.image,))]:
            self._publish(page.source, link.target, files)
        self._request(made.formulas, _pairs(made.symbols))
        self._request([symbol.formula for symbol in made.symbols])
        self._progress.update()
        return made

    def _order(self, page: AnnotatedPage) -> Order:
        repository = re.sub("/edit/", "/blob/", page.edit_url or "", count=1)
        return Order(page.source, tuple(self._parents(page)), repository, self.config.allow_html)

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
            if address := self._addresses.get(posixpath.join(folder, "__init__.py")):
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
        if file.suffix in (".py", ".md") or not os.path.isfile(file):
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
        return formula.lift(markdown, shown, origins, slots)

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

    def on_env(self, env: Any, *, config: MkDocsConfig, files: Files) -> Any:
        """Resolve every link, now that all pages and their anchors are known."""
        self._site = self._site_map(files)
        # A page that the site leaves out was never made.
        made = {file.url: getattr(file.page, "made", None) for file in files}
        exports = {url: page.exports for url, page in made.items() if page}
        self._names = NameIndex({each.module: each.names for each in exports.values()})
        self._places = {each.module: (url, each.places) for url, each in exports.items()}
        if self._math and self._has_math:
            config.extra_css.append(MATH_SHEET)
        pages = [file.page for file in files if isinstance(file.page, AnnotatedPage) and hasattr(file.page, "made")]
        self._tell(
            duplicate_titles((page.made.title, page.source.shown, page.made.title_line) for page in pages)
        )
        return env

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
        Show the page to search plugins as they shall index it: headings and text, with the TeX of formulas.

        Typeset formulas read as garbage there, and parsing whole pages costs more than the rest of a build.
        """
        self._kept = page.content, page.toc
        if isinstance(page, AnnotatedPage):
            page.content = _search_text(page.made)

            # Search plugins look each heading up in the table of contents, from its start. An iterator goes on
            # where it stopped, so that a page of ten thousand sections costs as many steps and not their square.
            page.toc = iter([AnchorLink(escape(e.title, quote=False), e.anchor, 1) for e in page.made.entries])  # type: ignore[assignment]
        elif (slots := self._theirs.get(page.file.src_uri)) is not None:
            page.content = formula.fill(page.content or "", slots, lambda each: escape(each.tex))
        return context

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
            return ""
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
        return result.html

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
        """Write the style sheet of the formulas and copy the fonts that it names."""
        self._progress.close()
        site = Path(config.site_dir)
        if self._math and self._has_math:
            sheet = self._math.stylesheet([mathjax.Typeset("", rules) for rules in self._rules], "fonts")
            _write(site / MATH_SHEET, sheet.encode())
            for font in self._math.fonts(sheet):
                _write(site / FONTS / font.name, font.read_bytes())
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
            each = replace(each, path=shown_path(self._top / each.path))
            log.log(logging.ERROR if level == "error" else logging.WARNING, "%s", each, extra={"diagnostic": True})

    def _switch(self, path: str, switches: Sequence[Switch]) -> None:
        """Heed the comments in a file that switch rules off."""
        if switches:
            self._switched[path] = switched_off(switches)

    # ### Serving

    def on_serve(self, server: Any, *, config: MkDocsConfig, builder: Any) -> Any:
        """Watch the sources too."""
        for each in self._mounts:
            if each.path.exists():
                server.watch(str(each.path))
        return server


# ## Small things


def _edit_uri(path: Path, config: MkDocsConfig) -> str:
    """MkDocs counts from `docs`; the repository's host resolves the dots."""
    return posixpath.normpath(Path(os.path.relpath(path.resolve(), config.docs_dir)).as_posix())


def _pairs(symbols: Iterable[Symbol]) -> mathjax.Symbols:
    return tuple((symbol.variable, symbol.formula.tex) for symbol in symbols)


def _table_of_contents(headings: Sequence[Heading]) -> TableOfContents:
    flat: list[Any] = [{"level": e.level, "id": e.id, "name": escape(e.text, quote=False)} for e in headings]
    return get_toc(nest_toc_tokens(flat))


def _search_text(page: Page) -> str:
    return "".join(
        f'<h2 id="{escape(entry.anchor)}">{escape(entry.title)}</h2>{escape(entry.text)}' for entry in page.entries
    )


def _all_items(items: Iterable[AnchorLink]) -> Iterator[AnchorLink]:
    for item in items:
        yield item
        yield from _all_items(item.children)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


# The targets of links and images in a Markdown file, to find the files of the tree that it shows.
_TARGET = re.compile(r"""\]\(\s*<?([^\s<>()]+)|\bsrc=["']([^"']+)["']""")
