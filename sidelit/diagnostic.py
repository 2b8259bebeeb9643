"""
# Diagnostics

What is wrong in a source is data, not an exception: every module returns its findings and goes on, and the host
decides what a finding costs. A diagnostic prints as one line that an editor can jump to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# What would break a line of a terminal or of a log, or begin a command of theirs
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, order=True)
class Diagnostic:
    """
    ## One finding

    * `path` is the file as the user named it, `line` and `column` count from 1
    * `rule` is a short stable name, such as `front-matter` or `broken-link`
    * `message` says what is wrong, and what to do
    """

    path: str
    line: int
    column: int
    rule: str
    message: str

    def __str__(self) -> str:
        text = f"{self.path}:{self.line}:{self.column}: {self.message} [{self.rule}]"
        return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)
