"""The curves of each arm by itself: its loss and its metric, in training and on the test set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from chainrule.report.data import ReportData
from chainrule.report.figure_data.base import FigureData
from chainrule.report.figure_data.curves import (
    Curve,
    ValueScale,
    arm_curve,
    choose_scale,
    curve_names,
    summarize_curve,
)
from chainrule.report.numbers import Unit, metric_unit

if TYPE_CHECKING:
    from chainrule.study import StudyResult
    from chainrule.study.results.arm_result import ArmResult

__all__ = ["SIDES", "CurveGridData", "CurvePanel", "curve_grid_data"]

SIDES = ("train", "test")


@final
@dataclass(frozen=True)
class CurvePanel:
    """An arm and a kind of curve: the sides that are known of ``train`` and ``test``."""

    arm: str
    kind: str
    curves: Sequence[Curve]


@final
@dataclass(frozen=True)
class CurveGridData(FigureData):
    """``panels`` (arms, kinds); ``kinds`` are the loss and the metric, ``units`` theirs."""

    kinds: Sequence[str]
    units: Sequence[Unit]
    panels: Sequence[Sequence[CurvePanel]]

    def list_curves(self, kind: int) -> list[Curve]:
        """All curves of a kind, by the names of their arms: they share their scale."""
        of_kind = [panels[kind] for panels in self.panels]
        return [replace(curve, name=panel.arm) for panel in of_kind for curve in panel.curves]

    def choose_scale(self, kind: int) -> ValueScale:
        """How the values of a kind are shown, a loss as :func:`choose_scale` says."""
        is_loss = self.kinds[kind] == "loss"
        return choose_scale(self.list_curves(kind)) if is_loss else ValueScale()

    @property
    def ceiling_note(self) -> str:
        """Whose curves go on above their panel, "" where none does."""
        return self.choose_scale(0).describe_ceiling(self.list_curves(0))  # a loss stands first


def curve_grid_data(result: StudyResult | ReportData, arms: str = "*") -> CurveGridData:
    """Panels by arm. Arguments and errors as those of :func:`chainrule.report.curve_grid`."""
    data = ReportData.wrap(result)
    selected = data.select_arms(arms)
    names = curve_names(selected)
    kinds = [
        kind
        for kind in dict.fromkeys(("loss", data.study.metric_name))
        if any(f"{side}_{kind}" in names for side in SIDES)
    ]
    if not kinds:
        raise ValueError(f"study {data.study.name}: no curves of loss or metric were kept")
    units = [metric_unit(kind, data.study) for kind in kinds]
    panels = [[_build_panel(arm, kind) for kind in kinds] for arm in selected]
    return CurveGridData(kinds, units, panels)


def _build_panel(arm: ArmResult, kind: str) -> CurvePanel:
    curves = [summarize_curve(side, arm_curve(arm, f"{side}_{kind}")) for side in SIDES]
    return CurvePanel(arm.arm, kind, [curve for curve in curves if curve.means])
