r"""
# Finding the sources of a site

This module walks the trees that the configuration names and gives a `Source` for each file that becomes a page: where
it lies, what messages call it, and the address it gets. It is the only place where addresses are made:

| file | address | with directory addresses |
|---|---|---|
| `x.py` | `x.html` | `x/index.html` |
| `pkg/__init__.py` | `pkg/index.html` | `pkg/index.html` |
| `pkg/readme.md` | `pkg/readme.html` | `pkg/readme/index.html` |
| `src/pkg/x.py` | `pkg/x.html` | `pkg/x/index.html` |

A page is made for every `.py` and every `readme.md`, for a `.pyi` beside which there is no `.py` of its name, and for a
script without an ending whose first line says that Python runs it.

Nothing is imported and nothing is executed. Links out of the tree are not followed: what lies behind them was not meant
to be published.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sidelit.diagnostic import Diagnostic
from sidelit.selection import Globs, Selection
from sidelit.source import decode, split_lines

# The files of a package itself: its code, or its stub.
PACKAGE_FILES = ("__init__.py", "__init__.pyi")


@dataclass(frozen=True)
class Mount:
    """
    ## Where a tree of sources goes

    `path` is a folder or a file, `at` the folder of the site it is put into; empty is the top.
    """

    path: Path
    at: str


@dataclass(frozen=True)
class Source:
    """
    ## One file that becomes a page

    * `path` is where it lies, `shown` what pages and messages call it: its path from the folder that holds all trees,
      so that a page does not depend on where it is built
    * `uri` is its place in the site's tree of sources, such as `optimizers/adam.py`: what links are written against
    * `module` is its dotted name
    """

    path: Path
    shown: str
    uri: str
    module: str

    @property
    def is_markdown(self) -> bool:
        """Whether it is prose for the host's own Markdown, not annotated code."""
        return self.path.suffix.lower() == ".md"

    @property
    def is_package(self) -> bool:
        """Whether it is the page of a package, an `__init__.py` or its stub."""
        return self.path.name in PACKAGE_FILES


def mount(path: Path, at: str | None = None) -> Mount:
    """
    ## A tree under its default address

    A package is put under its name, a single file and what is in a folder `src` at the top. `at` counts from the top of
    the site and stays in it.
    """
    if at is None:
        at = path.resolve().name if path.is_dir() and not _is_source_root(path.resolve()) else ""
    return Mount(Path(os.path.abspath(path)), posixpath.normpath(f"/{at}").strip("/"))


def common_folder(mounts: Iterable[Mount]) -> Path:
    """
    ## The folder that holds all trees
    """
    return Path(os.path.commonpath([each.path.parent for each in mounts] or [Path.cwd()]))


_EVERYTHING = Globs()


def find_sources(mounts: Sequence[Mount], globs: Globs = _EVERYTHING) -> tuple[list[Source], list[Diagnostic]]:
    """
    ## All sources, in the order of their addresses

    Of the files in the trees, `globs` may leave out some; a file that is a mount itself is always meant. Empty
    `__init__.py` files make no page. A tree that does not exist, a link out of the tree and a folder that cannot be
    read are diagnostics.
    """
    sources: list[Source] = []
    diagnostics: list[Diagnostic] = []
    top = common_folder(mounts)

    def wrong(path: Path, message: str, rule: str) -> None:
        diagnostics.append(Diagnostic(name_of(path, top), 1, 1, rule, message))

    for each in mounts:
        root = each.path
        if not root.exists():
            wrong(root, "there is no such file or folder", "source")
            continue
        if not root.is_dir() and not root.is_file():
            wrong(root, *NO_FILE)
            continue
        base = root if root.is_dir() else root.parent
        files = list(_walk(root, globs, wrong)) if root.is_dir() else [root]
        around = _packages_around(base)
        if not files:
            wrong(root, "there is no Python file and no readme.md here that is to be published", "source")
        for file in files:
            if file.name in PACKAGE_FILES and _is_blank(file):
                continue
            uri = posixpath.join(each.at, *_address_parts(file, base))
            if not is_text(uri):
                wrong(file, *NOT_TEXT)
                continue
            sources.append(Source(file, name_of(file, top), uri, _dotted(file, base, around)))
    sources.sort(key=lambda source: source.uri)
    return sources, diagnostics


