"""
# A server that tells browsers what has changed

It serves a folder of this machine to this machine. Into each page it puts a script, `live.js`, that waits
for news and shows what is wrong with the page's source. The files in the folder stay as they are.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("live.js")

# A connection on which nothing was said for so many seconds is tried, since nobody tells when a browser has gone.
SILENCE = 15.0


class LiveServer:
    """
    ## A site that may change at any moment

    * `folder` is what is served. Another one may be put in its place.
    * `problems` are what is wrong with each page, by its file in the folder; under `""` stands what concerns them all
    """

    def __init__(self, host: str, port: int) -> None:
        """Take the address; nothing is served yet. Raises `OSError` where it cannot be had."""
        self.folder = Path()
        self.problems: Mapping[str, Collection[str]] = {}
        self._listeners: set[queue.SimpleQueue[str]] = set()
        self._http = _Http((host, port), self._handler)

    @property
    def address(self) -> str:
        """Where a browser finds it. A port of 0 has become a free one."""
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}/"

    def start(self) -> None:
        """Serve from now on, beside whatever else is done."""
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def tell(self, changed: Collection[str]) -> None:
        """
        ### Tell browsers which pages have changed

        By their files in the folder. An empty name stands for all.
        """
        for listener in list(self._listeners):
            listener.put(json.dumps(sorted(changed)))

    def close(self) -> None:
        """Stop serving."""
        self._http.shutdown()
        self._http.server_close()

    def _handler(self, *arguments: Any) -> _Handler:
        return _Handler(self, *arguments)

    def listen(self, output: BufferedIOBase) -> None:
        """Write the news to a browser, until it goes away."""
        news: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._listeners.add(news)
        with suppress(OSError):
            while True:
                try:
                    output.write(f"data: {news.get(timeout=SILENCE)}\n\n".encode())
                except queue.Empty:
                    output.write(b": still here\n\n")
                output.flush()
        self._listeners.discard(news)

    def with_script(self, page: bytes, file: Path) -> bytes:
        """Return a page with the script at its end."""
        name = file.relative_to(self.folder).as_posix() if file.is_relative_to(self.folder) else ""
        lines = [*self.problems.get("", ()), *self.problems.get(name, ())]
        problems = f' data-problems="{escape(chr(10).join(lines))}"' if lines else ""
        script = f'<script src="/-/live.js"{problems}></script>'.encode()
        body, end, rest = page.rpartition(b"</body>")
        return body + script + end + rest if end else page + script


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that has gone away, as it does whenever a page is loaded again."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, live: LiveServer, *arguments: Any) -> None:
        self.live = live
        super().__init__(*arguments, directory=str(live.folder))

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/-/events":
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.live.listen(self.wfile)
        elif path == "/-/live.js":
            self._answer(200, SCRIPT.read_bytes(), "text/javascript")
        else:
            self._page(path)

    def _page(self, path: str) -> None:
        # The folder may have been replaced since the connection was opened.
        self.directory = str(self.live.folder)
        file = Path(self.translate_path(path))
        if file.is_dir() and path.endswith("/"):
            file /= "index.html"
        if file.suffix == ".html" and file.is_file():
            self._answer(200, self.live.with_script(file.read_bytes(), file), "text/html; charset=utf-8")
        elif not file.exists() and (lost := self.live.folder / "404.html").is_file():
            self._answer(404, self.live.with_script(lost.read_bytes(), lost), "text/html; charset=utf-8")
        else:
            super().do_GET()

    def _answer(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each request."""
