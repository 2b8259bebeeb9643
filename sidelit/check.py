r"""
# Is the page as it should be?

A compiler reads what was written and says what it cannot make sense of. This module does so for prose: it takes a
[document](source.py), and what its prose became, and gives findings. It knows no files and no other pages; what leads
from one page to another is asked of the host's [map of the site](links.py).

Most of what can be wrong is found on the way to the page and told there: a broken formula by [MathJax](mathjax.py), a
link by [`resolve`](links.py#resolve), front matter by [`parse`](source.py#parse). Here is the rest, each rule a
function. When a rule is in doubt, it says nothing. A tool that is wrong every tenth time is switched off the second.
"""

from __future__ import annotations

import ast
import difflib
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import unescape
from typing import TYPE_CHECKING

from sidelit.diagnostic import Diagnostic
from sidelit.formula import bare, markup, words
from sidelit.rules import switched_off, unknown_switches
from sidelit.source import Document, Section
from sidelit.spelling import Spelling

if TYPE_CHECKING:
    from sidelit.prose import Fragment, Prose, Rendering

# What front matter may say.
KNOWN_NAMES = ("title", "summary", "redirect", "image", "paper", "symbols", "standalone", "notebook")


def examine(document: Document, fragments: Sequence[Fragment], rendering: Rendering) -> list[Diagnostic]:
    """
    ## What one page shows to be wrong

    `fragments` is the prose of its sections as Markdown, and `rendering` what became of that. The findings are in the
    order of the file. All rules are applied; which of them anyone hears of is decided by the host.
    """
    texts = [_Text(*each) for each in zip(document.sections, rendering.prose, strict=True)]
    findings = [
        *_front_matter(document),
        *_title_and_summary(document, texts),
        *_headings(document, texts),
        *_doubles(document, texts),
        *_images(document, texts),
        *_references(document, texts),
        *_bare_tex(document, texts, {each.line for each in rendering.diagnostics if each.rule == "math"}),
        *_backslashes(document),
        *_definitions(document, fragments),
        *_commented_out(document),
        *unknown_switches(document.switches, document.path),
    ]
    return sorted(inside(finding, document.lines) for finding in findings)


def inside(finding: Diagnostic, lines: Sequence[str]) -> Diagnostic:
    """
    ### A finding that lies in the file

    Python counts some columns in bytes, and may complain of the end of a file one line below it.
    """
    line = min(max(finding.line, 1), max(len(lines), 1))
    length = len(lines[line - 1]) if lines else 0
    column = min(max(finding.column, 1), length + 1) if line == finding.line else length + 1
    return finding if (line, column) == (finding.line, finding.column) else replace(finding, line=line, column=column)


@dataclass
class _Text:
    """
    ### The prose of a section, and where it stands

    `bare` is the Markdown without code and formulas, in which every character is at its own place.
    """

    section: Section
    prose: Prose

    @cached_property
    def bare(self) -> str:
        return bare(self.section.docs)

    @cached_property
    def headings(self) -> list[tuple[int, int]]:
        """The places in the file of the headings that the page has. They take long to find, and few are asked for."""
        marks = iter([*_HEADING.finditer(self.bare)] if self.prose.headings else ())
        found = []
        for heading in self.prose.headings:
            # What only looks like a heading is passed over.
            mark = next((mark for mark in marks if _level(mark) == heading.level), None)
            found.append(self.place(mark.start() + _margin(mark[0]) if mark else 0))
        return found

    @cached_property
    def starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.section.docs))]

    def place(self, at: int) -> tuple[int, int]:
        """Return the line and the column in the file of an offset in the Markdown."""
        number = bisect_right(self.starts, at) - 1
        line, column = self.section.origins[number] if self.section.origins else (1, 1)
        return line, column + at - self.starts[number]


def _top(document: Document) -> tuple[int, int]:
    """Return where something is told that is about the page as a whole: its docstring, else its first line of code."""
    first = document.sections[0]
    if first.docstring:
        for start, end in first.doc_lines:
            for line in range(start, end + 1):
                if _QUOTES.match(document.lines[line - 1]):
                    return line, 1
    for number, text in enumerate(document.lines, start=1):
        if text.strip() and not text.startswith("#"):
            return number, 1
    return 1, 1


