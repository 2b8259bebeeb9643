"""
PyTorch's own cases for optimizers, run over all of ours.

The arguments, the errors and the schedules come from `torch.testing._internal.common_optimizers`; what is tested with
them is what PyTorch tests of its own.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import math
import pickle
import pkgutil
import warnings

import pytest
import torch
from everything import ENTRIES, assert_same, bowl, copies, each, step_with, tensors, train
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.testing._internal.common_optimizers import (
    optim_db,
    optim_error_inputs_func_adam,
    optim_inputs_func_adam,
    optim_inputs_func_adamw,
    optim_inputs_func_radam,
)

import labml_nn.optimizers
from labml_nn.optimizers import GenericAdaptiveOptimizer, WeightDecay
from labml_nn.optimizers.amsgrad import AMSGrad
from labml_nn.optimizers.radam import RAdam

# PyTorch's arguments on the CPU, each under its description
ADAM = {case.desc: case.kwargs for case in optim_inputs_func_adam("cpu", torch.float64)}
ADAMW = {case.desc: case.kwargs for case in optim_inputs_func_adamw("cpu", torch.float64)}
RADAM = {case.desc: case.kwargs for case in optim_inputs_func_radam("cpu", torch.float64)}

# Those that every optimizer here has too. `amsgrad` is a class of its own.
SHARED = {desc: kwargs for desc, kwargs in ADAM.items() if "amsgrad" not in kwargs}

SCHEDULES = next(info for info in optim_db if info.optim_cls is torch.optim.Adam).scheduler_inputs

SHAPES = [(), (4,), (3, 2), (0, 3)]


def test_no_optimizer_is_missing_from_the_table():
    missing = set()
    for module in pkgutil.iter_modules(labml_nn.optimizers.__path__, "labml_nn.optimizers."):
        for _, found in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(found, GenericAdaptiveOptimizer) and found is not GenericAdaptiveOptimizer:
                missing.add(found)
    assert missing - {entry.cls for entry in ENTRIES.values()} == set()


def test_pytorch_has_cases():
    assert len(ADAM) >= 5 and len(RADAM) >= 6 and len(SHARED) >= 4 and len(SCHEDULES) >= 7


# ---- the same numbers as torch.optim ----


def l2(options: dict) -> dict:
    """Arguments of torch's Adam or RAdam as ours: their float means L2 decay."""
    options = dict(options)
    decouple = options.pop("decoupled_weight_decay", False)
    return options | {"weight_decay": WeightDecay(options.get("weight_decay", 0.0), weight_decouple=decouple)}


def assert_equals_torch(ours, theirs_cls, theirs_options) -> torch.optim.Optimizer:
    """Train both, assert that they end at the same numbers, and return ours."""
    reference = tensors(*SHAPES)
    theirs = theirs_cls(reference, foreach=False, **theirs_options)
    params = copies(reference)
    ours = ours(params)
    sign = -1.0 if theirs_options.get("maximize") else 1.0
    train(ours, lambda: sign * bowl(params), 30)
    train(theirs, lambda: sign * bowl(reference), 30)
    assert_same(params, reference, 1e-12)
    return ours


@pytest.mark.parametrize("case", ADAM)
@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.as_adam is not None])
def test_equals_adam(name, case, facts):
    entry, options = ENTRIES[name], ADAM[case]
    if "amsgrad" in options:
        entry = entry if issubclass(entry.cls, AMSGrad) else ENTRIES["amsgrad"]
    arguments = {**entry.as_adam, "lr": 1e-3, **l2(options)}
    ours = assert_equals_torch(lambda params: entry(params, **arguments), torch.optim.Adam, options)
    facts.passed(ours, "optim_inputs_func_adam", case, case, len(ADAM), "ends at the same numbers as torch.optim.Adam")


@pytest.mark.parametrize("case", ADAMW)
@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.as_adam is not None])
def test_equals_adamw(name, case, facts):
    entry, options = ENTRIES[name], ADAMW[case]
    if "amsgrad" in options:
        entry = entry if issubclass(entry.cls, AMSGrad) else ENTRIES["amsgrad"]
    arguments = {**entry.as_adam, "lr": 1e-3, "weight_decay": 0.01, **options}
    ours = assert_equals_torch(lambda params: entry(params, **arguments), torch.optim.AdamW, options)
    claim = "ends at the same numbers as torch.optim.AdamW"
    facts.passed(ours, "optim_inputs_func_adamw", case, case, len(ADAMW), claim)


