"""What was taken out of its package is kept, exactly as long as it would come out the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from building import write

from sidelit.cache import Cache
from sidelit.diagnostic import Diagnostic
from sidelit.export import drafts
from sidelit.export.drafts import Drafts, Wish
from sidelit.export.standalone import Draft

FILES = {
    "pkg/__init__.py": "",
    "pkg/base.py": "TABLE = {}\n\n\ndef base():\n    return TABLE\n",
    "pkg/a.py": "from pkg.base import base\n\n\ndef f():\n    return base()\n",
    "pkg/other.py": "from pkg.base import base\n\n\ndef g():\n    return base()\n",
    "pkg/loud.py": "from pkg.third import THINGS\n\nTHINGS.append(1)\n",
    "pkg/third.py": "THINGS = []\n",
}

Ask = Callable[..., Draft | Diagnostic]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was made anew, by name."""
    names: list[str] = []
    make = drafts.draft_standalone

    def noting(wanted: object) -> Draft:
        names.append(wanted.module.name)  # type: ignore[attr-defined]
        return make(wanted)  # type: ignore[arg-type]

    monkeypatch.setattr(drafts, "draft_standalone", noting)
    return names


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """A build that asks for a file."""
    write(tmp_path, FILES)

    def once(name: str = "pkg/a.py", wanted: str = "f") -> Draft | Diagnostic:
        with Cache(tmp_path / "cache") as cache:
            wish = Wish(tmp_path / name, "standalone", wanted)
            return Drafts(cache).get_many([wish])[wish]

    return once


def test_a_second_build_makes_nothing(ask: Ask, made: list[str]) -> None:
    first = ask()
    assert isinstance(first, Draft)
    assert ask() == first
    assert made == ["pkg.a"]


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"pkg/a.py": FILES["pkg/a.py"] + "\n\nX = 1\n"}, True),
        ({"pkg/base.py": FILES["pkg/base.py"].replace("TABLE = {}", "TABLE = {1: 2}")}, True),
        ({"pkg/other.py": "from pkg.base import base\n\n\ndef g():\n    return base(), 1\n"}, False),
        ({"pkg/other.py": "from pkg.base import TABLE\n\nTABLE[1] = 2\n"}, True),
        ({"pkg/new.py": "x = 1\n"}, True),
        ({"pkg/loud.py": "from pkg.third import THINGS\n\nTHINGS.append(2)\n"}, True),
        ({"pkg/third.py": "THINGS = [0]\n"}, False),
        ({"pkg/test_it.py": "from pkg.base import TABLE\n\nTABLE[1] = 2\n"}, False),
        ({"readme.md": "# New\n"}, False),
    ],
    ids=["itself", "what it needs", "another", "another begins to change it", "a new file", "one that changes things",
         "what is changed elsewhere", "a test", "no code"],
)  # fmt: skip
def test_what_has_changed_decides(
    change: dict[str, str], again: bool, ask: Ask, made: list[str], tmp_path: Path
) -> None:
    ask()
    write(tmp_path, change)
    result = ask()
    assert made == ["pkg.a"] * (2 if again else 1)
    ask()
    assert made == ["pkg.a"] * (2 if again else 1)

    # The result is the same as without anything kept.
    (tmp_path / "cache").rename(tmp_path / "old")
    assert ask() == result


def test_a_change_from_elsewhere_is_refused_and_kept_too(ask: Ask, made: list[str], tmp_path: Path) -> None:
    assert isinstance(ask(), Draft)
    write(tmp_path, {"pkg/other.py": "from pkg.base import TABLE\n\nTABLE[1] = 2\n"})
    refused = ask()
    assert isinstance(refused, Diagnostic)
    assert refused.path == str(tmp_path / "pkg/other.py")
    assert ask() == refused
    assert made == ["pkg.a", "pkg.a"]


def test_a_file_beside_others_depends_on_those_that_it_imports(ask: Ask, made: list[str], tmp_path: Path) -> None:
    write(tmp_path, {"one.py": "from two import x\n\n\ndef f():\n    return x\n", "two.py": "x = 1\n"})
    first = ask("one.py")
    write(tmp_path, {"two.py": "x = 2\n"})
    second = ask("one.py")
    assert first != second
    assert made == ["one", "one"]


def test_a_spoilt_entry_is_made_again(ask: Ask, made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    first = ask()
    with monkeypatch.context() as patch:
        patch.setattr(Cache, "get_many", lambda self, kind, keys: {key: b"{}" for key in keys})
        assert ask() == first
    assert made == ["pkg.a", "pkg.a"]
