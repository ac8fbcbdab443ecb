"""Digits 28 x 28 by a net of LeNet's size: 6 and 16 channels, 256-120-84-10; Adam, batch 64."""

from __future__ import annotations

from benchmarks import peers
from benchmarks.options import Options
from benchmarks.rows import Row
from benchmarks.task import Net
from benchmarks.work import Work

__all__ = ["run"]

PEERS = peers.CONVOLUTIONAL


def run(options: Options) -> list[Row]:
    """K = 1 and 10."""
    works = [
        Work("lenet", Net("lenet"), K, batches * 64, 64, 1, "Adam", 1e-3)
        for K, batches in ((1, 30), (10, 10))
    ]
    return options.measure(works[:1] if options.quick else works, PEERS, peers.ours_convolving)
