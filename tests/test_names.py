"""
# What the names mean

Rule by rule, then across files, then what must hold for every file there is. Python's `symtable` is the oracle for
what is local.
"""

from __future__ import annotations

import gc
import symtable
import sys
import warnings
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdlib import SHARDS, STDLIB, stdlib_files

from sidelit.names import Name, NameIndex, Names, find_names
from sidelit.source import decode, split_lines


def read(text: str, module: str = "pkg.mod", is_package: bool = False) -> Names:
    """Find the names in a text, and hold them to all that must be true of any."""
    lines = split_lines(text)
    names = find_names(lines, module, is_package)
    assert_sound(names, lines)
    return names


def assert_sound(names: Names, lines: tuple[str, ...]) -> None:
    end = (0, 0)
    for name in names.names:
        assert lines[name.line - 1][name.column : name.column + len(name.text)] == name.text, name
        assert (name.line, name.column) >= end, name
        assert name.variable and name.text, name
        assert not name.is_definition or name.target, name
        end = (name.line, name.column + len(name.text))
    assert len(set(names.definitions)) == len(names.definitions)


def variables(text: str, *wanted: str) -> list[str]:
    """What the names of a text are called, in its order; of the wanted ones only, if any are given."""
    return [name.variable for name in read(text).names if not wanted or name.text in wanted]


def targets(text: str, module: str = "pkg.mod", is_package: bool = False) -> list[tuple[str, str]]:
    return [(name.text, name.target) for name in read(text, module, is_package).names if name.target]


def at(names: Names, line: int, text: str) -> Name:
    (found,) = [name for name in names.names if (name.line, name.text) == (line, text)]
    return found


# ## Scopes


def test_two_functions_step_is_not_the_same() -> None:
    text = "def f(step):\n    return step\ndef g():\n    step = 1\n    return step\n"
    assert variables(text, "step") == ["f:step", "f:step", "g:step", "g:step"]


def test_two_functions_of_one_name_are_told_apart() -> None:
    text = "class A:\n    @property\n    def x(self): return self\n    @x.setter\n    def x(self, v): self\n"
    assert variables(text, "self") == ["A.x:self", "A.x:self", "A.x#2:self", "A.x#2:self"]


def test_methods_do_not_see_the_names_of_their_class() -> None:
    text = "x = 0\nclass A:\n    x = 1\n    y = x\n    def f(self):\n        return x\n"
    assert variables(text, "x") == [":x", "A.x", "A.x", ":x"]


def test_a_nested_function_sees_the_one_around_it() -> None:
    text = "def f(a):\n    def g(b):\n        return a, b\n    return lambda b: a + b\n"
    assert variables(text, "a", "b") == [
        "f:a",
        "f.g:b",
        "f:a",
        "f.g:b",
        "f<function 4:11>:b",
        "f:a",
        "f<function 4:11>:b",
    ]


def test_a_comprehension_has_names_of_its_own_but_for_its_first_iterable() -> None:
    text = "x = [1]\ny = [x for x in x if x for _ in x]\nclass A:\n    x = 1\n    z = [x for _ in x]\n"
    inside = "<comprehension 2:4>:x"
    assert variables(text, "x") == [":x", inside, inside, ":x", inside, inside, "A.x", ":x", "A.x"]


@pytest.mark.parametrize("form", ["[{}]", "{{{}}}", "({})", "{{0: {}}}"])
def test_every_comprehension_is_a_scope(form: str) -> None:
    assert variables("v = 1\ny = " + form.format("v for v in ()"), "v") == [":v"] + ["<comprehension 2:4>:v"] * 2


def test_a_walrus_binds_outside_of_comprehensions() -> None:
    text = "def f(xs):\n    return [[last := x for x in y] for y in xs], last\n"
    assert variables(text, "last") == ["f:last", "f:last"]


