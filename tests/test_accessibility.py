"""
# The site of this repository, examined by axe

Every page in both colour schemes, and what opens, lights up or pops up on a page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from own_site import ROOT, folder, site
from playwright.sync_api import Browser, Page, expect

__all__ = ["folder", "site"]

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")

# axe does not judge the contrast of text on a gradient. The shade at the edge of code is one, and so all code would go
# unjudged; without it the code stands on the colour that it has almost everywhere.
FLAT = "*, ::before, ::after { background-image: none !important; }"

VIOLATIONS = """async () => {
  const { violations } = await axe.run({ resultTypes: ["violations"], preload: false });
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id} (${help}): ${target.join(" ")}`));
}"""

CODE_AND_FORMULAS = "optimizers/adam.html"
NARROW = (
    CODE_AND_FORMULAS, "configuration.html", "optimizers/performance_test.html", "sidelit/names.html",
    "api/labml_nn.optimizers.html",
)  # fmt: skip

# The pages of the API reference are all of one make. These have all that there is in it.
API = ("api/index.html", "api/labml_nn.optimizers.html", "api/sidelit.html", "api/sidelit.tree.html")


@pytest.fixture(scope="module")
def wide(browser: Browser) -> Iterator[Page]:
    yield from _window(browser, 1440, 900)


@pytest.fixture(scope="module")
def narrow(browser: Browser) -> Iterator[Page]:
    yield from _window(browser, 390, 844)


def _window(browser: Browser, width: int, height: int) -> Iterator[Page]:
    """A window in which nothing moves and every page has axe."""
    page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page.add_init_script(AXE)
    yield page
    page.close()


def open_page(page: Page, address: str) -> None:
    page.goto(address)
    page.add_style_tag(content=FLAT)
    page.evaluate("() => document.fonts.ready.then(() => true)")


def violations(page: Page) -> list[str]:
    """What axe finds in the page as it is now: the scheme, the rule, and where."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found += [f"{scheme}: {each}" for each in page.evaluate(VIOLATIONS)]
    return found


def test_no_page_has_a_violation(wide: Page, site: str, folder: Path) -> None:
    found = {}
    addresses = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.html"))]
    assert {CODE_AND_FORMULAS, "404.html", "search.html", *API} <= set(addresses)
    for address in addresses:
        if address.startswith("api/") and address not in API:
            continue
        open_page(wide, site + address)
        found[address] = violations(wide)
    assert not {address: each for address, each in found.items() if each}


def test_no_page_has_a_violation_where_the_columns_are_one(narrow: Page, site: str) -> None:
    found = {}
    for address in NARROW:
        open_page(narrow, site + address)
        found[address] = violations(narrow)
    assert not {address: each for address, each in found.items() if each}


def test_the_open_contents_have_no_violation(wide: Page, narrow: Page, site: str) -> None:
    for page in (wide, narrow):
        open_page(page, site + CODE_AND_FORMULAS)
        page.locator(".contents summary").click()
        expect(page.locator(".tree")).to_be_visible()
        assert violations(page) == []


def test_what_may_be_taken_has_no_violation(wide: Page, narrow: Page, site: str) -> None:
    for page in (wide, narrow):
        open_page(page, site + CODE_AND_FORMULAS)
        for summary in ("Take this code", "BibTeX"):
            page.get_by_text(summary, exact=True).click()
        expect(page.get_by_role("button", name="Copy the whole file")).to_be_visible()
        assert violations(page) == []


def test_results_of_a_search_have_no_violation(wide: Page, narrow: Page, site: str) -> None:
    for page in (wide, narrow):
        open_page(page, site + CODE_AND_FORMULAS)
        page.keyboard.press("/")
        page.keyboard.type("moment")
        expect(page.locator(".search-list a").first).to_be_visible()
        assert violations(page) == []


def test_a_pinned_symbol_and_the_rest_that_steps_back_have_no_violation(wide: Page, site: str) -> None:
    open_page(wide, site + CODE_AND_FORMULAS)
    wide.locator("mjx-container [data-s]").first.click()
    expect(wide.locator(".code .lit").first).to_be_attached()
    assert violations(wide) == []


def test_the_preview_of_a_definition_has_no_violation(wide: Page, site: str) -> None:
    open_page(wide, site + CODE_AND_FORMULAS)
    wide.locator(".code a[href*='.html#']").first.hover()
    expect(wide.locator(".preview")).to_be_visible()
    assert violations(wide) == []


def test_a_box_is_a_stop_for_the_keyboard_while_it_scrolls(narrow: Page, site: str) -> None:
    open_page(narrow, site + "configuration.html")
    table = narrow.locator(".docs table", has_text="my_package/model.html")
    expect(table).to_have_attribute("tabindex", "0")
    table.focus()
    narrow.keyboard.press("ArrowRight")
    narrow.wait_for_function("() => document.activeElement.matches('table') && document.activeElement.scrollLeft > 0")
    # As on a wider window, or with a smaller font.
    table.evaluate("(table) => { table.style.fontSize = '4px'; }")
    expect(table).not_to_have_attribute("tabindex", "0")


@pytest.mark.parametrize("scripts", [True, False])
def test_formulas_are_read_as_mathml_on_the_screen_and_below_it(browser: Browser, site: str, scripts: bool) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, java_script_enabled=scripts)
    page.goto(site + "optimizers/adam.html")

    # While a page loads, nobody reads it.
    page.wait_for_selector("html:not([data-loading])")
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    roles = Counter(node["role"]["value"] for node in nodes if not node["ignored"])
    assert roles["MathMLMath"] == page.locator("mjx-container").count() > 0
    assert roles["MathMLFraction"] == page.locator("mfrac").count() > 0
    page.close()


def test_formulas_are_read_while_an_image_does_not_come(browser: Browser, site: str) -> None:
    page = browser.new_page()
    page.route("**/*.svg", lambda route: None)
    page.goto(site + "optimizers/radam.html", wait_until="commit")
    page.wait_for_selector("html[data-script]:not([data-loading])")
    assert page.evaluate("() => document.readyState") == "interactive"
    page.close()


def test_the_test_sees_what_is_wrong(wide: Page, site: str) -> None:
    open_page(wide, site + "index.html")
    assert violations(wide) == []
    wide.add_style_tag(content="#container { color: #bbb; background: #aaa; }")
    wide.evaluate("() => document.querySelector('main').append(document.createElement('button'))")
    seen = {each.partition(" (")[0] for each in violations(wide)}
    assert {"light: color-contrast", "dark: color-contrast", "light: button-name", "dark: button-name"} <= seen
