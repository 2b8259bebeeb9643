"""
# The optimizers against PyTorch's

Runs the [performance test](../labml_nn/optimizers/performance_test.py) on four models, on one thread and on two, each
in a fresh process. That page says how a step is timed.

The tables have every method. The rows below them are what has been promised:

* eager is no slower than PyTorch's loop over tensors, `foreach=False`
* compiled is no slower than `fused=True` where the tensors are large
* flat is faster than that where there are many small ones, and does not take long to start
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from statistics import median

from benchmarks.report import Result, Row
from labml_nn.optimizers.performance_test import (
    COMPILED,
    EAGER,
    FLAT,
    FUSED,
    LOOP,
    MODELS,
    Measured,
    measure_apart,
    table,
)

THREADS = (1, 2)
TINY, LARGE, SMALL_TENSORS, HUGE = MODELS

# The most that a step may take, as a ratio to another method's, and the most that a first step may, in seconds.
EAGER_TO_LOOP = 1.0
COMPILED_TO_FUSED = {LARGE: 1.0, HUGE: 1.0}
FLAT_TO_FUSED = {SMALL_TENSORS: 0.75}
FLAT_FIRST = {SMALL_TENSORS: 10.0}

# Steps are short beside what it takes to begin, so there are more rounds of them. The largest model's are not short.
MORE = {TINY: 4, LARGE: 4, SMALL_TENSORS: 4, HUGE: 1}


def run(rounds: int) -> Result:
    """
    ## Measure everything

    Takes about six minutes with five rounds.
    """
    measurements = []
    for model in MODELS:
        for threads in THREADS:
            print(f"{model.name}, threads: {threads}", file=sys.stderr, flush=True)
            measured = measure_apart(model, threads, MORE[model] * rounds)
            print(f"{table(measured)}\n", flush=True)
            measurements.append(measured)

    compared = {name: version(name) for name in ("torch", "pytorch_optimizer")}
    runs = {"measurements": [asdict(measured) for measured in measurements]}
    return Result(compared, ("ours", "theirs"), rows(measurements), runs)


def rows(measurements: Sequence[Measured]) -> list[Row]:
    """
    ## What was promised, and what came out
    """
    found = []
    for measured in measurements:
        model = measured.model
        found += [
            _step_row(measured, EAGER, LOOP, EAGER_TO_LOOP),
            _step_row(measured, COMPILED, FUSED, COMPILED_TO_FUSED.get(model)),
            _step_row(measured, FLAT, FUSED, FLAT_TO_FUSED.get(model)),
            _first_row(measured, FLAT, FLAT_FIRST.get(model)),
        ]
    return found


def _step_row(measured: Measured, ours: str, theirs: str, target: float | None) -> Row:
    our_time, their_time = (1e3 * median(measured.steps[name]) for name in (ours, theirs))
    what = f"{_place(measured)}: {ours} against {theirs}"
    return Row(what, our_time, "ms", their_time, measured.ratio(ours, theirs), target)


def _first_row(measured: Measured, ours: str, limit: float | None) -> Row:
    """Row of a first step, with the time to load the compiler."""
    what = f"{_place(measured)}: {ours}, first step and compiler"
    return Row(what, measured.compiler + measured.first[ours], "s", limit=limit)


def _place(measured: Measured) -> str:
    return f"{measured.model.name}, {measured.threads} thread{'s' if measured.threads > 1 else ''}"
