"""
# One file that runs

The files of the optimizers run where there is only torch, and do what the package does, to the bit. Small packages show
each rule by which names are followed, and each reason for which a file is refused. All through the command line.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from alone import OPTIMIZERS, alone, steps_alone, steps_here
from building import ROOT, Ran, run, sidelit, write

from sidelit.export.modules import Wanted, find_wanted
from sidelit.export.standalone import LEVELS, make_standalone
from sidelit.names import find_names


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare folder with the file of each optimizer, with all comments, without, and without docstrings."""
    folder = tmp_path_factory.mktemp("bare")
    for name, (module, _) in OPTIMIZERS.items():
        wanted = find_wanted(f"{ROOT}/labml_nn/optimizers/{module}.py:{name}")
        assert isinstance(wanted, Wanted)
        for level in LEVELS:
            result = make_standalone(wanted, level)
            assert result.diagnostics == ()
            (folder / f"{module}_{level}.py").write_text(result.text)
    return folder


def test_every_optimizer_runs_where_there_is_only_torch_and_takes_the_packages_steps(files: Path) -> None:
    found = {name: [f"{module}_{level}" for level in LEVELS] for name, (module, _) in OPTIMIZERS.items()}
    assert steps_alone(files, found) == {name: [steps] * len(LEVELS) for name, steps in steps_here().items()}


def test_a_standalone_optimizer_can_be_compiled(files: Path) -> None:
    program = """
import sys, warnings
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("error", UserWarning)
import torch
from adam_full import Adam

def steps(backend):
    torch.manual_seed(0)
    params = [torch.randn(4, 3, requires_grad=True), torch.randn(7, requires_grad=True)]
    optimizer = Adam(params, backend=backend)
    for _ in range(3):
        for param in params:
            param.grad = torch.sin(param.detach())
        optimizer.step()
    return torch.cat([param.detach().flatten() for param in params])

assert torch.allclose(steps("compiled"), steps("eager"), rtol=1e-6, atol=1e-7)
print("equal")
"""
    assert alone(files, program) == "equal\n"


def test_ruff_finds_nothing_in_them_and_would_format_nothing(files: Path) -> None:
    settings = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    checked = run("ruff", "check", *settings, "--select", "E,F,I,B,UP,SIM", str(files), cwd=files)
    assert checked.status == 0, checked.out
    formatted = run("ruff", "format", "--check", *settings, str(files), cwd=files)
    assert formatted.status == 0, formatted.out


def test_they_import_torch_only(files: Path) -> None:
    paths = sorted(files.glob("*.py"))
    assert len(paths) == len(OPTIMIZERS) * len(LEVELS)
    for path in paths:
        tree = ast.parse(path.read_text())
        found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        found |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert {name.partition(".")[0] for name in found} - sys.stdlib_module_names == {"torch"}, path.name


def test_no_name_in_them_is_without_a_meaning(files: Path) -> None:
    for path in files.glob("*.py"):
        names = find_names(path.read_text().splitlines(), path.stem).names
        bound = {name.text for name in names if name.variable == f":{name.text}" and name.target}
        unknown = {name.text for name in names if name.variable == f":{name.text}"} - bound
        assert unknown == set(), path.name


def test_each_level_leaves_out_what_it_says(files: Path) -> None:
    full, docstrings, none = ((files / f"radam_{level}.py").read_text() for level in LEVELS)
    assert r"# $$\rho_\infty = \frac{2}{1 - \beta_2} - 1$$" in full
    assert "# RAdam\n\n[Adam](adam.py) divides its step" in full
    assert "symbols:" not in full
    body = docstrings.partition('r"""')[2]
    assert "# RAdam\n\n[Adam](adam.py) divides its step" in docstrings
    assert not re.search(r"^ *# \$\$", body, re.MULTILINE)
    code = none[none.index("from __future__") :]
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    assert [token.string for token in tokens if token.type == tokenize.COMMENT] == []
    documented = ast.Module | ast.ClassDef | ast.FunctionDef
    assert not any(isinstance(node, documented) and ast.get_docstring(node) for node in ast.walk(ast.parse(code)))
    assert "class NotCompiled(Exception):\n    pass\n" in code
    assert ast.dump(ast.parse(docstrings)) == ast.dump(ast.parse(full))


