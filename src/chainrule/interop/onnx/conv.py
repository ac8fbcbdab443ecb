"""Convolutions as operators of ONNX."""

from __future__ import annotations

from typing import Any

import torch

from chainrule import nn
from chainrule.interop.onnx.graph import Graph, GraphValue, Rule, Shape
from chainrule.nn.ops.padding import pad

__all__ = ["CONVOLUTIONS"]


def export_conv(graph: Graph, layer: Any, x: GraphValue, shape: Shape) -> str:
    """W ⋆ x + b; one sample alone is a batch of one."""
    axes, source = len(layer.edges), x.name
    batch = graph.integers(0)
    is_sample = len(x.shape) == axes + 1
    if is_sample:
        source = graph.node("Unsqueeze", source, batch)
    edges = layer.edges
    if layer.padding_mode != "zeros":
        source, edges = export_padding(graph, layer, source, x.shape), [(0, 0)] * axes
    bias = [] if layer.bias is None else [graph.parameter(layer.bias)]
    y = graph.node(
        "Conv",
        source,
        graph.parameter(layer.weight),
        *bias,
        kernel_shape=layer.params.kernel,
        strides=layer.params.stride,
        dilations=layer.params.dilation,
        group=layer.groups,
        pads=[before for before, _ in edges] + [after for _, after in edges],
    )
    return graph.node("Squeeze", y, batch) if is_sample else y


def export_padding(graph: Graph, layer: Any, source: str, shape: Shape) -> str:
    """x made wider by its own entries: each is taken from its place."""
    axes = len(layer.edges)
    for axis, edge in enumerate(layer.edges):
        size = shape[len(shape) - axes + axis]
        places, _ = pad(torch.arange(size or 0), [edge], layer.padding_mode)
        source = graph.node("Gather", source, graph.constant(places), axis=axis - axes)
    return source


CONVOLUTIONS: dict[type[nn.Module], Rule] = {nn.Conv1d: export_conv, nn.Conv2d: export_conv}
