"""The table of a search: a row an arm and setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chainrule.report.numbers import MISSING, Unit, unit_of, value
from chainrule.report.tables.candidate_summary import CandidateSummary, tried
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = ["candidates_sheet"]


def candidates_sheet(result: StudyResult, *, only_chosen: bool = False) -> Table:
    """A row an arm and setting: how it did on the validation parts, and how often it was chosen.

    Raises ValueError where nothing was searched.
    """
    found = [(arm.name, one) for arm in result.study.all_arms for one in tried(result, arm.name)]
    if not found:
        raise ValueError(f"study {result.study.name}: no search was made, so no candidates")
    paths = list(dict.fromkeys(path for _, one in found for path in one.setting))
    shown = [pair for pair in found if pair[1].chosen or not only_chosen]
    unit = unit_of(result)
    return Table(
        "chosen" if only_chosen else "candidates",
        f"{'Chosen settings' if only_chosen else 'Candidates'}: mean of the validation "
        f"{result.study.metric_name}{' in %' if unit.sign else ''} over n trainings.",
        _candidate_columns(paths),
        [_candidate_cells(arm, one, paths, unit) for arm, one in shown],
        [_candidate_row(arm, one) for arm, one in shown],
        ["Judged on parts of the training data alone. chosen: in how many of the arm's searches."],
    )


def _candidate_columns(paths: Sequence[str]) -> list[Column]:
    settings = [Column(path, path) for path in paths]
    counts = [
        Column("validation", "valid."),
        Column("n\u00a0ok\u00a0/\u00a0n", "ok/n"),
        Column("chosen", "chosen"),
    ]
    return [Column("arm", "arm", numeric=False), *settings, *counts]


def _candidate_cells(
    arm: str, one: CandidateSummary, paths: Sequence[str], unit: Unit
) -> list[Cell]:
    return [
        Cell(arm, arm),
        *(_setting_cell(one.setting.get(path)) for path in paths),
        Cell(unit.number(one.mean), one.mean),
        Cell(f"{one.n_ok}/{len(one.values)}", one.n_ok / len(one.values)),
        Cell(f"{one.chosen}/{one.searches}", one.chosen),
    ]


def _setting_cell(x: float | int | str | bool | None) -> Cell:
    if x is None:
        return Cell(MISSING, None)
    return Cell(value(x), x)


def _candidate_row(arm: str, one: CandidateSummary) -> dict[str, object]:
    counts = {"validation": one.mean, "n": len(one.values), "n_ok": one.n_ok}
    return {"arm": arm, **one.setting, **counts, "chosen": one.chosen, "searches": one.searches}
