"""PyTorch, one net after the other: the loop that people write, written well.

Data are in memory, an epoch's samples are gathered once and its batches are views; no ``.item()``
in the loop. Images are warped by ours, which is made of PyTorch's operations. Which form of the
optimizer, and for convolutions which memory format, is quicker here is found out before: both are
tried on the first replica. With ``compiled`` the net and its loss are compiled, forward and
backward.
"""

from __future__ import annotations

import time
from itertools import product
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from benchmarks.peers.torch_nets import OPTIMIZERS, load, loss_of, net_of, tensors
from benchmarks.task import Runner, Task
from chainrule.data import Warp

__all__ = ["Side"]

FORMS: dict[str, dict[str, bool]] = {
    "for-loop": {"foreach": False},
    "foreach": {"foreach": True},
    "fused": {"fused": True},
}
LAYOUTS = {"contiguous": None, "channels_last": torch.channels_last}


@final
class Side(Runner):
    """``forms``: the forms of the optimizer to choose from, all by default."""

    def __init__(self, task: Task, compiled: bool = False, forms: tuple[str, ...] = ()) -> None:
        super().__init__(task)
        self.inputs, self.targets, self.weights, self.orders = tensors(task)
        self.compiled = compiled
        self.warp = Warp(gamma=0.5) if task.net.is_warped else None
        convolves = any(weight.ndim == 5 for weight in task.weights)
        layouts = [*LAYOUTS] if convolves else ["contiguous"]
        choices = [*product(layouts, forms or FORMS)]
        self.layout, self.form = min(choices, key=self._seconds) if choices[1:] else choices[0]
        self.note = f"{self.form} optimizer" + f", {self.layout}" * convolves
        self.reset()

    def reset(self) -> None:
        self.sides = [self._made(k) for k in range(self.task.K)]

    def _made(self, k: int) -> tuple[Any, torch.optim.Optimizer]:
        """The loss of replica k as a function of its batch, and its optimizer."""
        net = net_of(self.task.net, LAYOUTS[self.layout]).to(self.weights[0].dtype)
        load(net, [weight[k] for weight in self.weights])
        cls, lr = OPTIMIZERS[self.task.optimizer], float(self.task.lr[k])
        optimizer = cls(net.parameters(), lr=lr, **FORMS[self.form])
        spec, aux = self.task.net, float(self.task.aux[k])

        def loss(x: Tensor, targets: dict[str, Tensor]) -> Tensor:
            return loss_of(spec, net(x), targets, aux)

        return torch.compile(loss) if self.compiled else loss, optimizer

    def _seconds(self, choice: tuple[str, str]) -> float:
        """Of a few steps of the first replica, the best of three after one to warm up."""
        self.layout, self.form = choice
        made, times = self._made(0), []
        for _ in range(4):
            start = time.perf_counter()
            self._epoch(0, 0, *made, most=5)
            times.append(time.perf_counter() - start)
        return min(times[1:])

    def train(self, epochs: int) -> np.ndarray:
        curves = []
        for k, made in enumerate(self.sides):
            curves.append(torch.stack([self._epoch(k, epoch, *made) for epoch in range(epochs)]))
        return torch.stack(curves, 1).numpy()

    def _epoch(
        self,
        k: int,
        epoch: int,
        loss: Any,
        optimizer: torch.optim.Optimizer,
        most: int | None = None,
    ) -> Tensor:
        """The mean loss; of ``most`` batches alone."""
        order = mine(self.orders, k)[epoch][: None if most is None else most * self.task.batch]
        x = mine(self.inputs, k)[order].split(self.task.batch)
        targets = {h: mine(t, k)[order].split(self.task.batch) for h, t in self.targets.items()}
        losses = []
        for i, batch in enumerate(x):
            optimizer.zero_grad()
            step = epoch * len(self.orders[0, 0]) // self.task.batch + i
            if self.warp is not None:
                batch = self.warp(batch[None], [self.task.seeds[k]], step)[0]
            value = loss(batch, {head: of[i] for head, of in targets.items()})
            value.backward()
            optimizer.step()
            losses.append(value.detach())
        return torch.stack(losses).mean()


def mine(t: Tensor, k: int) -> Tensor:
    """Replica k's of (K or 1, …)."""
    return t[0 if len(t) == 1 else k]
