"""Linear, Bilinear and Embedding as operators of ONNX."""

from __future__ import annotations

from chainrule import nn
from chainrule.interop.onnx.graph import Graph, GraphValue, Rule, Shape

__all__ = ["PRODUCTS", "export_bilinear"]


def export_linear(graph: Graph, layer: nn.Linear, x: GraphValue, shape: Shape) -> str:
    """x Wᵀ + b"""
    weight, bias = graph.parameter(layer.weight), layer.bias
    if len(x.shape) == 2:
        more = [] if bias is None else [graph.parameter(bias)]
        return graph.node("Gemm", x.name, weight, *more, transB=1)
    y = graph.node("MatMul", x.name, graph.node("Transpose", weight, perm=[1, 0]))
    return y if bias is None else graph.node("Add", y, graph.parameter(bias))


def export_bilinear(
    graph: Graph, layer: nn.Bilinear, x: tuple[GraphValue, GraphValue]
) -> GraphValue:
    """x₁ᵀ Wₒ x₂ + bₒ"""
    a, b = x
    equation = "...i,oij,...j->...o"
    weight = graph.parameter(layer.weight)
    y = graph.node("Einsum", a.name, weight, b.name, equation=equation)
    if layer.bias is not None:
        y = graph.node("Add", y, graph.parameter(layer.bias))
    first, second = (layer.forward(pair)[0] for pair in zip(a.examples, b.examples, strict=True))
    return GraphValue(y, (first, second))


def export_embedding(graph: Graph, layer: nn.Embedding, x: GraphValue, shape: Shape) -> str:
    """The row that x names."""
    return graph.node("Gather", graph.parameter(layer.weight), x.name, axis=0)


PRODUCTS: dict[type[nn.Module], Rule] = {nn.Linear: export_linear, nn.Embedding: export_embedding}
