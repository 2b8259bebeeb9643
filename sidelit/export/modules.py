r"""
# The modules of a package, read

A definition needs others, from other files. This module finds those files, reads them with Python's parser, and says
for a dotted name where it is defined. Nothing is imported: a module is what its text says.

A file is cut into *units*, its statements at the top. A unit is taken whole or not at all: a class with all its
methods, an `if` with both branches. What a unit's names mean comes from [`names`](../names.py).
"""

from __future__ import annotations

import ast
import io
import token as tokens
import tokenize
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeGuard

from sidelit.diagnostic import Diagnostic
from sidelit.names import Name, Names, find_names
from sidelit.source import Document, decode, is_directive, parse, split_lines
from sidelit.tree import escapes, is_site, module_name, shown_path

# A line, from 1, and a column, from 0 and in characters
Place = tuple[int, int]


class Refusal(Exception):
    """
    ## Why there is no result

    The diagnostic says where, what stands in the way, and what to do.
    """

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(str(diagnostic))
        self.diagnostic = diagnostic


@dataclass(frozen=True)
class Imported:
    """
    ### A name that a module imports

    `import a.b` has the source `a.b` and no member, `from a import b` the source `a` and the member `b`. `name` is what
    it is called here, `target` the dotted name of what that is. With `typing_only` only type checkers import it.
    `note` is a directive behind the statement, such as `# type: ignore`.
    """

    name: str
    target: str
    source: str
    member: str
    line: int
    column: int
    typing_only: bool = False
    note: str = ""


@dataclass(frozen=True)
class Definition:
    """
    ### A name at the top of a module
    """

    module: str
    name: str


@dataclass(eq=False)
class Unit:
    """
    ### A statement at the top of a module

    Or several that share a line. `first` and `last` are its lines, decorators included; `binds` the names it gives a
    meaning to.
    """

    module: Module
    first: int
    last: int
    nodes: list[ast.stmt]
    binds: frozenset[str]

    @property
    def is_definition(self) -> bool:
        """Whether it is a class or a function."""
        return isinstance(self.nodes[0], (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))


# What runs when a module is imported, in order: its units, and the modules that it imports
Event = Unit | str


