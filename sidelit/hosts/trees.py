"""
# The trees' files, among MkDocs' own

Each source and each readme of the trees is added to the files that MkDocs knows, and so is what their pages show, such
as images. What lies in `docs` already stays, and what MkDocs had better not publish is taken out.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from mkdocs.structure.files import File, Files

from sidelit import portable
from sidelit.diagnostic import Diagnostic
from sidelit.hosts.documents import AnnotatedFile, AnnotatedPage, Make, ReadmePage, edit_uri
from sidelit.hosts.telling import Teller
from sidelit.links import relative_url, url_of
from sidelit.selection import Globs
from sidelit.source import decode
from sidelit.theme import ASSETS
from sidelit.tree import (
    NO_FILE,
    NOT_PUBLISHED,
    NOT_TEXT,
    PACKAGE_FILES,
    Mount,
    Source,
    escapes,
    find_sources,
    is_text,
    name_of,
    page_address,
)

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig


class Trees:
    """
    ## The trees of one build

    * `config` is MkDocs' configuration
    * `mounts` are the trees, `globs` say which of their files are meant
    * `top` is the folder from which diagnostics name their files
    * `teller` hears what is wrong with files
    * `bounded` says that readmes may be anyone's, and may not take long
    * `sources` are those that have a page, by their names in MkDocs
    * `withheld` says of files that pages refer to why they are not published, by their places in the site
    """

    def __init__(
        self, config: MkDocsConfig, mounts: Sequence[Mount], globs: Globs, top: Path, teller: Teller, *, bounded: bool
    ) -> None:
        self._config = config
        self._bounded = bounded
        self._mounts = mounts
        self._globs = globs
        self._top = top
        self._teller = teller
        self.sources: Mapping[str, Source] = {}
        self.withheld: dict[str, str] = {}
        self._places: Mapping[str, str] = {}
        self._addresses: Mapping[str, str] = {}
        self._taken: frozenset[str] = frozenset()

    def add(self, files: Files, titles: Mapping[str, str | None], make: Make) -> list[File]:
        """
        ### Add the trees' files to MkDocs'

        `titles` are those that the navigation gives to them. Returns what was added, in order.
        """
        self._check_docs(files)
        sources, diagnostics = find_sources(self._mounts, self._globs)
        taken = {portable.place(file.dest_uri): file for file in files.documentation_pages()}
        folders = {folder: file for file in taken.values() for folder in _folders_of(file.dest_uri)}
        added: list[File] = []
        told: set[str] = set()

        # Hand-written prose comes first where two want one address.
        for source in sorted(sources, key=lambda source: not source.is_markdown):
            # A tree may lie in `docs`. Readmes are pages there already, and code is not only to be copied.
            there = files.get_file_from_path(source.uri)
            if there and os.path.realpath(there.abs_src_path or "") == os.path.realpath(source.path):
                if there.is_documentation_page():
                    continue
                files.remove(there)

            file = self._file(source)
            other = taken.get(portable.place(file.dest_uri)) or files.get_file_from_path(source.uri)
            blocked = "" if other else _blocked(file.dest_uri, taken, folders)
            problem = _clash(file, other) if other else blocked or portable.problem(file.dest_uri)
            if problem and problem not in told:
                told.add(problem)
                diagnostics.append(Diagnostic(source.shown, 1, 1, "address", problem))
            if other or blocked or not portable.is_writable(file.dest_uri):
                continue
            taken[portable.place(file.dest_uri)] = file
            folders |= dict.fromkeys(_folders_of(file.dest_uri), file)
            files.append(file)
            added.append(file)
            if isinstance(file, AnnotatedFile):
                AnnotatedPage(titles.get(source.uri), file, self._config, make)
            else:
                title, tell = titles.get(source.uri), self._teller.tell
                ReadmePage(title, file, self._config, bounded=self._bounded, shown=source.shown, tell=tell)

        added.sort(key=lambda file: file.src_uri)
        by_uri = {source.uri: source for source in sources}
        self.sources = {file.src_uri: by_uri[file.src_uri] for file in added}
        self._places = {str(source.path): uri for uri, source in self.sources.items()}
        self._addresses = {file.src_uri: file.dest_uri for file in added}
        self._taken = frozenset(taken)
        self._teller.tell(diagnostics)
        return added

    def _file(self, source: Source) -> File:
        if not source.is_markdown:
            return AnnotatedFile(source, self._config)
        file = File.generated(self._config, source.uri, abs_src_path=str(source.path))
        file.dest_uri = page_address(source.uri, self._config.use_directory_urls)
        file.name = posixpath.splitext(posixpath.basename(source.uri))[0]
        file.edit_uri = edit_uri(source.path, self._config)
        file.content_string = self._text_of(source.path, source.shown)
        return file

    def _check_docs(self, files: Files) -> None:
        """Keep MkDocs from what it would publish, or fall over: links out of `docs`, pipes, what is not UTF-8."""
        docs = Path(self._config.docs_dir)
        told: set[Path] = set()
        for file in list(files):
            if file.src_dir is None or Path(file.src_dir) != docs:
                continue
            path = docs / file.src_uri
            place, message, rule = _unpublishable(path, docs)
            if message:
                files.remove(file)
                if place not in told:
                    told.add(place)
                    self._teller.tell([Diagnostic(name_of(place, self._top), 1, 1, rule, message)])
            elif file.is_documentation_page():
                try:
                    path.read_text(encoding="utf-8-sig")
                except (UnicodeDecodeError, OSError):
                    file.content_string = self._text_of(path, name_of(path, self._top))

    def _text_of(self, path: Path, shown: str) -> str:
        """Read a Markdown file, whatever is in it."""
        try:
            text, diagnostics = decode(path.read_bytes(), shown)
        except OSError as error:
            text, diagnostics = "", [Diagnostic(shown, 1, 1, "source", f"cannot be read: {error.strerror}")]
        self._teller.tell(diagnostics)
        return text

    def parents(self, page: AnnotatedPage) -> Iterator[tuple[str, str]]:
        """
        ### The pages above a page

        The home page, then each package that has a page, as names and links.
        """
        yield "home", relative_url("" if page.file.use_directory_urls else "index.html", page.file.url)
        folder = ""
        for name in posixpath.dirname(page.source.uri).split("/"):
            folder = posixpath.join(folder, name)
            package = (posixpath.join(folder, each) for each in PACKAGE_FILES)
            if address := next(filter(None, map(self._addresses.get, package)), ""):
                yield name, relative_url(url_of(address, page.file.use_directory_urls), page.file.url)

    def place(self, target: str, source: Source) -> str:
        """
        ### A link to a source by its place in the site, in which a folder `src` does not count

        Empty where `target`, as it stands in a source, is no source.
        """
        relative, mark, anchor = target.partition("#")
        place = self._places.get(os.path.normpath(source.path.parent / unquote(relative)))
        if not relative or place is None:
            return ""
        return quote(posixpath.relpath(place, posixpath.dirname(source.uri) or ".")) + mark + anchor

    def publish(self, source: Source, target: str, files: Files) -> None:
        """
        ### Put a file of the tree that a page refers to, such as an image, beside the page
        """
        relative = unquote(target.partition("#")[0])
        place = posixpath.normpath(posixpath.join(posixpath.dirname(source.uri), relative))
        file = source.path.parent / relative
        if not relative or place.startswith("/") or files.get_file_from_path(place):
            return

        # Not `Path.is_file`, which raises for a name that is too long.
        if file.suffix in (".py", ".pyi", ".md") or not os.path.isfile(file):
            return
        if reason := self._why_not(source, file, place):
            self.withheld[place] = reason
        else:
            files.append(File.generated(self._config, place, abs_src_path=str(file)))

    def _why_not(self, source: Source, file: Path, place: str) -> str:
        """Return why a file may not be published, empty if it may."""
        root = next(each.path for each in self._mounts if source.path.is_relative_to(each.path))
        if escapes(file, root if root.is_dir() else root.parent):
            return "it lies outside the tree; put a copy in it"
        if any(part.startswith(".") for part in place.split("/")):
            return "it is hidden, or behind a hidden folder; move it, if readers shall have it"
        if not self._taken.isdisjoint(_folders_of(place)) or place.casefold().startswith(f"{ASSETS}/"):
            return "the site has something else in its place; move it to another folder"
        if self._bounded and not _is_inert(file):
            return "in other people's files nothing may run; for your own, say `allow_html: true` in a `mkdocs.yml`"
        return ""


# What a browser shows or saves without running anything in it
_INERT = frozenset(
    (".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp", ".ico", ".mp4", ".webm", ".mp3", ".wav", ".ogg")
    + (".pdf", ".csv", ".tsv", ".txt", ".json", ".ipynb", ".zip", ".gz", ".npy", ".npz")
)
# An element may have a prefix, and an address may be written in numbers.
_ACTIVE = re.compile(
    rb"<(?:[\w.-]+:)?(?:script|foreignobject|handler)|<!entity|<\?xml-stylesheet|javascript:"
    rb"|[\s\"'/]on[a-z]+\s*=|href\s*=\s*[\"'][^\"']*&",
    re.IGNORECASE,
)


def _is_inert(file: Path) -> bool:
    """Whether a stranger's file may be published. A drawing may, unless something could run in it."""
    if file.suffix.lower() == ".svg":
        try:
            return not _ACTIVE.search(file.read_bytes().replace(b"\0", b""))
        except OSError:
            return False
    return file.suffix.lower() in _INERT


