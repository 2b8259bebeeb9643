from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from sidelit.tree import Mount, find_sources, module_name, mount, page_address


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def uris(root: Path, at: str = "") -> list[str]:
    return [source.uri for source in find_sources([Mount(root, at)])[0]]


@pytest.mark.parametrize(
    ("uri", "flat", "folders"),
    [
        ("x.py", "x.html", "x/index.html"),
        ("pkg/__init__.py", "pkg/index.html", "pkg/index.html"),
        ("pkg/readme.md", "pkg/readme.html", "pkg/readme/index.html"),
        ("index.md", "index.html", "index.html"),
    ],
)
def test_addresses(uri: str, flat: str, folders: str) -> None:
    assert page_address(uri, use_directory_urls=False) == flat
    assert page_address(uri, use_directory_urls=True) == folders


def test_a_tree_is_found_in_order_with_the_names_of_its_modules(tmp_path: Path) -> None:
    root = write(
        tmp_path / "pkg",
        {
            "__init__.py": '"""Doc"""',
            "b.py": "",
            "a.py": "",
            "README.md": "",
            "notes.md": "",
            "data.txt": "",
            "sub/__init__.py": "\n",
            "sub/c.py": "",
            ".hidden/d.py": "",
            "__pycache__/e.py": "",
            "venv/pyvenv.cfg": "",
            "venv/f.py": "",
            ".g.py": "",
        },
    )
    sources, diagnostics = find_sources([mount(root)])
    assert [(source.uri, source.module) for source in sources] == [
        ("pkg/README.md", "pkg.README"),
        ("pkg/__init__.py", "pkg"),
        ("pkg/a.py", "pkg.a"),
        ("pkg/b.py", "pkg.b"),
        ("pkg/sub/c.py", "pkg.sub.c"),
    ]
    assert [source.is_markdown for source in sources] == [True, False, False, False, False]
    assert not diagnostics


def test_where_a_tree_is_mounted(tmp_path: Path) -> None:
    root = write(tmp_path / "pkg", {"a.py": ""})
    assert uris(root) == ["a.py"]
    assert uris(root, "deep/er") == ["deep/er/a.py"]
    assert mount(root).at == "pkg"
    assert mount(root / "a.py").at == ""
    assert mount(root, "/x/").at == "x"
    assert uris(root / "a.py") == ["a.py"]


def test_module_names_go_up_to_the_outermost_package(tmp_path: Path) -> None:
    root = write(tmp_path, {"top/__init__.py": "", "top/sub/__init__.py": "", "top/sub/m.py": "", "loose/n.py": ""})
    assert module_name(root / "top" / "sub" / "m.py") == "top.sub.m"
    assert module_name(root / "top" / "sub" / "__init__.py") == "top.sub"
    assert module_name(root / "loose" / "n.py") == "n"
    (source,), _ = find_sources([mount(root / "top" / "sub")])
    assert source.module == "top.sub.m"


def test_links_out_of_the_tree_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, {"secret/s.py": "", "pkg/a.py": ""})
    root = tmp_path / "pkg"
    os.symlink(tmp_path / "secret" / "s.py", root / "file.py")
    os.symlink(tmp_path / "secret", root / "folder")
    os.symlink(root, root / "loop")
    os.symlink(root / "a.py", root / "b.py")
    os.symlink(root / "gone", root / "dangling.py")
    sources, diagnostics = find_sources([Mount(root, "")])
    assert [source.uri for source in sources] == ["a.py", "b.py"]
    told = {(Path(each.path).name, each.rule) for each in diagnostics}
    assert told == {("file.py", "link-out-of-tree"), ("folder", "link-out-of-tree"), ("dangling.py", "source")}


def test_a_tree_that_is_not_there(tmp_path: Path) -> None:
    sources, (diagnostic,) = find_sources([Mount(tmp_path / "nowhere", "")])
    assert not sources
    assert str(diagnostic).startswith("nowhere:1:1: ")
