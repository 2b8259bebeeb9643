r'''
# Reading a source

This module takes the text of a Python file and gives a `Document`: its front matter, its title, and its *sections*,
each a piece of prose with the code it explains. Everything later on the way to a page works on this model and never
looks at the file again.

A source is split by Python's own tokens, never by a line regex: a `#` inside a string is no comment, a string in the
middle of a function is no docstring, and a file that does not even parse is still split as far as its tokens go.

Whatever the file holds, no line is lost: **every line that is not blank is in exactly one section, as prose or as code,
under its own number.** `check_lossless` asserts it for every document that is made.
'''

from __future__ import annotations

import ast
import os
import re
import token as tokens
import tokenize
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

from sidelit.diagnostic import Diagnostic
from sidelit.rules import Switch, switch_in_code, switch_in_prose
from sidelit.tokenizer import tokens_of

# Inclusive, counted from 1, as an editor counts.
LineRange = tuple[int, int]


@dataclass(frozen=True)
class Section:
    """
    ## A section: prose and the code it explains

    * `number` counts from 0 through the page, `anchor` is the name that edits elsewhere on the page do not move
    * `kind` is one of `module`, `class`, `function`, `comment` and `body`
    * `qualname` is the dotted name of the class or function the section is in, empty at the top of the module
    * `docs` is Markdown, and `origins` says for each line of it where it begins in the file, as (line, column)
    * `doc_lines` and `code_lines` are ranges of lines of the file
    * `docstring` is true where a docstring contributed to `docs`
    """

    number: int
    anchor: str
    kind: str
    qualname: str
    docs: str
    doc_lines: tuple[LineRange, ...]
    code_lines: tuple[LineRange, ...]
    origins: tuple[tuple[int, int], ...] = ()
    docstring: bool = False


@dataclass(frozen=True)
class Document:
    """
    ## A document: one source file, read

    `lines` are the lines of the file without their ends. `diagnostics` are what is wrong with the file itself: its
    encoding, its syntax, its front matter. `switches` are the comments that switch [rules](rules.py) off, which no page
    shows, and `asleep` are the runs of comments that are code. `tree` is how Python reads the file, if it does.
    """

    path: str
    front_matter: Mapping[str, Any]
    title: str
    summary: str
    sections: tuple[Section, ...]
    lines: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    switches: tuple[Switch, ...] = ()
    asleep: tuple[LineRange, ...] = ()
    tree: ast.Module | None = field(default=None, compare=False, repr=False)


def parse(text: str, path: str, module: str = "") -> Document:
    """
    ## Text to document

    `path` is how messages name the file, `module` its dotted name, the title of last resort. Nothing is raised for what
    is in the text: it ends up in `Document.diagnostics`.
    """
    lines = split_lines(text)
    outline = _outline(lines)
    drafts = _drafts(lines, outline)

    switches = [*outline.switches.values(), *(switch for draft in drafts for switch in draft.take_switches())]
    if outline.header:
        front_matter, diagnostics = _read_front_matter(_header(outline), path)
    else:
        front_matter, diagnostics = _take_front_matter(drafts[0], path)
    tree, syntax_diagnostics = _read_tree(lines, outline, path)
    diagnostics += syntax_diagnostics

    sections = _number(drafts)
    check_lossless(sections, lines)
    title = _text_value(front_matter, "title") or _first_heading(sections) or module or path
    summary = _text_value(front_matter, "summary") or _first_paragraph(sections[0].docs)
    return Document(
        path,
        front_matter,
        title,
        summary,
        sections,
        lines,
        tuple(diagnostics),
        tuple(sorted(switches, key=lambda switch: switch.line)),
        tuple(outline.asleep),
        tree,
    )


def decode(data: bytes, path: str) -> tuple[str, list[Diagnostic]]:
    r"""
    ## Bytes to text

    As Python does (PEP 263): a byte order mark or a `coding` comment in the first two lines names the encoding, and
    UTF-8 is the default. Bytes that do not fit become U+FFFD, so that the rest of the file still gets its page.

    Returns the text and what is wrong with the encoding.
    """
    encoding, diagnostics = "utf-8", []
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    elif cookie := _coding_cookie([line.decode("latin-1") for line in re.split(b"\r\n|\r|\n", data[:4096])]):
        line, encoding = cookie
        if not _reads_ascii(encoding):
            message = f"the encoding {encoding!r} is none that Python reads sources in; save the file as UTF-8"
            diagnostics.append(Diagnostic(path, line, 1, "encoding", message))
            encoding = "utf-8"
    with warnings.catch_warnings():
        # `unicode_escape` warns of escapes that it does not know.
        warnings.simplefilter("ignore")
        try:
            text = data.decode(encoding)
        except UnicodeError as error:
            at = error.start if isinstance(error, UnicodeDecodeError) else 0
            before = split_lines(data[:at].decode(encoding, "replace") + "\N{REPLACEMENT CHARACTER}")
            message = f"this byte is not valid {encoding}; save the file as UTF-8, or declare its encoding in line 1"
            diagnostics.append(Diagnostic(path, len(before), len(before[-1]), "encoding", message))
            text = data.decode(encoding, "replace")

    # Some codecs make lone surrogates, which no page could be written with.
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text), diagnostics


