"""The cosine against torch under the same schedule, and the numbers of its page."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR

from labml_nn.optimizers import WeightDecay
from labml_nn.optimizers.adam import Adam
from labml_nn.optimizers.adam_warmup_cosine_decay import AdamWarmupCosineDecay


def printed(step: int, warmup: int, total_steps: int, floor: float) -> float:
    """The schedule of the page, for a peak of 1."""
    if step <= warmup:
        return step / warmup
    progress = min(1.0, (step - warmup) / (total_steps - warmup)) if total_steps > warmup else 1.0
    return floor + (1 - floor) * (1 + math.cos(math.pi * progress)) / 2


def rates(steps: int, **options) -> list[float]:
    """The learning rates of the first steps."""
    optimizer = AdamWarmupCosineDecay([torch.zeros(1, requires_grad=True)], **options)
    return [optimizer.learning_rate(optimizer.param_groups[0], t) for t in range(1, steps + 1)]


# Training that ends with the schedule, that goes on beyond it, that stops within it.
LENGTHS = [(20, 100, 0.0), (20, 70, 0.1), (0, 60, 0.0), (30, 1000, 0.5), (40, 40, 0.2)]


@pytest.mark.parametrize("make", [torch.optim.AdamW, Adam])
@pytest.mark.parametrize(("warmup", "total_steps", "floor"), LENGTHS)
def test_equals_adam_under_the_schedule(make, warmup, total_steps, floor, make_params, train, facts):
    params, reference = make_params(), make_params()
    optimizer = make(reference, lr=0.02, weight_decay=0.5)
    ours = AdamWarmupCosineDecay(params, lr=0.02, weight_decay=0.5, warmup=warmup, total_steps=total_steps, floor=floor)
    train(params, ours, 100)
    train(reference, optimizer, 100, LambdaLR(optimizer, lambda k: printed(k + 1, warmup, total_steps, floor)))
    facts.agree(ours, params, optimizer, reference, under="LambdaLR")


def test_equals_torch_with_l2_and_amsgrad(make_params, train, difference):
    params, reference = make_params(), make_params()
    decay = WeightDecay(0.5, weight_decouple=False)
    ours = AdamWarmupCosineDecay(params, lr=0.02, weight_decay=decay, amsgrad=True, warmup=10, total_steps=90)
    optimizer = torch.optim.Adam(reference, lr=0.02, weight_decay=0.5, amsgrad=True)
    train(params, ours, 100)
    train(reference, optimizer, 100, LambdaLR(optimizer, lambda k: printed(k + 1, 10, 90, 0.0)))
    assert difference(params, reference) < 1e-12


def test_is_torchs_cosine_one_step_on():
    p = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.3)
    scheduler, theirs = CosineAnnealingLR(optimizer, 50, eta_min=0.03), []
    for _ in range(51):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    ours = rates(50, lr=0.3, total_steps=50, floor=0.1)
    assert theirs[0] == 0.3
    assert theirs[1:] == pytest.approx(ours, abs=1e-12)
    # And then torch's climbs.
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] > 0.03 * 1.01


@st.composite
def settings(draw) -> dict:
    total_steps = draw(st.integers(1, 300))
    return {
        "total_steps": total_steps,
        "warmup": draw(st.integers(0, total_steps)),
        "floor": draw(st.floats(0, 1)),
        "lr": draw(st.floats(1e-5, 10)),
    }


@given(settings())
def test_up_to_the_peak_down_to_the_floor_and_never_up_again(options):
    total, warmup, lr = options["total_steps"], options["warmup"], options["lr"]
    found = rates(3 * total + 2, **options)
    assert found[:warmup] == sorted(found[:warmup])
    decay = found[max(warmup - 1, 0) :]
    assert all(after <= before * (1 + 1e-12) for before, after in zip(decay, decay[1:], strict=False))
    if warmup:
        assert found[warmup - 1] == pytest.approx(lr)
    # The floor holds at the last step, unless that is still the peak, and exactly so ever after.
    last = found[total:] if warmup == total else found[total - 1 :]
    assert set(last) == {last[0]}
    assert last[0] == pytest.approx(options["floor"] * lr, abs=1e-15)


def test_without_a_floor_the_end_moves_nothing():
    p = torch.ones(1, dtype=torch.float64, requires_grad=True)
    optimizer = AdamWarmupCosineDecay([p], lr=0.1, weight_decay=0.5, total_steps=10)
    seen = []
    for _ in range(15):
        p.grad = torch.ones_like(p)
        optimizer.step()
        seen.append(p.item())
    assert seen[7] > seen[8]
    assert seen[8] == seen[9] == seen[14]


@pytest.mark.parametrize("floor", [0.0, 0.3])
def test_the_mean_of_the_decay(floor):
    found = rates(1000, lr=0.2, total_steps=1000, floor=floor)
    assert sum(found) / len(found) == pytest.approx(0.2 * (1 + floor) / 2, rel=2e-3)


def test_a_cosine_without_an_end_is_back_at_the_peak():
    # what the page says of other implementations: t = 2 T - w
    warmup, total = 10, 50
    assert (1 + math.cos(math.pi * (2 * total - warmup - warmup) / (total - warmup))) / 2 == pytest.approx(1.0)


def test_a_cut_at_a_tenth_comes_a_fifth_before_the_end():
    assert (1 + math.cos(math.pi * 0.795)) / 2 == pytest.approx(0.1, abs=1e-3)


def test_groups_keep_their_proportions():
    tensors = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    groups = [{"params": tensors[:1], "lr": 0.1}, {"params": tensors[1:], "lr": 0.01}]
    optimizer = AdamWarmupCosineDecay(groups, total_steps=20, warmup=5, floor=0.1)
    for t in range(1, 30):
        one, two = (optimizer.learning_rate(group, t) for group in optimizer.param_groups)
        assert one == pytest.approx(10 * two)


def test_the_number_of_steps_must_be_given():
    with pytest.raises(TypeError, match="total_steps"):
        AdamWarmupCosineDecay([torch.zeros(1, requires_grad=True)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"total_steps": 0}, "total_steps .*0"),
        ({"total_steps": "100"}, "total_steps .*'100'"),
        ({"total_steps": math.inf}, "total_steps .*inf"),
        ({"total_steps": 10, "warmup": 11}, "warmup .*total_steps=10.*11"),
        ({"total_steps": 10, "floor": 1.5}, "floor .*1.5"),
        ({"total_steps": 10, "floor": -0.1}, "floor .*-0.1"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        AdamWarmupCosineDecay([torch.zeros(1, requires_grad=True)], **options)
