r"""
# The tokens that shape a file

How a source is cut into sections hangs on little of it: its comments, its docstrings, the headers of its classes and
functions, and its indentation. Python's tokenizer finds all of that, and takes a tenth of the time that a page takes,
most of it with names and operators in which nobody is interested here. So it gets to see a file without them.
"""

from __future__ import annotations

import io
import re
import token as kinds
import tokenize
import warnings
from collections.abc import Sequence
from functools import cache


def tokens_of(lines: Sequence[str]) -> tuple[list[tokenize.TokenInfo], int | None]:
    """
    ## Tokens, as far as they go

    Returns the tokens and the first line that has none, if the tokenizer gave up. Each comment, string and header is
    where it is in the file; of other code there is about one token a line. The tokenizer sees one kind of line end, so
    that its line numbers are ours, and no NUL, which it would refuse.
    """
    text = "\n".join(lines).replace("\0", " ") + "\n"
    found, is_whole = _read(_shapeless().sub(r"\g<shape>;\g<colon>", text))
    if is_whole:
        return found, None

    # Where it gave up it may have been misled: in an f-string that is not closed, a colon changes how the rest is read.
    found, is_whole = _read(text)
    if is_whole:
        return found, None
    last = max((token.start[0] for token in found if token.type in (kinds.NEWLINE, kinds.NL)), default=0)
    return [token for token in found if token.start[0] <= last], last + 1


def _read(text: str) -> tuple[list[tokenize.TokenInfo], bool]:
    """Return the tokens up to the first error, and whether there was none."""
    found: list[tokenize.TokenInfo] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.extend(tokenize.generate_tokens(io.StringIO(text, newline="\n").readline))
    except (tokenize.TokenError, SyntaxError, SystemError):
        # The tokenizer of Python 3.13.0 ends with a SystemError where it cannot show what is wrong.
        return found, False
    return found, True


# ## Lines that have no say
#
# A line is *shapeless* if it has no comment, no backslash, and all its quotes and brackets in pairs. Whatever is around
# it, also a bracket or a string of many lines, is the same without it. All that counts is
#
# * its indentation,
# * the header that it may begin: `def` or `class` with the name, or the `@` of a decorator,
# * the colon that may end it.
#
# The rest is replaced by a semicolon. What goes on a line before it, or is nothing but a string, which may be a
# docstring, stays as it is; so does all that takes more than a glance to read, such as letters beyond ASCII.

_PLAIN = r"""
    [A-Za-z_] [A-Za-z_0-9]*+ (?! [^\x00-\x7f] | ["'] )
    | (?: 0 | [1-9] [0-9]*+ ) (?: \.[0-9]++ )? (?! [.A-Za-z_0-9] | [^\x00-\x7f] )
    | (?<! ["'] ) f? (?: "[^"\\\#\n{}]++" (?!") | '[^'\\\#\n{}]++' (?!') )
    | [-.,=+*/%<>&|^~@;] | != | [ \t]++ | : (?! [ \t]*+ $ )
"""


def _with_brackets(depth: int) -> str:
    """Return what a shapeless line consists of, with brackets in brackets down to a depth."""
    if depth == 0:
        return _PLAIN
    inner = rf"(?: {_with_brackets(depth - 1)} | : )*+"
    return rf"{_PLAIN} | \( {inner} \) | \[ {inner} \] | \{{ {inner} \}}"


@cache
def _shapeless() -> re.Pattern[str]:
    """
    Return the pattern of a shapeless line

    Its quantifiers are possessive: each line is read once. Python takes long to compile it, and a build of pages that
    were all made before has no use for it.
    """
    return re.compile(
        rf"""
        (?<! \\\n ) ^
        (?P<shape> [ \t]*+ (?: @ | (?: async [ ]+ )? (?: def | class ) [ ]+ [A-Za-z_] [A-Za-z_0-9]*+ )?+ )
        (?! @ | (?: def | class | async )\b | (?: "[^"\n]*+" | '[^'\n]*+' ) [ \t]*+ $ )
        (?: {_with_brackets(3)} )++
        (?P<colon> :? ) [ \t]*+ $
        """,
        re.MULTILINE | re.VERBOSE,
    )
