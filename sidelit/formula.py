r"""
# Formulas, lifted out and put back

Markdown and TeX want the same characters: `_`, `*`, `\`, `<`, `&` and `|`. So no formula is ever shown to Markdown.
`lift` takes a text and returns it with a placeholder for each formula, whatever renders the text carries the
placeholders along, and `fill` replaces them in the finished HTML.

* A placeholder is made of private-use characters alone. They are neither letters nor punctuation, so emphasis,
  tables and slugs treat them as nothing, and no renderer escapes them. An author who uses those very characters
  gets them back: they are lifted too.
* Code comes first. A formula neither starts in a code fence, a code span or a raw `pre`, `code`, `script`, `style` or
  `textarea` element, nor runs into one.
* Some code is known only to the renderer (an indented block), and so is the inside of a tag. `fill` sees both in the
  HTML and puts the author's own characters back there.
* Every text takes linear time, a hostile one too: closing delimiters are indexed once and looked up by bisection.

Whoever cuts a text out of a file knows where each of its lines began, so every formula carries its true line and
column.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape

from sidelit.diagnostic import Diagnostic


@dataclass(frozen=True)
class Formula:
    r"""
    ## One formula

    `tex` is without delimiters, except that an environment such as `align` keeps its `\begin` and `\end`. `line` and
    `column` count from 1 and say where the opening delimiter stands in the file.
    """

    tex: str
    display: bool
    path: str
    line: int
    column: int


@dataclass(frozen=True)
class Link:
    """
    ## A local address in a text

    `target` is as the author wrote it and `kind` is the attribute it stands in, `href` or `src`. One of the kind
    `repository` is the page's own: it leads to its source there, and `target` says to which lines.
    """

    target: str
    kind: str
    path: str
    line: int
    column: int


@dataclass(frozen=True)
class Slot:
    """
    ## What a placeholder stands for

    `source` is what the author typed. `content` is what it means: a formula, a link, the text to show instead, or a
    finding about it (the source is then shown as it is).
    """

    source: str
    content: Formula | Link | Diagnostic | str

    @property
    def plain(self) -> str:
        """What a reader without typesetting sees: the TeX of a formula, else the text."""
        match self.content:
            case Formula(tex=tex):
                return tex
            case str(text):
                return text
        return self.source


# ## Placeholders

_OPEN, _CLOSE, _ZERO = "\ue000", "\ue001", 0xE010
_DIGITS = {ord("0") + n: _ZERO + n for n in range(10)} | {_ZERO + n: ord("0") + n for n in range(10)}
_PLACEHOLDER = re.compile("\ue000([\ue010-\ue019]+)\ue001")
_SENTINELS = re.compile("[\ue000\ue001\ue010-\ue019]+")

# Markdown takes these for its own, and shows none of an author's.
_UNSHOWN = {0x02: None, 0x03: None}


def put(slot: Slot, slots: list[Slot]) -> str:
    """Append `slot` to `slots` and return the placeholder that stands for it."""
    slots.append(slot)
    return _OPEN + str(len(slots) - 1).translate(_DIGITS) + _CLOSE


def plain(text: str, slots: Sequence[Slot]) -> str:
    """Return `text`, which is not HTML, readable: for titles, tables of contents and search."""
    return _PLACEHOLDER.sub(lambda match: slots[_number(match)].plain, text) if _OPEN in text else text


def source(text: str, slots: Sequence[Slot]) -> str:
    """Return `text` as its author wrote it, before `lift`."""
    return _PLACEHOLDER.sub(lambda match: slots[_number(match)].source, text) if _OPEN in text else text


def _number(match: re.Match[str]) -> int:
    return int(match[1].translate(_DIGITS))


# ## What is code
#
# A fence may be indented, quoted, or stand behind a list marker. A code span ends with as many backticks as it began
# with, in the same paragraph. What is not closed is not code.

_CODE = re.compile(
    r"""
    (?m:^[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]++)?+(?P<fence>`{3,}+|~{3,}+)(?P<info>[^\n]*+)$)
    | (?P<ticks>`++)
    | \\[\s\S]
    | <(?P<comment>!--)
    | <(?P<raw>(?i:script|style|pre|code|textarea))\b
    """,
    re.VERBOSE,
)
_FENCE_END = re.compile(r"^[ \t>]*+(`{3,}+|~{3,}+)[ \t]*+$", re.MULTILINE)
_RAW_END = re.compile(r"</(script|style|pre|code|textarea)\b", re.IGNORECASE)
_BLANK = re.compile(r"\n[ \t>]*+(?=\n)")

# ## What is math
#
# `$` opens before anything but white space and closes after anything but white space, unless a digit follows (the rule
# of pandoc): "\$5 and \$6" are prices. Four more readings are not math: a number followed by a word, a variable of a
# shell glued to the next one, a keyword that version control fills in, and a formula with a dollar in it.

_MATH = re.compile(
    r"\\begin\{(?P<env>(?:align|alignat|equation|eqnarray|flalign|gather|multline)\*?)\}"
    r"|\\(?P<escape>[\s\S])|(?P<dollars>\$\$?)"
)
_ENDS = {
    "$": re.compile(r"(?<!\\)(?:\\\\)*+\$"),
    "$$": re.compile(r"(?<!\\)(?:\\\\)*+\$\$"),
    r"\)": re.compile(r"(?<!\\)(?:\\\\)*+\\\)"),
    r"\]": re.compile(r"(?<!\\)(?:\\\\)*+\\\]"),
}
_PRICE = re.compile(r"\d[\d.,]*+\s++[A-Za-z]{2}")
_VARIABLE = re.compile(r"(?:[A-Za-z_]\w++|\{\w++\})[^\w\s\\^{}]*+")
_KEYWORDS = frozenset(("Author", "Date", "Header", "Id", "Log", "Name", "Revision", "Source", "State"))
_ITEM = re.compile(r"[ \t>]*+(?:[-*+]|\d{1,9}[.)])[ \t]")
_ROW = re.compile(r"[ \t>]*+\|")
_HEADING = re.compile(r"[ \t>]*+#{1,6}[ \t]")
_QUOTE = re.compile(r"(?:[ \t]*+>)*")
_LOOKS_LIKE_TEX = re.compile(r"\\[A-Za-z]{2,}|\^|_\{|(?<![A-Za-z0-9_{])[A-Za-z]_[A-Za-z0-9]")

# One letter, alone or of another, and a relation: `$x = …`, `$f(t) < …`.
_LOOKS_LIKE_RELATION = re.compile(r"[A-Za-z](?:\([A-Za-z]\))? (?:[=<>]|:=) ")

# What is longer than this is not a formula in a line of text. The bound also keeps a refused candidate cheap.
_LONGEST_INLINE = 1000
_LONGEST_GLANCE = 200


def lift(text: str, path: str, origins: Sequence[tuple[int, int]] | None, slots: list[Slot]) -> str:
    r"""
    ### Put placeholders for the formulas of a text

    `origins[i]` is the line and column (from 1) where line i of `text` begins in the file at `path`; `None` means that
    `text` is the whole file. What the placeholders stand for is appended to `slots`.

    An opening delimiter that nothing closes stays as it is and becomes a finding of the rule `math`, if it looks meant:
    `$$` and `\begin` always, `$`, `\(` and `\[` when TeX follows.
    """
    if not _NEEDS_LIFTING.search(text):
        return text
    return _Lift(text, path, origins, slots).run()


def bare(text: str) -> str:
    """
    ### A text with nothing but blanks for its code and formulas

    What is left stands where it stood, so a place in the result is one in the text.
    """
    if not _HOLDS_MORE.search(text):
        return text
    slots: list[Slot] = []
    lifted = _Lift(text, "", None, slots).run(_blanks)
    return _PLACEHOLDER.sub(lambda match: _blanks(slots[_number(match)].source), lifted)


def _blanks(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


_HOLDS_MORE = re.compile("[`~$\\\\<\ue000\ue001\ue010-\ue019]")
_NEEDS_LIFTING = re.compile("\\$|\\\\[(\\[]|\\\\begin\\{|[\ue000\ue001\ue010-\ue019]")


class _Lift:
    """One run of `lift`: the text, and what has been found out about it."""

    def __init__(self, text: str, path: str, origins: Sequence[tuple[int, int]] | None, slots: list[Slot]):
        self.text, self.path, self.origins, self.slots = text, path, origins, slots
        self.out: list[str] = []

    def run(self, keep: Callable[[str], str] | None = None) -> str:
        """Return the text with placeholders. Code is copied, or is what `keep` makes of it."""
        at = 0
        for start, end in self.code():
            self.gap(at, start)
            if keep:
                self.out.append(keep(self.text[start:end]))
            else:
                self.copy(start, end)
            at = end
        self.gap(at, len(self.text))
        return "".join(self.out)

    def copy(self, start: int, end: int) -> None:
        """Copy a stretch of text; only the private characters in it are lifted."""
        text = self.text[start:end]
        if self.holds_sentinels:
            text = _SENTINELS.sub(lambda match: put(Slot(match[0], match[0]), self.slots), text)
        self.out.append(text)

    # #### Where things stand

    @cached_property
    def holds_sentinels(self) -> bool:
        """Whether the author uses the characters of which placeholders are made."""
        return not self.text.isascii() and _SENTINELS.search(self.text) is not None

    @cached_property
    def lines(self) -> list[int]:
        """Offsets at which the lines begin."""
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    @cached_property
    def blanks(self) -> list[int]:
        """Offsets of the line ends before a blank line, and the end of the text."""
        return [*(match.start() for match in _BLANK.finditer(self.text)), len(self.text)]

    @cached_property
    def ticks(self) -> dict[int, list[int]]:
        """Offsets of the runs of backticks, by length."""
        runs: dict[int, list[int]] = {}
        for match in re.finditer("`+", self.text):
            runs.setdefault(len(match[0]), []).append(match.start())
        return runs

    @cached_property
    def ends(self) -> dict[str, list[int]]:
        """Offsets of all closing delimiters, by delimiter."""
        ends = {
            mark: [match.end() - len(mark) for match in find.finditer(self.text)]
            for mark, find in _ENDS.items()
            if mark in self.text
        }
        ends["$"] = [at for at in ends.get("$", ()) if self.closes(at)]
        for match in re.finditer(r"\\end\{\w+\*?\}", self.text):
            ends.setdefault(match[0], []).append(match.start())
        return ends

    def closes(self, at: int) -> bool:
        """Whether the `$` at this offset may close a formula."""
        return at > 0 and not self.text[at - 1].isspace() and not self.text[at + 1 : at + 2].isdigit()

    def place(self, at: int) -> tuple[int, int]:
        """Return line and column in the file of an offset in the text."""
        number = bisect_left(self.lines, at + 1) - 1
        line, column = self.origins[number] if self.origins else (number + 1, 1)
        return line, column + at - self.lines[number]

    # #### Code

    def code(self) -> Iterator[tuple[int, int]]:
        """Yield the stretches of code, in order."""
        at = 0
        unclosed: set[tuple[str, int]] = set()
        while match := _CODE.search(self.text, at):
            start, end = match.span()
            if match["fence"] and not ("`" in match["fence"] and "`" in match["info"]):
                start, stop = match.start("fence"), self.fence_end(match["fence"], end, unclosed)
                end = match.end("fence")
            elif match["fence"] or match["ticks"]:
                start, end = match.span("fence" if match["fence"] else "ticks")
                stop = self.span_end(end - start, end)
            else:
                stop = self.raw_end(match, unclosed)
            at = stop or end
            if stop:
                yield start, stop

    def fence_end(self, fence: str, after: int, unclosed: set[tuple[str, int]]) -> int:
        """Return the offset where a fence ends, or 0. `unclosed` remembers what was looked for in vain."""
        want = (fence[0], len(fence))
        if want not in unclosed:
            for match in _FENCE_END.finditer(self.text, after):
                if match[1][0] == fence[0] and len(match[1]) >= len(fence):
                    return match.end()
            unclosed.add(want)
        return 0

    def span_end(self, length: int, after: int) -> int:
        """Return the offset where the code span that `length` backticks opened ends, or 0."""
        runs = self.ticks.get(length, [])
        index = bisect_left(runs, after)
        paragraph = self.blanks[bisect_left(self.blanks, after)]
        return runs[index] + length if index < len(runs) and runs[index] < paragraph else 0

    def raw_end(self, match: re.Match[str], unclosed: set[tuple[str, int]]) -> int:
        """Return the offset where a comment or a raw element ends, or 0."""
        name = (match["comment"] or match["raw"] or "").lower()
        if not name or (name, 0) in unclosed:
            return 0
        if name == "!--":
            end = self.text.find("-->", match.end())
            if end >= 0:
                return end + 3
        else:
            for close in _RAW_END.finditer(self.text, match.end()):
                if close[1].lower() == name:
                    return close.end()
        unclosed.add((name, 0))
        return 0

    # #### Math

    def gap(self, at: int, limit: int) -> None:
        """Lift the formulas between two stretches of code."""
        copied = at
        while match := _MATH.search(self.text, at, limit):
            start, at = match.span()
            if match["escape"] == "$":
                slot: Slot | None = Slot(r"\$", "$")
            elif match["escape"] in ("(", "["):
                slot, at = self.delimited(start, at, r"\)" if match["escape"] == "(" else r"\]", limit)
            elif match["env"]:
                slot, at = self.delimited(start, at, r"\end{" + match["env"] + "}", limit)
            elif match["dollars"] == "$$":
                slot, at = self.delimited(start, at, "$$", limit)
            elif match["dollars"]:
                slot, at = self.inline(start, limit)
            else:
                slot = None
            if slot:
                self.copy(copied, start)
                self.out.append(put(slot, self.slots))
                copied = at
        self.copy(copied, limit)

    def delimited(self, start: int, inner: int, close: str, limit: int) -> tuple[Slot | None, int]:
        """Return the slot of a formula between unmistakable delimiters, and where scanning goes on."""
        end = self.end(close, inner, limit)
        if end < 0:
            return self.unclosed(start, inner, always=close not in (r"\)", r"\]")), inner
        if not self.text[inner:end].strip():
            return None, end + len(close)
        after = end + len(close)
        if close.startswith(r"\end"):
            inner, end = start, after
        return self.formula(start, inner, end, after, display=close != r"\)"), after

    def inline(self, start: int, limit: int) -> tuple[Slot | None, int]:
        """Return the slot of a formula between single dollars, and where scanning goes on."""
        inner = start + 1
        after = self.text[inner : inner + 1]
        priced = start > 0 and self.text[start - 1].isdigit() and after in ".,;:!?)"
        if not after or after.isspace() or priced:
            return None, inner
        end = self.end("$", inner + 1, min(limit, inner + _LONGEST_INLINE))
        if end < 0 or _holds_dollar(self.text[inner:end]):
            meant = after.isalpha() or after in r"\{(["
            return (self.unclosed(start, inner, always=False) if meant else None), inner
        if not self.reads_as_math(start, end):
            return None, inner
        return self.formula(start, inner, end, end + 1, display=False), end + 1

    def reads_as_math(self, start: int, end: int) -> bool:
        """Whether the text between two dollars is neither a price, nor a shell variable, nor two blocks."""
        content, after = self.text[start + 1 : end], self.text[end + 1 : end + 2]
        if content in _KEYWORDS or _PRICE.match(content):
            return False
        if _VARIABLE.fullmatch(content) and (after.isalpha() or after in ("_", "{")):
            return False
        if "\n" not in content:
            return True
        # A list item, a table row and a heading each end where the next begins.
        begin = self.lines[bisect_left(self.lines, start + 1) - 1]
        bounds = [_HEADING, *(kind for kind in (_ITEM, _ROW) if kind.match(self.text, begin))]
        return not any(bound.match(line) for line in content.split("\n")[1:] for bound in bounds)

    def end(self, close: str, after: int, limit: int) -> int:
        """Return the offset of the closing delimiter in the same paragraph and stretch, or -1."""
        ends = self.ends.get(close, [])
        index = bisect_left(ends, after)
        limit = min(limit, self.blanks[bisect_left(self.blanks, after)])
        return ends[index] if index < len(ends) and ends[index] + len(close) <= limit else -1

    def formula(self, start: int, inner: int, end: int, after: int, display: bool) -> Slot:
        """Return the slot of a formula; its TeX loses the indentation and the quote marks of its lines."""
        first, *rest = self.text[inner:end].split("\n")
        if rest:
            begin = self.lines[bisect_left(self.lines, start + 1) - 1]
            depth = _quote_depth(self.text[begin:start])
            rest = [_unquoted(line, depth) for line in rest]
        tex = "\n".join(line.strip() for line in (first, *rest)).strip()
        line, column = self.place(start)
        shown = self.text[start:after].translate(_UNSHOWN)
        return Slot(shown, Formula(tex, display, self.path, line, column))

    def unclosed(self, start: int, inner: int, always: bool) -> Slot | None:
        """Return the slot of an opening delimiter without an end, if it looks meant."""
        paragraph = self.blanks[bisect_left(self.blanks, inner)]
        dollar = self.text.find("$", inner, paragraph)
        end = min(paragraph if dollar < 0 else dollar, inner + _LONGEST_GLANCE)
        looks_meant = _LOOKS_LIKE_TEX.search(self.text, inner, end) or _LOOKS_LIKE_RELATION.match(self.text, inner, end)
        if not always and not looks_meant:
            return None
        mark = self.text[start:inner]
        message = f"this `{mark}` is not closed before the paragraph ends; a formula contains no blank line and no code"
        if mark == "$":
            message += r". A dollar is `\$`"
        return Slot(mark, Diagnostic(self.path, *self.place(start), "math", message))


def _holds_dollar(tex: str) -> bool:
    """Whether a formula has a dollar in it that is not escaped."""
    return "$" in tex and "$" in tex.replace(r"\$", "")


def _quote_depth(line: str) -> int:
    match = _QUOTE.match(line)
    return match[0].count(">") if match else 0


def _unquoted(line: str, depth: int) -> str:
    for _ in range(depth):
        bare = line.lstrip(" \t")
        if not bare.startswith(">"):
            break
        line = bare[1:]
    return line


# ## Putting back

# A tag with its name, or where other markup begins. A quote opens a value only behind `=`, as in browsers. The
# quantifiers are possessive: no input makes them try twice.
_MARKUP = re.compile(
    r"""<(?:(/?[a-zA-Z][^\s/>]*+)(?:[^>"'=]++|=\s*+(?:"[^"]*+"|'[^']*+'|(?!["']))|["'])*+>|(?=[a-zA-Z!?]|/[a-zA-Z]))"""
)
_OPAQUE = frozenset(("script", "style", "textarea", "title"))


