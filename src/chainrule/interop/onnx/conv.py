"""Convolutions, padding and resizing as operators of ONNX."""

from __future__ import annotations

from typing import Any

import torch

from chainrule import nn
from chainrule.interop.onnx.graph import Graph, GraphValue, Rule, Shape
from chainrule.nn.ops.padding import PadWidths, pad

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
        source = gather_margins(graph, source, x.shape, edges, layer.padding_mode)
        edges = [(0, 0)] * axes
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


def gather_margins(graph: Graph, source: str, shape: Shape, edges: PadWidths, mode: str) -> str:
    """x made wider by its own entries: each is taken from its place."""
    for axis, edge in enumerate(edges, -len(edges)):
        places, _ = pad(torch.arange(shape[axis] or 0), [edge], mode)
        source = graph.node("Gather", source, graph.constant(places), axis=axis)
    return source


def export_conv_transpose(graph: Graph, layer: Any, x: GraphValue, shape: Shape) -> str:
    """All copies of W, then their margins; one sample alone is a batch of one."""
    source, batch, is_sample = x.name, graph.integers(0), len(x.shape) == layer.axes + 1
    if is_sample:
        source = graph.node("Unsqueeze", source, batch)
    y = graph.node(
        "ConvTranspose",
        source,
        graph.parameter(layer.weight),
        kernel_shape=layer.params.kernel,
        strides=layer.params.stride,
        dilations=layer.params.dilation,
        group=layer.groups,
    )
    y = add_margins(graph, y, layer.margins, 0.0)
    if layer.bias is not None:
        bias = graph.reshape(graph.parameter(layer.bias), (-1, *[1] * layer.axes))
        y = graph.node("Add", y, bias)
    return graph.node("Squeeze", y, batch) if is_sample else y


def add_margins(graph: Graph, x: str, edges: PadWidths, value: float) -> str:
    """Constants before and after x's last axes; where there are fewer than none, x is cut."""
    if not any(map(any, edges)):
        return x
    widths = graph.integers(*(a for a, _ in edges), *(b for _, b in edges))
    axes = graph.integers(*range(-len(edges), 0))
    return graph.node("Pad", x, widths, graph.constant(value), axes)


def export_constant_pad(graph: Graph, layer: Any, x: GraphValue, shape: Shape) -> str:
    """ZeroPad and ConstantPad."""
    return add_margins(graph, x.name, layer.edges, layer.value)


def export_source_pad(graph: Graph, layer: Any, x: GraphValue, shape: Shape) -> str:
    """ReflectionPad, ReplicationPad and CircularPad."""
    return gather_margins(graph, x.name, x.shape, layer.edges, layer.mode)


def export_upsample(graph: Graph, layer: nn.Upsample, x: GraphValue, shape: Shape) -> str:
    """(1 − w) x[l] + w x[l + 1], axis by axis."""
    y, sizes = x.name, x.examples[0].shape[2:]
    for axis, places in enumerate(layer.find_places(sizes), -len(sizes)):
        low = graph.node("Gather", y, graph.constant(places.low), axis=axis)
        if places.part is None:
            y = low
            continue
        last = sizes[axis] - 1
        high = graph.node("Gather", y, graph.constant((places.low + 1).clamp(max=last)), axis=axis)
        w = places.part.float().reshape(-1, *[1] * (-axis - 1))
        y = graph.node(
            "Add",
            graph.node("Mul", low, graph.constant(1 - w)),
            graph.node("Mul", high, graph.constant(w)),
        )
    return y


CONVOLUTIONS: dict[type[nn.Module], Rule] = {
    nn.Conv1d: export_conv,
    nn.Conv2d: export_conv,
    nn.ConvTranspose1d: export_conv_transpose,
    nn.ConvTranspose2d: export_conv_transpose,
    nn.ZeroPad1d: export_constant_pad,
    nn.ZeroPad2d: export_constant_pad,
    nn.ConstantPad1d: export_constant_pad,
    nn.ConstantPad2d: export_constant_pad,
    nn.ReflectionPad1d: export_source_pad,
    nn.ReflectionPad2d: export_source_pad,
    nn.ReplicationPad1d: export_source_pad,
    nn.ReplicationPad2d: export_source_pad,
    nn.CircularPad1d: export_source_pad,
    nn.CircularPad2d: export_source_pad,
    nn.Upsample: export_upsample,
}
