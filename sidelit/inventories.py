r"""
# Where other libraries are documented

Documentation that Sphinx made has a file `objects.inv` beside its pages: every name it explains, with its address. This
module reads such inventories, so that `torch.zeros_like` in a source leads to torch's own page.

    inventory, problems = load_inventories([("https://docs.python.org/3/", "")], cache.directory / "inventories")
    inventory.find("builtins.len")  # https://docs.python.org/3/library/functions.html#len

A build must not depend on somebody else's server. What was fetched is kept for a week, and longer where there is no
network. An inventory that cannot be had, or is not what it says, costs its links and a line that says so.

The package `sphobjinv` reads these files too, but brings a validator of JSON schemas for what is one pattern here.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from sidelit.cache import digest

WEEK = 7 * 86_400

# How long to wait for a server that says nothing, and for the whole file, in seconds.
PATIENCE, LONGEST = 5, 15

# In bytes, as it comes and unpacked. Python's own inventory has 0.1 and 1 MB.
LARGEST_FILE, LARGEST_TEXT = 10 << 20, 50 << 20


@dataclass(frozen=True)
class Inventory:
    """
    ## Addresses by dotted name
    """

    addresses: Mapping[str, str] = field(default_factory=dict)

    def find(self, dotted: str) -> str | None:
        """Return where a name is explained: a module, a class, a method; `builtins.len` is listed as `len`."""
        return self.addresses.get(dotted) or self.addresses.get(dotted.removeprefix("builtins."))


def load_inventories(sources: Iterable[tuple[str, str]], directory: Path) -> tuple[Inventory, list[str]]:
    """
    ## Read them all

    A source is where the inventory is and where its documentation is: a file needs both, and of an address the second
    may be empty. The address may be that of the documentation: its inventory is then `objects.inv`. The first source
    that has a name decides.

    `directory` is where fetched files are kept. Returns what was found and a line about each source that gave nothing.
    """
    addresses: dict[str, str] = {}
    problems: list[str] = []
    for where, at in sources:
        try:
            found = _fetched(where, at, directory) if _is_address(where) else _read(where, at)
        except ValueError as error:
            problems.append(f"{where}: {error}; names of its library are not linked")
        else:
            addresses = {**found, **addresses}
    return Inventory(addresses), problems


def read_inventory(data: bytes, base: str) -> dict[str, str]:
    r"""
    ## From the file to addresses

    Below four lines of comment is compressed text, with a line for each name:

        torch.zeros py:function 1 generated/torch.zeros.html#$ -

    A `$` at the end stands for the name. The rest of the line is how the name is shown. Names of other domains, of C or
    of chapters, are left out.

    Addresses are put behind `base`, so that none can lead elsewhere. Raises `ValueError` where this is no inventory, or
    one that tries.
    """
    *head, packed = data.split(b"\n", 4) if data.count(b"\n", 0, 10_000) >= 4 else [b"", b""]
    if head[0].rstrip() != b"# Sphinx inventory version 2":
        raise ValueError("is not an inventory of Sphinx, version 2")

    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, LARGEST_TEXT).decode("utf-8")
    except (zlib.error, UnicodeDecodeError):
        raise ValueError("is a damaged inventory") from None
    if unpacker.unconsumed_tail:
        raise ValueError(f"is larger than {LARGEST_TEXT >> 20} MB")
    if not unpacker.eof:
        raise ValueError("is a damaged inventory; its end is missing")

    addresses: dict[str, str] = {}
    for name, path in _ENTRY.findall(text):
        if path.endswith("$"):
            path = path[:-1] + name
        if not (name + path).isprintable() or _SCHEME.match(path):
            raise ValueError(f"is an inventory with an address that is none: {ascii(path[:100])}")
        addresses.setdefault(name, base + quote(path, safe="/#?&=%:@!$()*+,;~"))
    return addresses


_ENTRY = re.compile(r"^([^ \n]+) +py:[^ \n]+ +-?\d+ +([^ \n]*)", re.MULTILINE)
_SCHEME = re.compile(r"[\w+.-]*:|[/\\]")


def _is_address(where: str) -> bool:
    return where.lower().startswith(("https://", "http://"))


def _base(address: str) -> str:
    """
    ### The address that the inventory's are added to
    """
    if not _is_address(address) or not urlsplit(address).hostname:
        raise ValueError(f"say where its documentation is, as `https://…`, not {address!r}")
    return quote(address, safe="/:@%?&=~+,;$!()*[]").removesuffix("/") + "/"


def _read(path: str, at: str) -> dict[str, str]:
    base = _base(at)
    try:
        with open(path, "rb") as file:
            return read_inventory(_bounded(file.read(LARGEST_FILE + 1)), base)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error}") from None


def _fetched(address: str, at: str, directory: Path) -> dict[str, str]:
    """
    ### Read what is kept, or fetch it

    What is kept and cannot be read counts as nothing.
    """
    folder, _, name = address.rpartition("/")
    if not name.endswith(".inv"):
        folder = address.removesuffix("/")
        address = f"{folder}/objects.inv"
    base = _base(at or folder)

    file = directory / f"{digest(address)}.inv"
    kept: dict[str, str] | None = None
    age = -1.0
    with suppress(OSError, ValueError):
        age = time.time() - file.stat().st_mtime
        kept = read_inventory(file.read_bytes(), base)
    if kept is not None and 0 <= age < WEEK:
        return kept

    try:
        data = _fetch(address)
        found = read_inventory(data, base)
    except ValueError:
        if kept is not None:
            return kept
        raise
    _keep(data, file)
    return found


def _fetch(address: str) -> bytes:
    """
    ### Ask the server, with patience but not for ever
    """
    # Few builds have to ask, and these take long to import.
    import http.client
    import urllib.error
    import urllib.request

    end = time.monotonic() + LONGEST
    try:
        request = urllib.request.Request(address, headers={"User-Agent": "sidelit"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            data = b""
            while len(data) <= LARGEST_FILE and (part := response.read1(1 << 20)):
                data += part
                if time.monotonic() > end:
                    raise TimeoutError("it comes too slowly")
    except (OSError, http.client.HTTPException, ValueError) as error:
        # A `URLError` wraps what really happened.
        reason = error.reason if type(error) is urllib.error.URLError else error
        if isinstance(reason, OSError) and reason.strerror:
            reason = reason.strerror
        raise ValueError(f"cannot be fetched: {' '.join(str(reason).split()) or type(reason).__name__}") from None
    return _bounded(data)


def _bounded(data: bytes) -> bytes:
    if len(data) > LARGEST_FILE:
        raise ValueError(f"is larger than {LARGEST_FILE >> 20} MB")
    return data


def _keep(data: bytes, file: Path) -> None:
    # Written beside and moved, so that another build never reads half of it. Without a place to keep it, it is fetched
    # again.
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as temporary:
            temporary.write(data)
        os.replace(temporary.name, file)
