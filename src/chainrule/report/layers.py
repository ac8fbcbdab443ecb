"""A net layer by layer: the table, and the figure, of one batch's values and gradients."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from chainrule.report.drawing import WIDTH, Look, literal, look, plain_axes
from chainrule.report.formats import NOTHING
from chainrule.report.sheet import Cell, Column, Sheet
from chainrule.report.tables import Printed
from chainrule.train.probe import LayerRow

__all__ = ["layers", "layers_sheet", "layers_table"]

Rows: TypeAlias = Mapping[str, Sequence[LayerRow]]
"""Label → what :func:`chainrule.train.probe` found; the same layers under each label."""

WORDS = "‖·‖: the root of the sum of squares"
SHARES = ("zeros", "dead", "flat")
ALL = {
    "mean": "mean",
    "std": "std",
    "zeros": "zeros",
    "dead": "dead",
    "flat": "flat",
    "dy": "‖dL/dy‖",
    "dw": "‖dL/dW‖",
    "relative": "‖dL/dW‖\n/ ‖W‖",
}
"""The columns of one net's table."""

COMPARED = {"std": "std", "dw": "‖dL/dW‖"}
"""The columns that are set side by side."""

NOTES = (
    "zeros: outputs that are 0. dead: units of ReLU that are 0 for every sample.",
    "flat: outputs of Sigmoid, Tanh where the slope is < 1/10 of the largest.",
)


def layers_table(rows: Rows) -> Printed:
    """A row a layer: all about one net, or std and ‖dL/dW‖ of several side by side."""
    return Printed(layers_sheet(rows))


def layers_sheet(rows: Rows, title: str = "") -> Sheet:
    """The table as data; its ``rows`` have every number of each label.

    Raises ValueError where there is nothing, or the labels have different layers.
    """
    first = _first(rows)
    if len(rows) == 1:
        columns = [Column(brief.replace("\n", " "), brief) for brief in ALL.values()]
        shown: list[tuple[str, str]] = [(label, name) for label in rows for name in ALL]
    else:
        columns = [
            Column(f"{label}, {brief}", f"{'' if i else _broken(label)}\n{brief}")
            for label in rows
            for i, brief in enumerate(COMPARED.values())
        ]
        shown = [(label, name) for label in rows for name in COMPARED]
    head = [Column("", "", numeric=False), Column("layer", "layer", numeric=False)]
    cells = [
        [
            Cell(row.path, row.path),
            Cell(_named(row), row.layer),
            *(_cell(name, rows[label][i].as_row()[name]) for label, name in shown),
        ]
        for i, row in enumerate(first)
    ]
    notes = [*(NOTES if len(rows) == 1 else ()), f"{WORDS}."]
    data = [{"label": label, **_known(row.as_row())} for label in rows for row in rows[label]]
    return Sheet(
        "layers", title or "Layer by layer, one batch.", [*head, *columns], cells, data, notes
    )


def _first(rows: Rows) -> Sequence[LayerRow]:
    """The layers of the first label. Raises ValueError unless all have the same."""
    if not rows:
        raise ValueError("layers: expected the rows of at least one net")
    paths = {label: [row.path for row in found] for label, found in rows.items()}
    first = next(iter(paths))
    for label, found in paths.items():
        if found != paths[first]:
            raise ValueError(f"layers: {label} and {first} have different layers")
    return rows[first]


def _named(row: LayerRow) -> str:
    """``Conv2d 32×5×5``: what it is, and what it gives for one sample."""
    return f"{row.layer} {'×'.join(map(str, row.output))}".strip()


def _broken(label: str) -> str:
    """``Xavier`` and ``Uniform`` on a line each: a column as narrow as its numbers."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "\n", label)


def _cell(name: str, x: float | None) -> Cell:
    if x is None or math.isnan(x):
        return Cell(NOTHING, None)
    return Cell(f"{100 * x:.0f} %" if name in SHARES else f"{x:.2g}", x)


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with None for what is not finite, as JSON has it."""
    return {
        name: None if isinstance(x, float) and not math.isfinite(x) else x
        for name, x in row.items()
    }


PANELS: Mapping[str, Callable[[LayerRow], float | None]] = {
    "std of the outputs of layers without W": lambda row: row.std if row.dw is None else None,
    "dead units of ReLU, or flat outputs": lambda row: row.flat if row.dead is None else row.dead,
    "‖dL/dy‖ (an open mark: 0)": lambda row: row.dy,
    "‖dL/dW‖ (an open mark: 0)": lambda row: row.dw,
}


def layers(rows: Rows) -> tuple[Figure, NDArray[Any]]:
    """A line a label over the layers: the spread of outputs, dead or flat units, gradient norms.

    Norms have a log scale; one that is 0 is an open mark on the lower edge. Returns the figure
    and its axes, shape (2, 2). Raises ValueError as :func:`layers_sheet`.
    """
    names = [f"{row.path} {row.layer}".strip() for row in _first(rows)]
    figure = Figure(figsize=(WIDTH, 6.2), layout="constrained")
    grid: NDArray[Any] = figure.subplots(2, 2, sharex=True)
    for i, ((title, number), axes) in enumerate(zip(PANELS.items(), grid.flat, strict=True)):
        plain_axes(axes)
        axes.set_title(title, fontsize=10)
        for j, found in enumerate(rows.values()):
            values = np.array([_or_nan(number(row)) for row in found])
            _line(axes, values, look(j), log=i > 1)
        _scale(axes, share=i == 1, log=i > 1)
    for axes in grid[-1]:
        axes.set_xticks(range(len(names)), [literal(name) for name in names])
        axes.tick_params(axis="x", rotation=90, labelsize=7 if len(names) > 16 else 8)
    lines = [
        Line2D([], [], color=look(j).color, marker=look(j).marker, ls=look(j).dash, label=label)
        for j, label in enumerate(rows)
    ]
    if len(lines) > 1:
        figure.legend(handles=lines, loc="outside lower center", ncols=4, frameon=False)
    return figure, grid


def _or_nan(x: float | None) -> float:
    return math.nan if x is None else x


def _line(axes: Axes, values: NDArray[Any], style: Look, *, log: bool) -> None:
    """The known values, joined; on a log scale zeros as open marks on the lower edge."""
    at = np.arange(len(values))
    zero = (values == 0) & log
    known = np.isfinite(values) & ~zero
    axes.plot(
        *(at[known], values[known]),
        color=style.color,
        ls=style.dash,
        marker=style.marker,
        ms=4,
    )
    if zero.any():
        axes.plot(
            *(at[zero], np.zeros(zero.sum())),
            color=style.color,
            ls="",
            marker=style.marker,
            mfc="none",
            transform=axes.get_xaxis_transform(),
            clip_on=False,
            in_layout=False,
        )


def _scale(axes: Axes, *, share: bool, log: bool) -> None:
    if log:
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, 1.04 if share else None)
    if share:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
