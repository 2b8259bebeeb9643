r"""
---
title: Backends
summary: How one rule runs three ways in PyTorch - tensor by tensor, compiled into a loop, compiled over flat buffers.
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
* `"compiled"` has `torch.compile` make one loop of the rule, and runs it over each tensor. Where that cannot be done
  it compiles the rule for some fifty tensors at a time.
* `"flat"` does the same, and lays the state of short tensors end to end in a buffer. Where there is no such loop, on
  a GPU for example, it lays small parameters and gradients end to end too, and steps the buffer.

## Why it matters

Adam's arithmetic is nothing beside the memory it moves. For each number it has to read $\theta$, the gradient and two
averages, and to write three of them: 28 bytes in single precision. Line by line, a tensor larger than the cache goes
through memory for each line of the rule, about three times as much in all. A compiler reads the whole rule and makes
one loop of it, in which each number is loaded once and stored once.

A small tensor has another trouble. Starting an operation costs about a microsecond, which is as long as the
arithmetic on some thousand numbers takes, and a model with a thousand small tensors starts many thousands of
operations in each step. With the loop it is [one call for all of them](#Loop.load), and in chunks it is a few. What is
left is that each tensor has to be looked at: is it like the one that this loop was compiled for, and where does it lie?
That costs some tenths of a microsecond, as the step before is likely to have pushed the answer out of the cache.
`torch.compile` asks more than once; here it is [asked once](#Row), and what was compiled is called directly.

With several threads there are two ways to share the work. A long tensor is cut, and each thread has a part of it. A
short tensor is over before the threads have met, so each thread has tensors of its own. PyTorch's fused loop cuts them
all.

Where the state of many tensors is [in one place](#gather_states), a step reads it from end to end, which is what memory
does best. With a thousand tensors of ten thousand numbers that is worth some hundredths of the time.

## What is compiled again, and what is not

The numbers that change between steps, the learning rate first of all, reach the rule as tensors of no dimensions. A
compiled function then reads them like anything else it is given, and no schedule makes it compile again. It does
compile once for each combination of the booleans that choose a formula, and each set of types. The loop and buffers
take any length and shape. Only chunks are compiled for their shapes and strides, and those that are alike share a
compilation. They are for what the loop does not take: tensors with gaps, gradients that lie in memory in another
order than their parameters, other devices than the CPU, and rules that come out as more than one loop. Whatever else
a rule reads, an attribute of the optimizer for example, is taken to stay what it was.

A parameter that has no gradient in this step is left alone, so the chunks and buffers are only good for one set of
parameters. Where the set changes, as it does when a layer is thawed, one step is run eagerly, and the chunks are made
anew when the next step asks for the same set again. A model whose set changes at every step is thus run eagerly, and
never waits for a compiler. Where the set is the same, but a gradient has come in another layout, or a parameter has
been given other memory, its chunk is run eagerly for this step, and all are made anew for the next.

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
* parameters of no dimensions in chunks: the compiler takes them for numbers
* parameters whose state holds something other than tensors of their own shape
* parameters that share memory with another parameter, with state or with a gradient
* tensor subclasses, quantised ones for example. A `DTensor`, as parameters are under FSDP, is not among them: an
  elementwise rule needs no other process, so it is run on the part that is here.
* everything, where `torch.compile` does not work: where there is no C++ compiler, say, or where
  `TORCH_COMPILE_DISABLE` is set. A warning says so once.
"""

from __future__ import annotations

import warnings
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from ctypes import CDLL, PyDLL, c_int64, c_void_p, cast, py_object
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, chain
from math import ceil
from operator import is_, itemgetter
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from labml_nn.optimizers import GenericAdaptiveOptimizer

# The first is the default.
BACKENDS = ("eager", "compiled", "flat")

# How many tensors are compiled together. With fewer the calls cost more, with more the compiler takes longer.
CHUNK = 50

# How many are looked at, and then stepped by the loop. Where one is not what it was, all of them are run eagerly once.
ROW = 1000

# Tensors of at most so many numbers are gathered in buffers, where there is no loop for them.
SMALL = 2**12

# So many numbers make a buffer. One of parameters and one of gradients should stay in the cache between being filled
# and being used.
BUFFER = 2**18

# So many numbers of any type fill whole lines of the cache.
LINE = 64

# Tensors of at most so many numbers are stepped by one thread each.
SHORT = 2**16

# What `torch.compile` compiles graphs with
COMPILER = "inductor"

