"""The digit pairs' net of four convolutions, encoder shared, auxiliary losses; Adam, batch 100."""

from __future__ import annotations

from dataclasses import replace

from benchmarks import peers
from benchmarks.options import Options
from benchmarks.rows import Row
from benchmarks.task import Net
from benchmarks.work import Work
from chainrule.compiled.toolchain import cpu_flags

__all__ = ["run"]

NET = Net("pairs-conv2", (100,))

PEERS = (*peers.CONVOLUTIONAL, peers.COMPILED_LOOP)
EAGER = (peers.EAGER, peers.EAGER_ONE, peers.BOTH)


def run(options: Options) -> list[Row]:
    """K = 1, 10 and 30, with fresh pairs each; a run is an epoch of so many batches.

    Then the same with our products in bfloat16, and the peers in float32 as before, where the
    processor has such products.
    """
    works = [
        Work("conv2", NET, K, batches * 100, 100, 1, "Adam", 1e-3, 0.5)
        for K, batches in ((1, 10), (10, 4), (30, 2))
    ]
    works = works[:1] if options.quick else works
    rows = options.measure(works, PEERS, peers.ours_convolving)
    if "avx512_bf16" not in cpu_flags().split():
        options.say("conv2, bfloat16: skipped, no AVX512-BF16 in this processor")
        return rows
    short = [replace(work, name="conv2, bfloat16") for work in works]
    return rows + options.measure(short, EAGER, peers.ours_in_bfloat16)
