r"""
---
title: Adam with warm-up
summary: Adam whose learning rate starts small and grows linearly - why its first steps are its worst, and for how long.
paper:
  title: On the Adequacy of Untuned Warmup for Adaptive Optimization
  authors: [Jerry Ma, Denis Yarats]
  year: 2019
  arxiv: "1910.04209"
standalone: AdamWarmup
notebook: true
symbols:
  lr: \alpha
  step: t
  warmup: w
---

# Adam with warm-up

The first steps of [Adam](adam.py) are its longest, and it takes them when it knows least. At $t = 1$ both averages
hold the same single gradient, so the bias corrections leave

$$\frac{\hat m_1}{\sqrt{\hat v_1}} = \frac{g_1}{\lvert g_1 \rvert} = \pm 1$$

and every weight moves by the whole learning rate $\alpha$, however small or noisy its gradient was. Later the noise
averages out. Take gradients that are nothing but noise, independent and of variance $\sigma^2$. Once the start is
forgotten $v_t \approx \sigma^2$, while $m_t$ has the variance

$$\sigma^2 (1 - \beta_1)^2 \sum_{k=0}^{\infty} \beta_1^{2k} = \sigma^2 \, \frac{1 - \beta_1}{1 + \beta_1}$$

so the typical ratio has come down to

$$\sqrt{\frac{1 - \beta_1}{1 + \beta_1}} \approx 0.23 \qquad \text{for } \beta_1 = 0.9$$

On noise the first step is more than four times as long as the later ones. The next few are hardly better, and they
go the same way, because the average they follow is still mostly the first gradient. A deep network that is thrown
about like this before its layers have found their scale may never recover. This is the explanation of
[On the Adequacy of Untuned Warmup for Adaptive Optimization](https://arxiv.org/abs/1910.04209); [RAdam](radam.py)
starts from another, the variance of $1 / \sqrt{\hat v_t}$.

## The schedule

Let the learning rate grow in equal steps, and reach $\alpha$ at step $w$:

$$\alpha_t = \alpha \min\left(1, \frac{t}{w}\right)$$

* $\alpha$ is the learning rate after the warm-up
* $t \geq 1$ counts steps. The first one is taken at $\alpha / w$, not at 0.
* $w$ is the length of the warm-up in steps. With $w = 0$, and with $w = 1$, there is none, and this is Adam.

The rates of the warm-up add up to $\alpha (w + 1) / 2$. So it costs about half of $w$ steps at the full rate, which
is little if training takes many times $w$.

## How long

The paper's rule of thumb needs no tuning: as many steps as the second moment takes to fill, twice over.

$$w = \frac{2}{1 - \beta_2}$$

For $\beta_2 = 0.999$ these are the 2,000 steps of our default. It is a rule for Adam; if the learning rate is so
high that training fails right after the warm-up, a longer one merely puts it off.

## Where this differs from others

* **`torch.optim`** leaves this to a scheduler. A `LambdaLR` calls its function with 0 at the first step, so its
  equivalent counts from one: `LambdaLR(optimizer, lambda k: min(1, (k + 1) / w))`. So does
  `LinearLR(optimizer, 1 / w, total_iters=w - 1)`. The tests compare 100 steps with both.
* **Functions of the form** $k / w$ with $k = 0$ at the first step, as in Hugging Face's `transformers`, take that
  step at the rate 0: it fills the averages, and moves nothing.
* **A scheduler counts its own calls**, and there is one for the optimizer. Here each parameter counts the steps it
  has taken. A layer that is thawed late gets a warm-up of its own, and a step that `GradScaler` skips is not counted.

The schedule multiplies whatever `group["lr"]` holds. A scheduler of `torch.optim` can therefore be put on top of it,
for what comes after.

## When to use it, and when not

Use it with Adam by default: it costs one number and removes a common way for training to diverge early.
Transformers with the layer normalisation after the residual sum
[do not train well without it](https://arxiv.org/abs/2002.04745), as large gradients near the output meet a full
first step. Large batches, and with them high learning rates, need it as well.

Leave it out where training takes only a few hundred steps, and where the optimizer starts from the state of an
earlier run, whose averages are filled. A checkpoint brings its step counts along, so there the warm-up does not run
again.
"""

from __future__ import annotations

from typing import Any

import torch

from labml_nn.optimizers import WeightDecay, check_number
from labml_nn.optimizers.amsgrad import AMSGrad


class AdamWarmup(AMSGrad):
    r"""
    ## Adam with a linear warm-up

    * `warmup` is $w$, in steps. A parameter group can have its own.
    * `amsgrad` keeps the maximum of the second moment. Without it [AMSGrad](amsgrad.py#AMSGrad), which this extends,
      is Adam.

    The other arguments are those of [Adam](adam.py#Adam).
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
        warmup: int = 2_000,
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
            defaults={"warmup": warmup} | (defaults or {}),
            **options,
        )

    def check_group(self, group: dict[str, Any]) -> None:
        """
        ### Check the hyper-parameters of a group
        """
        super().check_group(group)
        check_number("warmup", group["warmup"])

    def learning_rate(self, group: dict[str, Any], step: int) -> float:
        r"""
        ### The learning rate of one step
        """
        lr, warmup = super().learning_rate(group, step), group["warmup"]

        # $$\alpha_t = \alpha \min\left(1, \frac{t}{w}\right)$$
        #
        # A warm-up that is over, or that never was, divides by nothing.
        return lr * step / warmup if step < warmup else lr
