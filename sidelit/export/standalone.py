r"""
# One file that runs

This module writes a class, a function or a whole module as one file, with all that it needs of its package and nothing
else. The text of each statement stays as its author wrote it. Changed is only what must be: a name that two modules
gave to different things, `module.name` where the module is gone, and imports of the package, which go.

How much of the prose comes along is the reader's choice: `full` keeps comments and docstrings, `docstrings` leaves out
the comments, `none` both. Notes to tools, such as `# noqa`, always stay. Front matter goes.
"""

from __future__ import annotations

import ast
import keyword
import re
import sys
import textwrap
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sidelit import __version__
from sidelit.diagnostic import Diagnostic
from sidelit.export.citation import find_paper, plain
from sidelit.export.closure import Closure, Entity, Outside, Reference, close
from sidelit.export.imports import Import, block
from sidelit.export.modules import Definition, Module, Place, Refusal, Unit, Wanted, is_text
from sidelit.export.origin import Licence, Origin, find_origin
from sidelit.source import is_directive

LEVELS = ("full", "docstrings", "none")


@dataclass(frozen=True)
class Facts:
    """
    ## What is known of the sources without asking git

    * `what` was asked for, `modules` are those that something is taken from and `paths` their files
    * `root` is the folder in which an import of the package starts
    * `needs` has to be installed, and `needs_inside` for some functions
    * `citations` are the papers, `notices` what the files say of their own copyright
    """

    what: str
    modules: tuple[str, ...]
    paths: tuple[str, ...]
    root: str
    needs: tuple[str, ...]
    needs_inside: tuple[str, ...]
    citations: tuple[str, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class Draft:
    """
    ## What is made of the sources, before it is told where they come from

    So that it can be kept while commits come and go. `diagnostics` are what is wrong with the papers of the sources,
    whose citation is then left out.
    """

    facts: Facts
    body: str
    diagnostics: tuple[Diagnostic, ...] = ()

    def origin(self) -> Origin:
        """Return where the sources come from."""
        return find_origin([Path(path) for path in self.facts.paths])


@dataclass(frozen=True)
class Standalone:
    """
    ## The result
    """

    text: str
    diagnostics: tuple[Diagnostic, ...] = ()


def make_standalone(wanted: Wanted, comments: str = "full") -> Standalone:
    """
    ## From what is wanted to a file

    `comments` is one of `LEVELS`. Raises `Refusal` for what cannot be taken along safely.
    """
    draft = draft_standalone(wanted, comments)
    return Standalone(standalone_text(draft, draft.origin()), draft.diagnostics)


def standalone_text(draft: Draft, origin: Origin) -> str:
    """Return the file: where it comes from, and all that is needed."""
    return f"{header(draft.facts, origin)}{draft.body}"


def draft_standalone(wanted: Wanted, comments: str = "full") -> Draft:
    """
    ### The file without its header
    """
    closure = close(wanted)
    names = choose_names(closure)
    facts, diagnostics = find_facts(closure, closure.modules)
    paragraphs = []
    if comments != "none" and (docstring := module_docstring(wanted.module)):
        paragraphs.append(docstring)
    if imports := import_block(closure, names):
        paragraphs.append(imports)
    text = "".join(f"\n\n{paragraph}" for paragraph in paragraphs)

    above: Unit | None = None
    for unit in closure.units:
        piece = unit_text(unit, closure, names, comments)
        if comments == "full" and (above is None or above.module is not unit.module):
            text += f"\n\n# From {unit.module.name}" if above is None else f"\n\n\n# From {unit.module.name}"
            text += "\n" * (2 if unit.is_definition else 1)
            text += f"\n{piece}"
        else:
            text += "\n" * (gap(above, unit) + 1) + piece
        above = unit
    if aliases := alias_lines(closure, names):
        text += f"\n\n\n{aliases}"
    return Draft(facts, f"{text}\n", tuple(diagnostics))


def gap(above: Unit | None, unit: Unit) -> int:
    """
    ### How many blank lines go between two units

    Two around classes and functions; elsewhere as many as there were, if the two stood together.
    """
    if unit.is_definition or (above and above.is_definition):
        return 2
    if above and above.module is unit.module:
        between = unit.module.lines[above.last : unit.first - 1]
        if all(not line.strip() or line.lstrip().startswith("#") for line in between):
            return min(sum(not line.strip() for line in between), 2)
    return 1


# ## Who is called what


def choose_names(closure: Closure) -> dict[Entity, str]:
    """
    ### A name for everything

    What was asked for has its own name, then come the others in order. Where a name is taken, that of the module is
    added to it.
    """
    definitions = [
        *closure.requested.values(),
        *(Definition(unit.module.name, name) for unit in closure.units for name in sorted(unit.binds)),
    ]
    references = _references(closure)
    everything: list[Entity] = [*dict.fromkeys(definitions), *sorted(closure.outside, key=lambda o: (o.target, o.name))]
    everything += references
    identifiers = {word for unit in closure.units for word in _identifiers(unit)} | {e.name for e in everything}
    used_builtins = _used_builtins(closure)

    names: dict[Entity, str] = {}
    taken: set[str] = set()
    for entity in dict.fromkeys(everything):
        uses = references.get(entity, [])
        for candidate in _candidates(entity):
            is_own = candidate == entity.name
            if candidate in taken or (not is_own and candidate in identifiers):
                continue
            foreign = [unit for unit in used_builtins.get(candidate, ()) if not _binds(unit, entity)]
            if foreign or any(_is_hidden(candidate, unit, reference, closure) for unit, reference in uses):
                continue
            names[entity] = candidate
            taken.add(candidate)
            break
    return names


def _candidates(entity: Entity) -> Iterator[str]:
    yield entity.name
    if isinstance(entity, Definition):
        parts = entity.module.split(".")
        base = f"{entity.name}_{parts[-1]}"
        yield base
        yield f"{entity.name}_{'_'.join(parts)}"
    else:
        base = f"{entity.target.partition('.')[0]}_{entity.name}"
        yield base
    number = 2
    while True:
        yield f"{base}_{number}"
        number += 1


def _references(closure: Closure) -> dict[Entity, list[tuple[Unit, Reference]]]:
    found: dict[Entity, list[tuple[Unit, Reference]]] = {}
    for unit in closure.units:
        for reference in closure.readings[unit].references:
            found.setdefault(reference.entity, []).append((unit, reference))
    return found


def _is_hidden(candidate: str, unit: Unit, reference: Reference, closure: Closure) -> bool:
    """Whether a name would mean a variable of the function it stands in, where it did not before."""
    unchanged = candidate == reference.text and reference.variable == f":{candidate}"
    return not unchanged and candidate in closure.readings[unit].local


def _binds(unit: Unit, entity: Entity) -> bool:
    """Whether a module has a name of its own in place of a builtin."""
    if isinstance(entity, Definition):
        return unit.module.name == entity.module
    return any(each.target == entity.target for each in unit.module.imports.get(entity.name, ()))


def _used_builtins(closure: Closure) -> dict[str, list[Unit]]:
    found: dict[str, list[Unit]] = {}
    for unit in closure.units:
        for name in unit.module.names_in(unit.first, unit.last):
            if name.target == f"builtins.{name.text}":
                found.setdefault(name.text, []).append(unit)
    return found


def _identifiers(unit: Unit) -> Iterator[str]:
    for line in unit.module.lines[unit.first - 1 : unit.last]:
        yield from re.findall(r"[^\W\d]\w*", line)
    yield from keyword.kwlist


# ## Imports


def import_block(closure: Closure, names: dict[Entity, str]) -> str:
    """
    ### The imports that are left

    What only type checkers import stays under `if TYPE_CHECKING`. A class of the package that nothing but an annotation
    names is anything to them.
    """
    running: list[Import] = []
    for_typing: list[Import] = []
    for outside, ways in closure.outside.items():
        if outside not in names:
            continue
        only_typing = all(way.typing_only for way in ways)
        for way in ways:
            if way.typing_only and not only_typing:
                continue
            name = names[outside]
            if not way.member and name != way.name and way.source != way.target:
                message = f"`{way.name}` is something else in another file; write `import {way.source} as …`"
                module = next(m for m in closure.modules if way in m.imports.get(way.name, ()))
                raise module.refusal((way.line, way.column), message)
            (for_typing if only_typing else running).append(Import(name, way.source, way.member, way.note))
    if not for_typing and not closure.types:
        return block(running, closure.lazy)
    checking = names.get(Outside("TYPE_CHECKING", "typing.TYPE_CHECKING"), "TYPE_CHECKING")
    running.append(Import(checking, "typing", "TYPE_CHECKING"))
    anything = names.get(Outside("Any", "typing.Any"), "Any")
    types = "\n".join(f"    {names[each]} = {anything}" for each in closure.types)
    inner = "\n\n".join(text for text in (block(for_typing, indent="    "), types) if text)
    return f"{block(running, closure.lazy)}\n\nif {checking}:\n{inner}"


def needed_packages(closure: Closure) -> tuple[list[str], list[str]]:
    """
    ### What has to be installed

    For the file itself, and for some functions in it, which import it when they run.
    """
    at_once = {way.source for ways in closure.outside.values() for way in ways if not way.typing_only}
    inside: set[str] = set()
    for unit in closure.units:
        left_out = closure.readings[unit].imports
        for node in (each for top in unit.nodes for each in ast.walk(top) if each not in left_out):
            if isinstance(node, ast.Import):
                inside.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                inside.add(node.module)
    first = {source.partition(".")[0] for source in at_once} - sys.stdlib_module_names
    second = {source.partition(".")[0] for source in inside} - sys.stdlib_module_names - first
    return sorted(first), sorted(second)


# ## The top of the file


def find_facts(closure: Closure, cited: Iterable[Module]) -> tuple[Facts, list[Diagnostic]]:
    """
    ### What is to be told of a closure

    With the papers of the modules `cited`, and what is wrong with them.
    """
    wanted, modules = closure.wanted, closure.modules
    citations: dict[str, None] = {}
    diagnostics: list[Diagnostic] = []
    for module in cited:
        paper, problems = find_paper(module.document)
        diagnostics += problems
        if paper:
            citations[f"{plain(paper)} {paper.address}".strip()] = None
    needs, inside = needed_packages(closure)
    return Facts(
        f"{wanted.name}, from {wanted.module.name}" if wanted.name else wanted.module.name,
        tuple(module.name for module in modules),
        tuple(str(module.path) for module in modules),
        str(wanted.package.root),
        tuple(needs),
        tuple(inside),
        tuple(citations),
        tuple(dict.fromkeys(filter(None, map(notice, modules)))),
    ), diagnostics


def notice(module: Module) -> str:
    """
    ### What a file says of its copyright

    The comments above everything else, if they speak of that.
    """
    lines: list[str] = []
    for line in module.lines:
        if not line.startswith("#") and (line.strip() or lines):
            break
        if line.strip() and not line.startswith("#!") and not re.match(r"#.*coding[:=]", line):
            lines.append(line.removeprefix("#").removeprefix(" ").rstrip())
    text = "\n".join(lines).strip("\n")
    return text if re.search(r"(?i)copyright|©|SPDX-|licen[cs]e", text) else ""


def header(facts: Facts, origin: Origin) -> str:
    """
    ### Where all this comes from, in comments

    Most licences ask that they go along with the code.
    """
    needs = ", ".join(facts.needs) or "nothing but Python"
    inside = f"; some functions also {', '.join(facts.needs_inside)}" if facts.needs_inside else ""
    rows = [
        ("From", ", ".join(facts.modules)),
        ("Commit", f"{origin.commit}{', with later changes' * origin.changed}" if origin.commit else ""),
        *(("Paper", citation) for citation in facts.citations),
        ("Needs", f"{needs}{inside}"),
        ("Licence", licence_line(origin.licence)),
    ]
    title = f"{facts.what}, with all that it needs of its package, in one file. Made with sidelit {__version__}."
    lines = [*textwrap.wrap(title, 110), ""]
    for name, value in rows:
        if value:
            lines += textwrap.wrap(f"{name}: {value}", 110, subsequent_indent="  ", break_on_hyphens=False)
    if origin.licence.is_spdx:
        lines += ["", f"SPDX-License-Identifier: {origin.licence.name}"]
    for text in (*facts.notices, licence_text(origin.licence)):
        if text:
            lines += ["", *(row for line in text.split("\n") for row in textwrap.wrap(line, 110) or [""])]
    return "\n".join(f"# {line}".rstrip() for line in lines)


# A licence of more lines is named, and not repeated in each file.
_SHORT = 50


def licence_text(licence: Licence) -> str:
    """
    ### The text of a licence that is short

    MIT, BSD and the like want to be in all copies. Of the long ones the name is enough here.
    """
    return licence.text if licence.text.count("\n") < _SHORT else ""


def licence_line(licence: Licence) -> str:
    """
    ### A licence in a line

    With whose it is and where to find its text, if the text is not given itself.
    """
    if licence_text(licence) or not licence.name:
        return licence.name
    file = f"{licence.file.name} of the source" if licence.file else ""
    web = f"https://spdx.org/licenses/{licence.name}.html" if licence.is_spdx and " " not in licence.name else ""
    where = " or ".join(filter(None, (file, web)))
    stays = f"Keep its text with this: {where}" if where else ""
    return ". ".join(filter(None, (licence.name, " ".join(licence.copyright), stays)))


def module_docstring(module: Module) -> str:
    """
    ### The docstring of a module as it stands in its file, without the front matter
    """
    node = module.tree.body[0] if module.tree.body else None
    if node is None or not is_text(node):
        return ""
    literal = _between(module, module.start(node), module.end(node))
    opening = re.match("""[a-zA-Z]*(\"{3}|'{3}|\"|')""", literal)
    if not opening:
        return literal
    inner = literal[opening.end() : -len(opening[1])]
    lines = inner.split("\n")
    fences = [number for number, line in enumerate(lines) if line.strip() == "---"]
    if len(fences) > 1 and not any(line.strip() for line in lines[: fences[0]]):
        rest = "\n".join(lines[fences[1] + 1 :]).lstrip("\n")
        inner = f"\n{rest}"
    return f"{opening[0]}{inner}{opening[1]}" if inner.strip() else ""


def alias_lines(closure: Closure, names: dict[Entity, str]) -> str:
    """Return assignments for what was asked for under a name that is not its own."""
    pairs = ((name, names[definition]) for name, definition in closure.requested.items())
    return "\n".join(f"{name} = {own}" for name, own in pairs if name != own)


def _between(module: Module, start: Place, end: Place) -> str:
    rows = list(module.lines[start[0] - 1 : end[0]])
    rows[-1] = rows[-1][: end[1]]
    rows[0] = rows[0][start[1] :]
    return "\n".join(rows)


# ## The text of a unit

# Stands for a line that goes. No source that Python reads holds one.
_GONE = "\0"


def unit_text(
    unit: Unit, closure: Closure, names: dict[Entity, str], comments: str, *, lead: bool = True, docstring: bool = True
) -> str:
    """
    ### A unit with its comments

    `comments` says how much prose to keep. Without `lead` the comments above it are left out, without `docstring` its
    own docstring is, if it is one class or function.
    """
    module = unit.module
    rows = list(module.lines[unit.first - 1 : unit.last])
    edits = [*_renamings(unit, closure, names), *_removals(unit, closure, comments, docstring)]
    if comments != "full":
        edits += _without_comments(unit)
    _apply(edits, rows, unit.first)
    above = _lead(unit) if lead else []
    if comments != "full":
        above = [line for line in above if is_directive(line.lstrip()[1:])]
    return "\n".join([*above, *_closed_up(rows)])


@dataclass(frozen=True)
class _Edit:
    """### Text in place of what stands between two places"""

    start: Place
    end: Place
    text: str


def _renamings(unit: Unit, closure: Closure, names: dict[Entity, str]) -> Iterator[_Edit]:
    """
    ### Names that are other ones in the result
    """
    for reference in closure.readings[unit].references:
        name = names[reference.entity]
        start, end = reference.start, reference.end
        if name == reference.text or (start and _is_listed(unit, start)):
            continue
        message = f"`{reference.text}` has to become `{name}` in one file, and cannot here; rename it in the sources"
        if start is None or _is_unnamed_import(unit, start):
            raise unit.module.refusal(start or (end[0], 0), message)
        if not reference.quoted:
            yield _Edit(start, end, name)
            continue
        literal = _between(unit.module, start, end)
        changed = re.sub(rf"(?<![\w.]){re.escape(reference.text)}(?!\w)", name, literal)
        if changed == literal:
            raise unit.module.refusal(start, message)
        yield _Edit(start, end, changed)


def _is_listed(unit: Unit, start: Place) -> bool:
    """Whether a name stands in `__all__`, between quotes. What is listed there keeps its name."""
    return unit.module.lines[start[0] - 1][max(start[1] - 1, 0) : start[1]] in ("'", '"') and "__all__" in unit.binds


def _is_unnamed_import(unit: Unit, start: Place) -> bool:
    """Whether a name stands in an `import` inside of a unit, where another name would be another module."""
    return any(
        isinstance(node, (ast.Import, ast.ImportFrom)) and unit.module.start(node) <= start < unit.module.end(node)
        for top in unit.nodes
        for node in ast.walk(top)
    )


def _removals(unit: Unit, closure: Closure, comments: str, docstring: bool) -> Iterator[_Edit]:
    """
    ### Statements that go: imports of the package, and docstrings

    A body of which nothing would be left gets a `pass`.
    """
    going: set[ast.AST] = set(closure.readings[unit].imports)
    for node in (each for top in unit.nodes for each in ast.walk(top)):
        body = getattr(node, "body", None)
        if not isinstance(body, list) or not body:
            continue
        is_own = node is unit.nodes[0] and not docstring
        if (comments == "none" or is_own) and _may_have_docstring(node) and is_text(body[0]):
            going.add(body[0])
    for node in (each for top in unit.nodes for each in ast.walk(top)):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and body and all(statement in going for statement in body):
                yield _Edit(unit.module.start(body[0]), unit.module.end(body[0]), "pass")
                going.discard(body[0])
    for node in going:
        start, end = unit.module.start(node), unit.module.end(node)
        before = unit.module.lines[start[0] - 1][: start[1]]
        behind = unit.module.lines[end[0] - 1][end[1] :].strip()
        if before.strip() or behind.startswith(";"):
            yield _Edit(start, end, "pass")
        else:
            yield from _lines_gone(unit.module, start[0], end[0])


def _may_have_docstring(node: ast.AST) -> bool:
    return isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))


