r"""
# One line of a `.gitignore`, as git reads it

A stranger's line may hold as many stars as it likes: the time that a match takes grows with the length of the line and
with that of the name, and no faster. In a name, what stands between two stars is looked for from the left and, once
found, never looked for again. Among folders, `**` does the same with whole names.

As in git, names are bytes: `?` is one of them. Here they are characters of Latin-1, which has one for each byte.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """
    ## What a line says

    It leaves files out, or takes them in again where it begins with `!`; with a slash at its end it is about
    `folders_only`. A glob without another slash is about a name, wherever that is. All others are about a path, name by
    name, where `None` is `**`: any number of names.
    """

    leaves_out: bool
    folders_only: bool
    is_name: bool
    globs: tuple[re.Pattern[str] | None, ...]

    def matches(self, names: Sequence[str], is_folder: bool) -> bool:
        """
        Whether a file or a folder is meant itself

        `names` lead to it from the folder of the `.gitignore`, as [`spell`](#spell) gives them. A folder above it does
        not count.
        """
        if self.folders_only and not is_folder:
            return False
        return _match(self.globs, names[-1:] if self.is_name else names)


def spell(path: str) -> list[str]:
    """
    ### The names in a path, a character a byte
    """
    return os.fsencode(path).decode("latin-1").split("/")


def read(line: str) -> Rule | None:
    """
    ## Read a line

    `None` for a comment and for a blank line. Raises `ValueError` for one that git could match with nothing, such as an
    open bracket.
    """
    glob = _TRAILING.sub(r"\1", line)
    if not glob or glob.startswith("#"):
        return None
    leaves_out = not glob.startswith("!")
    glob = os.fsencode(glob if leaves_out else glob[1:]).decode("latin-1")
    path = glob.removesuffix("/")
    if not path:
        raise ValueError(line)
    names = path.removeprefix("/").split("/")
    is_name = "/" not in path
    globs = [None if not is_name and _ANY_FOLDERS.fullmatch(name) else _compiled(name) for name in names]

    # What is in a folder is not the folder itself.
    last = [_compiled("*")] if globs[-1] is None else []
    return Rule(leaves_out, glob != path, is_name, (*globs, *last))


# Spaces at the end do not count, unless a backslash says so.
_TRAILING = re.compile(r"((?:^|[^\\ ])(?:\\\\)*(?:\\ )?)\ +\Z")
_ANY_FOLDERS = re.compile(r"\*\*+")


def _match(globs: Sequence[re.Pattern[str] | None], names: Sequence[str]) -> bool:
    """Compare name by name. After `**`, the first place that fits the next globs is as good as any."""
    at = name = 0
    stars: tuple[int, int] | None = None
    while name < len(names):
        glob = globs[at] if at < len(globs) else _NOTHING
        if glob is None:
            at += 1
            stars = at, name
        elif glob.fullmatch(names[name]):
            at, name = at + 1, name + 1
        elif stars:
            at, name = stars[0], stars[1] + 1
            stars = at, name
        else:
            return False
    return at == len(globs)


_NOTHING = re.compile(r"(?!)")


def _compiled(glob: str) -> re.Pattern[str]:
    """Return the pattern of one name."""
    first, *others = _between_stars(glob)
    if not others:
        return re.compile(first, re.DOTALL)
    found = "".join(f"(?>.*?{piece})" for piece in others[:-1] if piece)
    return re.compile(f"{first}{found}.*{others[-1]}", re.DOTALL)


def _between_stars(glob: str) -> list[str]:
    pieces = [""]
    at = 0
    while at < len(glob):
        token = _TOKEN.match(glob, at)
        if token is None:
            raise ValueError(glob)
        at = token.end()
        if token[0] == "*":
            pieces.append("")
        elif token[0] == "?":
            pieces[-1] += "."
        elif token["items"] is not None:
            chosen = "".join(_ranges(token["items"]))
            pieces[-1] += f"[^{chosen}]" if token["not"] and chosen else f"[{chosen}]" if chosen else _NOTHING.pattern
        else:
            pieces[-1] += re.escape(token["one"] or token["quoted"])
    return pieces


def _ranges(items: str) -> Iterator[str]:
    r"""Give what stands between brackets as Python writes it: `a-z`, `\]`, `[:digit:]`."""
    for item in _ITEM.finditer(items):
        first, last = (item[one] or item[other] for one, other in (("a", "b"), ("c", "d")))
        if item["name"] is not None:
            yield _NAMED[item["name"]]
        else:
            yield re.escape(first) + (f"-{re.escape(last)}" if last and last >= first else "")


# A bracket closes a class unless it comes first in it.
_TOKEN = re.compile(
    r"[*?]|\\(?P<quoted>.)|\[(?P<not>[!^]?+)(?P<items>\]?+(?:\[:[a-z]*+:\]|\\.|[^\]\\])*+)\]|(?P<one>[^\\\[])",
    re.DOTALL,
)
_ITEM = re.compile(r"\[:(?P<name>[a-z]*):\]|(?:\\(?P<a>.)|(?P<b>.))(?:-(?:\\(?P<c>.)|(?P<d>[^\]])))?", re.DOTALL)
_NAMED = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "blank": r" \t", "cntrl": r"\x00-\x1f\x7f", "digit": "0-9",
    "graph": r"!-~", "lower": "a-z", "print": r" -~", "punct": r"!-/:-@\[-`{-~", "space": r" \t-\r", "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}  # fmt: skip
