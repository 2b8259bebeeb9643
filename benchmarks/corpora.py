r"""
# What is built

Two trees of sources. One is real code without math: packages of the standard library. The other is generated, because
no public tree of annotated code is large enough: modules as one would annotate them, with prose, code and formulas like
those on the page of an optimizer. It is the same at every run.
"""

from __future__ import annotations

import shutil
import sysconfig
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

PACKAGES = (
    "asyncio", "email", "json", "http", "logging", "unittest", "importlib", "xml", "multiprocessing", "concurrent",
)  # fmt: skip

# Modules of a generated package.
PACKAGE_SIZE = 20


@dataclass(frozen=True)
class Corpus:
    """
    ## A tree of sources

    `roots` are the packages in `folder`, `files` the Python files in them, both relative to it. Empty files are left
    out: they make no page.
    """

    folder: Path
    roots: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def size(self) -> str:
        """How large it is, in words."""
        lines = sum((self.folder / name).read_bytes().count(b"\n") for name in self.files)
        return f"{len(self.files)} files, {lines} lines"


def standard_library(folder: Path, copies: int = 1) -> Corpus:
    """
    ## Copy packages of the standard library

    Without their tests, which Debian leaves out anyway. Each of the `copies` is in a folder of its own.
    """
    ignore = shutil.ignore_patterns("test", "tests", "__pycache__")
    roots = [f"copy_{number}" for number in range(copies)]
    for root in roots:
        for name in PACKAGES:
            shutil.copytree(Path(sysconfig.get_path("stdlib"), name), folder / root / name, ignore=ignore)
    return _corpus(folder, roots)


def annotated(folder: Path, files: int, formulas: int) -> Corpus:
    """
    ## Write annotated modules

    `formulas` is the number of different formulas in the `files` together. A few are symbols such as $x$, which stand
    in the sentences of every file; each of the others stands in one.
    """
    random = Random(files)
    symbols = [f"${letter}$" for letter in _LETTERS]
    unique = list(islice(_formulas(random), formulas - len(symbols)))
    root = folder / "annotated"
    for number in range(files):
        package, module = divmod(number, PACKAGE_SIZE)
        name = f"rule_{module:02}.py" if module else "__init__.py"
        path = root / f"family_{package:03}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_module(random, number, unique[number::files], symbols), encoding="utf-8")
    (root / "__init__.py").touch()
    return _corpus(folder, ("annotated",))


def _corpus(folder: Path, roots: Sequence[str]) -> Corpus:
    paths = (path for root in roots for path in (folder / root).rglob("*.py") if path.stat().st_size)
    return Corpus(folder, tuple(roots), tuple(sorted(path.relative_to(folder).as_posix() for path in paths)))


# ## Formulas

_LETTERS = (
    "x", "g", "m", "v", r"\theta", r"\beta", r"\alpha", r"\hat{m}", r"\hat{v}", r"\rho", r"\lambda", r"\tilde{u}", "s",
    r"\mu", r"\sigma", r"\eta", "w", r"\bar{g}", r"\Delta", "h",
)  # fmt: skip

# What stands in a sentence, and what stands alone. A letter in angle brackets is a term, made for each use.
_SHORT = (
    "<a>",
    "1 - <a>",
    "<a> = <b>",
    r"<a> \in [0, 1)",
    r"\sqrt{<a>} + \epsilon",
    r"O(<a> \log <b>)",
    r"\lVert <a> - <b> \rVert_2",
)
_LONG = (
    r"<a> = \beta_1 <b> + (1 - \beta_1) \cdot <c>",
    r"<a> = \beta_2 <b> + (1 - \beta_2) \cdot <c> \odot <c>",
    r"<a> \leftarrow <b> - \alpha \cdot \frac{<c>}{\sqrt{<d>} + \epsilon}",
    r"\mathbb{E}\left[ <a> \right] = \mathbb{E}\left[ <b> \right] \cdot (1 - \beta_2^t) + <c>",
    r"<a> = \sum_{i=1}^{t} \beta_2^{t-i} \cdot \left( <b> + <c> \right)^2",
    r"<a> = \sqrt{\frac{(<b> - 4)(<b> - 2) <c>}{(<c> - 4)(<c> - 2) <d>}}",
    r"<a> = \begin{cases} <b> & \text{if } <c> > 5 \\ <d> & \text{otherwise} \end{cases}",
    r"\begin{pmatrix} <a> & <b> \\ <c> & <d> \end{pmatrix}^{\top} \begin{pmatrix} <d> \\ <a> \end{pmatrix}",
    r"\underset{<a>}{\operatorname{argmin}} \int_0^{\infty} <b> \, \mathrm{d}<c> + \prod_{k \ge 1} <d>",
    "\\begin{align}\n<a> &= \\frac{<b>}{1 - \\beta_1^t} \\\\\n<c> &= \\sqrt{<d>} + <b>\n\\end{align}",
)


def _formulas(random: Random) -> Iterator[str]:
    """
    Yield different formulas without end, in their dollars.

    Two of three are short. On our own pages it is three of four, and the TeX has 30 characters on average; here it has
    more.
    """
    seen = set()
    while True:
        short = random.random() < 2 / 3
        tex = random.choice(_SHORT if short else _LONG)
        for name in "abcd":
            tex = tex.replace(f"<{name}>", _term(random))
        if tex not in seen:
            seen.add(tex)
            yield f"${tex}$" if short else tex if tex.startswith(r"\begin{align}") else f"$${tex}$$"