def markup(html: str) -> Iterator[tuple[int, int, str]]:
    """
    ### The tags of an HTML text

    Yields start, end and lower-case name (`a`, `/a`, `!` for comments and declarations) of every tag. A `script`,
    `style`, `textarea` or `title` comes as one piece with all that is in it. What is not closed reaches to the end.
    """
    at = 0
    while match := _MARKUP.search(html, at):
        at, name = _piece(html, match)
        at = len(html) if at < 0 else at
        yield match.start(), at, name


def unclosed(html: str) -> int:
    """Return where the first tag or comment begins that nothing closes, or the length of the text."""
    at = 0
    while match := _MARKUP.search(html, at):
        at, name = _piece(html, match)
        if at < 0:
            return len(html) if name in _OPAQUE else match.start()
    return len(html)


def _piece(html: str, begun: re.Match[str]) -> tuple[int, str]:
    """Return where a piece of markup ends, or -1, and its name."""
    start, name = begun.start(), begun[1]
    if name is None:
        if html[start + 1] not in "!?":
            return -1, "!"
        close = "-->" if html.startswith("<!--", start) else ">"
        end = html.find(close, start + 2)
        return end + len(close) if end >= 0 else -1, "!"
    name = name.lower()
    if name not in _OPAQUE:
        return begun.end(), name
    close_tag = re.compile(rf"</{name}\b[^>]*+>", re.IGNORECASE).search(html, begun.end())
    return close_tag.end() if close_tag else -1, name


