"""The trainings that an error ended: which, and what the error said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chainrule.study.store.record import TrainingRecord

__all__ = ["describe_failures", "failed_arm_rows", "select_failures"]


def select_failures(rows: Iterable[TrainingRecord]) -> list[TrainingRecord]:
    """The rows that failed."""
    return [row for row in rows if row.status == "failed"]


def describe_failures(rows: Iterable[TrainingRecord]) -> list[str]:
    """``arm bad: what the error said`` for each error, with all the arms that it ended."""
    arms: dict[str, dict[str, None]] = {}
    for row in select_failures(rows):
        arms.setdefault(row.note, {})[row.arm] = None
    return [f"{'arms' if len(of) > 1 else 'arm'} {', '.join(of)}: {p}" for p, of in arms.items()]


def failed_arm_rows(failures: Iterable[TrainingRecord], metric: str) -> dict[str, dict[str, Any]]:
    """Arm → its row as JSON data where it has no results: the first error, and failed rounds."""
    rows: dict[str, dict[str, Any]] = {}
    for failure in failures:
        empty: dict[str, Any] = {"mean": None, "n": 0, "n_ok": 0, "n_failed": 0, "values": []}
        first = {"arm": failure.arm, "metric": metric, **empty, "error": failure.note}
        row = rows.setdefault(failure.arm, first)
        row["n_failed"] += failure.stage == "final"
    return rows
