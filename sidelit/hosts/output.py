"""
# Files beside the pages

MkDocs writes pages. What sidelit adds to the folder of the site is written here.
"""

from __future__ import annotations

from pathlib import Path


def write(path: Path, data: bytes) -> None:
    """
    ## Write a file, and the folders around it
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
