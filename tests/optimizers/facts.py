"""
What a test found out about an optimizer, put down for its page.

A test that uses the fixture `facts` says what it compared, tried or measured, and the fixture asserts it. What is
recorded is what was asserted, so that tests and [proofs](../../benchmarks/proofs.py) cannot disagree. The proofs that
are committed are held against what comes out now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

import torch
from torch.optim import Optimizer

from benchmarks.proofs import FACT, PROOFS, ROOT
from sidelit.proofs import Comparison, Proofs, read_proofs

# How many times as large as on the machine of the proof a difference may be
OTHER_MACHINES = 1000


@cache
def committed() -> Proofs:
    """The proofs that pages show."""
    proofs, problems = read_proofs(PROOFS.read_text(encoding="utf-8"), str(PROOFS))
    assert proofs, problems
    return proofs


def holds(proof: Comparison, difference: float) -> bool:
    """Whether a comparison that was done again confirms the proof."""
    smallest = torch.finfo(getattr(torch, proof.precision)).eps
    if proof.bound == 0:
        return difference == proof.difference == 0
    return difference < proof.bound and difference <= OTHER_MACHINES * max(proof.difference, smallest)


@dataclass(frozen=True)
class Facts:
    """What one test records. `test` is its name; while proofs are made again, the old ones mean nothing."""

    record: Callable[[str, Any], None]
    difference: Callable[..., float]
    test: str
    made_again: bool

    def agree(
        self,
        ours: Optimizer,
        params: list[torch.Tensor],
        theirs: Optimizer | str,
        reference: list[torch.Tensor],
        *,
        under: str = "",
        bound: float = 1e-12,
        steps: int = 100,
    ) -> None:
        """Two ways to train ended at the same numbers. What has no class is called by its name."""
        largest = self.difference(params, reference)
        precision = max((p.dtype for p in params), key=lambda dtype: dtype.itemsize)
        self.compared(ours, theirs, largest, precision, under=under, bound=bound, steps=steps)

    def compared(
        self,
        ours: Optimizer,
        theirs: Optimizer | str,
        difference: float,
        precision: torch.dtype,
        *,
        under: str = "",
        bound: float = 1e-12,
        steps: int = 100,
    ) -> None:
        """The largest difference is below a bound; where that is zero, there is none."""
        against, library = (theirs, "") if isinstance(theirs, str) else (name_of(theirs), library_of(theirs))
        against = f"{against} with {under}" if under else against
        assert difference < bound or difference == bound == 0
        for proof in () if self.made_again else self._proofs_of(ours):
            if (proof.against, proof.precision) == (against, str(precision).removeprefix("torch.")):
                assert holds(proof, difference), f"{PROOFS} says {proof.difference}: run `make proofs`"
        self._record(
            ours,
            "comparisons",
            against=against,
            version=library,
            difference=difference,
            bound=bound,
            over=f"{steps} steps",
            precision=str(precision).removeprefix("torch."),
        )

    def passed(self, ours: Optimizer, of: str, case: str, name: str, total: int, claim: str) -> None:
        """A case of PyTorch's was passed."""
        library = f"torch {version('torch')}"
        self._record(ours, "cases", of=of, version=library, case=case, name=name, total=total, claim=claim)

    def measured(self, ours: Optimizer, name: str, value: float, unit: str) -> None:
        """Something has this size."""
        self._record(ours, "measurements", name=name, value=value, unit=unit)

    def _proofs_of(self, ours: Optimizer) -> list[Comparison]:
        """What is committed of this test."""
        path = ROOT.joinpath(*type(ours).__module__.split(".")).with_suffix(".py")
        proof = committed().files.get(path.relative_to(PROOFS.parent).as_posix())
        return [each for each in proof.comparisons if each.test.endswith(f"/{self.test}")] if proof else []

    def _record(self, ours: Optimizer, kind: str, **fact: Any) -> None:
        cls = type(ours)
        self.record(FACT, {"kind": kind, "module": cls.__module__, "optimizer": cls.__name__, **fact})


def name_of(optimizer: Optimizer) -> str:
    """What readers call the class of an optimizer."""
    cls = type(optimizer)
    package = cls.__module__.partition(".")[0]
    where = {"torch": "torch.optim", "labml_nn": cls.__module__}.get(package, package)
    options = "(amsgrad=True)" if optimizer.defaults.get("amsgrad") else ""
    return f"{where}.{cls.__name__}{options}"


def library_of(optimizer: Optimizer) -> str:
    """The library that an optimizer is from, with its version; nothing for ours."""
    package = type(optimizer).__module__.partition(".")[0]
    return "" if package == "labml_nn" else f"{package} {version(package)}"
