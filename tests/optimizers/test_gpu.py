"""What the optimizers do on a GPU. Where there is none these tests are left out of the run, and named at its end."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from everything import assert_same, bowl, each, tensors, train

from labml_nn.optimizers.adam import Adam

pytestmark = pytest.mark.gpu

DEVICE = "cuda"
SHAPES = [(), (5,), (3, 4), (0, 2), (70, 70)]


def on(device: str, params: list[torch.Tensor], dtype: torch.dtype | None = None) -> list[torch.Tensor]:
    """Copies of parameters on a device."""
    return [p.detach().clone().to(device, dtype).requires_grad_() for p in params]


@each()
def test_trains_as_on_the_cpu(entry):
    host = tensors(*SHAPES)
    params = on(DEVICE, host)
    ours, reference = entry(params, weight_decay=0.1), entry(host, weight_decay=0.1)
    train(ours, lambda: bowl(params))
    train(reference, lambda: bowl(host))
    assert_same(on("cpu", params), host, 1e-10)
    for p in params:
        state = ours.state[p]
        assert p.device.type == DEVICE
        assert {state[key].device.type for key in entry.state} == {DEVICE}
        # Reading the count of steps must not wait for the GPU.
        assert state["step"].device.type == "cpu"


@each()
def test_a_step_does_not_wait_for_the_gpu(entry):
    params = on(DEVICE, tensors(*SHAPES))
    optimizer = entry(params, weight_decay=0.1, maximize=True)
    for p in params:
        p.grad = torch.ones_like(p)
    optimizer.step()
    torch.cuda.set_sync_debug_mode("error")
    try:
        optimizer.step()
    finally:
        torch.cuda.set_sync_debug_mode("default")


@each()
@pytest.mark.parametrize("backend", ["compiled", "flat"])
def test_a_compiled_rule_gives_what_the_eager_one_gives(entry, backend, recwarn):
    params, reference = on(DEVICE, tensors(*SHAPES)), on(DEVICE, tensors(*SHAPES))
    ours, eager = entry(params, backend=backend, weight_decay=0.1), entry(reference, weight_decay=0.1)
    train(ours, lambda: bowl(params))
    train(eager, lambda: bowl(reference))
    assert_same(params, reference, 1e-10)
    assert not [warning for warning in recwarn if "runs eagerly" in str(warning.message)]


@each()
@pytest.mark.parametrize("way", ["up", "down"])
def test_a_checkpoint_moves_between_cpu_and_gpu(entry, way):
    here, there = ("cpu", DEVICE) if way == "up" else (DEVICE, "cpu")
    params = on(here, tensors(*SHAPES))
    optimizer = entry(params)
    train(optimizer, lambda: bowl(params), 5)
    moved = on(there, params)
    other = entry(moved)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for p in moved:
        assert {other.state[p][key].device.type for key in entry.state} == {there}
    train(optimizer, lambda: bowl(params), 5)
    train(other, lambda: bowl(moved), 5)
    assert_same(on("cpu", moved), on("cpu", params), 1e-10)


def test_goes_on_from_torchs_capturable_adam():
    # Such an optimizer counts its steps on the GPU, so that a CUDA graph can do it.
    reference = on(DEVICE, tensors(*SHAPES))
    theirs = torch.optim.AdamW(reference, lr=0.01, weight_decay=0.1, capturable=True)
    train(theirs, lambda: bowl(reference), 5)
    params = on(DEVICE, reference)
    ours = Adam(params)
    ours.load_state_dict(copy.deepcopy(theirs.state_dict()))
    train(theirs, lambda: bowl(reference), 5)
    train(ours, lambda: bowl(params), 5)
    assert_same(params, reference, 1e-10)


@each()
def test_a_scaler_skips_what_overflows(entry):
    params = on(DEVICE, tensors((4,), (2, 3)), torch.float32)
    optimizer, scaler = entry(params), torch.amp.GradScaler(DEVICE, init_scale=1024.0)
    for overflows in (False, True, False):
        optimizer.zero_grad()
        scaler.scale(bowl(params)).backward()
        if overflows:
            params[0].grad[0] = math.inf
        scaler.step(optimizer)
        scaler.update()
    assert scaler.get_scale() == 512.0
    assert all(torch.isfinite(p).all() and optimizer.state[p]["step"] == 2 for p in params)


@each(master=True)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_has_a_master_copy_on_the_gpu(entry, dtype):
    params = on(DEVICE, tensors((4,), (2, 3)), dtype)
    optimizer, scaler = entry(params), torch.amp.GradScaler(DEVICE, init_scale=1024.0)
    before = bowl(params).item()
    for _ in range(20):
        optimizer.zero_grad()
        scaler.scale(bowl([p.float() for p in params])).backward()
        scaler.step(optimizer)
        scaler.update()
    assert bowl(params).item() < before
    for p in params:
        master = optimizer.state[p]["master"]
        assert (master.dtype, master.device) == (torch.float32, p.device)
        assert torch.equal(master.to(dtype), p)
