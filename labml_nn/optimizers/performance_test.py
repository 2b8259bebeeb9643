r"""
---
title: Performance test
summary: How fast Adam can be in PyTorch - the memory it has to move, how to time it fairly, and what came out.
symbols:
  numbers: n
  speed: c
---

# How fast the steps are

Here Adam is run by each of the [backends](backends.py) and timed beside the ways that PyTorch has, and beside a
well-known collection.

```sh
python -m labml_nn.optimizers.performance_test --numbers 10M --tensors 60 --threads 1
```

prints one table like those below. `make bench` prints all of them, for models of 0.1M numbers in 6 tensors, of 10M in 60
and in 1,000, and of 100M in 200, on one thread and on two. It takes some minutes.

## What a step has to do

For each number Adam reads the weight, the gradient and two averages, and writes the weight and the averages. In single
precision these are $(4 + 3) \cdot 4 = 28$ bytes. The arithmetic in between is nothing beside that. With $n$ numbers,
and memory that moves $c$ bytes in a second, no step of a large model is faster than

$$\frac{28 \, n}{c}$$

seconds. So the tables say how many bytes of these 28 a method moves in a second, and beside it how many the same machine
moves when it copies a large tensor. A method close to the copy is as good as it can get. One at a third of it goes through
memory three times. A small model that stays in the cache can be faster than the copy.

## How it is timed

**As a ratio.** Milliseconds say more about the machine than about the method. What carries over is the ratio to a
method that everybody has: `torch.optim.Adam(fused=True)`, one hand-written loop over everything.

**Turn by turn.** Other work on a machine comes and goes, and clocks change with heat. If one method were timed
after the other, whatever happens meanwhile would count for one of them alone. So each round runs every method once, in an
order drawn anew, and the ratio is taken within the round. The result is the median over the rounds: a round that something
disturbed does not count for more than any other.

**The first step apart.** It makes the state, and compiles where there is something to compile. That is paid once, so it
stands in a column of its own. Nothing that was compiled before is used. The time to load the compiler is paid once for
all, so it stands above the table.

**In a process of its own**, for each model and each number of threads. So nothing is left over from the one before.

**On the same weights and gradients**, each method with state of its own. Gradients stay the same throughout. The tensors of
one model are of one length. A model with many different shapes takes longer to compile.

Memory is what the process has at its peak during the first two steps, over what it had before. That is state, working memory
and compiler. Adam's state alone is $8 \, n$ bytes.

RESULTS
"""

from __future__ import annotations

import argparse
import ctypes
import math
import os
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import torch
from torch.optim import Optimizer

from labml_nn.optimizers.adam import Adam

# Bytes that a step of Adam has to move for each number, in single precision
BYTES = (4 + 3) * 4

# Rounds that are not counted. PyTorch's allocator and the cache settle in the first of them, and RAdam has another, shorter
# rule for its first five steps.
WARM_UP = 6

# What is copied to see how fast memory is: 256 MB, more than fits into any cache.
COPIED = 2**26

FUSED, FOREACH, LOOP = "torch fused", "torch foreach=True", "torch foreach=False"
RADAM, ADABELIEF = "pytorch_optimizer RAdam", "pytorch_optimizer AdaBelief"
EAGER, COMPILED, FLAT = "ours eager", "ours compiled", "ours flat"

# The methods that others are compared with, and what heads their columns
REFERENCES = {FUSED: "/ fused", FOREACH: "/ foreach", LOOP: "/ no foreach", RADAM: "/ po RAdam", ADABELIEF: "/ po AdaBelief"}


@dataclass(frozen=True)
class Model:
    r"""
    ## What is stepped

    * `numbers` is $n$
    * `tensors` is how many tensors of one length they are in
    * `turn` is how many steps make one turn. A step that takes microseconds cannot be timed alone.
    """

    numbers: int
    tensors: int
    turn: int = 1

    @property
    def name(self) -> str:
        """
        ### What to call it
        """
        return f"{self.numbers / 1e6:g}M in {self.tensors:,}"

    def parameters(self) -> list[torch.Tensor]:
        """
        ### Weights with their gradients
        """
        generator = torch.Generator().manual_seed(0)
        params = []
        for length in lengths(self.numbers, self.tensors):
            param = torch.randn(length, generator=generator).requires_grad_()
            param.grad = torch.randn(length, generator=generator).mul_(0.01)
            params.append(param)
        return params