def test_global_and_nonlocal() -> None:
    text = (
        "count = 0\ndef f():\n    global count\n    count = 1\n    n = 0\n    def g():\n        nonlocal n\n"
        "        n = count\n    def h():\n        count, n = 2, 3\n"
    )
    assert variables(text, "count") == [":count"] * 4 + ["f.h:count"]
    assert variables(text, "n") == ["f:n", "f:n", "f:n", "f.h:n"]


def test_a_global_that_only_a_function_assigns_is_the_modules() -> None:
    names = read("def f():\n    global new\n    new = 1\nnew\n")
    assert [name.variable for name in names.names[1:]] == [":new"] * 3
    assert names.definitions == ("f", "new")


def test_defaults_decorators_and_annotations_belong_outside() -> None:
    text = "x = int\n@x\ndef f(x: x = x) -> x:\n    return x\n"
    assert variables(text, "x") == [":x", ":x", "f:x", ":x", ":x", ":x", "f:x"]


def test_every_kind_of_parameter() -> None:
    text = "def f(a, /, b, *c, d, **e):\n    return a, b, c, d, e\n"
    assert variables(text) == [":f"] + [f"f:{name}" for name in "abcdeabcde"]


@pytest.mark.parametrize(
    "statement",
    [
        "for v in (): v",
        "with v as v: v",
        "import v; v",
        "import a.b as v; v",
        "from a import b as v; v",
        "del v; v",
        "v: int; v",
        "v += v",
        "[*v], w = v",
        "async def g():\n  nonlocal v\n  async for v in v: v",
        "if (v := 1): v",
        "def v(): v",
        "class v: v",
    ],
)
def test_whatever_binds_a_name_makes_it_local(statement: str) -> None:
    body = "".join(f"    {line}\n" for line in ["v = 0", *statement.split("\n")])
    found = variables(f"def f():\n{body}", "v")
    assert set(found) == {"f:v"} and len(found) >= 3


def test_the_name_of_an_exception() -> None:
    text = "def f():\n    try: pass\n    except (A, B) as e: e\n    except(\n        C\n    ) as e: e\n"
    found = [name for name in read(text).names if name.text == "e"]
    assert [(name.line, name.column) for name in found] == [(3, 21), (3, 24), (6, 12)]
    assert {name.variable for name in found} == {"f:e"}


def test_what_a_match_captures() -> None:
    text = (
        "def f(x):\n    match x:\n        case [a, *b]: a, b\n        case {'k': c, **d}: c, d\n"
        "        case P(e) as g: e, g\n        case _: pass\n"
    )
    found = variables(text)
    for name in "abcdeg":
        assert found.count(f"f:{name}") == 2, name
    assert "'k'" in found and ":P" in found and not any(variable.endswith(":_") for variable in found)


def test_type_parameters() -> None:
    text = (
        "T = 0\ndef f[T: int, *U, **P](x: T, *y: U) -> P:\n    return T\nT\n"
        "class A[T]:\n    def m(self) -> T: ...\ntype L[T] = T\n"
    )
    function = ["<type 2:0>:T", "<type 2:0>:U", "<type 2:0>:P"]
    found = [":T", *function, *function, "<type 2:0>:T", ":T", *["<type 5:0>:T"] * 2, *["<type 7:0>:T"] * 2]
    # They came with Python 3.12.
    assert variables(text, "T", "U", "P") == (found if sys.version_info >= (3, 12) else [])


def test_a_function_in_a_function_is_defined_under_its_dotted_name() -> None:
    names = read("def f():\n    def g(): pass\n    class C:\n        def h(self): pass\n    return g\n")
    assert names.definitions == ("f", "f.g", "f.C", "f.C.h")
    assert at(names, 5, "g").target == "pkg.mod.f.g"


# ## Definitions, attributes, arguments


