"""Pooling as operators of ONNX; the sizes of the axes are known when a net is exported."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from chainrule import nn
from chainrule.interop.onnx.graph import Graph, GraphValue, Rule, Shape

__all__ = ["POOLINGS"]


def export_max_pool(graph: Graph, layer: Any, x: GraphValue, shape: Shape) -> str:
    """The windows' maxima, with −∞ around x."""
    return export_pool(
        graph, "MaxPool", layer, x, shape, -torch.inf, dilations=layer.params.dilation
    )


def export_avg_pool(graph: Graph, layer: Any, x: GraphValue, shape: Shape) -> str:
    """The windows' means, with 0 around x; times their size / count where that is not 1."""
    y = export_pool(graph, "AveragePool", layer, x, shape, 0.0)
    ones = torch.ones(1, 1, *x.examples[0].shape[-layer.axes :], dtype=torch.float64)
    edges = find_edges(layer, x, shape)
    wide = torch.constant_pad_nd(ones, [n for edge in reversed(edges) for n in edge])
    means, _ = type(layer)(layer.kernel_size, layer.stride).forward(wide)
    ratio = layer.forward(ones)[0] / means
    if bool((ratio == 1).all()):
        return y
    return graph.node("Mul", y, graph.constant(ratio[0, 0].float()))


def export_pool(
    graph: Graph, operator: str, layer: Any, x: GraphValue, shape: Shape, fill: float, **more: Any
) -> str:
    """Pooling over x with a margin of ``fill``; one sample alone is a batch of one."""
    source, batch, is_sample = x.name, graph.integers(0), len(x.shape) == layer.axes + 1
    if is_sample:
        source = graph.node("Unsqueeze", source, batch)
    edges = find_edges(layer, x, shape)
    if any(map(any, edges)):
        pads = [0, 0, *(a for a, _ in edges), 0, 0, *(b for _, b in edges)]
        source = graph.node("Pad", source, graph.integers(*pads), graph.constant(fill))
    window = {"kernel_shape": layer.params.kernel, "strides": layer.params.stride}
    y = graph.node(operator, source, **window, **more)
    return graph.node("Squeeze", y, batch) if is_sample else y


def find_edges(layer: Any, x: GraphValue, shape: Shape) -> list[tuple[int, int]]:
    """What is to come before and after x, along each axis, so that each window is whole."""
    params, found = layer.params, []
    for axis in range(layer.axes):
        size, count = x.examples[0].shape[axis - layer.axes], shape[axis - layer.axes] or 0
        before, step, span = params.padding[axis], params.stride[axis], params.span[axis]
        found.append((before, max(0, (count - 1) * step + span - size - before)))
    return found


def export_adaptive_avg_pool(graph: Graph, layer: Any, x: GraphValue, shape: Shape) -> str:
    """A_H x A_Wᵀ: row i of A has the shares of region i."""
    width, columns, y = x.examples[0].shape[-1], shape[-1] or 0, x.name
    if columns != width:
        y = graph.node("MatMul", y, graph.constant(region_shares(width, columns).T))
    height, rows = x.examples[0].shape[-2], shape[-2] or 0
    if layer.axes == 2 and rows != height:
        y = graph.node("MatMul", graph.constant(region_shares(height, rows)), y)
    return y


def export_adaptive_max_pool(graph: Graph, layer: Any, x: GraphValue, shape: Shape) -> str:
    """The entries of each region, the last as often as a longer region has more; their maximum."""
    y = x.name
    for axis in range(-1, -layer.axes - 1, -1):
        shares = region_shares(x.examples[0].shape[axis], shape[axis] or 0) > 0
        longest = int(shares.sum(1).max())
        first, last = shares.int().argmax(1, keepdim=True), shares.sum(1, keepdim=True) - 1
        places = first + torch.minimum(torch.arange(longest), last)
        groups = graph.node("Gather", y, graph.constant(places), axis=axis)
        y = graph.node("ReduceMax", groups, graph.integers(axis), keepdims=0)
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
    nn.MaxPool1d: export_max_pool,
    nn.MaxPool2d: export_max_pool,
    nn.AvgPool1d: export_avg_pool,
    nn.AvgPool2d: export_avg_pool,
    nn.AdaptiveAvgPool1d: export_adaptive_avg_pool,
    nn.AdaptiveAvgPool2d: export_adaptive_avg_pool,
    nn.AdaptiveMaxPool1d: export_adaptive_max_pool,
    nn.AdaptiveMaxPool2d: export_adaptive_max_pool,
    nn.Maxout: export_maxout,
}
