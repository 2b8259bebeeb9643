r"""
# What the names mean

Two functions' `step` are two variables, `self.update` is a method that a base class may define in another file, and
`torch.zeros_like` has a page in torch's documentation. This module finds all that in the syntax tree. Nothing is
imported or run, and text that only looks like a name, in a comment or a string, is none.

    names = find_names(document.lines, "optimizers.adam")
    index = NameIndex({"optimizers.adam": names, "optimizers": …})
    index.locate("optimizers.adam.Adam.step")
    # ("optimizers", "GenericAdaptiveOptimizer.step")

A file is read in two passes. The first walks the tree and notes which scope binds which names, and where names stand;
the second, when every binding is known, says what each one means. Python's own `symtable` knows the scopes too, but
neither where names stand nor what they refer to, and pairing its tables with the tree takes more code than the rules
do.

The tree counts columns in bytes, gives no place at all to some names, and before Python 3.12 wrong ones in f-strings of
several lines. So **every name is compared with the text of its line, and left out where it is not there.**
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple

from sidelit.source import syntax_tree


class Name(NamedTuple):
    """
    ## One occurrence of a name

    * `line` counts from 1, `column` from 0 and in characters
    * `text` is the identifier, of a string that is a key what is between its quotes
    * `variable` is equal for two names of a file exactly if they are the same variable, see below
    * `target` is the dotted name of what it refers to, if that is a definition somewhere, else empty
    * `is_definition` says that the target is defined here: a name behind `def` or `class`, and the first assignment to
      a variable of a module or class

    | variable | is |
    | --- | --- |
    | `Adam.update:m` | the local variable `m` of `Adam.update` |
    | `:CHUNK` | the global `CHUNK`, be it of the module, imported or built in |
    | `Adam.eps` | an attribute or a method of `Adam`: in the body of the class, or by way of `self` |
    | `torch.optim` | what `torch.optim` says, where `torch` was imported |
    | `.eps` | an attribute of something that nothing is known about |
    | `eps=` | an argument to a function that is not in this file |
    | `'eps'` | a string that is a key |

    A second function of the same name is `f#2`. Lambdas and comprehensions have their place in their name.

    The target `module.C.step` is looked for in `C` and then in its bases, `module.C.super().step` in the bases only.
    """

    line: int
    column: int
    text: str
    variable: str
    target: str = ""
    is_definition: bool = False


@dataclass(frozen=True)
class Names:
    """
    ## What the names of a file mean

    * `names` are in the order of the text and do not overlap
    * `definitions` are the qualified names of the classes, functions and methods, and of the variables of the module
      and of its classes
    * `bases` maps the qualified name of a class to the dotted names of its bases, as far as they are known
    * `aliases` maps a name that the module imports to where it comes from
    * `stars` are the modules of which it imports everything
    """

    names: tuple[Name, ...] = ()
    definitions: tuple[str, ...] = ()
    bases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    stars: tuple[str, ...] = ()


def find_names(lines: Sequence[str], module: str, is_package: bool = False, tree: ast.Module | None = None) -> Names:
    """
    ## From lines to names

    `module` is the dotted name of the file and `is_package` true for an `__init__.py`: relative imports start there. A
    file that Python cannot parse has no names. `tree` is how Python reads it, if somebody has asked already.
    """
    try:
        tree = tree or syntax_tree(lines)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Names()

    reader = _Reader(lines, module, is_package)
    reader.walk(tree)
    return _Resolver(reader).names()


# ## Scopes


@dataclass(eq=False, slots=True)
class _Scope:
    """
    ### A scope, and what it binds

    * `kind` is one of `module`, `class`, `function`, `comprehension`, and `type`, which holds type parameters
    * `name` is its own among all scopes of the file, `qualname` what a section would call it
    * `bound` are all names that it binds, `imports` and `scopes` say more of some: what was imported under the name,
      and the class or function that has it
    * `declared_global` and `declared_nonlocal` are not bound here, whatever is assigned to them
    * `parameters` are those that a caller can name, `instance` is the first one of a method, mostly `self`
    * `bases` are those of a class, `attributes` what its methods assign to `self`
    """

    kind: str
    name: str = ""
    qualname: str = ""
    parent: _Scope | None = None
    bound: set[str] = field(default_factory=set)
    imports: dict[str, str] = field(default_factory=dict)
    scopes: dict[str, _Scope] = field(default_factory=dict)
    declared_global: set[str] = field(default_factory=set)
    declared_nonlocal: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    instance: str = ""
    bases: list[ast.expr] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)

    def owner_of(self, name: str) -> _Scope | None:
        """
        ### The scope that a name means, seen from here

        The body of a class is not seen from its methods, but is from the type parameters inside it.
        """
        scope: _Scope | None = self
        is_near = True
        while scope is not None:
            if name in scope.declared_global:
                return scope.module()
            if name in scope.bound and name not in scope.declared_nonlocal and (scope.kind != "class" or is_near):
                return scope
            is_near = is_near and scope.kind == "type"
            scope = scope.parent
        return None

    def module(self) -> _Scope:
        """Return the outermost scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def variable(self, name: str) -> str:
        """Return what a variable of this scope is called."""
        return f"{self.name}.{name}" if self.kind == "class" else f"{self.name}:{name}"


