r"""
---
title: Adam
summary: Adaptive moments in PyTorch - bias correction, where epsilon stands, and how long a step can be, derived.
paper:
  title: "Adam: A Method for Stochastic Optimization"
  authors: [Diederik P. Kingma, Jimmy Ba]
  year: 2014
  arxiv: "1412.6980"
standalone: Adam
notebook: true
symbols:
  theta: [\theta_t, '\theta_{t-1}']
  grad: g_t
  m: [m_t, 'm_{t-1}']
  exp_avg: [m_t, 'm_{t-1}', m_0]
  v: [v_t, 'v_{t-1}']
  exp_avg_sq: [v_t, 'v_{t-1}', v_0]
  beta1: \beta_1
  beta2: \beta_2
  one_minus_beta1: 1 - \beta_1
  one_minus_beta2: 1 - \beta_2
  eps: \epsilon
  lr: \alpha
  step: t
  step_size: \alpha_t
  eps_hat: \hat\epsilon_t
  root: \sqrt{1 - \beta_2^t}
  denominator: \sqrt{v_t} + \hat\epsilon_t
---

# Adam

Gradient descent has one step size for everything. Yet in one network the gradients of an embedding and those of an
output bias differ in size a thousandfold, and the step size that suits the one is useless for the other. Gradients
of mini-batches are noisy as well, and the noise too differs from weight to weight.

Adam, from [Adam: A Method for Stochastic Optimization](https://arxiv.org/abs/1412.6980), gives every single weight
a step size of its own. It watches two things for each: in which direction the gradient points on average, and how
large it typically is. It then moves along the first, measured in units of the second. Multiply the loss by 1,000
and, but for a tiny $\epsilon$, nothing changes.

## The update

With the gradient $g_t$ at step $t$, and all operations elementwise:

\begin{align}
m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \, g_t \\
v_t &= \beta_2 v_{t-1} + (1 - \beta_2) \, g_t^2 \\
\hat m_t &= \frac{m_t}{1 - \beta_1^t} \qquad \hat v_t = \frac{v_t}{1 - \beta_2^t} \\
\theta_t &= \theta_{t-1} - \alpha \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}
\end{align}

* $m_t$ is the first moment: a running average of the gradient, which remembers about the last $1 / (1 - \beta_1)$
  of them. Noise averages out, and what the gradients agree on remains.
* $v_t$ is the second moment: a running average of the squared gradient, with a longer memory, $1 / (1 - \beta_2)$
  steps. It is not centred, so it is the variance plus the square of the mean.
* $\alpha$ is the learning rate. It has the unit of the weight: it says how far a weight moves in a step, not how
  far for a gradient of 1.
* $\beta_1 = 0.9$ and $\beta_2 = 0.999$ are the usual rates of forgetting.
* $\epsilon = 10^{-8}$ keeps the division harmless where the gradient vanishes.

## Bias correction

Both averages start at zero, and a running average that starts at zero is too small until it has forgotten its
start. Written out, the first moment is a sum over all gradients so far,

$$m_t = (1 - \beta_1) \sum_{i=1}^{t} \beta_1^{t-i} g_i$$

and the factors in it do not add up to one. They add up to
$(1 - \beta_1) \sum_{i=1}^t \beta_1^{t-i} = 1 - \beta_1^t$. So if the expectation of the gradient does not change,
then

$$\operatorname{E}[m_t] = (1 - \beta_1^t) \, \operatorname{E}[g]$$

and $\hat m_t$ is what makes it right. The same sum with $g_i^2$ gives $\hat v_t$. For a constant gradient $g$ both
are exact at every step: $\hat m_t = g$ and $\hat v_t = g^2$.

This matters more for $v_t$ than for $m_t$. After the first step with the usual rates, $m_1 = 0.1 \, g_1$ and
$\sqrt{v_1} = \sqrt{0.001} \, \lvert g_1 \rvert \approx 0.032 \, \lvert g_1 \rvert$. Without the corrections the
first steps would be about three times too long, and longer the closer $\beta_2$ is to 1.

## Where epsilon stands

The corrections are divisions of whole tensors by a number, and can be left to the two numbers that are there
anyway. Multiply numerator and denominator of the step by $\sqrt{1 - \beta_2^t}$:

$$\alpha \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}
= \alpha \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \cdot \frac{m_t}{\sqrt{v_t} + \epsilon \sqrt{1 - \beta_2^t}}$$

With

$$\alpha_t = \alpha \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \qquad \hat\epsilon_t = \epsilon \sqrt{1 - \beta_2^t}$$

the update is

$$\theta_t = \theta_{t-1} - \alpha_t \frac{m_t}{\sqrt{v_t} + \hat\epsilon_t}$$

This is the same formula, not an approximation, and it touches less memory. It is what runs below. Note that
$\hat\epsilon_t$ carries the square root, and that it changes with $t$.

## How long a step can be

By and large a weight moves by at most $\alpha$ in a step. The mean of anything is at most its root mean square, so
$\lvert \operatorname{E}[g] \rvert \leq \sqrt{\operatorname{E}[g^2]}$, and the ratio

$$\frac{\lvert \hat m_t \rvert}{\sqrt{\hat v_t}}$$

is about 1 where the gradients agree, and small where they are mostly noise or change sign, as they do close to a
minimum. Where $\beta_1 = \beta_2$ the two averages weigh the past alike, and 1 is the bound.

Where they differ the ratio can exceed 1. With the usual rates the second moment reacts later: a gradient that was
zero for long and then is not has $\hat m_t \approx (1 - \beta_1) g_t$ and $\hat v_t \approx (1 - \beta_2) g_t^2$,
and the step is

$$\alpha \frac{1 - \beta_1}{\sqrt{1 - \beta_2}}$$

or $3.2 \, \alpha$ with the usual rates. The paper gives this as a bound, yet it is not the worst case. Write $m_t$
as a sum of products $(\beta_1 / \sqrt{\beta_2})^{t-i} \cdot \beta_2^{(t-i)/2} g_i$ and apply Cauchy and Schwarz:

$$\lvert m_t \rvert \leq (1 - \beta_1) \sqrt{\sum_{k=0}^{t-1} \rho^k} \sqrt{\frac{v_t}{1 - \beta_2}}
\qquad \text{with } \rho = \frac{\beta_1^2}{\beta_2}$$

which bounds the step by

$$\lvert \theta_t - \theta_{t-1} \rvert
\leq \alpha_t \frac{1 - \beta_1}{\sqrt{1 - \beta_2}} \sqrt{\frac{1 - \rho^t}{1 - \rho}}$$

This is $7.3 \, \alpha$ for the usual rates and large $t$. It is attained by a gradient that grows by the factor
$\beta_2 / \beta_1$ at every step, which is what a diverging loss looks like. It is one reason for clipping
gradients.

## Where this differs from others

* **The paper's Algorithm 1 and `torch.optim.Adam`** are the update above. Ours equals them: the tests compare 100
  steps in double precision, and the difference is rounding.
* **The paper's faster ordering** writes the last formula with some constant $\hat\epsilon$, and TensorFlow follows
  it. With $\hat\epsilon = \epsilon$ that is another method while $t$ is small: at $t = 1$ its epsilon is
  $1 / \sqrt{0.001} \approx 32$ times as large as that of Algorithm 1.
* **Epsilon under the root**, $\sqrt{\hat v_t + \epsilon}$, is yet another: $\epsilon = 10^{-8}$ there acts like
  $10^{-4}$ here.
* **Weight decay** given as a float is decoupled, which makes this AdamW. `torch.optim.Adam` takes a float to mean
  $L_2$, which here is `WeightDecay(0.01, weight_decouple=False)`. The [base page](__init__.py#WeightDecay) shows
  why it matters.

## When to use it, and when not

Adam is a sound first choice for transformers, recurrent networks, embeddings, reinforcement learning: wherever
gradients differ much in size or are noisy, and where there is no time to tune. Use it with decoupled decay and a
short warm-up.

It is less sound

* where memory is short: it keeps two numbers for each weight
* for convolutional networks on images, where well tuned gradient descent with momentum often generalises better
* for smooth problems without noise, where methods that use curvature, such as L-BFGS, need far fewer steps
* where rare but large gradients carry the signal: see [AMSGrad](amsgrad.py) for how that goes wrong
* in pure half precision. Near 1, bfloat16 counts in steps of 0.004, so $0.999 \, v_{t-1}$ rounds back to $v_{t-1}$,
  and the second moment never decays. Keep the parameters, and with them the state, in single precision.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from labml_nn.optimizers import GenericAdaptiveOptimizer, WeightDecay


class Adam(GenericAdaptiveOptimizer):
    r"""
    ## Adam

    * `params` are tensors or parameter groups
    * `lr` is $\alpha$
    * `betas` are $(\beta_1, \beta_2)$
    * `eps` is $\epsilon$
    * `weight_decay` is a float, for decoupled decay, or a [`WeightDecay`](__init__.py#WeightDecay)
    * `maximize` climbs instead of descending
    * `defaults` are further group entries, for methods that extend this one
    * `options` are `backend` and `check_finite` of the [base](__init__.py#GenericAdaptiveOptimizer)

    Raises `ValueError` for a hyper-parameter out of range.
    """

    def __init__(
        self,
        params,
        lr: float | torch.Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float | WeightDecay = 0.0,
        *,
        maximize: bool = False,
        defaults: dict[str, Any] | None = None,
        **options: Any,
    ):
        # All of it goes into the parameter groups, and nothing into attributes.
        own = {"weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, own | (defaults or {}), lr, betas, eps, **options)

    def complete_group(self, group: dict[str, Any]) -> dict[str, Any]:
        """
        ### A group with nothing left out
        """

        # PyTorch has one class for Adam and AMSGrad, and its checkpoints say in each group which one it was. To go
        # on without the maximum would be to go on with another method.
        if group.get("amsgrad") and "amsgrad" not in self.defaults:
            raise ValueError(f"amsgrad=True in a parameter group needs AMSGrad, got {type(self).__name__}")

        return super().complete_group(group)

    def init_state(self, state: dict[str, Any], group: dict[str, Any], param: torch.Tensor) -> None:
        r"""
        ### The state of one parameter
        """

        # $m_0 = 0$ and $v_0 = 0$, in the shape, precision and memory layout of the parameter
        state["exp_avg"] = torch.zeros_like(param, memory_format=torch.preserve_format)
        state["exp_avg_sq"] = torch.zeros_like(param, memory_format=torch.preserve_format)

    def scalars(self, group: dict[str, Any], step: int) -> dict[str, Any]:
        r"""
        ### The numbers of one step

        Differences such as $1 - \beta_2$ are taken here, in double precision. In single precision, $1 - 0.999$ is
        off in the fifth digit.
        """
        lr, eps = self.learning_rate(group, step), group["eps"]
        beta1, beta2 = group["betas"]

        # $$\sqrt{1 - \beta_2^t}$$
        root = math.sqrt(1 - beta2**step)

        # $$\alpha_t = \alpha \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}$$
        step_size = lr * root / (1 - beta1**step)

        # $$\hat\epsilon_t = \epsilon \sqrt{1 - \beta_2^t}$$
        eps_hat = eps * root

        return {
            "beta2": beta2,
            "one_minus_beta1": 1 - beta1,
            "one_minus_beta2": 1 - beta2,
            "step_size": step_size,
            "eps_hat": eps_hat,
        }

    def moments(
        self, grad: torch.Tensor, state: dict[str, Any], scalars: dict[str, Any]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """
        ### The two running averages

        Updates them in place and returns them. Methods that measure the gradient differently extend this.
        """
        m, v = state["exp_avg"], state["exp_avg_sq"]

        # $$m_t = \beta_1 m_{t-1} + (1 - \beta_1) \, g_t$$
        #
        # `lerp_` moves from the old average towards the gradient, a fraction $1 - \beta_1$ of the way.
        m.lerp_(grad, scalars["one_minus_beta1"])

        # $$v_t = \beta_2 v_{t-1} + (1 - \beta_2) \, g_t^2$$
        v.mul_(scalars["beta2"]).addcmul_(grad, grad, value=scalars["one_minus_beta2"])

        return m, v

    def update(self, theta: torch.Tensor, grad: torch.Tensor, state: dict[str, Any], scalars: dict[str, Any]) -> None:
        """
        ### One step of one tensor
        """
        m, v = self.moments(grad, state, scalars)

        # $$\sqrt{v_t} + \hat\epsilon_t$$
        #
        # The root is a new tensor, the only one that this step makes.
        denominator = v.sqrt().add_(scalars["eps_hat"])

        # $$\theta_t = \theta_{t-1} - \alpha_t \frac{m_t}{\sqrt{v_t} + \hat\epsilon_t}$$
        theta.addcdiv_(m, denominator, value=-scalars["step_size"])
