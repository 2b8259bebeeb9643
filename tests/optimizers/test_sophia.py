"""Sophia against its published update, and its Hessian estimate against the Gauss-Newton matrix."""

from __future__ import annotations

import copy
import itertools
import math
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR

from labml_nn.optimizers import WeightDecay
from labml_nn.optimizers.sophia import Sophia, sampled_labels, sampled_loss


def linear(params, gradients):
    """A loss whose gradients are the given ones."""
    return sum((p * g).sum() for p, g in zip(params, gradients, strict=True))


def floats(tensors) -> list[float]:
    """All numbers of some tensors, as Python's."""
    return [x for t in tensors for x in t.detach().flatten().tolist()]


class Published:
    """Algorithm 3 of arXiv:2305.14342 in Python's numbers, or the formula of the official code."""

    def __init__(self, theta, lr, betas=(0.96, 0.99), gamma=0.05, eps=1e-12, decay=0.0, official=False):
        self.theta, self.lr, self.betas, self.gamma, self.eps = list(theta), lr, betas, gamma, eps
        self.decay, self.official = decay, official
        self.m, self.h = [0.0] * len(theta), [0.0] * len(theta)

    def hessian(self, grads, batch):
        beta2 = self.betas[1]
        scale = 1 if self.official else batch
        self.batch = batch
        self.h = [beta2 * h + (1 - beta2) * scale * g * g for h, g in zip(self.h, grads, strict=True)]

    def step(self, grads, factor=1.0):
        beta1, lr = self.betas[0], self.lr * factor
        for i, g in enumerate(grads):
            self.m[i] = beta1 * self.m[i] + (1 - beta1) * g
            if self.official:
                size = min(abs(self.m[i]) / (self.gamma * self.batch * self.h[i] + 1e-15), 1.0)
                clipped = math.copysign(size, self.m[i])
            else:
                clipped = max(-1.0, min(1.0, self.m[i] / max(self.gamma * self.h[i], self.eps)))
            self.theta[i] -= lr * self.decay * self.theta[i]
            self.theta[i] -= lr * clipped


def run_both(make_params, ours, published, steps=100, k=10, batch=7, schedule=None, sign=1.0):
    """Trains both on the same gradients of a curved loss, with random ones for the Hessian."""
    params = make_params()
    optimizer = ours(params)
    reference = published(floats(params))
    rates = LambdaLR(optimizer, schedule) if schedule else None
    generator = torch.Generator().manual_seed(1)
    for t in range(steps):
        if t % k == 0:
            noise = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in params]
            optimizer.update_hessian(linear(params, noise), batch)
            reference.hessian(floats(noise), batch)
        optimizer.zero_grad()
        (sign * sum((p.square().square() + 3 * p.sin()).sum() for p in params)).backward()
        reference.step([sign * g for g in floats([p.grad for p in params])], schedule(t) if schedule else 1.0)
        optimizer.step()
        if rates is not None:
            rates.step()
    difference = max(abs(a - b) for a, b in zip(floats(params), reference.theta, strict=True))
    return difference, params, optimizer, reference


SETTINGS = [
    {"lr": 0.01},
    {"lr": 0.1, "betas": (0.5, 0.9), "gamma": 1.0},
    {"lr": 0.03, "gamma": 10.0, "betas": (0.0, 0.0)},
    {"lr": 0.03, "eps": 0.5},
    {"lr": 0.03, "gamma": 0.0},
    {"lr": 0.0},
]


@pytest.mark.parametrize("options", SETTINGS)
@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("schedule", [None, lambda t: 0.5 + 0.5 * math.cos(t / 7)])
def test_equals_the_published_update(options, decay, schedule, make_params, facts):
    difference, params, optimizer, reference = run_both(
        make_params,
        lambda p: Sophia(p, weight_decay=decay, **options),
        lambda theta: Published(theta, decay=decay, **options),
        schedule=schedule,
    )
    facts.compared(optimizer, "Algorithm 3 of arXiv:2305.14342", difference, torch.float64)
    for key, theirs in (("exp_avg", reference.m), ("hessian", reference.h)):
        mine = floats([optimizer.state[p][key] for p in params])
        assert mine == pytest.approx(theirs, rel=1e-12, abs=1e-14)
    assert all(optimizer.state[p]["step"] == 100 for p in params)


