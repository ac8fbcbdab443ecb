"""The nets as PyTorch's users write them, their losses and optimizers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import (
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
    Tanh,
)
from torch.nn.functional import cross_entropy, mse_loss

from benchmarks.task import Net, Task

__all__ = ["OPTIMIZERS", "load", "loss_of", "net_of", "tensors"]

OPTIMIZERS = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW}


class Pairs(Module):
    """One encoder for both images, a head that compares and one that names each digit."""

    def __init__(self, encoder: Module, features: int, hidden: int, layout: Any) -> None:
        super().__init__()
        self.encoder, self.layout = encoder, layout
        self.compare = Sequential(Linear(2 * features, hidden), ReLU(), Linear(hidden, 2))
        self.name = Linear(features, 10)

    def forward(self, pairs: Tensor) -> dict[str, Tensor]:
        images = pairs.flatten(0, 1).unsqueeze(1)
        if self.layout is not None:
            images = images.contiguous(memory_format=self.layout)
        both = self.encoder(images).unflatten(0, (-1, 2))
        first, second = self.name(both).unbind(1)
        return {"main": self.compare(both.flatten(1)), "first": first, "second": second}


class Distributions(Module):
    """One encoder that gives both digits' logits, and what compares their distributions.

    With ``joint`` both are normalized as one batch, else each digit's images are one.
    """

    def __init__(self, encoder: Module, compare: Module, layout: Any, *, joint: bool) -> None:
        super().__init__()
        self.encoder, self.compare = encoder, compare
        self.layout, self.joint = layout or torch.contiguous_format, joint

    def forward(self, pairs: Tensor) -> dict[str, Tensor]:
        parts = [pairs.transpose(0, 1).flatten(0, 1)] if self.joint else [*pairs.unbind(1)]
        images = [part.unsqueeze(1).contiguous(memory_format=self.layout) for part in parts]
        first, second = torch.cat([self.encoder(each) for each in images]).chunk(2)
        both = torch.stack((first, second), 1)
        return {"main": self.compare(both.softmax(2)), "first": first, "second": second}


class LessEqual(Module):
    """The log of P(first ≤ second) and of its complement, of distributions (N, 2, L)."""

    def forward(self, both: Tensor) -> Tensor:
        first, second = both.unbind(1)
        at_most = (first * second.flip(1).cumsum(1).flip(1)).sum(1)
        return torch.stack((1 - at_most, at_most), 1).clamp(min=1e-12).log()


def net_of(net: Net, layout: Any = None) -> Module:
    """The module, its convolutions in this memory format."""
    made = _net_of(net, layout)
    return made if layout is None else made.to(memory_format=layout)


def _net_of(net: Net, layout: Any) -> Module:
    if net.kind == "mlp":
        pairs = zip(net.widths, net.widths[1:], strict=False)
        layers = [layer for a, b in pairs for layer in (Linear(a, b), ReLU())]
        return Sequential(*layers[:-1], *([Tanh()] if net.loss == "mse" else []))
    if net.kind == "pairs-mlp":
        encoder = Sequential(Flatten(), Linear(196, net.widths[0]), ReLU())
        return Pairs(encoder, net.widths[0], net.widths[0], None)
    if net.kind == "pairs-cnn":
        encoder = Sequential(
            *(Conv2d(1, 16, 3, bias=False), BatchNorm2d(16), MaxPool2d(2), ReLU()),
            *(Conv2d(16, 32, 3, bias=False), BatchNorm2d(32), MaxPool2d(2), ReLU()),
            *(Flatten(), Linear(128, 10)),
        )
        hidden = net.widths[0]
        compare = Sequential(Flatten(), Linear(20, hidden), ReLU(), Linear(hidden, 2))
        return Distributions(encoder, compare, layout, joint=False)
    if net.kind == "pairs-best":
        w = net.widths[0]
        encoder = Sequential(
            *(Conv2d(1, w, 3, bias=False), BatchNorm2d(w), ReLU()),
            *(Conv2d(w, w, 3, bias=False), BatchNorm2d(w), MaxPool2d(2), ReLU()),
            *(Conv2d(w, w, 3, bias=False), BatchNorm2d(w), ReLU()),
            *(Conv2d(w, 2 * w, 3, bias=False), BatchNorm2d(2 * w), ReLU()),
            *(Flatten(), Dropout(0.3), Linear(2 * w, 10)),
        )
        return Distributions(encoder, LessEqual(), layout, joint=True)
    if net.kind == "pairs-conv2":
        encoder = Sequential(
            *(Conv2d(1, 16, 5), ReLU(), Conv2d(16, 32, 3), ReLU()),
            *(Conv2d(32, 64, 3), MaxPool2d(2), ReLU(), Conv2d(64, 128, 2), ReLU(), Flatten()),
        )
        return Pairs(encoder, 512, net.widths[0], layout)
    return Sequential(
        *(Conv2d(1, 6, 5), MaxPool2d(2), ReLU(), Conv2d(6, 16, 5), MaxPool2d(2), ReLU()),
        *(Flatten(), Linear(256, 120), ReLU(), Linear(120, 84), ReLU(), Linear(84, 10)),
    )


def load(net: Module, weights: list[Tensor]) -> None:
    """Take over the first weights."""
    with torch.no_grad():
        for parameter, weight in zip(net.parameters(), weights, strict=True):
            parameter.copy_(weight)


def loss_of(net: Net, y: Any, targets: dict[str, Tensor], aux: Any) -> Tensor:
    """The mean loss of a batch."""
    if net.kind.startswith("pairs"):
        loss = {head: cross_entropy(y[head], targets[head]) for head in y}
        return loss["main"] + aux * (loss["first"] + loss["second"])
    if net.loss == "mse":
        return mse_loss(y, targets["main"])
    return cross_entropy(y, targets["main"])


def tensors(task: Task) -> tuple[Tensor, dict[str, Tensor], list[Tensor], Tensor]:
    """Inputs, targets, weights and orders."""
    targets = {name: torch.from_numpy(target) for name, target in task.targets.items()}
    weights = [torch.from_numpy(weight) for weight in task.weights]
    return torch.from_numpy(task.inputs), targets, weights, torch.from_numpy(task.orders)
