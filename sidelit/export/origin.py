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
class Origin:
    """
    ## What is known of a source

    * `commit` is the one that is checked out, `changed` says that the files are not as in it
    * `licence` is its name, an SPDX identifier where there is one
    * `copyright` are the lines of the licence's text that say whose it is
    """

    commit: str = ""
    changed: bool = False
    licence: str = ""
    copyright: tuple[str, ...] = ()


def find_origin(files: Sequence[Path]) -> Origin:
    """
    ## The origin of some files of one package
    """
    commit, changed = _commit(files)
    licence, copyright = _licence(files[0])
    return Origin(commit, changed, licence, copyright)


def _commit(files: Sequence[Path]) -> tuple[str, bool]:
    """
    ### The commit, and whether a file differs from it

    A file that is not in the commit, such as one of a package that is installed below the repository, has none.
    """
    folder = files[0].absolute().parent
    asked = ["HEAD", *(f"HEAD:./{_from(folder, file)}" for file in files)]
    answer = _git(folder, "rev-parse", *asked).split()
    if len(answer) != len(asked):
        first = _git(folder, "rev-parse", *asked[:2]).split()
        return (first[0], True) if len(first) == 2 else ("", False)
    changed = any(not _is_blob(file, blob) for file, blob in zip(files, answer[1:], strict=True))
    return answer[0], changed


def _from(folder: Path, file: Path) -> str:
    """Return the path of a file as seen from a folder."""
    return Path(os.path.relpath(file, folder)).as_posix()


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
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, check=True, timeout=10, text=True).stdout
    return ""


# ## The licence


def _licence(file: Path) -> tuple[str, tuple[str, ...]]:
    """
    ### The licence of a file

    The nearest folder above that is a project says it.
    """
    for folder in file.absolute().parents:
        texts = sorted(path for path in folder.glob("*") if _LICENCE_FILE.fullmatch(path.name) and path.is_file())
        project = folder / "pyproject.toml"
        if texts or project.is_file():
            text = texts[0].read_text(encoding="utf-8", errors="replace") if texts else ""
            return _declared(project) or _recognised(text), tuple(_copyright(text))
        if (folder / ".git").exists():
            break
    return "", ()


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
