"""
# Checking sources without building a site

`sidelit check` runs on every save, before every commit, and in the tests of a project. So it must be quick: what was
found in a file is kept in the [cache](../cache.py), by the content of the file, and what it takes to read prose is
loaded only for a file that has changed. MkDocs is not loaded at all.

Links are looked up in the site that `mkdocs.yml` describes. Where there is none, a link is good when the file is there.
"""

from __future__ import annotations

import contextlib
import json
import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sidelit import fingerprint, mathjax, portable
from sidelit.api.wanted import INDEX, find_modules, page_uri
from sidelit.cache import Cache, digest
from sidelit.check import duplicate_titles, sharpened
from sidelit.diagnostic import Diagnostic
from sidelit.formats import Finding
from sidelit.formula import Formula, Link
from sidelit.links import Anchors, SiteMap, Target, resolve
from sidelit.rules import Switch, levels_of_check, switched_off
from sidelit.selection import Globs
from sidelit.settings import Settings, find_settings
from sidelit.source import Document, LineRange, Section, decode, markdown_fence, parse, split_lines, take_switches
from sidelit.symbols import Symbol, unused_symbols
from sidelit.tree import (
    Mount,
    Source,
    common_folder,
    escapes,
    find_sources,
    lines_of,
    module_name,
    mount,
    name_of,
    page_address,
    shown_path,
)

if TYPE_CHECKING:
    from sidelit.page import Page


@dataclass(frozen=True)
class Checked:
    """
    ## What a check found

    `files` counts the sources. `notes` say what could not be checked.
    """

    findings: tuple[Finding, ...]
    files: int
    notes: tuple[str, ...]


def check(paths: Sequence[Path]) -> Checked:
    """
    ## Check packages and files

    Raises [`SettingsError`](../settings.py#SettingsError) where the configuration cannot be read.
    """
    settings = find_settings(Path.cwd())
    sources, problems, top = _sources(paths, settings)
    with Cache(cache_folder(settings)) as cache:
        shelf = _Shelf(cache, settings.allow_html, settings.docstrings)
        shelf.read([source for source in sources if source.is_checked])
        checked = [(each.source, shelf.facts(each.source)) for each in sources if each.is_checked]
        links = _Links(sources, settings, top, shelf)
        found = {source.shown: [*facts.diagnostics, *links.findings(source, facts)] for source, facts in checked}
        tex, notes = _check_formulas([facts for _, facts in checked], settings, top, cache)
        proofs = list(_check_proofs([source.path for source, _ in checked], settings, top, cache))

    titles = [(facts.title, source.shown, facts.title_line) for source, facts in checked]
    for each in (*tex, *duplicate_titles(titles)):
        found[each.path].append(each)

    levels = levels_of_check(settings.levels)
    kept = [replace(each, path=shown_path(Path(each.path))) for each in settings.diagnostics]
    kept += [replace(each, path=shown_path(top / each.path)) for each in (*problems, *proofs)]
    for source, facts in checked:
        off = switched_off(facts.switches)
        path = shown_path(source.path)
        for each in sorted(dict.fromkeys(found[source.shown])):
            if (each.line, each.rule) not in off:
                kept.append(replace(each, path=path))
    return Checked(tuple(_told(kept, levels)), len(checked), tuple(notes))


def _check_proofs(paths: Iterable[Path], settings: Settings, top: Path, cache: Cache) -> Iterator[Diagnostic]:
    """Look at the proofs of the files, if there are any."""
    if settings.proofs:
        from sidelit.hosts.shelf import outdated, read_shelf

        shelf, wrong = read_shelf(settings.root / settings.proofs, top)
        yield from wrong
        yield from outdated(shelf, paths, cache).values()


def _told(diagnostics: Iterable[Diagnostic], levels: Mapping[str, str]) -> Iterator[Finding]:
    """Give the findings that anyone wants to hear of, with the lines at which they point."""
    lines: dict[str, tuple[str, ...]] = {}
    for each in diagnostics:
        if (level := levels[each.rule]) == "off":
            continue
        if each.path not in lines:
            lines = {each.path: lines_of(Path(each.path))}
        file = lines[each.path]
        yield Finding(each, level, file[each.line - 1] if each.line <= len(file) else "")


def cache_folder(settings: Settings) -> Path:
    """
    ## Where results are kept between builds
    """
    if settings.cache:
        return settings.root / settings.cache
    from platformdirs import user_cache_path

    return user_cache_path("sidelit")


# ## Which files


