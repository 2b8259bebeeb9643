"""
# Optimizers that were taken out of their package

What each of them does in 50 steps, here with the package and in a process that has torch and nothing of ours.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Each optimizer with what its constructor is given, and the type of the parameters
OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Adam": ("adam", {"weight_decay": 0.01}),
    "AMSGrad": ("amsgrad", {}),
    "AdamWarmup": ("adam_warmup", {"warmup": 20}),
    "Noam": ("noam", {"warmup": 20, "d_model": 64}),
    "AdamWarmupCosineDecay": ("adam_warmup_cosine_decay", {"warmup": 5, "total_steps": 40, "floor": 0.1}),
    "RAdam": ("radam", {"betas": (0.9, 0.99)}),
    "AdaBelief": ("ada_belief", {"weight_decay": 0.1}),
    "Sophia": ("sophia", {"lr": 1e-3}),
    "AdamFP16": ("adam_fp16", {"lr": 1e-2}),
}

# What a class does in 50 steps: the bytes of all weights and of all state.
PROBLEM = """
import hashlib
import torch


def trained(cls, options):
    torch.manual_seed(7)
    model = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))
    if cls.__name__ == "AdamFP16":
        model.bfloat16()
    inputs = torch.randn(16, 5, dtype=next(model.parameters()).dtype)
    labels = torch.randint(3, (16,))
    optimizer = cls(model.parameters(), **options)
    for step in range(50):
        loss = torch.nn.functional.cross_entropy(model(inputs), labels)
        if hasattr(optimizer, "update_hessian") and step % 10 == 0:
            optimizer.update_hessian(torch.nn.functional.cross_entropy(model(inputs), labels), 16)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    digest = hashlib.sha256()
    for tensor in [*model.parameters(), *(t for s in optimizer.state.values() for _, t in sorted(s.items()))]:
        digest.update(tensor.detach().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
"""

# The package itself cannot be imported here, wherever it is installed.
ALONE = f"""
import sys
sys.modules.update({{"labml_nn": None, "sidelit": None}})
sys.path.insert(0, sys.argv[1])
{PROBLEM}
import importlib, json
results = {{}}
for name, (options, files) in json.loads(sys.argv[2]).items():
    results[name] = [trained(getattr(importlib.import_module(file), name), options) for file in files]
print(json.dumps(results))
"""


def alone(folder: Path, program: str, *arguments: str) -> str:
    """Run a program in an isolated process, in a folder of its own, and return what it prints."""
    command = [sys.executable, "-I", "-W", "error::SyntaxWarning", "-c", program, str(folder), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def steps_alone(folder: Path, files: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What the class of each name does, taken from each of its files, without the package."""
    wanted = {name: (OPTIMIZERS[name][1], modules) for name, modules in files.items()}
    steps: dict[str, list[str]] = json.loads(alone(folder, ALONE, json.dumps(wanted)))
    return steps


def steps_here() -> dict[str, str]:
    """What the package's classes do. No two do the same."""
    here: dict[str, Any] = {}
    exec(PROBLEM, here)
    steps = {}
    for name, (module, options) in OPTIMIZERS.items():
        steps[name] = here["trained"](getattr(importlib.import_module(f"labml_nn.optimizers.{module}"), name), options)
    assert len(set(steps.values())) == len(OPTIMIZERS)
    return steps
