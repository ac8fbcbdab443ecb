"""The tables of the trainings that have no result, or none that was learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from chainrule.report.data import ReportData
from chainrule.report.numbers import MISSING, format_value
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.study import StudyResult
    from chainrule.study.store.record import TrainingRecord

__all__ = ["diverged_table", "failed_table", "stuck_table"]

COLUMNS = (
    Column("arm", "arm", numeric=False),
    Column("stage", "stage", numeric=False),
    Column("round", "round"),
    Column("fold", "fold"),
    Column("setting", numeric=False),
    Column("where", "where", numeric=False),
)
MAX_ROWS = 100


def diverged_table(result: StudyResult | ReportData) -> Table:
    """A row a training that diverged, final ones first; readers see the first hundred."""
    caption = "Trainings that met nan or infinity: {} of {}."
    return _build_table("diverged", caption, ReportData.wrap(result))


def failed_table(result: StudyResult | ReportData) -> Table:
    """A row a training that an error ended, as :func:`diverged_table`."""
    caption = "Trainings that an error ended: {} of {}. They are in no mean."
    return _build_table("failed", caption, ReportData.wrap(result))


def stuck_table(result: StudyResult | ReportData) -> Table:
    """A row a training that was stuck, as :func:`diverged_table`."""
    caption = (
        "Trainings that were stuck: {} of {}. All their numbers are finite, their loss ended above "
        "that of the best constant answer, and did not fall; they count as they are."
    )
    return _build_table("stuck", caption, ReportData.wrap(result))


def _build_table(
    status: Literal["diverged", "failed", "stuck"], caption: str, data: ReportData
) -> Table:
    records = data.result.rows
    found = [
        row for row in records if (row.is_stuck if status == "stuck" else row.status == status)
    ]
    found.sort(key=lambda row: (row.stage != "final", row.arm, row.round, row.candidate, row.fold))
    hidden = [f"The first {MAX_ROWS} of {len(found)} are shown."] if len(found) > MAX_ROWS else []
    rows = [
        {"arm": r.arm, "stage": r.stage, "round": _round_number(r), "fold": r.fold}
        | {"setting": dict(r.setting), "where": r.note}
        for r in found
    ]
    return Table(
        status,
        caption.format(len(found), len(records)),
        COLUMNS,
        [_training_cells(row) for row in found[:MAX_ROWS]],
        rows,
        hidden,
    )


def _round_number(row: TrainingRecord) -> int | None:
    """None for a search that belongs to no round."""
    return None if row.round < 0 else row.round


def _training_cells(row: TrainingRecord) -> list[Cell]:
    setting = ", ".join(f"{path} {format_value(x)}" for path, x in row.setting.items()) or MISSING
    number = _round_number(row)
    return [
        Cell(row.arm, row.arm),
        Cell(row.stage, row.stage),
        Cell(MISSING if number is None else str(number), number),
        Cell(str(row.fold), row.fold),
        Cell(setting, setting),
        Cell(row.note or MISSING, row.note),
    ]
