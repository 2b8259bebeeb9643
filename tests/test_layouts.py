"""
# Everyone's code

Trees of all shapes and with all names, built as a user would, and clicked through.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest
from building import dead_links, own_cache, page, run, sidelit, write
from playwright.sync_api import Browser

from sidelit import portable

__all__ = ["own_cache"]

PROJECT: dict[str, str | bytes] = {
    "readme.md": "# The project\n\n[core](src/pkg/core.py#Core) [tool](bin/tool) [fast](src/pkg/fast.pyi)\n",
    "pyproject.toml": "",
    "src/pkg/__init__.py": '"""\n# The package\n\n[core](core.py#Core.run) [deep](deep/er.py)\n"""\n',
    "src/pkg/core.py": "from pkg.deep.er import helper\n\n\nclass Core:\n    def run(self):\n        return helper()\n",
    "src/pkg/deep/er.py": "def helper():\n    return 1\n",
    "src/pkg/fast.pyi": "def fast(x: int) -> int: ...\n",
    "src/pkg/typed.py": "x = 1\n",
    "src/pkg/typed.pyi": "x: int\n",
    "bin/tool": "#!/usr/bin/env python3\n# # A tool\n#\n# See [core](../src/pkg/core.py).\n\nprint(1)\n",
    "notebooks/intro.py": "# %% [markdown]\n# # Intro\n# See [core](../src/pkg/core.py).\n\n# %%\nx = 1\n",
    "build/lib/pkg/core.py": "x = 1\n",
    "tests/test_core.py": "x = 1\n",
    ".gitignore": "build/\n",
    ".git/HEAD": "",
}


def pages(site: Path) -> set[str]:
    made = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    return made - {"404.html", "index.html", "search.html"}


def test_a_whole_project(tmp_path: Path) -> None:
    root = write(tmp_path / "project", PROJECT)
    site = tmp_path / "site"
    ran = sidelit("build", root, "-o", site, "--strict", "--exclude", "tests/")
    assert ran.status == 0, ran.err
    assert pages(site) == {
        "project/readme.html",
        "project/pkg/index.html",
        "project/pkg/core.html",
        "project/pkg/deep/er.html",
        "project/pkg/fast.html",
        "project/pkg/typed.html",
        "project/bin/tool.html",
        "project/notebooks/intro.html",
    }
    assert not dead_links(site)

    # A dotted name in one file leads to another, which Python would find below `src`.
    links = {
        link.text: link.attributes["href"]
        for link in page(site, "project/pkg/core.html").all("a")
        if "href" in link.attributes
    }
    assert links["helper"] == "deep/er.html#helper"
    assert page(site, "project/pkg/deep/er.html").title == "pkg.deep.er"
    assert page(site, "project/pkg/typed.html").code == "x = 1"
    assert page(site, "project/pkg/fast.html").code == "def fast(x: int) -> int: ..."


def test_several_packages_and_a_file(tmp_path: Path) -> None:
    root = write(tmp_path, {"one/__init__.py": "x = 1\n", "two/src/a.py": "x = 1\n", "three.py": "x = 1\n"})
    site = tmp_path / "site"
    ran = sidelit("build", root / "one", root / "two", root / "three.py", "-o", site, "--strict")
    assert ran.status == 0, ran.err
    assert pages(site) == {"one/index.html", "two/a.html", "three.html"}


@pytest.mark.parametrize("host", ["mkdocs", "properdocs"])
def test_globs_in_a_configuration(tmp_path: Path, host: str) -> None:
    options = "sources: [pkg], include: ['*.py'], exclude: [_*.py]"
    config = f"site_name: x\ntheme: sidelit\nuse_directory_urls: false\nplugins: [sidelit: {{{options}}}]\n"
    files = {
        "mkdocs.yml": config,
        "docs/index.md": "# Home\n",
        "pkg/a.py": "x = 1\n",
        "pkg/_b.py": "",
        "pkg/readme.md": "",
    }
    write(tmp_path, files)
    ran = run(host, "build", "--strict", "-f", "mkdocs.yml", cwd=tmp_path)
    assert ran.status == 0, ran.err
    assert pages(tmp_path / "site") == {"pkg/a.html"}


def test_a_wrong_glob_and_globs_that_leave_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"pkg/a.py": "x = 1\n"})
    ran = sidelit("build", tmp_path / "pkg", "-o", tmp_path / "site", "--include", "!")
    assert ran.status == 2
    assert ran.lines[-1] == "Error: Invalid value for '--include': '!' is not a glob; write it as in a .gitignore"
    config = "site_name: x\ntheme: sidelit\nplugins: [sidelit: {sources: [pkg], exclude: ['!']}]\n"
    ran = run("mkdocs", "build", cwd=write(tmp_path, {"mkdocs.yml": config, "docs/index.md": "# Home\n"}))
    assert ran.status == 1 and "sidelit: '!' is not a glob; write it as in a .gitignore" in ran.err
    ran = sidelit("build", tmp_path / "pkg", "-o", tmp_path / "site", "--strict", "--exclude", "*.py")
    assert ran.status == 1
    assert ran.lines[0].endswith(
        "pkg:1:1: there is no Python file and no readme.md here that is to be published [source]"
    )


# ## Names

UNUSUAL: dict[str, str | bytes] = {
    "größe/__init__.py": """'''
# Größe

[1](über%20uns.py#Länge) [2](<日本 語.py#クラス.メソッド>) [3](a+b&c;d%25.py)
'''
""",
    "größe/über uns.py": '"""\n# Über uns\n"""\n\n\nclass Länge:\n    """Die Länge: [zurück](__init__.py)"""\n',
    "größe/日本 語.py": "class クラス:\n    def メソッド(self):\n        return クラス\n",
    "größe/a+b&c;d%.py": '"""\n# [This](<日本 語.py#クラス>) & that\n"""\n',
    "größe/my file": "#!/usr/bin/python\nx = 1\n",
}


