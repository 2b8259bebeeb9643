"""
# Builds that end badly

Killed, interrupted, or out of room at whatever moment: the site is the old one or the new one, to the byte, and never
half of either. What a dead build leaves is removed by the next one.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from building import BIN, ROOT, own_cache, run, sidelit, snapshot, write

from sidelit.export.output import write_file
from sidelit.hosts import site as site_module
from sidelit.hosts.site import MARKER, SiteError, build
from sidelit.scratch import scratch_folder

__all__ = ["own_cache"]

CONFIG = "site_name: S\ntheme: sidelit\nplugins: [{sidelit: {sources: [pkg]}}]\n"


def sources(version: int) -> dict[str, str | bytes]:
    """A small tree in two versions, which have different pages too."""
    return {
        "mkdocs.yml": CONFIG,
        "docs/index.md": f"# Version {version}\n",
        "pkg/a.py": f'"""\n# Version {version}, $x^{version}$\n"""\n\n# Prose.\nx = {version}\n',
        "pkg/b.py": f"# See [a](a.py) of {version}\ny = 1\n",
    }


def put(tree: Path, version: int) -> None:
    """Let the tree be of a version."""
    for path in (tree / "pkg").glob("only*.py"):
        path.unlink()
    write(tree, {**sources(version), f"pkg/only{version}.py": "z = 1\n"})


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with a package; temporary files are in a folder of the test's own."""
    (tmp_path / "temporary").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    monkeypatch.chdir(tmp_path / "work")
    yield tmp_path / "work"
    monkeypatch.setattr(tempfile, "tempdir", None)


def built_by_command() -> None:
    assert sidelit("build", "pkg").status == 0


def built_from_configuration() -> None:
    build(Path("mkdocs.yml"), Path("site"))


WAYS = {"command": built_by_command, "configuration": built_from_configuration}


# ## At every step
#
# A build tells the interpreter's audit hook of each file that it opens, moves and removes. There it is struck.

_STEPS = ("os.", "shutil.", "ctypes.")
_LOOKS = {"os.fork", "os.getxattr", "os.kill", "os.listdir", "os.listxattr", "os.putenv", "os.scandir", "os.unsetenv"}


def struck(way: str, moment: int, number: int) -> tuple[int, int]:
    """Build, get a signal before a step, and return how many steps there were, and at which folders were exchanged."""
    steps = exchange = 0

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps, exchange
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if writes or (event.startswith(_STEPS) and event not in _LOOKS):
            steps += 1
            exchange = steps if event.startswith("ctypes.") else exchange
            if steps == moment:
                os.kill(os.getpid(), number)

    sys.addaudithook(listen)
    WAYS[way]() if way in WAYS else write_file(Path(way), "new" * 1000)
    return steps, exchange


def strike_on_demand() -> None:
    """What the striking process does: for each line, a copy of itself is struck."""
    import sidelit.hosts.mkdocs  # noqa: F401

    for line in sys.stdin:
        way, moment, number = line.split()
        output, into = os.pipe()
        if (child := os.fork()) == 0:
            with contextlib.suppress(KeyboardInterrupt, AssertionError):
                os.write(into, b"%d %d" % struck(way, int(moment), int(number)))
            os._exit(0)
        os.close(into)
        with open(output) as answer:
            print(answer.read(), flush=True)
        os.waitpid(child, 0)


