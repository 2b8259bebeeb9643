"""The server that shows a site while one writes, in a real browser."""

from __future__ import annotations

import re
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from building import BIN, own_cache, snapshot, write
from playwright.sync_api import Browser, Page, expect

from sidelit.hosts import serve
from sidelit.hosts.live import LiveServer
from sidelit.hosts.site import reporting

__all__ = ["own_cache"]

TALL = "\n".join(f"# Paragraph {number}\nx{number} = {number}\n" for number in range(60))
FILES = {
    "pkg/__init__.py": '"""\n# A package\n"""\n',
    "pkg/a.py": f'"""\n# The first\n\nWith $x$.\n"""\n{TALL}',
    "pkg/b.py": '"""\n# The second\n\nSee [the first](a.py).\n"""\n',
}

SETTINGS = "site_name: x\ntheme: sidelit\nplugins: [{sidelit: {sources: [pkg]}}]\n"


@contextmanager
def serving(folder: Path, *command: str | Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """Run a server; give its address, and a function that reads what it has said so far."""
    log = folder.parent / "log"
    with (
        log.open("w+b") as said,
        subprocess.Popen([*command, "--address", "127.0.0.1:0"], cwd=folder, stdout=said, stderr=said) as server,
    ):
        try:
            while not (found := re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())):
                assert server.poll() is None, log.read_text()
            yield found[0], log.read_text
            assert server.poll() is None, log.read_text()
        finally:
            server.terminate()
            server.wait(20)
    assert "Traceback" not in log.read_text()


@pytest.fixture
def tree(own_cache: Path, tmp_path: Path) -> Path:
    return write(tmp_path / "project", FILES)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def test_a_saved_change_is_in_the_browser_where_the_reader_was(tree: Path, page: Page) -> None:
    with serving(tree, BIN / "sidelit", "serve", "pkg") as (address, said):
        page.goto(f"{address}pkg/a.html")
        page.evaluate("scrollTo(0, 1200)")
        page.wait_for_function("scrollY === 1200")
        text = FILES["pkg/a.py"]
        formula = r"$\frac{y}{2} \rightarrowtail \mathfrak{A}$"
        (tree / "pkg/a.py").write_text(text.replace("The first", "Changed").replace("$x$", formula))
        expect(page.locator("h1")).to_have_text("Changed")
        page.wait_for_function("scrollY === 1200")
        expect(page.locator("mjx-mfrac")).to_have_count(1)

        # Symbols that no page had before have their fonts: one is in no part of the main font, one in another font.
        page.wait_for_function(
            """() => ["MJX-NCM-N", "MJX-NCM-F"].every((family) => [...document.fonts].some((face) =>
              face.family === family && face.unicodeRange === "U+0-10FFFF" && face.status === "loaded"))"""
        )

        # The rest of the site follows: the navigation of the other pages has the new title.
        page.goto(f"{address}pkg/b.html")
        expect(page.locator(".tree")).to_contain_text("Changed")
    # Nothing was written beside the sources.
    assert set(snapshot(tree)) == {"pkg", *FILES}


def test_an_error_stands_above_its_page_until_it_is_mended(tree: Path, page: Page) -> None:
    with serving(tree, BIN / "sidelit", "serve", "pkg") as (address, said):
        page.goto(f"{address}pkg/a.html")
        banner = page.locator("#live-problems")
        expect(banner).to_have_count(0)
        (tree / "pkg/a.py").write_text('"""\n# The first\n\n$\\nonsense$ <b>\n"""\ndef broken(:\n')
        expect(banner).to_contain_text(r"pkg/a.py:4:2: `\nonsense` is no command that is known")
        expect(banner).to_contain_text("pkg/a.py:6:12:")
        assert page.locator("#live-problems b").count() == 0
        page.goto(f"{address}pkg/b.html")
        expect(banner).to_have_count(0)
        page.goto(f"{address}pkg/a.html")
        (tree / "pkg/a.py").write_text(FILES["pkg/a.py"])
        expect(banner).to_have_count(0)
    assert "pkg/a.py:6:12:" in said()


def test_a_build_gives_way_to_a_saved_change_and_follows_later(tree: Path, tmp_path: Path) -> None:
    config = write(tree, {"mkdocs.yml": SETTINGS, "docs/index.md": "# Home\n"}) / "mkdocs.yml"
    source, scratch, news = tree / "pkg/a.py", tmp_path / "scratch", serve.News()
    server = LiveServer("127.0.0.1", 0)
    with reporting() as report:
        session = serve.Session(config, scratch, server, report, news)
        session.build()
        before = server.folder
        source.write_text(FILES["pkg/a.py"].replace("The first", "Changed"))
        session.follow({source})
        assert "Changed" in (before / "pkg/a/index.html").read_text()

        # Somebody saves before the build of the whole site has come to its first page.
        news.put({source})
        session.follow(set())
        assert server.folder == before
        assert list(scratch.iterdir()) == [before]
        source.write_text(FILES["pkg/a.py"].replace("The first", "Changed again"))
        session.follow(news.get())
        assert "Changed again" in (before / "pkg/a/index.html").read_text()

        session.follow(set())
        assert server.folder != before
        assert "Changed again" in (server.folder / "pkg/b/index.html").read_text()
        session.close()


