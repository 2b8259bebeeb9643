"""
# What was probably meant

Whoever writes a name that does not exist is helped by the one that does. Python's `difflib` finds it among a few. It
compares with each, so that a site with many pages and many wrong links would take hours. Of many names it is therefore
given only those that begin or end like the wrong one.

    spelling = Spelling(["adam.py", "adamw.py", "radam.py"])
    spelling.nearest("adm.py")
    # "adam.py"
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections.abc import Iterable, Sequence

# How many names are compared for their beginning, and as many for their end
FEW = 100

# Characters. What is longer is no slip of the hand, and takes `difflib` long.
LONGEST = 200


class Spelling:
    """
    ## Some names, in the order in which they begin and in which they end
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(name for name in names if len(name) <= LONGEST)
        self._backwards = sorted(name[::-1] for name in self._names)

    def nearest(self, name: str, cutoff: float = 0.6) -> str:
        """
        ### The name that looks most like another one

        Empty where none does. `cutoff` is how alike they must be, from 0 to 1, as `difflib` counts.
        """
        if len(name) > LONGEST:
            return ""
        alike_behind = [other[::-1] for other in _around(name[::-1], self._backwards)]
        candidates = sorted({*_around(name, self._names), *alike_behind})
        return next(iter(difflib.get_close_matches(name, candidates, 1, cutoff)), "")


def _around(name: str, names: Sequence[str]) -> Sequence[str]:
    at = bisect_left(names, name)
    return names[max(0, at - FEW // 2) : at + FEW // 2]
