"""Optimizers by name: every one is found, what is not known is refused, and nothing else is imported."""

from __future__ import annotations

import inspect
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from labml_nn.optimizers import GenericAdaptiveOptimizer, WeightDecay
from labml_nn.optimizers.adam import Adam
from labml_nn.optimizers.configs import OPTIMIZERS, PRESETS, Options, accepted_options, create_optimizer

ROOT = Path(__file__).parents[2]

# What has no default
REQUIRED = {"adam_warmup_cosine_decay": {"total_steps": 100}}


def weights(dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    return [torch.tensor([1.0, -2.0], dtype=dtype, requires_grad=True)]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_name_makes_its_optimizer_which_takes_a_step(name):
    p = weights(torch.float32)
    optimizer = create_optimizer(name, p, lr=0.01, **REQUIRED.get(name, {}))
    assert isinstance(optimizer, GenericAdaptiveOptimizer)
    assert f"{type(optimizer).__module__}.{type(optimizer).__name__}" == f"labml_nn.optimizers.{OPTIMIZERS[name]}"
    for _ in range(20):
        p[0].grad = p[0].detach().clone()
        optimizer.step()
    assert p[0].norm() < 5**0.5


def test_no_optimizer_is_left_out():
    listed = {entry.split(".")[0] for entry in OPTIMIZERS.values()}
    found = set()
    for path in (ROOT / "labml_nn" / "optimizers").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "def scalars(" in text or "def learning_rate(" in text or "def step_param(" in text:
            found.add(path.stem)
    assert listed & found
    assert found - {"__init__", "backends"} <= listed


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_constructors_default_stands(name):
    optimizer = create_optimizer(name, weights(), **REQUIRED.get(name, {}))
    signature = inspect.signature(type(optimizer)).parameters.items()
    expected = {key: p.default for key, p in signature if p.default is not p.empty and key != "defaults"}
    expected |= PRESETS.get(name, {})
    assert {key: optimizer.param_groups[0][key] for key in expected} == expected


@pytest.mark.parametrize("name", ["ada_belief", "AdaBelief", "adabelief", "ada-belief", "ADA_BELIEF"])
def test_the_spelling_of_a_name_does_not_matter(name):
    assert type(create_optimizer(name, weights())).__name__ == "AdaBelief"


def test_options_reach_the_groups():
    groups = [{"params": weights()}, {"params": weights(), "lr": 0.5}]
    optimizer = create_optimizer("noam", groups, lr=2.0, warmup=7, d_model=3, weight_decay=0.1, maximize=True)
    one, two = optimizer.param_groups
    expected = {"lr": 2.0, "warmup": 7, "d_model": 3, "weight_decay": 0.1, "weight_decouple": True, "maximize": True}
    assert {key: one[key] for key in expected} == expected
    assert two["lr"] == 0.5


@pytest.mark.parametrize("given", [0.1, WeightDecay(0.1)])
def test_the_way_of_the_decay_can_be_said_in_words(given, make_params, train, difference):
    params, reference = make_params(), make_params()
    train(params, create_optimizer("adam", params, lr=0.02, weight_decay=given, weight_decouple=False))
    train(reference, torch.optim.Adam(reference, lr=0.02, weight_decay=0.1))
    assert difference(params, reference) < 1e-12

    group = create_optimizer("adam", weights(), weight_decay=given, absolute=True).param_groups[0]
    assert (group["weight_decay"], group["weight_decouple"], group["absolute"]) == (0.1, True, True)


def test_adamw_is_torchs(make_params, train, difference):
    params, reference = make_params(), make_params()
    train(params, create_optimizer("adamw", params, lr=0.02))
    train(reference, torch.optim.AdamW(reference, lr=0.02))
    assert difference(params, reference) < 1e-12
    assert create_optimizer("adamw", weights(), weight_decay=0.3).param_groups[0]["weight_decay"] == 0.3
    assert create_optimizer("adam", weights()).param_groups[0]["weight_decay"] == 0.0


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("radm", "radam"), ("adamm", "adam"), ("adam_warmup_cosine", "adam_warmup_cosine_decay"), ("Sofia", "sophia")],
)
def test_an_unknown_name_is_refused_with_the_nearest(name, nearest):
    with pytest.raises(ValueError, match=f"unknown optimizer '{name}'; did you mean '{nearest}'"):
        create_optimizer(name, weights())


@pytest.mark.parametrize("name", ["xyz", "", None, 3])
def test_a_name_like_none_is_refused_with_all(name):
    with pytest.raises(ValueError) as error:
        create_optimizer(name, weights())
    assert repr(name) in str(error.value)
    assert all(key in str(error.value) for key in OPTIMIZERS)


@pytest.mark.parametrize(
    ("name", "option", "nearest"),
    [
        ("adam", "wieght_decay", "weight_decay"),
        ("noam", "dmodel", "d_model"),
        ("radam", "learning_rate", None),
        ("adam", "warmup", None),
        ("adam", "defaults", None),
        ("amsgrad", "amsgrd", "amsgrad"),
    ],
)
def test_an_unknown_option_is_refused_with_the_nearest(name, option, nearest):
    guess = f"; did you mean '{nearest}'" if nearest else "[.;]"
    with pytest.raises(ValueError, match=f"{name} has no option '{option}'{guess}"):
        create_optimizer(name, weights(), **{option: 1})


def test_a_missing_option_is_named():
    with pytest.raises(ValueError, match="adam_warmup_cosine_decay needs the option 'total_steps'"):
        create_optimizer("adam_warmup_cosine_decay", weights())


def test_a_bad_value_is_refused_by_the_optimizer():
    with pytest.raises(ValueError, match=r"lr .*-1"):
        create_optimizer("adam", weights(), lr=-1)


def test_the_dataclass_has_exactly_the_options_there_are():
    known = set()
    for name in OPTIMIZERS:
        known |= accepted_options(type(create_optimizer(name, weights(), **REQUIRED.get(name, {})))).keys()
    assert {option.name for option in fields(Options)} == known | {"optimizer"}
    assert all(len(option.metadata["help"]) > 10 for option in fields(Options))


def test_the_dataclass_leaves_out_what_was_not_given():
    optimizer = Options(optimizer="radam", lr=0.5, eps=0.0).create(weights())
    assert type(optimizer).__name__ == "RAdam"
    group = optimizer.param_groups[0]
    assert (group["lr"], group["eps"], group["betas"]) == (0.5, 0.0, (0.9, 0.999))
    assert type(Options().create(weights())) is Adam
    with pytest.raises(ValueError, match="adam has no option 'warmup'"):
        Options(warmup=0).create(weights())


def test_only_the_named_file_is_imported():
    code = (
        "import sys, torch\n"
        "from labml_nn.optimizers.configs import OPTIMIZERS, create_optimizer\n"
        "ours = lambda: {n for n in OPTIMIZERS if 'labml_nn.optimizers.' + n in sys.modules}\n"
        "assert not ours(), ours()\n"
        "create_optimizer('noam', [torch.zeros(1, requires_grad=True)])\n"
        "assert ours() == {'noam', 'amsgrad', 'adam'}, ours()\n"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
