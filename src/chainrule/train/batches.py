"""The batches of an epoch: each replica's own order, many batches gathered at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from chainrule import seeds
from chainrule._util.pytree import named_leaves, tree_map
from chainrule.data import Dataset
from chainrule.nn.module import Module

__all__ = [
    "add_replica_axis",
    "check_last_batch",
    "epoch_permutations",
    "iter_batches",
    "iter_slices",
]

CHUNK_BYTES = 2 * 2**20
"""How much is gathered at once: one indexing for many small batches, and one large batch alone."""


def add_replica_axis(data: Dataset, K: int | None) -> Dataset:
    """The data set for a net of K replicas: one without replicas serves them all.

    Raises TypeError for what is no Dataset, ValueError for one of other replicas.
    """
    if not isinstance(data, Dataset):
        raise TypeError(f"expected a Dataset(inputs, targets), got {type(data).__name__}")
    if data.replicas == K:
        return data
    if data.replicas is not None:
        raise ValueError(f"the data set has {data.replicas} replicas, the net {K or 'none'}")
    return Dataset(data.inputs[None], tree_map(lambda t: t[None], data.targets), K)


def epoch_permutations(N: int, roots: Sequence[int], epoch: int) -> Tensor:
    """The order in which each replica sees its samples in this epoch: (K, N).

    It depends on the replica's seed and the epoch alone, so that a training may stop and resume
    anywhere, and is the same for a net alone and within a cohort.
    """
    rows = [torch.randperm(N, generator=seeds.generator(r, "order", epoch)) for r in roots]
    return torch.stack(rows)


def check_last_batch(net: Module, data: Dataset, batch_size: int) -> None:
    """Raise ValueError where an epoch has a batch of one sample, and the net refuses that.

    What two samples are refused too has another reason, which the training says by itself.
    """
    N = len(data)
    if N % batch_size != 1 and batch_size > 1:
        return
    try:
        try_training_forward(net, data, [0])
    except Exception as error:
        try:
            try_training_forward(net, data, [0, 0])
        except Exception:
            return
        smaller, larger = range(min(batch_size, N), 1, -1), range(batch_size + 1, N + 1)
        sizes = [size for size in (*smaller, *larger) if N % size != 1]
        advice = f"choose another batch_size ({sizes[0]}, for example)" if sizes else "add samples"
        raise ValueError(
            f"{N} samples with batch_size={batch_size} make a batch of one sample, of which the "
            f"net cannot learn: {advice}. {error}"
        ) from error


@torch.no_grad()
def try_training_forward(net: Module, data: Dataset, samples: list[int]) -> None:
    """A forward of a copy of the net in training mode, which leaves no trace."""
    with torch.random.fork_rng(devices=[]):
        copy.deepcopy(net).train().forward(data.subset(torch.tensor(samples)).inputs)


def iter_batches(data: Dataset, order: Tensor, batch_size: int) -> Iterator[tuple[Any, Any]]:
    """(inputs, targets) of each batch in this order, the last one perhaps smaller.

    order (K, N), with K = 1 for a plain data set. Batches are (K, B, …), plain ones (B, …); and
    (1, B, …) where all replicas see the same samples in the same order.
    """
    shared = data.replicas is None or (len(data.inputs) == 1 and bool((order == order[0]).all()))
    sample = sum(t.nbytes for _, t in named_leaves((data.inputs, data.targets))) // max(
        1, len(data)
    )
    chunk = batch_size * max(1, CHUNK_BYTES // (batch_size * max(1, sample)))
    for part in torch.split(order, chunk, dim=1):
        yield from iter_slices(data.subset(part[0] if shared else part), batch_size)


def iter_slices(data: Dataset, batch_size: int) -> Iterator[tuple[Any, Any]]:
    """(inputs, targets) of each batch in the order of the data: views, not copies."""
    axis = 0 if data.replicas is None else 1
    for start in range(0, len(data), batch_size):
        size = min(batch_size, len(data) - start)

        def part(t: Tensor, start: int = start, size: int = size) -> Tensor:
            return t.narrow(axis, start, size)

        yield part(data.inputs), tree_map(part, data.targets)
