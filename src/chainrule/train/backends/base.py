"""What computes the steps of an epoch: a trainer asks it, and does not know which one it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from chainrule.data import Dataset
from chainrule.data.batches import epoch_permutations
from chainrule.errors import ChainruleError
from chainrule.train.state import TrainState

__all__ = [
    "Backend",
    "BackendStatus",
    "CompileError",
    "Compiled",
    "EpochOutput",
    "Plain",
    "QuietEpoch",
    "stack_orders",
]


class CompileError(ChainruleError, ValueError):
    """The kernel does not do what ``compile=True`` insists on; the message says what is missing."""


class EpochOutput(NamedTuple):
    """What the steps of an epoch leave behind.

    loss (K,) or (), that of all samples together, as they were trained on; active bool (steps, K
    or 1), who was still finite in each step; metrics name → (K,) or (), of the outputs for the
    batches, where they are wanted.
    """

    loss: Tensor
    active: Tensor
    metrics: Mapping[str, Tensor]


def stack_orders(orders: Sequence[Tensor]) -> Tensor:
    """The order (K, N) of each epoch as one tensor; that of a single one is not copied."""
    return orders[0][None] if len(orders) == 1 else torch.stack([*orders])


class QuietEpoch(NamedTuple):
    """What an epoch leaves that nobody looks at in between.

    loss (K,) or (); metrics name → (K,) or (), as of an EpochOutput; test_output, the net's for
    the test set after it, or None.
    """

    loss: Tensor
    metrics: Mapping[str, Tensor]
    test_output: Any


class BackendStatus(ABC):
    """Which way the epochs of a training are computed; ``str`` says it in words.

    ``kernel``: which one takes part, by the key that it is kept under; or "".
    """

    kernel: str = ""

    @abstractmethod
    def __str__(self) -> str: ...


@final
@dataclass(frozen=True)
class Plain(BackendStatus):
    """By the layers themselves; ``reason`` says why, unless nothing else was asked for."""

    reason: str = ""

    def __str__(self) -> str:
        return f"plain: {self.reason}" if self.reason else "plain"


@final
@dataclass(frozen=True)
class Compiled(BackendStatus):
    """By the compiled kernel, whole epochs at a time."""

    kernel: str = field(default="", compare=False)

    def __str__(self) -> str:
        return "compiled"


class Backend(ABC):
    """A way to compute epochs. Data sets have the net's replicas."""

    @property
    @abstractmethod
    def status(self) -> BackendStatus:
        """Which way the last epoch was computed, or the next will be."""

    @abstractmethod
    def prepare(self, state: TrainState, train: Dataset) -> BackendStatus:
        """Look at a training anew, where anything may be another: before a fit, and each epoch."""

    @abstractmethod
    def use_threads(self, state: TrainState, train: Dataset) -> AbstractContextManager[None]:
        """In here, the epochs are trained: who computes them has the threads."""

    @abstractmethod
    def train_epoch(self, state: TrainState, train: Dataset, order: Tensor) -> EpochOutput:
        """The steps of an epoch, its samples in this order (K, N); ``state.steps`` counts them."""

    def draw_orders(self, state: TrainState, N: int, epochs: Iterable[int]) -> Tensor:
        """The order of N samples for each replica in each of these epochs (E, K, N)."""
        return stack_orders([epoch_permutations(N, state.seeds, epoch) for epoch in epochs])

    def epochs_at_once(self, state: TrainState, train: Dataset, test: Dataset | None) -> int:
        """How many epochs ``train_epochs`` may do in a call, where nobody looks in between."""
        return 1

    def train_epochs(
        self, state: TrainState, train: Dataset, orders: Tensor, test: Dataset | None
    ) -> list[QuietEpoch]:
        """The steps of E epochs, their samples in these orders (E, K, N), and after each the test.

        Fewer where a replica met nan or infinity: those before. The state is then of no use, and
        has to be what it was before.
        """
        raise NotImplementedError

    @abstractmethod
    def predict(self, state: TrainState, data: Dataset) -> Any:
        """The net's outputs for a data set's inputs, in evaluation mode."""
