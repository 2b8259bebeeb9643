"""Adam with a linear warm-up against torch under a scheduler, and the numbers of its page."""

from __future__ import annotations

import copy
import math
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import ExponentialLR, LambdaLR, LinearLR

from labml_nn.optimizers import WeightDecay
from labml_nn.optimizers.adam import Adam
from labml_nn.optimizers.adam_warmup import AdamWarmup
from labml_nn.optimizers.adam_warmup_cosine_decay import AdamWarmupCosineDecay
from labml_nn.optimizers.noam import Noam

# torch's class, its options, and ours where they differ
CASES = [
    ("AdamW", {"weight_decay": 0.5}, {}),
    ("Adam", {"weight_decay": 0.5}, {"weight_decay": WeightDecay(0.5, weight_decouple=False)}),
    ("Adam", {"amsgrad": True}, {}),
    ("Adam", {"betas": (0.5, 0.9), "eps": 1e-3, "maximize": True}, {}),
]


@pytest.mark.parametrize(("name", "options", "ours"), CASES)
@pytest.mark.parametrize("warmup", [0, 1, 30, 1000])
def test_equals_torch_under_the_schedule(name, options, ours, warmup, make_params, train, facts):
    params, reference = make_params(), make_params()
    sign = -1.0 if options.get("maximize") else 1.0
    optimizer = getattr(torch.optim, name)(reference, lr=0.02, foreach=False, **options)
    warming = AdamWarmup(params, lr=0.02, warmup=warmup, **(options | ours))
    train(params, warming, 100, sign=sign)
    train(reference, optimizer, 100, LambdaLR(optimizer, lambda k: min(1.0, (k + 1) / max(1, warmup))), sign)
    facts.agree(warming, params, optimizer, reference, under="LambdaLR")


def test_equals_our_adam_under_the_schedule(make_params, train, difference):
    params, reference = make_params(), make_params()
    optimizer = Adam(reference, lr=0.02, weight_decay=0.5)
    train(params, AdamWarmup(params, lr=0.02, weight_decay=0.5, warmup=30), 100)
    train(reference, optimizer, 100, LambdaLR(optimizer, lambda k: min(1.0, (k + 1) / 30)))
    assert difference(params, reference) < 1e-12


def test_equals_linear_lr(make_params, train, facts):
    params, reference = make_params(), make_params()
    ours = AdamWarmup(params, lr=0.02, weight_decay=0.1, warmup=30)
    optimizer = torch.optim.AdamW(reference, lr=0.02, weight_decay=0.1)
    train(params, ours, 100)
    train(reference, optimizer, 100, LinearLR(optimizer, 1 / 30, total_iters=29))
    facts.agree(ours, params, optimizer, reference, under="LinearLR")


def test_a_scheduler_can_be_put_on_top(make_params, train, difference):
    params, reference = make_params(), make_params()
    ours, theirs = AdamWarmup(params, lr=0.02, warmup=30), torch.optim.Adam(reference, lr=0.02)
    train(params, ours, 100, ExponentialLR(ours, 0.98))
    train(reference, theirs, 100, LambdaLR(theirs, lambda k: min(1.0, (k + 1) / 30) * 0.98**k))
    assert difference(params, reference) < 1e-12


def rates(optimizer: Adam, steps: int) -> list[float]:
    """The learning rates of the first steps."""
    return [optimizer.learning_rate(optimizer.param_groups[0], t) for t in range(1, steps + 1)]


def one(**options) -> AdamWarmup:
    """The optimizer of one number."""
    return AdamWarmup([torch.zeros(1, requires_grad=True)], **options)


@given(st.integers(0, 500), st.floats(1e-6, 10.0))
def test_the_rates_rise_to_the_top_and_stay(warmup, lr):
    found = rates(one(lr=lr, warmup=warmup), 510)
    assert found == sorted(found)
    assert found[max(warmup, 1) - 1 :] == [lr] * (511 - max(warmup, 1))
    assert found[0] == pytest.approx(lr / max(warmup, 1))


@pytest.mark.parametrize("warmup", [0, 1])
def test_no_warmup_is_adam(warmup):
    assert rates(one(lr=0.5, warmup=warmup), 5) == [0.5] * 5


def test_the_rates_of_the_warmup_add_up():
    assert sum(rates(one(lr=0.3, warmup=200), 200)) == pytest.approx(0.3 * 201 / 2)


def test_the_default_is_the_rule_of_thumb():
    group = one().param_groups[0]
    assert group["warmup"] == pytest.approx(2 / (1 - group["betas"][1]))


