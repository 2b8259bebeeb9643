"""Which changes of a file make another version of its code, and which do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from building import write
from hypothesis import given
from hypothesis import strategies as st

from sidelit.cache import Cache, digest
from sidelit.code_version import code_version, essence

CODE = '''"""Prose."""
import math


def f(x, y=2):
    """More prose."""
    # Why
    if x > y:
        return f"{x!r:>{y}} # no comment" "and 'text'"
    return math.sqrt(
        x + y,
    )  # at last
'''

SAME = {
    "another docstring": ('"""More prose."""', "'''Quite other,\n    longer prose.'''"),
    "no docstring": ('    """More prose."""\n', ""),
    "another comment": ("# Why", "# Because"),
    "no comment": ("  # at last", ""),
    "a directive": ("import math\n", "import math  # noqa: F401\n"),
    "blank lines": ("    if x > y:\n", "\n\n    if x > y:\n\n"),
    "spaces": ("x + y,", "x  +  y ,"),
    "lines within brackets": ("math.sqrt(\n        x + y,\n    )", "math.sqrt(x + y,)"),
    "a backslash": ("return math.sqrt", "return \\\n        math.sqrt"),
    "an encoding": ('"""Prose."""', '# coding: utf-8\n"""Prose."""'),
    "a string that stands alone": ("    if x > y:\n", "    b'nothing'\n    if x > y:\n"),
}

OTHER = {
    "a number": ("y=2", "y=3"),
    "an operator": ("x > y", "x >= y"),
    "a name": ("def f", "def g"),
    "a word in a string": ("'text'", "'test'"),
    "a space in a string": ("and 'text'", "and  'text'"),
    "a format": ("{x!r:>{y}}", "{x!s:>{y}}"),
    "what only looks like a comment": ("# no comment", "# a comment"),
    "where a block ends": ("    return math", "        return math"),
    "an import": ("import math", "import cmath as math"),
    "an f-string that stands alone": ("    if x > y:\n", "    f'{print(x)}'\n    if x > y:\n"),
    "a string that is called": ("    # Why\n", "    'a'.upper()\n"),
}


@pytest.mark.parametrize("change", SAME)
def test_what_does_nothing_does_not_count(change: str) -> None:
    before, after = SAME[change]
    assert before in CODE
    assert essence(CODE.replace(before, after)) == essence(CODE)


@pytest.mark.parametrize("change", OTHER)
def test_everything_else_does(change: str) -> None:
    before, after = OTHER[change]
    assert before in CODE
    assert essence(CODE.replace(before, after)) != essence(CODE)


def test_the_width_of_indentation_does_not_count_and_its_depth_does() -> None:
    assert essence(CODE.replace("    ", "  ")) == essence(CODE)
    assert essence("if a:\n    b\n    c\n") != essence("if a:\n    b\nc\n")


def test_line_ends_do_not_count() -> None:
    assert essence(CODE.replace("\n", "\r\n")) == essence(CODE.replace("\n", "\r")) == essence(CODE)


def test_every_python_sees_the_same() -> None:
    # An f-string is one token up to Python 3.11, and several from 3.12 on.
    assert digest(*essence(CODE)) == "e744151531a93a65d00ccf5c16bee5405dcea9c7ad5c045eea9ccd233a806a64"


STATEMENTS = st.lists(st.sampled_from(["x = 1", "y = f'{x}'", "def f():\n    return 1", "class A:\n    b = '#'"]))


@given(STATEMENTS, st.data())
def test_comments_and_blank_lines_anywhere_change_nothing(statements: list[str], data: st.DataObject) -> None:
    plain = [line for each in statements for line in each.split("\n")]
    noise = st.lists(st.sampled_from(["", "# Words.", "        # Deep", "#"]), max_size=2)
    noisy = [line for each in plain for line in (*data.draw(noise), each)]
    assert essence("\n".join(noisy)) == essence("\n".join(plain))


@pytest.mark.parametrize("text", ["def f(:\n", "x = '", "a\n  b\n c\n", "\0", "x = $"])
def test_what_is_not_python_has_a_version_too(text: str, tmp_path: Path) -> None:
    write(tmp_path, {"x/a.py": text, "y/a.py": text + " "})
    assert essence(text) == [text]
    assert code_version(tmp_path / "x/a.py") != code_version(tmp_path / "y/a.py")


# ## The modules that a file imports

PACKAGE = {
    "p/__init__.py": "",
    "p/base.py": "from p.deep.down import x\n",
    "p/deep/__init__.py": "",
    "p/deep/down.py": "x = 1\n",
    "p/method.py": (
        "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nimport torch\nfrom .base import x\n"
        "if TYPE_CHECKING:\n    from p.typed import y\nelse:\n    from p.untyped import y\n"
        "def f():\n    from p import lazy\n"
    ),
    "p/lazy.py": "",
    "p/typed.py": "",
    "p/untyped.py": "",
    "p/other.py": "",
    "torch.py": "",
}


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("p/method.py", True),
        ("p/base.py", True),
        ("p/deep/down.py", True),
        ("p/deep/__init__.py", True),
        ("p/__init__.py", True),
        ("p/lazy.py", True),
        ("p/untyped.py", True),
        ("p/typed.py", False),
        ("p/other.py", False),
        ("torch.py", False),
    ],
)
def test_every_module_counts_that_is_imported(file: str, counts: bool, tmp_path: Path) -> None:
    write(tmp_path, PACKAGE)
    before = code_version(tmp_path / "p/method.py")
    write(tmp_path, {file: PACKAGE[file] + "# A remark\n"})
    assert code_version(tmp_path / "p/method.py") == before
    write(tmp_path, {file: PACKAGE[file] + "more = 1\n"})
    assert (code_version(tmp_path / "p/method.py") != before) == counts


def test_modules_may_import_each_other(tmp_path: Path) -> None:
    write(tmp_path, {"p/__init__.py": "from p import a\n", "p/a.py": "import p.b\n", "p/b.py": "from . import a\n"})
    versions = {name: code_version(tmp_path / "p" / name) for name in ("a.py", "b.py", "__init__.py")}
    write(tmp_path, {"p/b.py": "from . import a\nx = 1\n"})
    assert all(code_version(tmp_path / "p" / name) != version for name, version in versions.items())


def test_a_script_is_seen_with_the_scripts_that_it_imports(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "import b\n", "b.py": "", "c.py": ""})
    before = code_version(tmp_path / "a.py")
    write(tmp_path, {"c.py": "x = 1\n"})
    assert code_version(tmp_path / "a.py") == before
    write(tmp_path, {"b.py": "x = 1\n"})
    assert code_version(tmp_path / "a.py") != before


def test_neither_the_place_nor_the_cache_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "here", PACKAGE)
    write(tmp_path / "there", PACKAGE)
    version = code_version(tmp_path / "here/p/method.py")
    with Cache(tmp_path / "cache") as cache:
        for _ in range(2):
            assert code_version(tmp_path / "there/p/method.py", cache) == version
        write(tmp_path / "there", {"p/lazy.py": "x = 1\n"})
        assert code_version(tmp_path / "there/p/method.py", cache) != version
    monkeypatch.chdir(tmp_path / "here/p")
    assert code_version(Path("method.py")) == version
