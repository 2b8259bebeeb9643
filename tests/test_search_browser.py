"""Searching and unfolding the site tree in a browser: from a sub-path, from the disk, by mouse, touch and keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from building import own_cache, write
from playwright.sync_api import Browser, Locator, Page, expect

from sidelit.hosts.site import build

__all__ = ["own_cache"]

ROOT = Path(__file__).resolve().parent.parent
POLICY = (
    "default-src 'none'; img-src 'self'; font-src 'self' data:; script-src 'self'; style-src 'self' 'unsafe-inline'"
)
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
WIDTHS = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])

LAZY = re.compile(r"(minisearch|find|results|search-index|tree)\.js")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT / "mkdocs.yml", tmp_path_factory.mktemp("built") / "project").folder


@pytest.fixture(scope="module")
def places(folder: Path, serve_folder: Callable[..., str]) -> dict[str, str]:
    """The site below a sub-path of a server with a content security policy, and on the disk."""
    return {"server": serve_folder(folder.parent, POLICY) + "project/", "disk": folder.as_uri() + "/"}


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A function that opens a page; whatever goes wrong there fails the test."""
    contexts, complaints = [], []

    def open_page(address: str, *, size: dict[str, int] = WIDE, **options: object) -> Page:
        context = browser.new_context(viewport=size, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda said: "Content Security Policy" in said.text and complaints.append(said.text))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def box(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Search")


def options(page: Page) -> Locator:
    return page.get_by_role("option")


def ask(page: Page, words: str) -> list[str]:
    """Search for words in the dialog, and return the addresses that were found, from the top of the site."""
    if not box(page).is_visible():
        page.keyboard.press("/")
    box(page).fill(words)
    expect(page.locator("dialog .search-status")).to_have_text(re.compile("found"))
    links = options(page).evaluate_all("(all) => all.map((each) => each.href)")
    return [re.sub(".*/project/", "", link) for link in links]


# ## Opening


@pytest.mark.parametrize("place", ["server", "disk"])
def test_nothing_is_loaded_before_it_is_used(opened: Callable[..., Page], places: dict[str, str], place: str) -> None:
    page = opened(places[place] + "optimizers/adam.html")
    loaded = lambda: page.evaluate("() => [...document.scripts].map((each) => each.src)")  # noqa: E731
    assert not [each for each in loaded() if LAZY.search(each)]
    assert ask(page, "step_param")[0] == "optimizers/index.html#GenericAdaptiveOptimizer.step_param"
    names = [match[0] for match in map(LAZY.search, loaded()) if match]
    assert sorted(names) == ["find.js", "minisearch.js", "results.js", "search-index.js"]
    page.keyboard.press("Escape")
    ask(page, "another")
    assert len([each for each in loaded() if LAZY.search(each)]) == 4


@WIDTHS
def test_keys_and_clicks_open_it(opened: Callable[..., Page], places: dict[str, str], size: dict[str, int]) -> None:
    page = opened(places["server"] + "optimizers/adam.html", size=size)
    button = page.get_by_role("button", name="Search")
    ways: list[Callable[[], None]] = [
        lambda: page.keyboard.press("/"),
        lambda: page.keyboard.press("Control+k"),
        lambda: page.keyboard.press("Meta+k"),
        lambda: button.click(),
        lambda: button.press("Enter"),
        lambda: button.press(" "),
    ]
    for way in ways:
        way()
        expect(box(page)).to_be_focused()
        expect(box(page)).to_have_value("")
        page.keyboard.press("Escape")
        expect(box(page)).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    page.get_by_role("button", name="Close").click()
    expect(box(page)).to_be_hidden()


def test_a_slash_is_a_letter_where_one_writes(opened: Callable[..., Page], places: dict[str, str]) -> None:
    page = opened(places["server"] + "index.html")
    page.keyboard.press("/")
    page.keyboard.type("a/b")
    expect(box(page)).to_have_value("a/b")
    page.keyboard.press("Control+k")
    expect(box(page)).to_be_focused()


# ## Finding


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("step_param", "optimizers/index.html#GenericAdaptiveOptimizer.step_param"),
        ("GenericAdaptiveOptimizer.step", "optimizers/index.html#GenericAdaptiveOptimizer.step"),
        ("genericadaptiveoptimizer.step_pa", "optimizers/index.html#GenericAdaptiveOptimizer.step_param"),
        ("stpe_param", "optimizers/index.html#GenericAdaptiveOptimizer.step_param"),
        ("weightdecay", "optimizers/index.html#WeightDecay"),
        ("Bias correction", "optimizers/adam.html#bias-correction"),
        ("radam update", "optimizers/radam.html#RAdam.update"),
        ("macros", "configuration.html#macros"),
    ],
)
def test_what_is_called_so_comes_first(
    opened: Callable[..., Page], places: dict[str, str], words: str, first: str
) -> None:
    assert ask(opened(places["server"] + "index.html"), words)[0] == first


