"""
# Importing, apart from the build

This is what the other process does. It imports the modules, lets pdoc describe them, and says what came of it, one
line of JSON at a time: which module it begins with, so that whoever listens knows at which one it died, and then either
the description or why there is none.

pdoc's templates say what a description shows; [ours](describe.py) override those that say how. The result is the same
in every build and on every machine: no addresses of objects, no paths, and in place of a variable's value the code that
gives it.
"""

from __future__ import annotations

import ast
import functools
import html
import inspect
import os
import re
import sys
import sysconfig
import traceback
import types
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from json import dumps
from pathlib import Path
from typing import Any
from urllib.parse import quote

# A code point that Unicode promises never to give to a character, before and after what stands for something.
MARK = "\ufdd0"

# A value longer than this is better read in the source.
LONGEST_VALUE = 80


def main(request: Mapping[str, Any]) -> None:
    """
    ## Describe what is asked for

    * `modules` are dotted names
    * `roots` are the folders from which they are imported
    * `mock` are the libraries that have [stand-ins](stand_in.py)
    * `templates` is the folder of ours
    * `folders` says that each page of the site has a folder of its own
    """
    # What the modules print goes nowhere. They may close or replace the streams: the answers have one of their own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)

    def say(**what: Any) -> None:
        answers.write(dumps(what) + "\n")
        answers.flush()

    warnings.simplefilter("ignore")
    sys.path[:0] = request["roots"]
    status = 1
    try:
        _describe(request, say)
        say(read=_read_files())
        status = 0
    finally:
        # Not `sys.exit`, which waits for threads and calls what the modules have left to be called.
        os._exit(status)


def _describe(request: Mapping[str, Any], say: Callable[..., None]) -> None:
    import pdoc.doc
    import pdoc.extract
    import pdoc.render

    from sidelit.api.stand_in import stand_in_for

    stand_in_for(request["mock"])
    modules: dict[str, pdoc.doc.Module] = {}
    path, folder = [*sys.path], os.getcwd()
    for name in request["modules"]:
        say(begin=name)
        # What the one before has done to these would be the next one's misfortune.
        sys.path[:] = path
        os.chdir(folder)
        try:
            modules[name] = pdoc.doc.Module(pdoc.extract.load_module(name))
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            say(failed=name, **_reason(error.__cause__ or error))

    sys.path[:] = path
    os.chdir(folder)

    # For each class that it looks for, Python parses the whole file again.
    ast.parse = functools.cache(ast.parse)  # type: ignore[assignment]
    members = _set_up(pdoc.render, Path(request["templates"]), request["folders"], _paths(request["roots"]))
    for name, module in modules.items():
        say(begin=name)
        members.clear()
        try:
            body = pdoc.render.html_module(module, modules)
            shown = [_member(each) for each in members.values()]
        except Exception as error:
            say(failed=name, **_reason(error))
        else:
            say(described=name, html=body, members=shown)


def _reason(error: BaseException) -> dict[str, Any]:
    """
    ### What went wrong, and in which line of which file

    The file is the last one on the way that is not Python's own.
    """
    said = " ".join(str(error).split())
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_machinery(frame.filename)]
    where = (frames[-1].filename, frames[-1].lineno) if frames else ("", 0)
    if isinstance(error, SyntaxError) and error.filename:
        said, where = error.msg, (error.filename, error.lineno)
    missing = error.name if isinstance(error, ModuleNotFoundError) else ""
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return {"reason": text, "missing": missing or "", "file": where[0], "line": where[1] or 0}


def _is_machinery(file: str) -> bool:
    return file.startswith("<") or file.startswith((os.path.dirname(os.__file__), os.path.dirname(__file__)))


# ## What pdoc shows, and how


