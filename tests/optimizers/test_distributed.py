"""
Training on two processes with FSDP2 gives what one process gives, also after a stop and a start in fresh processes.

Two processes train a model with every optimizer of the table, each model cut in two. Its layers have 7, 3 and 1 rows,
so the halves are uneven, and one process holds nothing of the last. They save with PyTorch's distributed checkpoint.
Two new processes load, and go on.
"""

from __future__ import annotations

import copy
import time
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from everything import ENTRIES, Entry, assert_same, each, train
from torch import multiprocessing, nn
from torch.distributed.checkpoint.state_dict import (
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from labml_nn.optimizers import WeightDecay
from labml_nn.optimizers.adam import Adam

STEPS = 7
SECONDS = 240

# The name of a run, its optimizer, and the precision it trains in
RUNS = {name: (entry, torch.float64) for name, entry in ENTRIES.items()}
RUNS["absolute"] = (Entry(Adam, {"weight_decay": WeightDecay(0.01, absolute=True)}), torch.float64)
RUNS["compiled"] = (Entry(Adam, {"lr": 0.01, "weight_decay": 0.1, "backend": "compiled"}), torch.float64)
RUNS["flat"] = (Entry(Adam, {"lr": 0.01, "weight_decay": 0.1, "backend": "flat"}), torch.float64)
RUNS["bfloat16"] = (ENTRIES["adam_fp16"], torch.bfloat16)


def make_model(dtype: torch.dtype) -> nn.Sequential:
    """A model of which no dimension is even; always the same."""
    model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3), nn.Tanh(), nn.Linear(3, 1))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for param in model.parameters():
            param.copy_(torch.randn(param.shape, generator=generator))
    return model.to(dtype)


def make_groups(model: nn.Sequential) -> list[dict]:
    """Two parameter groups, the second with a learning rate of its own to be."""
    return [{"params": list(model[:2].parameters())}, {"params": list(model[2:].parameters()), "betas": (0.8, 0.95)}]


def make_loss(model: nn.Module, rows: slice, dtype: torch.dtype):
    """The mean loss over some rows of the data."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(8, 5, generator=generator, dtype=torch.float64).to(dtype)[rows]
    y = torch.randn(8, 1, generator=generator, dtype=torch.float64).to(dtype)[rows]
    return lambda: (model(x) - y).square().mean()


def whole(model: nn.Module) -> list[torch.Tensor]:
    """The parameters, put together from all processes."""
    return [param.detach().full_tensor() for param in model.parameters()]


def connect(rank: int, folder: Path, run: str) -> None:
    """Meet the other process at a file; compile as far as graphs only, as a C++ compiler takes seconds."""
    torch.set_num_threads(1)
    torch.compile = partial(torch.compile, backend="aot_eager")
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting-{run}", rank=rank, world_size=2)


def sharded(rank: int, entry: Entry, dtype: torch.dtype, **options):
    """A model of which each process holds a half, its optimizer, and the loss over this process's half of the data."""
    model, mesh = make_model(dtype), init_device_mesh("cpu", (2,))
    for layer in model:
        if isinstance(layer, nn.Linear):
            fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    loss = make_loss(model, slice(4 * rank, 4 * rank + 4), dtype)
    return model, entry(make_groups(model), **options), loss


def train_and_save(rank: int, folder: Path) -> None:
    """The first processes: train, save, train on."""
    connect(rank, folder, "first")
    results = {}
    for name, (entry, dtype) in RUNS.items():
        model, optimizer, loss = sharded(rank, entry, dtype)
        rows = [param.to_local().shape[0] for param in model.parameters()]
        train(optimizer, loss, STEPS)
        before = whole(model)
        saved = {"model": get_model_state_dict(model), "optimizer": get_optimizer_state_dict(model, optimizer)}
        dcp.save(saved, checkpoint_id=folder / name)
        train(optimizer, loss, STEPS)
        results[name] = {"rows": rows, "before": before, "after": whole(model)}
    torch.save(results, folder / f"first-{rank}.pt")
    dist.destroy_process_group()


