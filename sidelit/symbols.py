r"""
# Symbols and the variables that hold them

A page may say in its front matter which variable of its code holds which symbol of its formulas:

```yaml
symbols:
  beta1: \beta_1
  m: [m_t, 'm_{t-1}']
```

This module reads that, as far as it can be read, and says what is wrong with the rest. Pointing at either of the two
then lights up both. Where a symbol stands is found on MathJax's own tree, see [`mathjax`](mathjax.py), and where a
variable does on Python's, see [`names`](names.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sidelit.diagnostic import Diagnostic
from sidelit.formula import Formula
from sidelit.source import Document


@dataclass(frozen=True)
class Symbol:
    """
    ## A declared pair

    `variable` is a name in the code. `formula` is the symbol, at its place in the front matter.
    """

    variable: str
    formula: Formula


def declared_symbols(document: Document) -> tuple[tuple[Symbol, ...], list[Diagnostic]]:
    """
    ## The pairs that a page declares
    """
    values = document.front_matter.get("symbols")
    if values is None:
        return (), []

    places = _Places(document)
    if not isinstance(values, dict):
        message = r"`symbols` pairs names of variables with TeX; write it as `name: \TeX` lines"
        return (), [places.diagnostic(message)]

    symbols: list[Symbol] = []
    diagnostics: list[Diagnostic] = []
    for name, value in values.items():
        places.go_to(rf"(?<!\w){re.escape(str(name))}(?=['\"]?\s*:)")
        texts = list(_texts(value))
        if not str(name).isidentifier():
            diagnostics.append(places.diagnostic(f"`{name}` in `symbols` is not the name of a variable"))
        elif not texts or None in texts:
            message = f"the symbol of `{name}` must be TeX, or a list of TeX; put it in single quotes"
            diagnostics.append(places.diagnostic(message))
        else:
            symbols += (Symbol(str(name), Formula(tex, False, document.path, *places.of(tex))) for tex in texts if tex)
    return tuple(symbols), diagnostics


def _texts(value: Any) -> Iterator[str | None]:
    """Give each symbol of a variable, and nothing for what is not one."""
    for text in value if isinstance(value, list) else [value]:
        yield text.strip() or None if isinstance(text, str) else None


def unused_variables(symbols: Iterable[Symbol], names: Collection[str]) -> list[Diagnostic]:
    """
    ## Variables that no line of code has

    `names` are those that the code has. Each variable is told once.
    """
    first: dict[str, Formula] = {}
    for symbol in symbols:
        first.setdefault(symbol.variable, symbol.formula)
    return [
        _unused(formula, f"no line of code has the name `{variable}`; correct it, or take it out of `symbols`")
        for variable, formula in first.items()
        if variable not in names
    ]


def unused_symbols(symbols: Iterable[Symbol]) -> list[Diagnostic]:
    """
    ## Symbols that no formula holds
    """
    return [
        _unused(each.formula, f"no formula of this page holds `{each.formula.tex}`; correct it, or take it out")
        for each in symbols
    ]


def _unused(formula: Formula, message: str) -> Diagnostic:
    return Diagnostic(formula.path, formula.line, formula.column, "symbols", message)


class _Places:
    """
    ### Where in the file the entries stand

    YAML gives values and not their places. Entries come in their order, so each is looked for behind the one before.
    What cannot be found as it was read, because it has escapes, stands where its name does.
    """

    def __init__(self, document: Document) -> None:
        self.path = document.path
        lines = document.lines
        fences = [number for number, line in enumerate(lines) if line.rstrip().endswith("---")]
        first, last = (*fences, 0, 0)[:2]
        self.start = first
        self.text = "\n".join(lines[first : last + 1])
        self.at = 0
        self.go_to(r"(?<!\w)symbols(?=\s*:)")

    def go_to(self, pattern: str) -> None:
        """Go on to what matches, if anything does."""
        if match := re.compile(pattern).search(self.text, self.at):
            self.at = match.start()

    def of(self, tex: str) -> tuple[int, int]:
        """The line and column of a symbol, else those of its name."""
        found = re.compile(rf"(?<![\w\\]){re.escape(tex)}(?!\w)").search(self.text, self.at + 1)
        return self._place(found.start() if found else self.at)

    def diagnostic(self, message: str) -> Diagnostic:
        """What is wrong at this place."""
        return Diagnostic(self.path, *self._place(self.at), "front-matter", message)

    def _place(self, at: int) -> tuple[int, int]:
        begin = self.text.rfind("\n", 0, at) + 1
        return self.start + self.text.count("\n", 0, at) + 1, at - begin + 1