def _reads_ascii(encoding: str) -> bool:
    """
    ### Can a source be in this encoding?

    The comment that names it must itself be readable in it, and it must stand bytes that do not fit. That leaves out
    UTF-16, and codecs that are no encodings.
    """
    probe = f"# coding: {encoding}"
    try:
        b"\xff".decode(encoding, "replace")
        return probe.encode("ascii").decode(encoding) == probe
    except (LookupError, UnicodeError):
        return False


def split_lines(text: str) -> tuple[str, ...]:
    r"""
    ## The lines of a text

    A line ends at `\n`, `\r\n` or `\r` and nowhere else. `str.splitlines` would also cut at form feeds and at U+2028,
    and every later line would have the wrong number.
    """
    lines = re.split("\r\n|\r|\n", text)
    return tuple(lines if lines[-1] else lines[:-1])


# ## What the tokens say
#
# The outline is all that is taken from the tokens. The sections are then made line by line.


@dataclass
class _Definition:
    """
    ### A class or function, as its tokens show it

    `start` is the line of the first decorator, `header` that of `def` or `class`, `signature_end` that of the colon.
    """

    kind: str
    qualname: str
    column: int
    start: int
    header: int
    signature_end: int = 0
    docstring: LineRange | None = None


@dataclass
class _Outline:
    """
    ### The outline of a file

    * `comments` are the full-line comments, line to (column, text after the `#`)
    * `docstrings` are the docstrings' tokens by their first line
    * `cells` are the marks of the cells, if the file is a notebook, by their line; `markdown` are the lines of those of
      Markdown, `header` those of the YAML at its top
    * `statements` are the first lines of logical lines, each with the definitions around it, outermost first
    * `stopped` is the first line that could not be tokenised, or `None`
    * `switches` are the comments that switch rules off, by line
    * `asleep` are the runs of comments that are code
    """

    comments: dict[int, tuple[int, str]] = field(default_factory=dict)
    definitions: list[_Definition] = field(default_factory=list)
    docstrings: dict[int, tokenize.TokenInfo] = field(default_factory=dict)
    module_docstring: LineRange | None = None
    cells: dict[int, _Cell] = field(default_factory=dict)
    markdown: frozenset[int] = frozenset()
    header: range = range(0)
    statements: list[tuple[int, tuple[_Definition, ...]]] = field(default_factory=list)
    stopped: int | None = None
    switches: dict[int, Switch] = field(default_factory=dict)
    asleep: list[LineRange] = field(default_factory=list)


def _outline(lines: Sequence[str]) -> _Outline:
    """
    ### Walk the logical lines once
    """
    outline = _Outline()
    stream, outline.stopped = tokens_of(lines)
    outline.comments, outline.switches = _comments(stream, lines)
    outline.cells = _cells(outline.comments)
    outline.markdown = _markdown_lines(outline.cells, len(lines))
    outline.header = _notebook_header(outline)

    # The classes and functions that are open, innermost last. Each is closed by the dedent that brings the indentation
    # back to its own level.
    scopes: list[tuple[_Definition, int]] = []
    depth, decorators = 0, None

    # What could be followed by a docstring: the module at first, later the definition whose header was just read.
    awaiting: _Definition | None = None
    docstring_may_follow = True

    for logical in _logical_lines(stream):
        for token in logical.indentation:
            depth += 1 if token.type == tokens.INDENT else -1
        while scopes and scopes[-1][1] >= depth:
            scopes.pop()
        if not logical.tokens:
            continue

        line = logical.tokens[0].start[0]
        docstring_may_follow |= line in outline.markdown
        if docstring_may_follow and (span := _docstring_span(logical, lines)):
            outline.docstrings[span[0]] = logical.tokens[0]
            if awaiting:
                awaiting.docstring = span
            elif not outline.statements:
                outline.module_docstring = span

        docstring_may_follow, awaiting = False, None
        definition = _definition_of(logical, decorators, [scope for scope, _ in scopes])
        if definition:
            outline.definitions.append(definition)
            scopes.append((definition, depth))
            if _ends_with_colon(logical):
                docstring_may_follow, awaiting = True, definition

        # A decorator waits for its definition; anything else in between means that there is none.
        decorators = (decorators or line) if logical.tokens[0].string == "@" else None
        outline.statements.append((line, tuple(scope for scope, _ in scopes)))
    return outline


@dataclass
class _LogicalLine:
    """
    ### One logical line: a statement, or the header of a compound one

    `tokens` leaves out comments and line ends, `indentation` holds the indents and dedents before the line.
    """

    tokens: list[tokenize.TokenInfo] = field(default_factory=list)
    indentation: list[tokenize.TokenInfo] = field(default_factory=list)


def _logical_lines(stream: Iterable[tokenize.TokenInfo]) -> Iterator[_LogicalLine]:
    logical = _LogicalLine()
    for token in stream:
        if token.type in (tokens.INDENT, tokens.DEDENT):
            logical.indentation.append(token)
        elif token.type == tokens.NEWLINE:
            yield logical
            logical = _LogicalLine()
        elif token.type not in (tokens.COMMENT, tokens.NL, tokens.ENDMARKER):
            logical.tokens.append(token)
    yield logical


