r"""
---
title: Noam
summary: Adam under the learning rate schedule of the Transformer - linear warm-up, then the inverse square root.
paper:
  title: Attention Is All You Need
  authors: [Ashish Vaswani, Noam Shazeer, Niki Parmar, Jakob Uszkoreit, Llion Jones, Aidan N. Gomez, Łukasz Kaiser,
    Illia Polosukhin]
  year: 2017
  arxiv: "1706.03762"
standalone: Noam
notebook: true
symbols:
  lr: \alpha
  step: t
  warmup: w
  d_model: 'd_{\text{model}}'
---

# Noam

The Transformer of [Attention Is All You Need](https://arxiv.org/abs/1706.03762) came with a learning rate schedule
that asks two questions only, how wide the model is and how long to warm up. It is commonly called after Noam
Shazeer, one of the authors.

$$\alpha_t = \alpha \, d_{\text{model}}^{-0.5} \min\left(t^{-0.5}, \; t \, w^{-1.5}\right)$$

* $t \geq 1$ counts steps
* $w$ is the length of the warm-up in steps, 4,000 in the paper
* $d_{\text{model}}$ is the width of the model: the size of the vectors between its layers, 512 in the paper
* $\alpha$ is a factor without a unit. **Here it is `lr`**, and the paper's schedule is that with `lr=1`, our default.
  A learning rate as one is used to, such as $10^{-3}$, would make every step a thousand times too short.

## What the formula does

The second term is the smaller one while $t^{1.5} < w^{1.5}$, so the minimum switches at $t = w$. Before, the rate
grows linearly; after, it falls as $1 / \sqrt t$. In between there is no jump: both terms are $w^{-0.5}$ at $t = w$,
and that is the peak:

$$\alpha_w = \frac{\alpha}{\sqrt{d_{\text{model}} \, w}}$$

With the paper's numbers that is $1 / \sqrt{512 \cdot 4000} \approx 7.0 \cdot 10^{-4}$. At $t = 4 w$ half of it is
left, and at $t = 100 \, w$ a tenth.

![Learning rate over 20,000 steps: it rises along a straight line up to the end of the warm-up, and falls as the
inverse square root. A model twice as wide has a peak lower by a factor of 1.4, and so has a warm-up twice as
long.](noam.svg)

**The warm-up is not only a warm-up.** It sets the height of the peak. Halve $w$, and the line to the peak is 2.8
times as steep and the peak 1.4 times as high; beyond both peaks the two schedules are the same. To change the length
and keep the height, change $\alpha$ in proportion to $\sqrt w$.

**It never ends.** The schedule need not know when training stops, and training may stop at any step or go on. The
rates $1 / \sqrt t$ have an infinite sum, so no weight is ever out of reach.

## Where this differs from others

* **The paper** trains with $\beta_2 = 0.98$ and $\epsilon = 10^{-9}$. What this page adds is the schedule, so the
  other defaults are [Adam's](adam.py): give `betas=(0.9, 0.98), eps=1e-9` to follow the paper in that too.
* **A scheduler in PyTorch.** `LambdaLR` multiplies the optimizer's `lr`, so that is $\alpha$ there too. It starts to
  count at 0, where $t^{-0.5}$ does not exist. Many implementations put a 1 in its place and then go on with 1, which
  takes two steps at the first rate and all others one step late. The exact equivalent is

  ```python
  def factor(k):
      t = k + 1
      return d_model**-0.5 * min(t**-0.5, t * warmup**-1.5)

  scheduler = LambdaLR(optimizer, factor)
  ```

  and the tests compare 100 steps with it.
* **labml.ai's `Noam`** also multiplies by `lr`, whose default is Adam's $10^{-3}$ there. Give both `lr=1`, and they
  agree.
* **No warm-up.** With $w = 0$ the second term is infinite from the first step on, and the minimum is $t^{-0.5}$.
  That is what ours computes. A formula that is evaluated as it is printed divides by zero.
* **Decoupled decay** shrinks a weight by $\alpha_t \lambda$ in a step, the rate as scheduled.

## When to use it, and when not

Use it to reproduce results that were obtained with it, and where nobody can say yet how long training will take.

Where the number of steps is known, a [cosine](adam_warmup_cosine_decay.py) is the usual choice today. It ends at a
low rate, which is what takes the noise out of the weights, while the inverse square root is still far from low. The
dependence on $d_{\text{model}}$ is a rule of thumb from two sizes of one architecture: for another one look for the
best $\alpha$ again. And as all three of $\alpha$, $d_{\text{model}}$ and $w$ move the peak, none of them can be tuned
alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from labml_nn.optimizers import WeightDecay, check_number
from labml_nn.optimizers.amsgrad import AMSGrad

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Noam(AMSGrad):
    r"""
    ## Adam under the Transformer's schedule

    * `lr` is the factor $\alpha$, which is 1 in the paper
    * `warmup` is $w$, in steps
    * `d_model` is $d_{\text{model}}$, the width of the model
    * `amsgrad` keeps the maximum of the second moment. Without it [AMSGrad](amsgrad.py#AMSGrad), which this extends,
      is Adam.

    A parameter group can have its own of each. The other arguments are those of [Adam](adam.py#Adam).
    """

    def __init__(
        self,
        params,
        lr: float | torch.Tensor = 1.0,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float | WeightDecay = 0.0,
        amsgrad: bool = False,
        *,
        warmup: int = 4_000,
        d_model: int = 512,
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
            maximize=maximize,
            defaults={"warmup": warmup, "d_model": d_model} | (defaults or {}),
            **options,
        )

    def check_group(self, group: dict[str, Any]) -> None:
        """
        ### Check the hyper-parameters of a group
        """
        super().check_group(group)
        check_number("warmup", group["warmup"])
        check_number("d_model", group["d_model"])

        # A model without a width has no rate.
        if group["d_model"] == 0:
            raise ValueError(f"d_model must be above 0, got {group['d_model']!r}")

    def learning_rate(self, group: dict[str, Any], step: int) -> float:
        r"""
        ### The learning rate of one step
        """
        lr = super().learning_rate(group, step)

        # [The schedule](#schedule) knows $t$, $w$ and $d_{\text{model}}$; what is left is $\alpha$.
        return lr * schedule(step, group["warmup"], group["d_model"])


def schedule(step: int, warmup: float, d_model: float) -> float:
    r"""
    ## The schedule

    $\alpha_t / \alpha$ at step $t \geq 1$, for a warm-up of $w \geq 0$ steps and a width of $d_{\text{model}}$.
    """

    # $$\min\left(t^{-0.5}, \; t \, w^{-1.5}\right)$$
    #
    # The cases are told apart by $t < w$, so that $w^{-1.5}$ is asked for only where there is a warm-up.
    shape = step * warmup**-1.5 if step < warmup else step**-0.5

    # $$\frac{\alpha_t}{\alpha} = d_{\text{model}}^{-0.5} \min\left(t^{-0.5}, \; t \, w^{-1.5}\right)$$
    return d_model**-0.5 * shape


def figure() -> Figure:
    r"""
    ## The plot
    """
    from labml_nn.figures import line_chart

    # The first step, then every hundredth, among which are the ends of the warm-ups.
    steps = [1, *range(100, 20_001, 100)]

    def curve(d_model: int, warmup: int) -> tuple[list[int], list[float]]:
        return steps, [schedule(step, warmup, d_model) for step in steps]

    widths_and_warmups = [(256, 4_000), (512, 4_000), (1_024, 4_000), (512, 2_000), (512, 8_000)]
    curves = {rf"$d_{{model}}$ = {d:,}, $w$ = {w:,}": curve(d, w) for d, w in widths_and_warmups}
    return line_chart("step $t$", r"learning rate $\alpha_t$ for $\alpha = 1$", curves)
