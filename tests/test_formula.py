r"""
# Formulas, lifted and filled

What is math and what is not, where it stands, and that nothing else of a text changes.
"""

from __future__ import annotations

import time
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelit.diagnostic import Diagnostic
from sidelit.formula import Formula, Link, Slot, contents, fill, lift, markup, plain, put, source


def formulas(text: str) -> list[str]:
    """The TeX in a text; display math in double dollars."""
    slots: list[Slot] = []
    lift(text, "a.md", None, slots)
    found = [slot.content for slot in slots if isinstance(slot.content, Formula)]
    return [f"$${each.tex}$$" if each.display else each.tex for each in found]


def findings(text: str) -> list[tuple[int, int]]:
    """Line and column of what is not closed."""
    slots: list[Slot] = []
    lift(text, "a.md", None, slots)
    return [(slot.content.line, slot.content.column) for slot in slots if isinstance(slot.content, Diagnostic)]


MATH = [
    ("a $x_1$ b", ["x_1"]),
    ("$x$ and $y$", ["x", "y"]),
    ("$a$$b$", ["a", "b"]),
    ("$a\n+ b$", ["a\n+ b"]),
    (r"$\$5$", [r"\$5"]),
    (r"$a\\b * c_d < e & f | g$", [r"a\\b * c_d < e & f | g"]),
    ("the $i$th", ["i"]),
    ("2$\\times$ 3", [r"\times"]),
    ("($x$), $y$.", ["x", "y"]),
    ("$$x$$", ["$$x$$"]),
    ("so $$\n  x\n  + y\n$$ holds", ["$$x\n+ y$$"]),
    (r"$$x \text{ if $y$}$$", [r"$$x \text{ if $y$}$$"]),
    (r"\(x\) \[y\]", ["x", "$$y$$"]),
    (r"\[ \begin{matrix} a \\[2pt] b \end{matrix} \]", [r"$$\begin{matrix} a \\[2pt] b \end{matrix}$$"]),
    ("in \\begin{align}x &= 1 \\\\\ny\\end{align} a", ["$$\\begin{align}x &= 1 \\\\\ny\\end{align}$$"]),
    (r"\begin{equation*}x\end{equation*}", [r"$$\begin{equation*}x\end{equation*}$$"]),
    (r"\begin{gather}x\end{gather}", [r"$$\begin{gather}x\end{gather}$$"]),
    ("> $$\n> a\n> > b\n> $$", ["$$a\n> b$$"]),
    ("> > \\(a\n> > b\\)", ["a\nb"]),
    ("- $$\n  a\n  - b\n  $$", ["$$a\n- b$$"]),
    ("# On $x$\n\n| $|a|$ | b |", ["x", "|a|"]),
    (r"\\$x$", ["x"]),
    ("$5 for $x$", ["x"]),
    ("a $b and $x$", ["x"]),
]


@pytest.mark.parametrize(("text", "expected"), MATH)
def test_math_is_lifted(text: str, expected: list[str]) -> None:
    assert formulas(text) == expected
    assert findings(text) == []


NOT_MATH = [
    "$5 and $6",
    "between $5 and 10$ a month",
    "5$. Then 6$",
    "US$ 5, A$ 6",
    "$ x $",
    "$x $",
    "$x$2",
    "a\n\n$x\n\ny$",
    "$HOME/$USER and ${a}/${b}",
    "set $FOO to $BAR",
    "$Id$ and $Revision$",
    r"\$x\$",
    r"\\(a\\) \\[b\\]",
    r"\(\) $$ $$",
    r"\begin{cases}x\end{cases}",
    "`$x$`",
    "``a ` $x$``",
    "`a\n$x$`",
    "costs $5, see `$HOME`",
    "```\n$x$\n```",
    "~~~ tex\n$x$\n```\n$y$\n~~~",
    "- a\n\n  ```python\n  $x$\n  ```",
    "> ```\n> $x$\n> ```",
    "<pre>$x$\n\n$y$</pre>",
    "<CODE>$x$</CODE>",
    '<script type="a">$x$</script>',
    "<!-- $x$\n\n$y$ -->",
    "- $a\n- b$",
    "$a\n# b$",
    "| $a |\n| b$ |",
]


@pytest.mark.parametrize("text", NOT_MATH)
def test_what_is_not_math_stays(text: str) -> None:
    assert formulas(text) == []
    assert findings(text) == []


