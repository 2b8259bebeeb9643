r"""
# A source as a notebook

The prose of a page becomes Markdown cells and its code becomes code cells, in the order of the file. A notebook has one
column, and a cell must be a whole statement. So a class is one cell: its own docstring stands above it as Markdown, and
what is said inside of it stays where it is, as comments and docstrings beside the lines that they are about.

The notebook runs alone. What the file imports from its package is put into a cell of its own, as in a
[standalone file](standalone.py), and where the file defines an optimizer of PyTorch, the last cell tries it.

The format is JSON, of which a notebook needs very little. It is written here, without a library.
"""

from __future__ import annotations

import ast
import json
import os
import posixpath
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from sidelit.export.closure import Closure, Entity, close
from sidelit.export.modules import Definition, Imported, Module, Package, Unit, Wanted
from sidelit.export.origin import Origin
from sidelit.export.standalone import (
    Draft,
    Facts,
    Standalone,
    alias_lines,
    choose_names,
    find_facts,
    gap,
    import_block,
    licence_line,
    licence_text,
    unit_text,
)
from sidelit.formula import Formula, Slot, lift, source
from sidelit.source import Section


@dataclass(frozen=True)
class Repository:
    """
    ## Where the sources are on the web
    """

    url: str
    branch: str = "main"

    @property
    def github(self) -> str:
        """Its owner and name on GitHub, empty if it is elsewhere."""
        parts = urlsplit(self.url)
        return parts.path.strip("/") if parts.hostname in ("github.com", "www.github.com") else ""

    def address(self, path: str, kind: str = "blob") -> str:
        """The address of a file in it, as a page or as it is."""
        between = "/-" if "gitlab" in self.url else ""
        return f"{self.url}{between}/{kind}/{quote(self.branch)}/{quote(path)}"

    def colab(self, path: str) -> str:
        """The address where Colab opens a notebook of it, empty if it is not on GitHub."""
        if not self.github:
            return ""
        return f"https://colab.research.google.com/github/{self.github}/blob/{quote(self.branch)}/{quote(path)}"


def repository_of(url: str) -> Repository | None:
    """
    ### From an address to a repository

    Raises `ValueError` for what is none.
    """
    if not url:
        return None
    match = re.fullmatch(r"(https?://[^/\s]+/[^\s?#]+?)(?:\.git)?(?:(?:/-)?/tree/([^\s?#]+?))?/?", url)
    if not match:
        raise ValueError(f"{url!r} is not the address of a repository; write it as https://github.com/OWNER/PROJECT")
    return Repository(match[1], match[2] or "main")


@dataclass(frozen=True)
class Cell:
    """
    ### A cell

    `hidden` code is folded away.
    """

    text: str
    is_code: bool
    hidden: bool = False


def make_notebook(wanted: Wanted, output: Path, repository: Repository | None = None) -> Standalone:
    """
    ## From a file to a notebook

    `output` is where it will be, which Colab has to know. Raises `Refusal` for a file that cannot be read, or whose
    needs cannot be told.
    """
    draft = draft_notebook(wanted, repository)
    place = _shown(output, _top_of(wanted.package.root))
    colab = repository.colab(place) if repository and not place.startswith("../") else ""
    return Standalone(notebook_text(draft, draft.origin(), repository, colab), draft.diagnostics)


def notebook_text(draft: Draft, origin: Origin, repository: Repository | None = None, colab: str = "") -> str:
    """
    ### A notebook, with its first cell, which says where it comes from
    """
    first = _introduction(draft.facts, origin, repository, colab).splitlines(keepends=True)
    source = json.dumps(first, ensure_ascii=False, indent=1).replace("\n", "\n   ")
    return draft.body.replace('"source": []', f'"source": {source}', 1)


def draft_notebook(wanted: Wanted, repository: Repository | None = None) -> Draft:
    """
    ### A notebook whose first cell is empty
    """
    if wanted.name:
        raise wanted.module.refusal((1, 0), f"a notebook is made of a whole file; leave out `:{wanted.name}`")
    closure = close(wanted, program=False)
    names = choose_names(closure)
    prose = _Prose(wanted.module, _top_of(wanted.package.root), repository)
    facts, diagnostics = find_facts(closure, [wanted.module])

    cells = [Cell("", False)]
    cells += [Cell(text, False) for text in [prose.markdown(wanted.module.document.sections[0].docs)] if text]
    if imports := import_block(closure, names):
        cells.append(Cell(imports, True))
    cells += _body(closure, names, prose)
    if aliases := alias_lines(closure, names):
        cells.append(Cell(aliases, True))
    cells += _trial(closure, names)
    return Draft(facts, to_json(cells), tuple(diagnostics))


