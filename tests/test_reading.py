"""How pages are weighed and timed by `make bench`, on pages of a few lines, and what it makes of the numbers."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest
from building import write
from playwright.sync_api import Browser

from benchmarks import reading
from benchmarks.reading import Measured, Reading
from benchmarks.report import Result, Row, as_text

STYLE = "mjx-container { display: inline-block; width: 2em; height: 1em; }" + " " * 1000
FILES = {
    "page.html": '<link rel="icon" href="data:,"><link rel="stylesheet" href="a.css"><script src="a.js" defer></script>'
    "<p>A formula: <mjx-container></mjx-container>",
    "a.css": STYLE,
    "a.js": "setTimeout(() => document.querySelector('p').append(document.createElement('mjx-container')), 2000);",
}

GOOD = Measured(
    points={"phone": {"performance": [90, 97, 96]}, "desk": {"seo": [100, 94, 94]}},
    weights={"http://h/a.html": 15_000, "http://h/a.js": 9_000, "http://h/b.js": 6_000, "http://h/n.woff2": 131_000},
    ours=[Reading(1.0, 0.0), Reading(3.0, 0.001), Reading(1.0, 0.0)],
    theirs=[Reading(6.0, 0.5), Reading(10.0, 0.5), Reading(6.0, 0.5)],
    desk=[Reading(1.0, 0.0), Reading(1.0, 0.02), Reading(1.0, 0.0)],
)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with reading.served(write(tmp_path, FILES)) as address:
        yield address


def test_text_is_served_compressed_and_kept_by_browsers_unless_it_is_a_page(address: str) -> None:
    with urlopen(f"{address}a.css") as reply:
        content = reply.read()
        assert (reply.headers["Content-Encoding"], reply.headers["Content-Type"]) == ("gzip", "text/css")
        assert "max-age" in reply.headers["Cache-Control"]
    assert gzip.decompress(content).decode() == STYLE
    with urlopen(f"{address}page.html") as reply:
        assert reply.headers["Cache-Control"] == "no-cache"


def test_a_page_weighs_what_it_loads_compressed(browser: Browser, address: str) -> None:
    weights = reading.weights(browser, f"{address}page.html")
    sizes = {name: len(gzip.compress(content.encode(), mtime=0)) for name, content in FILES.items()}
    assert {name.removeprefix(address): size for name, size in weights.items()} == sizes


def test_the_last_formula_is_waited_for(browser: Browser, address: str) -> None:
    one, two = (reading.opened(browser, f"{address}page.html", count, reading.PHONE, slower=1) for count in (1, 2))
    # How long a page takes to load hangs on the machine; the second formula takes that long in any case.
    assert two.seconds >= 2
    assert one.seconds > 0


def test_what_moves_is_counted(browser: Browser, tmp_path: Path) -> None:
    push = "setTimeout(() => document.querySelector('div').style.height = '300px', 300);"
    write(tmp_path, {"page.html": "<div></div><p>Moves<script src=a.js></script>", "a.js": push})
    with reading.served(tmp_path) as address:
        assert reading.opened(browser, f"{address}page.html", 0, reading.PHONE, slower=1).shift > 0


def test_an_address_is_of_the_kind_its_name_says() -> None:
    kinds = [reading.kind(f"http://h/a/b{end}") for end in (".js?v=1", ".css", ".woff2", ".html#x", ".png")]
    assert kinds == ["JavaScript", "style sheets", "fonts for math", "the page itself", "images and other"]


def test_the_points_of_a_report() -> None:
    scores: dict[str, float | None] = {"performance": 0.955, "accessibility": 1, "best-practices": 0, "seo": None}
    report = {"categories": {name: {"score": score} for name, score in scores.items()}}
    assert list(reading.points_of(report).values()) == [96, 100, 0, 0]


def test_the_suite_holds_what_was_promised() -> None:
    verdicts = {row.what: row.verdict for row in reading.rows(GOOD)}
    assert verdicts == {
        "Lighthouse, phone: performance": "met",
        "Lighthouse, desk: seo": "missed",
        "weight: JavaScript": "met",
        "weight: fonts for math": "missed",
        "weight: the page itself": "",
        "weight: everything": "met",
        "the last formula is visible": "met",
        "layout shift, phone (390 px)": "met",
        "layout shift, desk (1440 px)": "missed",
    }
    slow = {row.what: row for row in reading.rows(replace(GOOD, theirs=[Reading(4.0, 0.0)] * 3))}
    assert slow["the last formula is visible"].ratio == 0.25
    assert slow["the last formula is visible"].verdict == "missed"


def test_the_least_is_printed_and_judged() -> None:
    rows = [Row("a", 95.0, "points", least=95.0), Row("b", 94.0, "points", least=95.0)]
    lines = as_text("s", {}, Result({}, ("x", "y"), rows, {})).split("\n")
    assert [line.split() for line in lines if line[:1] in "ab" and line] == [
        ["a", "95", ">=", "95", "met"],
        ["b", "94", ">=", "95", "missed"],
    ]
