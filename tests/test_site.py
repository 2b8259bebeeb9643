"""
# The folder of a site

It is replaced when all went well and only then, holds nothing but the site, and is the same to the byte for the same
sources.
"""

from __future__ import annotations

import contextlib
import gzip
import logging
import os
import pty
import re
import subprocess
import termios
import time
from pathlib import Path

import pytest
from building import BIN, ROOT, dead_links, own_cache, page, run, sidelit, snapshot, write

from sidelit.hosts.site import MARKER, SiteError, build_date, reporting

__all__ = ["own_cache"]

SOURCES: dict[str, str | bytes] = {
    "pkg/__init__.py": '"""\n# Package\n\nSee [f](a.py#f) and $a^2$.\n"""\n',
    "pkg/a.py": '"""\n# A\n"""\n\n\ndef f(x):\n    r"""\n    ## F\n\n    $$\\frac{x}{2}$$\n    """\n    return {x}\n',
    "pkg/readme.md": "# Read me\n\n$b_1$, and ![an image](image.png).\n",
    "pkg/image.png": b"\x89PNG",
    "pkg/sub/b.py": "# $c$ and [up](../a.py)\nx = 1\n",
}  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a package, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return write(tmp_path, SOURCES)


def built(folder: str = "site", *sources: str) -> dict[str, bytes | str]:
    """Build strictly and return the site, with what is compressed unpacked."""
    ran = sidelit("build", *(sources or ["pkg"]), "-o", folder, "--strict")
    assert ran.status == 0, ran.err
    return unpacked(Path(folder))


def unpacked(folder: Path) -> dict[str, bytes | str]:
    return {
        name: gzip.decompress(content) if name.endswith(".gz") and isinstance(content, bytes) else content
        for name, content in snapshot(folder).items()
    }


def others(folder: Path) -> list[str]:
    """What lies beside the package and the site."""
    return sorted(set(os.listdir(folder)) - {"pkg", "site"})


# ## All or nothing


def test_a_site_is_made_and_its_last_line_says_where(tree: Path) -> None:
    ran = sidelit("build", "pkg")
    assert ran.status == 0
    assert ran.err == ""
    assert ran.out == "The site is in site; open site/index.html in a browser.\n"
    assert (tree / "site" / MARKER).is_file()
    assert not others(tree)
    assert not dead_links(tree / "site")
    assert page(tree / "site", "index.html").title == "pkg"
    assert page(tree / "site", "pkg/index.html").title == "Package"
    assert (tree / "site" / "pkg" / "image.png").read_bytes() == SOURCES["pkg/image.png"]


