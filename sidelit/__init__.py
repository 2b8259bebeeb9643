"""
# sidelit

One file is both the tutorial and the program. `sidelit` reads annotated Python and renders each file as a page with
the prose on the left and the code on the right, in the order of the source.

Read the modules in the order in which data flows. [source.py](source.py) splits a file into sections;
[prose.py](prose.py) and [code.py](code.py) turn them into HTML; [making.py](making.py) puts that together to
a [page](page.py). All of these are pure. Around them stand [mathjax.py](mathjax.py), [cache.py](cache.py),
[export](export/__init__.py), which makes files to take away, [api](api/__init__.py), which lists signatures,
[tree.py](tree.py), which finds the sources, the [hosts](hosts/__init__.py), which know where pages go, and
[cli.py](cli.py).
"""

from __future__ import annotations

__version__ = "0.1.0"
