"""
# The page of a module

This module takes a [description](describe.py) and gives a [`Page`](../page.py#Page), as an annotated source has one.
The docstrings go the same way as on annotated pages: the same dialects, the same Markdown, the same formulas. What the
page cannot know alone is left open: the formulas, the addresses, and the ways to the annotated sections.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import escape

from sidelit import search
from sidelit.api.apart import MARK
from sidelit.api.describe import Described, Member
from sidelit.dialects import to_markdown
from sidelit.formula import Link, fill
from sidelit.offer import Offer
from sidelit.page import Exports, Heading, OpenEnd, Page, pack
from sidelit.prose import Fragment, Renderer, Rendering
from sidelit.search import Entry, entries_of

# What stands in a description for something else: see `apart.py`.
_PLACE = re.compile(f"{MARK}([sd])(\\d+){MARK}")

_HEADING = re.compile(r"<(/?)h([1-6])\b")


def make_module_page(
    module: Described, *, allow_html: bool, docstrings: str = "auto", is_explained: bool = False
) -> Page:
    """
    ## The reference of one module

    `allow_html` and `docstrings` are as in [`make_page`](../making.py#make_page). A module that `is_explained` on a
    page of its own is not explained again: of its prose there is the first paragraph only, and the search finds its
    members by name and signature.
    """
    ids = [member.qualname for member in module.members if member.qualname]
    rendered = _render([_text(member, docstrings, is_explained) for member in module.members], allow_html, ids)
    open_ends: list[OpenEnd] = []

    def leave_open(end: OpenEnd) -> str:
        open_ends.append(end)
        return MARK

    def closed(place: re.Match[str]) -> str:
        number = int(place[2])
        member = module.members[number]
        if place[1] == "s":
            return leave_open(Link(":".join(member.origin), "story", member.qualname, 1, 1))
        html = _below_its_heading(rendered.prose[number].html, member)
        html = fill(html.replace(MARK, "&#xFDD0;"), rendered.slots, leave_open, leave_open)
        return f'<div class="says">{html}</div>' if html else ""

    body = _PLACE.sub(closed, module.html)
    entries = [
        _entry(member, module.name, rendered, number, is_explained) for number, member in enumerate(module.members)
    ]
    return _page(module.name, _plain(module), body, open_ends, list(_headings(module.members)), ids, entries)


def make_index_page(modules: Sequence[Described], addresses: Sequence[str], *, allow_html: bool) -> Page:
    """
    ## The page that lists the modules

    Each with its title. `addresses` are those of their pages.
    """
    rendered = _render([Fragment(_title(module.members[0].docs), ((1, 1),)) for module in modules], allow_html, [])
    open_ends: list[OpenEnd] = []

    def leave_open(end: OpenEnd) -> str:
        open_ends.append(end)
        return MARK

    listed = [
        f'<dt><a href="{escape(address)}">{escape(module.name)}</a></dt>\n'
        f"<dd>{fill(prose.html.replace(MARK, '&#xFDD0;'), rendered.slots, leave_open, leave_open)}</dd>"
        for module, address, prose in zip(modules, addresses, rendered.prose, strict=True)
    ]
    body = '<div class="api">\n<h1>API reference</h1>\n<dl class="modules">\n' + "\n".join(listed) + "\n</dl>\n</div>"
    entry = Entry("", ("API reference",), tuple(["Every module, class and function with its signature"]))
    return _page("API reference", "", body, open_ends, [], [], [entry])


def _page(
    title: str, summary: str, body: str, open_ends: Sequence[OpenEnd], headings: Sequence[Heading], ids: Sequence[str],
    entries: Sequence[Entry],
) -> Page:  # fmt: skip
    return Page(
        title=title,
        summary=summary,
        image=None,
        redirect=None,
        packed=pack(body),
        open_ends=tuple(open_ends),
        symbols=(),
        headings=tuple(headings),
        anchors=tuple(sorted(ids)),
        code_lines=(),
        exports=Exports(""),
        packed_entries=search.pack(entries),
        offer=Offer(),
        title_line=0,
        switches=(),
        diagnostics=(),
    )


# ## Prose


def _text(member: Member, docstrings: str, first_paragraph: bool) -> Fragment:
    """Return the docstring of a member as Markdown, of a module the first paragraph where no more is wanted."""
    docs = member.docs
    if member.kind == "module":
        docs = _FRONT_MATTER.sub("", docs)
        docs = _lead(docs) if first_paragraph else docs
    elif heading := _HEADED.match(docs):
        # On its annotated page a class or function has its name as a heading. Here it has one already.
        docs = docs[heading.end() :] if heading[1] == member.qualname.rpartition(".")[2] else docs
    # What is wrong with a docstring is told where it stands, at its own page. So nobody asks for the places here.
    origins = tuple((1, 1) for _ in docs.split("\n"))
    return Fragment(*to_markdown(docs, origins, docstrings))


_HEADED = re.compile(r"\s*#+[ \t]+(.*?)[ \t#]*(?:\n|\Z)")

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


def _lead(docs: str) -> str:
    """The first paragraph of a text, as far as its last sentence ends in it."""
    paragraphs = re.split(r"\n[ \t]*\n", docs.strip())
    first = next((each for each in paragraphs if not re.match(r"#|[-*>|!]|```|\$\$|\\begin", each)), "")
    return (_SENTENCES.match(first) or [first])[0]


_SENTENCES = re.compile(r".*[.!?](?=\s|\Z)", re.DOTALL)


def _title(docs: str) -> str:
    """The first heading of a module's prose, or else its first sentence, on one line."""
    docs = _FRONT_MATTER.sub("", docs)
    heading = re.search(r"^#\s+(.*?)[ #]*$", docs, re.MULTILINE)
    return heading[1] if heading else " ".join(re.split(r"(?<=[.!?])\s", _lead(docs))[0].split())


def _plain(module: Described) -> str:
    """The first paragraph of a module's prose on one line, for who describes the page to others."""
    return " ".join(_lead(_FRONT_MATTER.sub("", module.members[0].docs)).split())


def _render(fragments: Sequence[Fragment], allow_html: bool, taken: Sequence[str]) -> Rendering:
    return _renderer(allow_html).render(fragments, "", taken)


@lru_cache
def _renderer(allow_html: bool) -> Renderer:
    return Renderer(allow_html)


def _below_its_heading(html: str, member: Member) -> str:
    """Return prose in which the first level of headings is the one below the member's own."""
    own = 1 if member.kind == "module" else 2 + ("." in member.qualname and member.kind != "class")
    levels = [int(match[2]) for match in _HEADING.finditer(html)]
    down = own + 1 - min(levels, default=1)
    return _HEADING.sub(lambda match: f"<{match[1]}h{max(1, min(6, int(match[2]) + down))}", html)


# ## What is on the page


def _headings(members: Sequence[Member]) -> Iterator[Heading]:
    for member in members:
        if member.kind in ("class", "function"):
            owner, _, name = member.qualname.rpartition(".")
            is_own = bool(owner) and member.kind == "function"
            yield Heading(3 if is_own else 2, member.qualname, name if is_own else member.qualname)


def _entry(member: Member, module: str, rendered: Rendering, number: int, is_explained: bool) -> Entry:
    """
    ### What the search knows of a member

    What stands on the annotated page is found there, by its name first of all: a story comes before a signature.
    """
    title = member.qualname or module
    names = " ".join(dict.fromkeys(re.findall(r"[^\W\d]\w{2,}", member.signature)))
    if is_explained and member.kind != "module":
        return Entry(member.qualname, (title,), (member.signature,), "", names)
    found, *_ = entries_of(rendered.prose[number].html, rendered.slots, "", title, joined=True)
    return Entry(member.qualname, (title,), found.text, member.qualname, names)
