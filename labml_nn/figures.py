r"""
---
title: Figures
summary: How the plots of these pages are drawn - by the sources they stand in, as SVGs that suit light and dark.
---

# Figures

A page that shows a plot holds the function that draws it, by the name of `figure`. `make figures` calls them all, and
puts what each returns beside its source: `noam.py` gets `noam.svg`. The drawings are committed, so a page needs no
matplotlib, and a test draws them again and compares.

```python
def figure():
    return line_chart("step", "loss", {"Adam": (steps, losses)})
```

This needs three properties that a plot does not have by itself:

* **The same drawing every time**, byte for byte, or each run would look like a change. So nothing in the file depends
  on the time, on chance, or on the fonts and the settings of the one who draws.
* **Legible on white and on black.** The background is left out, and the file says for each colour what stands in for
  it where the reader's page is dark.
* **Legible without colour.** Curves differ in their dashes too.

Matplotlib is imported by the functions that use it. Training with an optimizer does not need it.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parent

# Text and axes, the lines of the grid, and the curves: each as it is on light and on dark, where it has to be brighter.
# All but the grid have a contrast of 4.5 or more to the paper of the pages.
INK, RULE = ("#3a4350", "#c3cad4"), ("#dde2e9", "#2f3742")
CURVES = [
    ("#0f5c94", "#7fbcf0"),
    ("#a35c00", "#ffb84d"),
    ("#22703f", "#8fcf9d"),
    ("#96306f", "#ec9fcb"),
    ("#6d3bb0", "#bea8f7"),
    ("#566070", "#949eac"),
]
DASHES = ["-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (9, 2))]


def style() -> dict[str, object]:
    """
    ## The settings of a drawing

    As matplotlib's `rcParams`. They are laid over its own defaults, not over those of the one who draws.
    """
    from cycler import cycler

    ink, rule = INK[0], RULE[0]
    return {
        # As wide as the column that it stands in: no text is scaled.
        "figure.figsize": (5.7, 3.3),
        "figure.constrained_layout.use": True,
        "font.size": 9,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=[light for light, _ in CURVES]) + cycler(linestyle=DASHES),
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": ink,
        "xtick.color": ink,
        "ytick.color": ink,
        "grid.color": rule,
        "grid.linewidth": 0.8,
        "savefig.transparent": True,
        # Letters as outlines look alike everywhere. The names of the outlines come from this salt; without it they
        # are drawn by lot.
        "svg.fonttype": "path",
        "svg.hashsalt": "labml_nn",
    }


def line_chart(x: str, y: str, curves: dict[str, tuple[Sequence[float], Sequence[float]]]) -> Figure:
    r"""
    ## A chart of curves

    * `x` and `y` say what the axes show; formulas stand between dollars
    * `curves` are the names of the curves, for the legend, and for each the numbers along the two axes, as many of
      the one as of the other

    Returns a figure that can be worked on. Its axes are `figure.axes[0]`.
    """
    import matplotlib.style
    from matplotlib.figure import Figure

    # A `Figure` made directly belongs to no window and to no global list, as one made by `pyplot` would.
    with matplotlib.style.context(["default", style()]):
        figure = Figure()
        axes = figure.add_subplot(xlabel=x, ylabel=y)
        for name, (along, up) in curves.items():
            axes.plot(along, up, label=name)
        axes.margins(x=0.02)
        axes.legend()

    return figure


def dark_rules() -> str:
    """
    ## What changes in the dark

    A sheet of CSS. Matplotlib writes the colour of each thing into its `style`, where a rule can find it and overrule
    it. A program that knows nothing of this shows the light colours. An image asks for the scheme of the page that
    shows it, so a switch on the page works too.
    """
    rules = [
        f'[style*="{prop}: {light}"] {{ {prop}: {dark} !important }}'
        for light, dark in [INK, RULE, *CURVES]
        for prop in ("fill", "stroke")
    ]
    return "\n".join(["@media (prefers-color-scheme: dark) {", *rules, "}"])


def save(figure: Figure, path: Path) -> None:
    """
    ## Save a figure

    Writes the SVG for light and dark to `path`, whose folder exists.
    """
    import matplotlib.style

    # Date and version would make a difference where the drawing has none.
    with matplotlib.style.context(["default", style()]):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(path, format="svg", metadata=nothing)

    text = path.read_text(encoding="utf-8")
    text = text.replace("<defs>", f"<style>\n{dark_rules()}\n</style>\n <defs>", 1)

    # Git calls a space at the end of a line an error.
    path.write_text("".join(f"{line.rstrip()}\n" for line in text.splitlines()), encoding="utf-8", newline="\n")


def modules() -> dict[str, Path]:
    """
    ## The modules that draw

    Their names, and where their drawings belong. Sources are read for this, and not imported.
    """
    found = {}
    for source in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(source.read_text(encoding="utf-8"), filename=str(source))
        if any(isinstance(node, ast.FunctionDef) and node.name == "figure" for node in tree.body):
            found[".".join(source.relative_to(ROOT.parent).with_suffix("").parts)] = source.with_suffix(".svg")
    return found


def main() -> None:
    """
    ## Draw them all
    """
    for name, path in modules().items():
        save(importlib.import_module(name).figure(), path)
        print(path.relative_to(ROOT.parent))


if __name__ == "__main__":
    main()
