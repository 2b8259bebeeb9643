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
    try:
        path.write_bytes(data)
    except FileNotFoundError:
        # Most folders are there, with the page that the file is for.
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