def to_json(cells: Iterable[Cell]) -> str:
    """
    ### Cells to the text of the file

    Cells are numbered, so that the same source gives the same notebook.
    """
    return (
        json.dumps(
            {
                "cells": [_cell(number, cell) for number, cell in enumerate(cells)],
                "metadata": {
                    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                    "language_info": {"name": "python"},
                },
                "nbformat": 4,
                "nbformat_minor": 5,
            },
            ensure_ascii=False,
            indent=1,
        )
        + "\n"
    )


def _cell(number: int, cell: Cell) -> dict[str, Any]:
    common = {"id": f"cell-{number}", "source": cell.text.splitlines(keepends=True)}
    if not cell.is_code:
        return {"cell_type": "markdown", "metadata": {}, **common}
    metadata = {"jupyter": {"source_hidden": True}} if cell.hidden else {}
    return {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], **common}


# ## The cells


def _introduction(facts: Facts, origin: Origin, repository: Repository | None, colab: str) -> str:
    """
    ### Where this comes from

    The text of the licence is folded.
    """
    path = _shown(Path(facts.paths[0]), _top_of(Path(facts.root)))
    file = f"[`{path}`]({repository.address(path)})" if repository else f"`{path}`"
    commit = f" at commit {origin.commit[:12]}{', with later changes' * origin.changed}" if origin.commit else ""
    lines = [f"*This notebook was made from {file}{commit}. It holds all that it needs of its package.*"]
    if facts.needs:
        more = f"; some functions also need {', '.join(facts.needs_inside)}" if facts.needs_inside else ""
        lines.append(f"*To run, it needs {', '.join(facts.needs)}{more}.*")
    lines += [f"*Paper: {citation}*" for citation in facts.citations]
    if colab:
        lines.append(f"[Open in Colab]({colab})")
    terms = "\n\n".join(filter(None, (*facts.notices, licence_text(origin.licence))))
    if line := licence_line(origin.licence) or ("see below" if terms else ""):
        lines.append(f"*Licence: {line}.*".replace("..*", ".*"))
    if terms:
        lines.append(f"<details><summary>Its text</summary>\n\n```text\n{terms}\n```\n\n</details>")
    return "\n\n".join(lines)


def _body(closure: Closure, names: dict[Entity, str], prose: _Prose) -> Iterator[Cell]:
    """
    ### The units, with the prose that stands between them

    Statements without prose in between share a cell.
    """
    module = closure.wanted.module
    pending = deque(_prose_between(closure))
    code: list[str] = []
    sources: list[str] = []
    above: Unit | None = None

    for unit in [*closure.units, None]:
        is_ours = unit is not None and unit.module is module
        texts: list[str] = []
        while pending and (unit is None or (is_ours and pending[0][0] <= unit.first)):
            texts.append(prose.markdown(pending.popleft()[1]))
        was_ours = above is not None and above.module is module
        if code and (unit is None or texts or is_ours is not was_ours):
            if not was_ours:
                others = ", ".join(f"`{name}`" for name in dict.fromkeys(sources))
                yield Cell(f"The next cell holds what this file needs of {others}.", False)
            yield Cell("".join(code), True, hidden=not was_ours)
            code, sources = [], []
        yield from (Cell(text, False) for text in texts if text)
        if unit is None:
            return
        text = unit_text(unit, closure, names, "full" if is_ours else "docstrings", lead=False, docstring=not is_ours)
        sources.append(unit.module.name)
        code.append("\n" * (gap(above, unit) + 1) + text if code else text)
        above = unit


