r"""
---
title: Optimizers by name
summary: Make any of the optimizers from its name and its options, as a command line or a configuration file has them.
---

# Optimizers by name

In a program one imports the class. In an experiment the optimizer is a setting like any other, and comes as text:

```python
params = model.parameters()
optimizer = create_optimizer("radam", params, lr=3e-4)
```

What is not given is left to the optimizer: each has its own defaults, and they stand in one place only, its
constructor. What an optimizer does not know is refused. A misspelt option that is silently ignored costs a day, so
the error names what comes nearest.

The names are those of the files. Capitals, hyphens and underscores do not matter: `ada_belief` is `AdaBelief`. Only
the file that is asked for is imported.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

import torch

from labml_nn.optimizers import GenericAdaptiveOptimizer, WeightDecay

# For each name, the module and the class in it. A float for the decay is decoupled, so [Adam](adam.py) is AdamW as
# soon as it has one.
OPTIMIZERS = {
    "adam": "adam.Adam",
    "adamw": "adam.Adam",
    "amsgrad": "amsgrad.AMSGrad",
    "adam_warmup": "adam_warmup.AdamWarmup",
    "noam": "noam.Noam",
    "adam_warmup_cosine_decay": "adam_warmup_cosine_decay.AdamWarmupCosineDecay",
    "radam": "radam.RAdam",
    "ada_belief": "ada_belief.AdaBelief",
    "sophia": "sophia.Sophia",
    "adam_fp16": "adam_fp16.AdamFP16",
}

# What a name means beyond its class. The decay is the default of `torch.optim.AdamW`.
PRESETS = {"adamw": {"weight_decay": 0.01}}

# The ways of the [decay](__init__.py#WeightDecay). A constructor takes them as part of a `WeightDecay`, a parameter
# group by their names, and so does text.
DECAY_FLAGS = ("weight_decouple", "absolute")


def option(text: str, default: Any = None) -> Any:
    """
    ## A field with a help text
    """
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, kw_only=True)
class Options:
    """
    ## All options

    Those of every optimizer, with `None` for what is left to the optimizer. Each field has its help text in
    `metadata["help"]`, from where a command line can take it:

    ```python
    for option in dataclasses.fields(Options):
        text = option.metadata["help"]
        parser.add_argument(f"--{option.name}", help=text)
    ```
    """

    optimizer: str = option("which optimizer, by its name", "adam")

    # Every optimizer takes these.
    lr: float | None = option("learning rate; for noam a factor, which is 1 in the paper")
    betas: tuple[float, float] | None = option("rates at which the averages of gradient and square forget")
    eps: float | None = option("keeps the denominator away from zero")
    weight_decay: float | WeightDecay | None = option("how strongly weights are pulled towards zero")
    weight_decouple: bool | None = option("decay the weight itself; without it the decay is L2, part of the gradient")
    absolute: bool | None = option("decoupled decay that is not multiplied by the learning rate")
    maximize: bool | None = option("climb instead of descending")
    backend: str | None = option("how steps are run: eager, compiled or flat")
    check_finite: bool | None = option("refuse gradients that are infinite or not a number, before the step")

    # These some take: the help texts say which.
    amsgrad: bool | None = option("divide by the largest second moment so far (amsgrad, warm-ups and noam)")
    warmup: int | None = option("steps until the learning rate is at its peak (warm-ups and noam)")
    d_model: int | None = option("width of the model, which lowers the learning rate (noam)")
    total_steps: int | None = option("steps until the learning rate is at its floor (adam_warmup_cosine_decay)")
    floor: float | None = option("last learning rate, as a fraction of lr (adam_warmup_cosine_decay)")
    rectify: bool | None = option("wait for a second moment one can rely on (ada_belief; radam always does)")
    degenerated_to_sgd: bool | None = option("descend without adapting until the variance is known (radam, ada_belief)")
    gamma: float | None = option("longest Newton step that is believed (sophia)")

    def create(self, params: Iterable[Any]) -> GenericAdaptiveOptimizer:
        """
        ### The optimizer with these options

        Raises what [`create_optimizer`](#create_optimizer) raises.
        """
        given = {item.name: getattr(self, item.name) for item in fields(self)}
        name = given.pop("optimizer")
        return create_optimizer(name, params, **{key: value for key, value in given.items() if value is not None})


def create_optimizer(name: str, params: Iterable[Any], **hyper_parameters: Any) -> GenericAdaptiveOptimizer:
    """
    ## Create an optimizer

    * `name` is one of [`OPTIMIZERS`](#module-2)
    * `params` are tensors, `(name, tensor)` pairs or parameter groups
    * `hyper_parameters` are the options of its constructor; `weight_decouple` and `absolute` may be given by
      themselves

    Raises `ValueError` for a name or an option that does not exist, with the nearest that does, for an option that
    is missing, and for a value out of range.
    """
    name = find_name(name)
    module, class_name = OPTIMIZERS[name].split(".")
    cls = getattr(importlib.import_module(f"labml_nn.optimizers.{module}"), class_name)
    hyper_parameters = PRESETS.get(name, {}) | hyper_parameters

    # All options are checked before anything is made.
    known = accepted_options(cls)
    for key in hyper_parameters:
        if key not in known:
            raise ValueError(f"{name} has no option {key!r}{hint(key, known)}")
    for key, required in known.items():
        if required and key not in hyper_parameters:
            raise ValueError(f"{name} needs the option {key!r}")

    # What stands in `defaults` goes into the parameter groups, where the flags belong.
    flags = {key: hyper_parameters.pop(key) for key in DECAY_FLAGS if key in hyper_parameters}
    return cls(params, **hyper_parameters, defaults=flags)


def find_name(name: str) -> str:
    """
    ## The name as it stands in the list

    Raises `ValueError` when there is none like it.
    """
    plain = {key.replace("_", ""): key for key in OPTIMIZERS}
    key = str(name).lower().replace("_", "").replace("-", "")
    if key not in plain:
        raise ValueError(f"unknown optimizer {name!r}{hint(str(name).lower(), OPTIMIZERS)}")
    return plain[key]


def accepted_options(cls: type[torch.optim.Optimizer]) -> dict[str, bool]:
    """
    ## The options of an optimizer

    Those in the signature of its constructor, those that say how a step is run, which every constructor hands on to
    [the base](__init__.py#GenericAdaptiveOptimizer), and the flags of the decay. Returns for each whether it must be
    given.
    """
    own = inspect.signature(cls).parameters.values()
    shared = inspect.signature(GenericAdaptiveOptimizer).parameters.values()
    named = [p for p in own if p.kind is not p.VAR_KEYWORD] + [p for p in shared if p.kind is p.KEYWORD_ONLY]

    options = {p.name: p.default is p.empty for p in named} | dict.fromkeys(DECAY_FLAGS, False)
    return {key: required for key, required in options.items() if key not in ("params", "defaults")}


def hint(word: str, known: Iterable[str]) -> str:
    """
    ## What might have been meant

    The end of an error message: the nearest of the known words, if one is near, and all of them.
    """
    known = list(known)
    nearest = get_close_matches(word, known, n=1)
    guess = f"; did you mean {nearest[0]!r}?" if nearest else "."
    return f"{guess} There are: {', '.join(known)}"
