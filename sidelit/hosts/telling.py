"""
# Telling what is wrong

What is found while a site is built goes to MkDocs' log, at the level that its rule has, with paths that lead to the
files from the current folder. It is also kept, so that a server can show it on the page that it concerns.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mkdocs.plugins import get_plugin_logger

from sidelit.check import sharpened
from sidelit.diagnostic import Diagnostic
from sidelit.rules import Switch, switched_off
from sidelit.tree import lines_of, shown_path

# MkDocs counts the warnings of its own loggers only. A diagnostic is a whole line by itself and gets no prefix.
log = get_plugin_logger("sidelit").logger


class Teller:
    """
    ## What was found in one build

    * `top` is the folder from which diagnostics name their files
    * `levels` are those of the rules
    * `macros` are the names of the TeX macros of the site, which nobody has mistyped
    """

    def __init__(self, top: Path, levels: Mapping[str, str], macros: Collection[str]) -> None:
        self._top = top
        self._levels = levels
        self._macros = macros
        self._found: dict[str, list[Diagnostic]] = defaultdict(list)
        self._switched: dict[str, frozenset[tuple[int, str]]] = {}

        # How much was told, whether it was heard or not
        self.told = 0

        # The lines of the file that was told of last
        self._lines: tuple[str, Sequence[str]] = "", ()

    def tell(self, diagnostics: Iterable[Diagnostic]) -> None:
        """
        ### Say what is wrong
        """
        for each in diagnostics:
            self.told += 1
            each = sharpened(each, self._macros, self._lines_of)
            level = self._levels[each.rule]
            if level == "off" or (each.line, each.rule) in self._switched.get(each.path, ()):
                continue
            self._found[each.path].append(each)
            each = replace(each, path=shown_path(self._top / each.path))
            log.log(logging.ERROR if level == "error" else logging.WARNING, "%s", each, extra={"diagnostic": True})

    def _lines_of(self, path: str) -> Sequence[str]:
        """Return the lines of a file, which is read once for all that is told of it in a row."""
        if self._lines[0] != path:
            self._lines = path, lines_of(self._top / path)
        return self._lines[1]

    def switch(self, path: str, switches: Sequence[Switch]) -> None:
        """
        ### Heed the comments in a file that switch rules off
        """
        if switches:
            self._switched[path] = switched_off(switches)

    def found(self, path: str) -> Sequence[Diagnostic]:
        """
        ### What is wrong with one file
        """
        return self._found.get(path, ())

    def forget(self, path: str) -> None:
        """Forget it, since the file is read again."""
        self._found.pop(path, None)
        self._lines = "", ()
