"""Learning curves: of trainings, of all arms together, and of each arm by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from chainrule.report.figures.canvas import (
    LineStyle,
    key,
    line_style,
    literal,
    new_figure,
    scaled,
    spanned,
    whole,
)
from chainrule.report.numbers import Unit, unit_named
from chainrule.train import History

if TYPE_CHECKING:
    from chainrule.study.results.arm_result import ArmResult
    from chainrule.study.results.study_result import StudyResult

__all__ = [
    "arms_matching",
    "curve_names",
    "curve_rows",
    "curves",
    "learning_curves",
    "mean_std_band",
    "of",
]

Array = NDArray[np.float64]


def learning_curves(
    histories: Mapping[str, History], curve: str = "test_loss"
) -> tuple[Figure, Axes]:
    """One line a history, the mean over its replicas, in a band of ± one standard deviation.

    ``histories`` maps a label to a history; ``curve`` names the curve. Replicas that diverged are
    left out and counted in the label. Raises KeyError where a history has no such curve.
    """
    found = {label: history[curve].numpy() for label, history in histories.items()}
    lines = {label: values.reshape(len(values), -1).T for label, values in found.items()}
    return _together(lines, curve, "replicas", unit_named(curve))


def curves(result: StudyResult, name: str = "test_loss", arms: str = "*") -> tuple[Figure, Axes]:
    """One line an arm whose name matches, the mean over its rounds, in a band of ± one std.

    Rounds that diverged are left out and counted in the label. Raises ValueError where no arm
    matches, or none has such a curve.
    """
    chosen = arms_matching(result, arms)
    if name not in (known := curve_names(chosen)):
        raise ValueError(f"no curve {name!r}; there are: {', '.join(known) or 'none'}")
    lines = {arm.arm: of(arm, name) for arm in chosen}
    return _together(lines, name, "rounds", unit_named(name, result.study))


def _together(lines: Mapping[str, Array], name: str, over: str, unit: Unit) -> tuple[Figure, Axes]:
    figure, axes = new_figure(4.2 if len(lines) <= 4 else 4.4 + 0.2 * -(-len(lines) // 4))
    drawn = [
        mean_std_band(axes, values, label, line_style(i))
        for i, (label, values) in enumerate(lines.items())
    ]
    axes.set(xlabel="epoch", ylabel=literal(name.replace("_", " ")))
    scaled(axes, unit)
    if name.endswith("loss"):
        spanned([axes])
    whole(axes)
    key(figure, axes, drawn, f"mean ± std over {over}")
    return figure, axes


def mean_std_band(axes: Axes, values: Array, label: str, style: LineStyle) -> Line2D:
    """The mean of ``values`` (n, epochs) in a band of ± one std (ddof = 1); returns the line."""
    kept = values[np.isfinite(values).all(1)]
    if len(kept) < len(values):
        label = f"{label} ({len(values) - len(kept)} diverged)"
    epochs = np.arange(1, values.shape[1] + 1)
    mean = kept.mean(0) if len(kept) else np.full(len(epochs), np.nan)
    # One epoch is no line, but a point.
    marker = style.marker if len(epochs) == 1 else ""
    (line,) = axes.plot(
        epochs, mean, color=style.color, ls=style.dash, marker=marker, label=literal(label)
    )
    if len(kept) > 1:
        std = kept.std(0, ddof=1)
        axes.fill_between(epochs, mean - std, mean + std, color=style.color, alpha=0.15, lw=0)
    return line


def arms_matching(result: StudyResult, pattern: str) -> list[ArmResult]:
    """The arms that have results and whose names match. Raises ValueError where none does."""
    found = [arm for arm in result.arms if fnmatchcase(arm.arm, pattern)]
    if not found:
        known = ", ".join(arm.arm for arm in result.arms) or "none yet"
        raise ValueError(
            f"study {result.study.name}: no results of an arm {pattern!r}; there are: {known}"
        )
    return found


def curve_names(arms: Sequence[ArmResult]) -> list[str]:
    """The curves that any of these arms has."""
    return list(dict.fromkeys(name for arm in arms for row in arm.rows for name in row.curves))


def of(arm: ArmResult, name: str) -> Array:
    """A curve of an arm, shape (rounds, epochs); nan for a round that diverged.

    Rounds of different lengths are cut to the shortest that did not diverge.
    """
    found = [(row.status == "diverged", list(row.curves.get(name, ()))) for row in arm.rows]
    lengths = [len(curve) for lost, curve in found if curve and not lost]
    epochs = min(lengths, default=max((len(curve) for _, curve in found), default=0))
    blank = [np.nan] * epochs
    whole_ones = [curve[:epochs] if curve and not lost else blank for lost, curve in found]
    return np.array(whole_ones, dtype=np.float64).reshape(len(found), epochs)


def curve_rows(result: StudyResult) -> list[dict[str, Any]]:
    """What the curves show: a row an arm, curve and epoch, over the rounds that did not diverge."""
    rows = []
    for arm in result.arms:
        for name in curve_names([arm]):
            values = of(arm, name)
            kept = values[np.isfinite(values).all(1)]
            for epoch, at in enumerate(kept.T.tolist() if len(kept) else [], start=1):
                std = float(np.std(at, ddof=1)) if len(at) > 1 else None
                mean = float(np.mean(at))
                rows.append(
                    {"arm": arm.arm, "curve": name, "epoch": epoch, "mean": mean, "std": std}
                    | {"n": len(at)}
                )
    return rows
