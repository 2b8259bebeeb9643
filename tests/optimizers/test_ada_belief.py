"""AdaBelief against its authors' package, and what its page says about belief and epsilon against numbers."""

from __future__ import annotations

import copy
import math

import adabelief_pytorch
import pytest
import torch
from torch.optim.lr_scheduler import LambdaLR

from labml_nn.optimizers import WeightDecay
from labml_nn.optimizers.ada_belief import AdaBelief
from labml_nn.optimizers.adam import Adam

DECAYS = {
    "none": (WeightDecay(), {}),
    "decoupled": (WeightDecay(0.1), {"weight_decay": 0.1}),
    "absolute": (WeightDecay(0.01, absolute=True), {"weight_decay": 0.01, "fixed_decay": True}),
    "l2": (WeightDecay(0.1, weight_decouple=False), {"weight_decay": 0.1, "weight_decouple": False}),
}

SETTINGS = [
    {},
    {"lr": 0.01, "eps": 1e-8},
    {"lr": 0.002, "betas": (0.5, 0.9), "eps": 1e-12},
    {"betas": (0.9, 0.5), "eps": 1e-4},
]


def authors(params, **options) -> torch.optim.Optimizer:
    """The package's AdaBelief, without its table of advice."""
    return adabelief_pytorch.AdaBelief(params, print_change_log=False, **options)


@pytest.mark.parametrize("options", SETTINGS)
@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("rectify", [True, False])
def test_equals_the_authors_package(options, decay, rectify, make_params, train, facts):
    params, reference = make_params(), make_params()
    ours = AdaBelief(params, weight_decay=DECAYS[decay][0], rectify=rectify, **options)
    theirs = authors(reference, **DECAYS[decay][1], rectify=rectify, **options)
    for tensors, optimizer in ((params, ours), (reference, theirs)):
        rates = LambdaLR(optimizer, lambda t: 0.5 + 0.5 * math.cos(t / 7))
        train(tensors, optimizer, 100, rates)
    assert all(torch.isfinite(p).all() for p in reference)
    facts.agree(ours, params, theirs, reference)
    for p, q in zip(params, reference, strict=True):
        for key in ("exp_avg", "exp_avg_var"):
            assert torch.allclose(ours.state[p][key], theirs.state[q][key], rtol=1e-12, atol=1e-12)


def test_waits_as_the_authors_package_does(make_params, train, difference):
    params, reference = make_params(), make_params()
    train(params, AdaBelief(params, degenerated_to_sgd=False))
    train(reference, authors(reference, degenerated_to_sgd=False))
    assert difference(params, reference) < 1e-12


@pytest.mark.parametrize("rectify", [True, False])
def test_a_checkpoint_of_the_package_goes_on_here(rectify, make_params, train, difference):
    params = make_params()
    theirs = authors(params, lr=0.002, weight_decay=0.1, rectify=rectify)
    train(params, theirs, 4)

    moved = copy.deepcopy(params)
    ours = AdaBelief(moved, rectify=rectify)
    ours.load_state_dict(copy.deepcopy(theirs.state_dict()))
    train(params, theirs, 10)
    train(moved, ours, 10)
    assert difference(params, moved) < 1e-12


def test_the_packages_maximum_has_no_effect_once_rectified(make_params, train, difference):
    # Why this option is missing here
    params, reference = make_params(), make_params()
    train(params, AdaBelief(params, lr=0.01))
    train(reference, authors(reference, lr=0.01, amsgrad=True))
    assert difference(params, reference) < 1e-12


def test_a_checkpoint_with_the_maximum_is_refused(make_params, train):
    params = make_params()
    theirs = authors(params, amsgrad=True)
    with pytest.raises(ValueError, match="amsgrad=True"):
        AdaBelief(params).load_state_dict(theirs.state_dict())


def steps(gradients: list[float], **options) -> tuple[list[float], list[float]]:
    """How far each gradient moves a weight for a learning rate of 1, and the bias-corrected second moments."""
    p = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = AdaBelief([p], lr=1.0, rectify=False, **options)
    beta2 = optimizer.param_groups[0]["betas"][1]
    moves, seconds = [], []
    for t, g in enumerate(gradients, start=1):
        before = p.item()
        p.grad = torch.full_like(p, g)
        optimizer.step()
        moves.append(p.item() - before)
        seconds.append(optimizer.state[p]["exp_avg_var"].item() / (1 - beta2**t))
    return moves, seconds


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.9), (0.0, 0.9)])
def test_the_second_moment_averages_forecast_errors(betas):
    generator = torch.Generator().manual_seed(0)
    gradients = (0.5 + torch.randn(50, generator=generator, dtype=torch.float64)).tolist()
    (beta1, beta2), m, s = betas, 0.0, 0.0
    for t, g in enumerate(gradients, start=1):
        # The forecast m is made before the gradient is seen.
        s = beta2 * s + (1 - beta2) * (beta1 * (g - m)) ** 2
        m = beta1 * m + (1 - beta1) * g
        assert steps(gradients[:t], betas=betas, eps=0.0 if beta1 else 1e-30)[1][-1] == pytest.approx(
            s / (1 - beta2**t), rel=1e-9, abs=1e-20
        )