def test_maximize_descends_the_negated_loss(make_params):
    difference, *_ = run_both(
        make_params, lambda p: Sophia(p, lr=0.01, maximize=True), lambda theta: Published(theta, 0.01), sign=-1.0
    )
    assert difference < 1e-12


def test_equals_the_formula_of_the_official_code(make_params, facts):
    difference, params, optimizer, reference = run_both(
        make_params,
        lambda p: Sophia(p, lr=0.02, gamma=0.5),
        lambda theta: Published(theta, 0.02, gamma=0.5, official=True),
    )
    facts.compared(optimizer, "the formula of the official code", difference, torch.float64, bound=1e-9)
    # The batch size is in our state, and outside of theirs.
    theirs = [7 * h for h in reference.h]
    assert floats([optimizer.state[p]["hessian"] for p in params]) == pytest.approx(theirs, rel=1e-12)


@given(st.floats(-10, 10), st.floats(0, 10), st.floats(1e-3, 1.0), st.floats(1e-6, 1.0), st.floats(1e-3, 10.0))
@settings(deadline=None, max_examples=100)
def test_the_first_version_of_the_paper_is_the_same_with_other_names(m, h, eta, eps, rho):
    first = eta * max(-rho, min(rho, m / max(h, eps)))
    p = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = Sophia([p], lr=eta * rho, gamma=rho, eps=rho * eps, betas=(0.0, 0.0))
    optimizer.update_hessian(p * math.sqrt(h), 1)
    p.grad = torch.full_like(p, m)
    optimizer.step()
    assert p.item() == pytest.approx(-first, rel=1e-9, abs=1e-12)


# ---- what gamma means ----


def test_a_newton_step_is_trusted_up_to_gamma():
    curvature = torch.tensor([1e-4, 1.0, 1e4, 1.0], dtype=torch.float64)
    p = torch.tensor([0.4, -0.4, 0.4, 2.0], dtype=torch.float64, requires_grad=True)
    lr, gamma = 0.05, 0.5
    optimizer = Sophia([p], lr=lr, betas=(0.0, 0.0), gamma=gamma)
    optimizer.update_hessian((p * curvature.sqrt()).sum(), 1)
    for _ in range(10):
        p.grad = curvature * p.detach()
        optimizer.step()
    # Coordinates within gamma of their minimum contract alike, whatever the curvature; the last is still outside.
    expected = (1 - lr / gamma) ** 10 * torch.tensor([0.4, -0.4, 0.4], dtype=torch.float64)
    assert (p[:3] - expected).abs().max() < 1e-12
    assert p[3].item() == pytest.approx(2.0 - 10 * lr, abs=1e-12)


def test_before_the_first_estimate_each_step_is_a_sign_step():
    p = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimizer = Sophia([p], lr=0.1, betas=(0.0, 0.99))
    p.grad = torch.tensor([1e-11, -3.0, 0.0, 5e-13], dtype=torch.float64)
    optimizer.step()
    # Below epsilon the quotient is what it is.
    assert p.tolist() == pytest.approx([-0.1, 0.1, 0.0, -0.05], abs=1e-15)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.floats(0, 1e3))
@settings(deadline=None, max_examples=60)
def test_no_step_is_longer_than_the_learning_rate(gradients, root):
    p = torch.zeros((), requires_grad=True)
    optimizer = Sophia([p], lr=0.5)
    optimizer.update_hessian(p * root, 3)
    for g in gradients:
        before = p.item()
        p.grad = torch.full_like(p, g)
        optimizer.step()
        assert abs(p.item() - before) <= 0.5 * (1 + 1e-5)


