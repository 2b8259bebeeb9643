"""Adam with a master copy: against Adam in float32, with PyTorch's scaler, and the rounding of its page."""

from __future__ import annotations

import copy
import math
import pickle

import pytest
import torch
from torch.nn import functional

from labml_nn.optimizers import GenericAdaptiveOptimizer, WeightDecay
from labml_nn.optimizers.adam import Adam
from labml_nn.optimizers.adam_fp16 import AdamFP16

HALVES = [torch.float16, torch.bfloat16]
STATE = ("master", "exp_avg", "exp_avg_sq")


def random_gradients(params, seed) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(p.shape, generator=generator).mul(0.01).to(p.dtype) for p in params]


def steps(optimizer, params, first, last):
    for t in range(first, last):
        for p, g in zip(params, random_gradients(params, t), strict=True):
            p.grad = g
        optimizer.step()


def scaled_backward(scaler, p, gradients):
    """A backward pass whose gradients, before scaling, are the given ones."""
    p.grad = None
    scaler.scale((p.float() * gradients).sum()).backward()


# ---- the master copy ----

DECAYS = [0.0, 0.1, WeightDecay(0.1, weight_decouple=False), WeightDecay(0.001, absolute=True)]


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("maximize", [False, True])
def test_the_master_copy_is_what_float32_training_would_have(dtype, decay, maximize, make_params, facts):
    params = make_params(dtype=dtype)
    precise = [p.detach().float().requires_grad_() for p in params]
    options = {"lr": 1e-3, "weight_decay": decay, "maximize": maximize}
    ours, reference = AdamFP16(params, **options), Adam(precise, **options)
    for t in range(100):
        for p, q, g in zip(params, precise, random_gradients(params, t), strict=True):
            p.grad, q.grad = g, g.float()
        ours.step()
        reference.step()
        for p, q in zip(params, precise, strict=True):
            assert torch.equal(ours.state[p]["master"], q)
            assert torch.equal(p, q.to(dtype))
    facts.agree(ours, [ours.state[p]["master"] for p in params], reference, precise, bound=0.0)
    for p, q in zip(params, precise, strict=True):
        for key in ("exp_avg", "exp_avg_sq", "step"):
            assert torch.equal(ours.state[p][key], reference.state[q][key])
            assert ours.state[p][key].dtype == torch.float32


@pytest.mark.parametrize("dtype", HALVES)
def test_agrees_with_torchs_adamw_on_the_master_copy(dtype, make_params, facts):
    params = make_params(dtype=dtype)
    precise = [p.detach().float().requires_grad_() for p in params]
    ours = AdamFP16(params, lr=1e-3, weight_decay=0.1)
    theirs = torch.optim.AdamW(precise, lr=1e-3, weight_decay=0.1, foreach=False)
    for t in range(100):
        for p, q, g in zip(params, precise, random_gradients(params, t), strict=True):
            p.grad, q.grad = g, g.float()
        ours.step()
        theirs.step()
    facts.agree(ours, [ours.state[p]["master"] for p in params], theirs, precise, bound=1e-5)


@pytest.mark.parametrize("dtype", HALVES)
def test_small_steps_add_up(dtype):
    weights = {}
    for cls in (Adam, AdamFP16):
        p = torch.ones(3, dtype=dtype, requires_grad=True)
        optimizer = cls([p], lr=1e-4, eps=1e-4)
        for _ in range(200):
            p.grad = torch.ones_like(p)
            optimizer.step()
        weights[cls] = p[0].item()
    assert weights[Adam] == 1.0
    assert weights[AdamFP16] == pytest.approx(0.98, abs=0.002)


def test_the_gradient_is_left_as_it_is():
    p = torch.ones(2, dtype=torch.float16, requires_grad=True)
    p.grad = kept = torch.tensor([1.0, -2.0], dtype=torch.float16)
    AdamFP16([p], weight_decay=WeightDecay(0.5, weight_decouple=False), maximize=True).step()
    assert p.grad is kept and kept.tolist() == [1.0, -2.0]