def lengths(numbers: int, tensors: int) -> list[int]:
    """
    ## Share out

    Returns so many lengths that add up to `numbers`. The first few are longer by one where it does not come out even.
    """
    each, rest = divmod(numbers, tensors)
    return [each + (place < rest) for place in range(tensors)]


MODELS = (Model(100_000, 6, turn=50), Model(10_000_000, 60), Model(10_000_000, 1_000), Model(100_000_000, 200))


@dataclass(frozen=True)
class Measured:
    """
    ## What is found

    Of one model on so many threads:

    * `load` is the load average of the last minute before, over all cores. Beyond their number, others were at work.
    * `compiler` is how long it takes to load the compiler, in seconds
    * `first` are the seconds of the first step of each method
    * `memory` are the bytes that its first two steps need at most, or `None` where that cannot be known
    * `steps` are the seconds of a later step, one entry for each round
    * `copies` are the bytes that copying moves in a second, one entry for each round
    """

    model: Model
    threads: int
    load: float
    compiler: float
    first: dict[str, float]
    memory: dict[str, float | None]
    steps: dict[str, list[float]]
    copies: list[float]

    def ratio(self, ours: str, theirs: str) -> float:
        """
        ### One method to another

        The median of the quotients, each of which was taken within a round.
        """
        return median(a / b for a, b in zip(self.steps[ours], self.steps[theirs], strict=True))

    def speed(self, method: str) -> float:
        r"""
        ### Bytes in a second

        As if each number took 28 bytes, however often the method moves them.
        """
        return BYTES * self.model.numbers / median(self.steps[method])


def optimizers(params: list[torch.Tensor]) -> dict[str, Optimizer]:
    """
    ## The methods

    Returns each with its name. Without `pytorch_optimizer` there are none of its own.

    Its `Adam` is PyTorch's under another name, so two of its relatives stand in. RAdam does Adam's arithmetic, but for
    its first steps, and has been the fastest of its family here. AdaBelief takes one subtraction more than Adam.
    """
    methods: dict[str, Optimizer] = {
        FUSED: torch.optim.Adam(params, fused=True),
        LOOP: torch.optim.Adam(params, foreach=False),
        FOREACH: torch.optim.Adam(params, foreach=True),
        EAGER: Adam(params, backend="eager"),
        COMPILED: Adam(params, backend="compiled"),
        FLAT: Adam(params, backend="flat"),
    }
    with suppress(ImportError):
        import pytorch_optimizer

        methods[RADAM] = pytorch_optimizer.RAdam(params)
        methods[ADABELIEF] = pytorch_optimizer.AdaBelief(params)
    return methods


def seconds(run: Callable[[], object], times: int = 1) -> float:
    """
    ## How long does it take?

    The mean of so many runs in a row.
    """
    start = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - start) / times


def peak(run: Callable[[], object]) -> float | None:
    """
    ## How much memory does it take?

    Returns the bytes that the process had at its peak while `run` ran, over what it had before. Only Linux can tell.
    """
    status = Path("/proc/self/status")

    def entry(name: str) -> int:
        lines = status.read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))

    try:
        # What was freed before but not given back would be used again, and not be seen.
        ctypes.CDLL(None).malloc_trim(0)

        # This sets the peak back to what there is now.
        Path("/proc/self/clear_refs").write_text("5")
        before = entry("VmRSS")
    except (OSError, AttributeError, TypeError):
        run()
        return None

    run()
    return entry("VmHWM") - before


def load_compiler() -> None:
    """
    ## Load the compiler

    By compiling as little as can be.
    """
    param = torch.zeros(2, requires_grad=True)
    param.grad = torch.zeros(2)
    first_step(Adam([param], backend="compiled"))


def first_step(optimizer: Optimizer) -> None:
    """
    ## Take a first step

    With nothing compiled before.
    """
    from torch._inductor.utils import fresh_cache

    with fresh_cache():
        optimizer.step()


