"""
# Standalone files and notebooks, made once

To take a definition out of its package costs a tenth of a second or two, and a site may want it for each page. So what
was made is kept, together with what it depends on: the files that were read for it, and the files that change what
they import. All other files of the package may change, as long as they begin nothing of the kind.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sidelit import fingerprint
from sidelit.cache import Cache, digest
from sidelit.diagnostic import Diagnostic
from sidelit.export.closure import glance, is_test
from sidelit.export.modules import Package, Refusal, Wanted, package_around, read_module
from sidelit.export.notebook import Repository, draft_notebook
from sidelit.export.standalone import Draft, Facts, draft_standalone


@dataclass(frozen=True)
class Wish:
    """
    ## What somebody wants of a file

    `kind` is `standalone` or `notebook`. `name` is a class or a function for the first, empty for the whole file, and
    `repository` where the links in the second lead.
    """

    path: Path
    kind: str
    name: str = ""
    repository: Repository | None = None


@dataclass
class _Shelf:
    """
    ### A package, and what is in its files

    `quiet` are the digests of contents that change nothing that they import.
    """

    package: Package
    quiet: dict[str, bool] = field(default_factory=dict)

    @cached_property
    def files(self) -> dict[str, str]:
        """The digest of each file, by its path."""
        single = ((top, self.package.root / f"{top}.py") for top in sorted(self.package.tops))
        everything = [*self.package.files(), *((name, path) for name, path in single if path.is_file())]
        return {str(path): _digest(path) for name, path in everything if not is_test(name, path)}

    @cached_property
    def whole(self) -> str:
        """One digest of them all."""
        return digest(*(part for each in self.files.items() for part in each))

    def digest(self, path: str) -> str:
        """Return the digest of a file, which may also lie beside the package."""
        return self.files.get(path) or _digest(Path(path))

    def is_quiet(self, path: str) -> bool:
        """Whether a file changes nothing that it imports."""
        if self.files[path] not in self.quiet:
            self.quiet[self.files[path]] = glance(self.package, Path(path)).is_quiet
        return self.quiet[self.files[path]]


class Drafts:
    """
    ## The drafts of one build
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._shelves: dict[tuple[Path, frozenset[str]], _Shelf] = {}

    def get_many(
        self, wishes: Iterable[Wish], pause: Callable[[], None] = lambda: None
    ) -> dict[Wish, Draft | Diagnostic]:
        """
        ### A draft for each wish, or why there is none

        The path in a diagnostic is absolute. `pause` is called before each that has to be made.
        """
        places = {wish: self._place(wish) for wish in wishes}
        keys = {wish: self._key(wish, shelf, module) for wish, (shelf, module) in places.items()}
        kept = self._cache.get_many("draft", keys.values())
        drafts: dict[Wish, Draft | Diagnostic] = {}
        for wish, (shelf, module) in places.items():
            draft = self._kept(keys[wish], kept.get(keys[wish]), shelf)
            if draft is None:
                pause()
                draft = self._made(wish, keys[wish], shelf, module)
            drafts[wish] = draft
        return drafts

    def _place(self, wish: Wish) -> tuple[_Shelf, str]:
        package, module = package_around(wish.path)
        return self._shelves.setdefault((package.root, package.tops), _Shelf(package)), module

    def _key(self, wish: Wish, shelf: _Shelf, module: str) -> str:
        about = (str(shelf.package.root), sorted(shelf.package.tops), module, wish.kind, wish.name, wish.repository)
        return digest(fingerprint.of_export(), repr(about))

    def _kept(self, key: str, data: bytes | None, shelf: _Shelf) -> Draft | Diagnostic | None:
        """Return what was made before, if it would be made again in the same way."""
        if data is None:
            return None
        try:
            values = json.loads(zlib.decompress(data))
            if values["whole"] != shelf.whole:
                if not self._is_as_before(values, shelf):
                    return None
                self._put(key, values | {"whole": shelf.whole})
            return _restored(values)
        except (zlib.error, ValueError, KeyError, TypeError):
            # A foreign entry in the cache
            return None

    def _is_as_before(self, values: dict[str, Any], shelf: _Shelf) -> bool:
        files: dict[str, str] = values["files"]
        return (
            values["names"] == _names(shelf)
            and all(shelf.digest(path) == each for path, each in files.items())
            and all(path in files or shelf.is_quiet(path) for path in shelf.files)
        )

    def _made(self, wish: Wish, key: str, shelf: _Shelf, name: str) -> Draft | Diagnostic:
        package = shelf.package
        draft: Draft | None = None
        refusal: Diagnostic | None = None
        try:
            module = package.get(name) or read_module(wish.path, name)
            wanted = Wanted(package, module, wish.name)
            draft = draft_notebook(wanted, wish.repository) if wish.kind == "notebook" else draft_standalone(wanted)
        except Refusal as error:
            refusal = _absolute(error.diagnostic)
        read = {str(wish.path.absolute()), *(str(file) for each in package.asked if (file := package.file_of(each)))}
        loud = {path for path in shelf.files if not shelf.is_quiet(path)}
        values = {
            "names": _names(shelf),
            "files": {path: shelf.digest(path) for path in sorted(read | loud)},
            "whole": shelf.whole,
            "draft": draft and asdict(draft),
            "refusal": refusal and asdict(refusal),
        }
        self._put(key, values)
        return _restored(values)

    def _put(self, key: str, values: dict[str, Any]) -> None:
        self._cache.put("draft", key, zlib.compress(json.dumps(values).encode(), 1))


def _names(shelf: _Shelf) -> str:
    return digest(*shelf.files)


def _digest(path: Path) -> str:
    try:
        return digest(path.read_bytes())
    except OSError:
        return ""


def _absolute(diagnostic: Diagnostic) -> Diagnostic:
    return replace(diagnostic, path=str(Path(diagnostic.path).absolute()))


def _restored(values: dict[str, Any]) -> Draft | Diagnostic:
    draft, refusal = values["draft"], values["refusal"]
    if refusal:
        return Diagnostic(**refusal)
    facts: dict[str, Any] = {k: tuple(each) if isinstance(each, list) else each for k, each in draft["facts"].items()}
    problems = tuple(Diagnostic(**each) for each in draft["diagnostics"])
    return Draft(Facts(**facts), draft["body"], problems)