# ## The first pass: who binds what, and where names stand


class _Reader:
    """
    ### Walk the tree once

    With a stack of its own, so that no depth of nesting is too much. A handler takes a node and the scope it is in, and
    gives the nodes to go on with, each with its scope, in the order of the text.

    What it finds is told apart by how it will be resolved:

    * `places` are (line, column, text, scope, binds) of the names that a scope knows
    * `definitions` are (line, column, text, scope, inside) of the names behind `def` and `class`
    * `attributes` are the nodes with a dot, outer ones first, each with its scope
    * `arguments` are the keywords of calls, with the function that is called
    * `known` are (line, column, text, variable, target), which need no resolving
    """

    def __init__(self, lines: Sequence[str], module: str, is_package: bool) -> None:
        self.lines = lines
        self.module = module
        self.package = module if is_package else module.rpartition(".")[0]
        self.scope = _Scope("module")
        self.classes: list[_Scope] = []
        self.stars: list[str] = []
        self.places: list[tuple[int, int, str, _Scope, bool]] = []
        self.definitions: list[tuple[int, int, str, _Scope, _Scope]] = []
        self.attributes: list[tuple[ast.Attribute, _Scope]] = []
        self.arguments: list[tuple[ast.keyword, ast.expr | None, _Scope]] = []
        self.known: list[tuple[int, int, str, str, str]] = []
        self._counts: Counter[str] = Counter()
        self._offsets: dict[int, list[int]] = {}

    def walk(self, tree: ast.Module) -> None:
        """Read the whole tree."""
        stack: list[tuple[ast.AST, _Scope]] = [(tree, self.scope)]
        while stack:
            node, scope = stack.pop()
            if handler := _HANDLERS.get(type(node)):
                stack.extend(reversed(handler(self, node, scope)))
                continue
            for value in reversed(vars(node).values()):
                if type(value) is list:
                    stack.extend([(item, scope) for item in reversed(value) if isinstance(item, ast.AST)])
                elif isinstance(value, ast.AST) and value._fields:
                    stack.append((value, scope))

    def line(self, number: int) -> str:
        """Return a line, empty where there is none."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def column(self, line: int, offset: int) -> int:
        """
        ### Bytes to characters
        """
        text = self.line(line)
        if text.isascii():
            return offset
        if line not in self._offsets:
            self._offsets[line] = list(accumulate((len(c.encode()) for c in text), initial=0))
        return bisect_left(self._offsets[line], offset)

    def start(self, node: ast.AST) -> tuple[int, int]:
        """Return where a node begins."""
        return node.lineno, self.column(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def before_end(self, node: ast.AST, text: str) -> tuple[int, int]:
        """Return where a text begins that ends with a node."""
        line = node.end_lineno  # type: ignore[attr-defined]
        return line, self.column(line, node.end_col_offset) - len(text)  # type: ignore[attr-defined]

    def behind(self, place: tuple[int, int], pattern: re.Pattern[str]) -> tuple[int, int]:
        """
        ### Where a name stands that the tree gives no place to

        Returns the end of what the pattern matches at a place, or the place itself.
        """
        line, column = place
        match = pattern.match(self.line(line), column)
        return line, match.end() if match else column

    def bind(self, scope: _Scope, name: str) -> _Scope:
        """Return the scope in which a name is bound that is assigned to in this one."""
        if name in scope.declared_global:
            scope = self.scope
        scope.bound.add(name)
        return scope

    def place(self, at: tuple[int, int], name: str, scope: _Scope, binds: bool = False) -> None:
        """Note that a name stands somewhere."""
        if binds:
            self.bind(scope, name)
        self.places.append((*at, name, scope, binds))

    def open_scope(self, kind: str, parent: _Scope, name: str) -> _Scope:
        """
        ### A new scope, with a name that no other has
        """
        qualname = f"{parent.qualname}.{name}" if parent.qualname else name
        self._counts[qualname] += 1
        count = self._counts[qualname]
        return _Scope(kind, qualname if count == 1 else f"{qualname}#{count}", qualname, parent)

    def open_nameless(self, kind: str, parent: _Scope, node: ast.AST) -> _Scope:
        """
        ### A scope without a name

        It is called after its place, and is no part of the qualified names inside it.
        """
        line, column = self.start(node)
        return _Scope(kind, f"{parent.qualname}<{kind} {line}:{column}>", parent.qualname, parent)


# What a handler returns.
_Next = Sequence[tuple[ast.AST, _Scope]]


def _within(nodes: Sequence[ast.AST | None], scope: _Scope) -> list[tuple[ast.AST, _Scope]]:
    return [(node, scope) for node in nodes if node is not None]


def _children(node: ast.AST, scope: _Scope) -> _Next:
    return _within(list(ast.iter_child_nodes(node)), scope)


def _name(reader: _Reader, node: ast.Name, scope: _Scope) -> _Next:
    reader.place(reader.start(node), node.id, scope, type(node.ctx) is not ast.Load)
    return ()


def _attribute(reader: _Reader, node: ast.Attribute, scope: _Scope) -> _Next:
    reader.attributes.append((node, scope))
    return ((node.value, scope),)


def _nothing(reader: _Reader, node: ast.AST, scope: _Scope) -> _Next:
    return ()


# ### Definitions


def _function(reader: _Reader, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: _Scope) -> _Next:
    # Decorators and defaults are evaluated outside, annotations where the type parameters are known.
    around = _type_scope(reader, node, scope)
    function = reader.open_scope("function", around, node.name)
    _define(reader, node, scope, function)

    is_static = any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in node.decorator_list)
    if scope.kind == "class" and not is_static:
        function.instance = next((arg.arg for arg in node.args.posonlyargs + node.args.args), "")
    return [
        *_within(node.decorator_list, scope),
        *_within(getattr(node, "type_params", ()), around),
        *_parameters(reader, node.args, scope, around, function),
        *_within([node.returns], around),
        *_within(node.body, function),
    ]


def _lambda(reader: _Reader, node: ast.Lambda, scope: _Scope) -> _Next:
    function = reader.open_nameless("function", scope, node)
    return [*_parameters(reader, node.args, scope, scope, function), (node.body, function)]


def _parameters(reader: _Reader, args: ast.arguments, outside: _Scope, around: _Scope, function: _Scope) -> _Next:
    named = args.posonlyargs + args.args + args.kwonlyargs
    function.parameters.update(arg.arg for arg in args.args + args.kwonlyargs)
    arguments = [*named, *(arg for arg in (args.vararg, args.kwarg) if arg)]
    for arg in arguments:
        reader.place(reader.start(arg), arg.arg, function, True)
    return [
        *_within([arg.annotation for arg in arguments], around),
        *_within([*args.defaults, *args.kw_defaults], outside),
    ]


def _class(reader: _Reader, node: ast.ClassDef, scope: _Scope) -> _Next:
    around = _type_scope(reader, node, scope)
    inside = reader.open_scope("class", around, node.name)
    inside.bases = node.bases
    reader.classes.append(inside)
    _define(reader, node, scope, inside)
    reader.arguments.extend((keyword, None, around) for keyword in node.keywords)
    return [
        *_within(node.decorator_list, scope),
        *_within(getattr(node, "type_params", ()), around),
        *_within([*node.bases, *node.keywords], around),
        *_within(node.body, inside),
    ]


def _define(
    reader: _Reader, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, scope: _Scope, inside: _Scope
) -> None:
    reader.bind(scope, node.name).scopes.setdefault(node.name, inside)
    reader.definitions.append((*reader.behind(reader.start(node), _KEYWORD), node.name, scope, inside))


_KEYWORD = re.compile(r"(?:async\s+)?(?:def|class)\s+")


def _type_scope(reader: _Reader, node: ast.AST, scope: _Scope) -> _Scope:
    # Type parameters came with Python 3.12.
    return reader.open_nameless("type", scope, node) if getattr(node, "type_params", ()) else scope


def _type_alias(reader: _Reader, node: ast.AST, scope: _Scope) -> _Next:
    around = _type_scope(reader, node, scope)
    name, *rest = ast.iter_child_nodes(node)
    return [(name, scope), *_within(rest, around)]


def _type_parameter(reader: _Reader, node: ast.AST, scope: _Scope) -> _Next:
    reader.place(reader.behind(reader.start(node), _STARS), node.name, scope, True)  # type: ignore[attr-defined]
    return _children(node, scope)


_STARS = re.compile(r"\*+\s*")


def _comprehension(reader: _Reader, node: ast.ListComp | ast.DictComp, scope: _Scope) -> _Next:
    # The first iterable is evaluated outside.
    inside = reader.open_nameless("comprehension", scope, node)
    following: list[tuple[ast.AST, _Scope]] = []
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.comprehension):
            following.append((child, inside))
            continue
        following.append((child.target, inside))
        following.append((child.iter, scope if child is node.generators[0] else inside))
        following.extend((condition, inside) for condition in child.ifs)
    return following


def _walrus(reader: _Reader, node: ast.NamedExpr, scope: _Scope) -> _Next:
    # It binds in the scope around the comprehensions.
    outside = scope
    while outside.kind == "comprehension" and outside.parent:
        outside = outside.parent
    return ((node.target, outside), (node.value, scope))


# ### Statements and patterns that bind a name without a node for it


def _declaration(reader: _Reader, node: ast.Global | ast.Nonlocal, scope: _Scope) -> _Next:
    if isinstance(node, ast.Global):
        scope.declared_global.update(node.names)
        reader.scope.bound.update(node.names)
    elif scope.parent:
        scope.declared_nonlocal.update(node.names)
    line, column = reader.start(node)
    words = list(_WORD.finditer(reader.line(line), column))
    for name, word in zip(node.names, words[1:], strict=False):
        reader.place((line, word.start()), name, scope)
    return ()


_WORD = re.compile(r"\w+")


def _except(reader: _Reader, node: ast.ExceptHandler, scope: _Scope) -> _Next:
    if node.name and node.type:
        reader.place(reader.behind(reader.before_end(node.type, ""), _AS), node.name, scope, True)
    return _children(node, scope)


_AS = re.compile(r"[\s)]*as\s+")


def _pattern(reader: _Reader, node: ast.MatchAs | ast.MatchStar, scope: _Scope) -> _Next:
    if node.name:
        reader.place(reader.before_end(node, node.name), node.name, scope, True)
    return _children(node, scope)


def _mapping_pattern(reader: _Reader, node: ast.MatchMapping, scope: _Scope) -> _Next:
    for key in node.keys:
        _key(reader, key)
    if node.rest:
        line, end = reader.before_end(node, "")
        reader.place((line, reader.line(line).rfind(node.rest, 0, end)), node.rest, scope, True)
    return _children(node, scope)


# ### Imports


def _import(reader: _Reader, node: ast.Import, scope: _Scope) -> _Next:
    for alias in node.names:
        at = reader.start(alias)
        name = alias.asname or alias.name.partition(".")[0]
        _note_import(reader, scope, name, alias.name if alias.asname else name)
        if alias.asname:
            _dotted(reader, at, alias.name)
            reader.place(reader.before_end(alias, name), name, scope, True)
        else:
            reader.place(at, name, scope, True)
            _dotted(reader, at, alias.name, first=1)
    return ()


def _import_from(reader: _Reader, node: ast.ImportFrom, scope: _Scope) -> _Next:
    source = _absolute(reader.package, node.level, node.module or "")
    if node.module:
        above = source.removesuffix(node.module)
        _dotted(reader, reader.behind(reader.start(node), _FROM), node.module, above if source else None)
    for alias in node.names:
        if alias.name == "*":
            if source:
                reader.stars.append(source)
            continue
        name, target = alias.asname or alias.name, f"{source}.{alias.name}" if source else ""
        _note_import(reader, scope, name, target)
        if alias.asname:
            reader.known.append((*reader.start(alias), alias.name, target or f".{alias.name}", target))
        reader.place(reader.before_end(alias, name), name, scope, True)
    return ()


_FROM = re.compile(r"from[\s.]*")


def _note_import(reader: _Reader, scope: _Scope, name: str, target: str) -> None:
    # Of two imports in the branches of a `try` the first is the one that is wished for.
    home = reader.bind(scope, name)
    home.imports.setdefault(name, target)


def _dotted(reader: _Reader, at: tuple[int, int], dotted: str, above: str | None = "", first: int = 0) -> None:
    """
    ### The parts of a module's name

    `above` is what a relative import starts from, `None` if that is outside of everything.
    """
    line, column = at
    parts = dotted.split(".")
    for number, part in enumerate(parts):
        if number >= first:
            path = ".".join(parts[: number + 1])
            target = "" if above is None else above + path
            reader.known.append((line, column, part, target or path, target))
        column += len(part) + 1


def _absolute(package: str, level: int, module: str) -> str:
    """Return where an import starts, empty if that is above the topmost package."""
    if level == 0:
        return module
    parts = package.split(".") if package else []
    if level > len(parts):
        return ""
    return ".".join([*parts[: len(parts) - level + 1], *([module] if module else [])])


# ### Strings that are keys


def _key(reader: _Reader, node: ast.expr) -> None:
    if plain := _plain_string(reader, node):
        reader.known.append((*plain, f"'{plain[2]}'", ""))


def _plain_string(reader: _Reader, node: ast.expr) -> tuple[int, int, str] | None:
    """Return the place and the text of a string that is a name and stands between its quotes as it is."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or not node.value.isidentifier():
        return None
    line, column = reader.start(node)
    quoted = reader.line(line)[column : column + len(node.value) + 2]
    return (line, column + 1, node.value) if quoted in (f"'{node.value}'", f'"{node.value}"') else None


