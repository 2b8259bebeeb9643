r"""
# Proofs

An author who says that code is right can show it: what it was compared with, how far apart the two were, which cases
it passed, what was measured. A program finds this out, since a build imports and runs nothing, and leaves it in a file.
This module reads that file, and says what a page shows of it.

The file is JSON:

```json
{
  "format": 1,
  "commit": "84ff80b31c9d", "uncommitted": false,
  "machine": "2 cores, Linux x86_64", "again": "make proofs",
  "files": {
    "adam.py": {
      "name": "Adam",
      "code": "84e7799d934a…",
      "comparisons": [
        {"against": "torch.optim.Adam", "version": "torch 2.13.0", "difference": 4.4e-16, "bound": 1e-12,
         "over": "100 steps", "precision": "float64", "runs": 12, "test": "../tests/test_adam.py::test_equals_torch"}
      ],
      "cases": [
        {"of": "optim_inputs_func_adam", "version": "torch 2.13.0", "claim": "ends at the same numbers",
         "passed": ["default", "maximize"], "total": 9, "test": "../tests/test_adam.py::test_cases"}
      ],
      "measurements": [
        {"name": "Step, compiled", "value": 1.04, "unit": "times torch's fused", "over": "10M numbers"}
      ]
    }
  }
}
```

`code` is the [version of the code](code_version.py) that the facts are about. While a file has that version its proof
is *current*. Afterwards it is out of date, and shown as such. Paths count from the folder of the file with the proofs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import partial
from json import JSONDecodeError
from typing import Any, TypeVar, get_type_hints

from sidelit.diagnostic import Diagnostic


@dataclass(frozen=True)
class Comparison:
    """
    ## What the code was compared with

    * `against` is what it was compared with, `version` the library that this is from
    * `difference` is the largest there was, in any of the `runs`; `bound` is what the test allows
    * `over` says how long a run is, `precision` in which numbers
    * `test` is what compares, as `path::name`
    """

    against: str
    difference: float
    test: str
    version: str = ""
    bound: float | None = None
    over: str = ""
    precision: str = ""
    runs: int = 1


@dataclass(frozen=True)
class Cases:
    """
    ## Cases that others have collected

    * `of` is the collection, `version` the library that it is from
    * `claim` is what holds in each case
    * `passed` are the names of the cases in which it was tested and found to hold, `total` is how many there are. The
      others were not tried: code that fails one has no proof.
    """

    of: str
    claim: str
    passed: tuple[str, ...]
    total: int
    test: str
    version: str = ""


@dataclass(frozen=True)
class Measurement:
    """
    ## What was measured

    `over` says on what.
    """

    name: str
    value: float
    unit: str
    over: str = ""
    test: str = ""


@dataclass(frozen=True)
class Proof:
    """
    ## All facts about one file

    `code` is the version of the code, `name` what the comparison of all files calls it.
    """

    code: str
    name: str = ""
    comparisons: tuple[Comparison, ...] = ()
    cases: tuple[Cases, ...] = ()
    measurements: tuple[Measurement, ...] = ()

    @property
    def tests(self) -> list[str]:
        """The tests that are named, each once."""
        facts: tuple[Comparison | Cases | Measurement, ...] = (*self.comparisons, *self.cases, *self.measurements)
        return list(dict.fromkeys(fact.test for fact in facts if fact.test))


@dataclass(frozen=True)
class Run:
    """
    ## Where the facts are from

    * `commit` is what was checked out, with changes that are in no commit if it is `uncommitted`
    * `machine` is where it ran
    * `again` is the command that makes the proofs again
    """

    commit: str = ""
    uncommitted: bool = False
    machine: str = ""
    again: str = ""


@dataclass(frozen=True)
class Proofs:
    """
    ## What is in the file
    """

    run: Run
    files: Mapping[str, Proof]


# ## Reading

Where = tuple[str | int, ...]

_Record = TypeVar("_Record")


class _Fault(Exception):
    """Something else is there than should be. `where` leads to it."""

    def __init__(self, where: Where, message: str) -> None:
        super().__init__(message)
        self.where = where


def read_proofs(text: str, path: str) -> tuple[Proofs | None, list[Diagnostic]]:
    """
    ### From text to proofs

    Where something is wrong there are none, and a diagnostic says what, and where.
    """
    try:
        return _proofs(json.loads(text)), []
    except JSONDecodeError as error:
        message = f"not valid JSON: {error.msg}; no proof is shown"
        return None, [Diagnostic(path, error.lineno, error.colno, "proofs", message)]
    except RecursionError:
        return None, [Diagnostic(path, 1, 1, "proofs", "too deeply nested; no proof is shown")]
    except _Fault as fault:
        line, column = place_of(text, fault.where)
        return None, [Diagnostic(path, line, column, "proofs", f"{fault}; no proof is shown")]


def _proofs(value: Any) -> Proofs:
    value = _object(value, ())
    if value.get("format") != 1:
        raise _Fault(("format",) if "format" in value else (), 'begin with `"format": 1`, which this sidelit reads')
    about = {key: each for key, each in value.items() if key not in ("format", "files")}
    given = _object(value.get("files", {}), ("files",))
    files = {name: _record(Proof, each, ("files", name)) for name, each in given.items()}
    return Proofs(_record(Run, about, ()), files)


def _object(value: Any, where: Where) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Fault(where, f"{_named(where)} has to be an object, `{{…}}`")
    return value


def _record(kind: type[_Record], value: Any, where: Where) -> _Record:
    given = _object(value, where)
    hints, known = get_type_hints(kind), fields(kind)  # type: ignore[arg-type]
    names = [field.name for field in known]
    for name in given:
        if name not in names:
            raise _Fault((*where, name), f"there is no `{name}` here; there are {', '.join(names)}")
    for field in known:
        if field.name not in given and field.default is MISSING:
            raise _Fault(where, f"`{field.name}` is missing in {_named(where)}")
    return kind(**{name: _value(hints[name], each, (*where, name)) for name, each in given.items()})


def _value(hint: Any, value: Any, where: Where) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value
    accepted = {
        str: ("text", isinstance(value, str)),
        bool: ("true or false", isinstance(value, bool)),
        int: ("a whole number", isinstance(value, int) and is_number),
        float: ("a number", is_number),
        float | None: ("a number or null", is_number or value is None),
    }
    if hint in accepted:
        what, fits = accepted[hint]
        if not fits:
            raise _Fault(where, f"{_named(where)} has to be {what}")
        return value
    if not isinstance(value, list):
        raise _Fault(where, f"{_named(where)} has to be a list, `[…]`")
    item = hint.__args__[0]
    read = partial(_value, item) if item is str else partial(_record, item)
    return tuple(read(each, (*where, number)) for number, each in enumerate(value))


def _named(where: Where) -> str:
    """How a message calls a place."""
    name = next((each for each in reversed(where) if isinstance(each, str)), "")
    return f"an entry of `{name}`" if where and isinstance(where[-1], int) else f"`{name}`" if name else "the file"


_BLANK = re.compile(r"[ \t\n\r,:]*")


def place_of(text: str, where: Where) -> tuple[int, int]:
    """
    ### Where a value stands in JSON

    The line and the column, from 1. `where` are the names and numbers that lead there; where they do not lead all the
    way, it is the place as far as they do.
    """
    decode = json.JSONDecoder().raw_decode
    at = _skip(text, 0)
    for wanted in where:
        inside, found = _skip(text, at + 1), None
        number = 0
        while found is None and inside < len(text) and text[inside] not in "]}":
            key: str | int = number
            if text[at] == "{":
                key, inside = decode(text, inside)
                inside = _skip(text, inside)
            if key == wanted:
                found = inside
            else:
                inside = _skip(text, decode(text, inside)[1])
            number += 1
        if found is None:
            break
        at = found
    return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


# ## Showing


@dataclass(frozen=True)
class Test:
    """
    ### A test that a page names

    * `name` is that of the function, `place` its file and line in words
    * `href` leads there, if a page of the site shows it
    * `in_repository` is the way there from the source of the page, within their repository
    """

    name: str
    place: str
    href: str = ""
    in_repository: str = ""


@dataclass(frozen=True)
class Verified:
    """
    ### What a page shows

    `tests` are those that could be found, by what the proof calls them. `comparison` is the address of the page that
    compares all files.
    """

    proof: Proof
    run: Run
    is_current: bool
    tests: tuple[tuple[str, Test], ...] = ()
    comparison: str = ""


@dataclass(frozen=True)
class Row:
    """
    ### A row of the table

    `code` and `what` say what the fact is about, `version` the library that this is from. `found` is the fact, `more`
    what else there is to know of it.
    """

    code: str
    what: str
    version: str
    found: str
    more: str
    test: Test | None


def rows(verified: Verified) -> list[Row]:
    """
    ### The table
    """
    tests = dict(verified.tests)
    proof = verified.proof
    found = []
    for each in proof.comparisons:
        run = f"{each.runs} runs" if each.runs != 1 else "one run"
        more = " ".join(filter(None, [run, each.over and f"of {each.over}", each.precision and f"in {each.precision}"]))
        found.append(Row(each.against, "", each.version, apart(each.difference), more, _test(each.test, tests)))
    for case in proof.cases:
        names = ", ".join(case.passed)
        found.append(Row(case.of, case.claim, case.version, passed([case]), names, _test(case.test, tests)))
    for measured in proof.measurements:
        test = _test(measured.test, tests)
        found.append(Row("", measured.name, "", f"{number(measured.value)} {measured.unit}", measured.over, test))
    return found


def _test(named: str, tests: Mapping[str, Test]) -> Test | None:
    return tests.get(named) or (Test(named.rpartition("::")[2], "") if named else None)


def headline(verified: Verified) -> str:
    """
    ### The table in one line
    """
    proof, facts = verified.proof, []
    if proof.comparisons:
        first = proof.comparisons[0]
        facts.append(f"{apart(first.difference)} from {first.against}" + (f" over {first.over}" if first.over else ""))
    if proof.cases:
        facts.append(f"{passed(proof.cases)} cases")
    return ", ".join(facts)


def apart(difference: float) -> str:
    """
    ### A largest difference, in words
    """
    return f"at most {number(difference)} apart" if difference else "no difference"


def passed(cases: Sequence[Cases]) -> str:
    """
    ### How many cases were passed
    """
    return f"{sum(len(each.passed) for each in cases)} of {sum(each.total for each in cases)}"


def number(value: float) -> str:
    """
    ### A number, rounded as it is shown
    """
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e6):
        return f"{int(value)}"
    return f"{value:.2f}" if 0.01 <= abs(value) < 1000 else f"{value:.1e}"
