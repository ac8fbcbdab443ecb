"""The table of a search: a row an arm and setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chainrule.report.data import CandidateSummary, ReportData
from chainrule.report.numbers import MISSING, Unit, format_value
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.study import StudyResult

__all__ = ["candidates_table"]


def candidates_table(result: StudyResult | ReportData, *, only_chosen: bool = False) -> Table:
    """A row an arm and setting: how it did on the validation parts, and how often it was chosen.

    Raises ValueError where nothing was searched.
    """
    data = ReportData.wrap(result)
    pairs = [(arm, found) for arm, summaries in data.candidates.items() for found in summaries]
    if not pairs:
        raise ValueError(f"study {data.study.name}: no search was made, so no candidates")
    paths = list(dict.fromkeys(path for _, found in pairs for path in found.setting))
    visible = [pair for pair in pairs if pair[1].chosen or not only_chosen]
    return Table(
        "chosen" if only_chosen else "candidates",
        f"{'Chosen settings' if only_chosen else 'Candidates'}: mean of the validation "
        f"{data.study.metric_name}{' in %' if data.unit.suffix else ''} over n trainings.",
        _candidate_columns(paths, data),
        [_candidate_cells(arm, found, paths, data.unit) for arm, found in visible],
        [_candidate_row(arm, found) for arm, found in visible],
        ["Judged on parts of the training data alone. chosen: in how many of the arm's searches."],
    )


def _candidate_columns(paths: Sequence[str], data: ReportData) -> list[Column]:
    settings = [Column(path, path) for path in paths]
    counts = [
        Column("validation", "valid.", best=data.best_end),
        Column("n\u00a0ok\u00a0/\u00a0n", "ok/n", best="high"),
        Column("chosen", "chosen", best="high"),
    ]
    return [Column("arm", "arm", numeric=False), *settings, *counts]


def _candidate_cells(
    arm: str, found: CandidateSummary, paths: Sequence[str], unit: Unit
) -> list[Cell]:
    return [
        Cell(arm, arm),
        *(_setting_cell(found.setting.get(path)) for path in paths),
        Cell(unit.number(found.mean), found.mean),
        Cell(f"{found.n_ok}/{len(found.values)}", found.n_ok / len(found.values)),
        Cell(f"{found.chosen}/{found.searches}", found.chosen),
    ]


def _setting_cell(x: float | int | str | bool | None) -> Cell:
    if x is None:
        return Cell(MISSING, None)
    return Cell(format_value(x), x)


def _candidate_row(arm: str, found: CandidateSummary) -> dict[str, object]:
    counts = {"validation": found.mean, "n": len(found.values), "n_ok": found.n_ok}
    row: dict[str, object] = {"arm": arm, **found.setting, **counts}
    return row | {"chosen": found.chosen, "searches": found.searches}
