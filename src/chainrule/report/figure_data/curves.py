"""Learning curves: of trainings, and of the arms of a study."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from chainrule._util.suggest import did_you_mean
from chainrule._util.words import count_noun
from chainrule.report.data import ReportData
from chainrule.report.figure_data.base import FigureData
from chainrule.report.numbers import MISSING, Unit, metric_unit

if TYPE_CHECKING:
    from chainrule.study import StudyResult
    from chainrule.study.results.arm_result import ArmResult
    from chainrule.train import History

__all__ = [
    "Curve",
    "CurvesData",
    "ValueScale",
    "arm_curve",
    "choose_scale",
    "curve_names",
    "curve_rows",
    "curves_data",
    "group_arms",
    "learning_curves_data",
    "spans_powers",
    "summarize_curve",
]

Array: TypeAlias = NDArray[np.float64]

GROUP_SIZE = 6
"""More arms than this are shown in groups."""

LEAST_CURVES = 4
"""Of fewer none is far from the others."""

FLAT = 4.0
"""So many times as high as the lower three quarters of the curves, a figure shows them flat."""

MAX_NAMES = 2
"""More curves than this are counted, not named."""


@final
@dataclass(frozen=True)
class Curve:
    """The mean of ``n`` trainings after each of the ``epochs``, and their standard deviation.

    That has ddof = 1, and is None where there are fewer than two. Those that diverged are left out,
    and counted. Without any, the means are nan. ``group``: with which others it is shown, where
    there are many.
    """

    name: str
    epochs: Sequence[int]
    means: Sequence[float]
    stds: Sequence[float] | None
    n: int
    n_diverged: int
    group: str = ""

    @property
    def label(self) -> str:
        """Its name, and how many diverged."""
        return f"{self.name} ({self.n_diverged} diverged)" if self.n_diverged else self.name


@final
@dataclass(frozen=True)
class CurvesData(FigureData):
    """A curve of several arms or trainings; ``over``: of what each is the mean."""

    quantity: str
    unit: Unit
    over: Literal["replicas", "rounds"]
    curves: Sequence[Curve]

    @property
    def scale(self) -> ValueScale:
        """How the values are shown: of a loss as :func:`choose_scale` says."""
        return choose_scale(self.curves) if self.quantity.endswith("loss") else ValueScale()

    @property
    def is_log(self) -> bool:
        """Whether its scale should be logarithmic where all of it is shown."""
        return self.quantity.endswith("loss") and spans_powers(self.curves)


def learning_curves_data(histories: Mapping[str, History], curve: str = "test_loss") -> CurvesData:
    """A curve a history. Raises KeyError where a history has no such curve."""
    values = {label: history[curve].numpy() for label, history in histories.items()}
    curves = [summarize_curve(name, v.reshape(len(v), -1).T) for name, v in values.items()]
    return CurvesData(curve, metric_unit(curve), "replicas", curves)


def curves_data(
    result: StudyResult | ReportData, name: str = "test_loss", arms: str = "*"
) -> CurvesData:
    """A curve an arm. Arguments and errors as those of :func:`chainrule.report.curves`."""
    data = ReportData.wrap(result)
    selected = data.select_arms(arms)
    if name not in (names := curve_names(selected)):
        hint = did_you_mean(name, names)
        raise ValueError(f"no curve {name!r}; {hint}there are: {', '.join(names) or 'none'}")
    curves = [
        replace(summarize_curve(arm.arm, arm_curve(arm, name)), group=group)
        for arm, group in zip(selected, group_arms(selected), strict=True)
    ]
    return CurvesData(name, metric_unit(name, data.study), "rounds", curves)


def group_arms(arms: Sequence[ArmResult]) -> list[str]:
    """The group of each arm: its level of the first factor, or six by six as they are declared.

    "" where there are six arms or fewer.
    """
    if len(arms) <= GROUP_SIZE:
        return [""] * len(arms)
    for factor in arms[0].factors:
        levels = [f"{factor}: {arm.factors.get(factor, MISSING)}" for arm in arms]
        if len({*levels}) > 1:
            return levels
    starts = [i - i % GROUP_SIZE for i in range(len(arms))]
    ends = [min(start + GROUP_SIZE, len(arms)) - 1 for start in starts]
    return [f"{arms[a].arm} to {arms[b].arm}" for a, b in zip(starts, ends, strict=True)]


def spans_powers(curves: Sequence[Curve]) -> bool:
    """Whether the means are above 0, and over more than two powers of ten."""
    values = [x for curve in curves for x in curve.means if math.isfinite(x)]
    return bool(values) and 0 < 100 * min(values) < max(values)


@final
@dataclass(frozen=True)
class ValueScale:
    """``ceiling``: where the figure ends above, below a few curves; None where all are shown."""

    is_log: bool = False
    ceiling: float | None = None

    def find_limits(self, curves: Sequence[Curve]) -> tuple[float, float]:
        """The least and the largest mean, or the ceiling, with a margin."""
        values = [x for curve in curves for x in curve.means if math.isfinite(x)] or [0.0, 1.0]
        low, high = min(values), max(values) if self.ceiling is None else self.ceiling
        if self.is_log:
            return low / 1.2, high * 1.2
        margin = 0.06 * (high - low) or 0.05 * (abs(high) or 1.0)
        return low - margin, high + margin

    def describe_ceiling(self, curves: Sequence[Curve]) -> str:
        """``Above what is shown: a and b``; "" where none is."""
        above = [c.name for c in curves if any(self._is_above(x) for x in c.means)]
        names = [*dict.fromkeys(above)]
        if len(names) > MAX_NAMES:
            names = [names[0], count_noun(len(names) - 1, "other")]
        return f"Above what is shown: {' and '.join(names)}" if names else ""

    def _is_above(self, value: float) -> bool:
        return self.ceiling is not None and value > self.ceiling


def choose_scale(curves: Sequence[Curve]) -> ValueScale:
    """A scale that shows the many: logarithmic where these span powers, and without the few that
    are far above them.
    """
    ceiling = find_ceiling(curves, is_log=False)
    shown = curves if ceiling is None else [c for c in curves if find_top(c) <= ceiling]
    is_log = spans_powers(shown) and spans_powers(curves)
    return ValueScale(is_log, find_ceiling(curves, is_log=is_log))


def find_top(curve: Curve) -> float:
    """The largest mean, -inf where there is none."""
    return max((x for x in curve.means if math.isfinite(x)), default=-math.inf)


def find_ceiling(curves: Sequence[Curve], *, is_log: bool) -> float | None:
    """The largest mean to show where a few curves, far above the others, would flatten these.

    None where all are shown: fewer than four, or the lower three quarters of them reach over a
    quarter of the height. Else the highest of those that are no more than four times as high.
    """
    scale = math.log10 if is_log else float
    means = [x for curve in curves for x in curve.means if math.isfinite(x)]
    tops = sorted(top for curve in curves if (top := find_top(curve)) > -math.inf)
    if len(tops) < LEAST_CURVES:
        return None
    low = scale(min(means))
    limit = low + FLAT * (scale(tops[3 * len(tops) // 4 - 1]) - low)
    if not low < limit < scale(tops[-1]):
        return None
    return max(top for top in tops if scale(top) <= limit)


def summarize_curve(name: str, values: Array) -> Curve:
    """Mean and standard deviation of values (trainings, epochs); a row with nan diverged.

    Epochs after which no training was evaluated, but that are before one that was, are left out.
    """
    known: NDArray[np.bool_] = np.isfinite(values).sum(0) > 0
    evaluated = known | ~np.logical_or.accumulate(known[::-1])[::-1]
    values, epochs = values[:, evaluated], np.flatnonzero(evaluated) + 1
    finite = values[np.isfinite(values).all(1)]
    means = finite.mean(0) if len(finite) else np.full(values.shape[1], np.nan)
    stds = finite.std(0, ddof=1).tolist() if len(finite) > 1 else None
    n, n_diverged = len(finite), len(values) - len(finite)
    return Curve(name, epochs.tolist(), means.tolist(), stds, n, n_diverged)


def curve_names(arms: Sequence[ArmResult]) -> list[str]:
    """The curves that any of these arms has."""
    return list(dict.fromkeys(name for arm in arms for row in arm.rows for name in row.curves))


def arm_curve(arm: ArmResult, name: str) -> Array:
    """A curve of an arm, shape (rounds, epochs); nan for a round that diverged.

    Rounds of different lengths are cut to the shortest that did not diverge.
    """
    found = [(row.status == "diverged", list(row.curves.get(name, ()))) for row in arm.rows]
    lengths = [len(curve) for diverged, curve in found if curve and not diverged]
    epochs = min(lengths, default=max((len(curve) for _, curve in found), default=0))
    blank = [np.nan] * epochs
    rows = [curve[:epochs] if curve and not diverged else blank for diverged, curve in found]
    return np.array(rows, dtype=np.float64).reshape(len(found), epochs)


def curve_rows(result: StudyResult | ReportData) -> list[dict[str, Any]]:
    """A row an arm, curve and epoch, over the rounds that did not diverge."""
    rows = []
    for arm in ReportData.wrap(result).arms:
        for name in curve_names([arm]):
            curve = summarize_curve(arm.arm, arm_curve(arm, name))
            for i, mean in enumerate(curve.means if curve.n else ()):
                row = {"arm": arm.arm, "curve": name, "epoch": curve.epochs[i], "mean": mean}
                rows.append(row | {"std": curve.stds[i] if curve.stds else None, "n": curve.n})
    return rows
