r"""
# From a document to a page

This module puts together what the others made of a document: its prose as HTML, its code as coloured lines. The result
is a `Page`, all that a host needs, and it depends on nothing but the source and the options. So it can be kept in a
cache, as bytes.

What a page cannot know alone is left open: the formulas, which one process typesets for the whole site, and the links
and names whose targets are other pages. In `body` a mark stands for each; `finish` puts in what they became.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from html import escape
from typing import Any, TypeVar

import jinja2

from sidelit import code
from sidelit.check import examine, title_line
from sidelit.diagnostic import Diagnostic
from sidelit.dialects import to_markdown
from sidelit.formula import Formula, Link, fill
from sidelit.names import Names, find_names
from sidelit.offer import Offer, find_offer, from_values
from sidelit.proofs import Verified, headline, rows
from sidelit.prose import Fragment, Heading, Renderer, is_local
from sidelit.references import LINK, Exports, Reference, find_exports, mark_names, variables
from sidelit.rules import Switch
from sidelit.search import Entry, entries_of
from sidelit.source import Document, LineRange, Section
from sidelit.symbols import Symbol, declared_symbols, unused_variables
from sidelit.theme import TEMPLATES

# What is put into a page last
OpenEnd = Formula | Link | Reference


@dataclass(frozen=True)
class Page:
    """
    ## A page

    * `image` is shown where others link to the page; with a `redirect` the page only leads there
    * `body` is the HTML of the page, with a mark for each of the `open_ends`, in their order
    * `symbols` are those that the author pairs with variables of the code
    * `headings` are the prose's, in order
    * `anchors` are the names on the page that can be linked to, besides `L1` and so on for its `code_lines`
    * `exports` are the definitions that names on other pages may lead to
    * `entries` are what the search can find
    * `title_line` is where the author wrote the title, 0 where it is the name of the module
    * `switches` are the comments that switch off [rules](rules.py) of which the `diagnostics` tell
    * `offer` is what a reader may take along
    """

    title: str
    summary: str
    image: Link | None
    redirect: Link | None
    body: str
    open_ends: tuple[OpenEnd, ...]
    symbols: tuple[Symbol, ...]
    headings: tuple[Heading, ...]
    anchors: tuple[str, ...]
    code_lines: tuple[LineRange, ...]
    exports: Exports
    entries: tuple[Entry, ...]
    title_line: int
    switches: tuple[Switch, ...]
    diagnostics: tuple[Diagnostic, ...]
    offer: Offer = Offer()

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
        return replace(self, body="", open_ends=(), symbols=(), entries=())


def make_page(
    document: Document,
    *,
    allow_html: bool,
    docstrings: str = "auto",
    module: str = "",
    is_package: bool = False,
    parents: Sequence[tuple[str, str]] = (),
    repository: str = "",
    api: bool = False,
    verified: Verified | None = None,
) -> Page:
    """
    ## Document to page

    `module` is the dotted name of the file, `is_package` says that it is an `__init__.py`. `parents` are the pages
    above this one as (title, address). `repository` is how the source's repository writes lines at the end of an
    address, such as `#L{first}-L{last}`, if it has one; the address before that changes with each commit and is left
    open, as a `Link` of the kind `repository`. With `api` the sections may have entries in the
    [API reference](api/__init__.py); the ways there are left open too. With `allow_html` the HTML in the prose is the
    author's own and kept; without it, it is sanitised. `docstrings` is their [dialect](dialects.py#to_markdown).
    `verified` is what is [proven](proofs.py) of the code.
    """
    anchors = [section.anchor for section in document.sections] + ([_VERIFIED] if verified else [])
    fragments = [_fragment(section, docstrings) for section in document.sections]
    rendered = _renderer(allow_html).render(fragments, document.path, anchors)

    names = find_names(document.lines, module, is_package, document.tree)
    exports = find_exports(module, names, document.sections)
    symbols, symbol_problems = declared_symbols(document)
    variable_names = variables(names, exports, document.sections)
    paired = {symbol.variable for symbol in symbols}
    marked = mark_names(names, exports, [name for name in variable_names if name.text in paired])
    highlighted = code.highlight(document, marked.stretches)
    symbol_problems += unused_variables(symbols, {name.text for name in variable_names})
    offer, offer_problems = find_offer(document, names)

    open_ends: list[OpenEnd] = []

    def leave_open(end: OpenEnd) -> str:
        open_ends.append(end)
        return _MARK

    def in_repository(lines: str) -> str:
        return leave_open(Link(lines, "repository", document.path, 1, 1)) if repository else ""

    def in_api(section: Section) -> str:
        is_entry = api and section.kind in ("module", "class", "function")
        return leave_open(Link(section.qualname, "api", document.path, 1, 1)) if is_entry else ""

    def facts() -> dict[str, Any]:
        """Return what the template needs to show what is verified. Its links come behind those of the first section."""
        shown = [
            {
                **vars(row),
                "in_repository": in_repository(row.test.in_repository) if row.test and row.test.in_repository else "",
            }
            for row in (rows(verified) if verified else ())
        ]
        return {**vars(verified), "headline": headline(verified), "rows": shown} if verified else {}

    source = {"path": _without_mark(document.path), "href": in_repository("")}

    sections: list[dict[str, Any]] = []
    headings: list[Heading] = []
    entries: list[Entry] = []
    proven: dict[str, Any] = {}
    ids = {*anchors, *(f"section-{section.number}" for section in document.sections)}
    for section, docs in zip(document.sections, rendered.prose, strict=True):
        html = fill(_with_entity(docs.html), rendered.slots, leave_open, leave_open)

        # Only here is it known that a paragraph is one formula, which style sheets want to set apart.
        html = html.replace(f"<p>{_MARK}</p>", f'<p class="formula">{_MARK}</p>')
        headings.extend(docs.headings)
        ids.update(docs.ids)
        if section.number == 0 and not any(heading.level == 1 for heading in docs.headings):
            title = escape(_without_mark(document.title), quote=False)
            html = f"<h1>{title}</h1>\n{html}".rstrip()
        sections.append(
            {
                "number": section.number,
                "anchor": section.anchor,
                "kind": section.kind,
                "qualname": section.qualname,
                "docs": html,
                "docstring": section.docstring,
                "code": _with_entity(code.lines_of(section.code_lines, highlighted)).replace(LINK, f"<a{_MARK}"),
                "in_api": in_api(section),
                "in_repository": in_repository(_lines(section, repository)),
            }
        )
        for first, last in section.code_lines:
            for line in range(first, last + 1):
                open_ends += marked.references.get(line, ())
        proven = proven or facts()
        title = section.qualname or document.title
        joined = section.number > 0 or any(heading.text == title for heading in docs.headings[:1])
        own, *more = entries_of(docs.html, rendered.slots, section.anchor, title, joined=joined)
        name = section.qualname if section.kind in ("class", "function") else ""
        entries += [replace(own, name=name, names=_names(section, document.lines)), *more]

    body = _template("annotated.html").render(
        parents=[{"title": _without_mark(title), "href": href} for title, href in parents],
        source=source,
        offered=_OFFERED,
        sections=sections,
        verified=proven,
    )
    return Page(
        title=document.title,
        summary=document.summary,
        image=_front_matter_link(document, "image", "src"),
        redirect=_front_matter_link(document, "redirect", "href"),
        body=body,
        open_ends=tuple(open_ends),
        symbols=symbols,
        headings=tuple(headings),
        anchors=tuple(sorted(ids)),
        code_lines=tuple(span for section in document.sections for span in section.code_lines),
        offer=offer,
        exports=exports,
        entries=tuple(entries),
        title_line=title_line(document, rendered.prose),
        switches=document.switches,
        diagnostics=(
            *document.diagnostics,
            *symbol_problems,
            *offer_problems,
            *_refused_addresses(document),
            *rendered.diagnostics,
            *examine(document, rendered),
        ),
    )


# The id of the facts. No class, function or second section of one has a name like it.
_VERIFIED = "what-is-verified"


def _fragment(section: Section, docstrings: str) -> Fragment:
    docs, origins = section.docs, section.origins
    if section.docstring:
        docs, origins = to_markdown(docs, origins, docstrings)
    return Fragment(docs.replace("\0", code.NUL), origins)


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
    pieces = page.body.replace(_OFFERED, _with_entity(offered), 1).split(_MARK)
    return "".join(piece for pair in zip(pieces, [*ends, ""], strict=True) for piece in pair)


def _way(link: Link, address: str) -> str:
    """A whole link, between a section and its entry in the API reference, or nothing where there is none."""
    name = link.path if link.kind == "story" else link.target
    return _template("api/link.html").render(kind=link.kind, href=address, name=name) if address else ""


# A code point that Unicode promises never to give to a character. Should a source hold it, it is written as an entity,
# and in what is not HTML yet, as the sign for what cannot be shown.
_MARK = "\ufdd0"

# Another one, for the place of what is offered. It is the first on the page, whatever its prose holds.
_OFFERED = "\ufdd1"


def _with_entity(html: str) -> str:
    return html.replace(_MARK, "&#xFDD0;")


def _without_mark(text: str) -> str:
    return text.replace(_MARK, "\ufffd")


def redirection(title: str, href: str) -> str:
    """
    ## A page that leads to another address

    A whole document: browsers go on at once, and readers without a browser find a link.
    """
    return _template("redirect.html").render(title=title, href=href)


def offering(**values: Any) -> str:
    """
    ## What is offered, as HTML

    `values` are what the template says.
    """
    return _template("take.html").render(values)


def _front_matter_link(document: Document, name: str, kind: str) -> Link | None:
    target = document.front_matter.get(name)
    if not isinstance(target, str) or not (is_local(target) or target.startswith(("https://", "http://"))):
        return None
    return Link(target, kind, document.path, _front_matter_line(document, name), 1)


def _front_matter_line(document: Document, name: str) -> int:
    return next((n for n, text in enumerate(document.lines, start=1) if text.lstrip().startswith(f"{name}:")), 1)


def _refused_addresses(document: Document) -> list[Diagnostic]:
    """Say which addresses in the front matter are none that a page may lead to."""
    return [
        Diagnostic(
            document.path,
            _front_matter_line(document, name),
            1,
            "front-matter",
            f"`{name}` leads neither to a file nor to a web address, and is left out",
        )
        for name, kind in (("image", "src"), ("redirect", "href"))
        if isinstance(document.front_matter.get(name), str) and not _front_matter_link(document, name, kind)
    ]


def _lines(section: Section, form: str) -> str:
    """Return the section's lines, first to last, as the end of an address."""
    numbers = [number for span in (*section.doc_lines, *section.code_lines) for number in span]
    return form.format(first=min(numbers), last=max(numbers)) if numbers else ""


