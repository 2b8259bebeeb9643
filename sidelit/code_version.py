"""
# Which version of the code this is

A [proof](proofs.py) is about a certain version of a file. This module says when two versions do the same: when they
have the same code, here and in every module of the package that is imported, directly or by way of others.

What does nothing does not count: comments, strings that stand alone such as docstrings, blank lines, the width of
indentation, and where a line is broken within brackets. So a corrected typo leaves a version as it is, and so does
another version of Python. Anything else makes a new one. Modules that are imported under another name than the one
in an `import` statement, by `importlib` for instance, are not seen, nor are other packages.
"""

from __future__ import annotations

import ast
import io
import json
import re
import token as tokens
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sidelit import fingerprint
from sidelit.cache import Cache, digest
from sidelit.export.modules import Module, Refusal, imported_modules, is_for_typing, package_around, read_module
from sidelit.source import decode, split_lines


def code_version(path: Path, cache: Cache | None = None) -> str:
    """
    ## The version of a file

    64 hexadecimal digits. Raises `OSError` where the file cannot be read.
    """
    package, name = package_around(path)
    digests: dict[str, str] = {}
    pending = {name: path}
    while pending:
        name, file = pending.popitem()
        read = _read(file, name, cache)
        digests[name] = read.code

        # With a module its packages are imported.
        names = {part for each in (name, *read.imports) for part in _packages(each)}
        for each in names - digests.keys() - pending.keys():
            if package.owns(each) and (found := package.file_of(each)):
                pending[each] = found
    return digest(*(part for name in sorted(digests) for part in (name, digests[name])))


def _packages(name: str) -> Iterator[str]:
    """Give the dotted name, and those above it."""
    while name:
        yield name
        name = name.rpartition(".")[0]


@dataclass(frozen=True)
class _Read:
    """
    ### What is in one file

    `code` is a digest of what it does, `imports` are the names of modules that it may import.
    """

    code: str
    imports: tuple[str, ...]


def _read(path: Path, name: str, cache: Cache | None) -> _Read:
    """Read a file, unless one with this content was read before."""
    data = path.read_bytes()
    key = digest(fingerprint.of_generator(), name, path.name, data)
    if cache and (kept := cache.get("code", key)):
        try:
            code, imports = json.loads(kept)
            return _Read(code, tuple(imports))
        except ValueError:
            # A foreign entry in the cache: the file is read again.
            pass
    read = _Read(digest(*essence(decode(data, path.name)[0])), tuple(sorted(_imports(path, name))))
    if cache:
        cache.put("code", key, json.dumps([read.code, read.imports]).encode())
    return read


def _imports(path: Path, name: str) -> set[str]:
    """Return the names of what is imported anywhere in a file, but for type checkers; none from a broken file."""
    try:
        module = read_module(path, name)
        return set(_imported(module))
    except Refusal:
        return set()


def _imported(module: Module) -> Iterator[str]:
    pending: list[ast.AST] = [module.tree]
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from imported_modules(module, node)
        pending.extend(node.orelse if is_for_typing(node) else ast.iter_child_nodes(node))


# ## What a text does

# What stands for the end of a statement, and for the beginning and the end of a block
_END, _IN, _OUT = "\n", "\t", "\b"

# A string that is no f-string: nothing is evaluated in it.
_TEXT = re.compile(r"[bBrRuU]{0,2}['\"]")


def essence(text: str) -> list[str]:
    """
    ### The words of the code that count

    Of a text that is not Python, all of it.
    """
    lines = split_lines(text)
    try:
        return list(_words(lines))
    except (tokenize.TokenError, SyntaxError, SystemError):
        return [text]


def _words(lines: tuple[str, ...]) -> Iterator[str]:
    statement: list[str] = []
    for word in _all_words(lines):
        if word in (_IN, _OUT):
            yield word
        elif word != _END:
            statement.append(word)
        else:
            if not all(map(_TEXT.match, statement)):
                yield from (*statement, _END)
            statement = []


def _all_words(lines: tuple[str, ...]) -> Iterator[str]:
    """Give the tokens as text. An f-string is one of them, as it was before Python 3.12."""
    opening = {getattr(tokens, name, None) for name in ("FSTRING_START", "TSTRING_START")}
    closing = {getattr(tokens, name, None) for name in ("FSTRING_END", "TSTRING_END")}
    marks = {tokens.NEWLINE: _END, tokens.INDENT: _IN, tokens.DEDENT: _OUT}
    inside, start = 0, (1, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n", newline="\n").readline):
            # What is no operator of Python is an error of its own before Python 3.12, and an operator from then on.
            is_odd = token.type == tokens.OP and token.string not in tokens.EXACT_TOKEN_TYPES
            if token.type == tokens.ERRORTOKEN or is_odd:
                raise SyntaxError(token.string)
            if token.type in opening:
                start = start if inside else token.start
                inside += 1
            elif token.type in closing:
                inside -= 1
                if not inside:
                    yield _between(lines, start, token.end)
            elif not inside and token.type not in (tokens.COMMENT, tokens.NL, tokens.ENDMARKER):
                yield marks.get(token.type, token.string)


def _between(lines: tuple[str, ...], start: tuple[int, int], end: tuple[int, int]) -> str:
    (first, left), (last, right) = start, end
    if first == last:
        return lines[first - 1][left:right]
    return "\n".join([lines[first - 1][left:], *lines[first : last - 1], lines[last - 1][:right]])
