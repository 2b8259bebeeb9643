"""The links to a source in its repository: to the very lines, at the commit that the site was built from."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from building import own_cache, page, write  # noqa: F401

from sidelit.hosts.repository import Checkout, checkout, line_form, view_url
from sidelit.hosts.site import build

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TREE = Checkout(Path("/work"), COMMIT)
SOURCE = Path("/work/src/a b.py")

HOSTS = [
    ("https://github.com/o/r", "/edit/feature/x/src/a b.py", f"/blob/{COMMIT}/src/a%20b.py#L3-L7"),
    ("https://gitlab.com/o/r", "/edit/main/src/a b.py", f"/blob/{COMMIT}/src/a%20b.py#L3-7"),
    ("https://git.example.org/group/sub/r", "/-/edit/main/src/a b.py", f"/-/blob/{COMMIT}/src/a%20b.py#L3-7"),
    ("https://bitbucket.org/o/r", "/src/default/src/a b.py", f"/src/{COMMIT}/src/a%20b.py#lines-3:7"),
    ("https://codeberg.org/o/r", "/_edit/main/src/a b.py", f"/src/commit/{COMMIT}/src/a%20b.py#L3-L7"),
    ("https://codeberg.org/o/r", "/src/branch/main/src/a b.py", f"/src/commit/{COMMIT}/src/a%20b.py#L3-L7"),
    ("https://github.com/edit/blob", "/edit/main/src/a%20b.py", f"/blob/{COMMIT}/src/a%20b.py#L3-L7"),
]


@pytest.mark.parametrize(("repo", "edit", "expected"), HOSTS)
def test_each_host_has_its_way_to_write_a_commit_and_lines(repo: str, edit: str, expected: str) -> None:
    found = view_url(repo + edit, repo, SOURCE, TREE) + line_form(repo + edit).format(first=3, last=7)
    assert found == repo + expected


@pytest.mark.parametrize("tree", [None, Checkout(Path("/elsewhere"), COMMIT), Checkout(Path("/work/src"), COMMIT)])
def test_without_a_known_commit_and_place_the_link_stays_on_the_branch(tree: Checkout | None) -> None:
    source = Path("/work/src/other.py") if tree and tree.top == Path("/work/src") else SOURCE
    found = view_url("https://github.com/o/r/edit/main/src/a b.py", "https://github.com/o/r", source, tree)
    assert found == "https://github.com/o/r/blob/main/src/a b.py"


def test_an_address_of_another_form_stays_as_it_is() -> None:
    assert (
        view_url("https://a.invalid/x?file=a.py", "https://a.invalid", SOURCE, TREE) == "https://a.invalid/x?file=a.py"
    )
    assert view_url("", "https://a.invalid", SOURCE, TREE) == line_form("") == ""


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@a.invalid")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_no_repository_and_no_commit_are_no_checkout(tmp_path: Path) -> None:
    assert checkout(tmp_path) is None
    git(tmp_path, "init")
    assert checkout(tmp_path) is None
    assert checkout(tmp_path / "missing") is None


def pages(folder: Path) -> list[str]:
    """The keys of the pages in the cache."""
    with closing(sqlite3.connect(folder / "cache" / "cache.sqlite3")) as database:
        return [key for (key,) in database.execute("SELECT key FROM entries WHERE kind = 'page' ORDER BY key")]


def test_every_section_leads_to_its_lines_at_the_commit_and_another_commit_makes_no_page_anew(tmp_path: Path) -> None:
    config = (
        "site_name: Test\nrepo_url: https://github.com/o/r\nuse_directory_urls: false\n"
        "theme: sidelit\nplugins:\n  - sidelit: {sources: [src/pkg], cache: cache}\n"
    )
    code = '"""\n# Title\n\nProse.\n"""\n\nx = 1\n\n# A comment\n# of two lines.\ny = 2\n'
    files = {"mkdocs.yml": config, "docs/index.md": "# Home", "src/pkg/__init__.py": code}
    files |= {".gitignore": "cache\nsite*\n"}
    write(tmp_path, files)
    git(tmp_path, "init")

    def commit() -> str:
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "--allow-empty", "-m", "a commit")
        return git(tmp_path, "rev-parse", "HEAD")

    def links(site: str) -> list[str]:
        build(tmp_path / "mkdocs.yml", tmp_path / site)
        return [each for each in page(tmp_path / site, "pkg/index.html").references if "/blob/" in each]

    first = commit()
    lines = ["", "#L1-L7", "#L9-L11"]
    assert links("site") == [f"https://github.com/o/r/blob/{first}/src/pkg/__init__.py{each}" for each in lines]
    cached = pages(tmp_path)
    before = (tmp_path / "site" / "pkg" / "index.html").read_bytes()
    links("site2")
    assert (tmp_path / "site2" / "pkg" / "index.html").read_bytes() == before

    second = commit()
    assert first != second
    assert links("site") == [f"https://github.com/o/r/blob/{second}/src/pkg/__init__.py{each}" for each in lines]
    assert pages(tmp_path) == cached and len(cached) == 1
