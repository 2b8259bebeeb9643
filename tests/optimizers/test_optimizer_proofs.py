"""The proofs of the optimizers: where their numbers are from, and that the committed ones are true."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from everything import ENTRIES
from facts import committed, holds
from test_performance_test import measured

from benchmarks import proofs as maker
from benchmarks.proofs import FUSED, PROOFS, ROOT, as_text, content, joined, ratios
from labml_nn.optimizers import performance_test as page
from labml_nn.optimizers.configs import OPTIMIZERS
from sidelit.code_version import code_version
from sidelit.hosts.shelf import read_shelf
from sidelit.proofs import Comparison, read_proofs

RAN = """
import json, sys
from benchmarks.proofs import joined, recorded
facts = joined(recorded(["tests/optimizers/test_noam.py"]))
print(json.dumps(facts))
"""


def test_the_committed_proofs_name_files_and_tests_that_exist() -> None:
    shelf, problems = read_shelf(PROOFS, ROOT)
    assert problems == []
    assert shelf.proofs and shelf.tests


def test_every_optimizer_has_a_proof() -> None:
    modules = {entry.cls.__module__.rpartition(".")[2] for entry in ENTRIES.values()}
    assert {Path(name).stem for name in committed().files} == modules
    for proof in committed().files.values():
        assert proof.comparisons and proof.cases and proof.measurements
        for case in proof.cases:
            assert 0 < len(case.passed) <= case.total


def test_what_is_committed_is_within_its_bounds() -> None:
    for proof in committed().files.values():
        for each in proof.comparisons:
            assert each.bound is not None and (each.difference < each.bound or each.difference == each.bound == 0)


def test_what_the_tests_find_now_is_what_is_committed() -> None:
    # All other comparisons are held against what is committed where they are made.
    ran = subprocess.run([sys.executable, "-c", RAN], cwd=ROOT, capture_output=True, text=True, check=True)
    (found,) = json.loads(ran.stdout.splitlines()[-1]).values()
    proof = committed().files["noam.py"]
    assert len(found["comparisons"]) == len(proof.comparisons) == 2
    for now, before in zip(found["comparisons"], proof.comparisons, strict=True):
        assert before.test == f"../../{now.pop('test')}"
        assert holds(before, now["difference"])
        assert replace(before, difference=0.0, test="") == Comparison(**now | {"difference": 0.0, "test": ""})


@pytest.mark.parametrize(
    ("recorded", "bound", "now", "true"),
    [
        (1e-15, 1e-12, 2e-15, True),
        (1e-15, 1e-12, 0.0, True),
        (0.0, 1e-12, 1e-14, True),
        (1e-15, 1e-12, 2e-12, False),
        (1e-30, 1e-9, 1e-10, False),
        (0.0, 0.0, 0.0, True),
        (0.0, 0.0, 1e-30, False),
    ],
)
def test_a_committed_difference_is_held_against_the_one_of_now(recorded, bound, now, true) -> None:
    proof = Comparison("x", recorded, "a::b", bound=bound, precision="float64")
    assert holds(proof, now) is true


def test_a_difference_beyond_its_bound_is_never_a_fact(facts) -> None:
    from labml_nn.optimizers.adam import Adam

    ours = Adam([torch.zeros(1, requires_grad=True)])
    seen: list = []
    for bad in (1e-3, float("nan"), 1e-12):
        with pytest.raises(AssertionError):
            replace(facts, record=lambda *each: seen.append(each)).compared(ours, "x", bad, torch.float64)
    assert not seen


def test_a_failing_test_leaves_the_proofs_as_they_are(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(maker, "PROOFS", tmp_path / "proofs.json")
    monkeypatch.setattr(maker, "circumstances", dict)
    monkeypatch.setattr(maker.pytest, "main", lambda *_, **__: pytest.ExitCode.TESTS_FAILED)
    assert maker.main() == 1
    assert "no proof is written" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


FACTS = [
    {"kind": "comparisons", "difference": 1.26e-16, "against": "t"},
    {"kind": "comparisons", "difference": 3.26e-16, "against": "t"},
    {"kind": "comparisons", "difference": 0.0, "against": "u"},
    {"kind": "cases", "of": "c", "case": "0 a", "name": "a", "total": 4, "claim": "x"},
    {"kind": "cases", "of": "c", "case": "0 a", "name": "a", "total": 4, "claim": "x"},
    {"kind": "cases", "of": "c", "case": "1 a", "name": "a", "total": 4, "claim": "x"},
    {"kind": "measurements", "name": "State", "value": 8.0, "unit": "bytes"},
    {"kind": "measurements", "name": "State", "value": 8.0, "unit": "bytes"},
]


def test_of_many_runs_the_largest_difference_counts() -> None:
    named = {"module": "labml_nn.optimizers.adam", "optimizer": "Adam", "test": "tests/optimizers/test_adam.py::test_a"}
    proof = joined([{**fact, **named} for fact in FACTS])["labml_nn.optimizers.adam"]
    assert [(each["against"], each["difference"], each["runs"]) for each in proof["comparisons"]] == [
        ("t", 3.3e-16, 2),
        ("u", 0.0, 1),
    ]
    assert [(each["passed"], each["total"]) for each in proof["cases"]] == [(["a", "a"], 4)]
    assert len(proof["measurements"]) == 1


def test_what_is_written_can_be_read_again_a_fact_in_a_line() -> None:
    named = {"module": "labml_nn.optimizers.adam", "optimizer": "Adam", "test": "tests/optimizers/test_adam.py::test_a"}
    facts = joined([{**fact, **named} for fact in FACTS])
    step = {"name": "Step, eager", "value": 2.5, "unit": "times"}
    text = as_text(content(facts, {"labml_nn.optimizers.adam": [step]}, {"commit": "x", "again": "make proofs"}))
    proofs, problems = read_proofs(text, "proofs.json")
    assert proofs and not problems
    proof = proofs.files["adam.py"]
    assert proof.code == code_version(ROOT / "labml_nn/optimizers/adam.py")
    assert proof.tests == ["../../tests/optimizers/test_adam.py::test_a"]
    assert [each.name for each in proof.measurements] == ["Step, eager", "State"]
    assert sum(1 for line in text.split("\n") if '"test"' in line) == 4
    assert (PROOFS.parent / proof.tests[0].partition("::")[0]).resolve() == ROOT / "tests/optimizers/test_adam.py"


def test_speed_is_the_ratio_within_each_round() -> None:
    found = measured(fused=[1.0, 2.0, 10.0], eager=[2.0, 4.0, 90.0])
    steps = {FUSED: found.steps[page.FUSED], "labml_nn.optimizers.adam eager": found.steps[page.EAGER]}
    (fact,) = ratios(replace(found, steps=steps))["labml_nn.optimizers.adam"]
    assert (fact["name"], fact["value"]) == ("Step, eager", 2.0)
    assert fact["over"] == "0.000601M in 6, 1 thread, load 0.5"


def test_every_optimizer_is_timed_on_each_backend() -> None:
    params = [torch.zeros(2, requires_grad=True)]
    timed = maker.timed_optimizers(params)
    assert len(timed) == 1 + len(maker.BACKENDS) * len(set(OPTIMIZERS.values()))
    assert {type(each).__module__ for each in timed.values()} >= {entry.cls.__module__ for entry in ENTRIES.values()}