@pytest.mark.parametrize("case", RADAM)
def test_equals_radam(case, facts):
    ours = assert_equals_torch(lambda params: RAdam(params, **l2(RADAM[case])), torch.optim.RAdam, RADAM[case])
    claim = "ends at the same numbers as torch.optim.RAdam"
    facts.passed(ours, "optim_inputs_func_radam", case, case, len(RADAM), claim)


# ---- steps ----


@each()
@pytest.mark.parametrize("case", SHARED)
def test_goes_in_the_right_direction(entry, case, facts):
    weight, bias = tensors((3, 5), (3,), dtype=torch.float32)
    x = torch.randn(5, generator=torch.Generator().manual_seed(1))
    sign = -1.0 if SHARED[case].get("maximize") else 1.0

    def loss():
        return (weight.mv(x) + bias).square().sum()

    before = loss().item()
    ours = entry([weight, bias], **SHARED[case])
    train(ours, loss, 20)
    assert sign * loss().item() < sign * before
    facts.passed(ours, "optim_inputs_func_adam", case, case, len(ADAM), "goes in the right direction")


@each()
@pytest.mark.parametrize("number", range(len(SCHEDULES)))
def test_goes_in_the_right_direction_under_schedules(entry, number, facts):
    weight, bias = tensors((3, 5), (3,), dtype=torch.float32)
    x = torch.randn(5, generator=torch.Generator().manual_seed(1))

    def loss():
        return (weight.mv(x) + bias).square().sum()

    before = loss().item()
    optimizer = entry([weight, bias])
    train(optimizer, loss, entry.waits)
    schedulers = [make(optimizer) for make in SCHEDULES[number]]
    for _ in range(20):
        train(optimizer, loss, 1)
        for scheduler in schedulers:
            if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
                scheduler.step(loss().detach())
            else:
                scheduler.step()
    assert loss().item() < before
    name = " and ".join(type(scheduler).__name__ for scheduler in schedulers)
    of, claim = "scheduler_inputs of torch.optim.Adam", "goes in the right direction under schedules"
    facts.passed(optimizer, of, str(number), name, len(SCHEDULES), claim)


@each()
def test_a_closure_is_run_once_with_gradients_and_its_loss_returned(entry):
    params = tensors((3,), (2, 2))
    other = copies(params)
    ours, reference = entry(params), entry(other)
    calls = []

    def closure():
        assert torch.is_grad_enabled()
        calls.append(True)
        ours.zero_grad()
        loss = bowl(params)
        loss.backward()
        return loss

    for _ in range(3):
        expected = bowl(other)
        reference.zero_grad()
        expected.backward()
        reference.step()
        assert ours.step(closure).item() == expected.item()
    assert len(calls) == 3
    assert_same(params, other)


def hooks_of_one_step(make) -> list[str]:
    """The hooks that run around one step, in order; the second step runs none, as they are removed."""
    p = torch.ones(2, requires_grad=True)
    p.grad = torch.ones(2)
    optimizer, seen = make([p]), []
    handles = [
        optimizer.register_step_pre_hook(lambda *_: seen.append("before")),
        optimizer.register_step_post_hook(lambda *_: seen.append("after")),
        register_optimizer_step_pre_hook(lambda *_: seen.append("before all")),
        register_optimizer_step_post_hook(lambda *_: seen.append("after all")),
    ]
    optimizer.step()
    for handle in handles:
        handle.remove()
    optimizer.step()
    return seen


@each()
def test_step_hooks_run_as_around_a_step_of_torch(entry):
    expected = hooks_of_one_step(torch.optim.Adam)
    assert len(expected) == 4
    assert hooks_of_one_step(entry) == expected


@each()
def test_a_hook_may_change_the_arguments_of_a_step(entry):
    p = torch.ones(2, requires_grad=True)
    p.grad = torch.ones(2)
    optimizer = entry([p])
    optimizer.register_step_pre_hook(lambda self, args, kwargs: (args, {"closure": lambda: "replaced"}))
    assert optimizer.step() == "replaced"