# What it is told beside the graph: not to look at each tensor once more, and to give each parameter a loop of its own.
# A loop over several parameters at once reads from so many places that memory falls behind. Nor does it have to try
# for each line of the rule whether it goes together with lines that are far away.
OPTIONS = {"size_asserts": False, "cpp.max_horizontal_fusion_size": 1, "max_fusion_buffer_group_pairwise_attempts": 16}

# What looks up the addresses of tensors, and what calls a kernel for many: `at` are columns of addresses.
DRIVER = """
#include <cstdint>

extern "C" void* PyList_GetItem(void* list, int64_t place);

extern "C" void find(void* (*address)(void*), void* list, void** at, int64_t count) {{
    for (int64_t i = 0; i < count; i++)
        at[i] = address(PyList_GetItem(list, i));
}}

extern "C" void drive(void (*kernel)({types}), void*** at, const int64_t* lengths, int64_t count) {{
    for (int64_t i = 0; i < count; i++)
        if (lengths[i] > {short})
            kernel({taken});

    #pragma omp parallel for num_threads({threads}) schedule(dynamic, 8)
    for (int64_t i = 0; i < count; i++)
        if (lengths[i] <= {short})
            kernel({taken});
}}
"""

# Types with too few digits for the averages of an optimizer
HALF = (torch.float16, torch.bfloat16)

# State entries of one parameter, by name
State = dict[str, Any]


# Compiled functions by the form of the numbers that they take
Functions = dict[Any, Callable[..., None]]


@dataclass
class Jobs:
    """
    ## The parameters of one step

    In four lists of one length, as making an object for each parameter would take as long as stepping a small one.
    """

    groups: list[dict[str, Any]] = field(default_factory=list)
    params: list[torch.Tensor] = field(default_factory=list)
    grads: list[torch.Tensor] = field(default_factory=list)
    states: list[State] = field(default_factory=list)

    def at(self, rows: list[int]) -> Jobs:
        """
        ### Some of them
        """
        return Jobs(*([column[row] for row in rows] for column in (self.groups, self.params, self.grads, self.states)))


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


def form(scalars: dict[str, Any]) -> tuple[Any, ...]:
    """
    ## What a compiled function takes for granted about its numbers

    Which there are, and the booleans, but no other value.
    """
    return tuple((name, value) if isinstance(value, bool) else name for name, value in scalars.items())


def count(states: list[State]) -> None:
    """
    ## Count a step

    One operation for all of them, since each is a tensor of its own.
    """
    if states:
        torch._foreach_add_([state["step"] for state in states], torch.ones(()), alpha=1)


def run_eagerly(optimizer: GenericAdaptiveOptimizer, jobs: Jobs, numbers: Numbers) -> None:
    """
    ## Eager

    Runs the rule tensor by tensor. The steps have been counted.
    """
    for group, param, grad, state in zip(jobs.groups, jobs.params, jobs.grads, jobs.states, strict=True):
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


def compiled(function: Callable[..., None], **options: Any) -> Callable[..., None]:
    """
    ## Compile

    Returns a function that is compiled when it is called. Raises whatever `torch.compile` raises where it does not
    work.
    """
    import torch._dynamo

    # It would return the function as it is, and say nothing.
    if torch._dynamo.config.disable:
        raise RuntimeError("torch.compile is switched off by TORCH_COMPILE_DISABLE")

    # Each call of this has its own set of compilations.
    return torch.compile(function, fullgraph=True, isolate_recompiles=True, **options)


class Direct:
    """
    ## A compiled function without what is around it

    What `torch.compile` returns looks at each tensor that it is given, and decides what to run. For tensors of ten
    thousand numbers that takes as long as the arithmetic. [The piece](#Piece.holds) has looked at them already. So
    this lets `torch.compile` take the first step, and keeps what it has made. It is good for tensors that are like
    those of the first step, and **does not check that**.
    """

    def __init__(self, function: Callable[..., None]):
        self.first = compiled(function, dynamic=False, backend=self.make)
        self.names: dict[int, int] = {}
        self.made: Callable[..., Any] | None = None
        self.pick: Callable[[list[torch.Tensor]], tuple[torch.Tensor, ...]] = tuple

    def make(self, graph: torch.fx.GraphModule, examples: list[torch.Tensor]) -> Callable[..., Any]:
        """
        ### Compile a graph

        PyTorch calls this with the graph of the function. A graph takes tensors only, in an order of its own, which
        the first call shows. Where it takes one that is none of ours, say a constant of the method, nothing is kept.
        """
        from torch._dynamo import lookup_backend
        from torch._inductor import config

        with config.patch(OPTIONS):
            made = lookup_backend(COMPILER)(graph, examples)

        def run(*arguments: torch.Tensor) -> Any:
            if all(id(argument) in self.names for argument in arguments):
                self.made = made
                self.pick = itemgetter(*(self.names[id(argument)] for argument in arguments))
            return made(*arguments)

        return run

    def __call__(
        self, thetas: list[torch.Tensor], grads: list[torch.Tensor], states: list[State], scalars: dict[str, Any]
    ) -> None:
        """
        ### Run
        """
        tensors = [*thetas, *grads, *chain.from_iterable(map(dict.values, states)), *scalars.values()]
        if self.made is None:
            self.names = {id(tensor): place for place, tensor in enumerate(tensors)}
            self.first(thetas, grads, states, scalars)
        else:
            self.made(*self.pick(tensors))


