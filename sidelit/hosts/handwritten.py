"""
# Hand-written Markdown

The site's other pages, and the readmes of the trees, are rendered by MkDocs. Markdown would mangle their formulas, so
they are lifted out before and filled in when the page is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page as HostPage
from mkdocs.structure.toc import AnchorLink

from sidelit import formula
from sidelit.diagnostic import Diagnostic
from sidelit.formula import Formula, Slot
from sidelit.hosts.telling import Teller
from sidelit.hosts.trees import Trees
from sidelit.hosts.typesetting import Typesetting
from sidelit.rules import unknown_switches
from sidelit.source import take_switches
from sidelit.tree import name_of


class Handwritten:
    """
    ## The Markdown pages of one build

    `docs` is MkDocs' folder, `top` the one from which diagnostics name their files.
    """

    def __init__(
        self, docs: Path, top: Path, allow_html: bool, trees: Trees, typesetting: Typesetting, teller: Teller
    ) -> None:
        self._docs = docs
        self._top = top
        self._allow_html = allow_html
        self._trees = trees
        self._typesetting = typesetting
        self._teller = teller
        self._slots: dict[str, list[Slot]] = {}

    def lift(self, markdown: str, page: HostPage, files: Files) -> str:
        """
        ### Lift the formulas out

        Returns the Markdown with slots in their places.
        """
        source = self._trees.sources.get(page.file.src_uri)
        text = page.file.content_string
        skipped = text[: len(text) - len(markdown)].count("\n") if text.endswith(markdown) else 0
        origins = [(skipped + number, 1) for number in range(1, markdown.count("\n") + 2)]
        shown = source.shown if source else name_of(self._docs / page.file.src_uri, self._top)
        if source:
            for target in _TARGET.finditer(markdown):
                self._trees.publish(source, target[1] or target[2], files)
        docs = list(zip(markdown.split("\n"), origins, strict=True))
        if switches := take_switches(docs):
            self._teller.switch(shown, switches)
            self._teller.tell(unknown_switches(switches, shown))
            markdown, origins = "\n".join(text for text, _ in docs), [origin for _, origin in docs]
        slots = self._slots[page.file.src_uri] = []
        lifted = formula.lift(markdown, shown, origins, slots)
        if not source:
            return lifted

        def moved(target: re.Match[str]) -> str:
            link = self._trees.place(target[1] or target[2], source)
            return target[0].replace(target[1] or target[2], link) if link else target[0]

        return _TARGET.sub(moved, lifted)

    def settle(self, html: str, page: HostPage) -> str:
        """
        ### Send the formulas away, and make titles readable

        Takes and gives what MkDocs made of the Markdown.
        """
        slots = self.slots(page)
        if page.file.src_uri in self._trees.sources and not self._allow_html:
            from sidelit.prose import sanitise

            html = sanitise(html)
        asked = list(formula.contents(html, slots))
        self._teller.tell(item for item in asked if isinstance(item, Diagnostic))
        self._typesetting.request([item for item in asked if isinstance(item, Formula)])
        if page.title:
            # Front matter may give a number.
            page.title = formula.plain(str(page.title), slots)
        for item in _all_items(page.toc):
            item.title = formula.plain(item.title, slots)
        return html

    def slots(self, page: HostPage) -> Sequence[Slot]:
        """
        ### The formulas of a page
        """
        return self._slots.get(page.file.src_uri, [])


def _all_items(items: Iterable[AnchorLink]) -> Iterator[AnchorLink]:
    for item in items:
        yield item
        yield from _all_items(item.children)


# The targets of links and images in a Markdown file, to find the files of the tree that it shows.
_TARGET = re.compile(r"""\]\(\s*<?([^\s<>()]+)|\bsrc=["']([^"']+)["']""")
