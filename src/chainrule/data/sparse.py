"""Samples most of whose numbers are 0: rows of them are picked without the others.

A sparse tensor is one of torch's COO layout, coalesced: the places of its numbers in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["from_scipy", "narrow_rows", "num_bytes", "select_rows"]


def from_scipy(matrix: Any) -> Tensor:
    """A matrix or array of ``scipy.sparse`` (N, D) as a sparse tensor."""
    rows = matrix.tocsr(copy=True)
    rows.sum_duplicates()  # which also puts each row's numbers in order
    lengths = torch.from_numpy(rows.indptr).long().diff()
    places = torch.stack(
        [
            torch.arange(rows.shape[0]).repeat_interleave(lengths),
            torch.from_numpy(rows.indices).long(),
        ]
    )
    return make_sparse(places, torch.from_numpy(rows.data), rows.shape)


def num_bytes(t: Tensor) -> int:
    """The memory of a tensor's numbers, and of their places where it is sparse."""
    return t.indices().nbytes + t.values().nbytes if t.is_sparse else t.nbytes


def select_rows(t: Tensor, index: Tensor) -> Tensor:
    """The rows of a sparse (N, D) that ``index`` (n,) or (K, n) names, sparse.

    Of (K, N, D) each replica's rows (K, n, D), where a leading 1 serves all.
    """
    *lead, N, D = t.shape
    if lead and index.ndim == 1:
        index = index.expand(*lead, -1)
    places = t.indices()
    names = index.flatten()
    keys = places[-2]
    if lead and lead[0] > 1:
        keys = places[0] * N + keys
        names = (index + torch.arange(lead[0]).unsqueeze(1) * N).flatten()
    starts = torch.searchsorted(keys, names)
    lengths = torch.searchsorted(keys, names, right=True) - starts
    rows = torch.arange(len(names)).repeat_interleave(lengths)
    firsts = lengths.cumsum(0) - lengths
    at = torch.arange(len(rows)) + (starts - firsts).repeat_interleave(lengths)
    n = index.shape[-1]
    own = [rows] if index.ndim == 1 else [rows // n, rows % n]
    return make_sparse(torch.stack([*own, places[-1, at]]), t.values()[at], (*index.shape, D))


def make_sparse(places: Tensor, values: Tensor, shape: Sequence[int]) -> Tensor:
    """Values at these places, which are in order and each there once."""
    return torch.sparse_coo_tensor(
        places, values, (*shape,), is_coalesced=True, check_invariants=False
    )


def narrow_rows(t: Tensor, axis: int, start: int, size: int) -> Tensor:
    """``size`` rows from ``start`` on: a view, but of a sparse tensor a copy."""
    if not t.is_sparse:
        return t.narrow(axis, start, size)
    return select_rows(t, torch.arange(start, start + size))