def page_address(uri: str, use_directory_urls: bool) -> str:
    """
    ## The address of a page

    `uri` is the source's; the result is a file of the site.
    """
    folder, name = posixpath.split(uri)
    stem = posixpath.splitext(name)[0]
    if stem == "__init__":
        return posixpath.join(folder, "index.html")
    if use_directory_urls and stem != "index":
        return posixpath.join(folder, stem, "index.html")
    return posixpath.join(folder, f"{stem}.html")


def module_name(path: Path) -> str:
    """Return the dotted name of a module, by the packages that it lies in."""
    path = path.absolute()
    return _dotted(path, path.parent, _packages_around(path.parent))


def escapes(path: Path, root: Path) -> bool:
    """Whether a path leads out of the folder it seems to be in, through a symbolic link."""
    # Not `Path.resolve`, which raises an error for a link that leads to itself.
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


# Folders that hold other people's code or what a tool has left.
_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages"})


def _walk(root: Path, globs: Globs, wrong: Callable[[Path, str, str], None]) -> Iterator[Path]:
    """
    ### The files below a folder that become pages

    Sorted, since file systems list folders in any order they like. Hidden folders, virtual environments and built sites
    are passed over.
    """
    selection = Selection(root, globs)

    def unreadable(error: OSError) -> None:
        wrong(Path(error.filename), f"cannot be read: {error.strerror}; its files are left out", "source")

    for folder, names, files in os.walk(root, onerror=unreadable):
        here = Path(folder)
        selection.enter(here)
        names[:] = sorted(name for name in names if not _passed_over(here / name) and selection.has_folder(here / name))
        for name in [name for name in names if (here / name).is_symlink()]:
            names.remove(name)
            if escapes(here / name, root):
                wrong(here / name, *NOT_PUBLISHED)
        beside = set(files)
        for name in sorted(files):
            path = here / name
            if not _may_be_source(name, beside) or not selection.has_file(path):
                continue
            is_script = "." not in name
            if escapes(path, root):
                if not is_script:
                    wrong(path, *NOT_PUBLISHED)
            elif not path.is_file():
                if not is_script:
                    wrong(path, *NO_FILE)
            elif is_script and not _runs_in_python(path):
                continue
            else:
                yield path


def _may_be_source(name: str, beside: Collection[str]) -> bool:
    """Whether a file could become a page, as far as its name and its neighbours' tell."""
    if name.startswith("."):
        return False
    if name.endswith(".pyi"):
        return name[:-1] not in beside
    return name.endswith(".py") or name.lower() == "readme.md" or "." not in name


def is_source(path: Path) -> bool:
    """Whether a file is Python, by its ending or by its first line."""
    return path.suffix in (".py", ".pyi") or ("." not in path.name and _runs_in_python(path))


def _runs_in_python(path: Path) -> bool:
    """Whether the first line of a file names Python as what runs it, or `uv run`, which runs Python too."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return bool(_SHEBANG.match(file.readline(256)))
    except OSError:
        return False


_SHEBANG = re.compile(rb"#!.*(?:[/ ](?:python|pypy)[0-9.]*(?:\s|$)|[/ ]uv run\b)")

NO_FILE = "this is not a file, and has no page", "source"
NOT_TEXT = "a name that is not UTF-8 has no address; rename it", "source"
NOT_PUBLISHED = "a symbolic link out of the tree is not published; put a copy in its place", "link-out-of-tree"


def is_text(name: str) -> bool:
    """Whether a name is UTF-8 on the disk. For other bytes Python puts what is no character."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def is_site(folder: Path) -> bool:
    """Whether a folder is a site that was built with sidelit. The sources in it are there to be downloaded."""
    # Not `Path.is_file`, which raises an error in a folder that may not be entered.
    return os.path.isfile(folder / "sitemap.xml") and os.path.isdir(folder / "assets" / "sidelit")


