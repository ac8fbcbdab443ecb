"""Records as text, curves as bytes, and the digest that seals each.

A record's text is canonical JSON: sorted keys, no spaces, ASCII. Numbers that are not finite are
written NaN, Infinity and -Infinity, as Python reads them. A curve is little-endian float64.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from hashlib import blake2b
from typing import Any

import numpy as np

from chainrule.study.store.base import StoreError, StudyRecord
from chainrule.study.store.record import TrainingRecord

__all__ = ["canonical", "checksum", "decode_row", "decode_study", "encode_row"]

KEY = ("arm", "stage", "candidate", "round", "fold")
OWN = tuple(f.name for f in fields(TrainingRecord) if f.name != "curves")


def canonical(value: object, what: str) -> str:
    """The one JSON text of a value. Raises ValueError where it is no JSON data."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)
    except TypeError as error:
        raise ValueError(f"{what} cannot be stored: {error}") from None


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"expected JSON data, got {type(value).__name__} {value!r}")


def digest(data: bytes) -> str:
    """BLAKE2b, 16 bytes of it, as hexadecimal digits."""
    return blake2b(data, digest_size=16).hexdigest()


def checksum(*parts: object) -> str:
    """A digest of texts and numbers, of their types and of their order."""
    return digest(ascii(parts).encode())


def encode_row(study: int, row: TrainingRecord) -> tuple[dict[str, Any], bytes]:
    """The columns of a row and the bytes of its curves, whose digest is in the row's text."""
    curves = {name: np.asarray(curve, "<f8") for name, curve in row.curves.items()}
    data = b"".join(curve.tobytes() for curve in curves.values())
    content = canonical(
        {name: getattr(row, name) for name in OWN}
        | {"curves": [[name, len(curve)] for name, curve in curves.items()]}
        | {"curves_digest": digest(data)},
        f"the row {tuple(row.key)}",
    )
    columns = {"study": study, "content": content, "seal": checksum(study, content)}
    return columns | row.key._asdict(), data


def decode_row(
    where: object, study: int, columns: Sequence[Any], *, curves: bool = False
) -> TrainingRecord:
    """The row of (arm, stage, candidate, round, fold, content, seal, bytes of its curves).

    Raises StoreError for anything that is not as it was written.
    """
    *key, content, sealed, data = columns
    name = f"the row {tuple(key)}"
    if checksum(study, content) != sealed:
        raise StoreError.damaged(where, f"{name} does not match its digest")
    values = json.loads(content)
    lengths, expected = values.pop("curves"), values.pop("curves_digest")
    if [values[column] for column in KEY] != key:
        raise StoreError.damaged(where, f"{name} has the text of another")
    if curves:
        data = b"" if data is None else data  # a row without curves has no record of them
        if not isinstance(data, bytes) or digest(data) != expected:
            raise StoreError.damaged(where, f"the curves of {name} do not match their digest")
        values["curves"] = _split(lengths, data)
    return TrainingRecord(**values)


def _split(lengths: Sequence[tuple[str, int]], data: bytes) -> dict[str, list[float]]:
    values = np.frombuffer(data, "<f8").tolist()
    ends = np.cumsum([0, *(length for _, length in lengths)]).tolist()
    return {name: values[ends[i] : ends[i + 1]] for i, (name, _) in enumerate(lengths)}


def decode_study(where: object, columns: Sequence[Any]) -> StudyRecord:
    """The study of (id, digest, content, trainings, seal). Raises StoreError as decode_row."""
    *parts, sealed = columns
    if checksum(*parts) != sealed:
        raise StoreError.damaged(where, f"study {parts[0]} does not match its digest")
    number, name, content, _ = parts
    values = json.loads(content)
    return StudyRecord(id=number, digest=name, provenance=values["runs"][0], **values)
