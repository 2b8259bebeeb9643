from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelit.cache import FILE, Cache, digest


def test_what_was_put_is_there_at_once_and_in_the_next_build(tmp_path: Path) -> None:
    with Cache(tmp_path / "c") as cache:
        cache.put("page", "k", b"one")
        assert cache.get("page", "k") == b"one"
        assert cache.get("formula", "k") is None
    with Cache(tmp_path / "c") as cache:
        assert cache.get("page", "k") == b"one"
        cache.put("page", "k", b"two")
        assert cache.get("page", "k") == b"two"
    with Cache(tmp_path / "c") as cache:
        assert cache.get("page", "k") == b"two"
        assert cache.get("page", "other") is None


def test_a_closed_cache_is_one_file_that_git_ignores(tmp_path: Path) -> None:
    with Cache(tmp_path / "c") as cache:
        cache.put("page", "k", b"one")
    assert sorted(os.listdir(tmp_path / "c")) == [".gitignore", FILE]
    assert (tmp_path / "c" / ".gitignore").read_text() == "*\n"


@given(st.lists(st.text()), st.lists(st.text()))
def test_keys_are_equal_only_for_equal_parts(one: list[str], other: list[str]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)


def test_a_key_can_be_made_of_any_text() -> None:
    assert digest("\ud800") != digest("\udfff")
    assert digest("é") == digest("é".encode())


@settings(max_examples=20)
@given(st.dictionaries(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.binary()))
def test_many_at_once_are_as_one_by_one(tmp_path_factory: pytest.TempPathFactory, entries: dict[str, bytes]) -> None:
    directory = tmp_path_factory.mktemp("cache")
    with Cache(directory) as cache:
        for key, value in entries.items():
            cache.put("kind", key, value)
    with Cache(directory) as cache:
        assert cache.get_many("kind", [*entries, "not there, surely"]) == entries
        assert all(cache.get("kind", key) == value for key, value in entries.items())


def test_a_changed_entry_is_none(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        cache.put("page", "good", b"value")
        cache.put("page", "bad", b"value")
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("UPDATE entries SET value = ? WHERE key = 'bad'", (b"other",))
    database.close()
    with Cache(tmp_path) as cache:
        assert cache.get("page", "good") == b"value"
        assert cache.get("page", "bad") is None


@pytest.mark.parametrize("damage", ["garbage", "truncated", "middle", "layout", "table"])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, damage: str) -> None:
    file = tmp_path / FILE
    with Cache(tmp_path) as cache:
        for number in range(300):
            cache.put("page", f"k{number}", os.urandom(1000))
    data = file.read_bytes()
    if damage == "garbage":
        file.write_bytes(b"not a database at all " * 100)
    elif damage == "truncated":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "middle":
        file.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))
    else:
        database = sqlite3.connect(file)
        database.execute("PRAGMA user_version = 77" if damage == "layout" else "DROP TABLE entries")
        database.commit()
        database.close()

    with Cache(tmp_path) as cache:
        assert cache.get_many("page", [f"k{number}" for number in range(300)]) == {}
        cache.put("page", "new", b"value")
        cache.flush()
    with Cache(tmp_path) as cache:
        cache.put("page", "newer", b"value")
        cache.flush()
    with Cache(tmp_path) as cache:
        assert cache.get("page", "newer") == b"value"


def test_a_directory_that_cannot_be_had_is_no_cache_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for directory in (tmp_path / "file", tmp_path / "file" / "below"):
        with Cache(directory) as cache:
            cache.put("page", "k", b"value")
            assert cache.get("page", "k") is None
            cache.clear()


