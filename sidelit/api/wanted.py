"""
# Which modules have a reference

This module reads the option `api` and finds the modules that it means. They are looked for among the sources of the
site, or where Python would find them. Nothing is imported to find them.
"""

from __future__ import annotations

import importlib.util
import pkgutil
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from sidelit.tree import Source, shown_path

# Where the pages of the reference are, as if each was a Markdown file.
FOLDER = "api"
INDEX = f"{FOLDER}/index.md"


def page_uri(module: str) -> str:
    """Return the name of a module's page in navigations and links."""
    return f"{FOLDER}/{module}.md"


class ApiError(Exception):
    """The option cannot be understood. The message is one line that says where and why."""


@dataclass(frozen=True)
class Wanted:
    """
    ## What is asked for

    * `modules` are dotted names; a package means all that is in it, a name with `!` before it leaves that out
    * with `everything`, the modules of all sources are meant, except those left out
    * `mock` are the libraries for which there shall be [stand-ins](stand_in.py)
    * `path`, `line` and `column` say where the option stands
    """

    modules: tuple[str, ...] = ()
    everything: bool = False
    mock: tuple[str, ...] = ()
    path: str = ""
    line: int = 1
    column: int = 1

    def __bool__(self) -> bool:
        return bool(self.modules) or self.everything


def read_option(value: Any, path: str, lines: Sequence[str]) -> Wanted:
    """
    ## The option `api`

    `value` is what stands behind `api` in the file at `path`, and `lines` are the lines of that file. It is `true`, a
    list of modules, or both as `{modules: …, mock: […]}`. Raises `ApiError` for anything else.
    """

    def wrong(part: Any, message: str) -> ApiError:
        line, column = _place(lines, part)
        return ApiError(f"{shown_path(Path(path))}:{line}:{column}: api: {part!r} {message}")

    modules, mock = value, []
    if isinstance(value, dict):
        for key in value.keys() - {"modules", "mock"}:
            raise wrong(key, "is no part of this option; there are `modules` and `mock`")
        modules, mock = value.get("modules", True), value.get("mock", [])
    if modules is None or isinstance(modules, bool):
        names, everything = [], bool(modules)
    elif isinstance(modules, list):
        names, everything = modules, bool(modules) and all(str(name).startswith("!") for name in modules)
    else:
        raise wrong(modules, "is neither true nor a list of modules; write `api: [my_package]`")
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name.removeprefix("!")):
            raise wrong(name, "is not the dotted name of a module, such as `my_package.model`")
    if not isinstance(mock, list):
        raise wrong(mock, "is not a list of libraries; write `mock: [torch]`")
    for name in mock:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise wrong(name, "is not the name of a library, such as `torch`")
    return Wanted(tuple(names), everything, tuple(mock), path, *_place(lines, "api"))


_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def _place(lines: Sequence[str], part: Any) -> tuple[int, int]:
    """Return where a part of the option stands, behind the word `api`, or where the option does."""
    start = next((number for number, line in enumerate(lines) if re.match(r"[\s{,-]*['\"]?api['\"]?\s*:", line)), 0)
    for number in range(start, len(lines)):
        if match := re.search(rf"(?<![\w.]){re.escape(str(part))}(?![\w.])", lines[number], re.IGNORECASE):
            return number + 1, match.start() + 1
    return start + 1, 1


# ## Finding them


def find_modules(wanted: Wanted, sources: Iterable[Source]) -> list[str]:
    """
    ## The modules, in order

    Of a package that the site has sources of, those are meant that have a page. Modules whose name begins with an
    underscore are nobody else's business.
    """
    known = sorted({source.module for source in sources if is_importable(source)})
    found: dict[str, None] = dict.fromkeys(known if wanted.everything else ())
    for name in wanted.modules:
        if name.startswith("!"):
            found = {each: None for each in found if not _is_in(each, name[1:])}
        else:
            here = [each for each in known if _is_in(each, name)]
            found |= dict.fromkeys(here or _installed(name))
    return [name for name in found if name in wanted.modules or not re.search(r"(^|\.)_", name)]


def is_importable(source: Source) -> bool:
    """Whether a source is a module that other code could import."""
    return source.path.suffix == ".py" and bool(_NAME.fullmatch(source.module)) and source.path.stem != "__main__"


def import_roots(modules: Iterable[str], sources: Iterable[Source]) -> list[Path]:
    """
    ## The folders from which the sources are imported

    Only of packages that are asked for, so that no other file there hides a library.
    """
    tops = {module.partition(".")[0] for module in modules}
    roots: dict[Path, None] = {}
    for source in sources:
        if source.module.partition(".")[0] in tops and is_importable(source):
            path = source.path.parent if source.is_package else source.path.with_suffix("")
            names = source.module.split(".")
            if path.parts[-len(names) :] == tuple(names):
                roots[path.parents[len(names) - 1]] = None
    return list(roots)


def _is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _installed(name: str) -> Iterator[str]:
    """
    ### A module that is installed, and those in it

    Only the outermost package is looked for by name: to look for a module in a package, Python would import the
    package. One that is not found is given as it is, so that its import fails and says why.
    """
    top, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    so_far = top
    for part in rest:
        so_far = f"{so_far}.{part}"
        spec = PathFinder.find_spec(so_far, list(spec.submodule_search_locations or ())) if spec else None
    yield name
    yield from _below(name, list(spec.submodule_search_locations or ()) if spec else [])


def _below(package: str, folders: Sequence[str]) -> Iterator[str]:
    for module in sorted(pkgutil.iter_modules(folders), key=lambda module: module.name):
        if module.name != "__main__":
            name = f"{package}.{module.name}"
            yield name
            if module.ispkg:
                yield from _below(name, [str(Path(folder, module.name)) for folder in folders])
