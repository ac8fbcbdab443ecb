"""A net layer by layer: values and gradients of one batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, final

from chainrule.report.figure_data.base import FigureData
from chainrule.report.tables.layers import StatsByLabel, common_layers

if TYPE_CHECKING:
    from chainrule.train.layer_stats import LayerRow

__all__ = ["LayerPanel", "LayersData", "layers_data"]

Kind: TypeAlias = Literal["spread", "share", "norm"]

PANELS: Sequence[tuple[str, Kind, Callable[[LayerRow], float | None]]] = (
    (
        "std of the outputs of layers without W",
        "spread",
        lambda row: row.std if row.dw is None else None,
    ),
    (
        "dead units of ReLU, or flat outputs",
        "share",
        lambda row: row.flat if row.dead is None else row.dead,
    ),
    ("‖dL/dy‖ (an open mark: 0)", "norm", lambda row: row.dy),
    ("‖dL/dW‖ (an open mark: 0)", "norm", lambda row: row.dw),
)
"""Title, what is counted, and the number of a layer."""


@final
@dataclass(frozen=True)
class LayerPanel:
    """A number of each layer: label → one a layer, nan where the layer has none."""

    title: str
    kind: Kind
    values: Mapping[str, Sequence[float]]


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
            kind,
            {label: [_nan_for_none(number(row)) for row in rows] for label, rows in stats.items()},
        )
        for title, kind, number in PANELS
    ]
    return LayersData(names, panels)


def _nan_for_none(x: float | None) -> float:
    return math.nan if x is None else x
