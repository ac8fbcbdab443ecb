"""The parameters of nets: filters as images, and how weights are spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from chainrule._util.suggest import did_you_mean
from chainrule.report.figure_data.base import FigureData

if TYPE_CHECKING:
    from chainrule.nn.module import Module

__all__ = ["FiltersData", "WeightsData", "filters_data", "weights_data"]

MAX_FILTERS = 64
BINS = 40


@final
@dataclass(frozen=True)
class FiltersData(FigureData):
    """The first filters of a convolution, (H, W) or of three channels (H, W, 3), with one scale.

    ``limit`` is the largest weight, without its sign; colours are scaled by it to 0 … 1.
    """

    name: str
    filters: Sequence[NDArray[Any]]
    limit: float


@final
@dataclass(frozen=True)
class WeightsData(FigureData):
    """Of each parameter the edges of its bins, and label → share of its numbers in each bin."""

    edges: Mapping[str, NDArray[Any]]
    shares: Mapping[str, Mapping[str, NDArray[Any]]]


def filters_data(net: Module, name: str | None = None) -> FiltersData:
    """Of the weight of this name, or the first that has two axes for a window.

    Of three channels a filter is an image in colour, else each channel is one. Raises ValueError
    for a net of replicas, and where there is no such weight.
    """
    if net.replicas is not None:
        raise ValueError("filters: expected a plain net, got one of replicas: net.replica(k)")
    weights = {path: p.data for path, p in net.named_parameters() if p.data.dim() == 4}
    if not weights or (name is not None and name not in weights):
        hint = did_you_mean(name, weights) if name else ""
        known = ", ".join(weights) or "none"
        raise ValueError(f"filters: {hint}weights with a window: {known}; got {name!r}")
    path = name or next(iter(weights))
    weight = weights[path].detach().cpu().double()
    limit = float(weight.abs().max())
    if weight.shape[1] == 3:
        colours = (weight / (2 * limit or 1) + 0.5).permute(0, 2, 3, 1)
        return FiltersData(path, [*colours[:MAX_FILTERS].numpy()], limit)
    return FiltersData(path, [*weight.flatten(0, 1)[:MAX_FILTERS].numpy()], limit)


def weights_data(nets: Mapping[str, Module]) -> WeightsData:
    """Label → net, such as the same net at several epochs: all numbers of each parameter.

    Raises ValueError for none, and for nets of other parameters.
    """
    found = {
        label: {path: p.data.detach().cpu().numpy().ravel() for path, p in net.named_parameters()}
        for label, net in nets.items()
    }
    paths = [[*each] for each in found.values()]
    if not paths or any(each != paths[0] for each in paths):
        raise ValueError("weights: expected nets with the same parameters, one at least")
    edges, shares = {}, {}
    for path in paths[0]:
        together = np.concatenate([of[path] for of in found.values()])
        edges[path] = np.histogram_bin_edges(together, BINS)
        shares[path] = {
            label: np.histogram(of[path], edges[path])[0] / of[path].size
            for label, of in found.items()
        }
    return WeightsData(edges, shares)
