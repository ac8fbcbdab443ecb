"""2-25-25-25-2 on points in a disk: three times ReLU, tanh, mean squared error, SGD, batch 100."""

from __future__ import annotations

from benchmarks import peers
from benchmarks.options import Options
from benchmarks.rows import Row
from benchmarks.task import Net
from benchmarks.work import Work

__all__ = ["NET", "run", "work"]

NET = Net("mlp", (2, 25, 25, 25, 2), "mse")

EPOCHS = {1: 100, 10: 40, 100: 5, 1000: 1}

PEERS = (*peers.DENSE, peers.JAX_BEFORE, peers.SKLEARN_LOG_LOSS)


def work(K: int) -> Work:
    """K trainings, each on 1,000 points of its own."""
    return Work("disk", NET, K, 1000, 100, EPOCHS[K], "SGD", 0.1)


def run(options: Options) -> list[Row]:
    """K = 1, 10, 100 and 1,000."""
    sizes = (1, 10) if options.quick else tuple(EPOCHS)
    return options.measure([work(K) for K in sizes], PEERS)
