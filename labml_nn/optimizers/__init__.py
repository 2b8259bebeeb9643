r"""
---
title: Optimizers
summary: The base class of our annotated PyTorch optimizers - parameter groups, state, steps, weight decay both ways.
paper:
  title: Decoupled Weight Decay Regularization
  authors: [Ilya Loshchilov, Frank Hutter]
  year: 2017
  arxiv: "1711.05101"
standalone: GenericAdaptiveOptimizer
symbols:
  theta: [\theta, '\theta_{t-1}']
  grad: g_t
  lr: [\alpha_t, \alpha]
  betas: [\beta_1, \beta_2]
  eps: \epsilon
  step: t
  weight_decay: \lambda
  shrink: ['1 - \alpha_t \lambda', '1 - \lambda']
  l2: \lambda
---

# Optimizers

Each optimizer is one file: its page explains it, and the same lines train networks. These exist so far:

* [Adam](adam.py): running averages of the gradient and of its square, one step size for each coordinate
* [AMSGrad](amsgrad.py): Adam whose second average never forgets its maximum, so that it converges where Adam does
  not
* [Adam with warm-up](adam_warmup.py): Adam with short first steps
* [Noam](noam.py): the schedule of the Transformer, for training without a known end
* [Warm-up and cosine](adam_warmup_cosine_decay.py): the schedule for a known number of steps
* [RAdam](radam.py): Adam with a warm-up that follows from the variance of its step
* [AdaBelief](ada_belief.py): Adam that measures how predictable gradients are, not how large
* [Sophia](sophia.py): Newton steps with an estimated diagonal Hessian, each clipped to the learning rate
* [AdamFP16](adam_fp16.py): Adam for float16 and bfloat16 parameters, with a master copy in float32

[Which one to take](readme.md) is a page of its own. So are [how a rule is compiled](backends.py),
[each of them by name](configs.py), [an experiment with digits](mnist_experiment.py) and
[how fast they are](performance_test.py). This page holds what they share: a base class that turns a rule
for one tensor into a complete `torch.optim.Optimizer`, and [weight decay](#WeightDecay).

## What an optimizer keeps

PyTorch gives an optimizer two things to keep, and everything on these pages lives in one of them.

**Parameter groups** say *how* to train. `optimizer.param_groups` is a list of dictionaries, each with some tensors
under `"params"` and a full set of hyper-parameters beside them. Most often there is one group:

```python
optimizer = Adam(model.parameters(), lr=1e-3)
```

Where parts of a model should be trained differently there are several. What a group leaves out it takes from the
arguments of the constructor:

```python
optimizer = Adam([{"params": backbone.parameters(), "lr": 1e-4},
                  {"params": head.parameters(), "weight_decay": 0.1}], lr=1e-3)
```

The groups are read anew at every step. That is how a learning rate schedule works: it writes `group["lr"]`, and the
next step follows. A hyper-parameter copied to an attribute of the optimizer would not follow, would be the same for
every group, and would be missing from a checkpoint. So ours keep none there.

**State** says *what has happened so far*. `optimizer.state[param]` is a dictionary for each parameter: the number
of steps $t$ it has taken, and whatever the method remembers, such as averages of its gradients. It is made at the
parameter's first step. A parameter without a gradient is left alone and gets no state. A gradient of zeros is a
gradient: it makes state, counts as a step, and lets the averages decay.

Where a group entry or a state entry means what it means in `torch.optim`, it has the same name. A checkpoint of
`torch.optim.Adam` or `AdamW` can therefore be loaded here. Ours can be loaded there too: into `AdamW` where the
decay is decoupled, into `Adam` where it is not, because only the class says so to them.

## How a method is written

A subclass says what it remembers in [`init_state`](#GenericAdaptiveOptimizer.init_state), and states its rule in
one of two ways.

*Elementwise* methods treat every number alike, whatever the shape of the tensor it stands in. They split the rule
in two:

* [`scalars`](#GenericAdaptiveOptimizer.scalars) does the arithmetic on single numbers: the learning rate of this
  step, the corrections that depend on $t$. Plain Python floats.
* [`update`](#GenericAdaptiveOptimizer.update) does the arithmetic on tensors, in place.

*Matrix* methods need the shape, or need to decide something, and override
[`step_param`](#GenericAdaptiveOptimizer.step_param) instead.

The split is what allows a rule to be compiled. A compiler reads `update` once and reuses the result, so whatever
changes between steps has to come in from outside. Each float in `scalars` may be replaced by a tensor of no
dimensions that holds the same number. PyTorch's in-place kernels accept either, also as the `value=` of `addcmul_`
and `addcdiv_`: run as they are, they take a float, and `torch.compile` takes them apart when it meets a tensor. One
source therefore serves both, and a changed learning rate compiles nothing again. Booleans in `scalars` stay what
they are, and each value has its own graph. [Backends](backends.py) tells how a rule is run over all the tensors of a
model, compiled or not.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import compress
from numbers import Real
from typing import Any

import torch
from torch.optim import Optimizer

from labml_nn.optimizers.backends import BACKENDS, Jobs, Numbers, Runner, count, local, run_eagerly


@dataclass(frozen=True)
class WeightDecay:
    r"""
    ## Weight decay

    Decay pulls every weight towards zero, so that only what the data keeps asking for stays large. There are two
    ways to do so.

    **$L_2$ regularisation** adds $\frac{\lambda}{2} \lVert \theta \rVert^2$ to the loss. The gradient gains a term,
    and the optimizer treats the sum like any gradient:

    $$g_t \leftarrow g_t + \lambda \theta_{t-1}$$

    **Decoupled decay** leaves loss and gradient alone and shrinks the weight directly, before the step:

    $$\theta_{t-1} \leftarrow (1 - \alpha_t \lambda) \, \theta_{t-1}$$

    For plain gradient descent they are the same thing, as
    $\theta - \alpha_t (g_t + \lambda \theta) = (1 - \alpha_t \lambda) \, \theta - \alpha_t g_t$. For an adaptive
    method they are not. It divides what it is given by the typical size of the gradient, $\sqrt{\hat v_t}$, and the
    decay that went in with the gradient is divided too:

    $$\alpha_t \frac{\lambda \theta_{t-1}}{\sqrt{\hat v_t} + \epsilon}$$

    A weight with large gradients then hardly decays. Where the gradients are tiny it is the other way round: the
    decay dominates $\hat v_t$ too, numerator and denominator both grow with $\lambda$, and the weight moves by
    about $\alpha_t$ whatever $\lambda$ says.
    [Decoupled Weight Decay Regularization](https://arxiv.org/abs/1711.05101) (Loshchilov and Hutter, 2017)
    describes this; Adam with decoupled decay is called AdamW. It is the default here.

    * `weight_decay` is $\lambda$. With `absolute` it is at most 1.
    * `weight_decouple` chooses decoupled decay; without it the decay is $L_2$.
    * `absolute` decouples the decay from the learning rate too:
      $\theta_{t-1} \leftarrow (1 - \lambda) \, \theta_{t-1}$, unless that is zero. It is about decoupled decay only.

    **Where others differ.** The paper separates a schedule $\eta_t$ from a base rate $\alpha$ and decays by
    $1 - \eta_t \lambda$. `torch.optim.AdamW` knows only the product $\alpha_t = \eta_t \alpha$ and decays by
    $1 - \alpha_t \lambda$, which we follow. To use a $\lambda$ from the paper, divide it by $\alpha$. With
    `absolute` ours decays as the paper does under the constant schedule $\eta_t = 1$.

    An optimizer takes a float instead of a `WeightDecay` where the flags have their defaults, and a parameter group
    can override each of the three by its name. The object is frozen, so one can be shared by many optimizers.

    Raises `ValueError` when $\lambda$ is out of range, or when `absolute` is asked of $L_2$.
    """

    weight_decay: float = 0.0
    weight_decouple: bool = True
    absolute: bool = False

    def __post_init__(self) -> None:
        """
        ### Check
        """
        check_number("weight_decay", self.weight_decay)

        # Shrinking by more than the whole weight would turn its sign around.
        if self.absolute and self.weight_decay > 1:
            raise ValueError(f"weight_decay must be at most 1 with absolute=True, got {self.weight_decay!r}")

        if self.absolute and not self.weight_decouple:
            raise ValueError("absolute=True is for decoupled decay, got weight_decouple=False")

    @classmethod
    def of(cls, group: dict[str, Any]) -> WeightDecay:
        """
        ### The decay of a parameter group
        """
        return cls(group["weight_decay"], group["weight_decouple"], group["absolute"])

    def defaults(self) -> dict[str, Any]:
        """
        ### Entries for parameter groups
        """
        return asdict(self)

    def scalars(self, lr: float) -> dict[str, float]:
        r"""
        ### The numbers of one step's decay

        `lr` is $\alpha_t$, the learning rate that this very step applies. Under a schedule it is not the one the
        optimizer was made with.
        """

        # No decay needs no arithmetic on tensors.
        if self.weight_decay == 0:
            return {}

        # $\lambda$, for the gradient
        if not self.weight_decouple:
            return {"l2": self.weight_decay}

        # $1 - \lambda$ or $1 - \alpha_t \lambda$, for the weight. Where the learning rate is zero nothing moves, and no
        # weight decays either: PyTorch's distributed checkpoints take such a step to have state to load into.
        return {"shrink": 1 - self.weight_decay if self.absolute and lr else 1 - lr * self.weight_decay}

    @staticmethod
    def apply(theta: torch.Tensor, grad: torch.Tensor, scalars: dict[str, Any]) -> torch.Tensor:
        """
        ### Decay one tensor

        Takes the result of `scalars`. Returns the gradient that the optimizer is to use; decoupled decay changes
        `theta`.
        """

        # $$\theta_{t-1} \leftarrow (1 - \alpha_t \lambda) \, \theta_{t-1}$$
        if "shrink" in scalars:
            theta.mul_(scalars["shrink"])

        # $$g_t \leftarrow g_t + \lambda \theta_{t-1}$$
        #
        # This makes a new tensor: the gradient belongs to the caller.
        if "l2" in scalars:
            grad = grad.add(theta, alpha=scalars["l2"])

        return grad


class GenericAdaptiveOptimizer(Optimizer):
    r"""
    ## Base class of the adaptive optimizers

    * `params` are tensors, or `(name, tensor)` pairs, or parameter groups
    * `defaults` are the method's own hyper-parameters. `weight_decay` (a float or a [`WeightDecay`](#WeightDecay))
      and `maximize` are understood here; they need not be given. The dictionary is copied.
    * `lr` is the learning rate $\alpha$, a number or a tensor that holds one
    * `betas` are the rates $(\beta_1, \beta_2)$ at which the running averages forget, each in $[0, 1)$
    * `eps` is $\epsilon$, which keeps a denominator away from zero
    * `backend` is `"eager"`, `"compiled"` or `"flat"`: [how the rule is run](backends.py), and not what it computes
    * `check_finite` makes [`step`](#GenericAdaptiveOptimizer.step) refuse a gradient that is infinite or not a number

    The last two are not hyper-parameters. They hold for the whole optimizer, and are its own: a checkpoint says
    nothing about them.

    Raises `ValueError`, with the name and the value, for a hyper-parameter out of range, here and for each group.
    """

    def __init__(
        self,
        params,
        defaults: dict[str, Any],
        lr: float | torch.Tensor,
        betas: tuple[float, float],
        eps: float,
        *,
        backend: str = "eager",
        check_finite: bool = False,
    ):
        if backend not in BACKENDS:
            raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
        check_flag("check_finite", check_finite)
        self.backend = backend
        self.check_finite = check_finite
        self.runner = Runner(self)

        # Whatever the method says comes after what holds without it.
        shared = WeightDecay().defaults() | {"maximize": False}
        options = shared | expand_weight_decay(defaults) | {"lr": lr, "betas": betas, "eps": eps}

        # The defaults are checked even where every group overrides them. Groups are checked when
        # [they are added](#GenericAdaptiveOptimizer.add_param_group), which PyTorch does from here.
        self.check_group(options)
        super().__init__(params, options)

    def check_group(self, group: dict[str, Any]) -> None:
        """
        ### Check the hyper-parameters of a group

        A subclass with hyper-parameters of its own extends this. Raises `ValueError`.
        """
        check_number("lr", group["lr"])
        check_number("eps", group["eps"])

        # A rate of 1 would never let anything in.
        betas = group["betas"]
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"betas must be two numbers, got {betas!r}")
        check_number("betas[0]", betas[0], below=1.0)
        check_number("betas[1]", betas[1], below=1.0)

        check_flag("maximize", group["maximize"])

        # Making the object is the check.
        WeightDecay.of(group)

    def complete_group(self, group: dict[str, Any]) -> dict[str, Any]:
        """
        ### A group with nothing left out

        Returns a checked copy in which the optimizer's defaults stand for what the group does not say.
        """
        group = self.defaults | expand_weight_decay(group)
        self.check_group(group)

        # Whoever gives a tensor or an integer here gets the arithmetic of Python's floats all the same.
        return group | {"betas": tuple(map(float, group["betas"])), "eps": float(group["eps"])}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """
        ### Add a parameter group

        The constructor calls this for each group, and one may call it later, say to thaw a layer. PyTorch checks
        the tensors: leaves only, and none in two groups.
        """
        if isinstance(param_group, dict):
            param_group = self.complete_group(param_group)
        super().add_param_group(param_group)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """
        ### Load a checkpoint

        Ours, or one of the optimizer's counterpart in `torch.optim`. As in PyTorch the hyper-parameters of the
        checkpoint replace those of the constructor. They are checked before anything is replaced, and so is
        [the state](#GenericAdaptiveOptimizer.check_state).

        Raises `ValueError` if the checkpoint is not one of such an optimizer with such parameters.
        """
        if not isinstance(state_dict, dict) or not {"state", "param_groups"} <= state_dict.keys():
            raise ValueError(f"a checkpoint needs the entries 'state' and 'param_groups', got {shown(state_dict)}")

        groups = []
        for group in state_dict["param_groups"]:
            # PyTorch has another name for the flag that tells AdamW from Adam.
            group = dict(group)
            if "decoupled_weight_decay" in group:
                group["weight_decouple"] = group.pop("decoupled_weight_decay")
            groups.append(self.complete_group(group))

        here, there = ([len(group["params"]) for group in each] for each in (self.param_groups, groups))
        if here != there:
            raise ValueError(f"the groups of the checkpoint have {there} parameters, those of the optimizer {here}")

        super().load_state_dict({**state_dict, "param_groups": groups})

    def __setstate__(self, state: dict[str, Any]) -> None:
        """
        ### Take over a state

        PyTorch calls this with what is to be replaced: with everything for a copy or an unpickled optimizer, and
        with state and groups when a checkpoint is loaded, after hooks have had their say.
        """
        if "defaults" not in state:
            for group in state["param_groups"]:
                for param in group["params"]:
                    if param in state["state"]:
                        self.check_state(state["state"][param], group, param)

        super().__setstate__(state)

        # A plan that was made for other tensors is of no use.
        self.runner = Runner(self) if "defaults" in state else self.runner
        self.runner.forget()

    def __getstate__(self) -> dict[str, Any]:
        """
        ### What a copy needs
        """
        own = {"backend": self.backend, "check_finite": self.check_finite}
        state = defaultdict(dict, {key: owned(value) for key, value in self.state.items()})
        return {**super().__getstate__(), **own, "state": state}

    def state_dict(self) -> dict[str, Any]:
        """
        ### Make a checkpoint

        As in PyTorch, the tensors in it are those in use, and the next step changes them. Tensors that the
        [flat backend](backends.py#Bucket) keeps in a buffer are copied, for with a tensor its whole buffer would be
        saved.
        """
        result = super().state_dict()
        return {
            **result,
            "state": {key: owned(value) for key, value in result["state"].items()},
            # PyTorch's name for the flag stands beside ours, so that a run can go on there with the same decay.
            "param_groups": [
                {**group, "decoupled_weight_decay": group["weight_decouple"]} for group in result["param_groups"]
            ],
        }

    def check_state(self, state: dict[str, Any], group: dict[str, Any], param: torch.Tensor) -> None:
        """
        ### Check the state of one parameter

        Compares what a checkpoint has for `param` with what the method would make. Raises `ValueError`.
        """

        # A tensor on this device has a shape and a type, and no memory.
        model = torch.empty(param.shape, dtype=param.dtype, device="meta")
        expected: dict[str, Any] = {}
        self.prepare_state(expected, group, model)

        for key, value in expected.items():
            where = f"the checkpoint of a parameter of shape {tuple(param.shape)}"
            if key not in state:
                raise ValueError(f"{where} has no {key!r}, which {type(self).__name__} needs; it has {shown(state)}")

            if isinstance(value, torch.Tensor):
                # Old checkpoints count in plain numbers.
                if key == "step" and isinstance(state[key], Real):
                    state[key] = torch.tensor(float(state[key]))
                if not isinstance(state[key], torch.Tensor):
                    raise ValueError(f"{where} must have a tensor as {key!r}, got {state[key]!r}")
                if state[key].shape != value.shape:
                    raise ValueError(f"{where} has {key!r} of shape {tuple(state[key].shape)}")

    def init_state(self, state: dict[str, Any], group: dict[str, Any], param: torch.Tensor) -> None:
        """
        ### The state of one parameter

        Override this to put what the method remembers into `state`. It is called at the parameter's first step;
        `state["step"]` is there already. When a checkpoint is loaded it is also called with a tensor on PyTorch's
        device `meta`, which has no values to look at, to see what there should be.
        """

    def prepare_state(self, state: dict[str, Any], group: dict[str, Any], param: torch.Tensor) -> None:
        """
        ### Make what is missing of the state

        Called before each step. A method that can be told in mid-training to remember something more extends this.
        """

        # The count of steps is kept as PyTorch keeps it, a tensor on the CPU: reading it there waits for no device.
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device="cpu")
            self.init_state(state, group, param)

    def learning_rate(self, group: dict[str, Any], step: int) -> float:
        r"""
        ### The learning rate of one step

        $\alpha_t$ for the parameter's step $t \geq 1$. A method with a schedule of its own overrides this, and only
        this: the rule and the decoupled decay both ask here, so both use the rate that is applied.
        """
        return float(group["lr"])

    def scalars(self, group: dict[str, Any], step: int) -> dict[str, Any]:
        """
        ### The numbers of one step

        Override this, with [`update`](#GenericAdaptiveOptimizer.update), in an elementwise method. Returns floats,
        and booleans for what chooses a formula.
        """
        raise NotImplementedError(f"{type(self).__name__} must override scalars and update, or step_param")

    def update(self, theta: torch.Tensor, grad: torch.Tensor, state: dict[str, Any], scalars: dict[str, Any]) -> None:
        r"""
        ### One step of one tensor

        Override this in an elementwise method. It changes `theta` and the tensors in `state` in place, leaves
        `grad` as it is, never branches on $t$, and takes each number that changes between steps from `scalars`,
        where it may be a tensor of no dimensions.
        """
        raise NotImplementedError(f"{type(self).__name__} must override scalars and update, or step_param")

    def step_scalars(self, group: dict[str, Any], step: int) -> dict[str, Any]:
        """
        ### All the numbers of one step

        Those of the method, of the decay, and the direction.
        """
        decay = WeightDecay.of(group).scalars(self.learning_rate(group, step))
        return {**self.scalars(group, step), **decay, "maximize": group["maximize"]}

    def step_tensor(
        self, theta: torch.Tensor, grad: torch.Tensor, state: dict[str, Any], scalars: dict[str, Any]
    ) -> None:
        r"""
        ### The whole step of one tensor

        Everything done to a real tensor $\theta$ in one step, and nothing else.
        """

        # To climb is to descend the negated objective. The decay pulls towards zero either way.
        if scalars["maximize"]:
            grad = grad.neg()

        grad = WeightDecay.apply(theta, grad, scalars)
        self.update(theta, grad, state, scalars)

    def step_param(self, state: dict[str, Any], group: dict[str, Any], grad: torch.Tensor, param: torch.Tensor) -> None:
        """
        ### The step of one parameter

        Override this in a method that is not elementwise. `state["step"]` has been counted up for this step;
        direction and decay, and complex numbers, are then the method's own business.
        """
        self.step_real(state, self.step_scalars(group, int(state["step"])), grad, param)

    @property
    def elementwise(self) -> bool:
        """
        ### Is the rule elementwise?

        Only then can [backends](backends.py) run it in their own way.
        """
        return type(self).step_param is GenericAdaptiveOptimizer.step_param

    def step_real(
        self, state: dict[str, Any], scalars: dict[str, Any], grad: torch.Tensor, param: torch.Tensor
    ) -> None:
        """
        ### The step of one parameter in real numbers
        """

        # A complex number is a pair of real ones. The views share memory with what they show.
        if param.is_complex():
            param, grad = torch.view_as_real(param), torch.view_as_real(grad.resolve_conj())
            state = {key: torch.view_as_real(value) if value.is_complex() else value for key, value in state.items()}

        self.step_tensor(param, grad, state, scalars)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """
        ### Step

        `closure`, if given, computes the loss and its gradients first; its result is returned. Most training loops
        do that themselves, but callers that wrap optimizers may count on it.

        Raises `RuntimeError` for a gradient that [cannot be used](#GenericAdaptiveOptimizer.check_gradients), before
        any parameter has changed.
        """

        # Gradients are switched off for the step, yet the closure needs them.
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()

        self.step_all()
        return loss

    def step_all(self) -> None:
        """
        ### One step of every parameter that has a gradient

        Override this, and not `step`, to do something around the whole step: PyTorch wraps the `step` of each class
        that it makes an object of, and hooks would run once for each wrapping.
        """
        jobs = Jobs()
        for group in self.param_groups:
            grads = [param.grad for param in group["params"]]
            present = [grad is not None for grad in grads]
            jobs.params += compress(group["params"], present)
            jobs.grads += compress(grads, present)
            jobs.groups += [group] * sum(present)
        self.check_gradients(jobs)

        jobs.states += map(self.state.__getitem__, jobs.params)
        for state, group, param in zip(jobs.states, jobs.groups, jobs.params, strict=True):
            self.prepare_state(state, group, param)

        if self.backend == "eager" or not self.elementwise:
            count(jobs.states)
            run_eagerly(self, jobs, Numbers(self))
        else:
            self.runner.step(jobs)

    def check_gradients(self, jobs: Jobs) -> None:
        """
        ### Look at every gradient before using the first

        Raises `RuntimeError` for one that is sparse: it lists a few rows, but the averages of an adaptive method decay
        in all rows. With `check_finite` also for one that is infinite or not a number. Without it, such gradients do
        what they do in `torch.optim`, and `GradScaler` counts on that.
        """
        strided = torch.strided
        for param, grad in zip(jobs.params, jobs.grads, strict=True):
            if grad.layout is not strided:
                raise RuntimeError(
                    f"{type(self).__name__} needs dense gradients, got one of layout {grad.layout} for a "
                    f"parameter of shape {tuple(param.shape)}; use torch.optim.SparseAdam for sparse gradients"
                )

        if self.check_finite:
            places = zip(jobs.groups, jobs.params, jobs.grads, strict=True)
            bad = [self.name_of(group, param) for group, param, grad in places if not grad.isfinite().all()]
            if bad:
                raise RuntimeError(f"check_finite=True refuses gradients with inf or nan, found in {', '.join(bad)}")

    def name_of(self, group: dict[str, Any], param: torch.Tensor) -> str:
        """
        ### What to call a parameter in a message

        Its name, if the optimizer was made from `model.named_parameters()`, otherwise its place.
        """
        place = next(i for i, other in enumerate(group["params"]) if other is param)
        if "param_names" in group:
            return group["param_names"][place]

        number = next(i for i, other in enumerate(self.param_groups) if other is group)
        return f"parameter {place} of group {number}, of shape {tuple(param.shape)}"


def expand_weight_decay(options: dict[str, Any]) -> dict[str, Any]:
    """
    ## Options with the decay spelled out

    Returns options in which a [`WeightDecay`](#WeightDecay) has become its three entries. A flag that stands beside it
    wins. A float needs no work: it sets the coefficient, and the flags come from the defaults.
    """
    decay = options.get("weight_decay")
    if not isinstance(decay, WeightDecay):
        return options

    return {**decay.defaults(), **options, "weight_decay": decay.weight_decay}


def check_number(name: str, value: Any, below: float = math.inf) -> None:
    """
    ## Check a hyper-parameter

    Raises `ValueError` unless `value` is a number, or a tensor that holds one, that is at least 0 and less than
    `below`. Neither infinity nor NaN is.
    """
    number = value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value
    if not isinstance(number, Real) or not 0.0 <= number < below:
        raise ValueError(f"{name} must be a number in [0, {below:g}), got {value!r}")


def check_flag(name: str, value: Any) -> None:
    """
    ## Check a switch

    Raises `ValueError` unless `value` is a boolean.
    """
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")


def shown(value: Any) -> str:
    """
    ## What to say of a checkpoint in a message

    The names of its entries, as their values may be large.
    """
    return f"{sorted(map(str, value))}" if isinstance(value, dict) else f"{type(value).__name__}"


def owned(state: Any) -> Any:
    """
    ## State with memory of its own

    Returns a copy of one parameter's state in which each tensor that is only a part of a larger piece of memory is
    cloned.
    """
    if not isinstance(state, dict):
        return state

    def alone(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        part = local(value)
        is_part = part.untyped_storage().nbytes() > part.numel() * part.element_size()
        return value.clone() if is_part else value

    return {key: alone(value) for key, value in state.items()}
