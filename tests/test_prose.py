r"""
# Prose

Texts as authors write them, attackers' too, and the HTML that comes out, with formulas in `<m>`.
"""

from __future__ import annotations

import re
import time
from html import unescape
from html.parser import HTMLParser
from unittest.mock import patch

import pytest
from hostile import HTML, MARKDOWN
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidelit import prose
from sidelit.formula import fill
from sidelit.links import is_local
from sidelit.page import Heading
from sidelit.prose import Fragment, Renderer, Rendering, sanitise, slug

OWN, CLEAN = Renderer(allow_html=True), Renderer(allow_html=False)


def fragments(*texts: str) -> list[Fragment]:
    """Texts that stand below each other in a file, with an empty line between."""
    result, line = [], 1
    for text in texts:
        count = text.count("\n") + 1
        result.append(Fragment(text, tuple((line + number, 1) for number in range(count))))
        line += count + 1
    return result


def render(*texts: str, allow_html: bool = True, taken: tuple[str, ...] = ()) -> Rendering:
    return (OWN if allow_html else CLEAN).render(fragments(*texts), "a.py", taken)


def pages(*texts: str, allow_html: bool = True, taken: tuple[str, ...] = ()) -> list[str]:
    rendered = render(*texts, allow_html=allow_html, taken=taken)
    return [fill(each.html, rendered.slots, lambda formula: f"<m>{formula.tex}</m>") for each in rendered.prose]


def html(text: str, allow_html: bool = True) -> str:
    return pages(text, allow_html=allow_html)[0]


# ## Math in any neighbourhood


@pytest.mark.parametrize("allow_html", [True, False])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# On $a_1 * b_1$", "<m>a_1 * b_1</m></h1>"),
        ("On $x_1$\n========", "On <m>x_1</m></h1>"),
        ("- $a_1$ and $b_1$\n  - $c * d * e$", "<li><m>c * d * e</m></li>"),
        ("1. a\n\n   $$\n   x_1\n   $$", "<p><m>x_1</m></p>"),
        ("| $|a|$ | b |\n|---|---|\n| $a \\| b$ | $c_1$ |", "<td><m>a \\| b</m></td>\n<td><m>c_1</m></td>"),
        ("*$a$* **$b_1$** _$c$_ __$d$__", "<em><m>a</m></em> <strong><m>b_1</m></strong> <em><m>c</m></em>"),
        ("*so $a*b$ is*", "<em>so <m>a*b</m> is</em>"),
        ("[the $x_1$ of](a.py)", '<a href="a.py">the <m>x_1</m> of</a>'),
        ("[$x$][a]\n\n[a]: a.py", '<a href="a.py"><m>x</m></a>'),
        ("![the $x_1$](a.png)", 'alt="the $x_1$"'),
        ('![a](a.png "of $x_1$")', 'title="of $x_1$"'),
        ("> so $x_1$\n> $$\n> y_1\n> $$", "<p>so <m>x_1</m>\n<m>y_1</m></p>"),
        ('!!! note "On $x_1$"\n    is $y_1$', '<p class="admonition-title">On <m>x_1</m></p>\n<p>is <m>y_1</m></p>'),
        ("a[^1]\n\n[^1]: so $x_1$", "<p>so <m>x_1</m>"),
        ("$x_1$\n:   is $y_1$", "<dt><m>x_1</m></dt>\n<dd>is <m>y_1</m></dd>"),
        ("so\n$$\na_1 &= b \\\\\n* c\n$$\nholds", "<p>so\n<m>a_1 &= b \\\\\n* c</m>\nholds</p>"),
        ("so \\begin{align}a_1 &< b_1\\end{align}", "<p>so <m>\\begin{align}a_1 &< b_1\\end{align}</m></p>"),
        (r"\(a_1\) and \[b_1\]", "<p><m>a_1</m> and <m>b_1</m></p>"),
        ("a $\\alpha_1$_b_", "<m>\\alpha_1</m><em>b</em>"),
        ("<b>$x_1$</b> <img src='a.png' alt='$x_1$'>", "<b><m>x_1</m></b>"),
        ("<details><summary>$x$</summary>\n$y$\n</details>", "<summary><m>x</m></summary>\n<m>y</m>"),
        ("`$x_1$` and ``$`y` ``", "<code>$x_1$</code> and <code>$`y`</code>"),
        ("a\n\n    $x_1$ &", "$x_1$ &amp;"),
        ("```\n$x_1$\n```", "$x_1$"),
        ("- a\n\n  ```text\n  $x_1$\n  ```", "$x_1$"),
        ("costs $5 and $6", "<p>costs $5 and $6</p>"),
        (r"costs \$5 and \$6", "<p>costs $5 and $6</p>"),
        (r"a $\alpha_1 b", r"<p>a $\alpha_1 b</p>"),
    ],
)
def test_math_survives(text: str, expected: str, allow_html: bool) -> None:
    assert expected in html(text, allow_html)