def test_names_are_found_by_their_parts(opened: Callable[..., Page], places: dict[str, str]) -> None:
    page = opened(places["server"] + "index.html")
    wanted = "optimizers/index.html#GenericAdaptiveOptimizer.step_param"
    for words in ("step", "param", "step param", "adaptive param"):
        assert wanted in ask(page, words), words
    shown = options(page).filter(has_text="The step of one parameter").first
    expect(shown.locator("code").first).to_have_text("GenericAdaptiveOptimizer.step_param")
    expect(shown.locator("small")).to_have_text("Optimizers")


def test_every_word_has_to_be_there(opened: Callable[..., Page], places: dict[str, str]) -> None:
    page = opened(places["server"] + "index.html")
    assert ask(page, "weight decay qwertyzxcv") == []
    expect(page.locator("dialog .search-status")).to_have_text("No places found")
    expect(box(page)).to_have_attribute("aria-expanded", "false")


@pytest.mark.parametrize("place", ["server", "disk"])
@pytest.mark.parametrize("words", [r"\beta_1", "beta_1", r"$\beta_{1}$"])
def test_formulas_are_found_by_tex_and_shown_as_formulas(
    opened: Callable[..., Page], places: dict[str, str], place: str, words: str
) -> None:
    page = opened(places[place] + "index.html")
    assert "optimizers/adam.html#Adam.moments-3" in ask(page, words)
    formula = page.locator("[role=option] mark math msub", has_text="β").first
    shape = formula.bounding_box()
    assert shape and shape["width"] > 5 and shape["height"] > 5
    assert re.sub(r"\s", "", formula.text_content() or "") == "β1"
    shown = options(page).filter(has_text="AdaBelief.moments").first
    assert "\\" not in shown.inner_text() and "$" not in shown.inner_text()
    assert page.locator(".search .search-list annotation").count() == 0


# ## Going there


