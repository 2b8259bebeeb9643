"""
# Descriptions of modules

This module has the [other process](apart.py) describe modules and gives what it said: for each module the HTML that
pdoc made, with marks in it, and what is shown there. It is asked again only when something has changed that a
description depends on: the files that were imported, the versions of the libraries, sidelit itself.

A module may raise an error, exit, or never come to an end. Then the process begins again without it, and the module is
among the failures. It also is when the libraries it needs are not there.
"""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidelit.cache import Cache, digest
from sidelit.theme import PACKAGE, TEMPLATES

# How long a module may take, in seconds. Large libraries take ten on a slow disk.
LIMIT = 60.0

# After so many modules that ended the process, the others are not tried.
PATIENCE = 5

OURS = TEMPLATES / "api"


@dataclass(frozen=True)
class Member:
    """
    ## Something that is shown

    * `kind` is `module`, `class`, `function` or `variable`
    * `qualname` is its name in the module whose page shows it, empty for the module itself
    * `origin` is where it was defined: a module, and a qualified name
    * `docs` is its docstring, `signature` what it looks like, on one line
    """

    kind: str
    qualname: str
    origin: tuple[str, str]
    docs: str
    signature: str


@dataclass(frozen=True)
class Described:
    """
    ## A module as pdoc describes it

    In `html`, the mark `s` with a number stands where the way to the story of a member belongs, `d` where its prose
    does.
    """

    name: str
    html: str
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Failure:
    """
    ## A module of which there is no description

    `missing` is the library that was not found, if that is why. `file` and `line` are where it went wrong, if known.
    """

    name: str
    reason: str
    missing: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class Description:
    """All that came of the modules."""

    modules: tuple[Described, ...] = ()
    failures: tuple[Failure, ...] = ()


def lack() -> str:
    """
    ## What describing lacks here

    A sentence that says what to do, empty when everything is there.
    """
    if importlib.util.find_spec("pdoc") is None:
        return "pdoc is not installed, so there is no API reference: pip install 'sidelit[api]'"
    return ""


def describe(
    modules: Sequence[str],
    roots: Sequence[Path],
    *,
    mock: Sequence[str] = (),
    folders: bool = False,
    cache: Cache | None = None,
    limit: float = LIMIT,
) -> Description:
    """
    ## Describe modules

    `roots` are the folders from which they are imported, before the places that Python knows. `mock` are the libraries
    that have stand-ins. With `folders`, each page of the site has a folder of its own.
    """
    request = {
        "modules": list(modules),
        "roots": [str(root) for root in roots],
        "mock": list(mock),
        "templates": str(OURS),
        "folders": folders,
    }
    key = digest(_fingerprint(), json.dumps(request))
    if cache and (kept := cache.get("api", key)) and (known := _still_true(kept)):
        return known

    described, failures, read = _ask(request, limit)
    ordered = tuple(described[name] for name in modules if name in described)
    # What could not be imported today may be tomorrow, when a library was installed.
    if cache and not failures:
        kept = json.dumps({"modules": ordered, "read": _contents(read)}, default=vars).encode()
        cache.put("api", key, kept)
    return Description(ordered, tuple(failures))


# ## Kept from an earlier build


def _fingerprint() -> str:
    """Return a digest of what a description depends on, besides the modules and what they import of their own kind."""
    files = [*sorted((PACKAGE / "api").glob("*.py")), OURS / "module.html", OURS / "frame.html"]
    return digest(*(file.read_bytes() for file in files), sys.version, *sys.path, *_installed())


def _installed() -> Iterator[str]:
    """The names of all libraries, with their versions."""
    for folder in sys.path:
        with suppress(OSError):
            yield from sorted(name for name in os.listdir(folder) if name.endswith((".dist-info", ".egg-info")))


def _contents(files: Iterable[str]) -> dict[str, str]:
    """Return what is in files now, as digests."""
    found = {}
    for file in files:
        with suppress(OSError):
            found[file] = digest(Path(file).read_bytes())
    return found


def _still_true(kept: bytes) -> Description | None:
    try:
        values = json.loads(kept)
        if values["read"] != _contents(values["read"]):
            return None
        return Description(tuple(map(_described, values["modules"])))
    except (ValueError, KeyError, TypeError, AttributeError):
        # A foreign entry in the cache: the modules are described again.
        return None


def _described(values: Mapping[str, Any]) -> Described:
    members = tuple(Member(**each | {"origin": tuple(each["origin"])}) for each in values["members"])
    return Described(values["name"], values["html"], members)


# ## The other process


def _ask(request: Mapping[str, Any], limit: float) -> tuple[dict[str, Described], list[Failure], list[str]]:
    """
    ### Ask until there is an answer for each module

    Each time without those at which the process ended, and without what is in them: to import that, Python would import
    them too.
    """
    failures: dict[str, Failure] = {}
    for _ in range(PATIENCE):
        left = [name for name in request["modules"] if not _in_any(name, failures)]
        described: dict[str, Described] = {}
        raised: dict[str, Failure] = {}
        at = ""
        for answer in _answers({**request, "modules": left}, limit):
            match answer:
                case {"begin": name}:
                    at = name
                case {"failed": name, **why}:
                    raised[name] = Failure(name, **why)
                case {"described": name, "html": html, "members": members}:
                    described[name] = _described({"name": name, "html": html, "members": members})
                case {"read": read}:
                    every = failures | raised
                    outermost = [name for name in sorted(every) if not _in_any(_package(name), every)]
                    return described, [every[name] for name in outermost], read
                case {"ended": reason}:
                    failures |= {at: Failure(at, reason)} if at else {}
        if not at:
            return {}, [Failure(name, "the process that imports it does not start") for name in left], []
    untried = [name for name in request["modules"] if not _in_any(name, failures)]
    reason = "it was not tried, because too many modules before it ended the process"
    return {}, [*failures.values(), *(Failure(name, reason) for name in untried)], []


def _package(name: str) -> str:
    return name.rpartition(".")[0]


def _in_any(name: str, packages: Mapping[str, Any]) -> bool:
    """Whether a module is one of these packages, or in one."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in packages for count in range(1, len(parts) + 1))


_BEGINNING = """
import json, sys
request = json.load(sys.stdin)
sys.path[:] = request.pop("path")
from sidelit.api.apart import main
main(request)
"""


def _answers(request: Mapping[str, Any], limit: float) -> Iterator[dict[str, Any]]:
    """
    ### What the process says, until it ends

    A thread reads, so that this one can wait no longer than it wants to.
    """
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "0",  # or sets would be shown in another order each time
        "PYTHONDONTWRITEBYTECODE": "1",  # a build leaves nothing beside the sources
        "MPLBACKEND": "agg",
    }
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _BEGINNING],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    assert process.stdin and process.stdout
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read(pipe: Any) -> None:
        for line in pipe:
            lines.put(line)
        lines.put(b"")

    threading.Thread(target=read, args=(process.stdout,), daemon=True).start()
    try:
        with suppress(OSError), process.stdin as pipe:
            pipe.write(json.dumps({**request, "path": sys.path}).encode())
        while line := lines.get(timeout=limit):
            yield json.loads(line)
        yield {"ended": f"it ended the process that imports it, with status {process.wait(timeout=limit)}"}
    except (queue.Empty, subprocess.TimeoutExpired):
        yield {"ended": f"it took longer than {limit:g} seconds"}
    except ValueError:
        yield {"ended": "it wrote into the answers of the process that imports it"}
    finally:
        process.kill()
        process.wait()
