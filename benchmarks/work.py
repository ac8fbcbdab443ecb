"""The cases' work, as declared; and the arrays that every side is then given."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from benchmarks.ours import net_of
from benchmarks.task import Net, Task
from chainrule import nn
from chainrule.data import Dataset, digit_pairs, digits, disk, one_hot, standardize
from chainrule.data.batches import epoch_permutations

__all__ = ["Work"]


@dataclass(frozen=True)
class Work:
    """K trainings of one net.

    - ``lr``, ``aux``: a number, or one a replica.
    - ``samples``: of one training, a multiple of ``batch``.
    - ``alike``: all replicas see the same samples in the same order, as the candidates of a search.
    - ``epochs``: of each timed run; ``replicas`` K.
    """

    name: str
    net: Net
    replicas: int
    samples: int
    batch: int
    epochs: int
    optimizer: str
    lr: float | tuple[float, ...]
    aux: float | tuple[float, ...] = 0.0
    alike: bool = False

    @property
    def steps(self) -> int:
        """Of one replica in a timed run."""
        return self.epochs * (self.samples // self.batch)

    def smaller(self) -> Work:
        """At most three replicas, four batches, two epochs: to compare what is computed."""
        K = min(3, self.replicas)
        lr, aux = (n if isinstance(n, float) else n[:K] for n in (self.lr, self.aux))
        samples = min(self.samples, 4 * self.batch)
        return replace(self, replicas=K, samples=samples, epochs=2, lr=lr, aux=aux)

    def quick(self) -> Work:
        """An epoch of four batches."""
        return replace(self, samples=min(self.samples, 4 * self.batch), epochs=1)

    def task(self, dtype: torch.dtype = torch.float32) -> Task:
        """The arrays."""
        K = self.replicas
        data = data_of(self, [0] if self.alike else [*range(K)])
        targets = data.targets if isinstance(data.targets, dict) else {"main": data.targets}
        net = net_of(self.net)
        # A first init of float32 in either precision, so that both start from the same numbers.
        cohort = net.replicate(K, [0] * K if self.alike else [*range(K)])
        seeds = [0] * K if self.alike else [*range(K)]
        drawn = [
            epoch_permutations(self.samples, seeds[: len(data.inputs)], e)
            for e in range(self.epochs)
        ]
        return Task(
            net=self.net,
            optimizer=self.optimizer,
            batch=self.batch,
            inputs=array(data.inputs, dtype),
            targets={name: array(target, dtype) for name, target in targets.items()},
            weights=[array(p.data, dtype) for p in cohort.parameters()],
            orders=torch.stack(drawn, 1).numpy(),
            lr=np.broadcast_to(np.asarray(self.lr, np.float64), (K,)).copy(),
            aux=np.broadcast_to(np.asarray(self.aux, np.float64), (K,)).copy(),
            seeds=tuple(seeds),
        )

    @property
    def flops(self) -> int:
        """Additions and multiplications in the products of a replica's step.

        Forward, dL/dW and dL/dx, but for the dL/dx of the first layer, which nobody needs.
        """
        rows = nn.summary(net_of(self.net), (self.batch, *sample_of(self.net))).rows
        products = [row.multiply_adds for row in rows if row.multiply_adds]
        return 2 * (3 * sum(products) - products[0])


def array(t: Tensor, dtype: torch.dtype) -> np.ndarray:
    """A copy of it, its floating numbers in this dtype."""
    return np.ascontiguousarray((t.to(dtype) if t.is_floating_point() else t).numpy())


def sample_of(net: Net) -> tuple[int, ...]:
    """The shape of one input."""
    if net.kind.startswith("pairs"):
        return 2, 14, 14
    return (1, 28, 28) if net.kind == "lenet" else net.widths[:1]


def data_of(work: Work, seeds: list[int]) -> Dataset:
    """The samples, a fresh draw for each seed: points, pairs of digits, digits."""
    if work.net.kind.startswith("pairs"):
        return standardize(digit_pairs(work.samples, seed=seeds))[0][0]
    if work.net.widths[:1] == (2,):
        points = standardize(disk(work.samples, seed=seeds))[0][0]
        return Dataset(points.inputs, one_hot(points.targets, 2, -1.0, 1.0), len(seeds))
    if work.net.kind == "mlp" and work.net.widths[0] != 28 * 28:
        return made_table(work, len(seeds))
    images = digits()
    chosen = epoch_permutations(len(images), seeds, 0)[:, : work.samples]
    return flattened(images.subset(chosen), work.net)


def made_table(work: Work, replicas: int) -> Dataset:
    """Columns of numbers and classes that mean nothing: what is measured does not see them."""
    features, *_, classes = work.net.widths
    drawn = torch.Generator().manual_seed(0)
    inputs = torch.randn(replicas, work.samples, features, generator=drawn)
    targets = torch.randint(0, classes, (replicas, work.samples), generator=drawn)
    return Dataset(inputs, targets, replicas)


def flattened(images: Dataset, net: Net) -> Dataset:
    """Images as the net takes them."""
    inputs = images.inputs if net.kind == "lenet" else images.inputs.flatten(2)
    return Dataset(inputs.contiguous(), images.targets, images.replicas)