def _comments(
    stream: Iterable[tokenize.TokenInfo], lines: Sequence[str]
) -> tuple[dict[int, tuple[int, str]], dict[int, Switch]]:
    """
    ### The full-line comments, and the comments that switch rules off
    """
    comments, switches = {}, {}

    # From Python 3.12 on, an f-string is many tokens, and a comment may stand inside its braces. It is part of the
    # string. Template strings came with 3.14.
    string_starts = {getattr(tokens, name, None) for name in ("FSTRING_START", "TSTRING_START")}
    string_ends = {getattr(tokens, name, None) for name in ("FSTRING_END", "TSTRING_END")}
    inside = 0
    for token in stream:
        if token.type == tokens.COMMENT and not inside:
            line, column = token.start
            full_line = not lines[line - 1][:column].strip()
            if full_line:
                comments[line] = (column, _text_of(token, lines)[1:])
            if switch := switch_in_code(token.string, line, column + 1, full_line):
                switches[line] = switch
        elif token.type in string_starts:
            inside += 1
        elif token.type in string_ends:
            inside -= 1
    return comments, switches


def _text_of(token: tokenize.TokenInfo, lines: Sequence[str]) -> str:
    """Return a token as it stands in the file, where it may hold the NULs that the tokenizer did not see."""
    (first, column), (last, end) = token.start, token.end
    rows = list(lines[first - 1 : last])
    rows[-1] = rows[-1][:end]
    rows[0] = rows[0][column:]
    return "\n".join(rows)


def _definition_of(
    logical: _LogicalLine, decorators: int | None, scopes: Sequence[_Definition]
) -> _Definition | None:
    words = [token.string for token in logical.tokens[:3]]
    if words[:2] == ["async", "def"]:
        words = words[1:]
    if len(words) < 2 or words[0] not in ("def", "class") or not words[1].isidentifier():
        return None

    line, column = logical.tokens[0].start
    return _Definition(
        kind="class" if words[0] == "class" else "function",
        qualname=f"{scopes[-1].qualname}.{words[1]}" if scopes else words[1],
        column=column,
        start=decorators or line,
        header=line,
        signature_end=logical.tokens[-1].end[0],
    )


def _ends_with_colon(logical: _LogicalLine) -> bool:
    """
    ### Whether the body is below

    `def f(): return 1` has its body on the line, where no docstring that is ours can follow.
    """
    return logical.tokens[-1].string == ":"


def _docstring_span(logical: _LogicalLine, lines: Sequence[str]) -> LineRange | None:
    """
    ### The lines of a docstring

    It must be one plain literal and have its lines for itself: bytes, f-strings and strings that are glued together
    stay code, as does a string with a statement, or with a remark in a comment, behind it.
    """
    first = logical.tokens[0]
    if len(logical.tokens) != 1 or first.type != tokens.STRING or not _PLAIN_STRING.match(first.string):
        return None
    if lines[first.start[0] - 1][: first.start[1]].strip():
        return None
    behind = lines[first.end[0] - 1][first.end[1] :].strip()
    if behind and not (behind.startswith("#") and is_directive(behind[1:])):
        return None
    return first.start[0], first.end[0]


_PLAIN_STRING = re.compile("""[rRuU]?["']""")

# ## Notebooks
#
# Jupytext and many editors cut a file into cells, with lines `# %%` that may have a title. In a cell marked
# `[markdown]` every comment is prose, and so is a string that stands there for itself. The mark of a cell begins a
# section and is not shown, only its title is. A cell of code without a title goes with the Markdown above it, which
# explains it.


@dataclass(frozen=True)
class _Cell:
    """
    ### The mark of a cell

    `level` is that of its title's heading, `column` where the title begins, from 0.
    """

    is_markdown: bool
    title: str
    level: int
    column: int


# A command such as `%%time` is no mark.
_CELL = re.compile(r"[ \t]*%%(%*)(?:[ \t]+|(?=\[)|$)(.*)$")

# What may stand in the line besides a title: the kind of the cell, and data about it.
_CELL_KIND = re.compile(r"(?:^|\s)\[(markdown|md|raw)\](?=\s|$)")
_CELL_DATA = re.compile(r"(?:^|\s)(?:\{|[\w.-]+=[\"\[{\dtfn]).*")


def _cells(comments: Mapping[int, tuple[int, str]]) -> dict[int, _Cell]:
    cells = {}
    for line, (column, text) in comments.items():
        if column or not (match := _CELL.match(text)):
            continue
        kind = _CELL_KIND.search(match[2])
        title = _CELL_DATA.sub("", match[2][: kind.start()] if kind else match[2]).rstrip()
        cells[line] = _Cell(
            is_markdown=kind is not None and kind[1] != "raw",
            title=title if re.search(r"\w", title) else "",
            level=min(2 + len(match[1]), 6),
            column=1 + match.start(2),
        )
    return cells


def _markdown_lines(cells: Mapping[int, _Cell], count: int) -> frozenset[int]:
    """Return the lines that are in cells of Markdown."""
    marks = [*cells, count + 1]
    return frozenset(line for start, end in pairwise(marks) if cells[start].is_markdown for line in range(start, end))


def _notebook_header(outline: _Outline) -> range:
    """
    ### The lines of YAML at the top of a notebook

    Between two lines `# ---`. Jupytext keeps its own data there; it is read like front matter.
    """
    numbers = [line for line, (column, _) in outline.comments.items() if not column]
    fences = [line for line in numbers if outline.comments[line][1].strip() == "---"][:2]
    if not outline.cells or len(fences) < 2:
        return range(0)
    first, last = fences
    header = range(first, last + 1)

    # A shebang and an encoding may stand above.
    is_whole = set(header) <= set(numbers) and first <= 3 and min(outline.cells) > last
    return header if is_whole else range(0)


