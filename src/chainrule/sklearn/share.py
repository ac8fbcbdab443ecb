"""The nets of one estimator, which may be some of a cohort that several were trained in."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import Tensor

from chainrule.nn import Module
from chainrule.sklearn.samples import as_tensor, slice_sparse
from chainrule.train import predict

__all__ = ["NetShare", "compute_rows", "known_outputs"]


@final
class NetShare:
    """``count`` replicas of a cohort, from ``first`` on; a copy is made when it is needed."""

    def __init__(self, cohort: Module, first: int, count: int) -> None:
        self.cohort, self.rows = cohort, slice(first, first + count)
        self._own = cohort if cohort.replicas == count else None
        self._known: tuple[Any, Tensor] | None = None

    @property
    def nets(self) -> Module:
        """These nets alone."""
        if self._own is None:
            own = copy.deepcopy(self.cohort)
            own.keep_replicas(torch.arange(self.rows.start, self.rows.stop))
            self._own = own
        return self._own

    def find_outputs(self, X: Any) -> Tensor | None:
        """What is known of this X, None of another."""
        return self._known[1] if self._known is not None and self._known[0] is X else None

    def know(self, X: Any, outputs: Tensor) -> None:
        """Know the outputs of the whole cohort for X."""
        self._known = X, outputs[self.rows]

    def forget(self) -> None:
        """Know nothing more."""
        self._known = None

    def __getstate__(self) -> dict[str, Any]:
        """Its own nets, without those of others."""
        nets = self.nets
        rows = slice(0, self.rows.stop - self.rows.start)
        return {"cohort": nets, "rows": rows, "_own": nets, "_known": None}


def compute_rows(nets: Module, X: Any) -> Tensor:
    """The outputs (K, N, L) of a cohort for an array or a sparse matrix X (N, D)."""
    return torch.cat([predict(nets, as_tensor(rows)) for rows in slice_sparse(X)], 1)


@contextmanager
def known_outputs(shares: Sequence[NetShare], X: Any, checked: Any) -> Iterator[None]:
    """In here, each share knows its outputs of X: each cohort goes over it once.

    ``checked``: X as the nets take it.
    """
    outputs: dict[int, Tensor] = {}
    for share in shares:
        cohort = share.cohort
        if id(cohort) not in outputs:
            outputs[id(cohort)] = compute_rows(cohort, checked)
        share.know(X, outputs[id(cohort)])
    try:
        yield
    finally:
        for share in shares:
            share.forget()