def _prose_between(closure: Closure) -> Iterator[tuple[int, str]]:
    """
    ### The prose outside of units, and that of the classes and functions at the top, by line

    What explains only imports or units that are left out goes with them.
    """
    module = closure.wanted.module
    kept = {unit for unit in closure.units if unit.module is module}
    starts = [unit.first for unit in module.units]

    def around(first: int, last: int) -> list[Unit]:
        """The units that have one of these lines."""
        at = max(bisect_right(starts, first) - 1, 0)
        units = module.units[at : bisect_right(starts, last)]
        return [unit for unit in units if unit.first <= last and first <= unit.last]

    for section in module.document.sections[1:]:
        if not section.docs:
            continue
        first = min(start for start, _ in (*section.doc_lines, *section.code_lines))
        outside = around(first, first)
        if outside and not _opens(section, outside[0]):
            continue
        about = [unit for span in section.code_lines for unit in around(*span)]
        if section.code_lines and not kept.intersection(about):
            continue
        yield first, section.docs


def _opens(section: Section, unit: Unit) -> bool:
    """Whether a section is that of the class or function that a unit is."""
    return unit.is_definition and bool(section.code_lines) and section.code_lines[0][0] == unit.first


# ## Prose, as Jupyter shows it

# What is between backticks is no link, but a link may hold what is.
_LINK = re.compile(
    r"""
    (?P<fence>^[ \t>]*(?P<marks>`{3,}|~{3,})[\s\S]*?(?:^[ \t>]*(?P=marks)[`~]*[ \t]*$|\Z))
    | (?P<image>!?)\[(?P<text>(?:`[^`\n]*`|!\[[^\]]*\]\([^)]*\)|[^][`])*)\]
      \(\s*<?(?P<target>[^\s()<>]+)>?(?:\s+"[^"]*")?\s*\)
    | (?P<ticks>`+)(?!`)[\s\S]*?(?<!`)(?P=ticks)(?!`)
    """,
    re.VERBOSE | re.MULTILINE,
)


class _Prose:
    """
    ### The Markdown of one file
    """

    def __init__(self, module: Module, top: Path, repository: Repository | None) -> None:
        self.module, self.repository = module, repository
        self.place = _shown(module.path, top)

    def markdown(self, docs: str) -> str:
        """
        #### From a page's Markdown to a notebook's

        Formulas stand between dollars, and links lead to the web or nowhere.
        """
        slots: list[Slot] = []
        text = lift(docs, self.module.shown, None, slots)
        slots = [replace(slot, source=_dollars(slot)) for slot in slots]
        return source(_LINK.sub(self.link, text), slots).strip()

    def link(self, match: re.Match[str]) -> str:
        """A link, with an address that holds everywhere."""
        target = match["target"]
        if target is None or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", target):
            return match[0]
        text = match["text"]
        path, _, anchor = unquote(target).partition("#")
        if not path or not self.repository or path.startswith("/"):
            return f"*{text}*" if match["image"] and text else text
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.place), re.sub(r"\.html$", ".py", path)))
        if path.startswith("../"):
            return text
        line = f"#{anchor}" if re.fullmatch(r"L\d+", anchor) else ""
        return f"{match['image']}[{text}]({self.repository.address(path, 'raw' if match['image'] else 'blob')}{line})"


def _dollars(slot: Slot) -> str:
    """
    ### A formula between dollars

    Not all that show notebooks know environments outside of dollars, and inside of them `align` is called `aligned`.
    """
    if not isinstance(slot.content, Formula) or slot.source.startswith("$"):
        return slot.source
    tex = slot.content.tex
    if not slot.content.display:
        return f"${tex}$"
    if match := re.fullmatch(r"\\begin\{(align|gather)\*?\}([\s\S]*)\\end\{\1\*?\}", tex):
        if r"\tag" in tex:
            return slot.source
        return f"$$\n\\begin{{{match[1]}ed}}{match[2]}\\end{{{match[1]}ed}}\n$$"
    if match := re.fullmatch(r"\\begin\{equation\*?\}([\s\S]*)\\end\{equation\*?\}", tex):
        return f"$$\n{match[1].strip()}\n$$"
    return slot.source if tex.startswith(r"\begin") else f"$$\n{tex}\n$$"


# ## A trial

STEPS = 300

# What a constructor may ask for, and what it is given in the trial
_REQUIRED = {"lr": "0.01", "total_steps": str(STEPS)}
_WELCOME = {"warmup": "20"}


