"""
# Showing a site while one writes

MkDocs' own server: it builds the site into a folder of the system, watches the sources, and loads the page again in the
browser when one is saved.
"""

from __future__ import annotations

from pathlib import Path

from sidelit.hosts.site import SiteError, explained, reporting


def serve(config: Path, address: str) -> None:
    """
    ## Serve a site until it is interrupted

    `config` is a `mkdocs.yml`, `address` a host and a port, such as `127.0.0.1:8000`. Raises `SiteError` where the
    address is taken or the configuration is not valid.
    """
    from mkdocs.commands.serve import serve as serve_with_mkdocs

    with reporting(), explained():
        try:
            serve_with_mkdocs(str(config), dev_addr=address)
        except OSError as error:
            raise SiteError(f"{address}: {error.strerror or error}; choose another address with --address") from None
