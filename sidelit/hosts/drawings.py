"""
# Drawings in the dark

A drawing that brings colours for the dark along follows the page. The others get a light ground there, so pages mark
the first kind.
"""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote

from mkdocs.structure.files import Files

# An SVG of the site's own as an image
_DRAWING = re.compile(r'<img\b[^>]*?\bsrc="([^":?#]+\.svg)"')


class Drawings:
    """
    ## The drawings of one build
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._follows: dict[str, bool] = {}

    def are_in(self, html: str) -> bool:
        """
        ### Are there any in a text?
        """
        return _DRAWING.search(html) is not None

    def mark(self, html: str, url: str) -> str:
        """
        ### Mark those on a page

        `url` is the page's place in the site.
        """

        def marked(image: re.Match[str]) -> str:
            place = posixpath.normpath(posixpath.join(posixpath.dirname(url), unquote(image[1])))
            if place not in self._follows:
                file = self._files.get_file_from_path(place)
                self._follows[place] = file is not None and b"prefers-color-scheme" in file.content_bytes
            return f"{image[0]} data-follows" if self._follows[place] else image[0]

        return _DRAWING.sub(marked, html)
