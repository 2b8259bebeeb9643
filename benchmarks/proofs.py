r"""
# The proofs of the optimizers

    python -m benchmarks.proofs

runs the tests that compare an optimizer with others, times its steps, and writes what came out into
`labml_nn/optimizers/proofs.json`, from which the site takes the [tables of its pages](../sidelit/proofs.py). A number
there is one that a test asserted something about, or a time. Where a test fails, nothing is written.

Steps are timed as [the performance test](../labml_nn/optimizers/performance_test.py) does it, all optimizers in turn.
With other work on the machine the ratios mean less; the load is written down with them.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor
from torch.optim import Adam as TorchAdam
from torch.optim import Optimizer
from tqdm import tqdm

from labml_nn.optimizers.configs import OPTIMIZERS
from labml_nn.optimizers.performance_test import WARM_UP, Measured, Model, measure
from sidelit.code_version import code_version

ROOT = Path(__file__).resolve().parent.parent
PROOFS = ROOT / "labml_nn" / "optimizers" / "proofs.json"
TESTS = "tests/optimizers"

# What is stepped. A model of this size fits into no cache.
MODEL, THREADS, ROUNDS = Model(10_000_000, 60), 1, 20
FUSED = "torch.optim.Adam(fused=True)"
BACKENDS = ("eager", "compiled")

# What each needs beside the parameters
OPTIONS: Mapping[str, Mapping[str, Any]] = {"AdamWarmupCosineDecay": {"total_steps": 1000}}

Fact = dict[str, Any]

# What the fixture `facts` of the tests calls a fact in a report, and how it knows that proofs are made again
FACT = "fact"
MADE_AGAIN = pytest.StashKey[bool]()


# ## From tests to facts


@dataclass
class Recorder:
    """
    ### A plugin of pytest that keeps what tests record

    Only those run that record something.
    """

    facts: list[Fact] = field(default_factory=list)

    def pytest_configure(self, config: pytest.Config) -> None:
        """Tell the tests that the old proofs mean nothing now."""
        config.stash[MADE_AGAIN] = True

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the others out."""
        items[:] = [item for item in items if "facts" in getattr(item, "fixturenames", ())]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a test recorded, with its name."""
        if report.when == "call" and report.passed:
            test = report.nodeid.partition("[")[0]
            self.facts += [{**value, "test": test} for name, value in report.user_properties if name == FACT]


def recorded(tests: Sequence[str] = (TESTS,), arguments: Sequence[str] = ()) -> list[Fact]:
    """
    ### What the tests found out

    Raises `RuntimeError` where one fails.
    """
    recorder = Recorder()
    status = pytest.main([*tests, "-q", "-p", "no:cacheprovider", *arguments], plugins=[recorder])
    if status != pytest.ExitCode.OK:
        raise RuntimeError("the tests fail: no proof is written")
    return recorder.facts


def joined(facts: Iterable[Fact]) -> dict[str, dict[str, Any]]:
    """
    ### The facts by module, those of one kind as one

    Of the runs of one comparison it is the largest difference that counts.
    """
    modules: dict[str, dict[str, Any]] = {}
    groups: dict[tuple[Any, ...], Fact] = {}
    for fact in facts:
        kind, module, optimizer = fact["kind"], fact["module"], fact["optimizer"]
        about = {key: value for key, value in fact.items() if key not in ("kind", "module", "optimizer")}
        proof = modules.setdefault(module, {"name": optimizer, "comparisons": [], "cases": [], "measurements": []})
        own = {key: value for key, value in about.items() if key not in ("difference", "case", "name")}
        name = about.get("name") if kind == "measurements" else None
        key = (module, kind, name, *sorted(own.items()))
        if key not in groups:
            start = {"comparisons": {"difference": 0.0, "runs": 0}, "cases": {"passed": {}}}.get(kind, {"name": name})
            groups[key] = {**own, **start}
            proof[kind].append(groups[key])
        group = groups[key]
        if kind == "comparisons":
            group["difference"] = max(group["difference"], about["difference"])
            group["runs"] += 1
        elif kind == "cases":
            group["passed"][about["case"]] = about["name"]
    for group in groups.values():
        if "passed" in group:
            group["passed"] = list(group["passed"].values())
        if "difference" in group:
            # Two digits are all that is the same on another machine, if any.
            group["difference"] = float(f"{group['difference']:.1e}")
    return modules


# ## Speed


def timed_optimizers(params: list[Tensor]) -> dict[str, Optimizer]:
    """
    ### What is timed: every optimizer on each backend, and PyTorch's Adam

    With a bar that shows how many steps are taken.
    """
    found: dict[str, Optimizer] = {FUSED: TorchAdam(params, fused=True)}
    for place in sorted(set(OPTIMIZERS.values())):
        module, name = f"labml_nn.optimizers.{place}".rsplit(".", 1)
        cls = getattr(importlib.import_module(module), name)
        for backend in BACKENDS:
            found[f"{module} {backend}"] = cls(params, backend=backend, **OPTIONS.get(name, {}))
    bar = tqdm(total=len(found) * (2 + (WARM_UP + ROUNDS) * MODEL.turn), desc="steps", unit="step")
    for optimizer in found.values():
        optimizer.register_step_post_hook(lambda *_: bar.update() and None)
    return found


def timed() -> Measured:
    """
    ### Time them, in a process of its own
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measure, MODEL, THREADS, ROUNDS, timed_optimizers).result()


