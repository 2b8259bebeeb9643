r"""
# Lines, laid out for Python-Markdown

Python-Markdown keeps to the first Markdown of 2004: what belongs to a list item must be indented by four spaces, a list
must not follow a paragraph's line, and a fence must start in the first column. Authors write what their editor and
GitHub show. `arrange` takes the lines of a text and returns them as Python-Markdown wants them:

* what belongs to a list item is indented by four spaces a level, whether the author used two, three or four,
* a list may follow a paragraph directly, by the rule of CommonMark: if its first item is not empty, and an ordered one
  starts with 1, so that a number that wraps to a new line does not start a list,
* fences work in lists, quotes and admonitions; they are handed to `stash`, as is a session of the interpreter, indented
  or not, which Markdown would take for a quote in a quote in a quote,
* a heading needs a space behind its `#`, so that "#12" at the beginning of a line is no heading,
* rulers, of which the comments of ordinary code are full, make no headings.

Everything else passes unchanged: paragraphs, indented code, raw HTML, tables. One pass, no backtracking.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

# What `arrange` calls for a block of code: its text and its language ("" if none), to get one line that stands for it.
Stash = Callable[[str, str], str]

_MARKER = re.compile(r"([-*+]|\d{1,9}\.)( +|$)")
_BREAK = re.compile(r"([-*_])(?: *\1){2,} *$")
_FENCE = re.compile(r"(`{3,}+|~{3,}+)([^\n]*)$")
_HEADING = re.compile(r"#{1,6}(?:\s|$)")
_NO_HEADING = re.compile(r"#{1,6}(?![#\s])|#{7,}")
_ADMONITION = re.compile(r"!!! ?\w")
_FOOTNOTE = re.compile(r"\[\^[^\]]*\]:")
_DEFINITION = re.compile(r": {1,3}\S")
_ELEMENT = re.compile(r"<(?:!--|/?([a-zA-Z][a-zA-Z0-9]*)[\s/>]|/?([a-zA-Z][a-zA-Z0-9]*)$)")
_UNINTERRUPTED = frozenset(("pre", "script", "style", "textarea"))
_LANGUAGE = re.compile(r"\s*\{?\.?([\w#.+-]*)")
_SESSION = re.compile(r">>>(?: |$)")
_RULER = frozenset("#=-~*_")

# A text in which no line begins with one of these needs no arranging.
_SPECIAL = re.compile(r"^ *(?:[-+*#=~`>!<_:]|\d+\.(?: |$)|\[\^)", re.MULTILINE)

# Each level of quoting is laid out by its own call.
_DEEPEST_QUOTE = 16


@dataclass
class _Container:
    """A list item, or the body of an admonition, footnote or definition."""

    kind: str  # "ul", "ol", "definition" or "block"
    need: int  # a line indented by less does not belong to it
    inner: int  # where its text begins in the source
    out: int  # and where in the result
    loose: bool = False  # whether it has a blank line in it


def arrange(lines: Sequence[str], stash: Stash, block_elements: frozenset[str] = frozenset()) -> list[str]:
    """
    ## Return the lines as Python-Markdown wants them

    Tabs must have been expanded. `block_elements` are the HTML elements that start a raw block.
    """
    if not _SPECIAL.search("\n".join(lines)):
        return list(lines)
    return _Layout(lines, stash, block_elements, depth=0).run()


@dataclass
class _Layout:
    """One run of `arrange`."""

    lines: Sequence[str]
    stash: Stash
    block_elements: frozenset[str]
    depth: int
    out: list[str] = field(default_factory=list)
    open: list[_Container] = field(default_factory=list)
    at: int = 0

    # How many lines the paragraph at hand has, whether a blank line (or the start) precedes, whether a ruler stands
    # directly above the paragraph, and whether the last line was indented code.
    paragraph: int = 0
    gap: bool = True
    ruled: bool = False
    code: bool = False

    # Fences that have no end, by character and length.
    endless: set[tuple[str, int]] = field(default_factory=set)

    def run(self) -> list[str]:
        while self.at < len(self.lines):
            line = self.lines[self.at].rstrip("\r")
            text = line.lstrip(" ")
            if text:
                self.line(line, text, len(line) - len(text))
            else:
                self.blank()
                self.at += 1
        return self.out

    # ### What a line is

    def line(self, line: str, text: str, indent: int) -> None:
        """Lay out one line that is not blank, or the block that it starts."""
        marker = None if _BREAK.match(text) else _MARKER.match(text)
        keep = sum(1 for _ in self.holding(indent))
        sibling = self.open[keep] if keep < len(self.open) else None
        extra = indent - (self.open[keep - 1].inner if keep else 0)

        if _SESSION.match(text):
            self.close(keep)
            self.session(indent)
        elif extra >= 4 and (self.gap or self.code):
            self.close(keep)
            self.code = True
            self.emit(line if not keep else " " * extra + text)
        elif marker and self.starts_item(marker, text, sibling) and (extra < 4 or (keep and not self.gap)):
            self.item(marker, text, indent, keep, sibling)
        elif extra >= 4:
            self.words(line, text)
        elif self.block(text, indent, keep):
            pass
        elif self.gap or not self.paragraph or self.is_term():
            self.close(keep)
            self.words(line, text)
        else:
            self.words(line, text)

    def holding(self, indent: int) -> list[_Container]:
        """The open containers to which a line of this indentation belongs."""
        keep = len(self.open)
        while keep and indent < self.open[keep - 1].need:
            keep -= 1
        return self.open[:keep]

    def starts_item(self, marker: re.Match[str], text: str, sibling: _Container | None) -> bool:
        content = text[marker.end() :]
        ordered = marker[1][0].isdigit()
        if not content:
            return False
        if self.gap or not self.paragraph or (sibling and sibling.kind == ("ol" if ordered else "ul")):
            return True
        return not ordered or marker[1] == "1."

    def block(self, text: str, indent: int, keep: int) -> bool:
        """Lay out the block that a line starts, if it starts one."""
        first = text[0]
        if first in "`~" and (match := _FENCE.match(text)) and (end := self.fence_end(match)):
            self.close(keep)
            self.fence(match, indent, end)
        elif first in _RULER and not text.rstrip().strip(first):
            self.ruler(text.rstrip(), keep)
        elif first == ">" and self.depth < _DEEPEST_QUOTE:
            self.close(keep)
            self.quote(indent)
        elif first == "<" and (match := _ELEMENT.match(text)):
            name = (match[1] or match[2] or "!--").lower()
            if name != "!--" and name not in self.block_elements:
                return False
            self.close(keep)
            self.raw(name)
        elif first == "#" and _HEADING.match(text) or _BREAK.match(text):
            self.close(keep)
            self.emit(text)
            self.part()
        elif first == "#" and _NO_HEADING.match(text):
            self.words("\\" + text, "\\" + text)
        elif (first == "!" and _ADMONITION.match(text)) or (first == "[" and _FOOTNOTE.match(text)):
            self.close(keep)
            if first == "!" and self.out and self.out[-1]:
                self.part()
            self.emit(text)
            self.hold("block", indent + 4, indent + 4)
            self.paragraph = int(first == "[")
            self.gap = first == "!"
        elif first == ":" and _DEFINITION.match(text) and (self.paragraph or self.gap):
            del self.open[keep:]
            self.emit(text)
            self.hold("definition", indent + 4, indent + 4)
            self.paragraph = 1
        else:
            return False
        return True

    def is_term(self) -> bool:
        """Whether the line at hand is a new term, directly under the definition of another."""
        below = self.lines[self.at + 1].lstrip(" ") if self.at + 1 < len(self.lines) else ""
        return bool(self.open) and self.open[-1].kind == "definition" and bool(_DEFINITION.match(below))

    # ### Blocks

    def item(self, marker: re.Match[str], text: str, indent: int, keep: int, sibling: _Container | None) -> None:
        kind = "ol" if marker[1][0].isdigit() else "ul"
        direct = not self.gap
        del self.open[keep:]
        # A list after a paragraph wants a blank line, and so does one kind of list after another. In an item without
        # blank lines it does not, and would put the item's text into a paragraph.
        if sibling and sibling.kind in ("ol", "ul"):
            apart = sibling.loose or sibling.kind != kind
        else:
            apart = not self.open or self.open[-1].kind not in ("ol", "ul") or self.open[-1].loose
        if direct and self.out and apart:
            self.blank()
        space = len(marker[2]) if len(marker[2]) <= 4 else 1
        content = text[marker.end() :]
        inner = indent + len(marker[1]) + space
        if (fence := _FENCE.match(content)) and (end := self.fence_end(fence)):
            self.emit(f"{marker[1]} {self.stashed(fence, inner, end)}")
            self.hold(kind, indent + 2, inner)
            self.blank()
        else:
            if _NO_HEADING.match(content):
                content = "\\" + content
            self.emit(f"{marker[1]} {content}")
            self.hold(kind, indent + 2, inner)
            self.paragraph = 1

    def fence_end(self, match: re.Match[str]) -> int:
        """Return the number of the line that closes a fence, or 0."""
        mark, length = match[1][0], len(match[1])
        if (mark == "`" and "`" in match[2]) or (mark, length) in self.endless:
            return 0
        for number in range(self.at + 1, len(self.lines)):
            line = self.lines[number].strip()
            if len(line) >= length and not line.strip(mark):
                return number
        self.endless.add((mark, length))
        return 0

    def stashed(self, match: re.Match[str], indent: int, end: int) -> str:
        """Return the line that stands for a fence, and go on to its last line."""
        code = [_dedented(line, indent) for line in self.lines[self.at + 1 : end]]
        language = _LANGUAGE.match(match[2])
        self.at = end
        return self.stash("\n".join(code), language[1] if language else "")

    def fence(self, match: re.Match[str], indent: int, end: int) -> None:
        line = self.stashed(match, indent, end)
        self.blank()
        self.emit(line)
        self.blank()

    def session(self, indent: int) -> None:
        """A session of the interpreter reaches to the next blank line, as in doctest."""
        end = self.at
        while end < len(self.lines) and self.lines[end].strip():
            end += 1
        code = "\n".join(_dedented(line, indent) for line in self.lines[self.at : end])
        self.at = end - 1
        line = self.stash(code, "pycon")
        self.blank()
        self.emit(line)
        self.blank()

    def quote(self, indent: int) -> None:
        inner: list[str] = []
        while self.at < len(self.lines):
            text = self.lines[self.at].lstrip(" ")
            if not text.startswith(">") or len(self.lines[self.at]) - len(text) > indent + 3:
                break
            inner.append(text[2:] if text.startswith("> ") else text[1:])
            self.at += 1
        self.at -= 1
        for line in _Layout(inner, self.stash, self.block_elements, self.depth + 1).run():
            self.emit(f"> {line}".rstrip(), step=False)
        self.at += 1
        self.paragraph = 1

    def raw(self, name: str) -> None:
        """Raw HTML reaches to a blank line, or to its end where blank lines count."""
        close = "-->" if name == "!--" else f"</{name}"
        whole = name == "!--" or name in _UNINTERRUPTED
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if not line.strip() and not whole:
                break
            base = self.base()
            self.emit(line[min(base, len(line) - len(line.lstrip(" "))) :] if base else line)
            if whole and close in line.lower():
                break
        self.paragraph = 0

    def ruler(self, text: str, keep: int) -> None:
        """
        A line of one repeated character

        It underlines a heading if it is no longer than the one line above it (a box drawn in comments is longer, or
        has a ruler above too). Three characters, or a ruler between blank lines, separate two parts. Every other ruler
        is decoration and goes. One or two characters are a piece of text.
        """
        mark, length = text[0], len(text)
        above = self.out[-1].strip() if self.out else ""
        same = keep == len(self.open)
        if mark in "-=" and self.paragraph == 1 and same and not self.ruled and 3 <= length <= len(above) + 2:
            self.emit(text)
            self.part()
        elif mark == "#" or (length > 3 and not self.stands_alone()) or (length > 2 and mark in "=~"):
            self.close(keep)
            self.blank()
            self.at += 1
            self.ruled = True
        elif length > 2 and mark in "-*_":
            self.close(keep)
            self.blank()
            self.emit("---")
            self.blank()
        elif self.paragraph and mark in "-=":
            self.out[-1] += " " + text
            self.at += 1
        else:
            self.words(text, text)

    def stands_alone(self) -> bool:
        """Whether the ruler at hand stands between blank lines, with text above and below."""
        if not self.gap or not any(line.strip() for line in self.out[-2:]):
            return False
        below = self.lines[self.at + 1 : self.at + 3]
        return len(below) == 2 and not below[0].strip() and bool(below[1].strip())

    # ### Lines out

    def base(self) -> int:
        return self.open[-1].out if self.open else 0

    def hold(self, kind: str, need: int, inner: int) -> None:
        self.open.append(_Container(kind, need, inner, self.base() + 4))

    def close(self, keep: int) -> None:
        """Leave the containers beyond the first `keep`; a blank line tells Python-Markdown."""
        if keep < len(self.open):
            if not self.gap:
                self.blank()
            del self.open[keep:]

    def blank(self) -> None:
        self.out.append("")
        self.gap, self.paragraph, self.ruled = True, 0, False
        for container in self.open:
            container.loose = True

    def part(self) -> None:
        """
        End a block that needs no blank line to end

        Python-Markdown looks at all that follows up to the next blank line, for each such block again. In a list item a
        blank line would mean something.
        """
        if not self.open:
            self.blank()

    def emit(self, text: str, step: bool = True) -> None:
        self.out.append(" " * self.base() + text if text else "")
        self.gap, self.paragraph = False, 0
        if step:
            self.at += 1

    def words(self, line: str, text: str) -> None:
        """A line of a paragraph."""
        count, self.code = self.paragraph + 1, False
        self.emit(text if self.open else line)
        self.paragraph = count


def _dedented(line: str, indent: int) -> str:
    return line[min(indent, len(line) - len(line.lstrip(" "))) :]