def test_the_header_says_where_it_comes_from(files: Path) -> None:
    head = (files / "radam_full.py").read_text().partition('\nr"""')[0]
    lines = " ".join(line.removeprefix("#").strip() for line in head.splitlines())
    commit = run("git", "rev-parse", "HEAD", cwd=ROOT).out.strip()
    assert lines.startswith("RAdam, from labml_nn.optimizers.radam, with all that it needs of its package")
    assert f"Commit: {commit}" in lines
    assert "Paper: Liyuan Liu, Haoming Jiang" in lines
    assert "arXiv:1908.03265. https://arxiv.org/abs/1908.03265" in lines
    assert "Paper: Diederik P. Kingma and Jimmy Ba. Adam" in lines
    assert "Needs: torch Licence: MIT  SPDX-License-Identifier: MIT" in lines


def test_a_short_licence_goes_along_whole(files: Path) -> None:
    licence = (ROOT / "LICENSE").read_text().strip()
    for path in files.glob("*.py"):
        text = path.read_text()
        head = text[: text.index("\n\n")]
        assert licence in re.sub("^# ?", "", head, flags=re.MULTILINE), path.name


# ## The command


def test_the_result_is_printed_or_written_and_always_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    printed = sidelit("standalone", "labml_nn.optimizers.adam:Adam")
    by_path = sidelit("standalone", "labml_nn/optimizers/adam.py:Adam", "-o", tmp_path / "adam.py")
    assert (printed.status, printed.err, by_path) == (0, "", Ran(0, "", ""))
    assert (tmp_path / "adam.py").read_text() == printed.out
    assert list(tmp_path.iterdir()) == [tmp_path / "adam.py"]


