"""The base class, as an optimizer of PyTorch: groups, state, checkpoints, errors."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from labml_nn.optimizers import GenericAdaptiveOptimizer, WeightDecay
from labml_nn.optimizers.adam import Adam
from labml_nn.optimizers.amsgrad import AMSGrad
from labml_nn.optimizers.backends import BACKENDS


class SignDescent(GenericAdaptiveOptimizer):
    """The shortest elementwise method there is."""

    def __init__(self, params, defaults=None, lr=0.1):
        super().__init__(params, defaults if defaults is not None else {}, lr, (0.0, 0.0), 0.0)

    def scalars(self, group, step):
        """The learning rate."""
        return {"lr": self.learning_rate(group, step)}

    def update(self, theta, grad, state, scalars):
        """One step."""
        theta.sub_(grad.sign() * scalars["lr"])


class Transposed(GenericAdaptiveOptimizer):
    """A method that needs the matrix."""

    def step_param(self, state, group, grad, param):
        """One step."""
        param.sub_(group["lr"] * grad.T)


BAD = [
    ({"lr": -1.0}, r"lr .*-1\.0"),
    ({"lr": math.nan}, r"lr .*nan"),
    ({"lr": math.inf}, r"lr .*inf"),
    ({"lr": "0.1"}, r"lr .*'0\.1'"),
    ({"lr": torch.tensor([0.1, 0.2])}, r"lr .*tensor"),
    ({"eps": -1e-8}, r"eps .*-1e-08"),
    ({"betas": (1.0, 0.9)}, r"betas\[0\] .*1\.0"),
    ({"betas": (0.9, -0.1)}, r"betas\[1\] .*-0\.1"),
    ({"betas": (0.9,)}, r"betas .*\(0\.9,\)"),
    ({"betas": 0.9}, r"betas .*0\.9"),
    ({"weight_decay": -0.1}, r"weight_decay .*-0\.1"),
    ({"weight_decay": "much"}, r"weight_decay .*'much'"),
    ({"maximize": "yes"}, r"maximize must be True or False, got 'yes'"),
    ({"lr": 1e-3 + 1j}, r"lr .*1j"),
    ({"betas": ("0.9", 0.9)}, r"betas\[0\] .*'0\.9'"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_hyper_parameters_are_refused_by_name_and_value(options, message):
    p = torch.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match=message):
        Adam([p], **options)
    with pytest.raises(ValueError, match=message):
        Adam([{"params": [p], **options}])

    good = Adam([torch.ones(1, requires_grad=True)])
    with pytest.raises(ValueError, match=message):
        good.add_param_group({"params": [p], **options})
    assert len(good.param_groups) == 1
    assert p.tolist() == [1.0, 1.0]


def test_a_bad_default_is_refused_even_if_each_group_overrides_it():
    with pytest.raises(ValueError, match="lr"):
        Adam([{"params": [torch.ones(1, requires_grad=True)], "lr": 0.1}], lr=-1.0)


def test_bad_parameters_are_refused():
    p = torch.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="empty parameter list"):
        Adam([])
    with pytest.raises(ValueError, match="non-leaf"):
        Adam([p * 2])
    with pytest.raises(TypeError, match="iterable of Tensors"):
        Adam(p)
    with pytest.raises(ValueError, match="more than one parameter group"):
        Adam([{"params": [p]}, {"params": [p]}])
    with pytest.raises(TypeError, match="must be a dict"):
        Adam([p]).add_param_group([p])
    with pytest.raises(TypeError, match="one of the params is str"):
        Adam("weights")
    with pytest.raises(TypeError, match="one of the params is float"):
        Adam([p, 1.0])
    with pytest.raises(TypeError, match="unexpected keyword argument 'epsilon'"):
        Adam([p], epsilon=1e-8)
    with pytest.raises(ValueError, match="check_finite must be True or False, got 1"):
        Adam([p], check_finite=1)
    with pytest.raises(ValueError, match="amsgrad must be True or False, got 'no'"):
        AMSGrad([p], amsgrad="no")


def test_the_callers_dictionaries_are_not_changed():
    defaults = {"weight_decay": WeightDecay(0.1), "extra": 1}
    group = {"params": [torch.ones(1, requires_grad=True)]}
    optimizer = SignDescent([group], defaults)
    assert defaults == {"weight_decay": WeightDecay(0.1), "extra": 1}
    assert list(group) == ["params"]
    assert optimizer.param_groups[0]["extra"] == 1


def test_hyper_parameters_live_in_the_groups():
    optimizer = AMSGrad([torch.ones(1, requires_grad=True)], 0.1, (0.8, 0.9), 1e-6, 0.2, maximize=True)
    group = optimizer.param_groups[0]
    expected = {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-6, "weight_decay": 0.2, "maximize": True, "amsgrad": True}
    assert expected.items() <= group.items()
    assert not {"lr", "betas", "eps", "weight_decay", "maximize", "amsgrad"} & vars(optimizer).keys()


def test_a_method_must_say_its_rule():
    p = torch.ones(1, requires_grad=True)
    p.grad = torch.ones(1)
    optimizer = GenericAdaptiveOptimizer([p], {}, 0.1, (0.9, 0.9), 0.0)
    with pytest.raises(NotImplementedError, match="scalars and update, or step_param"):
        optimizer.step()


def test_a_matrix_method_overrides_step_param():
    p = torch.zeros(2, 2, requires_grad=True)
    p.grad = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    optimizer = Transposed([p], {}, 1.0, (0.0, 0.0), 0.0)
    optimizer.step()
    assert torch.equal(p, -p.grad.T)
    assert optimizer.state[p]["step"] == 1


def test_a_parameter_without_gradient_is_left_alone():
    p, q = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    p.grad = torch.ones(2)
    optimizer = Adam([p, q], weight_decay=0.1)
    optimizer.step()
    assert p.tolist() != [1.0, 1.0]
    assert q.tolist() == [1.0, 1.0]
    assert q not in optimizer.state


@pytest.mark.parametrize("cls", [Adam, AMSGrad])
def test_a_gradient_of_zeros_makes_state_and_moves_nothing(cls):
    p = torch.tensor([1.0, -2.0], requires_grad=True)
    p.grad = torch.zeros(2)
    optimizer = cls([p])
    optimizer.step()
    assert p.tolist() == [1.0, -2.0]
    assert optimizer.state[p]["step"] == 1
    assert {"exp_avg", "exp_avg_sq"} <= optimizer.state[p].keys()


def test_the_state_is_as_torch_keeps_it():
    p = torch.ones(3, 2, dtype=torch.float64, requires_grad=True)
    p.grad = torch.ones_like(p)
    ours, theirs = AMSGrad([p]), torch.optim.Adam([p], amsgrad=True)
    ours.step()
    theirs.step()
    assert ours.state[p].keys() == theirs.state[p].keys()
    for key, value in theirs.state[p].items():
        mine = ours.state[p][key]
        assert (mine.shape, mine.dtype, mine.device) == (value.shape, value.dtype, value.device)


def test_sparse_gradients_are_refused_before_anything_changes():
    p, q = torch.ones(2, 2, requires_grad=True), torch.ones(2, 2, requires_grad=True)
    p.grad = torch.ones(2, 2)
    q.grad = torch.eye(2).to_sparse()
    optimizer = Adam([p, q])
    with pytest.raises(RuntimeError, match=r"Adam needs dense gradients.*SparseAdam"):
        optimizer.step()
    assert torch.equal(p, torch.ones(2, 2))
    assert not optimizer.state


def test_a_closure_sees_gradients_and_its_loss_is_returned():
    p = torch.tensor([2.0], requires_grad=True)
    optimizer = SignDescent([p])

    def closure():
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4.0
    assert p.item() == pytest.approx(1.9)
    assert not torch.is_inference(p) and p.requires_grad


def test_hooks_run_around_a_step():
    p = torch.ones(1, requires_grad=True)
    p.grad = torch.ones(1)
    optimizer, seen = SignDescent([p]), []
    optimizer.register_step_pre_hook(lambda *_: seen.append(("before", p.item())))
    optimizer.register_step_post_hook(lambda *_: seen.append(("after", p.item())))
    optimizer.step()
    assert seen == [("before", 1.0), ("after", pytest.approx(0.9))]


def test_the_profiler_names_the_step():
    p = torch.ones(1, requires_grad=True)
    p.grad = torch.ones(1)
    optimizer = Adam([p])
    with torch.profiler.profile() as profile:
        optimizer.step()
    assert any(event.key == "Optimizer.step#Adam.step" for event in profile.key_averages())


@pytest.mark.parametrize("cls", [Adam, AMSGrad])
@pytest.mark.parametrize("way", ["deepcopy", "pickle", "state_dict", "torch.save"])
def test_a_copy_goes_on_as_if_never_stopped(cls, way, make_params, train, difference, tmp_path):
    decay = WeightDecay(0.1, weight_decouple=False)

    def make(params):
        head = {"params": params[2:], "lr": 0.03, "weight_decouple": True}
        return cls([{"params": params[:2]}, head], lr=0.01, weight_decay=decay)

    params = make_params()
    optimizer = make(params)
    train(params, optimizer, 5)

    if way in ("deepcopy", "pickle"):
        pair = (params, optimizer)
        other_params, other = copy.deepcopy(pair) if way == "deepcopy" else pickle.loads(pickle.dumps(pair))
    else:
        other_params = [p.detach().clone().requires_grad_() for p in params]
        state = copy.deepcopy(optimizer.state_dict())
        if way == "torch.save":
            torch.save(state, tmp_path / "optimizer.pt")
            state = torch.load(tmp_path / "optimizer.pt", weights_only=True)
        groups = [{"params": other_params[:2]}, {"params": other_params[2:]}]
        other = cls(groups)
        other.load_state_dict(state)

    train(params, optimizer, 5)
    train(other_params, other, 5)
    assert difference(params, other_params) == 0.0
    for one, two in zip(optimizer.param_groups, other.param_groups, strict=True):
        assert {**one, "params": 0} == {**two, "params": 0}


def test_a_bad_checkpoint_changes_nothing(make_params, train):
    params = make_params()
    optimizer = Adam(params, lr=0.01)
    train(params, optimizer, 2)
    before = copy.deepcopy(optimizer.state_dict())
    bad = copy.deepcopy(before)
    bad["param_groups"][0]["betas"] = (0.9, 2.0)
    with pytest.raises(ValueError, match=r"betas\[1\] .*2\.0"):
        optimizer.load_state_dict(bad)
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.999)
    assert optimizer.state_dict()["state"].keys() == before["state"].keys()


def bad_checkpoints(good):
    """Checkpoints that fit badly, and what is to be said of each."""

    def changed(change):
        state = copy.deepcopy(good)
        change(state)
        return state

    def change(key, value):
        return lambda checkpoint: checkpoint["state"][1].update({key: value})

    def pop(key):
        return lambda checkpoint: checkpoint["state"][1].pop(key)

    return [
        ({}, r"needs the entries 'state' and 'param_groups', got \[\]"),
        ("adam.pt", r"needs the entries 'state' and 'param_groups', got str"),
        ({"model": {}, "epoch": 3}, r"got \['epoch', 'model'\]"),
        (changed(lambda checkpoint: checkpoint["param_groups"].append({"params": []})), r"have \[5, 0\] .* \[5\]"),
        (changed(lambda checkpoint: checkpoint["param_groups"][0]["params"].pop()), r"have \[4\] .* \[5\]"),
        (changed(change("exp_avg", torch.zeros(6))), r"shape \(7,\) has 'exp_avg' of shape \(6,\)"),
        (changed(change("exp_avg_sq", 0.5)), r"must have a tensor as 'exp_avg_sq', got 0\.5"),
        (changed(pop("exp_avg")), r"shape \(7,\) has no 'exp_avg', which Adam needs; it has \['exp_avg_sq', 'step'\]"),
    ]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", range(8))
def test_a_checkpoint_that_does_not_fit_changes_nothing(case, backend, make_params):
    params = make_params()
    for p in params:
        p.grad = p.detach().sin()
    eager = Adam(params, lr=0.01)
    eager.step()
    optimizer = Adam(params, lr=0.5, backend=backend)
    optimizer.load_state_dict(copy.deepcopy(eager.state_dict()))
    before = copy.deepcopy(optimizer.state_dict())
    checkpoint, message = bad_checkpoints(before)[case]
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(checkpoint)
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"]
    for number, entries in before["state"].items():
        assert all(torch.equal(value, after["state"][number][key]) for key, value in entries.items())


def test_a_checkpoint_of_another_method_is_refused(make_params, train):
    params = make_params()
    momentum = torch.optim.SGD(params, lr=0.01, momentum=0.9)
    train(params, momentum, 1)
    with pytest.raises(ValueError, match=r"has no 'step', which Adam needs; it has \['momentum_buffer'\]"):
        Adam(params).load_state_dict(momentum.state_dict())


def test_an_old_checkpoint_counts_in_plain_numbers(make_params, train, difference):
    params = make_params()
    optimizer = Adam(params, lr=0.01)
    train(params, optimizer, 3)
    moved, saved = copy.deepcopy((params, optimizer.state_dict()))
    for entries in saved["state"].values():
        entries["step"] = int(entries["step"])
    other = Adam(moved)
    other.load_state_dict(saved)
    train(params, optimizer, 3)
    train(moved, other, 3)
    assert difference(params, moved) == 0.0


def test_a_hook_may_make_a_checkpoint_fit():
    def double(optimizer, checkpoint):
        state = {0: {**checkpoint["state"][0], "exp_avg": checkpoint["state"][0]["exp_avg"].repeat(2)}}
        state[0]["exp_avg_sq"] = checkpoint["state"][0]["exp_avg_sq"].repeat(2)
        return {**checkpoint, "state": state}

    p, q = torch.ones(2, requires_grad=True), torch.ones(4, requires_grad=True)
    p.grad = torch.tensor([1.0, 2.0])
    small, large = Adam([p]), Adam([q])
    small.step()
    large.register_load_state_dict_pre_hook(double)
    large.load_state_dict(small.state_dict())
    assert torch.equal(large.state[q]["exp_avg"], small.state[p]["exp_avg"].repeat(2))


def test_a_maximum_may_be_asked_for_in_mid_training(make_params, train):
    params = make_params([(4,)])
    optimizer = AMSGrad(params, lr=0.01, amsgrad=False)
    train(params, optimizer, 5)
    before = optimizer.state[params[0]]["exp_avg_sq"].clone()
    optimizer.param_groups[0]["amsgrad"] = True
    params[0].grad = torch.zeros_like(params[0])
    optimizer.step()
    # The average has shrunk, the maximum has not.
    assert torch.equal(optimizer.state[params[0]]["max_exp_avg_sq"], before)
    assert (optimizer.state[params[0]]["exp_avg_sq"] < before).all()


def test_a_double_precision_checkpoint_loads_into_bfloat16():
    p = torch.ones(2, requires_grad=True)
    p.grad = torch.ones(2)
    optimizer = Adam([p])
    optimizer.step()
    q = torch.ones(2, dtype=torch.bfloat16, requires_grad=True)
    other = Adam([q])
    other.load_state_dict(optimizer.state_dict())
    assert other.state[q]["exp_avg"].dtype == torch.bfloat16
    assert other.state[q]["step"].dtype == torch.float32
    q.grad = torch.ones_like(q)
    other.step()
    assert other.state[q]["step"] == 2


def test_groups_differ_and_can_be_added(make_params, train, difference):
    params, reference = make_params(), make_params()
    ours = Adam([{"params": params[:2], "betas": (0.5, 0.9)}], lr=0.02)
    theirs = torch.optim.Adam([{"params": reference[:2], "betas": (0.5, 0.9)}], lr=0.02)
    train(params, ours, 3)
    train(reference, theirs, 3)
    for optimizer, tensors in ((ours, params), (theirs, reference)):
        optimizer.add_param_group({"params": tensors[2:], "lr": 0.05, "eps": 1e-3})
    train(params, ours, 20)
    train(reference, theirs, 20)
    assert difference(params, reference) < 1e-12


def test_named_parameters_keep_their_names():
    model = torch.nn.Linear(2, 2)
    assert Adam(model.named_parameters()).param_groups[0]["param_names"] == ["weight", "bias"]


def test_a_schedule_of_its_own_drives_rule_and_decay(make_params, train, difference):
    class Warming(Adam):
        def learning_rate(self, group, step):
            return super().learning_rate(group, step) * min(1.0, step / 10)

    params, reference = make_params(), make_params()
    theirs = torch.optim.AdamW(reference, lr=0.02, weight_decay=0.5)
    schedule = torch.optim.lr_scheduler.LambdaLR(theirs, lambda epoch: min(1.0, (epoch + 1) / 10))
    train(params, Warming(params, lr=0.02, weight_decay=0.5), 30)
    train(reference, theirs, 30, schedule)
    assert difference(params, reference) < 1e-12


def test_a_learning_rate_may_be_a_tensor(make_params, train, difference):
    params, reference = make_params(), make_params()
    lr = torch.tensor(0.01, dtype=torch.float64)
    ours = Adam(params, lr=lr, weight_decay=0.1)
    theirs = torch.optim.AdamW(reference, lr=0.01, weight_decay=0.1)
    schedules = [torch.optim.lr_scheduler.ExponentialLR(o, 0.9) for o in (ours, theirs)]
    train(params, ours, 20, schedules[0])
    train(reference, theirs, 20, schedules[1])
    assert ours.param_groups[0]["lr"] is lr
    assert difference(params, reference) < 1e-12


@pytest.mark.parametrize("cls", [Adam, AMSGrad])
@pytest.mark.parametrize("decouple", [True, False])
def test_complex_numbers_are_pairs_of_real_ones(cls, decouple):
    torch.manual_seed(0)
    z = torch.randn(3, 2, dtype=torch.complex128, requires_grad=True)
    pair = torch.view_as_real(z.detach()).clone().requires_grad_()
    options = {"lr": 0.05, "weight_decay": WeightDecay(0.1, weight_decouple=decouple), "maximize": True}
    ours, real = cls([z], **options), cls([pair], **options)
    for _ in range(10):
        gradient = torch.randn(3, 2, dtype=torch.complex128)
        z.grad, pair.grad = gradient.conj(), torch.view_as_real(gradient.conj().resolve_conj())
        ours.step()
        real.step()
    assert ours.state[z]["exp_avg"].is_complex()
    assert torch.equal(torch.view_as_real(z), pair)


def test_a_non_contiguous_parameter_takes_the_same_steps():
    torch.manual_seed(0)
    values, gradient = torch.randn(4, 3), torch.randn(4, 3)
    plain = values.clone().requires_grad_()
    odd = values.T.contiguous().T.requires_grad_()
    assert not odd.is_contiguous()
    for p in (plain, odd):
        p.grad = gradient.clone()
        Adam([p], lr=0.1).step()
    assert torch.equal(plain, odd)


def test_maximize_climbs():
    p = torch.tensor([1.0, -1.0], requires_grad=True)
    p.grad = torch.tensor([0.5, -2.0])
    given = p.grad.clone()
    SignDescent([{"params": [p], "maximize": True}]).step()
    assert torch.allclose(p, torch.tensor([1.1, -1.1]))
    assert torch.equal(p.grad, given)


def test_inf_and_nan_behave_as_in_torch():
    ours, theirs = (torch.ones(3, requires_grad=True) for _ in range(2))
    for p, optimizer in ((ours, Adam([ours])), (theirs, torch.optim.Adam([theirs]))):
        p.grad = torch.tensor([1.0, math.inf, math.nan])
        optimizer.step()
    assert torch.equal(ours.isnan(), theirs.isnan())
    assert ours[0] == theirs[0]


@pytest.mark.parametrize("decay", [WeightDecay(0.1, absolute=True), WeightDecay(0.1), WeightDecay(0.1, False)])
def test_a_learning_rate_of_zero_moves_nothing(decay):
    p = torch.tensor([1.0, 2.0], requires_grad=True)
    p.grad = torch.ones(2)
    Adam([p], lr=0.0, weight_decay=decay).step()
    assert p.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_check_finite_refuses_by_name_before_the_step(backend, value):
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
    named = Adam(model.named_parameters(), check_finite=True, backend=backend)
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    model[1].weight.grad[0, 2] = value
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(RuntimeError, match=r"check_finite=True .* found in 1\.weight$"):
        named.step()

    groups = [{"params": model[0].parameters()}, {"params": model[1].parameters()}]
    plain = Adam(groups, check_finite=True, backend=backend)
    with pytest.raises(RuntimeError, match=r"found in parameter 0 of group 1, of shape \(1, 3\)$"):
        plain.step()
    assert not named.state and not plain.state
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_check_finite_lets_large_gradients_pass():
    p = torch.zeros(3, requires_grad=True)
    p.grad = torch.full((3,), 3e38)
    Adam([p], check_finite=True).step()
    assert torch.isfinite(p).all()


def test_grad_scaler_skips_a_step_with_inf():
    p = torch.ones(2, requires_grad=True)
    optimizer = Adam([p], lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for bad in (True, False):
        optimizer.zero_grad()
        scaler.scale((p * (math.inf if bad else 1.0)).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        assert (p.tolist() == [1.0, 1.0]) is bad
    assert scaler.get_scale() == 2.0


def test_importing_the_base_needs_torch_only():
    code = (
        "import sys, torch; before = set(sys.modules)\n"
        "import labml_nn.optimizers\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)\n"
        "assert new <= {'labml_nn', 'torch'}, new\n"
        "assert 'labml_nn.optimizers.adam' not in sys.modules\n"
    )
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr


def test_betas_and_eps_are_computed_with_as_floats() -> None:
    given = Adam([torch.ones(2)], betas=(torch.tensor(0.5), 0), eps=1)
    (group,) = given.param_groups
    assert group["betas"] == (0.5, 0.0) and group["eps"] == 1.0
    assert {type(number) for number in (*group["betas"], group["eps"])} == {float}
