"""Activations and softmaxes as operators of ONNX."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from chainrule import nn
from chainrule.interop.onnx.graph import Graph, GraphValue, Rule, Shape

__all__ = ["ACTIVATIONS"]


def same_operator(name: str, **attributes: str | float) -> Rule:
    """The operator of this name; an attribute is a number, or the layer's attribute of a name."""

    def add(graph: Graph, layer: Any, x: GraphValue, shape: Shape) -> str:
        values = {
            key: float(getattr(layer, value) if isinstance(value, str) else value)
            for key, value in attributes.items()
        }
        return graph.node(name, x.name, domain="", **values)

    return add


def export_clip(graph: Graph, layer: Any, x: GraphValue, shape: Shape) -> str:
    """ReLU6 and Hardtanh."""
    low, high = (0.0, 6.0) if isinstance(layer, nn.ReLU6) else (layer.min_val, layer.max_val)
    return graph.node("Clip", x.name, graph.constant(low), graph.constant(high))


def export_prelu(graph: Graph, layer: nn.PReLU, x: GraphValue, shape: Shape) -> str:
    """One slope a channel, or one for all."""
    weight = graph.parameter(layer.weight)
    if layer.num_parameters > 1:
        weight = graph.reshape(weight, (layer.num_parameters, *[1] * (len(x.shape) - 2)))
    return graph.node("PRelu", x.name, weight)


def export_threshold(graph: Graph, layer: nn.Threshold, x: GraphValue, shape: Shape) -> str:
    """x where it is above the threshold."""
    above = graph.node("Greater", x.name, graph.constant(layer.threshold))
    return graph.node("Where", above, x.name, graph.constant(layer.value))


def export_softplus(graph: Graph, layer: nn.Softplus, x: GraphValue, shape: Shape) -> str:
    """log(1 + e^(βx)) / β, and x itself above the threshold."""
    beta = graph.constant(layer.beta)
    z = graph.node("Mul", x.name, beta)
    smooth = graph.node("Div", graph.node("Softplus", z), beta)
    above = graph.node("Greater", z, graph.constant(layer.threshold))
    return graph.node("Where", above, x.name, smooth)


def export_log_sigmoid(graph: Graph, layer: nn.LogSigmoid, x: GraphValue, shape: Shape) -> str:
    """−log(1 + e⁻ˣ)"""
    return graph.node("Neg", graph.node("Softplus", graph.node("Neg", x.name)))


def export_tanhshrink(graph: Graph, layer: nn.Tanhshrink, x: GraphValue, shape: Shape) -> str:
    """x − tanh x"""
    return graph.node("Sub", x.name, graph.node("Tanh", x.name))


def export_glu(graph: Graph, layer: nn.GLU, x: GraphValue, shape: Shape) -> str:
    """a σ(b)"""
    a, b = graph.node_of_outputs("Split", 2, x.name, axis=layer.dim, num_outputs=2)
    return graph.node("Mul", a, graph.node("Sigmoid", b))


def export_silu(graph: Graph, layer: nn.SiLU, x: GraphValue, shape: Shape) -> str:
    """x σ(x)"""
    return graph.node("Mul", x.name, graph.node("Sigmoid", x.name))


def export_mish(graph: Graph, layer: nn.Mish, x: GraphValue, shape: Shape) -> str:
    """x tanh(log(1 + eˣ))"""
    return graph.node("Mul", x.name, graph.node("Tanh", graph.node("Softplus", x.name)))


def export_gelu(graph: Graph, layer: nn.GELU, x: GraphValue, shape: Shape) -> str:
    """½ x (1 + t), t = erf(x / √2) or tanh(√(2/π) (x + 0.044715 x³))"""
    if layer.approximate == "tanh":
        cube = graph.node("Mul", graph.node("Mul", x.name, x.name), x.name)
        inner = graph.node("Add", x.name, graph.node("Mul", cube, graph.constant(0.044715)))
        t = graph.node("Tanh", graph.node("Mul", inner, graph.constant(sqrt(2 / pi))))
    else:
        t = graph.node("Erf", graph.node("Div", x.name, graph.constant(sqrt(2))))
    half = graph.node("Mul", x.name, graph.constant(0.5))
    return graph.node("Mul", half, graph.node("Add", t, graph.constant(1.0)))


def export_softmax(graph: Graph, layer: Any, x: GraphValue, shape: Shape) -> str:
    """Softmax, Softmin and LogSoftmax."""
    source = graph.node("Neg", x.name) if isinstance(layer, nn.Softmin) else x.name
    operator = "LogSoftmax" if isinstance(layer, nn.LogSoftmax) else "Softmax"
    return graph.node(operator, source, axis=layer.choose_dim(len(x.shape)))


ACTIVATIONS: dict[type[nn.Module], Rule] = {
    nn.Exp: same_operator("Exp"),
    nn.Sigmoid: same_operator("Sigmoid"),
    nn.Tanh: same_operator("Tanh"),
    nn.Softsign: same_operator("Softsign"),
    nn.ReLU: same_operator("Relu"),
    nn.LeakyReLU: same_operator("LeakyRelu", alpha="negative_slope"),
    nn.ELU: same_operator("Elu", alpha="alpha"),
    nn.CELU: same_operator("Celu", alpha="alpha"),
    nn.SELU: same_operator("Selu", alpha="ALPHA", gamma="SCALE"),
    nn.Hardsigmoid: same_operator("HardSigmoid", alpha=1 / 6, beta=0.5),
    nn.Hardswish: same_operator("HardSwish"),
    nn.Hardshrink: same_operator("Shrink", lambd="lambd"),
    nn.Softshrink: same_operator("Shrink", lambd="lambd", bias="lambd"),
    nn.ReLU6: export_clip,
    nn.Hardtanh: export_clip,
    nn.PReLU: export_prelu,
    nn.Threshold: export_threshold,
    nn.Softplus: export_softplus,
    nn.LogSigmoid: export_log_sigmoid,
    nn.Tanhshrink: export_tanhshrink,
    nn.GLU: export_glu,
    nn.SiLU: export_silu,
    nn.Mish: export_mish,
    nn.GELU: export_gelu,
    nn.Softmax: export_softmax,
    nn.Softmin: export_softmax,
    nn.LogSoftmax: export_softmax,
}
