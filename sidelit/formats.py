"""
# Findings in print

`sidelit check` prints for a person, for a script, or for a service that shows findings beside the code. Each format is
a function from findings to a text.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from sidelit import __version__
from sidelit.diagnostic import Diagnostic
from sidelit.rules import RULES


@dataclass(frozen=True)
class Finding:
    """
    ## A diagnostic as it is told

    `level` is `warning` or `error`, and `text` the line of the file at which it points.
    """

    diagnostic: Diagnostic
    level: str
    text: str = ""


def as_text(findings: Sequence[Finding]) -> str:
    """
    ### For a person at a terminal

    The message as editors know it, the line, and a caret below the place.
    """
    return "".join(f"{finding.diagnostic}\n{_excerpt(finding)}" for finding in findings)


def _excerpt(finding: Finding) -> str:
    line, column = finding.diagnostic.line, finding.diagnostic.column
    if not finding.text.strip():
        return ""

    # Of a long line, what is around the place. Tabs stay, so that the caret stands where it should.
    start = max(0, column - 1 - _BEFORE)
    text = "".join(c if c == "\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in finding.text)
    shown = text[start : start + _LONGEST]
    blanks = "".join("\t" if character == "\t" else " " * _width(character) for character in text[start : column - 1])
    number = f"{line:>6}"
    return f"{number} | {shown.rstrip()}\n{' ' * len(number)} | {blanks}^\n"


_BEFORE, _LONGEST = 100, 160


def _width(character: str) -> int:
    """Return how many places a terminal gives to a character: two to a Chinese one, none to an accent by itself."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def as_json(findings: Sequence[Finding]) -> str:
    """
    ### For a script

    One list of objects.
    """
    rows = [
        {
            "path": each.diagnostic.path,
            "line": each.diagnostic.line,
            "column": each.diagnostic.column,
            "rule": each.diagnostic.rule,
            "level": each.level,
            "message": each.diagnostic.message,
        }
        for each in findings
    ]
    return json.dumps(rows, indent=2) + "\n"


def as_github(findings: Sequence[Finding]) -> str:
    """
    ### For GitHub Actions

    Commands that put a note at the line, in the list of changed files.
    """
    return "".join(
        f"::{each.level} file={_property(each.diagnostic.path)},line={each.diagnostic.line},"
        f"col={each.diagnostic.column},title={_property(f'sidelit {each.diagnostic.rule}')}::"
        f"{_data(each.diagnostic.message)}\n"
        for each in findings
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_sarif(findings: Sequence[Finding]) -> str:
    """
    ### For code scanning

    SARIF 2.1.0. A rule is described whether it struck or not.
    """
    numbers = {rule.name: number for number, rule in enumerate(RULES)}
    run = {
        "tool": {
            "driver": {
                "name": "sidelit",
                "version": __version__,
                "rules": [{"id": rule.name, "shortDescription": {"text": rule.summary}} for rule in RULES],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, numbers) for each in findings],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def _result(finding: Finding, numbers: Mapping[str, int]) -> dict[str, Any]:
    found = finding.diagnostic
    path = PurePath(found.path)
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    return {
        "ruleId": found.rule,
        "ruleIndex": numbers[found.rule],
        "level": finding.level,
        "message": {"text": found.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": uri},
                    "region": {"startLine": found.line, "startColumn": found.column},
                }
            }
        ],
    }


FORMATS: Mapping[str, Callable[[Sequence[Finding]], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
    "sarif": as_sarif,
}


def farewell(findings: Iterable[Finding], files: int) -> str:
    """
    ### The last line
    """
    count = len(list(findings))
    found = f"{count} problem{'s' * (count != 1)} found" if count else "nothing found"
    return f"{files} file{'s' * (files != 1)} checked, {found}."