def _subscript(reader: _Reader, node: ast.Subscript, scope: _Scope) -> _Next:
    _key(reader, node.slice)
    return ((node.value, scope), (node.slice, scope))


def _dict(reader: _Reader, node: ast.Dict, scope: _Scope) -> _Next:
    for key in node.keys:
        if key is not None:
            _key(reader, key)
    return _children(node, scope)


def _call(reader: _Reader, node: ast.Call, scope: _Scope) -> _Next:
    if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        _key(reader, node.args[0])
    reader.arguments.extend((keyword, node.func, scope) for keyword in node.keywords if keyword.arg)
    return [(node.func, scope), *_within([*node.args, *node.keywords], scope)]


def _assignment(reader: _Reader, node: ast.Assign | ast.AugAssign, scope: _Scope) -> _Next:
    # The strings in `__all__` are names of the module.
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if (
        scope is reader.scope
        and isinstance(node.value, (ast.List, ast.Tuple))
        and any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)
    ):
        for item in node.value.elts:
            if plain := _plain_string(reader, item):
                reader.place(plain[:2], plain[2], scope)
    return [*_within(targets, scope), (node.value, scope)]


def _annotated(reader: _Reader, node: ast.AnnAssign, scope: _Scope) -> _Next:
    # `(x): int` binds nothing, as the only thing that looks like an assignment.
    if isinstance(node.target, ast.Name) and not node.simple and node.value is None:
        reader.place(reader.start(node.target), node.target.id, scope)
        return ((node.annotation, scope),)
    return _children(node, scope)


