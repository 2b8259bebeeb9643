"""The theme is found in the wheel's place first, then in the checkout's."""

from __future__ import annotations

from pathlib import Path

import pytest
from mkdocs.utils import get_theme_dir

from sidelit import theme


def test_the_first_folder_with_a_theme_wins(tmp_path: Path) -> None:
    wheel, checkout = tmp_path / "wheel", tmp_path / "checkout"
    for folder in (wheel, checkout):
        folder.mkdir()
    (checkout / "mkdocs_theme.yml").touch()
    assert theme.find_theme(wheel, checkout) == checkout
    (wheel / "mkdocs_theme.yml").touch()
    assert theme.find_theme(wheel, checkout) == wheel


def test_without_a_theme_both_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="one and .*two"):
        theme.find_theme(tmp_path / "one", tmp_path / "two")


def test_mkdocs_takes_the_folder_that_holds_the_theme() -> None:
    assert Path(get_theme_dir("sidelit")) == theme.TEMPLATES
    assert (theme.TEMPLATES / "main.html").is_file()