_QUOTES = re.compile("""\\s*([rRuU]?)(?:\"{3}|'{3}|"|')""")

# ## Front matter


def _front_matter(document: Document) -> Iterator[Diagnostic]:
    unknown = [name for name in document.front_matter if name not in KNOWN_NAMES]
    places: dict[str, tuple[int, int]] = {}
    for place, name in _names_of_values(document) if unknown else ():
        places.setdefault(name, place)
    for name in unknown:
        close = difflib.get_close_matches(name, KNOWN_NAMES, 1)
        advice = f"did you mean `{close[0]}`?" if close else f"known are {', '.join(KNOWN_NAMES)}"
        message = f"`{name}` in the front matter means nothing here; {advice}"
        yield Diagnostic(document.path, *places.get(name, _top(document)), "unknown-name", message)


def _names_of_values(document: Document) -> Iterator[tuple[tuple[int, int], str]]:
    """Give the places in the file where something stands that could be a name in front matter, and the name."""
    for number, text in enumerate(document.lines, start=1):
        if match := _NAME_OF_VALUE.match(text):
            yield (number, match.start(1) + 1), match[1]


_NAME_OF_VALUE = re.compile(r"""\s*["']?([^\s"':#][^"':#]*?)["']?\s*:(?:\s|$)""")


def title_line(document: Document, prose: Sequence[Prose]) -> int:
    """
    ### Where the author named the page

    The line of the front matter or the heading that gave the title, 0 where it is only the name of the module.
    """
    title = document.front_matter.get("title")
    if isinstance(title, str) and title.strip():
        return next((place for place, name in _names_of_values(document) if name == "title"), _top(document))[0]
    for section, docs in zip(document.sections, prose, strict=True):
        if not section.qualname:
            level_one = [heading for heading in docs.headings if heading.level == 1]
            if level_one:
                return section.origins[0][0] if section.origins else 1
    return 0


def _title_and_summary(document: Document, texts: Sequence[_Text]) -> Iterator[Diagnostic]:
    if document.path.lower().endswith(".md") or "redirect" in document.front_matter or not any(document.lines):
        return
    if any(each.rule == "front-matter" for each in document.diagnostics):
        # It may well be there, and could not be read.
        return
    if not title_line(document, [text.prose for text in texts]):
        message = "this page has no title; begin the docstring with a heading `# …`, or with front matter"
        yield Diagnostic(document.path, *_top(document), "no-title", message)
    if not document.summary:
        message = "this page has no summary; begin it with a paragraph that says what it is about"
        yield Diagnostic(document.path, *_top(document), "no-summary", message)


def duplicate_titles(titles: Iterable[tuple[str, str, int]]) -> Iterator[Diagnostic]:
    """
    ## Pages that nobody can tell apart

    `titles` are a title, its file and its line, for each page. In a search or a list of pages they look the same.
    """
    seen: dict[str, str] = {}
    for title, path, line in titles:
        if line:
            other = seen.setdefault(title, path)
            if other != path:
                message = f"`{other}` has this title too; give each page a title of its own"
                yield Diagnostic(path, line, 1, "duplicate-title", message)


# ## Headings, anchors, images

_HEADING = re.compile(r"^[ \t>]*(?:[-*+][ \t]+)?(?:(#{1,6})(?=\s)|[^\s#].*\n {0,3}(=+|-+)[ \t]*$)", re.MULTILINE)


def _headings(document: Document, texts: Iterable[_Text]) -> Iterator[Diagnostic]:
    above = 1
    for text in texts:
        for number, heading in enumerate(text.prose.headings):
            if heading.level > above + 1:
                mark = "#" * (above + 1)
                message = f"a heading of level {heading.level} below one of level {above}; write it with `{mark}`"
                yield Diagnostic(document.path, *text.headings[number], "heading-level", message)
            above = heading.level


def _margin(text: str) -> int:
    return len(text) - len(text.lstrip())


def _level(mark: re.Match[str]) -> int:
    return len(mark[1]) if mark[1] else 1 if mark[2].startswith("=") else 2