def test_definitions_are_classes_functions_and_the_first_assignment_to_a_variable() -> None:
    names = read(
        "CHUNK = 1\nCHUNK = 2\nclass A:\n    size: int = CHUNK\n    def f(self): local = 1\nasync def g(): A\n"
    )
    defined = [(name.line, name.text, name.target) for name in names.names if name.is_definition]
    assert defined == [
        (1, "CHUNK", "pkg.mod.CHUNK"),
        (3, "A", "pkg.mod.A"),
        (4, "size", "pkg.mod.A.size"),
        (5, "f", "pkg.mod.A.f"),
        (6, "g", "pkg.mod.g"),
    ]
    assert names.definitions == ("CHUNK", "A", "A.size", "A.f", "g")
    assert at(names, 4, "CHUNK").target == "pkg.mod.CHUNK"
    assert at(names, 5, "local").target == ""
    assert at(names, 6, "A").target == "pkg.mod.A" and not at(names, 6, "A").is_definition


def test_self_and_cls_lead_to_the_class() -> None:
    text = (
        "class A:\n    def f(this):\n        return lambda: this.g()\n    @classmethod\n    def g(cls): cls.f\n"
        "    @staticmethod\n    def h(other): other.f\n"
    )
    found = [(name.line, name.variable, name.target) for name in read(text).names if name.text in "fgh"]
    assert found == [
        (2, "A.f", "pkg.mod.A.f"),
        (3, "A.g", "pkg.mod.A.g"),
        (5, "A.g", "pkg.mod.A.g"),
        (5, "A.f", "pkg.mod.A.f"),
        (7, "A.h", "pkg.mod.A.h"),
        (7, ".f", ""),
    ]


def test_what_is_assigned_to_self_is_one_variable_of_the_class_and_no_definition() -> None:
    text = (
        "class A:\n    def __init__(self, x): self.x = x\n    def f(self): return self.x\n"
        "class B(A):\n    def g(self): self.x += 1\nclass C:\n    def h(self): self.x = 0\n"
    )
    names = read(text)
    found = [
        (name.variable, name.target) for name in names.names if name.text == "x" and name.variable != "A.__init__:x"
    ]
    assert found == [("A.x", ""), ("A.x", ""), ("A.x", ""), ("C.x", "")]
    assert "A.x" not in names.definitions


def test_an_attribute_of_the_body_and_of_self_are_one() -> None:
    names = read("class A:\n    lr = 1\n    def f(self):\n        self.lr = self.lr * A.lr\n")
    assert [(n.variable, n.target) for n in names.names if n.text == "lr"] == [("A.lr", "pkg.mod.A.lr")] * 4


def test_super_leaves_out_the_class_itself() -> None:
    text = (
        "class A(Base):\n    def f(self):\n        super().f()\n        super(A, self).f()\n"
        "        super(B, self).f()\n        super().f.g\n"
    )
    names = read(text)
    assert [at(names, line, "f").target for line in (3, 4, 5)] == ["pkg.mod.A.super().f"] * 2 + [""]
    assert at(names, 3, "f").variable != at(names, 2, "f").variable
    assert at(names, 6, "g").variable == ".g"


def test_super_in_the_same_file_is_the_bases_method() -> None:
    names = read("class A:\n    def f(self): pass\nclass B(A):\n    def f(self): super().f()\n")
    assert at(names, 2, "f").variable == [n for n in names.names if n.text == "f"][2].variable == "A.f"


def test_an_attribute_of_anything_else_is_known_by_its_name() -> None:
    assert variables("def f(p):\n    p.grad, p.x.grad, g().grad, [].grad\n", "grad") == [".grad"] * 4


