"""What a page is sent: numbers as arrays, and a message with its arrays as bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = [
    "Array",
    "encode_bytes",
    "encode_image",
    "encode_numbers",
    "encode_signed",
    "encode_units",
    "pack_message",
    "summarize_seeds",
]

Array: TypeAlias = NDArray[Any]
"""Of uint8 or float32, in a message."""

ALIGNMENT = 4
"""Bytes; each array begins at a multiple of it, as the browser's arrays of numbers must."""

QUANTILES = torch.tensor([0.1, 0.9], dtype=torch.float64)


def encode_bytes(values: Tensor, low: float, high: float) -> Array:
    """Numbers from low to high as bytes 0 … 255; nan is 0."""
    share = (values.float() - low) / ((high - low) or 1.0)
    scaled = (share.nan_to_num(0.0).clamp(0, 1) * 255).round().to(torch.uint8)
    return scaled.flatten().numpy()


def encode_numbers(values: Tensor) -> Array:
    """Numbers as they are, in float32; nan for what is not finite."""
    numbers = values.detach().to(torch.float32).flatten()
    return numbers.masked_fill(~numbers.isfinite(), torch.nan).numpy()


def encode_image(image: Tensor) -> dict[str, Any]:
    """A picture (H, W) by its own darkest and lightest points."""
    height, width = image.shape
    data = encode_bytes(image, float(image.min()), float(image.max()))
    return {"width": width, "height": height, "data": data}


def encode_units(layers: Sequence[Tensor]) -> list[dict[str, Array]]:
    """Of layers' units (units, points), each unit by its own range."""
    if not layers:
        return []
    values = torch.cat([*layers])
    low, high = values.aminmax(dim=1)
    share = (values - low[:, None]) / (high - low).clamp_min(1e-12)[:, None]
    data = encode_bytes(share, 0.0, 1.0).reshape(values.shape)
    ends = [*accumulate(map(len, layers))][:-1]
    parts = (np.split(x, ends) for x in (data, encode_numbers(low), encode_numbers(high)))
    return [
        {"data": part.reshape(-1), "low": least, "high": most}
        for part, least, most in zip(*parts, strict=True)
    ]


def encode_signed(values: Tensor) -> dict[str, Any]:
    """Numbers (rows, columns) from −limit (0) to limit (255), the largest of their sizes."""
    limit = float(values.abs().nan_to_num(0.0, 0.0).max())
    rows, columns = values.shape
    data = encode_bytes(values, -limit, limit)
    return {"rows": rows, "columns": columns, "limit": limit, "data": data}


def summarize_seeds(values: Tensor) -> dict[str, Array]:
    """Numbers of each seed, their mean and their band    values (rows, K)

    ``seeds`` has all, ``mean``, ``low`` and ``high`` a number a row: over the seeds that have one,
    the band from the 10th to the 90th percentile.
    """
    low = high = values.flatten()
    if len(values):
        low, high = torch.nanquantile(values.double(), QUANTILES, 1)
    found = {"seeds": values, "mean": values.nanmean(1), "low": low, "high": high}
    return {name: encode_numbers(x) for name, x in found.items()}


def pack_message(message: Mapping[str, Any]) -> bytes:
    """The length of a text (4 bytes, the lowest first), the text, then the arrays.

    The text is the message as JSON data. An array in it stands there as ``{"$array": [dtype,
    offset, length]}``, counted from the end of the text. Raises ValueError for a number elsewhere
    that is not finite, TypeError for what is no JSON data.
    """
    chunks: list[bytes] = []
    size = 0

    def place_array(value: Any) -> Any:
        nonlocal size
        if not isinstance(value, np.ndarray):
            raise TypeError(f"a page takes no {type(value).__name__}")
        chunk = align_chunk(value.astype(value.dtype.newbyteorder("<"), copy=False).tobytes())
        place = [value.dtype.name, size, value.size]
        chunks.append(chunk)
        size += len(chunk)
        return {"$array": place}

    text = json.dumps(message, allow_nan=False, separators=(",", ":"), default=place_array)
    packed = align_chunk(text.encode("ascii"), b" ")
    return b"".join([len(packed).to_bytes(4, "little"), packed, *chunks])


def align_chunk(chunk: bytes, filler: bytes = b"\0") -> bytes:
    """The chunk, made longer until the next may begin."""
    return chunk + filler * (-len(chunk) % ALIGNMENT)
