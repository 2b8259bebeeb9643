"""
# Reading comfort, in a browser

A small site with all that is hard to show: long formulas, long code beside short prose and the other way round,
drawings. Each feature is used as a reader uses it.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from building import own_cache, write  # noqa: F401
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from sidelit.hosts.site import build

FOLLOWS = """<svg xmlns="http://www.w3.org/2000/svg" width="400" height="200"><style>
rect { fill: #ff0000 } @media (prefers-color-scheme: dark) { rect { fill: #00ff00 } }
</style><rect width="400" height="200"/></svg>"""
PLAIN = FOLLOWS.replace("prefers-color-scheme: dark", "min-width: 9999px").replace(
    '<rect width="400"', '<rect width="9"'
)


def png(width: int, height: int) -> bytes:
    """A picture without any colour, which shows what is behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(4 * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


SUM = " + ".join(rf"\frac{{a_{{{n}}}}}{{b_{{{n}}}}}" for n in range(30))
LONG_PROSE = "\n\n".join(
    f"Paragraph {n} of a long text that goes on beside a few lines of code. " * 3 for n in range(12)
)
LONG_CODE = "\n".join(f"    value_{n} = compute(value_{n - 1}, {n})" for n in range(1, 121))
CODE = f'''r"""
# Hard things

A formula $x^2 + y_1$ in a line, and ![a plot](follows.svg)

$$S = {SUM}$$

![drawing](plain.svg) ![photograph](glass.png) [![linked](plain.svg)](https://example.org)

```python
def fenced():
    return 1
```

## First

### Deeper

## Second
"""

import math


def short_prose(value_0):
    """
    ## Short prose

    Little to say.
    """
{LONG_CODE}


def long_prose():
    r"""
    ## Long prose

{LONG_PROSE.replace("Paragraph", "    Paragraph")}
    """
    # A line of 88 columns
    text = "{"x" * 72}"
    other = "{"y" * 150}"
    return text, other


# ## The end
#
# With $\\alpha$.
END = 1
'''


def line(text: str) -> int:
    """The number of the line that begins with a text."""
    return next(n for n, each in enumerate(CODE.split("\n"), start=1) if each.strip().startswith(text))


HOME = (
    """# Home

Some text.

## One

    indented block

```python
if True:
    print("fenced")
```

## Two

Text.

## Three

"""
    + "Text.\n\n" * 60
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("comfort")
    drawings = {"pkg/follows.svg": FOLLOWS, "pkg/plain.svg": PLAIN, "pkg/glass.png": png(60, 40)}
    config = (
        "site_name: Test\nrepo_url: https://github.com/o/r\nedit_uri: edit/main/docs/\nuse_directory_urls: false\n"
        "theme: sidelit\nmarkdown_extensions: [fenced_code, codehilite: {css_class: highlight}]\n"
        "plugins:\n  - search\n  - sidelit: {sources: [pkg]}\n"
    )
    files = {"mkdocs.yml": config, "docs/index.md": HOME, "pkg/__init__.py": "", "pkg/hard.py": CODE}
    write(root, {**files, **drawings})
    return build(root / "mkdocs.yml", root / "site", strict=True).folder


@pytest.fixture(scope="module")
def site(folder: Path, serve_folder: Callable[[Path], str]) -> str:
    return serve_folder(folder)


@pytest.fixture
def reader(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """A function that opens the page, in a browser of its own, and complains of whatever the console says."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def start(address: str = "pkg/hard.html", width: int = 1440, height: int = 900, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.rstrip("/"))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(site + address if "://" not in address else address)
        page.evaluate("() => document.fonts.ready.then(() => true)")
        return page

    yield start
    for context in contexts:
        context.close()
    assert not complaints


def said(page: Page, text: str) -> None:
    """Wait until assistive technology is told something."""
    page.locator("[role=status].said", has_text=re.compile(f"^{re.escape(text)}$")).wait_for(state="attached")


def clipboard(page: Page) -> str:
    return str(page.evaluate("() => navigator.clipboard.readText()"))


def ground(page: Page, selector: str = "body") -> str:
    return str(page.evaluate("(each) => getComputedStyle(document.querySelector(each)).backgroundColor", selector))


def pixel(page: Page, selector: str) -> tuple[int, ...]:
    """The colour in the middle of an element, as it is seen."""
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    clip = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2, "width": 1, "height": 1}
    data = page.screenshot(clip=clip, full_page=True)  # type: ignore[arg-type]

    packed, start = b"", 8
    while start < len(data):
        length, kind = struct.unpack_from(">I4s", data, start)
        packed += data[start + 8 : start + 8 + length] if kind == b"IDAT" else b""
        start += length + 12

    # Nothing is before the first pixel that it could be told from, so it is written as it is, after the row's filter.
    return tuple(zlib.decompress(packed)[1:4])


DARK, LIGHT = "rgb(23, 27, 33)", "rgb(255, 255, 255)"

# ## Colours


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_switch_goes_through_automatic_light_and_dark_and_is_remembered(
    reader: Any, site: str, system: str
) -> None:
    page = reader(color_scheme=system)
    button = page.locator("[data-choice=theme]")
    assert ground(page) == {"light": LIGHT, "dark": DARK}[system]
    assert button.get_attribute("aria-label") == "Colours as in the system"
    button.click()
    said(page, "Light")
    assert ground(page) == LIGHT
    button.focus()
    page.keyboard.press("Enter")
    said(page, "Dark")
    assert ground(page) == DARK
    page.goto(site + "index.html")
    assert ground(page) == DARK
    assert page.locator("[data-choice=theme]").get_attribute("aria-label") == "Dark"
    page.locator("[data-choice=theme]").click()
    assert ground(page) == {"light": LIGHT, "dark": DARK}[system]

    # Back on a page that was left in the dark
    page.go_back()
    assert ground(page) == {"light": LIGHT, "dark": DARK}[system]


def test_the_first_paint_has_the_chosen_colours(reader: Any, site: str) -> None:
    page = reader(color_scheme="light")
    page.evaluate("() => localStorage.setItem('sidelit-theme', 'dark')")
    page.add_init_script(
        """new MutationObserver(() => {
          if (document.body) globalThis.atBody ??= document.documentElement.dataset.theme;
        }).observe(document, { childList: true, subtree: true })"""
    )
    page.goto(site + "pkg/hard.html")
    assert page.evaluate("() => atBody") == "dark"


def test_the_switch_works_where_nothing_can_be_stored(reader: Any, folder: Path, browser: Browser) -> None:
    page = browser.new_page(color_scheme="light")
    page.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(globalThis, name, { get() { throw new Error('forbidden'); } })"
    )
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((folder / "pkg" / "hard.html").as_uri())
    for _ in range(2):
        page.locator("[data-choice=theme]").click()
    assert ground(page) == DARK
    page.keyboard.press("m")
    said(page, "Prose only")
    page.close()
    assert not errors


@pytest.mark.parametrize("system", ["light", "dark"])
def test_drawings_follow_the_choice_and_not_the_system(reader: Any, system: str) -> None:
    page = reader(color_scheme=system)
    page.locator("[data-choice=theme]").click()
    assert pixel(page, "img[src='follows.svg']") == (255, 0, 0)
    page.locator("[data-choice=theme]").click()
    assert pixel(page, "img[src='follows.svg']") == (0, 255, 0)

    # What was drawn for white paper has it.
    assert pixel(page, "img[src='plain.svg']") == pixel(page, "img[src='glass.png']") == (255, 255, 255)


def test_without_javascript_there_are_no_buttons_that_do_nothing(reader: Any) -> None:
    page = reader(java_script_enabled=False)
    assert page.locator("[data-choice]:visible, .tools, [role=button]").count() == 0
    assert page.locator("button:visible").count() == 1
    page.locator(".to-outline").click()
    page.locator("nav.outline a", has_text="Second").click()
    assert page.url.endswith("#second")


# ## Reading modes

TOP = """() => [...document.querySelectorAll("#container > .section")]
  .findLast((each) => each.getBoundingClientRect().top < 80).id"""


@pytest.mark.parametrize("width", [1440, 768, 390])
def test_the_modes_show_one_column_and_keep_the_place(reader: Any, site: str, width: int) -> None:
    page = reader(width=width)
    page.evaluate("() => document.getElementById('L60').scrollIntoView()")
    assert page.evaluate(TOP) == "section-2"
    numbers = page.locator(".lineno:visible").all_inner_texts()

    page.keyboard.press("m")
    said(page, "Prose only")
    assert not page.locator(".code:visible").count() and page.locator("h2:visible").count()
    assert page.evaluate(TOP) == "section-1"

    # By hand: the driver's own click may scroll the page first.
    box = page.locator("[data-choice=mode]").bounding_box()
    page.mouse.click(box["x"] + 5, box["y"] + 5)
    said(page, "Code only")
    assert page.locator(".lineno:visible").all_inner_texts() == numbers
    assert not page.locator("h2:visible, .docs p.formula:visible").count()
    assert page.evaluate(TOP) == "section-2"

    page.goto(site + "pkg/hard.html")
    assert not page.locator("h2:visible").count()
    page.keyboard.press("m")
    said(page, "Prose and code")
    assert page.locator(".code:visible").count() and page.locator("h2:visible").count()


def test_three_steps_through_the_modes_lead_back_to_the_very_place(reader: Any) -> None:
    page = reader()
    page.evaluate("() => scrollTo(0, 2000)")
    before = page.evaluate("() => scrollY")
    for text in ("Prose only", "Code only", "Prose and code"):
        page.keyboard.press("m")
        said(page, text)
    assert abs(page.evaluate("() => scrollY") - before) <= 2


def test_an_address_shows_what_the_mode_hides(reader: Any) -> None:
    page = reader()
    page.keyboard.press("m")
    page.evaluate("() => { location.hash = 'L40'; }")
    page.locator("#L40").wait_for()
    said(page, "Prose and code")
    for _ in range(2):
        page.keyboard.press("m")
    page.evaluate("() => { location.hash = 'second'; }")
    page.locator("#second").wait_for()


def test_the_key_is_left_alone_in_the_search_box(reader: Any) -> None:
    page = reader()
    page.keyboard.press("/")
    page.keyboard.type("m")
    assert page.locator("dialog input[type=search]").input_value() == "m"
    assert page.evaluate("() => document.documentElement.dataset.mode") is None


# ## Columns that stay together

BOX = "(each) => { const box = document.querySelector(each).getBoundingClientRect(); return [box.top, box.bottom]; }"


def test_the_shorter_side_stays_in_the_window(reader: Any) -> None:
    page = reader()
    for longer, shorter in (
        ("#L60", "[id='short_prose']"),
        ("[id='long_prose'] p:nth-of-type(9)", ".section:has(> [id='long_prose']) .highlight"),
    ):
        page.evaluate("(each) => document.querySelector(each).scrollIntoView({ block: 'center' })", longer)
        top, bottom = page.evaluate(BOX, shorter)
        assert top >= 48 and bottom <= 900, shorter


def test_a_side_higher_than_the_window_shows_its_end(reader: Any) -> None:
    page = reader(height=120)
    page.evaluate("() => document.querySelector('#L100').scrollIntoView({ block: 'center' })")
    top, bottom = page.evaluate(BOX, "[id='short_prose']")
    assert bottom == pytest.approx(120, abs=1) and top < 48


@pytest.mark.parametrize("width", [767, 390])
def test_one_column_does_not_stick(reader: Any, width: int) -> None:
    page = reader(width=width)
    page.evaluate("() => document.querySelector('#L100').scrollIntoView({ block: 'center' })")
    assert page.evaluate(BOX, "[id='short_prose']")[1] < 0


@pytest.mark.parametrize("anchor", ["short_prose", "short-prose"])
def test_a_link_up_leads_to_the_beginning_of_a_section_whose_prose_went_along(reader: Any, anchor: str) -> None:
    page = reader()
    for start in ("L60", "L100", "the-end"):
        page.evaluate("(id) => document.getElementById(id).scrollIntoView()", start)
        page.evaluate("(id) => document.querySelector(`a[href='#${id}']`).click()", anchor)
        first = f"#L{line('def short_prose')}"
        page.wait_for_function(f"() => document.querySelector('{first}').getBoundingClientRect().top > 48")
        assert page.evaluate(BOX, first)[0] < 200


# ## Copying


def block(page: Page, text: str) -> Any:
    """The block of code that has a text."""
    return page.locator(".highlight", has_text=text).first


def between(first: str, last: str) -> str:
    """The lines of the source from one to another."""
    return "\n".join(CODE.split("\n")[line(first) - 1 : line(last)])


@pytest.mark.parametrize("way", ["mouse", "keyboard", "touch"])
def test_a_block_is_copied_as_it_stands_and_without_its_indentation(reader: Any, way: str) -> None:
    page = reader(**({"width": 390, "has_touch": True, "is_mobile": True} if way == "touch" else {}))
    body = between("value_1 =", "value_120 =")
    for label, text in (("Copy", body), ("Copy without the indentation", re.sub("^    ", "", body, flags=re.M))):
        button = block(page, "value_120 =").get_by_role("button", name=label, exact=True)
        page.evaluate("() => navigator.clipboard.writeText('')")
        if way == "keyboard":
            button.focus()
            page.keyboard.press("Enter")
        elif way == "touch":
            button.tap()
        else:
            block(page, "value_120 =").hover()
            assert button.evaluate("(each) => getComputedStyle(each.parentElement).opacity") == "1"
            button.click()
        said(page, "Copied")
        assert clipboard(page) == text


def test_code_that_is_not_indented_has_one_button(reader: Any) -> None:
    page = reader()
    assert block(page, "import math").locator("button").count() == 1


@pytest.mark.parametrize(("address", "text"), [
    ("pkg/hard.html", "def fenced():\n    return 1"), ("index.html", 'if True:\n    print("fenced")'),
    ("index.html", "indented block"),
])  # fmt: skip
def test_code_in_prose_is_copied_too(reader: Any, address: str, text: str) -> None:
    page = reader(address)
    code = page.locator(".docs pre", has_text=text.splitlines()[0])
    code.hover()
    page.locator(".docs :is(.highlight, pre)", has=page.locator(".tools"), has_text=text.splitlines()[0]).first.locator(
        "button"
    ).last.click()
    said(page, "Copied")
    assert clipboard(page) == text


def test_without_a_clipboard_a_selection_is_copied(reader: Any, site: str) -> None:
    page = reader()
    page.add_init_script(
        "globalThis.theirs = navigator.clipboard;Object.defineProperty(navigator, 'clipboard', { value: undefined });"
    )
    page.goto(site + "pkg/hard.html")
    button = block(page, "import math").get_by_role("button", name="Copy")
    button.focus()
    page.keyboard.press("Enter")
    said(page, "Copied")
    assert page.evaluate("() => theirs.readText()") == "import math"
    assert button.evaluate("(each) => each === document.activeElement")


def test_a_selection_with_formulas_is_copied_with_their_tex(reader: Any) -> None:
    page = reader()
    page.evaluate(
        """() => {
          const [first, second] = document.querySelectorAll("#section-0 mjx-container");
          getSelection().setBaseAndExtent(document.querySelector("#section-0 h1"), 0, second.querySelector("mjx-c"), 0);
        }"""
    )
    page.keyboard.press("Control+c")
    copied = clipboard(page)
    assert copied.split("\n")[0] == "Hard things"
    assert "A formula $x^2 + y_1$ in a line, and" in copied
    assert copied.endswith(f"$$S = {SUM}$$")


def test_a_selection_of_prose_and_code_has_no_line_numbers(reader: Any) -> None:
    page = reader()
    page.evaluate(
        """() => {
          getSelection().selectAllChildren([...document.querySelectorAll("#container > .section")].at(-1));
        }"""
    )
    page.keyboard.press("Control+c")
    assert re.split(r"\n+", clipboard(page)) == ["The end", r"With $\alpha$.", "END = 1"]


def test_a_selection_of_code_alone_is_left_to_the_browser(reader: Any) -> None:
    page = reader()
    page.evaluate("() => getSelection().selectAllChildren(document.querySelectorAll('.code pre')[2])")
    page.keyboard.press("Control+c")
    assert clipboard(page).rstrip("\n") == between("value_1 =", "value_120 =")


# ## Images


@pytest.mark.parametrize("way", ["mouse", "keyboard", "touch"])
@pytest.mark.parametrize("width", [1440, 390])
def test_an_image_opens_in_the_window_and_gives_the_focus_back(reader: Any, way: str, width: int) -> None:
    page = reader(width=width, **({"has_touch": True} if way == "touch" else {}))
    image = page.get_by_role("button", name="Enlarge: a plot")
    small = image.bounding_box()["width"]
    if way == "keyboard":
        image.focus()
        page.keyboard.press("Enter")
    else:
        image.tap() if way == "touch" else image.click()
    large = page.locator("dialog[open] img")
    large.wait_for()
    assert large.bounding_box()["width"] > 1.5 * small
    if way == "keyboard":
        page.keyboard.press("Escape")
    else:
        large.tap() if way == "touch" else large.click()
    large.wait_for(state="hidden")
    assert image.evaluate("(each) => each === document.activeElement")


def test_an_image_that_is_a_link_stays_a_link(reader: Any) -> None:
    page = reader()
    assert page.locator("a img[role=button]").count() == 0


# ## Lines


def chosen(page: Page) -> list[str]:
    return page.locator(".lineno.chosen").all_inner_texts()  # type: ignore[no-any-return]


def test_a_click_on_a_number_chooses_the_line_and_shift_extends(reader: Any) -> None:
    page = reader()
    page.locator("#L60").scroll_into_view_if_needed()
    before = page.evaluate("() => scrollY")
    page.locator("#L60").click()
    said(page, "Line 60")
    assert page.url.endswith("#L60") and chosen(page) == ["60"]
    page.locator("#L63").click(modifiers=["Shift"])
    said(page, "Lines 60 to 63")
    assert page.url.endswith("#L60-L63") and chosen(page) == ["60", "61", "62", "63"]
    page.locator("#L58").click(modifiers=["Shift"])
    assert page.url.endswith("#L58-L60") and chosen(page) == ["58", "59", "60"]
    assert page.evaluate("() => scrollY") == before

    region = page.get_by_role("region", name="Chosen lines")
    link = region.get_by_role("link", name="In the repository")
    assert re.fullmatch(r"https://github.com/o/r/blob/\w+/pkg/hard.py#L58-L60", link.get_attribute("href"))
    region.get_by_role("button", name="Copy link").click()
    said(page, "Copied")
    assert clipboard(page) == page.url
    page.keyboard.press("Escape")
    assert chosen(page) == [] and not region.count() and "L58" not in page.url


def test_lines_are_chosen_by_keyboard(reader: Any) -> None:
    page = reader()
    first = line("value_1 =")
    page.locator(f"#L{first}").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.url.endswith(f"#L{first + 1}")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    assert page.url.endswith(f"#L{first + 1}-L{first + 3}")
    assert page.evaluate("() => document.activeElement.id") == f"L{first + 3}"
    page.keyboard.press("Escape")
    assert chosen(page) == []


def test_a_second_tap_extends(reader: Any) -> None:
    page = reader(width=390, has_touch=True, is_mobile=True)
    for number, address in ((60, "#L60"), (62, "#L60-L62"), (59, "#L59")):
        page.locator(f"#L{number}").tap()
        page.wait_for_url(f"**{address}")


def top_of(page: Page, place: str) -> float:
    """Where an element begins, once three frames have found it at the same height."""
    return page.evaluate(  # type: ignore[no-any-return]
        """async (place) => {
          const tops = [];
          do {
            await new Promise(requestAnimationFrame);
            tops.unshift(document.getElementById(place).getBoundingClientRect().top);
          } while (!(tops[0] === tops[1] && tops[1] === tops[2]));
          return tops[0];
        }""",
        place,
    )


@pytest.mark.parametrize("width", [1440, 1024, 768, 390])
def test_an_address_of_lines_lights_them_and_leads_there(reader: Any, width: int) -> None:
    page = reader("pkg/hard.html#L60-L66", width=width)
    assert chosen(page) == [str(number) for number in range(60, 67)]
    assert 48 <= top_of(page, "L60") < 200
    page.evaluate("() => { location.hash = 'L100'; }")
    page.wait_for_function("() => document.querySelector('#L100').classList.contains('chosen')")
    assert chosen(page) == ["100"]


@pytest.mark.parametrize(("address", "place"), [("L60-L66", "L60"), ("long_prose", "long_prose")])
@pytest.mark.parametrize("width", [1440, 768, 390])
def test_the_place_of_an_address_stays_below_the_bar_whatever_comes_late(
    reader: Any, site: str, width: int, address: str, place: str
) -> None:
    page = reader("index.html", width=width)
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
    late: list[Route] = []
    page.route(re.compile(r"\.(svg|png|woff2)$"), lambda route: late.append(route))
    page.goto(f"{site}pkg/hard.html#{address}", wait_until="domcontentloaded")
    assert 48 <= top_of(page, place) < 200
    before = page.evaluate("() => scrollY")
    while page.evaluate("() => document.readyState !== 'complete' || document.fonts.status !== 'loaded'"):
        while late:
            late.pop().continue_()
        page.evaluate("() => new Promise(requestAnimationFrame)")
    assert 48 <= top_of(page, place) < 200
    assert page.evaluate("() => scrollY") > before

    # Even after everything is loaded
    page.evaluate("() => { document.documentElement.style.overflowAnchor = 'none'; }")
    page.locator("#section-0 > .docs").evaluate("(each) => { each.style.paddingTop = '1000px'; }")
    assert 48 <= top_of(page, place) < 200


def scrolled_away(page: Page, place: str) -> float:
    """Scroll up with the wheel, and return where the place is then."""
    page.mouse.move(300, 300)
    page.mouse.wheel(0, -600)
    page.wait_for_function(f"() => document.querySelector('#{place}').getBoundingClientRect().top > 500")
    return top_of(page, place)


def test_who_has_scrolled_away_from_the_place_of_an_address_is_left_alone(reader: Any) -> None:
    page = reader("pkg/hard.html#L60")
    assert 48 <= top_of(page, "L60") < 200
    before = scrolled_away(page, "L60")
    page.evaluate("() => document.querySelector('#long_prose').append('A line more. '.repeat(100))")
    assert abs(top_of(page, "L60") - before) <= 1


def test_who_comes_back_to_a_page_is_where_they_left_it(reader: Any, site: str) -> None:
    page = reader("pkg/hard.html#long_prose")
    assert 48 <= top_of(page, "long_prose") < 200
    before = scrolled_away(page, "long_prose")
    page.reload()
    assert abs(top_of(page, "long_prose") - before) <= 1


@pytest.mark.parametrize("touch", [True, False])
def test_each_section_leads_to_its_lines_in_the_repository(reader: Any, touch: bool) -> None:
    page = reader(width=390, has_touch=touch, is_mobile=touch)
    section = page.locator(".section", has=page.locator("#L60"))
    link = section.locator("a.in-repository")
    if not touch:
        section.hover()
    assert section.locator(".tools").evaluate("(each) => getComputedStyle(each).opacity") == "1"
    assert link.get_attribute("href").endswith(f"/pkg/hard.py#L{line('value_1 =')}-L{line('value_120 =')}")
    overlap = page.evaluate(
        """() => {
          const at = (each) => document.querySelector(`.section:has(#L60) ${each}`).getBoundingClientRect();
          const [copy, way] = [at(".tools button[title=Copy]"), at(".in-repository")];
          return copy.right > way.left || copy.top !== way.top;
        }"""
    )
    assert not overlap


def test_the_buttons_beside_a_single_line_are_whole(reader: Any) -> None:
    page = reader(width=1300)
    cut = page.evaluate(
        """() => [...document.querySelectorAll(".code > .highlight")].filter((box) => {
          const at = box.getBoundingClientRect();
          return [...box.querySelectorAll(".tools > *")].map((each) => each.getBoundingClientRect())
            .some(({ top, bottom }) => top < at.top || bottom > at.top + box.clientHeight);
        }).length"""
    )
    assert page.locator(".tools button").count() and cut == 0


def test_a_line_is_lit_without_javascript(reader: Any) -> None:
    page = reader("pkg/hard.html#L60", java_script_enabled=False)
    page.locator("#L60:target").wait_for()
    assert page.locator("a.in-repository").first.get_attribute("href").endswith(f"#L1-L{line('import math')}")


def test_the_ways_to_the_repository_are_there_without_javascript_and_mouse(reader: Any) -> None:
    page = reader(width=390, has_touch=True, is_mobile=True, java_script_enabled=False)
    expect(page.locator("a.in-repository").first).to_have_css("opacity", "1")


# ## Outline


@pytest.mark.parametrize("address", ["pkg/hard.html", "index.html"])
@pytest.mark.parametrize("width", [1680, 1440, 1024, 390, 360])
def test_the_outline_follows_the_reader_at_every_width(reader: Any, address: str, width: int) -> None:
    page = reader(address, width=width, height=500)
    beside = width >= (1600 if "hard" in address else 1024)
    outline, button = page.locator("nav.outline"), page.locator(".to-outline")
    assert outline.is_visible() == beside and button.is_visible() != beside
    heading = "short-prose" if "hard" in address else "two"
    if not beside:
        button.focus()
        page.keyboard.press("Enter")
    link = outline.locator(f"a[href='#{heading}']")
    link.click()
    page.locator(f"nav.outline a[href='#{heading}'][aria-current=location]").wait_for(state="attached")
    assert page.locator("nav.outline [aria-current]").count() == 1
    assert outline.is_visible() == beside
    page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
    last = outline.locator("a").last.get_attribute("href")
    page.locator(f"nav.outline a[href='{last}'][aria-current]").wait_for(state="attached")


def test_escape_closes_the_outline(reader: Any) -> None:
    page = reader()
    page.locator(".to-outline").click()
    assert page.locator("nav.outline").is_visible()
    page.keyboard.press("Escape")
    page.locator("nav.outline").wait_for(state="hidden")


# ## Fit


@pytest.mark.parametrize("width", [1440, 1024, 768, 390, 360])
def test_nothing_is_wider_than_the_window_and_what_scrolls_is_in_reach(reader: Any, width: int) -> None:
    page = reader(width=width)
    assert page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    out = page.evaluate(
        """() => [...document.querySelectorAll(".bar > *, .bar a, .bar button, .docs > *")]
          .filter((each) => each.getClientRects().length && !each.closest(".contents:not([open]) nav"))
          .filter((each) => each.getBoundingClientRect().right > innerWidth + 0.5 && !each.matches(".skip"))
          .map((each) => each.outerHTML.slice(0, 80))"""
    )
    assert out == []
    formula = page.locator("mjx-container[display=true]").first
    formula.focus()

    # The arrows go from symbol to symbol, and the formula moves along.
    for _ in range(50):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('mjx-container[display=true]').scrollLeft > 0")
    code = block(page, "other =")
    code.locator("button").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => [...document.querySelectorAll('.code .highlight')].some((each) => each.scrollLeft)")


def test_88_columns_of_code_fit_at_1440_and_at_1600_beside_the_outline(reader: Any) -> None:
    for width in (1440, 1600):
        page = reader(width=width)
        room = page.evaluate(
            """() => {
              const block = document.querySelector(".code .highlight");
              const [number, pre] = [block.querySelector(".lineno"), block.querySelector("pre")];
              const probe = document.createElement("span");
              probe.textContent = "x".repeat(100);
              pre.append(probe);
              const columns = (block.clientWidth - number.offsetWidth) / (probe.getBoundingClientRect().width / 100);
              probe.remove();
              return columns;
            }"""
        )
        assert room >= 88, width


@pytest.mark.parametrize("width", [390, 360])
def test_what_a_finger_presses_is_24_pixels_high_and_wide(reader: Any, width: int) -> None:
    page = reader(width=width, has_touch=True, is_mobile=True)
    page.locator(".to-outline").tap()
    small = page.evaluate(
        """() => [...document.querySelectorAll(".bar :is(button, summary, .site), .tools button, .lineno, .outline a")]
          .map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect()])
          .filter(([, box]) => box.width && (box.width < 24 || box.height < 24)).map(([text]) => text)"""
    )
    assert small == []


# ## Paper


def test_a_page_is_printed_black_on_white_with_nothing_cut_off(reader: Any, tmp_path: Path) -> None:
    page = reader(color_scheme="dark")
    page.locator("[data-choice=theme]").click()
    page.locator("[data-choice=theme]").click()
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 1000})
    assert ground(page) in (LIGHT, "rgba(0, 0, 0, 0)")
    assert page.evaluate("() => getComputedStyle(document.querySelector('.docs p')).color") == "rgb(0, 0, 0)"
    assert not page.locator(".bar:visible, .tools:visible, .outline:visible, .section-link:visible").count()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 700
    assert page.evaluate(
        """() => [...document.querySelectorAll(".code pre span")]
          .every((each) => ["rgb(0, 0, 0)", "rgb(68, 68, 68)"].includes(getComputedStyle(each).color))"""
    )
    wide = page.evaluate(
        """() => [...document.querySelectorAll(".docs > *, pre, mjx-container")]
          .filter((each) => each.getBoundingClientRect().right > 700.5).map((each) => each.outerHTML.slice(0, 80))"""
    )
    assert wide == []


# ## Another theme


def test_material_keeps_columns_lines_and_copying_and_its_own_palette(
    browser: Browser, folder: Path, serve_folder: Callable[[Path], str]
) -> None:
    root = folder.parent
    config = (root / "mkdocs.yml").read_text().replace("theme: sidelit", "theme: {name: material, font: false}")
    (root / "material.yml").write_text(config)
    address = serve_folder(build(root / "material.yml", root / "material").folder)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address.rstrip("/"))
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address + "pkg/hard.html#L60-L62")
    assert chosen(page) == ["60", "61", "62"]
    top, bottom = page.evaluate(BOX, "[id='short_prose']")
    assert top >= 48 and bottom <= 900
    assert not page.locator("[data-choice]").count()
    block(page, "import math").hover()
    block(page, "import math").get_by_role("button", name="Copy").click()
    said(page, "Copied")
    assert clipboard(page) == "import math"
    assert page.evaluate("() => document.documentElement.scrollWidth") == 1440
    context.close()
    assert not errors


@pytest.mark.parametrize("address", ["", "#L60-L62"])
def test_pages_that_material_puts_in_place_of_others_can_do_the_same(
    browser: Browser, folder: Path, serve_folder: Callable[[Path], str], address: str
) -> None:
    root = folder.parent
    theme = "theme: {name: material, font: false, features: [navigation.instant]}\nsite_url: http://127.0.0.1/"
    (root / "instant.yml").write_text((root / "mkdocs.yml").read_text().replace("theme: sidelit", theme))
    made = build(root / "instant.yml", root / "instant").folder
    served = serve_folder(made)

    # It does so for the pages that the sitemap has, which are at the port that is free.
    sitemap = made / "sitemap.xml"
    sitemap.write_text(sitemap.read_text().replace("http://127.0.0.1/", served))
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=served.rstrip("/"))
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(served, wait_until="networkidle")
    page.evaluate("() => { globalThis.notLoadedAnew = true; }")
    page.locator(".md-content").evaluate(
        "(each, href) => each.insertAdjacentHTML('afterbegin', `<a id='over' href='${href}'>Over</a>`)",
        f"pkg/hard.html{address}",
    )
    page.locator("#over").click()
    page.locator("#container").wait_for()
    assert page.evaluate("() => notLoadedAnew")
    if address:
        assert chosen(page) == ["60", "61", "62"]
        assert 48 <= top_of(page, "L60") < 200
    page.locator("#L60").click()
    said(page, "Line 60")
    assert chosen(page) == ["60"] and page.locator(".chosen-lines").count() == 1
    page.keyboard.press("Escape")
    block(page, "import math").hover()
    block(page, "import math").get_by_role("button", name="Copy").click()
    said(page, "Copied")
    assert clipboard(page) == "import math"
    assert block(page, "import math").locator("button").count() == 1
    page.locator("#L100").scroll_into_view_if_needed()
    assert page.evaluate(BOX, "[id='short_prose']")[0] >= 48
    page.locator("mjx-container[display=true][tabindex='0']").first.wait_for(state="attached")
    page.get_by_role("button", name="Enlarge: a plot").click()
    page.locator("dialog[open] img").wait_for()
    page.keyboard.press("Escape")

    # Back on a page without lines, nothing is left of them.
    page.locator("#L60").click()
    page.locator(".chosen-lines").wait_for()
    page.locator(".md-header a[title]").first.click()
    page.locator(".chosen-lines").wait_for(state="detached")
    assert page.evaluate("() => notLoadedAnew")
    context.close()
    assert not errors


def test_the_page_works_from_the_disk(reader: Any, folder: Path) -> None:
    page = reader((folder / "pkg" / "hard.html").as_uri() + "#L60-L62", color_scheme="light")
    assert chosen(page) == ["60", "61", "62"]
    for text in ("Light", "Dark"):
        page.locator("[data-choice=theme]").click()
        said(page, text)
    page.reload()
    assert ground(page) == DARK
    block(page, "value_120 =").hover()
    block(page, "value_120 =").get_by_role("button", name="Copy", exact=True).click()
    said(page, "Copied")
    page.get_by_role("button", name="Enlarge: a plot").click()
    page.locator("dialog[open] img").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    said(page, "Prose only")


def test_columns_of_a_table_keep_to_the_side_that_their_author_chose(reader: Any) -> None:
    page = reader()
    row = '<tr><{0}>a</{0}><{0} align="right">b</{0}><{0} align="center">c</{0}></tr>'
    table = f"<table>{row.format('th')}{row.format('td')}</table>"
    page.evaluate("(html) => document.querySelector('.docs').insertAdjacentHTML('beforeend', html)", table)
    sides = page.eval_on_selector_all(
        ".docs td, .docs th", "cells => cells.map(each => getComputedStyle(each).textAlign.replace('start', 'left'))"
    )
    assert [side.removeprefix("-webkit-") for side in sides] == ["left", "right", "center"] * 2