_ID = re.compile(r"""<[a-zA-Z][^<>]*?\bid\s*=\s*["']?([^\s"'>]+)""")


def _doubles(document: Document, texts: Sequence[_Text]) -> Iterator[Diagnostic]:
    # A build whose pages are all made before has no use for the dialects.
    from sidelit.dialects import NUMPY_TEXTS

    seen = {section.anchor for section in document.sections if section.number}
    for text in texts:
        is_html = "<" in text.section.docs
        found = [(match[1], match.start(1)) for match in _ID.finditer(text.bare)] if is_html else []
        for id, at in found:
            if id in seen and f"{id}-2" in text.prose.ids:
                message = f"the id `{id}` is taken on this page; choose another, links would lead to the first"
                yield Diagnostic(document.path, *text.place(at), "duplicate-anchor", message)
            seen.add(id)
    headings: dict[str, tuple[_Text, int]] = {}
    for text in texts:
        for number, heading in enumerate(text.prose.headings):
            key = " ".join(heading.text.lower().split())
            # A page and the class that it is about may well have one name.
            is_usual = bool(text.section.docstring) and key in NUMPY_TEXTS
            if key in headings and heading.id not in seen and heading.level > 1 and not is_usual:
                first, place = headings[key]
                line = first.headings[place][0]
                message = f"line {line} has this heading too, so this one is `#{heading.id}`; name them apart"
                yield Diagnostic(document.path, *text.headings[number], "duplicate-anchor", message)
            if heading.level > 1:
                headings.setdefault(key, (text, number))


_ALT = re.compile(r"""\balt\s*=\s*(?:"\s*[^"\s]|'\s*[^'\s]|[^\s"'>])""", re.IGNORECASE)
_IMAGE = re.compile(r"!\[(\s*)\]|<img\b(?![^<>]*\balt\b)", re.IGNORECASE)


def _images(document: Document, texts: Iterable[_Text]) -> Iterator[Diagnostic]:
    for text in texts:
        if "<img" not in text.prose.html:
            continue
        wordless = sum(
            name == "img" and not _ALT.search(text.prose.html, start, end)
            for start, end, name in markup(text.prose.html)
        )
        # An empty `alt` in HTML says that the image is decoration, and is not among these.
        for match in [*_IMAGE.finditer(text.bare)][:wordless]:
            message = "an image without words; say in the brackets (or in `alt`) what is to be seen"
            yield Diagnostic(document.path, *text.place(match.start()), "alt-text", message)


_REFERENCE = re.compile(r"(?<![\w\])])\[[^\[\]\n]*\](?P<way>\[(?P<name>\w[^\[\]\n]*)\])(?![(\[])")
_FOOTNOTE = re.compile(r"\[\^(?:\d+|[A-Za-z_]\w+)\](?!:)")
_HOLDS_REFERENCE = re.compile(r"\]\[|\[\^")


def _references(document: Document, texts: Iterable[_Text]) -> Iterator[Diagnostic]:
    """What refers to a link or a footnote that no line of the page defines: the reader sees its brackets."""
    for text in texts:
        # Most texts have none, also among their code and formulas, which take longer to find.
        if not _HOLDS_REFERENCE.search(text.section.docs) or not _HOLDS_REFERENCE.search(text.bare):
            continue
        shown = unescape("".join(words(text.prose.html)))
        for match in _REFERENCE.finditer(text.bare):
            if f"]{match['way']}" in shown:
                message = f"nothing on this page defines `[{match['name']}]`; add a line `[{match['name']}]: address`"
                yield Diagnostic(document.path, *text.place(match.start("way")), "reference", message)
        for match in _FOOTNOTE.finditer(text.bare):
            if match[0] in shown:
                message = f"there is no footnote `{match[0]}`; add a line `{match[0]}: text`"
                yield Diagnostic(document.path, *text.place(match.start()), "reference", message)


# ## TeX where no formula is