@each()
def test_a_parameter_without_gradient_is_untouched(entry):
    trained, frozen, strange = tensors((2,), (2,), (2,))
    frozen.requires_grad_(False)
    before = [frozen.clone(), strange.detach().clone()]
    optimizer = entry([trained, frozen, strange], weight_decay=0.1)
    for _ in range(3):
        step_with(optimizer, [trained], [torch.ones(2, dtype=torch.float64)])
    assert torch.equal(frozen, before[0]) and torch.equal(strange, before[1])
    assert set(optimizer.state) == {trained}


@each()
def test_a_step_without_any_gradient_does_nothing(entry):
    params = tensors((2,), (3,))
    before = copies(params)
    optimizer = entry(params, weight_decay=0.1)
    for set_to_none in (True, False):
        optimizer.zero_grad(set_to_none=set_to_none)
        optimizer.step()
    assert_same(params, before)
    assert not optimizer.state


@each()
def test_zero_gradients_from_the_first_step_move_nothing_and_count(entry):
    params = tensors(*SHAPES)
    before = copies(params)
    optimizer = entry(params, weight_decay=0.0)
    for _ in range(8):
        step_with(optimizer, params, [torch.zeros_like(p) for p in params])
    assert_same(params, before)
    for p in params:
        assert set(optimizer.state[p]) == {"step", *entry.state}
        assert optimizer.state[p]["step"] == 8


@each()
def test_maximize_is_descent_of_the_negated_loss(entry):
    params = tensors((4,), (2, 3))
    other = copies(params)
    ours, reference = entry(params, maximize=True), entry(other)
    train(ours, lambda: -bowl(params), 8)
    train(reference, lambda: bowl(other), 8)
    assert_same(params, other)


@each()
@pytest.mark.parametrize("maximize", [True, False])
@pytest.mark.parametrize("decouple", [True, False])
def test_the_gradient_belongs_to_the_caller(entry, maximize, decouple):
    p = torch.ones(3, dtype=torch.float64, requires_grad=True)
    optimizer = entry([p], maximize=maximize, weight_decay=WeightDecay(0.1, weight_decouple=decouple))
    given = torch.tensor([0.5, -1.0, 0.0], dtype=torch.float64)
    p.grad = given
    optimizer.step()
    assert p.grad is given
    assert given.tolist() == [0.5, -1.0, 0.0]


@each()
def test_sparse_gradients_are_refused_before_anything_changes(entry):
    p, q = torch.ones(2, 2, requires_grad=True), torch.ones(2, 2, requires_grad=True)
    p.grad, q.grad = torch.ones(2, 2), torch.eye(2).to_sparse()
    optimizer = entry([p, q], weight_decay=0.1)
    with pytest.raises(RuntimeError, match=rf"{entry.cls.__name__} needs dense gradients"):
        optimizer.step()
    assert torch.equal(p, torch.ones(2, 2)) and torch.equal(q, torch.ones(2, 2))
    assert not optimizer.state


@each()
def test_a_tensor_as_learning_rate_is_the_number_in_it(entry):
    lr = entry.options["lr"]
    params = tensors((3,), (2, 2))
    other = copies(params)
    rate = torch.tensor(lr, dtype=torch.float64)
    ours, reference = entry(params, lr=rate), entry(other)
    schedules = [torch.optim.lr_scheduler.ExponentialLR(o, 0.9) for o in (ours, reference)]
    for _ in range(6):
        train(ours, lambda: bowl(params), 1)
        train(reference, lambda: bowl(other), 1)
        for schedule in schedules:
            schedule.step()
    assert ours.param_groups[0]["lr"] is rate
    assert rate.item() == pytest.approx(lr * 0.9**6)
    assert_same(params, other, 1e-14)


# ---- parameters of all kinds ----