def test_an_argument_is_the_parameter_of_a_function_of_this_file() -> None:
    text = (
        "def f(step, *rest, **more): pass\nf(step=1, other=2, rest=3)\nimport g\ng.f(step=1)\n"
        "class A:\n    def __init__(self, lr): self.f(step=1)\n    def f(self, step): pass\nclass B(A): pass\nB(lr=1)\n"
        "class D:\n    size: int = 1\nD(size=2)\n"
    )
    names = read(text)
    assert [at(names, 2, text).variable for text in ("step", "other", "rest")] == ["f:step", "other=", "rest="]
    assert at(names, 4, "step").variable == "step="
    assert at(names, 6, "step").variable == "A.f:step"
    assert at(names, 9, "lr").variable == "A.__init__:lr"
    assert at(names, 12, "size").variable == "D.size"
    assert at(names, 12, "size").target == "pkg.mod.D.size"


def test_keys_are_names_where_they_stand_as_they_are() -> None:
    text = "d['beta2'] = {\"beta2\": d.get('beta2'), 'two words': 0, r'beta2': 1, 'be\\x74a2': 2, 'bet' 'a2': 3}\n"
    text += "f('beta2')\n"
    found = [(name.column, name.text) for name in read(text).names if name.variable == "'beta2'"]
    assert found == [(3, "beta2"), (15, "beta2"), (30, "beta2")]


def test_builtins_unless_they_are_hidden() -> None:
    assert targets("len(x)\ndef f(max): return max(min)\n") == [
        ("len", "builtins.len"),
        ("f", "pkg.mod.f"),
        ("min", "builtins.min"),
    ]
    assert targets("def len(): pass\nlen()\n") == [("len", "pkg.mod.len")] * 2


def test_what_all_lists_are_names_of_the_module() -> None:
    names = read("__all__ = ['A', \"f\"]\n__all__ += ['g']\nclass A: pass\ndef f(): __all__ = ['A']\nfrom x import g\n")
    assert [(at(names, 1, "A").variable, at(names, 1, "A").target)] == [(":A", "pkg.mod.A")]
    assert at(names, 1, "f").column == 17 and at(names, 2, "g").target == "x.g"
    assert not [name for name in names.names if name.line == 4 and name.text == "A"]


# ## Imports


def test_each_part_of_an_imported_name_has_its_target() -> None:
    assert targets("import torch\ntorch.optim.Adam\n") == [
        ("torch", "torch"),
        ("torch", "torch"),
        ("optim", "torch.optim"),
        ("Adam", "torch.optim.Adam"),
    ]
    assert targets("import torch.nn as nn\nnn.Linear\nfrom a.b import c as d\nd.e\n") == [
        ("torch", "torch"),
        ("nn", "torch.nn"),
        ("nn", "torch.nn"),
        ("nn", "torch.nn"),
        ("Linear", "torch.nn.Linear"),
        ("a", "a"),
        ("b", "a.b"),
        ("c", "a.b.c"),
        ("d", "a.b.c"),
        ("d", "a.b.c"),
        ("e", "a.b.c.e"),
    ]
    assert variables("import torch.nn\nfrom torch.nn import functional\ntorch.nn.functional\n", "nn", "functional") == [
        "torch.nn",
        "torch.nn",
        ":functional",
        "torch.nn",
        "torch.nn.functional",
    ]


@pytest.mark.parametrize(
    ("module", "is_package", "statement", "target"),
    [
        ("a.b.c", False, "from . import x", "a.b.x"),
        ("a.b.c", False, "from .d import x", "a.b.d.x"),
        ("a.b.c", False, "from ..d import x", "a.d.x"),
        ("a.b", True, "from . import x", "a.b.x"),
        ("a.b", True, "from .. d . e import (\n  x)", "a.d.e.x"),
        ("a.b", True, "from ....d import x", ""),
        ("a", False, "from . import x", ""),
    ],
)
def test_relative_imports(module: str, is_package: bool, statement: str, target: str) -> None:
    names = read(f"{statement}\nx.y\n", module, is_package)
    assert [name.target for name in names.names if name.text == "x"] == [target] * 2
    assert names.aliases == ({"x": target} if target else {})
    assert names.names[-1].target == (f"{target}.y" if target else "")


