r"""
# From a document to a page

This module puts together what the others make of a document: its prose as HTML, its code as coloured lines, what the
names in the code mean. The result is a [`Page`](page.py#Page).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from html import escape
from typing import Any

from sidelit import code, search
from sidelit.check import examine, title_line
from sidelit.diagnostic import Diagnostic
from sidelit.dialects import to_markdown
from sidelit.formula import Link, fill
from sidelit.links import is_local
from sidelit.names import find_names
from sidelit.offer import find_offer
from sidelit.page import MARK, OFFERED, Heading, OpenEnd, Page, pack, template, with_entity, without_mark
from sidelit.proofs import Verified, headline, rows
from sidelit.prose import Fragment, Renderer
from sidelit.references import LINK, find_exports, mark_names, variables
from sidelit.search import Entry, entries_of
from sidelit.source import Document, Section
from sidelit.symbols import declared_symbols, unused_variables


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
        return MARK

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

    source = {"path": without_mark(document.path), "href": in_repository("")}

    sections: list[dict[str, Any]] = []
    headings: list[Heading] = []
    entries: list[Entry] = []
    proven: dict[str, Any] = {}
    ids = {*anchors, *(f"section-{section.number}" for section in document.sections)}
    for section, docs in zip(document.sections, rendered.prose, strict=True):
        html = fill(with_entity(docs.html), rendered.slots, leave_open, leave_open)

        # Only here is it known that a paragraph is one formula, which style sheets want to set apart.
        html = html.replace(f"<p>{MARK}</p>", f'<p class="formula">{MARK}</p>')
        headings.extend(docs.headings)
        ids.update(docs.ids)
        if section.number == 0 and not any(heading.level == 1 for heading in docs.headings):
            # The name of a module may go on in a new line behind each dot.
            title = escape(without_mark(document.title), quote=False).replace(".", ".<wbr>")
            html = f"<h1>{title}</h1>\n{html}".rstrip()
        sections.append(
            {
                "number": section.number,
                "anchor": section.anchor,
                "kind": section.kind,
                "qualname": section.qualname,
                "docs": html,
                "docstring": section.docstring,
                "code": with_entity(code.lines_of(section.code_lines, highlighted)).replace(LINK, f"<a{MARK}"),
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

    body = template("annotated.html").render(
        parents=[{"title": without_mark(title), "href": href} for title, href in parents],
        source=source,
        offered=OFFERED,
        sections=sections,
        verified=proven,
    )
    return Page(
        title=document.title,
        summary=document.summary,
        image=_front_matter_link(document, "image", "src"),
        redirect=_front_matter_link(document, "redirect", "href"),
        packed=pack(body),
        open_ends=tuple(open_ends),
        symbols=symbols,
        headings=tuple(headings),
        anchors=tuple(sorted(ids)),
        code_lines=tuple(span for section in document.sections for span in section.code_lines),
        offer=offer,
        exports=exports,
        packed_entries=search.pack(entries),
        title_line=title_line(document, rendered.prose),
        switches=document.switches,
        diagnostics=(
            *document.diagnostics,
            *symbol_problems,
            *offer_problems,
            *_refused_addresses(document),
            *rendered.diagnostics,
            *examine(document, fragments, rendered),
        ),
    )


# The id of the facts. No class, function or second section of one has a name like it.
_VERIFIED = "what-is-verified"


def _fragment(section: Section, docstrings: str) -> Fragment:
    docs, origins = section.docs, section.origins
    if section.docstring:
        docs, origins = to_markdown(docs, origins, docstrings)
    return Fragment(docs.replace("\0", code.NUL), origins)


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
    code = "\n".join("\n".join(lines[first - 1 : last]) for first, last in section.code_lines)
    return " ".join(dict.fromkeys(_NAME.findall(code)))


_NAME = re.compile(r"[^\W\d]\w{2,}")


@lru_cache
def _renderer(allow_html: bool) -> Renderer:
    return Renderer(allow_html)