# Files that MkDocs and the theme make at the top of a site
_MADE = frozenset(("index.html", "404.html", "search.html", "sitemap.xml", "sitemap.xml.gz"))


def _unpublishable(path: Path, docs: Path) -> tuple[Path, str, str]:
    """Return what keeps a file of `docs` from being published, why, and by which rule, all empty where nothing does."""
    for folder in reversed(path.relative_to(docs).parents):
        link = docs / folder
        if folder.parts and link.is_symlink() and not escapes(link.parent, link):
            return link, "a symbolic link to a folder that it is in is not followed; remove it", "source"
    if escapes(path, docs):
        return path, *NOT_PUBLISHED
    if not os.path.isfile(path):
        return path, *NO_FILE
    return (path, *NOT_TEXT) if not is_text(path.relative_to(docs).as_posix()) else (path, "", "")


def _folders_of(address: str) -> list[str]:
    """Return the folders that an address lies in, as `portable.place` has them."""
    parts = portable.place(address).split("/")
    return ["/".join(parts[:number]) for number in range(1, len(parts))]


def _blocked(address: str, taken: Mapping[str, File], folders: Mapping[str, File]) -> str:
    """Say what has a file where an address needs a folder, or the other way round."""
    for folder in _folders_of(address):
        if folder in taken or folder in _MADE:
            whose = _name_of(taken[folder]) if folder in taken else "the site itself"
            return f"wants the folder {folder}, where {whose} has a file; rename one, or mount it elsewhere"
    if other := folders.get(portable.place(address)):
        return f"wants the address {address}, where {_name_of(other)} has a folder; rename one, or mount it elsewhere"
    return ""


def _name_of(file: File) -> str:
    return file.source.shown if isinstance(file, AnnotatedFile) else file.src_uri


def _clash(file: File, other: File) -> str:
    address = file.dest_uri if file.src_uri == other.src_uri else other.dest_uri
    return portable.clash(file.dest_uri, _name_of(other), address)