def test_of_imports_that_stand_in_for_each_other_the_first_counts() -> None:
    names = read("try:\n    from fast import f\nexcept ImportError:\n    from slow import f\n    g = None\nf\n")
    assert at(names, 6, "f").target == "fast.f"
    names = read("try:\n    from fast import f\nexcept ImportError:\n    f = None\nf\n")
    assert at(names, 5, "f").target == "fast.f" and names.definitions == ()
    names = read("try:\n    from fast import f\nexcept ImportError:\n    def f(): pass\nf\n")
    assert at(names, 5, "f").target == "pkg.mod.f" and names.aliases == {}


def test_an_import_in_a_function_is_its_own() -> None:
    names = read("def f():\n    import torch\n    torch.zeros\ntorch.zeros\n")
    assert (at(names, 3, "zeros").target, at(names, 4, "zeros").target) == ("torch.zeros", "")
    assert names.aliases == {}


def test_bases_are_absolute() -> None:
    text = (
        "import torch\nfrom .x import Y as Z\nclass A(Z, torch.optim.Optimizer, metaclass=M): pass\n"
        "class B(A, Z[int], g()): pass\n"
    )
    assert read(text).bases == {"A": ("pkg.x.Y", "torch.optim.Optimizer"), "B": ("pkg.mod.A", "pkg.x.Y")}


# ## Across files


def index_of(**sources: str) -> NameIndex:
    """An index of modules given as `pkg__adam="…"`; a name that ends in `__` is a package's."""
    modules = {}
    for key, text in sources.items():
        module = key.removesuffix("__").replace("__", ".")
        modules[module] = read(text, module, key.endswith("__"))
    return NameIndex(modules)


BASE = "class Base:\n    def step(self): pass\n    def update(self): pass\n"


def test_a_definition_is_found_by_its_dotted_name() -> None:
    index = index_of(pkg__="", pkg__base=BASE + "SIZE = 1\n")
    assert index.locate("pkg.base.Base.step") == ("pkg.base", "Base.step")
    assert index.locate("pkg.base.SIZE") == ("pkg.base", "SIZE")
    assert index.locate("pkg.base") == ("pkg.base", "")
    assert index.locate("pkg.nothing") is None
    assert index.locate("pkg.base.Base.nothing") is None
    assert index.locate("pkg.base.SIZE.real") is None
    assert index.locate("torch.zeros") is None
    assert index.locate("") is None


def test_a_package_hands_on_what_it_imports() -> None:
    index = index_of(
        pkg__="from .base import Base as B\nfrom .more import *\n",
        pkg__base=BASE,
        pkg__more="from .deep import *\n",
        pkg__deep="def f(): pass\n",
    )
    assert index.locate("pkg.B") == ("pkg.base", "Base")
    assert index.locate("pkg.B.step") == ("pkg.base", "Base.step")
    assert index.locate("pkg.f") == ("pkg.deep", "f")


def test_a_name_from_a_star_leads_there() -> None:
    names = read("from .base import *\nBase.step, len\n")
    assert at(names, 2, "step").target == "pkg.mod.Base.step"
    assert at(names, 2, "len").target == "builtins.len"
    index = NameIndex({"pkg.mod": names, "pkg.base": read(BASE, "pkg.base")})
    assert index.locate("pkg.mod.Base.step") == ("pkg.base", "Base.step")


def test_methods_are_found_in_the_bases_of_other_files() -> None:
    adam = "from . import Base\nclass Adam(Base):\n    def step(self):\n        self.update()\n        super().step()\n"
    sources = {"pkg__": "from .base import Base\n", "pkg__base": BASE, "pkg__adam": adam}
    index = index_of(**sources)
    names = read(adam, "pkg.adam")
    assert index.locate(at(names, 4, "update").target) == ("pkg.base", "Base.update")
    assert index.locate(at(names, 5, "step").target) == ("pkg.base", "Base.step")
    assert index.locate("pkg.adam.Adam.step") == ("pkg.adam", "Adam.step")


