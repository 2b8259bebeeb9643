"""
# Inputs that nobody thought of

Drawn at random by hypothesis, and looked for by atheris, which changes inputs until they reach code that none has
reached before. Whatever comes: no exception but a diagnostic, no line lost, ids that are unique, and of a cache either
what was put there or nothing.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from fuzzing import PROPERTIES
from hypothesis import example, given, settings
from hypothesis import strategies as st

PIECES = st.sampled_from(
    ["# a\n", "#\n", "\n", '"""', "'''", "r'''", "def f(x):\n", "class A:\n", "    ", "\t", "x = 1\n", "(", ")", "[",
    "{"]
    + ["---\n", "title: a\n", "symbols:\n  x: $y$\n", "Args:\n", "    x: y\n", ":param x: y\n", "----\n", "Returns\n"]
    + ["$", "$$", "\\[", "\\begin{align}", "`", "```\n", "<a ", "</a>", "<!--", "-->", "*", "_", "[a](b)", "[a]: b\n"]
    + ["\r", "\r\n", "\x0c", "\x00", "\u2028", "\ufeff", "\ue000", "\ufdd0", "é", "\\\n", "# %% [markdown]\n", "#!x\n"]
    + ["f'{", "}'", "# coding: utf-16\n", "# sidelit: off\n", "> ", "- ", "1. ", "|a|\n|-|\n", "!!! n\n", ">>> a\n"]
)
INPUTS = st.lists(PIECES, max_size=20).map(lambda pieces: "".join(pieces).encode()) | st.binary(max_size=60)


@pytest.mark.parametrize("name", PROPERTIES)
def test_any_input(name: str) -> None:
    @settings(max_examples=150)
    @given(INPUTS)
    @example(b"'''\n---\ntitle: \xef\xb7\x90\n---\n'''\n")
    @example(b"# <b \"\n# <a \n")
    @example(b"\x83")
    def holds(data: bytes) -> None:
        PROPERTIES[name](data)

    holds()


@pytest.mark.parametrize("name", PROPERTIES)
def test_inputs_that_lead_further(name: str, tmp_path: Path) -> None:
    """A few seconds here; `python tests/fuzzing.py NAME` goes on for as long as one likes."""
    if importlib.util.find_spec("atheris") is None:
        # It is made for some machines only, see requirements-dev.txt.
        assert (sys.platform, platform.machine()) != ("linux", "x86_64")
        return
    (tmp_path / "corpus").mkdir()
    command = [sys.executable, Path(__file__).with_name("fuzzing.py"), name, "-max_total_time=5", "-seed=1", "corpus"]
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
