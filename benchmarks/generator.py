"""
# The generator against others

Builds the same sources with `sidelit build` and with [other programs](peers.py), turn by turn, each in a fresh process.
Two corpora, one of real code without math, the other annotated and full of it, and ten times the files of each.

* *cold*: nothing cached and no old site. Formulas are typeset by Node, beside Python.
* *warm*: once more, with nothing changed. Pycco has only one way, so this is compared with that.
* *one changed*: once more, with one file changed. This is compared with our own warm build.
* *CPU*: the time of all processes together, which other work on the machine disturbs less.
* *growth*: how much longer ten times the files take, and how much more memory each further page.
* *share*: who has the time in our warm build.

Sidelit and Pycco are run in every round. The others are run in the first, since they take long, and ten times the files
are built once. A program that has not finished within a limit then has no row.
"""

from __future__ import annotations

import compileall
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from benchmarks import corpora, peers
from benchmarks.corpora import Corpus
from benchmarks.peers import Program
from benchmarks.processes import Memory, Time, TooSlow, both, timed, watched
from benchmarks.report import Result, Row
from sidelit.mathjax import find_node
from sidelit.theme import PACKAGE

FILES, FORMULAS, GROWTH = 200, 1500, 10

# The most that may be: the ratio of wall time to Pycco's, and of a build with one changed file to one with none.
COLD_WITHOUT_MATH, COLD_WITH_MATH, WARM, CHANGED = 1 / 1.5, 1.0, 1 / 8, 1.2

# MB of Python, KB of it for each further page, and how many times longer ten times the files may take.
PYTHON, PAGE, GROWN = 150.0, 100.0, float(GROWTH)

# Seconds that a build of ten times the files may take a peer.
LIMIT = 45.0

KINDS = ("cold", "warm", "one changed")

Measurement = TypeVar("Measurement")


@dataclass
class Measured:
    """
    ## One corpus

    By the name of a program and the kind of build: the times of each round, and the memory. `pages` are those of the
    corpus.
    """

    pages: int
    times: dict[str, dict[str, list[Time]]] = field(default_factory=dict)
    memory: dict[str, dict[str, Memory]] = field(default_factory=dict)

    def walls(self, program: str, kind: str) -> list[float]:
        """The wall times of the rounds."""
        return [each.wall for each in self.times.get(program, {}).get(kind, ())]

    def cpus(self, program: str, kind: str) -> list[float]:
        """The CPU times of the rounds."""
        return [each.cpu for each in self.times.get(program, {}).get(kind, ())]


def run(rounds: int) -> Result:
    """
    ## Measure everything

    Takes about ten minutes with five rounds.
    """
    compileall.compile_dir(PACKAGE, quiet=1)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        pairs = {
            "standard library": (
                corpora.standard_library(folder / "library"),
                corpora.standard_library(folder / "large-library", GROWTH),
                COLD_WITHOUT_MATH,
            ),
            "annotated": (
                corpora.annotated(folder / "small", FILES, FORMULAS),
                corpora.annotated(folder / "large", FILES * GROWTH, FORMULAS * GROWTH),
                COLD_WITH_MATH,
            ),
        }
        compared = {
            "sidelit": version("sidelit"),
            "Pycco": version("Pycco"),
            **peers.versions(),
            "Node": _node_version(),
        }
        rows: list[Row] = []
        runs: dict[str, Any] = {}
        for what, (small, large, target) in pairs.items():
            compared[what] = f"{small.size}; {large.size}"
            few, many = _measure(what, small, rounds), _measure_once(f"{GROWTH} times {what}", large)
            shares = _shares(small, folder)
            rows += rows_of(what, few, many, target, shares)
            runs[what] = {"few": asdict(few), "many": asdict(many), "shares": shares}
    return Result(compared, ("sidelit", "theirs"), rows, runs)


# ## Measuring


def _measure(what: str, corpus: Corpus, rounds: int) -> Measured:
    """Build a corpus in rounds, and once more for the memory."""
    often, seldom = [make(corpus) for make in (peers.sidelit, peers.pycco)], [make(corpus) for make in peers.PEERS]
    measured = Measured(len(corpus.files))
    for number in range(rounds):
        _say(f"{what}: round {number + 1} of {rounds}")
        for program in often + (seldom if number == 0 else []):
            times = measured.times.setdefault(program.name, {})
            for kind in KINDS if program.remembers else KINDS[:1]:
                times.setdefault(kind, []).append(_build(program, kind, number, timed))
    _say(f"{what}: memory")
    for program in often:
        kinds = KINDS[:2] if program.remembers else KINDS[:1]
        measured.memory[program.name] = {kind: _build(program, kind, rounds, watched) for kind in kinds}
    return measured


