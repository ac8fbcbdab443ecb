"""What a module and a loss have in common: replicas, a name in one line, a call to go back from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from chainrule._util.argument_checks import CheckedConstructor
from chainrule.nn.constructor import label

__all__ = ["Replicated", "check_replica_index", "list_seeds"]


class Replicated(CheckedConstructor):
    """Serves a plain net, or K replicas at once (``replicas``); keeps the rule of its last call."""

    replicas: int | None = None
    _last: Any = None

    @property
    def num_replica_dims(self) -> int:
        """How many axes stand before torch's: 1 in a cohort, else 0."""
        return 0 if self.replicas is None else 1

    def _check_replicate(self, K: int) -> None:
        if self.replicas is not None:
            raise ValueError(f"{self.label()} is a cohort of {self.replicas} already")
        if not isinstance(K, int):
            raise TypeError(f"K: expected a whole number of replicas, got {K!r}")
        if K < 1:
            raise ValueError(f"a cohort needs at least one replica, got {K}")

    def label(self) -> str:
        """Its class and the arguments that differ from their defaults, in one line."""
        return label(self)

    def __repr__(self) -> str:
        return self.label()

    def __getstate__(self) -> dict[str, Any]:
        """All but the chain rule of the last call, which holds on to a batch."""
        return {name: value for name, value in vars(self).items() if name != "_last"}


def check_replica_index(index: Tensor, K: int | None) -> list[int]:
    """The numbers in index int64 (n,), if they are distinct replicas of K; else ValueError."""
    if K is None:
        raise ValueError("a plain net has no replicas to choose from")
    if index.dtype != torch.int64 or index.dim() != 1:
        shape = tuple(index.shape)
        raise ValueError(f"expected replicas as an int64 tensor (n,), got {index.dtype} {shape}")
    kept: list[int] = index.tolist()
    if not kept or len(set(kept)) < len(kept) or not all(0 <= k < K for k in kept):
        raise ValueError(f"expected distinct replicas, 0 ≤ k < {K}, got {kept}")
    return kept


def list_seeds(seed: Any) -> list[int]:
    """The seed, or each of several. Raises TypeError for what is no whole number."""
    given = list(seed) if isinstance(seed, Iterable) and not isinstance(seed, str) else [seed]
    for one in given:
        if not hasattr(one, "__index__"):
            raise TypeError(f"seed: expected a whole number, or one a replica, got {one!r}")
    return given