@WIDTHS
@pytest.mark.parametrize("place", ["server", "disk"])
def test_the_keyboard_alone_leads_there(
    opened: Callable[..., Page], places: dict[str, str], place: str, size: dict[str, int]
) -> None:
    page = opened(places[place] + "sidelit/hosts/site.html", size=size)
    found = ask(page, "bias correction")
    assert len(found) > 5

    def chosen() -> int:
        (index,) = options(page).evaluate_all("(all) => all.flatMap((e, i) => e.ariaSelected === 'true' ? i : [])")
        expect(box(page)).to_have_attribute("aria-activedescendant", options(page).nth(index).get_attribute("id") or "")
        expect(options(page).nth(index)).to_be_in_viewport(ratio=0.9)
        return index

    seen = [chosen()]
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
        seen.append(chosen())
    assert seen == [0, 1, 2, 1, 0, len(found) - 1, 0, 1]
    expect(box(page)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/project/" + found[1])


@WIDTHS
def test_a_finger_leads_there(opened: Callable[..., Page], places: dict[str, str], size: dict[str, int]) -> None:
    page = opened(places["server"] + "optimizers/adam.html", size=size, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="Search").tap()
    found = ask(page, "how long a step can be")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    options(page).first.tap()
    # It is on this very page: the dialog makes room.
    page.wait_for_url("**/project/" + found[0])
    expect(box(page)).to_be_hidden()
    expect(page.locator("#how-long-a-step-can-be")).to_be_in_viewport()


@WIDTHS
def test_the_dialog_and_its_results_fit(
    opened: Callable[..., Page], places: dict[str, str], size: dict[str, int]
) -> None:
    page = opened(places["server"] + "optimizers/radam.html", size=size)
    for words in ("beta_2", "the", "GenericAdaptiveOptimizer"):
        ask(page, words)
        assert page.evaluate(
            """() => [document.documentElement, ...document.querySelectorAll("dialog, dialog .search-list")].every(
              (each) => each.scrollWidth <= each.clientWidth && each.getBoundingClientRect().right <= innerWidth)"""
        ), words


def test_a_click_beside_the_dialog_closes_it(opened: Callable[..., Page], places: dict[str, str]) -> None:
    page = opened(places["server"] + "index.html")
    ask(page, "adam")
    page.mouse.click(20, 600)
    expect(box(page)).to_be_hidden()


def test_what_was_found_is_announced(opened: Callable[..., Page], places: dict[str, str]) -> None:
    page = opened(places["server"] + "index.html")
    page.keyboard.press("/")
    status = page.get_by_role("dialog").get_by_role("status")
    expect(status).to_have_text("")
    box(page).fill("bias correction")
    expect(status).to_have_text(re.compile(r"^\d+ places found$"))
    expect(page.get_by_role("listbox", name="Places found").get_by_role("option", selected=True)).to_have_count(1)
    box(page).fill("")
    expect(status).to_have_text("")
    expect(options(page)).to_have_count(0)


def test_an_index_that_does_not_come_is_told(opened: Callable[..., Page], places: dict[str, str]) -> None:
    page = opened(places["server"] + "index.html")
    page.context.route("**/search-index.js", lambda route: route.abort())
    page.keyboard.press("/")
    page.keyboard.type("adam")
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text("The search could not be loaded")


# ## The page of all that was found


@WIDTHS
@pytest.mark.parametrize("place", ["server", "disk"])
def test_the_search_page_lists_everything(
    opened: Callable[..., Page], places: dict[str, str], place: str, size: dict[str, int]
) -> None:
    page = opened(places[place] + "optimizers/adam.html", size=size)
    ask(page, "optimizer")
    few = options(page).count()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/project/search.html?q=optimizer")
    status = page.locator("#search-page .search-status")
    expect(status).to_have_text(re.compile(r"^\d+ places found$"))
    total = int(status.inner_text().split()[0])
    links = page.locator("#search-page .search-list a")
    assert few < links.count() == min(total, 100)
    while page.get_by_role("button", name="Show more").is_visible():
        page.get_by_role("button", name="Show more").click()
    assert links.count() == total
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("searchbox", name="Search for").fill("qwertyzxcv")
    expect(status).to_have_text("No places found")
    expect(links).to_have_count(0)


def test_without_javascript_the_search_says_so(opened: Callable[..., Page], places: dict[str, str]) -> None:
    page = opened(places["server"] + "optimizers/adam.html", java_script_enabled=False)
    page.get_by_role("link", name="Search").click()
    assert page.url == places["server"] + "search.html"
    expect(page.locator("noscript p")).to_be_visible()
    expect(page.locator("noscript p")).to_contain_text("Search needs JavaScript")
    expect(page.get_by_role("searchbox")).to_have_count(0)
    page.locator("#search-page").get_by_role("link", name="home page").click()
    assert page.url == places["server"] + "index.html"


# ## Words that are not to be trusted

EVIL = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {
        "docs/index.md": f"# Home `{EVIL}`\n\nwords `{EVIL}` $\\text{{{EVIL}}}$\n",
        "pkg/<img src=x onerror=alert(3)>.py": "# words\nx = 1\n",
        "pkg/a.py": f'"""\n---\ntitle: "words {EVIL}"\n---\n`{EVIL}` $\\text{{{EVIL}}}$ 数学公式\n"""\nwords = 1\n',
        "mkdocs.yml": "site_name: S\ntheme: sidelit\nuse_directory_urls: false\n"
        "nav: [{Home: index.md}, {'<b>Deep</b> <img src=x onerror=alert(4)>': [{'<i>In</i>': pkg/a.py}]}]\n"
        "plugins: [{sidelit: {sources: [pkg], allow_html: false}}]\n",
    }
    folder = write(tmp_path_factory.mktemp("evil"), files)
    return build(folder / "mkdocs.yml", folder / "project").folder


def test_hostile_words_are_shown_as_words(opened: Callable[..., Page], evil: Path) -> None:
    page = opened(evil.as_uri() + "/index.html")
    assert len(ask(page, "words")) >= 3
    shown = page.locator(".search .search-list")
    assert "<img src=x onerror=alert(1)>" in shown.inner_text()
    assert "<img src=x onerror=alert(3)>" in shown.inner_text()
    assert shown.locator("img, script").count() == 0
    assert shown.locator("math mtext").count()
    names = shown.evaluate("(list) => [...new Set([...list.querySelectorAll('*')].map((each) => each.localName))]")
    html = {"a", "strong", "small", "p", "mark", "code", "span"}
    assert set(names) <= html | {"math", "semantics", "mrow", "mtext"}
    assert ask(page, "学公") == ask(page, "数学") == ["pkg/a.html#module"]


def test_of_mathml_only_what_is_known_is_taken_over(opened: Callable[..., Page], evil: Path) -> None:
    mathml = (
        '<math xmlns="http://www.w3.org/1998/Math/MathML" onclick="alert(5)" href="javascript:alert(6)" style="top: 0">'
        '<mi mathvariant="bold" class="y">k</mi><maction actiontype="x"><mi>l</mi></maction><annotation-xml>'
        '<p xmlns="http://www.w3.org/1999/xhtml">p</p></annotation-xml><script xmlns="http://www.w3.org/1999/xhtml">'
        "alert(7)</script></math>"
    )
    page = opened(evil.as_uri() + "/index.html")
    ask(page, "words")
    page.evaluate("(mathml) => { for (const each of sidelitIndex.formulas) each[1] = mathml; }", mathml)
    ask(page, "words home")
    found = page.locator(".search .search-list math").first
    assert found.evaluate("(math) => math.outerHTML") == '<math><mi mathvariant="bold">k</mi></math>'
    for broken in ("<math", "<p>x</p>", "<math xmlns='http://www.w3.org/1999/xhtml'><mi>x</mi></math>"):
        page.evaluate("(mathml) => { for (const each of sidelitIndex.formulas) each[1] = mathml; }", broken)
        ask(page, "words")
        ask(page, "words home")
        expect(page.locator(".search .search-list code.search-math").first).to_contain_text(r"\text")


# ## The site tree


@WIDTHS
@pytest.mark.parametrize("place", ["server", "disk"])
def test_branches_unfold_on_the_page(
    opened: Callable[..., Page], places: dict[str, str], place: str, size: dict[str, int]
) -> None:
    page = opened(places[place] + "optimizers/adam.html", size=size)
    loaded = lambda: page.locator("script[src$='/tree.js']").count()  # noqa: E731
    page.get_by_text("Contents", exact=True).or_(page.get_by_label("Contents")).first.click()
    tree = page.get_by_role("navigation", name="Site")
    expect(tree.locator("[aria-current]")).to_be_in_viewport()

    own = tree.get_by_role("button", name="Optimizers")
    expect(own).to_have_attribute("aria-expanded", "true")
    own.click()
    expect(own).to_have_attribute("aria-expanded", "false")
    expect(tree.locator("[aria-current]")).to_be_hidden()
    assert loaded() == 0

    outer = tree.get_by_role("button", name="The generator")
    expect(outer).to_have_attribute("aria-expanded", "false")
    outer.focus()
    page.keyboard.press("Enter")
    expect(outer).to_have_attribute("aria-expanded", "true")
    inner = tree.get_by_role("button", name="Hosts")
    inner.press(" ")
    link = tree.get_by_role("link", name="The MkDocs plugin")
    expect(link).to_be_visible()
    assert loaded() == 1

    # Folded and unfolded again, everything is as it was left.
    outer.click()
    expect(link).to_be_hidden()
    outer.click()
    link.click()
    page.wait_for_url("**/project/sidelit/hosts/mkdocs.html")
    page.get_by_label("Contents").first.click()
    expect(page.locator(".tree [aria-current]")).to_have_text("The MkDocs plugin")
    expect(page.locator(".tree [aria-current]")).to_be_in_viewport()


def test_a_finger_unfolds_a_branch(opened: Callable[..., Page], places: dict[str, str]) -> None:
    page = opened(places["server"] + "index.html", size=NARROW, has_touch=True, is_mobile=True)
    page.get_by_label("Contents").first.tap()
    page.get_by_role("button", name="Guide").tap()
    page.locator(".tree").get_by_role("link", name="Publishing").tap()
    page.wait_for_url("**/project/publishing.html")


def test_a_tree_that_does_not_come_leads_to_the_first_page(opened: Callable[..., Page], places: dict[str, str]) -> None:
    page = opened(places["server"] + "index.html")
    page.context.route("**/tree.js", lambda route: route.abort())
    page.get_by_label("Contents").first.click()
    page.get_by_role("button", name="Guide").click()
    page.wait_for_url("**/project/writing.html")


def test_without_javascript_a_branch_is_a_link_to_its_first_page(
    opened: Callable[..., Page], places: dict[str, str]
) -> None:
    page = opened(places["server"] + "index.html", java_script_enabled=False)
    page.get_by_label("Contents").first.click()
    page.get_by_role("navigation", name="Site").get_by_role("link", name="The generator").click()
    assert page.url == places["server"] + "sidelit/index.html"


def test_titles_in_the_tree_are_text(opened: Callable[..., Page], evil: Path) -> None:
    page = opened(evil.as_uri() + "/index.html")
    page.get_by_label("Contents").first.click()
    tree = page.get_by_role("navigation", name="Site")
    while (folded := tree.get_by_role("button", expanded=False)).count():
        folded.first.click()
    expect(tree.get_by_role("link", name="In", exact=True)).to_be_visible()
    assert tree.locator("img, b, i").count() == 0


# ## The neighbours


@WIDTHS
@pytest.mark.parametrize("script", [True, False])
def test_previous_and_next(
    opened: Callable[..., Page], places: dict[str, str], size: dict[str, int], script: bool
) -> None:
    page = opened(places["server"] + "optimizers/adam.html", size=size, java_script_enabled=script)
    for rel, address in (("next", "optimizers/amsgrad.html"), ("prev", "optimizers/adam.html")):
        link = page.locator(f".neighbours a[rel={rel}]")
        shape = link.bounding_box()
        assert shape and shape["x"] >= 0 and shape["x"] + shape["width"] <= size["width"] and shape["height"] >= 24
        link.click()
        page.wait_for_url("**/project/" + address)
