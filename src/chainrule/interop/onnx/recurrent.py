"""RNN, LSTM and GRU as operators of ONNX: one a layer, with their gates in other orders."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from chainrule import nn
from chainrule.interop.onnx.graph import Graph, name_outputs

__all__ = ["export_recurrent"]

GATES: dict[Any, list[int]] = {nn.RNN: [0], nn.LSTM: [0, 3, 1, 2], nn.GRU: [1, 0, 2]}
"""Where ONNX's gates stand among torch's."""


def export_recurrent(graph: Graph, layer: Any, given: Any) -> Any:
    """Layer after layer: the outputs of all steps, and the last states together."""
    x, *first = given if isinstance(given, tuple) else (given,)
    first = [*first[0]] if first and layer.num_states == 2 else first
    lone = len(x.shape) == 2
    y, samples = put_time_first(graph, layer, x.name, lone), graph.integers(1)
    begins = [graph.node("Unsqueeze", s.name, samples) if lone else s.name for s in first]
    ends: list[list[str]] = []
    for i in range(layer.num_layers):
        states = [graph.node("Gather", s, rows_of_layer(graph, layer, i), axis=0) for s in begins]
        y, *last = export_layer(graph, layer, i, y, states)
        ends.append(last)
    state = [
        graph.node("Concat", *parts, axis=0) if len(parts) > 1 else parts[0]
        for parts in zip(*ends, strict=True)
    ]
    if lone:
        y, *state = (graph.node("Squeeze", name, samples) for name in (y, *state))
    elif layer.batch_first:
        y = graph.node("Transpose", y, perm=[1, 0, 2])
    outputs, *last_state = name_outputs(layer, (y, *state), given)
    return outputs, last_state[0] if layer.num_states == 1 else tuple(last_state)


def put_time_first(graph: Graph, layer: Any, x: str, lone: bool) -> str:
    """x (T, N, in)"""
    if lone:
        return graph.node("Unsqueeze", x, graph.integers(1))
    return graph.node("Transpose", x, perm=[1, 0, 2]) if layer.batch_first else x


def rows_of_layer(graph: Graph, layer: Any, i: int) -> str:
    """Where a layer's directions stand among all states."""
    D = 1 + layer.bidirectional
    return graph.integers(*range(i * D, (i + 1) * D))


def export_layer(graph: Graph, layer: Any, i: int, x: str, states: list[str]) -> list[str]:
    """[the outputs (T, N, D H), the last states (D, N, H)] of one layer"""
    H, names = layer.hidden_size, layer.suffixes(i)
    attributes: dict[str, Any] = {
        "hidden_size": H,
        "direction": "bidirectional" if layer.bidirectional else "forward",
    }
    if isinstance(layer, nn.GRU):
        attributes["linear_before_reset"] = 1
    if isinstance(layer, nn.RNN):
        attributes["activations"] = [layer.nonlinearity.capitalize()] * len(names)
    weights = [
        graph.constant(torch.stack([order_gates(layer, kind + name) for name in names]))
        for kind in ("weight_ih", "weight_hh")
    ]
    bias = ""
    if layer.bias:
        both = [
            torch.cat([order_gates(layer, kind + name) for kind in ("bias_ih", "bias_hh")])
            for name in names
        ]
        bias = graph.constant(torch.stack(both))
    inputs = [x, *weights, bias, "", *states]
    operator, count = type(layer).__name__, 1 + layer.num_states
    y, *last = graph.node_of_outputs(operator, count, *inputs, **attributes)
    merged = graph.node("Transpose", y, perm=[0, 2, 1, 3])  # (T, N, D, H)
    return [graph.node("Reshape", merged, graph.integers(0, 0, len(names) * H)), *last]


def order_gates(layer: Any, name: str) -> Tensor:
    """A parameter with its gates in ONNX's order."""
    gates = getattr(layer, name).data.chunk(layer.num_gates)
    return torch.cat([gates[i] for i in GATES[type(layer)]])
