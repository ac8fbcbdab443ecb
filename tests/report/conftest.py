"""Studies that never ran: their rows are written by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from chainrule.study import Study, StudyResult, TrainingRecord
from chainrule.study.store.record import SEARCH_ROUND

EPOCHS = 5
GRID = [{"optimizer.lr": lr, "net.hidden": h} for lr, h in product((0.001, 0.01, 0.1), (50, 200))]


def declared(levels: Sequence[str] = ("mlp", "conv"), **changes) -> Study:
    """Arms: ``levels`` x with and without sharing."""
    whole = {
        "name": "toy",
        "summary": "a study that never ran",
        "seed": 7,
        "rounds": 8,
        "epochs": EPOCHS,
        "data": "tests.report.conftest:nothing",
        "net": {"name": "tests.report.conftest:nothing", "hidden": 50},
        "loss": "CrossEntropyLoss",
        "optimizer": {"name": "Adam", "lr": 0.001},
        "rope": 0.005,
        "factors": {
            "kind": {level: {"net": {"kind": level}} for level in levels},
            "sharing": {"no": {}, "yes": {"net": {"share": True}}},
        },
        "space": {"optimizer.lr": [0.001, 0.01, 0.1], "net.hidden": [50, 200]},
        "search": {"method": "grid", "each_round": True},
    }
    whole |= {"baseline": levels[0], "reported": {levels[0]: {"mean": 0.71, "std": 0.013}}}
    return Study.model_validate(whole | changes)


def curves(accuracy: float) -> dict[str, list[float]]:
    epochs = range(1, EPOCHS + 1)
    return {
        "train_loss": [0.7 / e for e in epochs],
        "test_loss": [0.8 / e + 0.01 for e in epochs],
        "train_accuracy": [min(1.0, accuracy + 0.02 * e) for e in epochs],
        "test_accuracy": [accuracy * (1 - 0.3 / e**2) for e in epochs],
    }


def row(
    arm: str, stage: str, candidate: int, round_: int, accuracy: float, **changes
) -> TrainingRecord:
    made = TrainingRecord(
        arm=arm,
        stage=stage,
        candidate=candidate,
        round=round_,
        fold=0,
        status="done",
        setting=GRID[candidate % len(GRID)],
        metrics={"accuracy": accuracy, "loss": 1 - accuracy},
        epochs=EPOCHS,
        seconds=4.0 + 0.1 * round_,
        cohort_size=8,
        parameters=12345,
        n_train=700,
        n_test=300,
        seeds={"data": 1 + round_, "init": 2 + round_},
        curves=curves(accuracy),
    )
    return replace(made, **changes)


def diverged(of: TrainingRecord) -> TrainingRecord:
    lost = dict.fromkeys(of.metrics, math.nan)
    return replace(of, status="diverged", metrics=lost, note="epoch 2, step 3: train loss is nan")


def final_rows(study: Study, rounds: int) -> list[TrainingRecord]:
    """Each arm is a point better than the one before; the rounds differ for all alike."""
    rng, made = np.random.default_rng(3), []
    shared = 0.02 * rng.standard_normal(rounds)
    for i, arm in enumerate(study.all_arms):
        own = 0.004 * rng.standard_normal(rounds)
        made += [
            row(arm.name, "final", 2, r, float(0.7 + 0.01 * i + shared[r] + own[r]))
            for r in range(rounds)
        ]
    return made


def search_rows(study: Study) -> list[TrainingRecord]:
    return [
        row(arm.name, "search", c, SEARCH_ROUND, 0.6 + 0.01 * i + 0.02 * (c if c < 3 else 4 - c))
        for i, arm in enumerate(study.all_arms)
        for c in range(len(GRID))
    ]


RUN = {
    "versions": {"chainrule": "0.1.0", "torch": "2.13.0"},
    "commit": "0123abc",
    "dirty": False,
    "machine": {"cpu": "a processor", "cores": 2},
    "threads": 1,
    "command": ["chainrule", "run", "toy"],
}


def made(study: Study | None = None, *, rounds: int = 8, search: bool = True) -> StudyResult:
    """A finished study; the last round of its last arm diverged."""
    study = study or declared()
    rows = final_rows(study, rounds)
    if rows:
        rows[-1] = diverged(rows[-1])
    rows += [
        row(arm.name, "timing", 2, 0, 0.7, seconds=1.5, cohort_size=1) for arm in study.all_arms
    ]
    rows += search_rows(study) if search else []
    return StudyResult(study, rows, runs=(RUN,))


def without_search(levels: Sequence[str] = ("mlp", "conv"), **changes) -> Study:
    return declared(levels, space={}, search={}, **changes)


@pytest.fixture(scope="session")
def result() -> StudyResult:
    return made()
