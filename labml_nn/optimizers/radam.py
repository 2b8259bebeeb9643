r"""
---
title: RAdam
summary: Rectified Adam in PyTorch - why Adam's first steps are a gamble, and the warm-up that follows, step by step.
paper:
  title: On the Variance of the Adaptive Learning Rate and Beyond
  authors: [Liyuan Liu, Haoming Jiang, Pengcheng He, Weizhu Chen, Xiaodong Liu, Jianfeng Gao, Jiawei Han]
  year: 2019
  arxiv: "1908.03265"
standalone: RAdam
notebook: true
symbols:
  theta: [\theta_t, '\theta_{t-1}']
  m: m_t
  v: v_t
  beta1: \beta_1
  beta2: \beta_2
  eps: \epsilon
  lr: \alpha
  step: t
  step_size: \alpha_t
  eps_hat: \hat\epsilon_t
  rho: \rho_t
  rho_inf: \rho_\infty
  r: r_t
---

# RAdam

[Adam](adam.py) divides its step by the typical size of the gradient, and at the start it has hardly seen any. Its
very first step divides the gradient by itself: every weight moves by $\alpha$, also one whose gradient is nothing
but noise. A few steps later the estimate rests on a handful of gradients. Where those happen to be small, the step
is long, and nobody can say yet whether they were small by chance. That is why Adam is often given a warm-up: a
learning rate that starts near zero.

[On the Variance of the Adaptive Learning Rate and Beyond](https://arxiv.org/abs/1908.03265) asks how long the
warm-up should be, and answers with a formula in place of a setting: make the learning rate so small that its
variance is no larger than it will be in the end.

## The update

$m_t$, $v_t$ and $\hat m_t = m_t / (1 - \beta_1^t)$ are [Adam's moments](adam.py#Adam.moments). The variance of the
step hangs on $\rho_t$, the number of gradients that $v_t$ is worth:

$$\rho_\infty = \frac{2}{1 - \beta_2} - 1 \qquad
\rho_t = \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t}$$

With enough of them, $\rho_t > 5$, the step is Adam's, shortened by a factor $r_t < 1$ that grows to 1:

\begin{align}
r_t &= \sqrt{\frac{(\rho_t - 4)(\rho_t - 2) \, \rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2) \, \rho_t}} \\
\theta_t &= \theta_{t-1} - \alpha \, r_t \, \hat m_t \frac{\sqrt{1 - \beta_2^t}}{\sqrt{v_t} + \epsilon}
\end{align}

Before that there is no telling, and the step is one of gradient descent with momentum:

$$\theta_t = \theta_{t-1} - \alpha \, \hat m_t$$

## Where the factor comes from

### 1. What a running average is worth

$v_t$ weighs the square of the gradient from $k$ steps ago by $\beta_2^k$. A plain average of the latest $\rho$
squares is easier to reason about. Which $\rho$ makes the two alike? One answer is to let both look back equally far.
The mean age of a term in a plain average of $\rho$ terms, aged $0$ to $\rho - 1$, is $(\rho - 1) / 2$. In $v_t$ it is

$$\frac{\sum_{k=0}^{t-1} k \, \beta_2^k}{\sum_{k=0}^{t-1} \beta_2^k}
= \frac{\beta_2}{1 - \beta_2} - \frac{t \beta_2^t}{1 - \beta_2^t}$$

Setting them equal, and solving for the length, gives

$$\rho_t = 1 + \frac{2 \beta_2}{1 - \beta_2} - \frac{2 t \beta_2^t}{1 - \beta_2^t}$$

The first two terms are $\rho_\infty$, which is 1,999 for $\beta_2 = 0.999$. At the start $\rho_1 = 1$. As $v_t$
weighs new gradients more than old ones, it is never worth more than the gradients that it has seen: $\rho_t \leq t$.

### 2. How the adaptive learning rate is distributed

Suppose the gradients of a weight are noise around zero, $g_i \sim \mathcal{N}(0, \sigma^2)$, independent of each
other. The paper argues that this is not far off early in training. The factor by which Adam multiplies is

$$\psi = \sqrt{\frac{\rho}{\sum_{i=1}^\rho g_i^2}}$$

The sum of $\rho$ squares, divided by $\sigma^2$, has the $\chi^2$ distribution with $\rho$ degrees of freedom. So
$\psi^2 = \rho / (\sigma^2 \chi^2_\rho)$ has the *scaled inverse* $\chi^2$ distribution with $\rho$ degrees of freedom
and scale $1 / \sigma^2$. Its moments follow from the density of $\chi^2_\rho$, which is proportional to
$x^{\rho/2 - 1} e^{-x/2}$. Dividing by $x$ leaves a density of the same kind with $\rho - 2$ in place of $\rho$, and
the normalising constants leave

$$\operatorname{E}\left[\frac{1}{\chi^2_\rho}\right] = \frac{1}{\rho - 2} \qquad
\operatorname{E}\left[\frac{1}{(\chi^2_\rho)^2}\right] = \frac{1}{(\rho - 2)(\rho - 4)}$$

The second exists for $\rho > 4$ only: with fewer gradients, small sums are so likely that the expectation is infinite.
Mean and variance are then

\begin{align}
\operatorname{E}[\psi^2] &= \frac{\rho}{(\rho - 2) \, \sigma^2} \\
\operatorname{Var}[\psi^2] &= \frac{\rho^2}{\sigma^4} \left( \frac{1}{(\rho - 2)(\rho - 4)}
- \frac{1}{(\rho - 2)^2} \right) = \frac{2 \rho^2}{(\rho - 2)^2 (\rho - 4) \, \sigma^4}
\end{align}

The last formula is often misprinted. Its unit is a check: $\psi^2$ is one over a squared gradient, so its variance
is one over the fourth power, as $\sigma^4$ says.

### 3. From the square to the thing itself

$\psi$ is the square root of what we know. A curve is nearly straight close by, so for $f(x) = \sqrt x$ and
$x = \psi^2$, to first order, $\operatorname{Var}[f(x)] \approx f'(\operatorname{E}[x])^2 \operatorname{Var}[x]$:

$$\operatorname{Var}[\psi] \approx \frac{\operatorname{Var}[\psi^2]}{4 \, \operatorname{E}[\psi^2]}
= \frac{\rho}{2 (\rho - 2)(\rho - 4) \, \sigma^2}$$

The variance falls as $\rho$ grows, like $1 / (2 \rho \sigma^2)$ in the end. It can also be had without approximation,

$$\operatorname{Var}[\psi] = \frac{\rho}{\sigma^2} \left( \frac{1}{\rho - 2}
- \frac{1}{2} \frac{\Gamma(\frac{\rho - 1}{2})^2}{\Gamma(\frac{\rho}{2})^2} \right)$$

and that shows how good the approximation is: 3.3 times too large at $\rho = 5$, 38% too large at 10, 2% at 100. It
errs on the side of caution.

### 4. A factor that makes the variance the same at all times

Multiplying $\psi$ by $r_t$ multiplies its variance by $r_t^2$. Let the product always be what it will be in the end:

$$r_t^2 \, \operatorname{Var}[\psi] \big|_{\rho = \rho_t} = \operatorname{Var}[\psi] \big|_{\rho = \rho_\infty}$$

Put the approximation in on both sides. $\sigma^2$, the one thing that we do not know, cancels, and $r_t$ is the
formula above. The root is needed: the quotient of the variances itself is $r_t^2$.

## What it looks like

![The factor grows from near zero to one, and takes ten times as long for each further nine of beta_2](radam.svg)

No gradient enters $r_t$. It depends on $\beta_2$ and $t$ alone, and could be computed before training starts. So
after its first steps RAdam *is* Adam with a warm-up, but for the place of $\epsilon$. For $\beta_2 = 0.999$ the
factor starts with 0.026 at $t = 6$, passes one half at $t = 556$, and 0.9 at $t = 2737$.

[On the adequacy of untuned warmup for adaptive optimization](https://arxiv.org/abs/1910.04209) (Ma and Yarats, 2019)
makes this point, doubts that variance is what a warm-up is about, and finds that a straight line which reaches 1 at
$t = 2 / (1 - \beta_2)$ does as well. [That is easily had too](adam_warmup.py).

## Where this differs from others

* **The switch.** The paper rectifies where the variance exists, $\rho_t > 4$, so from step 5 on for the usual
  $\beta_2$. Its authors' code is more careful and asks for $\rho_t \geq 5$, `torch.optim.RAdam` for $\rho_t > 5$;
  we do as torch does. The two part only where $\rho_t$ is exactly 5. As $\rho_5 < 5$, the first five steps are
  never rectified. With $\beta_2 \leq 2/3$ no step ever is, because then $\rho_\infty \leq 5$.
* **Epsilon.** The paper has none. Its authors' code and torch add $\epsilon$ to $\sqrt{v_t}$, before the bias
  correction. [Adam](adam.py) adds it to $\sqrt{\hat v_t}$, after it. Put side by side, Adam has
  $\hat\epsilon_t = \epsilon \sqrt{1 - \beta_2^t}$ beside $\sqrt{v_t}$, and RAdam $\hat\epsilon_t = \epsilon$, which
  at $t = 6$ is 13 times as much for $\beta_2 = 0.999$.
* **Weight decay** given as a float is decoupled here and in the authors' code. `torch.optim.RAdam` means $L_2$ by
  it, here `WeightDecay(0.01, weight_decouple=False)`, and decouples with `decoupled_weight_decay=True`.
* **Checkpoints** of `torch.optim.RAdam` load here, and ours there, with the way of their decay.
* **`degenerated_to_sgd=False`** is an option of the authors' code that torch does not have. It leaves the weights
  alone until $\rho_t > 5$, while the averages fill. We keep it for the reason below. The authors' code does not
  decay the weights in these steps; ours does, as decay needs no gradient.

## When to use it, and when not

Use it where Adam needs a warm-up and you do not want to tune one. It removes a setting, and costs nothing: no
memory, and no time.

Do not expect more than from a warm-up. Beyond that, it has two traps.

* **The first five steps depend on the scale of the loss.** Adam moves a weight by about $\alpha$, whatever the loss is
  multiplied by. A step of $\alpha \hat m_t$ grows with it. With gradients in the hundreds, as from sums over a
  batch or data that nobody normalised, these steps throw the weights away before Adam starts. Clip the gradients, or
  set `degenerated_to_sgd=False`.
* **A warm-up on top** multiplies with $r_t$: the first steps then are shorter than either says.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from labml_nn.optimizers import WeightDecay
from labml_nn.optimizers.adam import Adam

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def average_length(beta2: float, step: int) -> tuple[float, float]:
    r"""
    ## How many gradients the second moment is worth

    Returns $\rho_t$, for the step $t \geq 1$, and $\rho_\infty$.
    """

    # $$\rho_\infty = \frac{2}{1 - \beta_2} - 1$$
    rho_inf = 2 / (1 - beta2) - 1

    # $$\rho_t = \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t}$$
    rho = rho_inf - 2 * step * beta2**step / (1 - beta2**step)

    return rho, rho_inf


def rectification(beta2: float, step: int) -> float:
    r"""
    ## The rectification

    Returns $r_t$, between 0 and 1, for the step $t \geq 1$. It is 0 where the variance is unknown or nearly so,
    $\rho_t \leq 5$, and more than 0 everywhere else.
    """
    rho, rho_inf = average_length(beta2, step)

    # As $\rho_t \leq \rho_\infty$, none of the factors below vanishes from here on.
    if rho <= 5:
        return 0.0

    # $$r_t = \sqrt{\frac{(\rho_t - 4)(\rho_t - 2) \, \rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2) \, \rho_t}}$$
    r = math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))

    return r


class RAdam(Adam):
    r"""
    ## RAdam

    * `degenerated_to_sgd` takes steps of gradient descent until the variance is known; without it the weights wait.
      A parameter group can have its own.

    The other arguments are those of [Adam](adam.py#Adam).

    Raises `ValueError` for a hyper-parameter out of range, and for weights that would wait for ever.
    """

    def __init__(
        self,
        params,
        lr: float | torch.Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float | WeightDecay = 0.0,
        *,
        degenerated_to_sgd: bool = True,
        maximize: bool = False,
        defaults: dict[str, Any] | None = None,
        **options: Any,
    ):
        own = {"degenerated_to_sgd": degenerated_to_sgd} | (defaults or {})
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            maximize=maximize,
            defaults=own,
            **options,
        )

    def check_group(self, group: dict[str, Any]) -> None:
        r"""
        ### Check the hyper-parameters of a group
        """
        super().check_group(group)

        # With $\beta_2 \leq 2/3$ no step is ever rectified. Nothing would move, and nothing would say so.
        beta2 = group["betas"][1]
        _, rho_inf = average_length(beta2, 1)
        if rho_inf <= 5 and not group["degenerated_to_sgd"]:
            raise ValueError(f"degenerated_to_sgd=False needs betas[1] above 2/3, got {beta2!r}")

    def scalars(self, group: dict[str, Any], step: int) -> dict[str, Any]:
        r"""
        ### The numbers of one step

        All that RAdam adds happens here. `adaptive` is the one thing that [`update`](#RAdam.update) has to be told:
        whether to divide. It changes once in a training, so a compiled RAdam has two graphs. The alternative, a
        denominator of $0 \cdot \sqrt{v_t} + 1$, would save one of them and cost every later step a multiplication
        of the whole tensor.
        """
        beta1, beta2 = group["betas"]
        numbers = super().scalars(group, step)

        r = rectification(beta2, step)

        # $$\alpha_t = \alpha \, r_t \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \qquad \hat\epsilon_t = \epsilon$$
        #
        # Adam's step size, but for the factor.
        if r > 0:
            step_size = numbers["step_size"] * r

        # $$\alpha_t = \frac{\alpha}{1 - \beta_1^t}$$
        #
        # The bias correction of the first moment stays. That of the second has nothing to correct.
        elif group["degenerated_to_sgd"]:
            step_size = self.learning_rate(group, step) / (1 - beta1**step)

        # A step of length zero leaves the weights alone.
        else:
            step_size = 0.0

        return {**numbers, "step_size": step_size, "eps_hat": group["eps"], "adaptive": r > 0}

    def update(self, theta: torch.Tensor, grad: torch.Tensor, state: dict[str, Any], scalars: dict[str, Any]) -> None:
        r"""
        ### One step of one tensor
        """

        # Both averages take in every gradient from the first on, whether the second is used yet or not.
        m, v = self.moments(grad, state, scalars)

        # $$\theta_t = \theta_{t-1} - \alpha_t m_t$$
        if not scalars["adaptive"]:
            theta.sub_(m * scalars["step_size"])
            return

        # $$\theta_t = \theta_{t-1} - \alpha_t \frac{m_t}{\sqrt{v_t} + \hat\epsilon_t}$$
        denominator = v.sqrt().add_(scalars["eps_hat"])
        theta.addcdiv_(m, denominator, value=-scalars["step_size"])


def figure() -> Figure:
    r"""
    ## The plot

    $r_t$ over $t$ for several $\beta_2$. Each curve begins at its first rectified step.
    """
    from labml_nn.figures import line_chart

    # Whole steps, evenly spaced to the eye where the axis is logarithmic
    steps = sorted({round(10 ** (k / 40)) for k in range(5 * 40 + 1)})

    curves = {}
    for beta2 in (0.9, 0.99, 0.999, 0.9999):
        points = [(t, rectification(beta2, t)) for t in steps]
        rectified = [(t, r) for t, r in points if r > 0]
        curves[rf"$\beta_2 = {beta2}$"] = tuple(zip(*rectified, strict=True))

    chart = line_chart("step $t$", "$r_t$", curves)
    chart.axes[0].set_xscale("log")
    return chart
