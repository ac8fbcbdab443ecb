"""Which way the rows of a study were computed, in words."""

from __future__ import annotations

from collections.abc import Iterable

from chainrule.study.store.record import TrainingRecord

__all__ = ["backend_kind", "describe_backends", "describe_way"]

KINDS = {
    "compiled": "in the compiled kernel",
    "plain": "on the plain path",
    "PyTorch": "by PyTorch",
}


def backend_kind(backend: str) -> str:
    """Without the reason: "plain" of "plain: there is no compiled form of GELU()"."""
    return backend.partition(": ")[0]


def describe_way(kind: str) -> str:
    """Such as "in the compiled kernel"."""
    return KINDS.get(kind, kind)


def describe_backends(rows: Iterable[TrainingRecord]) -> list[str]:
    """A sentence for each way that trainings were computed, with the arms that went it.

    Nothing of rows from before that was recorded.
    """
    known = [row for row in rows if row.backend and row.stage == "final" and row.has_value]
    ways: dict[str, dict[str, None]] = {}
    for row in known:
        ways.setdefault(row.arm, {})[describe_backend(row)] = None
    groups: dict[str, list[str]] = {}
    for arm, found in ways.items():
        groups.setdefault(", or ".join(found), []).append(arm)
    if len(groups) == 1:
        return [f"Trained {way}." for way in groups]
    return [f"{', '.join(names)}: trained {way}." for way, names in groups.items()]


def describe_backend(row: TrainingRecord) -> str:
    """Such as "in the compiled kernel 0123456789abcdef"."""
    kind, _, reason = row.backend.partition(": ")
    kernel = f" {row.kernel}" if row.kernel and kind == "compiled" else ""
    return describe_way(kind) + kernel + (f" ({reason})" if reason else "")
