"""Rows for the tests of stores, and how they are compared."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict

from hypothesis import strategies as st

from chainrule.study import TrainingRecord

DECLARATION = {"arms": ["mlp", "conv"], "rounds": 3, "rope": math.inf}
PROVENANCE = {"versions": {"torch": "2.13.0"}, "commit": None, "command": ["chainrule", "run"]}


def row(r: int = 0, candidate: int = 0, *, arm: str = "mlp", epochs: int = 5) -> TrainingRecord:
    """One of many rows that all differ; round ``r`` = 2 of each arm diverged."""
    curve = [r + candidate / 7 + epoch / 3 for epoch in range(epochs)]
    return TrainingRecord(
        arm=arm,
        stage="final",
        candidate=candidate,
        round=r,
        fold=-1,
        status="diverged" if r == 2 else "done",
        setting={"optimizer.lr": 0.001, "hidden": 50, "share": True, "loss": "mse"},
        metrics={"accuracy": 0.1 + r / 7, "loss": math.nan if r == 2 else math.inf},
        epochs=epochs,
        seconds=1.25,
        cohort_size=48,
        parameters=1234,
        n_train=700,
        n_test=300,
        seeds={"net": 2**62 + 1 + r, "order": 7},
        finished="2026-01-02T03:04:05+00:00",
        worker="host 42",
        curves={"loss": curve, "accuracy": [-c for c in curve]} if epochs else {},
    )


def text(rows: Iterable[TrainingRecord]) -> list[str]:
    """What is equal where all is equal: nan to nan, 1 not to 1.0; names in any order."""
    return [repr(_sorted(asdict(row))) for row in rows]


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return [(name, _sorted(value[name])) for name in sorted(value)]
    return value


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
numbers = st.integers(-(2**31), 2**31 - 1)
rows = st.builds(
    TrainingRecord,
    arm=names,
    stage=st.sampled_from(["search", "final", "timing"]),
    candidate=numbers,
    round=numbers,
    fold=numbers,
    status=st.sampled_from(["done", "diverged", "stopped"]),
    setting=st.dictionaries(names, st.floats() | st.integers() | st.booleans() | names, max_size=4),
    metrics=st.dictionaries(names, st.floats(), max_size=4),
    epochs=numbers,
    seconds=st.floats(),
    cohort_size=numbers,
    parameters=st.integers(0, 2**63),
    n_train=numbers,
    n_test=numbers,
    seeds=st.dictionaries(names, st.integers(0, 2**63 - 1), max_size=3),
    finished=names,
    worker=names,
    note=names,
    curves=st.dictionaries(names, st.lists(st.floats(), max_size=5), max_size=3),
)
