"""What is true of every optimizer here, whatever the numbers."""

from __future__ import annotations

import pytest
import torch
from everything import assert_same, copies, each, step_with
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=8, deadline=None)
seeds = st.integers(0, 2**32 - 1)
DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


def random(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Normally distributed numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def run(entry, params: list[torch.Tensor], grads: list[list[torch.Tensor]], **options) -> torch.optim.Optimizer:
    """Takes one step for each list of gradients; the loss of which they are the slope estimates the Hessian first."""
    optimizer = entry(params, **options)
    if entry.hessian:
        slope = sum((p * g).sum() for p, g in zip(params, grads[0], strict=True))
        optimizer.update_hessian(slope, batch_size=2)
    for step in grads:
        step_with(optimizer, params, step)
    return optimizer


@each()
@given(n=st.integers(1, 40), cut=st.integers(0, 40), seed=seeds, decay=st.sampled_from([0.0, 0.1]))
@few
def test_a_tensor_may_be_split(entry, n, cut, seed, decay):
    cut = min(cut, n)
    start, grads = random(seed, n), random(seed + 1, 8, n)
    whole, left, right = copies([start, start[:cut], start[cut:]])
    run(entry, [whole], [[g] for g in grads], weight_decay=decay)
    run(entry, [left, right], [[g[:cut], g[cut:]] for g in grads], weight_decay=decay)
    # A kernel that takes four numbers at a time may round otherwise than one that takes one.
    assert_same([torch.cat([left, right])], [whole], 1e-12)


@each()
@given(rows=st.integers(1, 5), columns=st.integers(1, 5), seed=seeds)
@few
def test_shape_and_order_do_not_matter(entry, rows, columns, seed):
    start, grads = random(seed, rows, columns), random(seed + 1, 8, rows, columns)
    order = torch.randperm(rows * columns, generator=torch.Generator().manual_seed(seed))
    matrix, vector = copies([start, start.flatten()[order]])
    run(entry, [matrix], [[g] for g in grads])
    run(entry, [vector], [[g.flatten()[order]] for g in grads])
    assert_same([matrix.flatten()[order]], [vector], 1e-12)


@each()
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@given(shape=st.lists(st.integers(0, 4), max_size=3), seed=seeds)
@few
def test_is_deterministic_and_keeps_dtype_device_and_shape(entry, dtype, shape, seed):
    start = random(seed, *shape).to(dtype)
    grads = [[random(seed + k, *shape).to(dtype)] for k in range(4)]
    results = []
    for _ in range(2):
        (p,) = copies([start])
        # An epsilon that float16 can hold
        optimizer = run(entry, [p], grads, eps=1e-4)
        state = optimizer.state[p]
        assert (p.dtype, p.device, p.shape) == (dtype, start.device, start.shape)
        for key in entry.state:
            precise = torch.promote_types(dtype, torch.float32) if entry.master else dtype
            assert (state[key].dtype, state[key].device, state[key].shape) == (precise, p.device, p.shape)
        assert (state["step"].dtype, state["step"].device.type) == (torch.float32, "cpu")
        assert torch.isfinite(p).all()
        results.append([p, *(state[key] for key in entry.state)])
    assert_same(*results)


@each()
@given(
    curvature=st.lists(st.floats(0.1, 10.0), min_size=1, max_size=4),
    distance=st.lists(st.floats(0.5, 3.0) | st.floats(-3.0, -0.5), min_size=4, max_size=4),
)
@few
def test_lowers_a_quadratic(entry, curvature, distance):
    c = torch.tensor(curvature, dtype=torch.float64)
    p = torch.tensor(distance[: len(curvature)], dtype=torch.float64, requires_grad=True)
    optimizer, losses = entry([p], weight_decay=0.0), []
    for step in range(40):
        loss = (c * p.square()).sum() / 2
        losses.append(loss.item())
        if step % 3 == 0 and entry.hessian:
            # Its gradient, squared, is the curvature: a sample of what the exact estimate would be.
            optimizer.update_hessian((c.sqrt() * p).sum(), batch_size=1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]
    # Far from the minimum it goes down at every step once it moves.
    assert all(b < a for a, b in zip(losses[entry.waits : 15], losses[entry.waits + 1 : 15], strict=False))


@each()
@given(seed=seeds, power=st.integers(-8, 8))
@few
def test_the_rate_scales_the_first_step(entry, seed, power):
    # Powers of two, so that nothing is rounded. The first steps of all methods are linear in the learning rate.
    grads = [[random(seed, 5)]] * (entry.waits + 1)
    moves = []
    for factor in (1.0, 2.0**power):
        p = torch.zeros(5, dtype=torch.float64, requires_grad=True)
        run(entry, [p], grads, lr=entry.options["lr"] * factor, weight_decay=0.0)
        moves.append(p.detach() / factor)
    assert moves[0].abs().min() > 0
    assert_same([moves[0]], [moves[1]], 1e-12)
