"""
# Folders for what is being made

A build that is killed cannot clean up after itself. So a folder is locked for as long as the process lives that makes
something in it: the system lets go of the lock whatever the process died of. Who makes a folder first removes those of
the same kind that nobody holds any more.

Where folders cannot be locked, as on Windows, those of killed builds stay until somebody removes them.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def scratch_folder(parent: Path, prefix: str, mode: int = 0o777) -> Iterator[Path]:
    """
    ## An empty folder for a while

    Its name begins with `prefix`, and nothing else in `parent` may be called so. It is made with `mkdir`, so that its
    permissions follow the umask. What then has its name is removed in the end.
    """
    _sweep(parent, prefix)
    with contextlib.ExitStack() as held:
        folder = _make(parent, prefix, mode, held)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def hidden_name(target: Path) -> str:
    """How the names begin of what is beside a file or a folder while that is made."""
    return f".{target.name[:50]}.sidelit-"


def temporary_folder(prefix: str) -> contextlib.AbstractContextManager[Path]:
    """
    ## One where the system keeps such folders

    Nobody else may look into it.
    """
    return scratch_folder(Path(tempfile.gettempdir()).resolve(), prefix, 0o700)


def _make(parent: Path, prefix: str, mode: int, held: contextlib.ExitStack) -> Path:
    while True:
        folder = parent / f"{prefix}{secrets.token_hex(6)}"
        folder.mkdir(mode)
        try:
            held.enter_context(_locked(folder))
        except (BlockingIOError, FileNotFoundError):
            # Another process has taken it for one that was left, and removes it or has done so.
            continue
        except OSError:
            return folder
        if folder.exists():
            return folder


def _sweep(parent: Path, prefix: str) -> None:
    """Remove the folders that killed processes have left."""
    for folder in [Path(entry) for entry in os.scandir(parent) if entry.name.startswith(prefix)]:
        # In the system's own folder others have theirs, and may put there what they like.
        with contextlib.suppress(OSError):
            if fcntl and not folder.is_symlink() and folder.stat().st_uid == os.getuid():
                with _locked(folder):
                    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder. Raises `BlockingIOError` where another process does, another `OSError` where none can."""
    if fcntl is None:
        raise OSError("folders cannot be locked here")
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)
