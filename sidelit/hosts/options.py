"""
# The plugin's options

What may stand below `sidelit:` in a `mkdocs.yml`, and what it means. A value that makes no sense is a `PluginError`,
which MkDocs shows without a traceback.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mkdocs.config import base
from mkdocs.config import config_options as option
from mkdocs.exceptions import PluginError

from sidelit.api.wanted import ApiError, Wanted, read_option
from sidelit.diagnostic import Diagnostic
from sidelit.hosts.taking import KINDS
from sidelit.hosts.telling import log
from sidelit.inventories import Inventory, load_inventories
from sidelit.rules import levels_of_build, read_settings
from sidelit.selection import GlobError, Globs
from sidelit.settings import DIALECTS, SettingsError, project_rules
from sidelit.source import split_lines
from sidelit.tree import Mount, mount

# Where a browser finds MathJax when the formulas are left to it, and the hash that the file must have.
CDN_SRC = "https://cdn.jsdelivr.net/npm/mathjax@4.1.3/tex-mml-chtml.js"
CDN_INTEGRITY = "sha384-OrHfGTnIbkl0do3N76qW/uWr38o91N05sbSPuYBPLH+hG8X/dNSrjZf3AGjzrCwC"


class Options(base.Config):
    """
    ## Which there are

    * `sources` are the trees: a path, or `{path: …, at: …}` where `at` is the folder of the site it goes to
    * `include` and `exclude` are globs, as in a `.gitignore`, that say which files of the trees are meant
    * `allow_html` keeps the HTML in the prose; say `false` where the sources are other people's
    * `docstrings` is their dialect: `markdown`, `google`, `numpy` or `sphinx`, or `auto` to find it out
    * `api` are the modules that have an [API reference](../api/wanted.py#read_option): `true` for those of all sources,
      a list of names, or `{modules: …, mock: […]}`. They are imported, which nothing else does.
    * `math` is `build` (typeset now, with Node) or `client` (in the reader's browser)
    * `mathjax_src` is where a browser gets MathJax from with `math: client`, `mathjax_integrity` its hash
    * `macros` are TeX macros: name to text, or to `[text, number of arguments]`
    * `inventories` say where other libraries are documented: the address of their documentation, or
      `{path: …, at: …}` for an inventory on the disk and that address
    * `proofs` is a file of [proofs](../proofs.py), which pages show
    * `downloads` are the files that each page offers: `source`, `standalone` and `notebook`
    * `colab` is the branch on GitHub that holds the built site, if there is one
    * `rules` are levels of rules: name to `off`, `warning` or `error`
    * `cache` is the folder where results are kept between builds, by default the user's own cache folder
    """

    sources = option.ListOfItems(option.Type((str, dict)), default=[])
    include = option.ListOfItems(option.Type(str), default=[])
    exclude = option.ListOfItems(option.Type(str), default=[])
    allow_html = option.Type(bool, default=True)
    docstrings = option.Choice(DIALECTS, default="auto")
    api = option.Type(object, default=False)
    math = option.Choice(("build", "client"), default="build")
    mathjax_src = option.Type(str, default=CDN_SRC)
    mathjax_integrity = option.Type(str, default=CDN_INTEGRITY)
    macros = option.Type(dict, default={})
    inventories = option.ListOfItems(option.Type((str, dict)), default=[])
    proofs = option.Type(str, default="")
    downloads = option.ListOfItems(option.Choice(KINDS), default=["source"])
    colab = option.Type(str, default="")
    rules = option.Type(dict, default={})
    cache = option.Type(str, default="")


def read_mounts(options: Options, root: Path) -> list[Mount]:
    """
    ## Where the trees are mounted

    Paths count from `root`, the folder of the configuration.
    """
    pairs = [_path_and_place(entry, "sources") for entry in options.sources]
    return [mount(root / path, at) for path, at in pairs]


def read_globs(options: Options) -> Globs:
    """
    ## Which files of the trees are meant
    """
    globs = Globs(tuple(options.include), tuple(options.exclude))
    try:
        globs.check()
    except GlobError as error:
        raise PluginError(f"sidelit: {error}") from None
    return globs


def read_rules(options: Options, root: Path, path: str) -> tuple[Mapping[str, str], list[Diagnostic]]:
    """
    ## How loud each rule is, and what is wrong with that

    `path` is that of the configuration, empty where there is no file.
    """
    try:
        common, diagnostics = project_rules(root)
    except SettingsError as error:
        raise PluginError(f"sidelit: {error}") from None
    own, problems = read_settings(options.rules, path, _lines(path) if options.rules else ())
    return levels_of_build(common, own), [*diagnostics, *problems]


def read_api(options: Options, path: str) -> Wanted:
    """
    ## Which modules have a reference

    `path` is as in `read_rules`.
    """
    try:
        return read_option(options.api, path, _lines(path) if options.api else ())
    except ApiError as error:
        raise PluginError(f"sidelit: {error}") from None


def read_inventories(options: Options, root: Path, cache: Path) -> Inventory:
    """
    ## Where other libraries are documented

    What cannot be had costs its links, and no more.
    """
    pairs = [_path_and_place(entry, "inventories") for entry in options.inventories]
    places = [(path if "://" in path else str(root / path), at or "") for path, at in pairs]
    inventory, problems = load_inventories(places, cache / "inventories")
    for problem in problems:
        log.info(problem)
    return inventory


def _lines(path: str) -> tuple[str, ...]:
    """The lines of the configuration, to say where in it something is."""
    return split_lines(Path(path).read_text(encoding="utf-8-sig", errors="replace")) if path else ()


def _path_and_place(entry: Any, name: str) -> tuple[str, str | None]:
    """Read `path`, or `{path: …, at: …}`."""
    if isinstance(entry, str):
        entry = {"path": entry}
    path, at = entry.get("path"), entry.get("at")
    if not isinstance(path, str) or not isinstance(at, str | None) or entry.keys() - {"path", "at"}:
        raise PluginError(f"sidelit: {name}: {entry} is neither a path nor {{path: …, at: …}}")
    return path, at
