"""
# The page with all proofs

This module writes the page on which the [proofs](../proofs.py) of a site stand side by side.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

from sidelit.hosts.nav import literal
from sidelit.hosts.shelf import Shelf
from sidelit.proofs import Proof, Run, number, passed

# Where it goes, in the folder that holds what was proven
COMPARISON = "verified.md"


def comparison_uri(uris: Iterable[str]) -> str:
    """
    ## Its place

    `uris` are the places of the sources that have a proof.
    """
    folders = [posixpath.dirname(uri) for uri in uris]
    return posixpath.join(posixpath.commonpath(folders), COMPARISON)


def comparison_page(shelf: Shelf, sources: Sequence[tuple[str, Path]], stale: Collection[Path]) -> str:
    """
    ## The page, as Markdown

    `sources` are those that have a proof: their places in the site, and their files. The proofs of those that are
    `stale` are out of date.
    """
    folder = posixpath.dirname(comparison_uri(uri for uri, _ in sources))
    proofs = [shelf.proofs[path] for _, path in sources]
    measured = list(dict.fromkeys(each.name for proof in proofs for each in proof.measurements))
    heads = ["code", "compared with", "largest difference", "cases", *map(_cell, measured)]
    rows = [heads, ["---", "---", "---:", "---:", *["---:"] * len(measured)]]
    for (uri, path), proof in zip(sources, proofs, strict=True):
        link = quote(posixpath.relpath(uri, folder or "."))
        name = proof.name or posixpath.splitext(posixpath.basename(uri))[0]
        outdated = ["**out of date**: the code has changed", *[""] * (len(measured) + 2)]
        facts = outdated if path in stale else _facts(proof, measured)
        rows.append([f"[{_cell(name)}]({link}#what-is-verified)", *facts])
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
            _explanation(shelf.run, any(proof.cases for proof in proofs)),
            "",
        ]
    )


def _facts(proof: Proof, measured: Sequence[str]) -> list[str]:
    """Return what stands beside the name: the facts that can be compared."""
    against = list(dict.fromkeys(each.against for each in proof.comparisons))
    values = {each.name: number(each.value) for each in proof.measurements}
    return [
        "".join(f"<code>{_cell(each)}</code>" for each in against[:1])
        + (f" and {len(against) - 1} more" if against[1:] else ""),
        number(max(each.difference for each in proof.comparisons)) if proof.comparisons else "",
        passed(proof.cases).replace(" ", "&nbsp;") if proof.cases else "",
        *(values.get(each, "") for each in measured),
    ]


def _units(proofs: Sequence[Proof]) -> list[str]:
    """Say once what the measured numbers are."""
    units: dict[str, dict[str, None]] = {}
    for proof in proofs:
        for each in proof.measurements:
            text = _cell(each.unit) + (f" ({_cell(each.over)})" if each.over else "")
            units.setdefault(each.name, {})[text] = None
    return [f"* **{_cell(name)}**: {'; '.join(texts)}" for name, texts in units.items()]


def _explanation(run: Run, has_cases: bool) -> str:
    at = f" at commit <code>{_cell(run.commit[:12])}</code>" if run.commit else ""
    at += ", with changes that are in no commit," if run.uncommitted else ""
    on = f" on a machine with {_cell(run.machine)}" if run.machine else ""
    again = f"; `{run.again}` makes them again" if run.again and "`" not in run.again else ""
    untried = "Cases that are not among those passed were not tried. " if has_cases else ""
    return (
        f"These facts were found{at}{on}{again}. {untried}A proof is about the code: that of the file, and of every "
        "module of its package that it imports. Comments, docstrings and the layout of lines do not count. As "
        "soon as anything else changes the proof is out of date, and says so."
    )


def _cell(text: str) -> str:
    """Return the text as Markdown that shows it as it is, in a table too."""
    return literal(" ".join(text.split()))
