"""The parts of MathJax's fonts: together they have every glyph, as it was."""

from __future__ import annotations

import base64
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fontTools.pens.recordingPen import RecordingPen
from fontTools.ttLib import TTFont

from sidelit.cache import Cache
from sidelit.fonts import PARTS, SMALL, Files, FontFile, embed, faces, files_of
from sidelit.mathjax import FONTS, find_modules

MODULES = find_modules()
assert MODULES is not None
MAIN = MODULES / FONTS / "mjx-ncm-n.woff2"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[FontFile, ...]]:
    """The files of every font, by the font's name."""
    with Cache(tmp_path_factory.mktemp("fonts")) as cache:
        return {font.name: files_of(font, cache) for font in sorted(MAIN.parent.glob("*.woff2"))}


def opened(file: FontFile) -> TTFont:
    return TTFont(io.BytesIO(file.data))


def is_for(file: FontFile, code: int) -> bool:
    bounds = (each.strip().removeprefix("U+").partition("-") for each in file.ranges.split(","))
    return not file.ranges or any(int(first, 16) <= code <= int(last or first, 16) for first, _, last in bounds)


def drawn(font: TTFont, code: int) -> tuple[object, ...]:
    name = font.getBestCmap()[code]
    pen = RecordingPen()
    font.getGlyphSet()[name].draw(pen)
    return font["hmtx"][name], pen.value


def test_the_file_that_a_browser_takes_for_a_character_has_it(files: dict[str, tuple[FontFile, ...]]) -> None:
    for *parts, whole in files.values():
        has = {file.name: opened(file).getBestCmap() for file in (*parts, whole)}
        for code in has[whole.name]:
            assert sum(is_for(part, code) for part in parts) <= 1
            taken = next((part for part in parts if is_for(part, code)), whole)
            assert code in has[taken.name], (taken.name, hex(code))


def test_glyphs_are_drawn_as_in_the_whole_font(files: dict[str, tuple[FontFile, ...]]) -> None:
    for *parts, whole in files.values():
        font = opened(whole)
        for part in map(opened, parts):
            assert part["head"].unitsPerEm == font["head"].unitsPerEm
            assert vars(part["hhea"])["ascent"] == vars(font["hhea"])["ascent"]
            codes = part.getBestCmap()
            assert all(drawn(part, code) == drawn(font, code) for code in [*codes][:: max(1, len(codes) // 10)])


def test_the_whole_font_is_mathjaxs_own_file_and_the_common_part_a_quarter(
    files: dict[str, tuple[FontFile, ...]],
) -> None:
    assert all(its[-1].data == (MAIN.parent / name).read_bytes() for name, its in files.items())
    common, *_, whole = files[MAIN.name]
    assert len(common.data) < len(whole.data) / 4
    assert [len(files[f"mjx-ncm-{name}.woff2"]) for name in ("zero", "ds", "c")] == [1, 1, 1]


def test_parts_are_the_same_to_the_byte_and_their_names_tell_them_apart(tmp_path: Path) -> None:
    first, second = files_of(MAIN), files_of(MAIN)
    assert first == second and len({file.name for file in first}) == len(PARTS) + 1

    # Another font of the same name has parts of other names.
    other = tmp_path / MAIN.name
    other.write_bytes((MAIN.parent / "mjx-ncm-b.woff2").read_bytes())
    assert {file.name for file in files_of(other)} & {file.name for file in first} == {MAIN.name}


def test_parts_are_cut_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fonts = [MAIN, MAIN.with_name("mjx-ncm-zero.woff2")]
    with Cache(tmp_path) as cache:
        before = [files_of(font, cache) for font in fonts]
    monkeypatch.setitem(sys.modules, "fontTools.subset", None)
    with Cache(tmp_path) as cache:
        assert [files_of(font, cache) for font in fonts] == before


def test_parts_that_a_thread_cuts_are_the_same(tmp_path: Path, files: dict[str, tuple[FontFile, ...]]) -> None:
    font = MAIN.with_name("mjx-ncm-s4.woff2")
    with Cache(tmp_path) as cache, ThreadPoolExecutor(1) as threads:
        cut = Files(font, cache, threads)
        assert cut.all() == cut.all() == Files(font, cache, threads).all() == files[font.name]


def test_a_browser_heeds_the_parts_before_the_whole_font() -> None:
    parts = (FontFile("a-common-1.woff2", "U+20-40", b""), FontFile("a.woff2", "", b""))
    rule = '@font-face { font-family: A; src: url("./a.woff2") format("woff2"); }'
    assert faces(rule, parts[1:]) == rule
    assert faces(rule, parts).split("\n") == [
        rule,
        '@font-face { font-family: A; src: url("./a-common-1.woff2") format("woff2"); unicode-range: U+20-40; }',
    ]


def test_small_files_stand_in_the_sheet_which_still_names_them() -> None:
    small, large = (FontFile(f"{name}.woff2", "", bytes(size)) for name, size in (("a", SMALL), ("b", SMALL + 1)))
    rules = [f'@font-face {{ src: url("f/{file.name}") format("woff2"); }}' for file in (small, large)]
    data = base64.b64encode(small.data).decode()
    assert embed("\n".join(rules), "f", (small, large)).split("\n")[1:] == [
        rules[0].replace("src: ", f'src: url("data:font/woff2;base64,{data}") format("woff2"), '),
        rules[1],
    ]


def test_a_sheet_with_fonts_in_it_says_whose_they_are() -> None:
    its = str(TTFont(MAIN)["name"].getDebugName(0))
    notice = embed("", "f", ())
    for said in ("Copyright (c) 2024 MathJax, Inc.", "(C) 2019-2021 Antonis Tsolomitis.", "GUST Font License", "http://tug.org"):
        assert said in its and said in notice
