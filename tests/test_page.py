from __future__ import annotations

import contextlib
import json
import os
from html import escape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelit.formula import Formula, Link
from sidelit.making import make_page
from sidelit.page import Page, finish, from_bytes, redirection, to_bytes
from sidelit.source import parse

GOLDEN = Path(__file__).parent / "golden"


def made(text: str, *, allow_html: bool = True, path: str = "pkg/a.py") -> Page:
    document = parse(text, path, "pkg.a")
    return make_page(document, allow_html=allow_html, module="pkg.a", parents=[("home", "../index.html")])


def body(page: Page) -> str:
    """The body with formulas as TeX in brackets, links as they were written, and names leading to what they mean."""
    return finish(page, lambda each: f"[{escape(each.tex)}]", lambda link: link.target, lambda each: f"?{each.target}")


def test_the_golden_page() -> None:
    """Reviewed by eye when it changes: `UPDATE_GOLDEN=1 pytest tests/test_page.py` writes it again."""
    text = (GOLDEN / "example.py").read_text()
    page = made(text, path="tests/golden/example.py")
    # It shows that such code stays code.
    assert [each.rule for each in page.diagnostics] == ["commented-out-code"]
    golden = GOLDEN / "example.html"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(body(page))
    assert body(page) == golden.read_text()


def test_a_page_survives_the_cache() -> None:
    page = made((GOLDEN / "example.py").read_text())
    again = from_bytes(to_bytes(page))
    assert again == page
    assert body(again) == body(page)
    assert to_bytes(again) == to_bytes(page)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"[]", b"{}", b"\xff", b"2", b"2\n", b"[]\n", b'"a"\n', b"null\n", b'{"title": 1}\n'),
        b'{"references": [], "open_ends": [["Formula", {}]]}\n',
        b'{"references": [], "open_ends": [0]}\n',
        b'{"references": [], "open_ends": [[]], "packed_entries": 0}\n',
        b'{"references": [], "open_ends": [], "packed_entries": "a"}\n',
    ],
)
def test_what_is_no_page_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        from_bytes(data)


@pytest.mark.parametrize("wrong", [[], 5, None, "ab", [1], {}, [[]]])
@pytest.mark.parametrize("part", ["open_ends", "symbols", "headings", "switches", "offer", "bases", "places"])
def test_nothing_else_is_raised_for_a_wrong_part(part: str, wrong: object) -> None:
    head, packed = to_bytes(made("class A(B):\n    x = 1\n")).split(b"\n", 1)
    values = json.loads(head)
    holder = {"bases": values["exports"]["names"], "places": values["exports"]}.get(part, values)
    assert part in holder
    holder[part] = wrong
    with contextlib.suppress(ValueError, KeyError, TypeError):
        from_bytes(json.dumps(values).encode() + b"\n" + packed)


def test_formulas_and_links_are_left_open_with_their_places() -> None:
    page = made('"""\nSee $x$ and [b](b.py#B).\n"""\n# $y$\nx = 1\n')
    assert page.formulas == [Formula("x", False, "pkg/a.py", 2, 5), Formula("y", False, "pkg/a.py", 4, 3)]
    assert page.links == [Link("b.py#B", "href", "pkg/a.py", 2, 17)]
    html = finish(page, lambda each: f"<i>{each.tex}</i>", lambda link: 'b.html?a&b"c', lambda each: "")
    assert "<i>x</i>" in html and "<i>y</i>" in html
    assert 'href="b.html?a&amp;b&quot;c"' in html


def test_a_page_without_a_heading_gets_its_title() -> None:
    assert "<h1>pkg.<wbr>a</h1>" in body(made("x = 1\n"))
    assert "<h1>pkg.<wbr>a</h1>" in body(made(""))
    assert body(made('"""# Mine"""\n')).count("<h1") == 1
    assert "<h1>A &lt;b&gt;</h1>" in body(made('"""\n---\ntitle: A <b>\n---\nText.\n"""\n'))


def test_anchors_are_where_they_say() -> None:
    page = made((GOLDEN / "example.py").read_text())
    html = body(page)
    assert {"Ball", "Ball.roll", "Ball.roll-2", "module", "section-0", "constants"} <= set(page.anchors)
    for anchor in page.anchors:
        assert html.count(f'id="{escape(anchor)}"') == 1, anchor