def _f_string(reader: _Reader, node: ast.JoinedStr, scope: _Scope) -> _Next:
    # Python 3.11 gives wrong places to what is in an f-string of several lines. Line 0 is nowhere.
    if sys.version_info < (3, 12) and node.lineno != node.end_lineno:
        for inner in ast.walk(node):
            if inner is not node and isinstance(inner, ast.expr):
                inner.lineno = inner.end_lineno = 0
    return _children(node, scope)


_HANDLERS: dict[type, Callable[[_Reader, Any, _Scope], _Next]] = {
    ast.Name: _name,
    ast.Constant: _nothing,
    ast.Attribute: _attribute,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.Lambda: _lambda,
    ast.ClassDef: _class,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.NamedExpr: _walrus,
    ast.Global: _declaration,
    ast.Nonlocal: _declaration,
    ast.ExceptHandler: _except,
    ast.MatchAs: _pattern,
    ast.MatchStar: _pattern,
    ast.MatchMapping: _mapping_pattern,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Subscript: _subscript,
    ast.Dict: _dict,
    ast.Call: _call,
    ast.Assign: _assignment,
    ast.AugAssign: _assignment,
    ast.AnnAssign: _annotated,
    ast.JoinedStr: _f_string,
}
if sys.version_info >= (3, 12):
    _HANDLERS |= dict.fromkeys((ast.TypeVar, ast.ParamSpec, ast.TypeVarTuple), _type_parameter)
    _HANDLERS[ast.TypeAlias] = _type_alias


