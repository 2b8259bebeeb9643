r"""
# Fonts, in parts

The font that MathJax sets most symbols in has 1,280 of them and weighs 94 KB. A page needs forty. So parts are cut out
of each font, and the style sheet says which characters each part has: a browser fetches a part when a page shows one of
its characters, and the whole font only for a character that is in no part. Hence no symbol can be missing, also where a
server renders a page anew.

The parts are the same for every site and every page. What one page has fetched the next one finds in the browser's
cache, and a new formula changes no font. The name of a part has a digest of its content, for those who keep files for
ever.
"""

from __future__ import annotations

import base64
import importlib.metadata
import io
import re
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sidelit.cache import Cache, digest

# The parts, as `unicode-range` has them. What nearly every formula needs comes first: letters, digits, brackets,
# relations, and the italic letters of both alphabets, which have their own place in Unicode. Then what many pages need
# a little of, and the bold alphabets.
PARTS = {
    "common": (
        "U+20-21, U+25, U+28-3F, U+41-5B, U+5D, U+61-7D, U+A0, U+B1, U+D7, U+2C6, U+2DC, U+2026, U+2032, "
        "U+2061-2062, U+210E, U+2190, U+2192, U+2207-2208, U+220F, U+2211-2212, U+221A, U+221E, U+2223, U+2225, "
        "U+222B, U+223C, U+2248, U+2260, U+2264-2265, U+22C5, U+23B7, U+1D434-1D467, U+1D6FB-1D71B"
    ),
    "signs": (
        "U+22-24, U+26-27, U+40, U+5C, U+5E-60, U+7E, U+302-304, U+391-3A9, U+2016, U+2020-2021, U+2033-2034, U+20D7, "
        "U+2113, U+2191, U+2193-2194, U+21A6, U+21D2, U+21D4, U+2200-2206, U+2209, U+2213, U+2216-2218, U+221D, "
        "U+2227-222A, U+2234-2235, U+223D-2247, U+2249-225F, U+2261, U+226A-226B, U+2282-2287, U+2295-2299, "
        "U+22A4-22A5, U+22C0-22C4, U+22C6, U+22EE-22F1, U+2308-230B, U+239B-23B3, U+23D0, U+23DC-23E1, U+27E8-27E9, "
        "U+1D6E2-1D6FA"
    ),
    "bold": "U+1D400-1D433, U+1D468-1D49B, U+1D6A8-1D6E1, U+1D71C-1D755, U+1D7CA-1D7CB, U+1D7CE-1D7D7",
}


# What the fonts say of themselves, for which there is no room in the parts.
NOTICE = (
    "Copyright (c) 2024 MathJax, Inc. Original copyright: (C) 2019-2021 Antonis Tsolomitis. Released under the GUST "
    "Font License, see http://tug.org/fonts/licenses/GUST-FONT-LICENSE.txt"
)

# A request takes longer than so many bytes.
SMALL = 2048


@dataclass(frozen=True)
class FontFile:
    """
    ## A font, or a part of one

    `ranges` are the characters that it is for, empty for a whole font.
    """

    name: str
    ranges: str
    data: bytes

    @property
    def is_small(self) -> bool:
        """
        ### Does it rather stand in a style sheet than beside it?
        """
        return len(self.data) <= SMALL


class Files:
    """
    ## The files of a font, soon

    Cutting the largest font takes half a second. So what the cache does not have is cut by one of the `threads`, from
    now on, while the pages are made; without threads, when it is asked for.
    """

    def __init__(self, font: Path, cache: Cache | None = None, threads: Executor | None = None) -> None:
        self._font, self._cache = font, cache
        self._data = font.read_bytes()
        self._keys = {name: digest(setup(), name, self._data) for name in PARTS}
        self._found = cache.get_many("font", self._keys.values()) if cache else {}
        self._is_cached = len(self._found) == len(self._keys)
        self._cut = threads.submit(_cut, self._data) if threads and not self._is_cached else None

    def all(self) -> tuple[FontFile, ...]:
        """
        ### All of them

        The first is what a page that uses the font is most likely to need: the part with the common characters, or the
        whole font where it has none of those, or nothing else. The whole font comes last.
        """
        if not self._is_cached:
            pieces = self._cut.result() if self._cut else _cut(self._data)
            self._found = {key: pieces.get(name, b"") for name, key in self._keys.items()}
            for key, piece in self._found.items():
                if self._cache:
                    self._cache.put("font", key, piece)
            self._is_cached = True
        parts = [_part(self._font.stem, name, self._found[key]) for name, key in self._keys.items() if self._found[key]]
        return (*parts, FontFile(self._font.name, "", self._data))


def files_of(font: Path, cache: Cache | None = None) -> tuple[FontFile, ...]:
    """
    ## The files of a font, now
    """
    return Files(font, cache).all()


def faces(rule: str, files: tuple[FontFile, ...]) -> str:
    """
    ## The rule `@font-face` of a font, as rules for its files

    Of the rules that are for a character, a browser heeds the last.
    """
    return "\n".join(_face(rule, file) for file in reversed(files))


def embed(sheet: str, font_url: str, files: Iterable[FontFile]) -> str:
    """
    ## A style sheet with the small ones of these files in it

    `font_url` is where it has them now. It still names them, for pages whose policy allows no fonts but from files.
    """
    sheet = f"/* Fonts: {NOTICE} */\n{sheet}"
    for file in files:
        if file.is_small:
            named = f'url("{font_url}/{file.name}") format("woff2")'
            data = base64.b64encode(file.data).decode()
            sheet = sheet.replace(named, f'url("data:font/woff2;base64,{data}") format("woff2"), {named}')
    return sheet


def _face(rule: str, file: FontFile) -> str:
    named = re.sub(r"[\w-]+\.woff2", file.name, rule)
    return named.replace("; }", f"; unicode-range: {file.ranges}; }}") if file.ranges else named


def _part(stem: str, name: str, data: bytes) -> FontFile:
    return FontFile(f"{stem}-{name}-{digest(data)[:8]}.woff2", PARTS[name], data)


@lru_cache(maxsize=1)
def setup() -> str:
    """
    ## A digest of what the parts depend on, besides their font
    """
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("fonttools", "brotli")]
    return digest(Path(__file__).read_bytes(), *versions)


def _cut(data: bytes) -> dict[str, bytes]:
    """
    ### Cut the parts out of a font

    None where there is nothing common in it, or nothing else. Glyphs stay as they are, and so does the font's date, so
    that the same font gives the same parts. Names and licence are left out: they are a fifth of a small part.
    """
    from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    characters = set(TTFont(io.BytesIO(data)).getBestCmap())
    chosen = {name: characters & _characters(ranges) for name, ranges in PARTS.items()}
    if chosen["common"] in (set(), characters):
        return {}
    pieces = {}
    for name in filter(chosen.get, PARTS):
        font = TTFont(io.BytesIO(data), recalcTimestamp=False)
        subsetter = Subsetter(Options(drop_tables=["ltag"], name_IDs=[]))
        subsetter.populate(unicodes=chosen[name])
        subsetter.subset(font)
        written = io.BytesIO()
        font.flavor = "woff2"
        font.save(written)
        pieces[name] = written.getvalue()
    return pieces


def _characters(ranges: str) -> set[int]:
    bounds = (each.strip().removeprefix("U+").partition("-") for each in ranges.split(","))
    return {code for first, _, last in bounds for code in range(int(first, 16), int(last or first, 16) + 1)}
