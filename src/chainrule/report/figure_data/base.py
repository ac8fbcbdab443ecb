"""What the data of all figures share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

__all__ = ["FigureData"]


class FigureData:
    """What a figure shows: each kind is a frozen dataclass of numbers and labels."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it: lists for arrays, None for what is not finite."""
        data: dict[str, Any] = _to_json(self)
        return data


def _to_json(x: Any) -> Any:
    if is_dataclass(x):
        return {field.name: _to_json(getattr(x, field.name)) for field in fields(x)}
    if isinstance(x, np.ndarray):
        return _to_json(x.tolist())
    if isinstance(x, Mapping):
        return {key: _to_json(inner) for key, inner in x.items()}
    if isinstance(x, list | tuple):
        return [_to_json(inner) for inner in x]
    return None if isinstance(x, float) and not math.isfinite(x) else x
