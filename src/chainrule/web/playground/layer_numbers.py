"""What training samples do in each layer of all seeds' nets, on the way forward and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from chainrule.train.layer_stats import CohortLayerRow
from chainrule.web.playground.encoding import summarize_seeds

__all__ = ["QUANTITIES", "choose_sample_count", "layer_numbers"]

QUANTITIES = ("std", "dead", "flat", "dy", "relative")
"""Of a :class:`CohortLayerRow`, what a page shows."""

MAX_SAMPLES = 100
MIN_SAMPLES = 8

MAX_OUTPUTS = 2**19
"""Numbers that the layers of all nets put out together, about; of more, fewer samples are taken."""


def choose_sample_count(activations: int, K: int, available: int) -> int:
    """With how many training samples K nets are looked at that put out so many numbers for one."""
    n = MAX_OUTPUTS // max(1, K * activations)
    return min(available, MAX_SAMPLES, max(MIN_SAMPLES, n))


def layer_numbers(rows: Sequence[CohortLayerRow]) -> dict[str, Any]:
    """Quantity → seeds (layers · K), and mean, low and high (layers,); nan where a layer has none.

    ``paths`` and ``layers`` say which layers they are.
    """
    K = len(rows[0].mean)
    missing = torch.full((K,), torch.nan)
    values = [
        torch.stack([missing if (x := getattr(row, name)) is None else x for row in rows])
        for name in QUANTITIES
    ]
    found = summarize_seeds(torch.cat(values))
    shares = [
        {kind: array.reshape(len(QUANTITIES), -1)[i] for kind, array in found.items()}
        for i in range(len(QUANTITIES))
    ]
    return {
        "paths": [row.path for row in rows],
        "layers": [row.layer for row in rows],
        **dict(zip(QUANTITIES, shares, strict=True)),
    }