@pytest.mark.parametrize(
    "text", ["`` $x$", "<pre> $x$", "```\n$x$", "<!-- $x$", "`a\n\n$x$`", r"\`$x$\`", "<present $x$"]
)
def test_what_is_not_closed_is_not_code(text: str) -> None:
    assert formulas(text) == ["x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"let $\alpha be", [(1, 5)]),
        ("ok\n\nlet $x_t be\n\n$y$", [(3, 5)]),
        ("$$\nx", [(1, 1)]),
        ("$$\nx\n\n", [(1, 1)]),
        ("a\n \\begin{align}\nx", [(2, 2)]),
        (r"a \[ \frac 1 2", [(1, 3)]),
        (r"a \( x^2", [(1, 3)]),
        (r"an \[escaped\\] bracket", []),
        (r"let $\alpha and $x$ be", [(1, 5)]),
        ("the regex ^a$|b", []),
        ("$HOME/my_file", []),
        ("$1 of ^", []),
        ('one of "$" / "^" / "_"', []),
    ],
)
def test_what_looks_meant_and_is_not_closed_is_a_finding(text: str, expected: list[tuple[int, int]]) -> None:
    assert findings(text) == expected
    slots: list[Slot] = []
    lifted = lift(text, "a.md", None, slots)
    assert fill(escape(lifted, quote=False), slots, lambda formula: f"${formula.tex}$") == escape(text, quote=False)


def test_a_finding_names_the_rule_and_the_delimiter() -> None:
    slots: list[Slot] = []
    lift("$$ x", "a.md", [(7, 3)], slots)
    (finding,) = (slot.content for slot in slots)
    assert str(finding).startswith("a.md:7:3: this `$$` is not closed")
    assert str(finding).endswith("[math]")


def test_a_formula_knows_where_its_file_has_it() -> None:
    slots: list[Slot] = []
    lift("one $a$\ntwo $b$\n$$c\n$$ $d$", "a.py", [(10, 7), (11, 7), (20, 5), (21, 5)], slots)
    places = [(slot.content.line, slot.content.column) for slot in slots if isinstance(slot.content, Formula)]
    assert places == [(10, 11), (11, 11), (20, 5), (21, 8)]


def test_a_placeholder_is_no_word_and_no_markup() -> None:
    slots: list[Slot] = []
    lifted = lift("$x$" * 12, "a.md", None, slots)
    assert len(slots) == 12
    assert not any(character.isalnum() or character.isspace() or character.isascii() for character in lifted)


PRIVATE = "\ue000\ue001\ue010\ue019"


def test_an_authors_private_characters_come_back() -> None:
    text = f"{PRIVATE} $x$ `{PRIVATE}` \ue000\ue011\ue001"
    slots: list[Slot] = []
    lifted = lift(text, "a.md", None, slots)
    assert fill(lifted, slots, lambda formula: "<m>") == text.replace("$x$", "<m>")


def test_a_placeholder_that_is_not_ours_stays() -> None:
    assert fill("<b>\ue000\ue019\ue001</b>", [], str) == "<b>\ue000\ue019\ue001</b>"


texts = st.lists(
    st.sampled_from(
        [
            "$",
            "$$",
            "\\",
            r"\(",
            r"\)",
            r"\[",
            r"\]",
            r"\begin{align}",
            r"\end{align}",
            "`",
            "```",
            "~~~",
            "<pre>",
            "</pre>",
        ]
        + ["<!--", "-->", "\n", "\n\n", "> ", "- ", "| ", "# ", " ", "a", "b_c", "5", "^", PRIVATE, "\ue000", "é", "."]
    ),
    max_size=30,
).map("".join)


@given(texts)
def test_lifting_loses_nothing(text: str) -> None:
    slots: list[Slot] = []
    lifted = lift(text, "a.md", None, slots)
    assert source(lifted, slots) == text
    lines = text.split("\n")
    for slot in slots:
        if isinstance(slot.content, Formula | Diagnostic):
            assert lines[slot.content.line - 1][slot.content.column - 1 :].startswith(slot.source.split("\n")[0])


@given(st.text(st.characters(exclude_characters="$\\" + "".join(map(chr, range(0xE000, 0xE01A))), codec="utf-8")))
def test_a_text_without_math_passes_unchanged(text: str) -> None:
    slots: list[Slot] = []
    assert lift(text, "a.md", None, slots) == text
    assert slots == []


# ## Filling


def filled(html: str) -> str:
    slots: list[Slot] = []
    lifted = lift(html, "a.md", None, slots)
    return fill(lifted, slots, lambda formula: f"<m>{escape(formula.tex)}</m>")


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>$x<y$</p>", "<p><m>x&lt;y</m></p>"),
        ('<img alt="a $x_1$" src=b>$y$', '<img alt="a $x_1$" src=b><m>y</m>'),
        ("<img alt='$\"x\"$'>", "<img alt='$&quot;x&quot;$'>"),
        ('<a title="a > $b$" href=c>$d$</a>', '<a title="a > $b$" href=c><m>d</m></a>'),
        ("<kbd>$x$</kbd>", "<kbd><m>x</m></kbd>"),
        (r"<p>\$5</p>", "<p>$5</p>"),
        ("a < b $x$ > c", "a < b <m>x</m> > c"),
        ('<a href="$x$', '<a href="$x$'),
    ],
)
def test_formulas_are_typeset_in_prose_and_restored_in_tags(html: str, expected: str) -> None:
    assert filled(html) == expected


