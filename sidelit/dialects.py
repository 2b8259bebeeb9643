r"""
# Docstrings in other dialects, as Markdown

Prose is Markdown here, and most of Python's docstrings are not: they list parameters in the way of Google, of NumPy, or
with the fields of reStructuredText. This module takes the text of a docstring and gives Markdown for
[`prose`](prose.py), in which such a list is a definition list. What it does not know it leaves as it is.

* A dialect is recognised by what no one writes in Markdown: a line `Args:` with indented items, a known heading of
  NumPy with items of its shape, a field such as `:param x:`. **A docstring without any of these is returned as it
  came.**
* Every line of the result is made of one line of the file, and knows where that begins. So a formula in the description
  of a parameter is still reported in its line and column.

The second is why no library reads the docstrings: those that can (griffe is the best of them) give the parts of a
docstring without their places. The tests compare with griffe what is recognised here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from sidelit.restructured import BOXES, Line, Origin, has_marks, in_code, without_marks


def to_markdown(docs: str, origins: Sequence[Origin], dialect: str = "auto") -> tuple[str, tuple[Origin, ...]]:
    """
    ## A docstring to Markdown

    `origins` say for each line of `docs` where it begins in the file; the result has them for its own lines. `dialect`
    is `auto`, `markdown`, `google`, `numpy` or `sphinx`; a docstring that is named to be of a dialect needs to show
    less of it.
    """
    hinted, marked = bool(_HINT.search(docs)), has_marks(docs)
    if dialect == "markdown" or not (hinted or marked):
        return docs, tuple(origins)
    written = [Line(text, *origin) for text, origin in zip(docs.split("\n"), origins, strict=True)]
    lines = without_marks(written)
    fenced = in_code(lines)
    for name, read in _READERS.items() if hinted else ():
        if dialect in (name, "auto"):
            parts = list(read(lines, fenced))
            if any(part.is_evidence or (dialect == name and part.title) for part in parts):
                return _joined(_trimmed([line for part in parts for line in _markdown_of(part)]))
    return _joined(lines) if marked and lines != written else (docs, tuple(origins))


def _joined(lines: Sequence[Line]) -> tuple[str, tuple[Origin, ...]]:
    return "\n".join(line.text for line in lines), tuple((line.line, line.column) for line in lines)


# No dialect goes without one of these: a heading with a colon, one that is underlined, a field.
_HINT = re.compile(r"^[A-Za-z][A-Za-z ]*::?[ \t]*$|^-{3,}[ \t]*$|^:[a-z]+\b[^:\n]*:", re.MULTILINE)


# ## What a docstring is made of


@dataclass(frozen=True)
class _Item:
    """
    ### One thing that is described

    `term` is Markdown, `at` the line that it stands in, and `body` the description. Without a term it is a remark
    between the others.
    """

    term: str
    at: Line
    body: tuple[Line, ...]


@dataclass(frozen=True)
class _Part:
    """
    ### A piece of a docstring

    * `title` is what stands above, empty for running text, and `at` its line
    * `items` are what it describes; where there are none it is text, `body`
    * `is_evidence` says that nobody would write this in Markdown
    """

    title: str = ""
    at: Line = Line("", 1, 1)
    items: tuple[_Item, ...] = ()
    body: tuple[Line, ...] = ()
    is_evidence: bool = False


def _markdown_of(part: _Part) -> Iterator[Line]:
    """
    ### A piece as Markdown

    Items are a definition list under the title. A text is a paragraph under it, or a box where it is a note.
    """
    if not part.title:
        yield from part.body
        return
    yield part.at.empty()
    if part.items:
        yield part.at.with_text(f"**{part.title}**")
        yield part.at.empty()
        for item in part.items:
            yield from _definition(item)
    elif kind := BOXES.get(part.title.lower()):
        yield part.at.with_text(f'!!! {kind} "{part.title}"')
        yield from (line.below("    ") for line in part.body)
    else:
        yield part.at.with_text(f"**{part.title}**")
        yield part.at.empty()
        yield from part.body
    yield part.at.empty()


def _definition(item: _Item) -> Iterator[Line]:
    if not item.term:
        yield from item.body
        yield item.at.empty()
        return
    yield item.at.with_text(item.term)
    first, rest = item.body[:1], item.body[1:]
    if not first or _BLOCK.match(first[0].text):
        # A definition cannot begin with a block, nor be empty.
        yield item.at.with_text(":   &nbsp;")
        yield item.at.empty()
        rest = item.body
    else:
        yield first[0].below(":   ")
    yield from (line.below("    ") for line in rest)
    yield item.at.empty()


# The beginnings of blocks.
_BLOCK = re.compile(r">>>|[-*+] |\d+\. |`{3}|~{3}|\||#|!!!")


def _trimmed(lines: Sequence[Line]) -> tuple[Line, ...]:
    filled = [number for number, line in enumerate(lines) if line.text.strip()]
    return tuple(lines[filled[0] : filled[-1] + 1]) if filled else ()


def _dedented(lines: Sequence[Line]) -> tuple[Line, ...]:
    margin = min((line.indent for line in lines if line.text.strip()), default=0)
    return _trimmed([line.cut(margin) if line.text.strip() else line.empty() for line in lines])


def _body(first: Line, rest: Sequence[Line]) -> tuple[Line, ...]:
    """Return a description that begins in the line of its item."""
    first = first.cut(first.indent)
    rest = _dedented(rest) if not first.text.strip() else (first, *_without_margin(rest))
    return _trimmed(rest)


def _without_margin(lines: Sequence[Line]) -> list[Line]:
    margin = min((line.indent for line in lines if line.text.strip()), default=0)
    return [line.cut(margin) if line.text.strip() else line.empty() for line in lines]


# ### Terms


def _names(text: str) -> str:
    """`x, y` as code. Where a star would begin emphasis it has a backslash in front, or two."""
    return ", ".join(_code(re.sub(r"\\+(?=\*)", "", name.strip())) for name in text.split(","))


def _term(names: str, annotation: str = "") -> str:
    return f"{names} ({_type(annotation)})" if annotation.strip() else names


def _type(text: str) -> str:
    """An annotation as code, and what is said of it beside: `int, optional`."""
    match = _ASIDE.search(text.strip().rstrip(","))
    kind, aside = (text.strip().rstrip(","), "") if not match else (text.strip()[: match.start()], match[1])
    parts = [_code(kind)] if kind else []
    return ", ".join(parts + ([aside if aside == "optional" else _code(aside)] if aside else []))


_ASIDE = re.compile(r"(?:^|,\s*)(optional|default\b.*)$", re.IGNORECASE)


def _code(text: str) -> str:
    """The text as code, unless it has marks of its own."""
    text = text.strip()
    return text if "`" in text or not text else f"`{text}`"


# ## Google
#
# A heading with a colon, and what belongs to it indented below.

_ARGUMENTS = ("args", "arguments", "params", "parameters")
_GOOGLE_ITEMS = frozenset(
    ("attributes", "raises", "exceptions", "warns", "methods", "functions", "classes", "modules", *_ARGUMENTS)
) | {f"{kind} {name}" for kind in ("keyword", "other") for name in _ARGUMENTS}
_RESULTS = frozenset(("returns", "return", "yields", "yield", "receives"))
_EXAMPLES = frozenset(("example", "examples"))

_GOOGLE_HEADING = re.compile(r"([A-Z][A-Za-z]*(?: [A-Za-z]+){0,3}):[ \t]*$")
_NAME = r"(?:\\*\*){0,2}[^\W\d][\w.]*(?:\[\w+\])?"


def _in_brackets(depth: int) -> str:
    inner = rf"(?:{_in_brackets(depth - 1)}[^()]*+)*+" if depth > 1 else ""
    return rf"\([^()]*+{inner}\)"


_IN_BRACKETS = _in_brackets(5)
_GOOGLE_ITEM = re.compile(rf"(`[^`]+`|{_NAME}(?:, ?{_NAME})*)[ ]?({_IN_BRACKETS})?[ ]?:(?=\s|$)")
_GOOGLE_RESULT = re.compile(r"((?:[^\s:`]|, |`[^`]*`| of | or | \| )+):(?=\s|$)")


def _google(lines: Sequence[Line], fenced: Sequence[bool]) -> Iterator[_Part]:
    at = start = 0
    while at < len(lines):
        heading = None if fenced[at] else _GOOGLE_HEADING.match(lines[at].text)
        end = _end_of_indented(lines, at + 1) if heading else 0
        stands_alone = at == start or not lines[at - 1].text.strip()
        part = _google_part(lines, at, end, heading, stands_alone) if heading and end > at + 1 else None
        if part:
            yield _Part(body=tuple(lines[start:at]))
            yield part
            start = at = end
        else:
            at += 1
    yield _Part(body=tuple(lines[start:]))


def _google_part(
    lines: Sequence[Line], at: int, end: int, heading: re.Match[str], stands_alone: bool
) -> _Part | None:
    title, name = heading[1], heading[1].lower()
    body = lines[at + 1 : end]
    follows = bool(body[0].text.strip())
    part = _Part(title, lines[at], body=_dedented(body))
    if name in _GOOGLE_ITEMS:
        items = _google_items(body)
        # Behind a blank line, what is indented may as well be code, unless it has types.
        is_typed = name in _ARGUMENTS and any(item.term.endswith(")") for item in items)
        is_evidence = bool(items) and (follows or is_typed)
        return replace(part, items=items, is_evidence=is_evidence) if items or stands_alone else None
    if name in _RESULTS and stands_alone:
        return replace(part, items=_google_results(part.body), is_evidence=follows)
    if stands_alone and (follows or name in _EXAMPLES):
        return replace(part, is_evidence=name in _EXAMPLES and follows and part.body[0].text.startswith(">>>"))
    return None


def _google_items(body: Sequence[Line]) -> tuple[_Item, ...]:
    """Return the items of a section; a line between them that is none goes on with the one above."""
    margin = min(line.indent for line in body if line.text.strip())
    starts = [
        (number, match)
        for number, line in enumerate(body)
        if line.indent == margin and (match := _GOOGLE_ITEM.match(line.text, margin))
    ]
    if not starts or any(line.text.strip() for line in body[: starts[0][0]]):
        return ()
    items = []
    ends = [number for number, _ in starts[1:]] + [len(body)]
    for (number, match), end in zip(starts, ends, strict=True):
        line = body[number]
        brackets = match[2] or ""
        is_call = bool(brackets) and line.text[match.end(1)] == "("
        term = _code(match[1] + brackets) if is_call else _term(_names(match[1]), brackets[1:-1])
        at = line.cut(margin)
        items.append(_Item(term, at, _body(line.cut(match.end()), body[number + 1 : end])))
    return tuple(items)


def _google_results(body: Sequence[Line]) -> tuple[_Item, ...]:
    """Return what is returned as one item, if its type is named."""
    match = _GOOGLE_RESULT.match(body[0].text)
    if not match or not re.search(r"\w", match[1]):
        return ()
    return (_Item(_code(match[1]), body[0], _body(body[0].cut(match.end()), body[1:])),)


def _end_of_indented(lines: Sequence[Line], at: int) -> int:
    """Return where the indented lines from `at` on end, without the blank ones behind them."""
    end = at
    for number in range(at, len(lines)):
        if lines[number].text.strip():
            if not lines[number].indent:
                break
            end = number + 1
    return end


# ## NumPy
#
# A heading that is underlined, and items whose descriptions are indented.

_NUMPY_ITEMS = frozenset(("parameters", "other parameters", "attributes", "raises", "warns", "methods", "see also"))
NUMPY_TEXTS = frozenset(("notes", "examples", "references", "warnings", "warning", "note"))
_NUMPY_ITEM = re.compile(rf"({_NAME}(?:\([^()]*\))?(?:, ?(?:{_NAME}|\.\.\.))*)(?:\s*:(?:\s+(.*))?)?$")


def _numpy(lines: Sequence[Line], fenced: Sequence[bool]) -> Iterator[_Part]:
    headings = [at for at in range(len(lines) - 1) if not fenced[at] and _is_underlined(lines, at)]
    cuts = [0, *headings, len(lines)]
    yield _Part(body=tuple(lines[: cuts[1]]))
    for at, end in pairwise(cuts[1:]):
        yield _numpy_part(lines[at:end])


def _is_underlined(lines: Sequence[Line], at: int) -> bool:
    title, below = lines[at].text, lines[at + 1].text.rstrip()
    return bool(re.match(r"\w", title)) and len(below) >= 3 and not below.strip("-")


def _numpy_part(lines: Sequence[Line]) -> _Part:
    heading, body = lines[0], _trimmed([*_unbroken(lines[2:])])
    title = heading.text.strip()
    name = title.lower()
    part = _Part(title, heading, body=body)
    if name in _NUMPY_ITEMS or name in _RESULTS:
        items, is_evidence = _numpy_items(body, name in _RESULTS)
        if items and name == "see also":
            return replace(part, items=tuple(map(_described_behind, items)))
        if items:
            return replace(part, items=items, is_evidence=is_evidence)
        return part
    if name in NUMPY_TEXTS:
        is_session = name == "examples" and bool(body) and body[0].text.startswith(">>>")
        return replace(part, is_evidence=is_session)
    return _Part(body=tuple(lines))


def _unbroken(lines: Sequence[Line]) -> Iterator[Line]:
    """Join a line that begins an item and ends in a backslash with those that go on with it."""
    begun: Line | None = None
    for line in lines:
        if begun:
            line = begun.with_text(f"{begun.text} {line.text.strip()}")
        begun = line.with_text(line.text.rstrip()[:-1].rstrip()) if _CONTINUED.match(line.text) else None
        if not begun:
            yield line
    if begun:
        yield begun


_CONTINUED = re.compile(r"[^\W\d][\w, *.]* : .*\\[ \t]*$")


def _described_behind(item: _Item) -> _Item:
    """Return an item of `See Also`: what stands behind its colon is no type but a description."""
    names, colon, _ = item.at.text.partition(" : ")
    if not item.term or not colon:
        return item
    return _Item(_names(names), item.at, (item.at.cut(len(names) + len(colon)), *item.body))


def _numpy_items(body: Sequence[Line], is_result: bool) -> tuple[tuple[_Item, ...], bool]:
    """Return the items of a section, and whether they are of a shape that only NumPy's have."""
    starts = [number for number, line in enumerate(body) if line.text.strip() and not line.indent]
    matches = [_NUMPY_ITEM.match(body[number].text.rstrip()) for number in starts]
    if not starts or starts[0] or not (is_result or matches[0]):
        return (), False
    items, is_evidence = [], False
    for number, end, match in zip(starts, [*starts[1:], len(body)], matches, strict=True):
        line, rest = body[number], body[number + 1 : end]
        described = any(each.text.strip() for each in rest)
        if not match and not described and is_result:
            return (), False
        if not match and not is_result:
            items.append(_Item("", line, tuple(body[number:end])))
            continue
        if match and (match[2] is not None or not is_result):
            term = _term(_names(match[1]) if "(" not in match[1] else _code(match[1]), match[2] or "")
        else:
            term = _code(line.text)
        is_evidence |= bool(rest) and bool(rest[0].text.strip())
        items.append(_Item(term, line, _dedented(rest)))
    is_evidence |= any(match and match[2] for match in matches)
    return tuple(items), is_evidence and (is_result or all(matches))


