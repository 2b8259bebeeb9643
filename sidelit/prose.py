r"""
# Prose to HTML

A page's texts in Markdown go in, in order; their HTML comes out, with what else a page wants to know of them: headings,
ids, formulas and links.

Formulas are still placeholders in the result (see [`formula`](formula.py)), and so is every local address, because
only the host knows where a source's page will be. `formula.fill` replaces both at the end, after everything here that
reads or cleans HTML, so that nothing has to understand typeset formulas.

The texts of a page share link definitions and footnotes. So a page is rendered in two rounds: first all texts are split
into blocks, which collects the definitions, then their inline markup is read.

Python-Markdown is a large part of the cost of a page, and most texts are a heading and plain paragraphs, or begin with
them. Those take a short path, which gives the same HTML character for character (a test draws texts at random and
compares).
"""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from html import escape, unescape
from itertools import islice
from typing import Any
from xml.etree.ElementTree import Element

import nh3
from markdown import Extension, Markdown
from markdown.blockparser import BlockParser
from markdown.blockprocessors import BlockProcessor
from markdown.extensions.admonition import AdmonitionExtension
from markdown.extensions.codehilite import CodeHilite, CodeHiliteExtension
from markdown.extensions.def_list import DefListExtension
from markdown.extensions.footnotes import FootnoteExtension
from markdown.extensions.sane_lists import SaneListExtension
from markdown.extensions.tables import TableExtension
from markdown.inlinepatterns import InlineProcessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString
from pygments.token import STANDARD_TYPES

from sidelit.diagnostic import Diagnostic
from sidelit.formula import Formula, Link, Slot, contents, lift, markup, plain, put, source, unclosed
from sidelit.layout import arrange
from sidelit.links import is_local
from sidelit.page import Heading


