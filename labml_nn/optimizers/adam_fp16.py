r"""
---
title: Adam for half precision
summary: Adam for float16 and bfloat16 parameters in PyTorch - a master copy in float32, and loss scaling that works.
paper:
  title: Mixed Precision Training
  authors: [Paulius Micikevicius, Sharan Narang, Jonah Alben, Gregory Diamos, Erich Elsen, David Garcia,
            Boris Ginsburg, Michael Houston, Oleksii Kuchaiev, Ganesh Venkatesh, Hao Wu]
  year: 2017
  arxiv: "1710.03740"
standalone: AdamFP16
notebook: true
symbols:
  theta: [\theta_t, \theta_0]
  master: [\Theta_t, '\Theta_{t-1}', \Theta_0]
  grad: g_t
  scale: s
  inverse_scale: \frac{1}{s}
---

# Adam for half precision

A network whose weights and gradients are 16 bits wide takes half the memory and, on hardware made for it, a fraction of
the time. Forward and backward passes bear it well. The optimizer does not.

* **Small steps vanish.** Just below 1, float16 counts in steps of $2^{-11} \approx 0.0005$ and bfloat16 in steps of
  $2^{-8} \approx 0.004$. Half of that is lost in rounding. With a learning rate of $10^{-4}$, a weight near 1 stays
  where it is in either type, for as many steps as one likes.
* **Small squares vanish.** The smallest positive float16 is $2^{-24} \approx 6 \cdot 10^{-8}$. Adam adds
  $(1 - \beta_2) \, g_t^2$ to its second moment, and with $\beta_2 = 0.999$ that is zero for
  $\lvert g_t \rvert \leq 0.005$.
* **Epsilon vanishes.** $10^{-8}$ is zero in float16. With a second moment of zero, Adam then divides by zero.
* **Averages stick.** In bfloat16, $0.999 \, v_{t-1}$ rounds back to $v_{t-1}$.
* **Small gradients vanish**, in float16, before the optimizer sees them.

[Mixed Precision Training](https://arxiv.org/abs/1710.03740) cures the first four with a *master copy* of the weights in
float32, and the last with *loss scaling*.

## The master copy

The model holds $\theta_t$ in half precision. The optimizer holds $\Theta_t$, the same weights in float32, together
with Adam's two moments in float32:

\begin{align}
\Theta_t &= \Theta_{t-1} - \alpha_t \frac{m_t}{\sqrt{v_t} + \hat\epsilon_t} \\
\theta_t &= \operatorname{round}(\Theta_t)
\end{align}

[Adam](adam.py) does the first line, with weight decay and all else it has. Many small steps add up in $\Theta_t$
until they are large enough to show in $\theta_t$. Nothing is rounded but the gradient that comes in and the weight that
goes out. Given the same gradients, the master copy is, bit for bit, the weight that float32 training would have.

The state keeps the copy as `master`. At a parameter's first step it is filled from the parameter.

**The master copy is the truth.** A weight that is changed by hand, say clamped or loaded from a file in the middle of
training, is overwritten at the next step. Change `optimizer.state[param]["master"]` along with it, or begin with
a new optimizer.

## Loss scaling

Backward passes are linear: the gradients of $s L$ are $s$ times those of $L$. Many gradients of a network are below
$6 \cdot 10^{-8}$, while few come near the other end of float16, which is 65,504. So multiply the loss by some
large $s$ and divide the gradients by it once they are in float32:

$$g_t = \frac{1}{s} \nabla (s L)$$

If $s$ is too large, gradients overflow to infinity. That is easy to see, and the remedy is to skip the step and try
a smaller $s$. `torch.amp.GradScaler` does all that, and this optimizer works with it:

```python
model = Model().half()
optimizer = AdamFP16(model.parameters(), lr=1e-3)
scaler = torch.amp.GradScaler(device.type)

for inputs, targets in batches:
    optimizer.zero_grad()
    loss = functional.cross_entropy(model(inputs.half()).float(), targets)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
```

* Compute the loss in float32, as here with `.float()`. The scaler starts at $s = 65{,}536$, and a loss in float16
  would be infinite after it.
* A skipped step changes nothing, neither weights nor moments nor the count of steps.
* bfloat16 has the range of float32 and needs no scaler.
* A fixed scale is a scaler that does not grow: `GradScaler(init_scale=1024.0, growth_interval=10**9)`.

**Clipping gradients** needs them unscaled, and `scaler.unscale_(optimizer)` refuses float16 gradients: divided by $s$
in float16 they would vanish as if never scaled. To clip them scaled is no way out. Their norm is infinite once it
exceeds 65,504, and clipping then sets all of them to zero without a word. Have the gradients accumulated in float32
instead:

```python
for param in model.parameters():
    param.grad_dtype = torch.float32
```

After that the usual order works, `unscale_`, `clip_grad_norm_`, `step`, `update`, and micro-batches add up without
rounding. It costs two more bytes a weight, and PyTorch asks for caution: a copied or converted model forgets it.

## Where this differs from others

* **`torch.amp.autocast`** leaves the parameters in float32 and makes half copies of them for each forward pass. Then
  the parameters are their own master copy, and plain [Adam](adam.py) is the optimizer to take. The mixed precision
  of FSDP2 does likewise, and sends half precision between devices too.
* **`torch.optim.Adam`** on half parameters keeps its moments in half precision, with all that is said above.
* **Unscaling.** PyTorch's scaler unscales gradients in place, in their own precision. Only for optimizers that ask for
  it does it leave them scaled, as for `torch.optim.Adam(fused=True)`. This one asks for it and unscales in float32.
* **Loading.** PyTorch casts the state to the type of the parameters when it loads a checkpoint. The master copy would
  lose all that it is for, without a word. Here it stays as it was saved, and training resumes bit for bit.

## When to use it, and when not

| bytes for each weight | parameter | gradient | master | moments | sum |
| --- | --- | --- | --- | --- | --- |
| float32, or `autocast` without its half copies | 4 | 4 | | 8 | 16 |
| AdamFP16 | 2 | 2 | 4 | 8 | 16 |
| half precision throughout | 2 | 2 | | 4 | 8 |

It saves no memory over `autocast`, but for the half copies that autocast keeps during a step. What it saves is
traffic: weights are read, and gradients written and averaged over processes, at 2 bytes each. Use it

* for models that come in half precision and should stay so, in fine-tuning above all
* where the averaging of gradients over processes is what takes the time

Use `autocast` otherwise. It runs the parts that need it, such as softmax, normalisation and losses, in float32. In a
model that is half throughout, that is for its author to do.

A model may mix types. Parameters in float32, such as those of normalisation layers, get no master copy here and are
trained as Adam trains them.
"""