# ## Fields of reStructuredText
#
# What is said of one parameter may be in two fields, `:param x:` and `:type x:`. Fields of one kind make one list, in
# the place of the first. Those that nobody knows are a list by themselves.

_FIELD = re.compile(r":([a-zA-Z]\w+)(?:[ \t]+([^:`\n]+(?:\\:[^:`\n]*)*|`[^`\n]+`))?:(?=\s|$)")
_KINDS = {
    **dict.fromkeys(("param", "parameter", "arg", "argument", "key", "keyword", "kwarg", "kwparam"), "Parameters"),
    **dict.fromkeys(("raises", "raise", "except", "exception"), "Raises"),
    **dict.fromkeys(("var", "ivar", "cvar"), "Attributes"),
    **dict.fromkeys(("returns", "return"), "Returns"),
    **dict.fromkeys(("yields", "yield"), "Yields"),
}
_UNNAMED = ("Returns", "Yields")
_OTHERS = "Other fields"
_TYPES = {"type": "Parameters", "vartype": "Attributes", "rtype": "Returns", "ytype": "Yields"}


class _Field(NamedTuple):
    kind: str
    name: str
    at: Line
    body: tuple[Line, ...]


def _sphinx(lines: Sequence[Line], fenced: Sequence[bool]) -> Iterator[_Part]:
    at = start = 0
    while at < len(lines):
        fields: list[_Field] = []
        end = at
        while end < len(lines) and not fenced[end] and (field := _field(lines, end)):
            fields.append(field[0])
            end = field[1]
            following = next((number for number in range(end, len(lines)) if lines[number].text.strip()), end)
            end = following if following < len(lines) and _field(lines, following) else end
        if any(field.kind in _KINDS or field.kind in _TYPES for field in fields):
            yield _Part(body=tuple(lines[start:at]))
            yield from _field_lists(fields)
            start = at = end
        else:
            at = max(end, at + 1)
    yield _Part(body=tuple(lines[start:]))


