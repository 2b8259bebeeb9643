"""
# In which version something is needed

What a file imports says which library it needs, and not from which version on. The project around it may say that: in
the dependencies of its `pyproject.toml`, or in its `requirements.txt` and the like.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from packaging.requirements import Requirement


@dataclass(frozen=True)
class Need:
    """
    ## A library that is needed

    * `name` is what it is installed by
    * `least` is the first version that will do, `used` the one that the project is pinned to
    """

    name: str
    least: str = ""
    used: str = ""

    def __str__(self) -> str:
        return f"{self.name}>={self.least}" if self.least else self.name


def need(module: str, declared: dict[str, Need]) -> Need:
    """
    ## From the name of an import to a need

    `declared` is what the project says.
    """
    # Imported here, since it takes long and few pages need it.
    from packaging.utils import canonicalize_name

    name = _INSTALLED_AS.get(module, module)
    return declared.get(canonicalize_name(name), Need(name))


# Libraries that are imported by another name than they are installed by
_INSTALLED_AS = {
    "PIL": "pillow", "bs4": "beautifulsoup4", "cv2": "opencv-python", "dateutil": "python-dateutil",
    "skimage": "scikit-image", "sklearn": "scikit-learn", "yaml": "PyYAML",
}  # fmt: skip


def declared_needs(folder: Path) -> dict[str, Need]:
    """
    ## What the project around a folder declares

    The nearest folder above that says anything counts. Of what is said twice the first least version holds: that of
    `pyproject.toml`, then those of other files by their names.
    """
    from packaging.utils import canonicalize_name

    for above in (folder, *folder.parents):
        found: dict[str, Need] = {}
        for line in (*_of_project(above / "pyproject.toml"), *_of_lists(above)):
            if wanted := _requirement(line):
                bounds = {each.operator: each.version for each in wanted.specifier if not each.version.endswith("*")}
                key = canonicalize_name(wanted.name)
                before = found.get(key, Need(wanted.name))
                found[key] = Need(
                    before.name,
                    before.least or bounds.get(">=", bounds.get("~=", "")),
                    before.used or bounds.get("==", bounds.get("===", "")),
                )
        if found or (above / ".git").exists():
            return found
    return {}


# A comment, or the first option of pip after a requirement
_NO_PART = re.compile(r"(?:^|\s)(?:#|--|\\).*")


def _requirement(line: str) -> Requirement | None:
    """Read a line, which may be something else altogether."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(_NO_PART.sub("", line))
    except InvalidRequirement:
        return None


def _of_project(path: Path) -> Iterator[str]:
    try:
        table: Any = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError):
        return
    if not isinstance(table, dict):
        return
    more = table.get("optional-dependencies", {})
    groups = [table.get("dependencies", []), *(more.values() if isinstance(more, dict) else [])]
    yield from (line for group in groups if isinstance(group, list) for line in group if isinstance(line, str))


def _of_lists(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("requirements*.txt")):
        try:
            yield from path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            continue
