"""
# Marks of reStructuredText

In docstrings of any dialect and of none. What is not a mark stays, and whatever stays keeps its place in the file.
"""

from __future__ import annotations

import re

import pytest
from building import own_cache, run, write
from hypothesis import example, given
from hypothesis import strategies as st
from test_dialects import assert_formulas_have_their_places, converted, html

from sidelit.dialects import to_markdown

__all__ = ["own_cache"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A :class:`~a.b.C` of :py:func:`f`.", "A `C` of `f`."),
        ("See :ref:`the way <there>`s, :obj:`!d`.", "See `the way`s, `d`."),
        ("So :math:`y = xA^T + b` is.", "So $y = xA^T + b$ is."),
        (":math:`\\text{`so'}`", ":math:`\\text{`so'}`"),
        ("See `PyTorch <https://pytorch.org>`_.", "See [PyTorch](https://pytorch.org)."),
        ("See `PyTorch <https://pytorch.org>`__ and :obj:`x` [1]_, [Ki14]_.",
         "See [PyTorch](https://pytorch.org) and `x` [1], [Ki14]."),
        ("A :ref:`long\n    way <there>` home.", "A `long\n way` home."),
        ("A :ref:`long way\n    <there>` home.", "A `long way\n ` home."),
        ("A `long\nway <https://x.org>`_ home.", "A [long\nway](https://x.org) home."),
        ("In ``:math:`x` `` and :math:`y`", "In ``:math:`x` `` and $y$"),
        ("A :math:`a\nb`.", "A $a\nb$."),
        (":x:`~a\n.b`", ":x:`~a\n.b`"),
    ],
)  # fmt: skip
def test_in_running_text(text: str, expected: str) -> None:
    assert re.sub(" +", " ", converted(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".. math:: E = mc^2", "$$\nE = mc^2\n$$\n"),
        (".. math ::\n    :label: a\n\n    a = b\n\n    c = d", "$$\na = b\n$$\n\n$$\nc = d\n$$\n"),
        (".. math::\n  a &= b \\\\\n  c &= d", "$$\\begin{split}\na &= b \\\\\nc &= d\n\\end{split}$$\n"),
        (".. math::\n  \\begin{cases}\n  a & b\n  \\end{cases}", "$$\n\\begin{cases}\na & b\n\\end{cases}\n$$\n"),
        (".. math::\n  \\text{`so'}", "$$\n\\text{‘so'}\n$$\n"),
        (".. note::\n    One.\n\n    Two.\n\nOn.", '!!! note "Note"\n    One.\n\n    Two.\n\n\nOn.'),
        (".. warning:: One\n    goes on.", '!!! warning "Warning"\n    One\n    goes on.\n'),
        (".. admonition:: My \"own\"\n\n    One.", "!!! note \"My 'own'\"\n\n    One.\n"),
        (".. seealso:: This", '!!! note "See also"\n    This\n'),
        (".. versionadded:: 1.2", "*Added in version 1.2.*"),
        (".. deprecated:: 2.0 Use it.\n    Not me.",
         '!!! warning "Deprecated since version 2.0"\n    Use it.\n    Not me.\n'),
        (".. code-block:: c\n    :linenos:\n\n    x = 1;\n\n    y;", "```c\nx = 1;\n\ny;\n```"),
        (".. code::\n\n    ```\n    x", "````python\n```\nx\n````"),
        (".. rubric:: Notes", "**Notes**\n"),
        ("See [1]_.\n\n.. [1] One,\n   two.\n.. [2] Three.\n.. _here:\n.. math:: x",
         "See [1].\n\n- [1] One,\n  two.\n- [2] Three.\n\n$$\nx\n$$\n"),
        (":x:`y` so::\n\n  x = 1\n\nOn.", "`y` so:\n\n    x = 1\n\nOn."),
        (":x:`y` so::\n\n    .. note:: a", "`y` so:\n\n    .. note:: a"),
        (".. note::\n  .. tip:: A", '!!! note "Note"\n    !!! tip "Tip"\n        A\n\n'),
        (".. plot::\n\n    x = 1", ".. plot::\n\n    x = 1"),
        (".. math:: x\n\n```\n.. note:: a\n```", "$$\nx\n$$\n\n\n```\n.. note:: a\n```"),
    ],
)  # fmt: skip
def test_blocks(text: str, expected: str) -> None:
    assert converted(text).replace("`    so", "` so") == expected


def test_blocks_in_a_list_of_parameters() -> None:
    made = html("Args:\n    x: The value\n\n        .. math:: q_i\n\n        .. note:: Mind.\n    y: Another.\n")
    assert "<dt><code>y</code></dt>" in made
    assert '<dd><p>The value</p>' in made and made.count("admonition note") == 1


PIECES = st.sampled_from(
    [":class:`A`", ":math:`x`", "`a <b>`_", "[1]_", ".. note::", ".. note:: So", ".. math::", ".. code::", ".. [1] B"]
    + ["    $x$", "$y$ goes", " ", "\n", "\n", "\n\n", "    ", "        ", "word", "so::", "``", "`", "<", ">", "```\n"]
    + ["Args:\n    x: ", ":param x: ", ".. versionadded:: 1", ":label: z", "~", "!", "é"]
)


@given(st.lists(PIECES, max_size=14).map("".join))
@example(":x:` \n `")
@example(".. note::\n" * 40)
@example("\n".join(" " * depth + ".. note::" for depth in range(300)))
def test_whatever_comes(docs: str) -> None:
    origins = [(number, 1) for number in range(1, docs.count("\n") + 2)]
    made, places = to_markdown(docs, origins)
    assert len(places) == made.count("\n") + 1
    for word in ("goes", "word"):
        assert made.count(word) == docs.count(word)


TEXTS = st.sampled_from(
    ["See :class:`~a.B`, then $z$.", "A `b <https://x.org/y>`_ and $a$.", "In [1]_ is $c$", "Is $d$.", "(:m:`x` $e$)"]
)
HEADS = st.sampled_from(["", "    ", ".. note::\n    ", ".. note:: ", ".. [2] "])


@given(st.lists(st.tuples(HEADS, TEXTS), max_size=6))
def test_formulas_keep_their_places(parts: list[tuple[str, str]]) -> None:
    docs = "\n\n".join(["See :obj:`x`.", *("".join(part) for part in parts)])
    origins = [(number, 1) for number in range(1, docs.count("\n") + 2)]
    assert_formulas_have_their_places(docs, *to_markdown(docs, origins))


def test_what_is_wrong_in_a_formula_is_told_in_its_place(own_cache: object, tmp_path: object) -> None:
    source = 'def f():\n    r"""\n    Is :math:`\\nope`.\n\n    .. math::\n\n        a + \\nix\n    """\n'
    write(tmp_path, {"a.py": source})
    ran = run("sidelit", "check", "a.py", cwd=tmp_path)
    assert "a.py:3:15: `\\nope`" in ran.out and "a.py:7:13: `\\nix`" in ran.out
