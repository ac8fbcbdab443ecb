"""64 MLPs of three layers of 384 units, batch 256, each with a learning rate of its own."""

from __future__ import annotations

from benchmarks import peers
from benchmarks.options import Options
from benchmarks.rows import Row
from benchmarks.task import Net
from benchmarks.work import Work

__all__ = ["run"]

K = 64
NET = Net("mlp", (54, 384, 384, 384, 7))
PEERS = (peers.BMM, peers.EAGER, peers.EAGER_ONE, peers.BOTH)


def run(options: Options) -> list[Row]:
    """All on the same samples in the same order, as the candidates of a search."""
    rates = tuple(1e-4 * 10 ** (2 * k / (K - 1)) for k in range(K))
    work = Work("packed MLPs", NET, K, 768, 256, 1, "Adam", rates, alike=True)
    return options.measure([work], PEERS)
