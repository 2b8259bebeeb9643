"""
# Hosts

The programs that own a site and ask sidelit for its pages. They are the edge: they find files, run processes and write
folders, and the core below them knows none of them.

* [`mkdocs.py`](mkdocs.py) is the plugin that adds annotated sources to a MkDocs or ProperDocs site
* [`api.py`](api.py) gives the plugin the pages of the API reference
* [`site.py`](site.py) builds a whole site into a folder, safely
* [`serve.py`](serve.py) shows it while one writes
"""