def test_the_average_of_the_estimates_starts_at_zero():
    p = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = Sophia([p])
    shares = []
    for _ in range(100):
        optimizer.update_hessian(p * 2.0, 5)
        shares.append(optimizer.state[p]["hessian"].item() / 20)
    assert shares == pytest.approx([1 - 0.99**j for j in range(1, 101)], rel=1e-12)
    assert shares[0] == pytest.approx(0.01)
    assert shares[-1] == pytest.approx(0.63, abs=0.005)


# ---- the estimate ----


def regression(weights, inputs):
    return inputs @ weights[0].T


def network(weights, inputs):
    return torch.tanh(inputs @ weights[0].T) @ weights[1].T


def expected_estimate(model, weights, inputs, chances) -> list[torch.Tensor]:
    """The mean of what `update_hessian` stores, over all possible labels with their chances."""
    batch, classes = chances.shape
    total = [torch.zeros_like(w) for w in weights]
    for labels in itertools.product(range(classes), repeat=batch):
        # Without a memory the state is the estimate itself.
        optimizer = Sophia(weights, betas=(0.9, 0.0))
        optimizer.update_hessian(functional.cross_entropy(model(weights, inputs), torch.tensor(labels)), batch)
        chance = math.prod(chances[b, y].item() for b, y in enumerate(labels))
        for sum_, w in zip(total, weights, strict=True):
            sum_ += chance * optimizer.state[w]["hessian"]
    return total


def gauss_newton(model, weights, inputs) -> list[torch.Tensor]:
    """The diagonal of the mean of J' S J, from whole Jacobians and the Hessian of the cross-entropy in the logits."""
    diagonals = [torch.zeros_like(w) for w in weights]
    for x in inputs:
        logits = model(weights, x[None])[0].detach()
        curvature = torch.autograd.functional.hessian(lambda z: functional.cross_entropy(z, torch.tensor(0)), logits)
        jacobians = torch.autograd.functional.jacobian(lambda *w, x=x: model(w, x[None])[0], tuple(weights))
        for diagonal, jacobian in zip(diagonals, jacobians, strict=True):
            flat = jacobian.flatten(1)
            diagonal += (flat.T @ curvature @ flat).diagonal().reshape(diagonal.shape) / len(inputs)
    return diagonals


def problem(model):
    generator = torch.Generator().manual_seed(3)
    shapes = [(3, 2)] if model is regression else [(4, 2), (3, 4)]
    weights = [torch.randn(s, generator=generator, dtype=torch.float64).requires_grad_() for s in shapes]
    return weights, torch.randn(4, 2, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("model", [regression, network])
def test_the_estimate_is_unbiased_for_the_gauss_newton_diagonal(model):
    weights, inputs = problem(model)
    chances = model(weights, inputs).detach().softmax(-1)
    expected = expected_estimate(model, weights, inputs, chances)
    for mine, exact in zip(expected, gauss_newton(model, weights, inputs), strict=True):
        assert (mine - exact).abs().max() < 1e-14
        assert exact.abs().max() > 1e-3


def test_for_linear_logits_the_gauss_newton_matrix_is_the_hessian():
    weights, inputs = problem(regression)
    for labels in ([0, 1, 2, 0], [2, 2, 2, 2]):
        hessian = torch.autograd.functional.hessian(
            lambda w, labels=labels: functional.cross_entropy(regression([w], inputs), torch.tensor(labels)), weights[0]
        )
        diagonal = hessian.reshape(6, 6).diagonal().reshape(3, 2)
        assert (diagonal - gauss_newton(regression, weights, inputs)[0]).abs().max() < 1e-14


def test_labels_of_the_data_estimate_something_else():
    weights, inputs = problem(regression)
    sure = functional.one_hot(torch.tensor([0, 1, 2, 0]), 3).double()
    biased = expected_estimate(regression, weights, inputs, sure)[0]
    exact = gauss_newton(regression, weights, inputs)[0]
    assert ((biased - exact).abs() / exact).max() > 1


def test_the_gradient_in_the_logits_has_the_moments_of_the_page():
    logits = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
    p = logits.softmax(-1)
    gradients = p - torch.eye(3, dtype=torch.float64)
    assert (p @ gradients).abs().max() < 1e-15
    second = sum(p[y] * torch.outer(gradients[y], gradients[y]) for y in range(3))
    assert (second - (p.diag() - torch.outer(p, p))).abs().max() < 1e-15


def test_labels_follow_the_distribution_of_the_model():
    torch.manual_seed(0)
    logits = torch.tensor([[0.0, 1.0, -1.0], [3.0, 0.0, 0.0]])
    labels = sampled_labels(logits.expand(20_000, 2, 3))
    assert labels.shape == (20_000, 2)
    shares = functional.one_hot(labels, 3).double().mean(0)
    # Five standard deviations of a share
    assert (shares - logits.softmax(-1)).abs().max() < 5 * 0.5 / math.sqrt(20_000)


@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 3, 5), (2, 1, 3, 5)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_logits_of_any_shape_and_type(shape, dtype):
    torch.manual_seed(0)
    logits = torch.randn(shape, dtype=dtype, requires_grad=True)
    labels = sampled_labels(logits)
    assert labels.shape == shape[:-1]
    assert labels.dtype == torch.int64 and not labels.requires_grad
    assert labels.min() >= 0 and labels.max() < 5
    loss = sampled_loss(logits)
    assert loss.shape == () and loss.dtype == dtype
    loss.backward()
    assert logits.grad.shape == shape


