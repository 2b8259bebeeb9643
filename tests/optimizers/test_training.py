"""What a training run puts around an optimizer, and the faults that other implementations show there."""

from __future__ import annotations

import copy
import inspect
import math
import pickle

import pytest
import torch
from everything import ENTRIES, assert_same, bowl, copies, each, step_with, tensors, train
from torch import nn
from torch.optim import lr_scheduler

from labml_nn.optimizers import WeightDecay
from labml_nn.optimizers.configs import OPTIMIZERS, create_optimizer

STEPS = 12

SCHEDULERS = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, step_size=3, gamma=0.5),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.8),
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda t: 0.5 + 0.5 * math.cos(t)),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=8),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.05, total_steps=STEPS + 1),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.001, 0.1, step_size_up=3),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.1, total_iters=4), lr_scheduler.ExponentialLR(o, 0.9)], milestones=[4]
    ),
}


def rates_of(name: str, lr: float) -> list[tuple[float, tuple[float, float]]]:
    """The learning rate and the betas that a scheduler asks of an optimizer, step by step."""
    optimizer = torch.optim.Adam([torch.ones(1, requires_grad=True)], lr=lr)
    scheduler = SCHEDULERS[name](optimizer)
    rates = []
    for _ in range(STEPS):
        rates.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["betas"]))
        optimizer.step()
        scheduler.step()
    return rates


@each()
@pytest.mark.parametrize("name", SCHEDULERS)
def test_follows_a_scheduler(entry, name):
    rates = rates_of(name, entry.options["lr"])
    assert len(set(rates)) > 1

    params = tensors((3,), (2, 2))
    other = copies(params)
    ours = entry(params, betas=(0.9, 0.999), weight_decay=0.1)
    scheduler = SCHEDULERS[name](ours)
    by_hand = entry(other, betas=(0.9, 0.999), weight_decay=0.1)
    for lr, betas in rates:
        train(ours, lambda: bowl(params), 1)
        scheduler.step()
        by_hand.param_groups[0].update(lr=lr, betas=betas)
        train(by_hand, lambda: bowl(other), 1)
    assert_same(params, other)


@each()
def test_a_scheduler_resumes_with_its_optimizer(entry):
    params = tensors((3,), (2, 2))
    optimizer = entry(params)
    scheduler = SCHEDULERS["StepLR"](optimizer)
    for _ in range(4):
        train(optimizer, lambda: bowl(params), 1)
        scheduler.step()
    saved = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))

    fresh = copies(params)
    other = entry(fresh)
    resumed = SCHEDULERS["StepLR"](other)
    other.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    for _ in range(4):
        for o, s, tensors_ in ((optimizer, scheduler, params), (other, resumed, fresh)):
            train(o, lambda tensors_=tensors_: bowl(tensors_), 1)
            s.step()
    assert_same(params, fresh)


@each()
def test_a_plateau_lowers_the_rate(entry):
    params = tensors((3,))
    optimizer = entry(params)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    for _ in range(3):
        train(optimizer, lambda: bowl(params), 1)
        scheduler.step(1.0)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(entry.options["lr"] * 0.01)


# ---- gradients on their way ----


@each()
def test_clipped_gradients_are_gradients(entry):
    params = tensors((3,), (2, 2))
    other = copies(params)
    ours, reference = entry(params), entry(other)
    for _ in range(4):
        ours.zero_grad()
        bowl(params).backward()
        grads = [p.grad.clone() for p in params]
        norm = torch.cat([g.flatten() for g in grads]).norm()
        assert norm > 0.5
        nn.utils.clip_grad_norm_(params, 0.5)
        ours.step()
        step_with(reference, other, [g * (0.5 / (norm + 1e-6)) for g in grads])
    assert_same(params, other, 1e-14)


@each()
def test_a_scaler_changes_nothing_but_skips_what_overflows(entry):
    params = tensors((3,), (2, 2), dtype=torch.float32)
    other = copies(params)
    ours, reference = entry(params), entry(other)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)

    scales = []
    for step in range(8):
        ours.zero_grad()
        scaler.scale(bowl(params)).backward()
        overflows = step in (0, 3)
        if overflows:
            params[1].grad[0, 0] = math.inf
        before, state = copies(params), copy.deepcopy(ours.state_dict()["state"])
        scaler.step(ours)
        scaler.update()
        scales.append(scaler.get_scale())
        if overflows:
            assert_same(params, before)
            torch.testing.assert_close(ours.state_dict()["state"], state, rtol=0, atol=0)
        else:
            reference.zero_grad()
            bowl(other).backward()
            reference.step()

    # Halved after each overflow, doubled after two good steps. Powers of two scale without rounding.
    assert scales == [512, 512, 1024, 512, 512, 1024, 1024, 2048]
    assert_same(params, other)
    assert all(reference.state[q]["step"] == ours.state[p]["step"] == 6 for p, q in zip(params, other, strict=True))