@dataclass(frozen=True)
class _Given:
    """
    ### A source, and what it is here for

    `is_checked` sources are those that were asked for. The others can be linked to. `root` is the tree of the site that
    a source is in, `None` where it is in none.
    """

    source: Source
    is_checked: bool
    root: Path | None


def _sources(paths: Sequence[Path], settings: Settings) -> tuple[list[_Given], list[Diagnostic], Path]:
    """
    ### The sources of the site, and those that were named

    Without a site, a source is called by its path, as in the file system.
    """
    asked = [Path(os.path.abspath(path)) for path in paths]
    strangers = [path for path in asked if not any(path.is_relative_to(each.path) for each in settings.mounts)]
    top = common_folder([*settings.mounts, *(Mount(path, "") for path in strangers)])
    extra = [mount(path, _place(path if path.is_dir() else path.parent, top, settings.docs)) for path in strangers]

    given: dict[Path, _Given] = {}
    problems: list[Diagnostic] = []
    for mounts, is_site in ((settings.mounts, True), (extra, False)):
        if not mounts:
            continue
        sources, wrong = find_sources(mounts, settings.globs if is_site else Globs())
        own_top = common_folder(mounts)
        for source in sources:
            is_checked = not asked or any(source.path.is_relative_to(path) for path in asked)
            root = next(each.path for each in mounts if source.path.is_relative_to(each.path)) if is_site else None
            source = replace(source, shown=name_of(source.path, top))
            given.setdefault(source.path, _Given(source, is_checked, root))
        for each in wrong:
            if any(Path(each.path).is_relative_to(name_of(one, own_top)) for one in asked):
                problems.append(replace(each, path=name_of(own_top / each.path, top)))
    problems += _addresses([each.source for each in given.values() if each.is_checked and each.root])
    return list(given.values()), problems, top


def _place(folder: Path, top: Path, docs: Path | None) -> str:
    """Return where a folder is that is no tree of the site: a hand-written page has its place in that."""
    docs = Path(os.path.abspath(docs)) if docs else None
    start = docs if docs and folder.is_relative_to(docs) else top
    return Path(os.path.relpath(folder, start)).as_posix()


def _addresses(sources: Iterable[Source]) -> Iterator[Diagnostic]:
    taken: dict[str, tuple[str, str]] = {}
    told: set[str] = set()
    for source in sorted(sources, key=lambda source: not source.is_markdown):
        address = page_address(source.uri, False)
        other, at = taken.setdefault(portable.place(address), (source.shown, address))
        problem = portable.problem(address) if other == source.shown else portable.clash(address, other, at)
        if problem and problem not in told:
            told.add(problem)
            yield Diagnostic(source.shown, 1, 1, "address", problem)


# ## What is known of a file


