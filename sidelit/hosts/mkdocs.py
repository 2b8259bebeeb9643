r"""
# The MkDocs plugin

`plugins: - sidelit: {sources: [my_package]}` gives a MkDocs site a page for every annotated source and every readme of
the trees it names. MkDocs keeps what is MkDocs': configuration, navigation, templates, the sitemap. This module hands
it pages, in the order in which MkDocs asks:

1. it [adds the sources](trees.py) to MkDocs' files and navigation, and looks up what is [proven](proven.py) of them;
2. it makes each page, or takes it from the cache, and sends its formulas to [MathJax](typesetting.py), which works
   while Python goes on; formulas of [hand-written pages](handwritten.py) go there too;
3. when all pages are known, it knows [where links lead](linking.py);
4. it shows each page to [search](searching.py), then puts formulas and links into it, and MkDocs writes it;
5. it writes what the whole site shares: the style sheet of the formulas, the site tree, the search index.

The same module serves ProperDocs, which answers to the name `mkdocs`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.plugins import BasePlugin, CombinedEvent, event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page as HostPage
from platformdirs import user_cache_path

from sidelit import formula
from sidelit.cache import Cache
from sidelit.check import duplicate_titles
from sidelit.formula import Link
from sidelit.hosts import options, repository, searching
from sidelit.hosts.again import Again
from sidelit.hosts.api import ApiPage, ApiReference
from sidelit.hosts.documents import AnnotatedPage
from sidelit.hosts.drawings import Drawings
from sidelit.hosts.finished import Finished
from sidelit.hosts.handwritten import Handwritten
from sidelit.hosts.linking import Linking
from sidelit.hosts.nav import home_page, rest_of_nav, titles, tree_script
from sidelit.hosts.options import Options
from sidelit.hosts.output import write
from sidelit.hosts.progress import Progress
from sidelit.hosts.proven import Proven
from sidelit.hosts.taking import Subject, Taking
from sidelit.hosts.telling import Teller
from sidelit.hosts.trees import Trees
from sidelit.hosts.typesetting import MATH_SHEET, Typesetting
from sidelit.page import Page, Reference, finish, redirection
from sidelit.theme import ASSETS, OWN_SCRIPTS, SCRIPT, SCRIPTS, TEMPLATES, columns_script, one_script
from sidelit.tree import common_folder
from sidelit.workshop import Order, Workshop

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

TREE = f"{ASSETS}/tree.js"


class SidelitPlugin(BasePlugin[Options]):
    """
    ## The plugin

    * `show_progress` is for a terminal; the command line sets it
    * `old` is the site that the new one will replace, if there is one
    * with `goes_on`, what runs beside a build is kept after it, so that a server can have single pages made
      [again](again.py)
    * `pause` is called at each page, and may raise an exception to end the build
    """

    show_progress = False
    old: Path | None = None
    goes_on = False
    pause: Callable[[], None] = staticmethod(lambda: None)
    again: Again

    def __init__(self) -> None:
        # What runs during one build and has to be stopped, whether it ends well or in an error.
        self._running = ExitStack()

    # ### Settings

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Check the options and start what lasts for one build."""
        root = Path(config.config_file_path).parent if config.config_file_path else Path.cwd()
        self._mounts = options.read_mounts(self.config, root)
        globs = options.read_globs(self.config)
        top = common_folder(self._mounts)

        levels, problems = options.read_rules(self.config, root, config.config_file_path or "")
        self._teller = Teller(top, levels, self.config.macros)
        self._teller.tell(problems)

        cache = Cache(root / self.config.cache if self.config.cache else user_cache_path("sidelit"))
        self._running.callback(cache.close)
        self._proofs = root / self.config.proofs if self.config.proofs else None
        self._proven = Proven(self._proofs, top, cache, self._teller)
        inventory = options.read_inventories(self.config, root, cache.directory)
        bounded = not self.config.allow_html
        self._trees = Trees(config, self._mounts, globs, top, self._teller, bounded=bounded)
        self._linking = Linking(top, root, config.repo_url or "", inventory, self._trees.withheld, self._teller)
        branches = (config.repo_url or "", config.edit_uri or "", self.config.colab)
        self._taking = Taking(self.config.downloads, top, cache, self._linking.locate, *branches)

        # Another theme lacks the two columns and what readers can do with them, and searches in its own way.
        wanted = options.read_api(self.config, config.config_file_path or "")
        self._own_theme = config.theme.name == "sidelit"
        if not self._own_theme:
            config.extra_css[:0] = [f"{ASSETS}/pages.css", *([f"{ASSETS}/api.css"] if wanted else ())]
            config.extra_javascript.append(f"{ASSETS}/{SCRIPT}")
        self._search = searching.Searching(self._own_theme, len(config.plugins) > 1)
        config.extra.setdefault("sidelit", {})["search"] = self._search.has_index

        self._progress = Progress(self.show_progress)
        self._typesetting = Typesetting(self.config, cache, self._teller, self._show_formulas)
        self._running.callback(self._typesetting.close)
        self._reference = ApiReference(wanted, self.config, cache, self._linking, self._typesetting, self._teller)
        self._workshop = Workshop(cache)
        self._finished = Finished(config, cache)
        self._running.callback(self._workshop.close)
        self._handwritten = Handwritten(
            Path(config.docs_dir), top, self.config.allow_html, self._trees, self._typesetting, self._teller
        )
        return config

    def _show_formulas(self, done: int, asked: int) -> None:
        self._progress.remark(f"{done} of {asked} new formulas")

    # ### 1. Files and navigation

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Add every source to MkDocs' files, and to its navigation."""
        added = self._trees.add(files, titles(config.nav), self._make)
        compared = self._proven.add(added, files, config)
        self._give_places([*(file.src_uri for file in added), *compared], files, config)
        self._add_assets(files, config)
        self._reference.choose(self._trees.sources.values())
        self._workshop.order([self._order(file.page) for file in added if isinstance(file.page, AnnotatedPage)])

        # Other processes make the pages of the sources meanwhile.
        self._reference.add(files, config)

        # Each page is made first, and written later.
        self._progress.start(2 * len(files.documentation_pages()))
        return files

    def _give_places(self, uris: Sequence[str], files: Files, config: MkDocsConfig) -> None:
        """Put pages into the navigation that the user wrote, and make a home page, to which every page leads."""
        if config.nav is not None:
            config.nav = [*config.nav, *rest_of_nav(uris, config.nav)]
        if all(file.dest_uri != "index.html" for file in files):
            files.append(File.generated(config, "index.md", content=home_page(config.site_name, uris)))
            if config.nav is not None:
                config.nav = ["index.md", *config.nav]

    def _add_assets(self, files: Files, config: MkDocsConfig) -> None:
        """Bring along what the pages need in another theme, or what ours takes from npm."""
        if self._own_theme:
            assets = searching.library()
            script = self._own_script(files)
        else:
            assets = {name: TEMPLATES / ASSETS / name for name in ("pages.css", "api.css", "mathjax-config.js")}
            script = columns_script()
        added = [File.generated(config, f"{ASSETS}/{name}", abs_src_path=str(path)) for name, path in assets.items()]
        for file in [*added, File.generated(config, f"{ASSETS}/{SCRIPT}", content=script)]:
            if files.get_file_from_path(file.src_uri) is None:
                files.append(file)

    def _own_script(self, files: Files) -> bytes:
        """Take the theme's scripts out of the files, and return them as one. A builder may have replaced some."""
        parts = [files.get_file_from_path(f"{ASSETS}/{name}") for name in (*SCRIPTS, *OWN_SCRIPTS)]
        for part in filter(None, parts):
            files.remove(part)
        if not self._search.has_index:
            # The last is that of the search.
            parts.pop()
        return one_script(part.content_bytes for part in parts if part)

    # ### 2. Pages

    def _make(self, page: AnnotatedPage, files: Files) -> Page:
        """Fetch a page and send its formulas away, unless it may have been finished before."""
        self.pause()
        self._finished.forget(page)
        wait = self._finished.is_kept and self._workshop.is_ready(page.source)
        made = self._workshop.page(self._order(page))
        self._teller.switch(page.source.shown, made.switches)
        for link in [*made.links, *filter(None, (made.image,))]:
            if link.kind != "repository":
                self._trees.publish(page.source, link.target, files)
        if wait:
            self._typesetting.any |= bool(made.formulas or made.symbols)
        else:
            self._typesetting.request(made.formulas, made.symbols)
        self._progress.step()
        return made

    def _order(self, page: AnnotatedPage) -> Order:
        parents, form = tuple(self._trees.parents(page)), repository.line_form(page.edit_url or "")
        in_api = page.source.module in self._reference.modules
        proof = self._proven.of(page, form)
        return Order(page.source, parents, form, self.config.allow_html, self.config.docstrings, in_api, proof)

    def on_page_markdown(self, markdown: str, *, page: HostPage, config: MkDocsConfig, files: Files) -> str | None:
        """Lift the math out of the site's other Markdown, which MkDocs renders."""
        if isinstance(page, ApiPage):
            self._typesetting.request(page.made.formulas)
        return None if isinstance(page, AnnotatedPage | ApiPage) else self._handwritten.lift(markdown, page, files)

    def on_page_content(self, html: str, *, page: HostPage, config: MkDocsConfig, files: Files) -> str | None:
        """Send the formulas of MkDocs' Markdown away, and make its titles readable."""
        if isinstance(page, AnnotatedPage):
            return None
        self._progress.step()
        return None if isinstance(page, ApiPage) else self._handwritten.settle(html, page)

    # ### 3. Links

    def on_nav(self, nav: Any, *, config: MkDocsConfig, files: Files) -> Any:
        """Keep the navigation, whose titles are not yet all known."""
        self._nav = nav
        if config.nav is None:
            self._reference.put_last(nav)
        return nav

    def on_env(self, env: Any, *, config: MkDocsConfig, files: Files) -> Any:
        """Resolve every link, now that all pages and their anchors are known."""
        self._linking.know(files)
        self._drawings = Drawings(files)
        self.again = Again(config, self._nav, env, files, self._teller, self._linking, self._typesetting)
        pages = [file.page for file in files if isinstance(file.page, AnnotatedPage) and hasattr(file.page, "made")]
        titles_made = ((page.made.title, page.source.shown, page.made.title_line) for page in pages)
        self._teller.tell(duplicate_titles(titles_made))
        taken = [file.dest_uri for file in files if file.inclusion.is_included()]
        subjects = [_subject(page) for page in pages if not page.made.redirect]
        self._teller.tell(self._taking.prepare(subjects, taken, self.pause))
        if self._typesetting.at_build and self._typesetting.any:
            config.extra_css.append(MATH_SHEET)

        # Formulas of pages that were finished before are not asked for.
        known = ((page, found) for page in pages if (found := self._known(page)) is not None)
        self._finished.look(config, self._nav, self._typesetting.setup, known)
        for page in pages:
            if not self._finished.has(page):
                self._typesetting.request(page.made.formulas, page.made.symbols)
        return env

    def _known(self, page: AnnotatedPage) -> list[Any] | None:
        """Return all that a page is finished with, but its formulas; none where something has to be told of it."""
        made = page.made
        # A file that could not be read has a page without a key, and is told of again in the next build.
        key = self._workshop.keys.get(page.source)
        if not self._finished.is_kept or made.redirect or key is None:
            return None
        image = [made.image] if made.image else []
        references = (end for end in made.open_ends if isinstance(end, Reference))
        hrefs = self._linking.found([*image, *made.links], references, page)
        if hrefs is None:
            return None
        ways = [self._reference.way(end, page) for end in made.open_ends if isinstance(end, Link) and end.kind == "api"]
        return [key, hrefs, ways, self._taking.values(_subject(page))]

    # ### 4. Bodies

    @event_priority(100)
    def _show_search(self, context: Any, *, page: HostPage, config: MkDocsConfig, nav: Any) -> Any:
        """Show the page to search plugins as they shall index it."""
        self.pause()
        self._kept = page.content, page.toc
        self._search.show(page, self._handwritten.slots(page))
        return context

    @event_priority(-100)
    def _show_reader(self, context: Any, *, page: HostPage, config: MkDocsConfig, nav: Any) -> Any:
        """Show the page to the template as the reader shall see it."""
        content, page.toc = self._kept
        if isinstance(page, AnnotatedPage):
            self._teller.tell(page.made.diagnostics)
            ready = self._finished.take(page, Path(config.site_dir), self.old)
            if ready is not None:
                self._typesetting.note(page.made.formulas, page.made.symbols)
                context["ready"] = ready
                return context
            told = self._teller.told
            if page.made.image:
                page.meta["image"] = self._linking.from_the_top(page.made.image, page)
            page.content = self._finish(page)
            if self._teller.told > told or self._drawings.are_in(page.content):
                self._finished.forget(page)
            has_math = bool(page.made.formulas)
        elif isinstance(page, ApiPage):
            page.content = self._reference.content(page)
            has_math = bool(page.made.formulas)
        else:
            slots = self._handwritten.slots(page)
            page.content = formula.fill(content or "", slots, self._typesetting.html)
            has_math = bool(slots)
        page.content = self._drawings.mark(page.content, page.url)
        if has_math and not self._typesetting.at_build:
            page.content += self._typesetting.scripts(page)
        config.extra["sidelit"]["fonts"] = self._typesetting.early_fonts()
        return context

    on_page_context = CombinedEvent(_show_search, _show_reader)

    def _finish(self, page: AnnotatedPage) -> str:
        """Put formulas, links and names into the body, and tell which symbols no formula holds."""
        made, found = page.made, set[int]()
        body = finish(
            made,
            lambda formula: self._typesetting.html(formula, made.symbols, found),
            lambda link: (self._reference.way if link.kind == "api" else self._linking.address)(link, page),
            lambda reference: self._linking.definition(reference, page),
            self._taking.html(_subject(page)),
        )
        self._typesetting.check(made.symbols, found)
        return body

    def on_post_page(self, output: str, *, page: HostPage, config: MkDocsConfig) -> str:
        """Let a page lead elsewhere, and let go of what was written, so that a large site fits into memory."""
        self._progress.step()
        if not isinstance(page, AnnotatedPage):
            return output
        redirect = page.made.redirect
        if not self._finished.has(page):
            self._finished.keep(page, output)
        self._taking.write(_subject(page), Path(config.site_dir), self.old)
        page.content = None
        page.made = page.made.emptied()
        return redirection(page.made.title, self._linking.address(redirect, page)) if redirect else output

    # ### 5. What the site shares

    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Write the style sheet of the formulas with the fonts that it names, and the scripts of the whole site."""
        self._progress.close()
        site = Path(config.site_dir)
        self._typesetting.write(site)
        if self._own_theme:
            write(site / TREE, tree_script(self._nav).encode())
        self._search.write(site, self._typesetting.mathml)
        if self.goes_on:
            self._typesetting.stay_ready()
        else:
            self.stop()

    def stop(self) -> None:
        """Stop what runs beside a build."""
        self._running.close()

    def on_build_error(self, *, error: Exception) -> None:
        """Stop what was started."""
        self.stop()

    # ### Serving

    def on_serve(self, server: Any, *, config: MkDocsConfig, builder: Any) -> Any:
        """Watch the sources and the proofs too."""
        proofs = [self._proofs] if self._proofs else []
        for path in [*(each.path for each in self._mounts), *proofs]:
            if path.exists():
                server.watch(str(path))
        return server


def _subject(page: AnnotatedPage) -> Subject:
    return Subject(page.source, page.url, page.file.dest_uri, page.made.title, page.made.offer)