def test_a_folder_where_the_file_should_be_is_no_error(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with Cache(tmp_path) as cache:
        cache.put("page", "k", b"value")
        assert cache.get("page", "k") is None


def test_it_stays_within_its_limit_and_drops_what_was_unused_for_longest(tmp_path: Path) -> None:
    limit = 1 << 20
    with Cache(tmp_path, limit=limit) as cache:
        for number in range(2000):
            cache.put("page", f"k{number:04}", bytes(1000))
    assert (tmp_path / FILE).stat().st_size < limit * 1.5
    with Cache(tmp_path, limit=limit) as cache:
        kept = cache.get_many("page", [f"k{number:04}" for number in range(2000)])
    assert 500 < len(kept) < 1050
    assert "k1999" in kept
    assert "k0000" not in kept


def test_what_is_used_stays(tmp_path: Path) -> None:
    limit = 1 << 20
    with Cache(tmp_path, limit=limit) as cache:
        for number in range(400):
            cache.put("page", f"old{number:03}", bytes(1000))
    database = sqlite3.connect(tmp_path / FILE)
    database.execute("UPDATE entries SET used = used - 1000000")
    database.commit()
    database.close()

    # Used by the next build, an old entry outlives its contemporaries.
    with Cache(tmp_path, limit=limit) as cache:
        assert cache.get("page", "old000") is not None
    with Cache(tmp_path, limit=limit) as cache:
        for number in range(700):
            cache.put("page", f"new{number:03}", bytes(1000))
    with Cache(tmp_path, limit=limit) as cache:
        assert cache.get("page", "old000") is not None
        assert cache.get("page", "old001") is None


def test_a_value_that_would_fill_the_cache_is_not_kept(tmp_path: Path) -> None:
    with Cache(tmp_path, limit=1 << 20) as cache:
        cache.put("page", "small", b"value")
        cache.put("page", "large", bytes(1 << 20))
        assert cache.get("page", "large") is None
        assert cache.get("page", "small") == b"value"


def test_clear_forgets_everything(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        cache.put("page", "written", bytes(1 << 20))
        cache.flush()
        cache.put("page", "new", b"value")
        cache.clear()
        assert cache.get_many("page", ["written", "new"]) == {}
    assert (tmp_path / FILE).stat().st_size < 1 << 16
    with Cache(tmp_path) as cache:
        assert cache.get_many("page", ["written", "new"]) == {}


WRITER = """
import sys
from sidelit.cache import Cache
name, directory = sys.argv[1:]
with Cache(directory) as cache:
    for number in range(600):
        cache.put("page", f"{name}{number}", f"{name}{number}".encode() * 200)
        cache.put("page", f"both{number}", b"same" * 200)
        assert cache.get("page", f"both{number}") == b"same" * 200
"""


def test_builds_at_the_same_time_do_not_harm_each_other(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name, str(tmp_path)]) for name in ("a", "b")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    with Cache(tmp_path) as cache:
        for name in ("a", "b"):
            found = cache.get_many("page", [f"{name}{number}" for number in range(600)])
            assert found == {f"{name}{number}": f"{name}{number}".encode() * 200 for number in range(600)}


def test_an_open_cache_sees_what_another_build_wrote(tmp_path: Path) -> None:
    with Cache(tmp_path) as reader, Cache(tmp_path) as writer:
        assert reader.get("page", "k") is None
        writer.put("page", "k", b"value")
        writer.flush()
        assert reader.get("page", "k") == b"value"


def test_the_file_removed_under_an_open_cache_is_no_error(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        cache.put("page", "k", b"value")
        cache.flush()
        for file in tmp_path.iterdir():
            file.unlink()
        cache.put("page", "l", b"value")
        cache.flush()
        assert cache.get("page", "l") in (None, b"value")


def test_fifteen_hundred_formulas_are_read_quickly(tmp_path: Path) -> None:
    keys = [digest("formula", str(number)) for number in range(1500)]
    with Cache(tmp_path) as cache:
        for key in keys:
            cache.put("formula", key, os.urandom(8000))

    # 15 ms on the machine it was written on; the bound leaves room for a busy one, not for a file an entry.
    took = []
    for _ in range(3):
        started = time.perf_counter()
        with Cache(tmp_path) as cache:
            assert len(cache.get_many("formula", keys)) == 1500
        took.append(time.perf_counter() - started)
    assert min(took) < 0.25


def test_a_table_of_another_program_is_thrown_away(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("CREATE TABLE entries (a, b)")
        database.execute("INSERT INTO entries VALUES (1, 2)")
    database.close()
    with Cache(tmp_path) as cache:
        cache.put("page", "k", b"value")
    with Cache(tmp_path) as cache:
        assert cache.get("page", "k") == b"value"
        assert cache.clear() and cache.get("page", "k") is None
