"""
# Sources without a configuration

`sidelit build my_package` needs no `mkdocs.yml`. This module writes the one that such a site is built with, into a
temporary folder that is gone afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from sidelit.hosts.site import SiteError
from sidelit.scratch import temporary_folder
from sidelit.settings import SettingsError, project_proofs, project_rules
from sidelit.tree import name_of


@contextlib.contextmanager
def configured(
    sources: Sequence[Path], include: Sequence[str] = (), exclude: Sequence[str] = (), api: bool = False
) -> Iterator[Path]:
    """
    ## A `mkdocs.yml` for these sources, for as long as it is needed
    """
    text = yaml.safe_dump(settings(sources, include, exclude, api))
    with contextlib.ExitStack() as made:
        try:
            folder = made.enter_context(temporary_folder("sidelit-build-"))
            (folder / "docs").mkdir()
            config = folder / "mkdocs.yml"
            config.write_text(text, encoding="utf-8")
        except OSError as error:
            problem = f"{error.filename or 'the folder for temporary files'}: {error.strerror or error}"
            raise SiteError(f"{problem}; set TMPDIR to another folder") from None
        yield config


def settings(sources: Sequence[Path], include: Sequence[str], exclude: Sequence[str], api: bool) -> dict[str, Any]:
    """
    ## What the configuration says

    The sources may be anyone's, so their HTML is cleaned. Pages are files, not folders, so that the site can be read
    from the disk. Only the rules and the proofs of the project at hand are heeded.
    """
    try:
        rules, _ = project_rules(Path.cwd())
        proofs = project_proofs(Path.cwd())
    except SettingsError as error:
        raise SiteError(str(error)) from None
    plugin = {
        "sources": [str(path.absolute()) for path in sources],
        "include": list(include),
        "exclude": list(exclude),
        "allow_html": False,
        "api": api,
        "rules": dict(rules),
        "proofs": proofs,
    }
    return {
        "site_name": ", ".join(name_of(source.resolve(), source.resolve().parent) for source in sources),
        "theme": "sidelit",
        "use_directory_urls": False,
        "plugins": [{"sidelit": plugin}],
        "markdown_extensions": [
            "admonition",
            "def_list",
            "footnotes",
            "sane_lists",
            {"codehilite": {"css_class": "highlight", "guess_lang": False}},
            {"tables": {"use_align_attribute": True}},
        ],
        "validation": {"links": {"anchors": "warn"}},
    }
