"""The compiled backends: the results of the eager one, one compilation, and state that goes from one to another."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from torch._dynamo.utils import counters

from labml_nn.optimizers import GenericAdaptiveOptimizer, WeightDecay, backends
from labml_nn.optimizers.adam import Adam
from labml_nn.optimizers.amsgrad import AMSGrad

COMPILING = ["compiled", "flat"]


def graphs() -> int:
    """How many graphs have been compiled."""
    return counters["stats"]["unique_graphs"]


@pytest.fixture(autouse=True)
def fresh_compiler():
    """No compilation of one test is there in the next, and what cannot be compiled is an error."""
    torch._dynamo.reset()
    counters.clear()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".* runs eagerly")
        yield


@pytest.fixture
def small_pieces(monkeypatch):
    """Chunks and buffers so short that a small model has several of each."""
    monkeypatch.setattr(backends, "CHUNK", 3)
    monkeypatch.setattr(backends, "ROW", 3)
    monkeypatch.setattr(backends, "SMALL", 12)
    monkeypatch.setattr(backends, "BUFFER", 10)


CASES = [
    (Adam, {}),
    (Adam, {"weight_decay": 0.1}),
    (AMSGrad, {"weight_decay": WeightDecay(0.1, weight_decouple=False)}),
]


@pytest.mark.parametrize("loops", [True, False], ids=["loop", "no loop"])
@pytest.mark.parametrize("backend", COMPILING)
@pytest.mark.parametrize(("cls", "options"), CASES)
def test_equals_eager_with_a_real_compiler(backend, cls, options, loops, make_params, train, difference):
    params, reference = make_params(), make_params()
    ours, eager = cls(params, lr=0.02, backend=backend, **options), cls(reference, lr=0.02, **options)
    ours.runner.loops = loops
    for tensors, optimizer in ((params, ours), (reference, eager)):
        train(tensors, optimizer, 100, torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.97))
    assert ours.runner.works
    assert ours.runner.loops == loops
    expected = backends.Row if loops else backends.Bucket if backend == "flat" else backends.Piece
    assert {type(piece) for piece in ours.runner.plan.pieces} == {expected}
    assert difference(params, reference) < 1e-12
    for p, q in zip(params, reference, strict=True):
        assert ours.state[p].keys() == eager.state[q].keys()
        for key, value in eager.state[q].items():
            mine = ours.state[p][key]
            assert (mine.shape, mine.dtype, mine.device) == (value.shape, value.dtype, value.device)
            assert torch.allclose(mine, value, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("backend", COMPILING)
def test_one_graph_for_a_hundred_steps_under_a_schedule(backend, quick_compiler, make_params, train):
    params = make_params()
    optimizer = Adam(params, lr=0.02, weight_decay=0.1, backend=backend)
    train(params, optimizer, 100, torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, total_steps=101))
    assert graphs() == 1


@pytest.mark.parametrize("backend", COMPILING)
def test_many_pieces(backend, quick_compiler, small_pieces, make_params, train, difference):
    shapes = [(4,), (5, 4), (), (2, 2), (0, 3), (7,), (3, 2), (30,), (1,), (20,), (5, 4), (2,)]
    params, reference = make_params(shapes), make_params(shapes)
    optimizer = AMSGrad(params, lr=0.02, backend=backend)
    train(params, optimizer, 10)
    train(reference, AMSGrad(reference, lr=0.02), 10)
    assert difference(params, reference) < 1e-12

    lengths = [(isinstance(piece, backends.Bucket), len(piece.rows)) for piece in optimizer.runner.plan.pieces]
    if backend == "compiled":
        # The parameter of no dimensions is run eagerly.
        assert lengths == [(False, 3), (False, 3), (False, 3), (False, 2)]
        assert graphs() == 4
    else:
        # Buffers of any length share a graph.
        assert sorted(lengths) == [(False, 2), (False, 2), (True, 2), (True, 2), (True, 4)]
        assert graphs() == 2 + 1


def test_chunks_that_are_alike_share_a_graph(quick_compiler, small_pieces, make_params, train):
    params = make_params([(2, 3)] * 9)
    optimizer = Adam(params, backend="compiled")
    train(params, optimizer, 3)
    assert len(optimizer.runner.plan.pieces) == 3
    assert graphs() == 1


@pytest.mark.parametrize("backend", COMPILING)
def test_optimizers_do_not_use_up_each_others_compilations(backend, quick_compiler, make_params, train):
    for k in range(10):
        params = make_params([(k + 2,)])
        optimizer = Adam(params, backend=backend)
        train(params, optimizer, 2)
        assert optimizer.runner.works
    assert graphs() == 10


@pytest.mark.parametrize("backend", COMPILING)
def test_groups_have_their_own_numbers(backend, quick_compiler, make_params, train, difference):
    params, reference = make_params(), make_params()
    for tensors, chosen in ((params, backend), (reference, "eager")):
        groups = [{"params": tensors[:2], "lr": 0.05, "betas": (0.5, 0.9)}, {"params": tensors[2:], "maximize": True}]
        optimizer = Adam(groups, lr=0.02, weight_decay=WeightDecay(0.1, weight_decouple=False), backend=chosen)
        train(tensors, optimizer, 20)
    assert difference(params, reference) < 1e-12


@pytest.mark.parametrize("first", backends.BACKENDS)
@pytest.mark.parametrize("second", backends.BACKENDS)
def test_a_run_goes_on_under_another_backend(first, second, quick_compiler, make_params, train, difference):
    reference = make_params()
    train(reference, AMSGrad(reference, lr=0.02, weight_decay=0.1), 10)

    params = make_params()
    optimizer = AMSGrad(params, lr=0.02, weight_decay=0.1, backend=first)
    train(params, optimizer, 5)
    params, saved = copy.deepcopy((params, optimizer.state_dict()))
    optimizer = AMSGrad(params, backend=second)
    optimizer.load_state_dict(saved)
    train(params, optimizer, 5)
    assert difference(params, reference) < 1e-12
    assert all(optimizer.state[p]["step"] == 10 for p in params)


@pytest.mark.parametrize("backend", COMPILING)
@pytest.mark.parametrize("way", ["deepcopy", "pickle"])
def test_a_copy_has_the_same_backend(backend, way, quick_compiler, make_params, train, difference):
    params = make_params()
    pair = params, Adam(params, lr=0.02, backend=backend, check_finite=True)
    train(*pair, 5)
    copied, optimizer = copy.deepcopy(pair) if way == "deepcopy" else pickle.loads(pickle.dumps(pair))
    assert optimizer.backend == backend
    assert optimizer.check_finite
    train(*pair, 5)
    train(copied, optimizer, 5)
    assert difference(params, copied) == 0.0


def test_a_checkpoint_loaded_into_the_same_optimizer_rewinds_it(quick_compiler, make_params, train, difference):
    params = make_params()
    optimizer = Adam(params, lr=0.02, backend="flat")
    train(params, optimizer, 3)
    saved, there = copy.deepcopy(optimizer.state_dict()), [p.detach().clone() for p in params]
    train(params, optimizer, 5)
    ahead = [p.detach().clone() for p in params]

    optimizer.load_state_dict(saved)
    with torch.no_grad():
        torch._foreach_copy_(params, there)
    train(params, optimizer, 5)
    assert difference(params, ahead) == 0.0


@pytest.mark.parametrize("backend", COMPILING)
def test_a_checkpoint_holds_no_buffers(backend, quick_compiler, make_params, train):
    params = make_params([(2,)] * 20)
    optimizer = Adam(params, backend=backend)
    train(params, optimizer, 2)
    for state in (optimizer.state_dict()["state"], optimizer.__getstate__()["state"]):
        for entries in state.values():
            assert all(value.untyped_storage().nbytes() == value.nbytes for value in entries.values())
    if backend == "flat":
        assert optimizer.state[params[0]]["exp_avg"].untyped_storage().nbytes() > 100


@pytest.mark.parametrize("backend", COMPILING)
def test_the_set_with_gradients_may_change(backend, quick_compiler, small_pieces, make_params, difference):
    """Each parameter has its own count of steps, and its own bias correction."""
    results = []
    for chosen in (backend, "eager"):
        params = make_params([(4,), (3, 2), (20,), (5, 5)])
        optimizer = Adam(params, lr=0.02, weight_decay=0.1, backend=chosen)
        for t in range(24):
            for k, p in enumerate(params):
                missing = k == 3 if t < 5 else k == 0 if t < 10 else t % 4 == k if t < 16 else False
                p.grad = None if missing else (p.detach() + k).sin()
            optimizer.step()
        results.append((params, [optimizer.state[p]["step"].item() for p in params]))
    (params, steps), (reference, expected) = results
    assert difference(params, reference) < 1e-12
    assert steps == expected == [18.0, 23.0, 22.0, 17.0]


def test_a_set_that_changes_at_every_step_compiles_nothing_again(quick_compiler, make_params):
    params = make_params([(4,), (3, 2), (6,)])
    optimizer = Adam(params, backend="compiled")
    for t in range(30):
        for k, p in enumerate(params):
            p.grad = None if t % 3 == k else torch.ones_like(p)
        optimizer.step()
    assert graphs() == 1


@pytest.mark.parametrize("backend", COMPILING)
def test_a_converted_model_goes_on_as_it_does_eagerly(backend, quick_compiler, make_params):
    results = []
    for chosen in (backend, "eager"):
        torch.manual_seed(0)
        model = torch.nn.Conv2d(3, 4, 3)
        optimizer = Adam(model.parameters(), lr=0.1, backend=chosen)
        for t in range(8):
            if t == 3:
                model.to(memory_format=torch.channels_last)
            if t == 5:
                # As PyTorch has it: the state follows with the checkpoint.
                model.double()
                optimizer.load_state_dict(optimizer.state_dict())
            for p in model.parameters():
                p.grad = p.detach().sin()
            optimizer.step()
        assert all(optimizer.state[p]["exp_avg"].dtype == torch.float64 for p in model.parameters())
        results.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert (results[0] - results[1]).abs().max() < 1e-6


@pytest.mark.parametrize("backend", COMPILING)
def test_state_that_someone_else_changes_counts(backend, quick_compiler, make_params, difference):
    results = []
    for chosen in (backend, "eager"):
        params = make_params([(4,), (3, 2), (6,)])
        optimizer = Adam(params, lr=0.02, backend=chosen)
        for t in range(12):
            if t == 3:
                optimizer.state[params[0]]["step"].fill_(0)
            if t == 6:
                optimizer.state[params[1]]["exp_avg"] = torch.ones_like(params[1])
            if t == 9:
                optimizer.state[params[2]].clear()
            for p in params:
                p.grad = p.detach().sin()
            optimizer.step()
        results.append(params)
    assert difference(*results) < 1e-12


@pytest.mark.parametrize("backend", COMPILING)
def test_a_maximum_asked_for_in_mid_training(backend, quick_compiler, make_params, train, difference):
    params, reference = make_params(), make_params()
    for tensors, chosen in ((params, backend), (reference, "eager")):
        optimizer = AMSGrad(tensors, lr=0.02, amsgrad=False, backend=chosen)
        train(tensors, optimizer, 5)
        optimizer.param_groups[0]["amsgrad"] = True
        train(tensors, optimizer, 5)
        assert all("max_exp_avg_sq" in optimizer.state[p] for p in tensors)
    assert difference(params, reference) < 1e-12


@pytest.mark.parametrize("backend", COMPILING)
@pytest.mark.parametrize("layout", ["transposed", "expanded"])
def test_gradients_of_any_layout(backend, layout, quick_compiler):
    results = []
    for chosen in (backend, "eager"):
        p = torch.arange(6.0).reshape(2, 3).requires_grad_()
        p.grad = torch.arange(6.0).reshape(3, 2).T if layout == "transposed" else torch.ones(3).expand(2, 3)
        Adam([p], lr=0.1, backend=chosen).step()
        results.append(p)
    assert torch.allclose(*results, rtol=1e-6)


def strided(t: int, values: torch.Tensor) -> torch.Tensor:
    """The same gradient, in another layout from the fourth step on."""
    return values.T.contiguous().T if t >= 3 else values


def moved(t: int, params: list[torch.Tensor]) -> None:
    """Gives a parameter other memory, of another shape too."""
    if t == 3:
        params[1].data = params[1].data.clone()
    if t == 6:
        params[1].data = params[1].data.T


def tied(t: int, params: list[torch.Tensor]) -> None:
    """Lets two parameters share memory."""
    if t == 4:
        params[1].data = params[0].data


def itself(t: int, params: list[torch.Tensor]) -> None:
    """Has a parameter be its own gradient, which its decay then changes too."""
    if t >= 4:
        params[2].grad = params[2].detach()


def shared(t: int, params: list[torch.Tensor]) -> None:
    """Has one gradient for two parameters."""
    if t % 2:
        params[1].grad = params[0].grad


def emptied(t: int, params: list[torch.Tensor]) -> None:
    """Gives a parameter no gradient in the one chunk, and later one again."""
    if t in (3, 4):
        params[5].grad = None


@pytest.mark.parametrize("backend", COMPILING)
@pytest.mark.parametrize("change", [moved, tied, itself, shared, emptied])
@pytest.mark.parametrize("compiler", ["quick", "real"])
def test_what_changes_between_steps_is_noticed(backend, change, compiler, small_pieces, request, difference):
    """Two chunks of three square matrices, which share a compilation, or two rows."""
    if compiler == "quick":
        request.getfixturevalue("quick_compiler")
    results = []
    for chosen in (backend, "eager"):
        generator = torch.Generator().manual_seed(0)
        params = [torch.randn(4, 4, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(6)]
        optimizer = Adam(params, lr=0.02, weight_decay=0.1, backend=chosen)
        for t in range(10):
            for k, p in enumerate(params):
                p.grad = (p.detach() + k).sin()
            change(t, params)
            optimizer.step()
        results.append([*params, *(optimizer.state[p]["exp_avg"] for p in params)])
        assert [optimizer.state[p]["step"].item() for p in params[:5]] == [10.0] * 5
    assert difference(*results) < 1e-12


@pytest.mark.parametrize("backend", COMPILING)
def test_gradients_that_come_back_with_other_strides(backend, small_pieces, quick_compiler, make_params, difference):
    results = []
    for chosen in (backend, "eager"):
        params = make_params([(4, 5)] * 6 + [(2, 3)] * 2)
        optimizer = Adam(params, lr=0.02, backend=chosen)
        for t in range(8):
            for k, p in enumerate(params):
                p.grad = strided(t if k % 2 else 0, p.detach().sin())
            optimizer.step()
        results.append(params)
    assert difference(*results) < 1e-12


@pytest.mark.parametrize("backend", COMPILING)
def test_state_given_other_memory_counts(backend, quick_compiler, make_params, difference):
    """Also that of parameters in a buffer, of which it is then no part any more."""
    results = []
    for chosen in (backend, "eager"):
        params = make_params([(4,), (3, 2), (6,)])
        optimizer = Adam(params, lr=0.02, backend=chosen)
        for t in range(8):
            if t == 4:
                for p in params:
                    optimizer.state[p]["exp_avg"].data = torch.ones_like(p)
            for p in params:
                p.grad = p.detach().sin()
            optimizer.step()
        results.append([*params, *(optimizer.state[p]["exp_avg"] for p in params)])
    assert difference(*results) < 1e-12


def test_chunks_that_are_alike_but_for_a_boolean_do_not_share_a_graph(quick_compiler, make_params, train, difference):
    params, reference = make_params([(2, 3)] * 4), make_params([(2, 3)] * 4)
    for tensors, chosen in ((params, "compiled"), (reference, "eager")):
        groups = [{"params": tensors[:2]}, {"params": tensors[2:], "maximize": True}]
        optimizer = Adam(groups, lr=0.02, backend=chosen)
        train(tensors, optimizer, 3)
        optimizer.param_groups[0]["maximize"] = True
        train(tensors, optimizer, 3)
    assert difference(params, reference) < 1e-12
    assert graphs() == 2


def test_chunks_that_are_alike_but_for_a_type_do_not_share_a_graph(quick_compiler, make_params, train):
    params = make_params([(2, 3)] * 2) + make_params([(2, 3)] * 2, dtype=torch.float32)
    optimizer = Adam(params, lr=0.02, backend="compiled")
    train(params, optimizer, 3)
    reference = make_params([(2, 3)] * 2) + make_params([(2, 3)] * 2, dtype=torch.float32)
    train(reference, Adam(reference, lr=0.02), 3)
    assert graphs() == 2
    assert all(torch.allclose(p, q, rtol=1e-6) for p, q in zip(params, reference, strict=True))


@pytest.mark.parametrize("compiler", ["quick", "real"])
def test_a_step_is_seen_by_a_graph_that_saved_the_parameter(compiler, request, make_params, train):
    """Autograd refuses to go back over a parameter that has changed since."""
    if compiler == "quick":
        request.getfixturevalue("quick_compiler")
    params = make_params([(2, 3)])
    optimizer = Adam(params, backend="compiled")
    train(params, optimizer, 2)
    loss = params[0].square().sum()
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("backend", COMPILING)
def test_tensors_of_any_length_and_order_share_a_loop(backend, monkeypatch, difference):
    """One compilation for vectors, matrices, channels last and nothing at all, short ones and long ones."""
    monkeypatch.setattr(backends, "SHORT", 200)
    results = []
    for chosen in (backend, "eager"):
        generator = torch.Generator().manual_seed(0)
        shapes = [(), (1,), (3,), (16,), (1000,), (70, 70), (0, 2), (2, 3, 5, 4)]
        params = [torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]
        params[-1] = params[-1].to(memory_format=torch.channels_last)
        params.append(params[5].T.clone(memory_format=torch.preserve_format))
        params = [p.requires_grad_() for p in params]
        optimizer = Adam(params, lr=0.02, weight_decay=0.1, backend=chosen)
        for _ in range(5):
            for p in params:
                p.grad = p.detach().sin()
            optimizer.step()
        results.append(params)
        if chosen == backend:
            assert [type(piece) for piece in optimizer.runner.plan.pieces] == [backends.Row]
            assert len(optimizer.runner.functions) == 1
    assert difference(*results) < 1e-12


@pytest.mark.parametrize("backend", COMPILING)
def test_threads_share_long_tensors_and_take_short_ones_in_turn(backend, make_params, train, difference):
    before = torch.get_num_threads()
    shapes = [(5, 3), *[(100 + n,) for n in range(40)], (backends.SHORT + 1,), (300, 400)]
    results = []
    try:
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            results.append(make_params(shapes))
            train(results[-1], Adam(results[-1], lr=0.02, weight_decay=0.1, backend=backend), 5)
    finally:
        torch.set_num_threads(before)
    reference = make_params(shapes)
    train(reference, Adam(reference, lr=0.02, weight_decay=0.1), 5)
    for params in results:
        assert difference(params, reference) < 1e-12


def test_flat_has_the_state_of_short_tensors_in_one_place_and_saves_each_alone(make_params, train):
    params = make_params([(4, 5), (7,), (backends.SHORT + 1,)])
    optimizer = Adam(params, lr=0.02, backend="flat")
    train(params, optimizer, 3)
    for key in ("exp_avg", "exp_avg_sq"):
        places = [optimizer.state[p][key].untyped_storage().data_ptr() for p in params]
        assert places[0] == places[1] != places[2]
        saved = [state[key] for state in optimizer.state_dict()["state"].values()]
        assert all(each.untyped_storage().nbytes() == each.nbytes for each in saved)


class Normed(Adam):
    """A rule that needs all numbers of a tensor, and is no single loop."""

    def update(self, theta, grad, state, scalars):
        """One step."""
        super().update(theta, grad / grad.norm(), state, scalars)


def test_where_the_compiler_hides_its_function_chunks_are_compiled(monkeypatch, make_params, train, difference):
    def elsewhere(*arguments):
        raise AttributeError("another version of PyTorch")

    monkeypatch.setattr(backends.Loop, "make", elsewhere)
    params, reference = make_params([(4, 5), (7,)]), make_params([(4, 5), (7,)])
    optimizer = Adam(params, lr=0.02, backend="compiled")
    train(params, optimizer, 5)
    train(reference, Adam(reference, lr=0.02), 5)
    assert optimizer.runner.works and not optimizer.runner.loops
    assert {type(piece) for piece in optimizer.runner.plan.pieces} == {backends.Piece}
    assert difference(params, reference) < 1e-12


def test_a_rule_that_is_no_loop_is_compiled_in_chunks(make_params, train, difference):
    params, reference = make_params([(4, 5), (7,)]), make_params([(4, 5), (7,)])
    optimizer = Normed(params, lr=0.02, backend="compiled")
    train(params, optimizer, 5)
    train(reference, Normed(reference, lr=0.02), 5)
    assert optimizer.runner.works
    assert not optimizer.runner.loops
    assert optimizer.runner.plan.pieces
    assert difference(params, reference) < 1e-12


@pytest.mark.parametrize("backend", COMPILING)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_rounds_once(backend, dtype):
    start = torch.randn(40, generator=torch.Generator().manual_seed(0)).to(dtype)
    p = start.clone().requires_grad_()
    optimizer = Adam([p], lr=0.1, backend=backend)
    wide = start.float().requires_grad_()
    single = Adam([wide], lr=0.1)
    for _ in range(2):
        p.grad = p.detach().sin()
        wide.grad = p.grad.float()
        optimizer.step()
        single.step()
        assert optimizer.runner.works
        # What is stored is the result in single precision, rounded.
        assert torch.equal(p, wide.to(dtype))
        for key in ("exp_avg", "exp_avg_sq"):
            assert torch.equal(optimizer.state[p][key], single.state[wide][key].to(dtype))
            single.state[wide][key].copy_(optimizer.state[p][key])
        with torch.no_grad():
            wide.copy_(p)


@pytest.mark.parametrize("backend", COMPILING)
def test_inf_and_nan_stay_where_they_are(backend, quick_compiler):
    params = [torch.ones(3, requires_grad=True) for _ in range(3)]
    for p, bad in zip(params, (1.0, math.nan, math.inf), strict=True):
        p.grad = torch.tensor([1.0, bad, 1.0])
    Adam(params, lr=0.5, backend=backend).step()
    assert [p.isnan().tolist() for p in params] == [[False] * 3, [False, True, False], [False, True, False]]
    assert all(p[[0, 2]].tolist() == [0.5, 0.5] for p in params)


@pytest.mark.parametrize("backend", COMPILING)
def test_complex_numbers_run_eagerly_beside_the_others(backend, quick_compiler):
    results = []
    for chosen in (backend, "eager"):
        z = torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex128, requires_grad=True)
        p = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        optimizer = Adam([z, p], lr=0.1, backend=chosen)
        for _ in range(5):
            z.grad, p.grad = z.detach() * 0.3, p.detach().cos()
            optimizer.step()
        assert optimizer.state[z]["step"] == optimizer.state[p]["step"] == 5
        results.append((z, p))
    assert torch.equal(results[0][0], results[1][0])
    assert (results[0][1] - results[1][1]).abs().max() < 1e-12
    assert graphs() == 1


class Transposed(GenericAdaptiveOptimizer):
    """A method that needs the matrix."""

    def step_param(self, state, group, grad, param):
        """One step."""
        param.sub_(group["lr"] * grad.T)


@pytest.mark.parametrize("backend", COMPILING)
def test_a_matrix_method_runs_eagerly(backend, quick_compiler):
    p = torch.zeros(2, 2, requires_grad=True)
    p.grad = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    optimizer = Transposed([p], {}, 1.0, (0.0, 0.0), 0.0, backend=backend)
    optimizer.step()
    assert torch.equal(p, -p.grad.T)
    assert optimizer.state[p]["step"] == 1
    assert graphs() == 0


@pytest.mark.parametrize("backend", COMPILING)
@pytest.mark.parametrize("when", ["compile", "first call"])
def test_without_a_compiler_says_so_once_and_runs_eagerly(
    backend, when, monkeypatch, small_pieces, make_params, train, difference
):
    def no_compile(*args, **options):
        raise RuntimeError("no compiler here\nand more")

    if when == "compile":
        monkeypatch.setattr(torch, "compile", no_compile)
    else:
        compile_ = torch.compile
        monkeypatch.setattr(
            torch, "compile", lambda *args, **options: compile_(*args, **options | {"backend": no_compile})
        )

    params, reference = make_params(), make_params()
    optimizer = Adam(params, lr=0.02, backend=backend)
    with pytest.warns(UserWarning, match=f"Adam runs eagerly: backend='{backend}' needs torch.compile") as record:
        train(params, optimizer, 10)
    assert len(record) == 1
    assert "no compiler here" in str(record[0].message)
    train(reference, Adam(reference, lr=0.02), 10)
    assert difference(params, reference) == 0.0
    assert all(optimizer.state[p]["step"] == 10 for p in params)


def test_a_compiler_that_is_switched_off():
    code = (
        "import torch, warnings\n"
        "from labml_nn.optimizers.adam import Adam\n"
        "p = torch.ones(2, requires_grad=True)\n"
        "p.grad = torch.ones(2)\n"
        "optimizer = Adam([p], lr=0.5, backend='flat')\n"
        "with warnings.catch_warnings(record=True) as record:\n"
        "    warnings.simplefilter('always')\n"
        "    optimizer.step(), optimizer.step()\n"
        "assert p.tolist() == [0.0, 0.0], p\n"
        "assert len(record) == 1 and 'TORCH_COMPILE_DISABLE' in str(record[0].message), record\n"
    )
    environment = {"TORCH_COMPILE_DISABLE": "1", "PATH": "", "OMP_NUM_THREADS": "1"}
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("backend", ["fast", None, 3])
def test_an_unknown_backend_is_refused(backend):
    with pytest.raises(ValueError, match=rf"backend must be one of eager, compiled, flat, got {backend!r}"):
        Adam([torch.ones(1, requires_grad=True)], backend=backend)
