r"""
# Marks of reStructuredText, as Markdown

Python's docstrings may hold roles such as ``:class:`Adam` `` and directives such as `.. math::`, whatever
[dialect](dialects.py) their lists are in. Here they become what Markdown has for them: code, formulas, boxes, links.
Those that are not known stay as they are.

Every line of the result is made of one line of the file, and knows where that begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

# Where a line begins in the file: line and column, from 1.
Origin = tuple[int, int]


class Line(NamedTuple):
    """
    ## A line, and where its text begins in the file

    A line that got something in front begins that much further left, before the first column perhaps.
    """

    text: str
    line: int
    column: int

    @property
    def indent(self) -> int:
        """How far the text stands from the margin."""
        return len(self.text) - len(self.text.lstrip())

    def cut(self, count: int) -> Line:
        """Return the line without its first characters."""
        return Line(self.text[count:], self.line, self.column + min(count, len(self.text)))

    def below(self, prefix: str) -> Line:
        """Return the line with something in front."""
        return Line(prefix + self.text, self.line, self.column - len(prefix)) if self.text.strip() else self.empty()

    def empty(self) -> Line:
        """Return a blank line in its place."""
        return Line("", self.line, self.column)

    def with_text(self, text: str) -> Line:
        """Return another text that begins in its place."""
        return Line(text, self.line, self.column)


def in_code(lines: Sequence[Line]) -> list[bool]:
    """
    ### Which lines stand in a fence

    What looks like a mark there is an example of it.
    """
    found, fence, start = [False] * len(lines), "", 0
    for number, line in enumerate(lines):
        mark = _FENCE.match(line.text)
        if mark and not fence:
            fence, start = mark[1], number
        elif mark and mark[1].startswith(fence) and not line.text.strip().strip(fence[0]):
            found[start : number + 1] = [True] * (number + 1 - start)
            fence = ""
    return found


_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def has_marks(docs: str) -> bool:
    """
    ### Is something in it that nobody writes in Markdown?

    It may still stand in code.
    """
    return bool(_SURE.search(docs))


def without_marks(lines: Sequence[Line]) -> list[Line]:
    """
    ## The lines with Markdown in place of the marks
    """
    code = in_code(lines)
    made: list[Line] = []
    at = 0
    while at < len(lines):
        end = next((number for number in range(at, len(lines)) if code[number] != code[at]), len(lines))
        made += lines[at:end] if code[at] else _blocks(_inline(lines[at:end]))
        at = end
    return made


# ## In running text
#
# What stands behind a mark on its line keeps its column: the space behind it gets wider, which nobody sees. So the
# formulas there are still told of in their place.

_ROLE = r":(?P<role>[a-zA-Z][\w+:.-]{0,40}):`(?P<text>[^`\n]+(?:\n[^`\n]+)?)`(?P<tail>[^\s$\\`]*)"
_LINK = r"`(?P<words>[^`<>\n]*?(?:\n[^`<>\n]*?)?[^`<>\s])(?P<gap>\s++)<(?P<address>[^<>\s`]+)>`__?(?!\w)"
_CITED = r"\[(?P<label>\w+)\]_(?!\w)"
_CODE = r"(?P<code>(?<!`)(?P<ticks>``+)(?!`).*?(?<!`)(?P=ticks)(?!`))"
_INLINE = re.compile(rf"{_CODE}|(?<![`\w])(?:{_ROLE}|{_LINK}|{_CITED})(?P<space> (?=\S))?")
_SURE = re.compile(rf"(?<![`\w]){_ROLE}|(?<![`\w]){_LINK}|^ *\.\. [a-z][\w-]* ?::", re.MULTILINE)


def _inline(lines: Sequence[Line]) -> list[Line]:
    text = "\n".join(line.text for line in lines)
    if "`" not in text and "]_" not in text:
        return list(lines)
    return [line.with_text(made) for line, made in zip(lines, _INLINE.sub(_marked, text).split("\n"), strict=True)]


def _marked(match: re.Match[str]) -> str:
    if match["code"] or (match["role"] == "math" and match["text"].count("{") != match["text"].count("}")):
        return match[0]
    if match["role"]:
        made = _role(match["role"], match["text"]) + match["tail"]
    elif match["address"]:
        made = f"[{match['words']}{_break_in(match['gap'])}]({match['address']})"
    else:
        made = f"[{match['label']}]"
    if made.count("\n") != match[0].count("\n"):
        # It breaks where nothing is left of it.
        return match[0]
    if not match["space"]:
        return made
    return made + " " * (len(match[0].rpartition("\n")[2]) - len(made.rpartition("\n")[2]))


def _role(name: str, text: str) -> str:
    if name == "math":
        return f"${text.strip().translate(_QUOTES)}$"
    text = text.removeprefix("!")
    head, _, target = text.rpartition("<")
    if head.strip() and target.endswith(">"):
        title = head.rstrip()
        text = title + _break_in(text[len(title) :])
    elif text.startswith("~"):
        text = text.rpartition(".")[2].lstrip("~")
    return f"`{text}`"


# What begins a quotation in TeX begins code in Markdown.
_QUOTES = {ord("`"): "\N{LEFT SINGLE QUOTATION MARK}"}


def _break_in(gap: str) -> str:
    """Return the line break of a stretch that is left out, with what indents the line below it."""
    return match[0] if (match := re.search(r"\n\s*", gap)) else ""


# ## Blocks

_DIRECTIVE = re.compile(r"( *)\.\. ([a-z][\w-]*) ?::(?:[ \t]+(\S.*))?[ \t]*$")
_CITATION = re.compile(r"( *)\.\. (\[\w+\])[ \t]+")
_TARGET = re.compile(r" *\.\. _[^:]+:[ \t]*$")
_OPTION = re.compile(r"\s*:[\w-]+:")

# The boxes that there are, and what kind of Markdown's each of them is
BOXES = {
    "note": "note", "important": "note", "tip": "tip", "hint": "tip", "warning": "warning", "warnings": "warning",
    "caution": "warning", "attention": "warning", "danger": "danger", "error": "danger", "seealso": "note",
    "todo": "note",
}  # fmt: skip
_VERSIONS = {
    "versionadded": "Added in version", "versionchanged": "Changed in version",
    "deprecated": "Deprecated since version", "versionremoved": "Removed in version",
}  # fmt: skip

# Listings, each with its language, empty where the directive says which it is
_LISTINGS = {
    "code-block": "", "code": "", "sourcecode": "", "parsed-literal": "text", "testcode": "python", "doctest": "pycon",
    "ipython": "ipython",
}  # fmt: skip

# How many boxes may stand in each other
_DEEPEST = 9


def _blocks(lines: Sequence[Line], depth: int = 0) -> list[Line]:
    made: list[Line] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if match := _DIRECTIVE.match(line.text):
            end = _end_of_block(lines, at)
            body = lines[at + 1 : end]
            found = _directive(match[2], match[3] or "", line.cut(len(match[1])), body, depth)
            made += lines[at:end] if found is None else [each.below(match[1]) for each in found]
            at = end
        elif match := _CITATION.match(line.text):
            end = _end_of_block(lines, at)
            made.append(line.cut(match.end()).below(f"{match[1]}- {match[2]} "))
            made += [each.below(f"{match[1]}  ") for each in _dedented(lines[at + 1 : end])]
            at = end
        elif line.text.rstrip().endswith("::"):
            # What is announced so is shown as it is, and is code in Markdown where it is indented by four.
            end = _end_of_block(lines, at)
            body = lines[at + 1 : end]
            margin = min((each.indent for each in body if each.text.strip()), default=0) - line.indent
            made.append(line.with_text(_ANNOUNCED.sub(":", line.text)))
            made += [each.below(" " * max(0, 4 - margin)) for each in body]
            at = end
        else:
            made.append(line.empty() if _TARGET.match(line.text) else line)
            at += 1
    return made


# One colon announces code as well as two.
_ANNOUNCED = re.compile(r"(?<=\w)::[ \t]*$")


def _end_of_block(lines: Sequence[Line], at: int) -> int:
    """Return where the lines end that are indented further than the one they stand below."""
    end = at + 1
    for number in range(at + 1, len(lines)):
        if lines[number].text.strip():
            if lines[number].indent <= lines[at].indent:
                break
            end = number + 1
    return end


def _dedented(lines: Sequence[Line]) -> list[Line]:
    margin = min((line.indent for line in lines if line.text.strip()), default=0)
    return [line.cut(margin) if line.text.strip() else line.empty() for line in lines]


def _directive(name: str, argument: str, at: Line, body: Sequence[Line], depth: int) -> list[Line] | None:
    """Return a directive as Markdown, from the margin on, `None` where it is not known."""
    options = 0
    while options < len(body) and _OPTION.match(body[options].text):
        options += 1
    said = at.cut(len(at.text.rstrip()) - len(argument))
    content = [*([said] if argument else ()), *_dedented(body[options:])]
    if name == "math":
        return [*_formulas(at, content)] or [at.empty()]
    if depth > _DEEPEST:
        return None
    if name in BOXES or name == "admonition":
        title = argument if name == "admonition" else "See also" if name == "seealso" else name.capitalize()
        return _box(BOXES.get(name, "note"), title, at, content if name != "admonition" else content[1:], depth)
    if name in _VERSIONS and argument:
        version, _, more = argument.partition(" ")
        rest = [*([said.cut(len(version) + 1)] if more else ()), *content[1:]]
        title = f"{_VERSIONS[name]} {version.rstrip(':')}"
        kind = "warning" if name == "deprecated" else "note"
        has_more = any(each.text.strip() for each in rest)
        return _box(kind, title, at, rest, depth) if has_more else [at.with_text(f"*{title}.*")]
    if name in _LISTINGS:
        fence = "`" * max([3, *(len(ticks) + 1 for line in body for ticks in re.findall("`{3,}", line.text))])
        return [at.with_text(fence + (_LISTINGS[name] or argument or "python")), *_dedented(_filled(body[options:])),
                at.with_text(fence)]  # fmt: skip
    if name == "rubric" and argument:
        return [said.below("**").with_text(f"**{argument}**"), at.empty()]
    return None


def _box(kind: str, title: str, at: Line, content: Sequence[Line], depth: int) -> list[Line]:
    inside = [line.below("    ") for line in _blocks(content, depth + 1)]
    return [at.with_text('!!! {} "{}"'.format(kind, title.replace('"', "'"))), *inside, at.empty()]


def _filled(lines: Sequence[Line]) -> Sequence[Line]:
    """Return the lines from the first to the last that is not blank."""
    filled = [number for number, line in enumerate(lines) if line.text.strip()]
    return lines[filled[0] : filled[-1] + 1] if filled else ()


def _formulas(at: Line, content: Sequence[Line]) -> Iterator[Line]:
    r"""Give a display for each paragraph. Its lines are aligned at `&` and broken at `\\` without an environment."""
    opening = at
    paragraph: list[Line] = []
    for line in [*content, at.empty()]:
        if line.text.strip():
            paragraph.append(line)
        elif paragraph:
            tex = "\n".join(each.text for each in paragraph)
            is_split = r"\begin" not in tex and (r"\\" in tex or re.search(r"(?<!\\)&", tex))
            yield opening.with_text(r"$$\begin{split}" if is_split else "$$")
            yield from (each.with_text(each.text.translate(_QUOTES)) for each in paragraph)
            yield paragraph[-1].with_text(r"\end{split}$$" if is_split else "$$")
            yield line.empty()
            opening = line
            paragraph = []
