"""The plots: committed as drawn, legible in light and dark, and nothing that training needs."""

from __future__ import annotations

import importlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from labml_nn.figures import CURVES, DASHES, INK, RULE, line_chart, modules, save

ROOT = Path(__file__).parents[2]
PAPER = ("#ffffff", "#171b21")


def luminance(colour: str) -> float:
    """The relative luminance of WCAG."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    """The contrast ratio of WCAG, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(two)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", modules())
def test_the_committed_drawing_is_what_its_source_draws(name, tmp_path):
    save(importlib.import_module(name).figure(), tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_bytes() == modules()[name].read_bytes(), "make figures draws it again"


@pytest.mark.parametrize("name", modules())
def test_the_page_shows_it_and_says_in_words_what_it_shows(name):
    path = modules()[name]
    images = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", path.with_suffix(".py").read_text(encoding="utf-8"))
    texts = [text for text, target in images if target == path.name]
    assert len(texts) == 1 and len(texts[0]) > 60


@pytest.mark.parametrize("name", modules())
def test_every_colour_has_its_counterpart_in_the_dark(name):
    text = modules()[name].read_text(encoding="utf-8")
    sheet, drawing = text.split("</style>", 1)
    used = set(re.findall(r"#[0-9a-fA-F]{6}\b", drawing))
    assert used and used <= {light for light, _ in [INK, RULE, *CURVES]}
    for light, dark in [INK, RULE, *CURVES]:
        for prop in ("fill", "stroke"):
            assert f'[style*="{prop}: {light}"] {{ {prop}: {dark} !important }}' in sheet


def test_the_drawings_are_free_of_dates_versions_and_machines():
    for path in modules().values():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<metadata|matplotlib v|\d{4}-\d{2}-\d{2}", text, re.IGNORECASE)
        assert not re.search(r"[ \t]$", text, re.MULTILINE)
        assert len(text) < 100_000


def test_the_papers_are_those_of_the_theme():
    sheet = (ROOT / "templates" / "assets" / "sidelit" / "pages.css").read_text(encoding="utf-8")
    assert f"--sl-paper: light-dark({PAPER[0]}, {PAPER[1]});" in sheet


@pytest.mark.parametrize("pair", [INK, *CURVES])
def test_the_contrast_is_enough_on_both_papers(pair):
    for colour, paper in zip(pair, PAPER, strict=True):
        assert contrast(colour, paper) >= 4.5


def test_curves_differ_without_colour():
    assert len({str(dash) for dash in DASHES}) == len(DASHES) == len(CURVES)


def test_a_settings_file_changes_nothing(tmp_path):
    import matplotlib

    def drawn(name: str) -> bytes:
        save(line_chart("$t$", "y", {"one": ([1, 2, 3], [1, 4, 9])}), tmp_path / name)
        return (tmp_path / name).read_bytes()

    plain = drawn("plain.svg")
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "svg.hashsalt": "x", "lines.linewidth": 9}):
        assert drawn("odd.svg") == plain
        assert matplotlib.rcParams["font.size"] == 20


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("page", ["", "light", "dark"])
def test_it_follows_the_page_that_shows_it(system, page, browser, tmp_path):
    from PIL import Image

    save(line_chart("$t$", "y", {"one": ([1, 2, 3], [1, 4, 9])}), tmp_path / "chart.svg")
    scheme = page or "light dark"
    (tmp_path / "page.html").write_text(
        f"<style>:root {{ color-scheme: {scheme} }} body {{ background: light-dark({PAPER[0]}, {PAPER[1]}) }}</style>"
        '<img src="chart.svg">',
        encoding="utf-8",
    )
    shown = browser.new_page(color_scheme=system)
    shown.goto((tmp_path / "page.html").as_uri())
    pixels = Image.open(io.BytesIO(shown.screenshot())).convert("RGB")
    shown.close()

    # The background shows through, and the lines of ink and curve are drawn in what belongs to it.
    dark = (page or system) == "dark"
    found = {f"#{r:02x}{g:02x}{b:02x}" for _, (r, g, b) in pixels.getcolors(maxcolors=1 << 24)}
    assert {PAPER[dark], INK[dark], CURVES[0][dark]} <= found
    assert not {INK[not dark], CURVES[0][not dark], PAPER[not dark]} & found


def test_training_needs_no_matplotlib():
    names = [*modules(), "labml_nn.figures"]
    code = f"import sys\nfor name in {names}: __import__(name)\nassert 'matplotlib' not in sys.modules\n"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
