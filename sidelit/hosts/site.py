r"""
# Building a site into a folder, safely

This module runs one MkDocs build and puts the result where the user wants it. The site is made in a new folder beside
the target, which takes the target's place only when all went well. Whatever goes wrong, the old site stays as it was.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sidelit.hosts.progress import say
from sidelit.scratch import hidden_name, scratch_folder

# A folder that holds this file is one of ours, and may be replaced.
MARKER = ".sidelit"
_MARKER_TEXT = "This folder is written by sidelit: what is put here by hand is lost at the next build.\n"


class SiteError(Exception):
    """A site could not be built. The message is one line that says why, and what to do."""


@dataclass(frozen=True)
class Built:
    """
    ## What a build leaves

    `folder` is the site, `warnings` counts what was found wrong on the way.
    """

    folder: Path
    warnings: int


def build(config: Path, folder: Path, *, strict: bool = False, dated_by: Path | None = None) -> Built:
    """
    ## Build a site into a folder

    `config` is a `mkdocs.yml`. With `strict`, any warning is an error. The site bears the date of the last commit
    around `dated_by`, by default that of the configuration. Raises `SiteError` when there is no new site; the old one
    is untouched then.
    """
    try:
        _restore(folder)
        check_folder(folder)
    except OSError as error:
        raise SiteError(f"{folder}: {error.strerror}; choose another folder with -o") from None
    date = build_date(dated_by or config.parent)
    with _scratch_beside(folder) as scratch, _environment("SOURCE_DATE_EPOCH", str(date)):
        with reporting() as report:
            _run_mkdocs(config, scratch, folder.resolve() if folder.is_dir() else None)
        if report.errors or (strict and report.warnings):
            count = report.errors + report.warnings
            raise SiteError(f"{count} problem{'s' * (count != 1)} found, see above; {_kept(folder)}")
        (scratch / MARKER).write_text(_MARKER_TEXT, encoding="utf-8")
        _swap_in(scratch, folder)
    return Built(folder, report.warnings)


def farewell(built: Built) -> str:
    """
    ### The last line of a build

    It says where the site is and how to open it.
    """
    found = f" {built.warnings} problem{'s' * (built.warnings != 1)} found, see above." * bool(built.warnings)
    return f"The site is in {built.folder}; open {built.folder / 'index.html'} in a browser.{found}"


def check_folder(folder: Path) -> None:
    """
    ### May this folder be replaced?

    Raises `SiteError` for a file, for a folder that cannot be written, and for one that holds something which is not a
    site of ours.
    """
    if folder.is_symlink() and not folder.exists():
        raise SiteError(f"{folder}: a symbolic link that leads nowhere; remove it, or choose another folder")
    if folder.exists() and not folder.is_dir():
        raise SiteError(f"{folder}: this is a file; choose a folder for the site")
    nearest = _nearest(folder)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise SiteError(f"{folder}: {nearest} cannot be written to; choose another folder with -o")
    if folder.is_dir():
        try:
            names = {path.name for path in folder.iterdir()}
        except OSError as error:
            raise SiteError(f"{folder}: cannot be read: {error.strerror}; choose another folder with -o") from None
        if names and MARKER not in names and not all(_is_kept(name) for name in names):
            message = "holds files that are not a site of sidelit's; choose an empty folder with -o, or empty this one"
            raise SiteError(f"{folder}: {message}")


def build_date(root: Path) -> int:
    """
    ### The date that the site bears, in seconds since 1970

    That of the commit, so that two builds of one commit are the same to the byte. Without a repository it is 1 January
    1980, the first date that every archive format knows.
    """
    if given := os.environ.get("SOURCE_DATE_EPOCH", "").strip():
        try:
            return int(given)
        except ValueError:
            raise SiteError(f"SOURCE_DATE_EPOCH: {given!r} is not a number of seconds") from None
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
        command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
        return int(subprocess.run(command, capture_output=True, check=True, timeout=10).stdout)
    return 315532800


# ## Running MkDocs


def _run_mkdocs(config: Path, site_dir: Path, old: Path | None) -> None:
    with explained():
        # Strictness is decided by our own count: MkDocs counts only what is not silenced.
        loaded = load(config, site_dir=str(site_dir), strict=False)
        if "sidelit" in loaded.plugins:
            loaded.plugins["sidelit"].show_progress = sys.stderr.isatty()
            loaded.plugins["sidelit"].old = old
        try:
            build_loaded(loaded, "build")
        finally:
            loaded.plugins.on_shutdown()


def build_loaded(config: Any, command: str) -> None:
    """
    ### Let MkDocs build what a configuration says

    `command` is what plugins are told it is for, `build` or `serve`. Whoever calls this tells them of the end too.
    """
    from mkdocs.commands.build import build as build_with_mkdocs
    from mkdocs.exceptions import Abort

    config.plugins.on_startup(command=command, dirty=False)
    try:
        build_with_mkdocs(config)
    except Abort as error:
        raise SiteError(f"MkDocs gave up: {_one_line(error)}") from None


def load(config: Path, **options: Any) -> Any:
    """
    ### A MkDocs configuration, with its plugins
    """
    from mkdocs.config import load_config

    return load_config(config_file=str(config), **options)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """
    ### No tracebacks for what is in the user's files

    What MkDocs and the system raise becomes a `SiteError` of one line.
    """
    from mkdocs.exceptions import MkDocsException

    try:
        yield
    except MkDocsException as error:
        raise SiteError(_one_line(error)) from None
    except OSError as error:
        raise SiteError(f"{error.filename2 or error.filename or 'the site'}: {error.strerror or error}") from None


@dataclass
class Report:
    """How many warnings and errors there were, and the lines that told of them."""

    warnings: int = 0
    errors: int = 0
    lines: list[str] = field(default_factory=list)


class _Reporter(logging.Handler):
    """
    ### Messages, as the user sees them

    Warnings and errors are counted as they are printed, once in each build. Lines that name a file and a line stand
    alone, so that an editor can jump to them; the rest says how bad it is.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(logging.INFO)
        self.report = report
        self.seen: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()

        # A server builds again and again, and what is still wrong then is worth saying.
        if text.startswith("Building documentation"):
            self.seen.clear()
        if text in self.seen or (record.levelno < logging.WARNING and not _worth_saying(text)):
            return
        self.seen.add(text)
        if record.levelno >= logging.ERROR:
            self.report.errors += 1
        elif record.levelno >= logging.WARNING:
            self.report.warnings += 1
        if record.levelno >= logging.WARNING and not getattr(record, "diagnostic", False):
            text = f"{record.levelname.lower()}: {text}"
        if record.levelno >= logging.WARNING:
            self.report.lines.append(text)
        say(_coloured(text, record.levelno))