# A command of IPython, which a notebook keeps in a comment.
_MAGIC = re.compile(r" ?(?:%{1,2}[a-zA-Z]|![a-zA-Z./])")


# ## Comments that are not prose


def is_directive(comment: str) -> bool:
    """
    ### Notes to tools

    `comment` is the text after the `#`. A note to a tool is code, and shown as code.
    """
    return bool(_DIRECTIVE.match(comment))


def _metadata(comments: Mapping[int, tuple[int, str]]) -> set[int]:
    """
    ### What a script says that it needs

    Returns the lines of comments from `# /// script` to `# ///` (PEP 723), which are for the tool that runs it.
    """
    found: set[int] = set()
    for run in _runs(comments):
        texts = [comments[line][1].rstrip() for line in run]
        start = next((at for at, text in enumerate(texts) if re.fullmatch(r" /// [A-Za-z0-9-]+", text)), None)
        if start is not None and " ///" in texts[start + 1 :]:
            found.update(run[start : len(texts) - texts[::-1].index(" ///")])
    return found


_DIRECTIVE = re.compile(r"\s*(?:(?i:noqa)\b|(?:type|fmt|pragma|pylint|mypy|isort|ruff):|sidelit:[ \t]*ignore(?:\[|$))")

# PEP 263: in the first or second line.
_CODING = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.ASCII)


def _coding_cookie(lines: Sequence[str]) -> tuple[int, str] | None:
    """Return the line that names the encoding of the file, and the encoding."""
    for number, line in enumerate(lines[:2], start=1):
        if match := _CODING.match(line):
            return number, match[1]

        # The second line counts only behind a first one that holds no code.
        if line.strip() and not line.lstrip().startswith("#"):
            return None
    return None


def is_commented_out_code(block: Sequence[str]) -> bool:
    """
    ### Code that was put to sleep

    `block` is a run of comments, without their `#`. It counts as code where it parses as statements that no sentence
    could be: assignments, calls, imports, definitions. `see` alone is a name and `Note: this` an annotation to Python;
    both are prose here. So is everything doubtful.
    """
    indent = min((len(line) - len(line.lstrip()) for line in block if line.strip()), default=0)
    text = "\n".join(line[indent:] for line in block)
    if not _CODE_HINT.search(text):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    verdicts = [_is_code(statement, text) for statement in tree.body]
    return any(verdicts) and None not in verdicts


# Parsing every comment would be slow, and these are what code cannot do without.
_CODE_HINT = re.compile(r"[=(]|\b(?:import|def|class)\b")


def _is_code(statement: ast.stmt, text: str) -> bool | None:
    """
    ### Could a sentence be this?

    `True`: no sentence could. `False`: it goes along with what is around it, as `return x` does. `None`: it could.
    """
    match statement:
        case ast.Assign() | ast.AugAssign() | ast.Import() | ast.ImportFrom():
            return True
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return True

        # `Example: x = 5` parses as an annotated assignment, and is a sentence. The name of a type says otherwise.
        case ast.AnnAssign(annotation=ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)), value=ast.expr()):
            return True if name in _TYPE_NAMES else None

        # A Markdown link, `[text](target)`, parses as the call of a list, and `Adam (2014)` as one with a space.
        # `O(n)` is what something costs.
        case ast.Expr(value=ast.Call(func=ast.Name(id="O"))):
            return None
        case ast.Expr(value=ast.Call(func=ast.Name() | ast.Attribute()) | ast.Await()):
            return None if _SPACED_CALL.match(ast.get_source_segment(text, statement) or "") else True
        case ast.If() | ast.For() | ast.AsyncFor() | ast.While() | ast.With() | ast.AsyncWith() | ast.Try():
            verdicts = [_is_code(inner, text) for inner in statement.body]
            return None if None in verdicts else any(verdicts) or statement.body[0].lineno > statement.lineno
        case ast.Raise(exc=ast.Call() as call) | ast.Return(value=ast.Call() as call):
            return not _SPACED_CALL.match(ast.get_source_segment(text, call) or "")
        case ast.Assert(test=ast.Compare(ops=[ast.Eq() | ast.NotEq() | ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()])):
            return True
        case ast.Return() | ast.Raise() | ast.Pass() | ast.Break() | ast.Continue() | ast.Assert() | ast.Delete():
            return False
    return None


_SPACED_CALL = re.compile(r"(?:await\s+)?[\w.]+\s+\(")
_TYPE_NAMES = frozenset(
    ("int", "float", "complex", "bool", "str", "bytes", "list", "tuple", "dict", "set", "frozenset", "object", "type")
)