@pytest.mark.parametrize(
    "html",
    [
        "<code>a {} b</code>",
        "<pre><span>{}</span></pre>",
        '<div><pre class="x"><code><b>{}</b></code>{}</pre></div>',
        "<script>{}</script>",
        "<style>a{{}}{}</style>",
        "<textarea>{}</textarea>",
        "<!-- {} -->",
    ],
)
def test_code_gets_the_authors_characters_back(html: str) -> None:
    slots: list[Slot] = []
    formula = Slot("$a<b$", Formula("a<b", False, "a.md", 1, 1))
    html = html.format(*[put(formula, slots) for _ in range(html.count("{}"))])
    result = fill(html, slots, lambda formula: "<m>")
    assert "$a&lt;b$" in result
    assert "<m>" not in result
    assert list(contents(html, slots)) == []
    assert fill(html + put(formula, slots), slots, lambda formula: "<m>") == result + "<m>"


def test_an_escaped_dollar_in_code_keeps_its_backslash() -> None:
    slots: list[Slot] = []
    lifted = lift(r"\$5", "a.md", None, slots)
    assert fill(f"<pre>{lifted}</pre>{lifted}", slots, str) == r"<pre>\$5</pre>$5"


def test_links_get_their_address() -> None:
    slots: list[Slot] = []
    link = Link("a.py#x", "href", "b.py", 3, 4)
    html = f'<a href="{put(Slot("a.py#x", link), slots)}">a</a>'
    assert list(contents(html, slots)) == [link]
    assert fill(html, slots, str, lambda each: f'{each.line}"&') == '<a href="3&quot;&amp;">a</a>'
    assert fill(html, slots, str) == '<a href="a.py#x">a</a>'


def test_contents_are_what_filling_asks_for() -> None:
    slots: list[Slot] = []
    html = lift("<p>$x$ <code>\\(y\\)</code> $$z$$ $\\alpha</p>", "a.md", None, slots).replace("<code>", "<code >")
    asked: list[Formula] = []
    fill(html, slots, lambda formula: asked.append(formula) or "")
    found = list(contents(html, slots))
    assert [each for each in found if isinstance(each, Formula)] == asked
    assert [each.tex for each in asked] == ["x", "z"]
    assert [type(each) for each in found] == [Formula, Formula, Diagnostic]


def test_titles_read_as_tex() -> None:
    slots: list[Slot] = []
    assert plain(lift(r"Adam with $\beta_1$ for \$5", "a.md", None, slots), slots) == r"Adam with \beta_1 for $5"


def test_markup_knows_tags_comments_and_raw_elements() -> None:
    html = "a<B x='>'>b</B ><!-- <i> --><script>'<u>'</script>1<2<br/><!doctype x></>"
    pieces = [(html[start:end], name) for start, end, name in markup(html)]
    assert pieces == [
        ("<B x='>'>", "b"),
        ("</B >", "/b"),
        ("<!-- <i> -->", "!"),
        ("<script>'<u>'</script>", "script"),
        ("<br/>", "br"),
        ("<!doctype x>", "!"),
    ]


# ## Time

HOSTILE = [
    "$a ",
    "$$a ",
    "$5 ",
    "`a ``b ",
    "<code ",
    "<pre>",
    "<!-- ",
    "```a\n",
    "~~~\n```\n",
    r"\( ",
    r"\[x ",
    "\\",
    "$",
]
HOSTILE += [
    r"\begin{align} ",
    "> $x\n",
    "$a `b$ <pre \\[ ",
    "$a\n- ",
    "$x$ ",
    '<a b="',
    "<a ",
    "``` `",
    "\\end{align}",
    "` ",
]


def seconds(unit: str, size: int) -> float:
    text = unit * (size // len(unit)) + "$"
    best = float("inf")
    for _ in range(3):
        slots: list[Slot] = []
        start = time.process_time()
        fill(lift(text, "a.md", None, slots), slots, lambda formula: "x")
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.parametrize("unit", HOSTILE)
def test_ten_times_the_text_takes_about_ten_times_as_long(unit: str) -> None:
    # Quadratic time would be 100 times.
    assert seconds(unit, 40_000) < 40 * seconds(unit, 4_000) + 0.01