def _lines_gone(module: Module, first: int, last: int) -> Iterator[_Edit]:
    for line in range(first, last + 1):
        yield _Edit((line, 0), (line, len(module.lines[line - 1])), _GONE)


def _without_comments(unit: Unit) -> Iterator[_Edit]:
    """
    ### Comments that go
    """
    comments = unit.module.comments
    for line, column in comments[bisect_left(comments, (unit.first, 0)) : bisect_left(comments, (unit.last + 1, 0))]:
        text = unit.module.lines[line - 1]
        if is_directive(text[column + 1 :]):
            continue
        before = text[:column].rstrip()
        if before:
            yield _Edit((line, len(before)), (line, len(text)), "")
        else:
            yield from _lines_gone(unit.module, line, line)


def _apply(edits: Iterable[_Edit], rows: list[str], first: int) -> None:
    """
    ### Make the edits, the last one first

    What lies inside another edit is done with it.
    """
    done: Place | None = None
    for edit in sorted(set(edits), key=lambda edit: (edit.end, edit.start), reverse=True):
        if done and edit.end > done:
            continue
        done = edit.start
        (line, column), (end_line, end_column) = edit.start, edit.end
        behind = rows[end_line - first][end_column:]
        rows[line - first] = rows[line - first][:column] + edit.text + behind
        for number in range(line + 1, end_line + 1):
            rows[number - first] = _GONE