@pytest.mark.parametrize("mean", [0.0, 1.0, 5.0])
def test_of_noise_it_measures_the_variance_whatever_the_mean(mean):
    generator = torch.Generator().manual_seed(0)
    p = torch.zeros(20_000, dtype=torch.float64, requires_grad=True)
    ours, adam = AdaBelief([p], betas=(0.9, 0.99)), Adam([p], betas=(0.9, 0.99))
    for _ in range(600):
        p.grad = mean + torch.randn(p.shape, generator=generator, dtype=p.dtype)
        ours.step()
        adam.step()
    factor = 2 * 0.9**2 / (1 + 0.9)
    assert ours.state[p]["exp_avg_var"].mean().item() == pytest.approx(factor, rel=0.02)
    assert adam.state[p]["exp_avg_sq"].mean().item() == pytest.approx(1 + mean**2, rel=0.02)


def test_a_gradient_that_changes_sign_is_measured_as_adam_does():
    size = 3.0
    _, seconds = steps([size * (-1) ** t for t in range(3000)], betas=(0.9, 0.99))
    assert math.sqrt(seconds[-1]) == pytest.approx(2 * 0.9 / 1.9 * size, rel=1e-6)


@pytest.mark.parametrize("size", [0.1, -5.0])
def test_steps_along_a_gradient_that_stays_grow(size):
    moves, seconds = steps([size] * 5000)
    longest = {1: 1.1, 100: 5.0, 1000: 20.0, 5000: 187.0}
    for t, length in longest.items():
        assert -moves[t - 1] * math.copysign(1, size) == pytest.approx(length, rel=0.02)

    # The approximation of the page
    beta1, beta2 = 0.9, 0.999
    for t in (100, 1000, 5000):
        s = (1 - beta2) * beta1**2 / (beta2 - beta1**2) * beta2**t * size**2
        assert seconds[t - 1] * (1 - beta2**t) == pytest.approx(s, rel=1e-6)


def test_the_longest_step_is_set_by_epsilon():
    eps, beta2, size = 1e-8, 0.9, 2.0
    moves, _ = steps([size] * 400, betas=(0.5, beta2), eps=eps)
    assert -moves[-1] == pytest.approx(size / (math.sqrt(eps / (1 - beta2)) + eps), rel=1e-6)


@pytest.mark.parametrize("eps", [1e-16, 1e-8, 1e-3])
@pytest.mark.parametrize("beta2", [0.5, 0.999])
def test_epsilon_accumulates_to_a_constant_under_the_root(eps, beta2):
    # Gradients of zero leave nothing in the average but epsilon.
    _, seconds = steps([0.0] * 200, betas=(0.9, beta2), eps=eps)
    assert seconds == [pytest.approx(eps / (1 - beta2), rel=1e-9)] * 200


def test_the_numbers_of_the_page():
    factor = 2 * 0.9**2 / (1 + 0.9)
    assert factor == pytest.approx(0.85, abs=0.005)
    assert 1 / math.sqrt(factor) == pytest.approx(1.08, abs=0.005)
    assert math.sqrt(1e-16 / 0.001) == pytest.approx(3e-7, rel=0.06)
    assert math.sqrt(1e-8 / 0.001) == pytest.approx(0.003, rel=0.06)
    assert 1 / math.sqrt(1e-8 / 0.001) == pytest.approx(300, rel=0.06)


def test_without_a_forecast_nothing_but_epsilon_is_left():
    moves, _ = steps([2.0, -1.0], betas=(0.0, 0.999))
    assert moves == [pytest.approx(-2.0 / math.sqrt(1e-13), rel=1e-6), pytest.approx(1.0 / math.sqrt(1e-13), rel=1e-6)]


def test_a_group_can_do_without_rectification(make_params, train, difference):
    params, plain, rectified = make_params(), make_params(), make_params()
    train(params, AdaBelief([{"params": params[:2], "rectify": False}, {"params": params[2:]}]))
    train(plain, authors(plain, rectify=False))
    train(rectified, authors(rectified, rectify=True))
    assert difference(params, plain[:2] + rectified[2:]) < 1e-12


def test_lowers_a_quadratic():
    p = torch.tensor([3.0, -2.0], requires_grad=True)
    curvature, optimizer = torch.tensor([1.0, 10.0]), AdaBelief([p], lr=0.02)
    for _ in range(1000):
        p.grad = curvature * p.detach()
        optimizer.step()
    assert (curvature * p.square()).sum() < 1e-3


@pytest.mark.parametrize("rectify", [True, False])
def test_zero_gradients_change_nothing_and_count(rectify):
    p = torch.tensor([1.0, -2.0], requires_grad=True)
    optimizer = AdaBelief([p], rectify=rectify)
    for _ in range(8):
        p.grad = torch.zeros_like(p)
        optimizer.step()
    assert p.tolist() == [1.0, -2.0]
    assert optimizer.state[p]["step"] == 8


def test_l2_decay_leaves_the_callers_gradient_alone():
    p = torch.ones(3, requires_grad=True)
    p.grad = torch.full_like(p, 0.5)
    AdaBelief([p], weight_decay=WeightDecay(0.1, weight_decouple=False)).step()
    assert p.grad.tolist() == [0.5] * 3


@pytest.mark.parametrize("backend", ["none", "eager", "aot_eager"])
@pytest.mark.parametrize("rectify", [True, False])
def test_the_rule_compiles_with_tensors_for_numbers(rectify, backend):
    torch._dynamo.reset()
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    p = start.clone().requires_grad_()
    optimizer = AdaBelief([p], lr=0.1, weight_decay=0.1, rectify=rectify)
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
        compiles = t in ((1, 6) if rectify else (1,))
        with torch.no_grad(), torch.compiler.set_stance("default" if compiles else "fail_on_recompile"):
            rule(theta, p.grad, state, numbers)
    assert (theta - p).abs().max() < 1e-12
    for key, value in state.items():
        assert (value - optimizer.state[p][key]).abs().max() < 1e-12
