"""The symbols in formulas, on MathJax's own tree: what may be pointed at, and what is found of what is declared."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelit.formula import Formula
from sidelit.mathjax import MathJax, Symbols, Typeset

DECLARED: Symbols = (
    ("beta1", r"\beta_1"),
    ("m", "m_t"),
    ("m", "m_{t-1}"),
    ("step", "t"),
    ("rest", r"1 - \beta_1"),
    ("root", r"\sqrt{v_t}"),
    ("eps_hat", r"\hat\epsilon_t"),
    ("plain", "m"),
)


@pytest.fixture(scope="module")
def mathjax() -> Iterator[MathJax]:
    with MathJax() as running:
        yield running


class Marks(HTMLParser):
    """Collects the text of each element that is pointed at, by its attribute `data-s` or `data-t`."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[list[tuple[str, str]]] = []
        self.texts: dict[tuple[str, str], list[str]] = {}
        self.in_mathml = 0
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        marks = [(name, value) for name, values in attrs if name in ("data-s", "data-t") for value in values.split(" ")]
        self.in_mathml += tag == "math"
        self.tags.add(tag)
        assert not (marks and self.in_mathml), "a screen reader has no use for them"
        for mark in marks:
            self.texts.setdefault(mark, []).append("")
        self.open.append(marks)

    def handle_endtag(self, tag: str) -> None:
        self.in_mathml -= tag == "math"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for mark in {mark for marks in self.open for mark in marks}:
            self.texts[mark][-1] += data


def typeset(mathjax: MathJax, tex: str, symbols: Symbols = DECLARED) -> Typeset:
    result = mathjax.typeset(Formula(tex, True, "a.py", 1, 1), symbols)
    assert isinstance(result, Typeset), result
    return result


def pointed(mathjax: MathJax, tex: str, symbols: Symbols = DECLARED) -> dict[str, int]:
    """What pointing at the parts of a formula means, and how many parts do so."""
    texts = Marks(typeset(mathjax, tex, symbols).html).texts
    return {value: len(places) for (name, value), places in texts.items() if name == "data-s"}


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        (r"\beta_1", {"=beta1": 1}),
        (r"\frac{a}{\beta_1 + \sqrt{\beta_1}}", {"a": 1, "=beta1": 2}),
        # The letter and the subscript of a node that has both scripts, and the power beside them
        (r"\beta_1^t", {"=beta1": 2, "=step": 1}),
        (r"{\beta_1}^t", {"=beta1": 1, "=step": 1}),
        (r"\beta^t_1", {"=beta1": 2, "=step": 1}),
        (r"\beta_{1}^{t}", {"=beta1": 2, "=step": 1}),
        (r"\beta_{12}", {"β_{12}": 1}),
        (r"m_t = m_{t-1} + m", {"=m": 2, "=plain": 1}),
        (r"m_{t - 1}", {"=m": 1}),
        (r"\max_m \dim \sin x", {"=plain": 1, "x": 1}),
        (r"\text{m} + \operatorname{m}(x) + \mathbf{m}", {"x": 1, "bold:m": 1}),
        (r"(1-\beta_1) g_t^2", {"=rest": 2, "=beta1": 1, "g_t": 2}),
        (r"\alpha - 1 - \beta_1", {"α": 1, "=rest": 2, "=beta1": 1}),
        (r"\sqrt{v_t} + v_t", {"=root": 1, "v_t": 2}),
        (r"\hat\epsilon_t + \hat{\epsilon}_t + \epsilon_t", {"=eps_hat": 2, "ϵ_t": 1}),
        (r"\theta^* + \theta + f'(x)", {"θ^∗": 1, "θ": 1, "f^′": 1, "x": 1}),
        (r"\begin{align} m_t &= 1 \\ x &= \beta_1 \end{align}", {"=m": 1, "x": 1, "=beta1": 1}),
        (r"\mathbb{E}[x] \; x", {"double-struck:E": 1, "x": 2}),
        (r"1 + 2 \cdot \infty", {}),
        ("", {}),
    ],
)
def test_what_pointing_at_a_formula_means(mathjax: MathJax, tex: str, expected: dict[str, int]) -> None:
    assert pointed(mathjax, tex) == expected


def test_a_subscript_lights_up_with_its_like_and_is_not_pointed_at(mathjax: MathJax) -> None:
    texts = Marks(typeset(mathjax, r"m_t + t").html).texts
    assert [len(text) for text in texts["data-t", "=step"]] == [1]
    assert [len(text) for text in texts["data-s", "=step"]] == [1]
    # A part of a declared row that is a symbol itself is pointed at as that.
    assert texts.keys() == {("data-s", "=m"), ("data-s", "=step"), ("data-t", "=step")}
    texts = Marks(typeset(mathjax, r"1 - \beta_1").html).texts
    assert len(texts["data-s", "=rest"]) == 2
    assert len(texts["data-t", "=rest"]) == 1


@pytest.mark.parametrize(
    ("tex", "found"),
    [
        (r"\frac{\beta_1^t}{2}", {r"\beta_1", "t"}),
        (r"\max", set()),
        (r"2 - 1 - \beta_1", {r"\beta_1", r"1 - \beta_1"}),
        (r"1 + \beta_1", {r"\beta_1"}),
        (r"\sqrt{v_t + 1}", {"t"}),
    ],
)
def test_what_is_found_of_what_is_declared(mathjax: MathJax, tex: str, found: set[str]) -> None:
    assert {DECLARED[place][1] for place in typeset(mathjax, tex).found} == found


def test_one_symbol_of_two_variables_means_both(mathjax: MathJax) -> None:
    symbols = (("beta1", r"\beta_1"), ("betas", r"\beta_1"), ("betas", r"\beta_2"))
    assert pointed(mathjax, r"\beta_1 + \beta_2", symbols) == {"=beta1": 1, "=betas": 2}


def test_a_symbol_that_is_no_tex_is_passed_over(mathjax: MathJax) -> None:
    assert pointed(mathjax, "x + y", (("bad", r"\nonsense"), ("x", "x"), ("open", "{"))) == {"=x": 1, "y": 1}


def test_marks_are_attributes_and_nothing_else(mathjax: MathJax) -> None:
    """Whatever an author writes into a formula or calls a variable, no other element comes of it."""
    hostile = r'\mathrm{"><script>} + x_{\text{"> <b>}}'
    marks = Marks(typeset(mathjax, hostile, (('"><i>', "x"),)).html)
    assert all(tag.startswith("mjx-") or tag in MATHML for tag in marks.tags)
    assert not marks.open


MATHML = {"math", "semantics", "annotation", "mrow", "mi", "mn", "mo", "mtext", "msub"}


@given(st.lists(st.sampled_from([r"\beta_1", "m_t", "t", r"\frac{m_t}{2}", r"\beta_1^t", r"\max", "+"]), max_size=8))
def test_a_mark_never_depends_on_what_stands_around(mathjax: MathJax, parts: list[str]) -> None:
    """Each piece of a sum means what it means alone; declared rows apart, which are about neighbours."""
    symbols = tuple(pair for pair in DECLARED if pair[0] != "rest")
    alone: dict[str, int] = {}
    for part in parts:
        for token, number in pointed(mathjax, part, symbols).items():
            alone[token] = alone.get(token, 0) + number
    assert pointed(mathjax, " + ".join(["2", *parts, "2"]), symbols) == alone