class Striker:
    """A process that has imported everything, so that each of its copies builds at once."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", "import test_crash; test_crash.strike_on_demand()"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *sys.path)))}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, env=environment, text=True, **pipes)  # type: ignore[call-overload]

    def strike(self, way: str, moment: int, number: int) -> list[int]:
        """Return what `struck` does, or nothing if it did not come to its end."""
        assert self.process.stdin and self.process.stdout
        print(way, moment, int(number), file=self.process.stdin, flush=True)
        return [int(part) for part in self.process.stdout.readline().split()]


@pytest.fixture
def striker(tree: Path) -> Iterator[Striker]:
    striker = Striker()
    yield striker
    striker.process.communicate()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_build_that_is_struck_leaves_a_whole_site(
    tree: Path, striker: Striker, way: str, number: int
) -> None:
    wholes = []
    for version in (0, 1):
        put(tree, version)
        WAYS[way]()
        wholes.append(snapshot(tree / "site"))
    assert wholes[0] != wholes[1]
    steps, exchange = striker.strike(way, 0, number)
    assert exchange > 50

    seen = []
    for moment in sorted({*range(1, steps, steps // 12), *range(exchange - 4, exchange + 5)}):
        # The same steps each time: what the last one has left would be removed first.
        for path in [*tree.glob(".site.*"), *(tree.parent / "temporary").iterdir()]:
            shutil.rmtree(path)
        old = wholes.index(snapshot(tree / "site"))
        put(tree, 1 - old)
        striker.strike(way, moment, number)
        found = snapshot(tree / "site")
        assert found in wholes, moment
        seen.append(wholes.index(found) != old)
    assert True in seen and False in seen

    put(tree, 0)
    WAYS[way]()
    assert snapshot(tree / "site") == wholes[0]
    assert sorted(os.listdir(tree)) == ["docs", "mkdocs.yml", "pkg", "site"]
    assert os.listdir(tree.parent / "temporary") == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_file_that_is_being_written_is_the_old_one_or_the_new_one(tree: Path, striker: Striker, number: int) -> None:
    target = tree / "a.ipynb"
    target.write_text("old")
    steps, _ = striker.strike(str(target), 0, number)
    seen = set()
    for moment in range(1, steps + 1):
        for path in tree.glob(".a.ipynb.*"):
            shutil.rmtree(path)
        target.write_text("old")
        striker.strike(str(target), moment, number)
        seen.add(target.read_text())
    assert seen == {"old", "new" * 1000}
    assert write_file(target, "x") == ""
    assert os.listdir(tree) == ["a.ipynb"]


# ## At any time


@pytest.fixture
def large(tree: Path) -> Path:
    """A tree that takes a while, and several processes."""
    prose = "".join(f"# Prose *{n}* and $y_{{{n}}}$.\ndef f{n}(x):\n    return x\n\n" for n in range(8))
    for number in range(24):
        write(tree, {f"pkg/m{number}.py": f'"""\n# Page {number}\n"""\n\n{prose}'})
    return tree


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_build_that_ends_too_early_takes_its_processes_along(
    large: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = [large.parent / f"cache{n}" for n in range(4)]
    begin = time.monotonic()
    assert run("sidelit", "build", "pkg", cwd=large, XDG_CACHE_HOME=str(cold[0])).status == 0
    whole = time.monotonic() - begin
    before = snapshot(large / "site")
    for share, cache in zip((0.35, 0.6, 0.85), cold[1:], strict=True):
        environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
        with subprocess.Popen(
            [BIN / "sidelit", "build", "pkg"], cwd=large, env=environment, stderr=subprocess.PIPE, text=True
        ) as process:
            time.sleep(share * whole)
            with_it = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            process.send_signal(number)
            _, said = process.communicate(timeout=30)
        assert process.returncode in (-number, 130, 0)
        assert said in ("", "sidelit: interrupted\n")
        assert snapshot(large / "site") == before
        assert all(map(ends, with_it))
    assert run("sidelit", "build", "pkg", cwd=large, XDG_CACHE_HOME=str(cold[2])).status == 0
    assert snapshot(large / "site") == before
    assert sorted(os.listdir(large)) == ["pkg", "site"]
    assert os.listdir(large.parent / "temporary") == []


def ends(process: psutil.Process) -> bool:
    """Whether a process ends within seconds."""
    for _ in range(100):
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.1)
    return False


def test_build_site_that_is_killed_leaves_the_site(tree: Path) -> None:
    write(tree, {"site/index.html": "old", f"site/{MARKER}": ""})
    before = snapshot(tree / "site")
    for number in (signal.SIGKILL, signal.SIGINT):
        left = set(tree.glob(".site.*"))
        with subprocess.Popen([sys.executable, ROOT / "build_site.py", "--site-dir", "site"], cwd=tree) as process:
            while process.poll() is None and not set(tree.glob(".site.*")) - left:
                time.sleep(0.01)
            process.send_signal(number)
        assert process.returncode == (130 if number == signal.SIGINT else -number)
        assert snapshot(tree / "site") == before
    assert os.listdir(tree) == ["site"]


# ## Where folders cannot be exchanged


_TWO_STEPS = """
import os, signal, sys
from pathlib import Path
from sidelit.cli import main
from sidelit.hosts import site
site._exchange = lambda one, other: False
rename, left = Path.rename, [int(sys.argv.pop())]
def renamed(path, target):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(path, target)
Path.rename = renamed
main()
"""


def test_a_build_killed_between_two_steps_is_put_right_by_the_next_one(tree: Path) -> None:
    put(tree, 0)
    WAYS["command"]()
    before = snapshot(tree / "site")
    put(tree, 1)
    assert run("python", "-c", _TWO_STEPS, "build", "pkg", "1", cwd=tree).status == -signal.SIGKILL
    assert not (tree / "site").exists()

    # Even one that gives no new site.
    write(tree, {"pkg/a.py": "def f(:\n"})
    failed = sidelit("build", "pkg", "--strict")
    assert failed.status == 1 and failed.lines[-1].endswith("site is as it was")
    assert snapshot(tree / "site") == before
    put(tree, 1)
    assert run("python", "-c", _TWO_STEPS, "build", "pkg", "9", cwd=tree).status == 0
    assert b"Version 1" in bytes(snapshot(tree / "site")["pkg/a.html"])  # type: ignore[arg-type]
    assert sorted(os.listdir(tree)) == ["docs", "mkdocs.yml", "pkg", "site"]


