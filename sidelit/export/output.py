"""
# A file, put in its place in one step

Whoever reads the file while it is written, or after the disk was full, finds the old one or the new one and never half
of either. A file of that name is replaced, as with the `-o` of a compiler. What is no file, a folder or a device, is
left alone.
"""

from __future__ import annotations

import os
from pathlib import Path

from sidelit.scratch import hidden_name, scratch_folder


def encoded(text: str) -> bytes:
    """
    ## A text as it is written

    In UTF-8. It may hold the name of a file, and that need not be.
    """
    return text.encode(errors="backslashreplace")


def write_file(path: Path, text: str) -> str:
    """
    ## Write a file

    Returns what went wrong, and is empty where nothing did.
    """
    # A link is followed, so that the file it leads to is replaced and not the link.
    target = Path(os.path.realpath(path))
    if os.path.exists(target) and not os.path.isfile(target):
        return "is not a file; name another with -o"
    try:
        with scratch_folder(target.parent, hidden_name(target), 0o700) as folder:
            made = folder / "made"
            made.write_bytes(encoded(text))
            if target.exists():
                made.chmod(target.stat().st_mode & 0o7777)
            made.replace(target)
    except OSError as error:
        return f"cannot be written: {error.strerror}; name another file with -o"
    return ""
