"""
# The site of this repository

`python build_site.py [--strict] [--serve] [--site-dir DIR]` builds the site that `mkdocs.yml` describes. It is an
example of how to build such a site from Python: everything it does is sidelit's.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sidelit.hosts.serve import serve
from sidelit.hosts.site import SiteError, build, farewell

CONFIG = Path(__file__).resolve().parent / "mkdocs.yml"


def main() -> int:
    """Build or serve the site; return the exit status."""
    parser = argparse.ArgumentParser(description="Build the site of this repository.")
    parser.add_argument("--strict", action="store_true", help="fail when anything is wrong in a source")
    parser.add_argument("--serve", action="store_true", help="serve the site and build it again when a source changes")
    parser.add_argument("--site-dir", type=Path, default=Path("site"), metavar="DIR", help="where it goes (site)")
    arguments = parser.parse_args()
    try:
        if arguments.serve:
            serve(CONFIG, "127.0.0.1:8000")
        else:
            print(farewell(build(CONFIG, arguments.site_dir, strict=arguments.strict)))
    except SiteError as error:
        print(f"build_site.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
