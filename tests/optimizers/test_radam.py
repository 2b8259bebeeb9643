"""RAdam against torch.optim, and each step of its derivation against numbers."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim.lr_scheduler import LambdaLR

from labml_nn.optimizers import WeightDecay
from labml_nn.optimizers.radam import RAdam, average_length, figure, rectification

BETAS = [0.9, 0.99, 0.999, 0.9999]

# The last four are rectified late or never.
SETTINGS = [
    {},
    {"lr": 0.005, "betas": (0.5, 0.9)},
    {"lr": 0.01, "betas": (0.0, 0.99), "eps": 1e-3},
    {"lr": 0.003, "maximize": True},
    {"betas": (0.9, 0.7)},
    {"betas": (0.9, 2 / 3)},
    {"betas": (0.9, 0.5)},
    {"betas": (0.9, 0.0)},
]


@pytest.mark.parametrize("options", SETTINGS)
@pytest.mark.parametrize("decay", [None, "decoupled", "l2"])
def test_equals_torch(options, decay, make_params, train, facts):
    params, reference = make_params(), make_params()
    ours = RAdam(params, weight_decay=WeightDecay(0.1 if decay else 0.0, weight_decouple=decay != "l2"), **options)
    theirs = torch.optim.RAdam(
        reference,
        foreach=False,
        weight_decay=0.1 if decay else 0.0,
        decoupled_weight_decay=decay == "decoupled",
        **options,
    )
    sign = -1.0 if options.get("maximize") else 1.0
    for tensors, optimizer in ((params, ours), (reference, theirs)):
        rates = LambdaLR(optimizer, lambda t: 0.5 + 0.5 * math.cos(t / 7))
        train(tensors, optimizer, 100, rates, sign)
    assert all(torch.isfinite(p).all() for p in reference)
    facts.agree(ours, params, theirs, reference)
    for p, q in zip(params, reference, strict=True):
        for key in ("exp_avg", "exp_avg_sq", "step"):
            assert torch.allclose(ours.state[p][key], theirs.state[q][key], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("decouple", [True, False])
@pytest.mark.parametrize("steps", [3, 20])
def test_a_checkpoint_of_torch_goes_on_here(decouple, steps, make_params, train, difference):
    params = make_params()
    theirs = torch.optim.RAdam(params, lr=0.002, weight_decay=0.1, decoupled_weight_decay=decouple)
    train(params, theirs, steps)

    # The settings of the checkpoint win, the way of the decay among them.
    moved = copy.deepcopy(params)
    ours = RAdam(moved, lr=1.0, weight_decay=WeightDecay(0.7, weight_decouple=not decouple))
    ours.load_state_dict(copy.deepcopy(theirs.state_dict()))
    train(params, theirs, 10)
    train(moved, ours, 10)
    assert difference(params, moved) < 1e-12


@pytest.mark.parametrize("decouple", [True, False])
def test_a_checkpoint_goes_on_in_torch(decouple, make_params, train, difference):
    params = make_params()
    ours = RAdam(params, lr=0.002, weight_decay=WeightDecay(0.1, weight_decouple=decouple))
    train(params, ours, 10)

    moved = copy.deepcopy(params)
    theirs = torch.optim.RAdam(moved, lr=1.0)
    theirs.load_state_dict(copy.deepcopy(ours.state_dict()))
    train(params, ours, 10)
    train(moved, theirs, 10)
    assert difference(params, moved) < 1e-12


@pytest.mark.parametrize("beta2", [0.0, 0.5, *BETAS])
@pytest.mark.parametrize("t", [1, 2, 5, 30, 1000])
def test_the_length_is_that_of_a_plain_average_of_the_same_age(beta2, t):
    weights = [beta2**k for k in range(t)]
    age = math.fsum(k * w for k, w in enumerate(weights)) / math.fsum(weights)
    rho, rho_inf = average_length(beta2, t)
    assert (rho - 1) / 2 == pytest.approx(age, rel=1e-9, abs=1e-7)

    # More recent than a plain average of all, and on its way to the limit
    assert rho <= min(t, rho_inf) * (1 + 1e-9)
    assert average_length(beta2, 10**7)[0] == pytest.approx(rho_inf, rel=1e-12)


def chi_squared_mean(f, rho: float) -> float:
    """The expectation of f(x) where x has the chi-squared distribution with `rho` degrees of freedom."""

    # In y = log x the integrand is smooth and vanishes at both ends: the trapezoid rule is exact to rounding.
    ys = [-160 + 0.02 * k for k in range(8500)]
    logs = [rho / 2 * y - math.exp(y) / 2 for y in ys]
    highest = max(logs)
    density = [math.exp(value - highest) for value in logs]
    return math.fsum(f(math.exp(y)) * p for y, p in zip(ys, density, strict=True)) / math.fsum(density)


def exact_variance(rho: float, sigma: float = 1.0) -> float:
    """Var[psi], by the formula of the page."""
    quotient = math.exp(2 * (math.lgamma((rho - 1) / 2) - math.lgamma(rho / 2)))
    return rho / sigma**2 * (1 / (rho - 2) - quotient / 2)


def first_order_variance(rho: float, sigma: float = 1.0) -> float:
    """Var[psi] to first order, by the formula of the page."""
    return rho / (2 * (rho - 2) * (rho - 4) * sigma**2)


@pytest.mark.parametrize("rho", [5.0, 7.3, 12.0, 100.0, 1999.0])
@pytest.mark.parametrize("sigma", [0.5, 1.0])
def test_mean_and_variance_of_the_squared_rate(rho, sigma):
    inverse = chi_squared_mean(lambda x: 1 / x, rho)
    inverse_square = chi_squared_mean(lambda x: 1 / x**2, rho)
    assert inverse == pytest.approx(1 / (rho - 2), rel=1e-9)
    assert inverse_square == pytest.approx(1 / ((rho - 2) * (rho - 4)), rel=1e-9)

    mean = rho / sigma**2 * inverse
    variance = (rho / sigma**2) ** 2 * (inverse_square - inverse**2)
    assert mean == pytest.approx(rho / ((rho - 2) * sigma**2), rel=1e-9)
    assert variance == pytest.approx(2 * rho**2 / ((rho - 2) ** 2 * (rho - 4) * sigma**4), rel=1e-6)

    # A quarter of variance over mean is what the page calls the first order.
    assert variance / (4 * mean) == pytest.approx(first_order_variance(rho, sigma), rel=1e-6)


@pytest.mark.parametrize("rho", [2.5, 5.0, 7.3, 12.0, 100.0])
def test_the_variance_without_approximation(rho):
    second = rho * chi_squared_mean(lambda x: 1 / x, rho)
    first = math.sqrt(rho) * chi_squared_mean(lambda x: 1 / math.sqrt(x), rho)
    assert second - first**2 == pytest.approx(exact_variance(rho), rel=1e-7)


def test_the_second_moment_of_four_gradients_is_infinite():
    # Whatever the lower end of the integral is, a lower one adds as much again.
    def tail(low: float) -> float:
        ys = [low + 0.01 * k for k in range(int(-low / 0.01))]
        return math.fsum(math.exp(4 / 2 * y - math.exp(y) / 2 - 2 * y) for y in ys) * 0.01

    assert tail(-40) / tail(-20) == pytest.approx(2.0, rel=0.05)


def test_gradients_drawn_by_lot_agree():
    rho, sigma = 20, 0.3
    generator = torch.Generator().manual_seed(0)
    gradients = sigma * torch.randn(200_000, rho, generator=generator)
    psi = (rho / gradients.square().sum(dim=1)).sqrt().double()
    assert psi.square().mean().item() == pytest.approx(rho / ((rho - 2) * sigma**2), rel=0.01)
    expected = 2 * rho**2 / ((rho - 2) ** 2 * (rho - 4) * sigma**4)
    assert psi.square().var().item() == pytest.approx(expected, rel=0.05)
    assert psi.var().item() == pytest.approx(exact_variance(rho, sigma), rel=0.03)


def test_the_factor_holds_the_variance_of_a_real_average():
    # The average itself, and not its plain stand-in: without the factor its variance varies by more than ten.
    beta2, steps, generator = 0.99, 400, torch.Generator().manual_seed(0)
    v, plain, rectified = torch.zeros(100_000), {}, {}
    for t in range(1, steps + 1):
        v = beta2 * v + (1 - beta2) * torch.randn(v.shape, generator=generator).square()
        if t in (15, 30, 100, 400):
            psi = ((1 - beta2**t) / v).sqrt()
            plain[t] = psi.var().item()
            rectified[t] = (rectification(beta2, t) * psi).var().item()
    assert plain[15] / plain[400] > 10
    assert max(rectified.values()) / min(rectified.values()) < 1.4


@pytest.mark.parametrize("beta2", [0.7, *BETAS])
@pytest.mark.parametrize("t", [6, 10, 50, 1000, 100_000])
def test_the_factor_makes_the_variance_what_it_will_be(beta2, t):
    (rho, rho_inf), r = average_length(beta2, t), rectification(beta2, t)
    if rho > 5:
        assert r**2 * first_order_variance(rho) == pytest.approx(first_order_variance(rho_inf), rel=1e-9)
    else:
        assert r == 0.0


@given(st.floats(0, 0.9999), st.integers(1, 10_000))
@settings(deadline=None)
def test_the_factor_is_a_warm_up(beta2, t):
    r = rectification(beta2, t)
    assert 0.0 <= r <= 1 + 1e-9
    assert (r == 0.0) == (average_length(beta2, t)[0] <= 5)
    assert t > 5 or r == 0.0
    assert r <= rectification(beta2, t + 1) + 1e-9


def test_the_numbers_of_the_page():
    assert average_length(0.999, 1) == (pytest.approx(1.0), pytest.approx(1999.0))
    assert all(4 < average_length(beta2, 5)[0] < 5 for beta2 in BETAS)
    assert all(average_length(beta2, 4)[0] < 4 for beta2 in BETAS)
    assert average_length(2 / 3, 10**6)[0] == pytest.approx(5.0)

    for rho, factor in ((5, 3.3), (10, 1.38), (100, 1.02)):
        assert first_order_variance(rho) / exact_variance(rho) == pytest.approx(factor, rel=0.005)
    assert first_order_variance(1e6) == pytest.approx(1 / 2e6, rel=1e-4)

    assert rectification(0.999, 5) == 0.0
    assert rectification(0.999, 6) == pytest.approx(0.026, abs=0.0005)
    for t, level in ((556, 0.5), (2737, 0.9)):
        assert rectification(0.999, t - 1) < level <= rectification(0.999, t)
    assert 1 / math.sqrt(1 - 0.999**6) == pytest.approx(13, abs=0.1)


def test_the_plot_shows_the_factor():
    for line, beta2 in zip(figure().axes[0].get_lines(), BETAS, strict=True):
        points = list(zip(*line.get_data(), strict=True))
        assert points[0][0] == 6
        assert all(r == rectification(beta2, int(t)) for t, r in points)


@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=30),
    st.sampled_from([0.0, 0.5, 0.9]),
    st.sampled_from([0.0, 0.6, 0.7, 0.9, 0.999]),
    st.floats(1e-6, 1.0),
    st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_the_update_is_the_one_of_the_page(gradients, beta1, beta2, eps, degenerate):
    degenerate = degenerate or beta2 <= 2 / 3
    p = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = RAdam([p], lr=0.1, betas=(beta1, beta2), eps=eps, degenerated_to_sgd=degenerate)
    theta = m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        m_hat = m / (1 - beta1**t)
        if average_length(beta2, t)[0] > 5:
            theta -= 0.1 * rectification(beta2, t) * m_hat * math.sqrt(1 - beta2**t) / (math.sqrt(v) + eps)
        elif degenerate:
            theta -= 0.1 * m_hat
        p.grad = torch.full_like(p, g)
        optimizer.step()
    assert p.item() == pytest.approx(theta, rel=1e-9, abs=1e-9)


def test_the_first_five_steps_depend_on_the_scale_of_the_loss():
    def path(scale: float, degenerated_to_sgd: bool) -> list[float]:
        p, positions = torch.zeros(1, dtype=torch.float64, requires_grad=True), []
        optimizer = RAdam([p], lr=1e-3, eps=0.0, degenerated_to_sgd=degenerated_to_sgd)
        for _ in range(6):
            p.grad = torch.full_like(p, scale)
            optimizer.step()
            positions.append(p.item())
        return positions

    assert path(1.0, True)[4] == pytest.approx(-5e-3)
    assert path(1000.0, True)[4] == pytest.approx(-5.0)
    assert path(1000.0, True)[5] - path(1000.0, True)[4] == pytest.approx(-1e-3 * rectification(0.999, 6))

    # Without them RAdam is as indifferent to the scale as Adam.
    assert path(1.0, False)[:5] == [0.0] * 5
    assert path(1.0, False)[5] == pytest.approx(path(1000.0, False)[5], rel=1e-12)
    assert path(1.0, False)[5] < 0


def test_weights_that_wait_still_decay():
    p = torch.ones(1, dtype=torch.float64, requires_grad=True)
    optimizer = RAdam([p], lr=0.1, weight_decay=0.5, degenerated_to_sgd=False)
    p.grad = torch.ones_like(p)
    optimizer.step()
    assert p.item() == pytest.approx(0.95)


def test_a_group_can_wait_alone():
    p, q = (torch.zeros(1, requires_grad=True) for _ in range(2))
    optimizer = RAdam([{"params": [p], "degenerated_to_sgd": False}, {"params": [q]}])
    p.grad, q.grad = torch.ones(1), torch.ones(1)
    optimizer.step()
    assert p.item() == 0.0
    assert q.item() < 0.0


@pytest.mark.parametrize("beta2", [0.0, 0.5, 2 / 3])
def test_weights_that_would_wait_for_ever_are_refused(beta2):
    p = torch.zeros(1, requires_grad=True)
    with pytest.raises(ValueError, match=r"degenerated_to_sgd=False needs betas\[1\] above 2/3, got"):
        RAdam([p], betas=(0.9, beta2), degenerated_to_sgd=False)
    with pytest.raises(ValueError, match=r"degenerated_to_sgd=False needs betas\[1\] above 2/3, got"):
        RAdam([{"params": [p], "betas": (0.9, beta2)}], degenerated_to_sgd=False)
    RAdam([p], betas=(0.9, 0.67), degenerated_to_sgd=False)


def test_lowers_a_quadratic():
    p = torch.tensor([3.0, -2.0], requires_grad=True)
    curvature, optimizer = torch.tensor([1.0, 10.0]), RAdam([p], lr=0.1)
    for _ in range(1000):
        p.grad = curvature * p.detach()
        optimizer.step()
    assert (curvature * p.square()).sum() < 1e-3


def test_zero_gradients_change_nothing_and_count():
    p = torch.tensor([1.0, -2.0], requires_grad=True)
    optimizer = RAdam([p])
    for _ in range(8):
        p.grad = torch.zeros_like(p)
        optimizer.step()
    assert p.tolist() == [1.0, -2.0]
    assert optimizer.state[p]["step"] == 8


@pytest.mark.parametrize("backend", ["none", "eager", "aot_eager"])
@pytest.mark.parametrize("degenerate", [True, False])
@pytest.mark.parametrize("decay", [0.0, WeightDecay(0.1, weight_decouple=False)])
def test_the_rule_compiles_twice_with_tensors_for_numbers(degenerate, decay, backend):
    torch._dynamo.reset()
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    p = start.clone().requires_grad_()
    optimizer = RAdam([p], lr=0.1, weight_decay=decay, degenerated_to_sgd=degenerate)
    group, state, theta = optimizer.param_groups[0], {}, start.clone()
    optimizer.init_state(state, group, theta)

    rule = optimizer.step_tensor
    if backend != "none":
        rule = torch.compile(rule, fullgraph=True, backend=backend)
    for t in range(1, 21):
        group["lr"], group["betas"] = 0.1 / t, (0.9 - 0.01 * t, 0.99)
        p.grad = torch.randn(4, 3, generator=generator, dtype=torch.float64)
        optimizer.step()
        numbers = {
            key: x if isinstance(x, bool) else torch.tensor(x, dtype=torch.float64)
            for key, x in optimizer.step_scalars(group, t).items()
        }
        # After the first step, and the first rectified one, a recompilation is an error.
        with torch.no_grad(), torch.compiler.set_stance("default" if t in (1, 6) else "fail_on_recompile"):
            rule(theta, p.grad, state, numbers)
    assert (theta - p).abs().max() < 1e-12
    for key, value in state.items():
        assert (value - optimizer.state[p][key]).abs().max() < 1e-12