def test_the_sampled_loss_is_the_mean_cross_entropy_of_the_sampled_labels():
    logits = torch.randn(6, 4, 5, dtype=torch.float64)
    torch.manual_seed(1)
    labels = sampled_labels(logits)
    torch.manual_seed(1)
    loss = sampled_loss(logits)
    picked = logits.log_softmax(-1).gather(-1, labels[..., None])
    assert loss.item() == pytest.approx(-picked.mean().item(), abs=1e-12)


# ---- hard to misuse ----


def test_gradients_are_left_as_they_were():
    p, q, r = (torch.ones(2, requires_grad=True) for _ in range(3))
    kept = torch.tensor([5.0, 6.0])
    p.grad = kept
    optimizer = Sophia([p, q, r], betas=(0.9, 0.0))
    optimizer.update_hessian((2 * p + 3 * q).sum(), 10)
    assert p.grad is kept and kept.tolist() == [5.0, 6.0]
    assert q.grad is None and r.grad is None
    assert optimizer.state[p]["hessian"].tolist() == [40.0, 40.0]
    assert optimizer.state[q]["hessian"].tolist() == [90.0, 90.0]
    assert r not in optimizer.state
    assert p.tolist() == [1.0, 1.0]


def test_gradients_survive_a_failing_backward_pass():
    p = torch.ones(2, requires_grad=True)
    p.grad = kept = torch.ones(2)
    optimizer = Sophia([p])
    loss = p.square().sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        optimizer.update_hessian(loss, 1)
    assert p.grad is kept and not optimizer.state


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, True, None, "8"])
def test_a_bad_batch_size_is_refused(batch_size):
    p = torch.ones(2, requires_grad=True)
    optimizer = Sophia([p])
    with pytest.raises(ValueError, match=f"batch_size .*{batch_size!r}"):
        optimizer.update_hessian(p.sum(), batch_size)
    assert not optimizer.state


@pytest.mark.parametrize("loss", [1.5, torch.tensor(1.5), None])
def test_a_loss_without_a_graph_is_refused(loss):
    optimizer = Sophia([torch.ones(2, requires_grad=True)])
    with pytest.raises(ValueError, match="loss must be a tensor that depends on the parameters"):
        optimizer.update_hessian(loss, 1)


def test_the_call_of_the_official_code_does_not_pass_unnoticed():
    with pytest.raises(TypeError, match="batch_size"):
        Sophia([torch.ones(2, requires_grad=True)]).update_hessian()


