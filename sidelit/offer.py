"""
# What a page offers to take along

The page explains code that somebody wants to have. This module finds out what can be said of that from the file alone:
the paper that it rests on, what it imports, and what its author offers in the front matter:

```yaml
standalone: RAdam
notebook: true
```

`standalone` names the class or function that is offered as one file with all its needs, `true` stands for the whole
file. With `false` there is none, whatever the configuration says. What becomes of an offer is the
[host's](hosts/taking.py) to see.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sidelit.diagnostic import Diagnostic
from sidelit.export.citation import Paper, find_paper
from sidelit.export.modules import is_for_typing
from sidelit.names import Names
from sidelit.source import Document


@dataclass(frozen=True)
class Offer:
    """
    ## An offer

    * `imports` are the dotted names of what the file imports when it runs, but for Python's own
    * `standalone` and `notebook` are what the front matter says, `None` where it says nothing
    """

    paper: Paper | None = None
    imports: tuple[str, ...] = ()
    standalone: str | bool | None = None
    notebook: bool | None = None


def find_offer(document: Document, names: Names) -> tuple[Offer, list[Diagnostic]]:
    """
    ## The offer of a page, and what is wrong with it
    """
    paper, diagnostics = find_paper(document)
    values = document.front_matter
    standalone, notebook = values.get("standalone"), values.get("notebook")
    if not (standalone is None or isinstance(standalone, bool) or (str(standalone).isidentifier())):
        message = "`standalone` names a class or function of this file, or is `true` for the whole file"
        diagnostics.append(_wrong(document, "standalone", message))
        standalone = None
    if not (notebook is None or isinstance(notebook, bool)):
        diagnostics.append(_wrong(document, "notebook", "`notebook` is `true` or `false`"))
        notebook = None
    return Offer(paper, running_imports(document.tree, names), standalone, notebook), diagnostics


def _wrong(document: Document, name: str, message: str) -> Diagnostic:
    lines = enumerate(document.lines, start=1)
    line, column = next(((n, text.index(name) + 1) for n, text in lines if text.lstrip().startswith(name)), (1, 1))
    return Diagnostic(document.path, line, column, "front-matter", message)


def running_imports(tree: ast.Module | None, names: Names) -> tuple[str, ...]:
    """
    ### What is imported when a file runs

    Not what is for type checkers only, and not what comes with Python.
    """
    unseen = {name for node in tree.body if is_for_typing(node) for name in _imported(node)} if tree else set()
    found = {target for name, target in names.aliases.items() if name not in unseen} | set(names.stars)
    return tuple(sorted(target for target in found if target.partition(".")[0] not in sys.stdlib_module_names))


def _imported(node: ast.If) -> Iterator[str]:
    for each in node.body:
        if isinstance(each, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in each.names)


def from_values(values: Mapping[str, Any]) -> Offer:
    """
    ### An offer from its values, as JSON has them
    """
    paper = values["paper"]
    kept = Paper(**{**paper, "authors": tuple(paper["authors"])}) if paper else None
    return Offer(**{**values, "paper": kept, "imports": tuple(values["imports"])})
