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

import contextlib
import os
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sidelit.diagnostic import Diagnostic


@dataclass(frozen=True)
class Mount:
    """
    ### Where a tree of sources goes

    `path` is a folder or a file, `at` the folder of the site it is put into; empty is the top.
    """

    path: Path
    at: str


@dataclass(frozen=True)
class Source:
    """
    ### One file that becomes a page

    * `path` is where it lies, `shown` what messages call it
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

    A package is put under its name, a single file at the top.
    """
    if at is None:
        at = path.resolve().name if path.is_dir() else ""
    return Mount(path, at.strip("/"))


def find_sources(mounts: Iterable[Mount]) -> tuple[list[Source], list[Diagnostic]]:
    """
    ## All sources, in the order of their addresses

    Empty `__init__.py` files make no page. A tree that does not exist, a link out of the tree and a folder that cannot
    be read are diagnostics.
    """
    sources: list[Source] = []
    diagnostics: list[Diagnostic] = []
    for each in mounts:
        root = each.path
        if not root.exists():
            diagnostics.append(Diagnostic(str(root), 1, 1, "source", "there is no such file or folder"))
            continue
        base = root if root.is_dir() else root.parent
        files = _walk(root, diagnostics) if root.is_dir() else iter([root])
        prefix = _package_of(base)
        for file in files:
            relative = file.relative_to(base).as_posix()
            if file.name == "__init__.py" and _is_blank(file):
                continue
            uri = posixpath.join(each.at, relative)
            sources.append(Source(file, shown_path(file), uri, _dotted(prefix, relative)))
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


def _walk(root: Path, diagnostics: list[Diagnostic]) -> Iterator[Path]:
    """
    ### The Python and readme files below a folder

    Sorted, since file systems list folders in any order they like. Hidden folders and virtual environments are passed
    over.
    """

    def unreadable(error: OSError) -> None:
        message = f"cannot be read: {error.strerror}; its files are left out"
        diagnostics.append(Diagnostic(shown_path(Path(error.filename)), 1, 1, "source", message))

    for folder, names, files in os.walk(root, onerror=unreadable):
        here = Path(folder)
        for name in sorted([*names, *files]):
            if not _is_text(name):
                message = "a name that is not UTF-8 has no address; rename it"
                diagnostics.append(Diagnostic(shown_path(here / name), 1, 1, "source", message))
        names[:], files = filter(_is_text, names), list(filter(_is_text, files))
        for name in sorted(names):
            if escapes(here / name, root):
                diagnostics.append(_not_published(here / name))
        names[:] = sorted(name for name in names if not _passed_over(here / name))
        for name in sorted(files):
            path = here / name
            if name.startswith(".") or not (name.endswith(".py") or name.lower() == "readme.md"):
                continue
            if escapes(path, root):
                diagnostics.append(_not_published(path))
            elif path.is_file():
                yield path
            else:
                diagnostics.append(Diagnostic(shown_path(path), 1, 1, "source", "this is not a file, and has no page"))


def _is_text(name: str) -> bool:
    """Whether a name was UTF-8 on the disk. Python stands in for other bytes with what is no character."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _passed_over(folder: Path) -> bool:
    return (
        folder.name.startswith(".")
        or folder.name in _SKIPPED
        or folder.is_symlink()
        or (folder / "pyvenv.cfg").exists()
    )


def _not_published(path: Path) -> Diagnostic:
    message = "a symbolic link out of the tree is not published; put a copy in its place"
    return Diagnostic(shown_path(path), 1, 1, "link-out-of-tree", message)


def shown_path(path: Path) -> str:
    """Return the path as a person in the current folder would name it."""
    with contextlib.suppress(ValueError):
        path = path.absolute().relative_to(Path.cwd())
    return path.as_posix().encode(errors="backslashreplace").decode()


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