def measure(
    model: Model,
    threads: int,
    rounds: int,
    methods: Callable[[list[torch.Tensor]], dict[str, Optimizer]] = optimizers,
) -> Measured:
    """
    ## Measure in this process

    Sets its number of threads.
    """
    torch.set_num_threads(threads)
    load = os.getloadavg()[0]
    compiler = seconds(load_compiler)

    # The weights are shared, so that a large model fits into memory with the state of all methods.
    running = methods(model.parameters())
    first: dict[str, float] = {}
    memory: dict[str, float | None] = {}
    for name, optimizer in running.items():

        def start(name: str = name, optimizer: Optimizer = optimizer) -> None:
            first[name] = seconds(lambda: first_step(optimizer))
            optimizer.step()

        memory[name] = peak(start)

    source, target = torch.ones(COPIED), torch.zeros(COPIED)
    steps: dict[str, list[float]] = {name: [] for name in running}
    copies = []
    order = random.Random(0)
    for number in range(WARM_UP + rounds):
        # In an order drawn anew, so that no method always comes after the same other one.
        taken = {
            name: seconds(running[name].step, model.turn) for name in order.sample(list(running), len(running))
        }
        copied = seconds(lambda: target.copy_(source))

        if number >= WARM_UP:
            for name, duration in taken.items():
                steps[name].append(duration)
            # Each byte is read once and written once.
            copies.append(2 * source.nbytes / copied)

    return Measured(model, threads, load, compiler, first, memory, steps, copies)


def measure_apart(model: Model, threads: int, rounds: int) -> Measured:
    """
    ## Measure in a process of its own
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measure, model, threads, rounds).result()


def table(measured: Measured) -> str:
    """
    ## The table
    """
    references = [name for name in REFERENCES if name in measured.steps]
    rows = [["", "step", *(REFERENCES[name] for name in references), "first step", "memory", "GB/s"]]
    for name, taken in measured.steps.items():
        most = measured.memory[name]
        rows.append(
            [
                name,
                f"{1e3 * median(taken):.2f} ms",
                *(f"{measured.ratio(name, other):.2f}" for other in references),
                f"{measured.first[name]:.2f} s",
                "" if most is None else f"{most / 1e6:.0f} MB",
                f"{measured.speed(name) / 1e9:.1f}",
            ]
        )

    threads = "1 thread" if measured.threads == 1 else f"{measured.threads} threads"
    heading = (
        f"{measured.model.name}, {threads}: load {measured.load:.2f}, {len(measured.copies)} rounds, "
        f"compiler loaded in {measured.compiler:.1f} s, a copy moves {median(measured.copies) / 1e9:.1f} GB/s"
    )
    return "\n".join([heading, "", aligned(rows)])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """
    ## Columns under each other

    As a table of Markdown. The first column is to the left, the others are to the right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        first, *rest = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append(f"| {' | '.join([first, *rest])} |")
    ruler = [("-" * widths[0]), *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([lines[0], f"| {' | '.join(ruler)} |", *lines[1:]])


def count(text: str) -> int:
    """
    ## Read a count

    `"10M"` and `"10_000_000"` are the same. Raises `ValueError` for what is not a count of at least 1.
    """
    value = float(text[:-1]) * 1e6 if text.endswith("M") else float(text)
    if not math.isfinite(value) or value < 1 or value != int(value):
        raise ValueError(f"expected a count such as 60 or 10M, got {text!r}")
    return int(value)


def main() -> None:
    """
    ## From the command line
    """
    parser = argparse.ArgumentParser(
        prog="python -m labml_nn.optimizers.performance_test", description="Time a step of Adam, run in several ways."
    )
    parser.add_argument("--numbers", type=count, default=count("10M"), help="how many, as 10M (the default)")
    parser.add_argument("--tensors", type=count, default=60, help="in how many tensors (default: 60)")
    parser.add_argument("--threads", type=count, default=1, help="on how many threads (default: 1)")
    parser.add_argument("--rounds", type=count, default=15, help="how many rounds are timed (default: 15)")
    arguments = parser.parse_args()
    if arguments.tensors > arguments.numbers:
        parser.error(f"--tensors must be at most --numbers, {arguments.numbers}, got {arguments.tensors}")

    # A turn of at least a million numbers or so takes long enough to be timed.
    turn = max(1, 5_000_000 // arguments.numbers)
    model = Model(arguments.numbers, arguments.tensors, turn)
    print(table(measure_apart(model, arguments.threads, arguments.rounds)))


if __name__ == "__main__":
    main()
