"""
# Notebooks

Their cells, by what nbformat and Python say of them, and two of them in a real kernel.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from building import ROOT, sidelit, write

from sidelit.export.notebook import repository_of

OPTIMIZERS = [
    "adam",
    "amsgrad",
    "adam_warmup",
    "noam",
    "adam_warmup_cosine_decay",
    "radam",
    "ada_belief",
    "sophia",
    "adam_fp16",
]


def made(source: Path, folder: Path, *options: str) -> nbformat.NotebookNode:
    """The notebook of a source, checked against the format; each code cell is valid Python."""
    path = folder / f"{source.stem}.ipynb"
    ran = sidelit("notebook", source, "-o", path, *options)
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    for cell in notebook.cells:
        assert cell.source.strip()
        if cell.cell_type == "code":
            ast.parse(cell.source)
    return notebook


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, nbformat.NotebookNode]:
    """The notebooks of all optimizers."""
    folder = tmp_path_factory.mktemp("notebooks")
    return {name: made(ROOT / "labml_nn" / "optimizers" / f"{name}.py", folder) for name in OPTIMIZERS}


def losses(printed: str) -> list[float]:
    """The losses in what the last cell prints."""
    return [float(line.split()[-1]) for line in printed.splitlines()]


@pytest.mark.parametrize("name", ["radam", "sophia"])
def test_a_notebook_runs_from_top_to_bottom_in_a_kernel(
    name: str, notebooks: dict[str, nbformat.NotebookNode], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Here the packages are installed; a finder at the front hides them from the kernel.
    write(tmp_path, {"hide/labml_nn.py": "raise ImportError", "hide/sidelit.py": "raise ImportError"})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hide"))
    notebook = notebooks[name]
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    # What a cell prints arrives in one piece or in several.
    found = losses("".join(output.text for output in notebook.cells[-1].outputs))
    assert len(found) == 7
    assert found[-1] < 0.1 * found[0]


def test_the_loss_falls_in_the_notebook_of_every_optimizer(
    notebooks: dict[str, nbformat.NotebookNode], tmp_path: Path
) -> None:
    programs = {}
    for name, notebook in notebooks.items():
        programs[name] = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    runner = (
        "import contextlib, io, json, sys\nsys.modules.update({'labml_nn': None, 'sidelit': None})\nprinted = {}\n"
        "for name, text in json.load(sys.stdin).items():\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "        module = type(sys)(name)\n        sys.modules[name] = module\n"
        "        exec(compile(text, name, 'exec'), vars(module))\n"
        "    printed[name] = out.getvalue()\nprint(json.dumps(printed))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", runner], input=json.dumps(programs), capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert list(printed) == OPTIMIZERS
    for name, text in printed.items():
        found = losses(text)
        assert found[-1] < 0.1 * found[0], name


def test_prose_stands_above_its_code_once(notebooks: dict[str, nbformat.NotebookNode]) -> None:
    cells = notebooks["radam"].cells
    at = next(i for i, cell in enumerate(cells) if cell.source.startswith("class RAdam(Adam):"))
    assert cells[at - 1].cell_type == "markdown"
    assert cells[at - 1].source.startswith("## RAdam\n\n* `degenerated_to_sgd` takes steps")
    assert "takes steps of gradient descent until" not in cells[at].source
    assert r"# $$\theta_t = \theta_{t-1} - \alpha_t m_t$$" in cells[at].source
    assert '"""\n        ### The numbers of one step' in cells[at].source
    whole = "\n".join(cell.source for cell in cells)
    assert whole.count("# RAdam\n\nAdam divides its step") == 1
    assert "symbols:" not in whole
    assert "labml_nn import" not in whole


def test_the_first_cell_has_the_licence(notebooks: dict[str, nbformat.NotebookNode]) -> None:
    licence = (ROOT / "LICENSE").read_text().strip()
    for notebook in notebooks.values():
        first = notebook.cells[0].source
        assert "*Licence: MIT.*" in first
        assert f"```text\n{licence}\n```" in first


def test_the_code_of_others_is_folded(notebooks: dict[str, nbformat.NotebookNode]) -> None:
    cells = notebooks["adam"].cells
    hidden = [cell for cell in cells if cell.metadata.get("jupyter", {}).get("source_hidden")]
    assert len(hidden) == 1
    assert "class GenericAdaptiveOptimizer(Optimizer):" in hidden[0].source
    assert cells[cells.index(hidden[0]) - 1].source == (
        "The next cell holds what this file needs of `labml_nn.optimizers.backends`, `labml_nn.optimizers`."
    )


STRANGER = r'''"""
---
title: Words
---
# Words

See [b](b.py), [`f`](b.py#f), [line](b.py#L2), [here](#f), ![plot](p.svg) and [web](https://x.org).
Math \(a_1\), $b$ and `\(code\)`; `[no](b.py)`.

\begin{align}
x &= y
\end{align}

\[ z \]

```python
[kept](b.py)
```
"""

import os

# The first.
A = 1
B = [
    # Inside.
    2,
]

# Alone.

# About f
def f():
    """What f does."""
    # Inner prose.
    return os.sep


C = 3
D = 4

if __name__ == "__main__":
    raise SystemExit(f())
'''


