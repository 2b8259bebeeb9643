"""Symbols and names that light up together, and previews of definitions, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from building import own_cache, run, write
from playwright.sync_api import Browser, Locator, Page, expect

__all__ = ["own_cache"]

FILES = {
    "pkg/__init__.py": '"""\n# A package\n"""\n',
    "pkg/base.py": '''"""
# The base
"""


class Base:
    """
    ## What all share

    The first paragraph of the base, with $x_0$ in it.
    """

    def roll(self):
        """
        ### Roll on
        """
        return 1
''',
    "pkg/ball.py": r'''r"""
---
title: A ball
summary: It rolls.
symbols:
  m: [m_t, 'm_{t-1}']
  beta: \beta_1
---
# A ball

With $m_t = \beta_1^t m_{t-1}$ and $x + \frac{x}{\beta_1}$, and $\max_x x$. See [the base](base.py).
"""

from pkg.base import Base


class Ball(Base):
    """
    ## The ball
    """

    def push(self, m, beta, step):
        # $$\beta_1 m_{t-1}$$
        m = beta * m
        return step + self.roll()

    def rest(self, step):
        return self.push(step, 1, step)
''',
}


@pytest.fixture(scope="module")
def folder(own_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = write(tmp_path_factory.mktemp("tree"), FILES)
    ran = run("sidelit", "build", tree / "pkg", "-o", tree / "site", "--strict", cwd=tree)
    assert ran.status == 0, ran.err
    return tree / "site"


@pytest.fixture(scope="module")
def site(folder: Path, serve_folder: Callable[[Path], str]) -> str:
    return serve_folder(folder.parent) + "site/"


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{site}pkg/ball.html")
    yield page
    page.close()


def lit(page: Page) -> list[str]:
    """What is lit, in the order of the page."""
    return page.locator(".lit").all_inner_texts()


def formula(page: Page, token: str) -> Locator:
    """A part of a formula, by what pointing at it means."""
    return page.locator(f'mjx-container [data-s~="{token}"]')


def name(page: Page, line: str, text: str) -> Locator:
    """A name in a line of the code, its first occurrence there."""
    number = 1 + next(i for i, each in enumerate(FILES["pkg/ball.py"].split("\n")) if each.strip() == line)
    return page.locator(f'#L{number} ~ :text-is("{text}")').first


def test_pointing_at_a_symbol_lights_it_up_in_formulas_and_code(page: Page) -> None:
    formula(page, "=m").first.hover()
    # Two in the first formula, one in the comment's, and three names in the code
    assert len(lit(page)) == 6 and lit(page)[-2:] == ["m", "m"]
    assert page.evaluate("getComputedStyle(document.querySelector('#container .docs p')).color") != page.evaluate(
        "getComputedStyle(document.querySelector('.lit')).color"
    )
    page.mouse.move(2, 2)
    assert lit(page) == []


def test_a_symbol_with_a_power_lights_up_in_its_parts(page: Page) -> None:
    name(page, "m = beta * m", "beta").hover()
    # β and 1 beneath the power, β_1 in a fraction and in the comment's formula, and two names
    assert len(lit(page)) == 2 + 2 + 2


def test_variables_go_by_their_scope(page: Page) -> None:
    name(page, "return self.push(step, 1, step)", "step").hover()
    assert lit(page) == ["step", "step", "step"]
    page.mouse.move(2, 2)
    name(page, "return step + self.roll()", "step").hover()
    assert lit(page) == ["step", "step"]


def test_a_symbol_that_nobody_declared_lights_up_with_its_like(page: Page) -> None:
    formula(page, "x").first.hover()
    assert len(lit(page)) == 4, "two in the fraction's formula, two about the maximum, none in max"


def test_a_click_pins_and_three_ways_clear(page: Page) -> None:
    symbol = formula(page, "=m").first
    for clear in (symbol.click, lambda: page.keyboard.press("Escape"), lambda: page.locator("h1").first.click()):
        symbol.click()
        page.mouse.move(2, 2)
        assert lit(page)
        expect(page.locator(".said")).to_contain_text("m: ")
        clear()
        page.mouse.move(2, 2)
        assert lit(page) == []


def test_another_click_moves_the_light(page: Page) -> None:
    formula(page, "=m").first.click()
    formula(page, "x").first.click()
    assert len(lit(page)) == 4


def test_by_keyboard_alone(page: Page) -> None:
    first = page.locator("mjx-container").first
    for _ in range(30):
        page.keyboard.press("Tab")
        if first.evaluate("(formula) => formula === document.activeElement"):
            break
    else:
        pytest.fail("the first formula cannot be reached")
    status = page.locator(".said")
    expect(status).to_have_text("m: 3 in formulas, 3 in the code")
    assert page.locator(".here").count() == 1

    page.keyboard.press("ArrowRight")
    expect(status).to_have_text("beta: 3 in formulas, 2 in the code")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert lit(page), "pinned"
    page.keyboard.press("Escape")
    assert lit(page) == []


def test_the_arrows_lead_through_formulas_and_code(page: Page) -> None:
    page.locator("mjx-container").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    seen = []
    for _ in range(60):
        seen.append(page.locator(".here").get_attribute("data-s"))
        page.keyboard.press("ArrowRight")
    assert {"=m", "=beta", "x"} <= set(seen)
    assert any(token.startswith(":") for token in seen), "names in the code"
    page.keyboard.press("ArrowLeft")
    assert page.locator(".here").get_attribute("data-s") == seen[-2]


def test_a_name_leads_to_its_definition(page: Page, site: str) -> None:
    name(page, "return self.push(step, 1, step)", "push").click()
    assert page.url.endswith("ball.html#Ball.push")
    name(page, "return step + self.roll()", "roll").click()
    page.wait_for_url("**/base.html#Base.roll")


def test_a_preview_shows_the_definition(page: Page) -> None:
    card = page.locator(".preview")
    name(page, "class Ball(Base):", "Base").hover()
    expect(card).to_be_visible()
    expect(card).to_contain_text("What all share")
    expect(card).to_contain_text("class Base:")
    expect(card.locator("mjx-container")).to_have_count(1)
    assert card.evaluate("(card) => card.getBoundingClientRect().right <= innerWidth")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()

    page.mouse.move(2, 2)
    name(page, "return self.push(step, 1, step)", "push").hover()
    expect(card).to_contain_text("def push(self, m, beta, step):")
    page.mouse.move(2, 2)
    expect(card).to_be_hidden()


def test_a_preview_by_keyboard(page: Page) -> None:
    page.keyboard.press("Tab")
    name(page, "class Ball(Base):", "Base").focus()
    expect(page.locator(".preview")).to_contain_text("What all share")
    name(page, "class Ball(Base):", "Base").blur()


def test_by_touch(browser: Browser, site: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(f"{site}pkg/ball.html")
    symbol = formula(page, "=m").first
    symbol.tap()
    assert len(lit(page)) == 6
    symbol.tap()
    assert lit(page) == []

    # A link is lit first, and its preview leads on.
    name(page, "class Ball(Base):", "Base").tap()
    assert page.url.endswith("ball.html")
    page.locator(".preview a", has_text="Go to Base").tap()
    page.wait_for_url("**/base.html#Base")
    page.close()


def test_from_the_disk(browser: Browser, folder: Path) -> None:
    page = browser.new_page()
    page.goto((folder / "pkg" / "ball.html").as_uri())
    formula(page, "=m").first.click()
    assert len(lit(page)) == 6
    name(page, "return step + self.roll()", "roll").click()
    page.wait_for_url("**/base.html#Base.roll")
    page.close()


def test_links_work_without_a_script(browser: Browser, site: str) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{site}pkg/ball.html")
    name(page, "return step + self.roll()", "roll").click()
    assert page.url.endswith("base.html#Base.roll")
    page.close()


def test_a_declared_symbol_that_no_formula_holds_is_told(tmp_path: Path) -> None:
    head = "---\ntitle: A\nsummary: A.\nsymbols: {x: \\gamma, y: \\bad}\n---\n"
    write(tmp_path, {"a.py": f'"""\n{head}$x$\n"""\nx = y = 1\n'})
    ran = run("sidelit", "build", "a.py", cwd=tmp_path)
    assert ran.status == 0
    assert "a.py:5:14: no formula of this page holds `\\gamma`; correct it, or take it out [symbols]" in ran.err
    assert "a.py:5:25: `\\bad` is no command that is known" in ran.err
    assert ran.err.count("[symbols]") == 1


def test_inside_material(own_cache: Path, browser: Browser, serve_folder: Callable, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    write(
        tmp_path,
        {
            "mkdocs.yml": "site_name: x\ntheme: {name: material, font: false}\n"
            "plugins: [{sidelit: {sources: [pkg]}}]\n",
            "docs/index.md": "# Home\n",
        },
    )
    ran = run("mkdocs", "build", cwd=tmp_path, NO_MKDOCS_2_WARNING="1")
    assert ran.status == 0, ran.err
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{serve_folder(tmp_path / 'site')}pkg/ball/")
    formula(page, "=m").first.hover()
    assert len(lit(page)) == 6
    name(page, "class Ball(Base):", "Base").hover()
    expect(page.locator(".preview")).to_contain_text("What all share")
    page.close()
