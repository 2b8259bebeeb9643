"""
# What a package carries besides Python

A wheel must build a site on its own, so it holds the theme as `sidelit/templates/`, and what a site needs of MathJax
and MiniSearch as `sidelit/mathjax/`, laid out as in `node_modules`. The sdist holds the same files, because where a
wheel is built from it there is no npm. A file that is missing fails the build with one line: a package without it would
install well and fail at its reader's.

An editable install carries nothing: there the checkout is the package.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CarryHook(BuildHookInterface):
    """Adds the theme, MathJax and MiniSearch to sdist and wheel, or ends the build."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before each build; `version` is the kind of wheel, `standard` or `editable`."""
        if version == "editable":
            return
        root = Path(self.root)

        # In an unpacked sdist they are in their place already.
        packed, installed = root / "sidelit" / "mathjax", root / "node_modules"
        source = packed if packed.is_dir() else installed
        try:
            find_files(root, ("LICENSE", "NOTICE", "templates/mkdocs_theme.yml"))
            theme = find_files(root / "templates", ("**/*",))
            npm = find_files(source, (*parts(root, "mathjax"), *parts(root, "search")))
        except FileNotFoundError as error:
            self.app.abort(f"sidelit cannot be packaged: {error}; `npm ci` fetches MathJax and MiniSearch")

        carried = build_data["force_include"]
        carried |= {str(source / name): f"sidelit/mathjax/{name}" for name in npm}
        if self.target_name == "wheel":
            carried |= {str(root / "templates" / name): f"sidelit/templates/{name}" for name in theme}


def parts(root: Path, module: str) -> tuple[str, ...]:
    """
    Return the globs that `PARTS` in a module of sidelit names, licences among them.

    They are read, not imported: what the module imports need not be installed where a package is built.
    """
    for statement in ast.parse((root / "sidelit" / f"{module}.py").read_text(encoding="utf-8")).body:
        match statement:
            case ast.Assign(targets=[ast.Name("PARTS")], value=value) | ast.AnnAssign(ast.Name("PARTS"), value=value):
                return tuple(ast.literal_eval(value))
    raise FileNotFoundError(f"sidelit/{module}.py does not say which PARTS of node_modules it needs")


def find_files(folder: Path, globs: tuple[str, ...]) -> list[str]:
    """
    Return the files below the folder that the globs match, as sorted relative paths with forward slashes.

    Raises `FileNotFoundError` for a glob that matches none.
    """
    found: set[str] = set()
    for glob in globs:
        matches = {path.relative_to(folder).as_posix() for path in folder.glob(glob) if path.is_file()}
        if not matches:
            raise FileNotFoundError(f"nothing matches {glob} in {folder.name}/")
        found |= matches
    return sorted(found)
