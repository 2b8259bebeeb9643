"""
# What search is told

Search plugins of MkDocs look at the content of pages, and our own theme has an index of its own. Neither gets a page
as the reader sees it: typeset formulas read as garbage there, and parsing whole pages costs more than the rest of a
build. They get headings and text, with the TeX of the formulas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from markupsafe import Markup
from mkdocs.structure.pages import Page as HostPage
from mkdocs.structure.toc import AnchorLink

from sidelit import formula, mathjax, search
from sidelit.formula import Slot
from sidelit.hosts.api import ApiPage
from sidelit.hosts.documents import AnnotatedPage
from sidelit.hosts.output import write_pieces
from sidelit.hosts.telling import log
from sidelit.page import Page
from sidelit.theme import ASSETS

INDEX = f"{ASSETS}/search-index.js"


def library() -> dict[str, Path]:
    """
    ## The files of the library that our theme searches with

    By their names in a site, none where it is not installed.
    """
    modules = mathjax.find_modules() or Path()
    files = {name: modules / part for name, part in zip(("minisearch.js", "minisearch.txt"), search.PARTS, strict=True)}
    return files if all(path.is_file() for path in files.values()) else {}


class Searching:
    """
    ## The search of one build

    With `own_theme`, an index is written. `has_index` is whether that can be: not without the library. `others` is
    whether there are plugins that may look at pages.
    """

    def __init__(self, own_theme: bool, others: bool) -> None:
        self._others = others
        self._indexed: list[search.Indexed] = []
        self.has_index = own_theme and bool(library())
        if own_theme and not self.has_index:
            log.warning("MiniSearch is not installed: run `make site` in the checkout; this site has no search")

    def show(self, page: HostPage, slots: Sequence[Slot]) -> None:
        """
        ### Let a page look as it shall be indexed

        `slots` are the formulas of a Markdown page. Whoever calls this puts content and headings back afterwards.
        """
        if self.has_index:
            self._index(page, slots)
        if not self._others:
            return
        if isinstance(page, AnnotatedPage | ApiPage):
            page.content = _text(page.made)

            # Search plugins look each heading up in the table of contents, from its start. An iterator goes on
            # where it stopped, so that a page of ten thousand sections costs as many steps and not their square.
            page.toc = iter([AnchorLink(_html(e.title), e.anchor, 1) for e in page.made.entries])  # type: ignore[assignment]
        elif slots:
            page.content = formula.fill(page.content or "", slots, lambda each: escape(each.tex))

    def _index(self, page: HostPage, slots: Sequence[Slot]) -> None:
        title = Markup(str(page.title or "")).striptags()
        if not isinstance(page, AnnotatedPage | ApiPage):
            entries = search.entries_of(page.content or "", slots, "", title)
            self._indexed.append(search.Indexed(page.url, title, search.pack(entries)))
        elif not page.made.redirect:
            self._indexed.append(search.Indexed(page.url, title, page.made.packed_entries))

    def write(self, site: Path, mathml: Mapping[str, str]) -> None:
        """
        ### Write the index

        `mathml` is how formulas are shown among the results, by their TeX.
        """
        if self._indexed:
            write_pieces(site / INDEX, search.script(self._indexed, mathml))
            self._indexed.clear()


def _text(page: Page) -> str:
    return "".join(
        f'<h2 id="{escape(entry.anchor)}">{_html(entry.title)}</h2>{_html(entry.text)} {escape(entry.names)}'
        for entry in page.entries
    )


def _html(pieces: search.Pieces) -> str:
    return escape("".join(pieces), quote=False)
