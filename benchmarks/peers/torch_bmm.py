"""All replicas of a dense net packed, as TabPack does: each layer is one batched product.

The loss is the sum of theirs, so that each has the gradient of its own; autograd goes back.
"""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmarks.peers.torch_func import gathered, update_of
from benchmarks.peers.torch_nets import tensors
from benchmarks.task import Runner, Task

__all__ = ["Side"]


@final
class Side(Runner):
    """For nets of linear layers and ReLU with classes as targets."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.inputs, self.targets, self.weights, self.orders = tensors(task)
        self.reset()

    def reset(self) -> None:
        self.params = [weight.clone().requires_grad_() for weight in self.weights]
        with torch.no_grad():
            self.update = update_of(self.task, self.params)

    def train(self, epochs: int) -> np.ndarray:
        return torch.stack([self._epoch(epoch) for epoch in range(epochs)]).numpy()

    def _epoch(self, epoch: int) -> Tensor:
        """The mean loss of each replica (K,)."""
        order, batch = self.orders[:, epoch], self.task.batch
        x = gathered(self.inputs, order, batch)
        targets = gathered(self.targets["main"], order, batch)
        losses = []
        for values, classes in zip(x, targets, strict=True):
            loss = self._losses(values, classes)
            gradients = torch.autograd.grad(loss.sum(), self.params)
            with torch.no_grad():
                self.update([*gradients])
            losses.append(loss.detach())
        return torch.stack(losses).mean(0)

    def _losses(self, x: Tensor, classes: Tensor) -> Tensor:
        """(K,) of a batch (K, B, D), or (B, D) that all see."""
        K = self.task.K
        x = x.expand(K, *x.shape[-2:])
        layers = len(self.params) // 2
        for i, (w, b) in enumerate(zip(self.params[::2], self.params[1::2], strict=True)):
            x = torch.baddbmm(b.unsqueeze(1), x, w.transpose(1, 2))
            x = x.relu() if i < layers - 1 else x
        each = cross_entropy(
            x.flatten(0, 1), classes.expand(K, x.shape[1]).flatten(), reduction="none"
        )
        return each.reshape(K, -1).mean(1)