def ratios(measured: Measured) -> dict[str, list[Fact]]:
    """
    ### Each step to one of PyTorch's Adam, by module
    """
    over = f"{measured.model.name}, {measured.threads} thread, load {measured.load:.1f}"
    found: dict[str, list[Fact]] = {}
    for name in measured.steps:
        module, _, backend = name.rpartition(" ")
        if name != FUSED:
            value = round(measured.ratio(name, FUSED), 2)
            fact = {"name": f"Step, {backend}", "value": value, "unit": f"times a step of {FUSED}", "over": over}
            found.setdefault(module, []).append(fact)
    return found


# ## Writing


def circumstances() -> dict[str, Any]:
    """
    ### Where the facts are from
    """
    changed = _git("status", "--porcelain", "--", "labml_nn", TESTS, f":!{PROOFS.relative_to(ROOT)}")
    return {
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted": bool(changed),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, torch {version('torch')}",
        "again": "make proofs",
    }


def _git(*arguments: str) -> str:
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def content(facts: Mapping[str, dict[str, Any]], steps: Mapping[str, list[Fact]], run: dict[str, Any]) -> Fact:
    """
    ### What is in the file
    """
    folder = PROOFS.parent
    files = {}
    for module in sorted(facts):
        path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
        proof = facts[module]
        kinds = {kind: proof[kind] for kind in ("comparisons", "cases", "measurements")}
        kinds["measurements"] = [*steps.get(module, ()), *kinds["measurements"]]
        for fact in (fact for kind in kinds.values() for fact in kind if "test" in fact):
            file, _, name = fact["test"].partition("::")
            fact["test"] = f"{Path(os.path.relpath(ROOT / file, folder)).as_posix()}::{name}"
        shown = Path(os.path.relpath(path, folder)).as_posix()
        files[shown] = {"name": proof["name"], "code": code_version(path), **kinds}
    return {"format": 1, **run, "files": files}


def as_text(value: Any, depth: int = 0) -> str:
    """
    ### JSON with a fact in a line

    So that one sees what has changed.
    """
    if depth < 4 and isinstance(value, (dict, list)) and value:
        pairs = value.items() if isinstance(value, dict) else ((None, each) for each in value)
        heads = ((f"{json.dumps(key)}: " if key is not None else "", each) for key, each in pairs)
        inner = ",\n".join(" " * (depth + 1) + head + as_text(each, depth + 1) for head, each in heads)
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        return f"{opening}\n{inner}\n{' ' * depth}{closing}"
    return json.dumps(value, ensure_ascii=False, sort_keys=isinstance(value, dict))


def main() -> int:
    """Run the tests, time the steps, write the file; return the exit status."""
    run = circumstances()
    try:
        facts = joined(recorded())
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    PROOFS.write_text(as_text(content(facts, ratios(timed()), run)) + "\n", encoding="utf-8")
    note = ", with changes that are in no commit" if run["uncommitted"] else ""
    print(f"{PROOFS.relative_to(ROOT)} says what was found{note}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