def _prose_comments(outline: _Outline, lines: Sequence[str]) -> dict[int, tuple[int, str]]:
    """
    ### The comments that are prose

    Full-line comments, without notes to tools, commented-out code, and the comments inside the signature of a
    documented definition: there all lines are code, and its prose is its docstring.
    """
    hidden: set[int] = set()
    for definition in outline.definitions:
        if definition.docstring:
            hidden.update(range(definition.header, definition.signature_end + 1))
    if lines and lines[0].startswith("#!"):
        hidden.add(1)
    if cookie := _coding_cookie(lines):
        hidden.add(cookie[0])
    hidden.update(_metadata(outline.comments))

    # In a notebook the commands of IPython are code, and in its cells of Markdown nothing is.
    hidden.update(outline.cells, outline.header)
    prose = {
        line: comment
        for line, comment in outline.comments.items()
        if line not in hidden
        and (line in outline.markdown or not (is_directive(comment[1]) or (outline.cells and _MAGIC.match(comment[1]))))
    }
    for run in _runs(line for line in prose if line not in outline.markdown):
        if is_commented_out_code([prose[line][1] for line in run]):
            outline.asleep.append((run.start, run.stop - 1))
            for line in run:
                del prose[line]
    return prose


def _runs(numbers: Iterable[int]) -> list[range]:
    runs: list[range] = []
    for number in numbers:
        if runs and runs[-1].stop == number:
            runs[-1] = range(runs[-1].start, number + 1)
        else:
            runs.append(range(number, number + 1))
    return runs


# ## From lines to sections


@dataclass
class _Draft:
    """
    ### A section in the making

    `docs` holds the lines of prose, each with the place where it begins in the file; the docstring's begin at
    `docstring_at`. A closed draft takes no more code: its docstring ended it. `indent` is the column of the comment
    that opened it, `cell` the mark that it stands below. A draft that is `explained` takes no more comments. `hidden`
    lines switch rules off: they are docs, but nothing is shown of them.
    """

    kind: str
    qualname: str = ""
    docs: list[tuple[str, tuple[int, int]]] = field(default_factory=list)
    doc_lines: list[int] = field(default_factory=list)
    code_lines: list[int] = field(default_factory=list)
    indent: int = 0
    docstring_at: int | None = None
    closed: bool = False
    hidden: list[int] = field(default_factory=list)
    cell: _Cell | None = None
    explained: bool = False

    def add_mark(self, line: int, cell: _Cell) -> None:
        self.cell = cell
        if cell.title:
            heading = f"{'#' * cell.level} {cell.title}"
            self.docs += [("", (line, 1)), (heading, (line, cell.column - cell.level)), ("", (line, 1))]
        self.doc_lines.append(line)

    def takes_mark(self, cell: _Cell) -> bool:
        """Whether a cell goes on with this draft: it has nothing yet, or it is the Markdown that explains the cell."""
        if self.code_lines or self.cell is None:
            return cell.is_markdown and self.kind == "module" and not (self.code_lines or self.has_prose)
        is_explained = (self.cell.is_markdown or self.explained) and not cell.is_markdown and not cell.title
        return is_explained or not self.has_prose

    def takes_comment(self, goes_on: bool) -> bool:
        """Whether a comment goes on with this draft; `goes_on` says that it is directly below its prose."""
        if self.code_lines or self.explained:
            return False
        if self.cell and (self.cell.is_markdown or not self.has_prose):
            return True
        return self.kind == "comment" and goes_on

    @property
    def has_prose(self) -> bool:
        return any(text.strip() for text, _ in self.docs)

    def add_comment(self, line: int, comment: tuple[int, str], goes_on: bool) -> None:
        column, text = comment
        space = text.startswith(" ")
        if self.doc_lines and not goes_on:
            self.docs.append(("", (line, column + 1)))
        self.docs.append((text[space:], (line, column + 2 + space)))
        self.doc_lines.append(line)

    def add_docstring(self, token: tokenize.TokenInfo, lines: Sequence[str]) -> None:
        line, column = token.start
        if self.has_prose:
            self.docs.append(("", (line, column + 1)))
        if self.docstring_at is None:
            self.docstring_at = len(self.docs)
        self.docs.extend(docstring_lines(_text_of(token, lines), token.start))
        self.doc_lines.extend(range(line, token.end[0] + 1))

    def take_switches(self) -> list[Switch]:
        at = self.docstring_at or 0
        comments, docstring = self.docs[:at], self.docs[at:]
        switches = take_switches(comments) + take_switches(docstring)
        if switches:
            self.docs = comments + docstring
            self.docstring_at = None if self.docstring_at is None else len(comments)
        return switches


def _drafts(lines: Sequence[str], outline: _Outline) -> list[_Draft]:
    """
    ### Line by line

    Every line goes somewhere here, which is why no line is lost: into the open draft, or into a new one that it opens.
    """
    prose = _prose_comments(outline, lines)
    starts = {definition.start: definition for definition in outline.definitions}
    joins = _lines_that_join(outline)

    current = _Draft("module")
    drafts = [current]

    def open_draft(draft: _Draft) -> _Draft:
        drafts.append(draft)
        return draft

    switches = {line for line, switch in outline.switches.items() if switch.alone}

    def is_below_prose(number: int) -> bool:
        # What switches a rule off stands between nothing.
        above = number - 1
        while above in switches:
            above -= 1
        return current.doc_lines[-1:] == [above]

    skip_to, stopped = 0, outline.stopped or len(lines) + 1
    for number, text in enumerate(lines, start=1):
        if number < skip_to or not text.strip():
            continue
        if number >= stopped:
            current, stopped = open_draft(_Draft("body")), len(lines) + 1

        if number in switches:
            current.hidden.append(number)
            continue

        if definition := starts.get(number):
            # A comment directly above is this definition's.
            above = current.kind == "comment" and not current.code_lines
            if not above or not (is_below_prose(number) or (current.cell and not current.has_prose)):
                current = open_draft(_Draft(definition.kind))
            current.kind, current.qualname, current.closed = definition.kind, definition.qualname, False

        if number in outline.header:
            current.doc_lines.append(number)
        elif cell := outline.cells.get(number):
            if number not in joins:
                if not current.takes_mark(cell):
                    current = open_draft(_Draft("comment"))
                elif current.has_prose:
                    current.closed, current.explained = False, True
            current.add_mark(number, cell)
        elif token := outline.docstrings.get(number):
            current.add_docstring(token, lines)
            current.closed = number != (outline.module_docstring or (0,))[0]
            skip_to = token.end[0] + 1
        elif comment := prose.get(number):
            goes_on = is_below_prose(number)
            if not current.takes_comment(goes_on) and number not in joins:
                current = open_draft(_Draft("comment", indent=comment[0]))
            current.add_comment(number, comment, goes_on)
        else:
            if current.closed:
                current = open_draft(_Draft("body"))
            current.code_lines.append(number)

    _name_scopes(drafts, outline)
    for draft in drafts:
        draft.doc_lines = sorted(draft.doc_lines + draft.hidden)
    return drafts