def _passed_over(folder: Path) -> bool:
    is_left_out = folder.name.startswith(".") or folder.name in _SKIPPED
    return is_left_out or os.path.exists(folder / "pyvenv.cfg") or is_site(folder)


def name_of(path: Path, top: Path) -> str:
    """Return the path as seen from a folder, in characters that can be printed."""
    name = Path(os.path.relpath(path, top)).as_posix().encode(errors="backslashreplace").decode()
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], name)


# What would break a message into lines.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def lines_of(path: Path) -> tuple[str, ...]:
    """Return the lines of a file, none where it cannot be read."""
    try:
        # Something else than a file, such as a pipe, might have nothing to read for ever.
        return split_lines(decode(path.read_bytes(), "")[0]) if path.is_file() else ()
    except OSError:
        return ()


def shown_path(path: Path) -> str:
    """Return the path as a person in the current folder would name it."""
    name = name_of(path, Path.cwd())
    return path.as_posix() if name.startswith("../") else name


def _is_source_root(folder: Path) -> bool:
    """
    ### Whether a folder only holds the packages of a project

    The folder `src` of the layout of that name is neither in addresses nor in dotted names.
    """
    return folder.name == "src" and not _is_regular_package(folder) and not _is_regular_package(folder.parent)


def _is_regular_package(folder: Path) -> bool:
    return any(os.path.isfile(folder / name) for name in PACKAGE_FILES)


def _address_parts(file: Path, base: Path) -> Iterator[str]:
    """The names between a tree's top and a file, as they stand in its address."""
    folder = base
    for name in file.relative_to(base).parts[:-1]:
        folder /= name
        if not _is_source_root(folder):
            yield name
    yield file.name


def _dotted(file: Path, base: Path, around: Sequence[str]) -> str:
    """
    ### The dotted name of a file

    `base` is the top of its tree, and `around` are the packages that this is in.
    It begins with the outermost package around the tree, or with the tree's own folders. A folder `src`, and one that
    holds a project, are none of it: what they hold is imported by its own name. The folder `x-stubs` stands for `x`.
    """
    inside = list(file.relative_to(base).parts)
    at = base
    names: list[str] = []
    for name in inside[:-1]:
        at /= name
        names = [] if _is_source_root(at) or _is_project(at) else [*names, name.removesuffix("-stubs")]
    if len(names) == len(inside) - 1:
        names = [*around, *names]
    if file.name not in PACKAGE_FILES or not names:
        names.append(posixpath.splitext(file.name)[0])
    return ".".join(names)


def _packages_around(folder: Path) -> list[str]:
    """
    ### The packages that a folder is, and is in

    Up to the outermost that has an `__init__.py`, or to a folder `src`. Between packages, and below `src`, folders
    without one are packages too.
    """
    names: list[str] = []
    known = 0
    folder = folder.resolve()
    while folder.name and not _is_project(folder):
        if _is_source_root(folder):
            known = len(names)
            break
        is_regular = _is_regular_package(folder)
        if not is_regular and not folder.name.removesuffix("-stubs").isidentifier():
            break
        names.append(folder.name.removesuffix("-stubs"))
        if is_regular:
            known = len(names)
        folder = folder.parent
    return names[:known][::-1]


def _is_project(folder: Path) -> bool:
    """Whether a folder holds a project. That of a package may, in old ones."""
    marks = ("pyproject.toml", "setup.py", ".git")
    return not _is_regular_package(folder) and any(os.path.lexists(folder / mark) for mark in marks)


def _is_blank(path: Path) -> bool:
    try:
        return not path.read_bytes().strip()
    except OSError:
        return False
