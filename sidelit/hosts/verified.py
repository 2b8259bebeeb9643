"""
# Proofs in a site

A file of [proofs](../proofs.py) names sources and tests. This module finds them in a site: it says for a page whether
its proof is about the code that the page shows, where the tests are, and it writes the page on which all proofs stand
side by side.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from sidelit.cache import Cache
from sidelit.code_version import code_version
from sidelit.diagnostic import Diagnostic
from sidelit.hosts.nav import literal
from sidelit.links import relative_url
from sidelit.proofs import Proof, Proofs, Run, Test, Verified, Where, number, passed, place_of, read_proofs
from sidelit.source import decode
from sidelit.tree import name_of

# The page that compares all proofs, in the folder that holds what was proven
COMPARISON = "verified.md"


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
        text, diagnostics = decode(file.read_bytes(), shown)
    except OSError as error:
        return Shelf(), [Diagnostic(shown, 1, 1, "proofs", f"cannot be read: {error.strerror}; no proof is shown")]
    proofs, problems = read_proofs(text, shown)
    if proofs is None:
        return Shelf(), [*diagnostics, *problems]

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


def outdated(shelf: Shelf, cache: Cache) -> Iterator[Diagnostic]:
    """
    ### The proofs that are not
    """
    advice = f"run `{shelf.run.again}`" if shelf.run.again else "make it again"
    for path, (line, column) in shelf.places.items():
        if not is_current(shelf, path, cache):
            message = f"the proof of `{name_of(path, shelf.top)}` is out of date, its code has changed: {advice}"
            yield Diagnostic(shelf.shown, line, column, "outdated-proof", message)


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


# ## The page with all proofs


def comparison_uri(uris: Iterable[str]) -> str:
    """
    ### Where the page goes

    `uris` are the places of the sources that have a proof.
    """
    folders = [posixpath.dirname(uri) for uri in uris]
    return posixpath.join(posixpath.commonpath(folders), COMPARISON)


def comparison_page(shelf: Shelf, sources: Sequence[tuple[str, Path]], cache: Cache) -> str:
    """
    ### The page, as Markdown

    `sources` are those that have a proof: their places in the site, and their files.
    """
    folder = posixpath.dirname(comparison_uri(uri for uri, _ in sources))
    proofs = [shelf.proofs[path] for _, path in sources]
    measured = list(dict.fromkeys(each.name for proof in proofs for each in proof.measurements))
    table = [["code", "compared with", "largest difference", "cases", *measured, "proof"]]
    for (uri, path), proof in zip(sources, proofs, strict=True):
        link = quote(posixpath.relpath(uri, folder or "."))
        name = proof.name or posixpath.splitext(posixpath.basename(uri))[0]
        against = dict.fromkeys(each.against for each in proof.comparisons)
        values = {each.name: number(each.value) for each in proof.measurements}
        table.append(
            [
                f"[{_cell(name)}]({link}#what-is-verified)",
                ", ".join(f"<code>{_cell(each)}</code>" for each in against),
                number(max(each.difference for each in proof.comparisons)) if proof.comparisons else "",
                passed(proof.cases) if proof.cases else "",
                *(_cell(values.get(each, "")) for each in measured),
                "current" if is_current(shelf, path, cache) else "**out of date**",
            ]
        )
    heads = [_cell(each) for each in table[0]]
    rows = [heads, ["---", "---", "---:", "---:", *["---:"] * len(measured), "---"], *table[1:]]
    return "\n".join(
        [
            "# Verified",
            "",
            "What the code of these pages was compared with, and what came out. The name leads to all facts about it,"
            " with the tests that found them.",
            "",
            *(f"| {' | '.join(row)} |" for row in rows),
            "",
            *_units(proofs),
            "",
            _explanation(shelf.run),
            "",
        ]
    )


def _units(proofs: Sequence[Proof]) -> list[str]:
    """Say once what the measured numbers are."""
    units: dict[str, dict[str, None]] = {}
    for proof in proofs:
        for each in proof.measurements:
            text = _cell(each.unit) + (f" ({_cell(each.over)})" if each.over else "")
            units.setdefault(each.name, {})[text] = None
    return [f"* **{_cell(name)}**: {'; '.join(texts)}" for name, texts in units.items()]


def _explanation(run: Run) -> str:
    at = f" at commit <code>{_cell(run.commit[:12])}</code>" if run.commit else ""
    at += ", with changes that are in no commit" if run.uncommitted else ""
    on = f" on a machine with {_cell(run.machine)}" if run.machine else ""
    again = f"; `{run.again}` makes them again" if run.again and "`" not in run.again else ""
    return (
        f"These facts were found{at}{on}{again}. A proof is about the code: that of the file, and of every module of "
        "its package that it imports. Comments, docstrings and the layout of lines do not count. As soon as anything "
        "else changes the proof is out of date, and says so."
    )


def _cell(text: str) -> str:
    """Return the text as Markdown that shows it as it is, in a table too."""
    return literal(" ".join(text.split())).replace("|", "&#124;")


