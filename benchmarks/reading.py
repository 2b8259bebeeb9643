"""
# The pages, as their readers get them

Opens the page of Adam in Chromium, from a server that compresses as any host does.

* *Lighthouse* rates it from 0 to 100, as on a phone and as on a desk. It throttles by its own rules.
* *Weight* is what a reader without a cache loads, compressed, before searching. The small fonts stand in a style sheet,
  and count with that.
* *The last formula* is there when every formula has a size and no font is on its way. The same sources are built once
  more with `math: client`, and both pages are opened turn by turn, each with an empty cache, on a machine and a network
  made slow in the same way. MathJax comes from the same server as the rest.
* *Layout shift* is the sum of all moves of what is already on the screen, on that slow machine.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from statistics import median
from threading import Thread
from urllib.parse import urlsplit

import yaml
from mkdocs.utils.yaml import yaml_load
from playwright.sync_api import Browser, sync_playwright

from benchmarks.report import Result, Row
from scripts.install_browser import CHROMIUM, find_browser
from sidelit.hosts.site import build
from sidelit.mathjax import find_modules, find_node

ROOT = Path(__file__).resolve().parent.parent
LIGHTHOUSE = Path(__file__).with_name("node_modules") / "lighthouse"

PAGE = "optimizers/adam.html"
PHONE, DESK = (390, 844), (1440, 900)

CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
RATINGS = 3

# Points, KB of 1000 bytes, the ratio of our time to the browser's, and the sum of shifts.
LEAST_POINTS = 95.0
JAVASCRIPT, FONTS, EVERYTHING = 15.0, 130.0, 200.0
LAST_FORMULA = 1 / 5
SHIFT = 0.01

# As slow as the phone that Lighthouse imagines.
SLOWER, BITS_PER_SECOND, LATENCY = 4, 1_600_000, 150


@dataclass(frozen=True)
class Reading:
    """
    ## One time a page was opened

    * `seconds` passed from the start until the last formula was there
    * `shift` is the sum of all layout shifts
    """

    seconds: float
    shift: float


@dataclass(frozen=True)
class Measured:
    """
    ## Everything that was measured

    * `points` has the ratings of each form factor and category
    * `weights` has the bytes of each address that the page loads
    * `ours` and `theirs` are the openings of both pages as on a phone, `desk` those of ours as on a desk
    """

    points: Mapping[str, Mapping[str, Sequence[float]]]
    weights: Mapping[str, int]
    ours: Sequence[Reading]
    theirs: Sequence[Reading]
    desk: Sequence[Reading]


def run(rounds: int) -> Result:
    """
    ## Measure everything

    Takes about four minutes with five rounds.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name, sync_playwright() as playwright:
        folder = Path(name)
        formulas = build_both(folder)
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=CHROMIUM)
        with served(folder) as address:
            ours, theirs = f"{address}built/{PAGE}", f"{address}client/{PAGE}"
            measured = Measured(
                {form: _ratings(ours, form) for form in ("phone", "desk")},
                weights(chromium, ours),
                *_in_turn(chromium, ours, theirs, formulas, rounds),
                [opened(chromium, ours, formulas, DESK) for _ in range(rounds)],
            )
        compared = {
            "page": f"{PAGE}, {formulas} formulas",
            "Lighthouse": json.loads((LIGHTHOUSE / "package.json").read_text())["version"],
            "Chromium": chromium.version,
            "made slow": f"CPU {SLOWER} times, {BITS_PER_SECOND / 1e6} Mbit/s, {LATENCY} ms latency",
        }
        chromium.close()
    return Result(compared, ("at build", "in the browser"), rows(measured), asdict(measured))


def rows(measured: Measured) -> list[Row]:
    """
    ## What was promised, and what came out
    """
    found = [
        Row(f"Lighthouse, {form}: {category}", median(points), "points", least=LEAST_POINTS)
        for form, categories in measured.points.items()
        for category, points in categories.items()
    ]

    kinds: dict[str, float] = defaultdict(float)
    for address, size in measured.weights.items():
        kinds[kind(address)] += size / 1000
    limits = {"JavaScript": JAVASCRIPT, "fonts for math": FONTS}
    for name, size in sorted({**dict.fromkeys(limits, 0.0), **kinds}.items()):
        found.append(Row(f"weight: {name}", size, "KB", limit=limits.get(name)))
    found.append(Row("weight: everything", sum(kinds.values()), "KB", limit=EVERYTHING))

    ours, theirs = ([each.seconds for each in side] for side in (measured.ours, measured.theirs))
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    found.append(Row("the last formula is visible", median(ours), "s", median(theirs), ratio, LAST_FORMULA))

    for name, width, readings in (("phone", PHONE[0], measured.ours), ("desk", DESK[0], measured.desk)):
        found.append(Row(f"layout shift, {name} ({width} px)", max(r.shift for r in readings), "shift", limit=SHIFT))
    return found


# ## What is opened


def build_both(folder: Path) -> int:
    """
    ### Build the site twice, with the formulas typeset now and later

    Into `built` and `client` below the folder. Returns the number of formulas of the page.
    """
    _say("building")
    build(ROOT / "mkdocs.yml", folder / "built")

    config = yaml_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    (options,) = (each["sidelit"] for each in config["plugins"] if isinstance(each, dict) and "sidelit" in each)
    for source in options["sources"]:
        source["path"] = str(ROOT / source["path"])
    options |= {"math": "client", "mathjax_src": "npm/mathjax/tex-mml-chtml.js", "mathjax_integrity": ""}
    config["docs_dir"] = str(ROOT / "docs")
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    build(folder / "mkdocs.yml", folder / "client")

    # MathJax takes its fonts from a CDN unless it is told where they are.
    modules = find_modules()
    assert modules is not None
    (folder / "client" / "npm").symlink_to(modules)
    with (folder / "client" / "assets" / "sidelit" / "mathjax-config.js").open("a") as script:
        script.write('MathJax.loader = { paths: { fonts: "/client/npm/@mathjax" } };\n')

    return (folder / "built" / PAGE).read_text(encoding="utf-8").count("<mjx-container")


