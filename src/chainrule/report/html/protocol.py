"""How a study was made: protocol, randomness, provenance, and what diverged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chainrule.report.numbers import MISSING, value
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult
    from chainrule.study.store.record import TrainingRecord

__all__ = ["Facts", "diverged_sheet", "protocol", "randomness", "runs_of", "times"]

Facts = list[tuple[str, str]]
"""(what, how it was) each."""

ROUNDS = {
    "fresh": "training and test data are drawn anew in every round",
    "fixed": "training and test data are the same in every round",
    "resplit": "one data set, divided anew into training and test data in every round",
    "folds": "one data set in {} folds; each round tests on another",
}


def protocol(result: StudyResult) -> Facts:
    """How settings were chosen, and nets trained and judged."""
    study, search = result.study, result.study.search
    facts = [("rounds", ROUNDS[study.data.rounds].format(study.data.folds))]
    if study.space:
        count = "" if search.candidates is None else f", {search.candidates} candidates"
        when = "in every round" if search.each_round else "once, before the first round"
        facts.append(("search", f"{search.method}{count}, {when}"))
        facts.append(("selection", f"mean validation {study.metric_name} on {_split(result)}"))
        whole = (
            "trained anew on the whole training set" if study.selection.refit else "kept as it is"
        )
        facts.append(("the chosen setting", whole))
        if search.halving:
            halving = f"first after {search.halving.first} epochs, by {search.halving.factor}"
            facts.append(("successive halving", halving))
    else:
        facts.append(("search", "none: one setting an arm, as declared"))
    worst = f"counts as {value(study.worst)}, the declared worst value, never left out of its mean"
    return [*facts, ("a diverged training", worst), ("data", _sizes(result))]


def _split(result: StudyResult) -> str:
    chosen = result.study.selection
    part = f"a hold-out of {chosen.fraction:.0%} of the training data"
    folds = f"{chosen.folds} folds of the training data"
    times = f", {chosen.repeats} times" if chosen.repeats > 1 else ""
    strata = ", stratified" if chosen.stratify else ""
    return f"{folds if chosen.split == 'kfold' else part}{times}{strata}"


def _sizes(result: StudyResult) -> str:
    sizes = {(row.n_train, row.n_test) for arm in result.arms for row in arm.rows}
    return "; ".join(f"{a:,} to learn from, {b:,} to test on" for a, b in sorted(sizes)) or MISSING


def randomness(result: StudyResult) -> Facts:
    """What was drawn, and from which seed."""
    drawn = list(dict.fromkeys(name for row in result.rows for name in row.seeds))
    return [
        ("root seed", str(result.study.seed)),
        ("drawn, each from a seed of its own", ", ".join(drawn) or MISSING),
    ]


def times(result: StudyResult) -> Facts:
    """Seconds of computing by kind of training, as cohort time / cohort width."""
    facts: Facts = []
    names = {"search": "search", "final": "final trainings", "solo": "solo, to be timed alone"}
    for stage, name in names.items():
        rows = [row for row in result.rows if row.stage == stage]
        if rows:
            total = sum(row.seconds / row.width for row in rows)
            facts.append((name, f"{total:,.1f} s in all, {len(rows):,} trainings"))
    return facts


def runs_of(result: StudyResult) -> list[Facts]:
    """The provenance of each run, flat: ``versions.torch``."""
    return [list(_flat(run)) for run in result.runs]


def _flat(run: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, found in run.items():
        if isinstance(found, Mapping):
            yield from _flat(found, f"{prefix}{key}.")
        elif isinstance(found, list | tuple):
            yield f"{prefix}{key}", " ".join(map(str, found)) or MISSING
        else:
            yield f"{prefix}{key}", MISSING if found is None else str(found)


DIVERGED = (
    Column("arm", "arm", numeric=False),
    Column("stage", "stage", numeric=False),
    Column("round", "round"),
    Column("fold", "fold"),
    Column("setting", numeric=False),
    Column("where", "where", numeric=False),
)
MOST = 100


def diverged_sheet(result: StudyResult) -> Table:
    """A row a training that diverged, final ones first; readers see the first hundred."""
    lost = [row for row in result.rows if row.status == "diverged"]
    lost.sort(key=lambda row: (row.stage != "final", row.arm, row.round, row.candidate, row.fold))
    more = [f"The first {MOST} of {len(lost)} are shown."] if len(lost) > MOST else []
    rows = [
        {"arm": r.arm, "stage": r.stage, "round": _round(r), "fold": r.fold}
        | {"setting": dict(r.setting), "where": r.note}
        for r in lost
    ]
    return Table(
        "diverged",
        f"Trainings that met nan or infinity: {len(lost)} of {len(result.rows)}.",
        DIVERGED,
        [_lost(row) for row in lost[:MOST]],
        rows,
        more,
    )


def _round(row: TrainingRecord) -> int | None:
    """None for a search that belongs to no round."""
    return None if row.round < 0 else row.round


def _lost(row: TrainingRecord) -> list[Cell]:
    setting = ", ".join(f"{path} {value(x)}" for path, x in row.setting.items()) or MISSING
    at = _round(row)
    return [
        Cell(row.arm, row.arm),
        Cell(row.stage, row.stage),
        Cell(MISSING if at is None else str(at), at),
        Cell(str(row.fold), row.fold),
        Cell(setting, setting),
        Cell(row.note or MISSING, row.note),
    ]