def _trial(closure: Closure, names: dict[Entity, str]) -> Iterator[Cell]:
    """
    ### The last cells, which try an optimizer

    Nothing where the file has none, or where its constructor asks for what nobody here knows.
    """
    found = _optimizer(closure)
    if found is None:
        return
    name = names[found]
    arguments = _arguments(closure.wanted.package, found)
    if arguments is None:
        return
    call = ", ".join(["[x]", *arguments])
    yield Cell(
        "## Try it\n\nA bowl that is a hundred times as steep in one direction as in another. The loss is printed "
        f"every {STEPS // 6} steps.",
        False,
    )
    yield Cell(
        f"""import torch

steepness = torch.tensor([1.0, 10.0, 100.0])
x = torch.ones(3, requires_grad=True)
optimizer = {name}({call})

losses = []
for step in range({STEPS + 1}):
    loss = 0.5 * (steepness * x.square()).sum()
    losses.append(loss.item())
    if step % {STEPS // 6} == 0:
        print(f"step {{step:3}}  loss {{losses[-1]:.6f}}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()""",
        True,
    )


def _optimizer(closure: Closure) -> Definition | None:
    """Return the last class of the file that is an optimizer of PyTorch."""
    module = closure.wanted.module
    for unit in reversed(module.units):
        node = unit.nodes[0]
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and unit in closure.readings:
            definition = Definition(module.name, node.name)
            bases = _lineage(closure.wanted.package, definition)
            if any(isinstance(base, str) and base.startswith("torch.optim.") for base in bases):
                return definition
    return None


def _lineage(package: Package, definition: Definition) -> list[Definition | str]:
    """
    ### A class, its bases and theirs

    Those from outside come last, by their dotted names.
    """
    found: dict[Definition, None] = {}
    outside: list[str] = []
    pending = [definition]
    while pending:
        each = pending.pop()
        module = package.get(each.module)
        if each in found or module is None:
            continue
        found[each] = None
        for base in reversed(module.names.bases.get(each.name, ())):
            if not package.owns(base):
                outside.append(base)
                continue
            target = package.resolve(base, module, (1, 0))[0]
            if isinstance(target, Definition):
                pending.append(target)
            elif isinstance(target, Imported):
                outside.append(target.target)
    return [*found, *outside]


def _arguments(package: Package, definition: Definition) -> list[str] | None:
    """
    ### What to give to a constructor, besides the parameters

    Returns nothing where it asks for something else.
    """
    init = next((node for each in _classes(package, definition) for node in each.body
                 if isinstance(node, ast.FunctionDef) and node.name == "__init__"), None)  # fmt: skip
    if init is None:
        return None
    plain = [arg.arg for arg in (*init.args.posonlyargs, *init.args.args)][2:]
    defaults = dict(zip(reversed(plain), reversed(init.args.defaults), strict=False))
    keywords = {arg.arg: value for arg, value in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)}
    known: dict[str, ast.expr | None] = {name: defaults.get(name) for name in plain} | keywords
    given: list[str] = []
    for name, default in known.items():
        if default is None:
            if name not in _REQUIRED:
                return None
            given.append(f"{name}={_REQUIRED[name]}")
        elif name in _WELCOME:
            given.append(f"{name}={_WELCOME[name]}")
        elif name == "lr" and _is_small(default):
            # Usual rates are for millions of weights, and would hardly move in so few steps.
            given.append("lr=0.01")
    return given


def _is_small(rate: ast.expr) -> bool:
    return isinstance(rate, ast.Constant) and isinstance(rate.value, float) and rate.value < 0.01


def _classes(package: Package, definition: Definition) -> Iterator[ast.ClassDef]:
    for each in _lineage(package, definition):
        if isinstance(each, str):
            return
        module = package.get(each.module)
        for unit in module.bindings.get(each.name, ()) if module else ():
            yield from (node for node in unit.nodes if isinstance(node, ast.ClassDef))


# ## Paths


def _top_of(root: Path) -> Path:
    """Return the folder of the repository around a package, or else the one that the package lies in."""
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)


def _shown(path: Path, top: Path) -> str:
    return Path(os.path.relpath(path.absolute(), top)).as_posix()