class _Compressing(SimpleHTTPRequestHandler):
    """Serves files as hosts of static pages do: text compressed, and kept by browsers for a week, pages excepted."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return self.send_error(404)
        content, kind = path.read_bytes(), self.guess_type(path)
        self.send_response(200)
        if kind.startswith("text/") or path.suffix in (".js", ".json", ".svg", ".xml"):
            content = gzip.compress(content, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-cache" if path.suffix == ".html" else "public, max-age=604800")
        self.end_headers()
        self.wfile.write(content)

    def handle(self) -> None:
        # A browser that has seen enough hangs up.
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """
    ### Serve a folder, compressed

    Gives the address of the folder, which ends in `/`.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Compressing, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


# ## How it is measured

_KINDS = {".js": "JavaScript", ".css": "style sheets", ".woff2": "fonts for math", ".html": "the page itself"}

_LOADED = """() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
  .map(({ name, encodedBodySize }) => [name, encodedBodySize])"""

# Asked for in each frame. There are no frames before the style sheets are there.
_WATCH = """{
  let shift = 0;
  const add = (entries) => { for (const entry of entries) shift += entry.value; };
  const shifts = new PerformanceObserver((list) => add(list.getEntries()));
  shifts.observe({ type: "layout-shift", buffered: true });

  // A browser asks for a font when it lays out what is written in it. So sizes are looked at before fonts.
  const isThere = () => {
    const formulas = [...document.querySelectorAll("mjx-container")];
    return formulas.length >= FORMULAS && formulas.every((each) => each.getBoundingClientRect().width > 0) &&
      document.fonts.status === "loaded";
  };
  window.lastFormula = new Promise((resolve) => {
    const look = () => (isThere() ? resolve(performance.now() / 1000) : requestAnimationFrame(look));
    requestAnimationFrame(look);
  });
  window.shift = () => (add(shifts.takeRecords()), shift);
}"""


def kind(address: str) -> str:
    """
    ### What an address brings
    """
    return _KINDS.get(PurePosixPath(urlsplit(address).path).suffix, "images and other")


def weights(chromium: Browser, address: str) -> dict[str, int]:
    """
    ### The bytes of everything that a page loads, compressed, by address
    """
    _say("weight")
    page = chromium.new_page(viewport={"width": DESK[0], "height": DESK[1]})
    page.goto(address, wait_until="networkidle")
    loaded = page.evaluate(_LOADED)
    page.close()
    return dict(loaded)


def opened(chromium: Browser, address: str, formulas: int, size: tuple[int, int], slower: int = SLOWER) -> Reading:
    """
    ### Open a page with an empty cache, on a slow machine

    `formulas` is the number of formulas that must be visible.
    """
    page = chromium.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_default_timeout(120_000)
    page.add_init_script(_WATCH.replace("FORMULAS", str(formulas)))
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    rate = BITS_PER_SECOND / 8
    network = {"offline": False, "latency": LATENCY, "downloadThroughput": rate, "uploadThroughput": rate}
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", network)
    page.goto(address, wait_until="networkidle")
    reading = Reading(page.evaluate("() => window.lastFormula"), page.evaluate("() => window.shift()"))
    page.close()
    return reading


def _in_turn(
    chromium: Browser, ours: str, theirs: str, formulas: int, rounds: int
) -> tuple[list[Reading], list[Reading]]:
    """Open both pages as often as there are rounds."""
    found: tuple[list[Reading], list[Reading]] = ([], [])
    for number in range(rounds):
        _say(f"the last formula, round {number + 1} of {rounds}")
        for readings, address in zip(found, (ours, theirs), strict=True):
            readings.append(opened(chromium, address, formulas, PHONE))
    return found


def _ratings(address: str, form: str) -> dict[str, list[float]]:
    """Let Lighthouse rate a page a few times; each category has its points."""
    found: dict[str, list[float]] = defaultdict(list)
    for number in range(RATINGS):
        _say(f"Lighthouse, {form}, {number + 1} of {RATINGS}")
        for category, points in points_of(_lighthouse(address, form)).items():
            found[category].append(points)
    return dict(found)


def points_of(report: Mapping[str, dict]) -> dict[str, float]:
    """
    ### The points in a report of Lighthouse

    Lighthouse gives none for a category of which it could measure nothing; that counts as 0.
    """
    return {name: round(100 * (report["categories"][name]["score"] or 0)) for name in CATEGORIES}


def _lighthouse(address: str, form: str) -> dict:
    node, browser = find_node(), find_browser()
    assert node and browser
    with tempfile.TemporaryDirectory(prefix="lighthouse-") as folder:
        path = Path(folder, "report.json")
        command = [node, str(LIGHTHOUSE / "cli" / "index.js"), address, "--quiet", "--output=json"]
        command += [f"--output-path={path}", f"--only-categories={','.join(CATEGORIES)}"]
        command += [f"--chrome-flags=--headless=new {' '.join(CHROMIUM)}", "--no-enable-error-reporting"]
        command += ["--preset=desktop"] if form == "desk" else []
        environment = os.environ | {"CHROME_PATH": browser}
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if not path.is_file():
            raise RuntimeError(f"Lighthouse failed:\n{(done.stdout + done.stderr)[-2000:]}")
        return json.loads(path.read_text(encoding="utf-8"))


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