def _lines_that_join(outline: _Outline) -> set[int]:
    """
    ### Comments that belong to a section which is already open

    Those between a decorator and its `def`, those between a signature and its docstring, and those above the
    docstring of the module, where licences stand.
    """
    joins: set[int] = set()
    if outline.module_docstring:
        joins.update(range(1, outline.module_docstring[0]))
    for definition in outline.definitions:
        joins.update(range(definition.start, definition.header))
        if definition.docstring:
            joins.update(range(definition.signature_end + 1, definition.docstring[0]))
    return joins


def _name_scopes(drafts: Iterable[_Draft], outline: _Outline) -> None:
    """
    ### In which class or function a section is

    The code of the section decides. A comment that stands alone belongs where its indentation puts it.
    """
    firsts = [line for line, _ in outline.statements]
    for draft in drafts:
        if draft.kind not in ("comment", "body"):
            continue
        line = draft.code_lines[0] if draft.code_lines else draft.doc_lines[0]
        at = bisect_right(firsts, line) - 1
        scopes = outline.statements[at][1] if at >= 0 else ()
        if not draft.code_lines:
            scopes = tuple(scope for scope in scopes if scope.column < draft.indent)
        draft.qualname = scopes[-1].qualname if scopes else ""


# Names whose anchors would be ids that the page itself uses, such as `section-2`. They get an underscore.
_RESERVED = re.compile(r"container|background|section|L\d+")


def _number(drafts: Iterable[_Draft]) -> tuple[Section, ...]:
    """
    ### Numbers and anchors

    The first section of `Adam.step_param` has its name for an anchor, the second `Adam.step_param-2`. What stands at
    the top of the file is counted under `module`.
    """
    sections: list[Section] = []
    counts: dict[str, int] = {}
    for number, draft in enumerate(drafts):
        name = draft.qualname or "module"
        if _RESERVED.fullmatch(name):
            name += "_"
        count = counts[name] = counts.get(name, 0) + 1

        docs = _trim_blank(draft.docs)
        sections.append(
            Section(
                number=number,
                anchor=name if count == 1 else f"{name}-{count}",
                kind=draft.kind,
                qualname=draft.qualname,
                docs="\n".join(text for text, _ in docs),
                doc_lines=tuple((run.start, run.stop - 1) for run in _runs(draft.doc_lines)),
                code_lines=_code_ranges(draft),
                origins=tuple(origin for _, origin in docs),
                docstring=draft.docstring_at is not None,
            )
        )
    return tuple(sections)


def _trim_blank(docs: Sequence[tuple[str, tuple[int, int]]]) -> Sequence[tuple[str, tuple[int, int]]]:
    filled = [index for index, (text, _) in enumerate(docs) if text.strip()]
    return docs[filled[0] : filled[-1] + 1] if filled else []


def _code_ranges(draft: _Draft) -> tuple[LineRange, ...]:
    """
    ### Code with the blank lines inside it

    Blank lines between two lines of code are kept. Where prose of the same section stands in between, a range ends.
    """
    ranges: list[LineRange] = []
    for line in draft.code_lines:
        at = bisect_right(draft.doc_lines, line)
        prose_since = ranges and at and draft.doc_lines[at - 1] > ranges[-1][1]
        if ranges and not prose_since:
            ranges[-1] = (ranges[-1][0], line)
        else:
            ranges.append((line, line))
    return tuple(ranges)


def take_switches(docs: list[tuple[str, tuple[int, int]]]) -> list[Switch]:
    """
    ### Take the comments out of prose that switch rules off

    `docs` are lines with their places, as in a draft, and lose them: a line that holds nothing else goes wholly. In a
    fence they are an example, and stay. Front matter has comments of its own.
    """
    if not any("sidelit:" in text for text, _ in docs):
        return []
    switches: list[Switch] = []
    kept: list[tuple[str, tuple[int, int]]] = []
    fence, first = "", next((index for index, (text, _) in enumerate(docs) if text.strip()), None)
    in_front_matter = False
    for index, (text, (line, column)) in enumerate(docs):
        mark = _FENCE.match(text)
        if text.rstrip() == "---" and (index == first or in_front_matter):
            in_front_matter = not in_front_matter
        elif mark and not fence:
            fence = mark[1]
        elif mark and fence in mark[1]:
            fence = ""
        elif not fence:
            found = switch_in_prose(text, line, column)
            at = text.find("#") if in_front_matter else -1
            if at >= 0:
                found = switch_in_code(text[at:], line, column + at, not text[:at].strip())
            if found:
                switches.append(found)
                if found.alone:
                    continue
                text = text if found.is_lost else text[: found.column - column].rstrip()
        kept.append((text, (line, column)))
    docs[:] = kept
    return switches


