from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.lexers.python import PythonLexer
from pygments.token import STANDARD_TYPES, Whitespace
from stdlib import SHARDS, stdlib_files

from sidelit.code import highlight, lines_of
from sidelit.source import Document, decode, parse


def plain(line: str) -> str:
    """What a browser shows of a highlighted line, without its number."""
    return html.unescape(re.sub("<[^>]*>", "", re.sub(r'<span class="lineno".*?</span>', "", line)))


def test_each_line_has_its_number_its_id_and_its_tokens() -> None:
    first, second = highlight(parse("def f(x):\n    return x  # why\n", "a.py"))
    assert first.startswith('<span class="lineno" id="L1">1</span><span class="k">def</span>')
    assert '<span class="nf">f</span>' in first and first.endswith("\n")
    assert second.startswith('<span class="lineno" id="L2">2</span>    <span class="k">return</span>')
    assert '<span class="c1"># why</span>' in second


def test_a_string_over_several_lines_is_closed_and_opened_at_each_line_end() -> None:
    lines = highlight(parse('x = """a\n# b\nc"""\n', "a.py"))
    assert [plain(line) for line in lines] == ['x = """a\n', "# b\n", 'c"""\n']
    assert all(line.count("<span") == line.count("</span>") for line in lines)
    assert "c1" not in lines[1]


@pytest.mark.parametrize(
    "text",
    ["x = 1\r\ny = 2\r\n", "x = 1\ry = 2", "\fx = 1\n\n\n", "s = '\u2028'\n", "\tif x:\n", "$ = `\n", "'''\n", "\x0b"],
)
def test_nothing_is_added_or_stripped(text: str) -> None:
    document = parse(text, "a.py")
    assert [plain(line) for line in highlight(document)] == [f"{line}\n" for line in document.lines]


def test_a_nul_is_shown_as_a_mark() -> None:
    (line,) = highlight(parse("x = '\0'", "a.py"))
    assert plain(line) == "x = '\N{SYMBOL FOR NULL}'\n"


@given(st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"])))
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    document = parse(text, "a.py")
    assert [plain(line) for line in highlight(document)] == [f"{line}\n" for line in document.lines]


def test_markup_in_code_is_text() -> None:
    (line,) = highlight(parse("x = '</span><script>&amp;'", "a.py"))
    assert "<script" not in line
    assert plain(line) == "x = '</span><script>&amp;'\n"


def test_the_lines_of_a_section_keep_their_numbers() -> None:
    highlighted = highlight(parse("a = 1\nb = 2\nc = 3\nd = 4\n", "a.py"))
    chosen = lines_of(((1, 1), (3, 4)), highlighted)
    assert re.findall(r'id="L(\d+)"', chosen) == ["1", "3", "4"]
    assert not chosen.endswith("\n")
    assert lines_of((), highlighted) == ""


def test_this_project_comes_out_as_it_went_in() -> None:
    for path in sorted(Path(__file__).resolve().parent.parent.joinpath("sidelit").rglob("*.py")):
        text, _ = decode(path.read_bytes(), path.name)
        document = parse(text, path.name)
        assert "".join(map(plain, highlight(document))) == text


# ## Colours

PYGMENTS = PythonLexer(stripnl=False, stripall=False, ensurenl=False)


def colours(lines: list[str]) -> list[tuple[str, str]]:
    """The class of each character of a highlighted file, with the character. The last line's end is none of it."""
    found = []
    for line in lines:
        tokens = re.findall(r'<span class="(\w+)">([^<]*)</span>|([^<]+)', line.partition("</span>")[2])
        found += [(css, each) for css, text, rest in tokens for each in html.unescape(text or rest)]
    return found[:-1]


def by_pygments(document: Document) -> list[tuple[str, str]]:
    """The same, from what Pygments says itself."""
    tokens = PYGMENTS.get_tokens_unprocessed("\n".join(document.lines))
    return [
        ("" if kind is Whitespace or each == "\n" else STANDARD_TYPES[kind], each)
        for _, kind, text in tokens
        for each in text
    ]


@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_colours_are_those_of_pygments(shard: int) -> None:
    for path in stdlib_files()[shard :: 8 * SHARDS]:
        text, _ = decode(path.read_bytes(), path.name)
        document = parse(text.replace("\0", ""), path.name)
        assert colours(highlight(document)) == by_pygments(document), path


# What the rules that are tried first must leave to Pygments, and what is beside it.
PIECES = (
    "rb", "f", "U", '"', "'", '"""', "'''", "match", "case", "_", "lazy", "from", "import", "self", ".self", "print",
    "printé", "é", "if·", "__init__", "x", " ", "    ", "\t", "\n", "\n\n", "\\\n", ":=", ":", "=", ".", "5", "1e5",
    "@", "!", "{", "}", "(", "]", "#", "def ", "class ", "as", "not", "None", "\x0c", "\u00a0", "²", ",",
    "async", "yield from", "%s", "%(a)d", "!r", ":>{w}", "\\N{DIGIT ONE}", "\\x41", "{{", "@a.b", "from . import x",
    "self", "in", '"a"', "'b c'", '"%d"', "'{x}'", "12", "1.", "5j",
    "import a as b", "type T = int", "0x_1f", "1_0", "...", "->", "ß", "\u2028", "is not", "not in", "lambda", "$", "?",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_the_colours_of_anything_are_those_of_pygments(text: str) -> None:
    document = parse(text, "a.py")
    assert colours(highlight(document)) == by_pygments(document)