def _measure_once(what: str, corpus: Corpus) -> Measured:
    """Build a large corpus once with each program, as long as that can be waited for."""
    measured = Measured(len(corpus.files))
    for make in (peers.sidelit, peers.pycco, *peers.PEERS):
        program = make(corpus)
        is_peer = make in peers.PEERS
        limited = partial(both, limit=LIMIT if is_peer else math.inf)
        _say(f"{what}: {program.name}")
        for kind in KINDS if program.remembers and not is_peer else KINDS[:1]:
            try:
                time, memory = _build(program, kind, 0, limited)
            except TooSlow:
                continue
            measured.times.setdefault(program.name, {})[kind] = [time]
            measured.memory.setdefault(program.name, {})[kind] = memory
    return measured


def _build(
    program: Program, kind: str, number: int, measure: Callable[[Sequence[str], Path, Mapping[str, str]], Measurement]
) -> Measurement:
    if kind == "cold":
        program.forget()
    elif kind == "one changed":
        program.change(number)
    return measure(program.command, program.folder, {**_environment(), **program.environment})


def _environment() -> dict[str, str]:
    """The environment, in which Python may keep what it has compiled, as it does for everything that is installed."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _shares(corpus: Corpus, folder: Path) -> dict[str, float]:
    """Look who has the time in a warm build of ours."""
    program, out = peers.sidelit(corpus), folder / "shares.json"
    command = [sys.executable, "-m", "benchmarks.shares", str(out), *program.command[1:]]
    here = str(Path(__file__).resolve().parent.parent)
    timed(command, program.folder, {**_environment(), **program.environment, "PYTHONPATH": here})
    return json.loads(out.read_text(encoding="utf-8"))


# ## Rows


def rows_of(what: str, few: Measured, many: Measured, cold_target: float, shares: Mapping[str, float]) -> list[Row]:
    """
    ## What was promised, and what came out

    `few` and `many` are a corpus and ten times its files.
    """
    theirs = few.walls("Pycco", "cold")
    rows = [
        _ratio(f"{what}, cold, Pycco", few.walls("sidelit", "cold"), theirs, cold_target),
        _ratio(f"{what}, cold, Pycco, CPU", few.cpus("sidelit", "cold"), few.cpus("Pycco", "cold")),
        _ratio(f"{what}, warm, Pycco", few.walls("sidelit", "warm"), theirs, WARM),
        _ratio(f"{what}, warm, Pycco, CPU", few.cpus("sidelit", "warm"), few.cpus("Pycco", "cold")),
        _ratio(
            f"{what}, one changed, our warm", few.walls("sidelit", "one changed"), few.walls("sidelit", "warm"), CHANGED
        ),
    ]
    for name, kinds in few.times.items():
        if name not in ("sidelit", "Pycco"):
            for kind in kinds:
                rows.append(_ratio(f"{what}, {kind}, {name}", few.walls("sidelit", kind)[:1], few.walls(name, kind)))
    for kind in KINDS[:2]:
        pace, their_pace = (few.pages / median(walls) for walls in (few.walls("sidelit", kind), theirs))
        rows.append(Row(f"{what}, {kind}, Pycco, pages", pace, "pages/s", their_pace))
    rows += _growth(what, few, many)
    rows += _memory(what, few, many)
    rows += [Row(f"{what}, warm, share of {name}", 100 * share, "%") for name, share in shares.items()]
    return rows


def _ratio(what: str, ours: Sequence[float], theirs: Sequence[float], target: float | None = None) -> Row:
    ratio = median(our / their for our, their in zip(ours, theirs, strict=True))
    return Row(what, median(ours), "s", median(theirs), ratio, target)


def _growth(what: str, few: Measured, many: Measured) -> list[Row]:
    """How many times longer ten times the files take, next to the program that is named."""
    rows = []
    for kind in KINDS:
        ours = median(many.walls("sidelit", kind)) / median(few.walls("sidelit", kind))
        theirs = None
        if kind == "cold" and many.walls("Pycco", kind):
            theirs = median(many.walls("Pycco", kind)) / median(few.walls("Pycco", kind))
        rows.append(
            Row(
                f"{what}, {kind}, growth, Pycco" if theirs else f"{what}, {kind}, growth",
                ours,
                "times",
                theirs,
                limit=GROWN,
            )
        )
    for name in many.times:
        if name != "sidelit":
            rows.append(
                _ratio(f"{GROWTH} times {what}, cold, {name}", many.walls("sidelit", "cold"), many.walls(name, "cold"))
            )
    return rows


def _memory(what: str, few: Measured, many: Measured) -> list[Row]:
    rows = []
    for kind in KINDS[:2]:
        ours, more, theirs = few.memory["sidelit"][kind], many.memory["sidelit"][kind], few.memory["Pycco"]["cold"]
        a_page = (more.python - ours.python) * 1000 / (many.pages - few.pages)
        rows += [
            Row(
                f"{what}, {kind}, all Python, Pycco",
                ours.python,
                "MB",
                theirs.python,
                ours.python / theirs.python,
                limit=PYTHON,
            ),
            Row(f"{what}, {kind}, each further page", a_page, "KB", limit=PAGE),
        ]
    return [*rows, Row(f"{what}, cold, Node", few.memory["sidelit"]["cold"].node, "MB")]


def _node_version() -> str:
    node = find_node()
    return subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip() if node else "none"


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
