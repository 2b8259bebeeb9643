"""
# Running a command and watching it

Time and memory are measured in different runs. Adding up the memory of a tree of processes every 20 ms costs the
machine enough to show in the time. Runs that take long are looked at seldom, and then both are taken from one.
"""

from __future__ import annotations

import math
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

INTERVAL, SELDOM = 0.02, 0.3


@dataclass(frozen=True)
class Time:
    """
    ## Seconds that a command took

    `cpu` is that of all its processes together.
    """

    wall: float
    cpu: float


@dataclass(frozen=True)
class Memory:
    """
    ## The peaks of memory during a command, in MB of 10^6 bytes

    * `python` is that of its Python processes together, at one time. A page that several of them share counts once
      (it is the sum of their proportional set sizes), since worker processes share most of theirs
    * `largest` is the resident set of the largest Python process, shared pages included
    * `node` is that of its Node processes together
    """

    python: float
    largest: float
    node: float


def timed(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Time:
    """
    ## Run a command and time it

    Raises `RuntimeError` with what the command printed when it fails.
    """

    def run(*arguments: Any) -> None:
        with _running(*arguments) as process:
            process.wait()

    return _timed(run, command, folder, environment)


def _timed(run: Callable[..., None], *arguments: Any) -> Time:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    run(*arguments)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Time(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


class TooSlow(Exception):
    """
    ### A command took longer than anybody wants to wait
    """


def watched(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    interval: float = INTERVAL,
    limit: float = math.inf,
) -> Memory:
    """
    ## Run a command and watch its memory

    Every `interval` seconds. Raises as `timed` does, and `TooSlow` after `limit` seconds.
    """
    python = largest = node = 0
    start = time.perf_counter()
    with _running(command, folder, environment) as process:
        root = psutil.Process(process.pid)
        while process.poll() is None:
            sizes = _sizes(root)
            python = max(python, sum(shared for program, shared, _ in sizes if program == "python"))
            largest = max([largest, *(resident for program, _, resident in sizes if program == "python")])
            node = max(node, sum(shared for program, shared, _ in sizes if program == "node"))
            if time.perf_counter() - start > limit:
                raise TooSlow
            with suppress(subprocess.TimeoutExpired):
                process.wait(interval)
    return Memory(python / 1e6, largest / 1e6, node / 1e6)


def both(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], limit: float = math.inf
) -> tuple[Time, Memory]:
    """
    ## Time a command and watch its memory

    For one that takes many seconds. Raises as `watched` does.
    """
    memory: list[Memory] = []

    def run(*arguments: Any) -> None:
        memory.append(watched(*arguments, SELDOM, limit))

    return _timed(run, command, folder, environment), memory[0]


@contextmanager
def _running(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode:
            output.seek(0)
            said = output.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(command[:3])} … failed:\n{said}")


def _sizes(root: psutil.Process) -> list[tuple[str, int, int]]:
    """Return (program, proportional set, resident set) of each process, in bytes."""
    sizes = []
    with suppress(psutil.NoSuchProcess):
        for process in (root, *root.children(recursive=True)):
            # Processes come and go while one looks.
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                name = Path(process.exe()).name
                program = next((each for each in ("python", "node") if name.startswith(each)), "")
                memory = process.memory_full_info()
                sizes.append((program, getattr(memory, "pss", memory.rss), memory.rss))
    return sizes
