"""A lexer of Pygments that is asked once at each place makes the tokens that it made before."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygments.lexers.python import PythonLexer

from sidelit.lexing import quickened

SLOW = PythonLexer(stripnl=False, stripall=False, ensurenl=False)
QUICK = quickened(PythonLexer(stripnl=False, stripall=False, ensurenl=False))

# What opens and closes something, and what looks like it.
PIECES = (
    "rb'", "F\"", "fR'''", '"""', "'", "{", "}", "{{", "!r", ":>{w}", "=", "\\", "\\N{DIGIT ONE}", "\\x41", "%s",
    "%(a)d", "\n", "    ", "def f", "class C", "(", ")", "@a.b", "from . import x", "import a as b", "match x:",
    "case _:", "soft", "type T = int", "async", "await", "0x_1f", "1e5j", "1_0", "...", "->", ":=", "#", "é", "ß",
    "\u2028", "\ue000", "print", "__init__", "self", "True", "is not", "not in", "lambda", "yield from", ">>> ", "$",
    "?", "\t", "\f", "b", "u'",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=60))
@settings(max_examples=400, deadline=None)
def test_the_tokens_of_any_text_are_the_same(text: str) -> None:
    assert list(QUICK.get_tokens_unprocessed(text)) == list(SLOW.get_tokens_unprocessed(text))


@pytest.mark.parametrize("name", ["ast.py", "argparse.py", "typing.py", "string.py", "asyncio/events.py"])
def test_the_tokens_of_real_code_are_the_same(name: str) -> None:
    text = Path(sysconfig.get_path("stdlib"), name).read_text(encoding="utf-8")
    assert list(QUICK.get_tokens_unprocessed(text)) == list(SLOW.get_tokens_unprocessed(text))


def test_what_a_pattern_says_of_groups_and_flags_holds() -> None:
    from pygments.lexer import RegexLexer, bygroups
    from pygments.token import Name, Number, Text

    class Odd(RegexLexer):
        tokens = {  # noqa: RUF012 (as Pygments wants it)
            "root": [
                (r"(?i)x(y)?", bygroups(Name)),
                (r"a|ab", Text),
                (r"(1)(2)", bygroups(Number, Text)),
                (r"\s", Text, "more"),
            ],
            "more": [(r"(q)\1", bygroups(Name)), (r"(?P<n>z)", Text, "#pop")],
        }  # fmt: skip

    text = "xyXYxabab12 1212\nqqqz ab zz12"
    assert list(quickened(Odd()).get_tokens_unprocessed(text)) == list(Odd().get_tokens_unprocessed(text))
