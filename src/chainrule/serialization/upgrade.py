"""Headers of older formats, in the words of the present one: every format is read for ever."""

from __future__ import annotations

from typing import Any

__all__ = ["upgrade_header"]

FORMAT_1 = {"made of": "config", "draws": "rng_state", "about": "metadata"}
"""Keys of the header in format 1 → in format 2."""


def upgrade_header(version: int, header: dict[str, Any]) -> dict[str, Any]:
    """The header of a file of this format, as it would be written now."""
    return _upgrade_from_1(header) if version == 1 else header


def _upgrade_from_1(header: dict[str, Any]) -> dict[str, Any]:
    """Keys that were phrases; of what predicts, the answer that needs no net."""
    header = {FORMAT_1.get(key, key): value for key, value in header.items()}
    match header:
        case {"trainer": {"dict": list(items)}}:
            header["trainer"]["dict"] = [
                ["torch_rng_state" if key == "global" else key, value] for key, value in items
            ]
    match header:
        case {"metadata": {"preparation": {"task": {"usual": value, **rest}}}}:
            header["metadata"]["preparation"]["task"] = {**rest, "baseline_prediction": value}
    return header