def test_a_formula_in_a_tag_or_in_code_is_none_to_typeset() -> None:
    (found,) = render("$a$ `$b$`\n\n    $c$\n\n![$d$](e.png)").prose
    assert [formula.tex for formula in found.formulas] == ["a"]


def test_unclosed_math_is_a_finding_only_in_prose() -> None:
    rendered = render("let $\\alpha be", "    echo $\\alpha", "- a `$\\alpha`")
    assert [(each.rule, each.line, each.column) for each in rendered.diagnostics] == [("math", 1, 5)]


# ## Markdown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Adam.__init__", "<p>Adam.__init__</p>"),
        ("__init__.py and foo__init__bar", "<p>__init__.py and foo__init__bar</p>"),
        ("__init__ calls __post_init__, `__repr__`.", "<p>__init__ calls __post_init__, <code>__repr__</code>.</p>"),
        ("__mine__() and a/__mine__/b", "<p>__mine__() and a/__mine__/b</p>"),
        ("__really__ so. __Yes__.", "<p><strong>really</strong> so. <strong>Yes</strong>.</p>"),
        ("**__init__** and [__call__](a.py)", '<p><strong>__init__</strong> and <a href="a.py">__call__</a></p>'),
        ("a_b_c and *args, **kwargs", "<p>a_b_c and *args, **kwargs</p>"),
        ("[a, b] and [0, 1)", "<p>[a, b] and [0, 1)</p>"),
        ("a < b & c > d", "<p>a &lt; b &amp; c &gt; d</p>"),
        ("a\n- b\n  - c", "<p>a</p>\n<ul>\n<li>b<ul>\n<li>c</li>\n</ul>\n</li>\n</ul>"),
        ("|a|b|\n|:-|-:|\n|1|2|", '<th align="left">a</th>'),
        ("text\n-----------------\n", "<p>text</p>"),
        ("{: #x .y }", "<p>{: #x .y }</p>"),
        ("a  \nb", "<p>a<br>\nb</p>"),
        ("a[^x] b", "<p>a[^x] b</p>"),
        ("", ""),
    ],
)
def test_markdown(text: str, expected: str) -> None:
    assert expected in html(text)
    assert expected in html(text, allow_html=False)


def test_code_is_highlighted_without_styles() -> None:
    result = html("```python\nx = None\n```\n\n    y = 1")
    assert '<div class="highlight">' in result
    assert '<span class="kc">None</span>' in result
    assert "style=" not in result


def test_definitions_hold_for_the_whole_page_and_for_no_other() -> None:
    first, second, third = pages("[a] and [b][a]", "[a]: x.py 'T'", "*[a]*")
    assert first == '<p><a href="x.py" title="T">a</a> and <a href="x.py" title="T">b</a></p>'
    assert second == ""
    assert third == '<p><em><a href="x.py" title="T">a</a></em></p>'
    assert html("[a]") == "<p>[a]</p>"


