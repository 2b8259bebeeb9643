"""
# Which files of a tree are meant

What git is told to ignore is compared with git itself.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from building import write
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidelit.selection import GlobError, Globs
from sidelit.tree import Mount, find_sources


def uris(root: Path, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> list[str]:
    return [source.uri for source in find_sources([Mount(root, "")], Globs(include, exclude))[0]]


TREE = {
    "a.py": "",
    "a_pb2.py": "",
    "readme.md": "",
    "tests/t.py": "",
    "sub/b.py": "",
    "sub/tests/u.py": "",
    "sub/deep/c.py": "",
}


@pytest.mark.parametrize(
    ("include", "exclude", "left"),
    [
        ([], [], ["a.py", "a_pb2.py", "readme.md", "sub/b.py", "sub/deep/c.py", "sub/tests/u.py", "tests/t.py"]),
        ([], ["tests/", "*_pb2.py"], ["a.py", "readme.md", "sub/b.py", "sub/deep/c.py"]),
        ([], ["/tests/"], ["a.py", "a_pb2.py", "readme.md", "sub/b.py", "sub/deep/c.py", "sub/tests/u.py"]),
        ([], ["*", "!a.py"], ["a.py"]),
        (["sub/**/*.py"], [], ["sub/b.py", "sub/deep/c.py", "sub/tests/u.py"]),
        (["sub/"], ["tests"], ["sub/b.py", "sub/deep/c.py"]),
        (["b.py", "readme.md"], [], ["readme.md", "sub/b.py"]),
    ],
)
def test_globs_are_read_as_in_a_gitignore(
    tmp_path: Path, include: list[str], exclude: list[str], left: list[str]
) -> None:
    assert uris(write(tmp_path, TREE), tuple(include), tuple(exclude)) == left


def test_a_file_that_was_named_is_meant(tmp_path: Path) -> None:
    write(tmp_path, TREE | {".gitignore": "a.py\n", ".git/HEAD": ""})
    assert uris(tmp_path / "a.py", exclude=("a.py",)) == ["a.py"]


def test_a_glob_that_cannot_be_read() -> None:
    Globs(("*.py",), ("tests/", "!x")).check()
    with pytest.raises(GlobError, match="'!' is not a glob"):
        Globs((), ("!",)).check()


def test_git_is_followed_in_a_checkout_only(tmp_path: Path) -> None:
    root = write(tmp_path / "tree", TREE | {".gitignore": "tests\n", "sub/.gitignore": "/b.py\n!tests\n"})
    assert len(uris(root)) == len(TREE)
    (root / ".git").mkdir()
    assert uris(root) == ["a.py", "a_pb2.py", "readme.md", "sub/deep/c.py", "sub/tests/u.py"]

    # A part of the checkout follows the rules above it.
    assert uris(root / "sub") == ["deep/c.py", "tests/u.py"]

    # What was named is meant, although it is ignored.
    assert uris(root / "tests") == ["t.py"]

    # In a worktree, `.git` is a file.
    (root / ".git").rmdir()
    (root / ".git").write_text("gitdir: elsewhere\n")
    assert "tests/t.py" not in uris(root)


def test_a_gitignore_that_is_not_as_it_should_be(tmp_path: Path) -> None:
    root = write(tmp_path / "tree", {"a.py": "", "b.py": "", "sub/c.py": "", ".gitignore": b"!\n\\\n\xff\nb.py\n"})
    (root / ".git").mkdir()
    (tmp_path / "outside").write_text("c.py\n")
    os.symlink(tmp_path / "outside", root / "sub" / ".gitignore")
    assert uris(root) == ["a.py", "sub/c.py"]


_NAMES = st.sampled_from(["a", "b", "ab", "a-b", "a b", "[a]", "é", "!a", "a]"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_RULES = st.builds(
    lambda bang, slash, path, end: f"{bang}{slash}{path}{end}",
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/", "**/"]),
    st.lists(st.sampled_from(["a", "b", "*", "a*", "?", "[ab]", "**"]), min_size=1, max_size=2).map("/".join),
    st.sampled_from(["", "/", "/**", ".py"]),
) | st.text("ab*?[]!^-\\ é#:/", min_size=1, max_size=9).map(lambda glob: f"{glob}.py")


@settings(max_examples=100)
@given(
    st.sets(_PATHS, min_size=1, max_size=6),
    st.dictionaries(st.sampled_from(["", "a/", "a/b/"]), st.lists(_RULES, min_size=1, max_size=4), min_size=1),
)
@example({"a/a"}, {"": ["!*", "a"]})
@example({"a/a"}, {"": ["a", "!a/**"]})
@example({"a/a/a"}, {"": ["a", "!**/a"]})
@example({"a/a/a"}, {"": ["a", "**/a/*", "!a"]})
@example({"a/a"}, {"": ["a/**/"]})
@example({"a/b"}, {"": ["*.py", "!a"]})
@example({"a"}, {"": ["a", "/**/*"]})
@example({"a", "b", "ab", "a-b"}, {"": ["[!a].py", "[z-a].py", "a[[:punct:]a-]b.py", "[]a].py", "\\a.py"]})
@example({"a", "b"}, {"": ["a.py  ", "b.py\\ ", "[^a"]})
@example({"é"}, {"": ["?.py"]})
def test_the_same_files_as_git(paths: set[str], rules: dict[str, list[str]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        files = {f"{path}.py": "" for path in paths}
        ignores = {f"{folder}.gitignore": "\n".join(lines) + "\n" for folder, lines in rules.items()}
        write(root, files | ignores)
        git = ["git", "-c", "core.excludesFile=", "-C", name]
        subprocess.run([*git, "init", "-q"], check=True)
        listed = subprocess.run(
            [*git, "ls-files", "-z", "-o", "--exclude-standard", "*.py"], check=True, capture_output=True, text=True
        )
        assert uris(root) == sorted(filter(None, listed.stdout.split("\0")))


@pytest.mark.parametrize("line", ["*a" * 500, "**/a/" * 500 + "b", "[" * 5000, "[a]" * 3000, "\\" * 5001, "*?" * 99])
def test_a_hostile_line_takes_no_longer_than_another(line: str, tmp_path: Path) -> None:
    names = "/".join(["a" * 200] * 15)
    tree = {f"{names}/c.py": "", "b.py": "", ".gitignore": f"{line}\n/b.py\n", ".git/HEAD": ""}
    root = write(tmp_path / "tree", tree)
    start = time.process_time()
    assert uris(root) == [f"{names}/c.py"] * ("?" not in line)
    assert time.process_time() - start < 5