# Commands of TeX, of which a wrong one may be a slip. Some of them are words that a path or a program may have too.
_WORDS = r"""
    alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi varpi rho varrho
    sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
    frac dfrac tfrac sqrt sum prod int partial nabla infty cdot cdots ldots dots times approx equiv propto leq geq neq
    le ge ne pm mp in notin subset cup cap forall exists to rightarrow leftarrow Rightarrow Leftrightarrow mapsto
    mathbb mathbf mathcal mathrm mathit mathsf boldsymbol operatorname text textbf textit hat bar tilde vec dot ddot
    widehat widetilde overline underline left right big Big bigg Bigg lVert rVert lvert rvert langle rangle lfloor
    rfloor lceil rceil min max log exp sin cos tan lim sup inf arg det dim ker gcd odot otimes oplus circ star dagger
    top bot quad qquad tag underbrace overbrace binom begin end substack limits nolimits mid parallel perp sim simeq
"""
_AMBIGUOUS = """
    in to le ge ne big Big left right begin end text top bot min max log exp sin cos tan dot bar hat star tag mid int
    sum limits dots times pm mp inf sup arg det dim ker gcd lim sim circ vec nu xi pi mu eta chi psi phi rho tau
"""
COMMANDS = tuple(_WORDS.split())
_UNMISTAKABLE = frozenset(COMMANDS) - frozenset(_AMBIGUOUS.split())
_COMMAND = re.compile(r"(?<![\\\w:/.])\\([A-Za-z]{2,})(?![A-Za-z\\/])(?P<more>[_^]?\{|[_^]\w)?")


def _bare_tex(document: Document, texts: Iterable[_Text], unclosed: Collection[int]) -> Iterator[Diagnostic]:
    """
    ### A formula that lacks its dollars

    Once a paragraph is enough. Behind a dollar that is not closed, on the `unclosed` lines, it is told already.
    """
    for text in texts:
        if "\\" not in text.prose.html or not (shown := _commands_shown(text)):
            continue
        if unclosed and any(line in unclosed for line, _ in text.section.origins):
            continue
        told = 0
        for match in _COMMAND.finditer(text.bare):
            if match[1] in shown and match.start() >= told:
                message = f"`\\{match[1]}` stands outside of a formula; put the formula between dollars"
                yield Diagnostic(document.path, *text.place(match.start()), "bare-tex", message)
                told = text.bare.find("\n\n", match.end())
                if told < 0:
                    break


def _commands_shown(text: _Text) -> set[str]:
    """Return the commands that a reader of the page sees as words. Code and formulas are none."""
    found = _COMMAND.finditer(" ".join(words(text.prose.html)))
    return {match[1] for match in found if match[1] in _UNMISTAKABLE or (match[1] in COMMANDS and match["more"])}


def sharpened(finding: Diagnostic, macros: Collection[str], read: Callable[[str], Sequence[str]]) -> Diagnostic:
    r"""
    ## MathJax's complaint, with a suggestion

    An `Undefined control sequence` is a rule of its own, and often a slip of the hand. `macros` are those of the
    configuration. MathJax does not say where in the formula it stands; `read` gives the lines of a file, to look there.
    """
    match = re.match(r"Undefined control sequence \\(\w+)", finding.message) if finding.rule == "tex" else None
    if not match:
        return finding
    line, column = _place_of(match[1], read(finding.path), finding.line, finding.column)
    close = difflib.get_close_matches(match[1], [*macros, *COMMANDS], 1, cutoff=0.7)
    advice = f"did you mean `\\{close[0]}`?" if close else "write it out, or define it under `macros`"
    message = f"`\\{match[1]}` is no command that is known; {advice}"
    return replace(finding, rule="macro", line=line, column=column, message=message)


def _place_of(command: str, lines: Sequence[str], line: int, column: int) -> tuple[int, int]:
    """Return where a command stands in a formula, which begins at a place and holds no blank line."""
    pattern = re.compile(rf"\\{command}(?![A-Za-z])")
    start = column - 1
    for number in range(line, len(lines) + 1):
        text = lines[number - 1]
        if match := pattern.search(text, start):
            return number, match.start() + 1
        # Below `.. math::` may be a blank line.
        if number > line + 1 and not text.strip(" \t#>"):
            break
        start = 0
    return line, column


