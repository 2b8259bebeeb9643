r"""
# Annotated pages through Python-Markdown

Zensical reads `mkdocs.yml` and runs Markdown extensions, but no plugins. With this extension a line

    ::: annotated src/my_package/model.py

in a Markdown page becomes that file's annotated article: columns, typeset formulas, names that light up. The rules that
its formulas need stand in the page. The style of the columns, the scripts and the fonts are files of the site; see
[`assets`](assets.py).

It works in MkDocs too, for a single file in a page of one's own, and in any program that runs Python-Markdown, where
links to other files are left as they are.

Nothing outside of the folder `base_path` is read, whatever a page says. What is wrong is told in one line, by the
logger that MkDocs counts, and on the page.
"""

from __future__ import annotations

import logging
import os
import posixpath
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor
from platformdirs import user_cache_path

from sidelit import mathjax
from sidelit.cache import Cache
from sidelit.diagnostic import Diagnostic
from sidelit.formula import Formula, Link
from sidelit.links import is_local, relative_url
from sidelit.making import make_page
from sidelit.page import Page, finish
from sidelit.rules import levels_of_build, switched_off
from sidelit.settings import DIALECTS
from sidelit.source import decode, parse
from sidelit.theme import ASSETS
from sidelit.tree import PACKAGE_FILES, escapes, is_source, module_name, name_of, shown_path

log = logging.getLogger("mkdocs.plugins.sidelit")

_DIRECTIVE = re.compile(r"^:::[ \t]+annotated(?:[ \t]+(.*?))?[ \t]*$", re.MULTILINE)


class AnnotatedExtension(Extension):
    """
    ## The extension

    * `base_path` is the folder that files are named from, and may not lie outside of; it counts from the configuration
    * `assets` is the address of the folder with the fonts in the site
    * `allow_html`, `docstrings`, `macros` and `cache` are as in [the plugin](options.py#Options)
    """

    def __init__(self, **options: Any) -> None:
        self.config = {
            "base_path": [".", "the folder that files are named from"],
            "assets": [ASSETS, "the address of the folder with the fonts"],
            "allow_html": [True, "keep the HTML in the prose"],
            "docstrings": ["auto", "the dialect of docstrings"],
            "macros": [{}, "TeX macros"],
            "cache": ["", "the folder for results that are kept between builds"],
        }
        if unknown := sorted(options.keys() - self.config.keys()):
            raise ValueError(f"sidelit: there is no option {unknown[0]!r}; there are {', '.join(self.config)}")
        super().__init__(**options)
        if self.getConfig("docstrings") not in DIALECTS:
            raise ValueError(f"sidelit: docstrings: choose one of {', '.join(DIALECTS)}")

    def extendMarkdown(self, md: Markdown) -> None:
        """Look for the lines once fences are taken out, at 25, and before raw HTML is, at 20."""
        md.preprocessors.register(_Articles(md, self.getConfigs()), "annotated", 24)


def makeExtension(**options: Any) -> AnnotatedExtension:
    """Make the extension, as Python-Markdown asks for it."""
    return AnnotatedExtension(**options)


# ## Where the page is


@dataclass(frozen=True)
class _Place:
    """
    ### The Markdown page that an article goes into

    * `root` is the folder of the configuration, `docs` that of the hand-written pages, if there is one
    * `page` is the page's path below `docs`, `url` its address
    * `address` gives the address of a file below `docs`, as the host wants it in HTML
    """

    root: Path
    docs: Path | None = None
    page: str = ""
    url: str = ""
    address: Callable[[str], str] = quote

    @property
    def shown(self) -> str:
        """How messages name the page."""
        return shown_path(self.docs / self.page) if self.docs else "a page"


def _place_of(md: Markdown) -> _Place:
    """Ask the host, which has left word of itself among the processors."""
    for each in (*md.preprocessors, *md.treeprocessors):
        if place := _place_in_zensical(each) or _place_in_mkdocs(each):
            return place
    return _Place(Path.cwd())


def _place_in_zensical(processor: Any) -> _Place | None:
    page, config = getattr(processor, "page", None), getattr(processor, "config", None)
    path = getattr(page, "path", None)
    if not isinstance(path, str) or not isinstance(config, dict):
        return None

    # It turns the paths of files into addresses itself.
    def address(file: str) -> str:
        return quote(posixpath.relpath(file, posixpath.dirname(path) or "."))

    root = Path(config.get("root_dir") or ".").absolute()
    return _Place(root, root / config.get("docs_dir", "docs"), path, getattr(page, "url", ""), address)


