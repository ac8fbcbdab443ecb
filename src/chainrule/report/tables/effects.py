"""The table of the effects of factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule._util.words import count_noun
from chainrule.report.data import ReportData
from chainrule.report.decisions import null_effect_sentences
from chainrule.report.numbers import Unit, format_p
from chainrule.report.tables.comparisons import describe_differences, describe_direction
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.statistics import Effect
    from chainrule.study import StudyResult

__all__ = ["effects_table"]

EFFECTS = (
    Column("effect", "effect", numeric=False),
    Column("kind", numeric=False),
    Column("n"),
    Column("difference", "diff."),
    Column("interval"),
    Column("simultaneous interval", "simultaneous"),
    Column("p"),
    Column("p, Holm", "p Holm"),
    Column("conclusion", numeric=False),
)


def effects_table(result: StudyResult | ReportData) -> Table:
    """A row an effect: main effects, then interactions.

    Raises ValueError where there is too little for them.
    """
    data = ReportData.wrap(result)
    found, unit = data.effects, data.unit
    test = found.effects[0].test
    return Table(
        "effects",
        f"Effects of the factors: {test.test} over n = {count_noun(test.n, 'round')}; "
        f"{describe_differences(unit)}, each with its {test.confidence:.0%} interval.",
        EFFECTS,
        [_effect_cells(effect, unit) for effect in found.effects],
        found.as_rows(),
        [
            *null_effect_sentences(data, found),
            describe_direction(data, "the new level − the old one"),
            "A main effect is averaged over the other factors.",
            "An interaction is a difference of differences.",
            "Holm's correction counts the study's comparisons too.",
            *found.notes,
        ],
    )


def _effect_cells(effect: Effect, unit: Unit) -> list[Cell]:
    test = effect.test
    conclusion = "an effect" if effect.is_significant else "no effect found"
    kind = "main effect" if len(effect.levels) == 1 else "interaction"
    return [
        Cell(effect.name, effect.name),
        Cell(kind, kind),
        Cell(str(test.n), test.n),
        Cell(unit.difference(test.difference), test.difference),
        Cell(unit.interval(test.low, test.high), test.low),
        Cell(unit.interval(effect.simultaneous_low, effect.simultaneous_high), test.low),
        Cell(format_p(test.p), test.p),
        Cell(format_p(effect.p_holm), effect.p_holm),
        Cell(conclusion, conclusion),
    ]
