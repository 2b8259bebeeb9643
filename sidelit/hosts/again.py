"""
# One page again

While one writes, a server has single pages made again after a build of everything. Other pages stay as they are, also
where they show something of this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidelit.hosts.documents import AnnotatedPage
from sidelit.hosts.linking import Linking
from sidelit.hosts.output import write
from sidelit.hosts.telling import Teller
from sidelit.hosts.typesetting import Typesetting

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files


class Again:
    """
    ## What is kept of a build

    `nav` is MkDocs' navigation, `env` the environment of its templates.
    """

    def __init__(
        self,
        config: MkDocsConfig,
        nav: Any,
        env: Any,
        files: Files,
        teller: Teller,
        linking: Linking,
        typesetting: Typesetting,
    ) -> None:
        self._config = config
        self._nav = nav
        self._env = env
        self._files = files
        self._teller = teller
        self._linking = linking
        self._typesetting = typesetting
        self._pages = [file.page for file in files if isinstance(file.page, AnnotatedPage)]

    @cached_property
    def _by_path(self) -> dict[Path, AnnotatedPage]:
        return {page.source.path.resolve(): page for page in reversed(self._pages)}

    def page_of(self, path: Path) -> AnnotatedPage | None:
        """
        ### The page of a source, if it has one
        """
        return self._by_path.get(path.resolve()) if path.is_file() else None

    def write(self, page: AnnotatedPage) -> None:
        """
        ### Make and write a page, as MkDocs does it
        """
        from mkdocs.commands.build import get_context

        config, files = self._config, self._files
        self._teller.forget(page.source.shown)
        page.render(config, files)
        self._linking.know(files, changed=page.file)
        page.active = True
        try:
            context = get_context(self._nav, files, config, page)
            context = config.plugins.on_page_context(context, page=page, config=config, nav=self._nav)
            output = self._env.get_template("main.html").render(context)
            output = config.plugins.on_post_page(output, page=page, config=config)
        finally:
            page.active = False
        site = Path(config.site_dir)
        write(site / page.file.dest_uri, output.encode("utf-8", "xmlcharrefreplace"))
        self._typesetting.write(site)

    def problems(self) -> Iterator[tuple[str, str]]:
        """
        ### What is wrong with each page

        As the page's file and a message.
        """
        for page in self._pages:
            for each in self._teller.found(page.source.shown):
                yield page.file.dest_uri, str(each)