# ## The second pass: what each one means


@dataclass(frozen=True, slots=True)
class _Meaning:
    """
    ### What a name or an expression is

    * `scope` is the class or function of this file that it names
    * `instance_of` is the class of this file that it is an instance of, `above` true for `super()`
    * `is_outside` says that it comes from elsewhere, and that its attributes are named after it
    """

    variable: str
    target: str = ""
    scope: _Scope | None = None
    instance_of: _Scope | None = None
    above: bool = False
    is_outside: bool = False


_BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_"))

# Nobody writes a longer dotted name or a class with more bases. The limits keep what a machine wrote from taking a time
# that grows with the square of its size.
_LONGEST_TARGET = 500
_MOST_ANCESTORS = 50


class _Resolver:
    """
    ### From bindings to meanings
    """

    def __init__(self, reader: _Reader) -> None:
        self.reader = reader
        self.module = reader.module
        self._meanings: dict[tuple[_Scope, str], _Meaning] = {}
        self._expressions: dict[ast.Attribute, _Meaning] = {}
        self._ancestors: dict[_Scope, list[_Scope]] = {}

    def names(self) -> Names:
        """Return all names of the file."""
        reader = self.reader
        for node, scope in reader.attributes:
            if isinstance(node.ctx, ast.Store) and (owner := self.instance(node.value, scope)):
                owner.attributes.add(node.attr)

        found: list[tuple[int, int, str, str, str, bool, bool]] = []
        for line, column, text, scope, binds in reader.places:
            meaning = self.name(scope, text)
            is_new = binds and meaning.scope is None and not meaning.is_outside and bool(meaning.target)
            found.append((line, column, text, meaning.variable, meaning.target, is_new, False))
        for line, column, text, scope, inside in reader.definitions:
            variable = self.name(scope, text).variable
            found.append((line, column, text, variable, self.absolute(inside.qualname), True, True))

        # Inner attributes come behind outer ones, and must be known before them.
        for node, scope in reversed(reader.attributes):
            meaning = self._expressions[node] = self.attribute(node, scope)
            at = reader.before_end(node, node.attr)
            found.append((*at, node.attr, meaning.variable, meaning.target, False, False))
        for keyword, function, scope in reader.arguments:
            if keyword.arg:
                meaning = self.argument(keyword.arg, function, scope)
                at = reader.start(keyword)
                found.append((*at, keyword.arg, meaning.variable, meaning.target, False, False))
        found.extend((*known, False, False) for known in reader.known)

        names = tuple(_true_names(sorted(found), reader.lines))
        prefix = len(self.absolute(""))
        return Names(
            names=names,
            definitions=tuple(dict.fromkeys(name.target[prefix:] for name in names if name.is_definition)),
            bases={scope.qualname: self.bases(scope) for scope in reader.classes},
            aliases={
                name: target
                for name, target in reader.scope.imports.items()
                if target and name not in reader.scope.scopes
            },
            stars=tuple(dict.fromkeys(reader.stars)),
        )

    def absolute(self, qualname: str) -> str:
        """Return the dotted name of what is defined in this file."""
        return f"{self.module}.{qualname}"

    def name(self, scope: _Scope, name: str) -> _Meaning:
        """
        ### A name, seen from a scope
        """
        key = (scope, name)
        if key not in self._meanings:
            self._meanings[key] = self._name(scope.owner_of(name), name)
        return self._meanings[key]

    def _name(self, owner: _Scope | None, name: str) -> _Meaning:
        if owner is None:
            if name in _BUILTINS:
                return _Meaning(f":{name}", f"builtins.{name}", is_outside=True)
            if self.reader.stars and not name.startswith("_"):
                return _Meaning(f":{name}", self.absolute(name), is_outside=True)
            return _Meaning(f":{name}")

        variable = owner.variable(name)
        if scope := owner.scopes.get(name):
            return _Meaning(variable, self.absolute(scope.qualname), scope)
        if name in owner.imports:
            return _Meaning(variable, owner.imports[name], is_outside=True)
        if owner.kind == "module":
            return _Meaning(variable, self.absolute(name))
        if owner.kind == "class":
            return _Meaning(variable, self.absolute(f"{owner.qualname}.{name}"))
        if name == owner.instance:
            return _Meaning(variable, instance_of=_class_around(owner))
        return _Meaning(variable)

    def expression(self, node: ast.expr | None, scope: _Scope) -> _Meaning | None:
        """
        ### A name, a dotted name or a call of `super`; nothing is known about anything else
        """
        match node:
            case ast.Name(id=name):
                return self.name(scope, name)
            case ast.Attribute():
                return self._expressions.get(node)
            case ast.Call(func=ast.Name(id="super"), args=args) if scope.owner_of("super") is None:
                owner = _class_around(scope)
                if owner and (not args or self.expression(args[0], scope) == self._class_itself(owner)):
                    return _Meaning("", instance_of=owner, above=True)
        return None

    def instance(self, node: ast.expr, scope: _Scope) -> _Scope | None:
        """Return the class that a node is an instance of."""
        return self.name(scope, node.id).instance_of if isinstance(node, ast.Name) else None

    def attribute(self, node: ast.Attribute, scope: _Scope) -> _Meaning:
        """
        ### What is behind a dot
        """
        base = self.expression(node.value, scope)
        if base is None:
            return _Meaning(f".{node.attr}")
        owner = base.instance_of or base.scope
        if owner and owner.kind == "class":
            return self.member(owner, node.attr, base.above)
        if base.is_outside and base.target and len(base.target) < _LONGEST_TARGET:
            target = f"{base.target}.{node.attr}"
            return _Meaning(target, target, is_outside=True)
        return _Meaning(f".{node.attr}")

    def member(self, owner: _Scope, name: str, above: bool = False) -> _Meaning:
        """
        ### An attribute of a class or its instances

        What a class or a base in this file defines is found here. What it only assigns to `self` is a variable without
        a definition. The rest may be in a base of another file.
        """
        ancestors = self.ancestors(owner)[above:]
        target = self.absolute(f"{owner.qualname}.super().{name}" if above else f"{owner.qualname}.{name}")
        for scope in ancestors:
            if name in scope.bound:
                return _Meaning(scope.variable(name), target, scope.scopes.get(name))
        for scope in reversed(ancestors):
            if name in scope.attributes:
                return _Meaning(scope.variable(name))
        return _Meaning(f"{owner.name}.super().{name}" if above else owner.variable(name), target)

    def argument(self, name: str, function: ast.expr | None, scope: _Scope) -> _Meaning:
        """
        ### A keyword in a call

        It is the parameter of a function of this file, or of a class's `__init__`, or what a dataclass makes a
        parameter.
        """
        called = self.expression(function, scope)
        callee = called.scope if called else None
        if callee and callee.kind == "class":
            init = self.member(callee, "__init__").scope
            if init is None and any(name in ancestor.bound for ancestor in self.ancestors(callee)):
                return self.member(callee, name)
            callee = init
        if callee and callee.kind == "function" and name in callee.parameters:
            return _Meaning(callee.variable(name))
        return _Meaning(f"{name}=")

    def ancestors(self, owner: _Scope) -> list[_Scope]:
        """
        ### A class and its bases in this file, depth first
        """
        if owner not in self._ancestors:
            found: dict[_Scope, None] = {}
            pending = [owner]
            while pending and len(found) < _MOST_ANCESTORS:
                scope = pending.pop()
                if scope not in found:
                    found[scope] = None
                    meanings = [self.base(base, scope) for base in reversed(scope.bases)]
                    pending.extend(m.scope for m in meanings if m and m.scope and m.scope.kind == "class")
            self._ancestors[owner] = list(found)
        return self._ancestors[owner]

    def base(self, node: ast.expr, scope: _Scope) -> _Meaning | None:
        """
        ### A base of a class

        `Generic[T]` is `Generic`. Bases are needed before attributes are resolved, so dotted ones are read here; they
        are short.
        """
        while isinstance(node, ast.Subscript):
            node = node.value
        assert scope.parent
        if not isinstance(node, ast.Attribute):
            return self.expression(node, scope.parent)
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        root = self.expression(node, scope.parent)
        if root is None:
            return None
        if root.is_outside:
            return _Meaning("", ".".join([root.target, *reversed(parts)]) if root.target else "")
        if len(parts) == 1 and root.scope and (inner := root.scope.scopes.get(parts[0])):
            return _Meaning("", self.absolute(inner.qualname), inner)
        return None

    def bases(self, scope: _Scope) -> tuple[str, ...]:
        """Return the dotted names of a class's bases."""
        meanings = [self.base(base, scope) for base in scope.bases]
        return tuple(meaning.target for meaning in meanings if meaning and meaning.target)

    def _class_itself(self, scope: _Scope) -> _Meaning | None:
        name = scope.qualname.rpartition(".")[2]
        return self.name(scope.parent, name) if scope.parent else None