class Loop:
    r"""
    ## One loop for tensors of any length

    What the compiler makes of a rule for one vector is a function in C++ that takes a few addresses and a length. What
    PyTorch puts around it takes longer than the numbers of a small tensor do. So this gets hold of the function
    itself. A [few lines of C++](#Loop.load) call it for one parameter after the other, and as it is the same for all
    of them it is compiled in a second or two, whatever the model looks like.

    `dtypes` are the types of $\theta$, of the gradient and of the state entries, which have the names `keys`.
    """

    def __init__(self, rule: Callable[..., None], dtypes: list[torch.dtype], keys: list[str], scalars: dict[str, Any]):
        self.dtypes = dtypes
        self.spaces: list[dict[str, Any]] = []
        function = compiled(over_lists(rule), dynamic=True, backend=self.make)

        def run(columns: list[list[torch.Tensor]]) -> None:
            thetas, grads, *entries = columns
            state = {key: entry for key, (entry,) in zip(keys, entries, strict=True)}
            function(thetas, grads, [state], scalars)

        # The length tells how many threads are worth their while. Another version of PyTorch may keep its function
        # elsewhere. Then chunks are compiled, and what else is wrong will be told there.
        try:
            kernel, order = self.watch(run, self.example(10_007), scalars)
            self.works = kernel is not None
            if self.works:
                self.load(kernel, order)
                self.works = self.is_right(run, scalars)
        except Exception:
            self.works = False

    def example(self, length: int) -> list[list[torch.Tensor]]:
        """
        ### Numbers to try it with

        Positive ones, different in each place.
        """
        places = enumerate(self.dtypes, start=1)
        return [[torch.linspace(place, place + 1, length, dtype=dtype)] for place, dtype in places]

    def make(self, graph: torch.fx.GraphModule, examples: list[torch.Tensor]) -> Callable[..., Any]:
        """
        ### Compile it for any length

        PyTorch calls this. The compiler writes a Python module that calls what it has compiled, and this keeps the
        names in that module. A compilation that is kept between processes would not come by here.
        """
        from torch._functorch import config
        from torch._inductor.compile_fx import compile_fx, compile_fx_inner

        def inner(*arguments: Any, **options: Any) -> Any:
            made = compile_fx_inner(*arguments, **options)
            runner = getattr(made, "compiled_fn_runner", None)
            self.spaces.append(runner.call.__globals__ if runner else {})
            return made

        with config.patch(enable_autograd_cache=False):
            return compile_fx(graph, examples, inner_compile=inner)

    def watch(
        self, run: Callable[..., None], columns: list[list[torch.Tensor]], scalars: dict[str, Any]
    ) -> tuple[Callable[..., None] | None, list[int]]:
        """
        ### See how the function is called

        Returns it with the place of each argument among the columns, the scalars and the length, or `None` if there
        is another number of functions than one, or one that takes something else.
        """
        calls: list[tuple[Any, ...]] = []

        def spied(kernel: Callable[..., None]) -> Callable[..., None]:
            def call(*arguments: Any) -> None:
                calls.append((kernel, *arguments))
                kernel(*arguments)

            return call

        # The first run compiles, the second is watched. It is other runs that may share the module.
        run(columns)
        (space,) = self.spaces if len(self.spaces) == 1 else ({},)
        kernels = {name: value for name, value in space.items() if getattr(value, "__name__", "") == "kernel"}
        try:
            space.update({name: spied(kernel) for name, kernel in kernels.items()})
            run(columns)
        finally:
            space.update(kernels)
        if len(calls) != 1:
            return None, []

        # A tensor is known by its address.
        tensors = [*(column[0] for column in columns), *scalars.values()]
        known: dict[Any, int] = {
            (tensor.data_ptr(), 0): place for place, tensor in enumerate(tensors) if isinstance(tensor, torch.Tensor)
        }
        known[len(columns[0][0]), 1] = len(tensors)
        (kernel, *arguments), *_ = calls
        names = [(value.data_ptr(), 0) if isinstance(value, torch.Tensor) else (value, 1) for value in arguments]
        found = [known.get(name) for name in names]
        return (None, []) if None in found else (kernel, [place for place in found if place is not None])

    def is_right(self, run: Callable[..., None], scalars: dict[str, Any]) -> bool:
        """
        ### Is this all that the rule does?

        Tries it on another length. That must not compile anything, and what comes out must be the same to the last
        bit.
        """
        mine, theirs = self.example(29), self.example(29)
        run(theirs)
        self([*map(self.addresses, mine)], array("q", [29]), scalars)
        return len(self.spaces) == 1 and all(map(torch.equal, chain(*mine), chain(*theirs)))

    def load(self, kernel: Any, order: list[int]) -> None:
        """
        ### What calls it for each tensor

        The kernel shares long tensors among threads. Short ones are dealt out by the driver: for them, waiting until
        each thread has done its part takes as long as the part. A scalar is the same for all tensors.
        """
        from torch._C._dynamo.guards import _torchinductor_pyobject_tensor_data_ptr as data_ptr
        from torch._inductor.codecache import CppCodeCache

        length = max(order)
        types = ["int64_t" if place == length else "void*" for place in order]
        taken = [
            "lengths[i]" if place == length else f"at[{place}][{'i' if place < len(self.dtypes) else 0}]"
            for place in order
        ]
        names = {"types": ", ".join(types), "taken": ", ".join(taken)}
        library = CppCodeCache.load(DRIVER.format(**names, short=SHORT, threads=torch.get_num_threads()))

        # Looking at Python's lists takes its lock, and stepping does without.
        find, drive = PyDLL(library._name).find, library.drive
        find.argtypes, find.restype = [c_void_p, py_object, c_void_p, c_int64], None
        drive.argtypes, drive.restype = [c_void_p, c_void_p, c_void_p, c_int64], None
        self.find = partial(find, data_ptr)
        self.drive = partial(drive, cast(CDLL(kernel.__self__.__file__).kernel, c_void_p))

    def addresses(self, tensors: list[torch.Tensor]) -> array[int]:
        """
        ### Where they are
        """
        at = array("q", bytes(8 * len(tensors)))
        self.find(tensors, at.buffer_info()[0], len(tensors))
        return at

    def __call__(self, columns: list[array[int]], lengths: array[int], scalars: dict[str, Any]) -> None:
        r"""
        ### Run it over tensors

        `columns` are the addresses of $\theta$, of gradients and of each state entry.
        """
        numbers = [value.data_ptr() if isinstance(value, torch.Tensor) else 0 for value in scalars.values()]
        at = [*columns, *(array("q", [number]) for number in numbers)]
        table = array("q", [column.buffer_info()[0] for column in at])
        self.drive(table.buffer_info()[0], lengths.buffer_info()[0], len(lengths))


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