def test_bases_are_searched_depth_first_from_the_left() -> None:
    text = (
        "class T:\n    def f(self): pass\nclass A(T): pass\n"
        "class B:\n    def f(self): pass\n    def g(self): pass\nclass C(A, B): pass\n"
    )
    index = index_of(m=text)
    assert index.locate("m.C.f") == ("m", "T.f")
    assert index.locate("m.C.g") == ("m", "B.g")
    assert index.locate("m.C.super().g") == ("m", "B.g")


def test_circles_end() -> None:
    index = index_of(
        a="from b import x\nfrom b import y\nfrom b import *\nclass C(D): pass\nclass D(C): pass\nimport a.a\n",
        b="from a import x\nfrom a import *\ndef y(): pass\nfrom b import z as z\nimport b.w as w\n",
    )
    assert index.locate("a.y") == ("b", "y")
    for dotted in ("a.x", "a.nothing", "a.C.f", "a.C.super().f", "b.z", "b.w", "b.w.w", "a.a.a"):
        assert index.locate(dotted) in (None, ("a", "")), dotted


def test_what_is_not_of_the_site_is_named_for_inventories() -> None:
    index = index_of(m="import torch as t\nfrom torch import zeros\nclass A(t.optim.Optimizer): pass\n")
    assert index.outside("torch.zeros") == ["torch.zeros"]
    assert index.outside("m.zeros") == ["torch.zeros"]
    assert index.outside("m.A.step") == index.outside("m.A.super().step") == ["torch.optim.Optimizer.step"]
    assert index.outside("m.A") == []


# ## Whatever the file holds


@pytest.mark.parametrize(
    "text",
    [
        "def f(:\n",
        "x = (",
        "é = 'ß'; é.ö['ß']; x.é\n",
        "ﬁ = 1\nﬁ\n",
        "x = 1\fy = 2\n\fz = x\n",
        "s = '\u2028'; x = s\ny = x\n",
        "s = '''\u2028\x0b\x85'''\nx = s\n",
        "x = '\0'\ny = x\0\n",
        "\ufeffx = 1\n",
        "x = 1\ry = x\r\nz = y\n",
        "x = '\ud800'\n",
        "global x\nnonlocal y\nglobal \\\n  z\n",
        "def \\\n  f(): pass\nclass \\\n  A: pass\n",
        "from \\\n  a.b import \\\n  c as \\\n  d\nimport a . b\n",
        "import a.b as \\\n  c\n",
        "class A(A): self = 1\nsuper().x\ndef f(self): super().x\n",
        "(" * 150 + "x" + ")" * 150,
        "[" * 10_000,
        "x" + ".x" * 2_500,
        "x = " + "-" * 10_000 + "x",
        "x = " + "x + " * 10_000 + "x",
        "x = " + "lambda: " * 900 + "x",
        "# x\n'''x'''\n",
        "",
    ],
)
def test_nothing_is_raised_and_places_are_true(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(text)


def test_columns_are_characters() -> None:
    names = read("é = '𝛽'; x = é.ö\n")
    assert [(name.column, name.text) for name in names.names] == [(0, "é"), (9, "x"), (13, "é"), (15, "ö")]


def test_lines_are_those_of_the_file() -> None:
    names = read("s = '\u2028\x0b'\r\f\rx = 1\r\ny = x\n")
    assert [(name.line, name.text) for name in names.names] == [(1, "s"), (3, "x"), (4, "y"), (4, "x")]


def test_comments_and_docstrings_hold_no_names() -> None:
    assert variables('def f():\n    """f x"""\n    # f x\n    "x"\n') == [":f"]


def test_names_in_an_f_string_of_one_line() -> None:
    text = "x = w = 1\nf'é{{x}} {x!r:>{w}} {x}' 'x' f'{x.real}'\n"
    assert [(name.column, name.text) for name in read(text).names[2:]] == [
        (10, "x"),
        (16, "w"),
        (21, "x"),
        (32, "x"),
        (34, "real"),
    ]


WORDS = [
    "x",
    "self",
    "é",
    ".y",
    "(x)",
    "[x]",
    "['k']",
    "{x}",
    "f'{x}'",
    "f'''",
    "'''",
    "=",
    ":",
    ",",
    "def f(",
    "):",
    "class A:",
    "lambda x:",
    "for x in x",
    "import a.b",
    "from . import x as y",
    "global x",
    "\n",
    "\n    ",
    "\n  ",
    "\u2028",
    "\f",
    "\\\n",
]


@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join) | st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text(text: str) -> None:
    assert read(text) == read(text)


