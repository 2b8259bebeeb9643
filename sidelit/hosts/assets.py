"""
# What pages need in a host without plugins

A Markdown extension can give a page its text and no files. So the style sheet, the script and the fonts are written
once, into the folder of the hand-written pages, and the site's configuration names them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from sidelit import mathjax
from sidelit.fonts import files_of
from sidelit.hosts.site import SiteError
from sidelit.theme import ASSETS, SCRIPT, TEMPLATES, columns_script

SHEET = "pages.css"


def write_assets(folder: Path) -> None:
    """
    ## Write them into a folder

    Raises `SiteError` where it cannot be written.
    """
    modules = mathjax.find_modules()
    if modules is None:
        raise SiteError(f"{mathjax.missing()}; without it there are no fonts")
    fonts = modules / mathjax.FONTS
    try:
        (folder / "fonts").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(TEMPLATES / ASSETS / SHEET, folder / SHEET)
        (folder / SCRIPT).write_bytes(columns_script())
        for font in sorted(fonts.glob("*.woff2")):
            for file in files_of(font):
                (folder / "fonts" / file.name).write_bytes(file.data)
    except OSError as error:
        raise SiteError(f"{error.filename or folder}: cannot be written: {error.strerror}") from None


def configuration(address: str) -> str:
    """
    ## What the configuration has to say

    `address` is that of the folder in the site.
    """
    return f"extra_css:\n  - {address}/{SHEET}\nextra_javascript:\n  - {address}/{SCRIPT}\n"
