"""
# The theme's folder

The templates are a MkDocs theme named `sidelit`. They lie beside the package in a checkout, where people edit them,
and inside the package in a wheel, where nothing else may be. This module says which of the two it is.

It is also what the entry point `mkdocs.themes` names. MkDocs asks for a module and takes the folder of its `__file__`
as the theme, so `__file__` here is a file of the theme and not this one.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def find_theme(*folders: Path) -> Path:
    """
    ## The first of the folders that holds a MkDocs theme

    Raises `FileNotFoundError` when none does, which is a broken installation.
    """
    for folder in folders:
        if (folder / "mkdocs_theme.yml").is_file():
            return folder
    raise FileNotFoundError("sidelit's theme is missing, looked in " + " and ".join(map(str, folders)))


PACKAGE = Path(__file__).resolve().parent

# The wheel's place comes first: beside an installed package, `templates` would be somebody else's.
TEMPLATES = find_theme(PACKAGE / "templates", PACKAGE.parent / "templates")

# Where the files that pages need lie in a site.
ASSETS = "assets/sidelit"

# What the columns need in whatever theme they stand, in the order in which it runs, and what the theme `sidelit` has
# besides. A page gets all of it in one file: ten requests take longer than what they bring.
SCRIPTS = ("say.js", "columns.js", "bridge.js", "preview.js", "copy.js", "lines.js", "zoom.js")
OWN_SCRIPTS = ("contents.js", "outline.js", "search.js")
SCRIPT = "pages.js"


def columns_script() -> bytes:
    """
    ## What the columns need, as one script
    """
    return one_script((TEMPLATES / ASSETS / name).read_bytes() for name in SCRIPTS)


def one_script(parts: Iterable[bytes]) -> bytes:
    """
    ### Scripts as one

    They go wrong one by one: where a browser lacks something, readers lose the part that needs it and no other.
    """
    return b"\n".join(b"try {\n%b\n} catch (error) {\n  reportError(error);\n}" % part.rstrip() for part in parts)


__file__ = str(TEMPLATES / "mkdocs_theme.yml")
