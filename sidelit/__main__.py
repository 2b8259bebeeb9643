"""
# `python -m sidelit`

The [command line](cli.py), for where the program `sidelit` is not on the path.
"""

from sidelit.cli import main

main(prog_name="python -m sidelit")
