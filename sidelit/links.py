r"""
# Links between sources

Authors link to what they see, the files: `[Adam](adam.py)`, ``[`step`](adam.py#Adam.step_param)``,
`[setup](../readme.md)`. This module turns such a target into the address of the page that the file became, and says
what is wrong where there is none. Addresses of pages, `adam.html`, are understood too.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from urllib.parse import quote, unquote, urlsplit

from sidelit.diagnostic import Diagnostic
from sidelit.formula import Link
from sidelit.source import LineRange
from sidelit.spelling import Spelling


@dataclass(frozen=True)
class Anchors:
    """
    ## The names on an annotated page

    `names`, and one for each line of code: `L1`, `L2` and so on. Those need not be listed, `lines` says in which ranges
    they are, in order.
    """

    names: frozenset[str]
    lines: tuple[LineRange, ...]

    def __contains__(self, anchor: object) -> bool:
        if not isinstance(anchor, str) or not _LINE.fullmatch(anchor):
            return anchor in self.names
        line = int(anchor[1:])
        at = bisect_right(self.lines, line, key=lambda span: span[0]) - 1
        return at >= 0 and line <= self.lines[at][1]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)


_LINE = re.compile(r"L[1-9]\d{0,8}", re.ASCII)


@dataclass(frozen=True)
class Target:
    """
    ## Something that can be linked to

    * `url` is its address from the top of the site, as a browser asks for it
    * `anchors` are the names it has inside, `None` where nobody knows them
    """

    url: str
    anchors: Anchors | Collection[str] | None = None

    @cached_property
    def spelling(self) -> Spelling:
        """The anchors, for who misspelt one."""
        return Spelling(self.anchors or ())


@dataclass(frozen=True)
class SiteMap:
    """
    ## Everything that can be linked to, by the ways to name it

    `targets` go by the place of their source in the site's tree. `aliases` are other names of the same places: the
    files' own paths, and the addresses of their pages. `withheld` says of files that are there why they are not
    published.
    """

    targets: Mapping[str, Target]
    aliases: Mapping[str, str] = field(default_factory=dict)
    withheld: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def spelling(self) -> Spelling:
        """The targets, for who misspelt one."""
        return Spelling(self.targets)

    def find(self, place: str) -> Target | None:
        """
        Return what is at a place, named in whatever way, or `None`

        A letter with an accent is one character on most keyboards, and two in a name that a Mac has written.
        """
        for name in (place, unicodedata.normalize("NFC", place), unicodedata.normalize("NFD", place)):
            if target := self.targets.get(name) or self.targets.get(self.aliases.get(name, "")):
                return target
        return None


@dataclass(frozen=True)
class Resolved:
    """A link's address relative to the page it stands on, and what is wrong with it by which rule, empty if nothing."""

    href: str
    problem: str = ""
    rule: str = ""

    def findings(self, link: Link) -> list[Diagnostic]:
        """Return what is wrong, at the place of the link."""
        if not self.problem:
            return []
        rule = "image" if link.kind == "src" and self.rule != "anchor" else self.rule
        return [Diagnostic(link.path, link.line, link.column, rule, self.problem)]


def resolve(raw: str, places: tuple[str, ...], site: SiteMap, own: Target) -> Resolved:
    """
    ## From what the author wrote to an address

    `places` are the ways in which the linking file itself is named, its place in the site's tree first: a relative
    target is looked for from each. `own` is its page. A target that is not found is left as it is.
    """
    try:
        parts = urlsplit(raw)
    except ValueError:
        return Resolved(raw, f"`{raw}` is not a valid address", "link")
    anchor = unquote(parts.fragment)

    if not parts.path:
        return Resolved(raw, _anchor_problem(anchor, own, "this page"), "anchor")

    # An address from the top of the server belongs to whoever runs it.
    if parts.path.startswith("/"):
        return Resolved(raw)

    path = unquote(parts.path)
    for place in places:
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(place), path))
        if target := site.find(wanted):
            href = relative_url(target.url, own.url)
            suffix = f"?{parts.query}" * bool(parts.query) + f"#{parts.fragment}" * bool(parts.fragment)
            return Resolved(href + suffix, _anchor_problem(anchor, target, f"`{path}`"), "anchor")

    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(places[0]), path))
    if wanted in site.withheld:
        return Resolved(raw, f"`{raw}` is not published: {site.withheld[wanted]}", "link")
    if path.endswith(".html"):
        advice = f"{_suggestion(wanted, places[0], site)}; link to the source and not to the page"
        return Resolved(raw, f"no source makes the page `{path}`: {advice}", "output-link")
    return Resolved(raw, f"`{raw}` leads nowhere: {_suggestion(wanted, places[0], site)}", "link")


def is_local(address: str) -> bool:
    """
    ### Whether an address points into the site

    It has no scheme and no host, read as leniently as browsers do.
    """
    address = _IGNORED.sub("", address)
    return bool(address) and not _SCHEME.match(address)


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|[/\\]{2}")
_IGNORED = re.compile(r"^[\x00-\x20]+|[\t\n\r]+")


def relative_url(url: str, from_url: str) -> str:
    """
    ### One page's address as seen from another

    A page at `a/b/` is in the folder `a/b`, one at `a/b.html` in the folder `a`.
    """
    return _relative_url(url, posixpath.dirname(from_url))


@lru_cache(10_000)
def _relative_url(url: str, folder: str) -> str:
    path = posixpath.relpath(url or ".", folder or ".")
    if url.endswith("/") or url in ("", "."):
        path += "/"
    return path


def url_of(address: str, use_directory_urls: bool) -> str:
    """
    ### A file of the site as a browser asks for it
    """
    folder, name = posixpath.split(address)
    if use_directory_urls and name == "index.html":
        return quote(f"{folder}/" if folder else "./")
    return quote(address)


def _anchor_problem(anchor: str, target: Target, name: str) -> str:
    # Browsers find the top of a page by themselves.
    if anchor.lower() in ("", "top") or target.anchors is None or anchor in target.anchors:
        return ""
    near = target.spelling.nearest(anchor)
    return f"there is no `#{anchor}` on {name}" + (f"; did you mean `#{near}`?" if near else "")


def _suggestion(wanted: str, place: str, site: SiteMap) -> str:
    near = site.spelling.nearest(wanted, cutoff=0.8)
    if not near:
        return "no source of this site is there"
    return f"did you mean `{posixpath.relpath(near, posixpath.dirname(place) or '.')}`?"