# ### The standard library

@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_file_of_the_standard_library(shard: int) -> None:
    files = stdlib_files()[shard::SHARDS]
    assert len(files) > 50
    for path in files:
        text, _ = decode(path.read_bytes(), str(path))
        try:
            names = read(text, path.stem)
            assert_local_as_python_sees_it(names, text)
        except Exception as error:
            error.add_note(f"in {path.relative_to(STDLIB)}")
            raise


COMPREHENSION = ("listcomp", "setcomp", "dictcomp", "genexpr")


def assert_local_as_python_sees_it(names: Names, text: str) -> None:
    """What is local in each named function must be what `symtable` says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            top = symtable.symtable("\n".join(split_lines(text)) + "\n", "file.py", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return

    expected: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    nameless = ("lambda", "listcomp", "setcomp", "dictcomp", "genexpr")

    def visit(table: symtable.SymbolTable, qualname: str) -> None:
        if table.get_type() in ("function", "class") and table.get_name() not in nameless:
            qualname = f"{qualname}.{table.get_name()}" if qualname else table.get_name()
            counts[qualname] += 1
            if table.get_type() == "function":
                scope = qualname if counts[qualname] == 1 else f"{qualname}#{counts[qualname]}"
                expected[scope] = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_local()}
        for child in sorted(table.get_children(), key=symtable.SymbolTable.get_lineno):
            visit(child, qualname)

    visit(top, "")
    found = defaultdict(set)
    inlined = set()
    for name in names.names:
        scope, _, local = name.variable.rpartition(":")
        found[scope].add(local)
        # From Python 3.12 on, a function's table lists the names of its comprehensions too.
        if sys.version_info >= (3, 12) and "<comprehension" in scope:
            inlined.add(local)

    # Names with two underscores are listed under others. Of letters that are the same to Python only those have a place
    # that it chose.
    for scope, listed in expected.items():
        theirs = {name for name in listed if "__" not in name and name.isidentifier()}
        ours = {name for name in found[scope] if "__" not in name}
        if text.isascii():
            assert theirs - inlined <= ours, (scope, theirs - ours)
            assert ours <= theirs, (scope, ours - theirs)


# ### Time


def test_ten_times_the_text_is_ten_times_the_work() -> None:
    def calls(text: str) -> int:
        count = 0

        def count_one(frame: object, event: str, argument: object) -> None:
            nonlocal count
            count += 1

        lines = split_lines(text)
        gc.disable()
        sys.setprofile(count_one)
        try:
            names = find_names(lines, "m")
        finally:
            sys.setprofile(None)
            gc.enable()
        assert len(names.names) > 100
        return count

    def classes(count: int) -> str:
        chain = "class C0:\n    def f(self): pass\n"
        return chain + "".join(
            f"class C{n}(C{n - 1}):\n    def g{n}(self): self.f(), self.h{n}, super().f(), C{n}.f(x=é.ö)\n"
            for n in range(1, count)
        )

    def one_line(count: int) -> str:
        return "é = (" + "é.ö, " * count + ")\n"

    for make in (classes, one_line):
        assert calls(make(2_000)) < 15 * calls(make(200)), make
