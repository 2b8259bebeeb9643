r"""
# Making many pages

This module makes the pages of a site. A page that is in the cache is taken from there. The others are made by as many
processes as there are processors, since reading and colouring code is nearly all of the work and Python does one thing
at a time in each process.

Pages are ordered early and fetched late, so that the host goes on with its own work in between.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import threading
import zlib
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from dataclasses import dataclass, replace

from sidelit import fingerprint
from sidelit.cache import Cache, digest
from sidelit.diagnostic import Diagnostic
from sidelit.page import Page, from_bytes, to_bytes
from sidelit.proofs import Verified
from sidelit.source import decode, parse
from sidelit.tree import Source

# Below this many new pages, starting processes takes longer than it saves.
FEW = 16

# Each process takes about 20 MB of its own. With more than this many, a build would take more than 150 MB.
MOST = 4


@dataclass(frozen=True)
class Order:
    """
    ## What determines a page, besides the content of its file

    `docstrings`, `parents`, `repository`, `api` and `verified` are as in [`make_page`](making.py#make_page).
    """

    source: Source
    parents: tuple[tuple[str, str], ...]
    repository: str
    allow_html: bool
    docstrings: str = "auto"
    api: bool = False
    verified: Verified | None = None


def make(order: Order, data: bytes) -> Page:
    """
    ## The content of a file to its page
    """
    # Most builds find nearly all pages in the cache, and what makes them takes long to import.
    from sidelit.making import make_page

    source = order.source
    text, faults = decode(data, source.shown)
    document = parse(text, source.shown, source.module)
    page = make_page(
        document,
        allow_html=order.allow_html,
        docstrings=order.docstrings,
        module=source.module,
        is_package=source.is_package,
        parents=order.parents,
        repository=order.repository,
        api=order.api,
        verified=order.verified,
    )
    return page.with_diagnostics(faults)


class Workshop:
    """
    ## The pages of one build
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._ready: dict[Source, bytes] = {}
        self._pending: dict[Source, tuple[str, Future[bytes]]] = {}
        self._pool: ProcessPoolExecutor | None = None

        # What the pages that were fetched are kept under
        self.keys: dict[Source, str] = {}

    def order(self, orders: Sequence[Order]) -> None:
        """
        ### Say which pages will be wanted

        Returns at once, with the processes at work.
        """
        keys = {order: key for order in orders if (key := _key(order, _read(order.source)))}
        found = self._cache.get_many("page", keys.values())
        self._ready.update({order.source: found[key] for order, key in keys.items() if key in found})
        self.keys.update({order.source: key for order, key in keys.items()})

        new = {order: key for order, key in keys.items() if key not in found}
        workers = _workers(len(new))
        if workers > 1:
            # What is imported before is imported once, and shared.
            import sidelit.making  # noqa: F401

            fork = multiprocessing.get_context("fork")
            self._pool = ProcessPoolExecutor(workers, fork, initializer=_end_with_parent)

            # A forked process shares the memory of this one until it writes there, and the garbage collector writes
            # into every object that it looks at. Frozen objects are not looked at: 6 MB less for each process.
            gc.freeze()
            for order, key in new.items():
                self._pending[order.source] = key, self._pool.submit(_make_apart, order)
            gc.unfreeze()

    def is_ready(self, source: Source) -> bool:
        """
        ### Was the page made before?
        """
        return source in self._ready

    def page(self, order: Order) -> Page:
        """
        ### One page

        It is waited for if a process is at it, and made here if nobody is. A file that cannot be read has an empty page
        with a diagnostic.
        """
        if data := self._ready.pop(order.source, None):
            try:
                return _unpacked(data)
            except (zlib.error, ValueError, KeyError, TypeError):
                # A foreign entry in the cache: the page is made again.
                pass
        if pending := self._pending.pop(order.source, None):
            key, future = pending
            try:
                data = future.result()
            except BrokenExecutor:
                # A process was killed, for want of memory perhaps. This one does its work.
                data = b""
            if not self._pending:
                self.close()
            if data:
                self._cache.put("page", key, data)
                return _unpacked(data)
        content = _read(order.source)
        if isinstance(content, OSError):
            message = f"cannot be read: {content.strerror}; its page is empty"
            return replace(make(order, b""), diagnostics=(Diagnostic(order.source.shown, 1, 1, "source", message),))
        page = make(order, content)
        self.keys[order.source] = _key(order, content)
        self._cache.put("page", self.keys[order.source], _packed(page))
        return page

    def close(self) -> None:
        """Stop the processes. It happens by itself once there is nothing left for them to do."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _end_with_parent() -> None:
    """Watch, in a process that makes pages, for the end of the one that wants them: a killed build ends no other."""

    def watch() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _make_apart(order: Order) -> bytes:
    """What a process does: a page as bytes, or nothing where the file has vanished."""
    content = _read(order.source)
    return b"" if isinstance(content, OSError) else _packed(make(order, content))


def _packed(page: Page) -> bytes:
    """
    ### A page as bytes

    Its HTML is compressed already; this does it for the rest. So much less goes between processes and to the disk, and
    the cache holds so many more pages.
    """
    return zlib.compress(to_bytes(page), 1)


def _unpacked(data: bytes) -> Page:
    return from_bytes(zlib.decompress(data))


def _read(source: Source) -> bytes | OSError:
    try:
        return source.path.read_bytes()
    except OSError as error:
        return error


def _key(order: Order, content: bytes | OSError) -> str:
    return "" if isinstance(content, OSError) else digest(fingerprint.of_generator(), repr(order), content)


def _workers(pages: int) -> int:
    """
    ### How many processes to start

    Only Linux forks safely and at once. Elsewhere a new process would import everything again.
    """
    if pages < FEW or sys.platform != "linux":
        return 1
    return min(len(os.sched_getaffinity(0)), MOST)
