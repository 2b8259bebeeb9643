"""
# A file, put in its place in one step

Whoever reads the file while it is written, or after the disk was full, finds the old one or the new one and never half
of either. A file of that name is replaced, as with the `-o` of a compiler. What is no file, a folder or a device, is
left alone.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_file(path: Path, text: str) -> str:
    """
    ## Write a file

    Returns what went wrong, and is empty where nothing did.
    """
    # A link is followed, so that the file it leads to is replaced and not the link.
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        return "is not a file; name another with -o"
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask())
        os.replace(temporary, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        return f"cannot be written: {error.strerror}; name another file with -o"
    return ""


def _umask() -> int:
    # There is no other way to ask.
    mask = os.umask(0)
    os.umask(mask)
    return mask
