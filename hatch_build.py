"""
# What a package carries besides Python

A wheel must build a site on its own, so it holds the theme as `sidelit/templates/`, and what a site needs of MathJax
and MiniSearch as `sidelit/mathjax/`, laid out as in `node_modules`. Where those are missing, they are fetched with npm,
and the fonts are cut into parts: so `pip install` is enough in a clone, also when pre-commit calls it. The sdist holds
the same files, because where a wheel is built from it there is no npm. A file that is missing fails the build with one
line: a package without it would install well and fail at its reader's.

An editable install carries nothing: there the checkout is the package.
"""

from __future__ import annotations

import ast
import runpy
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CarryHook(BuildHookInterface):
    """Adds the theme, MathJax and MiniSearch to sdist and wheel, or ends the build."""

    def dependencies(self) -> list[str]:
        """Return what a build in a checkout needs, besides hatchling."""
        root = Path(self.root)
        if packed(root).is_dir():
            return []
        npm = script(root, "install_node_modules")
        names = ["brotli", "fonttools", *([] if npm["is_on_path"]() else [npm["WHEEL"]])]

        # Of one version, so that all who make a package of the same checkout get the same.
        pinned = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
        return [line for line in pinned if line.partition("==")[0] in names]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before each build; `version` is the kind of wheel, `standard` or `editable`."""
        if version == "editable":
            return
        root = Path(self.root)
        try:
            # In an unpacked sdist they are in their place already.
            source = packed(root) if packed(root).is_dir() else installed(root)
            find_files(root, ("LICENSE", "NOTICE", "templates/mkdocs_theme.yml"))
            theme = find_files(root / "templates", ("**/*",))
            npm = find_files(source, (*parts(root, "mathjax"), *parts(root, "search")))
        except FileNotFoundError as error:
            self.app.abort(f"sidelit cannot be packaged: {error}")

        carried = build_data["force_include"]
        carried |= {str(source / name): f"sidelit/mathjax/{name}" for name in npm}
        if self.target_name == "wheel":
            carried |= {str(root / "templates" / name): f"sidelit/templates/{name}" for name in theme}


def packed(root: Path) -> Path:
    """Return the folder that an unpacked sdist has them in."""
    return root / "sidelit" / "mathjax"


def installed(root: Path) -> Path:
    """
    Return the folder that a checkout has them in, with all in it that a package needs.

    Raises `FileNotFoundError` where that cannot be had.
    """
    folder = root / "node_modules"
    if not folder.is_dir():
        command = script(root, "install_node_modules")["npm_ci"]("--omit=dev")
        fetched = subprocess.run(command, cwd=root, capture_output=True, text=True)
        if fetched.returncode:
            said = " ".join(fetched.stderr.split()) or f"it ended with status {fetched.returncode}"
            raise FileNotFoundError(f"npm cannot fetch MathJax and MiniSearch: {said}")
    script(root, "cut_fonts")["cut_all"](folder)
    return folder


def script(root: Path, name: str) -> dict[str, Any]:
    """Return what a script of the set-up defines. Raises `FileNotFoundError` where it is missing."""
    return runpy.run_path(str(root / "scripts" / f"{name}.py"))


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
