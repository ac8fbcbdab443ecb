"""The samples of a cohort: a data set a replica, or one for all that learn from the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from chainrule._util.pytree import named_leaves, tree_map
from chainrule.data import Dataset
from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.round_data import RoundData

__all__ = ["ReplicaStack", "expand_ensemble", "find_samples"]


def find_samples(
    samples: RoundData, job: CohortJob
) -> tuple[tuple[Dataset, Dataset], list[dict[str, str]]]:
    """What the job's trainings learn from and are judged on, and for each the digests of both.

    Those of a round, or of a fold of it, are made once, and put in their places before the next
    are made: what it takes is room for all replicas, and for one round beside.
    """
    folds = [(t.round, t.fold if job.stage == "search" else None) for t in job.trainings]
    learned, judged = ReplicaStack(len(folds)), ReplicaStack(len(folds))
    marks: dict[tuple[int, int | None], dict[str, str]] = {}
    for r, f in dict.fromkeys(folds):
        digests = samples.digests(r, f)
        marks[r, f] = dict(zip(("learned", "judged"), digests, strict=True))
        train, test = samples.final(r) if f is None else samples.fold(r, f)
        places = [k for k, fold in enumerate(folds) if fold == (r, f)]
        learned.put(train, places)
        judged.put(test, places)
    return (learned.build(), judged.build()), [marks[fold] for fold in folds]


@final
class ReplicaStack:
    """Plain data sets, which come one after the other, as one of K replicas.

    As long as all have the very same samples, these are held once, for all replicas.
    """

    def __init__(self, replicas: int) -> None:
        self._parts: list[Dataset | None] = [None] * replicas
        self._whole: Dataset | None = None

    def put(self, part: Dataset, replicas: Sequence[int]) -> None:
        """These replicas have these samples. Raises ValueError for other shapes than before."""
        first = next((each for each in self._parts if each is not None), part)
        if part is not first and is_same_data(part, first):
            part = first
        if self._whole is None and part is not first and not part.inputs.is_sparse:
            self._whole = repeat_samples(first, len(self._parts))
        if self._whole is not None:
            fill_replicas(self._whole, part, replicas)
            part = first  # what was put into its places need not be kept
        for k in replicas:
            self._parts[k] = part

    def build(self) -> Dataset:
        """The whole, when all replicas have their samples."""
        if self._whole is not None:
            return self._whole
        parts = [part for part in self._parts if part is not None]
        if all(part is parts[0] for part in parts):
            return parts[0].expand(len(parts))
        return Dataset.stack(parts)


def repeat_samples(data: Dataset, replicas: int) -> Dataset:
    """A copy of a plain data set for each of K replicas."""

    def repeat(t: Tensor) -> Tensor:
        return t.expand(replicas, *t.shape).clone(memory_format=torch.contiguous_format)

    targets = tree_map(repeat, data.targets)
    return Dataset(repeat(data.inputs), targets, replicas, scale=data.scale)


def fill_replicas(whole: Dataset, part: Dataset, replicas: Sequence[int]) -> None:
    """Write a plain data set into the places of these replicas."""
    if whole.scale != part.scale or sample_shapes(whole) != sample_shapes(part.expand(1)):
        raise ValueError(f"expected rounds of the same shapes and dtypes, got {whole} and {part}")
    for mine, t in zip(data_tensors(whole), data_tensors(part), strict=True):
        mine[[*replicas]] = t


def sample_shapes(data: Dataset) -> list[object]:
    """Name, shape and dtype of what each replica has."""
    named = named_leaves((data.inputs, data.targets))
    return [(name, t.shape[1:], t.dtype) for name, t in named]


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
