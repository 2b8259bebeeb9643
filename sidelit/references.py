r"""
# Names in the code, made to be pointed at

This module says what becomes of each [name](names.py) in a page's code: an element that lights up with all others of
the same variable, and a link to where the name is defined. It takes what the names mean and gives stretches of lines
for [`code.highlight`](code.py#highlight).

An attribute `data-s` says what a name is, as it does in formulas (`symbols.cjs`). A variable that the author has
[paired with a symbol](symbols.py) is called `=` and its name, there as here, so that both light up together. The others
have numbers. A name that occurs once, and leads nowhere, stays plain text.

Where a name of another file is defined is not known before all pages are made. Such a link is left open: its element
begins with `LINK`, which no text of the page can, and its `Reference` is kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from html import escape

from sidelit.code import Wrapped
from sidelit.names import Name, Names
from sidelit.page import Exports, Reference
from sidelit.source import Section

# How the element of an open link begins. All other `<` of the page's code belong to complete tags.
LINK = "<a?"


@dataclass
class Marked:
    """
    ## The names of a page's code

    `stretches` are by line, for the highlighter. `references` are the open links that it has written, by line too.
    """

    stretches: Mapping[int, list[Wrapped]]
    references: Mapping[int, list[Reference]]


def find_exports(module: str, names: Names, sections: Iterable[Section]) -> Exports:
    """
    ## Where the definitions of a page are

    A class or a function has a section, a variable its line.
    """
    places = {section.qualname: section.anchor for section in reversed(list(sections)) if _is_definition(section)}
    prefix = f"{module}."
    for name in names.names:
        if name.is_definition:
            places.setdefault(name.target.removeprefix(prefix), f"L{name.line}")
    without = Names(definitions=names.definitions, bases=names.bases, aliases=names.aliases, stars=names.stars)
    return Exports(module, places, without)


def variables(names: Names, exports: Exports, sections: Iterable[Section]) -> list[Name]:
    """
    ## The names that could hold a symbol

    Variables, arguments, attributes and keys, and no classes, functions or things that were imported.
    """
    callables = {section.qualname for section in sections if _is_definition(section)}
    methods = {qualname.rpartition(".")[2] for qualname in callables}
    prefix = f"{exports.module}."

    def holds(name: Name) -> bool:
        if name.variable.startswith("."):
            return name.text not in methods
        return not name.target or (name.target.startswith(prefix) and name.target[len(prefix) :] not in callables)

    return [name for name in names.names if holds(name)]


def mark_names(names: Names, exports: Exports, paired: Collection[Name]) -> Marked:
    """
    ## What to make of each name

    `paired` are the names that the author has paired with symbols.
    """
    together = {id(name) for name in paired}
    count = Counter(name.variable for name in names.names)
    numbers: dict[str, int] = {}
    marked = Marked(defaultdict(list), defaultdict(list))
    for name in names.names:
        if id(name) in together:
            token = f"={name.text}"
        elif count[name.variable] > 1:
            token = f":{numbers.setdefault(name.variable, len(numbers))}"
        else:
            token = ""
        wrap = _wrap(name, token, exports, marked.references[name.line])
        if wrap:
            marked.stretches[name.line].append(Wrapped(name.column, len(name.text), wrap))
    return marked


def _wrap(
    name: Name, token: str, exports: Exports, references: list[Reference]
) -> Callable[[str, str], str] | None:
    here = exports.places.get(name.target.removeprefix(f"{exports.module}.")) if name.target else None
    is_link = bool(name.target) and not name.is_definition
    if not (is_link or token):
        return None

    def wrap(css: str, html: str) -> str:
        attributes = f' class="{css}"' * bool(css) + f' data-s="{token}"' * bool(token)
        if not is_link:
            return f"<span{attributes}>{html}</span>"
        if here:
            return f'<a href="#{escape(here)}"{attributes}>{html}</a>'
        references.append(Reference(name.target))
        return f"{LINK}{attributes}>{html}</a>"

    return wrap


def _is_definition(section: Section) -> bool:
    return section.kind in ("class", "function")