@each()
def test_a_scaler_unscales_before_clipping(entry):
    params = tensors((3,), (2, 2), dtype=torch.float32)
    other = copies(params)
    ours, reference = entry(params), entry(other)
    scaler = torch.amp.GradScaler("cpu", init_scale=4096.0)
    for _ in range(4):
        ours.zero_grad()
        scaler.scale(bowl(params)).backward()
        scaler.unscale_(ours)
        nn.utils.clip_grad_norm_(params, 0.5)
        scaler.step(ours)
        scaler.update()
        reference.zero_grad()
        bowl(other).backward()
        nn.utils.clip_grad_norm_(other, 0.5)
        reference.step()
    assert_same(params, other)


@each(master=True)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_scaler_works_on_half_precision_parameters(entry, dtype):
    params = [p.detach().to(dtype).requires_grad_() for p in tensors((4,), (2, 3))]
    optimizer = entry(params)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    before = bowl(params).item()
    for _ in range(20):
        optimizer.zero_grad()
        scaler.scale(bowl([p.float() for p in params])).backward()
        scaler.step(optimizer)
        scaler.update()
    assert bowl(params).item() < before
    for p in params:
        assert p.dtype == dtype
        assert {optimizer.state[p][key].dtype for key in ("master", *entry.state)} == {torch.float32}
        assert torch.equal(optimizer.state[p]["master"].to(dtype), p)


@each()
def test_accumulated_gradients_are_one_gradient(entry):
    params = tensors((3,), (2, 2))
    other = copies(params)
    ours, reference = entry(params), entry(other)
    for _ in range(4):
        ours.zero_grad()
        for _ in range(4):
            (bowl(params) / 4).backward()
        ours.step()
        reference.zero_grad()
        bowl(other).backward()
        reference.step()
    assert_same(params, other, 1e-12)


# ---- compiled models ----


@pytest.fixture(scope="module")
def models() -> tuple[nn.Module, nn.Module, dict]:
    """A small model, a compiled copy of it, and the weights that both begin with."""
    torch._dynamo.reset()
    generator = torch.Generator().manual_seed(0)
    plain = nn.Sequential(nn.Linear(4, 5), nn.LayerNorm(5), nn.GELU(), nn.Linear(5, 2)).double()
    start = {
        name: torch.randn(value.shape, generator=generator, dtype=value.dtype)
        for name, value in plain.state_dict().items()
    }
    return plain, torch.compile(copy.deepcopy(plain), fullgraph=True, backend="aot_eager"), start


@each()
def test_trains_a_compiled_model_without_compiling_again(entry, models):
    plain, compiled, start = models
    x = torch.linspace(-1, 1, 24, dtype=torch.float64).reshape(6, 4)
    plain.load_state_dict(start)
    compiled._orig_mod.load_state_dict(start)
    reference = entry(plain.parameters())
    train(reference, lambda: plain(x).square().mean(), 6)

    ours = entry(compiled.parameters())
    compiled(x)
    with torch.compiler.set_stance("fail_on_recompile"):
        train(ours, lambda: compiled(x).square().mean(), 6)
    assert_same(list(compiled.parameters()), list(plain.parameters()), 1e-12)
    compiled.zero_grad()
    plain.zero_grad()


# ---- compiled rules ----


# One of each class, as compiling takes its time
CLASSES = {entry.cls: name for name, entry in reversed(ENTRIES.items())}


@pytest.mark.parametrize("name", CLASSES.values())
def test_compiled_rules_give_what_eager_ones_give(name, quick_compiler, recwarn):
    # A real compiler is in test_backends.py.
    torch._dynamo.reset()

    entry, params = ENTRIES[name], tensors((), (4,), (3, 2), (0, 2))
    other = copies(params)
    reference = entry(params, weight_decay=0.1)
    train(reference, lambda: bowl(params), 8)
    compiled = entry(other, weight_decay=0.1, backend="compiled")
    train(compiled, lambda: bowl(other), 8)
    assert_same(other, params, 1e-12)

    # A run goes on under another backend.
    flat = entry(other, backend="flat")
    flat.load_state_dict(copy.deepcopy(compiled.state_dict()))
    train(reference, lambda: bowl(params), 6)
    train(flat, lambda: bowl(other), 6)
    assert_same(other, params, 1e-12)
    for p, q in zip(params, other, strict=True):
        for key in ("step", *entry.state):
            torch.testing.assert_close(flat.state[q][key], reference.state[p][key], rtol=1e-12, atol=1e-12)
    assert not [warning for warning in recwarn if "runs eagerly" in str(warning.message)]
    assert compiled.runner.functions and flat.runner.functions


