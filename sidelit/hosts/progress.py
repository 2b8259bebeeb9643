"""
# How far a build is

A bar at the foot of a terminal, above which the lines of the build go on. Where nobody watches, as in CI, there is
none, and tqdm is not even imported.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from tqdm import tqdm


class Progress:
    """
    ## The bar of one build

    It counts pages, if it `is_shown` at all.
    """

    def __init__(self, is_shown: bool) -> None:
        self._bar: tqdm[NoReturn] | None = None
        if is_shown:
            from tqdm import tqdm

            self._bar = tqdm(desc="pages", unit="page", leave=False)

    def start(self, total: int) -> None:
        """Say how many steps there are."""
        if self._bar is not None:
            self._bar.reset(total)

    def step(self) -> None:
        """One more is done."""
        if self._bar is not None:
            self._bar.update()

    def remark(self, text: str) -> None:
        """Say behind the bar what else there is to know."""
        if self._bar is not None:
            self._bar.set_postfix_str(text)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()


def say(line: str) -> None:
    """
    ## A line on the standard error, above the bar
    """
    if bars := sys.modules.get("tqdm"):
        bars.tqdm.write(line, file=sys.stderr)
    else:
        print(line, file=sys.stderr)