def _names(section: Section, lines: Sequence[str]) -> str:
    """Return the names in the section's code, each once, for who searches for `step_param`."""
    found: dict[str, None] = {}
    for first, last in section.code_lines:
        for line in lines[first - 1 : last]:
            found.update(dict.fromkeys(_NAME.findall(line)))
    return " ".join(found)


_NAME = re.compile(r"[^\W\d]\w{2,}")


@lru_cache
def _renderer(allow_html: bool) -> Renderer:
    return Renderer(allow_html)


@lru_cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
    return environment.get_template(name)


# ## To the cache and back

_Record = TypeVar("_Record")


def to_bytes(page: Page) -> bytes:
    """
    ### A page as bytes

    JSON, and the body behind it as it is, since it is long and full of quotes. Most open ends are names, and most names
    stand in many places, so they are numbered.
    """
    numbers: dict[str, int] = {}
    open_ends = [
        numbers.setdefault(end.target, len(numbers)) if isinstance(end, Reference) else [type(end).__name__, vars(end)]
        for end in page.open_ends
    ]
    values = vars(page) | {"body": "", "open_ends": open_ends, "references": list(numbers)}
    head = json.dumps(values, default=vars, ensure_ascii=False, separators=(",", ":"))
    return f"{head}\n{page.body}".encode()