def test_the_master_copy_is_the_truth():
    p = torch.ones(2, dtype=torch.bfloat16, requires_grad=True)
    optimizer = AdamFP16([p], lr=1e-3)
    p.grad = torch.ones_like(p)
    optimizer.step()
    with torch.no_grad():
        p.fill_(7.0)
    optimizer.step()
    assert p.tolist() == pytest.approx([1.0, 1.0], abs=0.01)
    optimizer.state[p]["master"].fill_(7.0)
    optimizer.step()
    assert p.tolist() == pytest.approx([7.0, 7.0], abs=0.05)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64])
def test_wider_parameters_are_trained_as_adam_trains_them(dtype):
    torch.manual_seed(0)
    p = torch.randn(4, 3, dtype=dtype, requires_grad=True)
    q = p.detach().clone().requires_grad_()
    ours, reference = AdamFP16([p], weight_decay=0.1), Adam([q], weight_decay=0.1)
    for _ in range(20):
        p.grad = torch.randn(4, 3, dtype=dtype)
        q.grad = p.grad.clone()
        ours.step()
        reference.step()
    assert torch.equal(p, q)
    assert ours.state[p].keys() == {"step", "exp_avg", "exp_avg_sq"}
    assert ours.state[p]["exp_avg"].dtype == dtype


def test_a_model_may_mix_types():
    torch.manual_seed(0)
    model = torch.nn.ModuleList([torch.nn.Linear(4, 4).bfloat16(), torch.nn.LayerNorm(4)])
    optimizer = AdamFP16(model.parameters(), lr=1e-2)
    x = torch.randn(8, 4)
    losses = []
    for _ in range(50):
        optimizer.zero_grad()
        loss = (model[1](model[0](x.bfloat16()).float()) - x).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert ["master" in optimizer.state[p] for p in model.parameters()] == [True, True, False, False]


def test_a_non_contiguous_parameter_keeps_its_layout():
    p = torch.randn(4, 3).half().T.contiguous().T.requires_grad_()
    p.grad = torch.ones_like(p)
    optimizer = AdamFP16([p])
    optimizer.step()
    assert all(optimizer.state[p][key].stride() == p.stride() for key in STATE)


# ---- the facts of the page ----


def test_what_half_precision_cannot_hold():
    assert torch.tensor(1e-8, dtype=torch.float16) == 0
    assert torch.tensor(2.0**-24, dtype=torch.float16) == 2.0**-24
    assert torch.tensor(2.0**-25, dtype=torch.float16) == 0
    assert pytest.approx(6e-8, rel=0.01) == 2.0**-24
    assert torch.finfo(torch.float16).max == 65504
    for dtype, spacing in ((torch.float16, 2.0**-11), (torch.bfloat16, 2.0**-8)):
        one = torch.ones((), dtype=dtype)
        assert torch.nextafter(one, torch.zeros_like(one)) == 1 - spacing
    assert pytest.approx([0.0005, 0.004], rel=0.05) == [2.0**-11, 2.0**-8]
    # bfloat16 keeps what float16 loses
    assert torch.tensor(1e-8, dtype=torch.bfloat16) > 0


def test_plain_adam_divides_by_zero_in_float16():
    p = torch.ones(1, dtype=torch.float16, requires_grad=True)
    plain = Adam([p])
    p.grad = torch.full_like(p, 0.005)
    plain.step()
    assert plain.state[p]["exp_avg_sq"] == 0
    assert not p.isfinite().all()

    q = torch.ones(1, dtype=torch.float16, requires_grad=True)
    q.grad = torch.full_like(q, 0.005)
    optimizer = AdamFP16([q])
    optimizer.step()
    assert optimizer.state[q]["exp_avg_sq"] > 0
    assert q.item() == pytest.approx(0.999, abs=5e-4)


def test_bytes_for_each_weight():
    sums = {}
    for name, cls, dtype in (
        ("float32", Adam, torch.float32),
        ("AdamFP16", AdamFP16, torch.bfloat16),
        ("half", Adam, torch.bfloat16),
    ):
        p = torch.ones(1000, dtype=dtype, requires_grad=True)
        p.grad = torch.ones_like(p)
        optimizer = cls([p])
        optimizer.step()
        tensors = [p, p.grad, *(x for key, x in optimizer.state[p].items() if key != "step")]
        sums[name] = sum(x.nbytes for x in tensors) / 1000
    assert sums == {"float32": 16, "AdamFP16": 16, "half": 8}


