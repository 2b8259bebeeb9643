"""
# Under a content security policy

Every page of the site, and all that can be done there, under a policy that allows the site's own scripts and no others.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from building import own_cache
from own_site import folder
from playwright.sync_api import Browser, BrowserContext, Page

__all__ = ["folder", "own_cache"]

# MathJax sets widths and the like in attributes, and small fonts stand in a style sheet. Nothing at all comes from
# elsewhere.
POLICY = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:"

LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation",
    (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""

# A little of everything that answers to a pointer.
TOUCH = """() => {
    const seen = (selector) => [...document.querySelectorAll(selector)].filter((each) => each.checkVisibility());
    const kinds = [".bar button", "summary", "[data-s]", ".code a[href]", ".lineno", "main img", "main button"];
    for (const each of kinds.flatMap((kind) => seen(kind).slice(0, 3))) {
        each.dispatchEvent(new PointerEvent("pointerover", { bubbles: true, pointerType: "mouse" }));
        each.focus();
        if (!each.closest("a[href]")) each.click();
    }
    document.querySelectorAll("dialog").forEach((each) => each.close());
}"""


@pytest.fixture(scope="module")
def address(folder: Path, serve_folder: Callable[..., str]) -> str:
    return serve_folder(folder, POLICY)


@pytest.fixture(scope="module")
def context(browser: Browser) -> BrowserContext:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(LISTEN)
    return context


def opened(context: BrowserContext, address: str) -> tuple[Page, list[str]]:
    """A page, and what the browser complains of on it."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda each: complaints.append(each.text) if each.type in ("error", "warning") else None)
    page.on("pageerror", lambda each: complaints.append(str(each)))
    answer = page.goto(address)
    assert answer and answer.headers["content-security-policy"] == POLICY
    return page, complaints


def test_the_policy_is_kept_by_the_browser(context: BrowserContext, address: str) -> None:
    page, _ = opened(context, address)
    page.evaluate("() => document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(1)>')")
    page.wait_for_function("() => violations.length")
    page.close()


def test_no_page_breaks_the_policy(context: BrowserContext, folder: Path, address: str) -> None:
    pages = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
    assert len(pages) > 40
    for each in pages:
        page, complaints = opened(context, address + each)
        page.evaluate(TOUCH)
        assert page.evaluate("() => new Promise((done) => requestAnimationFrame(() => done(violations)))") == [], each
        assert complaints == [], each
        page.close()


def test_where_fonts_must_be_files_they_are_taken_from_files(
    browser: Browser, folder: Path, serve_folder: Callable[..., str]
) -> None:
    loaded = []
    for policy in (POLICY, POLICY.replace(" data:", "")):
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url.rpartition("/")[2]))  # type: ignore[misc]
        page.goto(serve_folder(folder, policy) + "optimizers/adam.html")
        page.evaluate("() => document.fonts.ready.then(() => true)")
        loaded.append(page.evaluate("() => [...document.fonts].map(({ family, status }) => `${family} ${status}`)"))
        assert any(name.startswith("mjx-ncm-lo-common-") for name in asked) == (policy != POLICY)
        page.close()
    assert loaded[0] == loaded[1]
    assert "MJX-NCM-LO loaded" in loaded[0]
    assert not any(each.endswith("error") for each in loaded[0])


def test_everything_works_under_the_policy(context: BrowserContext, address: str) -> None:
    page, complaints = opened(context, address + "optimizers/adam.html")

    page.locator("mjx-container [data-s]").first.hover()
    page.locator("#container .lit").first.wait_for()
    page.locator(".code a[href*='#']:visible").first.hover()
    page.locator("aside.preview:visible").wait_for()

    page.locator("[data-choice=theme]").click()
    page.locator("[data-choice=mode]").click()
    page.locator("[data-choice=mode]").click()
    page.locator(".to-outline").click()
    page.locator("nav.outline:visible a").first.click()

    page.locator(".contents summary").click()
    page.locator(".tree button:visible, .tree a.folded:visible").first.click()

    page.evaluate("() => localStorage.clear()")
    page.goto(address + "optimizers/radam.html")
    page.locator("#container .docs img").first.click()
    page.locator("dialog[open] img").wait_for()
    page.keyboard.press("Escape")

    page.keyboard.press("Control+k")
    page.locator("dialog.search input").fill("bias correction beta")
    page.locator("dialog.search .search-list a").first.wait_for()
    page.locator("dialog.search .search-math math").first.wait_for()
    page.locator("dialog.search .search-list a").first.click()
    page.wait_for_load_state()
    assert page.evaluate("() => violations") == []
    assert complaints == []
    page.close()