def test_the_search_entries_hold_prose_tex_and_names_but_no_html() -> None:
    page = made((GOLDEN / "example.py").read_text())
    by_anchor = {entry.anchor: entry for entry in page.entries}
    assert len(by_anchor) == len(page.entries)
    assert set(by_anchor) <= set(page.anchors)
    assert by_anchor["module"].title == ("A page of everything",)
    assert by_anchor["everything-with-eipi-1"].title == ("Everything, with ", r"e^{i\pi} = -1", "")
    ball = by_anchor["Ball"]
    assert (ball.title, ball.name, ball.names) == (("A ball that rolls",), "Ball", "class Ball")
    roll = by_anchor["Ball.roll"]
    assert (roll.title, roll.name) == (("Ball.roll",), "Ball.roll")
    assert roll.text[:2] == ("Roll for ", "t") and r"x_t = \sum_{i \le t} \mu^i v_0." in roll.text[1::2]
    assert "steps" in roll.names.split()

    # The rest of a body is part of the function, but not where one wants to go who looks for it by name.
    body = by_anchor["Ball.roll-2"]
    assert (body.title, body.name) == (("Ball.roll",), "")
    assert "range" in body.names.split() or "float" in body.names.split()
    for entry in page.entries:
        assert not any("<p>" in piece or "<code>" in piece for piece in (*entry.title, *entry.text))


def test_each_heading_of_a_section_can_be_found() -> None:
    page = made('"""\nOpening.\n\n# One\n\nFirst.\n\n## Two $x$\n\nSecond.\n"""\n\n# Comment\n#\n# # Three\nx = 1\n')
    assert [(entry.anchor, entry.title, entry.text) for entry in page.entries] == [
        ("module", ("One",), ("Opening. First.",)),
        ("two-x", ("Two ", "x", ""), ("Second.",)),
        ("module-2", ("Three",), ("Comment",)),
    ]


def test_html_is_the_authors_own_or_it_is_cleaned() -> None:
    text = '"""\n<b>bold</b> <script>alert(1)</script> <a onclick="x()" href="javascript:x()">x</a>\n"""\n'
    assert "<script>" in body(made(text))
    cleaned = body(made(text, allow_html=False))
    assert "<b>bold</b>" in cleaned
    assert "alert" not in cleaned and "onclick" not in cleaned and "javascript:" not in cleaned


def test_code_with_the_mark_in_it_is_still_code() -> None:
    page = made('# $x$\ns = "\ufdd0 <a? "  # \ufdd0\nimport torch\nprint(torch.zeros)\n')
    html = body(page)
    assert "[x]" in html and "&#xFDD0; &lt;a? " in html
    assert 'href="?torch.zeros"' in html and "<a?" not in html


@given(st.lists(st.sampled_from(["# text $x$", "x = 1", "", "def f():", '    """doc"""', "    y = 2", "#", "# <b>"])))
def test_a_page_is_the_same_each_time(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert to_bytes(made(text)) == to_bytes(made(text))


def test_addresses_in_the_front_matter() -> None:
    page = made('"""\n---\nimage: img/a.png\nredirect: b.py#B\n---\n"""\n')
    assert page.image == Link("img/a.png", "src", "pkg/a.py", 3, 1)
    assert page.redirect == Link("b.py#B", "href", "pkg/a.py", 4, 1)
    assert from_bytes(to_bytes(page)) == page
    assert made('"""\n---\nredirect: https://example.org/\n---\n"""\n').redirect is not None

    refused = made('"""\n---\nredirect: "javascript:alert(1)"\n---\n"""\n')
    assert refused.redirect is None
    assert [str(each) for each in refused.diagnostics] == [
        "pkg/a.py:3:1: `redirect` leads neither to a file nor to a web address, and is left out [front-matter]"
    ]


def test_a_redirection_is_a_document_that_needs_no_script() -> None:
    html = redirection("A <title>", 'b.html?x="1"&y')
    assert '<meta http-equiv="refresh" content="0; url=b.html?x=&#34;1&#34;&amp;y">' in html
    assert "A &lt;title&gt; has moved" in html and "<script" not in html
