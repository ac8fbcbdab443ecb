"""The digit pairs' net of two hidden layers, encoder shared, auxiliary losses; Adam, batch 100."""

from __future__ import annotations

from itertools import product

from benchmarks import peers
from benchmarks.options import Options
from benchmarks.rows import Row
from benchmarks.task import Net
from benchmarks.work import Work

__all__ = ["run"]

NET = Net("pairs-mlp", (100,))

RATES = tuple(1e-4 * 10 ** (i / 4) for i in range(12))

PEERS = peers.DENSE


def run(options: Options) -> list[Row]:
    """K = 1, 30 rounds with fresh pairs, and a grid of 12 learning rates x 4 weights."""
    works = [
        Work("pair-mlp", NET, K, 1000, 100, epochs, "Adam", 1e-3, 0.5)
        for K, epochs in ((1, 20), (30, 3))
    ]
    lr, aux = zip(*product(RATES, (0.25, 0.5, 0.75, 1.0)), strict=True)
    grid = Work("pair-mlp grid", NET, len(lr), 1000, 100, 2, "Adam", lr, aux, alike=True)
    if options.quick:
        return options.measure(works[:1], PEERS)
    return options.measure(works, PEERS) + options.measure([grid], PEERS)
