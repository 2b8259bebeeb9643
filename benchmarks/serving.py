"""
# Saving a file while the site is served

Serves the annotated files with `sidelit serve`, opens one of them in Chromium, and saves changes to it, one after the
other, as an author does: a word in the text, then a formula that was never typeset before. Between two changes the
build of the whole site follows, and is waited for.

* *From save to screen* is the time from when the file is written until the changed text stands in the page.
* *Growth* is how much larger the server's processes are after the changes than they were after the first ones.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import psutil
from playwright.sync_api import Page, sync_playwright

from benchmarks import corpora
from benchmarks.report import Result, Row
from scripts.install_browser import CHROMIUM, find_browser

FILES, FORMULAS = 200, 1500
PAGE = "family_004/rule_10"

# Changes in a round, and those before the first measurement, after which memory has settled.
CHANGES, FIRST = 4, 4

# The most that a change may take, in milliseconds, and that the server may grow for each, in KB.
SAVED, GROWN = 300.0, 100.0

# The changed text is looked for at each change of the document. The script runs in
# every document anew, also when the page is loaded again.
_WATCH = r"""{
  const look = () => {
    const found = /Version (\d+)\b/.exec(document.querySelector("#module")?.textContent ?? "");
    if (found && found[1] !== window.version) {
      window.version = found[1];
      window.seen = performance.timeOrigin + performance.now();
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
}"""


@dataclass(frozen=True)
class Measured:
    """
    ## What was measured

    Milliseconds of each change, and the server's memory in KB before, after, and the number of changes in between.
    """

    words: list[float]
    formulas: list[float]
    before: float
    after: float
    changes: int


def run(rounds: int) -> Result:
    """
    ## Measure everything

    Takes a minute or two with five rounds.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name, sync_playwright() as playwright:
        corpus = corpora.annotated(Path(name, "tree"), FILES, FORMULAS)
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=CHROMIUM)
        with _serving(corpus.folder, Path(name)) as (server, address):
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            page.add_init_script(_WATCH)
            page.goto(f"{address}annotated/{PAGE}.html")
            measured = measure(corpus.folder / f"annotated/{PAGE}.py", page, server, rounds)
        compared = {"site": f"{corpus.size}, {FORMULAS} different formulas", "Chromium": chromium.version}
        chromium.close()
    return Result(compared, ("ours", ""), rows(measured), asdict(measured))


def rows(measured: Measured) -> list[Row]:
    """
    ## What was promised, and what came out
    """
    growth = (measured.after - measured.before) / measured.changes
    return [
        Row("from save to screen, a word", median(measured.words), "ms", limit=SAVED),
        Row("from save to screen, a new formula", median(measured.formulas), "ms", limit=SAVED),
        Row("growth of the server with each change", growth, "KB", limit=GROWN),
    ]


def measure(source: Path, page: Page, server: psutil.Process, rounds: int) -> Measured:
    """
    ## Save changes to a source
    """
    text = source.read_text(encoding="utf-8")
    times: dict[bool, list[float]] = {False: [], True: []}
    for number in range(FIRST + rounds * CHANGES):
        if number == FIRST:
            before = _memory(server)
        if number % CHANGES == 0:
            print(f"saving: round {number // CHANGES} of {rounds}", file=sys.stderr, flush=True)
        with_formula = number % 2 == 1
        formula = f", and $x_{{{number}}} + {number}$" if with_formula else ""
        start = time.time() * 1000
        source.write_text(text.replace("\nIt was", f"\nVersion {number + 1}{formula}.\nIt was", 1), encoding="utf-8")
        page.wait_for_function(f"window.version === '{number + 1}'", polling=50)
        took = page.evaluate("window.seen") - start
        if number >= FIRST:
            times[with_formula].append(took)
        _wait_for_quiet(server)
    return Measured(times[False], times[True], before, _memory(server), rounds * CHANGES)


def _memory(server: psutil.Process) -> float:
    """The resident sets of the server and its children, in KB."""
    return sum(each.memory_info().rss for each in (server, *server.children(recursive=True))) / 1000


def _wait_for_quiet(server: psutil.Process) -> None:
    """Wait until the build that follows a change is over: until nothing was done for a second."""
    quiet = 0
    while quiet < 4:
        before = sum(server.cpu_times()[:2])
        time.sleep(0.25)
        quiet = quiet + 1 if sum(server.cpu_times()[:2]) - before < 0.03 else 0


@contextmanager
def _serving(folder: Path, scratch: Path) -> Iterator[tuple[psutil.Process, str]]:
    """Run the server; give its process and its address."""
    log = scratch / "log"
    command = [str(Path(sys.executable).with_name("sidelit")), "serve", "annotated", "--address", "127.0.0.1:0"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(scratch / "cache")}
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
    try:
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())):
            if process.poll() is not None:
                raise RuntimeError(f"the server ended:\n{log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield psutil.Process(process.pid), found[0]
    finally:
        process.terminate()
        process.wait()