# ---- faults known from other implementations ----

SENTINELS = {
    "lr": 0.0625,
    "betas": (0.75, 0.875),
    "eps": 0.03125,
    "weight_decay": 0.015625,
    "gamma": 0.375,
    "amsgrad": True,
}


@each()
def test_arguments_by_position_end_where_the_signature_says(entry):
    positional = [p.name for p in inspect.signature(entry.cls).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional[:3] == ["params", "lr", "betas"]
    required = {key: value for key, value in entry.options.items() if key not in positional}
    optimizer = entry.cls(tensors((2,)), *(SENTINELS[name] for name in positional[1:]), **required)
    group = optimizer.param_groups[0]
    assert {name: group[name] for name in positional[1:]} == {name: SENTINELS[name] for name in positional[1:]}
    assert required.items() <= group.items()


@each()
def test_hyper_parameters_live_in_the_groups_and_survive_pickle(entry):
    optimizer = entry(tensors((2,)), betas=(0.8, 0.9), weight_decay=WeightDecay(0.1, absolute=True))
    group = {key: value for key, value in optimizer.param_groups[0].items() if key != "params"}
    assert not group.keys() & vars(optimizer).keys()
    for other in (pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)):
        assert group.items() <= other.param_groups[0].items()
        assert optimizer.defaults.items() <= other.defaults.items()


@each()
@pytest.mark.parametrize("scheduled", [False, True])
def test_decoupled_decay_is_multiplied_by_the_rate_of_the_step(entry, scheduled):
    # With gradients of zero, decay is all that moves a weight.
    p, start = torch.full((2,), 3.0, dtype=torch.float64, requires_grad=True), 3.0
    optimizer = entry([p], weight_decay=0.5)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.7 if scheduled else 1.0)
    expected, rates = start, set()
    for t in range(1, 9):
        rate = optimizer.learning_rate(optimizer.param_groups[0], t)
        rates.add(rate)
        expected *= 1 - rate * 0.5
        step_with(optimizer, [p], [torch.zeros_like(p)])
        scheduler.step()
        assert p.tolist() == [pytest.approx(expected, rel=1e-14)] * 2
    assert len(rates) > 1 or not scheduled


@each()
def test_the_rate_of_the_step_is_the_scheduled_one(entry):
    # Whatever the schedule of its own, it multiplies the rate in the group.
    group = entry(tensors((1,))).param_groups[0]
    optimizer = entry(tensors((1,)))
    for t in (1, 2, 7, 100):
        rate = optimizer.learning_rate(group, t)
        assert optimizer.learning_rate({**group, "lr": group["lr"] / 4}, t) == pytest.approx(rate / 4, rel=1e-14)


@each()
def test_absolute_decay_ignores_the_rate(entry):
    p = torch.full((2,), 3.0, dtype=torch.float64, requires_grad=True)
    optimizer = entry([p], weight_decay=WeightDecay(0.25, absolute=True))
    for _ in range(3):
        step_with(optimizer, [p], [torch.zeros_like(p)])
    assert p.tolist() == [pytest.approx(3.0 * 0.75**3, rel=1e-14)] * 2


WARMING = [name for name, entry in ENTRIES.items() if "warmup" in entry.options]
ENDING = [name for name, entry in ENTRIES.items() if "total_steps" in entry.options]


@pytest.mark.parametrize("name", WARMING)
@pytest.mark.parametrize("warmup", [0, 1])
def test_no_warm_up_divides_by_nothing(name, warmup):
    params = tensors((3,))
    before = copies(params)
    optimizer = ENTRIES[name](params, warmup=warmup)
    rates = [optimizer.learning_rate(optimizer.param_groups[0], t) for t in range(1, 30)]
    assert all(math.isfinite(rate) for rate in rates)
    assert rates == sorted(rates, reverse=True)
    train(optimizer, lambda: bowl(params), 3)
    assert torch.isfinite(params[0]).all() and not torch.equal(params[0], before[0])


