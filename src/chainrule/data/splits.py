"""Which samples train and which test: hold-out and k-fold, by class where asked.

Every split is a pair (train_index, test_index) of sorted int64 tensors that name each of the N
samples exactly once between them. `n` is N itself or anything that has a length. `stratify`,
the classes (N,) of the samples, keeps each class's share of a part within one sample; a class
with fewer members than there are folds is then missing from some of them.
"""

from __future__ import annotations

import operator
from collections.abc import Sized

import torch
from torch import Tensor

from chainrule._util.kinds import is_real
from chainrule.seeds import derive, generator

__all__ = ["holdout", "kfold", "repeated_kfold"]


def holdout(
    n: int | Sized, fraction: float = 0.3, *, seed: int, stratify: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """One split with round(fraction · N) samples to test.

    Raises ValueError for a fraction outside (0, 1) or one that leaves a part empty.
    """
    N = _num_samples(n)
    if not is_real(fraction) or not 0 < fraction < 1:
        raise ValueError(f"holdout: expected a fraction between 0 and 1, got {fraction!r}")
    size = round(fraction * N)
    if not 0 < size < N:
        raise ValueError(
            f"holdout: expected samples on both sides, got {size} of {N} to test "
            f"with fraction {fraction}"
        )
    g = generator(seed, "holdout")
    # Every (N / size)-th sample of the order tests, from a random start: in any stretch of it,
    # thus in any class, the test's share is exact up to one sample.
    start = torch.randint(N, (), generator=g)
    passed = (torch.arange(N + 1) * size + start) // N
    tests = torch.empty(N, dtype=torch.bool)
    tests[_shuffle(N, stratify, g)] = passed.diff() == 1
    return _split_indices(tests)


def kfold(
    n: int | Sized, k: int, *, seed: int, stratify: Tensor | None = None
) -> list[tuple[Tensor, Tensor]]:
    """Split k times; the test parts share the samples out, their sizes differ by at most one.

    Raises ValueError for a k below 2 or above N.
    """
    N = _num_samples(n)
    if not hasattr(k, "__index__") or not 2 <= k <= N:
        raise ValueError(f"kfold: expected 2 ≤ k ≤ {N}, the number of samples, got k = {k!r}")
    fold = torch.empty(N, dtype=torch.int64)
    fold[_shuffle(N, stratify, generator(seed, "kfold"))] = torch.arange(N) % k
    return [_split_indices(fold == i) for i in range(k)]


def repeated_kfold(
    n: int | Sized, k: int, repeats: int, *, seed: int, stratify: Tensor | None = None
) -> list[tuple[Tensor, Tensor]]:
    """`repeats` independent k-folds, one after the other: repeats · k splits."""
    if repeats < 1:
        raise ValueError(f"repeated_kfold: expected at least 1 repeat, got {repeats}")
    seeds = (derive(seed, "repeat", r) for r in range(repeats))
    return [split for one in seeds for split in kfold(n, k, seed=one, stratify=stratify)]


def _num_samples(n: int | Sized) -> int:
    return len(n) if isinstance(n, Sized) else operator.index(n)


def _shuffle(N: int, stratify: Tensor | None, g: torch.Generator) -> Tensor:
    """The samples in random order, or class after class, each class in random order."""
    order = torch.randperm(N, generator=g)
    if stratify is None:
        return order
    if stratify.shape != (N,) or stratify.is_floating_point():
        raise ValueError(
            f"expected stratify to be the classes ({N},) of the samples, "
            f"got {tuple(stratify.shape)} {stratify.dtype}"
        )
    return order[stratify.cpu()[order].argsort(stable=True)]


def _split_indices(tests: Tensor) -> tuple[Tensor, Tensor]:
    return (~tests).nonzero().squeeze(1), tests.nonzero().squeeze(1)