@each()
@pytest.mark.parametrize("case", SHARED)
@pytest.mark.parametrize("decouple", [True, False])
def test_complex_numbers_are_pairs_of_real_ones(entry, case, decouple):
    options = dict(SHARED[case])
    options["weight_decay"] = WeightDecay(options.get("weight_decay", 0.0), weight_decouple=decouple)
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(3, 2, generator=generator, dtype=torch.complex128).requires_grad_()
    pair = torch.view_as_real(z.detach()).clone().requires_grad_()
    ours, real = entry([z], **options), entry([pair], **options)
    for step in range(6):
        grad = torch.randn(3, 2, generator=generator, dtype=torch.complex128)
        if entry.hessian and step % 3 == 0:
            ours.update_hessian(torch.view_as_real(z).mul(torch.view_as_real(grad)).sum(), batch_size=2)
            real.update_hessian(pair.mul(torch.view_as_real(grad)).sum(), batch_size=2)
        # A conjugate that torch has not carried out yet
        z.grad, pair.grad = grad.conj(), torch.view_as_real(grad.conj().resolve_conj()).clone()
        ours.step()
        real.step()
    assert ours.state[z]["exp_avg"].is_complex()
    assert_same([torch.view_as_real(z)], [pair])


@each()
def test_scalars_and_empty_tensors_train(entry):
    params = tensors((), (0,), (3, 0, 2), (1,))
    before = copies(params)
    train(entry(params, weight_decay=0.1), lambda: bowl(params), 8)
    for p, start in zip(params, before, strict=True):
        assert p.shape == start.shape
        assert p.numel() == 0 or not torch.equal(p, start)


@each()
def test_a_non_contiguous_parameter_takes_the_same_steps(entry):
    plain = tensors((4, 3), (2, 3, 4, 4))
    strided = [
        plain[0].detach().T.contiguous().T.requires_grad_(),
        plain[1].detach().to(memory_format=torch.channels_last).requires_grad_(),
    ]
    assert not any(p.is_contiguous() for p in strided)
    layouts = [p.stride() for p in strided]
    ours, reference = entry(strided), entry(plain)
    train(ours, lambda: bowl(strided), 6)
    train(reference, lambda: bowl(plain), 6)
    assert [p.stride() for p in strided] == layouts
    assert_same(strided, plain, 1e-14)


@each()
def test_a_gradient_may_be_laid_out_otherwise_than_its_parameter(entry):
    plain, other = tensors((4, 3)), tensors((4, 3))
    ours, reference = entry(plain), entry(other)
    for seed in range(4):
        grad = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        plain[0].grad, other[0].grad = grad.T.contiguous().T, grad.clone()
        ours.step()
        reference.step()
    assert_same(plain, other, 1e-14)


@each()
def test_parameters_of_several_dtypes_train_together(entry):
    params = [torch.ones(3, dtype=dtype, requires_grad=True) for dtype in (torch.float32, torch.float64)]
    alone = copies(params)
    step = {"weight_decay": 0.1}
    ours, reference = entry(params, **step), [entry([p], **step) for p in alone]
    for _ in range(3):
        step_with(ours, params, [torch.full_like(p, 0.3) for p in params])
        for optimizer, p in zip(reference, alone, strict=True):
            step_with(optimizer, [p], [torch.full_like(p, 0.3)])
    assert_same(params, alone)


# ---- groups ----


GROUP = {"lr": 0.003, "betas": (0.5, 0.8), "eps": 1e-3, "weight_decay": 0.2, "maximize": True}


@each()
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("override", [{}, {"weight_decouple": False}, *({key: GROUP[key]} for key in GROUP), GROUP])
def test_a_group_with_options_of_its_own_is_an_optimizer_with_those(entry, override, late):
    params = tensors((3,), (2, 2), (4,))
    alone = copies(params)
    decay = {"weight_decay": 0.1}
    ours = entry([{"params": params[:1]}, *([] if late else [{"params": params[1:], **override}])], **decay)
    first = entry(alone[:1], **decay)
    if "weight_decouple" in override:
        second = entry(alone[1:], weight_decay=WeightDecay(0.1, **override))
    else:
        second = entry(alone[1:], **(decay | override))
    if late:
        train(ours, lambda: bowl(params), 3)
        train(first, lambda: bowl(alone), 3)
        ours.add_param_group({"params": params[1:], **override})
        for p in alone:
            p.grad = None

    for step in range(6):
        if step % 3 == 0 and entry.hessian:
            ours.update_hessian(bowl(params), batch_size=2)
            first.update_hessian(bowl(alone), batch_size=2)
            for p in alone:
                p.grad = None
            second.update_hessian(bowl(alone), batch_size=2)
        for tensors_, optimizers in ((params, [ours]), (alone, [first, second])):
            for p in tensors_:
                p.grad = None
            bowl(tensors_).backward()
            for optimizer in optimizers:
                optimizer.step()
    assert_same(params, alone)


