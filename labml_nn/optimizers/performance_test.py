r"""
---
title: Performance test
summary: How fast Adam can be in PyTorch - the memory it has to move, how to time it fairly, and what came out.
symbols:
  numbers: n
---

# How fast the steps are

Here Adam is run by each of the [backends](backends.py), and timed beside the three ways that PyTorch has and beside a
well-known collection.

```sh
python -m labml_nn.optimizers.performance_test --numbers 10M --tensors 60 --threads 1
```

prints one table like those below. `make bench` prints eight, for models of 0.1M numbers in 6 tensors, of 10M in 60 and
in 1,000, and of 100M in 200, each on one thread and on two. All of it is about the CPU.

## What a step has to do

For each number Adam reads the weight, the gradient and two averages, and writes the weight and the averages. In single
precision these are $(4 + 3) \cdot 4 = 28$ bytes. The arithmetic in between is nothing beside that. With $n$ numbers,
and memory that moves $c$ bytes in a second, a step of a large model takes about

$$\frac{28 \, n}{c}$$

seconds at best. So the tables say how many bytes a method moves in a second if it moves these 28, and beside it how
many the same machine moves when it copies a large tensor. A method at a third of the copy goes through memory three
times.

There are two reasons for being faster than the copy. A small model stays in the cache. And a processor that writes
where it has not read before reads that place first, so an ordinary copy really moves three bytes where two are counted.
Adam has read whatever it writes. The true $c$ is up to 1.5 times the speed of the copy.

## How it is timed

**As a ratio.** Milliseconds say more about the machine than about the method. What carries over is the ratio to a
method that everybody has: `torch.optim.Adam(fused=True)`, one hand-written loop over everything.

**Turn by turn.** Other work on a machine comes and goes, and clocks change with heat. If one method were timed after
the other, whatever happens meanwhile would count for one of them alone. So each round runs every method once, in an
order drawn anew, and the ratio is taken within the round. The result is the median over the rounds: one that was
disturbed does not count for more than any other.

**The first step apart.** It makes the state, and compiles where there is something to compile. That is paid once, so it
has a column of its own. Nothing that was compiled before is used. The time to load the compiler is paid once for all,
and stands above the table. What a machine pays once, before it compiles for the first time, is [not in
it](#know_machine).

**In a process of its own**, for each model and each number of threads. Nothing is left over from the one before.

**On the same weights and gradients**, each method with state of its own. The gradients stay the same throughout. The
tensors of one model are of one length; with many different shapes, compiling takes longer.

Memory is what the process has at its peak during the first two steps, over what it had before. That is state, working
memory and compiler. Adam's state alone is $8 \, n$ bytes.

## What came out

These are the numbers of one run of `python -m benchmarks optimizers --rounds 15`, which is a part of `make bench`, on
25 November 2026: two virtual cores of an AMD EPYC with AVX-512, 25 GB of memory, Linux, GCC 12.2, Python 3.11, torch
2.13.0, pytorch_optimizer 4.1.0. There were 60 rounds, and 15 for the largest model. The load was between 1.0 and 2.3,
of which one is our own. `make bench` measures again, on your machine.

Time of a step, as a ratio to `torch.optim.Adam(fused=True)`. RAdam is that of `pytorch_optimizer`:

| model        | threads | eager | compiled | flat | `foreach=False` | `foreach=True` | RAdam |
| ------------ | ------: | ----: | -------: | ---: | --------------: | -------------: | ----: |
| 0.1M in 6    |       1 |  2.17 |     1.13 | 1.13 |            2.58 |           2.50 |  1.86 |
| 0.1M in 6    |       2 |  2.68 |     1.19 | 1.21 |            3.24 |           3.03 |  2.28 |
| 10M in 60    |       1 |  2.13 |     0.97 | 0.98 |            2.44 |           5.34 |  5.18 |
| 10M in 60    |       2 |  2.37 |     0.98 | 0.98 |            2.89 |           5.96 |  5.66 |
| 10M in 1,000 |       1 |  2.62 |     0.75 | 0.71 |            3.22 |           3.41 |  2.86 |
| 10M in 1,000 |       2 |  2.58 |     0.58 | 0.62 |            3.21 |           3.19 |  2.79 |
| 100M in 200  |       1 |  2.35 |     1.05 | 1.01 |            5.65 |           6.51 |  6.01 |
| 100M in 200  |       2 |  1.88 |     0.98 | 1.01 |            4.26 |           5.27 |  5.13 |

To `foreach=False`, and GB moved in a second:

| model        | threads | eager / `foreach=False` | fused | compiled | flat | copy |
| ------------ | ------: | ----------------------: | ----: | -------: | ---: | ---: |
| 0.1M in 6    |       1 |                    0.86 |  24.4 |     22.2 | 21.1 | 22.1 |
| 0.1M in 6    |       2 |                    0.82 |  29.6 |     24.9 | 24.4 | 29.6 |
| 10M in 60    |       1 |                    0.87 |  35.7 |     37.1 | 36.6 | 23.4 |
| 10M in 60    |       2 |                    0.85 |  52.5 |     48.5 | 48.0 | 36.8 |
| 10M in 1,000 |       1 |                    0.82 |  22.5 |     30.0 | 31.9 | 27.1 |
| 10M in 1,000 |       2 |                    0.79 |  20.6 |     34.3 | 32.2 | 31.1 |
| 100M in 200  |       1 |                    0.42 |  47.3 |     45.7 | 45.8 | 27.5 |
| 100M in 200  |       2 |                    0.43 |  54.1 |     55.1 | 54.0 | 33.5 |

Seconds of the first step, and memory in MB:

| model        | threads | load compiler | compiled |  flat | fused, eager | `foreach=True` | compiled | flat |
| ------------ | ------: | ------------: | -------: | ----: | -----------: | -------------: | -------: | ---: |
| 0.1M in 6    |       1 |         5.5 s |    1.8 s | 1.4 s |         2, 1 |              2 |       42 |   37 |
| 0.1M in 6    |       2 |         4.6 s |    1.3 s | 1.1 s |         2, 1 |              2 |       42 |   37 |
| 10M in 60    |       1 |         4.8 s |    1.7 s | 1.4 s |       81, 81 |            121 |      122 |  116 |
| 10M in 60    |       2 |         4.7 s |    1.4 s | 1.2 s |       81, 81 |            121 |      121 |  116 |
| 10M in 1,000 |       1 |         4.4 s |    1.2 s | 1.2 s |       83, 82 |            123 |      124 |  199 |
| 10M in 1,000 |       2 |         4.4 s |    1.4 s | 1.2 s |       83, 82 |            123 |      124 |  199 |
| 100M in 200  |       1 |         4.9 s |    3.8 s | 3.4 s |     803, 806 |           1201 |      842 |  836 |
| 100M in 200  |       2 |         5.1 s |    3.1 s | 3.1 s |     803, 810 |           1201 |      842 |  836 |

From one process to the next, these ratios move by some hundredths: where tensors lie in memory is part of them. Of the
tensors of 10M in 60 and of 100M in 200 flat gathers nothing, so it does what compiled does, and what differs between
the two is that.

What we had set out to reach, and what became of it:

* **Eager no slower than `foreach=False`:** met everywhere.
* **Compiled at most 1.0 of fused for 10M in 60 and 100M in 200:** met, but for one number. With 100M on one thread five
  runs gave 0.99, 1.00, 1.02, 1.04 and 1.05, and flat, which does the same there, 0.99 to 1.01. All move the same bytes
  as fast as memory lets them.
* **Flat at most 0.75 of fused for 10M in 1,000:** met, with 0.71 on one thread and 0.62 on two. The run before gave
  0.70 and 0.46. The loop takes about 0.55. The rest is Python: finding gradients and state, and looking whether all is
  as it was.
* **Its first step in under 10 s:** met, with 5.6 s in a process that has compiled nothing yet. The first time that
  anything is compiled on a machine, PyTorch takes 8 s more.

For a tenth of a million numbers in six tensors compiled takes 1.1 to 1.2 of fused: a step is 0.1 ms, and what is done
once in each step is a tenth of that.

Flat keeps the state of short tensors in one place, and what it moves there stays in memory until it has moved all. So
it needs more memory than compiled, but only while it makes its plan.

## What to take

Fused, if PyTorch's Adam is all you need, your parameters are in one place and your tensors are large: nothing here is
much faster then. With many tensors of some thousand numbers, or fewer, `backend="flat"` and `"compiled"` are faster
than fused. With a thousand of 100 numbers they took 0.3 of its time, with a thousand of 1,000 numbers 0.4 to 0.5. Flat
is a little ahead where the tensors are short; compiled needs less memory to begin. For a method that PyTorch has no
fused loop for, both come close to one anyhow. A large model's step takes about half the time of an eager one, which
pays for compiling, and for loading the compiler, after some hundred steps. The default is for short runs, and for
looking at what happens.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import torch
from torch.optim import Optimizer

from labml_nn.optimizers.adam import Adam

# Bytes that a step of Adam has to move for each number, in single precision
BYTES = (4 + 3) * 4

# Rounds that are not counted. Memory settles in the first of them, and RAdam has another, shorter rule for its first
# five steps.
WARM_UP = 6

# What is copied to see how fast memory is: 256 MB, more than fits into any cache.
COPIED = 2**26

FUSED, FOREACH, LOOP = "torch fused", "torch foreach=True", "torch foreach=False"
RADAM = "pytorch_optimizer RAdam"
EAGER, COMPILED, FLAT = "ours eager", "ours compiled", "ours flat"

# The methods that others are compared with, and what heads their columns
REFERENCES = {FUSED: "/ fused", FOREACH: "/ foreach", LOOP: "/ no foreach", RADAM: "/ RAdam"}


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

    Returns each with its name. Where `pytorch_optimizer` is not installed it is left out.

    The `Adam` of that collection is PyTorch's own under another name. So its RAdam stands in, which after its first
    five steps does Adam's arithmetic with another step size.
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


def first_step(optimizer: Optimizer) -> None:
    """
    ## Take a first step

    As if nothing had been compiled before.
    """
    from torch._inductor.utils import fresh_cache

    with fresh_cache():
        optimizer.step()


def load_compiler() -> None:
    """
    ## Load the compiler

    By compiling as little as can be, which nobody has compiled before.
    """
    number = random.random()
    torch.compile(lambda tensor: tensor + number)(torch.zeros(2))


@cache
def know_machine() -> None:
    """
    ## Let PyTorch find out what the machine can do

    When it compiles for the first time on a machine, it tries which instructions the C++ compiler and the processor
    know. That takes 8 s here. It keeps on disk what it found, for all processes to come, so it has to have compiled
    something.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        process.submit(load_compiler).result()


