"""
# Imports, merged and sorted

Each module of a package has imports of its own, and one file has them once, in the order that isort and ruff give
them: the standard library first, then what is installed; `import` before `from`; names by their kind.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

WIDTH = 120


@dataclass(frozen=True)
class Import:
    """
    ## One name that is imported

    `import source` or `import source as name` without a `member`, else `from source import member as name`. `note` is
    a directive that goes behind it.
    """

    name: str
    source: str
    member: str = ""
    note: str = ""


def block(imports: Iterable[Import], lazy: bool = False, indent: str = "") -> str:
    """
    ## The text of all imports

    Without a line end behind it. `lazy` puts `from __future__ import annotations` first.
    """
    sections: dict[bool, list[Import]] = {}
    for each in sorted(set(imports), key=lambda each: (each.source, each.member, each.name, each.note)):
        sections.setdefault(each.source.partition(".")[0] in sys.stdlib_module_names, []).append(each)
    paragraphs = ["from __future__ import annotations"] if lazy else []
    for is_standard in (True, False):
        if lines := list(_section(sections.get(is_standard, []), indent)):
            paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def _section(imports: list[Import], indent: str) -> Iterator[str]:
    whole = {(each.source, each.name if each.name != each.source.partition(".")[0] else ""): each for each in imports
             if not each.member}  # fmt: skip
    for source, name in sorted(whole, key=lambda pair: (_natural(pair[0]), pair)):
        each = whole[source, name]
        yield _noted(f"{indent}import {source}" + f" as {name}" * bool(name), each.note)

    # A name that gets another one has a statement of its own, as isort has it.
    members: dict[tuple[str, str], list[Import]] = {}
    for each in imports:
        if each.member:
            alone = each.note or each.name != each.member
            members.setdefault((each.source, f"{each.member} {each.name}" if alone else ""), []).append(each)
    for (source, _), group in sorted(
        members.items(), key=lambda item: (_natural(item[0][0]), min(map(_member_order, item[1])))
    ):
        yield from _from(source, sorted(group, key=_member_order), indent)


def _from(source: str, group: list[Import], indent: str) -> Iterator[str]:
    names = [each.member if each.member == each.name else f"{each.member} as {each.name}" for each in group]
    line = f"{indent}from {source} import {', '.join(names)}"
    if len(line) <= WIDTH or group[0].note:
        yield _noted(line, group[0].note)
    else:
        yield from [f"{indent}from {source} import (", *(f"{indent}    {name}," for name in names), f"{indent})"]


def _noted(line: str, note: str) -> str:
    return f"{line}  {note}" if note else line


def _member_order(each: Import) -> tuple[int, list[tuple[int, str]], str, str]:
    """Constants first, then classes, then all else."""
    name = each.member
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, _natural(name), name, each.name


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort digits by their value, and capitals with the others."""
    return [(int(part or 0), rest.lower()) for part, rest in re.findall(r"(\d*)(\D*)", name) if part or rest]
