"""The batches of an epoch: each replica's own order, many batches gathered at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, final

import torch
from torch import Tensor

from chainrule import seeds
from chainrule._util.argument_checks import check_arguments
from chainrule._util.pytree import named_leaves, tree_map
from chainrule._util.words import count_noun
from chainrule.data.dataset import Dataset, check_dataset
from chainrule.data.resampled import ResampledDataset, shares_inputs, stored_data
from chainrule.data.sparse import narrow_rows, num_bytes
from chainrule.nn.replicated import list_seeds

__all__ = [
    "DataLoader",
    "count_batches",
    "draw_permutations",
    "epoch_permutations",
    "iter_batches",
    "iter_slices",
    "replica_seeds",
]

CHUNK_BYTES = 2 * 2**20
"""How much is gathered at once: one indexing for many small batches, and one large batch alone."""


@final
@check_arguments
class DataLoader:
    """The batches of a data set, to be gone through again and again: ``for x, t in loader``

    Each pass is an epoch: with ``shuffle`` in an order that depends on the seed and the epoch's
    number alone, the order in which a :class:`Trainer` with this seed goes. The last batch may be
    smaller; ``drop_last`` leaves it out. Of a data set with K replicas batches are (K, B, …), and
    there are K seeds, or one from which K are made. ``epoch`` is the number of the next pass, and
    may be set.

    Raises ValueError for a batch size below 1, another number of seeds, and where ``drop_last``
    leaves nothing.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int = 1,
        *,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: int | Sequence[int] = 0,
    ) -> None:
        check_dataset("dataset", dataset)
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last, self.epoch = shuffle, drop_last, 0
        self.seeds = replica_seeds(seed, dataset.replicas)
        count_batches(len(dataset), batch_size, drop_last=drop_last)

    def __len__(self) -> int:
        """Batches of an epoch."""
        return count_batches(len(self.dataset), self.batch_size, drop_last=self.drop_last)

    def __iter__(self) -> Iterator[tuple[Tensor, Any]]:
        """(inputs, targets) of each batch of the next epoch."""
        N, epoch = len(self.dataset), self.epoch
        self.epoch += 1
        if self.shuffle:
            order = epoch_permutations(N, self.seeds, epoch)
        else:
            order = torch.arange(N).expand(len(self.seeds), N)
        kept = len(self) * self.batch_size if self.drop_last else N
        yield from iter_batches(self.dataset, order[:, :kept], self.batch_size)


def replica_seeds(seed: int | Sequence[int], K: int | None) -> list[int]:
    """A seed for each replica: those given, or made of the one given."""
    if isinstance(seed, int):
        return [seed] if K is None else [seeds.derive(seed, "replica", k) for k in range(K)]
    given = list_seeds(seed)
    if len(given) != (K or 1):
        raise ValueError(f"expected {count_noun(K or 1, 'seed')}, one a replica, got {len(given)}")
    return given


def count_batches(N: int, batch_size: int, *, drop_last: bool = False) -> int:
    """How many batches N samples make.

    Raises ValueError for a batch size below 1, and where ``drop_last`` leaves none of some samples.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size: expected at least 1, got {batch_size}")
    if drop_last and 0 < N < batch_size:
        raise ValueError(
            f"drop_last leaves nothing of {count_noun(N, 'sample')} with batch_size={batch_size}; "
            f"expected a batch_size of at most {N}"
        )
    return N // batch_size if drop_last else -(-N // batch_size)


def epoch_permutations(
    N: int,
    roots: Sequence[int],
    epoch: int,
    draw: Callable[[int, Sequence[int]], Tensor] | None = None,
) -> Tensor:
    """The order in which each replica sees its samples in this epoch: (K, N).

    It depends on the replica's seed and the epoch alone, so that a training may stop and resume
    anywhere, and is the same for a net alone and within a cohort. ``draw``: what does the same as
    :func:`draw_permutations`.
    """
    unique = list(dict.fromkeys(roots))  # the candidates of a search have the same
    orders = (draw or draw_permutations)(N, seeds.derive_each(unique, "order", epoch))
    if len(unique) == len(roots):
        return orders
    rows = {root: row for row, root in enumerate(unique)}
    return orders[[rows[root] for root in roots]]


def draw_permutations(N: int, roots: Sequence[int]) -> Tensor:
    """A permutation of N for each of these seeds: (K, N)."""
    generator = torch.Generator()  # sooner seeded than made anew
    rows = [torch.randperm(N, generator=generator.manual_seed(root)) for root in roots]
    return torch.stack(rows)


def iter_batches(data: Dataset, order: Tensor, batch_size: int) -> Iterator[tuple[Any, Any]]:
    """(inputs, targets) of each batch in this order, the last one perhaps smaller.

    order (K, N), with K = 1 for a plain data set. Batches are (K, B, …), plain ones (B, …); and
    (1, B, …) where all replicas see the same samples in the same order.
    """
    shared = shares_inputs(data) and (data.replicas is None or bool((order == order[0]).all()))
    stored = stored_data(data)
    parts = named_leaves((stored.inputs, stored.targets))
    sample = sum(num_bytes(t) for _, t in parts) // max(1, len(stored))
    if shares_inputs(stored) and not shared:
        sample *= len(order)
    chunk = batch_size * max(1, CHUNK_BYTES // (batch_size * max(1, sample)))
    for part in torch.split(order, chunk, dim=1):
        some = data.subset(part[0] if shared else part)
        if isinstance(some, ResampledDataset):
            some = some.gather()
        yield from iter_slices(some, batch_size)


def iter_slices(data: Dataset, batch_size: int) -> Iterator[tuple[Any, Any]]:
    """(inputs, targets) of each batch in the order of the data: views, but for scaled inputs."""
    if isinstance(data, ResampledDataset):  # which are gathered some batches at a time
        index = torch.arange(len(data)).expand(data.replicas or 1, -1)
        yield from iter_batches(data, index, batch_size)
        return
    axis = 0 if data.replicas is None else 1
    for start in range(0, len(data), batch_size):
        size = min(batch_size, len(data) - start)

        def part(t: Tensor, start: int = start, size: int = size) -> Tensor:
            return narrow_rows(t, axis, start, size)

        yield data.scale_inputs(part(data.inputs)), tree_map(part, data.targets)
