"""
# What the tests share

A browser, a web server for a folder, and the rule that no test is left out in silence: whatever did not run is named at
the end. When `CI=true` it fails the run, unless it needs a GPU, which the machines that run these tests do not have.
"""

from __future__ import annotations

import os
import signal

# A run in the background does not hear Ctrl-C, and nor would the programs that it starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Two workers on two cores: torch must not start two threads in each. It reads this when it is first imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import hypothesis
import pytest
from install_browser import CHROMIUM, find_browser
from playwright.sync_api import Browser, sync_playwright

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
def serve_folder() -> Iterator[Callable[..., str]]:
    """
    A function that serves a folder on this machine until the run ends, and returns its address, ending in `/`.

    With `policy`, every answer bears that content security policy.
    """

    class Quiet(SimpleHTTPRequestHandler):
        policy = ""

        def end_headers(self) -> None:
            if self.policy:
                self.send_header("Content-Security-Policy", self.policy)
            super().end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ExitStack() as running:

        def serve(folder: Path, policy: str = "") -> str:
            handler = type("Handler", (Quiet,), {"policy": policy})
            server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
            running.callback(server.server_close)
            running.callback(server.shutdown)
            Thread(target=server.serve_forever, daemon=True).start()
            return f"http://127.0.0.1:{server.server_port}/"

        yield serve


# The tests that were taken out of a run because there is no GPU, by name, and how many cases of each
WITHOUT_GPU = pytest.StashKey[dict[str, int]]()


def has_gpu() -> bool:
    """Say whether torch could use a GPU."""
    # The tests of the generator do without torch.
    import torch

    return torch.cuda.is_available()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Mark what uses a browser, before `-m` chooses by marks; then take out what this machine cannot run."""
    using = [item for item in items if "browser" in getattr(item, "fixturenames", ())]
    missing = bool(using) and find_browser() is None
    for item in using:
        item.add_marker("browser")
        if missing:
            item.add_marker(pytest.mark.skip(reason="no browser could be had"))

    yield

    gpu = [item for item in items if item.get_closest_marker("gpu")]
    if gpu and not has_gpu():
        config.hook.pytest_deselected(items=gpu)
        items[:] = [item for item in items if item not in gpu]
        config.stash[WITHOUT_GPU] = dict(Counter(item.nodeid.partition("[")[0] for item in gpu))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Take over from a worker what it could not run; the main process collects nothing itself."""
    if tests := getattr(node, "workeroutput", {}).get("without_gpu"):
        node.config.stash[WITHOUT_GPU] = tests


def not_run(config: pytest.Config) -> list[str]:
    """Return a line for each skipped test of a finished run: its name and the reason."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    # The workers report to the main process, which has the reporter.
    if reporter is None:
        return []
    skipped = reporter.stats.get("skipped", [])
    return [f"{report.nodeid}: {report.longrepr[2].removeprefix('Skipped: ')}" for report in skipped]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run under CI that skipped something; in a worker, hand over what it could not run."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["without_gpu"] = session.config.stash.get(WITHOUT_GPU, {})
    if os.environ.get("CI") == "true" and session.exitstatus == pytest.ExitCode.OK and not_run(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name what did not run."""
    tests = config.stash.get(WITHOUT_GPU, {})
    without_gpu = [f"{name}: no GPU" + (f" ({cases} cases)" if cases > 1 else "") for name, cases in tests.items()]
    if lines := not_run(config) + without_gpu:
        terminalreporter.section("did not run")
        for line in lines:
            terminalreporter.write_line(line)