@dataclass(frozen=True)
class Facts:
    """
    ### All that other rules need of a page

    As in [`Page`](../page.py#Page), without its body.
    """

    title: str = ""
    title_line: int = 0
    anchors: tuple[str, ...] = ()
    code_lines: tuple[LineRange, ...] = ()
    links: tuple[Link, ...] = ()
    formulas: tuple[Formula, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    switches: tuple[Switch, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


class _Shelf:
    """
    ### The facts of files, each found out once

    They are kept by the content of the file, and made where they are not there.
    """

    def __init__(self, cache: Cache, allow_html: bool, docstrings: str) -> None:
        self.cache, self.allow_html, self.docstrings = cache, allow_html, docstrings
        self.known: dict[Path, Facts] = {}

    def read(self, given: Sequence[_Given]) -> None:
        """Look up many at once."""
        keys = {}
        for each in given:
            data = _content(each.source)
            if isinstance(data, bytes):
                keys[each.source] = self.key(each.source, data)
        kept = self.cache.get_many("check", keys.values())
        for source, key in keys.items():
            if key in kept and (facts := _facts_from(kept[key])):
                self.known[source.path] = facts

    def facts(self, source: Source) -> Facts:
        """Return the facts of one file. One that cannot be read has a finding and nothing else."""
        if source.path not in self.known:
            data = _content(source)
            if isinstance(data, OSError):
                message = f"cannot be read: {data.strerror}; it is not checked"
                return Facts(diagnostics=(Diagnostic(source.shown, 1, 1, "source", message),))
            facts = _make_facts(source, data, self.allow_html, self.docstrings)
            self.cache.put("check", self.key(source, data), _packed(facts))
            self.known[source.path] = facts
        return self.known[source.path]

    def key(self, source: Source, data: bytes) -> str:
        """Return what the facts hang on."""
        about = repr((source.shown, source.module, source.path.name, self.allow_html, self.docstrings))
        return digest(fingerprint.of_generator(), about, data)


def _content(source: Source) -> bytes | OSError:
    try:
        return source.path.read_bytes()
    except OSError as error:
        return error


def _make_facts(source: Source, data: bytes, allow_html: bool, docstrings: str) -> Facts:
    from sidelit.making import make_page

    text, faults = decode(data, source.shown)
    document = _markdown(text, source.shown) if source.is_markdown else parse(text, source.shown, source.module)
    page = make_page(
        document, allow_html=allow_html, docstrings=docstrings, module=source.module, is_package=source.is_package
    )
    return _facts_of(page.with_diagnostics(faults), source.is_markdown)


def _facts_of(page: Page, is_markdown: bool) -> Facts:
    anchors = page.anchors
    if is_markdown:
        from markdown.extensions.toc import slugify, slugify_unicode

        # The host makes the ids of its headings, in one way or the other.
        anchors += tuple(make(each.text, "-") for each in page.headings for make in (slugify, slugify_unicode))
    return Facts(
        title=page.title,
        title_line=0 if is_markdown else page.title_line,
        anchors=anchors,
        code_lines=page.code_lines,
        links=(*page.links, *filter(None, (page.image, page.redirect))),
        formulas=tuple(page.formulas),
        symbols=page.symbols,
        switches=page.switches,
        diagnostics=page.diagnostics,
    )


def _markdown(text: str, path: str) -> Document:
    """
    ### A readme, as if it were the prose of a source

    Its front matter is the host's.
    """
    lines = split_lines(text)
    start = markdown_fence(lines)
    docs = [(line.expandtabs(4), (number, 1)) for number, line in enumerate(lines[start:], start=start + 1)]
    switches = take_switches(docs)
    origins = tuple(origin for _, origin in docs)
    prose = "\n".join(line for line, _ in docs)
    section = Section(0, "module", "module", "", prose, ((1, len(lines)),), (), origins)
    return Document(path, {}, path, "", (section,), lines, (), tuple(switches))


def _packed(facts: Facts) -> bytes:
    return json.dumps(vars(facts), default=vars, ensure_ascii=False, separators=(",", ":")).encode()


def _facts_from(data: bytes) -> Facts | None:
    """Return what was packed, `None` for a foreign entry of the cache."""
    try:
        values = json.loads(data)
        kinds: dict[str, Any] = {"links": Link, "formulas": Formula, "diagnostics": Diagnostic}
        lists = {name: tuple(kind(**each) for each in values[name]) for name, kind in kinds.items()}
        symbols = tuple(Symbol(each["variable"], Formula(**each["formula"])) for each in values["symbols"])
        switches = tuple(Switch(**each | {"names": tuple(each["names"])}) for each in values["switches"])
        code_lines = tuple((first, last) for first, last in values["code_lines"])
        anchors = tuple(values["anchors"])
        given = {"anchors": anchors, "code_lines": code_lines, "symbols": symbols, "switches": switches}
        return Facts(values["title"], values["title_line"], **given, **lists)
    except (ValueError, KeyError, TypeError):
        return None


# ## Links


class _AnchorsOf:
    """
    ### The anchors of a page, found out when someone asks
    """

    def __init__(self, source: Source, shelf: _Shelf) -> None:
        self.source, self.shelf = source, shelf

    def __contains__(self, anchor: object) -> bool:
        return anchor in self._anchors()

    def __iter__(self) -> Iterator[str]:
        return iter(self._anchors())

    def __len__(self) -> int:
        return len(self._anchors().names)

    def _anchors(self) -> Anchors:
        facts = self.shelf.facts(self.source)
        return Anchors(frozenset(facts.anchors), facts.code_lines)


class _Links:
    """
    ### Links, looked up in the site
    """

    def __init__(self, given: Sequence[_Given], settings: Settings, top: Path, shelf: _Shelf) -> None:
        self.top, self.shelf = top, shelf
        self.roots = {each.source.path: each.root for each in given}
        self.targets: dict[str, Target] = {}
        self.aliases: dict[str, str] = {}
        self.site = SiteMap(self.targets, self.aliases)
        self.met: set[Path] = set()
        for path in _pages_of(settings.docs):
            uri = path.relative_to(settings.docs or path).as_posix()
            self.add(uri, name_of(path, top), None)
        if settings.api:
            # What will be on those pages, nobody knows before the modules are imported.
            modules = find_modules(settings.api, [each.source for each in given if each.root])
            for uri in (INDEX, *map(page_uri, modules)):
                self.add(uri, uri, None)
        for each in given:
            self.add(each.source.uri, each.source.shown, _AnchorsOf(each.source, shelf))

    def add(self, uri: str, shown: str, anchors: _AnchorsOf | None) -> None:
        """Let a file be linked to, by each of its names."""
        self.targets[uri] = Target(uri, anchors)
        if not uri.endswith((".py", ".md")):
            return
        flat = page_address(uri, False)
        self.aliases[flat] = uri
        self.aliases[page_address(uri, True)] = uri
        if posixpath.basename(flat) == "index.html":
            self.aliases[posixpath.dirname(flat) or "."] = uri
        self.aliases.setdefault(shown, uri)

    def findings(self, source: Source, facts: Facts) -> Iterator[Diagnostic]:
        """Give what is wrong with the links of a page."""
        own = self.targets[source.uri]
        for link in facts.links:
            if "//" in link.target or link.target.startswith("mailto:"):
                continue
            resolved = resolve(link.target, (source.uri, source.shown), self.site, own)
            if resolved.problem and resolved.rule != "anchor":
                there = self.finds(source, link.target)
                resolved = resolve(link.target, (source.uri, source.shown), self.site, own)
                if there and resolved.rule != "anchor":
                    continue
            yield from resolved.findings(link)

    def finds(self, source: Source, target: str) -> bool:
        """
        Whether a link that leads to no page leads to a file

        In a site, files that are no sources are published if they lie in the tree. Without one, it is enough that a
        file is there, and if it is a source, it becomes one that can be linked to.
        """
        relative = unquote(target.partition("#")[0].partition("?")[0])
        path = Path(os.path.normpath(source.path.parent / relative))
        root = self.roots[source.path]
        if root is not None:
            hidden = any(part.startswith(".") for part in path.parts[len(root.parts) :])
            published = path.suffix not in (".py", ".md") and not hidden and os.path.isfile(path)
            return published and not escapes(path, root if root.is_dir() else root.parent)
        candidates = [path]
        if path.suffix == ".html":
            candidates += [path.with_suffix(".py"), path.with_suffix(".md")]
            candidates += [path.with_name("__init__.py")] * (path.name == "index.html")
        self.meet(path.parent)
        return any(map(os.path.isfile, [*candidates, path / "__init__.py"]))

    def meet(self, folder: Path) -> None:
        """Let the sources of a folder be linked to, and be suggested."""
        if folder in self.met:
            return
        self.met.add(folder)
        with contextlib.suppress(OSError):
            for name in sorted(os.listdir(folder)):
                uri = name_of(folder / name, self.top)
                if name.endswith((".py", ".md")) and uri not in self.targets:
                    stranger = Source(folder / name, uri, uri, module_name(folder / name))
                    self.add(uri, uri, _AnchorsOf(stranger, self.shelf))
        self.site = SiteMap(self.targets, self.aliases)


def _pages_of(docs: Path | None) -> Iterator[Path]:
    """Give the files of `docs/`, in order."""
    for folder, names, files in os.walk(docs) if docs else ():
        names[:] = sorted(name for name in names if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files) if not name.startswith("."))


# ## Formulas


def _check_formulas(
    pages: Sequence[Facts], settings: Settings, top: Path, cache: Cache
) -> tuple[list[Diagnostic], list[str]]:
    """
    ### Let MathJax read the formulas

    All are asked for first, so that Node works on the new ones while the others are looked up.
    """
    pages = [facts for facts in pages if facts.formulas or facts.symbols]
    if not pages or settings.math != "build":
        return [], []
    if lack := mathjax.missing():
        return [], [f"{lack}; the formulas were not checked"]

    found: list[Diagnostic] = []
    lines = lru_cache(1)(lambda path: lines_of(top / path))
    with mathjax.MathJax(macros=settings.macros, cache=cache) as math:
        for facts in pages:
            math.request(facts.formulas, _pairs(facts))
            math.request([symbol.formula for symbol in facts.symbols])
        for facts in pages:
            held: set[int] = set()
            for formula in facts.formulas:
                result = math.typeset(formula, _pairs(facts))
                if isinstance(result, Diagnostic):
                    found.append(sharpened(result, settings.macros, lines))
                else:
                    held.update(result.found)
            for number, symbol in enumerate(facts.symbols):
                if isinstance(result := math.typeset(symbol.formula), Diagnostic):
                    found.append(sharpened(result, settings.macros, lines))
                elif number not in held:
                    found += unused_symbols([symbol])
    return found, []


def _pairs(facts: Facts) -> mathjax.Symbols:
    return tuple((symbol.variable, symbol.formula.tex) for symbol in facts.symbols)
