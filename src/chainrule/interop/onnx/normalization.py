"""Normalizations as operators of ONNX."""

from __future__ import annotations

from typing import Any

import torch

from chainrule import nn
from chainrule.interop.onnx.graph import Graph, GraphValue, Rule, Shape

__all__ = ["NORMALIZATIONS"]


def export_batch_norm(graph: Graph, layer: Any, x: GraphValue, shape: Shape) -> str:
    """By the running statistics; without these by the batch's."""
    if layer.running_mean is None:
        axes = [axis for axis in range(len(x.shape)) if axis != 1]
        x_hat = export_normalized(graph, x.name, axes, layer.eps)
        return export_affine(graph, layer, x_hat, (-1, *[1] * (len(x.shape) - 2)))
    C = layer.num_features
    weight = fill_in(graph, layer.weight, torch.ones(C))
    bias = fill_in(graph, layer.bias, torch.zeros(C))
    statistics = graph.parameter(layer.running_mean), graph.parameter(layer.running_var)
    operator = "BatchNormalization"
    return graph.node(operator, x.name, weight, bias, *statistics, epsilon=layer.eps)


def export_layer_norm(graph: Graph, layer: nn.LayerNorm, x: GraphValue, shape: Shape) -> str:
    """Over the last axes."""
    weight = fill_in(graph, layer.weight, torch.ones(layer.normalized_shape))
    bias = [] if layer.bias is None else [graph.parameter(layer.bias)]
    axis = -len(layer.normalized_shape)
    operator = "LayerNormalization"
    return graph.node(operator, x.name, weight, *bias, axis=axis, epsilon=layer.eps)


def export_group_norm(graph: Graph, layer: nn.GroupNorm, x: GraphValue, shape: Shape) -> str:
    """Over the channels of a group, which are made one axis for it."""
    entries = x.examples[0][0].numel() // layer.num_groups
    groups = graph.reshape(x.name, (shape[0], layer.num_groups, entries))
    x_hat = graph.reshape(export_normalized(graph, groups, [2], layer.eps), shape)
    return export_affine(graph, layer, x_hat, (-1, *[1] * (len(x.shape) - 2)))


def export_rms_norm(graph: Graph, layer: nn.RMSNorm, x: GraphValue, shape: Shape) -> str:
    """x / √(mean x² + ε) over the last axes."""
    axes = graph.integers(*range(-len(layer.normalized_shape), 0))
    eps = torch.finfo(torch.float32).eps if layer.eps is None else layer.eps
    square = graph.node("ReduceMean", graph.node("Mul", x.name, x.name), axes)
    size = graph.node("Sqrt", graph.node("Add", square, graph.constant(eps)))
    return export_affine(graph, layer, graph.node("Div", x.name, size), layer.normalized_shape)


def export_instance_norm(graph: Graph, layer: Any, x: GraphValue, shape: Shape) -> str:
    """Over the last axes; by the running statistics where there are any."""
    lead = (layer.num_features, *[1] * layer.axes)
    if layer.running_mean is None:
        x_hat = export_normalized(graph, x.name, [*range(-layer.axes, 0)], layer.eps)
    else:
        mean, var = (
            graph.reshape(graph.parameter(t), lead) for t in (layer.running_mean, layer.running_var)
        )
        spread = graph.node("Sqrt", graph.node("Add", var, graph.constant(layer.eps)))
        x_hat = graph.node("Div", graph.node("Sub", x.name, mean), spread)
    return export_affine(graph, layer, x_hat, lead)


def export_normalized(graph: Graph, x: str, axes: list[int], eps: float) -> str:
    """(x − μ) / √(σ² + ε) over the axes."""
    over = graph.integers(*axes)
    centred = graph.node("Sub", x, graph.node("ReduceMean", x, over))
    var = graph.node("ReduceMean", graph.node("Mul", centred, centred), over)
    spread = graph.node("Sqrt", graph.node("Add", var, graph.constant(eps)))
    return graph.node("Div", centred, spread)


def export_affine(graph: Graph, layer: Any, x_hat: str, shape: tuple[int, ...]) -> str:
    """w x̂ + b, where there are any, seen in this shape."""
    for operator, value in (("Mul", layer.weight), ("Add", layer.bias)):
        if value is not None:
            x_hat = graph.node(operator, x_hat, graph.reshape(graph.parameter(value), shape))
    return x_hat


def fill_in(graph: Graph, value: Any, constant: torch.Tensor) -> str:
    """A parameter, or the constant in its place where there is none."""
    return graph.constant(constant) if value is None else graph.parameter(value)


NORMALIZATIONS: dict[type[nn.Module], Rule] = {
    nn.BatchNorm1d: export_batch_norm,
    nn.BatchNorm2d: export_batch_norm,
    nn.LayerNorm: export_layer_norm,
    nn.GroupNorm: export_group_norm,
    nn.RMSNorm: export_rms_norm,
    nn.InstanceNorm1d: export_instance_norm,
    nn.InstanceNorm2d: export_instance_norm,
}
