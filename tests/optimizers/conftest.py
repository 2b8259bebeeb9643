"""A small problem that every optimizer here is trained on, in double precision."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from facts import Facts

from benchmarks.proofs import MADE_AGAIN
from labml_nn.optimizers import backends

SHAPES = [(), (7,), (3, 5), (2, 3, 4), (0, 3)]


def valleys(params: list[torch.Tensor]) -> torch.Tensor:
    """A loss with curved valleys and gradients of very different size, so that a wrong formula shows at once."""
    total = torch.zeros((), dtype=params[0].dtype)
    for k, p in enumerate(params):
        scale = 10.0 ** (k - 2)
        total = total + scale * ((p - 1).square().sum() + 0.3 * (p.square() - 0.5 * p).square().sum() + p.sin().sum())
    return total


@pytest.fixture
def make_params() -> Callable[..., list[torch.Tensor]]:
    """Parameters of several shapes, the same for each call with the same arguments."""

    def make(shapes=SHAPES, dtype=torch.float64, seed=0) -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        return [torch.randn(s, generator=generator, dtype=dtype).requires_grad_() for s in shapes]

    return make


@pytest.fixture
def train() -> Callable[..., None]:
    """Trains parameters with an optimizer, and a scheduler if there is one; `sign=-1.0` turns the loss around."""

    def run(params, optimizer, steps=100, scheduler=None, sign=1.0) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            (sign * valleys(params)).backward()
            optimizer.step()
            if scheduler is not None:
                scheduler.step()

    return run


@pytest.fixture
def difference() -> Callable[..., float]:
    """The largest difference between two lists of tensors."""

    def largest(a, b) -> float:
        return max(((x - y).abs().max().item() for x, y in zip(a, b, strict=True) if x.numel()), default=0.0)

    return largest


@pytest.fixture
def facts(request, record_property, difference) -> Facts:
    """Asserts what a page says of its optimizer, and records it."""
    test = request.node.nodeid.partition("[")[0]
    return Facts(record_property, difference, test, request.config.stash.get(MADE_AGAIN, False))


@pytest.fixture
def quick_compiler(monkeypatch) -> None:
    """Compiles as far as graphs and no further. A C++ compiler takes seconds."""
    quick, compile_ = "aot_eager", torch.compile
    monkeypatch.setattr(backends, "COMPILER", quick)
    monkeypatch.setattr(torch, "compile", lambda *args, **options: compile_(*args, **{"backend": quick} | options))
