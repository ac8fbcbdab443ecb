"""A net layer by layer: the table of one batch's values and gradients."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from chainrule.report.numbers import MISSING
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:  # tables are read without torch
    from chainrule.train.layer_stats import LayerRow

__all__ = ["StatsByLabel", "common_layers", "layers_table"]

StatsByLabel: TypeAlias = "Mapping[str, Sequence[LayerRow]]"
"""Label → what :func:`chainrule.train.layer_stats` found; the same layers under each label."""

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


def layers_table(stats: StatsByLabel, caption: str = "") -> Table:
    """A row a layer: all about one net, or std and ‖dL/dW‖ of several side by side.

    The table's ``rows`` have every number of each label.

    Raises ValueError where there is nothing, or the labels have different layers.
    """
    layers = common_layers(stats)
    if len(stats) == 1:
        columns = [Column(title.replace("\n", " "), title) for title in ALL.values()]
        numbers = [(label, name) for label in stats for name in ALL]
    else:
        columns = [
            Column(f"{label}, {title}", f"{'' if i else _split_words(label)}\n{title}")
            for label in stats
            for i, title in enumerate(COMPARED.values())
        ]
        numbers = [(label, name) for label in stats for name in COMPARED]
    head = [Column("", "", numeric=False), Column("layer", "layer", numeric=False)]
    cells = [
        [
            Cell(row.path, row.path),
            Cell(_layer_title(row), row.layer),
            *(_number_cell(name, stats[label][i].as_row()[name]) for label, name in numbers),
        ]
        for i, row in enumerate(layers)
    ]
    notes = [*(NOTES if len(stats) == 1 else ()), f"{WORDS}."]
    rows = [
        {"label": label, **_finite_values(row.as_row())} for label in stats for row in stats[label]
    ]
    return Table(
        "layers", caption or "Layer by layer, one batch.", [*head, *columns], cells, rows, notes
    )


def common_layers(stats: StatsByLabel) -> Sequence[LayerRow]:
    """The layers that the labels have, from the first of them.

    Raises ValueError where there is nothing, or the labels have different layers.
    """
    if not stats:
        raise ValueError("layers: expected the rows of at least one net")
    paths = {label: [row.path for row in found] for label, found in stats.items()}
    first = next(iter(paths))
    for label, found in paths.items():
        if found != paths[first]:
            raise ValueError(f"layers: {label} and {first} have different layers")
    return stats[first]


def _layer_title(row: LayerRow) -> str:
    """``Conv2d 32×5×5``: what it is, and what it gives for one sample."""
    return f"{row.layer} {'×'.join(map(str, row.output))}".strip()


def _split_words(label: str) -> str:
    """``Xavier`` and ``Uniform`` on a line each: a column as narrow as its numbers."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "\n", label)


def _number_cell(name: str, x: float | None) -> Cell:
    if x is None or math.isnan(x):
        return Cell(MISSING, None)
    return Cell(f"{100 * x:.0f} %" if name in SHARES else f"{x:.2g}", x)


def _finite_values(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with None for what is not finite, as JSON has it."""
    return {
        name: None if isinstance(x, float) and not math.isfinite(x) else x
        for name, x in row.items()
    }
