"""
# A place in the navigation

Pages that nobody put into `nav` get a place by their package: a section for each folder, its own page first, then its
modules, then its subpackages. This module takes the addresses of pages and gives entries as one would write them in
`mkdocs.yml`, and a home page that lists them for a site that has none. It also writes the whole tree of a site into a
script, for pages that show their own branch of it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from mkdocs.utils import dirname_to_title

from sidelit.search import assignment
from sidelit.tree import PACKAGE_FILES


def rest_of_nav(uris: Iterable[str], nav: Sequence[Any]) -> list[Any]:
    """
    ## The entries that a navigation lacks

    `uris` are sources' places in the site, such as `optimizers/adam.py`; `nav` is what the user wrote.
    """
    named = sources_in(nav)
    tree: dict[str, Any] = {}
    for uri in sorted(set(uris) - named, key=_order):
        folder, name = posixpath.split(uri)
        branch = tree
        for part in folder.split("/") if folder else ():
            branch = branch.setdefault(f"{part}/", {})
        branch[name] = uri
    return _entries(tree)


def home_page(title: str, uris: Iterable[str]) -> str:
    """
    ## A home page, as Markdown

    The contents of the site, in the order of the navigation.
    """
    return "\n".join([f"# {literal(title)}", "", *_items(rest_of_nav(uris, []), "")])


def tree_script(nav: Iterable[Any]) -> str:
    """
    ## The site tree as a script

    `nav` is MkDocs' navigation. A page is its title and its address from the top of the site, a section its title and
    the list of what is in it.
    """
    return assignment("sidelitTree", _branch(nav))


def _branch(items: Iterable[Any]) -> list[Any]:
    # A title is escaped HTML where MkDocs read it from a heading, and text where it was configured.
    return [
        [Markup(str(item.title or "")).striptags(), _branch(item.children) if item.is_section else item.url or ""]
        for item in items
    ]


def _items(entries: Sequence[Any], indent: str) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, str):
            yield f"{indent}* [{literal(posixpath.basename(entry))}]({quote(entry)})"
        else:
            for name, below in entry.items():
                yield f"{indent}* {literal(name)}"
                yield from _items(below, indent + "    ")


def literal(text: str) -> str:
    """
    ## A text as Markdown that shows it as it is

    With references for characters that mean something, since a backslash before a bracket would begin a formula.
    """
    return re.sub(r"[\\`*_{}\[\]()<>&#+\-.!$|~:]", lambda match: f"&#{ord(match[0])};", text)


def sources_in(nav: Any) -> set[str]:
    """
    ## The sources that a navigation names
    """
    return {uri for uri, _ in _named(nav)}


def titles(nav: Any) -> dict[str, str]:
    """
    ## The titles that a navigation gives, by the source
    """
    return {uri: title for uri, title in _named(nav) if title}


def _named(nav: Any, title: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(nav, str):
        yield posixpath.normpath(nav), title
    elif isinstance(nav, dict):
        for name, value in nav.items():
            yield from _named(value, str(name))
    elif isinstance(nav, list):
        for value in nav:
            yield from _named(value)


def _order(uri: str) -> tuple[int, str]:
    """A package's own page comes first, then its readme, then the rest by name."""
    name = posixpath.basename(uri)
    return (0 if name in PACKAGE_FILES else 1 if name.lower() == "readme.md" else 2), uri


def _entries(tree: dict[str, Any]) -> list[Any]:
    pages = [value for value in tree.values() if isinstance(value, str)]
    folders = [(name, value) for name, value in sorted(tree.items()) if isinstance(value, dict)]
    return [*pages, *({dirname_to_title(name.rstrip("/")): _entries(branch)} for name, branch in folders)]
