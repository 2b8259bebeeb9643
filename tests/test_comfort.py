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
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from building import own_cache, write  # noqa: F401
from playwright.sync_api import Browser, BrowserContext, Page

from sidelit.hosts.site import build

FOLLOWS = """<svg xmlns="http://www.w3.org/2000/svg" width="400" height="200"><style>
rect { fill: #ff0000 } @media (prefers-color-scheme: dark) { rect { fill: #00ff00 } }
</style><rect width="400" height="200"/></svg>"""
PLAIN = FOLLOWS.replace("prefers-color-scheme: dark", "min-width: 9999px").replace('<rect width="400"', '<rect width="9"')


def png(width: int, height: int) -> bytes:
    """A picture without any colour, which shows what is behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(4 * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


SUM = " + ".join(rf"\frac{{a_{{{n}}}}}{{b_{{{n}}}}}" for n in range(30))
LONG_PROSE = "\n\n".join(f"Paragraph {n} of a long text that goes on beside a few lines of code. " * 3 for n in range(12))
LONG_CODE = "\n".join(f"    value_{n} = compute(value_{n - 1}, {n})" for n in range(1, 121))
CODE = f'''r"""
# Hard things

A formula $x^2 + y_1$ in a line, and ![a plot](follows.svg)

$$S = {SUM}$$

![](plain.svg) ![](glass.png) [![linked](plain.svg)](https://example.org)

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


HOME = """# Home

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

""" + "Text.\n\n" * 60


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
    picture = Image.open(BytesIO(page.screenshot(clip=clip, full_page=True)))  # type: ignore[arg-type]
    return picture.convert("RGB").getpixel((0, 0))  # type: ignore[return-value]


DARK, LIGHT = "rgb(23, 27, 33)", "rgb(255, 255, 255)"

# ## Colours


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_switch_goes_through_automatic_light_and_dark_and_is_remembered(reader: Any, site: str, system: str) -> None:
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
    page.locator("#outline a", has_text="Second").click()
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

    page.locator("[data-choice=mode]").click()
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
    page.locator("input[type=search]").focus()
    page.keyboard.type("m")
    assert page.locator("input[type=search]").input_value() == "m"
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
        assert 48 <= top and bottom <= 900, shorter


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
