"""
# The command line

What it prints, where, and how it ends: 0 when all went well, 1 when there is no result, 2 when the command was wrong.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from pathlib import Path

import pytest
from building import ROOT, Ran, own_cache, page, run, sidelit, snapshot, write
from hypothesis import given
from hypothesis import strategies as st

from sidelit.cache import FILE

__all__ = ["own_cache"]

SOURCE = '''r"""
---
title: Sums
summary: Adding up.
---
# A heading

Text with $x$.
"""

import math

# The first prose.
#
# Its second paragraph.
TWO = 2

class Sum:
    """
    A sum.
    """

    # Above the method.
    def add(self, x):
        return x + TWO  # beside
'''


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(tmp_path, {"pkg/__init__.py": "", "pkg/sums.py": SOURCE})


# ## sections


def test_sections_prints_the_model(here: Path) -> None:
    ran = sidelit("sections", "pkg/sums.py")
    assert ran.status == 0
    assert ran.err == ""
    assert ran.out.count("\n") == 1
    assert json.loads(ran.out) == {
        "path": "pkg/sums.py",
        "title": "Sums",
        "summary": "Adding up.",
        "sections": [
            {
                "number": 0,
                "anchor": "module",
                "kind": "module",
                "qualname": "",
                "docs": "# A heading\n\nText with $x$.",
                "doc_lines": [[1, 9]],
                "code_lines": [[11, 11]],
            },
            {
                "number": 1,
                "anchor": "module-2",
                "kind": "comment",
                "qualname": "",
                "docs": "The first prose.\n\nIts second paragraph.",
                "doc_lines": [[13, 15]],
                "code_lines": [[16, 16]],
            },
            {
                "number": 2,
                "anchor": "Sum",
                "kind": "class",
                "qualname": "Sum",
                "docs": "A sum.",
                "doc_lines": [[19, 21]],
                "code_lines": [[18, 18]],
            },
            {
                "number": 3,
                "anchor": "Sum.add",
                "kind": "function",
                "qualname": "Sum.add",
                "docs": "Above the method.",
                "doc_lines": [[23, 23]],
                "code_lines": [[24, 25]],
            },
        ],
    }


def test_the_names_come_in_their_order(here: Path) -> None:
    model = json.loads(sidelit("sections", "pkg/sums.py").out)
    assert list(model) == ["path", "title", "summary", "sections"]
    names = ["number", "anchor", "kind", "qualname", "docs", "doc_lines", "code_lines"]
    assert [list(section) for section in model["sections"]] == [names] * 4


def test_sections_of_several_files_are_lines(here: Path) -> None:
    write(here, {"empty.py": "", "ü b.py": "# Prosa ü\nx = 1\n"})
    ran = sidelit("sections", "pkg/sums.py", "empty.py", "ü b.py")
    models = [json.loads(line) for line in ran.out.splitlines()]
    assert [model["path"] for model in models] == ["pkg/sums.py", "empty.py", "ü b.py"]
    assert [len(model["sections"]) for model in models] == [4, 1, 2]
    assert models[1]["title"] == "empty"
    assert models[2]["sections"][1]["docs"] == "Prosa ü"
    assert ran.status == 0


def test_sections_of_what_cannot_be_read(here: Path) -> None:
    (here / "loop.py").symlink_to("loop.py")
    ran = run("sidelit", "sections", "nothing.py", "pkg/sums.py", "pkg", "pkg/sums.py/x.py", "loop.py", cwd=here)
    assert ran.status == 1
    assert [json.loads(line)["path"] for line in ran.out.splitlines()] == ["pkg/sums.py"]
    assert [line.split(": ")[0] for line in ran.lines] == ["nothing.py", "pkg", "pkg/sums.py/x.py", "loop.py"]


def test_sections_says_what_is_wrong_and_goes_on(here: Path) -> None:
    write(here, {"bad.py": b"# caf\xe9\ndef f(:\n"})
    ran = run("sidelit", "sections", "bad.py", "pkg/sums.py", cwd=here)
    assert [line.split(": ")[0] for line in ran.lines] == ["bad.py:1:6", "bad.py:2:7"]
    assert [json.loads(line)["path"] for line in ran.out.splitlines()] == ["bad.py", "pkg/sums.py"]
    assert ran.status == 0


def test_sections_writes_nothing(here: Path) -> None:
    before = snapshot(here)
    sidelit("sections", "pkg/sums.py", "nothing.py")
    assert snapshot(here) == before


def test_sections_can_be_piped_where_only_ascii_can_be_written(here: Path) -> None:
    write(here, {"ü.py": "# \u2028 ü 𝒳\nx = '\ud7ff'\n"})
    ran = run("sidelit", "sections", "ü.py", cwd=here, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert ran.status == 0
    assert len(ran.out.splitlines()) == 1
    assert json.loads(ran.out)["sections"][1]["docs"] == "\u2028 ü 𝒳"


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_have_sections(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.py"
    path.write_bytes(content)
    ran = sidelit("sections", path)
    assert ran.status == 0
    model = json.loads(ran.out)
    assert [section["number"] for section in model["sections"]] == list(range(len(model["sections"])))


# ## build


def test_one_file_is_a_site(here: Path) -> None:
    ran = sidelit("build", "pkg/sums.py", "-o", "out", "--strict")
    assert ran.status == 0, ran.err
    assert page(here / "out", "sums.html").title == "A heading"
    assert "sums.py" in page(here / "out", "index.html").text


def test_several_sources_are_one_site(here: Path) -> None:
    write(here, {"other/a.py": "# [sums](../pkg/sums.py#Sum.add)\nx = 1\n", "c.py": "# [a](other/a.py#L2)\nx = 1\n"})
    ran = sidelit("build", "pkg", "other", "c.py", "-o", "out", "--strict")
    assert ran.status == 0, ran.err
    assert "../pkg/sums.html#Sum.add" in page(here / "out", "other/a.html").references
    assert "other/a.html#L2" in page(here / "out", "c.html").references


def test_the_current_folder_is_a_source(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here / "pkg")
    ran = sidelit("build", ".", "-o", "../out", "--strict")
    assert ran.status == 0, ran.err
    assert page(here / "out", "pkg/sums.html").title == "A heading"


def test_sources_of_one_name_are_told_apart(here: Path) -> None:
    write(here, {"other/pkg/sums.py": "x = 1\n"})
    ran = sidelit("build", "pkg", "other/pkg", "-o", "out")
    assert ran.status == 0
    assert [line.split(": ")[0] for line in ran.lines] == ["other/pkg/sums.py:1:1"]


def test_the_same_source_twice_is_one(here: Path) -> None:
    ran = sidelit("build", "pkg", "pkg", "-o", "out")
    assert ran.status == 0
    assert "Traceback" not in ran.err


def test_problems_are_counted_in_the_last_line(here: Path) -> None:
    write(here, {"pkg/a.py": "def f(:\n", "pkg/b.py": "# [x](y.py)\n"})
    ran = sidelit("build", "pkg")
    assert ran.status == 0
    assert len(ran.lines) == 2
    assert ran.out == "The site is in site; open site/index.html in a browser. 2 problems found, see above.\n"
    write(here, {"pkg/a.py": ""})
    assert sidelit("build", "pkg").out.endswith(" 1 problem found, see above.\n")


# ## Usage


@pytest.mark.parametrize("command", ["", "build", "serve", "sections"])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(command: str, flag: str) -> None:
    ran = sidelit(*command.split(), flag)
    assert ran.status == 0
    assert ran.err == ""
    assert ran.out.startswith("Usage: ")
    for word in {"": "build serve sections", "build": "--strict --output", "serve": "--address", "sections": "FILE"}[
        command
    ].split():
        assert word in ran.out


def test_version() -> None:
    assert sidelit("--version").out.split()[-1].count(".") == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"], ["build"], ["sections"], ["serve"], ["build", "nowhere"], ["build", "pkg", "--nothing"],
        ["build", "pkg", "-o"], ["serve", "nowhere"], ["sections", "--strict", "a.py"],
    ],
)  # fmt: skip
def test_a_wrong_command_ends_with_2(here: Path, arguments: list[str]) -> None:
    before = snapshot(here)
    ran = sidelit(*arguments)
    assert ran.status == 2
    assert ran.out == ""
    assert "Error: " in ran.err
    assert snapshot(here) == before


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:port", "127.0.0.1:99999", ":", ":80", "127.0.0.1:"])
def test_a_wrong_address_is_a_wrong_command(here: Path, address: str) -> None:
    ran = run("sidelit", "serve", "pkg", "--address", address, cwd=here)
    assert ran.status == 2
    assert f"'{address}' is not an address; write it as HOST:PORT" in ran.err


def test_a_taken_address_is_one_line(here: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ran = run("sidelit", "serve", "pkg", "--address", address, cwd=here)
    assert ran.status == 1
    assert ran.lines[-1].startswith(f"sidelit: {address}: ")
    assert sorted(snapshot(here)) == ["pkg", "pkg/__init__.py", "pkg/sums.py"]


def test_importing_the_command_line_is_quick() -> None:
    """Help and sections load neither MkDocs nor Markdown."""
    code = "import sys, sidelit.cli; print({'mkdocs', 'markdown', 'pygments', 'jinja2', 'torch'} & set(sys.modules))"
    assert run("python", "-c", code, cwd=ROOT).out == "set()\n"


def test_clean_empties_the_cache(here: Path) -> None:
    file = here / "cache" / "sidelit" / FILE

    def ran(*command: str) -> Ran:
        return run("sidelit", *command, cwd=here, XDG_CACHE_HOME=str(here / "cache"))

    def entries() -> int:
        return int(sqlite3.connect(file).execute("SELECT count(*) FROM entries").fetchone()[0])

    assert ran("clean").out == f"The cache in {file.parent} is empty.\n" and not file.exists()
    assert ran("build", "pkg").status == 0 and entries()
    assert ran("clean").status == 0 and not entries()

    # The one that the project has chosen
    (here / "mkdocs.yml").write_text("site_name: x\nplugins: [{sidelit: {sources: [pkg], cache: kept}}]\n")
    assert ran("clean").out == f"The cache in {here / 'kept'} is empty.\n"
    (here / "mkdocs.yml").write_text("a: [")
    assert ran("clean").status == 2 and ran("clean").err.startswith("sidelit: mkdocs.yml:2:1: not valid YAML")


def test_what_is_no_file_is_told_and_waited_for_by_nobody(here: Path) -> None:
    os.mkfifo(here / "pkg" / "pipe.py")
    said = "pkg/pipe.py:1:1: this is not a file, and has no page"
    for command in (["check", "pkg"], ["check", "pkg/pipe.py"], ["build", "pkg/pipe.py", "pkg/sums.py"]):
        ran = run("sidelit", *command, cwd=here)
        assert said.removeprefix("pkg/") in ran.out + ran.err, command


def test_it_is_a_module_too(here: Path) -> None:
    ran = run("python", "-m", "sidelit", "sections", "pkg/sums.py", cwd=here)
    assert (ran.status, ran.out) == (0, sidelit("sections", "pkg/sums.py").out)
    assert "Usage: python -m sidelit" in run("python", "-m", "sidelit", "--help", cwd=here).out
