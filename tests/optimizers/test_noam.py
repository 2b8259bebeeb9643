"""Noam against torch under the same schedule, and the numbers of its page."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import LambdaLR

from labml_nn.optimizers import WeightDecay
from labml_nn.optimizers.adam import Adam
from labml_nn.optimizers.noam import Noam, schedule

PAPER = {"betas": (0.9, 0.98), "eps": 1e-9}


def printed(step: int, warmup: float, d_model: float) -> float:
    """The formula as the paper prints it."""
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)


@pytest.mark.parametrize("make", [torch.optim.AdamW, Adam])
@pytest.mark.parametrize("warmup", [1, 30, 1000])
def test_equals_adam_under_the_schedule(make, warmup, make_params, train, facts):
    params, reference = make_params(), make_params()
    options = {"lr": 0.7, "weight_decay": 0.5, **PAPER}
    ours, optimizer = Noam(params, warmup=warmup, d_model=64, **options), make(reference, **options)
    train(params, ours, 100)
    train(reference, optimizer, 100, LambdaLR(optimizer, lambda k: printed(k + 1, warmup, 64)))
    facts.agree(ours, params, optimizer, reference, under="LambdaLR")


def test_equals_torch_with_l2_and_amsgrad(make_params, train, difference):
    params, reference = make_params(), make_params()
    optimizer = torch.optim.Adam(reference, lr=1.0, weight_decay=0.5, amsgrad=True)
    decay = WeightDecay(0.5, weight_decouple=False)
    train(params, Noam(params, weight_decay=decay, amsgrad=True, warmup=30, d_model=512), 100)
    train(reference, optimizer, 100, LambdaLR(optimizer, lambda k: printed(k + 1, 30, 512)))
    assert difference(params, reference) < 1e-12


@given(st.integers(1, 100_000), st.integers(1, 20_000), st.integers(1, 20_000))
def test_the_cases_are_the_minimum(step, warmup, d_model):
    assert schedule(step, warmup, d_model) == pytest.approx(printed(step, warmup, d_model), rel=1e-12)


@given(st.integers(1, 2_000), st.integers(1, 4_000), st.floats(1e-3, 10))
def test_the_peak_is_at_the_end_of_the_warmup(warmup, d_model, lr):
    optimizer = Noam([torch.zeros(1, requires_grad=True)], lr=lr, warmup=warmup, d_model=d_model)
    group = optimizer.param_groups[0]
    rates = [optimizer.learning_rate(group, t) for t in range(1, 2 * warmup + 2)]
    assert max(rates) == rates[warmup - 1] == pytest.approx(lr / math.sqrt(d_model * warmup), rel=1e-12)
    assert rates[:warmup] == sorted(rates[:warmup])
    assert rates[warmup - 1 :] == sorted(rates[warmup - 1 :], reverse=True)


def test_the_numbers_of_the_page():
    peak = schedule(4000, 4000, 512)
    assert peak == pytest.approx(7.0e-4, abs=0.05e-4)
    assert schedule(16_000, 4000, 512) == pytest.approx(peak / 2)
    assert schedule(400_000, 4000, 512) == pytest.approx(peak / 10)
    # half the warm-up: 2.8 times as steep, 1.4 times as high, and the same once both are over
    assert schedule(1, 2000, 512) / schedule(1, 4000, 512) == pytest.approx(2.8, abs=0.05)
    assert schedule(2000, 2000, 512) / peak == pytest.approx(1.4, abs=0.05)
    assert schedule(9000, 2000, 512) == schedule(9000, 4000, 512)
    # the same height after a change of length
    assert math.sqrt(2000 / 4000) * schedule(2000, 2000, 512) == pytest.approx(peak)
    # twice as wide
    assert schedule(4000, 4000, 1024) / peak == pytest.approx(1 / 1.4, abs=0.01)


def test_the_defaults_are_the_papers_schedule():
    group = Noam([torch.zeros(1, requires_grad=True)]).param_groups[0]
    assert (group["lr"], group["warmup"], group["d_model"]) == (1.0, 4000, 512)


def test_no_warmup_divides_by_nothing():
    assert [schedule(t, 0, 1) for t in (1, 4, 100)] == [1.0, 0.5, 0.1]


def test_a_group_has_its_own_width_and_warmup():
    a, b = (torch.zeros(1, dtype=torch.float64, requires_grad=True) for _ in range(2))
    optimizer = Noam([{"params": [a], "d_model": 4}, {"params": [b], "warmup": 0}], eps=0.0, warmup=16, d_model=1)
    a.grad, b.grad = torch.ones_like(a), torch.ones_like(b)
    optimizer.step()
    assert a.item() == pytest.approx(-0.5 / 64)
    assert b.item() == pytest.approx(-1.0)


@pytest.mark.parametrize("options", [{"d_model": 0}, {"d_model": -3}, {"warmup": -1}, {"d_model": "512"}])
def test_bad_options_are_refused(options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"{name} .*{value}"):
        Noam([torch.zeros(1, requires_grad=True)], **options)
