r"""
# What a page is

A `Page` is all that a host needs of a document. It is [made](making.py) of nothing but the source and the options, so
it can be kept in a cache, as bytes.

What a page cannot know alone is left open: the formulas, which one process typesets for the whole site, and the links
and names whose targets are other pages. In the HTML a mark stands for each; `finish` puts in what they became.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from html import escape
from typing import Any, TypeVar

import jinja2

from sidelit.diagnostic import Diagnostic
from sidelit.formula import Formula, Link
from sidelit.names import Names
from sidelit.offer import Offer, from_values
from sidelit.rules import Switch
from sidelit.search import Entry, unpack
from sidelit.source import LineRange
from sidelit.symbols import Symbol
from sidelit.theme import TEMPLATES


@dataclass(frozen=True)
class Heading:
    """
    ## A heading of the prose

    `level` is 1 to 6; formulas are TeX in `text`.
    """

    level: int
    id: str
    text: str


@dataclass(frozen=True)
class Reference:
    """
    ## A name that is defined elsewhere

    `target` is dotted, as in [`Name`](names.py#Name).
    """

    target: str


@dataclass(frozen=True)
class Exports:
    """
    ## What other pages may refer to

    * `module` is the dotted name of the file
    * `places` says where on the page each definition is, by its qualified name
    * `names` are its bases and imports, through which others may be led on
    """

    module: str
    places: Mapping[str, str] = field(default_factory=dict)
    names: Names = Names()


# What is put into a page last
OpenEnd = Formula | Link | Reference


@dataclass(frozen=True)
class Page:
    """
    ## A page

    * `image` is shown where others link to the page; with a `redirect` the page only leads there
    * `packed` is the HTML of the page, with a mark for each of the `open_ends`, in their order. It is compressed: all
      pages of a site are there before the first is written, and coloured code repeats itself so much that the fastest
      compression leaves a seventh
    * `symbols` are those that the author pairs with variables of the code
    * `headings` are the prose's, in order
    * `anchors` are the names on the page that can be linked to, besides `L1` and so on for its `code_lines`
    * `exports` are the definitions that names on other pages may lead to
    * `packed_entries` are what the search can find, [packed](search.py#pack) as well
    * `title_line` is where the author wrote the title, 0 where it is the name of the module
    * `switches` are the comments that switch off [rules](rules.py) of which the `diagnostics` tell
    * `offer` is what a reader may take along
    """

    title: str
    summary: str
    image: Link | None
    redirect: Link | None
    packed: bytes
    open_ends: tuple[OpenEnd, ...]
    symbols: tuple[Symbol, ...]
    headings: tuple[Heading, ...]
    anchors: tuple[str, ...]
    code_lines: tuple[LineRange, ...]
    exports: Exports
    packed_entries: bytes
    title_line: int
    switches: tuple[Switch, ...]
    diagnostics: tuple[Diagnostic, ...]
    offer: Offer = Offer()

    @property
    def body(self) -> str:
        """The HTML."""
        return zlib.decompress(self.packed).decode()

    @property
    def entries(self) -> list[Entry]:
        """What the search can find."""
        return unpack(self.packed_entries)

    @property
    def formulas(self) -> list[Formula]:
        """The formulas that `finish` will ask for."""
        return [end for end in self.open_ends if isinstance(end, Formula)]

    @property
    def links(self) -> list[Link]:
        """The links that `finish` will ask for, without those to the API reference and back."""
        return [end for end in self.open_ends if isinstance(end, Link) and end.kind not in ("api", "story")]

    def with_diagnostics(self, more: Sequence[Diagnostic]) -> Page:
        """Return the page with further diagnostics before its own."""
        return replace(self, diagnostics=(*more, *self.diagnostics))

    def emptied(self) -> Page:
        """Return what others need to know of the page once its body is written."""
        return replace(self, packed=b"", open_ends=(), symbols=(), packed_entries=b"")


def finish(
    page: Page,
    typeset: Callable[[Formula], str],
    resolve: Callable[[Link], str],
    refer: Callable[[Reference], str],
    offered: str = "",
) -> str:
    """
    ## The body with nothing left open

    `typeset` gives the HTML of a formula, `resolve` the address of a link, and `refer` that of a name's definition, or
    nothing where there is none. `offered` is the HTML of what may be taken along.
    """

    @cache
    def led_to(reference: Reference) -> str:
        address = refer(reference)
        return f' href="{escape(address)}"' if address else ""

    def closed(end: OpenEnd) -> str:
        match end:
            case Reference():
                return led_to(end)
            case Formula():
                return typeset(end)
            case Link(kind="api" | "story"):
                return _way(end, resolve(end))
        return escape(resolve(end))

    ends = map(closed, page.open_ends)
    pieces = page.body.replace(OFFERED, with_entity(offered), 1).split(MARK)
    return "".join(piece for pair in zip(pieces, [*ends, ""], strict=True) for piece in pair)


def _way(link: Link, address: str) -> str:
    """A whole link, between a section and its entry in the API reference, or nothing where there is none."""
    name = link.path if link.kind == "story" else link.target
    return template("api/link.html").render(kind=link.kind, href=address, name=name) if address else ""


def pack(body: str) -> bytes:
    """Return HTML as a page holds it."""
    return zlib.compress(body.encode(), 1)


# A code point that Unicode promises never to give to a character. Should a source hold it, it is written as an entity,
# and in what is not HTML yet, as the sign for what cannot be shown.
MARK = "\ufdd0"

# Another one, for the place of what is offered. It is the first on the page, whatever its prose holds.
OFFERED = "\ufdd1"


def with_entity(html: str) -> str:
    """Return HTML that cannot be taken for having the mark."""
    return html.replace(MARK, "&#xFDD0;")


def without_mark(text: str) -> str:
    """Return text that cannot be taken for having the mark."""
    return text.replace(MARK, "\ufffd")


def redirection(title: str, href: str) -> str:
    """
    ## A page that leads to another address

    A whole document: browsers go on at once, and readers without a browser find a link.
    """
    return template("redirect.html").render(title=title, href=href)


def offering(**values: Any) -> str:
    """
    ## What is offered, as HTML

    `values` are what the template says.
    """
    return template("take.html").render(values)


@lru_cache
def template(name: str) -> jinja2.Template:
    """Return a template of the theme that does not depend on the host."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
    return environment.get_template(name)


# ## To the cache and back

_Record = TypeVar("_Record")


def to_bytes(page: Page) -> bytes:
    """
    ### A page as bytes

    JSON, and what is packed behind it, of which the JSON says how long the first part is. Most open ends are names, and
    most names stand in many places, so they are numbered. The others are lists of what they hold.
    """
    numbers: dict[str, int] = {}
    open_ends = [
        numbers.setdefault(end.target, len(numbers)) if isinstance(end, Reference) else [*vars(end).values()]
        for end in page.open_ends
    ]
    values = vars(page) | {
        "packed": "",
        "packed_entries": len(page.packed_entries),
        "open_ends": open_ends,
        "references": list(numbers),
    }
    head = json.dumps(values, default=vars, ensure_ascii=False, separators=(",", ":"))
    return head.encode() + b"\n" + page.packed_entries + page.packed


def from_bytes(data: bytes) -> Page:
    """
    ### The page that `to_bytes` was given

    Raises `ValueError`, `KeyError` or `TypeError` for anything else.
    """
    head, packed = data.split(b"\n", 1)
    values = json.loads(head)
    references = dict(enumerate(map(Reference, values["references"])))
    return Page(
        **{
            **{name: value for name, value in values.items() if name != "references"},
            "packed": packed[values["packed_entries"] :],
            "packed_entries": packed[: values["packed_entries"]],
            "open_ends": tuple(
                references[end] if isinstance(end, int) else _open_end(*end) for end in values["open_ends"]
            ),
            "symbols": tuple(Symbol(each["variable"], Formula(**each["formula"])) for each in values["symbols"]),
            "offer": from_values(values["offer"]),
            "exports": _exports(values["exports"]),
            "headings": _all(Heading, values["headings"]),
            "image": values["image"] and Link(**values["image"]),
            "redirect": values["redirect"] and Link(**values["redirect"]),
            "anchors": tuple(map(sys.intern, values["anchors"])),
            "code_lines": tuple((first, last) for first, last in values["code_lines"]),
            "switches": tuple(Switch(**each | {"names": tuple(each["names"])}) for each in values["switches"]),
            "diagnostics": _all(Diagnostic, values["diagnostics"]),
        }
    )


def _open_end(first: str, second: bool | str, path: str, line: int, column: int) -> Formula | Link:
    # A page may have thousands. Interned, because all have one path, and many are the same.
    if isinstance(second, str):
        return Link(sys.intern(first), sys.intern(second), sys.intern(path), line, column)
    return Formula(sys.intern(first), second, sys.intern(path), line, column)


def _exports(values: Mapping[str, Any]) -> Exports:
    # Interned, because a definition, its place and its anchor mostly have one name.
    kept = values["names"]
    names = Names(
        definitions=tuple(map(sys.intern, kept["definitions"])),
        bases={name: tuple(bases) for name, bases in dict(kept["bases"]).items()},
        aliases=kept["aliases"],
        stars=tuple(kept["stars"]),
    )
    places = {sys.intern(name): sys.intern(anchor) for name, anchor in dict(values["places"]).items()}
    return Exports(values["module"], places, names)


def _all(kind: type[_Record], values: Iterable[Mapping[str, Any]]) -> tuple[_Record, ...]:
    return tuple(kind(**value) for value in values)
