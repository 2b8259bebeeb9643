"""What `make bench` makes of the times and the memory of builds, and of saved changes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import generator, peers, serving
from benchmarks.corpora import Corpus
from benchmarks.generator import Measured
from benchmarks.processes import Memory, Time, TooSlow, both
from benchmarks.shares import owner


def measured(pages: int, factor: float, **seconds: dict[str, float]) -> Measured:
    times = {
        name: {kind.replace("_", " "): [Time(factor * s, factor * s)] for kind, s in kinds.items()}
        for name, kinds in seconds.items()
    }
    memory = {name: {kind: Memory(50 + pages * 0.05, 60, 80) for kind in ("cold", "warm")} for name in seconds}
    return Measured(pages, times, memory)


OURS = {"cold": 4.0, "warm": 1.0, "one_changed": 1.1}
FEW = measured(200, 1, sidelit=OURS, Pycco={"cold": 8.0}, MkDocs={"cold": 3.0})
MANY = measured(2000, 9, sidelit=OURS, Pycco={"cold": 8.0})


def test_each_promise_has_a_row_with_its_verdict() -> None:
    rows = {row.what: row for row in generator.rows_of("x", FEW, MANY, 1 / 1.5, {"MkDocs": 0.25})}
    assert {name: row.verdict for name, row in rows.items() if row.verdict} == {
        "x, cold, Pycco": "met",
        "x, warm, Pycco": "met",
        "x, one changed, our warm": "met",
        "x, cold, growth, Pycco": "met",
        "x, warm, growth": "met",
        "x, one changed, growth": "met",
        "x, cold, all Python, Pycco": "met",
        "x, warm, all Python, Pycco": "met",
        "x, cold, each further page": "met",
        "x, warm, each further page": "met",
    }
    assert rows["x, warm, Pycco"].ratio == 1 / 8
    assert rows["x, cold, each further page"].ours == pytest.approx(50)
    assert rows["x, warm, share of MkDocs"].ours == 25
    assert rows["x, cold, MkDocs"].ratio == pytest.approx(4 / 3)


def test_a_missed_promise_says_so() -> None:
    slow = measured(200, 1, sidelit={"cold": 6.0, "warm": 1.2, "one_changed": 2.0}, Pycco={"cold": 8.0})
    verdicts = {row.what: row.verdict for row in generator.rows_of("x", slow, MANY, 1 / 1.5, {})}
    assert [name for name, verdict in verdicts.items() if verdict == "missed"] == [
        "x, cold, Pycco", "x, warm, Pycco", "x, one changed, our warm",
    ]  # fmt: skip
    saved = serving.Measured([250.0, 500.0, 310.0], [100.0], 1000.0, 3000.0, 4)
    assert [row.verdict for row in serving.rows(saved)] == ["missed", "met", "missed"]


def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(TooSlow):
        both([sys.executable, "-c", "while True: pass"], tmp_path, {}, limit=0.2)


def test_a_change_adds_to_one_file_and_the_next_cold_build_forgets(tmp_path: Path) -> None:
    (tmp_path / "tree" / "pkg").mkdir(parents=True)
    (tmp_path / "tree" / "pkg" / "a.py").write_text("x = 1\n")
    program = peers.sidelit(Corpus(tmp_path / "tree", ("pkg",), ("pkg/a.py",)))
    program.change(1)
    program.change(2)
    assert (tmp_path / "tree/pkg/a.py").read_text().count("# A remark, number") == 2
    for folder in program.made:
        folder.mkdir()
    program.forget()
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


def test_time_counts_for_the_innermost_library() -> None:
    from markdown import Markdown
    from markdown.preprocessors import Preprocessor

    seen = []

    class Look(Preprocessor):
        def run(self, lines: list[str]) -> list[str]:
            seen.append(owner(sys._getframe()))
            return lines

    markdown = Markdown()
    markdown.preprocessors.register(Look(markdown), "look", 1)
    markdown.convert("text")
    assert seen == ["Markdown"]