@dataclass(eq=False)
class Module:
    """
    ## A module

    * `shown` is what messages call its file, `lines` are those of the file
    * `bindings` are the units that give a name its meaning, `imports` the imports that do
    * `typed` are names that are only defined for type checkers
    * `stars` are the places of `from … import *`
    * `lazy` says that annotations are not evaluated, by `from __future__ import annotations`
    """

    name: str
    path: Path
    shown: str
    lines: tuple[str, ...]
    tree: ast.Module
    is_package: bool
    units: list[Unit] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    bindings: dict[str, list[Unit]] = field(default_factory=dict)
    imports: dict[str, list[Imported]] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)
    stars: list[tuple[Place, str]] = field(default_factory=list)
    lazy: bool = False

    @cached_property
    def document(self) -> Document:
        """The file as a page has it, with its front matter."""
        return parse("\n".join(self.lines) + "\n", self.shown, self.name)

    @cached_property
    def names(self) -> Names:
        """What its names mean."""
        return find_names(self.lines, self.name, self.is_package)

    @cached_property
    def places(self) -> dict[Place, Name]:
        """What its names mean, by their places."""
        return {(each.line, each.column): each for each in self.names.names}

    @cached_property
    def rebound(self) -> dict[str, int]:
        """Names that functions assign to by way of `global`, each with the line that says so."""
        return {
            name: node.lineno for node in ast.walk(self.tree) if isinstance(node, ast.Global) for name in node.names
        }

    @cached_property
    def comments(self) -> list[Place]:
        """Where comments begin. Those inside of f-strings are part of the string."""
        found, inside = [], 0
        starts = {getattr(tokens, name, None) for name in ("FSTRING_START", "TSTRING_START")}
        ends = {getattr(tokens, name, None) for name in ("FSTRING_END", "TSTRING_END")}
        text = "\n".join(self.lines) + "\n"
        for token in tokenize.generate_tokens(io.StringIO(text, newline="\n").readline):
            inside += (token.type in starts) - (token.type in ends)
            if token.type == tokens.COMMENT and not inside:
                found.append(token.start)
        return found

    def names_in(self, first: int, last: int) -> Sequence[Name]:
        """Return what the names in some lines mean."""
        names = self.names.names
        return names[
            bisect_left(names, first, key=lambda name: name.line) : bisect_right(
                names, last, key=lambda name: name.line
            )
        ]

    def place(self, line: int, offset: int) -> Place:
        """Return a place from what the tree says, which counts bytes."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return line, offset if text.isascii() else len(text.encode()[:offset].decode(errors="ignore"))

    def start(self, node: ast.AST) -> Place:
        """Return where a node begins."""
        return self.place(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> Place:
        """Return where a node ends."""
        return self.place(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def refusal(self, at: Place, message: str) -> Refusal:
        """Return a refusal at a place of this file."""
        return Refusal(Diagnostic(self.shown, at[0], at[1] + 1, "export", message))


class Package:
    """
    ## Modules by their names

    `root` is the folder in which an import starts. What belongs to the package is everything below one of the names
    `tops`; all other imports stay what they are. `asked` are the modules that were asked for since somebody emptied it,
    and `glances` what [closures](closure.py#Glance) know of files that they did not have to read.
    """

    def __init__(self, root: Path, tops: Iterable[str]) -> None:
        self.root = root
        self.tops = frozenset(tops)
        self.asked: set[str] = set()
        self.glances: dict[Path, Any] = {}
        self._modules: dict[str, Module | None] = {}
        self._exists: dict[str, bool] = {}
        self._in_sites: dict[Path, bool] = {}

    def owns(self, dotted: str) -> bool:
        """Whether a dotted name is one of this package."""
        return dotted.partition(".")[0] in self.tops

    def file_of(self, name: str) -> Path | None:
        """Return the file of a module, or nothing. A symbolic link out of the package is not followed."""
        if not all(part.isidentifier() for part in name.split(".")):
            return None
        path = self.root.joinpath(*name.split("."))
        top = self.root / name.partition(".")[0]
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if file.is_file() and not escapes(file, top if top.is_dir() else self.root):
                return file
        return None

    def get(self, name: str) -> Module | None:
        """
        ### The module of a name

        Nothing where there is no such file. Raises `Refusal` for one that Python cannot read.
        """
        self.asked.add(name)
        if name not in self._modules:
            file = self.file_of(name) if self.owns(name) else None
            self._modules[name] = read_module(file, name) if file else None
        return self._modules[name]

    def exists(self, name: str) -> bool:
        """Whether there is such a module, or a folder that only holds some."""
        if name not in self._exists:
            is_there = self.file_of(name) is not None or self.root.joinpath(*name.split(".")).is_dir()
            self._exists[name] = self.owns(name) and is_there
        return self._exists[name]

    def files(self) -> Iterator[tuple[str, Path]]:
        """Give the names and files of all modules, in order."""
        for top in sorted(self.tops):
            folder = self.root / top
            for path in sorted(folder.rglob("*.py")) if folder.is_dir() else []:
                parts = path.relative_to(self.root).with_suffix("").parts
                name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                if not all(part.isidentifier() for part in parts) or "node_modules" in parts:
                    continue
                if not self._is_in_site(path.parent):
                    yield name, path

    def _is_in_site(self, folder: Path) -> bool:
        """Whether a folder is in a built site, which holds copies of sources."""
        if folder not in self._in_sites:
            above = folder != self.root and self._is_in_site(folder.parent)
            self._in_sites[folder] = above or is_site(folder)
        return self._in_sites[folder]

    def resolve(self, dotted: str, module: Module, at: Place) -> tuple[Definition | Imported | str, str]:
        """
        ### Where a dotted name of this package is defined

        Returns the definition, or what comes from outside, or the name of a module of this package; and what of the
        dotted name is behind that. `module` and `at` are where it is asked for.
        """
        seen: set[str] = set()
        wanted = dotted
        while True:
            if dotted in seen:
                raise module.refusal(at, f"`{wanted}` is imported in a circle and defined nowhere; import it directly")
            seen.add(dotted)
            owner, rest = dotted, ""
            while owner and not self.exists(owner):
                owner, _, part = owner.rpartition(".")
                rest = f"{part}.{rest}" if rest else part
            if not rest:
                # A package may define what has the name of one of its modules.
                above, _, last = owner.rpartition(".")
                parent = self.get(above) if above else None
                known = parent.imports.get(last, []) if parent else []
                if parent and (last in parent.bindings or any(each.target != owner for each in known)):
                    owner, rest = above, last
                else:
                    return owner, ""
            name, _, behind = rest.partition(".")
            source = self.get(owner) if owner else None
            if source is None:
                message = f"there is no source of `{wanted}` here; only Python files of this package can be taken along"
                raise module.refusal(at, message)
            found = self.bound(source, name)
            if isinstance(found, Definition):
                return found, behind
            if found is None:
                raise self._missing(source, name, module, at)
            if not self.owns(found.target):
                return found, behind
            dotted = f"{found.target}.{behind}" if behind else found.target

    def bound(self, module: Module, name: str) -> Definition | Imported | None:
        """
        ### What a name at the top of a module is bound to
        """
        known = module.imports.get(name, [])
        if known and name in module.bindings:
            line = module.bindings[name][0].first
            message = (
                f"`{name}` is imported in line {known[0].line} and then bound again; give one of them another name"
            )
            raise module.refusal((line, 0), message)
        if name in module.bindings or (not known and (name in module.rebound or name in module.typed)):
            return Definition(module.name, name)
        return min(known, key=lambda each: each.typing_only, default=None)

    def _missing(self, source: Module, name: str, module: Module, at: Place) -> Refusal:
        if source.stars:
            place, star = source.stars[0]
            message = f"`{name}` may come from `from {star} import *`; import it by its name"
            return source.refusal(place, message)
        if "__getattr__" in source.bindings:
            message = f"`{name}` is made by this `__getattr__` when it is asked for; define it, or import it by name"
            return source.refusal((source.bindings["__getattr__"][0].first, 0), message)
        return module.refusal(at, f"`{name}` is not defined in {source.shown}; correct the name")


# ## Finding the file that was asked for


@dataclass(frozen=True)
class Wanted:
    """
    ### What was asked for

    `name` is a class, a function or a variable at the top of the module, empty for all of it.
    """

    package: Package
    module: Module
    name: str


def find_wanted(argument: str) -> Wanted | str:
    """
    ### From `pkg.mod:Name`, or `pkg/mod.py:Name`, to a module

    A dotted name is looked for in the current folder and in `src`. Returns a message where there is nothing. Raises
    `Refusal` for a file that Python cannot read.
    """
    target, name = argument, ""
    if not Path(argument).is_file():
        head, colon, tail = argument.rpartition(":")
        if colon and tail.isidentifier():
            target, name = head, tail
    if target.endswith(".py") or "/" in target or Path(target).is_file():
        path = Path(target)
        if not path.is_file():
            return f"{target}: there is no such file; name a Python file, or a module as package.module"
        return Wanted(*_of_file(path), name)

    for folder in (Path(), Path("src")):
        package = Package(folder.absolute(), [target.partition(".")[0]])
        if package.file_of(target) and (module := package.get(target)):
            return Wanted(package, module, name)
    if Path(target).is_dir():
        return f"{target}: this is a folder without __init__.py; name one of its files"
    return f"{target}: there is no such module in this folder or in src; name it as package.module, or name its file"


def package_around(path: Path) -> tuple[Package, str]:
    """
    ### The package that a file is in, and the file's dotted name
    """
    name = module_name(path)
    path = path.absolute()
    depth = name.count(".") + (path.name == "__init__.py")
    root = path.parents[depth]
    tops = [name.partition(".")[0]]
    if "." not in name and path.name != "__init__.py":
        # A file in no package imports the files beside it.
        tops += sorted(file.stem for file in root.glob("*.py") if file.stem.isidentifier())
    return Package(root, tops), name


def _of_file(path: Path) -> tuple[Package, Module]:
    package, name = package_around(path)
    return package, package.get(name) or read_module(path, name)


# ## Reading a file


def read_module(path: Path, name: str) -> Module:
    """
    ### From a file to a module

    Raises `Refusal` for a file that cannot be read, or not by Python.
    """
    shown = shown_path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        message = f"cannot be read: {error.strerror}; make it readable"
        raise Refusal(Diagnostic(shown, 1, 1, "export", message)) from None
    text, faults = decode(data, shown)
    if faults:
        raise Refusal(faults[0])
    lines = split_lines(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse("\n".join(lines) + "\n")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        fault = next(each for each in parse(text, shown).diagnostics if each.rule == "syntax")
        # The message goes on about the page, of which there is none here.
        message = fault.message.replace("the page shows the file as far as it goes", "correct it first")
        raise Refusal(replace(fault, message=message)) from None
    module = Module(name, path, shown, lines, tree, path.name == "__init__.py")
    _cut(module)
    return module


def _cut(module: Module) -> None:
    """
    ### Into imports and units
    """
    for number, node in enumerate(module.tree.body):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            module.lazy = module.lazy or any(alias.name == "annotations" for alias in node.names)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            _note(module, node, typing_only=False)
            module.events.extend(imported_modules(module, node))
        elif is_for_typing(node) and not node.orelse:
            for each in node.body:
                _note(module, each, typing_only=True)
                if not isinstance(each, (ast.Import, ast.ImportFrom)):
                    module.typed.update(bound_names(each))
        elif number or not is_text(node):
            _add_unit(module, node)


def _note(module: Module, node: ast.stmt, typing_only: bool) -> None:
    for each in imported(module, node, typing_only):
        if each.member == "*":
            module.stars.append(((each.line, each.column), each.source or "."))
        else:
            module.imports.setdefault(each.name, []).append(each)


def _add_unit(module: Module, node: ast.stmt) -> None:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(each.lineno for each in decorators)])
    last = node.end_lineno or first
    binds = frozenset(bound_names(node))
    if module.units and module.units[-1].last >= first:
        unit = module.units[-1]
        unit.nodes.append(node)
        unit.last, unit.binds = last, unit.binds | binds
    else:
        unit = Unit(module, first, last, [node], binds)
        module.units.append(unit)
        for each in eager([node]):
            if isinstance(each, (ast.Import, ast.ImportFrom)):
                module.events.extend(imported_modules(module, each))
                module.stars += [
                    ((i.line, i.column), i.source or ".") for i in imported(module, each) if i.member == "*"
                ]
        module.events.append(unit)
    for name in binds:
        units = module.bindings.setdefault(name, [])
        if unit not in units:
            units.append(unit)


def is_for_typing(node: ast.AST) -> TypeGuard[ast.If]:
    """Whether this is an `if TYPE_CHECKING:`. What stands behind its `else` does run."""
    return isinstance(node, ast.If) and getattr(node.test, "id", getattr(node.test, "attr", "")) == "TYPE_CHECKING"


def is_text(node: ast.stmt) -> bool:
    """Whether this is a string by itself."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def imported(module: Module, node: ast.stmt, typing_only: bool = False) -> list[Imported]:
    """
    ### The names that a statement imports
    """
    line, column = module.start(node)
    note = ""
    if comment := module.lines[(node.end_lineno or line) - 1][module.end(node)[1] :].strip():
        note = comment if comment.startswith("#") and is_directive(comment[1:]) else ""
    if isinstance(node, ast.Import):
        return [
            Imported(
                alias.asname or alias.name.partition(".")[0],
                alias.name if alias.asname else alias.name.partition(".")[0],
                alias.name, "", line, column, typing_only, note,
            )
            for alias in node.names
        ]  # fmt: skip
    if isinstance(node, ast.ImportFrom):
        source = absolute_source(module, node)
        return [
            Imported(alias.asname or alias.name, f"{source}.{alias.name}", source, alias.name, line, column,
                     typing_only, note)
            for alias in node.names
        ]  # fmt: skip
    return []


def absolute_source(module: Module, node: ast.ImportFrom) -> str:
    """Return the dotted name of the module from which something is imported."""
    if not node.level:
        return node.module or ""
    parts = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
    if node.level > len(parts):
        raise module.refusal(module.start(node), "this import leads out of the package; name the file by its package")
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


def imported_modules(module: Module, node: ast.stmt) -> Iterator[str]:
    """
    ### The modules that run when a statement imports something

    Which of these exist is not looked at here.
    """
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        source = absolute_source(module, node)
        yield source
        yield from (f"{source}.{alias.name}" for alias in node.names)


# ## What runs at once


def eager(nodes: Iterable[ast.AST], annotations: bool = True) -> Iterator[ast.AST]:
    """
    ### The nodes that are evaluated when their module is imported

    The bodies of functions are not, decorators and defaults are; annotations depend.
    """
    pending = list(nodes)[::-1]
    while pending:
        node = pending.pop()
        yield node
        children: list[ast.AST | None]
        if is_for_typing(node):
            children = [*node.orelse]
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            children = [*node.decorator_list, *_defaults(node.args)]
            if annotations:
                args = node.args
                every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
                children += [*(arg.annotation for arg in every if arg), node.returns]
        elif isinstance(node, ast.Lambda):
            children = _defaults(node.args)
        elif isinstance(node, ast.AnnAssign) and not annotations:
            children = [node.target, node.value]
        else:
            children = list(ast.iter_child_nodes(node))
        pending.extend(child for child in reversed(children) if child is not None)


def _defaults(args: ast.arguments) -> list[ast.AST | None]:
    return [*args.defaults, *args.kw_defaults]


def bound_names(node: ast.stmt) -> Iterator[str]:
    """
    ### The names that a statement binds at the top of its module
    """
    pending: list[ast.AST] = [node]
    while pending:
        inner = pending.pop()
        match inner:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
                continue
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                # Only a walrus binds outside of these.
                yield from (
                    each.target.id
                    for each in ast.walk(inner)
                    if isinstance(each, ast.NamedExpr) and not isinstance(inner, ast.Lambda)
                )
                continue
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (alias.asname or alias.name.partition(".")[0] for alias in names if alias.name != "*")
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.MatchMapping(rest=str(name)):
                yield name
        pending.extend(ast.iter_child_nodes(inner))