def _field(lines: Sequence[Line], at: int) -> tuple[_Field, int] | None:
    """Return the field that begins in a line, and where it ends."""
    line = lines[at]
    match = _FIELD.match(line.text)
    if not match:
        return None
    end = _end_of_indented(lines, at + 1)
    body = _body(line.cut(match.end()), lines[at + 1 : end])
    return _Field(match[1], (match[2] or "").strip(), line, body), end


def _field_lists(fields: Sequence[_Field]) -> Iterator[_Part]:
    types = {(_TYPES[field.kind], field.name): _in_one_line(field.body) for field in fields if field.kind in _TYPES}
    lists: dict[str, list[_Item]] = {}
    for field in fields:
        if field.kind not in _TYPES:
            title = _KINDS.get(field.kind, _OTHERS)
            lists.setdefault(title, []).append(_field_item(title, field, types))
    for field in fields:
        # A type of which nothing else is said.
        if (title := _TYPES.get(field.kind, "")) and (found := types.pop((title, field.name), "")):
            term = _term(_code(field.name), found) if field.name else _type(found)
            lists.setdefault(title, []).append(_Item(term, field.at, ()))
    for title, items in lists.items():
        if title in _UNNAMED and not any(item.term for item in items):
            body = tuple(line for item in items for line in item.body)
            yield _Part(title, items[0].at, body=body, is_evidence=True)
        else:
            yield _Part(title, items[0].at, tuple(items), is_evidence=True)


def _in_one_line(lines: Sequence[Line]) -> str:
    return " ".join(line.text.strip() for line in lines)


def _field_item(title: str, field: _Field, types: dict[tuple[str, str], str]) -> _Item:
    name, annotation = field.name, ""
    if title == _OTHERS:
        return _Item(_code(f"{field.kind} {name}".rstrip()), field.at, field.body)
    if title in _UNNAMED:
        return _Item(_type(types.pop((title, ""), "") or name), field.at, field.body)
    if title != "Raises":
        annotation, _, name = name.rpartition(" ")
    return _Item(_term(_names(name), types.pop((title, name), "") or annotation), field.at, field.body)


_READERS: dict[str, Callable[[Sequence[Line], Sequence[bool]], Iterator[_Part]]] = {
    "numpy": _numpy,
    "sphinx": _sphinx,
    "google": _google,
}
