#!/usr/bin/env python
# Copyright of nobody. This file shows what a page is made of.
r"""
---
title: A page of everything
summary: One of each thing that the generator knows.
---

# Everything, with $e^{i\pi} = -1$

Text with *emphasis*, `code`, a [link to a class](#Ball), one [to a line](#L49) and a footnote[^1].

* a list with $\alpha < \beta$
* of two

\begin{align}
x_t &= x_{t-1} + v_t \\
v_t &= \mu v_{t-1}
\end{align}

| symbol | meaning |
|---|---|
| $\mu$ | friction, `mu` |

[^1]: It costs $5, or \$6.
"""

from __future__ import annotations

import math  # noqa: F401

# ## Constants
#
# A comment stands beside the code below it, and `__init__` is not bold.
MU = 0.9

# This one stands alone.

#
SCALES = {
    # the small
    "small": 1.0,
    # and the large
    "large": 10.0,
}


class Ball:
    """
    ### A ball that rolls
    """

    friction = MU

    # old_friction = 0.5
    def roll(self, steps: int) -> float:
        r"""Roll for $t$ `steps`, by \[ x_t = \sum_{i \le t} \mu^i v_0. \]"""
        x = 0.0
        for step in range(steps):
            # $\mu^i$
            x += self.friction**step
        else:
            return x

    def __repr__(self):
        return f"Ball(<{self.friction}> & more)"