def _place_in_mkdocs(processor: Any) -> _Place | None:
    page, files = getattr(processor, "file", None), getattr(processor, "files", None)
    if page is None or files is None:
        return None

    def address(file: str) -> str:
        found = files.get_file_from_path(file)
        return found.url_relative_to(page) if found else quote(file)

    config = processor.config
    root = Path(config.config_file_path).parent if config.config_file_path else Path.cwd()
    return _Place(root, Path(config.docs_dir), page.src_uri, page.url, address)


# ## From the line to the article


class _Articles(Preprocessor):
    def __init__(self, md: Markdown, options: dict[str, Any]) -> None:
        super().__init__(md)
        self.options = options

    def run(self, lines: list[str]) -> list[str]:
        result, seen, made = [], 0, False
        for line in lines:
            if not (match := _DIRECTIVE.match(line)):
                result.append(line)
                continue
            place = _place_of(self.md)
            try:
                if made:
                    raise _Refusal("a page holds one annotated file; give this one a page of its own")
                html = _Article(place, self.options, match[1] or "").html()
                made = True
            except _Refusal as refusal:
                _tell_refusal(place, line, seen, str(refusal))
                html = _shown_refusal(line, str(refusal))
            result += ["", self.md.htmlStash.store(html), ""]
            seen += 1
        return result


class _Refusal(Exception):
    """There is no article. The message says why, and what to do."""


def _tell_refusal(place: _Place, line: str, before: int, message: str) -> None:
    """Tell at the line of the file, which is not that of the text that the host gives."""
    number = 1
    if place.docs:
        text = (place.docs / place.page).read_text(encoding="utf-8", errors="replace")
        rows = [row for row, each in enumerate(text.splitlines(), start=1) if each.rstrip() == line.rstrip()]
        number = rows[min(before, len(rows) - 1)] if rows else 1
    log.warning("%s", Diagnostic(place.shown, number, 1, "source", message), extra={"diagnostic": True})


def _shown_refusal(line: str, message: str) -> str:
    title = f"<code>{escape(line.strip())}</code>"
    return f'<div class="admonition failure"><p class="admonition-title">{title}</p><p>{escape(message)}</p></div>'