@pytest.mark.parametrize("allow_html", [True, False])
def test_footnotes_stand_where_they_are_first_referred_to(allow_html: bool) -> None:
    first, second, third = pages(
        "a[^b]", "b[^c] c[^b] d[^c]", "[^b]: one[^d]\n\n[^c]: two\n\n    more\n\n[^d]: three", allow_html=allow_html
    )
    assert re.findall(r'id="([^"]*)"', first + second) == [
        *("fnref:1", "fn:1", "fnref:2", "fn:2"),
        *("fnref:3", "fnref2:1", "fnref2:3", "fn:3"),
    ]
    assert set(re.findall(r'href="#([^"]*)"', first + second)) <= set(re.findall(r'id="([^"]*)"', first + second))
    assert '<ol start="1">' in first and "one" in first and "three" in first
    assert '<ol start="3">' in second and "more" in second and "one" not in second
    assert third == ""


def test_a_footnote_that_nothing_refers_to_is_a_finding() -> None:
    (finding,) = render("a\n\n[^1]: b").diagnostics
    assert (finding.rule, finding.line) == ("footnote", 3)


def test_what_markdown_gives_up_on_is_shown_as_it_is() -> None:
    with patch.object(OWN._markdown.parser, "parseDocument", side_effect=RecursionError):
        rendered = render("a\n\n- *b* <i>", "plain")
    assert rendered.prose[0].html == "<pre>a\n\n- *b* &lt;i&gt;</pre>"
    assert rendered.prose[1].html == "<p>plain</p>"
    assert [(each.rule, each.line) for each in rendered.diagnostics] == [("markdown", 1)]
    assert html("*a*") == "<p><em>a</em></p>"


# ## Ids and headings


def test_headings_have_ids_from_their_text() -> None:
    (found,) = render("# A *b* `c` & $\\beta_1$[^1]\n\n## Für & wider\n\n### !!!\n\ntext[^1]\n\n[^1]: x").prose
    assert found.headings == (
        Heading(1, "a-b-c-beta_1", "A b c & \\beta_1"),
        Heading(2, "für-wider", "Für & wider"),
        Heading(3, "heading", "!!!"),
    )
    assert '<h1 id="a-b-c-beta_1">' in found.html
    assert found.ids == ("fnref:1", "a-b-c-beta_1", "für-wider", "heading", "fnref2:1", "fn:1")


def test_ids_are_unique_on_the_page_and_never_reserved() -> None:
    rendered = render(
        "# Adam\n\n# Adam",
        '<a id="adam"></a> <a id=x></a> <a ID=\'x\'></a>\n\n<div id="container">\n</div>',
        "# Background\n\n# section-12\n\n# L5\n\n<b id='L5'>a</b> <b id='section-3'>b</b> <b id='fn:1'>c</b>\n\n# Step",
        taken=("step", "adam-2"),
    )
    ids = [id for each in rendered.prose for id in each.ids]
    assert ids == [
        *("adam", "adam-3", "adam-4", "x", "x-2", "container-2"),
        *("background-2", "section-12-2", "l5", "L5-2", "section-3-2", "fn:1-2", "step-2"),
    ]
    everything = "".join(each.html for each in rendered.prose)
    assert sorted(unescape(id) for id in re.findall(r"""\bid=["']([^"']*)""", everything, re.I)) == sorted(ids)


def test_a_heading_of_the_authors_own_html_keeps_its_id() -> None:
    (found,) = render('<h2 id="mine">A <b>b</b></h2>').prose
    assert found.headings == (Heading(2, "mine", "A b"),)


@pytest.mark.parametrize(
    ("text", "id"), [("A  B", "a-b"), ("x_1", "x_1"), ("", "heading"), ("<>", "heading"), ("É 1", "é-1")]
)
def test_slugs(text: str, id: str) -> None:
    assert slug(text) == id