def test_the_first_step_of_adam_is_whole_and_that_on_noise_is_not():
    torch.manual_seed(0)
    p = torch.zeros(20_000, dtype=torch.float64, requires_grad=True)
    optimizer, lengths = Adam([p], lr=1.0, betas=(0.9, 0.99), eps=0.0), []
    for _ in range(600):
        before = p.detach().clone()
        p.grad = torch.randn_like(p)
        optimizer.step()
        lengths.append((p.detach() - before).square().mean().sqrt().item())
    assert lengths[0] == pytest.approx(1.0, abs=1e-12)
    assert math.sqrt(0.1 / 1.9) == pytest.approx(0.23, abs=0.005)
    # The page says about; the second moment is itself noisy, the more the shorter its memory.
    assert lengths[-1] == pytest.approx(math.sqrt(0.1 / 1.9), rel=0.03)
    assert lengths[0] > 4 * lengths[-1]


def test_decoupled_decay_follows_the_schedule():
    p = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    p.grad = torch.zeros_like(p)
    optimizer, expected = AdamWarmup([p], lr=0.1, weight_decay=0.5, warmup=4), 1.0
    for t in range(1, 7):
        optimizer.step()
        expected *= 1 - 0.1 * min(1.0, t / 4) * 0.5
        assert p.item() == pytest.approx(expected, abs=1e-15)


def test_each_parameter_warms_up_from_its_own_first_step():
    early, late = (torch.zeros(1, dtype=torch.float64, requires_grad=True) for _ in range(2))
    optimizer = AdamWarmup([early, late], lr=0.1, eps=0.0, warmup=10)
    for t in range(1, 21):
        early.grad = torch.ones_like(early)
        late.grad = torch.ones_like(late) if t > 15 else None
        optimizer.step()
    assert early.item() == pytest.approx(-0.1 * (5.5 + 10))
    assert late.item() == pytest.approx(-0.1 * (1 + 2 + 3 + 4 + 5) / 10)


@pytest.mark.parametrize(
    ("cls", "own"),
    [
        (AdamWarmup, {"warmup": 7}),
        (Noam, {"warmup": 7, "d_model": 3}),
        (AdamWarmupCosineDecay, {"warmup": 7, "total_steps": 15, "floor": 0.25}),
    ],
)
def test_the_hyper_parameters_survive_a_copy(cls, own, make_params, train, difference):
    params = make_params()
    optimizer = cls([{"params": params[:2]}, {"params": params[2:], "warmup": 3}], lr=0.05, **own)
    assert {key: optimizer.param_groups[0][key] for key in own} == own
    assert optimizer.param_groups[1]["warmup"] == 3
    assert vars(optimizer).keys().isdisjoint(own)
    train(params, optimizer, 5)

    reloaded = [p.detach().clone().requires_grad_() for p in params]
    loaded = cls([{"params": reloaded[:2]}, {"params": reloaded[2:]}], **{**own, "warmup": 1})
    loaded.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    copies = [(reloaded, loaded), pickle.loads(pickle.dumps((params, optimizer))), copy.deepcopy((params, optimizer))]
    train(params, optimizer, 15)
    for tensors, other in copies:
        train(tensors, other, 15)
        assert difference(params, tensors) == 0.0


@pytest.mark.parametrize("cls", [AdamWarmup, Noam, AdamWarmupCosineDecay])
def test_positions_mean_what_they_mean_for_amsgrad(cls):
    p = torch.zeros(1, requires_grad=True)
    own = {"total_steps": 10} if cls is AdamWarmupCosineDecay else {}
    given = {"extra": 1}
    group = cls([p], 0.5, (0.1, 0.2), 1e-3, 0.25, True, defaults=given, **own).param_groups[0]
    expected = {"lr": 0.5, "betas": (0.1, 0.2), "eps": 1e-3, "weight_decay": 0.25, "amsgrad": True, "extra": 1}
    assert {key: group[key] for key in expected} == expected
    assert given == {"extra": 1}


@pytest.mark.parametrize("cls", [AdamWarmup, Noam, AdamWarmupCosineDecay])
def test_one_graph_serves_all_rates(cls):
    """What the compiled backends need: floats, and a dictionary of the same names at every step."""
    own = {"total_steps": 10} if cls is AdamWarmupCosineDecay else {}
    optimizer = cls([torch.zeros(1, requires_grad=True)], weight_decay=0.1, warmup=4, **own)
    steps = [optimizer.step_scalars(optimizer.param_groups[0], t) for t in (1, 4, 5, 10, 100)]
    assert len({tuple(s) for s in steps}) == 1
    assert all(type(x) in (float, bool) for s in steps for x in s.values())


@pytest.mark.parametrize("warmup", [-1, math.nan, math.inf, "10", None])
def test_a_bad_warmup_is_refused(warmup):
    with pytest.raises(ValueError, match=f"warmup .*{warmup}"):
        one(warmup=warmup)
    with pytest.raises(ValueError, match=f"warmup .*{warmup}"):
        AdamWarmup([{"params": [torch.zeros(1, requires_grad=True)], "warmup": warmup}])