def is_regular(param: torch.Tensor, grad: torch.Tensor, state: State) -> bool:
    """
    ## Can a compiled rule take it?

    Yes for a real, dense tensor whose gradient and state are of its own shape, in the same place.
    """
    theta = local(param)
    if type(theta) not in (torch.Tensor, torch.nn.Parameter) or not theta.is_floating_point():
        return False

    for other in (grad, *entries(state).values()):
        # Spread in the same way, or not at all
        if not isinstance(other, torch.Tensor):
            return False
        if getattr(other, "placements", None) != getattr(param, "placements", None):
            return False

        part = local(other)
        if type(part) is not torch.Tensor or not part.is_floating_point():
            return False
        if part.shape != theta.shape or part.device != theta.device:
            return False

    return True


def entries(state: State) -> State:
    """
    ## What a state holds beside the count of steps
    """
    return {key: value for key, value in state.items() if key != "step"}


def overlapping(tensors: Iterable[tuple[int, torch.Tensor]]) -> set[int]:
    """
    ## Which share memory with others

    Takes tensors, each with the place of its parameter, and returns the places of those that lie where another one
    lies. The order in which they are read and written then matters, and a compiler is free to change it.
    """
    spans = []
    for row, tensor in tensors:
        if tensor.numel():
            last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
            start = tensor.data_ptr()
            spans.append((str(tensor.device), start, start + (last + 1) * tensor.element_size(), row))

    # From left to right, each with the one that reaches furthest so far
    shared = set()
    furthest = ("", 0, 0, 0)
    for span in sorted(spans):
        if span[0] == furthest[0] and span[1] < furthest[2]:
            shared |= {span[3], furthest[3]}
        furthest = max(furthest, span, key=lambda one: (one[0], one[2]))
    return shared


