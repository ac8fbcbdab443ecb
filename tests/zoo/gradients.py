"""Which parameters of a net have no gradient, on data and in float64."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from chainrule import nn

ROUNDING = 1e-11


def find_useless_parameters(
    net: nn.Module, x: Tensor, criterion: nn.Loss, target: Any
) -> list[str]:
    """Those whose gradient is nothing beside the largest, at first weights of three seeds."""
    useless = set(dict(net.named_parameters()))
    net.to(torch.float64).train()
    for seed in range(3):
        net.initialize(seed).zero_grad()
        criterion(net(x), target)
        net.backward(criterion.backward(), input_grad=False)
        sizes = {name: float(p.grad.abs().max()) for name, p in net.named_parameters()}
        useless &= {name for name in sizes if sizes[name] <= ROUNDING * max(sizes.values())}
    return sorted(useless)
