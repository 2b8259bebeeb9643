r"""
# How to cite a paper

A page that rests on a paper says so in its front matter:

```yaml
paper:
  title: "Adam: A Method for Stochastic Optimization"
  authors: [Diederik P. Kingma, Jimmy Ba]
  year: 2014
  arxiv: "1412.6980"
```

This module reads that, says what is wrong with it, and writes the citation as text and as BibTeX. `venue`, `url` and
`doi` may stand there too.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sidelit.diagnostic import Diagnostic
from sidelit.source import Document


@dataclass(frozen=True)
class Paper:
    """
    ## A paper

    What is not known is empty.
    """

    title: str
    authors: tuple[str, ...]
    year: int
    arxiv: str = ""
    venue: str = ""
    url: str = ""
    doi: str = ""

    @property
    def address(self) -> str:
        """Where it can be read, empty if nobody says."""
        if self.url:
            return self.url
        if self.arxiv:
            return f"https://arxiv.org/abs/{self.arxiv}"
        return f"https://doi.org/{self.doi}" if self.doi else ""


# ## Reading it


def find_paper(document: Document) -> tuple[Paper | None, list[Diagnostic]]:
    """
    ### The paper of a page

    A paper with anything wrong in it is none: half a citation is worse than no citation.
    """
    values = document.front_matter.get("paper")
    if values is None:
        return None, []

    def wrong(key: str, message: str) -> Diagnostic:
        return Diagnostic(document.path, *_place(document, key), "front-matter", message)

    if not isinstance(values, dict):
        message = "`paper` is a mapping; write `title:`, `authors:`, `year:` and `arxiv:` below it, indented"
        return None, [wrong("", message)]
    diagnostics = [wrong(key, message) for key, message in _problems(values)]
    if diagnostics:
        return None, diagnostics
    texts = {key: " ".join(str(value).split()) for key, value in values.items() if key not in ("authors", "year")}
    return Paper(**texts, authors=tuple(" ".join(name.split()) for name in values["authors"]), year=values["year"]), []


def _problems(values: dict[Any, Any]) -> Iterator[tuple[str, str]]:
    """Give what is wrong, each with the key where it stands."""
    for key in values:
        if key not in _KEYS:
            close = difflib.get_close_matches(str(key), _KEYS, 1)
            hint = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(_KEYS)}"
            yield str(key), f"`{key}` is nothing that `paper` knows; {hint}"
    for key in ("title", "authors", "year"):
        if key not in values:
            yield "", f"`paper` has no `{key}`; add it, a citation cannot do without"
    for key, value in values.items():
        if key == "authors":
            if not (isinstance(value, list) and value and all(_is_text(name) for name in value)):
                yield key, "`authors` must be a list of names; write it as [Diederik P. Kingma, Jimmy Ba]"
        elif key == "year":
            if not isinstance(value, int) or isinstance(value, bool) or not 1000 <= value <= 9999:
                yield key, "`year` must be a number of four digits"
        elif key == "arxiv" and isinstance(value, float):
            yield key, "`arxiv` must be text, or its last zeros are lost; put it in quotes"
        elif key in _KEYS and not _is_text(value):
            yield key, f"`{key}` must be text; put it in quotes"
        elif key in _FORMS and not _FORMS[key][0].fullmatch(value.strip()):
            yield key, f"`{key}` is not {_FORMS[key][1]}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


_KEYS = ("title", "authors", "year", "arxiv", "venue", "url", "doi")
_FORMS = {
    "arxiv": (
        re.compile(r"(?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?"),
        "the number of a paper; write it as \"1412.6980\", without `arXiv:` and without an address",
    ),
    "url": (re.compile(r"https?://[^\s\"<>{}\\]+"), "an address; begin it with https://"),
    "doi": (re.compile(r"10\.\d{4,9}/[^\s\"<>{}\\]+"), "a DOI; write it as 10.…/…, without an address"),
}  # fmt: skip


def _place(document: Document, key: str) -> tuple[int, int]:
    """
    ### Where a key of the paper stands

    YAML gives values and not their places. The key is looked for behind `paper:`, whose own place does for what is
    not found.
    """
    place = (1, 1)
    for number, line in enumerate(document.lines, start=1):
        text = line.lstrip(" r\"'")
        if place == (1, 1):
            if text.startswith("paper:"):
                place = number, line.index("paper:") + 1
                if not key:
                    return place
        elif line[:1].strip() and not text.startswith(("-", "#")):
            break
        if place != (1, 1) and (match := re.search(rf"(?<![\w-])['\"]?{re.escape(key)}['\"]?\s*:", line)):
            return number, match.start() + 1
    return place


# ## Writing it


def plain(paper: Paper) -> str:
    """
    ### As a line of text
    """
    where = [paper.venue, str(paper.year), f"arXiv:{paper.arxiv}" if paper.arxiv else ""]
    if not paper.arxiv:
        where.append(paper.address)
    title = paper.title if paper.title[-1] in ".?!" else f"{paper.title}."
    return f"{_listed(paper.authors)} {title} {', '.join(part for part in where if part)}."


def _listed(authors: tuple[str, ...]) -> str:
    names = [" ".join(reversed(_parts(name))).strip() for name in authors]
    text = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return text if text.endswith(".") else f"{text}."


def bibtex(paper: Paper) -> str:
    """
    ### As BibTeX

    The second pair of braces around the title keeps its capitals.
    """
    fields = {
        "title": f"{{{escaped(paper.title)}}}",
        "author": " and ".join(_bibtex_name(name) for name in paper.authors),
        "journal": escaped(paper.venue) or (f"arXiv preprint arXiv:{paper.arxiv}" if paper.arxiv else ""),
        "year": str(paper.year),
        "eprint": paper.arxiv,
        "archivePrefix": "arXiv" if paper.arxiv else "",
        "doi": escaped(paper.doi),
        "url": paper.address,
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    kind = "article" if fields["journal"] else "misc"
    return "\n".join([f"@{kind}{{{key(paper)},", *lines, "}\n"])


def key(paper: Paper) -> str:
    """
    ### The key of a paper

    The first author's surname, the year, and the first word of the title that says something: `kingma2014adam`.
    """
    words = re.findall(r"[^\W_]+", _folded(paper.title).lower())
    word = next((word for word in words if word not in _SMALL), "".join(words[:1]))
    surname = re.sub(r"[\W_]+", "", _folded(_parts(paper.authors[0])[0]).lower())
    return f"{surname}{paper.year}{word}"


_SMALL_WORDS = "a an and are as at by can do does for from how in is of on or the to towards what why with"
_SMALL = frozenset(_SMALL_WORDS.split())


def _parts(name: str) -> tuple[str, str]:
    """
    ### Surname and first names

    The surname is the last word, with the small words before it, as in Laurens van der Maaten. Whoever is called
    otherwise can be written with a comma: `van der Maaten, Laurens`.
    """
    if "," in name:
        surname, _, first = name.partition(",")
        return surname.strip(), first.strip()
    words = name.split()
    at = len(words) - 1
    while at > 1 and words[at - 1].islower():
        at -= 1
    return " ".join(words[at:]), " ".join(words[:at])


def _bibtex_name(name: str) -> str:
    surname, first = (escaped(part) for part in _parts(name))
    # In BibTeX `and` stands between names. The name of an organisation is kept in one piece.
    if not first or re.search(r"\band\b", name):
        return f"{{{escaped(name)}}}"
    return f"{surname}, {first}"


# ## Letters


def escaped(text: str) -> str:
    """
    ### Text for BibTeX

    Accents are written as TeX commands, which every version of BibTeX reads and sorts. Letters of other scripts stay.
    """
    return "".join(_letter(character) for character in unicodedata.normalize("NFC", text))


def _letter(character: str) -> str:
    if character.isascii():
        return _ESCAPES.get(character, character)
    if character in _LETTERS:
        return _LETTERS[character]
    base, marks = (parts := unicodedata.normalize("NFD", character))[0], parts[1:]
    if base.isascii() and marks in _ACCENTS:
        command = _ACCENTS[marks]
        base = {"i": r"\i", "j": r"\j"}.get(base, base) if command not in "ck" else base
        return f"{{\\{command}{{{base}}}}}"
    return character


def _folded(text: str) -> str:
    """Return text in ASCII as far as it has such letters."""
    text = "".join(_PLAIN.get(character, character) for character in text)
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


_ESCAPES = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
}
_LETTERS = {
    "ß": r"{\ss}", "æ": r"{\ae}", "Æ": r"{\AE}", "œ": r"{\oe}", "Œ": r"{\OE}", "ø": r"{\o}", "Ø": r"{\O}",
    "ł": r"{\l}", "Ł": r"{\L}", "ı": r"{\i}", "å": r"{\aa}", "Å": r"{\AA}", "–": "--", "—": "---", "’": "'",
}  # fmt: skip
_PLAIN = {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ı": "i"}
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c", "\u0328": "k",
}  # fmt: skip
