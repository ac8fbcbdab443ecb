"""Some samples of a data set, each replica's own, of which there is no copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, final

import torch
from torch import Tensor

from chainrule._util.pytree import tree_map
from chainrule.data.dataset import Dataset, check_index
from chainrule.data.transforms.standardize import Standardizer

__all__ = ["Preprocessing", "ResampledDataset", "gather_samples", "stored_data", "used_targets"]

Targets = Tensor | dict[str, Tensor]


class Preprocessing(NamedTuple):
    """What inputs go through: ``fill`` stands where one is nan, then they are standardized.

    Each broadcasts against the inputs, and is None where there is nothing to be done.
    """

    fill: Tensor | None = None
    standardizer: Standardizer | None = None

    @property
    def is_identity(self) -> bool:
        """Whether there is nothing to be done."""
        return self.fill is None and self.standardizer is None

    def __call__(self, x: Tensor) -> Tensor:
        """The inputs as they are learned from."""
        if self.fill is not None:
            x = torch.where(x.isnan(), self.fill.to(x), x)
        return x if self.standardizer is None else self.standardizer(x)

    def map(self, change: Callable[[Tensor], Tensor]) -> Preprocessing:
        """The same with each of its tensors changed."""
        fill, scale = self.fill, self.standardizer
        return Preprocessing(
            None if fill is None else change(fill),
            None if scale is None else Standardizer(change(scale.mean), change(scale.std)),
        )

    @staticmethod
    def stack(parts: Sequence[Preprocessing]) -> Preprocessing:
        """Those of K plain data sets as one of K replicas."""
        fills = [part.fill for part in parts if part.fill is not None]
        scales = [part.standardizer for part in parts if part.standardizer is not None]
        means, stds = [each.mean for each in scales], [each.std for each in scales]
        return Preprocessing(
            torch.stack(fills) if fills else None,
            Standardizer(torch.stack(means), torch.stack(stds)) if scales else None,
        )


NOTHING = Preprocessing()
"""Inputs are learned from as they are."""


@final
class ResampledDataset(Dataset):
    """Samples of a data set by their places in it: a split, a fold or a bootstrap without a copy.

    stored   the data set, plain with M samples, or with K replicas
    rows     which of its samples, and in which order: int32 (n,), or (K or 1, n)

    Inputs are preprocessed batch by batch. To whoever does not ask for ``stored`` it is a data set
    of n samples; its ``inputs`` and ``targets`` are made whenever they are asked for.

    Raises ValueError for a data set of more samples than int32 counts.
    """

    stored: Dataset
    rows: Tensor
    preprocessing: Preprocessing

    def __init__(
        self, stored: Dataset, rows: Tensor, preprocessing: Preprocessing = NOTHING
    ) -> None:
        if len(stored) > torch.iinfo(torch.int32).max:
            raise ValueError(f"ResampledDataset: expected fewer than 2³¹ samples, got {stored}")
        # Half of int64: of many replicas they are the most that there is beside the samples.
        parts = {"stored": stored, "rows": rows.to(torch.int32), "preprocessing": preprocessing}
        for name, part in parts.items():
            object.__setattr__(self, name, part)

    def __len__(self) -> int:
        return self.rows.shape[-1]

    @property
    def inputs(self) -> Tensor:
        return self.gather().inputs

    @property
    def targets(self) -> Targets:
        return self.stored.subset_targets(as_index(self.rows))

    @property
    def replicas(self) -> int | None:
        return self.stored.replicas

    @property
    def sources(self) -> Tensor | None:
        of = self.stored.sources
        return None if of is None else of[as_index(self.rows)]

    @property
    def scale(self) -> Tensor | None:
        """That of what is stored; None where it is a part of what is done to the inputs."""
        return self.stored.scale if self.preprocessing.is_identity else None

    @property
    def input_dtype(self) -> torch.dtype:
        return self.stored.input_dtype

    def locate(self, order: Tensor) -> Tensor:
        """Which samples of ``stored`` these of its own are, int64.

        order (n,), or (K or 1, n)   result likewise; (K or 1, n) where replicas have their own
        """
        if self.rows.ndim == 1 or order.ndim == 1:
            return self.rows[..., order].long()
        return torch.take_along_dim(self.rows, order, -1).long()

    def gather(self) -> Dataset:
        """A copy of its samples, as they are learned from."""
        found = self.stored.subset(as_index(self.rows))
        if self.preprocessing.is_identity:
            return found
        x = self.preprocessing(found.scale_inputs(found.inputs))
        return Dataset(x, found.targets, found.replicas, found.sources)

    def expand(self, replicas: int) -> ResampledDataset:
        stored, rows = self.stored.expand(replicas), self.rows.unsqueeze(0)
        return ResampledDataset(stored, rows, self.preprocessing.map(lambda t: t.unsqueeze(0)))

    def subset(self, index: Tensor) -> Dataset:
        """The samples that ``index`` names: see :meth:`Dataset.subset`; not a copy either."""
        check_index(self, index)
        if self.replicas is None and index.ndim == 2:
            return self.expand(len(index)).subset(index)
        return ResampledDataset(self.stored, self.locate(index), self.preprocessing)

    def subset_targets(self, index: Tensor) -> Targets:
        check_index(self, index)
        return self.stored.subset_targets(as_index(self.locate(index)))

    def replica(self, k: int) -> Dataset:
        def pick(t: Tensor) -> Tensor:
            return t[min(k, len(t) - 1)]

        stored = self.stored.replica(k)
        return ResampledDataset(stored, pick(self.rows), self.preprocessing.map(pick))

    def repeat(self, members: int) -> ResampledDataset:
        """Each replica's data so many times, next to each other; what all share stays one."""

        def wide(t: Tensor) -> Tensor:
            return t if len(t) == 1 else t.repeat_interleave(members, 0)

        K, of = (self.replicas or 1) * members, self.stored
        stored = Dataset(wide(of.inputs), tree_map(wide, of.targets), K, scale=of.scale)
        return ResampledDataset(stored, wide(self.rows), self.preprocessing.map(wide))


def as_index(rows: Tensor) -> Tensor:
    """Rows (n,), or (K or 1, n), as :meth:`Dataset.subset` takes them."""
    return (rows[0] if rows.ndim == 2 and len(rows) == 1 else rows).long()


def gather_samples(data: Dataset) -> Dataset:
    """A data set whose samples are where its inputs are: itself, or a copy."""
    return data.gather() if isinstance(data, ResampledDataset) else data


def used_targets(data: Dataset) -> Targets:
    """The targets that some replica has: all of them, or each once where they are not copied."""
    if not isinstance(data, ResampledDataset):
        return data.targets
    used = torch.zeros(len(data.stored), dtype=torch.bool)
    for rows in data.rows.reshape(-1, len(data)):
        used[rows.long()] = True
    return data.stored.subset_targets(used.nonzero().squeeze(1))


def input_shape(data: Dataset) -> tuple[int, ...]:
    """That of one replica's inputs (N, …)."""
    stored = stored_data(data)
    lead = 0 if stored.replicas is None else 1
    return len(data), *stored.inputs.shape[lead + 1 :]


def shares_inputs(data: Dataset) -> bool:
    """Whether there is one set of inputs: of a plain data set, or for all replicas."""
    if data.replicas is None:
        return True
    if isinstance(data, ResampledDataset) and len(data.rows) > 1:
        return False
    return len(stored_data(data).inputs) == 1


def stored_data(data: Dataset) -> Dataset:
    """The data set in whose memory the samples of this one are."""
    return data.stored if isinstance(data, ResampledDataset) else data
