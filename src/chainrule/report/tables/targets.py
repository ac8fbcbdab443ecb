"""The tables of arms against numbers: a target, or what was reported; and how long it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from chainrule.report.data import ReportData
from chainrule.report.numbers import MISSING, Unit, format_decimal, format_p
from chainrule.report.tables.comparisons import describe_differences
from chainrule.report.tables.table import Cell, Column, Table
from chainrule.statistics import FixedSplit
from chainrule.study.results.timings import describe_machines

if TYPE_CHECKING:
    from chainrule.study import StudyResult
    from chainrule.study.results.targets import TargetTest, TimeToTarget

__all__ = ["targets_table", "time_to_target_table"]

CONCLUSIONS: Mapping[str, str] = {
    "better": "better than it",
    "worse": "worse than it",
    "undecided": "no difference found",
}
CONCLUSION = (
    "conclusion: after Holm's correction for all arms of the table; no difference found does not "
    "show that it was reached."
)
MEDIANS = (
    "Medians are over all rounds, one that did not reach it counted last: a dash where less than "
    "half of them did. Seconds are amortised: cohort seconds / its trainings."
)


def targets_table(
    result: StudyResult | ReportData, tests: Sequence[TargetTest], name: str = "target"
) -> Table:
    """A row an arm: its mean, the target, the difference with its interval, and how sure it is."""
    data = ReportData.wrap(result)
    unit, first = data.unit, tests[0].test
    title = "what was reported" if name == "reported" else "the target"
    sign = "" if data.higher_is_better else " with the sign turned, as less is better"
    design = data.result.design
    scope = (
        ["Rounds differ by seeds alone: this says what other seeds give on this split."]
        if isinstance(design, FixedSplit)
        else [design.scope]
    )
    return Table(
        name,
        f"Each arm against {title}: {first.test}; {describe_differences(unit)}, each with its "
        f"{first.confidence:.0%} interval.",
        [
            Column("arm", "arm", numeric=False),
            Column("n", "n"),
            Column("mean", "mean", best=data.best_end),
            Column(name, name),
            Column("difference", "differs", best="high"),
            Column("interval", "interval"),
            Column("p", "p"),
            Column("p, Holm", "p Holm"),
            Column("conclusion", numeric=False, note=CONCLUSION),
        ],
        [_target_cells(t, unit) for t in tests],
        [t.as_row() for t in tests],
        [
            f"A difference is the arm's mean less the number{sign}: above 0 is better.",
            "The number counts as exact.",
            *scope,
        ],
    )


def _target_cells(t: TargetTest, unit: Unit) -> list[Cell]:
    return [
        Cell(t.arm, t.arm),
        Cell(str(t.test.n), t.test.n),
        Cell(unit.number(t.mean), t.mean),
        Cell(unit.number(t.target), t.target),
        Cell(unit.difference(t.test.difference), t.test.difference),
        Cell(unit.interval(t.test.low, t.test.high), t.test.low),
        Cell(format_p(t.test.p), t.test.p),
        Cell(format_p(t.p_holm), t.p_holm),
        Cell(CONCLUSIONS[t.conclusion], t.conclusion),
    ]


def time_to_target_table(result: StudyResult | ReportData, found: Sequence[TimeToTarget]) -> Table:
    """A row an arm: in how many rounds the test metric reached the target, and when."""
    data = ReportData.wrap(result)
    return Table(
        "time-to-target",
        f"When the test {data.study.metric_name} first was as good as the target.",
        [
            Column("arm", "arm", numeric=False),
            Column("target", "target"),
            Column("rounds that reached it", "rounds", best="high"),
            Column("median epochs", "epochs"),
            Column("median seconds", "seconds", note=MEDIANS),
        ],
        [
            [
                Cell(t.arm, t.arm),
                Cell(data.unit.number(t.target), t.target),
                Cell(f"{t.reached_rounds}/{len(t.epochs)}", t.reached_rounds),
                Cell(format_decimal(t.median_epochs, 0), t.median_epochs),
                Cell(
                    MISSING if t.median_seconds is None else f"{t.median_seconds:.3g}",
                    t.median_seconds,
                ),
            ]
            for t in found
        ],
        [t.as_row() for t in found],
        describe_machines(data.arms),
    )
