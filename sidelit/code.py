r"""
# Code to HTML, line by line

This module takes a `Document` and gives one piece of HTML for each line of the file: its number, then its tokens in
the colours that the theme's style sheet gives to Pygments' class names.

Pygments reads the file once and as a whole, because only then does it know that a line is inside a string. The sections
take their lines from the result, wherever they are cut.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from html import escape
from string import ascii_letters
from typing import Any, NamedTuple

from pygments.lexer import inherit, words
from pygments.lexers.python import PythonLexer
from pygments.token import STANDARD_TYPES, Name, Number, Operator, Punctuation, String, Whitespace

from sidelit.source import Document, LineRange

# What is shown for a NUL, which HTML cannot hold.
NUL = "\N{SYMBOL FOR NULL}"


class _Lexer(PythonLexer):
    """
    ## Pygments' tokens, sooner

    Pygments tries one rule after the other, and those for plain names and spaces are among the last. Most code consists
    of these, so a run of them is read at once, and then cut into names, spaces, brackets and operators: five times
    faster, and a test compares all tokens with Pygments' own. What may be anything else, such as a keyword, a prefix of
    a string or the space before a docstring, is left to Pygments.
    """

    _WORDS = {
        *("in", "is", "and", "or", "not", "def", "class", "from", "import", "lazy", "match", "case"),
        *("self", "cls", "Ellipsis", "NotImplemented"),
        *(
            word
            for rules in PythonLexer.tokens.values()
            for rule in rules
            if isinstance(rule, tuple) and isinstance(rule[0], words)
            for word in rule[0].words
        ),
    }

    _PLAIN = (
        r"\n",
        r"""[^\S\n]+(?=\S)(?![rRuUbB]{,2}(?:\"""|''')|(?:match|case)\b)""",
        words(sorted(_WORDS), r"(?!", r"\b)[A-Za-z_][A-Za-z_0-9]*+(?![^\x00-\x7f]|[\"'])").get(),
        r"[](){},;[]|:(?!=)",
        r"!=|[-~+/*%=<>&^|]|\.(?!\d)",
    )

    # In a run, what a piece is shows in its first character. White space is not always ASCII.
    _PIECES = re.compile(r"[A-Za-z_0-9]+|\s+|[](){},;:[]+|[-~+/*%=<>&^|.!]+")
    _KINDS = defaultdict(
        lambda: Whitespace,
        dict.fromkeys("[](){},;:", Punctuation)
        | dict.fromkeys("-~+/*%=<>&^|.!", Operator)
        | dict.fromkeys(f"{ascii_letters}_", Name),
    )

    def _pieces(self, run: re.Match[str]) -> Iterator[tuple[int, Any, str]]:
        at, kinds = run.start(), self._KINDS
        for piece in self._PIECES.findall(run[0]):
            yield at, kinds[piece[0]], piece
            at += len(piece)

    # The others of which there are many: here only those that no rule of Pygments before theirs could be meant by.
    tokens = {
        "root": [
            (f"(?:{'|'.join(_PLAIN)})++", _pieces),
            (r"(?<!\.)self\b", Name.Builtin.Pseudo),
            (r"(?:in|is|and|or|not)\b", Operator.Word),
            (r"[0-9]++(?![\w.])", Number.Integer),
            (r'"[^"\\%{\n]++"', String.Double),
            (r"'[^'\\%{\n]++'", String.Single),
            inherit,
        ]
    }


@cache
def _lexer() -> _Lexer:
    """Nothing is stripped and nothing added: the lines that come out are the lines of the file."""
    return _Lexer(stripnl=False, stripall=False, ensurenl=False)


class Wrapped(NamedTuple):
    """
    ## A stretch of a line that becomes an element of its own

    It begins at `column`, counted from 0, and is `length` characters long. `wrap` takes its class and its HTML, and
    gives the element.
    """

    column: int
    length: int
    wrap: Callable[[str, str], str]


def highlight(document: Document, names: Mapping[int, Sequence[Wrapped]] | None = None) -> list[str]:
    r"""
    ## Every line of the file as HTML

    Each line begins with `<span class="lineno" id="L59">59</span>` and ends with a newline. The text of the spans is
    the line itself, character for character. Only a NUL is shown as a mark.

    `names` are stretches of lines, by the number of the line and in their order. One that is cut by a token is passed
    over. A comment that switches a rule off is nobody's business but the author's, and left out.
    """
    names = names or {}
    ends = {switch.line: switch.column - 1 for switch in document.switches}
    lines = []
    for number, tokens in enumerate(_tokens_by_line(document), start=1):
        if number in ends:
            tokens = _cut(tokens, ends[number])
        html = _elements(tokens, names.get(number, ()))
        lines.append(f'<span class="lineno" id="L{number}">{number}</span>{html}\n')
    return lines[: len(document.lines)]


def lines_of(ranges: Iterable[LineRange], highlighted: Sequence[str]) -> str:
    """
    ## The code of one section

    `ranges` are its `code_lines`. The last line's end is left out, so that no empty line shows below.
    """
    return "".join("".join(highlighted[first - 1 : last]) for first, last in ranges).removesuffix("\n")


def _tokens_by_line(document: Document) -> Iterator[list[tuple[str, str]]]:
    """Give the tokens of each line as (class, text); what follows in the same colour is one token."""
    text = "\n".join(document.lines).replace("\0", NUL)
    line: list[tuple[str, str]] = []

    # `get_tokens` would change line ends and drop a byte order mark; this is the lexer without that.
    for css, value in _joined(_lexer().get_tokens_unprocessed(text)):
        if "\n" not in value:
            line.append((css, value))
            continue
        first, *rest = value.split("\n")
        line.append((css, first))
        for more in rest:
            yield line
            line = [(css, more)]
    yield line


def _joined(tokens: Iterable[tuple[int, Any, str]]) -> Iterator[tuple[str, str]]:
    """Join tokens of one colour that follow each other."""
    before, values = "", [""]
    for _, kind, value in tokens:
        css = _css_class(kind)
        if css != before:
            yield before, "".join(values)
            before, values = css, []
        values.append(value)
    yield before, "".join(values)


def _cut(tokens: list[tuple[str, str]], end: int) -> list[tuple[str, str]]:
    """Return the tokens before a column, without the space before it."""
    kept = []
    for css, text in tokens:
        kept.append((css, text[: max(end, 0)]))
        end -= len(text)
    while kept and not kept[-1][1].rstrip():
        kept.pop()
    if kept:
        kept[-1] = kept[-1][0], kept[-1][1].rstrip()
    return kept


@cache
def _css_class(kind: Any) -> str:
    """Return Pygments' short name of a kind of token, empty where there is nothing to colour."""
    if kind is Whitespace:
        return ""
    while kind not in STANDARD_TYPES:
        kind = kind.parent
    return STANDARD_TYPES[kind]


def _elements(tokens: Iterable[tuple[str, str]], names: Sequence[Wrapped]) -> str:
    if not names:
        return "".join([_span(css, text) for css, text in tokens])

    parts = []
    column, waiting = 0, list(reversed(names))
    for css, text in tokens:
        end = column + len(text)
        while waiting and waiting[-1].column < end:
            name = waiting.pop()
            if column <= name.column and name.column + name.length <= end:
                before, text = text[: name.column - column], text[name.column - column :]
                word, text = text[: name.length], text[name.length :]
                parts += [_span(css, before), name.wrap(css, escape(word, quote=False))]
                column = name.column + name.length
        parts.append(_span(css, text))
        column = end
    return "".join(parts)


@lru_cache(10_000)
def _span(css: str, text: str) -> str:
    html = escape(text, quote=False)
    return f'<span class="{css}">{html}</span>' if css and text else html
