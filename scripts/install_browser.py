"""
# A browser for the tests and the benchmarks

Takes the first that can be had: one on PATH, Debian's package where we may install it, Playwright's own download. The
tests ask `find_browser` as well, so that both mean the same one. Run it with the Python of the project's environment.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

# The names under which Chromium and its relatives are installed.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")

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


def find_browser() -> str | None:
    """Return the path of a browser on PATH, else of the one that Playwright downloaded, else `None`."""
    for name in NAMES:
        if path := shutil.which(name):
            return path

    # Asking Playwright starts a process, which is why it comes last.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def may_use_apt() -> bool:
    """Say whether this is Debian or a relative of it, and we are root there."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return False
    family = {release["ID"], *release.get("ID_LIKE", "").split()}
    return os.geteuid() == 0 and not family.isdisjoint({"debian", "ubuntu"})


def install_with_apt() -> None:
    """Install Debian's Chromium. A failure is said by apt, and seen by the next look."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        subprocess.run(["apt-get", *command], env=environment, stdin=subprocess.DEVNULL)


def main() -> None:
    """Install a browser unless there is one. Without one the tests still run, and say at their end what did not."""
    if find_browser():
        return
    if may_use_apt():
        print("No browser on PATH: installing Debian's chromium.", flush=True)
        install_with_apt()
    if not find_browser():
        print("No browser on PATH: downloading Playwright's Chromium.", flush=True)
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"])
    if not find_browser():
        print("No browser could be had: the tests that need one will not run.", file=sys.stderr)


if __name__ == "__main__":
    main()
