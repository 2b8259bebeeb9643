"""
# Lines, laid out

Each text is what an author would write; beside it is the HTML that Python-Markdown, with the extensions of the
generator, makes of the lines as they were arranged.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown import markdown

from sidelit.layout import arrange

EXTENSIONS = ["sane_lists", "tables", "admonition", "def_list", "footnotes"]


def stash(code: str, language: str) -> str:
    return f"({language or 'text'}: {code.replace(chr(10), '/')})"


def arranged(text: str) -> str:
    return "\n".join(arrange(text.split("\n"), stash, frozenset({"div", "pre", "p"})))


def html(text: str) -> str:
    """HTML without the white space between tags, and without paragraphs within items."""
    result = markdown(arranged(text), extensions=EXTENSIONS)
    return re.sub(r"\s*(</?(?:ul|ol|li|p|blockquote|div|dl|dt|dd|pre|h\d|hr)\b[^>]*>)\s*", r"\1", result)


NESTED = "<ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li><li>d</li></ul>"


@pytest.mark.parametrize("step", [2, 3, 4])
def test_bullets_nest_with_any_indentation(step: int) -> None:
    assert html("\n".join([f"- a\n{' ' * step}- b\n{' ' * 2 * step}- c", "- d"])) == NESTED


@pytest.mark.parametrize("step", [2, 3, 4])
def test_ordered_lists_nest_with_any_indentation(step: int) -> None:
    indent = " " * step
    assert html(f"1. a\n{indent}- b\n{indent}- c\n2. d\n{indent}1. e") == (
        "<ol><li>a<ul><li>b</li><li>c</li></ul></li><li>d<ol><li>e</li></ol></li></ol>"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # A list directly under a paragraph
        ("a\n- b\n- c\n\nd", "<p>a</p><ul><li>b</li><li>c</li></ul><p>d</p>"),
        ("a\n1. b\n2. c", "<p>a</p><ol><li>b</li><li>c</li></ol>"),
        ("a\n2. b", "<p>a\n2. b</p>"),
        ("in\n1986. A year", "<p>in\n1986. A year</p>"),
        ("a\n- \nb", "<p>a -\nb</p>"),
        ("a\n*b* c", "<p>a\n<em>b</em> c</p>"),
        ("a\n-b", "<p>a\n-b</p>"),
        # What belongs to an item
        ("- a\n  b\nc\n- d", "<ul><li>a\n    b\n    c</li><li>d</li></ul>"),
        ("1. a\n\n   b\n2. c", "<ol><li><p>a</p><p>b</p></li><li><p>c</p></li></ol>"),
        ("1. a\n\n  b\n2. c", "<ol><li><p>a</p><p>b</p></li><li><p>c</p></li></ol>"),
        ("- a\n\nb", "<ul><li>a</li></ul><p>b</p>"),
        ("- a\n\n      b\n- c", "<ul><li><p>a</p><pre><code>b\n</code></pre></li><li><p>c</p></li></ul>"),
        ("- a\n\n  b\n  - c", "<ul><li><p>a</p><p>b</p><ul><li>c</li></ul></li></ul>"),
        ("- a\n# B\nc", "<ul><li>a</li></ul><h1>B</h1><p>c</p>"),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("- a\n1. b", "<ul><li>a</li></ul><ol><li>b</li></ol>"),
        ("-   a\n\n    b", "<ul><li><p>a</p><p>b</p></li></ul>"),
        # Lists in other blocks
        ("> a\n> - b\n>   - c", "<blockquote><p>a</p><ul><li>b<ul><li>c</li></ul></li></ul></blockquote>"),
        ("a\n: b\nc\n: d", "<dl><dt>a</dt><dd>b</dd><dt>c</dt><dd>d</dd></dl>"),
        (
            '!!! note ""\n    a\n    - b\n      - c\n\nd',
            '<div class="admonition note"><p>a</p><ul><li>b<ul><li>c</li></ul></li></ul></div><p>d</p>',
        ),
        # Fences and sessions
        ("a\n```py\n- b\n\n  c\n```\nd", "<p>a</p><p>(py: - b//  c)</p><p>d</p>"),
        ("~~~\n```\n~~~~", "<p>(text: ```)</p>"),
        ("- a\n\n  ```\n  b\n    c\n  ```\n- d", "<ul><li><p>a</p><p>(text: b/  c)</p></li><li><p>d</p></li></ul>"),
        ("- ```py\n  b\n  ```\n- c", "<ul><li><p>(py: b)</p></li><li><p>c</p></li></ul>"),
        ("> ``` py\n> a\n> ```", "<blockquote><p>(py: a)</p></blockquote>"),
        ("```\na", "<p>```\na</p>"),
        (">>> f(1)\n2\n\na", "<p>(pycon: &gt;&gt;&gt; f(1)/2)</p><p>a</p>"),
        ("a\n\n    >>> f(1)\n    2", "<p>a</p><p>(pycon: &gt;&gt;&gt; f(1)/2)</p>"),
        ("a\n    >>> f(1)\n      2\nb", "<p>a</p><p>(pycon: &gt;&gt;&gt; f(1)/  2/b)</p>"),
        # Rulers
        ("A heading\n-----\nb", "<h2>A heading</h2><p>b</p>"),
        ("A title\n=======", "<h1>A title</h1>"),
        ("-----\nA\n-----\nb", "<p>A</p><p>b</p>"),
        ("A\n----------", "<p>A</p>"),
        ("=====\nA\n=====", "<p>A</p>"),
        ("a\nb\n----\nc", "<p>a\nb</p><p>c</p>"),
        ("a\nb\n---\nc", "<p>a\nb</p><hr /><p>c</p>"),
        ("a\n\n------\n\nb", "<p>a</p><hr /><p>b</p>"),
        ("#####\na\n#####", "<p>a</p>"),
        ("####\n# A #\n####\n", "<h1>A</h1>"),
        ("~~~~~~\na", "<p>a</p>"),
        ("a\n=\nb\n--\nc", "<p>a =\nb --\nc</p>"),
        ("* * *\n- - -", "<hr /><hr />"),
        # Headings
        ("see\n#12 and\n#!x", "<p>see\n#12 and\n#!x</p>"),
        ("- #1 a", "<ul><li>#1 a</li></ul>"),
        ("####### a", "<p>####### a</p>"),
        ("## A\nb\n### C", "<h2>A</h2><p>b</p><h3>C</h3>"),
    ],
)
def test_what_authors_write(text: str, expected: str) -> None:
    assert html(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a\nb\n\nc",
        "a\n\n    - b\n    1. c\n\n    # d\n    -----",
        "<div>\n- a\n    b\n```\n</div>",
        "<pre>\n\n- a\n  - b\n-----\n</pre>",
        "<!-- a\n\n- b\n-->",
        "a | b\n--- | ---\n1 | 2",
        "| a |\n|---|\n| - |",
        "a * b\n+1",
        "    a\n\n    b",
        "[a]: b\n[c]: d",
    ],
)
def test_everything_else_passes_unchanged(text: str) -> None:
    assert arranged(text) == text


@given(
    st.lists(
        st.sampled_from(
            ["a", "b ", "- ", "1. ", "2. ", "  ", "    ", "> ", "```", "~~~", "\n", "\n", "\n\n", "# ", "----", "!!! n"]
        )
        | st.sampled_from([": ", "[^1]: ", "<div>", "<pre>", "</pre>", "*", "=", ">>> "]),
        max_size=40,
    ).map("".join)
)
def test_no_word_is_lost(text: str) -> None:
    kept = re.findall("[ab]", arranged(text))
    assert kept == re.findall("[ab]", text)
