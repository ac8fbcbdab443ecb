"""The samples of a cohort: a data set a replica, or one for all that learn from the same."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from chainrule._util.pytree import named_leaves, tree_map
from chainrule.data import Dataset
from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.round_data import RoundData

__all__ = ["expand_ensemble", "find_samples", "stack_datasets"]


Samples = tuple[tuple[Dataset, Dataset], dict[str, str]]
"""(what a training learns from, what it is judged on), and the digests of both."""


def find_samples(samples: RoundData, job: CohortJob) -> list[Samples]:
    """Those of each training; trainings of the same round and fold have the very same ones.

    So the candidates of a search hold their data once, not once each.
    """
    folds = [(t.round, t.fold if job.stage == "search" else None) for t in job.trainings]
    found = {(r, f): make_samples(samples, r, f) for r, f in dict.fromkeys(folds)}
    return [found[fold] for fold in folds]


def make_samples(samples: RoundData, r: int, f: int | None) -> Samples:
    """Those of a round, or of a fold of it."""
    learned, judged = samples.digests(r, f)
    parts = samples.final(r) if f is None else samples.fold(r, f)
    return parts, {"learned": learned, "judged": judged}


def stack_datasets(parts: Sequence[Dataset]) -> Dataset:
    """Plain data sets as one with a replica each; one for all where they are all the same."""
    first = parts[0]
    if all(part is first or is_same_data(part, first) for part in parts):
        return first.expand(len(parts))
    return Dataset.stack(parts)


def is_same_data(a: Dataset, b: Dataset) -> bool:
    """Whether two data sets have the very same samples."""
    pairs = zip(data_tensors(a), data_tensors(b), strict=True)
    return a.scale == b.scale and all(x.shape == y.shape and torch.equal(x, y) for x, y in pairs)


def data_tensors(data: Dataset) -> list[Tensor]:
    """Its inputs and targets."""
    return [t for _, t in named_leaves((data.inputs, data.targets))]


def expand_ensemble(data: Dataset, members: int) -> Dataset:
    """Each replica's data for all the members of its ensemble, which lie next to each other."""
    if members == 1:
        return data
    K = (data.replicas or 1) * members

    def wide(t: Tensor) -> Tensor:
        return t if t.shape[0] == 1 else t.repeat_interleave(members, 0)

    return Dataset(wide(data.inputs), tree_map(wide, data.targets), K, scale=data.scale)