def test_a_whole_module_keeps_everything_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    ran = sidelit("standalone", "labml_nn.optimizers.radam", "--comments", "none")
    assert ran.status == 0
    defined = [node.name for node in ast.parse(ran.out).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    assert {"average_length", "rectification", "RAdam", "figure", "line_chart", "style"} <= set(defined)
    assert "save" not in defined
    assert "Needs: torch; some functions also cycler, matplotlib" in ran.out
    assert "if TYPE_CHECKING:\n    from matplotlib.figure import Figure\n" in ran.out


def closed(folder: Path, files: Mapping[str, str], wanted: str, *options: str) -> str:
    """The standalone file of what is wanted of a small package, below its header. It runs without the package."""
    write(folder, files)
    ran = sidelit("standalone", folder / wanted, "--comments", "full", *options)
    assert ran.err == ""
    assert ran.status == 0
    text = ran.out.partition("\n\n")[2]
    assert "pkg." not in re.sub("#.*", "", text)
    return text


def value(text: str, expression: str) -> Any:
    """What an expression is in the scope of a module that is on no path."""
    scope: dict[str, Any] = {"__name__": "alone"}
    exec(compile(text, "alone.py", "exec", dont_inherit=True), scope)
    return eval(expression, scope)


# ## What is followed


def test_only_what_is_needed_is_taken(tmp_path: Path) -> None:
    text = closed(
        tmp_path,
        {
            "pkg/__init__.py": "",
            "pkg/a.py": "import os\nimport json\nfrom pkg.b import used, other\n\ndef f():\n    return used()\n\n"
            "def g():\n    return json, other\n",
            "pkg/b.py": "import math\n\nX = 2\nY = 3\n\ndef used():\n    return math.pi * X\n\n"
            "def other():\n    return Y\n",
        },
        "pkg/a.py:f",
    )
    assert text == (
        "import math\n\n# From pkg.b\n\nX = 2\n\n\ndef used():\n    return math.pi * X\n\n\n# From pkg.a\n\n\n"
        "def f():\n    return used()\n"
    )


CASES: dict[str, tuple[dict[str, str], str, str, Any]] = {
    "alias": (
        {
            "pkg/b.py": "def g():\n    return 'b.g'\n",
            "pkg/a.py": "from pkg.b import g as h\n\ndef f():\n    return h()\n",
        },
        "pkg/a.py:f",
        "f()",
        "b.g",
    ),
    "an alias that a local variable would hide": (
        {
            "pkg/b.py": "def g():\n    return 1\n",
            "pkg/a.py": "from pkg.b import g as h\n\ndef f(g=5):\n    return h() + g\n",
        },
        "pkg/a.py:f",
        "f()",
        6,
    ),
    "re-export": (
        {
            "pkg/__init__.py": "from .b import g\n",
            "pkg/b.py": "def g():\n    return 2\n",
            "pkg/a.py": "from pkg import g\n\ndef f():\n    return g()\n",
        },
        "pkg/a.py:f",
        "f()",
        2,
    ),
    "re-export of what comes from elsewhere": (
        {
            "pkg/__init__.py": "import math as m\n",
            "pkg/a.py": "from pkg import m\n\ndef f():\n    return m.floor(2.5)\n",
        },
        "pkg/a.py:f",
        "f()",
        2,
    ),
    "two helpers of one name": (
        {
            "pkg/b.py": "def _h():\n    return 'b'\n\ndef g():\n    return _h()\n",
            "pkg/a.py": "from pkg.b import g\n\ndef _h():\n    return 'a'\n\ndef f():\n    return _h() + g()\n",
        },
        "pkg/a.py:f",
        "f()",
        "ab",
    ),
    "two imports under one name": (
        {
            "pkg/b.py": "import math as m\n\ndef g():\n    return m.floor(1.5)\n",
            "pkg/a.py": "import operator as m\nfrom pkg.b import g\n\ndef f():\n    return m.add(g(), 1)\n",
        },
        "pkg/a.py:f",
        "f()",
        2,
    ),
    "a helper that has the name of a builtin elsewhere": (
        {
            "pkg/b.py": "def sum(x):\n    return 'mine'\n",
            "pkg/a.py": "from pkg.b import sum as s\n\ndef f():\n    return s([1]), sum([1, 2])\n",
        },
        "pkg/a.py:f",
        "f()",
        ("mine", 3),
    ),
    "decorator": (
        {
            "pkg/b.py": "def twice(f):\n    return lambda: 2 * f()\n",
            "pkg/a.py": "from pkg.b import twice\n\n@twice\ndef f():\n    return 3\n",
        },
        "pkg/a.py:f",
        "f()",
        6,
    ),
    "constant in a default": (
        {"pkg/b.py": "A, B = 1, 2\n", "pkg/a.py": "from .b import B\n\ndef f(x=B):\n    return x\n"},
        "pkg/a.py:f",
        "f()",
        2,
    ),
    "base class, and its metaclass": (
        {
            "pkg/b.py": "class M(type):\n    tag = 'm'\n\nclass B(metaclass=M):\n    pass\n",
            "pkg/a.py": "from . import b\n\nclass C(b.B):\n    pass\n",
        },
        "pkg/a.py:C",
        "type(C).tag",
        "m",
    ),
    "relative import from above": (
        {
            "pkg/b.py": "X = 7\n",
            "pkg/sub/__init__.py": "",
            "pkg/sub/a.py": "from ..b import X\n\ndef f():\n    return X\n",
        },
        "pkg/sub/a.py:f",
        "f()",
        7,
    ),
    "nested package": (
        {
            "pkg/sub/__init__.py": "from .deep import g\n",
            "pkg/sub/deep/__init__.py": "from .c import g\n",
            "pkg/sub/deep/c.py": "def g():\n    return 'deep'\n",
            "pkg/a.py": "import pkg.sub\n\ndef f():\n    return pkg.sub.g() + pkg.sub.deep.c.g()\n",
        },
        "pkg/a.py:f",
        "f()",
        "deepdeep",
    ),
    "circular import": (
        {
            "pkg/a.py": "class A:\n    x = 1\n\nfrom pkg.b import B\n\ndef f():\n    return B().x\n",
            "pkg/b.py": "from pkg.a import A\n\nclass B(A):\n    pass\n",
        },
        "pkg/a.py:f",
        "f()",
        1,
    ),
    "circular import that only type checkers see": (
        {
            "pkg/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
            "    from pkg.a import f\nelse:\n    f = 1\n"
            "class B:\n    x = 2\n",
            "pkg/a.py": "from pkg.b import B\n\nclass A(B):\n    pass\n\ndef f():\n    return A.x\n",
        },
        "pkg/a.py:f",
        "f()",
        2,
    ),
    "attribute of a module": (
        {
            "pkg/b.py": "X = 4\n\ndef g():\n    return X\n",
            "pkg/a.py": "import pkg.b as m\n\ndef f():\n    return m.g() + m.X\n",
        },
        "pkg/a.py:f",
        "f()",
        8,
    ),
    "attribute of a module, over two lines": (
        {
            "pkg/b.py": "def g():\n    return 4\n",
            "pkg/a.py": "from pkg import b\n\ndef f():\n    return (b.\n        g())\n",
        },
        "pkg/a.py:f",
        "f()",
        4,
    ),
    "import inside of a function": (
        {
            "pkg/b.py": "def g():\n    return 5\n",
            "pkg/a.py": "def f():\n    from pkg.b import g as h\n\n    return h()\n",
        },
        "pkg/a.py:f",
        "f()",
        5,
    ),
    "import that is all of a function": (
        {"pkg/b.py": "", "pkg/a.py": "def f():\n    from pkg import b\n"},
        "pkg/a.py:f",
        "f()",
        None,
    ),
    "name in an f-string": (
        {"pkg/b.py": "X = 1\n", "pkg/a.py": "from pkg.b import X\n\ndef f():\n    return f'''\n{X}'''\n"},
        "pkg/a.py:f",
        "f()",
        "\n1",
    ),
    "statements that fill a table of the same module": (
        {"pkg/a.py": "T = {}\nT['a'] = 1\nfor k in 'bc':\n    T[k] = 2\n\ndef f():\n    return T\n"},
        "pkg/a.py:f",
        "f()",
        {"a": 1, "b": 2, "c": 2},
    ),
    "registration by a decorator of the same module": (
        {
            "pkg/a.py": "T = []\n\ndef register(f):\n    T.append(f.__name__)\n    return f\n\n@register\ndef g():\n"
            "    pass\n\ndef f():\n    return T\n"
        },
        "pkg/a.py:f",
        "f()",
        ["g"],
    ),
    "global counter of its own module": (
        {
            "pkg/b.py": "n = 0\n\ndef count():\n    global n\n    n += 1\n    return n\n",
            "pkg/a.py": "from pkg.b import count\n\nn = 10\n\ndef f():\n    return count() + count() + n\n",
        },
        "pkg/a.py:f",
        "f()",
        13,
    ),
    "import that may fail": (
        {
            "pkg/a.py": "try:\n    import nothing_of_this_name as m\nexcept ImportError:\n    m = None\n\n"
            "def f():\n    return m\n"
        },
        "pkg/a.py:f",
        "f()",
        None,
    ),
    "name under which a package gathers it": (
        {"pkg/__init__.py": "from .b import g as h\n", "pkg/b.py": "def g():\n    return g.__name__\n"},
        "pkg/__init__.py:h",
        "h()",
        "g",
    ),
    "all that a package gathers": (
        {
            "pkg/__init__.py": "from .b import g\nfrom .b import g as h\n\n__all__ = ['g', 'h']\n",
            "pkg/b.py": "def g():\n    return 1\n",
        },
        "pkg/__init__.py",
        "(g(), h(), __all__)",
        (1, 1, ["g", "h"]),
    ),
    "files beside one that is in no package": (
        {"b.py": "X = 9\n", "a.py": "import b\n\ndef f():\n    return b.X\n"},
        "a.py:f",
        "f()",
        9,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_names_are_followed_through(case: str, tmp_path: Path) -> None:
    files, wanted, expression, expected = CASES[case]
    package = {"pkg/__init__.py": ""} if wanted.startswith("pkg") else {}
    for level in LEVELS:
        text = closed(tmp_path, package | files, wanted, "--comments", level)
        assert value(text, expression) == expected


def test_the_later_of_two_equal_names_gets_that_of_its_module(tmp_path: Path) -> None:
    files, wanted, *_ = CASES["two helpers of one name"]
    text = closed(tmp_path, {"pkg/__init__.py": ""} | files, wanted)
    assert "def _h():\n    return 'b'" in text
    assert "def _h_a():\n    return 'a'" in text


def test_types_for_checkers_only_are_not_taken_along(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/b.py": "class Big:\n    pass\n",
        "pkg/a.py": "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n\n"
        "if TYPE_CHECKING:\n    from decimal import Decimal\n\n    from pkg.b import Big\n\n    Text = str\n\n"
        "def f(x: Big, y: 'Big | Text' = None) -> Decimal:\n    return x\n",
    }
    text = closed(tmp_path, files, "pkg/a.py:f")
    assert text.startswith(
        "from __future__ import annotations\n\nfrom typing import TYPE_CHECKING, Any\n\nif TYPE_CHECKING:\n"
        "    from decimal import Decimal\n\n    Big = Any\n    Text = Any\n\n"
    )
    assert value(text, "f(1)") == 1


def test_a_type_that_is_needed_anyway_is_itself(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pkg.a import A as Alpha\n\n"
        "def g(x: 'Alpha') -> 'list[Alpha]':\n    return [x]\n",
        "pkg/a.py": "from pkg.b import g\n\nclass A:\n    def m(self):\n        return g(self)\n",
    }
    text = closed(tmp_path, files, "pkg/a.py:A")
    assert "def g(x: 'A') -> 'list[A]':" in text
    assert value(text, "g.__annotations__") == {"x": "A", "return": "list[A]"}


def test_directives_stay_where_comments_go(tmp_path: Path) -> None:
    source = (
        '"""Words."""\nimport os  # type: ignore[x]\n\n\n# About f.\ndef f():  # noqa: D103\n    """Words."""\n'
        "    # A remark\n    return os.sep  # behind\n"
    )
    text = closed(tmp_path, {"pkg/__init__.py": "", "pkg/a.py": source}, "pkg/a.py:f", "--comments", "none")
    assert text == "import os  # type: ignore[x]\n\n\ndef f():  # noqa: D103\n    return os.sep\n"


# ## What is refused

REFUSED: dict[str, tuple[dict[str, str], str, str]] = {
    "star import": (
        {"pkg/b.py": "X = 1\n", "pkg/a.py": "import os\nfrom pkg.b import *\n\ndef f():\n    return X\n"},
        "pkg/a.py:2:1: `X` may come from `from pkg.b import *`; import it by its name",
        "f",
    ),
    "exec": (
        {"pkg/a.py": "def f(text):\n    exec(text)\n"},
        "pkg/a.py:2:5: what `exec` runs is not known before it runs; call a function instead",
        "f",
    ),
    "eval": (
        {"pkg/a.py": "def f(text):\n    return eval(text)\n"},
        "pkg/a.py:2:12: what `eval` runs is not known before it runs; call a function instead",
        "f",
    ),
    "dynamic import": (
        {"pkg/a.py": "import importlib\n\ndef f(name):\n    return importlib.import_module(name)\n"},
        "pkg/a.py:4:12: what `importlib.import_module` imports is not known before it runs; import it at the top",
        "f",
    ),
    "dynamic import by its own name": (
        {"pkg/a.py": "from importlib import import_module as im\n\ndef f(name):\n    return im(name)\n"},
        "pkg/a.py:4:12: what `importlib.import_module` imports is not known before it runs; import it at the top",
        "f",
    ),
    "__import__": (
        {"pkg/a.py": "def f(name):\n    return __import__(name)\n"},
        "pkg/a.py:2:12: what `__import__` imports is not known",
        "f",
    ),
    "globals": (
        {"pkg/a.py": "def f(name):\n    return globals()[name]\n"},
        "pkg/a.py:2:12: `globals()` finds names that the text does not show",
        "f",
    ),
    "__file__": (
        {"pkg/a.py": "from pathlib import Path\n\nHERE = Path(__file__)\n\ndef f():\n    return HERE\n"},
        "pkg/a.py:3:13: `__file__` would be that of the new file; pass the path in",
        "f",
    ),
    "module as a value": (
        {"pkg/b.py": "X = 1\n", "pkg/a.py": "from pkg import b\n\ndef f():\n    return vars(b)\n"},
        "pkg/a.py:4:17: here the module `pkg.b` itself is a value",
        "f",
    ),
    "conditional import": (
        {
            "pkg/b.py": "X = 1\n",
            "pkg/a.py": "try:\n    from pkg.b import X\nexcept ImportError:\n    X = 2\n\ndef f():\n    return X\n",
        },
        "pkg/a.py:2:5: whether `pkg.b.X` is imported here depends on what happens",
        "f",
    ),
    "counter that another module changes": (
        {
            "pkg/b.py": "n = 0\n\ndef g():\n    return n\n",
            "pkg/c.py": "import pkg.b as b\n\ndef bump():\n    b.n += 1\n",
            "pkg/a.py": "from pkg.b import g\n\ndef f():\n    return g()\n",
        },
        "pkg/c.py:4:5: this changes `n` of pkg.b, which is needed, from elsewhere",
        "f",
    ),
    "counter changed by what is needed": (
        {"pkg/b.py": "n = 0\n", "pkg/a.py": "from pkg import b\n\ndef f():\n    b.n += 1\n"},
        "pkg/a.py:4:5: this changes `n` of a module from elsewhere; make a function there that does so",
        "f",
    ),
    "stale copy of a global": (
        {
            "pkg/b.py": "n = 0\n\ndef bump():\n    global n\n    n += 1\n",
            "pkg/a.py": "from pkg.b import bump, n\n\ndef f():\n    bump()\n    return n\n",
        },
        "pkg/b.py:4:1: `global n` makes a new value that pkg/a.py would not see",
        "f",
    ),
    "monkeypatch": (
        {
            "pkg/b.py": "class B:\n    def m(self):\n        return 1\n",
            "pkg/c.py": "from pkg.b import B\n\nB.m = lambda self: 2\n",
            "pkg/a.py": "from pkg.b import B\n\ndef f():\n    return B().m()\n",
        },
        "pkg/c.py:3:1: this changes `B` of pkg.b, which is needed, from elsewhere",
        "f",
    ),
    "registration from elsewhere": (
        {
            "pkg/b.py": "T = []\n\ndef register(g):\n    T.append(g)\n    return g\n",
            "pkg/c.py": "from pkg.b import register\n\n@register\ndef g():\n    pass\n",
            "pkg/a.py": "from pkg.b import T\n\ndef f():\n    return T\n",
        },
        "pkg/c.py:3:2: this changes `T` of pkg.b",
        "f",
    ),
    "table filled from elsewhere": (
        {
            "pkg/b.py": "T = {}\n",
            "pkg/c.py": "from pkg import b\n\nb.T['c'] = 1\n",
            "pkg/a.py": "from pkg.b import T\n\ndef f():\n    return T\n",
        },
        "pkg/c.py:3:1: this changes `T` of pkg.b",
        "f",
    ),
    "call at import of what is imported late": (
        {
            "pkg/b.py": "def g():\n    return 1\n",
            "pkg/a.py": "def h():\n    from pkg.b import g\n    return g()\n\nX = h()\n\ndef f():\n    return X\n",
        },
        "pkg/a.py:5:1: this calls what needs `g` of pkg/b.py, which is imported inside of a function",
        "f",
    ),
    "name made by __getattr__": (
        {
            "pkg/b.py": "def __getattr__(name):\n    return 1\n",
            "pkg/a.py": "from pkg.b import X\n\ndef f():\n    return X\n",
        },
        "pkg/b.py:1:1: `X` is made by this `__getattr__` when it is asked for",
        "f",
    ),
    "name that is nowhere": (
        {"pkg/b.py": "", "pkg/a.py": "from pkg.b import X\n\ndef f():\n    return X\n"},
        "pkg/a.py:1:1: `X` is not defined in pkg/b.py; correct the name",
        "f",
    ),
    "circle without a definition": (
        {
            "pkg/b.py": "from pkg.c import X\n",
            "pkg/c.py": "from pkg.b import X\n",
            "pkg/a.py": "from pkg.b import X\n\ndef f():\n    return X\n",
        },
        "pkg/a.py:1:1: `pkg.b.X` is imported in a circle and defined nowhere",
        "f",
    ),
    "module that is no Python": (
        {"pkg/a.py": "from pkg._c import X\n\ndef f():\n    return X\n"},
        "pkg/a.py:1:1: ",
        "f",
    ),
    "two meanings of one name": (
        {"pkg/a.py": "from math import floor\n\nfloor = floor(2)\n\ndef f():\n    return floor\n"},
        "pkg/a.py:3:1: `floor` is imported in line 1 and then bound again",
        "f",
    ),
    "syntax": (
        {"pkg/a.py": "def f(:\n"},
        "pkg/a.py:1:7: Python cannot read this: invalid syntax; correct it first [syntax]",
        "f",
    ),
    "encoding": (
        {"pkg/a.py": "# coding: nonsense\ndef f():\n    pass\n"},
        "pkg/a.py:1:1: the encoding 'nonsense' is none",
        "f",
    ),
    "nothing of this name": (
        {"pkg/a.py": "def f():\n    pass\n"},
        "pkg/a.py:1:1: there is no `g` at the top of this file; correct the name",
        "g",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_followed_is_refused_at_its_line(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, message, name = REFUSED[case]
    monkeypatch.chdir(write(tmp_path, {"pkg/__init__.py": ""} | files))
    ran = sidelit("standalone", f"pkg.a:{name}", "-o", "out.py")
    assert (ran.status, ran.out, len(ran.lines)) == (1, "", 1)
    assert ran.err.startswith(message)
    assert not (tmp_path / "out.py").exists()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("pkg/none.py", "pkg/none.py: there is no such file"),
        ("pkg.none:f", "pkg.none: there is no such module in this folder or in src"),
        ("docs", "docs: this is a folder without __init__.py"),
    ],
)
def test_what_is_not_there_is_a_wrong_command(
    wanted: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write(tmp_path, {"pkg/__init__.py": "", "docs/a.md": ""}))
    ran = sidelit("standalone", wanted)
    assert ran.status == 2
    assert message in ran.err


def test_sources_are_never_run(tmp_path: Path) -> None:
    bomb = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    files = {"pkg/__init__.py": bomb, "pkg/b.py": f"{bomb}X = 1\n", "pkg/a.py": f"from pkg.b import X\n{bomb}\nY = X\n"}
    assert value(closed(tmp_path, files, "pkg/a.py:Y"), "Y") == 1
    assert not (tmp_path / "ran").exists()


def test_a_module_is_found_in_src(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write(tmp_path, {"src/pkg/__init__.py": "", "src/pkg/a.py": "X = 1\n"}))
    ran = sidelit("standalone", "pkg.a:X")
    assert (ran.status, ran.out.splitlines()[-1]) == (0, "X = 1")


def test_a_licence_is_told_from_the_project_or_its_text(tmp_path: Path) -> None:
    write(tmp_path, {"pkg/__init__.py": "", "pkg/a.py": "X = 1\n", "LICENSE": "Apache License\n  Version 2.0, 2004\n"})
    assert "# Licence: Apache-2.0\n" in sidelit("standalone", tmp_path / "pkg/a.py:X").out
    write(tmp_path, {"pyproject.toml": '[project]\nname = "x"\nlicense = "ISC OR MIT"\n'})
    assert "# SPDX-License-Identifier: ISC OR MIT\n#\n# Apache License\n" in sidelit(
        "standalone", tmp_path / "pkg/a.py:X"
    ).out


def test_of_a_long_licence_the_file_says_where_it_is(tmp_path: Path) -> None:
    text = "Apache License\nVersion 2.0, 2004\nCopyright 2020 Some One\n" + "More terms.\n" * 200
    write(tmp_path, {"pkg/__init__.py": "", "pkg/a.py": "X = 1\n", "LICENSE": text})
    made = sidelit("standalone", tmp_path / "pkg/a.py:X").out
    assert "More terms" not in made
    assert (
        "# Licence: Apache-2.0. Copyright 2020 Some One. Keep its text with this: LICENSE of the source or\n"
        "#   https://spdx.org/licenses/Apache-2.0.html\n"
    ) in made


def test_what_files_say_of_their_copyright_goes_along(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/a.py": "#!/usr/bin/env python3\n# Copyright 2020 Some One\n# SPDX-License-Identifier: BSD-2-Clause\n"
        '"""A."""\nfrom pkg.b import g\nfrom pkg.c import h\nF = (g, h)\n',
        "pkg/b.py": "# (c) 2021 Another Person, whose licence is theirs\n\n# Helpers\n\ng = 1\n",
        "pkg/c.py": "# Nothing of the kind\nh = 2\n",
    }
    write(tmp_path, files)
    for level in LEVELS:
        made = sidelit("standalone", tmp_path / "pkg/a.py", "--comments", level).out
        head = made[: made.index("\n\n")]
        assert "# Copyright 2020 Some One\n# SPDX-License-Identifier: BSD-2-Clause\n" in head
        assert "# (c) 2021 Another Person, whose licence is theirs\n" in f"{head}\n"
        assert "env python3" not in head
        assert "Nothing of the kind" not in head


# ## Writing


def test_the_file_that_is_named_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    write(tmp_path, {"pkg/__init__.py": "", "pkg/a.py": "X = 1\n", "out.py": "mine\n"})
    (tmp_path / "out.py").chmod(0o640)
    (tmp_path / "link.py").symlink_to("out.py")
    assert sidelit("standalone", tmp_path / "pkg/a.py:X", "-o", tmp_path / "link.py").status == 0
    assert (tmp_path / "out.py").read_text().endswith("X = 1\n")
    assert (tmp_path / "out.py").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "link.py").is_symlink()


@pytest.mark.parametrize(("target", "message"), [("pkg", "is not a file"), ("none/out.py", "cannot be written: ")])
def test_a_place_that_cannot_be_written_is_one_line(target: str, message: str, tmp_path: Path) -> None:
    write(tmp_path, {"pkg/__init__.py": "", "pkg/a.py": "X = 1\n"})
    ran = sidelit("standalone", tmp_path / "pkg/a.py:X", "-o", tmp_path / target)
    assert (ran.status, len(ran.lines)) == (1, 1)
    assert ran.err.startswith(f"{tmp_path / target}: {message}")
