r"""
---
title: AdaBelief
summary: AdaBelief in PyTorch - long steps where gradients keep their promise, with and without rectification.
paper:
  title: "AdaBelief Optimizer: Adapting Stepsizes by the Belief in Observed Gradients"
  authors: [Juntang Zhuang, Tommy Tang, Yifan Ding, Sekhar Tatikonda, Nicha Dvornek, Xenophon Papademetris,
    James S. Duncan]
  year: 2020
  arxiv: "2010.07468"
standalone: AdaBelief
notebook: true
symbols:
  grad: g_t
  m: [m_t, 'm_{t-1}']
  exp_avg: [m_t, 'm_{t-1}', m_0]
  s: [s_t, 's_{t-1}']
  exp_avg_var: [s_t, 's_{t-1}', s_0]
  residual: g_t - m_t
  beta2: \beta_2
  one_minus_beta1: 1 - \beta_1
  one_minus_beta2: 1 - \beta_2
  lr: \alpha
  eps: \epsilon
---

# AdaBelief

[Adam](adam.py) asks how *large* gradients are. A weight whose gradient is large and always the same gets steps as
long as one whose gradient is small and always the same, and in neither case longer than the learning rate. Yet a
gradient that does not change is the best of news: the loss is a straight slope here, and one could go far.

AdaBelief, from [AdaBelief Optimizer: Adapting Stepsizes by the Belief in Observed
Gradients](https://arxiv.org/abs/2010.07468), asks how *predictable* gradients are. It has a prediction at hand: the
running average of those before. A gradient close to it confirms the prediction, the belief in it is strong, and the
step is long. A gradient far off is distrusted, and the step is short.

## The update

\begin{align}
m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \, g_t \\
s_t &= \beta_2 s_{t-1} + (1 - \beta_2) (g_t - m_t)^2 + \epsilon \\
\theta_t &= \theta_{t-1} - \alpha \frac{\hat m_t}{\sqrt{\hat s_t} + \epsilon}
\end{align}

with the bias corrections $\hat m_t = m_t / (1 - \beta_1^t)$ and $\hat s_t = s_t / (1 - \beta_2^t)$. It is Adam, with
the square of $g_t - m_t$ in place of the square of $g_t$, and with one more $\epsilon$.

With `rectify`, which is the default, the step is that of [RAdam](radam.py) with $s_t$ in place of $v_t$:

$$\theta_t = \theta_{t-1} - \alpha \, r_t \, \hat m_t \frac{\sqrt{1 - \beta_2^t}}{\sqrt{s_t} + \epsilon}$$

and $\theta_t = \theta_{t-1} - \alpha \, \hat m_t$ while [the rectification](radam.py#rectification) is not defined.

## What belief means

$m_t$ has seen $g_t$ already. Put its formula in, and what remains is the error of an honest forecast, made before:

$$g_t - m_t = \beta_1 (g_t - m_{t-1})$$

So $s_t$ averages the squared error of the forecast $m_{t-1}$, times $\beta_1^2$. Three cases show what it measures.

**Noise around a mean.** Let gradients be independent with mean $\mu$ and variance $\sigma^2$. The forecast is right
on average, and once the start is forgotten its own variance is $\sigma^2 (1 - \beta_1) / (1 + \beta_1)$. The error has
both variances, hence

$$\operatorname{E}[s_t] \approx \beta_1^2 \left( 1 + \frac{1 - \beta_1}{1 + \beta_1} \right) \sigma^2
= \frac{2 \beta_1^2}{1 + \beta_1} \, \sigma^2$$

which is $0.85 \, \sigma^2$ for $\beta_1 = 0.9$, whatever $\mu$ is. Adam has
$\operatorname{E}[v_t] \approx \sigma^2 + \mu^2$.
Where gradients are mostly noise, the two are the same but for 8% in the length of a step. Where they are mostly signal,
Adam's step is $\alpha$, and AdaBelief's about $\alpha \mu / \sigma$.

**A gradient that changes sign at every step**, $\pm g$, as it does when steps jump from wall to wall of a valley.
The forecast is near zero, so $g_t - m_t$ settles at $\pm \frac{2 \beta_1}{1 + \beta_1} g$, almost the gradient itself,
and AdaBelief does what Adam does.

**A gradient that stays.** With $g_t = g$ from the first step on, the forecast error shrinks, $g_t - m_t = \beta_1^t g$.
The average of its square forgets the start and is left with less and less. Without $\epsilon$, for
$\beta_1^2 < \beta_2$,

$$s_t = (1 - \beta_2) \sum_{i=1}^t \beta_2^{t-i} \beta_1^{2i} g^2
\approx \frac{(1 - \beta_2) \, \beta_1^2}{\beta_2 - \beta_1^2} \, \beta_2^t \, g^2$$

so the step grows, without rectification from $1.1 \, \alpha$ at first to $5 \, \alpha$ after 100 steps, $20 \, \alpha$
after 1,000 and $187 \, \alpha$ after 5,000.

In a valley the last two cases meet: across it the gradient changes sign, and along it the gradient stays. Across it
both methods take short steps, as $m_t$ is small. Along it Adam's steps are as long as $\alpha$, and AdaBelief's grow.

The difference between two gradients is what curvature makes of the way between them. The paper reads AdaBelief so:
it is careful where the loss is curved, and not merely where it is steep.

## How epsilon accumulates

The $\epsilon$ inside $s_t$ is added at every step and then forgotten like everything else in the average. Together,
$t$ steps leave

$$\epsilon \sum_{i=1}^t \beta_2^{t-i} = \epsilon \frac{1 - \beta_2^t}{1 - \beta_2}$$

It does not grow for ever, and the bias correction cancels exactly what depends on $t$. $\hat s_t$ is the weighted mean
of the squares plus

$$\frac{\epsilon}{1 - \beta_2}$$

at every step. So in effect there is an epsilon *under* the root. With $\epsilon = 10^{-16}$ and $\beta_2 = 0.999$ the
denominator is at least $\sqrt{10^{-13}} \approx 3 \cdot 10^{-7}$, and the other $\epsilon$ has nothing left to do. For
a gradient that stays it sets the longest step:

$$\alpha \frac{\lvert g \rvert}{\sqrt{\epsilon / (1 - \beta_2)} + \epsilon}$$

**This is the setting to think about.** With $\epsilon = 10^{-8}$ the denominator is at least $0.003$. Where forecast
errors are smaller than that, nothing adapts any more: AdaBelief is gradient descent with momentum, at 300 times the
learning rate. The authors advise $10^{-8}$ for tasks on which gradient descent beats Adam, such as convolutional
networks on images, and $10^{-16}$ where Adam is better.

## Where this differs from others

* **The authors' package `adabelief-pytorch`** is the update above, with both epsilons, with the defaults below, and
  rectified where $\rho_t \geq 5$ ([ours is](radam.py) where $\rho_t > 5$; a $\rho_t$ of exactly 5 hardly occurs).
  The tests compare 100 steps in double precision. Its state has the same names, so that its tensors can be loaded.
* **Its flags** `weight_decouple`, `rectify` and `degenerated_to_sgd` belong to the optimizer there, and to each
  group here. A checkpoint of the package does not say how it was made: make ours with the same flags before loading
  it. Its `fixed_decay` is `absolute` of our [`WeightDecay`](__init__.py#WeightDecay). With $L_2$ decay the package
  changes the caller's gradient; ours does not.
* **Its `amsgrad`** is missing here. There it works without rectification only: the rectified update computes the
  maximum and divides by $\sqrt{s_t}$ all the same.
* **The paper** has both epsilons, as of its second version. The first had only the outer one. The text of the
  appendix adds the inner one to $\hat s_t$, so that nothing accumulates; the authors have said that the code is
  right.
* **Optax** has two separate epsilons, one outside and one that accumulates, like here.
* **PyTorch** has no AdaBelief.

## When to use it, and when not

Try it where Adam trains but generalises worse than gradient descent, or where gradients are large and steady.

* $\beta_1$ must not be 0. The forecast then is the gradient itself, $s_t$ holds nothing but epsilon, and the step is
  that of gradient descent at millions of times the learning rate.
* Its steps have no bound of the size of $\alpha$, unlike [Adam's](adam.py). Where there is no noise, with full
  batches say, they can grow until training diverges. A larger $\epsilon$ is the brake.
* In pure half precision it fares no better than [Adam](adam.py): in float16 an $\epsilon$ of $10^{-16}$ is zero, and in
  bfloat16 the average $s_t$ does not decay. Keep the parameters, and with them the state, in single precision.
"""

