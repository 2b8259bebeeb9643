r"""
# Pygments, asked once

A lexer of Pygments tries one rule after the other at each place of the text, some 35 until one fits. Here the rules of
a state are put into one pattern that says which of them fits first, so that the search is the regular expression
engine's. The rule itself is then tried as ever, and does what it does.

The tokens are the same: an alternation takes the first of its parts that fits, and nothing follows that could make it
think again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pygments.lexer import RegexLexer

# A rule as Pygments keeps it: what to look for, what to do, and where to go.
Rule = tuple[Callable[[str, int], Any], Any, Any]

# What means something else when there are other groups before it.
_COUNTS_GROUPS = re.compile(r"\\[1-9]|\(\?P|\(\?\(")

# Flags at the beginning of a pattern, which can stand there only.
_FLAGS = re.compile(r"\(\?([a-zA-Z]+)\)(.*)", re.DOTALL)


def quickened(lexer: RegexLexer) -> RegexLexer:
    """
    ## A lexer made quick

    It is the same one, and makes the same tokens.
    """
    lexer._tokens = {state: _joined(rules, lexer.flags) for state, rules in lexer._tokens.items()}  # type: ignore[attr-defined]
    return lexer


def _joined(rules: Sequence[Rule], flags: int) -> Sequence[Rule] | _Joined:
    patterns = [getattr(look, "__self__", None) for look, _, _ in rules]
    texts = [pattern.pattern for pattern in patterns if isinstance(pattern, re.Pattern)]
    if len(texts) < len(rules) or any(map(_COUNTS_GROUPS.search, texts)):
        return rules
    return _Joined(rules, [_scoped(text) for text in texts], flags)


def _scoped(text: str) -> str:
    flags = _FLAGS.fullmatch(text)
    return f"(?{flags[1]}:{flags[2]})" if flags else text


class _Joined:
    """
    ### The rules of a state, as Pygments goes through them

    First comes one that never fits but finds out which does, then that. The pattern is made when it is needed, since
    most states of a lexer are rare and that takes a while.
    """

    def __init__(self, rules: Sequence[Rule], texts: Sequence[str], flags: int) -> None:
        self._rules = rules
        self._texts = texts
        self._flags = flags
        self._match: Callable[[str, int], re.Match[str] | None] | None = None
        self._by_group: dict[int | None, Rule] = {}

    def _make(self) -> Callable[[str, int], re.Match[str] | None]:
        # An empty group closes each part. Its number says which it was.
        count = 0
        for rule, text in zip(self._rules, self._texts, strict=True):
            count += re.compile(text, self._flags).groups + 1
            self._by_group[count] = rule
        return re.compile("|".join(f"(?:{text})()" for text in self._texts), self._flags).match

    def __iter__(self) -> Iterator[Rule]:
        match = self._match = self._match or self._make()
        found = None

        def look(text: str, at: int) -> None:
            nonlocal found
            found = match(text, at)

        yield look, None, None
        if found:
            yield self._by_group[found.lastindex]