def from_bytes(data: bytes) -> Page:
    """
    ### The page that `to_bytes` was given

    Raises `ValueError`, `KeyError` or `TypeError` for anything else.
    """
    head, body = data.split(b"\n", 1)
    values = json.loads(head)
    kinds: Mapping[str, type[Formula | Link]] = {"Formula": Formula, "Link": Link}
    references = [Reference(target) for target in values.pop("references")]
    return Page(
        **{
            **values,
            "body": body.decode(),
            "open_ends": tuple(
                references[end] if isinstance(end, int) else kinds[end[0]](**end[1]) for end in values["open_ends"]
            ),
            "symbols": tuple(Symbol(each["variable"], Formula(**each["formula"])) for each in values["symbols"]),
            "offer": from_values(values["offer"]),
            "exports": _exports(values["exports"]),
            "headings": _all(Heading, values["headings"]),
            "image": values["image"] and Link(**values["image"]),
            "redirect": values["redirect"] and Link(**values["redirect"]),
            "anchors": tuple(values["anchors"]),
            "code_lines": tuple((first, last) for first, last in values["code_lines"]),
            "entries": tuple(
                Entry(**{**each, "title": tuple(each["title"]), "text": tuple(each["text"])})
                for each in values["entries"]
            ),
            "switches": tuple(Switch(**each | {"names": tuple(each["names"])}) for each in values["switches"]),
            "diagnostics": _all(Diagnostic, values["diagnostics"]),
        }
    )


def _exports(values: Mapping[str, Any]) -> Exports:
    kept = values["names"]
    names = Names(
        definitions=tuple(kept["definitions"]),
        bases={name: tuple(bases) for name, bases in kept["bases"].items()},
        aliases=kept["aliases"],
        stars=tuple(kept["stars"]),
    )
    return Exports(values["module"], values["places"], names)


def _all(kind: type[_Record], values: Iterable[Mapping[str, Any]]) -> tuple[_Record, ...]:
    return tuple(kind(**value) for value in values)
