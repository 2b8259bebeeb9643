"""What becomes of names in the code: links to definitions, and marks that say which are the same."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from pathlib import Path

from building import own_cache, run, write

from sidelit.making import make_page
from sidelit.page import Page, finish
from sidelit.source import parse

__all__ = ["own_cache"]

SOURCE = '''"""
---
title: A page
summary: About something.
symbols:
  beta: \\beta
  m: [m_t, 'm_{t-1}']
---
# A page, $m_t$
"""
import torch
from pkg.base import Base as Above

LIMIT = 3


class Ball(Above):
    """A ball."""

    def roll(self, beta, step):
        m = beta * step
        state = {"m": m, "beta": beta}
        return self.stop(step) + super().roll(beta) + torch.optim.Adam(beta, LIMIT)


def other(step):
    return Ball(step).roll(step, beta=2)
'''


def made(text: str = SOURCE) -> Page:
    return make_page(parse(text, "pkg/a.py", "pkg.a"), allow_html=True, module="pkg.a")


def body(page: Page) -> str:
    return finish(page, lambda each: each.tex, lambda link: link.target, lambda each: f"to:{each.target}")


def links(html: str) -> set[tuple[str, str]]:
    return set(re.findall(r'<a href="([^"]*)"[^>]*>(\w+)</a>', html)) - {("#", "#")}


def marks(html: str) -> dict[str, list[tuple[int, str]]]:
    """The line and the text of every name, by what it is."""
    found = defaultdict(list)
    for line in re.findall(r'id="L(\d+)">.*', html):
        row = re.search(rf'id="L{line}">.*', html)
        for token, text in re.findall(r'data-s="([^"]*)">([^<]*)<', row[0] if row else ""):
            found[token].append((int(line), text))
    return found


def test_names_lead_to_their_definitions() -> None:
    found = links(body(made()))
    assert {("#Ball", "Ball"), ("#L14", "LIMIT")} <= found
    # Elsewhere, or nobody knows where yet
    assert {
        ("to:torch", "torch"),
        ("to:torch.optim", "optim"),
        ("to:torch.optim.Adam", "Adam"),
        ("to:pkg.base.Base", "Above"),
        ("to:pkg.a.Ball.stop", "stop"),
        ("to:pkg.a.Ball.super().roll", "roll"),
    } <= found


def test_a_definition_does_not_lead_to_itself() -> None:
    html = body(made())
    assert '<a href="#Ball" class="nc"' not in html
    assert '<span class="nc" data-s=' in html


def test_two_functions_have_two_variables_of_one_name() -> None:
    by_mark = marks(body(made()))
    steps = [places for places in by_mark.values() if any(text == "step" for _, text in places)]
    lines = [{line for line, _ in places} for places in steps]
    assert sorted(lines, key=min) == [{20, 21, 23}, {26, 27}]


def test_a_paired_variable_is_the_same_wherever_it_stands() -> None:
    by_mark = marks(body(made()))
    assert [line for line, _ in by_mark["=beta"]] == [20, 21, 22, 22, 23, 23, 27]
    assert [line for line, _ in by_mark["=m"]] == [21, 22, 22]


def test_a_name_that_occurs_once_and_leads_nowhere_is_text() -> None:
    html = body(made("def f():\n    alone = 1\n"))
    assert '<span class="n">alone</span>' in html


def test_a_reference_that_nobody_knows_leaves_no_link() -> None:
    page = made("import torch\nx = torch.zeros\n")
    html = finish(page, lambda each: "", lambda link: "", lambda each: "")
    assert "href" not in html[html.index('id="L1"') :]


def test_a_symbol_and_its_variable_are_checked() -> None:
    page = made(
        '"""\n---\nsummary: x\nsymbols:\n  gone: x_t\n  f: x\n  2: y\n  Beta: {a: 1}\n  empty: []\n---\n$x$\n"""\n'
        "def f(Beta):\n    return Beta\n"
    )
    assert [str(each) for each in page.diagnostics if each.rule in ("front-matter", "symbols")] == [
        "pkg/a.py:7:3: `2` in `symbols` is not the name of a variable [front-matter]",
        "pkg/a.py:8:3: the symbol of `Beta` must be TeX, or a list of TeX; put it in single quotes [front-matter]",
        "pkg/a.py:9:3: the symbol of `empty` must be TeX, or a list of TeX; put it in single quotes [front-matter]",
        "pkg/a.py:5:9: no line of code has the name `gone`; correct it, or take it out of `symbols` [symbols]",
        # A function is no variable.
        "pkg/a.py:6:6: no line of code has the name `f`; correct it, or take it out of `symbols` [symbols]",
    ]
    assert [(each.variable, each.formula.tex, each.formula.line, each.formula.column) for each in page.symbols] == [
        ("gone", "x_t", 5, 9),
        ("f", "x", 6, 6),
    ]


def test_symbols_that_are_no_mapping_are_told() -> None:
    (problem,) = made('"""\n---\nsummary: x\nsymbols: [a, b]\n---\n# Title\n"""\n').diagnostics
    assert str(problem).startswith("pkg/a.py:4:1: `symbols` pairs names of variables with TeX")


def test_a_symbol_has_its_place_in_the_front_matter() -> None:
    page = made('"""\n---\nsummary: x\nsymbols: {a: \\alpha, b: [\'b_t\', b]}\n---\n"""\na = b = 1\n')
    places = [(each.formula.tex, each.formula.line, each.formula.column) for each in page.symbols]
    assert places == [(r"\alpha", 4, 14), ("b_t", 4, 27), ("b", 4, 33)]


def test_code_that_does_not_parse_has_no_links() -> None:
    page = made("import torch\nprint(torch.zeros\n")
    assert "to:" not in body(page)
    assert any(each.rule == "syntax" for each in page.diagnostics)


def test_names_of_other_libraries_lead_to_their_documentation(tmp_path: Path) -> None:
    entries = b"torch.zeros py:function 1 generated/torch.zeros.html#$ -\nlen py:function 1 functions.html#len -\n"
    head = b"# Sphinx inventory version 2\n# Project: x\n# Version: 1\n# The rest is compressed using zlib.\n"
    write(
        tmp_path,
        {
            "some.inv": head + zlib.compress(entries),
            "a.py": "import torch\nx = torch.zeros(len([]))\ny = torch.ones(1)\n",
            "docs/index.md": "# Home\n",
            "mkdocs.yml": "site_name: x\ntheme: sidelit\nplugins: [{sidelit: {sources: [a.py], inventories: "
            "[{path: some.inv, at: 'https://docs.example/'}, {path: none.inv, at: 'https://docs.example/'}]}}]\n",
        },
    )
    ran = run("mkdocs", "build", "--strict", cwd=tmp_path)
    assert ran.status == 0, ran.err
    assert "none.inv: " in ran.err and "names of its library are not linked" in ran.err
    html = (tmp_path / "site" / "a" / "index.html").read_text()
    assert '<a href="https://docs.example/generated/torch.zeros.html#torch.zeros" class="n">zeros</a>' in html
    assert '<a href="https://docs.example/functions.html#len" class="nb">len</a>' in html
    assert '<a class="n">ones</a>' in html