# ---- loss scaling ----


@pytest.mark.parametrize("scale", [1024.0, 1000.0])
def test_the_scaler_leaves_the_division_to_float32(scale):
    gradients = torch.tensor([3e-9, 2e-5, -0.3])
    scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    p = torch.ones(3, dtype=torch.float16, requires_grad=True)
    optimizer = AdamFP16([p], betas=(0.0, 0.999))
    scaled_backward(scaler, p, gradients)
    scaled = p.grad.clone()
    scaler.step(optimizer)
    scaler.update()
    # Without the scale the first of them is not a float16 number at all.
    assert gradients.half()[0] == 0
    expected = scaled.float() / scale
    assert torch.allclose(optimizer.state[p]["exp_avg"], expected, rtol=2e-7, atol=0)
    assert expected[0] == pytest.approx(3e-9, rel=0.02)
    assert torch.equal(p.grad, scaled)
    assert not hasattr(optimizer, "grad_scale") and not hasattr(optimizer, "found_inf")


@pytest.mark.parametrize("dtype", HALVES)
def test_a_scale_changes_nothing_but_what_is_lost(dtype):
    weights = []
    for enabled in (True, False):
        torch.manual_seed(0)
        p = torch.randn(50).to(dtype).requires_grad_()
        scaler = torch.amp.GradScaler("cpu", init_scale=256.0, enabled=enabled)
        optimizer = AdamFP16([p], lr=1e-2)
        for _ in range(20):
            # A power of two scales without rounding.
            scaled_backward(scaler, p, torch.randn(50).to(dtype).float())
            scaler.step(optimizer)
            scaler.update()
        weights.append(optimizer.state[p]["master"])
    assert torch.equal(*weights)


@pytest.mark.parametrize("bad", [math.inf, math.nan, 1e6])
def test_a_step_with_infinite_gradients_is_skipped_and_the_scale_falls(bad):
    scaler = torch.amp.GradScaler("cpu", init_scale=64.0)
    p = torch.ones(3, dtype=torch.float16, requires_grad=True)
    optimizer = AdamFP16([p], weight_decay=0.1)
    scaled_backward(scaler, p, torch.ones(3))
    scaler.step(optimizer)
    scaler.update()
    weights, before = p.detach().clone(), copy.deepcopy(optimizer.state[p])

    scaled_backward(scaler, p, torch.tensor([1.0, bad, 1.0]))
    scaler.step(optimizer)
    scaler.update()
    assert scaler.get_scale() == 32.0
    assert torch.equal(p, weights)
    assert all(torch.equal(optimizer.state[p][key], value) for key, value in before.items())

    scaled_backward(scaler, p, torch.ones(3))
    scaler.step(optimizer)
    scaler.update()
    assert optimizer.state[p]["step"] == 2
    assert (p < weights).all()


def test_the_very_first_step_may_be_skipped():
    scaler = torch.amp.GradScaler("cpu")
    p = torch.ones(3, dtype=torch.float16, requires_grad=True)
    optimizer = AdamFP16([p])
    scaled_backward(scaler, p, torch.full((3,), 1e3))
    scaler.step(optimizer)
    assert p.tolist() == [1.0] * 3 and not optimizer.state


def test_infinite_gradients_without_a_scaler_behave_as_in_adam():
    p = torch.ones(3, dtype=torch.float16, requires_grad=True)
    p.grad = torch.tensor([1.0, math.inf, math.nan], dtype=torch.float16)
    AdamFP16([p]).step()
    assert p.isnan().tolist() == [False, True, True]


def test_a_scaler_that_does_not_grow_is_a_fixed_scale():
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=10**9)
    p = torch.ones(3, dtype=torch.float16, requires_grad=True)
    optimizer = AdamFP16([p])
    for _ in range(5):
        scaled_backward(scaler, p, torch.ones(3))
        scaler.step(optimizer)
        scaler.update()
    assert scaler.get_scale() == 1024.0


