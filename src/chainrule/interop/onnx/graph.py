"""A graph of ONNX while it is written: nodes, constants, and what is known of its values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import Tensor

from chainrule._util.pytree import named_leaves
from chainrule.nn.module import Module
from chainrule.nn.parameter import Buffer

__all__ = ["BATCH", "Graph", "GraphValue", "Rule", "Shape", "known_shape", "name_outputs"]

BATCH = "N"
"""What the axis of the samples is called in a file."""

Shape: TypeAlias = tuple[int | None, ...]
"""Sizes of the axes; None is one that depends on the number of samples."""


@dataclass(frozen=True)
class GraphValue:
    """A tensor of the graph: its name, and what it is for zeros as inputs.

    ``examples`` are of two numbers of samples: an axis that differs depends on them.
    """

    name: str
    examples: tuple[Tensor, Tensor]

    @property
    def shape(self) -> Shape:
        """The sizes that are known before there are samples."""
        return known_shape(self.examples)

    def call(self, module: Module) -> tuple[Tensor, Tensor]:
        """What the module gives for the examples."""
        first, second = (module.forward(x)[0] for x in self.examples)
        return first, second


def name_outputs(layer: Module, names: Sequence[str], x: Any) -> list[GraphValue]:
    """A layer's outputs by these names, with what they are for the examples of x."""
    first, second = (
        [t for _, t in named_leaves(layer.forward(take_example(x, i))[0])] for i in (0, 1)
    )
    return [
        GraphValue(name, pair)
        for name, pair in zip(names, zip(first, second, strict=True), strict=True)
    ]


def take_example(x: Any, i: int) -> Any:
    """The i-th examples of values in tuples."""
    return tuple(take_example(part, i) for part in x) if isinstance(x, tuple) else x.examples[i]


def known_shape(examples: tuple[Tensor, Tensor]) -> Shape:
    """The sizes that both have."""
    pairs = zip(examples[0].shape, examples[1].shape, strict=True)
    return tuple(a if a == b else None for a, b in pairs)


Rule: TypeAlias = Callable[["Graph", Any, GraphValue, Shape], str]
"""(graph, layer, x, shape of y) → name of y: what a layer is in ONNX."""


@dataclass
class Graph:
    """What was written so far. Parameters have the names that ``state_dict`` gives them."""

    names: dict[int, str]
    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, TensorProto] = field(default_factory=dict)
    domains: set[str] = field(default_factory=set)

    @classmethod
    def for_net(cls, net: Module) -> Graph:
        """An empty graph that knows the net's parameters and buffers; a tied one by one name."""
        names: dict[int, str] = {}
        for path, value in net.named_state():
            names.setdefault(id(value), path)
        return cls(names)

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add an operator with one output, of ONNX's name; return the output's name."""
        name = f"{operator}_{len(self.nodes)}"
        made = helper.make_node(operator, inputs, [name], name=name, domain=domain, **attributes)
        self.nodes.append(made)
        self.domains.add(domain)
        return name

    def node_of_outputs(
        self, operator: str, count: int, *inputs: str, **attributes: Any
    ) -> list[str]:
        """Add an operator with several outputs; return their names."""
        name = f"{operator}_{len(self.nodes)}"
        outputs = [f"{name}.{i}" for i in range(count)]
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=name, **attributes))
        return outputs

    def constant(self, value: Tensor | float, name: str | None = None) -> str:
        """The name of a tensor of the file; of a number in float32."""
        tensor = value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float32)
        name = name or f"constant_{len(self.constants)}"
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(tensor.contiguous().numpy(), name)
        return name

    def integers(self, *values: int) -> str:
        """The name of a constant of whole numbers (n,), such as axes."""
        return self.constant(torch.tensor(values, dtype=torch.int64))

    def parameter(self, value: Buffer) -> str:
        """The name of a parameter or buffer, which is in the file once."""
        return self.constant(value.data, self.names[id(value)])

    def reshape(self, x: str, shape: Shape) -> str:
        """x in another shape. Raises ValueError where two axes depend on the samples."""
        if shape.count(None) > 1:
            raise ValueError(
                f"two axes of {shape} depend on the number of samples, and ONNX infers one: "
                "export with dynamic_batch=False"
            )
        sizes = [-1 if size is None else size for size in shape]
        return self.node("Reshape", x, self.integers(*sizes))