@pytest.mark.parametrize("directory_urls", ["false", "true"])
def test_spaces_and_letters_of_all_alphabets(
    tmp_path: Path, directory_urls: str, browser: Browser, serve_folder: Callable[[Path], str]
) -> None:
    config = "site_name: x\ntheme: sidelit\nplugins: [sidelit: {sources: [größe]}]\n"
    config += f"use_directory_urls: {directory_urls}\n"
    write(tmp_path, UNUSUAL | {"mkdocs.yml": config, "docs/index.md": "# Home\n\n[g](größe/__init__.py)\n"})
    ran = run("mkdocs", "build", "--strict", cwd=tmp_path)
    assert ran.status == 0, ran.err
    assert not dead_links(tmp_path / "site")

    tab = browser.new_page()
    tab.goto(serve_folder(tmp_path / "site"))
    tab.get_by_role("link", name="g", exact=True).click()
    assert tab.locator("h1").inner_text() == "Größe"
    tab.get_by_role("link", name="2", exact=True).click()
    tab.wait_for_url(lambda url: unquote(url).endswith("#クラス.メソッド"))
    assert tab.locator(":target").evaluate("e => e.closest('.section').textContent").count("メソッド")
    tab.go_back()
    tab.get_by_role("link", name="1", exact=True).click()
    tab.wait_for_url(lambda url: unquote(url).endswith("#Länge"))
    tab.get_by_role("link", name="zurück").click()
    assert tab.locator("h1").inner_text() == "Größe"
    tab.close()


def test_addresses_that_differ_only_in_case(tmp_path: Path) -> None:
    root = write(
        tmp_path / "pkg", {"Adam.py": "x = 1\n", "adam.py": "x = 2\n", "e\u0301.py": "x = 1\n", "\u00e9.py": ""}
    )
    ran = sidelit("build", root, "-o", tmp_path / "site")
    assert pages(tmp_path / "site") == {"pkg/Adam.html", "pkg/e\u0301.html"}
    assert ran.status == 0 and [line.rpartition("pkg/")[2] for line in ran.lines if "address" in line] != []
    told = [line for line in ran.lines if line.endswith("[address]")]
    assert len(told) == 2
    assert (
        "adam.py:1:1: wants the address pkg/adam.html, and pkg/Adam.py has pkg/Adam.html: "
        "one file on Windows and macOS; rename one, or mount it elsewhere [address]" in told[0]
    )


@pytest.mark.parametrize(("name", "link"), [("e\u0301.py", "\u00e9.py"), ("\u00e9.py", "e\u0301.py")])
def test_an_accent_in_a_link_may_be_written_in_either_way(tmp_path: Path, name: str, link: str) -> None:
    root = write(tmp_path / "pkg", {name: "x = 1\n", "a.py": f"# # A\n# [it]({link}#L1)\nx = 1\n"})
    ran = sidelit("build", root, "-o", tmp_path / "site", "--strict")
    assert ran.status == 0, ran.err
    assert not dead_links(tmp_path / "site")
    assert sidelit("check", root, "--format", "json").out.count('"link"') == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("aux.py", "device"),
        ("NUL.py", "device"),
        ("com1.x.py", "device"),
        ("con/a.py", "device"),
        ("lpt9 .py", "device"),
        ("a?.py", "refuses"),
        ("a:b.py", "refuses"),
        ("a\\b.py", "refuses"),
        ("a\nb.py", "refuses"),
        ("dot./a.py", "last character"),
        ("space /a.py", "last character"),
        ("/".join(["a" * 60] * 4) + ".py", "too many for Windows"),
    ],
)
def test_names_that_windows_refuses_are_told_and_built(tmp_path: Path, name: str, words: str) -> None:
    root = write(tmp_path / "pkg", {name: "x = 1\n", "ok.py": "x = 1\n"})
    ran = sidelit("build", root, "-o", tmp_path / "site")
    told = [line for line in ran.lines if line.endswith("[address]")]
    assert len(told) == len(ran.lines) == 1, ran.err
    assert words in told[0] and ":1:1: " in told[0]
    assert len(pages(tmp_path / "site")) == 2
    assert not dead_links(tmp_path / "site")


def test_a_folder_is_told_of_once(tmp_path: Path) -> None:
    root = write(tmp_path / "pkg", {"aux/a.py": "x = 1\n", "aux/b/c.py": "x = 1\n", "sub/aux/d.py": "x = 1\n"})
    ran = sidelit("build", root, "-o", tmp_path / "site")
    assert ["`pkg/aux`" in line for line in ran.lines] == [True, False]
    assert "`pkg/sub/aux`" in ran.lines[1]


def test_a_name_too_long_for_a_page(tmp_path: Path) -> None:
    root = write(tmp_path / "pkg", {"a" * 252 + ".py": "x = 1\n", "ok.py": "x = 1\n"})
    ran = sidelit("build", root, "-o", tmp_path / "site")
    assert ran.status == 0
    assert "is too long for a file" in ran.lines[0]
    assert pages(tmp_path / "site") == {"pkg/ok.html"}


def test_names_that_are_fine_everywhere() -> None:
    for name in ("console.html", "auxiliary/a.html", "com.html", "com10.html", ".hidden", "größe.html", "a b.html"):
        assert portable.problem(name) == ""
