"""
# The generator against Pycco

Builds the same sources with `sidelit build` and with Pycco 0.6, turn by turn, each in a fresh process. Pycco writes its
pages and no more: no math, no navigation, no search. It is what someone would use who wants side-by-side pages.

* *cold*: nothing cached and no old site. Formulas are typeset by Node, beside Python.
* *warm*: once more, with nothing changed. Pycco has only one way, so this is compared with that.
* *CPU*: the time of all processes together, which other work on the machine disturbs less.
* *growth*: ten times the files, with ten times the formulas, in one round between two of the small tree.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TypeVar

from benchmarks import corpora
from benchmarks.corpora import Corpus
from benchmarks.processes import Memory, Time, timed, watched
from benchmarks.report import Result, Row
from sidelit.mathjax import find_node

FILES, FORMULAS, GROWTH = 200, 1500, 10

# Ratios of wall time to Pycco's, MB of Python, and the ratio of ten times the pages to the pages.
COLD_WITHOUT_MATH, COLD_WITH_MATH, WARM, PYTHON, GROWN = 1.0, 1.25, 1 / 3, 150.0, 10.0


Measurement = TypeVar("Measurement", Time, Memory)
Measure = Callable[[Sequence[str], Path, Mapping[str, str]], Measurement]


@dataclass(frozen=True)
class Measured:
    """One corpus: the times of each round, and memory."""

    cold: list[Time]
    warm: list[Time]
    pycco: list[Time]
    cold_memory: Memory
    warm_memory: Memory
    pycco_memory: Memory


def run(rounds: int) -> Result:
    """
    ## Measure everything

    Takes a few minutes with five rounds.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        library = corpora.standard_library(folder / "library")
        small = corpora.annotated(folder / "small", FILES, FORMULAS)
        large = corpora.annotated(folder / "large", FILES * GROWTH, FORMULAS * GROWTH)

        without_math = _measure("standard library", library, rounds)
        with_math = _measure(f"{FILES} annotated files", small, rounds)
        _say(f"{FILES * GROWTH} annotated files")
        growth = [_Sidelit(corpus).cold(timed) for corpus in (small, large, small)]

        compared = {
            "sidelit": version("sidelit"),
            "Pycco": version("Pycco"),
            "Node": _node_version(),
            "standard library": library.size,
            f"{FILES} annotated": f"{small.size}, {FORMULAS} different formulas",
            f"{FILES * GROWTH} annotated": f"{large.size}, {FORMULAS * GROWTH} different formulas",
        }
    rows = [
        *_rows("standard library", without_math, COLD_WITHOUT_MATH),
        *_rows(f"{FILES} annotated", with_math, COLD_WITH_MATH),
        *_growth_rows(growth),
    ]
    runs = {"without_math": asdict(without_math), "with_math": asdict(with_math)}
    runs["growth"] = {"small, large, small": [asdict(each) for each in growth]}
    return Result(compared, ("sidelit", "Pycco"), rows, runs)


def _measure(what: str, corpus: Corpus, rounds: int) -> Measured:
    sidelit, pycco = _Sidelit(corpus), _Pycco(corpus)
    cold, warm, theirs = [], [], []
    for number in range(rounds):
        _say(f"{what}: round {number + 1} of {rounds}")
        cold.append(sidelit.cold(timed))
        warm.append(sidelit.warm(timed))
        theirs.append(pycco.build(timed))
    _say(f"{what}: memory")
    return Measured(cold, warm, theirs, sidelit.cold(watched), sidelit.warm(watched), pycco.build(watched))


def _rows(what: str, measured: Measured, cold_target: float) -> list[Row]:
    cold, warm, theirs = measured.cold_memory, measured.warm_memory, measured.pycco_memory
    return [
        _time_row(f"{what}, cold", _walls(measured.cold), _walls(measured.pycco), cold_target),
        _time_row(f"{what}, cold, CPU", _cpus(measured.cold), _cpus(measured.pycco)),
        _time_row(f"{what}, warm", _walls(measured.warm), _walls(measured.pycco), WARM),
        _memory_row(f"{what}, cold, all Python", cold.python, theirs.python, PYTHON),
        _memory_row(f"{what}, cold, largest Python", cold.largest, theirs.largest),
        _memory_row(f"{what}, warm, all Python", warm.python, theirs.python, PYTHON),
        Row(f"{what}, cold, Node", cold.node, "MB"),
    ]


def _growth_rows(growth: Sequence[Time]) -> list[Row]:
    """Rows of ten times the files against the files, which were built before and after them."""
    what = f"{FILES * GROWTH} against {FILES} annotated, cold"
    rows = []
    for name, (before, many, after), target in ((what, _walls(growth), GROWN), (f"{what}, CPU", _cpus(growth), None)):
        few = (before + after) / 2
        rows.append(Row(name, many, "s", few, many / few, target))
    return rows


def _time_row(what: str, ours: Sequence[float], theirs: Sequence[float], target: float | None = None) -> Row:
    ratio = median(our / their for our, their in zip(ours, theirs, strict=True))
    return Row(what, median(ours), "s", median(theirs), ratio, target)


def _walls(times: Sequence[Time]) -> list[float]:
    return [each.wall for each in times]


def _cpus(times: Sequence[Time]) -> list[float]:
    return [each.cpu for each in times]


def _memory_row(what: str, ours: float, theirs: float, limit: float | None = None) -> Row:
    return Row(what, ours, "MB", theirs, ours / theirs, limit=limit)


# ## The two programs


class _Sidelit:
    """Sidelit on one corpus, with a cache and a site of its own."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._cache = corpus.folder.with_name(f"{corpus.folder.name}-cache")
        self._site = corpus.folder.with_name(f"{corpus.folder.name}-site")

    def cold(self, measure: Measure[Measurement]) -> Measurement:
        """Build the site for the first time."""
        for folder in (self._cache, self._site):
            shutil.rmtree(folder, ignore_errors=True)
        return self.warm(measure)

    def warm(self, measure: Measure[Measurement]) -> Measurement:
        """Build it as it was left."""
        command = [_program("sidelit"), "build", *self._corpus.roots, "--output", str(self._site)]
        return measure(command, self._corpus.folder, {**os.environ, "XDG_CACHE_HOME": str(self._cache)})


class _Pycco:
    """Pycco on one corpus."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._site = corpus.folder.with_name(f"{corpus.folder.name}-pycco")

    def build(self, measure: Measure[Measurement]) -> Measurement:
        """Build the pages, for the first time."""
        shutil.rmtree(self._site, ignore_errors=True)
        command = [_program("pycco"), "--paths", "--directory", str(self._site), *self._corpus.files]
        return measure(command, self._corpus.folder, os.environ)


def _program(name: str) -> str:
    """Where a program is that was installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


def _node_version() -> str:
    node = find_node()
    return subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip() if node else "none"


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