def _set_up(
    render: types.ModuleType, templates: Path, folders: bool, paths: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """
    ### Give pdoc our templates, and what they need

    Returns where a template puts the objects that it shows, by the number that stands for each.
    """
    import jinja2
    from pdoc import doc, render_helpers

    # The user's own templates for pdoc, which it would look for first, have nothing to do with this site.
    render.configure(docformat="markdown", show_source=False, search=False)
    theirs = Path(render.__file__ or "").with_name("templates")

    def ours(name: str) -> str | None:
        file = templates / name.removesuffix(".jinja2")
        return file.read_text(encoding="utf-8") if name in ("module.html.jinja2", "frame.html.jinja2") else None

    environment = render.env
    environment.loader = jinja2.ChoiceLoader(
        [jinja2.FunctionLoader(ours), jinja2.FileSystemLoader([theirs, theirs / "default"])]
    )

    shown: dict[str, Any] = {}
    numbers: dict[int, str] = {}

    def mark(kind: str) -> Callable[[Any], str]:
        def put(member: Any) -> str:
            if not shown:
                numbers.clear()
            number = numbers.setdefault(id(member), str(len(numbers)))
            shown[number] = member
            return f"{MARK}{kind}{number}{MARK}"

        return put

    environment.filters |= {"story": mark("s"), "docs": mark("d"), "written": _written(render_helpers)}
    environment.filters["inside"] = _inside

    # How an address in the reference looks, and what in the `repr` of a value is an accident of this run.
    def address(current: str, target: str) -> str:
        name = quote(target)
        return "" if current == target else f"../{name}/" if folders else f"{name}.html"

    def settled(text: str) -> str:
        text = _ADDRESS.sub("", text)
        for path, name in paths:
            text = text.replace(path, name)
        return text

    render_helpers.relative_link = address  # type: ignore[assignment]
    doc._remove_memory_addresses = settled  # type: ignore[assignment]
    return shown


_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def _paths(roots: Iterable[str]) -> list[tuple[str, str]]:
    """Return what must not be seen of this machine, the longest first, each with what is shown instead."""
    folders = {path: "…" for path in (*roots, os.getcwd(), sys.prefix, sys.base_prefix, os.path.expanduser("~"))}
    known = [(path, name) for path, name in folders.items() if len(path) > 1]
    return sorted(known, key=lambda pair: -len(pair[0]))


def _inside(modules: Iterable[str], package: str) -> list[str]:
    """Return the modules and packages that are directly in a package."""
    return [name for name in modules if name.rpartition(".")[0] == package]


def _member(member: Any) -> dict[str, Any]:
    """
    ### What is known of an object that is shown

    `origin` is where it was defined, as a module and a qualified name.
    """
    return {
        "kind": member.kind,
        "qualname": member.qualname,
        "origin": list(member.taken_from),
        "docs": "" if member.kind == "variable" and _is_of_its_class(member) else member.docstring,
        "signature": re.sub(r"(?<=\() | (?=\))", "", " ".join(_signature(member).split())),
    }


def _is_of_its_class(variable: Any) -> bool:
    """Whether the docstring of a variable is only that of the class of its value, which pdoc takes for descriptors."""
    owner = _owner(variable.modulename, variable.qualname)
    value = vars(owner).get(variable.name) if owner else None
    docs = type(value).__doc__
    return isinstance(docs, str) and inspect.cleandoc(docs) == variable.docstring


def _signature(member: Any) -> str:
    if member.kind == "function":
        return f"{member.funcdef} {member.name}{member.signature}"
    if member.kind == "class":
        bases = ", ".join(text for _, _, text in member.bases)
        return f"class {member.qualname}" + f"({bases})" * bool(bases)
    return f"{member.name}{member.annotation_str}" if member.kind == "variable" else ""


# ## Values as they are written


def _written(helpers: types.ModuleType) -> Callable[[Any], str]:
    """
    ### The value of a variable

    As the source gives it, which says more than what came out: `Path(__file__).parent`, `field(default_factory=dict)`.
    A variable that no line of the source gives a value is shown with the value it has.
    """
    import pygments
    from markupsafe import Markup
    from pdoc.doc_types import empty

    def written(variable: Any) -> str:
        if variable.default_value is empty:
            return ""
        text = _source_of(variable.modulename, variable.qualname) or _source_of(*variable.taken_from)
        if text is None:
            text = variable.default_value_str
        if len(text) > LONGEST_VALUE:
            return "…"
        coloured = pygments.highlight(text, helpers.lexer, helpers.signature_formatter).strip()
        return Markup(html.escape(text) if 'class="err"' in coloured else coloured)

    return written


def _source_of(module: str, qualname: str) -> str | None:
    """Return the expression that is assigned to a name in a module or a class, on one line."""
    from pdoc import doc_ast

    if (owner := _owner(module, qualname)) is None:
        return None
    name = qualname.rpartition(".")[2]
    for statement in _statements(doc_ast.parse(owner)):
        match statement:
            case ast.Assign([ast.Name(id)], value) | ast.AnnAssign(ast.Name(id), value=ast.expr() as value):
                if id == name:
                    return doc_ast.unparse(value)
    return None


def _owner(module: str, qualname: str) -> types.ModuleType | type | None:
    """Return the class or the module in which a name is."""
    owner: Any = sys.modules.get(module)
    for part in qualname.split(".")[:-1]:
        owner = getattr(owner, part, None)
    return owner if isinstance(owner, types.ModuleType | type) else None


def _statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """The statements of a module or a class, with those that stand under a condition."""
    for statement in getattr(tree, "body", []):
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With):
            yield from _statements(statement)


# ## What the result depends on


def _read_files() -> list[str]:
    """Return the files that were imported and are no library's: those that somebody may edit."""
    paths = sysconfig.get_paths()
    libraries = tuple(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    files = {str(getattr(module, "__file__", None) or "") for module in list(sys.modules.values())}
    return sorted(file for file in files if os.path.isabs(file) and not file.startswith(libraries))
