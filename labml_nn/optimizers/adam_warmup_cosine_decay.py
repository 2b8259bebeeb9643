r"""
---
title: Adam with warm-up and cosine decay
summary: A learning rate that grows linearly, then falls along half a cosine to a floor, and stays there.
paper:
  title: "SGDR: Stochastic Gradient Descent with Warm Restarts"
  authors: [Ilya Loshchilov, Frank Hutter]
  year: 2016
  arxiv: "1608.03983"
standalone: AdamWarmupCosineDecay
notebook: true
symbols:
  lr: \alpha
  rate: \alpha_t
  step: t
  warmup: w
  total_steps: T
  floor: \rho
  progress: p_t
---

# Adam with warm-up and cosine decay

A constant learning rate is a compromise. Early in training it should be high, to get anywhere. Late it should be
low: close to a minimum the gradients are mostly noise, and a weight under noise wanders about in a region whose size
goes with the learning rate. Where the number of steps is known beforehand, the rate can have all of it, high for
long and low at the end.

Half a cosine is a good way down. It is flat at both ends: at the start it hardly leaves the high rate, at the end it
approaches the low one slowly. [SGDR](https://arxiv.org/abs/1608.03983) made it popular, as one period of a schedule
that restarts. What most use today is a single period, after a [linear warm-up](adam_warmup.py).

## The schedule

$$\alpha_t = \begin{cases}
\alpha \, \dfrac{t}{w} & \text{for } t \leq w \\[1ex]
\alpha \left( \rho + (1 - \rho) \, \dfrac{1 + \cos(\pi \, p_t)}{2} \right) & \text{for } t > w
\end{cases}$$

with the progress of the decay

$$p_t = \min\left(1, \frac{t - w}{T - w}\right)$$

* $\alpha$ is the peak, `lr`. It is reached at step $w$.
* $t \geq 1$ counts steps
* $w$ is the length of the warm-up in steps, none if it is 0
* $T$ is the number of all steps, the warm-up included. Step $T$ has the rate $\rho \, \alpha$, and so have all that
  follow.
* $\rho \in [0, 1]$ is the floor, as a fraction of the peak. With $\rho = 0$ step $T$ and all later ones move nothing.

Over the decay the cosine averages to zero, so the mean rate is $\alpha (1 + \rho) / 2$. Without a floor a decay goes
as far as half its steps at the peak.

![Learning rate over 1,000 steps, as a fraction of the peak: a straight line up during the warm-up, then half a
cosine down to the floor, which is kept for the 200 steps beyond the last.](adam_warmup_cosine_decay.svg)

**The minimum matters.** A cosine is periodic. Without it the rate climbs again after step $T$, is back at the peak at
$t = 2T - w$, and undoes the training. Nothing reports it: the loss just gets worse.

## Where this differs from others

* **SGDR** counts from the last restart, has no warm-up, and restarts where ours stays. Its limits are two rates,
  $\eta_{\max} = \alpha$ and $\eta_{\min} = \rho \, \alpha$. Here the lower one is a fraction, so groups with
  different learning rates keep their proportions, and a peak that is lowered from outside takes its floor along.
* **`CosineAnnealingLR` of PyTorch** has the rate $\alpha$ at its first step, as its progress counts from 0. For us
  progress begins with the first step after the peak. And it is the periodic one: called more than `T_max` times it
  climbs.
* **Hugging Face's `transformers`** counts from 0 as well, so the first step of its warm-up has the rate 0, and its
  cosine climbs when it is called too often.
* **labml.ai's `AdamWarmupCosineDecay`** cuts the cosine off at a tenth of the peak, which it meets a fifth of the way
  before the end, instead of bending it to arrive there. Beyond step $T$ it climbs too.

In PyTorch the exact equivalent is a `LambdaLR` with `lambda k: f(k + 1)`, where $f(t)$ is $\alpha_t / \alpha$. The
tests compare 100 steps with it.

## When to use it, and when not

Use it where the number of steps is fixed: it is the usual choice for training transformers and vision models. Set
`total_steps` to the number of *optimizer* steps, which is less than the number of batches if gradients are
accumulated. $\rho = 0.1$ is common for language models.

Do not use it where training may be stopped or prolonged at will. A run that stops half-way has not had its low
rates, and its result says little about the full one. [Noam](noam.py) needs no end, and a plain
[warm-up](adam_warmup.py) leaves the rest to you.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from labml_nn.optimizers import WeightDecay, check_number
from labml_nn.optimizers.adam_warmup import AdamWarmup

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class AdamWarmupCosineDecay(AdamWarmup):
    r"""
    ## Adam with a linear warm-up and a cosine decay

    * `total_steps` is $T$. It has no default: only you know it.
    * `warmup` is $w$, at most $T$
    * `floor` is $\rho$, the last learning rate as a fraction of `lr`

    A parameter group can have its own of each. The other arguments are those of
    [AdamWarmup](adam_warmup.py#AdamWarmup).
    """

    def __init__(
        self,
        params,
        lr: float | torch.Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float | WeightDecay = 0.0,
        amsgrad: bool = False,
        *,
        total_steps: int,
        warmup: int = 0,
        floor: float = 0.0,
        maximize: bool = False,
        defaults: dict[str, Any] | None = None,
        **options: Any,
    ):
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            warmup=warmup,
            maximize=maximize,
            defaults={"total_steps": total_steps, "floor": floor} | (defaults or {}),
            **options,
        )

    def check_group(self, group: dict[str, Any]) -> None:
        """
        ### Check the hyper-parameters of a group
        """
        super().check_group(group)
        check_number("total_steps", group["total_steps"])
        check_number("floor", group["floor"])

        if group["total_steps"] < 1:
            raise ValueError(f"total_steps must be at least 1, got {group['total_steps']!r}")

        # The peak has to be reached before the way down can begin.
        if group["warmup"] > group["total_steps"]:
            raise ValueError(f"warmup must be at most total_steps={group['total_steps']}, got {group['warmup']!r}")

        # A floor above the peak would be a climb.
        if group["floor"] > 1:
            raise ValueError(f"floor must be at most 1, got {group['floor']!r}")

    def learning_rate(self, group: dict[str, Any], step: int) -> float:
        r"""
        ### The learning rate of one step
        """

        # The [warm-up](adam_warmup.py#AdamWarmup.learning_rate): $\alpha \, t / w$ for $t \leq w$, then $\alpha$
        rate = super().learning_rate(group, step)

        # $$\alpha_t = \alpha \left( \rho + (1 - \rho) \, \frac{1 + \cos(\pi \, p_t)}{2} \right)$$
        floor = group["floor"]
        return rate * (floor + (1 - floor) * cosine(step, group["warmup"], group["total_steps"]))


def cosine(step: int, warmup: float, total_steps: float) -> float:
    r"""
    ## Half a cosine

    From 1, during the warm-up and at its end, down to 0, at step $T$ and ever after.
    """
    if step <= warmup:
        return 1.0

    # $$p_t = \min\left(1, \frac{t - w}{T - w}\right)$$
    #
    # A decay that is over, or that the warm-up left no room for, divides by nothing.
    progress = (step - warmup) / (total_steps - warmup) if step < total_steps else 1.0

    # $$\frac{1 + \cos(\pi \, p_t)}{2}$$
    return (1 + math.cos(math.pi * progress)) / 2


def figure() -> Figure:
    r"""
    ## The plot
    """
    from labml_nn.figures import line_chart

    # The first step, then every tenth, and some beyond the last of $T$.
    total_steps = 1_000
    steps = [1, *range(10, total_steps + 201, 10)]

    def curve(warmup: int, floor: float) -> tuple[list[int], list[float]]:
        optimizer = AdamWarmupCosineDecay(
            [torch.zeros(1, requires_grad=True)], lr=1.0, total_steps=total_steps, warmup=warmup, floor=floor
        )
        return steps, [optimizer.learning_rate(optimizer.param_groups[0], step) for step in steps]

    curves = {rf"$w$ = {w}, $\rho$ = {floor:g}": curve(w, floor) for w, floor in [(0, 0), (100, 0), (300, 0.1)]}
    return line_chart("step $t$", r"$\alpha_t \,/\, \alpha$", curves)
