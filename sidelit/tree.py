r"""
# Finding the sources of a site

This module walks the trees that the configuration names and gives a `Source` for each file that becomes a page: where
it lies, what messages call it, and the address it gets. It is the only place where addresses are made:

| file | address | with directory addresses |
|---|---|---|
| `x.py` | `x.html` | `x/index.html` |
| `pkg/__init__.py` | `pkg/index.html` | `pkg/index.html` |
| `pkg/readme.md` | `pkg/readme.html` | `pkg/readme/index.html` |

Nothing is imported and nothing is executed. Links out of the tree are not followed: what lies behind them was not meant
to be published.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sidelit.diagnostic import Diagnostic


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
    ### One file that becomes a page

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


def mount(path: Path, at: str | None = None) -> Mount:
    """
    ### A tree under its default address

    A package is put under its name, a single file at the top. `at` counts from the top of the site and stays in it.
    """
    if at is None:
        at = path.resolve().name if path.is_dir() else ""
    return Mount(Path(os.path.abspath(path)), posixpath.normpath(f"/{at}").strip("/"))


def common_folder(mounts: Iterable[Mount]) -> Path:
    """
    ### The folder that holds all trees
    """
    return Path(os.path.commonpath([each.path.parent for each in mounts] or [Path.cwd()]))


def find_sources(mounts: Sequence[Mount]) -> tuple[list[Source], list[Diagnostic]]:
    """
    ## All sources, in the order of their addresses

    Empty `__init__.py` files make no page. A tree that does not exist, a link out of the tree and a folder that cannot
    be read are diagnostics.
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
        base = root if root.is_dir() else root.parent
        files = list(_walk(root, wrong)) if root.is_dir() else [root]
        if not files:
            wrong(root, "there is no Python file and no readme.md here", "source")
        prefix = _package_of(base)
        for file in files:
            relative = file.relative_to(base).as_posix()
            if file.name == "__init__.py" and _is_blank(file):
                continue
            uri = posixpath.join(each.at, relative)
            sources.append(Source(file, name_of(file, top), uri, _dotted(prefix, relative)))
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
    return _dotted(_package_of(path.absolute().parent), path.name)


def escapes(path: Path, root: Path) -> bool:
    """Whether a path leads out of the folder it seems to be in, through a symbolic link."""
    # Not `Path.resolve`, which raises an error for a link that leads to itself.
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


# Folders that hold other people's code or what a tool has left.
_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages"})


def _walk(root: Path, wrong: Callable[[Path, str, str], None]) -> Iterator[Path]:
    """
    ### The Python and readme files below a folder

    Sorted, since file systems list folders in any order they like. Hidden folders and virtual environments are passed
    over.
    """

    def unreadable(error: OSError) -> None:
        wrong(Path(error.filename), f"cannot be read: {error.strerror}; its files are left out", "source")

    for folder, names, files in os.walk(root, onerror=unreadable):
        here = Path(folder)
        names[:] = sorted(name for name in names if not _passed_over(here / name))
        for name in [name for name in names if (here / name).is_symlink()]:
            names.remove(name)
            if escapes(here / name, root):
                wrong(here / name, *_NOT_PUBLISHED)
        for name in sorted(files):
            path = here / name
            if name.startswith(".") or not (name.endswith(".py") or name.lower() == "readme.md"):
                continue
            if escapes(path, root):
                wrong(path, *_NOT_PUBLISHED)
            elif not path.is_file():
                wrong(path, "this is not a file, and has no page", "source")
            elif not _is_text(path.relative_to(root).as_posix()):
                wrong(path, "a name that is not UTF-8 has no address; rename it", "source")
            else:
                yield path


_NOT_PUBLISHED = "a symbolic link out of the tree is not published; put a copy in its place", "link-out-of-tree"


def _is_text(name: str) -> bool:
    """Whether a name is UTF-8 on the disk. For other bytes Python puts what is no character."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _passed_over(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _SKIPPED or (folder / "pyvenv.cfg").exists()


def name_of(path: Path, top: Path) -> str:
    """Return the path as seen from a folder, in characters that can be printed."""
    return Path(os.path.relpath(path, top)).as_posix().encode(errors="backslashreplace").decode()


def shown_path(path: Path) -> str:
    """Return the path as a person in the current folder would name it."""
    name = name_of(path, Path.cwd())
    return path.as_posix() if name.startswith("../") else name


def _package_of(folder: Path) -> str:
    """
    ### The dotted name of a folder

    Up to the outermost folder that has an `__init__.py`. A folder without one only holds packages and has no name.
    """
    names: list[str] = []
    folder = folder.resolve()
    while (folder / "__init__.py").is_file() and folder.name:
        names.insert(0, folder.name)
        folder = folder.parent
    return ".".join(names)


def _dotted(prefix: str, relative: str) -> str:
    parts = [*prefix.split("."), *posixpath.splitext(relative)[0].split("/")]
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return ".".join(part for part in parts if part) or "__init__"


def _is_blank(path: Path) -> bool:
    try:
        return not path.read_bytes().strip()
    except OSError:
        return False
