"""
# Proofs, and the files that they name

A file of [proofs](../proofs.py) names sources and tests. This module finds them, and says whether a proof is about the
code that is there now.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from sidelit.cache import Cache
from sidelit.code_version import code_version
from sidelit.diagnostic import Diagnostic
from sidelit.links import relative_url
from sidelit.proofs import Proof, Proofs, Run, Test, Verified, Where, place_of, read_proofs
from sidelit.source import decode
from sidelit.tree import name_of


@dataclass
class Shelf:
    """
    ## The proofs of a site

    * `proofs` are those of the files that exist, by their paths
    * `tests` are the tests that exist: file and line, by what the proofs call them
    * `places` are where the proofs stand in their file, which messages call `shown`
    * `top` is the folder that paths are named from
    """

    shown: str = ""
    top: Path = field(default_factory=Path)
    run: Run = field(default_factory=Run)
    proofs: dict[Path, Proof] = field(default_factory=dict)
    tests: dict[str, tuple[Path, int]] = field(default_factory=dict)
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)


def read_shelf(file: Path, top: Path) -> tuple[Shelf, list[Diagnostic]]:
    """
    ### Read a file of proofs

    `top` is the folder that messages name files from.
    """
    file = Path(os.path.abspath(file))
    shown = name_of(file, top)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return Shelf(), [Diagnostic(shown, 1, 1, "proofs", f"cannot be read: {reason}; no proof is shown")]
    proofs, diagnostics = read_proofs(text, shown)
    if proofs is None:
        return Shelf(), diagnostics

    folder = file.parent
    shelf = Shelf(shown, top, proofs.run)
    for name, proof in proofs.files.items():
        path = Path(os.path.normpath(folder / name))
        line, column = place_of(text, ("files", name))
        if not path.is_file():
            message = f"there is no file `{name}`; its proof is not shown"
            diagnostics.append(Diagnostic(shown, line, column, "proofs", message))
            continue
        shelf.proofs[path] = proof
        shelf.places[path] = line, column
    missing: set[str] = set()
    for where, test in _tests(proofs):
        if test not in shelf.tests and test not in missing:
            found = _find_test(folder, test)
            if isinstance(found, str):
                missing.add(test)
                diagnostics.append(Diagnostic(shown, *place_of(text, where), "proofs", found))
            else:
                shelf.tests[test] = found
    return shelf, diagnostics


def _tests(proofs: Proofs) -> Iterator[tuple[Where, str]]:
    for name, proof in proofs.files.items():
        for kind in ("comparisons", "cases", "measurements"):
            for index, fact in enumerate(getattr(proof, kind)):
                if fact.test:
                    yield ("files", name, kind, index, "test"), fact.test


def _find_test(folder: Path, test: str) -> tuple[Path, int] | str:
    """Return the file and the line of a test, or what is wrong."""
    name, _, function = test.partition("::")
    function = function.rpartition("::")[2]
    path = Path(os.path.normpath(folder / name))
    if not function.isidentifier():
        return f"`{test}` names no test; write it as `path/to/test_file.py::test_name`"
    try:
        text, _ = decode(path.read_bytes(), name)
    except (OSError, ValueError):
        return f"there is no file `{name}`, in which the test `{function}` should be"
    match = re.search(rf"^[ \t]*(?:async[ \t]+)?def[ \t]+{re.escape(function)}\b", text, re.MULTILINE)
    if not match:
        return f"there is no test `{function}` in `{name}`"
    return path, text.count("\n", 0, match.start()) + 1


def is_current(shelf: Shelf, path: Path, cache: Cache) -> bool:
    """
    ## Whether a proof is about the code that is there now
    """
    try:
        return code_version(path, cache) == shelf.proofs[path].code
    except OSError:
        return False


def outdated(shelf: Shelf, paths: Iterable[Path], cache: Cache) -> dict[Path, Diagnostic]:
    """
    ### The files whose proofs are not, and what to say of each
    """
    advice = f"run `{shelf.run.again}`" if shelf.run.again else "make it again"
    found = {}
    for path in paths:
        if path in shelf.proofs and not is_current(shelf, path, cache):
            message = f"the proof of `{name_of(path, shelf.top)}` is out of date, its code has changed: {advice}"
            found[path] = Diagnostic(shelf.shown, *shelf.places[path], "outdated-proof", message)
    return found


def verified(
    shelf: Shelf, path: Path, cache: Cache, *, url: str, addresses: Mapping[Path, str], comparison: str, lines: str
) -> Verified | None:
    """
    ## What the page of a source shows

    `url` is the address of the page, `addresses` are those of all sources that have pages, `comparison` is that of the
    page with all proofs, and `lines` how the repository writes lines in an address, empty where there is none.
    """
    if path not in shelf.proofs:
        return None
    proof = shelf.proofs[path]
    found = [(name, shelf.tests[name]) for name in proof.tests if name in shelf.tests]
    return Verified(
        proof,
        shelf.run,
        is_current(shelf, path, cache),
        tuple((name, _test(name, *at, path, url, addresses, lines, shelf.top)) for name, at in found),
        relative_url(comparison, url) if comparison else "",
    )


def _test(
    name: str, file: Path, line: int, source: Path, url: str, addresses: Mapping[Path, str], lines: str, top: Path
) -> Test:
    href = in_repository = ""
    if lines:
        place = quote(Path(os.path.relpath(file.resolve(), source.resolve().parent)).as_posix())
        in_repository = place + lines.format(first=line, last=line)
    elif file in addresses:
        href = f"{relative_url(addresses[file], url)}#L{line}"
    return Test(name.rpartition("::")[2], f"{name_of(file, top)}:{line}", href, in_repository)
