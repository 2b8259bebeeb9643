r"""
# Cut MathJax's fonts into parts

    python scripts/cut_fonts.py NODE_MODULES

Puts parts of the fonts into a folder `parts` beside them, with a list of what each part has; `sidelit/fonts.py` says
what they are good for. What is there already, cut in the same way, stays. The same fonts give the same parts, to the
byte.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import shutil
import sys
import tempfile
from pathlib import Path

FONTS = "@mathjax/mathjax-newcm-font/chtml/woff2"

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


def cut_all(node_modules: Path) -> None:
    """Cut the parts of all fonts, unless that was done. They appear together, or not at all."""
    folder = node_modules / FONTS
    fonts = sorted(folder.glob("*.woff2"))
    made_from = _digest(*(font.read_bytes() for font in fonts), Path(__file__).read_bytes(), *_versions())
    place = folder / "parts"
    if _made_from(place / "list.json") == made_from:
        return
    with tempfile.TemporaryDirectory(prefix=".parts-", dir=folder) as name:
        new, parts = Path(name, "parts"), {}
        new.mkdir()
        for font in fonts:
            for part, data in cut(font.read_bytes()).items():
                file = f"{font.stem}-{part}-{_digest(data)[:8]}.woff2"
                (new / file).write_bytes(data)
                parts.setdefault(font.name, []).append([file, PARTS[part]])
        listed = json.dumps({"made from": made_from, "parts": parts}, indent=1)
        (new / "list.json").write_text(f"{listed}\n", encoding="utf-8")
        shutil.rmtree(place, ignore_errors=True)
        new.rename(place)


def cut(data: bytes) -> dict[str, bytes]:
    """
    Cut the parts out of a font, and return them by name.

    None where there is nothing common in it, or nothing else. Glyphs stay as they are, and so does the font's date.
    Names and licence are left out: they are a fifth of a small part.
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


def _versions() -> list[bytes]:
    return [f"{name} {importlib.metadata.version(name)}".encode() for name in ("fonttools", "brotli")]


def _digest(*contents: bytes) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents)).hexdigest()


def _made_from(listed: Path) -> str:
    return json.loads(listed.read_text(encoding="utf-8"))["made from"] if listed.is_file() else ""


def main() -> int:
    """Cut the fonts in the folder that the command line names."""
    (folder,) = sys.argv[1:]
    print(f"Cutting MathJax's fonts into parts, in {folder}.", flush=True)
    cut_all(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