@pytest.mark.parametrize("name", ENDING)
@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_what_has_come_down_stays_down(name, floor):
    optimizer = ENTRIES[name](tensors((1,)), total_steps=40, floor=floor)
    group = optimizer.param_groups[0]
    rates = [optimizer.learning_rate(group, t) for t in range(group["warmup"], 400)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(group["lr"] * floor, abs=1e-12)


def test_the_table_has_schedules_to_test():
    assert WARMING and ENDING


@each()
def test_the_callers_defaults_are_not_changed(entry):
    defaults = {"extra": 1}
    group = {"params": tensors((2,))}
    optimizer = entry([group], defaults=defaults, weight_decay=WeightDecay(0.1))
    assert defaults == {"extra": 1}
    assert list(group) == ["params"]
    assert optimizer.param_groups[0]["extra"] == 1
    optimizer.param_groups[0]["extra"] = 2
    assert defaults == {"extra": 1}


@each()
def test_optimizers_do_not_share_their_decay(entry):
    one, two = entry(tensors((2,))), entry(tensors((2,)))
    before = dict(two.param_groups[0])
    one.param_groups[0].update(weight_decay=0.7, weight_decouple=False, absolute=False)
    assert {**two.param_groups[0], "params": 0} == {**before, "params": 0}
    assert entry(tensors((2,))).param_groups[0]["weight_decay"] == before["weight_decay"]
    # Nobody can change a default for all by changing the object.
    default = inspect.signature(entry.cls).parameters.get("weight_decay")
    assert default is None or isinstance(default.default, float)


@each()
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_state_of_half_precision_parameters_is_the_same_after_loading(entry, dtype):
    params = [p.detach().to(dtype).requires_grad_() for p in tensors((4,), (2, 3))]
    optimizer = entry(params, eps=1e-4, lr=10 * entry.options["lr"])
    train(optimizer, lambda: bowl(params).float(), 7)
    fresh = copies(params)
    other = entry(fresh)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for p, q in zip(params, fresh, strict=True):
        assert optimizer.state[p].keys() == other.state[q].keys()
        for key, value in optimizer.state[p].items():
            assert other.state[q][key].dtype == value.dtype
            assert torch.equal(other.state[q][key], value)
    train(optimizer, lambda: bowl(params).float(), 3)
    train(other, lambda: bowl(fresh).float(), 3)
    assert_same(params, fresh)


@each()
def test_a_float_is_decoupled_decay(entry):
    ours = entry(tensors((2,)), weight_decay=0.01).param_groups[0]
    spelt = entry(tensors((2,)), weight_decay=WeightDecay(0.01)).param_groups[0]
    keys = ("weight_decay", "weight_decouple", "absolute")
    assert [ours[key] for key in keys] == [spelt[key] for key in keys] == [0.01, True, False]


FLAGS = [{"weight_decouple": False}, {"absolute": True}, {"weight_decay": 0.0}]


@each()
@pytest.mark.parametrize("flags", FLAGS)
def test_the_decay_flags_of_a_group_are_its_own(entry, flags):
    params = tensors((3,), (3,))
    alone = copies(params)
    optimizer = entry([{"params": params[:1]}, {"params": params[1:], **flags}], weight_decay=0.1)
    separate = [
        entry(alone[:1], weight_decay=0.1),
        entry(alone[1:], weight_decay=WeightDecay(**({"weight_decay": 0.1} | flags))),
    ]
    for seed in range(4):
        grads = [g.detach() for g in tensors((3,), (3,), seed=seed)]
        step_with(optimizer, params, grads)
        for part, p, g in zip(separate, alone, grads, strict=True):
            step_with(part, [p], [g])
    assert_same(params, alone)


@each()
def test_a_step_with_zero_gradients_leaves_all_of_the_state(entry):
    params = tensors((3,), (0,))
    optimizer = entry(params)
    step_with(optimizer, params, [torch.zeros_like(p) for p in params])
    after_zero = {key: value.shape for key, value in optimizer.state[params[0]].items()}
    assert set(after_zero) == {"step", *entry.state}
    train(optimizer, lambda: bowl(params), 3)
    assert {key: value.shape for key, value in optimizer.state[params[0]].items()} == after_zero
    optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))


# ---- by name ----


def test_every_optimizer_has_a_name():
    made = {type(create_optimizer(name, tensors((2,)), **required(name))) for name in OPTIMIZERS}
    assert {entry.cls for entry in ENTRIES.values()} <= made


def required(name: str) -> dict:
    """The options without which an optimizer cannot be made by name."""
    return {"total_steps": 10} if "cosine" in name else {}
