"""
# Sources as MkDocs sees them

MkDocs knows files and pages. A source becomes one of each, which say what MkDocs asks them for.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Sequence
from copy import copy
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markdown.extensions.toc import nest_toc_tokens
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page as HostPage
from mkdocs.structure.toc import TableOfContents, get_toc

from sidelit.diagnostic import Diagnostic
from sidelit.links import Anchors
from sidelit.page import Heading, Page
from sidelit.source import take_markdown_front_matter
from sidelit.tree import Source, page_address

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig


class AnnotatedFile(File):
    """
    ## A source, as MkDocs' file

    MkDocs knows documents by the ending `.md`. This one is a document whatever it is called.
    """

    def __init__(self, source: Source, config: MkDocsConfig) -> None:
        address = page_address(source.uri, config.use_directory_urls)
        super().__init__(source.uri, None, config.site_dir, config.use_directory_urls, dest_uri=address)
        self.source = source
        self.abs_src_path = str(source.path)
        self.generated_by = "sidelit"
        self.edit_uri = edit_uri(source.path, config)
        if source.is_package:
            self.name = "index"

    def is_documentation_page(self) -> bool:
        """Yes: it becomes a page."""
        return True


class AnnotatedPage(HostPage):
    """
    ## An annotated page, as MkDocs' page

    MkDocs asks a page to read its source and to render it. `make` does that, and `made` is what came of it.
    """

    made: Page

    def __init__(self, title: str | None, file: AnnotatedFile, config: MkDocsConfig, make: Make) -> None:
        super().__init__(title, file, config)
        self._given = title
        self.source = file.source
        self._make = make

    def read_source(self, config: MkDocsConfig) -> None:
        """Leave the reading to `render`, which may not need it."""
        self.markdown = ""

    def render(self, config: MkDocsConfig, files: Files) -> None:
        """Make the page. Its content is put in when it is written."""
        self.made = self._make(self, files)
        # A title in the navigation comes first. In MkDocs, those that were read from a page are HTML.
        self.title = self._given or escape(self.made.title, quote=False)
        self.meta = {"annotated": True, "summary": self.made.summary}
        self.content = ""
        self.toc = table_of_contents(self.made.headings)
        self.present_anchor_ids = Anchors(frozenset(self.made.anchors), self.made.code_lines)  # type: ignore[assignment]


Make = Callable[[AnnotatedPage, Files], Page]


class ReadmePage(HostPage):
    """
    ## A readme of a tree, as MkDocs' page

    MkDocs would end with a traceback where Markdown gives up on a text. With `bounded`, a stranger's text may not take
    long either.
    """

    def __init__(
        self, title: str | None, file: File, config: MkDocsConfig, *, bounded: bool, shown: str, tell: Tell
    ) -> None:
        super().__init__(title, file, config)
        self._bounded = bounded
        self._shown = shown
        self._tell = tell

    def read_source(self, config: MkDocsConfig) -> None:
        """Read it. A stranger's front matter says what the page is about, and nothing of how it is shown."""
        if not self._bounded:
            super().read_source(config)
            return
        text = config.plugins.on_page_read_source(page=self, config=config)
        if text is None:
            text = self.file.content_string
        self.markdown, values, diagnostics = take_markdown_front_matter(text, self._shown)
        self._tell(diagnostics)
        names = ("title", "summary", "description")
        self.meta = {name: values[name] for name in names if isinstance(values.get(name), str)}

    def render(self, config: MkDocsConfig, files: Files) -> None:
        """Render it, or show the text as it is."""
        from sidelit import prose

        text = self.markdown or ""
        try:
            if self._bounded:
                config = copy(config)
                config.markdown_extensions = [*config.markdown_extensions, prose.Bounds()]  # type: ignore[list-item]
                if len(text) > prose.LONGEST:
                    raise prose.TooLong(f"this text has more than {prose.LONGEST:,} characters")
            super().render(config, files)
        except Exception as error:
            self._tell([Diagnostic(self._shown, 1, 1, "markdown", prose.gave_up(error))])
            self.content, self.toc = f"<pre>{escape(text, quote=False)}</pre>", TableOfContents([])


Tell = Callable[[Sequence[Diagnostic]], None]


def edit_uri(path: Path, config: MkDocsConfig) -> str:
    """
    ## Where a file is in the repository

    MkDocs counts from `docs`; the repository's host resolves the dots.
    """
    return posixpath.normpath(Path(os.path.relpath(path.resolve(), config.docs_dir)).as_posix())


def table_of_contents(headings: Sequence[Heading]) -> TableOfContents:
    """
    ## The headings of a page
    """
    flat: list[Any] = [{"level": e.level, "id": e.id, "name": escape(e.text, quote=False)} for e in headings]
    return get_toc(nest_toc_tokens(flat))
