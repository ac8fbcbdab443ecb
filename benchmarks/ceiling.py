"""The most that a product reaches here: float32 matrices of 2,048 x 2,048, one thread a process."""

from __future__ import annotations

from typing import final

import numpy as np
import torch

from benchmarks.sides import Peer
from benchmarks.task import Runner, Task
from chainrule._util.processes import available_cpus

__all__ = ["GEMM", "SIZE", "Side"]

SIZE = 2048

GEMM = Peer("GEMM", "benchmarks.ceiling", threads=1, processes=available_cpus())


@final
class Side(Runner):
    """An epoch is a product."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.a, self.b, self.out = (torch.rand(SIZE, SIZE) for _ in range(3))

    def reset(self) -> None:
        """Nothing."""

    def train(self, epochs: int) -> np.ndarray:
        for _ in range(epochs):
            torch.mm(self.a, self.b, out=self.out)
        return np.zeros((1, 1))
