r"""
# What the search knows

This module takes the pages of a site and gives the script that a reader's browser searches in: for each heading, and
for each section of code, its title, its prose and the names in the code. It is a script and not data, because a page
that was opened from the disk may load a script and nothing else. The theme's `find.js` does the looking up.

Formulas are lifted out of the words. Each is in the script once, as TeX, by which it is found, and as MathML, so that a
result shows it as a formula.

Nothing here is HTML: titles and prose are text, whatever is in them, and the browser writes them as text.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape

from sidelit.formula import Slot, fill, markup

# The library that looks words up, and its licence, below `node_modules`. A wheel carries them beside MathJax.
PARTS = ("minisearch/dist/umd/index.js", "minisearch/LICENSE.txt")

# Text and formulas by turns, beginning and ending with text: `("Let ", "\theta", " be")`.
Pieces = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """
    ## One place that can be found

    * `anchor` is where it is on its page
    * `title` and `text` are prose
    * `name` is the dotted name of the class or function that begins here
    * `names` are the names in the code beside it, with spaces between them
    """

    anchor: str
    title: Pieces
    text: Pieces
    name: str = ""
    names: str = ""


def pack(entries: Iterable[Entry]) -> bytes:
    """
    ### Entries as a site keeps them

    As they will stand in the script, with a formula in place of its number, so that writing the script takes little
    time. Compressed, since that happens at the end, when all pages are known.
    """
    places = [[each.anchor, _mixed(each.title), _mixed(each.text), each.name, each.names] for each in entries]
    return zlib.compress(_json(places).encode(), 1)


def unpack(packed: bytes) -> list[Entry]:
    """
    ### The entries that `pack` was given
    """
    return [
        Entry(anchor, _pieces_of(title), _pieces_of(text), name, names)
        for anchor, title, text, name, names in json.loads(zlib.decompress(packed))
    ]


# A text with formulas among its pieces, and without the empty ones
_Mixed = list[str | dict[str, str]]

# A formula in JSON. Where a string holds the same characters, there is a backslash before each quote.
_FORMULA = re.compile(r'\{"tex":("(?:[^"\\]|\\.)*")\}')


def _mixed(pieces: Pieces) -> _Mixed:
    return [{"tex": each} if i % 2 else each for i, each in enumerate(pieces) if each or i % 2]


def _pieces_of(mixed: _Mixed) -> Pieces:
    pieces = [""]
    for each in mixed:
        if isinstance(each, str):
            pieces[-1] = each
        else:
            pieces += [each["tex"], ""]
    return tuple(pieces)


@dataclass(frozen=True)
class Indexed:
    """
    ### A page and the places on it

    `url` counts from the top of the site, `entries` are [packed](search.py#pack).
    """

    url: str
    title: str
    entries: bytes


# ## From HTML to text

# The code point stands before and after each formula. Unicode promises never to give it to a character.
_MARK = "\ufdd1"

# These stand inside of words. At any other tag a word ends.
_INLINE = re.compile(
    "/?(?:a|abbr|b|bdi|bdo|cite|code|del|dfn|em|i|ins|kbd|mark|q|s|samp|small|span|strong|sub|sup|u|var|wbr)"
)
_HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
_ID = re.compile(r"""\sid\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""", re.IGNORECASE)

# Links in a text that are none of its words: the number of a footnote, the sign beside a heading.
_SIGN = re.compile(r"""\sclass\s*=\s*["']?(?:footnote-|headerlink)""", re.IGNORECASE)


def entries_of(html: str, slots: Sequence[Slot], anchor: str, title: str, *, joined: bool = False) -> list[Entry]:
    """
    ### The places in a text

    `html` has placeholders, `slots` are what they stand for. Each heading with an id begins a place. What comes before
    the first one is at `anchor`, where the text as a whole is, and has the `title`. A heading at the very beginning
    takes that place; where text is `joined`, the first heading does in any case.
    """
    filled = fill(html.replace(_MARK, ""), slots, lambda each: _MARK + escape(each.tex.replace(_MARK, "")) + _MARK)
    drafts = [_Draft(anchor, [escape(title)], [])]
    words, heading, sign, at = drafts[0].body, "", False, 0
    for start, end, name in markup(filled):
        if not sign:
            words.append(filled[at:start])
        at = end
        if name == "a":
            sign = _SIGN.search(filled, start, end) is not None
        elif name == "/a":
            sign = False
        elif name in _HEADINGS and not heading and (id := _ID.search(filled, start, end)):
            drafts.append(_Draft(unescape(id[1] or id[2] or id[3] or ""), [], []))
            words, heading = drafts[-1].title, name
        elif heading and name == f"/{heading}":
            words, heading = drafts[-1].body, ""
        if not _INLINE.fullmatch(name):
            words.append(" ")
    if not sign:
        words.append(filled[at:])
    if len(drafts) > 1 and (joined or not "".join(drafts[0].body).strip()):
        drafts[:2] = [_Draft(anchor, drafts[1].title, drafts[0].body + drafts[1].body)]
    return [Entry(each.anchor, _pieces(each.title), _pieces(each.body)) for each in drafts]


@dataclass(frozen=True)
class _Draft:
    """An entry while it is read: stretches of HTML without tags."""

    anchor: str
    title: list[str]
    body: list[str]


_SPACE = re.compile(r"\s+")


def _pieces(html: Sequence[str]) -> Pieces:
    """Return HTML without tags as text, with each run of white space in the prose as one space."""
    pieces = unescape("".join(html)).split(_MARK)
    pieces[::2] = [_SPACE.sub(" ", piece) for piece in pieces[::2]]
    pieces[0] = pieces[0].lstrip()
    pieces[-1] = pieces[-1].rstrip()
    return tuple(pieces)


# ## From entries to a script


def script(pages: Iterable[Indexed], mathml: Mapping[str, str]) -> Iterator[str]:
    """
    ### The index of a site

    In pieces, since that of a large site is too much for the memory. In place of a formula stands its number in
    `formulas`. `mathml` is the MathML of formulas by their TeX; one that is not in it will be shown as TeX.
    """
    numbers: dict[str, int] = {}

    def numbered(formula: re.Match[str]) -> str:
        return str(numbers.setdefault(formula[1], len(numbers)))

    def listed(page: Indexed) -> str:
        places = zlib.decompress(page.entries).decode()
        title = _first_title(places, page.title) or _json(_mixed((page.title,)))
        return _FORMULA.sub(numbered, f"[{_json(page.url)},{title},{places}]")

    yield 'window.sidelitIndex = {"pages":['
    for number, page in enumerate(pages):
        yield "," * (number > 0) + _without_tags(listed(page))
    yield '],"formulas":['
    for number, tex in enumerate(map(json.loads, numbers)):
        yield "," * (number > 0) + _without_tags(_json([tex, mathml.get(tex, "")]))
    yield "]};\n"


def _first_title(places: str, title: str) -> str:
    """Return the title of the first place, in which formulas are formulas, if it is that of the page."""
    if places == "[]":
        return ""
    decoder = json.JSONDecoder()
    _, end = decoder.raw_decode(places, 2)
    first, after = decoder.raw_decode(places, end + 1)
    return places[end + 1 : after] if "".join(_pieces_of(first)) == title else ""


def assignment(name: str, value: object) -> str:
    """
    ### A script that does nothing but keep a value

    In ASCII, so that no character ends a line or means something else elsewhere, and without the `<` that could begin
    a tag.
    """
    return f"window.{name} = {_without_tags(_json(value))};\n"


def _without_tags(text: str) -> str:
    return text.replace("<", "\\u003c")


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


_MATHML = re.compile(r"<math\b.*</math>", re.DOTALL)
_ANNOTATION = re.compile(r"<annotation\b.*?</annotation>", re.DOTALL)


def mathml_of(html: str) -> str:
    """Return the MathML in a typeset formula, without the TeX, which the index has."""
    found = _MATHML.search(html)
    return _ANNOTATION.sub("", found[0]) if found else ""
