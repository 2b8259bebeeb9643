"""The site of this repository, built once for each worker. A module that imports these names can use it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sidelit.hosts.site import build

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT / "mkdocs.yml", tmp_path_factory.mktemp("built") / "site", strict=True).folder


@pytest.fixture(scope="session")
def site(folder: Path, serve_folder: Callable[[Path], str]) -> str:
    return serve_folder(folder)
