"""What every side is given: arrays and numbers. Nothing of ours is imported here, nor of theirs.

Letters: K replicas, N samples, B samples a batch, E epochs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = ["Net", "Runner", "Task"]


@dataclass(frozen=True)
class Net:
    """Which net, in words that every side understands.

    - ``"mlp"``: linear layers of these ``widths``, ReLU between them; with ``loss="mse"`` tanh at
      the end and targets of ±1, with ``"cross-entropy"`` logits and classes.
    - ``"pairs-mlp"``, ``"pairs-conv2"``: two digits 14 x 14, one encoder for both, ``widths[0]``
      units in the head that compares and λ times the loss of two more that name the digits.
    - ``"pairs-cnn"``: the digits' distributions from two normalized convolutions, compared.
    - ``"pairs-best"``: four normalized convolutions, dropout, images warped in each step, and a
      comparison with nothing to learn.
    - ``"lenet"``: two convolutions 5 x 5 with pooling, 256-120-84-10.
    """

    kind: str
    widths: tuple[int, ...] = ()
    loss: str = "cross-entropy"

    @property
    def is_warped(self) -> bool:
        """Whether the images of each batch are warped."""
        return self.kind == "pairs-best"


@dataclass(frozen=True)
class Task:
    """K trainings of one net.

    inputs (K or 1, N, …)         a leading 1: the same for all
    targets name → (K or 1, N …)  "main", and for pairs "first" and "second"
    weights (K, …) each           in the order weight, bias, layer by layer; heads come last
    orders (K or 1, E, N)         which sample comes when, in each epoch
    lr, aux (K,)                  learning rates; weights of the auxiliary losses
    seeds K of them               of the orders, for the side that draws them itself
    """

    net: Net
    optimizer: str
    batch: int
    inputs: np.ndarray
    targets: dict[str, np.ndarray]
    weights: list[np.ndarray]
    orders: np.ndarray
    lr: np.ndarray
    aux: np.ndarray
    seeds: tuple[int, ...]

    @property
    def K(self) -> int:
        """How many trainings."""
        return len(self.lr)

    @property
    def N(self) -> int:
        """Samples of one training; a multiple of the batch."""
        return self.inputs.shape[1]

    def part(self, low: int, high: int) -> Task:
        """The trainings low … high − 1."""

        def cut(array: np.ndarray) -> np.ndarray:
            return array if len(array) == 1 else array[low:high]

        return replace(
            self,
            inputs=cut(self.inputs),
            targets={name: cut(target) for name, target in self.targets.items()},
            weights=[weight[low:high] for weight in self.weights],
            orders=cut(self.orders),
            lr=self.lr[low:high],
            aux=self.aux[low:high],
            seeds=self.seeds[low:high],
        )

    def tiny(self) -> Task:
        """The first training on a handful of samples, in one step: to load what a library loads."""
        few = min(self.batch, 8)
        one = self.part(0, 1)
        return replace(
            one,
            batch=few,
            inputs=one.inputs[:, :few],
            targets={name: target[:, :few] for name, target in one.targets.items()},
            orders=np.arange(few)[None, None],
        )


class Runner(ABC):
    """One side's way to do a task. It is made once; ``note`` says what it chose, if anything."""

    note = ""

    def __init__(self, task: Task, **options: Any) -> None:
        self.task = task

    @abstractmethod
    def reset(self) -> None:
        """Go back to the first weights; not timed."""

    @abstractmethod
    def train(self, epochs: int) -> np.ndarray:
        """Train so many epochs and return the mean loss of each: (E, K)."""
