"""The table of ensembles, and what they gain in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chainrule.report.data import ReportData
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.study import EnsembleResult, StudyResult

__all__ = ["ensemble_sentence", "ensembles_table"]

MEMBERS = "members: the arms whose outputs are averaged; 2x counts twice."
SINGLE = "best single: the arm that was best on the same validation predictions."
HALVES = (
    "There are no validation predictions of arms that were not searched: one half of the test "
    "samples chose the members, the other half tested them."
)


def ensembles_table(result: StudyResult | ReportData, found: EnsembleResult) -> Table:
    """A row a round: the members, what they reach together, and the best of them alone."""
    data = ReportData.wrap(result)
    unit, sign = data.unit, 1.0 if data.higher_is_better else -1.0
    metric = f"test {data.study.metric_name}{' in %' if unit.suffix else ''}"
    gains = [sign * (each.value - each.single) for each in found.rounds]
    return Table(
        "ensembles",
        f"{data.study.name}: ensembles of each round, {metric}.",
        [
            Column("round", "round"),
            Column("members", "members", numeric=False, note=MEMBERS),
            Column("ensemble", "ensemble"),
            Column("best single", "best single", numeric=False, note=SINGLE),
            Column("its value", "alone"),
            Column("gain", "gain"),
        ],
        [
            [
                Cell(str(each.round), each.round),
                Cell(describe_members(each.members), sum(each.members.values())),
                Cell(unit.number(each.value), each.value),
                Cell(each.single_arm, each.single_arm),
                Cell(unit.number(each.single), each.single),
                Cell(unit.difference(gain), gain),
            ]
            for each, gain in zip(found.rounds, gains, strict=True)
        ],
        [{**each.as_row(), "gain": gain} for each, gain in zip(found.rounds, gains, strict=True)],
        [HALVES] if found.halves else [],
    )


def describe_members(members: Mapping[str, int]) -> str:
    """``2x wide, narrow``"""
    return ", ".join(name if n == 1 else f"{n}x {name}" for name, n in members.items())


def ensemble_sentence(result: StudyResult | ReportData, found: EnsembleResult) -> str:
    """What the ensembles gain over the best single arm, and how sure that is."""
    data = ReportData.wrap(result)
    unit, test = data.unit, found.test
    means = f"{unit.quantity(found.mean)} against {unit.quantity(found.single_mean)}"
    gain = f"{unit.difference(test.difference)}{unit.difference_suffix}"
    if all(len(each.members) == 1 for each in found.rounds):
        return f"No ensemble was better than the best single arm on validation: {means}."
    interval = f"{test.confidence:.0%} interval {unit.interval(test.low, test.high)}"
    about = f"{interval}, {test.test}, n = {test.n}"
    level = 1 - test.confidence
    sure = f"significant at {level:.0%}" if test.p <= level else f"no gain shown at {level:.0%}"
    return f"The ensemble has {means} of the best single arm: a gain of {gain} ({about}): {sure}."
