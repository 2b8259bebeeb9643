"""Adam against torch.optim, and each formula of its page against numbers."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim.lr_scheduler import LambdaLR

from labml_nn.optimizers import WeightDecay
from labml_nn.optimizers.adam import Adam
from labml_nn.optimizers.amsgrad import AMSGrad

SETTINGS = [
    {},
    {"lr": 0.1, "betas": (0.5, 0.9)},
    {"lr": 0.01, "betas": (0.0, 0.99), "eps": 1e-3},
    {"lr": 0.01, "betas": (0.9, 0.0), "eps": 1e-2},
    {"lr": 0.0},
    {"lr": 0.03, "maximize": True},
]


@pytest.mark.parametrize("options", SETTINGS)
@pytest.mark.parametrize("schedule", [False, True])
def test_equals_torch(options, schedule, make_params, train, facts):
    params, reference = make_params(), make_params()
    ours, theirs = Adam(params, **options), torch.optim.Adam(reference, foreach=False, **options)
    sign = -1.0 if options.get("maximize") else 1.0
    for tensors, optimizer in ((params, ours), (reference, theirs)):
        rates = LambdaLR(optimizer, lambda t: 0.5 + 0.5 * math.cos(t / 7)) if schedule else None
        train(tensors, optimizer, 100, rates, sign)
    facts.agree(ours, params, theirs, reference)
    for p, q in zip(params, reference, strict=True):
        for key in ("exp_avg", "exp_avg_sq", "step"):
            assert torch.allclose(ours.state[p][key], theirs.state[q][key], rtol=1e-12, atol=1e-12)


def test_follows_a_schedule_of_lr_and_betas(make_params, train, facts):
    params, reference = make_params(), make_params()
    ours, theirs = Adam(params, weight_decay=0.1), torch.optim.AdamW(reference, weight_decay=0.1)
    cycles = [torch.optim.lr_scheduler.OneCycleLR(o, max_lr=0.05, total_steps=101) for o in (ours, theirs)]
    train(params, ours, 100, cycles[0])
    train(reference, theirs, 100, cycles[1])
    facts.agree(ours, params, theirs, reference, under="OneCycleLR")


@pytest.mark.parametrize("decouple", [True, False])
def test_a_checkpoint_goes_on_in_torch(decouple, make_params, train, difference):
    params = make_params()
    ours = Adam(params, lr=0.02, weight_decay=WeightDecay(0.1, weight_decouple=decouple))
    train(params, ours, 10)

    moved = copy.deepcopy(params)
    theirs = (torch.optim.AdamW if decouple else torch.optim.Adam)(moved, lr=1.0)
    theirs.load_state_dict(copy.deepcopy(ours.state_dict()))
    train(params, ours, 10)
    train(moved, theirs, 10)
    assert difference(params, moved) < 1e-12


@pytest.mark.parametrize("decouple", [True, False])
def test_a_checkpoint_of_torch_goes_on_here(decouple, make_params, train, difference):
    params = make_params()
    theirs = (torch.optim.AdamW if decouple else torch.optim.Adam)(params, lr=0.02, weight_decay=0.1)
    train(params, theirs, 10)

    # The settings of the checkpoint win, the way of the decay among them.
    moved = copy.deepcopy(params)
    ours = Adam(moved, lr=1.0, weight_decay=WeightDecay(0.7, weight_decouple=not decouple))
    ours.load_state_dict(copy.deepcopy(theirs.state_dict()))
    assert ours.param_groups[0]["weight_decouple"] is decouple
    train(params, theirs, 10)
    train(moved, ours, 10)
    assert difference(params, moved) < 1e-12


def test_bias_correction_is_exact_for_a_constant_gradient():
    # theta = theta - lr * g / (|g| + eps), at every step
    g, lr, eps = 0.37, 0.1, 1e-2
    p = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = Adam([p], lr=lr, eps=eps)
    for t in range(1, 51):
        p.grad = torch.full_like(p, g)
        optimizer.step()
        assert p.item() == pytest.approx(-t * lr * g / (g + eps), abs=1e-12)
        state = optimizer.state[p]
        assert state["exp_avg"].item() / (1 - 0.9**t) == pytest.approx(g, abs=1e-13)
        assert state["exp_avg_sq"].item() / (1 - 0.999**t) == pytest.approx(g * g, abs=1e-13)


@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=30),
    st.floats(0, 0.99),
    st.floats(0, 0.9999),
    st.floats(1e-10, 1.0),
)
@settings(deadline=None, max_examples=60)
def test_the_reordered_update_is_the_textbook_one(gradients, beta1, beta2, eps):
    p = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = Adam([p], lr=0.1, betas=(beta1, beta2), eps=eps)
    theta = m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta -= 0.1 * m_hat / (math.sqrt(v_hat) + eps)
        p.grad = torch.full_like(p, g)
        optimizer.step()
    assert p.item() == pytest.approx(theta, rel=1e-9, abs=1e-9)


def test_epsilon_hat_carries_the_square_root():
    optimizer = Adam([torch.zeros(1, requires_grad=True)], lr=0.5, betas=(0.9, 0.99), eps=1e-3)
    for t in (1, 2, 10, 1000):
        scalars = optimizer.scalars(optimizer.param_groups[0], t)
        assert scalars["eps_hat"] == pytest.approx(1e-3 * math.sqrt(1 - 0.99**t), rel=1e-14)
        assert scalars["step_size"] == pytest.approx(0.5 * math.sqrt(1 - 0.99**t) / (1 - 0.9**t), rel=1e-14)


def step_bound(t: int, beta1: float, beta2: float) -> float:
    """The bound of the page on one step, for a learning rate of 1."""
    rho = beta1**2 / beta2
    return (
        (math.sqrt(1 - beta2**t) / (1 - beta1**t))
        * ((1 - beta1) / math.sqrt(1 - beta2))
        * math.sqrt((1 - rho**t) / (1 - rho))
    )


def last_step(gradients: list[float], beta1: float, beta2: float) -> float:
    """The length of the last step, for a learning rate of 1 and no epsilon."""
    p = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = Adam([p], lr=1.0, betas=(beta1, beta2), eps=0.0)
    for g in gradients:
        before = p.item()
        p.grad = torch.full_like(p, g)
        optimizer.step()
    return abs(p.item() - before)


@given(
    st.lists(st.floats(0.001, 1000) | st.floats(-1000, -0.001), min_size=1, max_size=25),
    st.sampled_from([(0.9, 0.999), (0.9, 0.99), (0.5, 0.9), (0.0, 0.9), (0.9, 0.9), (0.95, 0.5)]),
)
@settings(deadline=None, max_examples=60)
def test_no_step_is_longer_than_the_bound(gradients, betas):
    assert last_step(gradients, *betas) <= step_bound(len(gradients), *betas) * (1 + 1e-9)


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.9, 0.99), (0.5, 0.9)])
def test_a_growing_gradient_attains_the_bound(betas):
    growth = betas[1] / betas[0]
    gradients = [growth**t for t in range(60)]
    assert last_step(gradients, *betas) == pytest.approx(step_bound(60, *betas), rel=1e-9)


def test_the_numbers_of_the_page():
    assert step_bound(100_000, 0.9, 0.999) == pytest.approx(7.3, abs=0.05)
    silence_then_one = [1e-30] * 8000 + [1.0]
    assert last_step(silence_then_one, 0.9, 0.999) == pytest.approx(0.1 / math.sqrt(0.001), rel=1e-3)
    # equal rates bound the step by the learning rate
    assert step_bound(10, 0.9, 0.9) == pytest.approx(1.0, rel=1e-9)
    # without corrections the first step would be this many times too long
    assert 0.1 / math.sqrt(0.001) == pytest.approx(3.2, abs=0.05)


def test_bfloat16_never_decays_the_second_moment():
    p = torch.ones(1, dtype=torch.bfloat16, requires_grad=True)
    optimizer = Adam([p])
    p.grad = torch.full_like(p, 10.0)
    optimizer.step()
    v = optimizer.state[p]["exp_avg_sq"].item()
    for _ in range(100):
        p.grad = torch.zeros_like(p)
        optimizer.step()
    assert optimizer.state[p]["exp_avg_sq"].item() == v


def test_the_scale_of_the_loss_does_not_matter():
    results = []
    for scale in (1.0, 1000.0):
        p = torch.tensor([3.0, -2.0], dtype=torch.float64, requires_grad=True)
        optimizer = Adam([p], lr=0.1, eps=0.0)
        for _ in range(20):
            p.grad = scale * (p.detach() - 1)
            optimizer.step()
        results.append(p.detach())
    assert (results[0] - results[1]).abs().max() < 1e-12


def test_lowers_a_quadratic():
    p = torch.tensor([3.0, -2.0], requires_grad=True)
    curvature, optimizer = torch.tensor([1.0, 100.0]), Adam([p], lr=0.1)
    for _ in range(300):
        p.grad = curvature * p.detach()
        optimizer.step()
    assert (curvature * p.square()).sum() < 1e-3


@given(st.integers(1, 12), st.integers(0, 12), st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
def test_splitting_a_tensor_changes_nothing(n, cut, seed):
    generator = torch.Generator().manual_seed(seed)
    cut = min(cut, n)
    start, grads = torch.randn(n, generator=generator), torch.randn(5, n, generator=generator)
    whole = start.clone().requires_grad_()
    left, right = start[:cut].clone().requires_grad_(), start[cut:].clone().requires_grad_()
    one, two = (Adam(ps, lr=0.1, weight_decay=0.1) for ps in ([whole], [left, right]))
    for g in grads:
        whole.grad, left.grad, right.grad = g.clone(), g[:cut].clone(), g[cut:].clone()
        one.step()
        two.step()
    # Rounding may differ where one kernel takes four numbers at a time and another takes one.
    assert torch.allclose(whole, torch.cat([left, right]), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_is_deterministic_and_keeps_the_dtype(dtype, make_params):
    results = []
    for _ in range(2):
        params = make_params(dtype=dtype)
        optimizer = Adam(params, lr=0.1, eps=1e-4, weight_decay=0.1)
        for _ in range(5):
            for p in params:
                p.grad = p.detach().sin()
            optimizer.step()
        assert all(p.dtype == dtype for p in params)
        assert all(optimizer.state[p][key].dtype == dtype for p in params for key in ("exp_avg", "exp_avg_sq"))
        results.append(params)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def tensors(scalars: dict, dtype: torch.dtype) -> dict:
    """The scalars as a compiling backend passes them: floats become tensors of no dimensions, booleans stay."""
    return {k: x if isinstance(x, bool) else torch.tensor(x, dtype=dtype) for k, x in scalars.items()}


CASES = [
    (Adam, 0.0, False),
    (Adam, WeightDecay(0.1), True),
    (Adam, WeightDecay(0.1, weight_decouple=False), False),
    (AMSGrad, 0.1, False),
]


@pytest.mark.parametrize("backend", ["none", "eager", "aot_eager"])
@pytest.mark.parametrize(("cls", "decay", "maximize"), CASES)
def test_the_rule_compiles_once_with_tensors_for_numbers(cls, decay, maximize, backend):
    torch._dynamo.reset()
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    p = start.clone().requires_grad_()
    optimizer = cls([p], lr=0.1, weight_decay=decay, maximize=maximize)
    group, state, theta = optimizer.param_groups[0], {}, start.clone()
    optimizer.init_state(state, group, theta)

    rule = optimizer.step_tensor
    if backend != "none":
        rule = torch.compile(rule, fullgraph=True, backend=backend)
    for t in range(1, 21):
        group["lr"], group["betas"] = 0.1 / t, (0.9 - 0.01 * t, 0.99)
        p.grad = torch.randn(4, 3, generator=generator, dtype=torch.float64)
        optimizer.step()
        # After the first step a recompilation is an error.
        with torch.no_grad(), torch.compiler.set_stance("default" if t == 1 else "fail_on_recompile"):
            rule(theta, p.grad, state, tensors(optimizer.step_scalars(group, t), torch.float64))
    assert (theta - p).abs().max() < 1e-12
    for key, value in state.items():
        assert (value - optimizer.state[p][key]).abs().max() < 1e-12
