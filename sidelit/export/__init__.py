"""
# What a reader takes along

A page explains code that somebody wants to have. These modules make of a source what can be taken away and used: one
file that runs alone, a notebook, and a citation. Sources are read and never run.

* [`modules.py`](modules.py) reads the modules of a package, and says where a dotted name is defined
* [`closure.py`](closure.py) says which statements a definition needs, and refuses what cannot be told from the text
* [`imports.py`](imports.py) merges and sorts the imports that are left
* [`standalone.py`](standalone.py) writes all that as one module
* [`notebook.py`](notebook.py) cuts a source into the cells of a notebook
* [`citation.py`](citation.py) says how to cite the paper that a page rests on
* [`origin.py`](origin.py) says where a source comes from: its commit and its licence
* [`requirements.py`](requirements.py) says from which version on a library will do
* [`drafts.py`](drafts.py) keeps for a site what was made, as long as nothing changes that it depends on
* [`output.py`](output.py) puts a file in its place in one step
"""
