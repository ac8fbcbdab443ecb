"""RNN, LSTM and GRU as operators of ONNX: one a layer, with their gates in other orders.

A cell is such an operator of one step.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from chainrule.interop.onnx.graph import Graph, name_outputs

__all__ = ["export_cell", "export_recurrent"]

GATES: dict[str, list[int]] = {"RNN": [0], "LSTM": [0, 3, 1, 2], "GRU": [1, 0, 2]}
"""Where ONNX's gates stand among torch's."""


def export_cell(graph: Graph, cell: Any, given: Any) -> Any:
    """The next state, of x and the state before."""
    x, *first = given if isinstance(given, tuple) else (given,)
    first = [*first[0]] if first and cell.num_states == 2 else first
    axes = graph.integers(*range(3 - len(x.shape)))  # those of time, and of the samples
    x, *states = (graph.node("Unsqueeze", value.name, axes) for value in (x, *first))
    _, *last = export_operator(graph, cell, [""], x, states)
    following = name_outputs(cell, [graph.node("Squeeze", s, axes) for s in last], given)
    return following[0] if cell.num_states == 1 else tuple(following)


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
    names = layer.suffixes(i)
    y, *last = export_operator(graph, layer, names, x, states)
    merged = graph.node("Transpose", y, perm=[0, 2, 1, 3])  # (T, N, D, H)
    width = graph.integers(0, 0, len(names) * layer.hidden_size)
    return [graph.node("Reshape", merged, width), *last]


def export_operator(
    graph: Graph, layer: Any, names: list[str], x: str, states: list[str]
) -> list[str]:
    """[the outputs (T, D, N, H), the last states (D, N, H)] of the directions of these names"""
    operator = type(layer).__name__.removesuffix("Cell")
    attributes: dict[str, Any] = {
        "hidden_size": layer.hidden_size,
        "direction": "bidirectional" if len(names) == 2 else "forward",
    }
    if operator == "GRU":
        attributes["linear_before_reset"] = 1
    if operator == "RNN":
        attributes["activations"] = [layer.nonlinearity.capitalize()] * len(names)
    gates = GATES[operator]
    weights = [
        graph.constant(torch.stack([order_gates(layer, kind + name, gates) for name in names]))
        for kind in ("weight_ih", "weight_hh")
    ]
    bias = ""
    if layer.bias:
        both = [
            torch.cat([order_gates(layer, kind + name, gates) for kind in ("bias_ih", "bias_hh")])
            for name in names
        ]
        bias = graph.constant(torch.stack(both))
    inputs = [x, *weights, bias, "", *states]
    return graph.node_of_outputs(operator, 1 + layer.num_states, *inputs, **attributes)


def order_gates(layer: Any, name: str, gates: list[int]) -> Tensor:
    """A parameter with its gates in this order."""
    parts = getattr(layer, name).data.chunk(len(gates))
    return torch.cat([parts[i] for i in gates])
