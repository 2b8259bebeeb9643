"""
# Citations

What a page says of its paper, what is wrong with it and where, and how it reads as text and as BibTeX.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelit.export.citation import Paper, bibtex, escaped, find_paper, key, plain
from sidelit.making import make_page
from sidelit.source import parse

ROOT = Path(__file__).resolve().parent.parent
ADAM = Paper("Adam: A Method for Stochastic Optimization", ("Diederik P. Kingma", "Jimmy Ba"), 2014, "1412.6980")

# The page, and the number of the paper that it rests on
PAPERS = {
    "__init__": "1711.05101",
    "adam": "1412.6980",
    "amsgrad": "1904.09237",
    "adam_warmup": "1910.04209",
    "noam": "1706.03762",
    "adam_warmup_cosine_decay": "1608.03983",
    "radam": "1908.03265",
    "ada_belief": "2010.07468",
    "sophia": "2305.14342",
    "adam_fp16": "1710.03740",
}


def read(front_matter: str) -> tuple[Paper | None, list[str]]:
    """The paper of a page with this front matter, and what is wrong with it."""
    paper, diagnostics = find_paper(parse(f'"""\n---\n{front_matter}---\n"""\n', "a.py"))
    return paper, [str(each) for each in diagnostics]


@pytest.mark.parametrize("name", PAPERS)
def test_every_optimizer_says_what_it_rests_on(name: str) -> None:
    path = ROOT / "labml_nn" / "optimizers" / f"{name}.py"
    paper, diagnostics = find_paper(parse(path.read_text(encoding="utf-8"), path.name))
    assert diagnostics == []
    assert paper is not None
    assert (paper.arxiv, paper.address) == (PAPERS[name], f"https://arxiv.org/abs/{PAPERS[name]}")


def test_as_text() -> None:
    assert plain(ADAM) == (
        "Diederik P. Kingma and Jimmy Ba. Adam: A Method for Stochastic Optimization. 2014, arXiv:1412.6980."
    )
    assert plain(Paper("Who?", ("Ann B. Jr.",), 1990, venue="J. of X", url="https://x.org/a")) == (
        "Ann B. Jr. Who? J. of X, 1990, https://x.org/a."
    )


def test_as_bibtex() -> None:
    assert bibtex(ADAM) == (
        "@article{kingma2014adam,\n"
        "  title = {{Adam: A Method for Stochastic Optimization}},\n"
        "  author = {Kingma, Diederik P. and Ba, Jimmy},\n"
        "  journal = {arXiv preprint arXiv:1412.6980},\n"
        "  year = {2014},\n"
        "  eprint = {1412.6980},\n"
        "  archivePrefix = {arXiv},\n"
        "  url = {https://arxiv.org/abs/1412.6980},\n"
        "}\n"
    )


def test_names_of_people_and_of_others() -> None:
    text = bibtex(Paper("T", ("Laurens van der Maaten", "OpenAI", "Erdős, Paul", "Food and Drugs"), 2000))
    assert "author = {van der Maaten, Laurens and {OpenAI} and Erd{\\H{o}}s, Paul and {Food and Drugs}}" in text


@pytest.mark.parametrize(
    ("paper", "expected"),
    [
        (ADAM, "kingma2014adam"),
        (Paper("On the Convergence of Adam and Beyond", ("Sashank J. Reddi",), 2018), "reddi2018convergence"),
        (Paper("Attention Is All You Need", ("Łukasz Kaiser",), 2017), "kaiser2017attention"),
        (Paper("The", ("van Gogh, Vincent",), 1889), "vangogh1889the"),
    ],
)
def test_keys(paper: Paper, expected: str) -> None:
    assert key(paper) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 % & $x_1$ #2 {a}", r"5 \% \& \$x\_1\$ \#2 \{a\}"),
        ("~^\\", r"\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ("Łukasz é ñ ç ï ß Å", r"""{\L}ukasz {\'{e}} {\~{n}} {\c{c}} {\"{\i}} {\ss} {\AA}"""),
        ("机器", "机器"),
    ],
)
def test_letters(text: str, expected: str) -> None:
    assert escaped(text) == expected


@given(st.text(max_size=60))
def test_whatever_a_title_holds_its_braces_are_paired(text: str) -> None:
    bare = re.sub(r"\\[{}\\]", "", escaped(text))
    depth = 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0


@pytest.mark.parametrize(
    ("front_matter", "expected"),
    [
        ("paper: Adam\n", ["a.py:3:1: `paper` is a mapping; write"]),
        (
            "title: x\npaper:\n  title: T\n  year: 2014\n",
            ["a.py:4:1: `paper` has no `authors`; add it"],
        ),
        (
            "paper:\n  title: T\n  authors: Ann\n  year: '2014'\n",
            ["a.py:5:3: `authors` must be a list of names", "a.py:6:3: `year` must be a number of four digits"],
        ),
        (
            "paper:\n  title: T\n  authors: [A]\n  year: 2014\n  arxiv: 1412.6980\n",
            ["a.py:7:3: `arxiv` must be text, or its last zeros are lost; put it in quotes"],
        ),
        (
            "paper:\n  title: T\n  authors: [A]\n  year: 2014\n  arxiv: 'arXiv:1'\n  doi: x\n  url: y\n",
            ["a.py:7:3: `arxiv` is not", "a.py:8:3: `doi` is not a DOI", "a.py:9:3: `url` is not an address"],
        ),
        (
            "paper: {title: T, authors: [A], year: 2014, venu: N}\n",
            ["a.py:3:45: `venu` is nothing that `paper` knows; did you mean `venue`?"],
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_line(front_matter: str, expected: list[str]) -> None:
    paper, messages = read(front_matter)
    assert paper is None
    assert len(messages) == len(expected)
    for message, begin in zip(messages, expected, strict=True):
        assert message.startswith(begin)
        assert message.endswith(" [front-matter]")


def test_a_page_without_a_paper_has_nothing_to_complain_of() -> None:
    assert read("title: x\n") == (None, [])


def test_the_build_tells_it_too() -> None:
    document = parse('"""\n---\ntitle: A\nsummary: A.\npaper: 1\n---\n"""\n', "a.py")
    assert [d.rule for d in make_page(document, allow_html=True).diagnostics] == ["front-matter"]
