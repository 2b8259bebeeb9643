r"""
# Code to HTML, line by line

This module takes a `Document` and gives one piece of HTML for each line of the file: its number, then its tokens in
the colours that the theme's style sheet gives to Pygments' class names.

Pygments reads the file once and as a whole, because only then does it know that a line is inside a string. The sections
take their lines from the result, wherever they are cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pygments.formatters import HtmlFormatter
from pygments.lexers.python import PythonLexer

from sidelit.source import Document, LineRange

# What is shown for a NUL, which HTML cannot hold.
NUL = "\N{SYMBOL FOR NULL}"

# Nothing is stripped and nothing added: the lines that come out are the lines of the file. `nowrap` leaves the
# wrapping elements to the template.
_LEXER = PythonLexer(stripnl=False, stripall=False, ensurenl=False)
_FORMATTER = HtmlFormatter(nowrap=True)


def highlight(document: Document) -> list[str]:
    r"""
    ## Every line of the file as HTML

    Each line begins with `<span class="lineno" id="L59">59</span>` and ends with a newline. The text of the spans is
    the line itself, character for character. Only a NUL is shown as a mark.
    """
    text = "\n".join(document.lines).replace("\0", NUL)

    # `get_tokens` would change line ends and drop a byte order mark; this is the lexer without that.
    tokens = ((kind, value) for _, kind, value in _LEXER.get_tokens_unprocessed(text))
    formatted: list[str] = []
    _FORMATTER.format(tokens, _Writer(formatted))

    return [
        f'<span class="lineno" id="L{number}">{number}</span>{line}\n'
        for number, line in enumerate("".join(formatted).split("\n")[: len(document.lines)], start=1)
    ]


class _Writer:
    """What the formatter writes to: a list of strings."""

    def __init__(self, parts: list[str]) -> None:
        self.write = parts.append


def lines_of(ranges: Iterable[LineRange], highlighted: Sequence[str]) -> str:
    """
    ## The code of one section

    `ranges` are its `code_lines`. The last line's end is left out, so that no empty line shows below.
    """
    return "".join("".join(highlighted[first - 1 : last]) for first, last in ranges).removesuffix("\n")