def begin(optimizer: Optimizer) -> tuple[float, float | None]:
    """
    ## Take the first two steps

    Returns the seconds of the first, and the bytes that [both need](#peak) at most.
    """
    first = []

    def steps() -> None:
        first.append(seconds(lambda: first_step(optimizer)))
        optimizer.step()

    memory = peak(steps)
    return first[0], memory


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
    began = {name: begin(optimizer) for name, optimizer in running.items()}

    source, target = torch.ones(COPIED), torch.zeros(COPIED)
    steps: dict[str, list[float]] = {name: [] for name in running}
    copies = []
    order = random.Random(0)
    for number in range(WARM_UP + rounds):
        # In an order drawn anew, so that no method always comes after the same other one
        names = order.sample(list(running), len(running))
        taken = {name: seconds(running[name].step, model.turn) for name in names}
        copied = seconds(lambda: target.copy_(source))

        if number >= WARM_UP:
            for name in running:
                steps[name].append(taken[name])
            # Each byte is read once and written once.
            copies.append(2 * source.nbytes / copied)

    first = {name: duration for name, (duration, _) in began.items()}
    memory = {name: most for name, (_, most) in began.items()}
    return Measured(model, threads, load, compiler, first, memory, steps, copies)


def measure_apart(model: Model, threads: int, rounds: int) -> Measured:
    """
    ## Measure in a process of its own
    """
    know_machine()
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
    heading, *body = [
        [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        for row in rows
    ]
    ruler = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heading, ruler, *body))


def count(text: str) -> int:
    """
    ## Read a count

    `"10M"` is `"10_000_000"`. Raises `ValueError` for what is not a whole number of at least 1.
    """
    value = float(text[:-1]) * 1e6 if text.endswith("M") else float(text)
    if value < 1 or not value.is_integer():
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

    # A turn that steps some millions of numbers takes milliseconds.
    turn = max(1, 5_000_000 // arguments.numbers)
    model = Model(arguments.numbers, arguments.tensors, turn)
    print(table(measure_apart(model, arguments.threads, arguments.rounds)))


if __name__ == "__main__":
    main()
