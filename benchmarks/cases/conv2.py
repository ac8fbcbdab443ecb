"""The digit pairs' net of four convolutions, encoder shared, auxiliary losses; Adam, batch 100."""

from __future__ import annotations

from benchmarks import peers
from benchmarks.options import Options
from benchmarks.rows import Row
from benchmarks.task import Net
from benchmarks.work import Work

__all__ = ["run"]

NET = Net("pairs-conv2", (100,))

PEERS = (peers.BFLOAT16, peers.BFLOAT16_BOTH, *peers.CONVOLUTIONAL)


def run(options: Options) -> list[Row]:
    """K = 1, 10 and 30, with fresh pairs each; a run is an epoch of so many batches."""
    works = [
        Work("conv2", NET, K, batches * 100, 100, 1, "Adam", 1e-3, 0.5)
        for K, batches in ((1, 10), (10, 4), (30, 2))
    ]
    return options.measure(works[:1] if options.quick else works, PEERS, peers.ours_convolving)
