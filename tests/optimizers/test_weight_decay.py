"""Weight decay: decoupled, L2 and absolute, by optimizer and by group."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from labml_nn.optimizers import WeightDecay
from labml_nn.optimizers.adam import Adam


@pytest.mark.parametrize("decay", [0.3, WeightDecay(0.3)])
def test_decoupled_decay_is_adamw(decay, make_params, train, difference):
    params, reference = make_params(), make_params()
    train(params, Adam(params, lr=0.02, weight_decay=decay))
    train(reference, torch.optim.AdamW(reference, lr=0.02, weight_decay=0.3))
    assert difference(params, reference) < 1e-12


def test_l2_is_torchs_adam(make_params, train, difference):
    params, reference = make_params(), make_params()
    train(params, Adam(params, lr=0.02, weight_decay=WeightDecay(0.3, weight_decouple=False)))
    train(reference, torch.optim.Adam(reference, lr=0.02, weight_decay=0.3))
    assert difference(params, reference) < 1e-12


def test_absolute_decay_ignores_the_learning_rate():
    p = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
    p.grad = torch.zeros_like(p)
    optimizer = Adam([p], lr=1e-5, weight_decay=WeightDecay(0.25, absolute=True))
    optimizer.step()
    assert p.item() == 1.5


def test_absolute_decay_is_the_papers_under_a_constant_schedule():
    # Algorithm 2 of arXiv:1711.05101 with eta = 1, written out
    lr, decay, beta1, beta2, eps = 0.01, 0.02, 0.9, 0.999, 1e-8
    p = torch.tensor([1.0, -3.0], dtype=torch.float64, requires_grad=True)
    optimizer = Adam([p], lr=lr, weight_decay=WeightDecay(decay, absolute=True))
    theta, m, v = p.detach().clone(), torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    for t in range(1, 21):
        g = theta.cos()
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - (lr * m_hat / (v_hat.sqrt() + eps) + decay * theta)
        p.grad = p.detach().cos()
        optimizer.step()
    assert (p - theta).abs().max() < 1e-12


def test_a_group_overrides_each_flag():
    tensors = [torch.tensor([2.0], dtype=torch.float64, requires_grad=True) for _ in range(5)]
    for p in tensors:
        p.grad = torch.zeros_like(p)
    a, b, c, d, e = tensors
    groups = [
        {"params": [a]},
        {"params": [b], "weight_decay": 0.0},
        {"params": [c], "absolute": True},
        {"params": [d], "weight_decouple": False},
        {"params": [e], "weight_decay": WeightDecay(0.25, absolute=True)},
    ]
    Adam(groups, lr=0.1, weight_decay=0.5).step()
    assert a.item() == pytest.approx(2 * (1 - 0.1 * 0.5), abs=1e-15)
    assert b.item() == 2.0
    assert c.item() == 1.0
    # The gradient is 0.5 * 2, and a first step of Adam is lr whatever the gradient.
    assert d.item() == pytest.approx(1.9, abs=1e-8)
    assert e.item() == 1.5


def test_the_coefficient_can_follow_a_schedule():
    p = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    p.grad = torch.zeros_like(p)
    optimizer = Adam([p], lr=1.0, weight_decay=0.5)
    optimizer.step()
    optimizer.param_groups[0]["weight_decay"] = 0.1
    optimizer.step()
    assert p.item() == pytest.approx(0.5 * 0.9, abs=1e-15)


def test_the_gradient_itself_is_never_changed():
    p = torch.ones(2, requires_grad=True)
    p.grad = torch.ones(2)
    Adam([p], weight_decay=WeightDecay(0.5, weight_decouple=False), maximize=True).step()
    assert p.grad.tolist() == [1.0, 1.0]


def test_for_plain_descent_both_decays_agree():
    theta = torch.tensor([1.0, -2.0], dtype=torch.float64)
    grad, lr = torch.tensor([0.3, 0.4], dtype=torch.float64), 0.1
    results = []
    for decouple in (True, False):
        decay, t = WeightDecay(0.5, decouple), theta.clone()
        g = decay.apply(t, grad, decay.scalars(lr))
        results.append(t - lr * g)
    assert (results[0] - results[1]).abs().max() < 1e-15


@pytest.mark.parametrize("decay", [0.01, 100.0])
def test_l2_alone_moves_by_the_learning_rate_whatever_it_is(decay):
    p = torch.tensor([5.0], dtype=torch.float64, requires_grad=True)
    optimizer = Adam([p], lr=0.01, weight_decay=WeightDecay(decay, weight_decouple=False))
    for _ in range(10):
        p.grad = torch.zeros_like(p)
        optimizer.step()
    assert p.item() == pytest.approx(4.9, abs=1e-3)


def test_the_object_cannot_be_changed_and_can_be_shared():
    decay = WeightDecay(0.1)
    one, two = (Adam([torch.ones(1, requires_grad=True)], weight_decay=decay) for _ in range(2))
    one.param_groups[0]["weight_decay"] = 9.0
    assert two.param_groups[0]["weight_decay"] == 0.1
    with pytest.raises(dataclasses.FrozenInstanceError):
        decay.weight_decay = 1.0
    plain = Adam([torch.ones(1, requires_grad=True)])
    assert plain.param_groups[0]["weight_decay"] == 0.0


def test_contradictions_are_refused():
    with pytest.raises(ValueError, match=r"weight_decay .*-1"):
        WeightDecay(-1)
    with pytest.raises(ValueError, match=r"weight_decay must be at most 1 .*1\.5"):
        WeightDecay(1.5, absolute=True)
    with pytest.raises(ValueError, match=r"absolute=True .*weight_decouple=False"):
        WeightDecay(0.1, weight_decouple=False, absolute=True)
    group = {"params": [torch.ones(1, requires_grad=True)], "weight_decouple": False}
    with pytest.raises(ValueError, match="absolute=True"):
        Adam([group], weight_decay=WeightDecay(0.1, absolute=True))
