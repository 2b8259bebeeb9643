"""AMSGrad against torch.optim, and the problem that it is for."""

from __future__ import annotations

import copy
import math
from functools import partial

import pytest
import torch
from torch.optim.lr_scheduler import LambdaLR

from labml_nn.optimizers import WeightDecay
from labml_nn.optimizers.adam import Adam
from labml_nn.optimizers.amsgrad import AMSGrad, counter_example

SETTINGS = [
    {},
    {"lr": 0.1, "betas": (0.5, 0.9)},
    {"lr": 0.02, "betas": (0.0, 0.5), "eps": 1e-3},
]


@pytest.mark.parametrize("options", SETTINGS)
@pytest.mark.parametrize("decouple", [True, False])
@pytest.mark.parametrize("schedule", [False, True])
def test_equals_torch(options, decouple, schedule, make_params, train, facts):
    params, reference = make_params(), make_params()
    ours = AMSGrad(params, weight_decay=WeightDecay(0.1, weight_decouple=decouple), **options)
    counterpart = torch.optim.AdamW if decouple else torch.optim.Adam
    theirs = counterpart(reference, weight_decay=0.1, amsgrad=True, **options)
    for tensors, optimizer in ((params, ours), (reference, theirs)):
        rates = LambdaLR(optimizer, lambda t: 0.5 + 0.5 * math.cos(t / 7)) if schedule else None
        train(tensors, optimizer, 100, rates)
    facts.agree(ours, params, theirs, reference)
    for p, q in zip(params, reference, strict=True):
        key = "max_exp_avg_sq"
        assert torch.allclose(ours.state[p][key], theirs.state[q][key], rtol=1e-12, atol=1e-12)


def test_the_maximum_never_shrinks_and_the_average_does():
    p = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer, seen = AMSGrad([p], betas=(0.9, 0.9)), []
    for g in [10.0] + [0.1] * 30:
        p.grad = torch.full_like(p, g)
        optimizer.step()
        state = optimizer.state[p]
        seen.append((state["exp_avg_sq"].item(), state["max_exp_avg_sq"].item()))
    assert [largest for _, largest in seen] == [pytest.approx(10.0)] * 31
    assert seen[-1][0] < 1.0


def test_a_group_can_do_without_the_maximum(make_params, train, difference):
    params, reference = make_params(), make_params()
    ours = AMSGrad([{"params": params[:2], "amsgrad": False}, {"params": params[2:]}], lr=0.1)
    theirs = torch.optim.Adam([{"params": reference[:2]}, {"params": reference[2:], "amsgrad": True}], lr=0.1)
    train(params, ours)
    train(reference, theirs)
    assert difference(params, reference) < 1e-12
    assert "max_exp_avg_sq" not in ours.state[params[0]]


def test_without_the_maximum_it_is_adam(make_params, train, difference):
    params, reference = make_params(), make_params()
    train(params, AMSGrad(params, lr=0.1, amsgrad=False))
    train(reference, Adam(reference, lr=0.1))
    assert difference(params, reference) == 0.0


def test_checkpoints_go_both_ways(make_params, train, difference):
    classes = (AMSGrad, partial(torch.optim.Adam, amsgrad=True))
    for source, target in (classes, classes[::-1]):
        params = make_params()
        one = source(params, lr=0.02)
        train(params, one, 10)
        moved = copy.deepcopy(params)
        other = target(moved)
        other.load_state_dict(copy.deepcopy(one.state_dict()))
        train(params, one, 10)
        train(moved, other, 10)
        assert difference(params, moved) < 1e-12


def test_adam_does_not_drop_the_maximum_in_silence():
    p = torch.ones(1, requires_grad=True)
    with pytest.raises(ValueError, match="amsgrad=True .*needs AMSGrad, got Adam"):
        Adam([{"params": [p], "amsgrad": True}])
    with pytest.raises(ValueError, match="amsgrad=True .*needs AMSGrad, got Adam"):
        Adam([p]).load_state_dict(torch.optim.Adam([p], amsgrad=True).state_dict())


@pytest.mark.parametrize("big", [3.0, 4.0, 10.0])
@pytest.mark.parametrize("start", [-1.0, 0.0, 1.0])
def test_adam_goes_to_the_wrong_end_and_amsgrad_to_the_right_one(big, start):
    run = partial(counter_example, big=big, start=start)
    assert run(Adam)[-1] > 0.9
    assert run(AMSGrad)[-1] < -0.9


def test_torchs_own_do_the_same():
    assert counter_example(torch.optim.Adam)[-1] > 0.9
    assert counter_example(partial(torch.optim.Adam, amsgrad=True))[-1] < -0.9


def test_the_second_moments_of_the_page():
    big, seen = 1000.0, [0.0]
    beta2 = 1 / (1 + big**2)
    for g in [big, -1.0, -1.0] * 3:
        seen.append(beta2 * seen[-1] + (1 - beta2) * g * g)
    first, second, third = seen[-3:]
    assert first == pytest.approx(big**2, rel=1e-5)
    assert second == pytest.approx(2.0, rel=1e-5)
    assert third == pytest.approx(1.0, rel=1e-5)
    # so that a period moves x by this many learning rates, away from the best point
    assert -big / math.sqrt(first) + 1 / math.sqrt(second) + 1 / math.sqrt(third) == pytest.approx(0.7, abs=0.01)
