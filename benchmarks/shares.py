"""
# Who does the work in a build

Runs `sidelit build` in this process, looks every two milliseconds of its time at what it is doing, and writes down, as
JSON, which share of the time each library had. Everything counts for the innermost of these libraries on the stack:
what the standard library does for MkDocs is MkDocs' work.

    python -m benchmarks.shares shares.json build my_package --output site
"""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

EVERY = 0.002

# By what is in the path of a file. Compiled templates have no path.
_OWNERS = {
    "/mkdocs/": "MkDocs",
    "<template>": "Jinja",
    "/jinja2/": "Jinja",
    "/templates/": "Jinja",
    "/markdown/": "Markdown",
    "/sidelit/": "sidelit",
    "importlib._bootstrap": "imports",
}


def owner(frame: FrameType | None) -> str:
    """
    ## Who is at work
    """
    while frame is not None:
        for mark, name in _OWNERS.items():
            if mark in frame.f_code.co_filename:
                return name
        frame = frame.f_back
    return "Python"


def main() -> None:
    """Run the command line of sidelit with what follows the name of the file to write."""
    from sidelit.cli import main as run

    seen: Counter[str] = Counter()
    signal.signal(signal.SIGPROF, lambda _, frame: seen.update([owner(frame)]))
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        run(sys.argv[2:], standalone_mode=False)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    total = sum(seen.values()) or 1
    Path(sys.argv[1]).write_text(json.dumps({name: count / total for name, count in seen.most_common()}))


if __name__ == "__main__":
    main()