from __future__ import annotations

from typing import Any

import torch

from labml_nn.optimizers import WeightDecay
from labml_nn.optimizers.adam import Adam
from labml_nn.optimizers.radam import RAdam


class AdaBelief(RAdam):
    r"""
    ## AdaBelief

    * `rectify` warms up as [RAdam](radam.py) does; without it the step is Adam's. A parameter group can have its own.
    * `degenerated_to_sgd` is about the steps before the rectification is defined, and means what it does in RAdam

    The other arguments are those of [Adam](adam.py#Adam). Note the default of `eps`.

    Raises `ValueError` for a hyper-parameter out of range.
    """

    def __init__(
        self,
        params,
        lr: float | torch.Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-16,
        weight_decay: float | WeightDecay = 0.0,
        *,
        rectify: bool = True,
        degenerated_to_sgd: bool = True,
        maximize: bool = False,
        defaults: dict[str, Any] | None = None,
        **options: Any,
    ):
        own = {"rectify": rectify} | (defaults or {})
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            degenerated_to_sgd=degenerated_to_sgd,
            maximize=maximize,
            defaults=own,
            **options,
        )

    def init_state(self, state: dict[str, Any], group: dict[str, Any], param: torch.Tensor) -> None:
        r"""
        ### The state of one parameter
        """

        # $m_0 = 0$ and $s_0 = 0$. The second has a name of its own, so that nobody takes it for Adam's.
        state["exp_avg"] = torch.zeros_like(param, memory_format=torch.preserve_format)
        state["exp_avg_var"] = torch.zeros_like(param, memory_format=torch.preserve_format)

    def scalars(self, group: dict[str, Any], step: int) -> dict[str, Any]:
        r"""
        ### The numbers of one step

        Those of RAdam or of Adam, and the $\epsilon$ that goes into $s_t$. Adam always divides.
        """
        if group["rectify"]:
            numbers = super().scalars(group, step)
        else:
            numbers = {**Adam.scalars(self, group, step), "adaptive": True}

        return {**numbers, "eps": group["eps"]}

    def moments(
        self, grad: torch.Tensor, state: dict[str, Any], scalars: dict[str, Any]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        r"""
        ### The forecast, and how far off it is

        This is all of AdaBelief. [The update](radam.py#RAdam.update) divides by the root of whatever stands second.
        """
        m, s = state["exp_avg"], state["exp_avg_var"]

        # $$m_t = \beta_1 m_{t-1} + (1 - \beta_1) \, g_t$$
        m.lerp_(grad, scalars["one_minus_beta1"])

        # $$g_t - m_t$$
        #
        # With the new average, as the authors do. The old one would give the same but for the factor $\beta_1$.
        residual = grad - m

        # $$s_t = \beta_2 s_{t-1} + (1 - \beta_2) (g_t - m_t)^2 + \epsilon$$
        #
        # Epsilon stays in the state. That is what makes it accumulate.
        s.mul_(scalars["beta2"]).addcmul_(residual, residual, value=scalars["one_minus_beta2"])
        s.add_(scalars["eps"])

        return m, s
