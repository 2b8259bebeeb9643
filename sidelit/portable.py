r"""
# Names that every file system takes

A site is built on one machine, and read, copied and unpacked on others. This module takes the address that a page would
have and says what is wrong with it there: names that Windows reserves or refuses, paths that are too long. Such a page
is made all the same, where the machine at hand can write it.
"""

from __future__ import annotations

import re
import unicodedata

# With any ending and in any case, these are devices of Windows and no files.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE)

_REFUSED = re.compile(r'[<>:"|?*\\\x00-\x1f]')

# Bytes in one name, and in the whole path: what no common file system exceeds.
LONGEST_NAME, LONGEST_PATH = 255, 1000

# Characters: Windows takes 260 for the whole path, and the site lies in some folder.
LONG_PATH = 200


def place(address: str) -> str:
    """
    ## What tells two files apart everywhere

    Windows and macOS do not tell `Adam.html` from `adam.html`, and macOS reads an accent that is a character of its own
    like one that is not.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).casefold())


def clash(address: str, other: str, taken: str) -> str:
    """
    ## What is wrong with an address that another file has, or nearly has

    `other` is the name of that file, `taken` its address.
    """
    problem = f"wants the address {address}, which {other} has"
    if address != taken:
        problem = f"wants the address {address}, and {other} has {taken}: one file on Windows and macOS"
    return f"{problem}; rename one, or mount it elsewhere"


def is_writable(address: str) -> bool:
    """
    ## Whether a file of that address can be made at all
    """
    longest = max(len(name.encode()) for name in address.split("/"))
    return longest <= LONGEST_NAME and len(address.encode()) <= LONGEST_PATH


def problem(address: str) -> str:
    """
    ## What is wrong with an address on other machines

    And what to do; empty if nothing is. For all files in a folder that has a wrong name it is the same.
    """
    parts = address.split("/")
    for number, name in enumerate(parts, start=1):
        shown = _printable("/".join(parts[:number]))
        if _DEVICES.match(name):
            return f"the last name in `{shown}` is that of a device on Windows, which makes no such file; rename it"
        if found := _REFUSED.search(name):
            return f"Windows refuses names with {_printable(found[0])}, as in `{shown}`; rename it"
        if name.endswith((".", " ")):
            return f"Windows drops the last character of `{shown}`; rename it"
    if not is_writable(address):
        return f"its address, {_printable(address[:60])}…, is too long for a file; rename it, or mount it elsewhere"
    if len(address) > LONG_PATH:
        return f"its address has {len(address)} characters, too many for Windows; rename it, or mount it elsewhere"
    return ""


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
