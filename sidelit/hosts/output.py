"""
# Files beside the pages

MkDocs writes pages. What sidelit adds to the folder of the site is written here.

Where a site takes the place of an old one, most of its files are in that already. To make a file takes much longer than
to give it a second name, so the new site gets the old file: the folder that it had goes away at the end. Nothing is
ever written into a file that has been taken over, so that the old site stays whole until then.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path


def write(path: Path, data: bytes, old: Path | None = None) -> None:
    """
    ## Write a file, and the folders around it

    Or take over the `old` one, if that is the same.
    """
    if old and take_over(path, hashlib.sha256(data).digest(), old):
        return
    try:
        path.write_bytes(data)
    except FileNotFoundError:
        # Most folders are there, with the page that the file is for.
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def write_pieces(path: Path, pieces: Iterable[str]) -> None:
    """
    ## Write a file that is too large to be in memory as a whole
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(pieces)


def take_over(path: Path, digest: bytes, old: Path) -> bool:
    """
    ## Take an old file over, if it has this content

    `digest` is its SHA-256. Not where the file has other rights than a new one would have, and not where the disk
    cannot give a file two names.
    """
    try:
        status = os.lstat(old)
        if status.st_mode != _mode_of_new_files() or hashlib.sha256(old.read_bytes()).digest() != digest:
            return False
        try:
            os.link(old, path)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(old, path)
    except OSError:
        return False
    return True


def _mode_of_new_files() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return stat.S_IFREG | (0o666 & ~mask)
