"""The table of results: a row an arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from chainrule.report.data import ReportData
from chainrule.report.decisions import look_sentences
from chainrule.report.numbers import MISSING, format_decimal
from chainrule.report.sentences import failure_sentences, stuck_sentences
from chainrule.report.tables.table import Cell, Column, Table
from chainrule.statistics import FinitePool, FixedSplit
from chainrule.study.results.arm_result import read_trivial_scores
from chainrule.study.results.backends import describe_backends
from chainrule.study.results.timings import Timings, describe_machines

if TYPE_CHECKING:
    from chainrule.study import StudyResult
    from chainrule.study.results.arm_result import ArmResult

__all__ = ["results_table"]

OK = "n\u00a0ok\u00a0/\u00a0n"
N_OK = "n ok / n: rounds that did not diverge, of those done"
TRIVIAL_ANSWER = "(trivial)"
TRIVIAL_NOTE = (
    f"{TRIVIAL_ANSWER}: one answer to all, the most frequent class of the training set or the mean."
)
REPORTED = Column("reported", "reported", note="reported ± is the source's own.")
FROM_REPORTED = "from reported, s.e."
SOLO = Column("solo,\u00a0s", "solo", note="solo: seconds of one training run alone.")
AMORTISED = Column(
    "amortised,\u00a0s", "amort", note="amortised: cohort seconds / its K trainings."
)


def results_table(result: StudyResult | ReportData) -> Table:
    """A row an arm: the metric on the test set, beside what was reported, size and times."""
    data = ReportData.wrap(result)
    unit, study = data.unit, data.study
    metric = f"test {study.metric_name}{' in %' if unit.suffix else ''}"
    return Table(
        "results",
        f"{study.name}: {metric}, mean ± standard deviation (ddof = 1) over n rounds.",
        _result_columns(data),
        [_result_cells(arm, data) for arm in data.arms]
        + [_failed_cells(name, data) for name in _arms_without_results(data)]
        + _trivial_cells(data),
        data.result.as_rows(),
        [
            *([f"{problem}."] if (problem := data.result.failure_problem) else []),
            *([TRIVIAL_NOTE] if read_trivial_scores(data.arms) else []),
            *failure_sentences(data),
            *stuck_sentences(data),
            *look_sentences(data),
            *([data.search_scope] if data.search_scope else []),
            *data.later_changes,
            *([others] if (others := Timings.of_rows(data.result.rows).describe_others()) else []),
            *describe_machines(data.arms),
            *describe_backends(data.result.rows),
        ],
    )


def _arms_without_results(data: ReportData) -> list[str]:
    """The arms that have failed and have no result."""
    known = {arm.arm for arm in data.arms}
    return [name for name in data.result.failed_arms if name not in known]


def _failed_cells(name: str, data: ReportData) -> list[Cell]:
    n = sum(row.arm == name and row.stage == "final" for row in data.result.failures)
    filled = {"arm": Cell(name, name), OK: Cell(f"0/{n or data.result.needed_rounds}", 0.0)}
    return [filled.get(c.title, Cell(MISSING, None)) for c in _result_columns(data)]


def _trivial_cells(data: ReportData) -> list[list[Cell]]:
    """The row of the trivial answer, below those of the arms; none where rows have not noted it."""
    scores = [*read_trivial_scores(data.arms).values()]
    if not scores:
        return []
    spread = stdev(scores) if len(scores) > 1 else None
    n = len(scores)
    filled = {
        "arm": Cell(TRIVIAL_ANSWER, None),
        "mean ± std": Cell(data.unit.spread(fmean(scores), spread), None),
        OK: Cell(f"{n}/{n}", None),
    }
    return [[filled.get(c.title, Cell(MISSING, None)) for c in _result_columns(data)]]


def _has_reported(data: ReportData) -> bool:
    """Whether a source gives a number for any of these arms."""
    return any(arm.reported for arm in data.arms)


def _has_solo_seconds(data: ReportData) -> bool:
    """Whether a training of any of these arms was timed alone."""
    return any(arm.solo_seconds is not None for arm in data.arms)


def _result_columns(data: ReportData) -> list[Column]:
    """Without what is not known of any arm."""
    failure = data.unit.quantity(data.study.failure_value)
    diverged = f"a diverged one counts as {failure}, the declared failure value."
    return [
        Column("arm", "arm", numeric=False),
        Column("mean ± std", "mean ± std", best=data.best_end),
        Column(OK, "ok/n", note=f"{N_OK}; {diverged}", best="high"),
        *(_reported_columns(data) if _has_reported(data) else ()),
        Column("parameters", "params"),
        *([SOLO] if _has_solo_seconds(data) else []),
        AMORTISED,
        Column("K"),
    ]


def _result_cells(arm: ArmResult, data: ReportData) -> list[Cell]:
    unit, solo = data.unit, Cell(_format_seconds(arm.solo_seconds), arm.solo_seconds)
    cohort_sizes = [row.cohort_size for row in arm.rows]
    n = arm.n + arm.n_failed
    return [
        Cell(arm.arm, arm.arm),
        Cell(unit.spread(arm.mean, arm.std), arm.mean),
        Cell(f"{arm.n_ok}/{n}", arm.n_ok / n),
        *(_reported_cells(arm, data) if _has_reported(data) else ()),
        Cell(f"{arm.parameters:,}", arm.parameters),
        *([solo] if _has_solo_seconds(data) else []),
        Cell(_format_seconds(arm.amortised_seconds), arm.amortised_seconds),
        Cell(_format_range(cohort_sizes), max(cohort_sizes)),
    ]


def _reported_columns(data: ReportData) -> list[Column]:
    """What a source reports, and how far the arm is from it where that can be said."""
    design = data.result.design
    if isinstance(design, FixedSplit):
        note = "Rounds differ by seeds alone, so how far an arm is from reported is not known."
        return [replace(REPORTED, note=f"{REPORTED.note} {note}")]
    error = "std / √n" if design.independent else "√(1/n + n_test/n_train) std"
    why = "" if design.independent else ", as rounds share samples"
    if isinstance(design, FinitePool) and design.shared_test:
        why = f", about the mean over this pool of {design.samples:,} samples alone"
    note = f"{FROM_REPORTED}: ours − theirs, in standard errors of ours, {error}{why}."
    return [REPORTED, Column(FROM_REPORTED, note=note, best=data.best_end)]


def _reported_cells(arm: ArmResult, data: ReportData) -> list[Cell]:
    source, error = arm.reported, data.result.standard_error(arm)
    if source is None:
        cells = [Cell(MISSING, None)] * 2
    else:
        distance = None if error is None else (arm.mean - source.mean) / error
        text = MISSING if distance is None else f"{distance:+.1f}"
        spread = data.unit.spread(source.mean, source.std)
        cells = [Cell(spread, source.mean), Cell(text, distance)]
    return cells[: len(_reported_columns(data))]


def _format_seconds(x: float | None) -> str:
    """Three digits."""
    if not x:
        return format_decimal(x, 0)
    return format_decimal(x, max(0, 2 - math.floor(math.log10(x))) if x > 1e-3 else 4)


def _format_range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"
