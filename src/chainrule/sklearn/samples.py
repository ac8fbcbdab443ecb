"""From arrays to what is trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import _check_sample_weight, check_array
from torch import Tensor

from chainrule.data import Dataset
from chainrule.data.sparse import from_scipy

__all__ = [
    "Array",
    "Samples",
    "as_tensor",
    "cast_finite",
    "read_weights",
    "slice_sparse",
    "to_dense",
]

Array = NDArray[Any]

MAX_DENSE_BYTES = 2**28
"""Up to which size a sparse X is made dense to train; of a larger one each batch is."""
SPARSE_ROWS_BYTES = 2**25
"""How much of a sparse X is made dense at once to predict."""


@dataclass(frozen=True)
class Samples:
    """What is learned from: X (N, D), targets y, weights (N,) or None, how many outputs.

    ``X``: an array, or where that would be large a sparse one in rows.
    ``stratify``: whether a part held out has the same shares of classes, where there are enough.
    """

    X: Any
    y: Array
    weight: Array | None
    outputs: int
    stratify: bool

    def drop_weightless(self) -> Samples:
        """Without the samples that do not count. Raises ValueError where none does."""
        if self.weight is None or (self.weight > 0).all():
            return self
        rows = self.weight > 0
        if not rows.any():
            raise ValueError("sample_weight: expected at least one above 0")
        return Samples(
            self.X[rows], self.y[rows], self.weight[rows], self.outputs, stratify=self.stratify
        )

    def count_training(self, held_out: float) -> int:
        """How many samples are learned from where this share of them is held out."""
        return len(self.y) - ceil(held_out * len(self.y))

    def split(self, held_out: float, seed: int) -> tuple[Dataset, Dataset | None]:
        """(what is learned from, the share that early stopping watches, None of 0)."""
        if not held_out:
            return self._make_dataset(slice(None)), None
        rows = np.arange(len(self.y))
        shares = self.y if self._can_stratify(held_out) else None
        try:
            learned, watched = train_test_split(
                rows, test_size=held_out, random_state=seed, stratify=shares
            )
        except ValueError as error:
            raise ValueError(f"early_stopping needs samples to validate on: {error}") from None
        return self._make_dataset(learned), self._make_dataset(watched)

    def _can_stratify(self, held_out: float) -> bool:
        """Whether each class has a sample for either part."""
        if not self.stratify:
            return False
        counts = np.unique(self.y, return_counts=True)[1]
        n = ceil(held_out * len(self.y))
        return bool(counts.min() >= 2) and len(counts) <= min(n, len(self.y) - n)

    @property
    def dtype(self) -> torch.dtype:
        """That which is trained in."""
        return torch.from_numpy(np.empty(0, self.X.dtype)).dtype

    def mean_weight(self) -> float:
        """What a sample weighs on average: 1 where they have no weights."""
        return 1.0 if self.weight is None else float(self.weight.mean())

    def _make_dataset(self, rows: Any) -> Dataset:
        """Some as tensors; with weights the target is what SampleWeightedLoss takes."""
        inputs, target = as_tensor(self.X[rows]), as_tensor(self.y[rows])
        if self.weight is None:
            return Dataset(inputs, target)
        return Dataset(inputs, {"target": target, "weight": as_tensor(self.weight[rows])})


def read_weights(weight: Any, X: Any) -> Array | None:
    """Sample weights (N,), None where none are given. Raises ValueError for negative ones."""
    if weight is None:
        return None
    found: Array = _check_sample_weight(weight, X, dtype=X.dtype, ensure_non_negative=True)
    return found


def slice_sparse(X: Any) -> Iterator[Array]:
    """A sparse X in dense slices of rows, an array as it is."""
    if not issparse(X):
        yield X
        return
    size = max(1, SPARSE_ROWS_BYTES // (X.shape[1] * X.dtype.itemsize))
    X = X.tocsr()
    for start in range(0, X.shape[0], size):
        yield X[start : start + size].toarray()


def cast_finite(X: Any, dtype: np.dtype[Any]) -> Any:
    """X, an array or sparse, in this dtype. Raises ValueError where it cannot hold a number."""
    with np.errstate(over="ignore"):  # the error says it
        return check_array(X, accept_sparse=True, dtype=dtype, input_name="X")


def to_dense(X: Any) -> Any:
    """The array of a sparse X, or one in rows where that would be large; or X itself."""
    if not issparse(X):
        return X
    is_small = X.shape[0] * X.shape[1] * X.dtype.itemsize <= MAX_DENSE_BYTES
    return X.toarray() if is_small else X.tocsr()


def as_tensor(values: Any) -> Tensor:
    """The tensor of an array, or a sparse one; of an array that is only to be read, a copy."""
    if issparse(values):
        return from_scipy(values)
    return torch.from_numpy(np.require(values, requirements="W"))