@each()
def test_parameters_may_come_with_names(entry):
    model = torch.nn.Linear(2, 2)
    optimizer = entry(model.named_parameters())
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    train(optimizer, lambda: model(torch.ones(2)).square().sum(), 2)

    fresh = entry(torch.nn.Linear(2, 2).named_parameters())
    fresh.load_state_dict(optimizer.state_dict())
    assert fresh.param_groups[0]["param_names"] == ["weight", "bias"]


# ---- copies and checkpoints ----

WAYS = ["deepcopy", "pickle", "state_dict", "torch.save"]


def copied(way: str, entry, params, optimizer, options: dict, folder) -> tuple:
    """Parameters and optimizer as they come out of a copy or a checkpoint."""
    if way == "deepcopy":
        return copy.deepcopy((params, optimizer))
    if way == "pickle":
        return pickle.loads(pickle.dumps((params, optimizer)))
    state = copy.deepcopy(optimizer.state_dict())
    if way == "torch.save":
        torch.save(state, folder / "optimizer.pt")
        state = torch.load(folder / "optimizer.pt", weights_only=True)
    # Made with other hyper-parameters: those of the checkpoint win.
    fresh = copies(params)
    other = entry(fresh, **(options | {"lr": 0.5, "betas": (0.7, 0.7), "weight_decay": 0.0}))
    other.load_state_dict(state)
    return fresh, other


@each()
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", SHARED)
def test_a_copy_goes_on_as_if_never_stopped(entry, way, case, tmp_path):
    params = tensors((), (4,), (3, 2), (0, 2))
    optimizer = entry(params, **SHARED[case])
    train(optimizer, lambda: bowl(params), 7)
    fresh, other = copied(way, entry, params, optimizer, SHARED[case], tmp_path)

    train(optimizer, lambda: bowl(params), 5)
    train(other, lambda: bowl(fresh), 5)
    assert_same(params, fresh)
    for one, two in zip(optimizer.param_groups, other.param_groups, strict=True):
        assert {**one, "params": 0} == {**two, "params": 0}
    for p, q in zip(params, fresh, strict=True):
        assert optimizer.state[p].keys() == other.state[q].keys()
        for key in optimizer.state[p]:
            assert torch.equal(optimizer.state[p][key], other.state[q][key])
            assert optimizer.state[p][key].dtype == other.state[q][key].dtype


@each()
def test_a_copy_has_all_public_attributes_and_shares_no_memory(entry):
    params = tensors((4,))
    optimizer = entry(params)
    train(optimizer, lambda: bowl(params), 2)
    public = {key for key in vars(optimizer) if not key.startswith("_")}
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert public <= set(vars(other))
        (p,), (q,) = optimizer.param_groups[0]["params"], other.param_groups[0]["params"]
        assert p.data_ptr() != q.data_ptr()
        for key in entry.state:
            assert optimizer.state[p][key].data_ptr() != other.state[q][key].data_ptr()


@each()
def test_a_checkpoint_is_not_changed_by_whoever_loaded_it(entry):
    params = tensors((4,))
    optimizer = entry(params)
    train(optimizer, lambda: bowl(params), 2)
    saved = copy.deepcopy(optimizer.state_dict())
    untouched = copy.deepcopy(saved)

    fresh = copies(params)
    other = entry(fresh)
    other.load_state_dict(saved)
    other.param_groups[0]["lr"] = 0.123
    assert saved["param_groups"] == untouched["param_groups"]
    assert saved["state"].keys() == untouched["state"].keys()


@each()
def test_state_dicts_of_the_same_training_are_equal(entry):
    saved = []
    for _ in range(2):
        params = tensors((4,), (2, 3))
        optimizer = entry(params)
        train(optimizer, lambda params=params: bowl(params), 4)
        saved.append(optimizer.state_dict())
    assert saved[0]["param_groups"] == saved[1]["param_groups"]
    torch.testing.assert_close(saved[0]["state"], saved[1]["state"], rtol=0, atol=0)


