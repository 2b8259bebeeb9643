"""
# What holds for every input

`python tests/fuzzing.py NAME [OPTION…] [CORPUS]` lets atheris look for an input for which one of these does not hold.
The options are those of libFuzzer, such as `-max_total_time=60`.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Atheris has to see the imports, to know which code an input reaches.
watching: Any = contextlib.nullcontext()
if __name__ == "__main__":
    import atheris

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    watching = atheris.instrument_imports(include=["sidelit"])

with watching:
    from sidelit.cache import FILE, Cache
    from sidelit.dialects import to_markdown
    from sidelit.formula import fill
    from sidelit.making import make_page
    from sidelit.names import find_names
    from sidelit.page import finish, from_bytes, to_bytes
    from sidelit.prose import Fragment, Renderer
    from sidelit.settings import DIALECTS
    from sidelit.source import decode, parse, split_lines

CLEAN, OWN = Renderer(allow_html=False), Renderer(allow_html=True)


def splitter(data: bytes) -> None:
    """Every line that is not blank is in one section, as prose or as code."""
    text, _ = decode(data, "a.py")
    document = parse(text, "a.py", "a")
    shown = [
        line for section in document.sections for span in (*section.doc_lines, *section.code_lines)
        for line in range(span[0], span[1] + 1)
    ]  # fmt: skip
    assert len(shown) == len(set(shown))
    lost = [line for number, line in enumerate(document.lines, start=1) if line.strip() and number not in shown]
    assert lost == []


def page(data: bytes) -> None:
    """A page comes of it, with a piece for each thing that was left open, and survives the cache."""
    text, _ = decode(data, "a.py")
    made = make_page(parse(text, "a.py", "a"), allow_html=False)
    finish(made, lambda formula: "", lambda link: link.target, lambda reference: "")
    assert from_bytes(to_bytes(made)) == made


def prose(data: bytes) -> None:
    """HTML with unique ids comes of it, cleaned or not."""
    text = data.decode("utf-8", "replace")
    origins = ((1, 1),) * (text.count("\n") + 1)
    for renderer in (CLEAN, OWN):
        rendered = renderer.render([Fragment(text, origins), Fragment("# a", ((1, 1),))], "a.py", ["x"])
        ids = [id for each in rendered.prose for id in each.ids]
        assert len(ids) == len(set(ids))
        for each in rendered.prose:
            fill(each.html, rendered.slots, lambda formula: "", lambda link: link.target)


def dialects(data: bytes) -> None:
    """Each line of the result has a place, which is one of the file's lines."""
    text = data.decode("utf-8", "replace")
    count = text.count("\n") + 1
    for dialect in DIALECTS:
        docs, origins = to_markdown(text, tuple((line, 1) for line in range(1, count + 1)), dialect)
        assert len(origins) == docs.count("\n") + 1
        assert all(1 <= line <= count for line, _ in origins)


def names(data: bytes) -> None:
    """Names are found where they stand."""
    text = data.decode("utf-8", "replace")
    lines = split_lines(text)
    find_names(lines, "a", False)


def cache(data: bytes) -> None:
    """Of a file of any bytes nothing is read but what was put, and it can be written again."""
    with tempfile.TemporaryDirectory() as folder:
        with Cache(folder) as first:
            first.put("k", "a", b"value")
        file = Path(folder) / FILE
        good = bytearray(file.read_bytes())
        at = sum(data[:2]) * 31 % len(good)
        good[at : at + len(data)] = data
        file.write_bytes(data if len(data) % 3 == 0 else bytes(good))
        with Cache(folder) as damaged:
            assert damaged.get("k", "a") in (None, b"value")
            damaged.put("k", "b", b"other")
        with Cache(folder) as again:
            assert again.get("k", "b") in (None, b"other")


def cached_page(data: bytes) -> None:
    """Any bytes in place of a cached page are none."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        from_bytes(data)


PROPERTIES: dict[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (splitter, page, prose, dialects, names, cache, cached_page)
}

if __name__ == "__main__":
    wanted = PROPERTIES[sys.argv.pop(1)]
    atheris.Setup(sys.argv, wanted)
    atheris.Fuzz()
