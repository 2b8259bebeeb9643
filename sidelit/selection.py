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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


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
                _spec([glob])
            except ValueError:
                raise GlobError(f"{glob!r} is not a glob; write it as in a .gitignore") from None


@dataclass(frozen=True)
class _Ignored:
    """The rules of one `.gitignore`, which hold in its folder and below."""

    folder: Path
    rules: GitIgnoreSpec


class Selection:
    """
    ## What is meant below one folder

    The folder itself was named, and is taken whatever git thinks of it.
    """

    def __init__(self, root: Path, globs: Globs) -> None:
        self._root = root
        self._include = _spec(globs.include) if globs.include else None
        self._exclude = _spec(globs.exclude) if globs.exclude else None
        self._checkout = _checkout_of(root)
        self._above = list(self._ignored_above())
        self._own: dict[Path, list[_Ignored]] = {}

    def enter(self, folder: Path) -> None:
        """Read what a folder ignores, before its files and folders are asked about. The folder above was entered."""
        inherited = self._above if folder == self._root else self._own[folder.parent]
        self._own[folder] = [*_ignored_in(folder), *inherited] if self._checkout else []

    def has_folder(self, folder: Path) -> bool:
        """Whether the files of a folder may be meant."""
        return not (self._is_excluded(f"{self._name(folder)}/") or self._is_ignored(folder, "/"))

    def has_file(self, path: Path) -> bool:
        """Whether a file is meant."""
        name = self._name(path)
        if self._is_excluded(name) or self._is_ignored(path):
            return False
        return self._include is None or self._include.match_file(name)

    def _is_excluded(self, name: str) -> bool:
        return self._exclude is not None and self._exclude.match_file(name)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()

    def _is_ignored(self, path: Path, end: str = "") -> bool:
        """Ask the nearest rules first: they overrule those above."""
        return _decision(self._own[path.parent], path, end)

    def _ignored_above(self) -> Iterator[_Ignored]:
        """The rules of the checkout above the folder, the nearest first, unless they mean the folder itself."""
        if self._checkout is None:
            return
        between = [folder for folder in self._root.parents if folder.is_relative_to(self._checkout)]
        rules = [each for folder in between for each in _ignored_in(folder)]
        for path in [self._root, *between[:-1]]:
            if _decision([each for each in rules if each.folder in path.parents], path, "/"):
                return
        yield from rules


def _spec(lines: Iterable[str]) -> GitIgnoreSpec:
    # Most trees have no rules.
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(lines)


def _decision(rules: Sequence[_Ignored], path: Path, end: str) -> bool:
    for each in rules:
        found = each.rules.check_file(path.relative_to(each.folder).as_posix() + end).include
        if found is not None:
            return found
    return False


def _ignored_in(folder: Path) -> Iterator[_Ignored]:
    """The rules of a folder's own `.gitignore`. Git passes over one that is a link, and over lines it cannot read."""
    path = folder / ".gitignore"
    if path.is_symlink() or not path.is_file():
        return
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    yield _Ignored(folder, _spec(filter(_is_readable, lines)))


def _is_readable(line: str) -> bool:
    try:
        _spec([line])
    except ValueError:
        return False
    return True


def _checkout_of(root: Path) -> Path | None:
    """The folder of the git checkout that a folder is in. In a worktree and in a submodule, `.git` is a file."""
    return next((folder for folder in (root, *root.parents) if os.path.lexists(folder / ".git")), None)
