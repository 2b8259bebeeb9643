"""
# Showing a site while one writes

The site is built into a folder of the system and served from there. When a source is saved, its page alone is made
again, which takes a fraction of a second however large the site is, and browsers load it where they were. The whole
site follows when there is quiet: a title may have changed in the navigation, or a link on another page be broken now.
Whoever saves again meanwhile need not wait for that. It is given up, and follows later.

A source with an error has its page all the same, with the error above it. A configuration with an error leaves the
site as it was. Files that are added, renamed or removed are followed by a build of everything.
"""

from __future__ import annotations

import filecmp
import gc
import queue
import shutil
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidelit.hosts.live import LiveServer
from sidelit.hosts.site import Report, SiteError, build_loaded, explained, load, reporting
from sidelit.scratch import temporary_folder

if TYPE_CHECKING:
    from sidelit.hosts.mkdocs import SidelitPlugin

# What changes within so many milliseconds is taken together. After so many seconds of quiet the site follows.
TOGETHER, QUIET = 10, 0.4


def serve(config: Path, address: str) -> None:
    """
    ## Serve a site until it is interrupted

    `config` is a `mkdocs.yml`, `address` a host and a port, such as `127.0.0.1:8000`. Raises `SiteError` where the
    address is taken or the configuration is not valid.
    """
    host, _, port = address.rpartition(":")
    try:
        server = LiveServer(host, int(port))
    except OSError as error:
        raise SiteError(f"{address}: {error.strerror or error}; choose another address with --address") from None

    with reporting() as report, temporary_folder("sidelit-serve-") as scratch:
        news: News = queue.SimpleQueue()
        session = Session(config, scratch, server, report, news)
        session.build()
        server.start()
        print(f"Serving on {server.address}", file=sys.stderr, flush=True)
        try:
            while True:
                # What is watched may change with the configuration, and go away and come back.
                watched = session.watched
                with _watching(watched, news):
                    session.behind = True
                    while session.watched == watched:
                        try:
                            changed = news.get(timeout=QUIET)
                        except queue.Empty:
                            changed = set()
                            session.look()
                        session.follow(changed)
        finally:
            server.close()
            session.close()


# Files that have changed together.
News = queue.SimpleQueue[set[Path]]


@contextmanager
def _watching(paths: Collection[Path], news: News) -> Iterator[None]:
    """Watch files and folders, beside whatever else is done."""
    from watchfiles import watch

    stop = threading.Event()

    def work() -> None:
        # What has gone in this moment will be found missing, and then the others are watched anew.
        with suppress(FileNotFoundError):
            for changes in watch(*paths, step=TOGETHER, debounce=TOGETHER, stop_event=stop):
                news.put({Path(path) for _, path in changes})

    threading.Thread(target=work, daemon=True).start()
    try:
        yield
    finally:
        stop.set()


class Interrupted(BaseException):
    """
    ### There is something more urgent

    No error, so whoever handles errors lets it pass, as with `KeyboardInterrupt`.
    """


