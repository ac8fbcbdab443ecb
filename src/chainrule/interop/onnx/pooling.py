"""Pooling as operators of ONNX; H and W are known when a net is exported."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from chainrule import nn
from chainrule.interop.onnx.graph import Graph, GraphValue, Rule, Shape

__all__ = ["POOLINGS"]


def export_max_pool(graph: Graph, layer: nn.MaxPool2d, x: GraphValue, shape: Shape) -> str:
    """The windows' maxima, with −∞ around x."""
    return export_pool(
        graph, "MaxPool", layer, x, shape, -torch.inf, dilations=layer.params.dilation
    )


def export_avg_pool(graph: Graph, layer: nn.AvgPool2d, x: GraphValue, shape: Shape) -> str:
    """The windows' means, with 0 around x; times k² / count where that is not 1."""
    y = export_pool(graph, "AveragePool", layer, x, shape, 0.0)
    ones = torch.ones(1, 1, *x.examples[0].shape[-2:], dtype=torch.float64)
    down, across = find_edges(layer, x, shape)
    wide = torch.constant_pad_nd(ones, [*across, *down])
    means, _ = nn.AvgPool2d(layer.kernel_size, layer.stride).forward(wide)
    ratio = layer.forward(ones)[0] / means
    if bool((ratio == 1).all()):
        return y
    return graph.node("Mul", y, graph.constant(ratio[0, 0].float()))


def export_pool(
    graph: Graph, operator: str, layer: Any, x: GraphValue, shape: Shape, fill: float, **more: Any
) -> str:
    """Pooling over x with a margin of ``fill``; one sample alone is a batch of one."""
    source, batch, is_sample = x.name, graph.integers(0), len(x.shape) == 3
    if is_sample:
        source = graph.node("Unsqueeze", source, batch)
    edges = find_edges(layer, x, shape)
    if any(map(any, edges)):
        pads = [0, 0, edges[0][0], edges[1][0], 0, 0, edges[0][1], edges[1][1]]
        source = graph.node("Pad", source, graph.integers(*pads), graph.constant(fill))
    window = {"kernel_shape": layer.params.kernel, "strides": layer.params.stride}
    y = graph.node(operator, source, **window, **more)
    return graph.node("Squeeze", y, batch) if is_sample else y


def find_edges(layer: Any, x: GraphValue, shape: Shape) -> list[tuple[int, int]]:
    """What is to come before and after x, along H and W, so that each window is whole."""
    params, found = layer.params, []
    for axis in (0, 1):
        size, count = x.examples[0].shape[axis - 2], shape[axis - 2] or 0
        before, step, span = params.padding[axis], params.stride[axis], params.span[axis]
        found.append((before, max(0, (count - 1) * step + span - size - before)))
    return found


def export_adaptive_avg_pool(
    graph: Graph, layer: nn.AdaptiveAvgPool2d, x: GraphValue, shape: Shape
) -> str:
    """A_H x A_Wᵀ: row i of A has the shares of region i."""
    height, width = x.examples[0].shape[-2:]
    rows, columns = shape[-2] or 0, shape[-1] or 0
    y = x.name
    if rows != height:
        y = graph.node("MatMul", graph.constant(region_shares(height, rows)), y)
    if columns != width:
        y = graph.node("MatMul", y, graph.constant(region_shares(width, columns).T))
    return y


def region_shares(size: int, regions: int) -> Tensor:
    """(regions, size): 1 / length at the entries that a region has, else 0."""
    eye = torch.eye(size).unsqueeze(1).unsqueeze(1)  # (size, 1, 1, size)
    y, _ = nn.AdaptiveAvgPool2d((1, regions)).forward(eye)
    shares: Tensor = y[:, 0, 0].T
    return shares


def export_maxout(graph: Graph, layer: nn.Maxout, x: GraphValue, shape: Shape) -> str:
    """The maximum of each k neighbouring channels."""
    groups = graph.reshape(x.name, (shape[0], shape[1], layer.k, *shape[2:]))
    return graph.node("ReduceMax", groups, graph.integers(2), keepdims=0)


POOLINGS: dict[type[nn.Module], Rule] = {
    nn.MaxPool2d: export_max_pool,
    nn.AvgPool2d: export_avg_pool,
    nn.AdaptiveAvgPool2d: export_adaptive_avg_pool,
    nn.Maxout: export_maxout,
}
