"""
# Time grows with the input, and no faster

Ten times the text may take about ten times as long. What grows with the square of the text would take a hundred times.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

from sidelit.dialects import to_markdown
from sidelit.layout import arrange
from sidelit.making import make_page
from sidelit.page import finish
from sidelit.prose import Fragment, Renderer
from sidelit.source import parse

RENDERER = Renderer(allow_html=False)


def prose(text: str) -> None:
    RENDERER.render([Fragment(text, ((1, 1),) * (text.count("\n") + 1))], "a.py", ())


def texts(text: str) -> None:
    """Many short ones on one page."""
    fragments = [Fragment(line, ((1, 1),)) for line in text.split("\n")]
    RENDERER.render(fragments, "a.py", ())


def split(text: str) -> None:
    parse(text, "a.py", "a")


def page(text: str) -> None:
    made = make_page(parse(text, "a.py", "a"), allow_html=False)
    finish(made, lambda formula: "x", lambda link: link.target, lambda reference: "a.html#x")


def docstring(text: str) -> None:
    to_markdown(text, ((1, 1),) * (text.count("\n") + 1))


def lines(text: str) -> None:
    arrange(text.split("\n"), lambda code, language: "x")


def paragraph_in_list(text: str) -> None:
    prose("- a\n" + "".join(f"  {line}\n" for line in text.split("\n")))


BY_WORK: dict[Callable[[str], None], list[str]] = {
    prose: [
        "<a ", "<a href=", "<b '", '<img src="', "<a\n", "<a/", "<!--", "<!-- <a ", "<!", "<?", "<script>", "<a>",
        "</a ",
        "a\n===\n", "_ _ _\n", "!!! n\n", "*a*", "**a*b* ", "*a **b", "[a](b)", "[[", "![a](", "[a][b]", "[a]: b\n",
        "> ", "> a\n", "- a\n", "  - a\n", "|a|\n|-|\n", "# a\n", "a\n: b\n", "```\n", "$$", "$a$", "`a", "a\n\n",
        "<td>",
        "1. a\n   - b\n", ">>> a\n\n", "[a]:\n", "> [a]:\n", "\t", "&#", "\\", "http://a ", "<div>a</div>\n", "é", 
        "[^1]: a\n\n",
    ],
    texts: ["# a\n", "[a](b.py)\n", "[a]: b\n", "a[^1]\n", "[^1]: b\n", "<a id=x>\n", "$a$\n", "# L1\n"],
    split: [
        "# a\n", "#\n", "# a\n\n", "x = 1\n", "def f(): pass\n", "def f():\n    'd'\n\n", "class A: pass\n", "@a\n",
        "(", "[[",
        "'", "'''", '"""\n', "x; ", "f'{x}' ", "\\\n", "# type: x\n", "# noqa\n", "# %%\n", "\x0c\n", "\x00", "\t\n",
        "a",
        "# x = 1\n", "#!a\n", "if x:\n", "else:\n", "\r", "\r\n", "# coding: x\n", "é", "{", "lambda: ",
        "# sidelit: off\n",
    ],
    page: [
        "def f(x):\n    return x\n\n", "x = x\n", "a.b.", "class A(A): pass\n", "f(x=1)\n", "[x for x in x]\n",
        "import a\n",
        "from a import *\n", "self.x = x\n", "# [a](b.py#c)\n\n", "# [a](#c)\n\n", "# # A\n\n", "# $a$\n\n", "x",
        "# `x`\n",
        "def f(a):\n    '''a\n\n    Args:\n        b: c\n    '''\n", "global x\n", "x: x = x\n",
        "# ## [a](b) $x$ *c*\n\nx\n",
    ],
    docstring: [
        "Args:\n    x: y\n\n", "Args:\n", "Parameters\n----\nx : y\n    z\n\n", ":param x: y\n", ":type x: y\n",
        ":a:`", ":a:",
        "a:\n\n", "Returns:\n    a (b", "x (", "x[", "a, ", "----\n", "```\n", ".. note::\n", ":raises a: b\n",
        "a: b, optional\n", ".. note::\n\n", ".. math::\n    x\n", ":a:`b` ", "`a", "`a <", "`a \n", "[a]_ ", 
        "a::\n b\n", "` ", "``a",
    ],
    lines: ["- ", "1. ", "> ", ">", "```a\n", "~~~\n```\n", "----\n", "a\n---\n", "!!! n\n    ", ": a\n", "<div>\n",
    "  - a\n"],
    paragraph_in_list: ["a\n===\n", "a ", "*a*", "```\n"],
}  # fmt: skip


def seconds(work: Callable[[str], None], unit: str, size: int) -> float:
    text = unit * (size // len(unit))
    # What the garbage collector takes depends on all that other tests have left in memory.
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        work(text)
        return time.process_time() - start
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("work", "unit"), [pytest.param(work, unit,
    id=f"{work.__name__}-{unit!r}") for work in BY_WORK for unit in BY_WORK[work]]
)
def test_ten_times_the_text_takes_about_ten_times_as_long(work: Callable[[str], None], unit: str) -> None:
    # The machine may be slow at one moment, so the best of two counts.
    small = max(0.002, min(seconds(work, unit, 3_000) for _ in range(2)))
    large = seconds(work, unit, 30_000)
    if large > 30 * small:
        large = min(large, seconds(work, unit, 30_000))
    assert large <= 30 * small, (small, large)


@pytest.mark.parametrize("unit", ["[a]:\n", "> [a]:\n", "# a\n", "- a\n\n", "a\n: b\n", "***\n"])
def test_the_same_up_to_the_longest_text(unit: str) -> None:
    small = seconds(prose, unit, 9_900)
    assert seconds(prose, unit, 99_000) <= 30 * small
