"""Nets of the digit pairs with batch normalization, which takes a batch as a whole."""

from __future__ import annotations

from dataclasses import replace

from benchmarks import peers
from benchmarks.options import Options
from benchmarks.rows import Row
from benchmarks.task import Net
from benchmarks.work import Work

__all__ = ["run"]

MASKS = tuple(
    replace(peer, name=f"{peer.name}, own dropout masks", exact=False) for peer in peers.LOOPS[2:]
)
"""PyTorch draws its masks of dropout itself, so that its losses are others."""


def run(options: Options) -> list[Row]:
    """pairs-sharing's net, K = 10; that of pairs-best with dropout and warping, K = 1 and 10."""
    cnn = Work("pair-cnn", Net("pairs-cnn", (100,)), 10, 640, 64, 1, "Adam", 3e-3, 1.0)
    best = [
        Work("pair-best", Net("pairs-best", (32,)), K, batches * 50, 50, 1, "AdamW", 6e-3, 1.0)
        for K, batches in ((1, 10), (10, 4))
    ]
    rows = options.measure([cnn], peers.LOOPS)
    return rows + options.measure(best[:1] if options.quick else best, MASKS)
