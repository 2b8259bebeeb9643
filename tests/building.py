"""
# Sites for tests

Writes small trees, builds them as a user would, and looks at what came out.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from click.testing import CliRunner

from sidelit.cli import main

ROOT = Path(__file__).resolve().parent.parent

# A console script of the environment that runs the tests.
BIN = Path(sys.executable).parent


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache of the user who runs the tests is left alone. A module that imports this name uses this cache."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files by name, text with the line ends it has, and return the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it complained of."""
        return self.err.splitlines()


def sidelit(*arguments: str | Path) -> Ran:
    """Run the command line in this process. Whatever is raised is raised here too: a traceback fails the test."""
    result = CliRunner().invoke(main, [str(each) for each in arguments], catch_exceptions=False)
    return Ran(result.exit_code, result.stdout, result.stderr)


def run(*command: str | Path, cwd: Path, **environment: str) -> Ran:
    """Run a command of its own; names without a path are the environment's scripts."""
    program = BIN / command[0]
    done = subprocess.run(
        [program if program.exists() else command[0], *command[1:]],
        cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def snapshot(folder: Path) -> dict[str, bytes | str]:
    """Everything below a folder: files with content, links with targets, folders."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        found[name] = f"-> {path.readlink()}" if path.is_symlink() else "folder" if path.is_dir() else path.read_bytes()
    return found


# ## Looking at pages

_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Element:
    """An element of a page, with the text in it."""

    tag: str
    attributes: dict[str, str]
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()


class Html(HTMLParser):
    """The elements of a page, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attributes})
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while any(each.tag == tag for each in self._open) and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.pieces.append(data)

    def all(self, tag: str = "", name: str = "") -> list[Element]:
        """The elements of a tag, of a class, or both."""
        return [e for e in self.elements if (not tag or e.tag == tag) and (not name or name in e.classes)]

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(element.attributes["id"] for element in self.elements if "id" in element.attributes)

    @property
    def title(self) -> str:
        return self.all("h1")[0].text

    @property
    def code(self) -> str:
        """The code that the page shows, without the numbers of its lines."""
        blocks = re.findall(r"<pre>(.*?)</pre>", self.text, re.DOTALL)
        bare = re.sub(r'<span class="lineno".*?</span>', "", "\n".join(blocks))
        return unescape(re.sub(r"<[^>]*>", "", bare))

    @property
    def references(self) -> Iterator[str]:
        """Every address that the page names."""
        for element in self.elements:
            for name in ("href", "src", "action"):
                if name in element.attributes:
                    yield element.attributes[name]


def page(site: Path, address: str) -> Html:
    return Html((site / address).read_text(encoding="utf-8"))


def assigned(script: str, name: str) -> Any:
    """What a script that does nothing but keep a value keeps."""
    begin, end = f"window.{name} = ", ";\n"
    assert script.startswith(begin) and script.endswith(end)
    return json.loads(script.removeprefix(begin).removesuffix(end))


def search_index(site: Path) -> dict[str, Any]:
    return assigned((site / "assets/sidelit/search-index.js").read_text(encoding="ascii"), "sidelitIndex")


def dead_links(site: Path, base: str = "/") -> list[str]:
    """
    The links within a site, as a browser reads them, that lead to no file or no anchor.

    `base` is where the site will be on its server.
    """
    pages = {path.relative_to(site).as_posix(): page(site, str(path)) for path in sorted(site.rglob("*.html"))}
    dead = []
    for address, html in pages.items():
        for reference in html.references:
            parts = urlsplit(reference)
            if parts.scheme or parts.netloc:
                continue
            start = posixpath.dirname(address) if parts.path else address
            target = posixpath.relpath(posixpath.join(base, start, unquote(parts.path)), base)
            if (site / target).is_dir():
                target = posixpath.normpath(posixpath.join(target, "index.html"))
            anchors = pages[target].ids if target in pages else frozenset()
            if not (site / target).is_file() or (parts.fragment and unquote(parts.fragment) not in anchors):
                dead.append(f"{address}: {reference}")
    return dead