# ---- clipping ----


def test_clipping_scaled_float16_gradients_is_no_way_out():
    p = torch.ones(100, dtype=torch.float16, requires_grad=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    scaled_backward(scaler, p, torch.full((100,), 10.0))
    with pytest.raises(ValueError, match="unscale FP16 gradients"):
        scaler.unscale_(AdamFP16([p]))
    norm = torch.nn.utils.clip_grad_norm_([p], 1024.0)
    assert norm == math.inf
    assert (p.grad == 0).all()


def test_gradients_in_float32_are_unscaled_and_clipped_as_usual():
    gradients = torch.tensor([30.0, 1e-9, -40.0])
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    p = torch.ones(3, dtype=torch.float16, requires_grad=True)
    p.grad_dtype = torch.float32
    q = torch.ones(3, requires_grad=True)
    ours, reference = AdamFP16([p]), Adam([q])
    for _ in range(3):
        scaled_backward(scaler, p, gradients)
        scaler.unscale_(ours)
        norm = torch.nn.utils.clip_grad_norm_([p], 1.0)
        scaler.step(ours)
        scaler.update()
        assert norm.item() == pytest.approx(50.0, rel=1e-3)

        q.grad = p.grad.clone()
        reference.step()
        assert p.grad.tolist() == pytest.approx([0.6, 2e-11, -0.8], rel=1e-2)
    assert torch.equal(ours.state[p]["master"], q)


def test_bfloat16_gradients_are_unscaled_and_clipped_as_usual():
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    p = torch.ones(2, dtype=torch.bfloat16, requires_grad=True)
    optimizer = AdamFP16([p], betas=(0.0, 0.999))
    scaled_backward(scaler, p, torch.tensor([3.0, 4.0]))
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_([p], 1.0)
    scaler.step(optimizer)
    assert optimizer.state[p]["exp_avg"].tolist() == pytest.approx([0.6, 0.8], rel=0.01)


def test_a_converted_model_forgets_the_type_of_its_gradients():
    model = torch.nn.Linear(2, 2).half()
    for p in model.parameters():
        p.grad_dtype = torch.float32
    assert copy.deepcopy(model).weight.grad_dtype == torch.float16


# ---- checkpoints ----


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("way", ["deepcopy", "pickle", "state_dict", "torch.save"])
def test_training_resumes_bit_for_bit(dtype, way, make_params, tmp_path):
    params = make_params(dtype=dtype)
    optimizer = AdamFP16(params, lr=1e-3, weight_decay=0.1)
    steps(optimizer, params, 0, 10)
    if way in ("deepcopy", "pickle"):
        pair = (params, optimizer)
        others, other = copy.deepcopy(pair) if way == "deepcopy" else pickle.loads(pickle.dumps(pair))
    else:
        state = optimizer.state_dict()
        if way == "torch.save":
            torch.save(state, tmp_path / "optimizer.pt")
            state = torch.load(tmp_path / "optimizer.pt", weights_only=True)
        others = [p.detach().clone().requires_grad_() for p in params]
        other = AdamFP16(others)
        other.load_state_dict(state)

    for p, q in zip(params, others, strict=True):
        assert all(torch.equal(optimizer.state[p][key], other.state[q][key]) for key in (*STATE, "step"))
        assert all(other.state[q][key].dtype == torch.float32 for key in STATE)

    # Nor is the state shared.
    steps(other, others, 10, 20)
    steps(optimizer, params, 10, 20)
    for p, q in zip(params, others, strict=True):
        assert torch.equal(p, q)
        assert all(torch.equal(optimizer.state[p][key], other.state[q][key]) for key in STATE)


def test_torchs_own_loading_would_lose_the_master_copy():
    p = torch.ones(4, dtype=torch.float16, requires_grad=True)
    optimizer = AdamFP16([p], lr=1e-5)
    steps(optimizer, [p], 0, 3)
    cast = torch.optim.Adam([p])
    cast.load_state_dict(optimizer.state_dict())
    assert cast.state[p]["master"].dtype == torch.float16
    assert not torch.equal(cast.state[p]["master"].float(), optimizer.state[p]["master"])


def test_a_checkpoint_without_a_master_copy_gets_one_from_the_weights():
    q = torch.full((3,), 0.3, requires_grad=True)
    plain = Adam([q])
    steps(plain, [q], 0, 3)
    p = q.detach().half().requires_grad_()
    optimizer = AdamFP16([p])
    optimizer.load_state_dict(plain.state_dict())
    assert torch.equal(optimizer.state[p]["master"], p.float())
    assert torch.equal(optimizer.state[p]["exp_avg"], plain.state[q]["exp_avg"])
    steps(optimizer, [p], 3, 4)
    assert optimizer.state[p]["step"] == 4


def test_a_checkpoint_of_a_half_model_loads_into_a_float32_one():
    p = torch.full((3,), 0.3, dtype=torch.bfloat16, requires_grad=True)
    optimizer = AdamFP16([p])
    steps(optimizer, [p], 0, 3)
    q = p.detach().float().requires_grad_()
    other = AdamFP16([q])
    other.load_state_dict(optimizer.state_dict())
    assert other.state[q].keys() == {"step", "exp_avg", "exp_avg_sq"}
    steps(other, [q], 3, 4)
    assert not torch.equal(q, p.float())


def test_an_old_checkpoint_counts_in_plain_numbers():
    p = torch.ones(2, dtype=torch.float16, requires_grad=True)
    optimizer = AdamFP16([p])
    steps(optimizer, [p], 0, 3)
    old = copy.deepcopy(optimizer.state_dict())
    old["state"][0]["step"] = 3
    optimizer.load_state_dict(old)
    steps(optimizer, [p], 3, 4)
    assert optimizer.state[p]["step"] == 4


def test_hooks_around_loading_see_what_they_should():
    p = torch.ones(2, dtype=torch.float16, requires_grad=True)
    optimizer = AdamFP16([p])
    steps(optimizer, [p], 0, 1)
    q = p.detach().clone().requires_grad_()
    other, seen = AdamFP16([q]), []

    def doubled(_, state_dict):
        states = {k: {**v, "exp_avg": 2 * v["exp_avg"]} for k, v in state_dict["state"].items()}
        return {**state_dict, "state": states}

    other.register_load_state_dict_pre_hook(doubled)
    other.register_load_state_dict_post_hook(lambda o: seen.append(o.state[q]["master"].dtype))
    for _ in range(2):
        other.load_state_dict(optimizer.state_dict())
        assert torch.equal(other.state[q]["exp_avg"], 2 * optimizer.state[p]["exp_avg"])
    assert seen == [torch.float32] * 2


def test_a_bad_checkpoint_changes_nothing():
    p = torch.ones(2, dtype=torch.float16, requires_grad=True)
    optimizer = AdamFP16([p])
    steps(optimizer, [p], 0, 1)
    bad = copy.deepcopy(optimizer.state_dict())
    bad["param_groups"][0]["lr"] = -1.0
    before = copy.deepcopy(optimizer.state[p])
    with pytest.raises(ValueError, match=r"lr .*-1\.0"):
        optimizer.load_state_dict(bad)
    assert all(torch.equal(optimizer.state[p][key], value) for key, value in before.items())


# ---- an optimizer like others ----


def test_hooks_run_once_whichever_class_came_first():
    p = torch.ones(2, dtype=torch.float16, requires_grad=True)
    q = torch.ones(2, requires_grad=True)
    counts = []
    for optimizer in (Adam([q]), AdamFP16([p]), Adam([q]), AdamFP16([p])):
        calls: list[str] = []
        optimizer.register_step_pre_hook(lambda *_, calls=calls: calls.append("before"))
        optimizer.register_step_post_hook(lambda *_, calls=calls: calls.append("after"))
        for x in (p, q):
            x.grad = torch.ones_like(x)
        optimizer.step()
        counts.append(calls)
    assert counts == [["before", "after"]] * 4
    assert issubclass(AdamFP16, GenericAdaptiveOptimizer)


def test_a_closure_is_called_and_its_loss_returned():
    p = torch.full((1,), 2.0, dtype=torch.bfloat16, requires_grad=True)
    optimizer = AdamFP16([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = p.float().square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4.0
    assert p.item() == pytest.approx(1.9, abs=0.01)


def test_a_parameter_without_a_gradient_is_left_alone():
    p, q = (torch.ones(2, dtype=torch.float16, requires_grad=True) for _ in range(2))
    p.grad = torch.ones_like(p)
    optimizer = AdamFP16([p, q])
    optimizer.step()
    assert q.tolist() == [1.0, 1.0] and q not in optimizer.state


def test_follows_a_schedule():
    p = torch.ones(1, dtype=torch.float16, requires_grad=True)
    optimizer = AdamFP16([p], lr=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 0.5**t)
    for _ in range(3):
        p.grad = torch.ones_like(p)
        optimizer.step()
        schedule.step()
    assert optimizer.state[p]["master"].item() == pytest.approx(1 - 0.1 * (1 + 0.5 + 0.25), abs=1e-6)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("scaled", [False, True])
def test_the_rule_compiles_once_with_tensors_for_numbers(dtype, scaled):
    torch._dynamo.reset()
    start = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).to(dtype)
    p = start.clone().requires_grad_()
    optimizer = AdamFP16([p], lr=0.1, weight_decay=0.1)
    group, state, theta = optimizer.param_groups[0], {}, start.clone()
    optimizer.init_state(state, group, theta)
    rule = torch.compile(optimizer.step_tensor, fullgraph=True, backend="aot_eager")
    for t in range(1, 11):
        group["lr"] = 0.1 / t
        p.grad = random_gradients([p], t)[0]
        if scaled:
            optimizer.grad_scale, optimizer.found_inf = torch.tensor(2.0**t), torch.tensor(0.0)
        optimizer.step()
        scalars = optimizer.step_scalars(group, t)
        scalars = {k: x if isinstance(x, bool) else torch.tensor(x) for k, x in scalars.items()}
        with torch.no_grad(), torch.compiler.set_stance("default" if t == 1 else "fail_on_recompile"):
            rule(theta, p.grad, state, scalars)
    assert torch.allclose(state["master"], optimizer.state[p]["master"], rtol=1e-5, atol=1e-6)
    assert torch.equal(theta, state["master"].to(dtype))


@pytest.mark.parametrize("backend", ["compiled", "flat"])
def test_backends_skip_unscale_and_round_as_eager_does(backend):
    """A resume, from eager, between two of the steps."""
    gradients = [torch.tensor([3e-9, 1e-3, -2.0]), torch.tensor([1.0, math.inf, 1.0]), torch.tensor([1e-7, 0.5, 2.0])]
    results = []
    for name in ("eager", backend):
        params = [torch.tensor([1.0, -2.0, 0.5]).to(dtype).requires_grad_() for dtype in HALVES]
        optimizer = AdamFP16(params, lr=1e-3, weight_decay=0.1)
        for k, gradient in enumerate(gradients * 2):
            if k == 2:
                state = copy.deepcopy(optimizer.state_dict())
                optimizer = AdamFP16(params, backend=name)
                optimizer.load_state_dict(state)
            scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
            optimizer.zero_grad()
            scaler.scale(sum((p.float() * gradient).sum() for p in params)).backward()
            scaler.step(optimizer)
        results.append([optimizer.state[p] for p in params])
        assert all(torch.equal(p, optimizer.state[p]["master"].to(p.dtype)) for p in params)
    for one, two in zip(*results, strict=True):
        assert one["step"] == two["step"] == 4
        assert all(torch.allclose(one[key], two[key], rtol=1e-5, atol=0) for key in STATE)


@pytest.mark.parametrize("dtype", HALVES)
def test_trains_a_half_precision_classifier(dtype):
    torch.manual_seed(0)
    inputs = torch.randn(256, 8)
    targets = (inputs @ torch.randn(8, 3)).argmax(-1)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3)).to(dtype)
    optimizer = AdamFP16(model.parameters(), lr=0.02)
    scaler = torch.amp.GradScaler("cpu")
    losses = []
    for _ in range(100):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(inputs.to(dtype)).float(), targets)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]
    assert all(p.dtype == dtype for p in model.parameters())