def _term(random: Random) -> str:
    letter = random.choice(_LETTERS)
    index = random.choice(("t", "{t-1}", "i", "{i,j}", f"{{{random.randrange(100)}}}"))
    power = random.choice(("", "", "", "^2", "^{t}", r"^{\top}"))
    return f"{letter}_{index}{power}"


# ## Modules

_TEXT = """
the step size of every parameter is scaled by a running average so that no direction waits for another and the
gradient of a single batch which is noisy moves it less than the trend does where curvature is high it shortens
and along the floor of a valley it grows until both agree on a scale that fits
"""
_WORDS = _TEXT.split()

_METHOD = '''
    def {name}(self, state: dict[str, Any], group: dict[str, Any], grad: Tensor, param: Tensor) -> Tensor:
        r"""
        ### {title}

{prose}

        * `state` is the state of the parameter; `grad` its gradient {symbol}
        * `group` holds the *hyper-parameters*, {other} among them
        """

{comment}
        {local}, step = state["{local}"], state["step"]
        {local}.mul_(group["beta"]).add_(grad, alpha=1 - group["beta"])

        # {formula}
        if group["amsgrad"] and step > {number}:
            denominator = torch.maximum(state["max_{local}"], {local}).sqrt().add_(group["eps"])
            state["max_{local}"] = denominator
        else:
            denominator = {local}.sqrt().add_(group["eps"])  # never zero

{comment_2}
        options = {{
            "lr": group["lr"] * {number} / (1 + step**0.5),
            "name": f"{name}-{{step}}",
            "warm": [value for value in range({number}) if value % 3 == 0],
        }}
        return param.addcdiv_({local}, denominator, value=-options["lr"])
'''

_MODULE = '''r"""
---
title: {title}
summary: {summary}
---

# {title}

{prose}

It was [written before](https://example.org/{number}), and here is **{bold}**:

{block}

{prose_2}

1. {item}
2. {item_2}
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from annotated.base import Base, WeightDecay


class {class_name}(Base):
    r"""
    ## {title}

{prose_3}
    """

    def __init__(self, params, lr: float = 1e-3, beta: float = 0.{number}, eps: float = 1e-{power}):
{comment}
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"beta must be in [0, 1), got {{beta}}")

        super().__init__(params, {{"lr": lr, "beta": beta, "eps": eps, "amsgrad": False}})
{methods}

def _test_{number}() -> None:
    """
    ### Try it on a parabola
    """
    weights = [torch.nn.Parameter(torch.ones({number} + 1)) for _ in range(3)]
    optimizer = {class_name}(weights, lr=1e-2)
    for step in range(100):
        optimizer.zero_grad()
        loss = sum((weight**2).sum() for weight in weights)
        loss.backward()
        optimizer.step()
        if step % 10 == 0:
            print(step, loss.item())


#
if __name__ == "__main__":
    _test_{number}()
'''


def _module(random: Random, number: int, formulas: list[str], symbols: list[str]) -> str:
    """Return a module of 150 to 350 lines in which each of the formulas stands."""
    inlines = iter([formula for formula in formulas if _is_inline(formula)])
    blocks = iter([formula for formula in formulas if not _is_inline(formula)])

    def symbol() -> str:
        return next(inlines, random.choice(symbols))

    def prose(sentences: int, prefix: str = "") -> str:
        text = " ".join(f"{_sentence(random, 11)}, {symbol()}." for _ in range(sentences))
        return textwrap.fill(text, 119, initial_indent=prefix, subsequent_indent=prefix)

    def block() -> str:
        return next(blocks, "") or prose(1)

    first = block()
    methods = [
        _METHOD.format(
            name=f"{random.choice(_WORDS)}_{place}",
            title=_sentence(random, 3),
            prose=prose(3, " " * 8),
            symbol=symbol(),
            other=symbol(),
            comment=prose(1, " " * 8 + "# "),
            comment_2=prose(2, " " * 8 + "# "),
            formula=block().replace("\n", "\n        # "),
            local=random.choice(("exp_avg", "exp_avg_sq", "velocity", "momentum")),
            number=random.randint(2, 9),
        )
        for place in range(random.randint(4, 8))
    ]
    return _MODULE.format(
        title=_sentence(random, 2),
        summary=_sentence(random, 12),
        number=number,
        power=random.randint(4, 12),
        bold=random.choice(_WORDS),
        prose=prose(3),
        block=first,
        prose_2="\n\n".join([prose(4), *blocks]),
        prose_3=prose(2, " " * 4),
        item=prose(1),
        item_2=prose(1),
        comment=prose(1, " " * 8 + "# "),
        class_name=f"Rule{number}",
        methods="".join(methods),
    )


def _sentence(random: Random, words: int) -> str:
    return " ".join(random.choices(_WORDS, k=words)).capitalize()


def _is_inline(formula: str) -> bool:
    return formula.startswith("$") and not formula.startswith("$$")