def test_a_sparse_gradient_is_refused_before_anything_changes():
    p = torch.ones(2, requires_grad=True)
    table = torch.nn.Embedding(4, 2, sparse=True)
    optimizer = Sophia([p, table.weight])
    with pytest.raises(RuntimeError, match=r"Sophia needs dense gradients.*\(4, 2\)"):
        optimizer.update_hessian((table(torch.tensor([1])) * p).sum(), 1)
    assert not optimizer.state
    assert p.grad is None and table.weight.grad is None


BAD = [
    ({"gamma": -0.1}, r"gamma .*-0\.1"),
    ({"gamma": "much"}, r"gamma .*'much'"),
    ({"eps": 0.0}, r"eps .*0\.0"),
    ({"eps": -1e-12}, r"eps .*-1e-12"),
    ({"betas": (0.9, 1.0)}, r"betas\[1\] .*1\.0"),
    ({"lr": -1.0}, r"lr .*-1\.0"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_hyper_parameters_are_refused(options, message):
    p = torch.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match=message):
        Sophia([p], **options)
    with pytest.raises(ValueError, match=message):
        Sophia([{"params": [p], **options}])


def test_the_defaults_are_the_papers():
    group = Sophia([torch.ones(1, requires_grad=True)]).param_groups[0]
    assert (group["betas"], group["gamma"], group["eps"]) == ((0.96, 0.99), 0.05, 1e-12)


def test_groups_have_their_own_gamma_and_betas():
    p, q = (torch.zeros(1, dtype=torch.float64, requires_grad=True) for _ in range(2))
    optimizer = Sophia([{"params": [p]}, {"params": [q], "gamma": 2.0, "betas": (0.0, 0.5)}], lr=0.1, betas=(0.0, 0.0))
    optimizer.update_hessian((p + q).sum(), 4)
    for x in (p, q):
        x.grad = torch.full_like(x, 0.1)
    optimizer.step()
    assert p.item() == pytest.approx(-0.1 * 0.1 / (0.05 * 4))
    assert q.item() == pytest.approx(-0.1 * 0.1 / (2.0 * 2))


# ---- an optimizer like others ----


def test_zero_gradients_move_nothing():
    p = torch.tensor([1.0, -2.0], requires_grad=True)
    optimizer = Sophia([p])
    p.grad = torch.zeros(2)
    optimizer.step()
    assert p.tolist() == [1.0, -2.0]
    assert optimizer.state[p]["step"] == 1


@pytest.mark.parametrize("way", ["deepcopy", "pickle", "state_dict"])
@pytest.mark.parametrize("steps", [0, 5])
def test_a_copy_goes_on_as_if_never_stopped(way, steps, make_params, train, difference):
    params = make_params()
    optimizer = Sophia(params, lr=0.02, gamma=0.3, weight_decay=WeightDecay(0.1))
    optimizer.update_hessian(linear(params, [p.detach().cos() for p in params]), 3)
    train(params, optimizer, steps)
    if way == "state_dict":
        other_params = [p.detach().clone().requires_grad_() for p in params]
        other = Sophia(other_params)
        other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    else:
        pair = (params, optimizer)
        other_params, other = copy.deepcopy(pair) if way == "deepcopy" else pickle.loads(pickle.dumps(pair))
    for tensors, method in ((params, optimizer), (other_params, other)):
        method.update_hessian(linear(tensors, [p.detach().sin() for p in tensors]), 3)
        train(tensors, method, 5)
    assert difference(params, other_params) == 0.0


def test_complex_numbers_are_pairs_of_real_ones():
    torch.manual_seed(0)
    z = torch.randn(3, 2, dtype=torch.complex128, requires_grad=True)
    pair = torch.view_as_real(z.detach()).clone().requires_grad_()
    ours, real = (Sophia([x], lr=0.05, gamma=0.5, weight_decay=0.1) for x in (z, pair))
    for _ in range(10):
        weights = torch.randn(3, 2, 2, dtype=torch.float64)
        ours.update_hessian((torch.view_as_real(z) * weights).sum(), 2)
        real.update_hessian((pair * weights).sum(), 2)
        gradient = torch.randn(3, 2, dtype=torch.complex128)
        z.grad, pair.grad = gradient.conj(), torch.view_as_real(gradient.conj().resolve_conj())
        ours.step()
        real.step()
    assert torch.equal(torch.view_as_real(z), pair)


@given(st.integers(1, 12), st.integers(0, 12), st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
def test_splitting_a_tensor_changes_nothing(n, cut, seed):
    generator = torch.Generator().manual_seed(seed)
    cut = min(cut, n)
    start, grads = torch.randn(n, generator=generator), torch.randn(5, n, generator=generator)
    whole = start.clone().requires_grad_()
    left, right = start[:cut].clone().requires_grad_(), start[cut:].clone().requires_grad_()
    one, two = (Sophia(ps, lr=0.1, gamma=0.5, weight_decay=0.1) for ps in ([whole], [left, right]))
    for g in grads:
        one.update_hessian((whole * g).sum(), 50)
        two.update_hessian((left * g[:cut]).sum() + (right * g[cut:]).sum(), 50)
        whole.grad, left.grad, right.grad = g.clone(), g[:cut].clone(), g[cut:].clone()
        one.step()
        two.step()
    assert torch.allclose(whole, torch.cat([left, right]), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_is_deterministic_and_keeps_the_dtype(dtype, make_params):
    results = []
    for _ in range(2):
        params = make_params(dtype=dtype)
        optimizer = Sophia(params, lr=0.1, gamma=0.5, weight_decay=0.1)
        for _ in range(5):
            optimizer.update_hessian(linear(params, [p.detach().cos() for p in params]), 4)
            for p in params:
                p.grad = p.detach().sin()
            optimizer.step()
        assert all(p.dtype == dtype for p in params)
        assert all(optimizer.state[p][key].dtype == dtype for p in params for key in ("exp_avg", "hessian"))
        results.append(params)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_the_rule_compiles_once_with_tensors_for_numbers(decay, backend):
    torch._dynamo.reset()
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    p = start.clone().requires_grad_()
    optimizer = Sophia([p], lr=0.1, gamma=0.5, weight_decay=decay)
    group, state, theta = optimizer.param_groups[0], {}, start.clone()
    optimizer.init_state(state, group, theta)
    rule = torch.compile(optimizer.step_tensor, fullgraph=True, backend=backend)
    for t in range(1, 21):
        group["lr"], group["betas"], group["gamma"] = 0.1 / t, (0.9 - 0.01 * t, 0.99), 0.5 + t
        estimate = torch.randn(4, 3, generator=generator, dtype=torch.float64)
        optimizer.update_hessian((p * estimate).sum(), 3)
        state["hessian"].copy_(optimizer.state[p]["hessian"])
        p.grad = torch.randn(4, 3, generator=generator, dtype=torch.float64)
        optimizer.step()
        scalars = optimizer.step_scalars(group, t)
        scalars = {k: x if isinstance(x, bool) else torch.tensor(x, dtype=p.dtype) for k, x in scalars.items()}
        # After the first step a recompilation is an error.
        with torch.no_grad(), torch.compiler.set_stance("default" if t == 1 else "fail_on_recompile"):
            rule(theta, p.grad, state, scalars)
    assert (theta - p).abs().max() < 1e-12


@pytest.mark.parametrize("backend", ["compiled", "flat"])
def test_backends_use_the_estimates_as_eager_does(backend, make_params):
    difference, *_ = run_both(
        lambda: make_params([(7,), (3, 5)]),
        lambda p: Sophia(p, lr=0.01, weight_decay=0.1, backend=backend),
        lambda theta: Published(theta, 0.01, decay=0.1),
        steps=25,
    )
    assert difference < 1e-12


def test_trains_a_classifier():
    torch.manual_seed(0)
    inputs = torch.randn(256, 8)
    targets = (inputs @ torch.randn(8, 3)).argmax(-1)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3))
    optimizer = Sophia(model.parameters(), lr=0.02, gamma=0.05)
    losses = []
    for step in range(200):
        if step % 10 == 0:
            optimizer.update_hessian(sampled_loss(model(inputs)), batch_size=targets.numel())
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]