def _closed_up(rows: list[str]) -> list[str]:
    """
    ### Without the lines that went

    Of the blank lines above and below them the more numerous stay, and none at the beginning of a block.
    """
    kept: list[str] = []
    at = 0
    while at < len(rows):
        if rows[at] != _GONE:
            kept.append(rows[at])
            at += 1
            continue
        above = 0
        while kept and not kept[-1].strip():
            kept.pop()
            above += 1
        below = 0
        while at < len(rows) and (rows[at] == _GONE or not rows[at].strip()):
            below = below + 1 if rows[at] != _GONE else 0
            at += 1
        if kept and at < len(rows) and not re.search(r"[:([{]\s*(?:#.*)?$", kept[-1]):
            kept.extend([""] * max(above, below))
    return kept


def _lead(unit: Unit) -> list[str]:
    """
    ### The comments above a unit that are about it

    As on the page: those directly above, and before ordinary code also those with blank lines in between.
    """
    lines = unit.module.lines
    at = unit.first - 1
    blank = 0
    while not unit.is_definition and at and not lines[at - 1].strip():
        at, blank = at - 1, blank + 1
    end = at
    while at and lines[at - 1].startswith("#"):
        at -= 1
    if at == end:
        return []
    return [*lines[at:end], *[""] * min(blank, 1)]


__all__ = ["LEVELS", "Draft", "Refusal", "Standalone", "draft_standalone", "make_standalone", "standalone_text"]
