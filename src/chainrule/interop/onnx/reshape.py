"""Layers that reshape_value, that do nothing when a net predicts, and LessEqualProbability."""

from __future__ import annotations

from typing import Any

import torch

from chainrule import nn
from chainrule.interop.onnx.graph import Graph, GraphValue, Rule, Shape

__all__ = ["SHAPES"]


def export_nothing(graph: Graph, layer: Any, x: GraphValue, shape: Shape) -> str:
    """x itself."""
    return x.name


def export_reshape(graph: Graph, layer: Any, x: GraphValue, shape: Shape) -> str:
    """Flatten and Unflatten."""
    return graph.reshape(x.name, shape)


def export_select(graph: Graph, layer: nn.Select, x: GraphValue, shape: Shape) -> str:
    """x at an index of an axis, which goes."""
    index = graph.constant(torch.tensor(layer.index))
    return graph.node("Gather", x.name, index, axis=layer.dim)


def export_less_equal(
    graph: Graph, layer: nn.LessEqualProbability, x: GraphValue, shape: Shape
) -> str:
    """log Σ P_ij over i > j, and over i ≤ j."""
    levels = x.examples[0].shape[-1]
    shares = graph.node("LogSoftmax", x.name, axis=-1)
    first, second = (
        graph.node("Gather", shares, graph.constant(torch.tensor(i)), axis=1) for i in (0, 1)
    )
    rows = graph.node("Unsqueeze", first, graph.integers(1, 3))  # (N, 1, L, 1)
    columns = graph.node("Unsqueeze", second, graph.integers(1, 2))  # (N, 1, 1, L)
    at_most = torch.ones(levels, levels, dtype=torch.bool).triu()
    cases = torch.zeros(2, levels, levels)
    cases[0].masked_fill_(at_most, -torch.inf)
    cases[1].masked_fill_(~at_most, -torch.inf)
    joint = graph.node("Add", graph.node("Add", rows, columns), graph.constant(cases))
    return graph.node("ReduceLogSumExp", joint, graph.integers(2, 3), keepdims=0)


SHAPES: dict[type[nn.Module], Rule] = {
    nn.Dropout: export_nothing,
    nn.Dropout2d: export_nothing,
    nn.Flatten: export_reshape,
    nn.Unflatten: export_reshape,
    nn.Select: export_select,
    nn.LessEqualProbability: export_less_equal,
}