_FENCE = re.compile(" {0,3}(`{3,}|~{3,})")


def check_lossless(sections: Iterable[Section], lines: Sequence[str]) -> None:
    """
    ### The invariant

    Raises `AssertionError` when a line that is not blank is in no section or in two: a fault of this module, whatever
    the file.
    """
    seen = bytearray(len(lines) + 1)
    for section in sections:
        for first, last in (*section.doc_lines, *section.code_lines):
            for line in range(first, last + 1):
                seen[line] += bool(lines[line - 1].strip())
    for line, text in enumerate(lines, start=1):
        if seen[line] != bool(text.strip()):
            raise AssertionError(f"line {line} is in {seen[line]} sections")


# ## Docstrings


def docstring_lines(literal: str, start: tuple[int, int]) -> list[tuple[str, tuple[int, int]]]:
    r"""
    ### The text between the quotes

    `literal` is the string as it stands in the file, `start` its place as (line, column from 0). No escapes are
    processed: the reader sees what the author wrote, and `\beta` stays `\beta`. The lines after the first lose the
    indentation they share.

    Returns each line with its (line, column from 1) in the file.
    """
    opening = re.match("""[a-zA-Z]*(\"{3}|'{3}|\"|')""", literal)
    assert opening is not None
    lines = split_lines(literal[opening.end() : -len(opening[1])] + "\n")
    line, column = start

    # Tabs and spaces are not counted against each other: what the lines share is taken away.
    margins = [text[: len(text) - len(text.lstrip())] for text in lines[1:] if text.strip()]
    indent = len(os.path.commonprefix(margins))
    first = lines[0].lstrip()
    result = [(first, (line, column + 1 + opening.end() + len(lines[0]) - len(first)))]
    for offset, text in enumerate(lines[1:], start=1):
        result.append((text[indent:] if text.strip() else "", (line + offset, indent + 1)))
    return result


# ## Front matter, title and summary


def _take_front_matter(module: _Draft, path: str) -> tuple[dict[str, Any], list[Diagnostic]]:
    """
    ### The fenced YAML that opens a module docstring

    It is taken out of the draft's prose. What is wrong with it is told, and the page is made without it.
    """
    if module.docstring_at is None:
        return {}, []
    docs = list(enumerate(module.docs))[module.docstring_at :]
    fences = [index for index, (text, _) in docs if text.rstrip() == "---"]
    first = next((index for index, (text, _) in docs if text.strip()), None)
    if not fences or fences[0] != first:
        return {}, []

    if len(fences) == 1:
        line, column = module.docs[fences[0]][1]
        message = "the front matter is not closed; end it with a line ---"
        return {}, [Diagnostic(path, line, column, "front-matter", message)]

    block = module.docs[fences[0] : fences[1]]
    del module.docs[fences[0] : fences[1] + 1]
    return _read_front_matter(block, path)


def _header(outline: _Outline) -> list[tuple[str, tuple[int, int]]]:
    """Return the YAML at the top of a notebook, as it would stand in a docstring."""
    draft = _Draft("module")
    for line in outline.header[:-1]:
        draft.add_comment(line, outline.comments[line], goes_on=True)
    return draft.docs


def _read_front_matter(
    lines: Sequence[tuple[str, tuple[int, int]]], path: str
) -> tuple[dict[str, Any], list[Diagnostic]]:
    """
    ### What the YAML says

    `lines` are those of the opening fence and all up to the closing one.
    """
    (_, (line, column)), *block = lines

    # Imported here: most files of a package have no front matter.
    import yaml

    try:
        values = _printable(yaml.load("\n".join(text for text, _ in block), _loader()))  # noqa: S506 (a safe one)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark and mark.line < len(block):
            line, column = block[mark.line][1]
            column += mark.column
        problem = " ".join(str(error.problem or error.context).split())
        return {}, [Diagnostic(path, line, column, "front-matter", f"the front matter is not valid YAML: {problem}")]
    except Exception as error:
        # PyYAML makes numbers and dates of what the author wrote, and lets through whatever that raises.
        problem = " ".join(str(error).split())
        return {}, [Diagnostic(path, line, column, "front-matter", f"the front matter is not valid YAML: {problem}")]
    if values is None:
        return {}, []
    if not isinstance(values, dict):
        message = "the front matter is not a mapping; write it as `name: value` lines"
        return {}, [Diagnostic(path, line, column, "front-matter", message)]

    diagnostics = []
    for name in ("title", "summary", "redirect", "image"):
        if name in values and not isinstance(values[name], str):
            at = next((origin for text, origin in block if text.startswith(f"{name}:")), (line, column))
            message = f"`{name}` must be text; put it in quotes"
            diagnostics.append(Diagnostic(path, *at, "front-matter", message))
    # What a notebook keeps for jupytext is nothing for a page.
    return {str(name): value for name, value in values.items() if name != "jupyter"}, diagnostics