def _worth_saying(text: str) -> bool:
    """MkDocs tells of every step; only what it says about the content is of use."""
    return not text.startswith(
        ("Cleaning site", "Building documentation", "Documentation built", "The directory contains", "Page skipped")
    )


def _coloured(text: str, level: int) -> str:
    if level < logging.WARNING or not sys.stderr.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{31 if level >= logging.ERROR else 33}m{text}\033[0m"


@contextlib.contextmanager
def reporting() -> Iterator[Report]:
    """
    ### Print what MkDocs and sidelit have to say, and count it
    """
    report = Report()
    handler = _Reporter(report)
    loggers = [logging.getLogger(name) for name in ("mkdocs", "properdocs")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    try:
        yield report
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _kept(folder: Path) -> str:
    return f"{folder} is as it was" if folder.exists() else "nothing was written"


# ## Folders


@contextlib.contextmanager
def _scratch_beside(folder: Path) -> Iterator[Path]:
    """
    ### An empty folder on the same disk

    Renaming is a single step only within one disk. The folder is gone at the end, unless it took its place.
    """
    try:
        with scratch_folder(_nearest(folder), hidden_name(folder.resolve())) as scratch:
            yield scratch
    except OSError as error:
        raise SiteError(f"{folder}: cannot be written: {error.strerror}; choose another folder with -o") from None


def _nearest(folder: Path) -> Path:
    """Return the folder that the site goes into, or would be in if the folders between them were made."""
    return next(path for path in (*folder.resolve().parents, Path("/")) if path.exists())


def _old(folder: Path) -> Path:
    """Where the old site is for a moment, if folders cannot be exchanged."""
    return _nearest(folder) / f"{hidden_name(folder.resolve())}old"


def _swap_in(scratch: Path, folder: Path) -> None:
    """
    ### Put the new site in the old one's place

    Dot-files and `CNAME` in the old site belong to its publisher and are taken along.
    """
    target = folder.resolve()
    try:
        if target.is_dir():
            for path in target.iterdir():
                if _is_kept(path.name) and not (scratch / path.name).exists():
                    _copy(path, scratch / path.name)
            if not _exchange(scratch, target):
                _replace(scratch, target, _old(folder))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            scratch.rename(target)
    except OSError as error:
        raise SiteError(f"{folder}: cannot be replaced: {error.strerror}; {_kept(folder)}") from None


def _exchange(one: Path, other: Path) -> bool:
    """
    ### Let two folders change places

    In a single step, so that there is a whole site at every moment. Linux and macOS can do that, on most file systems.
    Python does not offer it.
    """
    system: Any = ctypes.CDLL(None) if os.name == "posix" else None
    names = os.fsencode(one), os.fsencode(other)
    if hasattr(system, "renameat2"):
        return bool(system.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0)
    if hasattr(system, "renamex_np"):
        return bool(system.renamex_np(*names, _EXCHANGE) == 0)
    return False


# `AT_FDCWD` of Linux; `RENAME_EXCHANGE` there and `RENAME_SWAP` on macOS
_HERE, _EXCHANGE = -100, 2


def _replace(scratch: Path, target: Path, old: Path) -> None:
    """
    ### The same in two steps

    In between there is no site. If something goes wrong just there, the old one is put back, and if it is the end of
    the process, the next build does that.
    """
    try:
        target.rename(old)
        scratch.rename(target)
    except BaseException:
        if not target.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _restore(folder: Path) -> None:
    old = _old(folder)
    if old.is_dir() and not folder.exists():
        with contextlib.suppress(OSError):
            old.rename(folder.resolve())


def _copy(path: Path, to: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.copytree(path, to, symlinks=True)
    else:
        shutil.copy2(path, to, follow_symlinks=False)


def _is_kept(name: str) -> bool:
    return name == "CNAME" or name.startswith(".")


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