@dataclass
class Piece:
    r"""
    ## Parameters that are stepped together

    They have a group and a count of steps in common, hence one set of numbers.

    * `rows` are their places among the jobs of the step
    * `dtype` is that of the parameters
    * `states` are their other state entries, the parts that are here
    * `owned` are those entries in one list, and `views` those that are views of a buffer
    * `spread` says that they are spread over processes
    * `functions` are the compiled ones, which all pieces share that are alike
    """

    rows: list[int]
    group: dict[str, Any]
    dtype: torch.dtype
    states: list[State]
    owned: list[torch.Tensor]
    views: list[torch.Tensor]
    spread: bool
    functions: Functions

    def members(self, jobs: Jobs) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """
        ### Its parameters and their gradients

        The parts of them that are here.
        """
        params, grads = ([column[row] for row in self.rows] for column in (jobs.params, jobs.grads))
        return ([*map(local, params)], [*map(local, grads)]) if self.spread else (params, grads)

    def rely_on(self, jobs: Jobs) -> None:
        """
        ### Note what this piece relies on

        PyTorch's `TensorGuards` note the types, shapes, strides and devices of many tensors, and compare those of
        others in one call. What `torch.compile` returns looks at its arguments with the same.
        """
        from torch._C._dynamo.guards import TensorGuards

        thetas, grads = self.members(jobs)
        sizes = {"dynamic_dims_sizes": None, "dynamic_dims_strides": None}
        self.guards = TensorGuards(*thetas, *grads, *self.owned, **sizes)
        self.addresses = [*map(torch.Tensor.data_ptr, (*thetas, *self.views))]
        # Tensors without numbers have the address 0.
        self.taken = {*self.addresses} - {0}

    def holds(self, thetas: list[torch.Tensor], grads: list[torch.Tensor]) -> bool:
        """
        ### Is it still good?

        Takes its [members](#Piece.members). They must be the same parameters, with the same state entries.
        """

        # Gradients are other tensors each time, and parameters and state can be given other memory. A tensor that
        # occurs twice fails here too.
        if not self.guards.check(*thetas, *grads, *self.owned):
            return False

        # Parameters must lie where they lay, where nothing else does. A view must still be one.
        if [*map(torch.Tensor.data_ptr, (*thetas, *self.views))] != self.addresses:
            return False
        return self.taken.isdisjoint(map(torch.Tensor.data_ptr, grads))

    def run(
        self,
        run: Callable[..., None],
        thetas: list[torch.Tensor],
        grads: list[torch.Tensor],
        scalars: dict[str, Any],
    ) -> bool:
        """
        ### Step a chunk

        Returns whether that was done.
        """
        run(thetas, grads, self.states, scalars)
        return True

    def compile(self, rule: Callable[..., None], scalars: dict[str, Any]) -> Callable[..., None]:
        """
        ### What steps a chunk
        """
        return Direct(over_lists(rule))