# ## Docstrings and definitions

_ESCAPE = re.compile(r"\\(?!$|[\"'])")


def _backslashes(document: Document) -> Iterator[Diagnostic]:
    for section in document.sections:
        if not section.docstring:
            continue
        span = next(
            (
                (line, end)
                for start, end in section.doc_lines
                for line in range(start, end + 1)
                if _QUOTES.match(document.lines[line - 1])
            ),
            None,
        )
        if span is None:
            continue
        first, last = span
        opening = _QUOTES.match(document.lines[first - 1])
        if opening is None or opening[1] in ("r", "R"):
            continue
        for number in range(first, last + 1):
            if match := _ESCAPE.search(document.lines[number - 1]):
                message = "a backslash in a docstring that does not begin with `r`; Python reads an escape here"
                yield Diagnostic(document.path, number, match.start() + 1, "raw-docstring", message)
                break


_AnyDefinition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _definitions(document: Document, fragments: Sequence[Fragment]) -> Iterator[Diagnostic]:
    """The rules for classes and functions."""
    silent = [each for each in _undocumented(document) if _is_public(each.qualname)]
    listed = [
        (section, fragment)
        for section, fragment in zip(document.sections, fragments, strict=True)
        if section.docstring and section.qualname and _NAMED.search(fragment.docs)
    ]
    if not silent and not listed:
        return
    tree = _Tree(document)
    off = {line for line, rule in switched_off(document.switches) if rule == "undocumented"}
    for section in silent:
        definition = tree.definition(section)
        if definition and not tree.is_excused(section, definition) and not off & _header(section, definition):
            noun = "class" if isinstance(definition, ast.ClassDef) else "function"
            message = f"the public {noun} `{section.qualname}` has no prose; say what it is for, or name it with `_`"
            yield Diagnostic(document.path, *tree.place(section, definition), "undocumented", message)
    for section, fragment in listed:
        if definition := tree.definition(section):
            yield from _parameters(document, section, fragment, definition, tree)


def _header(section: Section, definition: _AnyDefinition) -> set[int]:
    """Return the lines from the first decorator to the name. A comment on any of them may switch the rule off."""
    return set(range(section.code_lines[0][0], definition.lineno + 1))


def _undocumented(document: Document) -> Iterator[Section]:
    """
    ### Definitions without a word on them

    A comment that begins the body says what happens there, and counts.
    """
    for section, below in zip(document.sections, [*document.sections[1:], None], strict=True):
        if section.kind in ("class", "function") and not section.docs:
            body = below if below and below.kind == "comment" and below.qualname == section.qualname else None
            first = section.code_lines[-1][1] if section.code_lines else 0
            header_only = bool(first) and document.lines[first - 1].rstrip().endswith(":")
            if not (body and header_only):
                yield section


def _is_public(qualname: str) -> bool:
    return not any(part.startswith("_") for part in qualname.split("."))


class _Tree:
    """
    ### The definitions of a file

    `by_line` are they by the line of their `def` or `class`, `parents` the definitions around each.
    """

    def __init__(self, document: Document) -> None:
        self.lines = document.lines
        self.by_line: dict[int, _AnyDefinition] = {}
        self.parents: dict[_AnyDefinition, _AnyDefinition | None] = {}
        if document.tree is None:
            return
        stack: list[tuple[ast.AST, _AnyDefinition | None]] = [(document.tree, None)]
        while stack:
            node, parent = stack.pop()
            if isinstance(node, _AnyDefinition):
                self.by_line[node.lineno] = node
                self.parents[node] = parent
                parent = node
            stack.extend((child, parent) for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr))

    def definition(self, section: Section) -> _AnyDefinition | None:
        """Return what a section is about, if Python reads it as the outline did."""
        for first, last in section.code_lines:
            for line in range(first, last + 1):
                if node := self.by_line.get(line):
                    return node if node.name == section.qualname.rpartition(".")[2] else None
        return None

    def place(self, section: Section, node: _AnyDefinition) -> tuple[int, int]:
        """Return where a definition begins, with its decorators."""
        line = section.code_lines[0][0]
        text = self.lines[line - 1]
        return line, len(text) - len(text.lstrip()) + 1

    def is_excused(self, section: Section, node: _AnyDefinition) -> bool:
        """
        Whether nobody would miss prose here

        Inside a function, at another form of what is documented already, with a docstring on the line of its
        definition, and at a method that may be one of a base class from another file, where it is explained.
        """
        if ast.get_docstring(node) or any(_last_name(each) in _OTHER_FORMS for each in node.decorator_list):
            return True
        parent = around = self.parents[node]
        while around:
            if not isinstance(around, ast.ClassDef):
                return True
            around = self.parents[around]
        if isinstance(parent, ast.ClassDef) and not isinstance(node, ast.ClassDef):
            return any(_last_name(base) not in ("object", "") for base in parent.bases)
        return False


