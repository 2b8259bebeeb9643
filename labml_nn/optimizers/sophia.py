r"""
---
title: Sophia
summary: Sophia-G in PyTorch - clipped Newton steps with a diagonal Hessian from sampled labels, derived and tested.
paper:
  title: "Sophia: A Scalable Stochastic Second-order Optimizer for Language Model Pre-training"
  authors: [Hong Liu, Zhiyuan Li, David Hall, Percy Liang, Tengyu Ma]
  year: 2023
  arxiv: "2305.14342"
standalone: Sophia
notebook: true
symbols:
  theta: [\theta_t, '\theta_{t-1}']
  grad: g_t
  m: [m_t, 'm_{t-1}']
  exp_avg: [m_t, 'm_{t-1}', m_0]
  h: [h_t, 'h_{t-k}']
  hessian: [h_t, 'h_{t-k}', h_0]
  gamma: \gamma
  eps: \epsilon
  lr: \alpha_t
  beta1: \beta_1
  beta2: \beta_2
  one_minus_beta1: 1 - \beta_1
  batch_size: B
  labels: \hat y
---

# Sophia

A loss can be steep in one direction and flat in another. Newton's method divides the gradient by the curvature and so
takes long steps where it is flat. It has two weaknesses. The Hessian of a network is far too large to write down.
And it may be negative, or out of date a few steps later, and then a Newton step goes uphill, or much too far.

[Sophia](https://arxiv.org/abs/2305.14342) keeps what it can afford. Of the Hessian it uses the diagonal, estimated
from one extra backward pass every ten steps or so. And it never trusts a Newton step further than a fixed length: each
coordinate of the step is clipped. This page is Sophia-G, whose estimate is never negative and costs no second
derivatives. The G is for Gauss-Newton-Bartlett, the name of the estimate.

## The update

With the gradient $g_t$ at step $t$, and all operations elementwise:

\begin{align}
m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \, g_t \\
h_t &= \begin{cases}
\beta_2 h_{t-k} + (1 - \beta_2) \, \hat h_t & \text{once in } k \text{ steps} \\
h_{t-1} & \text{otherwise}
\end{cases} \\
\theta_t &= (1 - \alpha_t \lambda) \, \theta_{t-1}
- \alpha_t \operatorname{clip} \left( \frac{m_t}{\max(\gamma h_t, \epsilon)}, 1 \right)
\end{align}

* $m_t$ is a running average of the gradient, as in [Adam](adam.py).
* $\hat h_t$ estimates the diagonal of the Hessian, and $h_t$ is the running average of the estimates. A single
  estimate is noisy; the average remembers about the last $1 / (1 - \beta_2)$ of them.
* $\operatorname{clip}(x, 1) = \max(\min(x, 1), -1)$. No weight moves by more than the learning rate $\alpha_t$ in a
  step, apart from its decay.
* $\gamma$ says how long a Newton step may be and still be believed. See below.
* $\epsilon = 10^{-12}$ keeps the denominator above zero.
* $\lambda$ is the [decoupled weight decay](__init__.py#WeightDecay).

The paper uses $\beta_1 = 0.96$, $\beta_2 = 0.99$ and $k = 10$, and these are the defaults here where they are
arguments; $k$ is for the training loop to keep.

## What gamma means

The Newton step for one coordinate is $m_t / h_t$, a distance in the weight's own unit. For positive curvature the
update is

$$\alpha_t \operatorname{clip} \left( \frac{m_t}{\gamma h_t}, 1 \right) = \begin{cases}
\frac{\alpha_t}{\gamma} \cdot \frac{m_t}{h_t} & \text{if } \lvert m_t / h_t \rvert \leq \gamma \\
\alpha_t \operatorname{sign}(m_t) & \text{otherwise}
\end{cases}$$

A Newton step no longer than $\gamma$ is taken, shortened by the factor $\alpha_t / \gamma$. A longer one is replaced
by a step of fixed length in the same direction. On a quadratic, and without momentum, every coordinate that is closer
than $\gamma$ to its minimum approaches it by the same factor $1 - \alpha_t / \gamma$, whatever its curvature. That is
what the Hessian buys. Adam divides by the typical size of the gradient instead, and its steps are about as long as the
learning rate says, near the minimum and far from it.

Choose $\gamma$ by looking: the paper advises that 10% to 50% of the coordinates should be unclipped. A larger
$\gamma$ leaves more unclipped. The share is

```python
(state["exp_avg"].abs() < gamma * state["hessian"]).float().mean()
```

for `state = optimizer.state[param]`.

## The estimate

For one input, let $z$ be the logits, $p = \operatorname{softmax}(z)$, and $J$ the Jacobian of $z$ in the weights. The
Hessian of the cross-entropy has two parts:

$$\nabla^2 \ell = J^\top S J + \sum_c \frac{\partial \ell}{\partial z_c} \nabla^2 z_c
\qquad S = \operatorname{diag}(p) - p p^\top$$

The first part is the *Gauss-Newton matrix*. It has no negative eigenvalue, it does not depend on the label, and it
is the whole Hessian where the logits are linear in the weights, or where the model predicts well.

It can be had from first derivatives. Draw a label $\hat y$ not from the data but from the model's own
distribution $p$. With $e_{\hat y}$ for the vector that is one at $\hat y$, the gradient in the logits is
$p - e_{\hat y}$. Its mean is zero and its covariance is that of a random one-hot vector, which is $S$. So

$$\operatorname{E}[\nabla \ell] = 0 \qquad
\operatorname{E}[\nabla \ell \, \nabla \ell^\top] = J^\top S J$$

These are Bartlett's identities. They let one backward pass do for a whole batch. Take the mean loss $\hat L$ over
$B$ predictions with labels drawn independently. Square its gradient: the terms that mix two predictions vanish in
expectation, each having a factor of mean zero, and those that remain are what we want,

$$\operatorname{E} \left[ B \, \nabla \hat L \odot \nabla \hat L \right]
= \frac{1}{B} \sum_{b=1}^{B} \operatorname{E}[\nabla \ell_b \odot \nabla \ell_b]
= \operatorname{diag} \left( \frac{1}{B} \sum_{b=1}^{B} J_b^\top S_b J_b \right)$$

Hence the Gauss-Newton-Bartlett estimate

$$\hat h_t = B \, \nabla \hat L \odot \nabla \hat L$$

With the labels of the data it would estimate something else. Those gradients do not have mean zero, the mixed
terms stay, and $B$ multiplies them.

## How to use it

```python
optimizer = Sophia(model.parameters(), lr=6e-4, gamma=0.05, weight_decay=0.1)

for step, (inputs, targets) in enumerate(batches):
    if step % 10 == 0:
        loss = sampled_loss(model(inputs))
        optimizer.update_hessian(loss, batch_size=targets.numel())

    optimizer.zero_grad()
    functional.cross_entropy(model(inputs).flatten(0, -2), targets.flatten()).backward()
    optimizer.step()
```

* [`update_hessian`](#Sophia.update_hessian) runs the backward pass itself, and the gradients of the training loss
  are the same after it as before. It can stand anywhere in the loop.
* `batch_size` is the number of *predictions*, $B$. For a language model it counts tokens, and with data parallel
  training those of all processes, for the gradients are averaged over all of them.
* The estimate is unbiased for every $B$. A part of the batch is enough, and makes the extra pass cheaper.
* Do not clip the gradient of the sampled loss. The clip of the update is there for what is wrong with $h_t$.

**Before the first estimate**, $h_t = 0$ and the denominator is $\epsilon$. Each coordinate with
$\lvert m_t \rvert \geq \epsilon$ then moves by exactly $\alpha_t$: sign descent. The same holds, forever, if
`update_hessian` is never called. The loop above calls it before the first step, as the paper does.

**Neither average is corrected for its start at zero.** After $j$ estimates $h_t$ is $1 - \beta_2^j$ times what it
should be, a hundredth after the first and 63% after a hundred, which is 1,000 steps. Until then more coordinates are
clipped than later, and the steps resemble sign descent. Warm the learning rate up; the paper takes 2,000 steps.

## Where this differs from others

* **The paper** writes $\eta$ for the learning rate. Its first version had no $\gamma$ and clipped at $\rho$:
  $\eta \operatorname{clip}(m_t / \max(h_t, \epsilon), \rho)$. As $\operatorname{clip}(x, \rho) =
  \rho \operatorname{clip}(x / \rho, 1)$, this is the update above with $\gamma = \rho$, a learning rate of
  $\eta \rho$ and an epsilon of $\rho \epsilon$. A learning rate from one version is wrong by $\rho$ in the other.
* **The official code** ([Liuhong99/Sophia](https://github.com/Liuhong99/Sophia)) calls $\gamma$ `rho` and adds
  epsilon instead of taking the maximum, $m_t / (\rho B h_t + 10^{-15})$. The estimate is never negative, so the two
  differ only where $\gamma h_t$ is as small as epsilon. It keeps the estimate without $B$, and asks for $B$ at
  every `step`, with 5,120 as the default. Ours keeps it with $B$, so that estimates from batches of different sizes
  can be averaged, and asks once, where it is known. To load such a checkpoint, multiply its `hessian` by $B$.
* **Its training script** estimates after a step and not at first, so that it begins with sign descent.
* **Some ports** square the gradient of the training loss instead of sampling labels. That is not the Gauss-Newton
  matrix, and the result is not Sophia.
* **Sophia-H** of the same paper estimates the diagonal with Hessian-vector products, which fit any loss. The
  estimate can be negative. It is not here.
* **`torch.optim`** has no Sophia.

## When to use it, and when not

It was made for pre-training language models with large batches, where the paper reports half the steps of AdamW, and
it wants a loss whose labels can be sampled: cross-entropy over classes or tokens. It keeps two numbers for each weight,
as Adam does.

It is less sound

* where nobody has time to tune: a learning rate for Adam does not carry over, and $\gamma$ comes on top
* for losses that are not the negative log-likelihood of a distribution, such as a hinge loss: there is nothing to
  sample from
* for small problems and fine-tuning, where the first thousand steps, sign descent in the main, are all there is
* in half precision. The default epsilon is zero in float16, and the squares underflow.

Nor is curvature always the better divisor. There are problems on which Adam beats a diagonal Gauss-Newton method,
and the other way round ([Adam or Gauss-Newton?](https://arxiv.org/abs/2510.13680)).
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import torch
from torch.nn import functional

from labml_nn.optimizers import GenericAdaptiveOptimizer, WeightDecay, check_number


class Sophia(GenericAdaptiveOptimizer):
    r"""
    ## Sophia-G

    * `params` are tensors or parameter groups
    * `lr` is $\alpha$, the longest step of a weight
    * `betas` are $(\beta_1, \beta_2)$, for the gradient and for the Hessian
    * `gamma` is $\gamma$, the longest Newton step that is believed. With $0$ every step is a sign step.
    * `eps` is $\epsilon$, more than 0
    * `weight_decay` is a float, for decoupled decay, or a [`WeightDecay`](__init__.py#WeightDecay)
    * `maximize` climbs instead of descending
    * `defaults` are further group entries, for methods that extend this one
    * `options` are `backend` and `check_finite` of the [base](__init__.py#GenericAdaptiveOptimizer)

    Raises `ValueError` for a hyper-parameter out of range.
    """

    def __init__(
        self,
        params,
        lr: float | torch.Tensor = 1e-4,
        betas: tuple[float, float] = (0.96, 0.99),
        gamma: float = 0.05,
        eps: float = 1e-12,
        weight_decay: float | WeightDecay = 0.0,
        *,
        maximize: bool = False,
        defaults: dict[str, Any] | None = None,
        **options: Any,
    ):
        own = {"gamma": gamma, "weight_decay": weight_decay, "maximize": maximize} | (defaults or {})
        super().__init__(params, defaults=own, lr=lr, betas=betas, eps=eps, **options)

    def check_group(self, group: dict[str, Any]) -> None:
        """
        ### Check the hyper-parameters of a group
        """
        super().check_group(group)
        check_number("gamma", group["gamma"])

        # A weight that no input has touched yet has neither gradient nor curvature, and $0 / 0$ is not a step.
        if group["eps"] == 0:
            raise ValueError(f"eps must be more than 0, got {group['eps']!r}")

    def init_state(self, state: dict[str, Any], group: dict[str, Any], param: torch.Tensor) -> None:
        r"""
        ### The state of one parameter
        """

        # $m_0 = 0$ and $h_0 = 0$, under the names of the official code
        state["exp_avg"] = torch.zeros_like(param, memory_format=torch.preserve_format)
        state["hessian"] = torch.zeros_like(param, memory_format=torch.preserve_format)

    @torch.no_grad()
    def update_hessian(self, loss: torch.Tensor, batch_size: int) -> None:
        r"""
        ### Take in an estimate of the Hessian

        * `loss` is $\hat L$, the mean of the [sampled loss](#sampled_loss) over the batch. Its graph is used up.
        * `batch_size` is $B$, the number of predictions in that mean, over all processes

        Call it once in $k$ steps, first before the first of them. The gradients that the parameters hold are put back
        as they were. A parameter that the loss does not reach keeps its $h_t$. Parameters that belong to another
        optimizer receive a gradient as from any backward pass.

        Raises `ValueError` for a loss that has no graph or a batch size that is not a whole number, and `RuntimeError`
        for a sparse gradient, before anything has changed.
        """
        if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
            raise ValueError(f"loss must be a tensor that depends on the parameters, got {loss!r}")
        if not isinstance(batch_size, Integral) or isinstance(batch_size, bool) or batch_size < 1:
            raise ValueError(f"batch_size must be a whole number of predictions, at least 1, got {batch_size!r}")

        # The gradients of the training loss wait aside: nothing of them may get into the estimate, and nothing of the
        # estimate into them.
        members = [(group, param) for group in self.param_groups for param in group["params"]]
        waiting = [param.grad for _, param in members]
        for _, param in members:
            param.grad = None

        # A real backward pass, rather than `torch.autograd.grad`: data parallel training hooks its averaging onto it.
        try:
            loss.backward()
            estimates = [(group, param, param.grad) for group, param in members if param.grad is not None]
        finally:
            for (_, param), grad in zip(members, waiting, strict=True):
                param.grad = grad

        # As in a step: look at every gradient before using the first.
        for _, param, grad in estimates:
            if grad.layout != torch.strided:
                raise RuntimeError(
                    f"{type(self).__name__} needs dense gradients, got one of layout {grad.layout} for a parameter of "
                    f"shape {tuple(param.shape)}"
                )

        for group, param, grad in estimates:
            # Before the first step there is no state yet. To estimate is not to step, so the count stays at zero.
            state = self.state[param]
            self.prepare_state(state, group, param)

            # A complex number is a pair of real ones, each with a curvature of its own.
            h, beta2 = state["hessian"], group["betas"][1]
            if param.is_complex():
                h, grad = torch.view_as_real(h), torch.view_as_real(grad.resolve_conj())

            # $$\hat h_t = B \, \nabla \hat L \odot \nabla \hat L$$
            #
            # $$h_t = \beta_2 h_{t-k} + (1 - \beta_2) \, \hat h_t$$
            h.mul_(beta2).addcmul_(grad, grad, value=(1 - beta2) * batch_size)

    def scalars(self, group: dict[str, Any], step: int) -> dict[str, Any]:
        """
        ### The numbers of one step
        """
        beta1 = group["betas"][0]
        return {
            "one_minus_beta1": 1 - beta1,
            "gamma": float(group["gamma"]),
            "eps": float(group["eps"]),
            "lr": self.learning_rate(group, step),
        }

    def update(self, theta: torch.Tensor, grad: torch.Tensor, state: dict[str, Any], scalars: dict[str, Any]) -> None:
        r"""
        ### One step of one tensor
        """
        m, h = state["exp_avg"], state["hessian"]

        # $$m_t = \beta_1 m_{t-1} + (1 - \beta_1) \, g_t$$
        m.lerp_(grad, scalars["one_minus_beta1"])

        # $$\max(\gamma h_t, \epsilon)$$
        denominator = h.mul(scalars["gamma"]).clamp_min_(scalars["eps"])

        # $$\operatorname{clip} \left( \frac{m_t}{\max(\gamma h_t, \epsilon)}, 1 \right)$$
        #
        # The quotient may overflow where there is no curvature. An infinite one is clipped like any other.
        clipped = m.div(denominator).clamp_(-1.0, 1.0)

        # $$\theta_t = \theta_{t-1}
        # - \alpha_t \operatorname{clip} \left( \frac{m_t}{\max(\gamma h_t, \epsilon)}, 1 \right)$$
        #
        # The decay has been applied to $\theta_{t-1}$ already.
        theta.add_(clipped, alpha=-scalars["lr"])


def sampled_labels(logits: torch.Tensor) -> torch.Tensor:
    r"""
    ## Labels from the model's own distribution

    * `logits` are $z$, of shape `[..., classes]`, of any floating type

    Returns one label $\hat y \sim \operatorname{softmax}(z)$ for each prediction, of shape `[...]`. No gradient flows
    through the choice.
    """

    # In half precision the probabilities of a large vocabulary would be rounded too coarsely to draw from.
    rows = logits.detach().flatten(0, -2) if logits.dim() > 1 else logits.detach().unsqueeze(0)
    labels = torch.multinomial(rows.to(torch.promote_types(rows.dtype, torch.float32)).softmax(-1), 1)
    return labels.reshape(logits.shape[:-1])


def sampled_loss(logits: torch.Tensor) -> torch.Tensor:
    r"""
    ## The loss with sampled labels

    * `logits` are $z$, of shape `[..., classes]`. Leave out positions that the training loss leaves out, such as
      padding: `sampled_loss(logits[mask])`.

    Returns $\hat L$, the mean cross-entropy over all predictions, a scalar for
    [`update_hessian`](#Sophia.update_hessian).
    """
    labels = sampled_labels(logits)
    return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1))
