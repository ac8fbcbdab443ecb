"""Containers, as the nodes of what they hold: a value is a tensor, a tuple, or a dict of heads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from chainrule import nn
from chainrule.interop.onnx.activations import ACTIVATIONS
from chainrule.interop.onnx.attention import export_attention, export_positions
from chainrule.interop.onnx.conv import CONVOLUTIONS
from chainrule.interop.onnx.graph import Graph, GraphValue, Rule, known_shape
from chainrule.interop.onnx.linear import PRODUCTS, export_bilinear
from chainrule.interop.onnx.normalization import NORMALIZATIONS
from chainrule.interop.onnx.pooling import POOLINGS
from chainrule.interop.onnx.recurrent import export_cell, export_recurrent
from chainrule.interop.onnx.reshape import SHAPES

__all__ = ["CONTAINERS", "LAYERS", "export_module"]

LAYERS: dict[type[nn.Module], Rule] = (
    ACTIVATIONS
    | CONVOLUTIONS
    | NORMALIZATIONS
    | POOLINGS
    | PRODUCTS
    | SHAPES
    | {nn.PositionalEncoding: export_positions}
)
"""What each layer of one tensor is in ONNX; one of one's own may be added."""


def export_module(graph: Graph, module: nn.Module, x: Any) -> Any:
    """Add a module to the graph; return its output.

    Raises ValueError for one that has no rule, which names it.
    """
    cls = type(module)
    if cls in CONTAINERS:
        return CONTAINERS[cls](graph, module, x)
    if cls not in LAYERS:
        raise ValueError(
            f"{module.label()} has no rule for ONNX; one of your own may have one in "
            f"chainrule.interop.onnx.LAYERS: {cls.__name__} → (graph, layer, x, shape of y) → name"
        )
    if not isinstance(x, GraphValue):
        raise ValueError(f"{module.label()}: expected one tensor as its input")
    examples = x.call(module)
    return GraphValue(LAYERS[cls](graph, module, x, known_shape(examples)), examples)


def export_sequential(graph: Graph, net: nn.Sequential, x: Any) -> Any:
    """One after the other."""
    for layer in net:
        x = export_module(graph, layer, x)
    return x


def export_parallel(graph: Graph, net: nn.Parallel, x: Any) -> Any:
    """Each module at its own input."""
    return tuple(export_module(graph, layer, part) for layer, part in zip(net, x, strict=True))


def export_unbind(graph: Graph, layer: nn.Unbind, x: GraphValue) -> Any:
    """Each entry of an axis by itself."""
    count = x.examples[0].shape[layer.dim]
    return tuple(export_module(graph, nn.Select(layer.dim, i), x) for i in range(count))


def export_heads(graph: Graph, net: nn.Heads, x: Any) -> Any:
    """The outputs by the names of the heads."""
    return {name: export_module(graph, head, x) for name, head in net.named_children()}


def export_concat(graph: Graph, net: nn.Concat, x: Any) -> GraphValue:
    """The outputs joined along an axis."""
    ys = [export_module(graph, layer, x) for layer in net]
    return concat_values(graph, ys, net.dim)


def concat_values(graph: Graph, values: list[GraphValue], axis: int) -> GraphValue:
    """The values joined along an axis."""
    name = graph.node("Concat", *(value.name for value in values), axis=axis)
    first, second = (
        torch.cat(parts, axis) for parts in zip(*(v.examples for v in values), strict=True)
    )
    return GraphValue(name, (first, second))


def export_sum(graph: Graph, net: nn.Sum, x: Any) -> GraphValue:
    """The outputs added up."""
    return sum_values(graph, [export_module(graph, layer, x) for layer in net])


def export_residual(graph: Graph, net: nn.Residual, x: Any) -> GraphValue:
    """x + f(x)"""
    return sum_values(graph, [x, export_module(graph, net.module, x)])


def sum_values(graph: Graph, values: list[GraphValue]) -> GraphValue:
    """The sum of values of one shape."""
    name = values[0].name
    for value in values[1:]:
        name = graph.node("Add", name, value.name)
    return GraphValue(name, values[0].examples)


def export_siamese(graph: Graph, net: nn.Siamese, x: Any) -> Any:
    """Each of a pair through its module; or both as one batch, twice as long."""
    second = net.module if net.share else net.other
    if isinstance(x, tuple):
        return export_module(graph, net.module, x[0]), export_module(graph, second, x[1])
    if net.joint_batch:
        both = reshape_value(graph, x, lambda t: t.flatten(0, 1))
        y = export_module(graph, net.module, both)
        return reshape_value(graph, y, lambda t: t.reshape(len(t) // 2, 2, *t.shape[1:]))
    parts = []
    for i, module in enumerate((net.module, second)):
        one = export_module(graph, nn.Select(1, i), x)
        y = export_module(graph, module, one)
        parts.append(reshape_value(graph, y, lambda t: t.unsqueeze(1)))
    return concat_values(graph, parts, 1)


def export_encoder_layer(graph: Graph, layer: nn.TransformerEncoderLayer, x: Any) -> GraphValue:
    """Two branches added to what passes, each with its normalization after or before."""
    x, *mask = x if isinstance(x, tuple) else (x,)

    def attend(z: GraphValue) -> GraphValue:
        given = (z, z, z, *mask) if mask else z
        y: GraphValue = export_attention(graph, layer.self_attn, given)[0]
        return y

    def feed_forward(z: GraphValue) -> GraphValue:
        for part in (layer.linear1, layer.f, layer.linear2):
            z = export_module(graph, part, z)
        return z

    for norm, branch in ((layer.norm1, attend), (layer.norm2, feed_forward)):
        if layer.norm_first:
            x = sum_values(graph, [x, branch(export_module(graph, norm, x))])
        else:
            x = export_module(graph, norm, sum_values(graph, [x, branch(x)]))
    y: GraphValue = x
    return y


def reshape_value(graph: Graph, x: GraphValue, f: Callable[[Tensor], Tensor]) -> GraphValue:
    """x in another shape, as f gives it to the examples."""
    examples = f(x.examples[0]), f(x.examples[1])
    return GraphValue(graph.reshape(x.name, known_shape(examples)), examples)


ContainerRule: TypeAlias = Callable[[Graph, Any, Any], Any]
"""(graph, module, x) → y"""

CONTAINERS: dict[type[nn.Module], ContainerRule] = {
    nn.Identity: lambda graph, module, x: x,
    nn.Sequential: export_sequential,
    nn.Parallel: export_parallel,
    nn.Unbind: export_unbind,
    nn.Heads: export_heads,
    nn.Concat: export_concat,
    nn.Sum: export_sum,
    nn.Residual: export_residual,
    nn.Siamese: export_siamese,
    nn.Bilinear: export_bilinear,
    nn.Item: lambda graph, module, x: x[module.key],
    nn.MultiheadAttention: export_attention,
    nn.TransformerEncoderLayer: export_encoder_layer,
    nn.RNN: export_recurrent,
    nn.LSTM: export_recurrent,
    nn.GRU: export_recurrent,
    nn.RNNCell: export_cell,
    nn.LSTMCell: export_cell,
    nn.GRUCell: export_cell,
}
"""What takes or gives several tensors, or is made of modules."""
