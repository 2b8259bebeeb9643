"""The parts of MathJax's fonts: together they have every glyph, as it was."""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path

import cut_fonts
import pytest
from fontTools.pens.recordingPen import RecordingPen
from fontTools.ttLib import TTFont

from sidelit.fonts import LIST, SMALL, FontFile, embed, faces, files_of
from sidelit.mathjax import FONTS, find_modules

MODULES = find_modules()
assert MODULES is not None
MAIN = MODULES / FONTS / "mjx-ncm-n.woff2"


@pytest.fixture(scope="module")
def files() -> dict[str, tuple[FontFile, ...]]:
    """The files of every font, by the font's name."""
    return {font.name: files_of(font) for font in sorted(MAIN.parent.glob("*.woff2"))}


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """A folder like node_modules, with two fonts that are not cut."""
    folder = tmp_path / FONTS
    folder.mkdir(parents=True)
    for name in ("mjx-ncm-s4.woff2", "mjx-ncm-zero.woff2"):
        (folder / name).write_bytes(MAIN.with_name(name).read_bytes())
    return tmp_path


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


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


def test_parts_are_the_same_to_the_byte_and_their_names_tell_them_apart(
    modules: Path, files: dict[str, tuple[FontFile, ...]]
) -> None:
    cut_fonts.cut_all(modules)
    for font in (modules / FONTS).glob("*.woff2"):
        assert files_of(font) == files[font.name]

    # Another font of the same name has parts of other names.
    font = modules / FONTS / "mjx-ncm-s4.woff2"
    font.write_bytes(MAIN.with_name("mjx-ncm-s3.woff2").read_bytes())
    cut_fonts.cut_all(modules)
    names = {file.name for file in files_of(font)}
    assert names & {file.name for file in files[font.name]} == {font.name}
    assert {path.name for path in (modules / FONTS / "parts").iterdir()} == names - {font.name} | {"list.json"}


def test_parts_are_cut_once(modules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_fonts.cut_all(modules)
    before = content(modules / FONTS / "parts")
    monkeypatch.setitem(sys.modules, "fontTools.subset", None)
    cut_fonts.cut_all(modules)
    assert content(modules / FONTS / "parts") == before


def test_where_cutting_fails_there_are_no_parts_and_the_old_ones_stay(
    modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = modules / FONTS
    (folder / "mjx-ncm-zz.woff2").write_bytes(b"no font")
    with pytest.raises(Exception, match="Not a TrueType"):
        cut_fonts.cut_all(modules)
    assert len(list(folder.iterdir())) == 3

    (folder / "mjx-ncm-zz.woff2").unlink()
    cut_fonts.cut_all(modules)
    before = content(folder / "parts")
    (folder / "mjx-ncm-zz.woff2").write_bytes(b"no font")
    with pytest.raises(Exception, match="Not a TrueType"):
        cut_fonts.cut_all(modules)
    assert content(folder / "parts") == before and len(list(folder.iterdir())) == 4


def test_mathjax_is_there_once_its_fonts_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidelit.mathjax.DRIVER", tmp_path / "sidelit/typeset.cjs")
    modules = tmp_path / "sidelit/mathjax"
    for name in ("mathjax/node-main.cjs", f"{FONTS}/{MAIN.name}"):
        (modules / name).parent.mkdir(parents=True)
        (modules / name).write_bytes(MAIN.read_bytes())
    assert find_modules() is None
    cut_fonts.cut_all(modules)
    assert find_modules() == modules and (modules / FONTS / LIST).is_file()


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
