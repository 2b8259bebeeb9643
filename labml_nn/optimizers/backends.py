r"""
---
title: Backends
summary: How one rule runs three ways in PyTorch - tensor by tensor, compiled in chunks, compiled over flat buffers.
symbols:
  theta: \theta
---

# Backends

An optimizer's page says what one step does to one tensor. This page is about running that over all tensors of a
model, and about nothing else: each optimizer here takes `backend=`, and the same lines of its page are run whichever
is chosen.

```python
optimizer = Adam(model.parameters(), lr=1e-3, backend="flat")
```

* `"eager"` is the default. PyTorch runs the rule line by line, tensor by tensor. It starts at once, works for
  everything, and can be followed in a debugger.
* `"compiled"` gives `torch.compile` the rule for some fifty tensors at a time.
* `"flat"` lays small tensors end to end in a buffer, and steps the buffer. Tensors that are large enough to be worth
  a kernel of their own are compiled as above.

## Why it matters

Adam's arithmetic is nothing beside the memory it moves. For each number it has to read $\theta$, the gradient and two
averages, and to write three of them: 28 bytes in single precision. Line by line, a tensor larger than the cache goes
through memory for each line of the rule, about three times as much in all. A compiler reads the whole rule and makes
one loop of it, in which each number is loaded once and stored once.

A small tensor has another trouble. Starting an operation costs about a microsecond, which is as long as the arithmetic
on some thousand numbers takes, and a model with a thousand small tensors starts many thousands of operations in
each step. Compiling alone does not mend this, as a compiled function too has to look at each tensor that it is
given. In the buffer they are one tensor. Gathering them costs a copy of the parameters and of the gradients, and
another one to put the parameters back. The averages live in the buffer all the time.

## What is compiled again, and what is not

The numbers that change between steps, the learning rate first of all, reach the rule as tensors of no dimensions. A
compiled function then reads them like anything else it is given, and no schedule makes it compile again. It does
compile once for each combination of the booleans that choose a formula, and for the shapes of each chunk. Buffers of
any length share one compilation.

A parameter that has no gradient in this step is left alone, so the chunks and buffers are only good for one set of
parameters. Where the set changes, as it does when a layer is thawed, one step is run eagerly, and the chunks are made
anew when the next step asks for the same set again. A model whose set changes at every step is thus run eagerly, and
never waits for a compiler.

## Where the results differ

The order of the arithmetic is the rule's, but a compiler may fuse a product and a sum, so results agree up to
rounding and not to the last bit. In half precision they are better than eager ones: compiled rules load such
numbers as single precision, do the arithmetic there, and round once when they store them. PyTorch's fused
optimizers do the same.

`state_dict` does not say which backend has made it. Under each of them the state holds a tensor for each parameter,
and a run can go on under any other.

## What runs eagerly anyway

* methods that override [`step_param`](__init__.py#GenericAdaptiveOptimizer.step_param), as they are not elementwise
* complex parameters, which the compiler knows little about
* parameters of no dimensions, outside a buffer: the compiler takes them for numbers
* parameters whose state holds something other than tensors of their own shape
* tensor subclasses, quantised ones for example. A `DTensor`, as parameters are under FSDP, is not among them: an
  elementwise rule needs no other process, so it is run on the part that is here.
* everything, where `torch.compile` does not work: where there is no C++ compiler, say, or where
  `TORCH_COMPILE_DISABLE` is set. A warning says so once.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

if TYPE_CHECKING:
    from labml_nn.optimizers import GenericAdaptiveOptimizer

# The first is the default.
BACKENDS = ("eager", "compiled", "flat")

# How many tensors are compiled together. With fewer the calls cost more, with more the compiler takes longer.
CHUNK = 50

# Tensors of at most so many numbers are gathered. Copying more takes longer than handing over a tensor by itself.
SMALL = 2**12

# So many numbers make a buffer. One of parameters and one of gradients should stay in the cache between being filled
# and being used.
BUFFER = 2**18

# Types with too few digits for the averages of an optimizer
HALF = (torch.float16, torch.bfloat16)

# State entries of one parameter, by name
State = dict[str, Any]


class Job(NamedTuple):
    """
    ## One parameter's part in a step
    """

    group: dict[str, Any]
    param: torch.Tensor
    grad: torch.Tensor
    state: State


class Numbers:
    """
    ## The numbers of one step

    Parameters of the same group that have taken the same number of steps share them, so they are worked out once.
    Made anew for each step, since groups may change in between.
    """

    def __init__(self, optimizer: GenericAdaptiveOptimizer):
        self.optimizer = optimizer
        self.floats: dict[tuple[int, int], dict[str, Any]] = {}
        self.tensors: dict[tuple[int, int, torch.dtype], dict[str, Any]] = {}

    def of(self, group: dict[str, Any], step: int) -> dict[str, Any]:
        """
        ### As floats and booleans
        """
        key = id(group), step
        if key not in self.floats:
            self.floats[key] = self.optimizer.step_scalars(group, step)
        return self.floats[key]

    def tensors_of(self, group: dict[str, Any], step: int, dtype: torch.dtype) -> dict[str, Any]:
        """
        ### As tensors of no dimensions, and booleans
        """

        # Parameters in half precision are stepped in single precision, and so are their numbers.
        dtype = torch.float64 if dtype == torch.float64 else torch.float32
        key = id(group), step, dtype
        if key not in self.tensors:
            self.tensors[key] = {
                name: value if isinstance(value, bool) else torch.scalar_tensor(value, dtype=dtype)
                for name, value in self.of(group, step).items()
            }
        return self.tensors[key]


def count(jobs: list[Job]) -> None:
    """
    ## Count a step

    One operation for all of them, since each is a tensor of its own.
    """
    if jobs:
        torch._foreach_add_([job.state["step"] for job in jobs], torch.ones(()), alpha=1)


def run_eagerly(optimizer: GenericAdaptiveOptimizer, jobs: list[Job], numbers: Numbers) -> None:
    """
    ## Eager

    Runs the rule tensor by tensor. The steps have been counted.
    """
    for group, param, grad, state in jobs:
        if optimizer.elementwise:
            optimizer.step_real(state, numbers.of(group, int(state["step"])), grad, param)
        else:
            optimizer.step_param(state, group, grad, param)


def over_lists(rule: Callable[..., None]) -> Callable[..., None]:
    r"""
    ## The function that is compiled

    `rule` is an optimizer's [`step_tensor`](__init__.py#GenericAdaptiveOptimizer.step_tensor). Returns a function
    that takes lists of $\theta$, of gradients and of states, and one set of numbers, and runs the rule on each.
    """

    def widened(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.float() if tensor.dtype in HALF else tensor

    def run(
        thetas: list[torch.Tensor], grads: list[torch.Tensor], states: list[State], scalars: dict[str, Any]
    ) -> None:
        for theta, grad, state in zip(thetas, grads, states, strict=True):
            # Half precision is for keeping, single precision for the arithmetic. For anything else these are the
            # tensors themselves. None of it costs memory, as the compiler makes one loop of it all.
            wide_theta, wide_state = widened(theta), {key: widened(value) for key, value in state.items()}
            rule(wide_theta, widened(grad), wide_state, scalars)

            # Round once, at the end.
            if theta.dtype in HALF:
                theta.copy_(wide_theta)
            for key, value in state.items():
                if value.dtype in HALF:
                    value.copy_(wide_state[key])

    return run


def compiled(function: Callable[..., None], dynamic: bool) -> Callable[..., None]:
    """
    ## Compile

    `dynamic` makes one function for all lengths; without it there is one for each list of shapes, and it is faster.
    Raises whatever `torch.compile` raises where it does not work.
    """
    import torch._dynamo

    # It would return the function as it is, and say nothing.
    if torch._dynamo.config.disable:
        raise RuntimeError("torch.compile is switched off by TORCH_COMPILE_DISABLE")

    # Each optimizer has its own set of compilations. There may be one for each chunk.
    return torch.compile(function, fullgraph=True, dynamic=dynamic, isolate_recompiles=True, recompile_limit=256)


def local(tensor: torch.Tensor) -> torch.Tensor:
    """
    ## The part of a tensor that is here

    A `DTensor` is spread over processes and holds one part of itself. Other tensors are here altogether. Both share
    memory with the result.
    """
    return tensor.to_local() if is_spread(tensor) else tensor


def is_spread(tensor: torch.Tensor) -> bool:
    """
    ## Is a tensor spread over processes?
    """
    return hasattr(tensor, "to_local")


def like(part: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
    """
    ## A part in place of another

    Returns `part` as the local part of a tensor that is spread as `whole` is.
    """
    if not is_spread(whole):
        return part
    mesh, placements = whole.device_mesh, whole.placements
    return type(whole).from_local(part, mesh, placements, run_check=False, shape=whole.shape, stride=whole.stride())


def is_regular(job: Job) -> bool:
    """
    ## Can a compiled rule take it?

    Yes for a real, dense tensor whose gradient and state are of its own shape, in the same place.
    """
    theta = local(job.param)
    if type(theta) not in (torch.Tensor, torch.nn.Parameter) or not theta.is_floating_point():
        return False

    for other in (job.grad, *(value for key, value in job.state.items() if key != "step")):
        # Spread in the same way, or not at all
        if not isinstance(other, torch.Tensor):
            return False
        if getattr(other, "placements", None) != getattr(job.param, "placements", None):
            return False

        part = local(other)
        if type(part) is not torch.Tensor or not part.is_floating_point():
            return False
        if part.shape != theta.shape or part.device != theta.device:
            return False

    return True


@dataclass
class Piece:
    r"""
    ## Parameters that are stepped together

    They have a group and a count of steps in common, hence one set of numbers.

    * `rows` are their places among the jobs of the step
    * `dtype` is that of the parameters
    * `steps` are their counts, $n$ of them in one tensor. `state["step"]` is a view of one.
    * `states` are their other state entries, the parts that are here
    * `spread` says that they are spread over processes
    """

    rows: list[int]
    group: dict[str, Any]
    dtype: torch.dtype
    steps: torch.Tensor
    states: list[State]
    spread: bool

    def here(self, tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        """
        ### The parts that are here
        """
        return [local(tensor) for tensor in tensors] if self.spread else tensors

    def run(self, run: Callable[..., None], jobs: list[Job], scalars: dict[str, Any]) -> None:
        """
        ### Step a chunk
        """
        run(self.here([job.param for job in jobs]), self.here([job.grad for job in jobs]), self.states, scalars)


@dataclass
class Bucket(Piece):
    """
    ## Small parameters in a buffer

    `states` has one entry, whose tensors hold what belongs to all parameters, end to end. `theta` and `grad` are
    scratch memory of the same length, which buckets share; the views show the place of each parameter there.
    `vectors` says that all parameters are vectors, and fill the buffer.
    """

    theta: torch.Tensor
    grad: torch.Tensor
    theta_views: list[torch.Tensor]
    grad_views: list[torch.Tensor]
    vectors: bool

    def run(self, run: Callable[..., None], jobs: list[Job], scalars: dict[str, Any]) -> None:
        """
        ### Step a bucket
        """
        params = self.here([job.param for job in jobs])

        # Gather, step, and put back.
        self.gather(self.theta, self.theta_views, params)
        self.gather(self.grad, self.grad_views, self.here([job.grad for job in jobs]))
        run([self.theta], [self.grad], self.states, scalars)
        torch._foreach_copy_(params, self.theta_views)

    def gather(self, buffer: torch.Tensor, views: list[torch.Tensor], tensors: list[torch.Tensor]) -> None:
        """
        ### Fill a buffer

        Most small tensors are vectors, and those are laid end to end in half the time.
        """
        if self.vectors:
            torch.cat(tensors, out=buffer)
        else:
            torch._foreach_copy_(views, tensors)


@dataclass
class Plan:
    """
    ## What is stepped together

    * `facts` are what the plan relies on. It holds as long as they do.
    * `tensors` are those that the facts name. As long as they exist, no other tensor can have the name of one.
    * `eager` are the places of the jobs that are run eagerly
    """

    facts: list[Any] = field(default_factory=list)
    tensors: list[torch.Tensor] = field(default_factory=list)
    eager: list[int] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)

    def holds(self, facts: list[Any]) -> bool:
        """
        ### Is it still good?
        """
        if facts != self.facts:
            return False

        # The counts are views that anyone may write to. One that has been changed no longer fits with the others.
        counts = (piece.steps.tolist() for piece in self.pieces)
        return all(numbers.count(numbers[0]) == len(numbers) for numbers in counts)


def facts_of(jobs: list[Job]) -> list[Any]:
    """
    ## What a plan relies on

    Which tensors there are, of which types and where. Moving or converting a model changes the tensors within its
    parameters, loading a checkpoint changes the state.
    """
    return [
        [id(job.param) for job in jobs],
        [id(value) for job in jobs for value in job.state.values()],
        [job.param.dtype for job in jobs],
        [job.param.device for job in jobs],
    ]


def make_plan(jobs: list[Job], flat: bool) -> Plan:
    """
    ## Make a plan

    This moves the state of the parameters into new memory: the counts, and under `flat` whatever small parameters
    have.
    """
    plan = Plan()
    alike = defaultdict(list)
    for row, job in enumerate(jobs):
        theta = local(job.param)
        small = flat and theta.numel() <= SMALL

        # The compiler takes a tensor of no dimensions for a number, and may not write to it. In a buffer it has one.
        if not is_regular(job) or not (small or theta.dim()):
            plan.eager.append(row)
            continue

        types = tuple((key, local(value).dtype) for key, value in job.state.items() if key != "step")
        place = theta.device, theta.dtype, types, is_spread(job.param)

        # Vectors have buffers of their own, which are quicker to fill.
        vector = small and theta.dim() == 1
        alike[id(job.group), int(job.state["step"]), place, vector, small].append(row)

    scratch: dict[Any, torch.Tensor] = {}
    for (*_, small), rows in alike.items():
        for part in buffers(rows, jobs) if small else chunks(rows):
            members = [jobs[row] for row in part]
            plan.pieces.append(make_bucket(part, members, scratch) if small else make_chunk(part, members))

    plan.facts = facts_of(jobs)
    plan.tensors = [tensor for job in jobs for tensor in (job.param, *job.state.values())]
    return plan


def chunks(rows: list[int]) -> Iterator[list[int]]:
    """
    ## Cut into chunks

    Of nearly the same length. Where a model repeats itself, chunks are then more likely to be alike, and to share a
    compilation.
    """
    size = ceil(len(rows) / ceil(len(rows) / CHUNK))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def buffers(rows: list[int], jobs: list[Job]) -> Iterator[list[int]]:
    """
    ## Fill buffers
    """
    part, length = [], 0
    for row in rows:
        part.append(row)
        length += local(jobs[row].param).numel()
        if length >= BUFFER:
            yield part
            part, length = [], 0
    if part:
        yield part


def gather_steps(jobs: list[Job]) -> torch.Tensor:
    """
    ## The counts of several parameters in one tensor

    One addition then counts them all. Returns the tensor, of which `state["step"]` becomes a view.
    """
    steps = torch.stack([job.state["step"].to("cpu", torch.float32) for job in jobs])
    for job, step in zip(jobs, steps.unbind(), strict=True):
        job.state["step"] = step
    return steps


def make_chunk(rows: list[int], jobs: list[Job]) -> Piece:
    """
    ## Make a chunk
    """
    states = [{key: local(value) for key, value in job.state.items() if key != "step"} for job in jobs]
    return Piece(rows, jobs[0].group, jobs[0].param.dtype, gather_steps(jobs), states, is_spread(jobs[0].param))


def make_bucket(rows: list[int], jobs: list[Job], scratch: dict[Any, torch.Tensor]) -> Bucket:
    """
    ## Make a bucket

    Takes the state as it is and leaves views of buffers in its place.
    """
    thetas = [local(job.param) for job in jobs]
    sizes = [theta.numel() for theta in thetas]
    dtype, device = thetas[0].dtype, thetas[0].device

    # Compilers make special cases of lengths 0 and 1, so no buffer is so short.
    length = max(sum(sizes), 2)

    def places(buffer: torch.Tensor) -> list[torch.Tensor]:
        parts = buffer[: sum(sizes)].split(sizes)
        return [part.view(theta.shape) for part, theta in zip(parts, thetas, strict=True)]

    buffer_state = {}
    for key, value in jobs[0].state.items():
        if key == "step":
            continue
        buffer = torch.zeros(length, dtype=local(value).dtype, device=device)
        for job, view in zip(jobs, places(buffer), strict=True):
            old = job.state[key]
            view.copy_(local(old))
            job.state[key] = like(view, old)
        buffer_state[key] = buffer

    # Scratch memory is used and done with before the next bucket needs it.
    theta, grad = (scratch_of(scratch, (name, device, dtype), length, dtype, device) for name in ("theta", "grad"))
    return Bucket(
        rows=rows,
        group=jobs[0].group,
        dtype=dtype,
        steps=gather_steps(jobs),
        states=[buffer_state],
        spread=is_spread(jobs[0].param),
        theta=theta,
        grad=grad,
        theta_views=places(theta),
        grad_views=places(grad),
        vectors=sum(sizes) == length and all(theta.dim() == 1 for theta in thetas),
    )


def scratch_of(
    scratch: dict[Any, torch.Tensor], key: Any, length: int, dtype: torch.dtype, device: torch.device
) -> torch.Tensor:
    """
    ## Scratch memory

    Returns a tensor of the given length. What has been handed out under the same key before is used again if it is
    long enough.
    """
    if key not in scratch or scratch[key].numel() < length:
        scratch[key] = torch.zeros(max(length, BUFFER + SMALL), dtype=dtype, device=device)
    return scratch[key][:length]


class Runner:
    """
    ## Compiled and flat

    Runs the steps of one optimizer, and remembers the plan and the compiled functions from one step to the next.
    """

    def __init__(self, optimizer: GenericAdaptiveOptimizer):
        self.optimizer = optimizer
        self.functions: dict[bool, Callable[..., None]] = {}
        self.works = True
        self.forget()

    def forget(self) -> None:
        """
        ### Forget the plan

        The state has been replaced.
        """
        self.plan: Plan | None = None
        self.last: list[Any] | None = None

    def step(self, jobs: list[Job]) -> None:
        """
        ### Step
        """
        numbers = Numbers(self.optimizer)
        plan = self.plan_for(jobs)
        if plan is None:
            count(jobs)
            run_eagerly(self.optimizer, jobs, numbers)
            return

        rest = [jobs[row] for row in plan.eager]
        count(rest)
        run_eagerly(self.optimizer, rest, numbers)

        for piece in plan.pieces:
            piece.steps.add_(1)
            members = [jobs[row] for row in piece.rows]
            if self.works:
                self.run(piece, members, numbers)
            else:
                run_eagerly(self.optimizer, members, numbers)

    def plan_for(self, jobs: list[Job]) -> Plan | None:
        """
        ### The plan for these jobs

        Returns nothing where they are to be run eagerly.
        """
        if not self.works:
            return None

        facts = facts_of(jobs)
        if self.plan is not None and self.plan.holds(facts):
            return self.plan

        # What has only just changed may change again at once, and plans are not free. The first one is made straight
        # away.
        again = self.last is None or self.last == facts
        self.last = facts
        self.plan = make_plan(jobs, self.optimizer.backend == "flat") if again else None
        return self.plan

    def run(self, piece: Piece, jobs: list[Job], numbers: Numbers) -> None:
        """
        ### Run a piece

        Where that does not work out, it is run eagerly, and so is everything after it. A function is compiled before
        it is run, so nothing has been changed by then.
        """
        from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException

        scalars = numbers.tensors_of(piece.group, int(piece.steps[0]), piece.dtype)
        try:
            piece.run(self.function(dynamic=isinstance(piece, Bucket)), jobs, scalars)
        except (NotCompiled, TorchDynamoException, FailOnRecompileLimitHit) as error:
            self.works = False
            reason = " ".join(str(error).strip().split("\n")[:2])
            warnings.warn(
                f"{type(self.optimizer).__name__} runs eagerly: backend={self.optimizer.backend!r} needs "
                f"torch.compile, which does not work here: {reason}",
                stacklevel=2,
            )
            run_eagerly(self.optimizer, jobs, numbers)

    def function(self, dynamic: bool) -> Callable[..., None]:
        """
        ### The compiled function

        For buffers with `dynamic`, for chunks without.
        """
        if dynamic not in self.functions:
            try:
                self.functions[dynamic] = compiled(over_lists(self.optimizer.step_tensor), dynamic)
            except Exception as error:
                raise NotCompiled(str(error)) from error
        return self.functions[dynamic]


class NotCompiled(Exception):
    """
    ## There is no compiler
    """
