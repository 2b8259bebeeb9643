r"""
# Which files of a tree are meant

Two things leave files of a tree out: what its owner says, with the globs `include` and `exclude`, and what git is told
to ignore, where the tree is in a git checkout. Both are read as git reads a `.gitignore`: `tests/` is a folder of that
name anywhere, `/tests/` the one at the top, `*_pb2.py` a file anywhere.

What git learns outside of the checkout, from the user's own settings, is not asked: the same tree gives the same site
on every machine.
"""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sidelit.gitignore import Rule, read, spell


class GlobError(Exception):
    """A glob cannot be read. The message says which."""


@dataclass(frozen=True)
class Globs:
    """
    ## What the owner of the trees says

    Seen from the top of a tree. With `include`, only the files that it matches are meant. `exclude` comes after, and
    takes out files and whole folders.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise `GlobError` for a glob that cannot be read."""
        for glob in (*self.include, *self.exclude):
            try:
                read(glob)
            except ValueError:
                raise GlobError(f"{glob!r} is not a glob; write it as in a .gitignore") from None


@dataclass(frozen=True)
class _Rules:
    """
    ### The rules of one file, which hold in its folder and below

    The last of those that match decides.
    """

    folder: Path
    rules: tuple[Rule, ...]

    def decide(self, path: Path, *, is_folder: bool) -> bool | None:
        """
        Whether a path is left out, `None` where no rule is about it

        A folder above it does not count: had it been left out, nobody would ask.
        """
        names = spell(path.relative_to(self.folder).as_posix())
        return next((rule.leaves_out for rule in reversed(self.rules) if rule.matches(names, is_folder)), None)

    def takes(self, path: Path) -> bool:
        """Whether a file is what the rules name, or lies in a folder that is."""
        names = spell(path.relative_to(self.folder).as_posix())
        above = [names[:length] for length in range(1, len(names))]
        for rule in reversed(self.rules):
            if rule.matches(names, False) or any(rule.matches(each, True) for each in above):
                return rule.leaves_out
        return False


class Selection:
    """
    ## What is meant below one folder

    The folder itself was named, and is taken whatever git thinks of it.
    """

    def __init__(self, root: Path, globs: Globs) -> None:
        self._root = root
        self._include = _Rules(root, tuple(_rules(globs.include))) if globs.include else None
        self._exclude = _Rules(root, tuple(_rules(globs.exclude)))
        self._checkout = _checkout_of(root)
        self._above = list(self._ignored_above())
        self._own: dict[Path, list[_Rules]] = {}

    def enter(self, folder: Path) -> None:
        """Read what a folder ignores, before its files and folders are asked about. The folder above was entered."""
        inherited = self._above if folder == self._root else self._own[folder.parent]
        self._own[folder] = [*_ignored_in(folder), *inherited] if self._checkout else []

    def has_folder(self, folder: Path) -> bool:
        """Whether the files of a folder may be meant."""
        return not (self._exclude.decide(folder, is_folder=True) or self._is_ignored(folder, is_folder=True))

    def has_file(self, path: Path) -> bool:
        """Whether a file is meant."""
        if self._exclude.decide(path, is_folder=False) or self._is_ignored(path, is_folder=False):
            return False
        return self._include is None or self._include.takes(path)

    def _is_ignored(self, path: Path, *, is_folder: bool) -> bool:
        """Ask the nearest rules first: they overrule those above."""
        return _decision(self._own[path.parent], path, is_folder=is_folder)

    def _ignored_above(self) -> Iterator[_Rules]:
        """The rules of the checkout above the folder, the nearest first, unless they mean the folder itself."""
        if self._checkout is None:
            return
        between = [folder for folder in self._root.parents if folder.is_relative_to(self._checkout)]
        rules = [each for folder in between for each in _ignored_in(folder)]
        for path in [self._root, *between[:-1]]:
            if _decision([each for each in rules if each.folder in path.parents], path, is_folder=True):
                return
        yield from rules


def _rules(lines: Iterable[str]) -> Iterator[Rule]:
    """Read lines. Git passes over those that it cannot read, comments and blank ones."""
    for line in lines:
        with suppress(ValueError):
            if rule := read(line):
                yield rule


def _decision(rules: Sequence[_Rules], path: Path, *, is_folder: bool) -> bool:
    found = (each.decide(path, is_folder=is_folder) for each in rules)
    return next((each for each in found if each is not None), False)


def _ignored_in(folder: Path) -> Iterator[_Rules]:
    """The rules of a folder's own `.gitignore`. Git passes over one that is a link."""
    path = folder / ".gitignore"
    if path.is_symlink() or not path.is_file():
        return
    try:
        text = os.fsdecode(path.read_bytes().removeprefix(BOM_UTF8))
    except OSError:
        return
    if rules := tuple(_rules(line.removesuffix("\r") for line in text.split("\n"))):
        yield _Rules(folder, rules)


def _checkout_of(root: Path) -> Path | None:
    """The folder of the git checkout that a folder is in. In a worktree and in a submodule, `.git` is a file."""
    return next((folder for folder in (root, *root.parents) if os.path.lexists(folder / ".git")), None)