def cells_of(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def test_a_strangers_file_is_cut_between_statements(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": STRANGER})
    intro, prose, *rest = cells_of(made(tmp_path / "a.py", tmp_path))
    assert intro == ("markdown", "*This notebook was made from `a.py`. It holds all that it needs of its package.*")
    assert prose == (
        "markdown",
        "# Words\n\nSee b, `f`, line, here, *plot* and [web](https://x.org).\n"
        "Math $a_1$, $b$ and `\\(code\\)`; `[no](b.py)`.\n\n"
        "$$\n\\begin{aligned}\nx &= y\n\\end{aligned}\n$$\n\n$$\nz\n$$\n\n```python\n[kept](b.py)\n```",
    )
    assert rest == [
        ("code", "import os"),
        ("markdown", "The first."),
        ("code", "A = 1\nB = [\n    # Inside.\n    2,\n]"),
        ("markdown", "Alone."),
        ("markdown", "About f\n\nWhat f does."),
        ("code", "def f():\n    # Inner prose.\n    return os.sep\n\n\nC = 3\nD = 4"),
    ]


def test_links_lead_to_the_repository(tmp_path: Path) -> None:
    write(tmp_path, {"pkg/__init__.py": "", "pkg/a.py": STRANGER, ".git/HEAD": ""})
    url = "https://github.com/me/it"
    intro, prose, *_ = cells_of(made(tmp_path / "pkg" / "a.py", tmp_path, "--repo-url", f"{url}/tree/dev"))
    assert f"made from [`pkg/a.py`]({url}/blob/dev/pkg/a.py)" in intro[1]
    assert "[Open in Colab](https://colab.research.google.com/github/me/it/blob/dev/a.ipynb)" in intro[1]
    assert (
        f"See [b]({url}/blob/dev/pkg/b.py), [`f`]({url}/blob/dev/pkg/b.py), [line]({url}/blob/dev/pkg/b.py#L2), here, "
        f"![plot]({url}/raw/dev/pkg/p.svg) and [web](https://x.org)."
    ) in prose[1]


def test_colab_is_for_github_only(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": STRANGER})
    notebook = made(tmp_path / "a.py", tmp_path, "--repo-url", "https://gitlab.com/me/it")
    assert "Colab" not in notebook.cells[0].source
    assert "https://gitlab.com/me/it/-/blob/main/a.py" in notebook.cells[0].source


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://github.com/o/r", ("https://github.com/o/r", "main")),
        ("https://github.com/o/r.git", ("https://github.com/o/r", "main")),
        ("https://github.com/o/r/", ("https://github.com/o/r", "main")),
        ("https://github.com/o/r/tree/a/b", ("https://github.com/o/r", "a/b")),
    ],
)
def test_addresses_of_repositories(url: str, expected: tuple[str, str]) -> None:
    repository = repository_of(url)
    assert repository is not None
    assert (repository.url, repository.branch) == expected


def test_a_wrong_address_is_a_wrong_command(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": STRANGER})
    ran = sidelit("notebook", tmp_path / "a.py", "--repo-url", "git@github.com:o/r")
    assert ran.status == 2
    assert "is not the address of a repository; write it as https://github.com/OWNER/PROJECT" in ran.err


def test_the_same_source_gives_the_same_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write(tmp_path, {"a.py": STRANGER}))
    assert sidelit("notebook", "a.py").status == 0
    first = (tmp_path / "a.ipynb").read_bytes()
    assert sidelit("notebook", "a.py").status == 0
    assert (tmp_path / "a.ipynb").read_bytes() == first
    assert first.endswith(b"}\n")


REFUSED: dict[str, tuple[Any, str]] = {
    "def f(:\n": (1, "a.py:1:7: Python cannot read this: invalid syntax; correct it first [syntax]"),
    "import b\n\ndef f():\n    return vars(b)\n": (1, "a.py:4:17: here the module `b` itself is a value"),
}


@pytest.mark.parametrize("source", REFUSED)
def test_what_is_wrong_is_one_line(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, message = REFUSED[source]
    monkeypatch.chdir(write(tmp_path, {"a.py": source, "b.py": ""}))
    ran = sidelit("notebook", "a.py")
    assert (ran.status, len(ran.lines)) == (status, 1)
    assert ran.err.startswith(message)
    assert not (tmp_path / "a.ipynb").exists()


def test_an_optimizer_that_asks_for_more_is_not_tried(tmp_path: Path) -> None:
    source = "import torch\n\nclass O(torch.optim.Optimizer):\n    def __init__(self, params, secret):\n        pass\n"
    write(tmp_path, {"a.py": source})
    assert "Try it" not in str(made(tmp_path / "a.py", tmp_path))
