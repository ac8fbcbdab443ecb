"""Dicts, lists, texts and numbers, as JSON and TOML have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["flatten_dict"]


def flatten_dict(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"net.hidden": 4}`` of ``{"net": {"hidden": 4}}``; lists stay whole."""
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            flat |= flatten_dict(inner, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = inner
    return flat