def test_a_second_step_that_fails_brings_the_old_site_back(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tree, 0)
    WAYS["command"]()
    before = snapshot(tree / "site")
    monkeypatch.setattr(site_module, "_exchange", lambda one, other: False)
    rename = Path.rename
    for error in (OSError(28, "No space left on device"), KeyboardInterrupt()):

        def failing(path: Path, target: Path, error: BaseException = error) -> Path:
            if target == tree / "site" and not path.name.endswith("-old"):
                raise error
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", failing)
        assert sidelit("build", "pkg").status in (1, 130)
        assert snapshot(tree / "site") == before
    assert sorted(os.listdir(tree)) == ["docs", "mkdocs.yml", "pkg", "site"]


# ## Out of room

_SMALL_FILES = """
import resource, sys
from sidelit.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop()), -1))
main()
"""


@pytest.mark.parametrize("room", [0, 30, 1_000, 5_000, 20_000])
def test_a_build_without_room_leaves_the_old_site(tree: Path, room: int) -> None:
    """Files can get no larger than this. The system says that as it says that the disk is full."""
    assert resource.RLIM_INFINITY == -1
    put(tree, 0)
    WAYS["command"]()
    before = snapshot(tree / "site")
    put(tree, 1)
    ran = run("python", "-c", _SMALL_FILES, "build", "pkg", str(room), cwd=tree)
    assert ran.status == 1
    assert len(ran.lines) == 1 and ran.err.startswith("sidelit: ")
    assert "too large" in ran.err or "TMPDIR" in ran.err
    assert snapshot(tree / "site") == before
    assert sorted(os.listdir(tree)) == ["docs", "mkdocs.yml", "pkg", "site"]
    assert os.listdir(tree.parent / "temporary") == []


def test_a_file_without_room_stays_as_it_was(tree: Path) -> None:
    put(tree, 0)
    (tree / "a.ipynb").write_text("old")
    ran = run("python", "-c", _SMALL_FILES, "notebook", "pkg/a.py", "-o", "a.ipynb", "100", cwd=tree)
    assert ran.status == 1
    assert ran.err == "a.ipynb: cannot be written: File too large; name another file with -o\n"
    assert (tree / "a.ipynb").read_text() == "old"
    assert sorted(os.listdir(tree)) == ["a.ipynb", "docs", "mkdocs.yml", "pkg"]


# ## What is left


def test_only_what_nobody_holds_is_removed(tmp_path: Path) -> None:
    write(tmp_path, {".site.sidelit-dead/a": "", ".site.sidelitx/a": "", ".other.sidelit-dead/a": ""})
    (tmp_path / ".site.sidelit-link").symlink_to(".other.sidelit-dead")
    with scratch_folder(tmp_path, ".site.sidelit-") as one, scratch_folder(tmp_path, ".site.sidelit-") as other:
        assert one.is_dir() and other.is_dir() and one != other
        assert not (tmp_path / ".site.sidelit-dead").exists()
    assert sorted(os.listdir(tmp_path)) == [".other.sidelit-dead", ".site.sidelit-link", ".site.sidelitx"]
    assert (tmp_path / ".other.sidelit-dead" / "a").is_file()


def test_two_builds_into_one_folder_give_one_whole_site(large: Path) -> None:
    commands = [
        subprocess.Popen([BIN / "sidelit", "build", "pkg"], cwd=large, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for each in commands:
        assert (each.communicate(timeout=120)[1], each.returncode) == ("", 0)
    first = snapshot(large / "site")
    assert sidelit("build", "pkg").status == 0
    assert snapshot(large / "site") == first
    assert sorted(os.listdir(large)) == ["pkg", "site"]


def test_a_folder_that_is_swept_before_it_is_held_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[Path] = []
    real = os.open

    def late(path: Path, flags: int, *more: Any, **options: Any) -> int:
        if not swept:
            # What another process does to a folder that nobody holds yet.
            swept.append(path)
            path.rmdir()
        return real(path, flags, *more, **options)

    monkeypatch.setattr(os, "open", late)
    with scratch_folder(tmp_path, "made-") as folder:
        assert folder.is_dir()
        assert swept and folder != swept[0]


def test_a_site_that_cannot_be_replaced_is_kept(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tree, 0)
    WAYS["configuration"]()
    before = snapshot(tree / "site")

    def refuse(path: Path, to: Path) -> None:
        raise OSError(13, "Permission denied", str(path))

    write(tree / "site", {"CNAME": "a.invalid"})
    monkeypatch.setattr(site_module, "_copy", refuse)
    with pytest.raises(SiteError, match="cannot be replaced: Permission denied"):
        WAYS["configuration"]()
    assert snapshot(tree / "site") == {**before, "CNAME": b"a.invalid"}