@each()
@pytest.mark.parametrize("before_first_step", [True, False])
def test_a_checkpoint_from_before_a_flag_existed_loads(entry, before_first_step):
    params = tensors((4,))
    optimizer = entry(params)
    if not before_first_step:
        train(optimizer, lambda: bowl(params), 2)
    saved = copy.deepcopy(optimizer.state_dict())
    for key in ("maximize", "weight_decouple", "absolute"):
        del saved["param_groups"][0][key]
    fresh = copies(params)
    other = entry(fresh)
    other.load_state_dict(saved)
    train(optimizer, lambda: bowl(params), 3)
    train(other, lambda: bowl(fresh), 3)
    assert_same(params, fresh)


@each()
def test_a_count_of_steps_may_be_a_plain_number(entry):
    params = tensors((4,))
    optimizer = entry(params)
    train(optimizer, lambda: bowl(params), 7)
    saved = copy.deepcopy(optimizer.state_dict())
    saved["state"][0]["step"] = 7
    fresh = copies(params)
    other = entry(fresh)
    other.load_state_dict(saved)
    train(optimizer, lambda: bowl(params), 3)
    train(other, lambda: bowl(fresh), 3)
    assert other.state[fresh[0]]["step"] == 10
    assert_same(params, fresh)


@each()
def test_a_checkpoint_of_float32_goes_on_in_bfloat16(entry):
    # A learning rate at which even the short steps of a warm-up are more than bfloat16 rounds away
    params = tensors((4,), (3, 2), dtype=torch.float32)
    optimizer = entry(params, lr=100 * entry.options["lr"])
    train(optimizer, lambda: bowl(params), 7)

    half = [p.detach().to(torch.bfloat16).requires_grad_() for p in params]
    other = entry(half)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for p, q in zip(params, half, strict=True):
        assert other.state[q]["step"].dtype == torch.float32
        assert set(other.state[q]) == {"step", *entry.state, *(["master"] if entry.master else [])}
        for key in entry.state:
            dtype = torch.float32 if entry.master else torch.bfloat16
            assert other.state[q][key].dtype == dtype
            assert torch.equal(other.state[q][key], optimizer.state[p][key].to(dtype))

    before = copies(half)
    train(other, lambda: bowl(half).float(), 5)
    for q, start in zip(half, before, strict=True):
        assert q.dtype == torch.bfloat16 and torch.isfinite(q).all() and not torch.equal(q, start)
        assert other.state[q]["step"] == 12


@each()
def test_state_dict_hooks_run_and_may_change_what_passes(entry):
    params = tensors((4,))
    optimizer, seen = entry(params), []
    train(optimizer, lambda: bowl(params), 2)

    optimizer.register_state_dict_pre_hook(lambda _: seen.append("before save"))
    optimizer.register_state_dict_post_hook(lambda _, state: seen.append("after save") or {**state, "note": "ours"})
    saved = optimizer.state_dict()
    assert seen == ["before save", "after save"]
    assert saved["note"] == "ours"

    def slower(_, state):
        seen.append("before load")
        groups = [{**group, "lr": 0.125} for group in state["param_groups"]]
        return {**state, "param_groups": groups}

    other = entry(copies(params))
    other.register_load_state_dict_pre_hook(slower)
    other.register_load_state_dict_post_hook(lambda o: seen.append(("after load", o.param_groups[0]["lr"])))
    other.load_state_dict(saved)
    assert seen[2:] == ["before load", ("after load", 0.125)]


# ---- errors ----


# What ours says where PyTorch says something else; None where PyTorch refuses an argument that ours does not have.
OURS = {
    "Tensor lr must be 1-element": r"lr must be a number .*tensor\(\[0\.0010, 0\.0010\]\)",
    "beta1 should be between 0 and 1": r"betas\[0\] must be a number in \[0, 1\), got 1\.0",
    "weight_decay should > 0": r"weight_decay must be a number .*-1",
}

ALL_ERRORS = list(optim_error_inputs_func_adam("cpu", torch.float32))
ERRORS = {
    f"{number} {case.optimizer_error_input.desc}": case
    for number, case in enumerate(ALL_ERRORS)
    if "foreach" not in case.optimizer_error_input.kwargs
    and not any(isinstance(beta, torch.Tensor) for beta in case.optimizer_error_input.kwargs.get("betas", ()))
}


