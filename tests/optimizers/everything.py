"""
Every optimizer here in one table, from which the tests of what holds for all of them take theirs.

An entry has arguments with which a few steps show everything: a short warm-up, a learning rate at which something
moves. Where a method deviates its entry says so, and no test needs to know it by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from labml_nn.optimizers import GenericAdaptiveOptimizer, WeightDecay
from labml_nn.optimizers.ada_belief import AdaBelief
from labml_nn.optimizers.adam import Adam
from labml_nn.optimizers.adam_fp16 import AdamFP16
from labml_nn.optimizers.adam_warmup import AdamWarmup
from labml_nn.optimizers.adam_warmup_cosine_decay import AdamWarmupCosineDecay
from labml_nn.optimizers.amsgrad import AMSGrad
from labml_nn.optimizers.noam import Noam
from labml_nn.optimizers.radam import RAdam
from labml_nn.optimizers.sophia import Sophia


@dataclass(frozen=True)
class Entry:
    """An optimizer as the tests make it."""

    cls: type[GenericAdaptiveOptimizer]
    options: dict[str, Any] = field(default_factory=dict)

    # What it remembers of each parameter, beside the count of steps
    state: tuple[str, ...] = ("exp_avg", "exp_avg_sq")

    # With these arguments it is Adam; None where it never is.
    as_adam: dict[str, Any] | None = None

    # It keeps the state of half precision parameters in float32, with a master copy.
    master: bool = False

    # It wants an estimate of the Hessian now and then.
    hessian: bool = False

    # In so many steps at first it watches the gradients, and moves nothing.
    waits: int = 0

    def __call__(self, params, **options: Any) -> GenericAdaptiveOptimizer:
        """The optimizer, with `options` in place of those of the table."""
        return self.cls(params, **(self.options | options))


ENTRIES = {
    "adam": Entry(Adam, {"lr": 0.01}, as_adam={}),
    "adamw": Entry(Adam, {"lr": 0.01, "weight_decay": 0.1}),
    "adam_l2": Entry(Adam, {"lr": 0.01, "weight_decay": WeightDecay(0.1, weight_decouple=False)}),
    "amsgrad": Entry(
        AMSGrad, {"lr": 0.01}, state=("exp_avg", "exp_avg_sq", "max_exp_avg_sq"), as_adam={"amsgrad": False}
    ),
    "adam_warmup": Entry(AdamWarmup, {"lr": 0.02, "warmup": 5}, as_adam={"warmup": 0}),
    "noam": Entry(Noam, {"lr": 0.1, "warmup": 5, "d_model": 16}),
    "adam_warmup_cosine_decay": Entry(
        AdamWarmupCosineDecay,
        {"lr": 0.02, "warmup": 3, "total_steps": 60, "floor": 0.1},
        as_adam={"warmup": 0, "total_steps": 1, "floor": 1.0},
    ),
    "radam": Entry(RAdam, {"lr": 0.01}),
    # A short memory, so that its steps are not tiny for long
    "radam_waiting": Entry(RAdam, {"lr": 0.02, "betas": (0.9, 0.9), "degenerated_to_sgd": False}, waits=5),
    "ada_belief": Entry(AdaBelief, {"lr": 0.01, "eps": 1e-8}, state=("exp_avg", "exp_avg_var")),
    "ada_belief_plain": Entry(AdaBelief, {"lr": 0.01, "eps": 1e-8, "rectify": False}, state=("exp_avg", "exp_avg_var")),
    "sophia": Entry(Sophia, {"lr": 0.01, "gamma": 0.5}, state=("exp_avg", "hessian"), hessian=True),
    "adam_fp16": Entry(AdamFP16, {"lr": 0.01}, as_adam={}, master=True),
}


def each(**chosen: Any) -> pytest.MarkDecorator:
    """Runs a test once for each entry of the table; `each(hessian=True)` for those that are so."""
    entries = [
        pytest.param(entry, id=name)
        for name, entry in ENTRIES.items()
        if all(getattr(entry, key) == value for key, value in chosen.items())
    ]
    return pytest.mark.parametrize("entry", entries)


def tensors(*shapes: tuple[int, ...], dtype: torch.dtype = torch.float64, seed: int = 0) -> list[torch.Tensor]:
    """Parameters, the same for each call with the same arguments."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes]


def copies(params: list[torch.Tensor]) -> list[torch.Tensor]:
    """Parameters of the same values, with memory of their own."""
    return [p.detach().clone().requires_grad_() for p in params]


def bowl(params: list[torch.Tensor]) -> torch.Tensor:
    """A loss with its minimum near one, in each tensor ten times as steep as in the one before."""
    return sum(10.0 ** (k - 1) * ((p - 1).square().sum() + p.sin().sum()) for k, p in enumerate(params))


def train(optimizer: torch.optim.Optimizer, loss: Callable[[], torch.Tensor], steps: int = 10) -> None:
    """Takes steps down `loss`; an optimizer that wants the Hessian gets an estimate at every third."""
    for step in range(steps):
        if step % 3 == 0 and hasattr(optimizer, "update_hessian"):
            optimizer.update_hessian(loss(), batch_size=2)
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()


def step_with(optimizer: torch.optim.Optimizer, params: list[torch.Tensor], grads: list[torch.Tensor]) -> None:
    """Takes one step with given gradients."""
    for p, grad in zip(params, grads, strict=True):
        p.grad = grad.clone()
    optimizer.step()


def assert_same(ours: list[torch.Tensor], theirs: list[torch.Tensor], tolerance: float = 0.0) -> None:
    """Two lists of tensors hold the same finite numbers, up to `tolerance`."""
    for a, b in zip(ours, theirs, strict=True):
        assert torch.isfinite(torch.view_as_real(a) if a.is_complex() else a).all()
        torch.testing.assert_close(a.detach(), b.detach(), rtol=0.0, atol=tolerance)
