"""
# What a suite found

A suite gives a `Result`: rows to read, and the raw runs behind them. This module prints the rows with their targets
beside them and writes everything down as JSON, together with the circumstances under which it was measured.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

OUT = Path(__file__).with_name("out")

# How a number of each unit is shown.
_FORMATS = {
    "s": "{:.2f} s",
    "ms": "{:.2f} ms",
    "MB": "{:.0f} MB",
    "KB": "{:.1f} KB",
    "points": "{:.0f}",
    "pages/s": "{:.0f} pages/s",
    "times": "{:.1f} times",
    "%": "{:.0f} %",
    "shift": "{:.4f}",
}


@dataclass(frozen=True)
class Row:
    """
    ## One comparison

    * `ours` and `theirs` are in `unit`; `theirs` may be missing
    * `ratio` is ours to theirs. It need not be the quotient of the two: where they were measured in pairs, it is the
      median of the pairs' quotients, which a busy machine disturbs less
    * `target` is the most that the ratio may be, `limit` the most that `ours` may be, `least` the least
    """

    what: str
    ours: float
    unit: str
    theirs: float | None = None
    ratio: float | None = None
    target: float | None = None
    limit: float | None = None
    least: float | None = None

    @property
    def verdict(self) -> str:
        """Whether all bounds are met; empty where there is none."""
        pairs = ((self.ratio, self.target), (self.ours, self.limit), (self.least, self.ours))
        kept = [value <= most for value, most in pairs if value is not None and most is not None]
        return ("met" if all(kept) else "missed") if kept else ""


@dataclass(frozen=True)
class Result:
    """
    ## What a suite gives

    `compared` says what was compared, in versions and sizes. `columns` are the names of ours and theirs. `runs` is the
    raw material, anything that JSON can hold.
    """

    compared: Mapping[str, str]
    columns: tuple[str, str]
    rows: Sequence[Row]
    runs: Mapping[str, Any]


def circumstances(rounds: int) -> dict[str, Any]:
    """
    ## Under which circumstances is this measured?

    The load is that of the last minute before the start: beyond the number of cores, times mean little.
    """
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "rounds": rounds,
    }


def as_text(suite: str, circumstances: Mapping[str, Any], result: Result) -> str:
    """
    ## The table, with what was compared above it
    """
    table = [("", *result.columns, "ratio", "target", ""), *(_cells(row) for row in result.rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        f"{cells[0]:<{widths[0]}}"
        + "".join(f"  {cell:>{width}}" for cell, width in zip(cells[1:], widths[1:], strict=True))
        for cells in table
    ]
    facts = [f"{name}: {value}" for name, value in {**circumstances, **result.compared}.items()]
    return "\n".join([f"## {suite}", "", *facts, "", *(line.rstrip() for line in lines), ""])


def _cells(row: Row) -> tuple[str, ...]:
    show = _FORMATS[row.unit].format
    theirs = "" if row.theirs is None else show(row.theirs)
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    targets = [] if row.target is None else [f"<= {row.target:.2f}"]
    targets += [] if row.limit is None else [f"<= {show(row.limit)}"]
    targets += [] if row.least is None else [f">= {show(row.least)}"]
    return row.what, show(row.ours), theirs, ratio, ", ".join(targets), row.verdict


def write(suite: str, circumstances: Mapping[str, Any], result: Result) -> Path:
    """
    ## Write everything down

    Returns the path of the JSON file, relative to the working directory where it is below it.
    """
    OUT.mkdir(exist_ok=True)
    path = OUT / f"{suite}.json"
    rows = [asdict(row) | {"verdict": row.verdict} for row in result.rows]
    content = {**circumstances, "compared": dict(result.compared), "rows": rows, "runs": dict(result.runs)}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