_OTHER_FORMS = frozenset(("overload", "override", "setter", "deleter", "getter", "register"))


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return _last_name(inner)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return "?"


# ### Parameters
#
# A list is one of parameters if a docstring calls it that, as Google's, NumPy's and Sphinx' do, or if most of its items
# begin with the name of one in code.

_NAMES = r"`\*{0,2}[A-Za-z_]\w*`(?:(?:,? and |,? or |, | / |/)`\*{0,2}[A-Za-z_]\w*`)*"
_ITEM = re.compile(rf"( {{0,3}})[-*+] +({_NAMES})(?!`|\()")
_TERM = re.compile(rf"()({_NAMES})(?!`|\()")
_NAMED = re.compile(rf"^(?: {{0,3}}[-*+] +)?{_NAMES}", re.MULTILINE)
_CODE_NAME = re.compile(r"`\*{0,2}([A-Za-z_]\w*)`")
_LISTED = re.compile(r" *(?:[-*+]|:  ) ")

# What the dialects put above a list, in the form that it gets as Markdown, and what they call lists of parameters
_TITLED = re.compile(r"\*\*[^*]+\*\*")
_TITLE = re.compile(r"\*\*(?:Other |Keyword )?(?:Param(?:eter)?s|Arg(?:ument)?s)\*\*", re.IGNORECASE)
_CONSTANTS = frozenset(("None", "True", "False"))


@dataclass
class _List:
    """
    ### A list that could be of parameters

    `names` are those that items begin with, each with its place. `is_titled` is whether it is called a list of
    parameters, `None` where it is not called anything, `indent` how far its items stand from the margin.
    """

    is_titled: bool | None
    indent: int
    names: dict[str, tuple[int, int]]


def _parameters(
    document: Document, section: Section, fragment: Fragment, definition: _AnyDefinition, tree: _Tree
) -> Iterator[Diagnostic]:
    signature = _Signature.of(definition, tree)
    if signature is None:
        return
    spelling = Spelling(signature.names)
    for each in _lists(fragment, document.lines):
        names = each.names
        known = [name for name in names if name in signature.names]
        close = [name for name in names if name in signature.attributes or spelling.nearest(name)]
        if not known or each.is_titled is False or not (each.is_titled or 2 * len({*known, *close}) > len(names)):
            continue
        if not signature.is_open:
            unlisted = Spelling(signature.names - names.keys())
            for name, place in names.items():
                if name not in signature.names and name not in signature.attributes:
                    near = unlisted.nearest(name)
                    advice = f"did you mean `{near}`?" if near else "correct it, or take it out of the list"
                    message = f"`{section.qualname}` has no parameter `{name}`; {advice}"
                    yield Diagnostic(document.path, *place, "unknown-parameter", message)
        mentioned = {*names, *_CODE_NAME.findall(f"{fragment.docs} {signature.more_docs}")}
        if missing := [f"`{name}`" for name in signature.expected if name not in mentioned]:
            message = f"the list of parameters of `{section.qualname}` says nothing of {', '.join(missing)}; add a word"
            yield Diagnostic(document.path, *names[known[0]], "missing-parameter", message)
        return