class _Article:
    """
    ### One file, as HTML
    """

    def __init__(self, place: _Place, options: dict[str, Any], name: str) -> None:
        self.place, self.options = place, options
        self.base = place.root / options["base_path"]
        self.path = self._file(name)
        self.rules: list[mathjax.Typeset] = []
        self.found: list[Diagnostic] = []

    def _file(self, name: str) -> Path:
        """Return the file that a page names, if it may be read."""
        if not name or "\0" in name:
            raise _Refusal("name a file, as in `::: annotated path/to/file.py`")
        path = Path(os.path.normpath(self.base / name))
        if not path.is_relative_to(os.path.normpath(self.base)):
            raise _Refusal(f"`{name}` is outside of {shown_path(self.base)}, where files may be; see `base_path`")
        if not os.path.lexists(path):
            raise _Refusal(f"there is no file `{name}` in {shown_path(self.base)}")
        if escapes(path, self.base):
            raise _Refusal(f"`{name}` is a symbolic link out of {shown_path(self.base)}; put a copy in its place")
        if not path.is_file() or not is_source(path):
            raise _Refusal(f"`{name}` is no Python file")
        return path

    def html(self) -> str:
        """Make the article, with the rules of its formulas behind it."""
        page = self._page()
        reason = mathjax.missing()
        if reason:
            _say_once(f"{reason}; formulas are left to the reader's browser")
        folder = self.place.root / self.options["cache"] if self.options["cache"] else user_cache_path("sidelit")
        with Cache(folder) as cache, mathjax.MathJax(macros=self.options["macros"], cache=cache) as math:
            symbols = tuple((symbol.variable, symbol.formula.tex) for symbol in page.symbols)
            if not reason:
                math.request(page.formulas, symbols)
            typeset = _as_tex if reason else lambda formula: self._typeset(math, formula, symbols)
            article = finish(page, typeset, lambda link: self._address(link, page), lambda reference: "")
            sheet = math.stylesheet(self.rules, self._fonts()) if self.rules else ""
        self._tell(page)
        return f"{article}\n<style>\n{sheet}</style>" if sheet else article

    def _page(self) -> Page:
        shown = name_of(self.path, self.base)
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise _Refusal(f"`{shown}` cannot be read: {error.strerror}") from None
        text, faults = decode(data, shown)
        module = module_name(self.path)
        page = make_page(
            parse(text, shown, module),
            allow_html=self.options["allow_html"],
            docstrings=self.options["docstrings"],
            module=module,
            is_package=self.path.name in PACKAGE_FILES,
        )
        return page.with_diagnostics(faults)

    def _typeset(self, math: mathjax.MathJax, formula: Formula, symbols: mathjax.Symbols) -> str:
        result = math.typeset(formula, symbols)
        if isinstance(result, Diagnostic):
            self.found.append(result)
            return f'<code class="tex-error">{escape(formula.tex)}</code>'
        self.rules.append(result)
        return result.html

    def _fonts(self) -> str:
        """Return the address of the fonts, as seen from the page."""
        folder = posixpath.join(self.options["assets"], "fonts")
        return relative_url(folder, self.place.url) if self.place.docs and _is_relative(folder) else folder

    def _address(self, link: Link, page: Page) -> str:
        """Return the address of what a link names: a place in this file, another annotated file, a file in `docs`."""
        target, mark, anchor = link.target.partition("#")
        if not is_local(link.target) or target.startswith("/"):
            return link.target
        file = Path(os.path.normpath(self.path.parent / unquote(target))) if target else self.path
        if file == self.path:
            if anchor and unquote(anchor) not in page.anchors and not re.fullmatch(r"L\d+", anchor):
                self._wrong(link, "anchor", f"there is no `#{unquote(anchor)}` in this file")
            return f"#{anchor}"
        if self.place.docs is None:
            return link.target
        uri = _pages_that_show(self.base, self.place.docs).get(file)
        if uri is None and file.is_relative_to(self.place.docs) and file.is_file():
            uri = file.relative_to(self.place.docs).as_posix()
        if uri is None:
            rule = "image" if link.kind == "src" else "link"
            message = f"`{link.target}` leads nowhere: no page shows it, and it is not in the folder of the pages"
            self._wrong(link, rule, message)
            return link.target
        return self.place.address(uri) + mark + anchor

    def _wrong(self, link: Link, rule: str, message: str) -> None:
        self.found.append(Diagnostic(link.path, link.line, link.column, rule, message))

    def _tell(self, page: Page) -> None:
        """Say what is wrong in the file, but for what its author does not want to hear."""
        levels, off = levels_of_build(), switched_off(page.switches)
        for each in dict.fromkeys((*page.diagnostics, *self.found)):
            if levels[each.rule] != "off" and (each.line, each.rule) not in off:
                told = replace(each, path=shown_path(self.base / each.path))
                log.warning("%s", told, extra={"diagnostic": True})


def _as_tex(formula: Formula) -> str:
    opening, closing = (r"\[", r"\]") if formula.display else (r"\(", r"\)")
    return f'<span class="math">{opening}{escape(formula.tex)}{closing}</span>'


def _is_relative(address: str) -> bool:
    return is_local(address) and not address.startswith("/")


_said: set[str] = set()


def _say_once(text: str) -> None:
    if text not in _said:
        _said.add(text)
        log.warning("%s", text)


# ## Which page shows which file

# For so many seconds it is not asked again, since a page may have many links and a site many pages.
_FRESH = 1.0
_shown: dict[tuple[Path, Path], tuple[float, dict[Path, str]]] = {}


def _pages_that_show(base: Path, docs: Path) -> dict[Path, str]:
    """Return the page of each annotated file, by its path below the folder of pages."""
    at, known = _shown.get((base, docs), (-_FRESH, {}))
    if time.monotonic() - at > _FRESH:
        known = dict(_read_directives(base, docs, sorted(docs.rglob("*.md"))))
        _shown[base, docs] = time.monotonic(), known
    return known


def _read_directives(base: Path, docs: Path, pages: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    for path in pages:
        if not path.is_file() or escapes(path, docs):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if match := _DIRECTIVE.search(text):
            yield Path(os.path.normpath(base / (match[1] or ""))), path.relative_to(docs).as_posix()
