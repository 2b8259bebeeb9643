r"""
# The rules of `sidelit check`

Each finding has the name of a rule at its end. This module knows the rules, how loud each of them is, and how an author
switches one off. What a rule looks for is found where it is known: in the [source](source.py), the [prose](prose.py),
the [links](links.py), or on the [whole page](check.py).

A rule is `off`, a `warning` or an `error`. Where nothing is configured, `sidelit check` runs them all. A build tells
only what a reader of the page would stumble over: a package that was not written for these pages has hundreds of
functions without prose, and they are no reason to bury the one link that is broken.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sidelit.diagnostic import Diagnostic


@dataclass(frozen=True)
class Rule:
    """
    ## A rule

    `summary` says what is wrong where it strikes. `in_builds` is true for what a build tells of by itself.
    """

    name: str
    in_builds: bool
    summary: str


RULES = (
    Rule("address", True, "two files want one address, or a name that Windows has no file for"),
    Rule("api", True, "a module that cannot be imported, and so is not in the API reference"),
    Rule("encoding", True, "bytes that are not of the file's encoding, or an encoding that Python does not know"),
    Rule("export", True, "what `standalone` and `notebook` cannot take along safely"),
    Rule("source", True, "a file or folder that does not exist or cannot be read"),
    Rule("syntax", True, "Python cannot read the file; its page goes as far as possible"),
    Rule("link-out-of-tree", True, "a symbolic link that leads out of a source tree or `docs/`; it is not published"),
    Rule("link", True, "a link to a file that does not exist or is no source of the site"),
    Rule("output-link", True, "a link to a page, `x.html`, that no source makes"),
    Rule("anchor", True, "a link to a place that its page does not have"),
    Rule("image", True, "an image that does not exist"),
    Rule("alt-text", True, "an image without words for readers who do not see it"),
    Rule("tex", True, "TeX that MathJax cannot read, with MathJax's own words"),
    Rule("macro", True, "a TeX command that neither MathJax nor the configuration knows"),
    Rule("mathjax", True, "Node.js died, or took too long for a formula"),
    Rule("math", True, "a formula that is not closed"),
    Rule("symbols", True, "a declared symbol that no formula holds, or a variable that no line of code has"),
    Rule("front-matter", True, "front matter that is not closed, not valid YAML, or holds something else than text"),
    Rule("footnote", True, "a footnote that nothing refers to"),
    Rule("markdown", True, "prose that could not be read as Markdown; it is shown as it is"),
    Rule("proofs", True, "a file of proofs that cannot be read, or that names a file or a test that does not exist"),
    Rule("unknown-rule", True, "a rule that does not exist, in the configuration or in a comment"),
    Rule("outdated-proof", False, "a proof of code that has changed since; its page says so"),
    Rule("bare-tex", False, "a TeX command outside of a formula, which Markdown mangles"),
    Rule("reference", False, "a reference, `[text][name]` or `[^name]`, to what no line of the page defines"),
    Rule("raw-docstring", False, "a backslash in a docstring that does not begin with `r`"),
    Rule("unknown-name", False, "a name in the front matter that means nothing"),
    Rule("no-title", False, "a page with neither a `title` nor a heading `# …`"),
    Rule("no-summary", False, "a page with neither a `summary` nor a first paragraph"),
    Rule("duplicate-title", False, "two pages with one title"),
    Rule("duplicate-anchor", False, "two headings or ids of one name on a page; the second gets a number"),
    Rule("heading-level", False, "a heading two or more levels below the one above it"),
    Rule("undocumented", False, "a public class or function without prose"),
    Rule("unknown-parameter", False, "a list of parameters that names one which the signature does not have"),
    Rule("missing-parameter", False, "a list of parameters that leaves one out, and no other word on it"),
    Rule("commented-out-code", False, "code that was put to sleep in a comment"),
)

NAMES = tuple(rule.name for rule in RULES)
LEVELS = ("off", "warning", "error")

# The level of each rule
Levels = Mapping[str, str]


def levels_of_check(*settings: Levels) -> Levels:
    """
    ## How loud each rule is in `sidelit check`

    Later settings override earlier ones.
    """
    levels = {rule.name: "error" if rule.in_builds else "warning" for rule in RULES}
    return _overridden(levels, settings)


def levels_of_build(*settings: Levels) -> Levels:
    """
    ## How loud each rule is in a build
    """
    levels = {rule.name: "warning" if rule.in_builds else "off" for rule in RULES}
    return _overridden(levels, settings)


def _overridden(levels: dict[str, str], settings: Iterable[Levels]) -> Levels:
    for each in settings:
        levels |= each
    return levels


def read_settings(value: Any, path: str, lines: Sequence[str]) -> tuple[Levels, list[Diagnostic]]:
    """
    ## The rules that a configuration sets

    `value` is what stands behind `rules` in the file at `path`, and `lines` are the lines of that file. What cannot be
    understood is told, and is as if it were not there.
    """
    if value is None:
        return {}, []
    if not isinstance(value, Mapping):
        message = "`rules` sets levels of rules; write it as `name: off`, `name: warning` or `name: error`"
        return {}, [Diagnostic(path, *_place_of("rules", lines), "unknown-rule", message)]

    levels: dict[str, str] = {}
    diagnostics: list[Diagnostic] = []
    for key, level in value.items():
        name = str(key)
        # YAML reads `off` as false.
        level = "off" if level is False else level
        if name not in NAMES:
            diagnostics.append(Diagnostic(path, *_place_of(name, lines), "unknown-rule", _unknown(name)))
        elif level not in LEVELS:
            message = f"`{name}` can be `off`, `warning` or `error`, and not `{level}`"
            diagnostics.append(Diagnostic(path, *_place_of(name, lines), "unknown-rule", message))
        else:
            levels[name] = level
    return levels, diagnostics


def _place_of(key: str, lines: Sequence[str]) -> tuple[int, int]:
    """Return where a key stands in a file, behind the word `rules` if there is one."""
    start = next((number for number, line in enumerate(lines) if re.search(r"\brules\b", line)), 0)
    pattern = re.compile(rf"(?<![\w-]){re.escape(key)}(?=['\"]?\s*[:=\]])")
    for number in range(start, len(lines)):
        if match := pattern.search(lines[number]):
            return number + 1, match.start() + 1
    return start + 1, 1


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, NAMES, 1)
    advice = f"did you mean `{close[0]}`?" if close else "the guide lists those that exist"
    return f"there is no rule `{name}`; {advice}"


# ## Switches in the text


@dataclass(frozen=True)
class Switch:
    """
    ### A comment that switches rules off

    It holds for its line, and for the next one if it stands `alone`. `column` is where the comment begins. One that
    `is_lost` stands where it is not understood, and names nothing.
    """

    line: int
    column: int
    names: tuple[str, ...]
    alone: bool
    is_lost: bool = False


_WORDS = r"sidelit:[ \t]*ignore(?:\[(?P<names>[^\]\n]*)\][^\n]*?|[ \t]*)"
_IN_CODE = re.compile(rf"#[ \t]*{_WORDS}$")
_IN_PROSE = re.compile(rf"<!--[ \t]*{_WORDS}-->[ \t]*$")
_BEGUN = re.compile(r"(?<!`)<!--[ \t]*sidelit:[ \t]*ignore\b")


def switch_in_code(comment: str, line: int, column: int, alone: bool) -> Switch | None:
    """
    ### The switch in a comment of Python or YAML

    `comment` begins with its `#`, at `column`. Other notes may stand before the switch.
    """
    if "sidelit:" not in comment or not (match := _IN_CODE.search(comment)):
        return None
    at = match.start()
    return Switch(line, column + at, _names(match), alone and not at)


def switch_in_prose(text: str, line: int, column: int) -> Switch | None:
    """
    ### The switch at the end of a line of Markdown

    The line begins at `column`. A comment in the middle of a line, or over several, is a lost one.
    """
    if "sidelit:" not in text:
        return None
    if match := _IN_PROSE.search(text):
        at = match.start()
        return Switch(line, column + at, _names(match), not text[:at].strip())
    begun = _BEGUN.search(text)
    return Switch(line, column + begun.start(), (), alone=False, is_lost=True) if begun else None


def _names(match: re.Match[str]) -> tuple[str, ...]:
    return tuple(name.strip() for name in (match["names"] or "").split(",") if name.strip())


def unknown_switches(switches: Iterable[Switch], path: str) -> Iterator[Diagnostic]:
    """
    ### Switches that switch nothing, or rules that do not exist
    """
    for switch in switches:
        messages = [_unknown(name) for name in switch.names if name not in NAMES]
        if switch.is_lost:
            messages = ["this comment switches nothing off; write it on one line, and nothing behind it"]
        elif not switch.names:
            messages = ["name the rules that are to be ignored, as in `ignore[tex]`"]
        for message in messages:
            yield Diagnostic(path, switch.line, switch.column, "unknown-rule", message)


def switched_off(switches: Sequence[Switch]) -> frozenset[tuple[int, str]]:
    """
    ## The lines on which a rule is off

    As pairs of a line and a rule. Of several switches one below the other, each holds for the line below the last.
    """
    alone = {switch.line for switch in switches if switch.alone}
    pairs: set[tuple[int, str]] = set()
    for switch in switches:
        lines = {switch.line}
        if switch.alone:
            below = switch.line + 1
            while below in alone:
                below += 1
            lines.add(below)
        pairs.update((line, name) for line in lines for name in switch.names)
    return frozenset(pairs)
