"""The peers, each as its own experts would write it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.sides import Peer
from chainrule._util.processes import available_cpus

__all__ = [
    "BMM",
    "BOTH",
    "COMPILED_LOOP",
    "COMPILED_WIDE",
    "CONVOLUTIONAL",
    "DENSE",
    "EAGER",
    "EAGER_ONE",
    "FUNC",
    "FUNC_WIDE",
    "JAX",
    "JAX_BEFORE",
    "JAX_BOTH",
    "JAX_MAP",
    "LOOPS",
    "PLAIN",
    "PLAIN_BOTH",
    "SKLEARN",
    "SKLEARN_LOG_LOSS",
    "ours",
    "ours_convolving",
    "ours_in_bfloat16",
]

OURS = "benchmarks.ours"
LOOP, VMAP = "benchmarks.peers.torch_eager", "benchmarks.peers.torch_func"
BATCHED = "benchmarks.peers.torch_bmm"
SCAN, SKLEARN_MODULE = "benchmarks.peers.jax_scan", "benchmarks.peers.sklearn_mlp"
WITH_JAX, WITH_SKLEARN = ("jax", "optax"), ("sklearn",)

EAGER = Peer("PyTorch eager, default threads", LOOP)
EAGER_ONE = Peer("PyTorch eager, one thread", LOOP, threads=1)
BOTH = Peer("PyTorch eager, a process a core", LOOP, threads=1, processes=available_cpus())
COMPILED_LOOP = Peer(
    "torch.compile, one thread", LOOP, {"compiled": True, "forms": ("fused",)}, threads=1, most=1
)
COMPILED_WIDE = Peer(
    "torch.compile, default threads", LOOP, {"compiled": True, "forms": ("fused",)}
)
FUNC = Peer("torch.func.vmap", VMAP, threads=1)
FUNC_WIDE = Peer("torch.func.vmap, default threads", VMAP)
BMM = Peer("PyTorch, packed with bmm", BATCHED)
JAX = Peer("JAX jit + vmap + scan", SCAN, needs=WITH_JAX)
JAX_BOTH = Peer(
    "JAX jit + vmap + scan, a device a core",
    SCAN,
    {"devices": available_cpus()},
    needs=WITH_JAX,
    least=available_cpus(),
)
JAX_BEFORE = replace(
    JAX,
    name="JAX 0.4.31 jit + vmap + scan",
    path=str(Path(__file__).parents[2] / "build" / "jax-0.4.31"),
    install="pip install --target build/jax-0.4.31 jax==0.4.31 jaxlib==0.4.31 optax==0.2.3",
)
"""Before XLA's runtime for CPUs was another."""
JAX_MAP = Peer("JAX jit + map + scan", SCAN, {"over": "map"}, needs=WITH_JAX)
SKLEARN = Peer("scikit-learn MLPClassifier", SKLEARN_MODULE, needs=WITH_SKLEARN, most=10)
SKLEARN_LOG_LOSS = Peer(
    "scikit-learn MLPClassifier (log loss)",
    SKLEARN_MODULE,
    needs=WITH_SKLEARN,
    most=10,
    exact=False,
)
PLAIN = Peer("chainrule, compile=False", OURS, {"plain": True}, threads=1, most=9)
PLAIN_BOTH = Peer(
    PLAIN.name, OURS, {"plain": True}, threads=1, processes=available_cpus(), least=10
)

DENSE = (
    *(PLAIN, PLAIN_BOTH, EAGER, EAGER_ONE, BOTH),
    *(FUNC, JAX, JAX_BOTH),
)
"""Against small dense nets."""

CONVOLUTIONAL = (
    *(PLAIN, PLAIN_BOTH, EAGER, EAGER_ONE, BOTH),
    *(replace(FUNC, most=10), replace(JAX, most=1), replace(JAX_MAP, most=1)),
)
"""Against nets of convolutions; the last three, which are slow, with few replicas."""

LOOPS = (PLAIN, PLAIN_BOTH, EAGER, EAGER_ONE, BOTH)
"""What trains any net."""


def ours(K: int, threads: int | None = 1) -> Peer:
    """Our side: from ten trainings on a process a core, as a study has them."""
    processes = available_cpus() if K >= 10 else 1
    return Peer("chainrule", OURS, threads=threads, processes=processes)


def ours_convolving(K: int) -> Peer:
    """The same; a single net, whose convolutions are large products, has all cores."""
    return ours(K, None if K == 1 else 1)


def ours_in_bfloat16(K: int) -> Peer:
    """The same, with convolutions whose products are in bfloat16."""
    side = ours_convolving(K)
    name = f"{side.name}, bfloat16 products"
    return replace(side, name=name, options={"bfloat16": True}, exact=False)
