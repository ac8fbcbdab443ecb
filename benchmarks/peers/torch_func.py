"""``torch.func``: all replicas at once by ``vmap`` of ``grad``, over stacked parameters.

The update is PyTorch's own fused one over the stacked parameters; where learning rates differ, the
same formulas by ``foreach``. With ``compiled`` the gradients are compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, vmap

from benchmarks.peers.torch_nets import OPTIMIZERS, loss_of, net_of, tensors
from benchmarks.task import Runner, Task

__all__ = ["Side"]

Update = Callable[[list[Tensor]], None]


@final
class Side(Runner):
    """All replicas in one program."""

    def __init__(self, task: Task, compiled: bool = False) -> None:
        super().__init__(task)
        self.inputs, self.targets, self.weights, self.orders = tensors(task)
        self.aux = torch.from_numpy(task.aux).to(self.weights[0].dtype)
        net = net_of(task.net).to("meta")
        self.names = [name for name, _ in net.named_parameters()]

        def loss(params: dict[str, Tensor], x: Tensor, targets: Any, aux: Tensor) -> Tensor:
            return loss_of(task.net, functional_call(net, params, (x,)), targets, aux)

        each = None if len(self.orders) == 1 and len(self.inputs) == 1 else 0
        gradients = vmap(grad_and_value(loss), in_dims=(0, each, each, 0))
        self.gradients = torch.compile(gradients) if compiled else gradients
        self.reset()

    def reset(self) -> None:
        self.params = [weight.clone() for weight in self.weights]
        self.update = update_of(self.task, self.params)

    @torch.no_grad()
    def train(self, epochs: int) -> np.ndarray:
        return torch.stack([self._epoch(epoch) for epoch in range(epochs)]).numpy()

    def _epoch(self, epoch: int) -> Tensor:
        """The mean loss of each replica (K,)."""
        order = self.orders[:, epoch]
        x = gathered(self.inputs, order, self.task.batch)
        targets = {h: gathered(t, order, self.task.batch) for h, t in self.targets.items()}
        params = dict(zip(self.names, self.params, strict=True))
        losses = []
        for i, batch in enumerate(x):
            now = {head: of[i] for head, of in targets.items()}
            gradients, loss = self.gradients(params, batch, now, self.aux)
            self.update([gradients[name] for name in self.names])
            losses.append(loss)
        return torch.stack(losses).mean(0)


def gathered(data: Tensor, order: Tensor, batch: int) -> list[Tensor]:
    """The batches of an epoch: (K, B, …) each, or (B, …) where all see the same."""
    K = max(len(data), len(order))
    if K == 1:
        return [*data[0][order[0]].split(batch)]
    rows = torch.arange(len(data)).unsqueeze(1) * data.shape[1] + order
    flat = data.flatten(0, 1).index_select(0, rows.flatten())
    return [*flat.reshape(K, -1, *data.shape[2:]).split(batch, 1)]


def update_of(task: Task, params: list[Tensor]) -> Update:
    """What moves the parameters along their gradients."""
    if task.optimizer == "Adam" and len(set(task.lr.tolist())) > 1:
        return adam(params, torch.from_numpy(task.lr).to(params[0].dtype))
    optimizer = OPTIMIZERS[task.optimizer](params, lr=float(task.lr[0]), fused=True)

    def update(gradients: list[Tensor]) -> None:
        for p, g in zip(params, gradients, strict=True):
            p.grad = g
        optimizer.step()

    return update


def adam(params: list[Tensor], lr: Tensor) -> Update:
    """Adam with a learning rate a replica, a few operations for all parameters."""
    rates = [lr.reshape(-1, *[1] * (p.ndim - 1)) for p in params]
    mean, square = ([torch.zeros_like(p) for p in params] for _ in range(2))
    steps = 0

    def update(gradients: list[Tensor]) -> None:
        nonlocal steps
        steps += 1
        torch._foreach_lerp_(mean, gradients, 0.1)
        torch._foreach_mul_(square, 0.999)
        torch._foreach_addcmul_(square, gradients, gradients, 0.001)
        below = torch._foreach_sqrt(square)
        torch._foreach_div_(below, (1 - 0.999**steps) ** 0.5)
        torch._foreach_add_(below, 1e-8)
        change = torch._foreach_div(mean, below)
        torch._foreach_mul_(change, rates)
        torch._foreach_add_(params, change, alpha=-1 / (1 - 0.9**steps))

    return update