# ## Links


def test_local_addresses_become_links_with_their_place() -> None:
    rendered = render(
        "a [b](b.py#B.c) and\n[d](<d e.py> 'T') ![f](f.png)",
        '<a href="g.md">g</a> [b](b.py#B.c)\n[h] [b](b.py#B.c)\n<img src=i.png> [j](#j) [k](k.py?a=1&b=2)',
        "x\n\n[h]: h.py",
    )
    found = [(each.target, each.kind, each.line, each.column) for one in rendered.prose for each in one.links]
    assert found == [
        ("b.py#B.c", "href", 1, 7),
        ("d e.py", "href", 2, 6),
        ("f.png", "src", 2, 24),
        ("g.md", "href", 4, 10),
        ("b.py#B.c", "href", 4, 26),
        ("h.py", "href", 10, 6),
        ("b.py#B.c", "href", 5, 9),
        ("i.png", "src", 6, 10),
        ("#j", "href", 6, 21),
        ("k.py?a=1&b=2", "href", 6, 29),
    ]
    resolved = [fill(one.html, rendered.slots, str, lambda link: f"<{link.target}>") for one in rendered.prose]
    assert '<a href="&lt;b.py#B.c&gt;">b</a>' in resolved[0]
    assert '<img src="&lt;i.png&gt;">' in resolved[1]
    assert 'href="&lt;k.py?a=1&amp;b=2&gt;"' in resolved[1]


def test_other_addresses_stay() -> None:
    text = "[a](https://b.c/d_e) <https://f.g> [h](//i.j) [k](mailto:l@m.n) <o@p.q> ![r](http://s.t/u.png)"
    (found,) = render(text).prose
    assert found.links == ()
    assert 'href="https://b.c/d_e"' in found.html


@pytest.mark.parametrize(
    ("address", "local"),
    [("a.py", True), ("#a", True), ("../a", True), ("/a", True), ("?a", True), ("", False), ("//a", False)]
    + [("/\\a", False), ("HTTP://a", False), (" java\nscript:a", False), ("a/b:c", True), ("mailto:a", False)],
)
def test_local_addresses(address: str, local: bool) -> None:
    assert is_local(address) is local


# ## The short path

words = st.lists(
    st.sampled_from(
        ["a", "b1", "a_b", "`", "`", "``", "_", "*", "-", "1.", "2)", "#", ">", ":", "\\", "[", "]", "&", "<", "|"]
    )
    | st.sampled_from(
        ["$x$", r"\$", "  \n", "\n", "\n", "\n\n", "\n\n\n", " ", " ", " ", "'", '"', "!", "(", ")", "=", "+", "~"]
    )
    | st.sampled_from(
        ["é", "\xa0", "\t", "\x0c", "\x02", "\u2028", ".", ",", "__init__", "\ue000", "    ", "---", "\r", "{", "—"]
    )
    | st.sampled_from(["a", "b", "word", " ", " ", "`c`", ". ", ", ", "a_b_c", "x>y", "\n"])
    | st.sampled_from(["## ", "\n\n# ", "a\n\n", "#### `c` d", "#", "\n# "]),
    max_size=12,
).map("".join)


@settings(max_examples=1000)
@given(words, st.booleans())
def test_the_short_path_gives_what_markdown_gives(text: str, allow_html: bool) -> None:
    short = render(text, allow_html=allow_html)
    with patch.object(prose, "_plain_beginning", lambda text: ([], text)):
        assert render(text, allow_html=allow_html) == short


def test_plain_comments_take_the_short_path() -> None:
    with patch.object(OWN._markdown.parser, "parseDocument", side_effect=AssertionError):
        rendered = render(
            'The "velocity" starts at rest, $u_0 = 0$,\nin `a_b` (see `x[0] * y`) > 1.\n\n## Then, `c`\n\nstep_size.'
        )
    assert rendered.diagnostics == ()
    assert rendered.prose[0].html.startswith("<p>The")
    assert [heading.id for heading in rendered.prose[0].headings] == ["then-c"]