def fill(
    html: str, slots: Sequence[Slot], typeset: Callable[[Formula], str], resolve: Callable[[Link], str] | None = None
) -> str:
    """
    ### Replace the placeholders of an HTML text

    `typeset` gives the HTML of a formula and `resolve` the address of a link, unescaped; without it links keep their
    target. Within code and within tags the author's own characters are put back, escaped.
    """
    out: list[str] = []
    for text, slot, shown in _parts(html, slots):
        if slot is None:
            out.append(text)
        elif isinstance(slot.content, Link):
            out.append(escape(resolve(slot.content) if resolve else slot.content.target))
        elif not shown:
            out.append(escape(slot.source))
        elif isinstance(slot.content, Formula):
            out.append(typeset(slot.content))
        else:
            out.append(escape(slot.plain, quote=False))
    return "".join(out)


def contents(html: str, slots: Sequence[Slot]) -> Iterator[Formula | Link | Diagnostic]:
    """Yield the formulas and links for which `fill` will ask, and the findings that stand in prose."""
    for _, slot, shown in _parts(html, slots):
        if slot and not isinstance(slot.content, str) and (shown or isinstance(slot.content, Link)):
            yield slot.content


def words(html: str) -> Iterator[str]:
    """Yield the stretches of prose: what is neither a tag nor code. The text of entities is left as it is."""
    at = depth = 0
    for start, end, name in markup(html):
        if depth == 0:
            yield html[at:start]
        if name in ("code", "pre"):
            depth += 1
        elif name in ("/code", "/pre"):
            depth = max(0, depth - 1)
        at = end
    yield html[at:]


def _parts(html: str, slots: Sequence[Slot]) -> Iterator[tuple[str, Slot | None, bool]]:
    """Yield the stretches between placeholders, and the slots, with whether they stand in prose."""
    at = 0
    for match, shown in _placeholders(html):
        yield html[at : match.start()], None, shown
        # An author's own private characters were lifted, so a number out of range is not of our making: leave it.
        number = _number(match)
        yield (match[0], slots[number] if number < len(slots) else None, shown)
        at = match.end()
    yield html[at:], None, True


def _placeholders(html: str) -> Iterator[tuple[re.Match[str], bool]]:
    """Yield the placeholders, with whether they stand in prose. Tags are read as far as there are any."""
    waiting = _PLACEHOLDER.finditer(html)
    match = next(waiting, None)
    depth = 0
    for start, end, name in markup(html) if match else ():
        while match and match.start() < end:
            yield match, depth == 0 and match.start() < start
            match = next(waiting, None)
        if not match:
            return
        if name in ("code", "pre"):
            depth += 1
        elif name in ("/code", "/pre"):
            depth = max(0, depth - 1)
    while match:
        yield match, depth == 0
        match = next(waiting, None)
