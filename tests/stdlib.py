"""Python's own standard library, as a corpus."""

from __future__ import annotations

import sysconfig
from functools import cache
from pathlib import Path

STDLIB = Path(sysconfig.get_path("stdlib"))

# In shards, so that they can be spread over processes.
SHARDS = 8


@cache
def stdlib_files() -> list[Path]:
    return sorted(path for path in STDLIB.rglob("*.py") if "site-packages" not in path.parts and path.is_file())