def _lists(fragment: Fragment, lines: Sequence[str]) -> Iterator[_List]:
    """Give the lists of a text: items of one level, or terms with a definition below them."""
    found: _List | None = None
    title: bool | None = None
    texts = fragment.docs.split("\n")
    for text, below, (line, column) in zip(texts, [*texts[1:], ""], fragment.origins, strict=True):
        item = _ITEM.match(text) or (_TERM.match(text) if below.startswith(":   ") else None)
        if item and (found is None or len(item[1]) == found.indent):
            found = found or _List(title, len(item[1]), {})
            for name in _CODE_NAME.finditer(item[2]):
                if name[1] not in _CONSTANTS:
                    found.names.setdefault(name[1], _place(name[1], line, column + item.start(2) + name.start(), lines))
        elif text.strip() and not text.startswith("  ") and not _LISTED.match(text) and not item:
            if found:
                yield found
            found, titled = None, text.strip()
            title = bool(_TITLE.fullmatch(titled)) if _TITLED.fullmatch(titled) else None
    if found:
        yield found


def _place(name: str, line: int, column: int, lines: Sequence[str]) -> tuple[int, int]:
    """Return where a name stands. In other dialects than Markdown it has no quotes, and may stand before `column`."""
    text = lines[line - 1] if line <= len(lines) else ""
    if text[column - 1 :].startswith("`"):
        return line, column
    places = [match.start() + 1 for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text)]
    return line, min(places, key=lambda place: abs(place - column), default=column)


@dataclass(frozen=True)
class _Signature:
    """
    ### What a caller may name

    * `names` are all parameters, `expected` those that a list of parameters should have
    * `attributes` may stand in the list as well: a docstring of a class tells of them too
    * `is_open` says that any name may be passed
    * `more_docs` is where else parameters may be explained
    """

    names: frozenset[str]
    expected: tuple[str, ...]
    attributes: frozenset[str] = frozenset()
    is_open: bool = False
    more_docs: str = ""

    @staticmethod
    def of(node: _AnyDefinition, tree: _Tree) -> _Signature | None:
        """Return the signature, `None` where it cannot be known."""
        if not isinstance(node, ast.ClassDef):
            return _Signature.of_function(node, isinstance(tree.parents[node], ast.ClassDef))
        attributes = frozenset(_attributes(node))
        for child in node.body:
            if isinstance(child, ast.FunctionDef) and child.name == "__init__":
                # What a base class has already explained need not be said again.
                signature = _Signature.of_function(child, True)
                expected = () if node.bases else signature.expected
                more_docs = ast.get_docstring(child) or ""
                return replace(signature, expected=expected, attributes=attributes, more_docs=more_docs)
        fields = [
            child.target.id
            for child in node.body
            if isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name)
        ]
        is_record = any(_last_name(each) in ("dataclass", "define", "frozen") for each in node.decorator_list)
        if not is_record or any(_last_name(base) not in ("object", "Generic", "Protocol") for base in node.bases):
            return None

        # A field may have a name that says it all.
        return _Signature(frozenset(fields), (), attributes)

    @staticmethod
    def of_function(node: ast.FunctionDef | ast.AsyncFunctionDef, is_method: bool) -> _Signature:
        """Return the signature of a function, for a method without `self`."""
        arguments = [*node.args.posonlyargs, *node.args.args]
        if is_method and not any(_last_name(each) == "staticmethod" for each in node.decorator_list):
            arguments = arguments[1:]
        plain_names = [each.arg for each in (*arguments, *node.args.kwonlyargs)]
        rest = [each.arg for each in (node.args.vararg, node.args.kwarg) if each]
        expected = tuple(name for name in plain_names if not name.startswith("_"))
        return _Signature(frozenset((*plain_names, *rest)), expected, is_open=bool(rest))


def _attributes(node: ast.ClassDef) -> Iterator[str]:
    for child in ast.walk(node):
        match child:
            case ast.Attribute(value=ast.Name(id="self"), attr=name) | ast.FunctionDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name


# ## Comments that are code


def _commented_out(document: Document) -> Iterator[Diagnostic]:
    for first, _ in document.asleep:
        text = document.lines[first - 1]
        message = "code in a comment; take it out, the history of the file remembers it"
        yield Diagnostic(document.path, first, text.index("#") + 1, "commented-out-code", message)