@dataclass(frozen=True)
class Fragment:
    """
    ## One text of a page

    `origins[i]` is the line and column (from 1) where line i of `docs` begins in the file.
    """

    docs: str
    origins: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Prose:
    """
    ## The HTML of one text, and what is in it

    `html` has placeholders. `ids` are the ids in this HTML.
    """

    html: str = ""
    headings: tuple[Heading, ...] = ()
    ids: tuple[str, ...] = ()
    formulas: tuple[Formula, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Rendering:
    """All texts of a page. `slots` are what the placeholders stand for."""

    prose: tuple[Prose, ...]
    slots: tuple[Slot, ...]
    diagnostics: tuple[Diagnostic, ...]


class Renderer:
    """
    ## Render pages, one after the other

    Setting up Python-Markdown takes longer than a page, so make one renderer and keep it. Without `allow_html` the HTML
    in the texts is cleaned: no scripts, handlers, styles or foreign schemes.
    """

    def __init__(self, allow_html: bool):
        self.allow_html = allow_html
        self._footnotes = _Footnotes()
        self._markdown = _markdown(self._footnotes)
        self._plain: Any = self._markdown.treeprocessors["plain_text"]

    def render(self, fragments: Sequence[Fragment], path: str, taken: Collection[str] = ()) -> Rendering:
        """
        ## Render the texts of one page

        `path` is the file, for findings; `taken` are ids that the page uses itself. No text makes this raise: what
        Markdown cannot read is shown as it is, with a finding of the rule `markdown`.
        """
        slots: list[Slot] = []
        diagnostics: list[Diagnostic] = []
        self._plain.too_long = False
        self._markdown.reset()
        texts = [lift(fragment.docs, path, fragment.origins, slots) for fragment in fragments]
        begun = [_plain_beginning(text) for text in texts]
        trees = [self._split(rest) if rest else None for _, rest in begun]
        page = _Page(path, slots, taken, fragments)
        prose = []
        for fragment, text, (beginning, _), tree in zip(fragments, texts, begun, trees, strict=True):
            html = "\n".join(beginning)
            problem = tree if isinstance(tree, Exception) else None
            if isinstance(tree, Element):
                try:
                    html = "\n".join(filter(None, (html, self._join(tree))))
                except Exception as error:
                    problem = error
            if problem:
                self._recover()
                html = f"<pre>{escape(text, quote=False)}</pre>"
                diagnostics.append(Diagnostic(path, *_beginning(fragment), "markdown", gave_up(problem)))
            elif self._plain.too_long:
                message = f"a paragraph of more than {_PlainText.LONGEST:,} characters is shown as it is; divide it"
                diagnostics.append(Diagnostic(path, *_beginning(fragment), "markdown", message))
                self._plain.too_long = False
            prose.append(page.prose(fragment, html, simple=tree is None and "<h" not in html))
        diagnostics += page.diagnostics
        diagnostics += self._unused_footnotes(fragments, path)
        return Rendering(tuple(prose), tuple(slots), tuple(diagnostics))

    def _split(self, text: str) -> Element | Exception | None:
        """Round one: a text into blocks."""
        if len(text) > LONGEST:
            return TooLong(f"this text has more than {LONGEST:,} characters")
        try:
            lines = text.split("\n")
            # Looking for raw HTML is slow, and without an angle bracket there is none.
            skipped = None if "<" in text else self._markdown.preprocessors["html_block"]
            for step in self._markdown.preprocessors:
                if step is not skipped:
                    lines = step.run(lines)
            return self._markdown.parser.parseDocument(lines).getroot()
        except Exception as error:
            self._recover()
            return error

    def _join(self, tree: Element) -> str:
        """Round two: blocks into HTML."""
        for step in self._markdown.treeprocessors:
            changed = step.run(tree)
            tree = tree if changed is None else changed
        html = self._markdown.serializer(tree).strip().removeprefix("<div>").removesuffix("</div>").strip()
        for post in self._markdown.postprocessors:
            html = post.run(html)
        return (html if self.allow_html else sanitise(html)).strip()

    def _recover(self) -> None:
        """Forget what a text that could not be read to its end has left behind."""
        del self._markdown.parser.state[:]
        # Older versions read emphasis without this state.
        if delimiters := getattr(self._markdown, "delimiters", None):
            delimiters.reset()

    def _unused_footnotes(self, fragments: Sequence[Fragment], path: str) -> Iterable[Diagnostic]:
        unused = self._footnotes.footnotes.keys() - set(self._footnotes.footnote_order)
        for fragment in fragments if unused else ():
            for number, line in enumerate(fragment.docs.split("\n")):
                match = _FOOTNOTE.match(line)
                if match and match[1] in unused:
                    message = f"nothing refers to the footnote [^{match[1]}], so it is not shown"
                    yield Diagnostic(path, *fragment.origins[number], "footnote", message)


# Some of what Python-Markdown does takes time with the square of a text's length. Up to this many characters it matters
# to nobody, and no chapter of a book is so long.
LONGEST = 100_000


class TooLong(Exception):
    """A text would take too long. The message says why."""


def gave_up(problem: Exception) -> str:
    """
    ### What is said of a text that Markdown could not read
    """
    if isinstance(problem, TooLong):
        return f"{problem}; it is shown as it is; divide it"
    return f"Markdown gave up on this text ({type(problem).__name__}); it is shown as it is"


_FOOTNOTE = re.compile(r" {0,3}\[\^([^\]]*)\]:")

# ## The short path
#
# Most texts begin with a heading or a paragraph of plain words, and many hold nothing else. As far as that goes they
# take the short path. A line that starts another block, or anything that Markdown might read as markup, ends it. An
# underscore between letters is none, and of all markup only code spans of one backtick are read. Texts with characters
# that Markdown drops or changes are left to it.

_BLOCK_MARK = re.compile(
    r"^[ #>=+~!:\[-]|^\d+\.(?: |$)| $|[<|\\]|``|[^\S \n]|[\x00-\x09\x0b-\x1f\x7f-\x9f]", re.MULTILINE
)
_INLINE_MARK = re.compile(r"[*\[\]&]|(?<!\w)_|_(?!\w)")
_HEADING = re.compile(r"(#{1,6}) +([^ #\n][^#\n]*)")
_DEFINITION = re.compile(r"^ *:", re.MULTILINE)
_CHANGED = re.compile(r"[\x02\x03\r]")
_BLANK_LINES = re.compile(r"\A(?:[ \t]*+(?:\n|\Z))++")


def _plain_beginning(text: str) -> tuple[list[str], str]:
    """Return the paragraphs and headings with which a text begins, as HTML, as far as they are plain, and the rest."""
    if _CHANGED.search(text):
        return [], text
    blocks = text.split("\n\n")
    done: list[tuple[int, str]] = []
    for number, block in enumerate(blocks):
        html = _plain_block(block.strip("\n"))
        if html is None:
            if not done:
                return [], text
            rest = _BLANK_LINES.sub("", "\n\n".join(blocks[number:]))
            if _DEFINITION.search(rest):
                # What is defined may stand in the paragraph before.
                number, _ = done.pop()
                rest = "\n\n".join(blocks[number:])
            return [html for _, html in done], rest
        if html:
            done.append((number, html))
    return [html for _, html in done], ""


def _plain_block(text: str) -> str | None:
    """Return the HTML of a plain paragraph or heading, else `None`."""
    tag = "p"
    if heading := _HEADING.fullmatch(text):
        tag, text = f"h{len(heading[1])}", heading[2]
    if _BLOCK_MARK.search(text):
        return None
    parts = text.split("`")
    words, code = parts[::2], parts[1::2]
    if len(parts) % 2 == 0 or any(map(_INLINE_MARK.search, words)) or not all(span.strip() for span in code):
        return None
    parts[::2] = (part.replace(">", "&gt;") for part in words)
    parts[1::2] = (f"<code>{escape(span.strip(), quote=False)}</code>" for span in code)
    return f"<{tag}>{''.join(parts)}</{tag}>" if any(parts) else ""


# ## Python-Markdown, and what we add to it


def _markdown(footnotes: _Footnotes) -> Markdown:
    markdown = Markdown(
        output_format="html",
        extensions=[
            TableExtension(use_align_attribute=True),
            CodeHiliteExtension(css_class="highlight", guess_lang=False, linenums=False),
            AdmonitionExtension(),
            SaneListExtension(),
            DefListExtension(),
            footnotes,
            Bounds(),
        ],
    )
    # White space is normalised at 30, raw HTML is taken out at 20.
    markdown.preprocessors.register(_Layout(markdown), "layout", 25)
    # Emphasis is read at 60, code spans and links before.
    markdown.inlinePatterns.register(_PythonName(_PythonName.NAME, markdown), "python_name", 65)
    # Inline markup is read at 20, indented code is taken out at 30.
    markdown.treeprocessors.register(_PlainText(markdown), "plain_text", 25)
    return markdown


class Bounds(Extension):
    """
    ### What keeps Python-Markdown from taking hours

    For texts that may be anyone's, up to the `LONGEST`.
    """

    def extendMarkdown(self, md: Markdown) -> None:
        """Look for tags that are not closed before raw HTML is taken out, at 20, and find the ends of brackets."""
        md.preprocessors.register(_Unclosed(md), "unclosed", 22)
        patience = _Patience(md)
        md.registerExtension(patience)  # type: ignore[arg-type]
        md.preprocessors.register(patience, "patience", 21)
        md.parser.blockprocessors.register(_Reading(md.parser, patience), "patience", 1000)
        brackets = _Brackets()
        for name in ("reference", "link", "image_link", "image_reference", "short_reference", "short_image_ref"):
            brackets.serve(md.inlinePatterns[name])


class _Layout(Preprocessor):
    """Lay out lines, see [`layout`](layout.py), and highlight fenced code."""

    def run(self, lines: list[str]) -> list[str]:
        return arrange(lines, self.stash, _BLOCK_ELEMENTS)

    def stash(self, code: str, language: str) -> str:
        hilite = CodeHilite(code, lang=language or None, css_class="highlight", guess_lang=False)
        return self.md.htmlStash.store(hilite.hilite(shebang=False))


class _Unclosed(Preprocessor):
    """
    Take tags that are never closed for text

    Python's parser of HTML reads on to the end of the text for each of them.
    """

    def run(self, lines: list[str]) -> list[str]:
        text = "\n".join(lines)
        start = unclosed(text)
        if start == len(text):
            return lines
        mark = self.md.htmlStash.store("&lt;")
        return (text[:start] + text[start:].replace("<", mark)).split("\n")


class _Patience(Preprocessor):
    """
    Allow a text so much reading for each of its characters

    Python-Markdown takes one thing after the other from the beginning of a block, and reads the rest of the block anew
    each time. Where no blank line divides ten thousand things, that takes minutes.
    """

    FOR_EACH = 150

    def __init__(self, md: Markdown) -> None:
        super().__init__(md)
        self.left = 0

    def reset(self) -> None:
        """Begin a new page."""
        self.left = 0

    def run(self, lines: list[str]) -> list[str]:
        self.left += self.FOR_EACH * sum(len(line) + 1 for line in lines)
        return lines

    def spend(self, characters: int) -> None:
        self.left -= characters
        if self.left < 0:
            self.left = 0
            raise TooLong("this text has too much in it that no blank lines divide")


class _Reading(BlockProcessor):
    """Count what is read of blocks, before anything reads it."""

    def __init__(self, parser: BlockParser, patience: _Patience) -> None:
        super().__init__(parser)
        self.patience = patience

    def test(self, parent: Element, block: str) -> bool:
        self.patience.spend(len(block))
        return False


class _PlainText(Treeprocessor):
    """
    Mark the texts that have no inline markup, so that none of the dozen inline patterns is tried on them

    Nor on one that is `too_long`: what Python-Markdown does for each pattern that it finds takes longer the more it has
    found in the same text.
    """

    MARKUP = re.compile(r"[\\`*\[<&]|(?<!\w)_|_(?!\w)|  \n")
    LONGEST = 20_000

    def __init__(self, md: Markdown) -> None:
        super().__init__(md)
        self.too_long = False

    def run(self, root: Element) -> None:
        for element in root.iter():
            if element.text and not self.MARKUP.search(element.text):
                element.text = AtomicString(element.text)
            elif element.text and len(element.text) > self.LONGEST:
                self.too_long = True
                element.text = AtomicString(element.text)


class _PythonName(InlineProcessor):
    """`__init__` and the like are names, not bold text, alone or in a word such as `Adam.__init__`."""

    NAME = r"(?<![_A-Za-z0-9])__([A-Za-z0-9]++(?:_[A-Za-z0-9]++)*+)__(?![_A-Za-z0-9])"
    BEFORE = re.compile(r"\w[.:/\\]\Z")
    AFTER = re.compile(r"[.:/\\]\w|\(")

    def handleMatch(  # type: ignore[override]
        self, m: re.Match[str], data: str
    ) -> tuple[str | None, int | None, int | None]:
        start, end = m.span()
        joined = self.BEFORE.search(data[max(0, start - 2) : start]) or self.AFTER.match(data, end)
        return (m[0], start, end) if joined or m[1] in _SPECIAL_NAMES else (None, None, None)


class _Brackets:
    """
    Find the end of a bracket at once

    Python-Markdown reads on to the end of the text for each bracket, six times over: hours for a hostile text.
    """

    LONGEST_ADDRESS = 1000
    PATIENCE = 100

    def __init__(self) -> None:
        self.data = ""
        self.ends: dict[int, int] = {}

    def serve(self, pattern: Any) -> None:
        """Make a pattern of links or images use this."""
        get_link = pattern.getLink

        def link(data: str, index: int) -> tuple[str, str | None, int, bool]:
            href, title, end, handled = get_link(data[index : index + self.LONGEST_ADDRESS], 0)
            return href, title, index + end, handled

        pattern.getText, pattern.getLink = self.text, link

    def text(self, data: str, index: int) -> tuple[str, int, bool]:
        """Return what the bracket before `index` holds, where it ends, and whether it does."""
        if data is not self.data:
            # The end is mostly near. Where it is not, all the ends are worth knowing.
            depth = 1
            for match in islice(re.finditer(r"[\[\]]", data[index : index + self.LONGEST_ADDRESS]), self.PATIENCE):
                depth += 1 if match[0] == "[" else -1
                if depth == 0:
                    end = index + match.start()
                    return data[index:end], end + 1, True
            self.data, self.ends = data, _bracket_ends(data)
        found = self.ends.get(index - 1)
        return ("", len(data), False) if found is None else (data[index:found], found + 1, True)


def _bracket_ends(text: str) -> dict[int, int]:
    """Return where each bracket that is closed ends."""
    ends, opened = {}, []
    for match in re.finditer(r"[\[\]]", text):
        if match[0] == "[":
            opened.append(match.start())
        elif opened:
            ends[opened.pop()] = match.start()
    return ends


class _Footnotes(FootnoteExtension):
    """
    ### Footnotes of a page

    Numbers run through the page in the order of reference. A footnote stands at the end of the first text that refers
    to it.
    """

    def __init__(self) -> None:
        self.shown = 0
        super().__init__(USE_DEFINITION_ORDER=False, BACKLINK_TITLE="Back to the text")

    def extendMarkdown(self, md: Markdown) -> None:
        super().extendMarkdown(md)
        md.treeprocessors.deregister("footnote")
        md.treeprocessors.deregister("footnote-reorder")
        # After the inline markup at 20, which finds the references.
        md.treeprocessors.register(_FootnoteList(self, md), "footnote_list", 19)

    def reset(self) -> None:
        super().reset()
        self.shown = 0

    def makeFootnoteId(self, id: str) -> str:
        return f"fn:{self.footnote_order.index(id) + 1}"

    def makeFootnoteRefId(self, id: str, found: bool = False) -> str:
        return self.unique_ref(f"fnref:{self.footnote_order.index(id) + 1}", found)


class _FootnoteList(Treeprocessor):
    """Append the footnotes to which a text is the first to refer."""

    def __init__(self, notes: _Footnotes, md: Markdown):
        super().__init__(md)
        self.notes = notes

    def run(self, root: Element) -> None:
        notes, listed = self.notes, None
        # A footnote may refer to another one.
        while labels := notes.footnote_order[notes.shown :]:
            every, first = notes.footnotes, notes.shown + 1
            notes.footnotes = OrderedDict((label, every[label]) for label in labels)
            notes.shown += len(labels)
            div = notes.makeFootnotesDiv(root)
            notes.footnotes = OrderedDict(every | notes.footnotes)
            if div is None:
                return
            for name in ("hilite", "plain_text", "inline"):
                self.md.treeprocessors[name].run(div)
            if listed is None:
                root.append(div)
                listed = div[-1]
                listed.set("start", str(first))
            else:
                listed.extend(div[-1])


_NAMES = """
    abs add aenter aexit aiter all and anext annotations await bases bool bool bytes call cause ceil class
    class_getitem closure code complex contains context copy debug deepcopy defaults del delattr delete delitem dict dir
    divmod doc enter eq exit file float floor floordiv format format fspath func future ge get getattr getattribute
    getinitargs getitem getnewargs getnewargs_ex getstate globals gt hash iadd iand ifloordiv ilshift imatmul imod imul
    import index init init_subclass instancecheck int invert ior ipow irshift isub iter itruediv ixor kwdefaults le len
    length_hint loader lshift lt main match_args matmul missing mod module mro mro_entries mul name ne neg new next
    objclass or origin package path pos post_init pow prepare pycache qualname radd rand rdivmod reduce reduce_ex repr
    reversed rfloordiv rlshift rmatmul rmod rmul ror round rpow rrshift rshift rsub rtruediv rxor self set set_name
    setattr setitem setstate signature sizeof slots spec str sub subclasscheck subclasses subclasshook suppress_context
    test text_signature torch_function traceback truediv trunc type_params version warningregistry weakref wrapped xor
"""
_SPECIAL_NAMES = frozenset(_NAMES.split())

# ## Clean HTML
#
# For texts that may be anyone's. Addresses without a scheme pass, they are resolved and checked later. The classes that
# Markdown gives pass, and no others: with those of the theme, a text could lay itself over the page.

_TAGS = """
    a abbr b bdi bdo blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure
    h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp small span strong sub summary sup table
    tbody td tfoot th thead tr u ul var wbr
"""
_ADMONITIONS = """
    abstract attention bug caution danger error example failure hint important info note question quote success tip
    warning
"""
_CLEANER = nh3.Cleaner(
    tags=set(_TAGS.split()),
    clean_content_tags={
        "script",
        "style",
        "iframe",
        "noembed",
        "noframes",
        "noscript",
        "template",
        "title",
        "textarea",
    },
    attributes={
        "*": {"id", "title", "lang", "dir"},
        "a": {"href"},
        "details": {"open"},
        "img": {"src", "alt", "width", "height"},
        "ol": {"start"},
        "td": {"align", "colspan", "rowspan"},
        "th": {"align", "colspan", "rowspan", "scope"},
    },
    allowed_classes={
        "a": {"footnote-backref", "footnote-ref", "headerlink"},
        "div": {"admonition", "codehilite", "footnote", "highlight", *_ADMONITIONS.split()},
        "p": {"admonition-title"},
        "span": {*STANDARD_TYPES.values()} - {""},
    },
    url_schemes={"http", "https", "mailto"},
    link_rel=None,
)

# ## Reading the HTML once

_BLOCK_ELEMENTS = frozenset(Markdown().block_level_elements)
_LINE_BREAKS = _BLOCK_ELEMENTS | {f"/{name}" for name in _BLOCK_ELEMENTS} | {"br", "img"}
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:(\s*=\s*)("[^"]*"|'[^']*'|[^\s>"']+))?""")
_RESERVED = re.compile(r"container|background|section-\d+|L\d+|(?:page|search):.*")
_FOOTNOTE_ID = re.compile(r"fn(?:ref\d*)?:.*")
_TARGET = re.compile(
    r"""
    \]\(\s*+(?:<(?P<angle>[^<>\n]*+)>|<?(?P<inline>(?:[^\s<>()]|\([^\s<>()]*+\))++))
    | ^[ ]{0,3}\[[^\]\n]*+\]:\s*+<?(?P<definition>[^\s<>]++)
    | \b(?:href|src)\s*+=\s*+["']?(?P<attribute>[^\s"'>]++)
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)


# A sign that Markdown takes for itself where it has no backslash in front
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def sanitise(html: str) -> str:
    """Return HTML without scripts, handlers, styles and foreign schemes; placeholders pass."""
    return _CLEANER.clean(html)


def slug(text: str) -> str:
    """Return an id made of the letters and digits of `text`; never empty."""
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", text.lower()).strip()).strip("-") or "heading"


class _Page:
    """The ids, links and findings of a page while its texts are read, in order."""

    def __init__(self, path: str, slots: list[Slot], taken: Collection[str], fragments: Sequence[Fragment]):
        self.path, self.slots = path, slots
        self.taken = set(taken)
        self.numbers: dict[str, int] = {}
        self.diagnostics: list[Diagnostic] = []
        self.definitions: dict[str, tuple[int, int]] = {}
        for fragment in fragments:
            if "]:" in fragment.docs:
                for target, places in _targets(fragment, "definition").items():
                    self.definitions.setdefault(target, places[0])

    def prose(self, fragment: Fragment, html: str, simple: bool) -> Prose:
        """
        Give headings their ids, make ids unique, put slots for local addresses, and gather what is there to know

        `simple` HTML came the short path and has none of these.
        """
        if not html:
            return Prose()
        reader = _Reader(self, fragment)
        if not simple:
            html = reader.read(html)
        found: dict[type, list[Any]] = {Formula: [], Link: [], Diagnostic: self.diagnostics}
        for content in contents(html, self.slots):
            found[type(content)].append(content)
        return Prose(
            html=html,
            headings=tuple(reader.headings),
            ids=tuple(reader.ids),
            formulas=tuple(found[Formula]),
            links=tuple(found[Link]),
        )

    def claim(self, wanted: str, footnote: bool = False) -> str:
        """Return `wanted` or, if it is reserved or taken, the first of `wanted-2`, `wanted-3`… that is free."""
        id, number = wanted, self.numbers.get(wanted, 1)
        free = not _RESERVED.fullmatch(id) and (footnote or not _FOOTNOTE_ID.match(id))
        while not free or id in self.taken:
            number += 1
            id, free = f"{wanted}-{number}", True
        self.numbers[wanted] = number
        self.taken.add(id)
        return id


class _Reader:
    """One reading of the HTML of one text."""

    def __init__(self, page: _Page, fragment: Fragment):
        self.page, self.fragment = page, fragment
        self.out: list[str] = []
        self.words: list[str] = []
        self.headings: list[Heading] = []
        self.ids: list[str] = []
        self.places: dict[str, deque[tuple[int, int]]] | None = None

    def read(self, html: str) -> str:
        """Return the HTML with slots and ids; `words`, `headings` and `ids` are then complete."""
        at = 0
        heading: tuple[int, int, int, str] | None = None  # level, where in `out` and in `words`, its id if it has one
        mark = False  # in the number of a footnote, which is no word
        for start, end, name in markup(html):
            self.out.append(html[at:start])
            if not mark:
                self.words.append(html[at:start])
            if name in _LINE_BREAKS:
                self.words.append("\n")
            tag = html[start:end]
            before = len(self.ids)
            if "=" in tag and name.isalnum() and name not in ("script", "style", "textarea", "title"):
                tag = self.attributes(tag, name)
            if name == "a" and 'class="footnote-' in tag:
                mark = True
            elif name == "/a":
                mark = False
            elif name in _HEADINGS and heading is None:
                own = self.ids[-1] if len(self.ids) > before else ""
                heading = int(name[1]), len(self.out), len(self.words), own
            elif heading and name == f"/h{heading[0]}":
                self.heading(*heading)
                heading = None
            self.out.append(tag)
            at = end
        self.out.append(html[at:])
        self.words.append(html[at:])
        return "".join(self.out)

    def heading(self, level: int, tag: int, words: int, id: str) -> None:
        text = _text("".join(self.words[words:]), self.page.slots)
        if not id:
            id = self.page.claim(slug(text))
            self.ids.append(id)
            self.out[tag] = f'{self.out[tag][:-1]} id="{escape(id)}">'
        self.headings.append(Heading(level, id, text))

    def attributes(self, tag: str, name: str) -> str:
        """Return a tag with its id made unique and slots for its local addresses."""
        of_footnote = name == "a" and 'href="#fn' in tag and 'class="footnote-' in tag

        def replaced(match: re.Match[str]) -> str:
            attribute, value = match[1].lower(), match[3]
            if value is None or attribute not in ("id", "href", "src", "name"):
                return match[0]
            value = source(unescape(value.strip("\"'")), self.page.slots)
            if attribute == "name":
                # The old way to name a place.
                self.ids += [value] if name == "a" else []
                return match[0]
            if attribute == "id":
                id = self.page.claim(re.sub(r"\s+", "-", value), footnote=name in ("li", "sup"))
                self.ids.append(id)
                return f'{match[1]}="{escape(id)}"'
            if of_footnote or not is_local(value):
                return match[0]
            link = Link(value, attribute, self.page.path, *self.place(value))
            return f'{match[1]}="{put(Slot(value, link), self.page.slots)}"'

        return _ATTRIBUTE.sub(replaced, tag)

    def place(self, target: str) -> tuple[int, int]:
        """
        Where an address stands in the file

        Addresses come in the order of the text, so each place is used once. One that is not found as written (it
        may be escaped) is looked for anywhere; the beginning of the text will do.
        """
        if self.places is None:
            self.places = _targets(self.fragment, "inline", "angle", "attribute")
        if places := self.places.get(target):
            return places.popleft() if len(places) > 1 else places[0]
        if target in self.page.definitions:
            return self.page.definitions[target]
        return _beginning(self.fragment)


def _text(words: str, slots: Sequence[Slot]) -> str:
    """Return HTML that has no tags any more as text, on one line."""
    return " ".join(plain(unescape(words), slots).split())


def _beginning(fragment: Fragment) -> tuple[int, int]:
    return fragment.origins[0] if fragment.origins else (1, 1)


_HEADINGS = frozenset(f"h{level}" for level in range(1, 7))


def _targets(fragment: Fragment, *kinds: str) -> dict[str, deque[tuple[int, int]]]:
    """Return where the addresses of a text stand in the file, each in order."""
    places: dict[str, deque[tuple[int, int]]] = {}
    line = begin = 0
    for match in _TARGET.finditer(fragment.docs):
        if match.lastgroup in kinds:
            start = match.start(match.lastgroup)
            line += fragment.docs.count("\n", begin, start)
            begin = max(begin, fragment.docs.rfind("\n", begin, start) + 1)
            first, column = fragment.origins[line]
            target = unescape(_ESCAPED.sub(r"\1", match[match.lastgroup])).strip()
            places.setdefault(target, deque()).append((first, column + start - begin))
    return places
