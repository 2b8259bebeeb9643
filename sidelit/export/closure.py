r"""
# What a definition needs

This module follows the names in a definition to the statements that give them their meaning, and the names in those,
across the files of a package. The result is a `Closure`: the units that are needed, in the order in which Python would
run them, with all that their names refer to.

That order is found by doing what an import does, on paper: the parents of a module first, then the module line by line,
with each import carried out where it stands. So circular imports come out as they do in Python.

Not everything can be told from the text. **What cannot be followed is refused, at its line, and never guessed:** a
module that is imported by a computed name, `exec`, `from … import *`, a module that is handed around as a value, state
that other files of the package change.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sidelit.export.modules import Definition, Imported, Module, Package, Place, Refusal, Unit, Wanted, eager, imported
from sidelit.names import Name


@dataclass(frozen=True)
class Outside:
    """
    ## Something that is imported from elsewhere, under the name it has in the sources
    """

    name: str
    target: str


Entity = Definition | Outside


@dataclass(frozen=True)
class Reference:
    """
    ### What stands in a unit, and what it means

    From `start` to `end` stands `text`, a name, or `module.name` where the module is one of the package. `variable` is
    as in [`names.Name`](../names.py#Name). Without a place (`start` is `None`) it is somewhere in the unit, and
    nobody can say where. `quoted` says that it is part of a string, an annotation in quotes, and `evaluated` is false
    for all annotations that nobody evaluates. `typing_only` says that the name exists for type checkers only.
    """

    entity: Entity
    text: str
    variable: str
    start: Place | None
    end: Place
    quoted: bool = False
    evaluated: bool = True
    typing_only: bool = False


@dataclass(eq=False)
class Reading:
    """
    ### What was found in a unit

    `imports` are the statements inside of functions that import from the package, `local` the names of the variables
    of its functions and classes, without what those statements bind.
    """

    references: list[Reference] = field(default_factory=list)
    imports: list[ast.stmt] = field(default_factory=list)
    local: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Closure:
    """
    ## All that is needed

    * `units` are in the order in which they run, and `readings` what stands in them
    * `outside` are the imports that are left, for each thing all the ways in which modules write them
    * `requested` are the names that were asked for, with what they are
    * `types` are definitions that only annotations name, and only for type checkers: they are not taken along
    * `lazy` says that annotations are not evaluated
    """

    wanted: Wanted
    units: tuple[Unit, ...]
    readings: dict[Unit, Reading]
    outside: dict[Outside, list[Imported]]
    requested: dict[str, Definition]
    types: tuple[Definition, ...]
    lazy: bool

    @property
    def modules(self) -> list[Module]:
        """The modules that something is taken from, that of the wanted definition first."""
        others = dict.fromkeys(unit.module for unit in self.units)
        return list(dict.fromkeys([self.wanted.module, *others]))


def close(wanted: Wanted, program: bool = True) -> Closure:
    """
    ## From what is wanted to all that is needed

    Without `program` a whole module is taken without what only runs when it is a program. Raises `Refusal`.
    """
    return _Closing(wanted, program).run()


class _Closing:
    """
    ### One closure in the making
    """

    def __init__(self, wanted: Wanted, program: bool) -> None:
        self.wanted, self.program = wanted, program
        self.package: Package = wanted.package
        self.readings: dict[Unit, Reading] = {}
        self.outside: dict[Outside, list[Imported]] = {}
        self.pending: list[Unit] = []
        self.package.asked = {wanted.module.name}

    def run(self) -> Closure:
        requested = self.requested()
        for definition in requested.values():
            self.need(definition)
        if not self.wanted.name:
            self.pending.extend(unit for unit in self.wanted.module.units if self.program or not _is_program(unit))
        self.follow()
        while self.pending_changes():
            self.follow()
        units, late = self.ordered()
        self.check_lateness(units, late)
        self.check_rebound()
        lazy = {unit.module.lazy for unit in units} or {False}
        if len(lazy) > 1:
            self.check_annotations(units)
        types = self.types(units)
        if types:
            for name in ("TYPE_CHECKING", "Any"):
                self.known(Imported(name, f"typing.{name}", "typing", name, 1, 0))
        return Closure(self.wanted, tuple(units), self.readings, self.outside, requested, types, any(lazy))

    def types(self, units: Iterable[Unit]) -> tuple[Definition, ...]:
        """What only type checkers see, and nothing else needs."""
        ours = self.definitions()
        entities = dict.fromkeys(r.entity for unit in units for r in self.readings[unit].references if r.typing_only)
        return tuple(each for each in entities if isinstance(each, Definition) and each not in ours)

    # #### What is asked for

    def requested(self) -> dict[str, Definition]:
        """
        The definitions that the result must have under these names

        Of a whole module, those that others import from it: what its `__init__.py` gathers.
        """
        module, name = self.wanted.module, self.wanted.name
        if name:
            names = [name]
            if name not in module.bindings and name not in module.imports and not module.stars:
                raise module.refusal((1, 0), f"there is no `{name}` at the top of this file; correct the name")
        else:
            if module.stars:
                place, star = module.stars[0]
                raise module.refusal(place, f"`from {star} import *` does not say what it imports; name it")
            names = [n for unit in module.units if self.program or not _is_program(unit) for n in sorted(unit.binds)]
            gathered = [each for known in module.imports.values() for each in known if self.package.owns(each.target)]
            listed = _listed_names(module)
            names += [each.name for each in gathered if module.is_package or each.name in listed]
        found: dict[str, Definition] = {}
        for name in dict.fromkeys(names):
            entity = self.entity(module, name, (1, 0))
            if isinstance(entity, Definition):
                found[name] = entity
            elif self.wanted.name:
                message = f"`{name}` is not of this package, or is a module of it; import it from where it comes"
                raise module.refusal((1, 0), message)
        return found

    # #### Following names

    def need(self, entity: Entity) -> None:
        if isinstance(entity, Definition):
            module = self.package.get(entity.module) or self.wanted.module
            self.pending.extend(module.bindings.get(entity.name, ()))

    def follow(self) -> None:
        while self.pending:
            unit = self.pending.pop()
            if unit not in self.readings:
                reading = self.readings[unit] = _UnitReader(self, unit).read()
                for reference in reading.references:
                    if not reference.typing_only:
                        self.need(reference.entity)

    def entity(self, module: Module, name: str, at: Place) -> Entity | str | None:
        """
        What a name at the top of a module means: an entity, the name of a module of the package, or nothing known
        """
        found = self.package.bound(module, name)
        if found is None:
            if module.stars and not hasattr(builtins, name):
                place, star = module.stars[0]
                raise module.refusal(place, f"`{name}` may come from `from {star} import *`; import it by its name")
            return None
        if isinstance(found, Imported) and self.package.owns(found.target):
            target = self.package.resolve(found.target, module, (found.line, found.column))[0]
            if isinstance(target, str):
                return target
            found = target
        return self.known(found)

    def known(self, found: Definition | Imported) -> Entity:
        if isinstance(found, Definition):
            return found
        entity = Outside(found.name, found.target)
        ways = self.outside.setdefault(entity, [])
        if found not in ways:
            ways.append(found)
        return entity

    def definitions(self) -> set[Definition]:
        """All definitions that the units so far make."""
        return {Definition(unit.module.name, name) for unit in self.readings for name in unit.binds}

    # #### State that is changed from elsewhere

    def pending_changes(self) -> bool:
        """
        Look for statements that change what is needed

        Those of the same module are needed too. Those of another module are a reason to refuse: whether that module is
        ever imported, nobody can say.
        """
        ours = self.definitions()
        # Functions beside what is needed may change it too, when they are called from elsewhere.
        names = {name for unit in self.readings for name in unit.module.bindings}
        for name, path in self.package.files():
            if is_test(name, path):
                continue
            if name not in self.package.asked:
                seen = glance(self.package, path)
                if seen.is_quiet or names.isdisjoint(seen.words):
                    continue
            try:
                module = self.package.get(name)
            except Refusal:
                continue
            for unit in module.units if module else []:
                if unit in self.readings or _is_program(unit):
                    continue
                for place, changed in _Changes(self, unit).find():
                    if changed not in ours:
                        continue
                    if changed.module == unit.module.name:
                        self.pending.append(unit)
                        break
                    message = (
                        f"this changes `{changed.name}` of {changed.module}, which is needed, from elsewhere; move it "
                        f"there, or take all of it along by hand"
                    )
                    raise unit.module.refusal(place, message)
        return bool(self.pending)

    def check_rebound(self) -> None:
        """A copy of a name does not follow when the name is bound anew; in one file there would be no copy."""
        for unit, reading in self.readings.items():
            for reference in reading.references:
                entity = reference.entity
                if not isinstance(entity, Definition) or entity.module == unit.module.name or "." in reference.text:
                    continue
                owner = self.package.get(entity.module)
                line = owner.rebound.get(entity.name) if owner else None
                if owner and line and any(u.module is owner and u.first <= line <= u.last for u in self.readings):
                    message = (
                        f"`global {entity.name}` makes a new value that {unit.module.shown} would not see, as it has "
                        f"imported the old one; write there `module.{entity.name}`"
                    )
                    raise owner.refusal((line, 0), message)

    def check_annotations(self, units: Iterable[Unit]) -> None:
        """Where one file evaluates annotations and another does not, none may look at them."""
        for unit in units:
            for node in (each for top in unit.nodes for each in ast.walk(top)):
                if isinstance(node, ast.Attribute) and node.attr == "__annotations__" and not unit.module.lazy:
                    message = (
                        "this reads annotations, which other files that are needed do not evaluate; begin this file "
                        "with `from __future__ import annotations` and use `typing.get_type_hints`"
                    )
                    raise unit.module.refusal(unit.module.start(node), message)

    # #### The order

    def ordered(self) -> tuple[list[Unit], set[Unit]]:
        """
        The needed units as Python would run them, and those that only run later

        Late are modules that functions import, or that only type checkers do.
        """
        started: set[str] = set()
        ran = dict.fromkeys(self.events(self.wanted.module, started))
        late: dict[Unit, None] = {}
        for unit in self.readings:
            if unit not in ran and unit not in late:
                late.update(dict.fromkeys(self.events(unit.module, started)))
        needed = [unit for unit in (*ran, *late) if unit in self.readings]
        return needed, {unit for unit in late if unit in self.readings}

    def events(self, module: Module, started: set[str]) -> Iterator[Unit]:
        """Import a module, and give its units and those of the modules that it imports."""
        running = [self.begin(module.name, started)]
        while running:
            event = next(running[-1], None)
            if event is None:
                running.pop()
            elif isinstance(event, Unit):
                yield event
            else:
                running.append(self.begin(event, started))

    def begin(self, name: str, started: set[str]) -> Iterator[Unit | str]:
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            above = ".".join(parts[:depth])
            if above not in started and self.package.owns(above):
                started.add(above)
                module = self.package.get(above)
                if module is None and above == self.wanted.module.name:
                    module = self.wanted.module
                yield from module.events if module else ()

    def check_lateness(self, units: Iterable[Unit], late: set[Unit]) -> None:
        """What is called while modules are imported must not need what is only imported later."""
        if not late:
            return
        for unit in units:
            if unit in late:
                continue
            calls = _called(unit)
            pending = [r.entity for r in self.readings[unit].references if r.start in calls]
            seen: set[Unit] = set()
            while pending:
                entity = pending.pop()
                for made in self.made_by(entity):
                    if made in late:
                        message = (
                            f"this calls what needs `{getattr(entity, 'name', '')}` of {made.module.shown}, which is "
                            f"imported inside of a function; import it at the top there"
                        )
                        raise unit.module.refusal((unit.first, 0), message)
                    if made not in seen:
                        seen.add(made)
                        pending.extend(r.entity for r in self.readings[made].references if r.evaluated)

    def made_by(self, entity: Entity) -> list[Unit]:
        if not isinstance(entity, Definition):
            return []
        module = self.package.get(entity.module)
        return [unit for unit in (module.bindings.get(entity.name, ()) if module else ()) if unit in self.readings]


def _called(unit: Unit) -> set[Place]:
    """Return where the names stand that are called while the module is imported."""
    functions: list[ast.AST] = []
    for node in eager(unit.nodes, annotations=False):
        if isinstance(node, ast.Call):
            functions.append(node.func)
        functions.extend(getattr(node, "decorator_list", ()))
    return {unit.module.start(node) for node in functions}


def is_test(name: str, path: Path) -> bool:
    """Whether a file is one of tests, which may change anything and is no part of what they test."""
    return path.stem.startswith("test_") or not {"test", "tests", "conftest"}.isdisjoint([*name.split("."), path.stem])


@dataclass(frozen=True)
class Glance:
    """
    ### What a quick look at a file shows

    `is_quiet` says that it changes nothing that it imports. If it may, `words` are all that stand in it. What its names
    mean takes longer to find out.
    """

    is_quiet: bool
    words: frozenset[str] = frozenset()


def glance(package: Package, path: Path) -> Glance:
    """
    ### A quick look at a file of a package, which is taken once
    """
    if path not in package.glances:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        quiet = not _changed_names(text)
        package.glances[path] = Glance(quiet, frozenset() if quiet else frozenset(_WORD.findall(text)))
    seen: Glance = package.glances[path]
    return seen


def _changed_names(text: str) -> set[str]:
    """
    ### A quick look at a file

    Returns what it imports and may change. What its names mean takes longer to find out.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names: set[str] = set()
    roots: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        for changed in (*_written(node), *_decorating(node), *_called_at(node)):
            while isinstance(changed, (ast.Attribute, ast.Subscript)):
                changed = changed.value
            if isinstance(changed, ast.Name):
                roots.add(changed.id)
    return names & roots


_WORD = re.compile(r"[^\W\d]\w*")


def _is_program(unit: Unit) -> bool:
    """Whether it is what runs when the file is a program: `if __name__ == "__main__":`."""
    return any(
        isinstance(node, ast.If) and any(getattr(each, "id", "") == "__name__" for each in ast.walk(node.test))
        for node in unit.nodes
    )


def _listed_names(module: Module) -> set[str]:
    """Return the names in `__all__`."""
    return {
        node.value
        for unit in module.bindings.get("__all__", ())
        for top in unit.nodes
        for node in ast.walk(top)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


# ## Reading one unit

# What only makes sense in the file, or in the package, where it stands
_OF_THE_FILE = frozenset(("__file__", "__path__", "__spec__", "__package__", "__loader__", "__cached__"))
_RUNNING_TEXT = frozenset(("exec", "eval"))
_DYNAMIC = frozenset(("importlib.import_module", "importlib.__import__", "importlib.reload"))
_DYNAMIC_MODULES = ("importlib.util.spec_from", "importlib.util.module_from", "importlib.machinery", "runpy.", "imp.")
_DATA = ("importlib.resources", "importlib_resources", "pkgutil.get_data", "pkg_resources.")
_TYPING_CALLS = frozenset(("cast", "TypeVar", "NewType"))


class _UnitReader:
    """
    ### One unit, read once
    """

    def __init__(self, closing: _Closing, unit: Unit) -> None:
        self.closing = closing
        self.package = closing.package
        self.unit, self.module = unit, unit.module
        self.found = Reading()
        self.locally: dict[tuple[str, str], None] = {}
        self.done: set[ast.AST] = set()
        self.annotations: set[ast.AST] = set()

    def read(self) -> Reading:
        self.note_imports()
        for name in self.module.names_in(self.unit.first, self.unit.last):
            if not _is_global(name) and ":" in name.variable and (name.text, name.target) not in self.locally:
                self.found.local.add(name.text)
        for top in self.unit.nodes:
            for node in ast.walk(top):
                self.node(node)
        self.declared()
        return self.found

    def refusal(self, node: ast.AST, message: str) -> Refusal:
        return self.module.refusal(self.module.start(node), message)

    def note_imports(self) -> None:
        """Find the imports inside of this unit. Those in functions can be left out; others depend on something."""
        inside: list[tuple[ast.AST, bool]] = [(top, False) for top in self.unit.nodes]
        while inside:
            node, in_function = inside.pop()
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = imported(self.module, node)
                owned = [each for each in names if self.package.owns(each.target or each.source)]
                if owned and len(owned) < len(names):
                    raise self.refusal(node, "this imports from two packages; make it two statements")
                if owned and not in_function:
                    message = (
                        f"whether `{owned[0].target}` is imported here depends on what happens; import it at the top "
                        f"of the file, without a condition"
                    )
                    raise self.refusal(node, message)
                if owned:
                    self.found.imports.append(node)
                    self.locally.update({(each.name, each.target): None for each in owned})
            is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            within = is_function or (in_function and not isinstance(node, ast.ClassDef))
            inside.extend((child, within) for child in ast.iter_child_nodes(node))

    def node(self, node: ast.AST) -> None:
        if node in self.done:
            return
        match node:
            case ast.Attribute():
                self.attribute(node)
            case ast.Name():
                self.name(node)
            case ast.arg(annotation=ast.expr() as annotation) | ast.AnnAssign(annotation=annotation):
                self.annotation(annotation)
            case ast.FunctionDef(returns=ast.expr() as returns) | ast.AsyncFunctionDef(returns=ast.expr() as returns):
                self.annotation(returns)
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if called in _TYPING_CALLS:
                self.quoted(*node.args[: None if called == "TypeVar" else 1], *(k.value for k in node.keywords))

    # #### Names

    def name(self, node: ast.Name) -> None:
        start = self.module.start(node)
        name = self.module.places.get(start)
        if name is None or name.text != node.id:
            # Its place is not known, as in f-strings of old Pythons. What it means, very likely is.
            if node.id not in self.found.local:
                self.entity_of(node, node.id, Name(node.lineno, 0, node.id, f":{node.id}"), None)
            return
        if _is_global(name):
            self.entity_of(node, node.id, name, start)
        elif (name.text, name.target) in self.locally:
            if not isinstance(node.ctx, ast.Load):
                raise self.refusal(node, f"`{node.id}` is imported and then bound again; give one of them another name")
            entity = self.resolved(name.target, node)
            if isinstance(entity, str):
                raise self.module_as_value(node, entity)
            self.add(entity, node, node.id, name.variable, start)

    def entity_of(self, node: ast.Name, text: str, name: Name, start: Place | None) -> None:
        entity = self.closing.entity(self.module, text, self.module.start(node))
        if isinstance(entity, str):
            raise self.module_as_value(node, entity)
        if entity is None:
            self.check_builtin(node)
        else:
            self.check_outside(node, name.target)
            self.add(entity, node, text, name.variable, start)

    def module_as_value(self, node: ast.AST, module: str) -> Refusal:
        message = f"here the module `{module}` itself is a value, which one file does not have; name what is used of it"
        return self.refusal(node, message)

    def check_builtin(self, node: ast.Name) -> None:
        if node.id in _RUNNING_TEXT:
            message = f"what `{node.id}` runs is not known before it runs; call a function instead"
        elif node.id == "__import__":
            message = "what `__import__` imports is not known before it runs; import it at the top, by its name"
        elif node.id == "globals":
            message = "`globals()` finds names that the text does not show; use the names, or a dictionary of your own"
        elif node.id in _OF_THE_FILE:
            message = f"`{node.id}` would be that of the new file; pass the path in, or take this file by hand"
        elif node.id == "__doc__" and (self.closing.wanted.name or self.module is not self.closing.wanted.module):
            message = "`__doc__` would be that of the new file; write the text here"
        else:
            return
        raise self.refusal(node, message)

    def check_outside(self, node: ast.AST, target: str) -> None:
        """Refuse what imports by a name that is only known when it runs, and what reads files of the package."""
        if target in _DYNAMIC or target.startswith(_DYNAMIC_MODULES):
            message = f"what `{target}` imports is not known before it runs; import it at the top, by its name"
        elif target == "sys.modules":
            message = "`sys.modules` finds modules by their names, which are not there any more; import what is needed"
        elif target.startswith(_DATA):
            message = f"`{target}` reads files of the package, which are not there any more; pass the path in"
        else:
            return
        raise self.refusal(node, message)

    def declared(self) -> None:
        """Add what has no node of its own: names behind `def`, `class`, `global`, and those in `__all__`."""
        known = {reference.start for reference in self.found.references}
        for name in self.module.names_in(self.unit.first, self.unit.last):
            at = (name.line, name.column)
            if not _is_global(name) or at in known:
                continue
            entity = self.closing.entity(self.module, name.text, at)
            if entity is not None and not isinstance(entity, str):
                end = (name.line, name.column + len(name.text))
                self.found.references.append(Reference(entity, name.text, name.variable, at, end))

    # #### Attributes of modules

    def attribute(self, node: ast.Attribute) -> None:
        chain = _chain(node)
        if not chain:
            return
        root, *attributes = chain
        name = self.module.places.get(self.module.start(root))
        if name is None or name.text != root.id:
            if root.id in self.module.imports and root.id not in self.found.local:
                entity = self.closing.entity(self.module, root.id, self.module.start(root))
                if isinstance(entity, str):
                    raise self.refusal(root, f"`{root.id}.…` in this string cannot be placed; use a variable for it")
            return
        for each in attributes:
            place = self.module.end(each)
            inner = self.module.places.get((place[0], place[1] - len(each.attr)))
            if inner and inner.target and not self.package.owns(inner.target):
                self.check_outside(each, inner.target)
        if _is_global(name):
            entity = self.closing.entity(self.module, name.text, self.module.start(root))
        elif (name.text, name.target) in self.locally:
            entity = self.resolved(name.target, root)
        else:
            return
        if not isinstance(entity, str):
            return

        # The root is a module. Go on until something is none.
        self.done.add(root)
        for each in attributes:
            self.done.add(each)
            entity = self.resolved(f"{entity}.{each.attr}", each)
            if not isinstance(entity, str):
                if not isinstance(each.ctx, ast.Load):
                    message = (
                        f"this changes `{each.attr}` of a module from elsewhere; make a function there that does so"
                    )
                    raise self.refusal(each, message)
                text = ".".join([root.id, *(a.attr for a in attributes[: attributes.index(each) + 1])])
                self.add(entity, each, text, name.variable, self.module.start(root))
                return
        raise self.module_as_value(node, entity)

    def resolved(self, dotted: str, node: ast.AST) -> Entity | str:
        found = self.package.resolve(dotted, self.module, self.module.start(node))[0]
        return found if isinstance(found, str) else self.closing.known(found)

    # #### Annotations

    def annotation(self, node: ast.expr) -> None:
        if self.module.lazy:
            self.annotations.update(ast.walk(node))
        self.quoted(node)

    def quoted(self, *nodes: ast.expr) -> None:
        pending: list[ast.AST] = list(nodes)
        while pending:
            node = pending.pop()
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.string(node, node.value)
            elif isinstance(node, ast.Subscript) and _last_name(node.value) == "Literal":
                continue
            elif isinstance(node, ast.Subscript) and _last_name(node.value) == "Annotated":
                pending.extend(node.slice.elts[:1] if isinstance(node.slice, ast.Tuple) else ())
            else:
                pending.extend(ast.iter_child_nodes(node))

    def string(self, node: ast.Constant, text: str) -> None:
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        done: set[ast.AST] = set()
        for inner in ast.walk(tree):
            chain = _chain(inner) if isinstance(inner, (ast.Attribute, ast.Name)) and inner not in done else []
            if not chain:
                continue
            done.update(chain)
            root, *attributes = chain
            entity = self.closing.entity(self.module, root.id, self.module.start(node))
            said = root.id
            for each in attributes:
                if isinstance(entity, str):
                    said, entity = f"{said}.{each.attr}", self.resolved(f"{entity}.{each.attr}", node)
            if isinstance(entity, (Definition, Outside)):
                start, end = self.module.start(node), self.module.end(node)
                only = self.is_for_typing(said)
                self.found.references.append(Reference(entity, said, f":{root.id}", start, end, True, False, only))

    def add(self, entity: Entity, node: ast.AST, text: str, variable: str, start: Place | None) -> None:
        """Note what a node refers to, which ends where the node does."""
        end, evaluated = self.module.end(node), node not in self.annotations
        typing_only = self.is_for_typing(text) and not variable.partition(":")[0]
        self.found.references.append(Reference(entity, text, variable, start, end, False, evaluated, typing_only))

    def is_for_typing(self, text: str) -> bool:
        """Whether a name is there for type checkers only."""
        root = text.partition(".")[0]
        known = self.module.imports.get(root, ())
        is_typed = root in self.module.typed and root not in self.module.bindings
        return (bool(known) or is_typed) and all(each.typing_only for each in known)


def _last_name(node: ast.AST) -> str:
    return getattr(node, "id", getattr(node, "attr", ""))


def _is_global(name: Name) -> bool:
    return name.variable == f":{name.text}"


def _chain(node: ast.AST) -> list:
    """
    ### The parts of a dotted name

    The name, and the nodes with a dot from the inside out; empty where it does not begin with a name.
    """
    attributes: list[ast.AST] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node)
        node = node.value
    return [node, *reversed(attributes)] if isinstance(node, ast.Name) else []


# ## Changes from elsewhere

_CHANGING = re.compile(
    r"(?:add|append|clear|connect|discard|extend|insert|install|patch|pop|popitem|register|remove|reverse|set"
    r"|setdefault|sort|update)(?:_\w+)?"
)


class _Changes:
    """
    ### What a unit changes when its module is imported

    And what it would change of another module whenever it runs.
    """

    def __init__(self, closing: _Closing, unit: Unit) -> None:
        self.closing, self.unit, self.module = closing, unit, unit.module

    def find(self) -> Iterator[tuple[Place, Definition]]:
        for node in eager(self.unit.nodes, annotations=False):
            for changed in _written(node):
                yield from self.roots(changed)
            for changed in _decorating(node):
                yield from (found for found in self.roots(changed) if not self.is_class(found[1]))
            for called in _called_at(node):
                for definition in self.definition(called):
                    yield from ((self.module.start(called), each) for each in self.changed_by(definition))
        for top in self.unit.nodes:
            for node in ast.walk(top):
                if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
                    for place, definition in self.roots(node):
                        if definition.module != self.module.name:
                            yield place, definition

    def is_class(self, definition: Definition) -> bool:
        """Whether it is a class. Its methods decorate, and mostly register nothing."""
        module = self.closing.package.get(definition.module)
        units = module.bindings.get(definition.name, []) if module else []
        return any(isinstance(unit.nodes[0], ast.ClassDef) for unit in units)

    def roots(self, node: ast.AST) -> Iterator[tuple[Place, Definition]]:
        start = self.module.start(node)
        while isinstance(node, (ast.Subscript, ast.Attribute)):
            if _chain(node):
                for definition in self.definition(node):
                    yield start, definition
                return
            node = node.value
        if isinstance(node, ast.Name):
            for definition in self.definition(node):
                yield start, definition

    def definition(self, node: ast.AST) -> Iterator[Definition]:
        """The definition that a dotted name begins with."""
        chain = _chain(node)
        if not chain:
            return
        root, *attributes = chain
        name = self.module.places.get(self.module.start(root))
        if name is None:
            return
        try:
            if _is_global(name):
                entity: Definition | Imported | str | None = self.closing.package.bound(self.module, name.text)
                if isinstance(entity, Imported) and self.closing.package.owns(entity.target):
                    entity = self.closing.package.resolve(entity.target, self.module, (1, 0))[0]
            elif name.target and self.closing.package.owns(name.target) and ":" in name.variable:
                entity = self.closing.package.resolve(name.target, self.module, (1, 0))[0]
            else:
                return
            for each in attributes:
                if isinstance(entity, str):
                    entity = self.closing.package.resolve(f"{entity}.{each.attr}", self.module, (1, 0))[0]
        except Refusal:
            return
        if isinstance(entity, Definition):
            yield entity

    def changed_by(self, function: Definition) -> Iterator[Definition]:
        """The names at the top of a module that a function there changes."""
        module = self.closing.package.get(function.module)
        for unit in module.bindings.get(function.name, ()) if module else ():
            changes = _Changes(self.closing, unit)
            for node in (each for top in unit.nodes for each in ast.walk(top)):
                if isinstance(node, ast.Global):
                    yield from (Definition(function.module, name) for name in node.names)
                for changed in _written(node):
                    yield from (definition for _, definition in changes.roots(changed))


def _written(node: ast.AST) -> Iterator[ast.AST]:
    """Give what a node changes: what it assigns into, or calls a changing method of."""
    match node:
        case ast.Attribute(ctx=ast.Store() | ast.Del()):
            yield node
        case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
            yield value
        case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[target, *_]):
            yield target
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if _CHANGING.fullmatch(attr):
            yield value


def _decorating(node: ast.AST) -> Iterator[ast.AST]:
    """Give the objects whose methods decorate a definition, which may register it there."""
    for decorator in getattr(node, "decorator_list", ()):
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(function, ast.Attribute):
            yield function.value


def _called_at(node: ast.AST) -> Iterator[ast.AST]:
    """Give the functions that a statement calls, or that decorate it."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield node.value.func
    for decorator in getattr(node, "decorator_list", ()):
        yield decorator.func if isinstance(decorator, ast.Call) else decorator