class Row(Piece):
    """
    ## Parameters for the loop

    Their numbers lie in memory without gaps, and in the same order in the gradient and the state. So a rule that is
    elementwise may take them for vectors.
    """

    def rely_on(self, jobs: Jobs) -> None:
        """
        ### Note what the loop takes

        Beside parameters and gradients: a list of each state entry, and lengths. And where all of it lies.
        """
        super().rely_on(jobs)
        self.columns = [[state[key] for state in self.states] for key in self.states[0]]
        thetas, _ = self.members(jobs)
        self.lengths = array("q", map(torch.Tensor.numel, thetas))
        self.at = [array("q", map(torch.Tensor.data_ptr, column)) for column in (thetas, *self.columns)]

    def holds(self, thetas: list[torch.Tensor], grads: list[torch.Tensor]) -> bool:
        """
        ### Are these still its tensors?

        That all but the gradients still lies where it lay is seen [when the addresses are asked for](#Row.run), and
        no more is asked of state entries.
        """
        return bool(self.guards.check(*thetas, *grads))

    def run(
        self,
        run: Callable[..., None],
        thetas: list[torch.Tensor],
        grads: list[torch.Tensor],
        scalars: dict[str, Any],
    ) -> bool:
        """
        ### Step a row

        Or none of it, where something lies elsewhere than before, or a gradient where a parameter does.
        """
        assert isinstance(run, Loop)
        theta, *states = map(run.addresses, (thetas, *self.columns))
        grad = run.addresses(grads)
        if [theta, *states] != self.at or not self.taken.isdisjoint(grad):
            return False
        run([theta, grad, *states], self.lengths, scalars)

        # Autograd asks whether a parameter has changed since it was used.
        torch.autograd.graph.increment_version(thetas)
        return True

    def compile(self, rule: Callable[..., None], scalars: dict[str, Any]) -> Callable[..., None]:
        """
        ### What steps a row
        """
        state = self.states[0]
        return Loop(rule, [self.dtype, self.dtype, *(value.dtype for value in state.values())], [*state], scalars)


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

    def run(
        self,
        run: Callable[..., None],
        thetas: list[torch.Tensor],
        grads: list[torch.Tensor],
        scalars: dict[str, Any],
    ) -> bool:
        """
        ### Step a bucket
        """

        # Gather, step, and put back.
        self.gather(self.theta, self.theta_views, thetas)
        self.gather(self.grad, self.grad_views, grads)
        run([self.theta], [self.grad], self.states, scalars)
        torch._foreach_copy_(thetas, self.theta_views)
        return True

    def compile(self, rule: Callable[..., None], scalars: dict[str, Any]) -> Callable[..., None]:
        """
        ### What steps a bucket
        """
        return compiled(over_lists(rule), dynamic=True)

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

    * `eager` are the places of the jobs that are run eagerly
    * `steps` are the counts of the others in one tensor, piece by piece. `state["step"]` is a view of one.
    """

    eager: list[int]
    pieces: list[Piece]
    steps: torch.Tensor

    def counts(self) -> list[int] | None:
        """
        ### How many steps each piece has taken

        Returns nothing where the parameters of a piece disagree: the counts are views that anyone may write to.
        """
        steps, start, found = self.steps.tolist(), 0, []
        for piece in self.pieces:
            counts = steps[start : start + len(piece.rows)]
            if counts.count(counts[0]) != len(counts):
                return None
            found.append(int(counts[0]))
            start += len(counts)
        return found


class Roster:
    """
    ## Who takes part

    Groups, parameters and state entries themselves, not what they hold. As they are kept here, no other object can be
    taken for one of them.
    """

    def __init__(self, jobs: Jobs):
        self.lists = self.lists_of(jobs)

    @staticmethod
    def lists_of(jobs: Jobs) -> tuple[list[Any], ...]:
        """
        ### The lists that are compared
        """
        return jobs.groups, jobs.params, list(chain.from_iterable(map(dict.values, jobs.states)))

    def holds(self, jobs: Jobs) -> bool:
        """
        ### Are they the same?
        """
        return all(
            len(now) == len(then) and all(map(is_, now, then))
            for now, then in zip(self.lists_of(jobs), self.lists, strict=True)
        )


def make_plan(jobs: Jobs, flat: bool, loops: bool, functions: dict[Any, Functions]) -> Plan:
    """
    ## Make a plan

    This moves the state of the parameters into new memory: the counts, and under `flat` whatever short parameters
    have. `functions` are the compiled ones that there are already, by the signature of the pieces that they are for.
    """
    places = enumerate(zip(jobs.params, jobs.grads, jobs.states, strict=True))
    regular = [row for row, job in places if is_regular(*job)]
    shared = overlapping(
        (row, local(tensor))
        for row in regular
        for tensor in (jobs.params[row], jobs.grads[row], *entries(jobs.states[row]).values())
    )

    alike = defaultdict(list)
    for row in regular:
        theta, grad, state = local(jobs.params[row]), local(jobs.grads[row]), jobs.states[row]
        others = [local(value) for value in entries(state).values()]

        # The loop is in C++, and takes a parameter and its gradient for numbers of the same type.
        looped = loops and theta.device.type == "cpu" and grad.dtype == theta.dtype and is_dense(theta, [grad, *others])
        small = flat and not looped and theta.numel() <= SMALL

        # In a chunk, the compiler takes a tensor of no dimensions for a number, and may not write to it.
        if row in shared or not (looped or small or theta.dim()):
            continue

        # Vectors have buffers of their own, which are quicker to fill.
        vector = small and theta.dim() == 1
        place = theta.device, theta.dtype, (*state,), (*(each.dtype for each in others),), is_spread(jobs.params[row])
        alike[id(jobs.groups[row]), int(state["step"]), place, vector, looped, small].append(row)

    pieces: list[Piece] = []
    scratch: dict[Any, torch.Tensor] = {}
    left = []
    for (*_, looped, small), rows in alike.items():
        for part in buffers(rows, jobs) if small else chunks(rows, ROW if looped else CHUNK):
            members = jobs.at(part)
            if small:
                piece: Piece = make_bucket(part, members, scratch, functions)
            else:
                # What was in the place of the state is kept until the end. Otherwise the next small things would be
                # put there, far from each other, and they are read in every step.
                left += gather_states(members) if flat and looped else []
                piece = make_chunk(part, members, looped, functions)
            piece.rely_on(jobs)
            pieces.append(piece)

    planned = [row for piece in pieces for row in piece.rows]
    eager = sorted({*range(len(jobs.params))}.difference(planned))
    return Plan(eager, pieces, gather_steps(jobs.at(planned).states))


def chunks(rows: list[int], most: int) -> Iterator[list[int]]:
    """
    ## Cut into chunks

    Of at most so many, and nearly the same length. Where a model repeats itself, chunks are then more likely to be
    alike, and to share a compilation.
    """
    size = ceil(len(rows) / ceil(len(rows) / most))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def buffers(rows: list[int], jobs: Jobs) -> Iterator[list[int]]:
    """
    ## Fill buffers
    """
    part, length = [], 0
    for row in rows:
        part.append(row)
        length += local(jobs.params[row]).numel()
        if length >= BUFFER:
            yield part
            part, length = [], 0
    if part:
        yield part


def gather_steps(states: list[State]) -> torch.Tensor:
    """
    ## The counts of several parameters in one tensor

    One addition then counts them all. Returns the tensor, of which `state["step"]` becomes a view.
    """
    steps = torch.tensor([float(state["step"]) for state in states])
    for state, step in zip(states, steps.unbind(), strict=True):
        state["step"] = step
    return steps


def gather_states(jobs: Jobs) -> list[torch.Tensor]:
    """
    ## The states of short parameters in one place

    Each entry becomes a view of a buffer, in which it begins with a line of the cache. So a step reads one buffer from
    end to end, and finds the views near each other. Returns the tensors that were there before.
    """
    before = []
    states = [state for param, state in zip(jobs.params, jobs.states, strict=True) if local(param).numel() <= SHORT]
    for key in entries(states[0]) if states else ():
        old = [local(state[key]) for state in states]
        starts = [0, *accumulate(ceil(each.numel() / LINE) * LINE for each in old)]
        buffer = torch.zeros(starts[-1], dtype=old[0].dtype, device=old[0].device)
        for state, each, start in zip(states, old, starts, strict=False):
            before.append(state[key])
            state[key] = like(buffer.as_strided(each.shape, each.stride(), start).copy_(each), state[key])
    return before


def is_dense(theta: torch.Tensor, others: list[torch.Tensor]) -> bool:
    """
    ## Do they lie in memory alike, and without gaps?

    PyTorch gives a new tensor the strides of another one if that has no gaps.
    """
    strides = torch.empty_like(theta, device="meta").stride()
    return all(tensor.stride() == strides for tensor in (theta, *others))


def make_chunk(rows: list[int], jobs: Jobs, looped: bool, functions: dict[Any, Functions]) -> Piece:
    """
    ## Make a chunk

    Or a row, which is for the loop.
    """
    thetas, grads = [local(param) for param in jobs.params], [local(grad) for grad in jobs.grads]
    states = [{key: local(value) for key, value in entries(state).items()} for state in jobs.states]

    # Everything that the compiler makes use of
    tensors = [*thetas, *grads, *(value for state in states for value in state.values())]
    looks = tuple((tensor.device, tensor.dtype, tensor.shape, tensor.stride()) for tensor in tensors)
    signature: tuple[Any, ...] = "chunk", tuple(states[0]), looks
    if looped:
        signature = "row", thetas[0].dtype, tuple((key, value.dtype) for key, value in states[0].items())
    return (Row if looped else Piece)(
        rows=rows,
        group=jobs.groups[0],
        dtype=thetas[0].dtype,
        states=states,
        owned=[] if looped else tensors[2 * len(rows) :],
        views=[],
        spread=is_spread(jobs.params[0]),
        functions=functions[signature],
    )


def make_bucket(
    rows: list[int], jobs: Jobs, scratch: dict[Any, torch.Tensor], functions: dict[Any, Functions]
) -> Bucket:
    """
    ## Make a bucket

    Takes the state as it is and leaves views of buffers in its place.
    """
    thetas = [local(param) for param in jobs.params]
    sizes = [theta.numel() for theta in thetas]
    dtype, device = thetas[0].dtype, thetas[0].device

    # Compilers make special cases of lengths 0 and 1, so no buffer is so short.
    length = max(sum(sizes), 2)

    def places(buffer: torch.Tensor) -> list[torch.Tensor]:
        parts = buffer[: sum(sizes)].split(sizes)
        return [part.view(theta.shape) for part, theta in zip(parts, thetas, strict=True)]

    buffer_state, views = {}, []
    for key, first in entries(jobs.states[0]).items():
        buffer = torch.zeros(length, dtype=local(first).dtype, device=device)
        for state, view in zip(jobs.states, places(buffer), strict=True):
            view.copy_(local(state[key]))
            state[key] = like(view, state[key])
            views.append(local(state[key]))
        buffer_state[key] = buffer

    # Scratch memory is used and done with before the next bucket needs it.
    theta, grad = (scratch_of(scratch, (name, device, dtype), length, dtype, device) for name in ("theta", "grad"))
    signature = "bucket", device, dtype, tuple((key, buffer.dtype) for key, buffer in buffer_state.items())
    return Bucket(
        rows=rows,
        group=jobs.groups[0],
        dtype=dtype,
        states=[buffer_state],
        owned=[],
        views=views,
        spread=is_spread(jobs.params[0]),
        functions=functions[signature],
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
        self.functions: dict[Any, Functions] = defaultdict(dict)
        self.works = True
        self.loops = COMPILER == "inductor"
        self.forget()

    def forget(self) -> None:
        """
        ### Forget the plan

        The state has been replaced.
        """
        self.plan: Plan | None = None
        self.roster: Roster | None = None

    def step(self, jobs: Jobs) -> None:
        """
        ### Step
        """
        numbers = Numbers(self.optimizer)
        plan = self.plan = self.plan_for(jobs)
        counts = None if plan is None else plan.counts()
        if plan is None or counts is None:
            self.plan = None
            count(jobs.states)
            run_eagerly(self.optimizer, jobs, numbers)
            return

        rest = jobs.at(plan.eager)
        count(rest.states)
        run_eagerly(self.optimizer, rest, numbers)

        plan.steps.add_(1)
        for piece, steps in zip(plan.pieces, counts, strict=True):
            # Each is looked at just before it is run. What is read for that is then still in the cache.
            scalars = numbers.tensors_of(piece.group, steps + 1, piece.dtype)
            members = piece.members(jobs)
            if not (self.works and piece.holds(*members) and self.run(piece, *members, scalars)):
                self.plan = None
                run_eagerly(self.optimizer, jobs.at(piece.rows), numbers)

    def plan_for(self, jobs: Jobs) -> Plan | None:
        """
        ### The plan for these jobs

        Returns nothing where they are to be run eagerly.
        """
        if not self.works:
            return None

        first = self.roster is None
        same = self.roster is not None and self.roster.holds(jobs)
        if same and self.plan is not None:
            return self.plan

        # What has only just changed may change again at once, and plans are not free. The first one is made straight
        # away.
        flat = self.optimizer.backend == "flat"
        plan = make_plan(jobs, flat, self.loops, self.functions) if same or first else None
        self.roster = Roster(jobs)
        return plan

    def run(self, piece: Piece, thetas: list[torch.Tensor], grads: list[torch.Tensor], scalars: dict[str, Any]) -> bool:
        """
        ### Run a piece

        Returns whether that worked out. Without a compiler, everything is run eagerly from here on. A function is
        compiled before it is run, so nothing has been changed by then.
        """
        try:
            function = self.function(piece, scalars)
            if isinstance(function, Loop) and not function.works:
                # The next plan does without.
                self.loops = False
                return False
            return piece.run(function, thetas, grads, scalars)
        except Exception as error:
            from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException

            if not isinstance(error, (NotCompiled, TorchDynamoException, FailOnRecompileLimitHit)):
                raise
            self.works = False
            reason = " ".join(str(error).strip().split("\n")[:2])
            warnings.warn(
                f"{type(self.optimizer).__name__} runs eagerly: backend={self.optimizer.backend!r} needs "
                f"torch.compile, which does not work here: {reason}",
                stacklevel=2,
            )
        return False

    def function(self, piece: Piece, scalars: dict[str, Any]) -> Callable[..., None]:
        """
        ### The compiled function

        One for each form of the numbers. Loops are laid out for a number of threads.
        """
        key = torch.get_num_threads(), form(scalars)
        if key not in piece.functions:
            try:
                piece.functions[key] = piece.compile(self.optimizer.step_tensor, scalars)
            except Exception as error:
                raise NotCompiled(str(error)) from error
        return piece.functions[key]


class NotCompiled(Exception):
    """
    ## There is no compiler
    """
