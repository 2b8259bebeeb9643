"""What the tokenizer does not get to see changes nothing."""

from __future__ import annotations

import re
import tokenize
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdlib import SHARDS, stdlib_files

from sidelit import tokenizer
from sidelit.source import Document, decode, parse, split_lines
from sidelit.tokenizer import tokens_of

NOTHING = re.compile(r"(?!)(?P<shape>)(?P<colon>)")


def read_whole(text: str) -> Document:
    """As if the tokenizer saw all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokenizer, "_shapeless", lambda: NOTHING)
        return parse(text, "a.py")


def facts(document: Document) -> list[Any]:
    return [value for name, value in vars(document).items() if name != "tree"]


def strings(text: str) -> list[str]:
    found, _ = tokens_of(split_lines(text))
    return [token.string for token in found if token.string.strip()]


@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_standard_library_is_split_as_if_it_were_read_whole(shard: int) -> None:
    for path in stdlib_files()[shard::SHARDS]:
        text, _ = decode(path.read_bytes(), str(path))
        assert facts(parse(text, "a.py")) == facts(read_whole(text)), path


# Lines in which something begins, ends, or only seems to.
LINES = (
    *('x = """', '"""', "'''", "x = '''", "rb'''", 'a "b" c', '"a" ""', '""', "x = 'a' '''b", "it's", 'def"', '"def'),
    *('"doc"', "'doc'", '"""One."""', 'r"x"', '"a"; b', 'u"a"', 'return "a" "b"', 'x = é"a"', 'x = "a#b"'),
    *('x = "\\""', "f'''{", 'f"""{', "}'''", '}"""', 'a = f"{x}"', 'f"{', 'a = f"{x!r:>{w}}"', "f''", 'f"x"'),
    *("def f(\\", "class \\", "A:", "async \\", "x = y \\", "+ z", "@ \\", "a\\", "a \\ b", 'x = "abc \\', ":"),
    *("b = (", "c)", "x = [", "1, 2,", "]", 'x = {"a": 1,', "}", "(]", "({[0]})", "(((((0)))))", ") -> X:"),
    *("**k)", "@d", "@d(1)", "def f():", "async def g(): pass", 'class B(C): "doc"', "-> int:", "if a:", "else: # c"),
    *('def k(a: int = (1), *, b="x") -> int:', "lambda: 0", "match x:", "type X = int", "x != y"),
    *("x ! y", 'print "a"', "pass", "...", "*", "# comment", "# %%", "# %% [markdown]", "%%time", "`", "$", "?"),
    *("0777", "1_0", "1e5", "1.5.x"),
    *("é = 1", "\0", "\fx", '"k": v,', "'k': f(v),", "a, 'b',", "a = b if c else d;", ""),
)  # fmt: skip


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("", "", "    ", "    ", "        ", "\t")),
            st.sampled_from(LINES),
            st.sampled_from(("", "", "", " ", " # t", ":")),
        ).map("".join),
        max_size=9,
    ).map("\n".join)
)
def test_any_text_is_split_as_if_it_were_read_whole(text: str) -> None:
    document = parse(text, "a.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokenizer, "_shapeless", lambda: NOTHING)
        _, stopped = tokens_of(split_lines(text))
    # From Python 3.12 on, what follows an f-string that is not closed may be read farther than it deserves.
    if stopped is None or not re.search("f['\"]", text):
        assert facts(document) == facts(read_whole(text))


def test_of_a_line_that_has_no_say_there_is_one_token() -> None:
    assert strings('x = f(a, [1], "b") + {"c": g(d[0])}\n') == [";"]
    assert strings("if a and b:\n    return c\n") == [";", ":", ";"]
    header = ["@", ";", "async", "def", "f", ";", ":", '"Doc."']
    assert strings('@d(1)\nasync def f(a: int = 0) -> "A":\n    "Doc."\n') == header
    assert strings("x = a  # why\n") == ["x", "=", "a", "# why"]
    assert strings("x = (a,\n     b)\n") == ["x", "=", "(", "a", ",", "b", ")"]


def test_an_error_of_the_tokenizer_itself_is_one_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(readline: object) -> Any:
        yield tokenize.TokenInfo(tokenize.NAME, "x", (1, 0), (1, 1), "")
        yield tokenize.TokenInfo(tokenize.NEWLINE, "\n", (1, 1), (1, 2), "")
        raise SystemError("returned a result with an exception set")

    monkeypatch.setattr(tokenize, "generate_tokens", broken)
    found, stopped = tokens_of(["x", "y"])
    assert (len(found), stopped) == (2, 2)
    assert parse("x\ny\n", "a.py").sections[-1].code_lines == ((2, 2),)