def _class_around(scope: _Scope | None) -> _Scope | None:
    """
    ### The class whose method a scope is in
    """
    while scope and scope.kind != "class":
        scope = scope.parent
    return scope


def _true_names(found: Sequence[tuple[int, int, str, str, str, bool, bool]], lines: Sequence[str]) -> Iterator[Name]:
    """
    ### Only what stands in the text

    `found` is sorted. A variable is defined where it is first assigned, a function wherever there is a `def`.
    """
    defined: set[str] = set()
    last, end = 0, 0
    for line, column, text, variable, target, is_new, is_definition in found:
        if not 0 < line <= len(lines) or column < 0 or (line == last and column < end):
            continue
        content = lines[line - 1]
        stop = column + len(text)
        if content[column:stop] != text or _is_word(content[stop : stop + 1]):
            continue
        if column and _is_word(content[column - 1]):
            continue
        if is_new and not is_definition:
            is_definition = target not in defined
        if is_definition:
            defined.add(target)
        last, end = line, stop
        yield Name(line, column, text, variable, target, is_definition)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


# ## Across files


class NameIndex:
    """
    ## Where things are defined

    `modules` are all files that have a page, by their dotted names.
    """

    def __init__(self, modules: Mapping[str, Names]) -> None:
        self._modules = modules
        self._definitions = {module: frozenset(names.definitions) for module, names in modules.items()}

    def locate(self, dotted: str) -> tuple[str, str] | None:
        """
        ### Which file defines it

        Returns the module and the qualified name in it, which is empty for the module itself. What a package imports
        from a module of its own is followed there, and what a class does not define is looked for in its bases.
        """
        return next((found for found in self._follow(dotted) if isinstance(found, tuple)), None)

    def outside(self, dotted: str) -> list[str]:
        """
        ### What it may be called in other libraries' documentation

        `torch.optim.Optimizer.zero_grad` for the `zero_grad` of a class of ours that is derived from torch's. Best
        first, and of use where `locate` finds nothing.
        """
        return [found for found in self._follow(dotted) if isinstance(found, str)]

    def _follow(self, dotted: str) -> Iterator[tuple[str, str] | str]:
        # Depth first, left to right. Modules may import from each other in a circle, and each round may make the name
        # longer, so there is a limit too.
        pending, seen = [dotted], set[str]()
        while pending and len(seen) < _MOST_STEPS:
            dotted = pending.pop()
            if dotted not in seen:
                seen.add(dotted)
                found, further = self._step(dotted)
                if found:
                    yield found
                pending.extend(reversed(further))

    def _step(self, dotted: str) -> tuple[tuple[str, str] | str | None, list[str]]:
        """
        ### One step: found, or where to look next
        """
        module, rest = dotted, ""
        while module and module not in self._modules:
            module, _, part = module.rpartition(".")
            rest = f"{part}.{rest}" if rest else part
        if not module:
            return dotted, []

        names, definitions = self._modules[module], self._definitions[module]
        qualname = ""
        while rest:
            part, _, behind = rest.partition(".")
            inner = f"{qualname}.{part}" if qualname else part
            if inner in definitions:
                qualname, rest = inner, behind
                continue
            if qualname:
                wanted = behind if part == "super()" else rest
                return None, [f"{base}.{wanted}" for base in names.bases.get(qualname, ())]
            if part in names.aliases:
                return None, [f"{names.aliases[part]}.{behind}" if behind else names.aliases[part]]
            return None, [f"{star}.{rest}" for star in names.stars]
        return (module, qualname), []


_MOST_STEPS = 200
