"""
# Standing in for a library

A signature can be told without the libraries that the code calls. To install torch for the names of its classes would
make a site of a few seconds one of gigabytes, and a site that looks otherwise where torch happens to be installed could
not be built the same everywhere. So a library may be named for which there is always a stand-in: every name in it
exists, is a class, and does nothing.

* As a base class it is one without methods.
* As a decorator it gives back what it decorates, with arguments or without.
* In an annotation, and as a default, it shows the name that the library has for it.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Iterable, Iterator, Sequence
from typing import Any


class _Kind(type):
    """
    ## What is found in a library

    It is a class, so that it can be one's base. What a class is asked for is answered here and not in the class, so
    that nothing is inherited from it.
    """

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__") or not _is_stand_in(cls):
            raise AttributeError(name)
        return _stand_in(f"{cls.__qualname__}.{name}", cls.__module__)

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        if not _is_stand_in(cls):
            return super().__call__(*arguments, **named)
        # `@torch.no_grad` has the function as its argument, `@torch.no_grad()` is called before it is given one.
        return arguments[0] if len(arguments) == 1 and not named and _is_code(arguments[0]) else cls

    def __iter__(cls) -> Iterator[Any]:
        return iter(())

    def __getitem__(cls, item: Any) -> Any:
        return cls

    def __enter__(cls) -> Any:
        return cls

    def __exit__(cls, *error: object) -> None:
        return None

    def __repr__(cls) -> str:
        return f"{cls.__module__}.{cls.__qualname__}"


def _stand_in(name: str, module: str) -> type:
    made = _Kind(name.rpartition(".")[2], (), {"__module__": module, "__doc__": None, _SIGN: True})
    made.__qualname__ = name
    return made


# What a stand-in has itself, and a class that is made from it only inherits
_SIGN = "__stands_in__"


def _is_stand_in(cls: type) -> bool:
    return _SIGN in vars(cls)


def _is_code(value: Any) -> bool:
    return isinstance(value, types.FunctionType) or (isinstance(value, type) and not isinstance(value, _Kind))


class _Module(types.ModuleType):
    """A module in which every name exists, each the same thing every time."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _stand_in(name, self.__name__)
        setattr(self, name, made)
        return made


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the libraries, and all modules in them, before anyone else does."""

    def __init__(self, libraries: Iterable[str]) -> None:
        self._libraries = tuple(libraries)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if any(name == each or name.startswith(f"{each}.") for each in self._libraries):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        return None


def stand_in_for(libraries: Iterable[str]) -> None:
    """
    ## Let there be stand-ins from now on

    For a process that imports nothing in earnest.
    """
    sys.meta_path.insert(0, _Finder(libraries))
