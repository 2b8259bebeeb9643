"""
# The site of this repository, in a browser

Every page is opened, wide and narrow, with and without JavaScript.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from own_site import ROOT, folder, site
from playwright.sync_api import Browser, BrowserContext, Page

from sidelit.code_version import code_version
from sidelit.fonts import SMALL
from sidelit.hosts.site import build
from sidelit.proofs import read_proofs

__all__ = ["folder", "site"]

SKELETON = (ROOT / "tests" / "skeleton.js").read_text()


@pytest.fixture(scope="module")
def addresses(folder: Path) -> list[str]:
    pages = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.html"))]
    assert {"index.html", "optimizers/index.html", "optimizers/adam.html", "sidelit/source.html"} <= set(pages)
    return [page for page in pages if page != "404.html"]


@pytest.fixture(scope="module")
def contexts(browser: Browser) -> Iterator[list[BrowserContext]]:
    """One browser context with JavaScript and one without."""
    size = {"width": 1280, "height": 900}
    pair = [browser.new_context(viewport=size, java_script_enabled=on) for on in (True, False)]
    yield pair
    for context in pair:
        context.close()


def opened(context: BrowserContext, address: str) -> tuple[Page, list[str]]:
    """Open a page; return it with everything that went wrong while it loaded."""
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console",
        lambda message: message.type in ("error", "warning") and complaints.append(f"{message.type}: {message.text}"),
    )
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
    page.on("response", lambda reply: reply.status >= 400 and complaints.append(f"{reply.status}: {reply.url}"))
    origin = "/".join(address.split("/")[:3]) + "/"
    page.on(
        "request",
        lambda request: request.url.startswith((origin, "data:")) or complaints.append(f"asks {request.url}"),
    )
    page.goto(address, wait_until="load")
    page.evaluate("() => document.fonts.ready.then(() => true)")
    return page, complaints


# For every section with prose and code: do the two stand side by side, and is nothing wider than the window?
LAYOUT = """() => {
  const pairs = [...document.querySelectorAll("#background ~ .section")]
    .map((section) => [section.querySelector(".docs"), section.querySelector(".code > .highlight")])
    .filter(([docs, code]) => docs && code && docs.textContent.trim() !== "#");
  const rects = pairs.map(([docs, code]) => [docs.getBoundingClientRect(), code.getBoundingClientRect()]);
  return {
    pairs: rects.length,
    beside: rects.filter(([docs, code]) => docs.right <= code.left + 1 && code.top < docs.bottom).length,
    stacked: rects.filter(([docs, code]) => docs.bottom <= code.top + 1).length,
    scroll: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
}"""

# Every formula is typeset: it has a size, and neither TeX nor an error box is left.
MATH = """() => {
  const formulas = [...document.querySelectorAll("mjx-container")];
  return {
    formulas: formulas.length,
    empty: formulas.filter((each) => !(each.getBoundingClientRect().width > 1)).length,
    errors: document.querySelectorAll("mjx-merror, [data-mjx-error], .tex-error").length,
    mathml: formulas.filter((each) => each.querySelector("mjx-assistive-mml math")).length,
    left: [...document.querySelectorAll("main p, main li")]
      .filter((each) => !each.querySelector("code, mjx-container"))
      .filter((each) => /\\$\\$|\\\\(begin|frac|theta|beta)/.test(each.textContent)).length,
  };
}"""


def test_every_page_with_and_without_javascript(
    contexts: list[BrowserContext], site: str, addresses: list[str]
) -> None:
    counted: dict[str, int] = {}
    for address in addresses:
        for context in contexts:
            page, complaints = opened(context, site + address)
            assert not complaints, (address, complaints)

            math = page.evaluate(MATH)
            assert (math["empty"], math["errors"], math["left"]) == (0, 0, 0), (address, math)
            assert math["mathml"] == math["formulas"], address
            assert counted.setdefault(address, math["formulas"]) == math["formulas"], address

            wide = page.evaluate(LAYOUT)
            assert (wide["beside"], wide["scroll"]) == (wide["pairs"], 0), (address, wide)

            page.set_viewport_size({"width": 390, "height": 844})
            narrow = page.evaluate(LAYOUT)
            assert (narrow["stacked"], narrow["scroll"]) == (narrow["pairs"], 0), (address, narrow)
            page.close()
    assert counted["optimizers/adam.html"] > 40
    assert counted["sidelit/source.html"] == 0


# The files of the fonts that a page says it is sure to need, those of them that it fetches early, and those that it
# shows something in
FONTS = """() => {
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
    .filter((rule) => rule instanceof CSSFontFaceRule).map((rule) => /[\\w-]+[.]woff2/.exec(rule.cssText)[0]);
  const faces = [...document.fonts].map(({ family, status }, i) => ({ family, status, file: rules[i] }));
  const families = document.querySelector("[data-fonts]").dataset.fonts.split(" ");
  const early = families.map((family) => faces.findLast((face) => face.family === family).file);
  const links = [...document.querySelectorAll("link[rel=preload][as=font]")];
  const shown = faces.filter(({ status }) => status !== "unloaded");
  return [early, links.map(({ href }) => href.split("/").pop()), shown.map(({ file, status }) => [file, status])];
}"""


def test_pages_load_the_parts_of_fonts_that_they_show_something_in(
    contexts: list[BrowserContext], site: str, folder: Path, addresses: list[str]
) -> None:
    for address in addresses:
        if "<mjx-container" not in (folder / address).read_text():
            continue
        needed = []
        for context in contexts:
            page, _ = opened(context, site + address)
            early, fetched, shown = page.evaluate(FONTS)
            page.close()
            assert {status for _, status in shown} == {"loaded"}, address
            needed.append({name for name, _ in shown})

        # What a script makes ready early is, without scripts, what the page shows something in.
        assert needed[0] == needed[1] >= set(early), address
        late = needed[0] - set(early)

        # The small ones stand in the style sheet.
        sizes = {name: (folder / "assets/sidelit/fonts" / name).stat().st_size for name in early}
        assert fetched == [name for name in early if sizes[name] > SMALL], address
        assert fetched[0].startswith("mjx-ncm-n-common-"), address

        # Everything else is the signs that a page has few of.
        assert all("-n-signs-" in name for name in late), address


def test_the_columns_begin_at_768_pixels(contexts: list[BrowserContext], site: str) -> None:
    page, _ = opened(contexts[0], site + "optimizers/adam.html")
    for width, key in ((768, "beside"), (767, "stacked")):
        page.set_viewport_size({"width": width, "height": 900})
        layout = page.evaluate(LAYOUT)
        assert layout["pairs"] > 10
        assert layout[key] == layout["pairs"], (width, layout)
        assert layout["scroll"] == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_follow_the_system(browser: Browser, site: str, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(site + "optimizers/adam.html")
    for element in ("body", ".code", ".docs mjx-container"):
        colour, ground = page.evaluate(
            """(element) => {
              let node = document.querySelector(element);
              const colour = getComputedStyle(node).color;
              while (node && getComputedStyle(node).backgroundColor === "rgba(0, 0, 0, 0)") node = node.parentElement;
              return [colour, getComputedStyle(node || document.body).backgroundColor];
            }""",
            element,
        )
        assert (_brightness(colour) < _brightness(ground)) == (scheme == "light"), (element, colour, ground)
    page.close()


def _brightness(colour: str) -> float:
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3]))


def test_a_selection_of_code_copies_the_code_without_line_numbers(contexts: list[BrowserContext], site: str) -> None:
    page, _ = opened(contexts[0], site + "sidelit/diagnostic.html")
    copied = page.evaluate(
        """() => {
          const block = [...document.querySelectorAll(".code pre")].at(-1);
          getSelection().selectAllChildren(block);
          return getSelection().toString();
        }"""
    )
    source = (ROOT / "sidelit" / "diagnostic.py").read_text().rstrip().split("\n")
    assert copied.split("\n") == source[-len(copied.split("\n")) :]
    assert "return " in copied


def test_each_line_has_an_address(contexts: list[BrowserContext], site: str) -> None:
    page, _ = opened(contexts[0], site + "optimizers/adam.html#Adam.update")
    lines = (ROOT / "labml_nn" / "optimizers" / "adam.py").read_text().split("\n")
    shown = page.evaluate("() => [...document.querySelectorAll('.lineno')].map((each) => [each.id, each.textContent])")
    assert all(id == f"L{text}" for id, text in shown)
    numbers = [int(text) for _, text in shown]
    assert numbers == sorted(set(numbers)) and numbers[-1] <= len(lines)
    top = page.evaluate("() => document.getElementById('Adam.update').getBoundingClientRect().top")
    assert 0 <= top < 900


def test_search_finds_a_method_and_leads_to_it(contexts: list[BrowserContext], site: str) -> None:
    page, complaints = opened(contexts[0], site + "index.html")
    page.keyboard.press("/")
    page.keyboard.type("step_param")
    result = page.locator("a[href*='optimizers/'][href*='step_param']").first
    result.wait_for()
    result.click()
    page.wait_for_url("**/optimizers/*.html#*step_param*")
    assert not complaints


def test_the_index_of_the_optimizers_has_the_skeleton_of_the_page_we_are_modelled_on(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    contexts: list[BrowserContext],
    serve_folder: Callable[[Path], str],
) -> None:
    monkeypatch.setenv("SITE_URL", "https://example.org/project/")
    monkeypatch.setenv("REPO_URL", "https://github.com/example/sidelit")
    built = build(ROOT / "mkdocs.yml", tmp_path_factory.mktemp("addressed") / "site").folder
    page, _ = opened(contexts[1], serve_folder(built) + "optimizers/index.html")
    ours = page.evaluate(SKELETON)
    seed = json.loads((ROOT / "tests" / "golden" / "seed_skeleton.json").read_text())

    assert ours["container"][:3] == seed["top"]

    # A comment that stands alone has no code; the page we are modelled on has no such section.
    *with_code, code = seed["sections"][0]
    alone = [*with_code[:1], [".docs", [".section-link", "a"]], ".code"]
    sections = ours["container"][3:]
    assert len(sections) > 20
    for section in sections:
        assert section in [*seed["sections"], alone], section
    assert all(shape in sections for shape in seed["sections"])
    assert code[0] == ".code"

    # Its Twitter accounts are not ours, and an image is named by the pages that have one.
    accounts = {"twitter:site", "twitter:creator", "twitter:image:src", "og:image"}
    assert set(seed["head"]) - set(ours["head"]) <= accounts
    canonical = page.locator("link[rel=canonical]").get_attribute("href")
    assert canonical == "https://example.org/project/optimizers/index.html"
    link = page.locator("p.source a").get_attribute("href")
    assert link is not None
    assert re.fullmatch(r"https://github.com/example/sidelit/blob/\w+/labml_nn/optimizers/__init__.py", link)


def test_a_page_can_be_read_from_the_disk(contexts: list[BrowserContext], folder: Path) -> None:
    page = contexts[1].new_page()
    page.goto((folder / "optimizers" / "adam.html").as_uri())
    math = page.evaluate(MATH)
    assert math["formulas"] > 40 and math["empty"] == math["errors"] == 0
    layout = page.evaluate(LAYOUT)
    assert layout["pairs"] and layout["beside"] == layout["pairs"]
    page.get_by_role("link", name="optimizers", exact=True).first.click()
    assert page.url.endswith("/optimizers/index.html")


# ## What is verified


def test_the_page_of_an_optimizer_shows_a_proof_as_current_only_for_this_very_code(folder: Path) -> None:
    package = ROOT / "labml_nn" / "optimizers"
    proofs, _ = read_proofs((package / "proofs.json").read_text(encoding="utf-8"), "proofs.json")
    assert proofs and len(proofs.files) >= 9
    for name, proof in proofs.files.items():
        html = (folder / "optimizers" / name).with_suffix(".html").read_text(encoding="utf-8")
        is_current = proof.code == code_version(package / name)
        assert ('<details class="verified">' in html) == is_current
        assert ('<details class="verified outdated">' in html) != is_current
