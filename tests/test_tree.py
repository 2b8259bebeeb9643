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


def modules(root: Path) -> dict[str, str]:
    sources, diagnostics = find_sources([Mount(root, "")])
    assert not diagnostics
    return {source.uri: source.module for source in sources}


def test_src_is_no_part_of_addresses_and_names(tmp_path: Path) -> None:
    root = write(
        tmp_path / "project",
        {
            "pyproject.toml": "",
            "src/one/__init__.py": "x = 1",
            "src/one/deep/a.py": "",
            "src/two.py": "",
            "src/spaced/b/c.py": "",
            "examples/first.py": "",
        },
    )
    assert modules(root) == {
        "examples/first.py": "examples.first",
        "one/__init__.py": "one",
        "one/deep/a.py": "one.deep.a",
        "spaced/b/c.py": "spaced.b.c",
        "two.py": "two",
    }
    assert mount(root / "src").at == ""
    assert modules(root / "src") == {uri: name for uri, name in modules(root).items() if "examples" not in uri}

    # The same names, whatever part of the tree was named.
    assert modules(root / "src" / "one" / "deep") == {"a.py": "one.deep.a"}
    assert modules(root / "src" / "spaced") == {"b/c.py": "spaced.b.c"}
    assert module_name(root / "src" / "spaced" / "b" / "c.py") == "spaced.b.c"
    assert module_name(root / "src" / "two.py") == "two"


def test_a_package_called_src_keeps_its_name(tmp_path: Path) -> None:
    root = write(tmp_path / "pkg", {"__init__.py": "x = 1", "src/a.py": ""})
    assert modules(root) == {"__init__.py": "pkg", "src/a.py": "pkg.src.a"}
    root = write(tmp_path / "other" / "src", {"__init__.py": "x = 1", "a.py": ""})
    assert mount(root).at == "src"
    assert modules(root) == {"__init__.py": "src", "a.py": "src.a"}


def test_namespace_packages_between_packages(tmp_path: Path) -> None:
    root = write(tmp_path, {"top/__init__.py": "x = 1", "top/plain/m.py": "", "top/plain/sub/__init__.py": "x = 1"})
    expected = {"__init__.py": "top", "plain/m.py": "top.plain.m", "plain/sub/__init__.py": "top.plain.sub"}
    assert modules(root / "top") == expected
    assert module_name(root / "top" / "plain" / "m.py") == "top.plain.m"
    assert modules(root / "top" / "plain" / "sub") == {"__init__.py": "top.plain.sub"}


def test_projects_in_one_repository_keep_their_own_names(tmp_path: Path) -> None:
    root = write(
        tmp_path / "repository",
        {
            "packages/a/pyproject.toml": "",
            "packages/a/src/a/x.py": "",
            "packages/b/setup.py": "",
            "packages/b/b/__init__.py": "x = 1",
            "packages/b/b/setup.py": "",
        },
    )
    assert modules(root) == {
        "packages/a/a/x.py": "a.x",
        "packages/b/b/__init__.py": "b",
        "packages/b/b/setup.py": "b.setup",
        "packages/b/setup.py": "setup",
    }


def test_a_stub_has_a_page_where_there_is_no_code(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "fast.pyi": "",
            "both.py": "",
            "both.pyi": "",
            "pkg/__init__.pyi": "x: int",
            "typed-stubs/__init__.pyi": "x: int",
            "typed-stubs/a.pyi": "",
        },
    )
    assert modules(root) == {
        "both.py": "both",
        "fast.pyi": "fast",
        "pkg/__init__.pyi": "pkg",
        "typed-stubs/__init__.pyi": "typed",
        "typed-stubs/a.pyi": "typed.a",
    }
    assert page_address("pkg/__init__.pyi", True) == "pkg/index.html"
    assert page_address("fast.pyi", False) == "fast.html"
    assert modules(root / "typed-stubs")["a.pyi"] == "typed.a"


@pytest.mark.parametrize(
    ("first", "is_python"),
    [
        ("#!/usr/bin/env python3", True),
        ("#!/usr/bin/python", True),
        ("#! /opt/bin/python3.12 -u", True),
        ("#!/usr/bin/env -S uv run --script", True),
        ("#!/usr/bin/env pypy3", True),
        ("#!/bin/sh", False),
        ("#!/usr/bin/env pythonic", False),
        ("#!/usr/bin/env uvrun", False),
        ("# python", False),
        ("", False),
    ],
)
def test_a_script_without_an_ending_is_known_by_its_first_line(tmp_path: Path, first: str, is_python: bool) -> None:
    root = write(tmp_path, {"bin/tool": f"{first}\nx = 1\n", "bin/other.sh": "#!/usr/bin/python\n", "a.py": ""})
    assert modules(root) == {"a.py": "a"} | ({"bin/tool": "bin.tool"} if is_python else {})


def test_files_that_are_no_scripts_are_not_told_of(tmp_path: Path) -> None:
    root = write(tmp_path / "tree", {"a.py": "", "LICENSE": "text"})
    (root / "binary").write_bytes(b"\xff\x00" * 1000)
    os.mkfifo(root / "pipe")
    os.symlink("/bin/sh", root / "out")
    assert modules(root) == {"a.py": "a"}
