"""The most that a product reaches here, one thread a process, by the fastest way that is known.

PyTorch's library is not the fastest on every processor: on some it takes a slow way. So NumPy's is
asked too, which must not be told another processor than it is on, and the kernel's micro-kernel.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from ctypes import c_int64
from typing import final

import numpy as np
import torch

from benchmarks import sides
from benchmarks.ragged import RaggedTask
from benchmarks.task import Runner, Task
from chainrule._util.processes import available_cpus
from chainrule.compiled import kernel

__all__ = ["Ceiling", "Side", "open_ceiling"]

SIZE = 2048
BLOCK = 2**20
"""Operations of one of the kernel's products, whose matrices the core's own cache holds."""
RUNS = 5


def multiply_with_torch() -> Callable[[], object]:
    """float32 matrices of 2,048 x 2,048."""
    a, b, out = (torch.rand(SIZE, SIZE) for _ in range(3))
    return lambda: torch.mm(a, b, out=out)


def multiply_with_numpy() -> Callable[[], object]:
    """The same."""
    a, b, out = (np.random.default_rng(0).random((SIZE, SIZE), np.float32) for _ in range(3))
    return lambda: np.matmul(a, b, out=out)


def multiply_with_kernel() -> Callable[[], object]:
    """As many operations, in small products."""
    run_products, count = kernel(torch.float32).run_products, 2 * SIZE**3 // BLOCK
    return lambda: run_products(c_int64(count))


WAYS = {
    "PyTorch": multiply_with_torch,
    "NumPy": multiply_with_numpy,
    "the micro-kernel": multiply_with_kernel,
}


@final
class Side(Runner):
    """An epoch is a product of 2,048 x 2,048, or as much."""

    def __init__(self, task: Task, way: str) -> None:
        super().__init__(task)
        self.multiply = WAYS[way]()

    def reset(self) -> None:
        """Nothing."""

    def train(self, epochs: int) -> np.ndarray:
        for _ in range(epochs):
            self.multiply()
        return np.zeros((1, 1))


@final
class Ceiling:
    """Each way in processes of its own, all cores at once; the fastest of all runs counts."""

    def __init__(self, found: Sequence[sides.Side]) -> None:
        self.sides, self.best = found, {side.peer.name: 0.0 for side in found}

    def measure(self) -> None:
        """Run each way once more."""
        for side in self.sides:
            seconds, _ = side.train(RUNS)
            found = side.peer.processes * RUNS * 2 * SIZE**3 / seconds / 1e9
            self.best[side.peer.name] = max(self.best[side.peer.name], found)

    @property
    def gflops(self) -> float:
        """10^9 operations a second of all cores."""
        return max(self.best.values())

    def __str__(self) -> str:
        return ", ".join(f"{name} {gflops:.0f}" for name, gflops in self.best.items())


@contextmanager
def open_ceiling(task: Task | RaggedTask) -> Iterator[Ceiling]:
    """Processes that multiply; the task is not looked at."""
    forced = os.environ.pop("OPENBLAS_CORETYPE", None)
    try:
        with ExitStack() as stack:
            cores = available_cpus()
            peers = [
                sides.Peer(way, "benchmarks.ceiling", {"way": way}, threads=1, processes=cores)
                for way in WAYS
            ]
            found = [stack.enter_context(sides.Side(peer)) for peer in peers]
            for side in found:
                side.prepare(task)
            yield Ceiling(found)
    finally:
        if forced is not None:
            os.environ["OPENBLAS_CORETYPE"] = forced