# ## Cleaning

# Some that run nothing in a browser of today are among them.
ATTACKS = [
    *HTML,
    *MARKDOWN,
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "a <script>alert(1)</script> b",
    "<script\n>alert(1)</script\n>",
    "<base href='javascript:alert(1)//'>",
    "<link rel=stylesheet href='//evil.example/x.css'>",
    "<style>@import 'javascript:alert(1)';</style>",
    "<p style='background:url(javascript:alert(1))'>x</p>",
    "<div style=position:fixed;inset:0>x</div>",
    "<a href=' javascript:alert(1)'>x</a>",
    "<a href='java&#10;script:alert(1)'>x</a>",
    "<a href='&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)'>x</a>",
    "<a href='&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A;alert(1)'>x</a>",
    "<a href='\x01javascript:alert(1)'>x</a>",
    "<a href='https://a.example' onclick=alert(1) style=x target=_blank>x</a>",
    "<video><source onerror=alert(1)></video>",
    "<body onload=alert(1)>",
    "<xmp><img src=x onerror=alert(1)></xmp>",
    "$<script>alert(1)</script>$ `<script>`",
    "<a href='$javascript:alert(1)$'>x</a>",
    "<img alt='$' src=x onerror=alert(1) title='$'>",
    "<a title='$\"><script>alert(1)</script>$'>x</a>",
    "<b $onclick=alert(1)$>x</b>",
    "<$script>alert(1)</script$>",
    "</p></div></section></main><script>alert(1)</script>",
]

SAFE = {
    *("a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1", "h2", "h3"),
    *(
        "hr",
        "i",
        "img",
        "kbd",
        "li",
        "m",
        "ol",
        "p",
        "pre",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
    ),
    *("td", "th", "thead", "tr", "ul"),
}


