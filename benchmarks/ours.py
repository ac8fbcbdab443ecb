"""Our side, through the public Trainer, as a study uses it: cohorts as wide as the cache allows."""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final

import numpy as np
import torch

from benchmarks.task import Net, Runner, Task
from chainrule import nn, optim, zoo
from chainrule.data import Dataset, Warp
from chainrule.recipes.cost import count_numbers
from chainrule.study.execution.cohorts import CACHE_BYTES, MAX_REPLICAS
from chainrule.train import Trainer, build_kernel

__all__ = ["Side", "net_of"]

PAIRS = {"pairs-mlp": zoo.pair_mlp, "pairs-conv2": zoo.pair_conv2, "pairs-cnn": zoo.pair_cnn}


def net_of(net: Net) -> nn.Module:
    """A plain net."""
    if net.kind == "pairs-best":
        return zoo.pair_best(net.widths[0])
    if net.kind.startswith("pairs"):
        return PAIRS[net.kind](net.widths[0], share=True, aux=True)
    if net.kind == "lenet":
        return nn.Sequential(
            *(nn.Conv2d(1, 6, 5), nn.MaxPool2d(2), nn.ReLU()),
            *(nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
        )
    layers = [layer for a, b in pairwise(net.widths) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1], *([nn.Tanh()] if net.loss == "mse" else []))


@final
class Side(Runner):
    """One or several cohorts, one after the other."""

    def __init__(
        self,
        task: Task,
        width: int | None = None,
        *,
        plain: bool = False,
        bfloat16: bool = False,
    ) -> None:
        super().__init__(task)
        if not plain:
            build_kernel(torch.from_numpy(task.inputs).dtype)  # who does not wait trains without
        n = ceil(task.K / (width or width_of(task)))
        ends = [task.K * i // n for i in range(n + 1)]
        self.cohorts = [cohort(task.part(a, b), compiled=not plain) for a, b in pairwise(ends)]
        for trainer, _ in self.cohorts:
            trainer.net.set_matmul_dtype(torch.bfloat16 if bfloat16 else None)
        self.folder = TemporaryDirectory()
        for i, (trainer, _) in enumerate(self.cohorts):
            trainer.save(self._file(i))
        self.note = f"{n} cohort(s) of at most {ceil(task.K / n)}"

    def _file(self, i: int) -> Path:
        return Path(self.folder.name) / f"{i}.safetensors"

    def reset(self) -> None:
        for i, (trainer, _) in enumerate(self.cohorts):
            trainer.load(self._file(i))

    def train(self, epochs: int) -> np.ndarray:
        curves = [
            trainer.fit(data, epochs=epochs, progress=False)["train_loss"]
            for trainer, data in self.cohorts
        ]
        return torch.cat([curve.reshape(epochs, -1) for curve in curves], 1).numpy()


def width_of(task: Task) -> int:
    """How many replicas share a cohort: what a study takes, so that a step fits the cache."""
    sample = tuple(task.inputs.shape[2:])
    rows = nn.summary(net_of(task.net), (1, *sample)).rows
    outputs = sum(count_numbers(row.output) for row in rows)
    copies = 4 * sum(weight[0].size for weight in task.weights)
    return max(1, min(MAX_REPLICAS, CACHE_BYTES // (4 * (copies + task.batch * outputs))))


def cohort(task: Task, *, compiled: bool) -> tuple[Trainer, Dataset]:
    """The trainer of a task, and its data; a plain net for a single training."""
    plain = net_of(task.net).to(torch.from_numpy(task.inputs).dtype)
    net: nn.Module = plain if task.K == 1 else plain.replicate(task.K)
    for parameter, weight in zip(net.parameters(), task.weights, strict=True):
        parameter.data.copy_(torch.from_numpy(weight).reshape(parameter.data.shape))
    rule = {"SGD": optim.SGD, "Adam": optim.Adam, "AdamW": optim.AdamW}[task.optimizer]
    trainer = Trainer(
        net,
        loss_of(task),
        rule(net, lr=number(task.lr)),
        batch_size=task.batch,
        seed=task.seeds[0] if task.K == 1 else list(task.seeds),
        augment=Warp(gamma=0.5) if task.net.is_warped else None,
        compile="auto" if compiled else False,
    )
    return trainer, data_of(task)


def loss_of(task: Task) -> nn.Loss:
    """The criterion."""
    if task.net.kind.startswith("pairs"):
        return zoo.pair_loss(number(task.aux))
    return nn.MSELoss() if task.net.loss == "mse" else nn.CrossEntropyLoss()


def number(values: np.ndarray) -> float | torch.Tensor:
    """One number where all are the same, else a number a replica."""
    return float(values[0]) if (values == values[0]).all() else torch.from_numpy(values)


def data_of(task: Task) -> Dataset:
    """The samples, with replicas or for a single training without."""
    inputs = torch.from_numpy(task.inputs)
    targets = {name: torch.from_numpy(target) for name, target in task.targets.items()}
    named = targets if len(targets) > 1 else targets["main"]
    data = Dataset(inputs, named, task.K)
    return data.replica(0) if task.K == 1 else data
