"""Dicts, lists, texts and numbers, as JSON and TOML have them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["finite_or_none", "flatten_dict"]


def flatten_dict(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"net.hidden": 4}`` of ``{"net": {"hidden": 4}}``; lists stay whole."""
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            flat |= flatten_dict(inner, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = inner
    return flat


def finite_or_none(x: float) -> float | None:
    """The number, or None for what JSON has no text for: nan and the infinities."""
    return x if math.isfinite(x) else None
