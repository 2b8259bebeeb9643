r"""
---
title: AMSGrad
summary: Adam with a long memory - a problem on which Adam converges to the worst point, and the maximum that mends it.
paper:
  title: On the Convergence of Adam and Beyond
  authors: [Sashank J. Reddi, Satyen Kale, Sanjiv Kumar]
  year: 2018
  venue: International Conference on Learning Representations
  arxiv: "1904.09237"
standalone: AMSGrad
notebook: true
symbols:
  grad: g_t
  m: m_t
  v: [v_t, 'v_{t-1}']
  v_max: ['v_t^{\max}', 'v_{t-1}^{\max}', 'v_0^{\max}']
  max_exp_avg_sq: ['v_t^{\max}', 'v_{t-1}^{\max}', 'v_0^{\max}']
  big: C
  x: [x_t, x]
---

# AMSGrad

[Adam](adam.py) divides each step by the typical size of recent gradients. "Recent" is the trouble. Suppose that a
large gradient comes rarely and says something important, while small ones come often and say the opposite. When the
large one comes it enters the denominator at once, so its own step is cut short. Soon it is forgotten, the
denominator shrinks, and the small gradients take their steps at full length. Adam listens to how often a direction
is asked for, and hardly to how much.

[On the Convergence of Adam and Beyond](https://arxiv.org/abs/1904.09237) makes this a theorem: there are convex
problems on which Adam, with any $\beta_1 < \sqrt{\beta_2}$, does not converge to the optimum, however small the
learning rate gets. The paper mends it with a second moment that cannot shrink.

## The counter-example

A number $x_t \in [-1, 1]$ meets a loss that repeats with period 3, for some $C > 2$:

$$f_t(x) = \begin{cases} C x & \text{for } t \bmod 3 = 1 \\ -x & \text{otherwise} \end{cases}$$

Over one period the losses add up to $(C - 2) \, x$, so the best point is $x = -1$ and the worst is $x = 1$. Now let
Adam run with $\beta_1 = 0$, $\beta_2 = 1 / (1 + C^2)$ and the learning rate $\alpha / \sqrt{t}$. Once the start is
forgotten, the second moments in a period are close to

\begin{align}
v_1 &\approx (1 - \beta_2) \, C^2 + \beta_2 \approx C^2 \\
v_2 &= \beta_2 v_1 + (1 - \beta_2) \approx 2 \\
v_3 &= \beta_2 v_2 + (1 - \beta_2) \approx 1
\end{align}

for large $C$. The gradients $C, -1, -1$ move $x$ by $-\alpha$, then by $+\alpha / \sqrt 2$, then by $+\alpha$, each
times the same $1 / \sqrt t$ or nearly so: in all by $+0.7 \, \alpha$, away from the best point. The gradient $C$
counts as much as a gradient of 1. Adam arrives at the worst point and stays there.

Gradient descent with the same learning rate moves by $-\alpha (C - 2)$ in a period. So does AMSGrad, divided by the
constant $\sqrt{v^{\max}} \approx C$.

Larger $\beta_2$ is no way out in general: for any fixed one there is a problem of this kind with a longer period.
It helps with a given problem, and $\beta_2 = 0.999$ remembers long enough for most. That is why Adam works as well
as it does.

## The update

\begin{align}
m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \, g_t \\
v_t &= \beta_2 v_{t-1} + (1 - \beta_2) \, g_t^2 \\
v_t^{\max} &= \max(v_{t-1}^{\max}, v_t) \\
\theta_t &= \theta_{t-1} - \alpha_t \frac{m_t}{\sqrt{v_t^{\max}} + \hat\epsilon_t}
\end{align}

* $m_t$ and $v_t$ are Adam's moments, with $v_t$ still forgetting
* $v_t^{\max}$ is the largest second moment so far, in each coordinate. It only grows.
* $\alpha_t$ and $\hat\epsilon_t$ hold Adam's [bias corrections](adam.py#Adam.scalars)

With a denominator that never shrinks, the effective learning rate never grows, and that is what a proof of
convergence needs.

## Where this differs from others

* **The paper's Algorithm 2** has no bias correction and no $\epsilon$, and its learning rate falls as
  $\alpha / \sqrt t$. Its denominator is $\sqrt{v_t^{\max}}$ as it stands, so its first steps are long: $v_1$ is far
  below the size of the squared gradient.
* **`torch.optim.Adam(amsgrad=True)`** takes the maximum of the *uncorrected* $v_t$ and corrects afterwards. The
  denominator is $\sqrt{v_t^{\max} / (1 - \beta_2^t)} + \epsilon$. We follow it. As $1 - \beta_2^t$ grows towards 1,
  this can still shrink during the first $1 / (1 - \beta_2)$ steps or so; the paper's promise holds from there on.
* **Optax** takes the maximum of the *corrected* $\hat v_t$. That never shrinks, at a price: at $t = 1$ the
  correction makes one gradient stand for all, and an unusually large one is remembered for ever.

## When to use it, and when not

Use it when rare large gradients carry the signal, or when Adam's loss creeps up again late in training and a larger
$\beta_2$ does not stop it. With decoupled decay it is as easy to use as Adam.

In most published comparisons on deep networks the two end up close to each other. AMSGrad keeps a third number for
each weight. And what helps it here harms it elsewhere: a single burst of large gradients, say at the start of
training, shortens the steps of those weights for good.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.optim import Optimizer

from labml_nn.optimizers import WeightDecay, check_flag
from labml_nn.optimizers.adam import Adam


class AMSGrad(Adam):
    r"""
    ## AMSGrad

    * `amsgrad` keeps the maximum; without it this is Adam. A parameter group can have its own.

    The other arguments are those of [Adam](adam.py#Adam).
    """

    def __init__(
        self,
        params,
        lr: float | torch.Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float | WeightDecay = 0.0,
        amsgrad: bool = True,
        *,
        maximize: bool = False,
        defaults: dict[str, Any] | None = None,
        **options: Any,
    ):
        own = {"amsgrad": amsgrad} | (defaults or {})
        super().__init__(params, lr, betas, eps, weight_decay, maximize=maximize, defaults=own, **options)

    def check_group(self, group: dict[str, Any]) -> None:
        """
        ### Check the hyper-parameters of a group
        """
        super().check_group(group)
        check_flag("amsgrad", group["amsgrad"])

    def init_state(self, state: dict[str, Any], group: dict[str, Any], param: torch.Tensor) -> None:
        r"""
        ### The state of one parameter
        """
        super().init_state(state, group, param)

        # $v_0^{\max} = 0$. A square is never less.
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = torch.zeros_like(param, memory_format=torch.preserve_format)

    def prepare_state(self, state: dict[str, Any], group: dict[str, Any], param: torch.Tensor) -> None:
        """
        ### Make what is missing of the state

        A maximum that is asked for in mid-training begins with the average that it finds there.
        """
        super().prepare_state(state, group, param)
        if group["amsgrad"] and "max_exp_avg_sq" not in state:
            state["max_exp_avg_sq"] = state["exp_avg_sq"].clone()

    def scalars(self, group: dict[str, Any], step: int) -> dict[str, Any]:
        """
        ### The numbers of one step
        """
        return {**super().scalars(group, step), "amsgrad": group["amsgrad"]}

    def moments(
        self, grad: torch.Tensor, state: dict[str, Any], scalars: dict[str, Any]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        r"""
        ### The first moment, and the largest second moment

        [Adam's update](adam.py#Adam.update) divides by the root of whatever stands second.
        """
        m, v = super().moments(grad, state, scalars)

        # Without the maximum these are Adam's moments.
        if not scalars["amsgrad"]:
            return m, v

        # $$v_t^{\max} = \max(v_{t-1}^{\max}, v_t)$$
        #
        # The running average $v_t$ itself stays as it is. Were the maximum fed back into it, it would never forget.
        v_max = state["max_exp_avg_sq"]
        torch.maximum(v_max, v, out=v_max)

        return m, v_max


def counter_example(
    optimizer: Callable[..., Optimizer], steps: int = 1_500, big: float = 4.0, lr: float = 0.5, start: float = 0.0
) -> list[float]:
    r"""
    ## The counter-example, run

    * `optimizer` is a class such as [`AMSGrad`](#AMSGrad), [`Adam`](adam.py#Adam) or `torch.optim.Adam`
    * `steps` is how many steps it takes
    * `big` is $C > 2$
    * `lr` is $\alpha$, which falls as $\alpha / \sqrt t$
    * `start` is where $x$ begins, in $[-1, 1]$

    Returns the positions $x_1, x_2, \dots$ after each step. Adam ends at $1$, the worst point, and AMSGrad at $-1$,
    the best.

    ```python
    counter_example(Adam)[-1]      # 1.0
    counter_example(AMSGrad)[-1]   # -1.0
    ```
    """

    # $\beta_1 = 0$ and $\beta_2 = 1 / (1 + C^2)$: a memory just short enough to forget $C$ within the period
    x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    method = optimizer([x], lr=lr, betas=(0.0, 1 / (1 + big**2)))

    positions = []
    for t in range(1, steps + 1):
        # $f_t(x) = C x$ once in three steps, $f_t(x) = -x$ otherwise. The gradient of a line is its slope.
        x.grad = torch.full_like(x, big if t % 3 == 1 else -1.0)

        # $\alpha / \sqrt t$, by way of the parameter group, as any schedule would do it
        method.param_groups[0]["lr"] = lr / math.sqrt(t)
        method.step()

        # Whoever leaves $[-1, 1]$ is put back on its edge.
        with torch.no_grad():
            x.clamp_(-1.0, 1.0)
        positions.append(x.item())

    return positions