class Session:
    """
    ## What is kept between two changes

    `watched` are the files and folders that the site is made of, as far as they are there, each with the number that
    the disk knows it by: another one of the same name has to be watched anew. The session is `behind` where a build of
    everything has to follow: after a change, and when watching begins, for what has changed unseen. As long as there is
    something in `news`, none does.
    """

    def __init__(self, config: Path, scratch: Path, server: LiveServer, report: Report, news: News) -> None:
        self._config = config
        self._scratch = scratch
        self._server = server
        self._report = report
        self._news = news
        self._plugin: SidelitPlugin | None = None
        self._end: Callable[[], object] = lambda: None
        self._outdated: Path | None = None
        self._builds = 0
        self.behind = False
        self._paths = [config]
        self.watched = _there(self._paths)

    def build(self, pause: Callable[[], None] = lambda: None) -> None:
        """
        ### Build everything

        Raises `SiteError` for a configuration that is not valid. `pause` is called now and then, and may end the build
        with an exception of its own.
        """
        self._builds += 1
        folder = self._scratch / str(self._builds)
        with explained():
            config = load(self._config, site_dir=str(folder), strict=False)
            self._paths = sorted(_watched(config))
            self.watched = _there(self._paths)
            plugin: SidelitPlugin | None = config.plugins.get("sidelit")
            if plugin:
                plugin.goes_on = True
                plugin.pause = pause
            try:
                build_loaded(config, "serve")
            except Interrupted:
                if plugin:
                    plugin.stop()
                config.plugins.on_shutdown()
                shutil.rmtree(folder, ignore_errors=True)
                raise
        self.close()
        self._plugin, self._end = plugin, config.plugins.on_shutdown
        self._server.folder, self._server.problems = folder, _problems(plugin)

    def look(self) -> None:
        """
        ### See what has gone or come back

        A watcher is told of what happens in a folder, and not of one that is not there yet.
        """
        there = _there(self._paths)
        if there != self.watched:
            self.watched, self.behind = there, True

    def follow(self, changed: Collection[Path]) -> None:
        """
        ### Follow changes, or catch up where there are none
        """
        if not changed:
            if self.behind:
                self._catch_up()
            return

        self.behind = True
        pages = [self._plugin.again.page_of(path) for path in changed] if self._plugin else []
        done = [page.file.dest_uri for page in pages if page and self._again(page)]
        if done:
            self._server.problems = _problems(self._plugin)
            self._server.tell(done)

    def _again(self, page: Any) -> bool:
        """Make one page again; whatever is wrong beyond its source, the build of everything will tell."""
        assert self._plugin is not None

        # Whatever there is to collect can wait. With a whole site in memory, it takes longer than to make a page.
        gc.disable()
        try:
            self._plugin.again.write(page)
        except Exception:
            return False
        finally:
            gc.enable()
        return True

    def _heed(self) -> None:
        if not self._news.empty():
            raise Interrupted

    def _catch_up(self) -> None:
        before = self._server.folder
        self._report.lines.clear()
        try:
            self.build(self._heed)
        except Interrupted:
            return
        except SiteError as error:
            self.behind = False
            print(f"sidelit: {error}", file=sys.stderr, flush=True)
            self._server.problems = {"": [*self._report.lines, str(error)]}
            self._server.tell([""])
            return
        self.behind = False
        self._server.tell(list(_different(before, self._server.folder)))

        # A request may still be reading from the folder that has just been replaced.
        if self._outdated:
            shutil.rmtree(self._outdated, ignore_errors=True)
        self._outdated = before

    def close(self) -> None:
        """Stop what runs beside the last build."""
        if self._plugin:
            self._plugin.stop()
            self._plugin = None
        self._end()
        gc.collect()


def _watched(config: Any) -> Iterator[Path]:
    """Give the configuration, the hand-written pages, the theme, the sources and the proofs."""
    paths = [config.config_file_path, config.docs_dir, config.theme.custom_dir, *config.watch]
    if plugin := config.plugins.get("sidelit"):
        own = [*map(_path_of, plugin.config.sources), *filter(None, [plugin.config.proofs])]
        paths += [Path(config.config_file_path).parent / path for path in own]
    for path in paths:
        if path:
            yield Path(path).resolve()


def _there(paths: Iterable[Path]) -> dict[Path, int]:
    """Return those of the paths that exist, with their numbers."""
    found = {}
    for path in paths:
        with suppress(OSError):
            found[path] = path.stat().st_ino
    return found


def _path_of(entry: Any) -> str:
    return str(entry.get("path", "")) if isinstance(entry, dict) else str(entry)


def _problems(plugin: SidelitPlugin | None) -> dict[str, list[str]]:
    """What is wrong with each page, by its file."""
    problems: dict[str, list[str]] = defaultdict(list)
    for dest_uri, message in plugin.again.problems() if plugin else ():
        problems[dest_uri].append(message)
    return problems


def _different(before: Path, after: Path) -> Iterator[str]:
    """
    ### Which pages differ between two builds

    Those that have gone among them. Where a style sheet or a script differs, all pages do.
    """
    names = {path.relative_to(folder) for folder in (before, after) for path in folder.rglob("*") if path.is_file()}
    for name in sorted(names):
        if name.suffix in (".html", ".css", ".js") and not _is_same(before / name, after / name):
            yield name.as_posix() if name.suffix == ".html" else ""


def _is_same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)
