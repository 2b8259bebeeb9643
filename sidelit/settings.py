"""
# What a project has configured

A build is told its configuration by MkDocs. `sidelit check` must not wait for MkDocs to be loaded, so this module reads
the few lines of `mkdocs.yml` that it needs, and the table `[tool.sidelit]` of `pyproject.toml`, which builds heed too.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sidelit.api.wanted import ApiError, Wanted, read_option
from sidelit.diagnostic import Diagnostic
from sidelit.rules import Levels, read_settings
from sidelit.selection import GlobError, Globs
from sidelit.source import split_lines
from sidelit.tree import Mount, mount, shown_path

# The dialects of docstrings that may be named
DIALECTS = ("auto", "markdown", "google", "numpy", "sphinx")


class SettingsError(Exception):
    """A configuration cannot be read. The message is one line that says where and why."""


@dataclass(frozen=True)
class Settings:
    """
    ## The configuration of a project

    * `root` is the folder that holds it
    * `mounts` are the trees of the site, `docs` the folder of its hand-written pages; without a site there are none
    * `levels` are the rules that were set, `diagnostics` what is wrong with them
    * the others are the plugin's options
    """

    root: Path
    mounts: tuple[Mount, ...] = ()
    docs: Path | None = None
    levels: Levels = field(default_factory=dict)
    macros: Mapping[str, Any] = field(default_factory=dict)
    allow_html: bool = True
    globs: Globs = Globs()
    docstrings: str = "auto"
    math: str = "build"
    cache: str = ""
    proofs: str = ""
    api: Wanted = Wanted()
    diagnostics: tuple[Diagnostic, ...] = ()


def find_settings(folder: Path) -> Settings:
    """
    ## The configuration that holds in a folder

    The nearest `mkdocs.yml` or `pyproject.toml` from there upwards, but not above the folder of a repository. Raises
    `SettingsError` for a file that cannot be read.
    """
    for root in (folder, *folder.parents):
        site = next((root / name for name in ("mkdocs.yml", "mkdocs.yaml") if (root / name).is_file()), None)
        if site or (root / "pyproject.toml").is_file():
            return _read(root, site)
        if (root / ".git").exists():
            break
    return Settings(folder)


def project_rules(root: Path) -> tuple[Levels, list[Diagnostic]]:
    """
    ### The rules that `pyproject.toml` sets
    """
    path = root / "pyproject.toml"
    table, text = _table(path)
    lines = split_lines(text)
    levels, diagnostics = read_settings(table.get("rules"), str(path), lines)
    for name in [name for name in table if name not in _KNOWN]:
        place = next((n for n, line in enumerate(lines, start=1) if re.search(rf"\b{re.escape(name)}\b", line)), 1)
        message = f"`{name}` means nothing in `[tool.sidelit]`; levels of rules stand in `[tool.sidelit.rules]`"
        diagnostics.append(Diagnostic(str(path), place, 1, "unknown-rule", message))
    return levels, diagnostics


# What may stand in the table
_KNOWN = frozenset(("rules", "proofs"))


def project_proofs(root: Path) -> str:
    """
    ### The file of proofs that `pyproject.toml` names

    Its path, or nothing.
    """
    named = _table(root / "pyproject.toml")[0].get("proofs")
    return str(root / named) if isinstance(named, str) else ""


def _table(path: Path) -> tuple[dict[str, Any], str]:
    """Return the table `[tool.sidelit]`, and the text that it is in."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}, ""
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{shown_path(path)}: cannot be read: {error}") from None
    if "sidelit" not in text:
        return {}, ""
    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{shown_path(path)}: not valid TOML: {error}") from None
    table = tool.get("sidelit", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise SettingsError(f"{shown_path(path)}: `tool.sidelit` is no table; begin it with a line `[tool.sidelit]`")
    return table, text


def _read(root: Path, site: Path | None) -> Settings:
    levels, diagnostics = project_rules(root)
    if site is None:
        return Settings(root, levels=levels, proofs=project_proofs(root), diagnostics=tuple(diagnostics))

    values, text = _load(site)
    plugins = values.get("plugins") or []
    listed = plugins.items() if isinstance(plugins, dict) else _pairs(plugins)
    options = next((value for name, value in listed if name == "sidelit"), None) or {}
    if not isinstance(options, dict):
        raise SettingsError(f"{shown_path(site)}: the options of the plugin sidelit are no `name: value` lines")
    own, problems = read_settings(options.get("rules"), str(site), split_lines(text))
    return Settings(
        root,
        mounts=tuple(_mount(root, entry, site) for entry in options.get("sources") or []),
        docs=root / str(values.get("docs_dir") or "docs"),
        levels={**levels, **own},
        macros=options.get("macros") or {},
        allow_html=options.get("allow_html", True) is not False,
        globs=_globs(options, site),
        docstrings=str(options.get("docstrings") or "auto"),
        math=str(options.get("math", "build")),
        cache=str(options.get("cache") or ""),
        proofs=str(options.get("proofs") or ""),
        api=_api(options.get("api"), site, text),
        diagnostics=(*diagnostics, *problems),
    )


def _load(path: Path) -> tuple[dict[str, Any], str]:
    """Return what is in a `mkdocs.yml`. What only MkDocs can make sense of, such as `!ENV`, is nothing here."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    Loader.add_multi_constructor(None, lambda loader, tag, node: None)
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = yaml.load(text, Loader)  # noqa: S506 (a safe loader)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{shown_path(path)}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise SettingsError(f"{shown_path(path)}{place}: not valid YAML: {problem}") from None
    return (values if isinstance(values, dict) else {}), text


def _pairs(plugins: Any) -> list[tuple[Any, Any]]:
    pairs: list[tuple[Any, Any]] = []
    for each in plugins if isinstance(plugins, list) else []:
        pairs += each.items() if isinstance(each, dict) else [(each, None)]
    return pairs


def _globs(options: Mapping[str, Any], site: Path) -> Globs:
    globs = Globs(*(tuple(map(str, options.get(name) or ())) for name in ("include", "exclude")))
    try:
        globs.check()
    except GlobError as error:
        raise SettingsError(f"{shown_path(site)}: {error}") from None
    return globs


def _api(value: Any, site: Path, text: str) -> Wanted:
    try:
        return read_option(value, str(site), split_lines(text))
    except ApiError as error:
        raise SettingsError(str(error)) from None


def _mount(root: Path, entry: Any, site: Path) -> Mount:
    entry = {"path": entry} if isinstance(entry, str) else entry
    path = entry.get("path") if isinstance(entry, dict) else None
    at = entry.get("at") if isinstance(entry, dict) else None
    if not isinstance(path, str) or not isinstance(at, str | None):
        raise SettingsError(f"{shown_path(site)}: sources: {entry} is neither a path nor {{path: …, at: …}}")
    return mount(Path(os.path.normpath(root / path)), at)
