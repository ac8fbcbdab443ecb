"""784-1024-1024-10, cross-entropy, SGD, batch 512: large products, all threads on both sides."""

from __future__ import annotations

from benchmarks import peers
from benchmarks.options import Options
from benchmarks.rows import Row
from benchmarks.sides import Peer
from benchmarks.task import Net
from benchmarks.work import Work

__all__ = ["run"]

PEERS = (
    peers.EAGER,
    peers.EAGER_ONE,
    peers.COMPILED_WIDE,
    peers.FUNC_WIDE,
    peers.JAX,
    peers.SKLEARN,
)


def own(K: int) -> Peer:
    """On as many threads as the library takes."""
    return peers.ours(K, threads=None)


def run(options: Options) -> list[Row]:
    """K = 1."""
    work = Work("wide", Net("mlp", (784, 1024, 1024, 10)), 1, 2048, 512, 2, "SGD", 0.1)
    return options.measure([work], PEERS, own)
