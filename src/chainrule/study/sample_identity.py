"""Which samples a data set has: what tells them apart, and a digest of them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray

from chainrule.data import Dataset
from chainrule.data.resampled import ResampledDataset, stored_data

__all__ = [
    "are_distinct",
    "digest_samples",
    "name_samples",
    "number_repeats",
    "sample_identities",
]


MAX_COPIED = 2**14
"""Samples that are copied at a time."""


def sample_identities(data: Dataset) -> list[Hashable]:
    """What tells samples apart: where they come from, or a digest of each, its targets included.

    Of samples that are made of several things, such as images, there is one of each of these.
    """
    if data.sources is not None:
        return [*data.sources.flatten().tolist()]
    targets = data.targets
    parts = [data.inputs, *(targets.values() if isinstance(targets, dict) else [targets])]
    columns = [part.detach().cpu().reshape(len(part), -1).numpy() for part in parts]
    as_bytes = [np.ascontiguousarray(column).view(np.uint8) for column in columns]
    rows = np.concatenate(as_bytes, axis=1)
    return [blake2b(row, digest_size=12).digest() for row in rows]


def name_samples(data: Dataset) -> NDArray[np.int64]:
    """An integer that names each sample, (N,); of samples made of m things those, (N, m)."""
    if data.sources is not None:
        sources: NDArray[np.int64] = data.sources.numpy()
        return sources[:, 0] if sources.shape[1] == 1 else sources
    digests = [one for one in sample_identities(data) if isinstance(one, bytes)]
    return np.array([int.from_bytes(one[:8], "little", signed=True) for one in digests], np.int64)


def digest_samples(data: Dataset) -> str:
    """A digest of all samples, where they come from, and their order."""
    stored = stored_data(data)
    rows = data.rows.long() if isinstance(data, ResampledDataset) else torch.arange(len(data))
    targets = stored.targets if isinstance(stored.targets, dict) else {"": stored.targets}
    tensors = {"inputs": stored.inputs, **{f"targets.{name}": t for name, t in targets.items()}}
    if stored.sources is not None:
        tensors["sources"] = stored.sources
    digest = blake2b(digest_size=12)
    for name, tensor in tensors.items():
        digest.update(f"{name} {(len(rows), *tensor.shape[1:])} {tensor.dtype};".encode())
        for some in torch.split(rows, MAX_COPIED):
            part = tensor[some].detach().cpu().contiguous()
            digest.update(part.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def are_distinct(identities: Sequence[Hashable]) -> bool:
    """Whether samples can be told apart: points of a grid, or binary ones, cannot."""
    return 2 * len(set(identities)) > len(identities)


def number_repeats(identities: Iterable[Hashable]) -> list[tuple[Hashable, int]]:
    """Each with how often it came before, so that doubles stay two samples."""
    seen: Counter[Hashable] = Counter()
    numbered = []
    for one in identities:
        numbered.append((one, seen[one]))
        seen[one] += 1
    return numbered
