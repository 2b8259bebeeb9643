"""
# The API reference

For people who want signatures and not a story: a page for each module, with its classes and functions in the order of
the source, made with [pdoc](https://pdoc.dev/). Each entry leads to the section that explains it, and back.

pdoc imports what it documents. All else in sidelit only reads sources, so nothing is imported unless it is asked for,
and then in a process of its own, which may exit, print or hang without harm to the build.

* [`wanted.py`](wanted.py) reads what the configuration asks for, and finds the modules without importing any
* [`apart.py`](apart.py) is the other process: it imports the modules and lets pdoc describe them
* [`stand_in.py`](stand_in.py) stands in for libraries that the build shall not need
* [`describe.py`](describe.py) runs that process, with a time limit, and keeps what it said
* [`page.py`](page.py) makes a page of each description, with prose and formulas as on all other pages
"""