def test_pytorch_has_errors():
    assert len(ERRORS) >= 8
    described = {case.optimizer_error_input.desc for case in ERRORS.values()}
    assert set(OURS) <= described


@each()
@pytest.mark.parametrize("case", ERRORS)
def test_what_pytorch_refuses_is_refused(entry, case, facts):
    error, given = ERRORS[case], ERRORS[case].optimizer_error_input
    message = OURS.get(given.desc, error.error_regex)
    params = [torch.ones(1, requires_grad=True)] if given.params is None else given.params
    if issubclass(error.error_type, Warning):
        with pytest.warns(error.error_type, match=message):
            entry(params, **given.kwargs)
    else:
        with warnings.catch_warnings(), pytest.raises(error.error_type, match=message):
            warnings.simplefilter("error")
            entry(params, **given.kwargs)
    ours = entry(tensors((2,)))
    facts.passed(ours, "optim_error_inputs_func_adam", case, given.desc, len(ALL_ERRORS), "refuses what torch refuses")


# ---- memory ----


@each()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_state_of_a_parameter_takes_these_bytes(entry, dtype, facts):
    (p,) = params = tensors((1000,), dtype=dtype)
    ours = entry(params)
    train(ours, lambda: bowl(params).float(), 1)
    taken = sum(value.nbytes for key, value in ours.state[p].items() if key != "step") / p.numel()
    halves = dtype == torch.bfloat16
    assert taken == (4 * (len(entry.state) + 1) if halves and entry.master else dtype.itemsize * len(entry.state))
    facts.measured(ours, f"State in {str(dtype).removeprefix('torch.')}", taken, "bytes a parameter")


BAD = [
    ("lr", -1.0),
    ("lr", math.nan),
    ("lr", "0.1"),
    ("eps", -1e-8),
    ("betas", (0.9, 1.0)),
    ("betas", (0.9,)),
    ("weight_decay", -0.1),
    ("weight_decay", "much"),
]


@each()
@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_value_out_of_range_is_refused_by_name_before_anything_changes(entry, name, value):
    (p,) = tensors((2,))
    optimizer = entry([p])
    train(optimizer, lambda: bowl([p]), 2)
    saved = copy.deepcopy(optimizer.state_dict())
    bad = copy.deepcopy(saved)
    bad["param_groups"][0][name] = value
    (late,) = tensors((2,))

    for attempt in (
        lambda: entry([late], **{name: value}),
        lambda: entry([{"params": [late], name: value}]),
        lambda: optimizer.add_param_group({"params": [late], name: value}),
        lambda: optimizer.load_state_dict(bad),
    ):
        with pytest.raises(ValueError, match=rf"{name}.* got "):
            attempt()
    assert len(optimizer.param_groups) == 1
    assert optimizer.state_dict()["param_groups"] == saved["param_groups"]
    torch.testing.assert_close(optimizer.state_dict()["state"], saved["state"], rtol=0, atol=0)


@each()
def test_an_unknown_argument_is_refused(entry):
    with pytest.raises(TypeError, match="nonsense"):
        entry(tensors((2,)), nonsense=1)


@each()
@pytest.mark.parametrize("shapes", [[[(4,)]], [[(4,)], [(2, 3)]], [[(4,), (3, 2)]], [[(4,), (2, 3), (1,)]]])
def test_a_checkpoint_of_another_model_is_refused_before_anything_changes(entry, shapes):
    params = tensors((4,), (2, 3))
    optimizer = entry(params)
    train(optimizer, lambda: bowl(params), 2)

    others = [tensors(*group) for group in shapes]
    other = entry([{"params": group} for group in others], lr=0.125)
    train(other, lambda: bowl([p for group in others for p in group]), 1)
    before = copy.deepcopy(other.state_dict())
    with pytest.raises(ValueError, match=r"checkpoint.*(parameters|\(2, 3\))"):
        other.load_state_dict(optimizer.state_dict())
    after = other.state_dict()
    assert after["param_groups"] == before["param_groups"]
    torch.testing.assert_close(after["state"], before["state"], rtol=0, atol=0)