@cache
def _loader() -> type:
    import yaml

    class Loader(yaml.SafeLoader):
        """One without aliases, with which a few lines can make a value of any size."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                mark = self.peek_event().start_mark
                raise yaml.MarkedYAMLError(problem="an alias; write the value out", problem_mark=mark)
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen: set[str] = set()
            for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
                if key.value in seen:
                    message = f"`{key.value}` stands here twice; keep one"
                    raise yaml.MarkedYAMLError(problem=message, problem_mark=key.start_mark)
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    return Loader


def markdown_fence(lines: Sequence[str]) -> int:
    """
    ### How many lines of a Markdown file are its front matter, with both fences
    """
    if not lines or lines[0].rstrip() != "---":
        return 0
    return next((number for number, line in enumerate(lines[1:], start=2) if line.rstrip() in ("---", "...")), 0)


def take_markdown_front_matter(text: str, path: str) -> tuple[str, dict[str, Any], list[Diagnostic]]:
    """
    ### A stranger's Markdown file, without its front matter, and what that says

    It is read as that of a source is. The host's own reader follows aliases, and ends the process where a value is
    nested too deeply.
    """
    lines = split_lines(text)
    fence = markdown_fence(lines)
    if not fence:
        return text, {}, []
    block = [(line, (number, 1)) for number, line in enumerate(lines[: fence - 1], start=1)]
    values, diagnostics = _read_front_matter(block, path)
    return "\n".join(lines[fence:]).lstrip("\n"), values, diagnostics


def _printable(value: Any) -> Any:
    """Return a value without the halves of characters that YAML can name, and that no page can hold."""
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_printable(each) for each in value]
    if isinstance(value, dict):
        return {_printable(name): _printable(each) for name, each in value.items()}
    return value


def _text_value(front_matter: Mapping[str, Any], name: str) -> str:
    value = front_matter.get(name, "")
    return " ".join(value.split()) if isinstance(value, str) else ""


def _first_heading(sections: Iterable[Section]) -> str:
    """
    ### The first H1

    In the prose of the module itself: a heading inside a class's docstring is not what the page is about.
    """
    for section in sections:
        if section.qualname:
            continue
        fence = ""
        lines = section.docs.split("\n")
        for text, below in zip(lines, [*lines[1:], ""], strict=True):
            mark = _FENCE.match(text)
            if mark and not fence:
                fence = mark[1]
            elif mark and fence in mark[1]:
                fence = ""
            elif not fence and (heading := re.match(r" {0,3}#[ \t]+(.*?)[ \t#]*$", text)) and heading[1]:
                return plain_text(heading[1])
            elif not fence and re.match(r" {0,3}\w", text) and re.fullmatch(r" {0,3}=+[ \t]*", below):
                return plain_text(text)
    return ""


def _first_paragraph(docs: str) -> str:
    for paragraph in re.split(r"\n[ \t]*\n", docs):
        # A heading `# …` ends with its line.
        paragraph = re.sub(r"^\s*#{1,6} .*\n", "", paragraph)
        if not re.match(r"\s*(?:[#>|<!$\\*+=-]|`{3}|~{3}|\d+\.|\[.*\]:)|.*\n\s*[=-]+\s*$", paragraph):
            text = plain_text(" ".join(paragraph.split()))
            return text if len(text) <= 200 else text[:199].rsplit(" ", 1)[0] + "…"
    return ""


def plain_text(markdown: str) -> str:
    """
    ### A line of Markdown without its marks

    For places that know no markup: the title bar, a search result.
    """
    text = re.sub(r"!?\[([^][]*)\](?:\([^()]*\)|\[[^][]*\])", r"\1", markdown)
    text = re.sub(r"(\*{1,3})(\S(?:[^*]*\S)?)\1", r"\2", text)
    return re.sub(r"\\?[`$]", "", text).strip()


def _read_tree(lines: Sequence[str], outline: _Outline, path: str) -> tuple[ast.Module | None, list[Diagnostic]]:
    """
    ### Does Python read it?

    A file that does not parse still has its sections. The author is told where Python stumbled.
    """
    tree, diagnostics = None, []
    try:
        tree = syntax_tree(lines)
    except SyntaxError as error:
        at = min(max(error.lineno or outline.stopped or 1, 1), max(len(lines), 1))
        message = f"Python cannot read this: {error.msg}; the page shows the file as far as it goes"
        # Behind a string of several lines, Python counts from where that begins.
        column = min(max(error.offset or 1, 1), len(lines[at - 1]) + 1 if lines else 1)
        diagnostics = [Diagnostic(path, at, column, "syntax", message)]
    except (RecursionError, MemoryError, ValueError) as error:
        reason = str(error) or type(error).__name__
        message = f"Python cannot read this: {reason}; the page shows the file as far as it goes"
        diagnostics = [Diagnostic(path, 1, 1, "syntax", message)]
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            message = "a NUL byte, which Python refuses; it is shown as \N{SYMBOL FOR NULL}; remove it"
            return tree, [Diagnostic(path, number, line.index("\0") + 1, "syntax", message)]
    return tree, diagnostics


def syntax_tree(lines: Sequence[str]) -> ast.Module:
    """
    ### How Python reads the lines

    A NUL byte is read as a blank. Raises what `ast.parse` raises.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse("\n".join(lines).replace("\0", " ") + "\n")

