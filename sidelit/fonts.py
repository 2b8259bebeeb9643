r"""
# Fonts, in parts

The font that MathJax sets most symbols in has 1,280 of them and weighs 94 KB. A page needs forty. So parts are cut out
of each font, and the style sheet says which characters each part has: a browser fetches a part when a page shows one of
its characters, and the whole font only for a character that is in no part. Hence no symbol can be missing, also where a
server renders a page anew.

The parts are the same for every site and every page, so they are cut when sidelit is packaged, by `cut_fonts.py`, and
lie beside the fonts with a list of them. What one page has fetched the next one finds in the browser's cache, and a new
formula changes no font. The name of a part has a digest of its content, for those who keep files for ever.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# Where the parts of the fonts in a folder are listed: the files and the characters of each, by the name of the font.
LIST = "parts/list.json"

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

    `ranges` are the characters that it is for, as `unicode-range` has them; empty for a whole font.
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


def files_of(font: Path) -> tuple[FontFile, ...]:
    """
    ## The files of a font

    The first is what a page that uses the font is most likely to need: the part with the common characters, or the
    whole font where it has none of those, or nothing else. The whole font comes last.
    """
    listed = font.parent / LIST
    parts = json.loads(listed.read_text(encoding="utf-8"))["parts"].get(font.name, ())
    pieces = (FontFile(name, ranges, (listed.parent / name).read_bytes()) for name, ranges in parts)
    return (*pieces, FontFile(font.name, "", font.read_bytes()))


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
