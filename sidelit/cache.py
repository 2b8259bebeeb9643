"""
# What is made once

Typesetting a formula and rendering a page cost time and give the same result for the same input. This module keeps
such results on disk between builds, in one SQLite file: fifteen hundred formulas are read in one go, two builds may use
it at once, and a reader never sees half an entry.

A cache may always be empty. So nothing here raises: a directory that cannot be written, a file that another program
spoiled or a lock that does not come free mean that results are made again, and that is all.

    with Cache(project / ".sidelit_cache") as cache:
        key = digest("page", version, source)
        html = cache.get("page", key)
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

FILE = "cache.sqlite3"

# The file keeps this number in its header. One of another layout is thrown away.
LAYOUT = 1

# Entries are written in batches, because each transaction costs more than a hundred entries.
BATCH = 200

# SQLite takes about a thousand values in one question; older ones exactly 999.
ASKED_AT_ONCE = 500

DAY = 86_400

# How often the file is tried to be opened, and the seconds in between.
ATTEMPTS, PAUSE = 20, 0.05

# What goes wrong with a damaged file. A message that quotes it need not even be text.
FAULTS = (sqlite3.Error, UnicodeDecodeError)


def digest(*parts: str | bytes) -> str:
    """
    ## The key for what is made from these parts

    64 hexadecimal digits. The parts are told apart: `("ab", "c")` and `("a", "bc")` have different keys.
    """
    total = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        total.update(b"%d:" % len(data))
        total.update(data)
    return total.hexdigest()


class Cache:
    """
    ## Results by kind and key

    * `directory` is made when it is not there, with a `.gitignore` so that no one commits it
    * `limit` is the size in bytes that the file may have; beyond it the entries unused for longest go

    One thread at a time may use it; it need not be the thread that made it.
    """

    def __init__(self, directory: Path | str, *, limit: int = 256 << 20) -> None:
        self.directory = Path(directory)
        self.limit = limit
        self._new: dict[tuple[str, str], bytes] = {}
        self._used: set[tuple[str, str]] = set()
        self._database = self._open()

    def get(self, kind: str, key: str) -> bytes | None:
        """
        ### One entry, or `None`
        """
        return self.get_many(kind, [key]).get(key)

    def get_many(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        """
        ### The entries there are for these keys, by key
        """
        found: dict[str, bytes] = {}
        wanted: list[str] = []
        for key in dict.fromkeys(keys):
            if (kind, key) in self._new:
                found[key] = self._new[kind, key]
            else:
                wanted.append(key)

        # An entry whose checksum is wrong is none. One that was not used for a day is noted, to be marked as used when
        # the cache is next written; marking each use would turn every reading into a writing.
        now = int(time.time())
        for start in range(0, len(wanted), ASKED_AT_ONCE):
            some = wanted[start : start + ASKED_AT_ONCE]
            marks = ",".join("?" * len(some))
            question = f"SELECT key, value, checksum, used FROM entries WHERE kind = ? AND key IN ({marks})"
            for key, value, checksum, used in self._ask(question, [kind, *some]):
                if isinstance(value, bytes) and _checksum(kind, key, value) == checksum:
                    found[key] = value
                    if now - used > DAY:
                        self._used.add((kind, key))
        return found

    def known(self, kind: str, keys: Iterable[str]) -> set[str]:
        """
        ### Which of these keys have entries

        Nothing is read of those, so one that is damaged may be among them.
        """
        wanted = list(dict.fromkeys(keys))
        found = {key for key in wanted if (kind, key) in self._new}
        for start in range(0, len(wanted), ASKED_AT_ONCE):
            some = wanted[start : start + ASKED_AT_ONCE]
            question = f"SELECT key FROM entries WHERE kind = ? AND key IN ({','.join('?' * len(some))})"
            found.update(row[0] for row in self._ask(question, [kind, *some]))
        return found

    def put(self, kind: str, key: str, value: bytes) -> None:
        """
        ### Keep an entry, in place of the one that has its key
        """
        if self._database is None or len(value) > self.limit // 2:
            return
        self._new[kind, key] = value
        if len(self._new) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """
        ### Write what is new
        """
        if self._database is None or not (self._new or self._used):
            return
        now = int(time.time())
        rows = [(kind, key, value, _checksum(kind, key, value), now) for (kind, key), value in self._new.items()]
        used = [(now, kind, key) for kind, key in self._used]
        self._new, self._used = {}, set()
        try:
            with self._database as database:
                database.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)", rows)
                database.executemany("UPDATE entries SET used = ? WHERE kind = ? AND key = ?", used)
                self._make_room(database)
        except FAULTS as error:
            self._recover(error)

    def clear(self) -> bool:
        """
        ### Forget everything, here and on disk

        Returns whether the file is empty now: another program may hold it, or it may only be read.
        """
        self._new, self._used = {}, set()
        if self._database is not None:
            try:
                with self._database as database:
                    database.execute("DELETE FROM entries")
                self._database.execute("VACUUM")
            except FAULTS as error:
                self._recover(error)
                return False
        return self._database is not None

    def close(self) -> None:
        """
        ### Write what is new and let go of the file
        """
        self.flush()
        if self._database is not None:
            self._database.close()
            self._database = None

    def __enter__(self) -> Cache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> sqlite3.Connection | None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            ignore = self.directory / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        except OSError:
            return None

        # A file that is not a database of this layout is removed, and a new one begun. Two builds may be about to make
        # it at the same moment; SQLite tells one of them so, and does not wait as it does elsewhere.
        for _ in range(ATTEMPTS):
            try:
                return _connect(self.directory / FILE)
            except sqlite3.OperationalError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                    return None
                time.sleep(PAUSE)
            except FAULTS:
                self._remove()
        return None

    def _ask(self, question: str, values: list[str]) -> list[Any]:
        if self._database is None:
            return []
        try:
            return self._database.execute(question, values).fetchall()
        except FAULTS as error:
            self._recover(error)
            return []

    def _recover(self, error: Exception) -> None:
        # A lock, a full disk or a file that may only be read passes, or is not for us to repair. Anything else says
        # that the file is damaged.
        if isinstance(error, sqlite3.OperationalError):
            return
        if self._database is not None:
            self._database.close()
        self._remove()
        self._database = self._open()

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                (self.directory / (FILE + suffix)).unlink(missing_ok=True)

    def _make_room(self, database: sqlite3.Connection) -> None:
        # Pages in use, not the size of the file: what is deleted leaves pages that the next entries fill.
        def pragma(name: str) -> int:
            return int(database.execute(f"PRAGMA {name}").fetchone()[0])

        excess = (pragma("page_count") - pragma("freelist_count")) * pragma("page_size") - self.limit
        if excess <= 0:
            return

        # A tenth more than must go, so that this does not happen again with the next entry.
        excess += self.limit // 10
        oldest = []
        for row, size in database.execute("SELECT rowid, length(value) FROM entries ORDER BY used, rowid"):
            oldest.append((row,))
            excess -= size
            if excess <= 0:
                break
        database.executemany("DELETE FROM entries WHERE rowid = ?", oldest)


def _connect(file: Path) -> sqlite3.Connection:
    # Raises `sqlite3.OperationalError` where there can be no file, another of the faults where it is not ours.
    database = sqlite3.connect(file, timeout=5, check_same_thread=False)
    try:
        # The write-ahead log lets one build read while another writes.
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = OFF")
        layout = database.execute("PRAGMA user_version").fetchone()[0]
        if layout not in (0, LAYOUT):
            raise sqlite3.DatabaseError(f"layout {layout}")
        with database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS entries (kind TEXT, key TEXT, value BLOB, checksum INTEGER, used INTEGER, "
                "PRIMARY KEY (kind, key))"
            )
            if layout == 0:
                database.execute(f"PRAGMA user_version = {LAYOUT}")
        columns = [row[1] for row in database.execute("PRAGMA table_info(entries)")]
        if columns != ["kind", "key", "value", "checksum", "used"]:
            raise sqlite3.DatabaseError(f"columns {columns}")
    except FAULTS:
        database.close()
        raise
    return database


def _checksum(kind: str, key: str, value: bytes) -> int:
    return zlib.crc32(value, zlib.crc32(f"{kind}\0{key}".encode()))
