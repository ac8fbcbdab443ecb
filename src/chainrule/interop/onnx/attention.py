"""Attention and positions as operators of ONNX."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import torch
from onnx import TensorProto

from chainrule import nn
from chainrule.interop.onnx.graph import Graph, GraphValue, Shape, name_outputs

__all__ = ["export_attention", "export_positions"]


def export_attention(graph: Graph, layer: nn.MultiheadAttention, x: Any) -> Any:
    """(y, P averaged over the heads); samples come first within."""
    parts = x if isinstance(x, tuple) else (x,) * 3
    lone = len(parts[0].shape) == 2
    q, k, v = project_heads(graph, layer, [put_samples_first(graph, layer, p) for p in parts[:3]])
    turned = graph.node("Transpose", k, perm=[0, 1, 3, 2])
    scores = graph.node("MatMul", q, turned)
    scores = graph.node("Mul", scores, graph.constant(sqrt(layer.num_heads / layer.embed_dim)))
    if layer.causal:
        T, S = (part.examples[0].shape[0 if lone else time_axis(layer)] for part in parts[:2])
        later = torch.zeros(T, S).masked_fill(torch.ones(T, S).triu(1) > 0, -torch.inf)
        scores = graph.node("Add", scores, graph.constant(later))
    if len(parts) == 4:
        axes = graph.integers(0, 1, 2) if lone else graph.integers(1, 2)
        ignored = graph.node("Unsqueeze", parts[3].name, axes)
        scores = graph.node("Where", ignored, graph.constant(-torch.inf), scores)
    shares = graph.node("Softmax", scores, axis=-1)
    mixed = graph.node("Transpose", graph.node("MatMul", shares, v), perm=[0, 2, 1, 3])
    y = graph.node("Reshape", mixed, graph.integers(0, 0, layer.embed_dim))
    weight = graph.node("Transpose", graph.parameter(layer.out_proj.weight), perm=[1, 0])
    y = graph.node("MatMul", y, weight)
    if layer.out_proj.bias is not None:
        y = graph.node("Add", y, graph.parameter(layer.out_proj.bias))
    weights = graph.node("ReduceMean", shares, graph.integers(1), keepdims=0)
    if lone:
        y, weights = (graph.node("Squeeze", name, graph.integers(0)) for name in (y, weights))
    elif not layer.batch_first:
        y = graph.node("Transpose", y, perm=[1, 0, 2])
    y_value, w_value = name_outputs(layer, (y, weights), x)
    return y_value, w_value


def project_heads(graph: Graph, layer: nn.MultiheadAttention, parts: list[str]) -> list[str]:
    """q, k and v (N, h, T, d), each by its third of W_in."""
    turned = graph.node("Transpose", graph.parameter(layer.in_proj_weight), perm=[1, 0])
    weights = graph.node_of_outputs("Split", 3, turned, axis=1, num_outputs=3)
    biases: list[str] = []
    if layer.in_proj_bias is not None:
        bias = graph.parameter(layer.in_proj_bias)
        biases = graph.node_of_outputs("Split", 3, bias, axis=0, num_outputs=3)
    sizes = graph.integers(0, 0, layer.num_heads, layer.embed_dim // layer.num_heads)
    found = []
    for i, part in enumerate(parts):
        y = graph.node("MatMul", part, weights[i])
        y = graph.node("Add", y, biases[i]) if biases else y
        found.append(graph.node("Transpose", graph.node("Reshape", y, sizes), perm=[0, 2, 1, 3]))
    return found


def put_samples_first(graph: Graph, layer: nn.MultiheadAttention, x: GraphValue) -> str:
    """x (N, T, E)"""
    if len(x.shape) == 2:
        return graph.node("Unsqueeze", x.name, graph.integers(0))
    return x.name if layer.batch_first else graph.node("Transpose", x.name, perm=[1, 0, 2])


def time_axis(layer: nn.MultiheadAttention) -> int:
    """Where a batch has its queries."""
    return int(layer.batch_first)


def export_positions(
    graph: Graph, layer: nn.PositionalEncoding, x: GraphValue, shape: Shape
) -> str:
    """x + sin(t / 10000^(2i/E) + φ), φ = π/2 at odd places, for as many t as there are."""
    time = int(layer.batch_first and len(x.shape) == 3)
    length = graph.node("Gather", graph.node("Shape", x.name), graph.constant(torch.tensor(time)))
    zero, one = (graph.constant(torch.tensor(n)) for n in (0, 1))
    steps = graph.node("Cast", graph.node("Range", zero, length, one), to=TensorProto.FLOAT)
    steps = graph.node("Unsqueeze", steps, graph.integers(*range(1, len(x.shape) - time)))
    i = torch.arange(layer.d_model, dtype=torch.float64)
    odd = i % 2
    rates = graph.constant((10000 ** (-(i - odd) / layer.d_model)).float())
    angle = graph.node(
        "Add", graph.node("Mul", steps, rates), graph.constant((odd * pi / 2).float())
    )
    return graph.node("Add", x.name, graph.node("Sin", angle))