def test_a_terminal_shows_how_far_the_build_is(tree: Path) -> None:
    write(tree, {"pkg/a.py": "# [lost](nowhere.py)\nx = 1\n"})
    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 100))
    command = [BIN / "sidelit", "build", "pkg"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        # Linux ends the reading with an error once nobody writes any more.
        with contextlib.suppress(OSError):
            while more := os.read(screen, 1000):
                shown += more
    os.close(screen)
    assert process.returncode == 0
    drawn = re.split(r"[\r\n]+", shown.decode())
    assert any(re.match(r"pages: +\d+%.* \d+/\d+ ", line) for line in drawn), drawn
    assert any("pkg/a.py:1:10: " in line and "pages:" not in line for line in drawn), drawn


def test_a_strict_failure_keeps_the_old_site(tree: Path) -> None:
    before = built()
    times = {path: path.stat().st_mtime_ns for path in (tree / "site").rglob("*")}
    write(tree, {"pkg/a.py": "def f(:\n"})
    ran = sidelit("build", "pkg", "--strict")
    assert ran.status == 1
    assert ran.lines[-1].endswith("site is as it was")
    assert unpacked(tree / "site") == before
    assert {path: path.stat().st_mtime_ns for path in (tree / "site").rglob("*")} == times
    assert not others(tree)


def test_a_strict_failure_without_an_old_site_leaves_nothing(tree: Path) -> None:
    write(tree, {"pkg/a.py": "def f(:\n"})
    ran = sidelit("build", "pkg", "--strict")
    assert ran.status == 1
    assert ran.lines[-1].endswith("nothing was written")
    assert sorted(os.listdir(tree)) == ["pkg"]


def test_a_crash_keeps_the_old_site(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = built()

    def crash(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("sidelit.hosts.taking.Taking.write", crash)
    with pytest.raises(KeyError):
        sidelit("build", "pkg")
    assert unpacked(tree / "site") == before
    assert not others(tree)


def test_a_full_disk_is_one_line(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = built()

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("sidelit.hosts.mkdocs.write", full)
    ran = sidelit("build", "pkg")
    assert ran.status == 1
    assert len(ran.lines) == 1
    assert "No space left on device" in ran.err
    assert unpacked(tree / "site") == before
    assert not others(tree)


def test_an_interrupted_build_leaves_nothing_behind(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sidelit.hosts.taking.Taking.write", interrupt)
    ran = sidelit("build", "pkg")
    assert ran.status == 130
    assert sorted(os.listdir(tree)) == ["pkg"]


# ## The folder


def test_what_is_gone_from_the_sources_is_gone_from_the_site(tree: Path) -> None:
    assert "pkg/a.html" in built()
    write(tree, {"pkg/__init__.py": '"""\n# Package\n"""\n', "pkg/sub/b.py": "x = 1\n"})
    (tree / "pkg" / "a.py").unlink()
    assert "pkg/a.html" not in built()


def test_dot_files_and_cname_are_kept(tree: Path) -> None:
    built()
    mine = {"CNAME": b"a.invalid\n", ".nojekyll": b"", ".git/config": b"[core]\n", ".well-known/security.txt": b"x"}
    write(tree / "site", {**mine, "gone.txt": b"x"})
    (tree / "site" / ".link").symlink_to("CNAME")
    after = built()
    assert {name: after[name] for name in mine} == mine
    assert after[".link"] == "-> CNAME"
    assert "gone.txt" not in after


def test_a_folder_that_holds_only_what_is_kept_is_taken(tree: Path) -> None:
    write(tree, {"site/CNAME": "a.invalid\n", "site/.git/HEAD": "x"})
    assert {"CNAME", ".git/HEAD", "index.html"} <= built().keys()


def test_an_empty_folder_is_taken(tree: Path) -> None:
    (tree / "site").mkdir()
    assert "index.html" in built()


def test_a_foreign_folder_is_refused(tree: Path) -> None:
    write(tree, {"site/thesis.tex": "years of work"})
    ran = sidelit("build", "pkg")
    assert ran.status == 1
    assert len(ran.lines) == 1
    assert ran.err.startswith("sidelit: site: holds files that are not a site of sidelit's; ")
    assert snapshot(tree / "site") == {"thesis.tex": b"years of work"}
    assert not others(tree)


def test_the_sources_are_no_place_for_the_site(tree: Path) -> None:
    before = snapshot(tree)
    for folder in ("pkg", ".", "pkg/sub", "/"):
        ran = sidelit("build", "pkg", "-o", folder)
        assert ran.status == 1
        assert len(ran.lines) == 1
    assert snapshot(tree) == before


def test_a_site_inside_its_sources(tree: Path) -> None:
    """It is built there, and is no source the next time."""
    first = built("pkg/out")
    assert built("pkg/out") == first


def test_a_link_to_a_folder_stays_one(tree: Path) -> None:
    (tree / "elsewhere").mkdir()
    (tree / "site").symlink_to("elsewhere")
    assert "index.html" in built()
    assert (tree / "site").is_symlink()
    assert "index.html" in built()
    assert (tree / "elsewhere" / "index.html").is_file()


def test_a_folder_deep_below_what_is_not_there(tree: Path) -> None:
    assert "index.html" in built("new/er/site")
    write(tree, {"pkg/a.py": "def f(:\n"})
    ran = sidelit("build", "pkg", "-o", "other/er/site", "--strict")
    assert ran.status == 1
    assert sorted(os.listdir(tree)) == ["new", "pkg"]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(tree: Path, mask: int) -> None:
    (tree / "pkg" / "image.png").chmod(0o400)
    old = os.umask(mask)
    try:
        built()
        built()
    finally:
        os.umask(old)
    site = tree / "site"
    for path in [site, *site.rglob("*")]:
        wanted = (0o777 if path.is_dir() else 0o666) & ~mask
        assert path.stat().st_mode & 0o777 == wanted, path


# ## The same to the byte


def git(folder: Path, *arguments: str, date: str = "") -> None:
    said = {"NAME": "A", "EMAIL": "a@b.invalid", "DATE": date}
    who = {f"GIT_{role}_{what}": text for role in ("AUTHOR", "COMMITTER") for what, text in said.items() if text}
    subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, env={**os.environ, **who})


def test_the_date_is_that_of_the_commit(tree: Path) -> None:
    assert build_date(tree) == 315532800
    git(tree, "init", "-q")
    assert build_date(tree) == 315532800
    git(tree, "add", "pkg")
    git(tree, "commit", "-qm", "Sources", date="2001-02-03T04:05:06Z")
    assert build_date(tree) == build_date(tree / "pkg") == 981173106


def test_the_given_date_comes_first(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234567890")
    assert build_date(tree) == 1234567890
    built()
    assert os.environ["SOURCE_DATE_EPOCH"] == "1234567890"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(SiteError, match="SOURCE_DATE_EPOCH.*yesterday"):
        build_date(tree)
    ran = sidelit("build", "pkg")
    assert ran.status == 1
    assert ran.err.startswith("sidelit: SOURCE_DATE_EPOCH: 'yesterday'")


def test_the_date_is_in_the_sitemap(tree: Path) -> None:
    config = "site_name: S\nsite_url: https://a.invalid/s/\ntheme: sidelit\nplugins: [{sidelit: {sources: [pkg]}}]\n"
    write(tree, {"mkdocs.yml": config, "docs/index.md": "# Home\n"})
    git(tree, "init", "-q")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "Sources", date="2001-02-03T04:05:06Z")
    first = own(tree)
    assert b"<lastmod>2001-02-03</lastmod>" in bytes(first["sitemap.xml"])  # type: ignore[arg-type]
    assert first["sitemap.xml.gz"] == first["sitemap.xml"]
    assert b"https://a.invalid/s/pkg/a/" in bytes(first["sitemap.xml"])  # type: ignore[arg-type]
    assert own(tree) == first


def own(folder: Path) -> dict[str, bytes | str]:
    """Build what a `mkdocs.yml` describes."""
    from sidelit.hosts.site import build

    return unpacked(build(folder / "mkdocs.yml", folder / "site", strict=True).folder)


def test_a_site_is_the_same_every_time(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    expected = built()

    # A warm cache, another order of the files on disk, another time, other folders, seeds of hashes, zones and locales.
    assert built() == expected
    assert built("other") == expected
    twin = tmp_path_factory.mktemp("twin")
    write(twin, dict(reversed(SOURCES.items())))
    for path in twin.rglob("*.py"):
        os.utime(path, (1e9, 1e9))
    time.sleep(0.01)
    cold = tmp_path_factory.mktemp("cold")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    places: list[tuple[Path, str, dict[str, str]]] = [
        (twin, "pkg", {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"}),
        (twin / "pkg", "../pkg", {"TZ": "America/Caracas", **ascii_only}),
        (Path("/"), str(twin / "pkg"), {"PYTHONUTF8": "1", "LC_ALL": "POSIX"}),
    ]
    for number, (folder, source, variables) in enumerate(places):
        out = twin / f"site{number}"
        ran = run(
            "sidelit", "build", source, "-o", out, "--strict",
            cwd=folder, PYTHONHASHSEED=str(number + 1), XDG_CACHE_HOME=str(cold / str(number % 2)), **variables,
        )  # fmt: skip
        assert ran.status == 0, ran.err
        found = unpacked(out)
        assert [name for name in {**found, **expected} if found.get(name) != expected.get(name)] == []


def test_no_page_names_a_path_of_the_machine(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert sidelit("build", tree / "pkg", tree / "pkg" / "sub", "-o", tree / "site").status == 0
    assert str(tree).encode() not in b"".join(c for c in snapshot(tree / "site").values() if isinstance(c, bytes))


def test_many_pages_are_the_same_from_many_processes(tree: Path) -> None:
    """Enough new pages that processes are started; then the same from the cache, then one by one."""
    write(tree, {f"pkg/many/m{n}.py": f"# Page {n}, $x_{{{n}}}$\nx = {{{n}, 'a'}}\n" for n in range(40)})
    expected = built()
    assert built() == expected
    (tree / "pkg" / "many" / "m7.py").write_text("# Other\ny = 1\n")
    after = built()
    changed = {name for name in expected if after[name] != expected[name]}
    assert changed == {"pkg/many/m7.html", "pkg/many/m7.py", "assets/sidelit/search-index.js"}
    assert set(after) == set(expected)


# ## The script of this repository


def test_build_site_builds_this_site(tmp_path: Path) -> None:
    ran = run("python", ROOT / "build_site.py", "--strict", "--site-dir", tmp_path / "site", cwd=tmp_path)
    assert ran.status == 0, ran.err
    assert ran.lines == []
    assert ran.out == f"The site is in {tmp_path}/site; open {tmp_path}/site/index.html in a browser.\n"
    assert not dead_links(tmp_path / "site")
    assert os.listdir(tmp_path) == ["site"]


def test_build_site_says_what_is_wrong(tmp_path: Path) -> None:
    write(tmp_path, {"site/mine": "x"})
    ran = run("python", ROOT / "build_site.py", cwd=tmp_path)
    assert ran.status == 1
    assert ran.err.startswith("build_site.py: site: holds files")
    assert run("python", ROOT / "build_site.py", "--nothing", cwd=tmp_path).status == 2
    assert snapshot(tmp_path) == {"site": "folder", "site/mine": b"x"}


def test_each_build_of_a_server_says_what_is_wrong_once(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("mkdocs.test")
    with reporting() as report:
        for _ in range(2):
            log.info("Building documentation...")
            log.warning("a fault")
            log.warning("a fault")
    assert capsys.readouterr().err == "warning: a fault\n" * 2
    assert report.warnings == 2
