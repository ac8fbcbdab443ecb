"""The digit pairs' net of two hidden layers, encoder shared, auxiliary losses; Adam, batch 100."""

from __future__ import annotations

from itertools import product

from benchmarks import peers
from benchmarks.options import Options
from benchmarks.ragged import RaggedWork, train_ragged
from benchmarks.rows import Row
from benchmarks.task import Net
from benchmarks.work import Work

__all__ = ["run"]

NET = Net("pairs-mlp", (100,))

RATES = tuple(1e-4 * 10 ** (i / 4) for i in range(12))

WEIGHTS = (0.25, 0.5, 0.75, 1.0)

WIDTHS = (50, 100, 200, 300)

PEERS = peers.DENSE

LOOPS = (peers.PLAIN_BOTH, peers.EAGER_ONE, peers.BOTH)
"""Those that take a ragged grid: one net after the other, or one width."""


def run(options: Options) -> list[Row]:
    """K = 1, 30 rounds with fresh pairs, a grid of 12 learning rates x 4 weights, one of widths."""
    works = [
        Work("pair-mlp", NET, K, 1000, 100, epochs, "Adam", 1e-3, 0.5)
        for K, epochs in ((1, 20), (30, 3))
    ]
    lr, aux = zip(*product(RATES, WEIGHTS), strict=True)
    grid = Work("pair-mlp grid", NET, len(lr), 1000, 100, 2, "Adam", lr, aux, alike=True)
    if options.quick:
        return options.measure(works[:1], PEERS)
    rows = options.measure(works, PEERS) + options.measure([grid], PEERS)
    loops = [train_ragged(peer) for peer in LOOPS]
    return rows + options.measure([ragged_grid()], loops, lambda K: train_ragged(peers.ours(K)))


def ragged_grid() -> RaggedWork:
    """Four widths x 3 learning rates x 4 weights."""
    lr, aux = zip(*product((3e-4, 1e-3, 3e-3), WEIGHTS), strict=True)
    return RaggedWork(
        "pair-mlp, widths",
        tuple(
            Work("", Net("pairs-mlp", (h,)), len(lr), 1000, 100, 2, "Adam", lr, aux, alike=True)
            for h in WIDTHS
        ),
    )