def test_files_that_come_and_go_are_followed(tree: Path, page: Page) -> None:
    with serving(tree, BIN / "sidelit", "serve", "pkg") as (address, said):
        page.goto(f"{address}pkg/a.html")
        write(tree, {"pkg/c.py": '"""\n# The third\n"""\n'})
        expect(page.locator(".tree")).to_contain_text("The third")
        (tree / "pkg/c.py").rename(tree / "pkg/d.py")
        expect(page.locator('.tree a[href$="d.html"]')).to_have_count(1)
        assert page.request.get(f"{address}pkg/c.html").status == 404
        assert page.request.get(f"{address}pkg/d.html").status == 200
        (tree / "pkg/a.py").unlink()
        expect(page.locator(".section")).to_have_count(0)


def test_a_source_that_goes_away_and_comes_back_is_followed(tree: Path) -> None:
    write(tree, {"one.py": '"""\n# One\n"""\n'})

    def shown(address: str) -> str:
        try:
            with urlopen(address, timeout=10) as answer:
                return str(answer.read().decode())
        except HTTPError:
            return ""

    def wait_for(address: str, text: str) -> None:
        end = time.monotonic() + 30
        while text not in (page := shown(address)) or bool(page) != bool(text):
            assert time.monotonic() < end, (address, text)
            time.sleep(0.1)

    with serving(tree, BIN / "sidelit", "serve", "pkg", "one.py") as (address, _):
        for _ in range(2):
            (tree / "pkg").rename(tree / "elsewhere")
            wait_for(f"{address}pkg/a.html", "")
            (tree / "elsewhere").rename(tree / "pkg")
            wait_for(f"{address}pkg/a.html", "The first")
            (tree / "one.py").unlink()
            wait_for(f"{address}one.html", "")
            (tree / "one.py").write_text('"""\n# Back\n"""\n')
            wait_for(f"{address}one.html", "Back")
        (tree / "one.py").write_text('"""\n# Again\n"""\n')
        wait_for(f"{address}one.html", "Again")


def test_a_broken_configuration_leaves_the_site_as_it_was(tree: Path, page: Page) -> None:
    write(tree, {"mkdocs.yml": SETTINGS, "docs/index.md": "# Home\n", "docs/more.md": "# More\n"})
    serve = "import sys, pathlib, sidelit.hosts.serve as it; it.serve(pathlib.Path(sys.argv[1]), sys.argv[3])"
    with serving(tree, BIN / "python", "-c", serve, "mkdocs.yml") as (address, said):
        page.goto(f"{address}more/")
        write(tree, {"docs/more.md": "# Still more\n"})
        expect(page.locator("h1")).to_have_text("Still more")
        write(tree, {"mkdocs.yml": SETTINGS.replace("sources: [pkg]", "sources: 7")})
        expect(page.locator("#live-problems")).to_contain_text("sources")
        expect(page.locator("h1")).to_have_text("Still more")
        write(tree, {"mkdocs.yml": SETTINGS.replace("site_name: x", "site_name: A better name")})
        expect(page.locator(".site")).to_have_text("A better name")
        expect(page.locator("#live-problems")).to_have_count(0)


def test_a_browser_that_goes_away_is_nothing_to_tell(tree: Path) -> None:
    write(tree, {"pkg/long.py": "x = 1\n" * 20_000})
    with serving(tree, BIN / "sidelit", "serve", "pkg") as (address, said):
        place = urlsplit(address)
        for _ in range(20):
            with socket.create_connection((place.hostname, place.port)) as browser:
                browser.sendall(b"GET /pkg/long.html HTTP/1.1\r\nHost: x\r\n\r\n")
                # It hangs up with a reset, as a browser does when the page is loaded again.
                browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # One answer after the others: by now they have been dealt with.
        with urlopen(f"{address}pkg/a.html") as answer:
            assert answer.status == 200
        assert "Exception" not in said()


def test_an_address_that_is_taken_is_said_in_one_line(tree: Path) -> None:
    with serving(tree, BIN / "sidelit", "serve", "pkg") as (address, said):
        place = address.removeprefix("http://").rstrip("/")
        second = subprocess.run(
            [BIN / "sidelit", "serve", "pkg", "--address", place], cwd=tree, capture_output=True, text=True
        )
    assert second.returncode == 1
    assert second.stderr == f"sidelit: {place}: Address already in use; choose another address with --address\n"
