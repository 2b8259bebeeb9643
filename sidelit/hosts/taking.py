"""
# What readers take along

A page explains code that somebody wants to have. This module writes it beside the page, to be downloaded: the annotated
source, the same [as one file](../export/standalone.py) with all that it needs, a [notebook](../export/notebook.py). And
it says in a few words how to cite it, under which licence it is, what it needs, and which pages explain that.

Which files there are is for the configuration to say and, for a page, its [front matter](../offer.py). What cannot be
taken out of its package safely is not offered. An author who asked for it is told why.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sidelit import portable
from sidelit.cache import Cache, digest
from sidelit.diagnostic import Diagnostic
from sidelit.export.citation import bibtex, plain
from sidelit.export.origin import Licence, Origins
from sidelit.export.requirements import Need, declared_needs, need
from sidelit.hosts.output import write
from sidelit.links import relative_url
from sidelit.offer import Offer
from sidelit.page import offering
from sidelit.theme import ASSETS
from sidelit.tree import Source, name_of

# Few sites have standalone files and notebooks, and what makes them takes long to import.
if TYPE_CHECKING:
    from sidelit.export.drafts import Wish
    from sidelit.export.notebook import Repository
    from sidelit.export.standalone import Draft

KINDS = ("source", "standalone", "notebook")

# Where a dotted name is defined: the module and the qualified name in it
Locate = Callable[[str], tuple[str, str] | None]


@dataclass(frozen=True)
class Subject:
    """
    ## A page of which something may be taken

    `url` is its address and `file` its file in the site, `title` and `offer` are those of the [page](../page.py#Page).
    """

    source: Source
    url: str
    file: str
    title: str
    offer: Offer

    def wants(self, kind: str, kinds: Collection[str]) -> bool:
        """Whether there is to be a file of this kind; `kinds` are those of the configuration."""
        asked = {"standalone": self.offer.standalone, "notebook": self.offer.notebook}.get(kind)
        wanted = kind in kinds if asked is None else bool(asked)
        return wanted and self.source.path.suffix in _ENDINGS[kind] and os.access(self.source.path, os.R_OK)

    def place(self, kind: str) -> str:
        """Return where a file of this kind goes in the site."""
        folder, path = posixpath.dirname(self.file), self.source.path
        stem = (path.absolute().parent if self.source.is_package else path).name.partition(".")[0]
        names = {"source": path.name, "standalone": f"standalone/{stem}.py", "notebook": f"{stem}.ipynb"}
        return posixpath.join(folder, names[kind])


@dataclass
class _Site:
    """
    ### What is known of all pages

    `places` are where files go, by the page's source and the kind of file. `tops` are the packages that have pages.
    """

    subjects: tuple[Subject, ...] = ()
    modules: dict[str, Subject] = field(default_factory=dict)
    tops: frozenset[str] = frozenset()
    places: dict[tuple[str, str], str] = field(default_factory=dict)
    drafts: dict[Wish, Draft | Diagnostic] = field(default_factory=dict)


class Taking:
    """
    ## The files of one build that readers may take

    * `kinds` are those that the configuration wants for each page
    * `top` is the folder that holds all trees
    * `cache` keeps what was made
    * `locate` says where something is defined
    * `repo_url` and `edit_uri` are MkDocs'
    * `colab` is the branch that holds the site as it is built, if there is one on GitHub: where Colab finds notebooks
    """

    def __init__(
        self, kinds: Collection[str], top: Path, cache: Cache, locate: Locate, repo_url: str, edit_uri: str, colab: str
    ) -> None:
        self._kinds, self._top, self._cache, self._locate = kinds, top, cache, locate
        self._repository = _repository(repo_url, edit_uri)
        self._colab = replace(self._repository, branch=colab) if self._repository and colab else None
        self._origins = Origins()
        self._needs: dict[Path, dict[str, Need]] = {}
        self._site = _Site()
        self._read = "", b""
        self._offered: dict[str, dict[str, Any]] = {}

    def prepare(self, subjects: Iterable[Subject], taken: Iterable[str], pause: Callable[[], None]) -> list[Diagnostic]:
        """
        ### Make the files, now that all pages are known

        `taken` are files that the site has already, which are left alone. Returns why something is not there that an
        author has asked for. `pause` is called before each file, and may end the build with an exception.
        """
        pages = tuple(subjects)
        modules = {each.source.module: each for each in pages}
        site = self._site = _Site(pages, modules, frozenset(name.partition(".")[0] for name in modules))
        occupied = {portable.place(each) for each in taken}
        wishes: dict[tuple[str, str], Wish] = {}

        # A source has its place first: a package may be called `standalone`.
        for kind in KINDS:
            for subject in pages:
                place = subject.place(kind)
                if subject.wants(kind, self._kinds) and portable.place(place) not in occupied:
                    occupied.add(portable.place(place))
                    site.places[subject.source.uri, kind] = place
                    if kind != "source":
                        wishes[subject.source.uri, kind] = self._wish(subject, kind)

        if wishes:
            from sidelit.export.drafts import Drafts

            site.drafts = Drafts(self._cache).get_many(wishes.values(), pause)
        asked = {(each.source.uri, kind) for each in pages for kind in KINDS[1:] if getattr(each.offer, kind)}
        problems: list[Diagnostic] = []
        for key, wish in wishes.items():
            if isinstance(refusal := site.drafts[wish], Diagnostic):
                del site.places[key]
                if key in asked:
                    problems.append(replace(refusal, path=name_of(Path(refusal.path), self._top)))
        return list(dict.fromkeys(problems))

    def _wish(self, subject: Subject, kind: str) -> Wish:
        from sidelit.export.drafts import Wish

        if kind == "notebook":
            return Wish(subject.source.path, kind, repository=self._repository)
        name = subject.offer.standalone
        return Wish(subject.source.path, kind, name if isinstance(name, str) else "")

    # ### On the page

    def html(self, subject: Subject) -> str:
        """
        ### What the page says of it, empty if there is nothing to say
        """
        values = self._offered.pop(subject.source.uri, None) or self.values(subject)
        return offering(**values) if any(values.values()) else ""

    def values(self, subject: Subject) -> dict[str, Any]:
        """
        ### The same, before it is HTML
        """
        offer, source = subject.offer, subject.source
        places = {kind: place for kind in KINDS if (place := self._site.places.get((source.uri, kind)))}
        data = self._bytes(source) if "source" in places else None
        if data is None:
            places.pop("source", None)
        downloads = [
            {"href": self._from(subject, place), "label": label, "note": note}
            for kind, label, note in _LABELS
            if (place := places.get(kind))
        ]
        packages = [{"name": str(each), "note": _pinned(each)} for each in self._packages(subject)]
        licence = self._origins.licence(source.path)
        values = self._offered[source.uri] = {
            "downloads": downloads,
            "colab": self._colab.colab(places["notebook"]) if self._colab and "notebook" in places else "",
            "copied": self._from(subject, places["source"]) if data is not None and _is_utf8(data) else "",
            "packages": packages,
            "pages": list(self._pages(subject)),
            "licence": {"name": licence.name, "href": self._licence_address(subject, licence)} if licence.name else {},
            "citation": {"plain": plain(offer.paper), "bibtex": bibtex(offer.paper)} if offer.paper else {},
        }
        return values

    def _bytes(self, source: Source) -> bytes | None:
        """The source as it is on the disk, which is asked for when a page is shown and when it is written; none where
        it cannot be read, or no more."""
        if self._read[0] != source.uri:
            try:
                self._read = source.uri, source.path.read_bytes()
            except OSError:
                return None
        return self._read[1]

    def _from(self, subject: Subject, place: str) -> str:
        return relative_url(quote(place), subject.url)

    def _packages(self, subject: Subject) -> Iterator[Need]:
        """What has to be installed."""
        folder = subject.source.path.absolute().parent
        if folder not in self._needs:
            self._needs[folder] = declared_needs(folder)
        names = (each.partition(".")[0] for each in subject.offer.imports if not self._locate(each))
        for name in dict.fromkeys(names):
            if name not in self._site.tops:
                yield need(name, self._needs[folder])

    def _pages(self, subject: Subject) -> Iterator[dict[str, str]]:
        """The pages that explain what the file imports from this site."""
        found = (self._locate(each) for each in subject.offer.imports)
        for module in dict.fromkeys(each[0] for each in found if each):
            other = self._site.modules.get(module)
            if other and other is not subject:
                yield {"title": other.title, "href": relative_url(other.url, subject.url)}

    def _licence_address(self, subject: Subject, licence: Licence) -> str:
        return self._from(subject, _licence_place(licence)) if licence.text else ""

    # ### Beside the page

    def write(self, subject: Subject, site: Path, old: Path | None = None) -> None:
        """
        ### Write the files of a page

        `old` is the site that this one replaces, if there is one.
        """
        source = subject.source
        for kind in KINDS:
            place = self._site.places.get((source.uri, kind))
            if place and (content := self._content(subject, kind)) is not None:
                write(site / place, content, old and old / place)
        self._read = "", b""
        self._offered.pop(source.uri, None)
        licence = self._origins.licence(source.path)
        if licence.name and licence.text and not (target := site / _licence_place(licence)).exists():
            write(target, f"{licence.text}\n".encode())

    def _content(self, subject: Subject, kind: str) -> bytes | None:
        if kind == "source":
            return self._bytes(subject.source)
        from sidelit.export.notebook import notebook_text
        from sidelit.export.standalone import standalone_text

        draft = self._site.drafts[self._wish(subject, kind)]
        assert not isinstance(draft, Diagnostic)
        origin = self._origins.of([Path(path) for path in draft.facts.paths], self._top)
        if kind == "standalone":
            return standalone_text(draft, origin).encode()
        place = self._site.places[subject.source.uri, kind]
        colab = self._colab.colab(place) if self._colab else ""
        return notebook_text(draft, origin, self._repository, colab).encode()


_ENDINGS = {"source": (".py", ".pyi"), "standalone": (".py",), "notebook": (".py",)}
_LABELS = (
    ("standalone", "One file", "that runs alone"),
    ("source", "Annotated source", ""),
    ("notebook", "Notebook", ""),
)


def _repository(url: str, edit_uri: str) -> Repository | None:
    """Return the repository, on the branch that pages are edited on."""
    if not url:
        return None
    from sidelit.export.notebook import repository_of

    try:
        repository = repository_of(url)
    except ValueError:
        return None
    branch = re.search(r"(?:^|/)(?:edit|blob|_edit|src/branch|src)/([^/?#]+)/", edit_uri)
    return replace(repository, branch=branch[1]) if repository and branch else None


def _pinned(need: Need) -> str:
    return f"(used here: {need.used})" if need.used and not need.least else ""


def _licence_place(licence: Licence) -> str:
    return f"{ASSETS}/licence-{_short_digest(licence.text)}.txt"


@lru_cache
def _short_digest(text: str) -> str:
    return digest(text)[:8]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
