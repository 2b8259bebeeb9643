"""
# The formulas of a site

Each formula is asked for when its page is made, and put in when its page is written: in between, MathJax works while
Python goes on. At the end there is one style sheet for all of them, with the fonts that it names.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path

from mkdocs.structure.pages import Page as HostPage
from mkdocs.utils import normalize_url

from sidelit import fonts, mathjax
from sidelit.cache import Cache, digest
from sidelit.diagnostic import Diagnostic
from sidelit.formula import Formula
from sidelit.hosts.options import Options
from sidelit.hosts.output import write
from sidelit.hosts.telling import Teller, log
from sidelit.search import mathml_of
from sidelit.symbols import Symbol, unused_symbols
from sidelit.theme import ASSETS

MATH_SHEET = f"{ASSETS}/math.css"
FONTS = f"{ASSETS}/fonts"


class Typesetting:
    """
    ## Those of one build

    * `options` are the plugin's, `cache` keeps results between builds
    * `teller` hears what is wrong with TeX
    * `on_progress` hears how many of how many new formulas are done
    * `any` is whether the site has any
    * `mathml` is that of each formula, by its TeX, once the style sheet is written
    """

    def __init__(
        self,
        options: Options,
        cache: Cache,
        teller: Teller,
        on_progress: Callable[[int, int], None],
    ) -> None:
        self._options = options
        self._cache = cache
        self._teller = teller
        self._used: dict[mathjax.Place, _Shared | None] = {}
        self._used_here: set[mathjax.Typeset] = set()
        self._written = 0
        self.any = False
        self.mathml: Mapping[str, str] = {}
        self._math = self._start(cache, on_progress)

    def _start(self, cache: Cache, on_progress: Callable[[int, int], None]) -> mathjax.MathJax | None:
        """Return the typesetter, or `None` where the reader's browser has to do it."""
        if self._options.math == "client":
            return None
        if reason := mathjax.missing():
            log.info(f"{reason}; formulas are left to the reader's browser, as with `math: client`")
            return None
        return mathjax.MathJax(macros=self._options.macros, cache=cache, on_progress=on_progress)

    @property
    def at_build(self) -> bool:
        """Are they typeset now, and not by the reader's browser?"""
        return self._math is not None

    @property
    def setup(self) -> str:
        """What the HTML of a formula hangs on besides itself."""
        client = json.dumps([self._options.macros, self._options.mathjax_src, self._options.mathjax_integrity])
        return self._math.setup if self._math else client

    def request(self, formulas: Sequence[Formula], symbols: Sequence[Symbol] = ()) -> None:
        """
        ### Ask for the formulas of a page, and for those of its symbols
        """
        self.any |= bool(formulas or symbols)
        if self._math:
            self._math.request(formulas, _pairs(symbols))
            self._math.request([symbol.formula for symbol in symbols])

    def html(self, each: Formula, symbols: Sequence[Symbol] = (), found: set[int] | None = None) -> str:
        """
        ### One formula, as the page shows it

        The numbers of the `symbols` that it holds are added to `found`.
        """
        if self._math is None:
            opening, closing = (r"\[", r"\]") if each.display else (r"\(", r"\)")
            return f'<span class="math">{opening}{escape(each.tex)}{closing}</span>'
        result = self._math.typeset(each, _pairs(symbols))
        if isinstance(result, Diagnostic):
            self._teller.tell([result])
            return f'<code class="tex-error">{escape(each.tex)}</code>'
        place = each.tex, each.display, _pairs(symbols)
        if not self._used.get(place):
            self._used[place] = _shared(result)
        self._used_here.add(result)
        if found is not None:
            found.update(result.found)
        return result.html

    def note(self, formulas: Iterable[Formula], symbols: Sequence[Symbol]) -> None:
        """
        ### Note the formulas of a page that has them already
        """
        if self._math:
            pairs = _pairs(symbols)
            for each in formulas:
                self._used.setdefault((each.tex, each.display, pairs))

    def refuses(self, each: Formula) -> bool:
        """
        ### Is something wrong with a formula?

        Asked where it is shown a second time, and was told of at the first.
        """
        return self._math is not None and isinstance(self._math.typeset(each), Diagnostic)

    def check(self, symbols: Sequence[Symbol], found: set[int]) -> None:
        """
        ### Tell which symbols no formula of their page holds
        """
        if self._math:
            for number, symbol in enumerate(symbols):
                # TeX that MathJax refuses is told as such.
                if isinstance(result := self._math.typeset(symbol.formula), Diagnostic):
                    self._teller.tell([result])
                elif number not in found:
                    self._teller.tell(unused_symbols([symbol]))

    def scripts(self, page: HostPage) -> str:
        """
        ### What a page needs for its formulas to be typeset by the browser
        """
        settings = escape(normalize_url(f"{ASSETS}/mathjax-config.js", page))
        src = escape(normalize_url(self._options.mathjax_src, page))
        integrity = f' integrity="{escape(self._options.mathjax_integrity)}"' if self._options.mathjax_integrity else ""
        return (
            f'\n<script defer src="{settings}" data-macros="{escape(json.dumps(self._options.macros))}"></script>'
            f'\n<script defer src="{src}" crossorigin="anonymous"{integrity}></script>'
        )

    def early_fonts(self) -> dict[str, str]:
        """
        ### The fonts that a page is sure to need

        Their addresses by their families, none of one that is in the style sheet itself. To be asked for once the
        page's formulas are in it.
        """
        here, self._used_here = self._used_here, set()
        early = self._math.early_fonts(here) if self._math else {}
        return {family: "" if file.is_small else f"{FONTS}/{file.name}" for family, file in early.items()}

    def write(self, site: Path) -> None:
        """
        ### Write the style sheet of the formulas with the fonts that it names

        Once more when there are new formulas, and then what is new.
        """
        if self._math and self.any and len(self._used) > self._written:
            sheet, names, self.mathml = self._together(self._math, kept=not self._written)
            self._written = len(self._used)
            files = [self._math.files_of(name) for name in names]
            write(site / MATH_SHEET, fonts.embed(sheet, "fonts", (first for first, *_ in files)).encode())
            for font in chain.from_iterable(files):
                if not (site / FONTS / font.name).exists():
                    write(site / FONTS / font.name, font.data)

    def _together(self, math: mathjax.MathJax, *, kept: bool) -> tuple[str, list[str], dict[str, str]]:
        """Return the style sheet of all formulas, the names of their fonts, and the MathML of each. What is `kept` is
        taken from the cache, so that a build without new formulas need not read them one by one."""
        key = digest(math.setup, repr(list(self._used)))
        if kept and (data := self._cache.get("formulas", key)):
            try:
                sheet, names, shown = json.loads(zlib.decompress(data))
                return str(sheet), list(names), dict(shown)
            except (zlib.error, ValueError, TypeError):
                # A foreign entry in the cache: it is put together again.
                pass
        self._read_noted(math)
        rules = {mathjax.Typeset("", each.rules): None for each in self._used.values() if each}
        mathml: dict[str, str] = {}
        for (tex, *_), each in self._used.items():
            if each:
                mathml.setdefault(tex, each.mathml)
        found = math.stylesheet(rules, "fonts"), math.font_names(rules), mathml
        if kept:
            self._cache.put("formulas", key, zlib.compress(json.dumps(found).encode(), 1))
        return found

    def _read_noted(self, math: mathjax.MathJax) -> None:
        """Ask for the formulas of pages that had them already."""
        places = [place for place, each in self._used.items() if not each]
        noted = [(Formula(tex, display, "", 1, 1), symbols) for tex, display, symbols in places]
        for symbols, some in groupby(noted, itemgetter(1)):
            math.request([formula for formula, _ in some], symbols)
        for formula, symbols in noted:
            if isinstance(result := math.typeset(formula, symbols), mathjax.Typeset):
                self._used[formula.tex, formula.display, symbols] = _shared(result)

    def stay_ready(self) -> None:
        """
        ### Let MathJax be there for the next new formula

        It takes longer to start than to typeset what one writes.
        """
        if self._math and self.any:
            self._math.start()

    def close(self) -> None:
        """Stop MathJax."""
        if self._math:
            self._math.close()


@dataclass(frozen=True)
class _Shared:
    """
    ### What the site shares of a formula

    Its rules for the style sheet, and its MathML for the search. All HTML at once would be much.
    """

    rules: tuple[str, ...]
    mathml: str


def _shared(result: mathjax.Typeset) -> _Shared:
    return _Shared(result.rules, mathml_of(result.html))


def _pairs(symbols: Iterable[Symbol]) -> mathjax.Symbols:
    return tuple((symbol.variable, symbol.formula.tex) for symbol in symbols)
