"""Records as text, curves and predictions as bytes, and the digest that seals each.

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
from chainrule.study.store.kinds import find_row_problem, find_study_problem
from chainrule.study.store.record import TrainingKey, TrainingRecord

__all__ = [
    "canonical_json",
    "checksum",
    "decode_row",
    "decode_study",
    "encode_row",
    "upgrade_row",
    "verify_predictions",
]

KEY = ("arm", "stage", "candidate", "round", "fold")
FIELDS = tuple(
    f.name
    for f in fields(TrainingRecord)
    if f.name not in ("curves", "predictions", "predictions_digest", "samples", "machine")
)


OLD_FIELDS = {"width": "cohort_size"}
OLD_STAGES = {"solo": "timing"}
OLD_SETTINGS = {"members": "ensemble_size"}
"""What format 1 called fields of a row, stages and paths → what they are called now."""


def canonical_json(value: object, what: str) -> str:
    """The one JSON text of a value. Raises ValueError where it is no JSON data."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_mapping_to_dict)
    except TypeError as error:
        raise ValueError(f"{what} cannot be stored: {error}") from None


def _mapping_to_dict(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"expected JSON data, got {type(value).__name__} {value!r}")


def hash_bytes(data: bytes) -> str:
    """BLAKE2b, 16 bytes of it, as hexadecimal digits."""
    return blake2b(data, digest_size=16).hexdigest()


def checksum(*parts: object) -> str:
    """A digest of texts and numbers, of their types and of their order."""
    return hash_bytes(ascii(parts).encode())


def encode_row(study: int, row: TrainingRecord) -> tuple[dict[str, Any], bytes]:
    """The columns of a row and the bytes of its curves, whose digest is in the row's text."""
    curves = {name: np.asarray(curve, "<f8") for name, curve in row.curves.items()}
    data = b"".join(curve.tobytes() for curve in curves.values())
    content = canonical_json(
        {name: getattr(row, name) for name in FIELDS}
        | {"curves": [[name, len(curve)] for name, curve in curves.items()]}
        | {"curves_digest": hash_bytes(data)}
        | ({"samples": row.samples} if row.samples else {})
        | ({"machine": row.machine} if row.machine else {})
        | ({"predictions_digest": hash_bytes(row.predictions)} if row.predictions else {}),
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
    *key, _, _, data = columns
    name = f"the row {tuple(key)}"
    values = _verify_row(where, study, columns[:-1])
    lengths, expected = values.pop("curves"), values.pop("curves_digest")
    if curves:
        data = b"" if data is None else data  # a row without curves has no record of them
        if not isinstance(data, bytes) or hash_bytes(data) != expected:
            raise StoreError.from_damage(where, f"the curves of {name} do not match their digest")
        values["curves"] = _split_curves(lengths, data)
    return TrainingRecord(**values)


def verify_predictions(
    where: object, study: int, columns: Sequence[Any]
) -> tuple[TrainingKey, bytes] | None:
    """The predictions of (arm, stage, …, content, seal, their bytes); None for a row without.

    Raises StoreError as decode_row.
    """
    *row, data = columns
    expected = _verify_row(where, study, row).get("predictions_digest")
    if expected is None:
        return None
    key = TrainingKey(*row[: len(KEY)])
    if not isinstance(data, bytes) or hash_bytes(data) != expected:
        problem = f"the predictions of the row {tuple(key)} do not match their digest"
        raise StoreError.from_damage(where, problem)
    return key, data


def upgrade_row(where: object, study: int, columns: Sequence[Any]) -> dict[str, Any]:
    """The columns that change where (arm, stage, …, content, seal) is written in this format.

    Raises StoreError as decode_row.
    """
    values = _verify_row(where, study, columns)
    content = canonical_json(values, "the row")
    return {"stage": values["stage"], "content": content, "seal": checksum(study, content)}


def _verify_row(where: object, study: int, columns: Sequence[Any]) -> dict[str, Any]:
    """What the text of (arm, stage, …, content, seal) says, with the names of this format."""
    *key, content, sealed = columns
    name = f"the row {tuple(key)}"
    if checksum(study, content) != sealed:
        raise StoreError.from_damage(where, f"{name} does not match its digest")
    values = _read_fields(where, name, content)
    if problem := find_row_problem(renamed := _rename_old_fields(values)):
        raise StoreError.from_damage(where, f"{name}: {problem}")
    if [values[column] for column in KEY] != key:
        raise StoreError.from_damage(where, f"{name} has the text of another")
    return renamed


def _read_fields(where: object, name: str, content: Any) -> dict[str, Any]:
    """The fields that a text has."""
    try:
        values = json.loads(content)
    except (ValueError, TypeError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise StoreError.from_damage(where, f"{name} is no JSON object")
    return values


def _rename_old_fields(values: dict[str, Any]) -> dict[str, Any]:
    """The fields of a row with the names of this format."""
    renamed = {OLD_FIELDS.get(field, field): value for field, value in values.items()}
    match values:
        case {"stage": str(stage)}:
            renamed["stage"] = OLD_STAGES.get(stage, stage)
    match values:
        case {"setting": dict(setting)}:
            renamed["setting"] = {OLD_SETTINGS.get(k, k): v for k, v in setting.items()}
    return renamed


def _split_curves(lengths: Sequence[tuple[str, int]], data: bytes) -> dict[str, list[float]]:
    values = np.frombuffer(data, "<f8").tolist()
    ends = np.cumsum([0, *(length for _, length in lengths)]).tolist()
    return {name: values[ends[i] : ends[i + 1]] for i, (name, _) in enumerate(lengths)}


def decode_study(where: object, columns: Sequence[Any]) -> StudyRecord:
    """The study of (id, digest, content, trainings, seal). Raises StoreError as decode_row."""
    *parts, sealed = columns
    if checksum(*parts) != sealed:
        raise StoreError.from_damage(where, f"study {parts[0]} does not match its digest")
    number, digest, content, trainings = parts
    values = _read_fields(where, f"study {number}", content)
    if problem := find_study_problem(values):
        raise StoreError.from_damage(where, f"study {number}: {problem}")
    provenance = values["runs"][0]
    return StudyRecord(
        id=number, digest=digest, provenance=provenance, trainings=trainings, **values
    )