class Inspector(HTMLParser):
    """What a browser would find in HTML."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("around", ["{}", "a {} b", "- {}", "> {}", "<div>\n{}\n</div>", "| a |\n|---|\n| {} |"])
def test_attacks_fail(attack: str, around: str) -> None:
    rendered = render(around.format(attack), allow_html=False)
    result = fill(rendered.prose[0].html, rendered.slots, lambda formula: "<m></m>", lambda link: link.target)
    found = Inspector(result)
    assert set(found.tags) <= SAFE
    for name, value in found.attributes:
        assert name in {"href", "src", "alt", "title", "id", "class", "open", "align", "start"}
        if name in ("href", "src"):
            assert re.match(r"[a-z]+:", re.sub(r"^[\x00-\x20]+|[\t\n\r]", "", value), re.I) is None or value.startswith(
                ("http:", "https:", "mailto:")
            )
    assert len(re.findall("<div", result)) == len(re.findall("</div", result))


@pytest.mark.parametrize(
    "kept",
    [
        '<img src="https://a.example/b.png" alt="c" width="3" height="4">',
        "<br>",
        '<details open=""><summary>a</summary>b</details>',
        '<a id="mine"></a>',
        "<kbd>a</kbd><sub>b</sub><sup>c</sup>",
        '<table><tbody><tr><td align="left" colspan="2">a</td></tr></tbody></table>',
        '<a href="mailto:a@b.c" title="t">x</a>',
        '<div class="admonition note">a</div>',
    ],
)
def test_harmless_html_stays(kept: str) -> None:
    assert kept in html(kept, allow_html=False)
    assert kept in html(kept, allow_html=True)


def test_ones_own_html_stays_as_it_is() -> None:
    text = '<q onclick="d()">a</q> <b style="e">f</b>'
    assert html(text) == f"<p>{text}</p>"


def test_an_id_cannot_take_the_place_of_the_pages_own() -> None:
    (result,) = pages(
        '<a id="container"></a><b id="section-0"></b><i id="Adam"></i>', allow_html=False, taken=("Adam",)
    )
    assert re.findall('id="(.*?)"', result) == ["container-2", "section-0-2", "Adam-2"]


def test_a_text_cannot_look_like_the_theme() -> None:
    text = '<div class="bar note tool">a</div><span class="k skip">b</span><b class="x">c</b>'
    (result,) = pages(text, allow_html=False)
    assert re.findall('class="(.*?)"', result) == ["note", "k"]


def test_an_id_of_the_themes_own_is_free_for_no_text() -> None:
    assert re.findall('id="(.*?)"', pages('# Outline\n\n# Content\n\n<a id="page:content"></a>')[0]) == [
        *("outline", "content", "page:content-2")
    ]


def test_a_link_that_looks_like_one_to_a_footnote_keeps_no_id_of_the_pages_own() -> None:
    (result,) = pages('<a class="footnote-ref" href="#fn" id="container">a</a>', allow_html=False)
    assert 'id="container-2"' in result


def test_placeholders_pass_cleaning() -> None:
    rendered = render("$x$")
    assert sanitise(rendered.prose[0].html) == rendered.prose[0].html


# ## Whatever comes

anything = st.lists(
    st.sampled_from(
        ["a", " ", "\n", "\n\n", "    ", "  ", "- ", "1. ", "> ", "# ", "```", "`", "*", "_", "__", "[", "]", "(", ")"]
    )
    | st.sampled_from(
        ["[^1]", "[^1]: ", "[a]: b", "](", "![", "<", "</", "<b>", "</b>", "<div>", "</div>", "<!--", "-->", "<pre>"]
    )
    | st.sampled_from(
        ["!!! n", ": ", "|", "|-|", "---", "===", "$", "\\", "&", "&lt;", '"', "'", "=", "<a href=", " id=x>", "<h2>"]
    )
    | st.sampled_from(
        ["\x02", "\x03", "\x00", "\r", "\t", "\ue000", "<script>", "<![CDATA[", "<?", "</h2>", "~~~", ">>> ", "{:"]
    ),
    max_size=25,
).map("".join)


@settings(max_examples=300)
@given(st.lists(anything, min_size=1, max_size=3), st.booleans())
@example(["    $\x02$"], False)
def test_nothing_raises_and_ids_are_unique(texts: list[str], allow_html: bool) -> None:
    rendered = render(*texts, allow_html=allow_html, taken=("x",))
    ids = [id for each in rendered.prose for id in each.ids]
    assert len(ids) == len(set(ids))
    assert "x" not in ids
    for each in rendered.prose:
        result = fill(each.html, rendered.slots, lambda formula: "<m>", lambda link: link.target)
        assert not re.search("[\x02\x03]", result)


HOSTILE = [
    "[",
    "[a",
    "[a](",
    "![",
    "*a ",
    "**a ",
    "_a ",
    '"a ',
    "> ",
    ">",
    "* ",
    "`a ``b ",
    "(",
    "\\",
    "&a",
    "<b>",
    "| a ",
    "# a\n",
]
HOSTILE += [
    "- a\n",
    "```a\n",
    "----\n",
    "a\n: b\n",
    "[a](b) ",
    "[^1]",
    "!!! n\n",
    "__a_b ",
    "1. a\n\n",
    "<div>\n",
    "[a]: b\n",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_texts_take_about_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        start = time.process_time()
        render(text, allow_html=False)
        return time.process_time() - start

    # Ten times the text; quadratic time would be 100 times as long.
    assert seconds(10_000) < 50 * seconds(1_000) + 0.1


@pytest.mark.parametrize(
    "text", [">" * 100_000, "> " * 5_000, "* " * 5_000, "[" * 100_000, "- " * 3_000 + "a", "(" * 100_000]
)
def test_deep_nesting_does_not_raise(text: str) -> None:
    assert len(render(text, allow_html=False).prose) == 1
