"""
# What a cached page depends on, besides its source

A page in the cache was made by a certain sidelit, with certain libraries. When any of them changes, even by an edit in
a checkout, the page has to be made again.
"""

from __future__ import annotations

import importlib.metadata
import sys
from functools import lru_cache

from sidelit.cache import digest
from sidelit.theme import PACKAGE, TEMPLATES

_LIBRARIES = ("Jinja2", "Markdown", "MarkupSafe", "nh3", "Pygments", "PyYAML")


@lru_cache(maxsize=1)
def of_generator() -> str:
    """Return a digest of the generator's own modules, its templates, its libraries and the version of Python."""
    exported = (PACKAGE / "export" / name for name in ("citation.py", "modules.py"))
    templates = (TEMPLATES / name for name in ("annotated.html", "partials/verified.html"))
    files = [*sorted(PACKAGE.glob("*.py")), *exported, *templates]
    versions = [f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES]
    return digest(*(file.read_bytes() for file in files), *versions, repr(sys.version_info[:2]))


@lru_cache(maxsize=1)
def of_site() -> str:
    """Return a digest of all that decides what becomes of a page in a site, besides its content."""
    files = [*sorted((PACKAGE / "hosts").glob("*.py")), *sorted(TEMPLATES.rglob("*.html"))]
    host = importlib.metadata.version(__import__("mkdocs").__name__)
    return digest(of_generator(), *(file.read_bytes() for file in files), host)


@lru_cache(maxsize=1)
def of_export() -> str:
    """Return a digest of all that decides what a standalone file or a notebook becomes."""
    return digest(of_generator(), *(file.read_bytes() for file in sorted((PACKAGE / "export").glob("*.py"))))
