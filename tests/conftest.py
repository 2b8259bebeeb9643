"""
# What the tests share

A browser, a web server for a folder, and the rule that no test is skipped in silence: whatever did not run is named at
the end, and fails the run when `CI=true`.
"""

from __future__ import annotations

import os

# Two workers on two cores: torch must not start two threads in each. It reads this when it is first imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import hypothesis
import pytest
from install_browser import find_browser
from playwright.sync_api import Browser, sync_playwright

# No sandbox, because root has none in a container. The rest keeps Chromium from talking to anybody on its own.
CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# A shared machine may be slow at any moment, which is no property of what is tested. Under CI the examples are the same
# in each run, so that a failure is the change's.
hypothesis.settings.register_profile("sidelit", deadline=None, derandomize=os.environ.get("CI") == "true")
hypothesis.settings.load_profile("sidelit")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """
    Chromium, driven by Playwright; one for each worker.

    `browser.new_page(viewport=…, java_script_enabled=…)` gives a page with cookies and cache of its own.
    """
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=CHROMIUM)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def serve_folder() -> Iterator[Callable[[Path], str]]:
    """A function that serves a folder on this machine until the run ends, and returns its address, ending in `/`."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ExitStack() as running:

        def serve(folder: Path) -> str:
            server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
            running.callback(server.server_close)
            running.callback(server.shutdown)
            Thread(target=server.serve_forever, daemon=True).start()
            return f"http://127.0.0.1:{server.server_port}/"

        yield serve


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses a browser, before `-m` chooses by marks; without a browser, take it out of the run."""
    using = [item for item in items if "browser" in getattr(item, "fixturenames", ())]
    missing = bool(using) and find_browser() is None
    for item in using:
        item.add_marker("browser")
        if missing:
            item.add_marker(pytest.mark.skip(reason="no browser could be had"))


def not_run(config: pytest.Config) -> list[str]:
    """Return a line for each skipped test of a finished run: its name and the reason."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    # The workers report to the main process, which has the reporter.
    if reporter is None:
        return []
    skipped = reporter.stats.get("skipped", [])
    return [f"{report.nodeid}: {report.longrepr[2].removeprefix('Skipped: ')}" for report in skipped]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run under CI that left something out."""
    if os.environ.get("CI") == "true" and session.exitstatus == pytest.ExitCode.OK and not_run(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name what did not run."""
    if lines := not_run(config):
        terminalreporter.section("did not run")
        for line in lines:
            terminalreporter.write_line(line)
