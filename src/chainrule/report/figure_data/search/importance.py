"""What mattered in a search: the importance of each searched path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from chainrule.report.data import ReportData
from chainrule.report.figure_data.base import FigureData

if TYPE_CHECKING:
    from chainrule.study import StudyResult

__all__ = ["ImportancesData", "importances_data"]


@final
@dataclass(frozen=True)
class ImportancesData(FigureData):
    """Arm → path → importance; ``paths`` are ordered by their mean, the largest first."""

    paths: Sequence[str]
    shares: Mapping[str, Mapping[str, float]]


def importances_data(result: StudyResult | ReportData) -> ImportancesData:
    """Of each arm that searched two paths or more. Raises ValueError where none did."""
    data = ReportData.wrap(result)
    shares = data.importances
    if not shares:
        raise ValueError(f"study {data.study.name}: no arm has searched two settings or more")
    totals: dict[str, list[float]] = {}
    for each in shares.values():
        for path, share in each.items():
            totals.setdefault(path, []).append(share)
    paths = sorted(totals, key=lambda path: -sum(totals[path]) / len(totals[path]))
    return ImportancesData(paths, shares)