def load_and_train(rank: int, folder: Path) -> None:
    """The second processes: load into a new model and a new optimizer, and train on."""
    connect(rank, folder, "second")
    results = {}
    for name, (entry, dtype) in RUNS.items():
        # Weights and hyper-parameters are those of the checkpoint, not these.
        model, optimizer, loss = sharded(rank, entry, dtype, lr=0.5, weight_decay=0.0)
        with torch.no_grad():
            for param in model.parameters():
                param.zero_()
        saved = {"model": get_model_state_dict(model), "optimizer": get_optimizer_state_dict(model, optimizer)}
        dcp.load(saved, checkpoint_id=folder / name)
        set_model_state_dict(model, saved["model"])
        set_optimizer_state_dict(model, optimizer, saved["optimizer"])
        before = whole(model)
        train(optimizer, loss, STEPS)
        state = [{key: (value.shape, value.dtype) for key, value in s.items()} for s in optimizer.state.values()]
        results[name] = {"before": before, "after": whole(model), "state": state}
    torch.save(results, folder / f"second-{rank}.pt")
    dist.destroy_process_group()


def on_two_processes(function, folder: Path) -> list[dict]:
    """Runs a function in two fresh processes, bounded in time, and returns what each of them saved."""
    context = multiprocessing.start_processes(function, args=(folder,), nprocs=2, join=False, start_method="spawn")
    end = time.monotonic() + SECONDS
    try:
        # `join` comes back when one of them ends, too.
        while not context.join(timeout=max(0.0, end - time.monotonic())):
            assert time.monotonic() < end, f"{function.__name__} has not ended after {SECONDS} s"
    finally:
        for process in context.processes:
            if process.is_alive():
                process.kill()
    run = {train_and_save: "first", load_and_train: "second"}[function]
    return [torch.load(folder / f"{run}-{rank}.pt") for rank in range(2)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the processes meet, and leave their checkpoints."""
    return tmp_path_factory.mktemp("distributed")


@pytest.fixture(scope="module")
def first(folder: Path) -> list[dict]:
    """What the first two processes saved."""
    return on_two_processes(train_and_save, folder)


@pytest.fixture(scope="module")
def second(folder: Path, first: list[dict]) -> list[dict]:
    """What the two that went on from their checkpoints saved."""
    return on_two_processes(load_and_train, folder)


@pytest.mark.parametrize("name", [name for name, (_, dtype) in RUNS.items() if dtype == torch.float64])
def test_two_processes_train_as_one_does(name, first):
    entry, dtype = RUNS[name]
    model = make_model(dtype)
    start = copy.deepcopy(list(model.parameters()))
    optimizer, loss = entry(make_groups(model), backend="eager"), make_loss(model, slice(None), dtype)
    train(optimizer, loss, STEPS)
    halfway = copy.deepcopy(list(model.parameters()))
    train(optimizer, loss, STEPS)
    assert all(not torch.equal(p, q) for p, q in zip(model.parameters(), start, strict=True))
    for results in first:
        assert_same(results[name]["before"], halfway, 1e-12)
        assert_same(results[name]["after"], list(model.parameters()), 1e-12)


def test_the_shards_are_uneven(first):
    halves = [results["adam"]["rows"] for results in first]
    assert halves == [[4, 4, 2, 2, 1, 1], [3, 3, 1, 1, 0, 0]]


@pytest.mark.parametrize("name", RUNS)
def test_fresh_processes_go_on_from_a_distributed_checkpoint(name, first, second):
    for before, after in zip(first, second, strict=True):
        assert_same(after[name]["before"], before[name]["before"])
        assert_same(after[name]["after"], before[name]["after"])


def test_the_master_copy_is_still_float32_after_a_distributed_checkpoint(second):
    for results in second:
        for state in results["bfloat16"]["state"]:
            assert {state[key][1] for key in ("master", "exp_avg", "exp_avg_sq")} == {torch.float32}


def assert_loads_without_moving(entry: Entry) -> None:
    """
    A model and an optimizer that load a checkpoint are those that were saved, and go on like them.

    To make the state that is to be replaced PyTorch takes a step, with gradients and a learning rate of zero.
    """
    model, other = make_model(torch.float64), make_model(torch.float64)
    optimizer, fresh = entry(make_groups(model)), entry(make_groups(other))
    train(optimizer, make_loss(model, slice(None), torch.float64), STEPS)
    saved = copy.deepcopy((get_model_state_dict(model), get_optimizer_state_dict(model, optimizer)))
    set_model_state_dict(other, saved[0])
    set_optimizer_state_dict(other, fresh, saved[1])
    assert_same(list(other.parameters()), list(model.parameters()))

    train(optimizer, make_loss(model, slice(None), torch.float64), 2)
    train(fresh, make_loss(other, slice(None), torch.float64), 2)
    assert_same(list(other.parameters()), list(model.parameters()))


@each()
def test_loading_moves_no_weight(entry):
    assert_loads_without_moving(entry)


def test_loading_moves_no_weight_under_absolute_decay():
    assert_loads_without_moving(RUNS["absolute"][0])
