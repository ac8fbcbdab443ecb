"""What a net says of each sample that it was judged on, and how that is kept: one NPZ archive."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Predictions", "decode_predictions", "encode_predictions", "take_samples"]

Outputs: TypeAlias = Any
"""An array, or a dict, tuple or list of them: as a net gives them."""

FIELDS = ("outputs", "targets", "scores", "samples")


@dataclass(frozen=True, eq=False)
class Predictions:
    """The N samples of a test set, or of a search's validation part, as one net sees them.

    - ``outputs``: what the net gives, (N, …); of an ensemble the mean, as it was judged.
    - ``targets``: what they were judged by, (N, …).
    - ``scores``: metric → its value of each sample, (N,); the row's metric is their mean, or of
      that the root.
    - ``samples``: an integer that names each sample, (N,), whatever the round; or those of the
      images that it is made of, (N, images).
    - ``unit``: what a target was divided by before it was learned.
    """

    outputs: Outputs
    targets: Outputs
    scores: Mapping[str, NDArray[Any]]
    samples: NDArray[np.int64]
    unit: float = 1.0

    def __len__(self) -> int:
        return len(self.samples)


def encode_predictions(found: Predictions) -> bytes:
    """A compressed NPZ archive, the same for the same predictions."""
    arrays: list[NDArray[Any]] = []
    outline = {name: describe_arrays(getattr(found, name), arrays) for name in FIELDS}
    text = json.dumps({**outline, "unit": found.unit})
    archive = BytesIO()
    np.savez_compressed(archive, np.array(text), *arrays)
    return archive.getvalue()


def decode_predictions(data: bytes) -> Predictions:
    """What :func:`encode_predictions` wrote; who reads a file verifies its digest before."""
    with np.load(BytesIO(data), allow_pickle=False) as archive:
        text, *arrays = (archive[f"arr_{i}"] for i in range(len(archive.files)))
    outline, left = json.loads(str(text)), iter(arrays)
    return Predictions(
        **{name: fill_outline(outline[name], left) for name in FIELDS}, unit=outline["unit"]
    )


def describe_arrays(value: Any, arrays: list[NDArray[Any]]) -> Any:
    """Its structure as JSON data, null for an array; the arrays join the list, in order."""
    if isinstance(value, Mapping):
        return {str(key): describe_arrays(item, arrays) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [describe_arrays(item, arrays) for item in value]
    arrays.append(np.asarray(value))
    return None


def fill_outline(outline: Any, arrays: Iterator[NDArray[Any]]) -> Any:
    """The structure with the arrays in their places."""
    if isinstance(outline, dict):
        return {key: fill_outline(item, arrays) for key, item in outline.items()}
    if isinstance(outline, list):
        return tuple(fill_outline(item, arrays) for item in outline)
    return next(arrays)


def take_samples(found: Predictions, index: NDArray[np.int64]) -> Predictions:
    """The predictions of some samples."""

    def take(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: take(each) for name, each in value.items()}
        return np.asarray(value)[index]

    return Predictions(
        take(found.outputs),
        take(found.targets),
        take(found.scores),
        found.samples[index],
        unit=found.unit,
    )
