"""The samples of a cohort: a data set a replica, or one for all that learn from the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from chainrule._util.pytree import named_leaves, tree_map
from chainrule.data import Dataset
from chainrule.data.resampled import (
    Preprocessing,
    ResampledDataset,
    gather_samples,
    input_shape,
    stored_data,
)
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

    As long as all are parts of one data set, or the very same samples, these are held once.
    """

    def __init__(self, replicas: int) -> None:
        self._parts: list[Dataset | None] = [None] * replicas
        self._whole: Dataset | None = None

    def put(self, part: Dataset, replicas: Sequence[int]) -> None:
        """These replicas have these samples. Raises ValueError for other shapes than before."""
        first = next((each for each in self._parts if each is not None), part)
        if first.replicas is None and input_shape(part) != input_shape(first):
            raise ValueError(
                f"expected rounds of the same shapes and dtypes, got {first} and {part}"
            )
        if is_same_data(part, first):
            part = first
        if self._whole is None and not (is_sparse(part) or have_one_source(part, first)):
            self._copy_parts(first)
        if self._whole is not None:
            fill_replicas(self._whole, gather_samples(part), replicas)
            part = first  # what was put into its places need not be kept
        for k in replicas:
            self._parts[k] = part

    def _copy_parts(self, first: Dataset) -> None:
        """Give each replica room of its own, and put there what has come already."""
        self._whole = repeat_samples(gather_samples(first), len(self._parts))
        for k, part in enumerate(self._parts):
            if part is not None and part is not first:
                fill_replicas(self._whole, gather_samples(part), [k])

    def build(self) -> Dataset:
        """The whole, when all replicas have their samples."""
        if self._whole is not None:
            return self._whole
        parts = [part for part in self._parts if part is not None]
        if all(part is parts[0] for part in parts):
            return parts[0].expand(len(parts))
        resampled = [part for part in parts if isinstance(part, ResampledDataset)]
        if len(resampled) == len(parts) and all(have_one_source(p, parts[0]) for p in parts):
            return join_resampled(resampled)
        return Dataset.stack([*map(gather_samples, parts)])


def have_one_source(a: Dataset, b: Dataset) -> bool:
    """Whether two data sets are one, or parts of one."""
    if isinstance(a, ResampledDataset) and isinstance(b, ResampledDataset):
        return a.stored.inputs is b.stored.inputs
    return a is b


def is_sparse(data: Dataset) -> bool:
    """Whether its inputs are."""
    return stored_data(data).inputs.is_sparse


def join_resampled(parts: Sequence[ResampledDataset]) -> ResampledDataset:
    """Parts of one data set, as many samples in each, as one of K replicas."""
    first, K = parts[0].stored, len(parts)
    targets = [part.stored.targets for part in parts]
    if all(is_same_targets(each, targets[0]) for each in targets):
        stored = first.expand(K)
    else:  # standardized, by what each learns from
        own = torch.stack([torch.as_tensor(each) for each in targets])
        stored = Dataset(first.inputs.unsqueeze(0), own, K, scale=first.scale)
    rows = torch.stack([part.rows for part in parts])
    return ResampledDataset(stored, rows, Preprocessing.stack([p.preprocessing for p in parts]))


def is_same_targets(a: object, b: object) -> bool:
    """Whether targets are the same tensors."""
    pairs = zip(named_leaves(a), named_leaves(b), strict=True)
    return all(x is y for (_, x), (_, y) in pairs)


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
    """Whether two data sets have the very same samples; into parts of one nobody looks."""
    if isinstance(a, ResampledDataset) or isinstance(b, ResampledDataset):
        return a is b
    pairs = zip(data_tensors(a), data_tensors(b), strict=True)
    return a.scale == b.scale and all(x.shape == y.shape and torch.equal(x, y) for x, y in pairs)


def data_tensors(data: Dataset) -> list[Tensor]:
    """Its inputs and targets."""
    return [t for _, t in named_leaves((data.inputs, data.targets))]


def expand_ensemble(data: Dataset, members: int) -> Dataset:
    """Each replica's data for all the members of its ensemble, which lie next to each other."""
    if members == 1:
        return data
    if isinstance(data, ResampledDataset):
        return data.repeat(members)
    K = (data.replicas or 1) * members

    def wide(t: Tensor) -> Tensor:
        return t if t.shape[0] == 1 else t.repeat_interleave(members, 0)

    return Dataset(wide(data.inputs), tree_map(wide, data.targets), K, scale=data.scale)
