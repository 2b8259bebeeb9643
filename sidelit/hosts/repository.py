r"""
# Where a source is in its repository

A reader who wants to see a line where it is kept, with its history, should find that very line, also when the branch
has moved on. So the link names the commit that the site was built from. Which addresses a host of repositories has for
that is told from the address that MkDocs makes for editing, whose form is the user's to set.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit


@dataclass(frozen=True)
class Checkout:
    """
    ## A working tree of git

    `top` is its folder, `commit` what is checked out there.
    """

    top: Path
    commit: str


def checkout(folder: Path) -> Checkout | None:
    """
    ### The working tree around a folder

    `None` where there is no git, no repository or no commit.
    """
    command = ["git", "-C", str(folder), "rev-parse", "--show-toplevel", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, check=True, timeout=10, text=True).stdout
        top, commit = answer.splitlines()
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Checkout(Path(top), commit)


# How the address of a file goes on after the repository's own: for editing, on a branch, and at a commit. A branch or a
# commit follows. The hosts are GitLab, GitHub (and GitLab of old), Gitea and Forgejo, Bitbucket.
_FORMS = [
    (re.compile(r"/-/(edit|blob)/"), "/-/blob/", "/-/blob/"),
    (re.compile(r"/(edit|blob)/"), "/blob/", "/blob/"),
    (re.compile(r"/(_edit|src/branch)/"), "/src/branch/", "/src/commit/"),
    (re.compile(r"/src/"), "/src/", "/src/"),
]


def view_url(edit_url: str, repo_url: str, source: Path, tree: Checkout | None) -> str:
    """
    ## The address of a source at the commit

    `edit_url` is MkDocs' address for editing it. Where the commit is unknown, or the address does not end with the
    file's place in the repository, the address is that on the branch. The name of a branch may hold slashes, so only
    the place tells where it ends.
    """
    start = len(repo_url.rstrip("/")) if edit_url.startswith(repo_url) else 0
    for pattern, on_branch, at_commit in _FORMS:
        if match := pattern.search(edit_url, start):
            before, after = edit_url[: match.start()], edit_url[match.end() :]
            if tree and source.is_relative_to(tree.top):
                place = source.relative_to(tree.top).as_posix()
                if after.endswith((f"/{place}", f"/{quote(place)}")):
                    return f"{before}{at_commit}{tree.commit}/{quote(place)}"
            return f"{before}{on_branch}{after}"
    return edit_url


def line_form(edit_url: str) -> str:
    """
    ## How the host writes lines in an address

    With `{first}` and `{last}` for the numbers; empty where there is no address.
    """
    host = urlsplit(edit_url).netloc
    if not edit_url:
        return ""
    if "bitbucket" in host:
        return "#lines-{first}:{last}"
    if "gitlab" in host or "/-/" in edit_url:
        return "#L{first}-{last}"
    return "#L{first}-L{last}"
