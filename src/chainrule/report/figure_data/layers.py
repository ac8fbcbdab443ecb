"""A net layer by layer: values and gradients of one batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from chainrule.report.figure_data.base import FigureData
from chainrule.report.tables.layers import StatsByLabel, common_layers

if TYPE_CHECKING:
    from chainrule.train.layer_stats import LayerRow

__all__ = ["LayerPanel", "LayersData", "layers_data"]

SPREADS: Mapping[str, Callable[[LayerRow], float | None]] = {
    "std of the outputs of layers without W": lambda row: row.std if row.dw is None else None,
}
SHARES: Mapping[str, Callable[[LayerRow], float | None]] = {
    "dead units of ReLU, or flat outputs": lambda row: row.flat if row.dead is None else row.dead,
}
NORMS: Mapping[str, Callable[[LayerRow], float | None]] = {
    "‖dL/dy‖ (an open mark: 0)": lambda row: row.dy,
    "‖dL/dW‖ (an open mark: 0)": lambda row: row.dw,
}


@final
@dataclass(frozen=True)
class LayerPanel:
    """A number of each layer: label → one a layer, nan where the layer has none."""

    title: str
    values: Mapping[str, Sequence[float]]
    is_share: bool
    is_norm: bool


@final
@dataclass(frozen=True)
class LayersData(FigureData):
    """The names of the layers, and four panels over them."""

    layers: Sequence[str]
    panels: Sequence[LayerPanel]


def layers_data(stats: StatsByLabel) -> LayersData:
    """The numbers of :func:`chainrule.report.layers`. Raises ValueError as it does."""
    names = [f"{row.path} {row.layer}".strip() for row in common_layers(stats)]
    panels = [
        LayerPanel(
            title,
            {label: [_nan_for_none(pick(row)) for row in rows] for label, rows in stats.items()},
            is_share=group is SHARES,
            is_norm=group is NORMS,
        )
        for group in (SPREADS, SHARES, NORMS)
        for title, pick in group.items()
    ]
    return LayersData(names, panels)


def _nan_for_none(x: float | None) -> float:
    return math.nan if x is None else x