from __future__ import annotations

from typing import Any

import torch

from labml_nn.optimizers.adam import Adam


class AdamFP16(Adam):
    """
    ## Adam with a master copy

    The arguments are those of [Adam](adam.py#Adam). Each parameter of less than 32 bits gets a master copy in its
    state.
    """

    # This is how `GradScaler` knows that it should leave the gradients scaled. It then sets two attributes for the
    # time of a step, `grad_scale` and `found_inf`.
    _step_supports_amp_scaling = True

    def init_state(self, state: dict[str, Any], group: dict[str, Any], param: torch.Tensor) -> None:
        r"""
        ### The state of one parameter
        """

        # $\Theta_0 = \theta_0$, exactly: every half precision number is a float32 number.
        if needs_master(param):
            state["master"] = param.detach().to(precise(param))

        # The moments are as the master copy is.
        super().init_state(state, group, state.get("master", param))

    def scalars(self, group: dict[str, Any], step: int) -> dict[str, Any]:
        r"""
        ### The numbers of one step
        """
        scalars = super().scalars(group, step)

        # $1 / s$. There is no scale without a scaler, nor after the scaler's `unscale_`, which has divided already.
        scale = getattr(self, "grad_scale", None)
        if scale is not None:
            scalars["inverse_scale"] = 1 / float(scale)

        return scalars

    def step_tensor(
        self, theta: torch.Tensor, grad: torch.Tensor, state: dict[str, Any], scalars: dict[str, Any]
    ) -> None:
        r"""
        ### The whole step of one tensor
        """

        # First to float32, then divide: the other way round small gradients would be lost.
        grad = grad.to(state["exp_avg"].dtype)

        # $$g_t = \frac{1}{s} \nabla (s L)$$
        #
        # Not in place, as the gradient belongs to the caller.
        if "inverse_scale" in scalars:
            grad = grad * scalars["inverse_scale"]

        # A parameter in float32 is its own master.
        if "master" not in state:
            super().step_tensor(theta, grad, state, scalars)
            return

        # $$\Theta_t = \Theta_{t-1} - \alpha_t \frac{m_t}{\sqrt{v_t} + \hat\epsilon_t}$$
        #
        # Adam's step, decay included, with the master copy for its parameter
        master = state["master"]
        super().step_tensor(master, grad, state, scalars)

        # $$\theta_t = \operatorname{round}(\Theta_t)$$
        theta.copy_(master)

    def step_all(self) -> None:
        """
        ### Step

        Does nothing when the scaler has found a gradient that is not finite.
        """
        found_inf = getattr(self, "found_inf", None)
        if found_inf is None or not found_inf.item():
            super().step_all()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        r"""
        ### Load a checkpoint

        The state is float32 after loading as it was before saving. Load the model's weights first: a checkpoint of
        plain Adam has no master copy, and then it is made from the weights that are there.
        """

        # PyTorch casts in the middle of loading. Two hooks stand around it: one that sees what is about to be loaded,
        # after all other hooks have changed it, and one that mends the result, before other hooks see it.
        saved: dict[str, Any] = {}
        before = self.register_load_state_dict_pre_hook(lambda _, final: saved.update(final))
        after = self.register_load_state_dict_post_hook(lambda _: self.restore(saved), prepend=True)
        try:
            super().load_state_dict(state_dict)
        finally:
            before.remove()
            after.remove()

    def check_state(self, state: dict[str, Any], group: dict[str, Any], param: torch.Tensor) -> None:
        """
        ### Check the state of one parameter

        The checkpoint may be of a model in another precision, or of plain Adam. Then there is a master copy too few
        or too many.
        """
        if not needs_master(param):
            state.pop("master", None)
        elif "master" not in state:
            state["master"] = param.detach().to(precise(param))

        super().check_state(state, group, param)

    def restore(self, saved: dict[str, Any]) -> None:
        """
        ### Undo the cast

        `saved` is the checkpoint. Its parameters are numbered, ours are tensors, and both are in the same order.
        """
        numbers = [number for group in saved["param_groups"] for number in group["params"]]
        params = [param for group in self.param_groups for param in group["params"]]

        for number, param in zip(numbers, params, strict=True):
            state = self.state.get(param)
            if not state:
                continue

            # Everything is copied, for the checkpoint may be the state of an optimizer that goes on.
            state["step"] = state["step"].clone()
            for key, value in saved["state"][number].items():
                if key in state and key != "step" and isinstance(value, torch.Tensor):
                    state[key] = value.to(device=param.device, dtype=precise(param), copy=True)


def precise(param: torch.Tensor) -> torch.dtype:
    """
    ## The type of a parameter's state

    That of the parameter, and float32 at least.
    """
    return torch.promote_types(param.dtype, torch.float32)


def needs_master(param: torch.Tensor) -> bool:
    """
    ## Is a parameter too coarse to be trained in place?
    """
    return precise(param) != param.dtype
