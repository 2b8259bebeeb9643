"""
# Where a source comes from

Its commit, and its licence. Both are read from the folder that the package lies in, and left out where that does not
say. Git is asked what it has; it runs no hook and no filter for that.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Licence:
    """
    ## A licence

    * `name` is an SPDX identifier where there is one
    * `copyright` are the lines of its text that say whose it is
    * `text` is all of it, `file` is where that lies
    """

    name: str = ""
    copyright: tuple[str, ...] = ()
    text: str = ""
    file: Path | None = None

    @property
    def is_spdx(self) -> bool:
        """Whether the name is one that everybody knows."""
        return bool(re.fullmatch(r"[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*", self.name))


@dataclass(frozen=True)
class Origin:
    """
    ## What is known of a source

    * `commit` is the one that is checked out, `changed` says that the files are not as in it
    """

    commit: str = ""
    changed: bool = False
    licence: Licence = Licence()


def find_origin(files: Sequence[Path]) -> Origin:
    """
    ## The origin of some files of one package
    """
    return Origins().of(files)


class Origins:
    """
    ## The origins of many files

    A site asks for each page, and git is slow to start: what it says of a folder is asked once.
    """

    def __init__(self) -> None:
        self._commits: dict[Path, tuple[str, dict[Path, str]]] = {}
        self._licences: dict[Path, Licence] = {}
        self._same: dict[Path, bool] = {}

    def of(self, files: Sequence[Path], within: Path | None = None) -> Origin:
        """
        ### The origin of files of one package, the one that was asked for first

        Git is asked about the folder that holds them all, or `within`, if that holds more.
        """
        paths = [Path(os.path.abspath(file)) for file in files]
        folder = Path(os.path.commonpath([*(path.parent for path in paths), *((within.absolute(),) if within else ())]))
        if folder not in self._commits:
            self._commits[folder] = _committed(folder)
        commit, blobs = self._commits[folder]

        # A file that is not in the commit, such as one of a package that is installed below the repository, has none.
        licence = self.licence(paths[0])
        if paths[0] not in blobs:
            return Origin(licence=licence)
        return Origin(commit, not all(self._is_as_in(path, blobs) for path in paths), licence)

    def licence(self, file: Path) -> Licence:
        """
        ### The licence of a file
        """
        folder = file.absolute().parent
        if folder not in self._licences:
            self._licences[folder] = _licence(folder)
        return self._licences[folder]

    def _is_as_in(self, file: Path, blobs: dict[Path, str]) -> bool:
        if file not in self._same:
            self._same[file] = _is_blob(file, blobs.get(file, ""))
        return self._same[file]


def _committed(folder: Path) -> tuple[str, dict[Path, str]]:
    """
    ### The commit, and what it has of a folder

    What git calls the content of each file, by its path. A name is quoted by git unless lines end with a zero.
    """
    commit = _git(folder, "rev-parse", "HEAD").strip()
    listed = _git(folder, "ls-tree", "-r", "-z", "HEAD", ".") if commit else ""
    rows = (row.partition("\t") for row in listed.split("\0") if row)
    return commit, {Path(os.path.normpath(folder / name)): facts.split()[2] for facts, _, name in rows}


def _is_blob(file: Path, blob: str) -> bool:
    """Whether a file has the content that Git calls by this name, whatever ends its lines."""
    data = file.read_bytes()
    algorithm = hashlib.sha256 if len(blob) == 64 else hashlib.sha1
    return any(
        algorithm(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == blob
        for content in (data, data.replace(b"\r\n", b"\n"))
    )


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, check=True, timeout=10, text=True).stdout
    return ""


# ## The licence


def _licence(folder: Path) -> Licence:
    """
    ### The licence of what is in a folder

    The nearest folder above that is a project says it.
    """
    for above in (folder, *folder.parents):
        texts = [above / name for name in _names_in(above) if _LICENCE_FILE.fullmatch(name)]
        texts = [path for path in texts if path.is_file()]
        project = above / "pyproject.toml"
        if texts or project.is_file():
            text = texts[0].read_text(encoding="utf-8", errors="replace") if texts else ""
            name = _declared(project) or _recognised(text)
            return Licence(name, tuple(_copyright(text)), text.strip("\n"), texts[0] if texts else None)
        if (above / ".git").exists():
            break
    return Licence()


def _names_in(folder: Path) -> list[str]:
    """Return the names in a folder in their order, none where it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


_LICENCE_FILE = re.compile(r"(?i:licen[cs]e|copying)(?:\.(?:txt|md|rst))?")


def _declared(project: Path) -> str:
    """Return the licence that a pyproject.toml names."""
    try:
        table: Any = tomllib.loads(project.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    table = table.get("project", {})
    value = table.get("license", "") if isinstance(table, dict) else ""
    if isinstance(value, dict):
        value = value.get("text", "")
    # What is longer is the text of the licence.
    return value if isinstance(value, str) and len(value) < 100 and "\n" not in value else _recognised(str(value))


def _recognised(text: str) -> str:
    """Return the name of a licence by what only its text says."""
    words = " ".join(text.split())
    if not words:
        return ""
    return next((name for name, phrase in _PHRASES if phrase in words), "see the licence of the source")


_PHRASES = [
    ("AGPL-3.0", "GNU AFFERO GENERAL PUBLIC LICENSE Version 3"),
    ("LGPL-3.0", "GNU LESSER GENERAL PUBLIC LICENSE Version 3"),
    ("GPL-3.0", "GNU GENERAL PUBLIC LICENSE Version 3"),
    ("GPL-2.0", "GNU GENERAL PUBLIC LICENSE Version 2"),
    ("Apache-2.0", "Apache License Version 2.0"),
    ("MPL-2.0", "Mozilla Public License Version 2.0"),
    ("MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"),
    ("BSD-3-Clause", "Neither the name of"),
    ("BSD-2-Clause", "Redistribution and use in source and binary forms"),
    ("ISC", "Permission to use, copy, modify, and/or distribute this software"),
    ("Unlicense", "This is free and unencumbered software released into the public domain"),
]


def _copyright(text: str) -> list[str]:
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return [line for line in lines if re.match(r"(?i:copyright) (?:\(c\)|©|\d)", line)][:5]
