"""A net as a file of ONNX: its layers as operators, without running or tracing it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from onnx import ModelProto, TensorProto, ValueInfoProto, checker, helper
from torch import Tensor

from chainrule import nn
from chainrule._util.argument_checks import check_arguments
from chainrule._util.atomic import write_atomically
from chainrule._util.kinds import check_kind
from chainrule._util.pytree import named_leaves, tree_map
from chainrule._version import __version__
from chainrule.data.tabular.preprocessor import Preprocessor
from chainrule.interop.onnx.containers import export_module
from chainrule.interop.onnx.graph import BATCH, Graph, GraphValue
from chainrule.interop.onnx.preprocessing import (
    Preprocessing,
    export_preprocessing,
    restore_target_unit,
)

__all__ = ["build_model", "export"]

OPSETS = {"": 18, "ai.onnx.ml": 3}
"""Versions of ONNX's operators, which runtimes since 2023 have."""


@check_arguments
def export(net: nn.Module, path: str | Path, example: Any = None, **options: Any) -> None:
    """Write a net to a file of ONNX, atomically; the arguments are :func:`build_model`'s."""
    write_atomically(path, build_model(net, example, **options).SerializeToString())


def build_model(
    net: nn.Module,
    example: Any = None,
    *,
    preprocessing: Preprocessing | None = None,
    dynamic_batch: bool = True,
    metadata: Mapping[str, Any] | None = None,
) -> ModelProto:
    """A plain net as a model of ONNX, as it predicts: in evaluation mode, in float32.

    - ``example``: a batch of inputs, of which shape and dtype alone count: a tensor (N, …), or a
      tuple of them. N may be another when the model is run, unless ``dynamic_batch`` is off.
    - ``preprocessing``: a Standardizer, whose work the model then does first; or the Preprocessor
      of a Predictor, which needs no example: the columns of a table are then inputs by their names,
      and a number comes out in the target's unit.
    - ``metadata``: texts, or JSON data, that go along.

    Its inputs are "input", or "input.0" and on; its outputs "output", the names of the heads, or
    "output.0" and on. Raises ValueError for a cohort (take ``net.replica(k)``) and for a module
    that has no rule; LayerError where the example does not fit.
    """
    check_kind(net, nn.Module, "net")
    if net.replicas is not None:
        raise ValueError("ONNX has no cohorts: export one replica, net.replica(k)")
    plain = copy.deepcopy(net).to("cpu", torch.float32).eval()
    graph = Graph.for_net(plain)
    if isinstance(preprocessing, Preprocessor):
        example = torch.zeros(1, *preprocessing.shape)
    x = make_inputs(example, dynamic_batch)
    inputs = [describe_value(value.name, value) for _, value in name_values("input", x)]
    if preprocessing is not None:
        x, inputs = export_preprocessing(graph, preprocessing, x)
    with torch.no_grad():
        y = restore_target_unit(graph, preprocessing, export_module(graph, plain, x))
    return assemble(graph, inputs, name_values("output", y), metadata or {})


def make_inputs(example: Any, dynamic_batch: bool) -> Any:
    """The inputs as values, with zeros of two numbers of samples as examples."""
    sizes = (2, 3) if dynamic_batch else (None, None)

    def zeros(t: Tensor, size: int | None) -> Tensor:
        dtype = torch.float32 if t.is_floating_point() else t.dtype
        return torch.zeros(t.shape if size is None else (size, *t.shape[1:]), dtype=dtype)

    paths = [path for path, _ in named_leaves(example)]
    if not paths:
        raise TypeError(f"example: expected a tensor (N, …), or a tuple of them, got {example!r}")
    names = iter(join_path("input", path) for path in paths)

    def make(t: Tensor) -> GraphValue:
        return GraphValue(next(names), (zeros(t, sizes[0]), zeros(t, sizes[1])))

    return tree_map(make, example)


def name_values(name: str, value: Any) -> Iterator[tuple[str, GraphValue]]:
    """(name, value) of each tensor: the name alone, "name.0", "name.1", …, or of the heads."""
    if isinstance(value, GraphValue):
        yield name, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from name_values(key if name == "output" else f"{name}.{key}", part)
    else:
        for i, part in enumerate(value):
            yield from name_values(f"{name}.{i}", part)


def assemble(
    graph: Graph,
    inputs: list[ValueInfoProto],
    outputs: Iterator[tuple[str, GraphValue]],
    metadata: Mapping[str, Any],
) -> ModelProto:
    """The model: nodes, constants, what goes in and what comes out."""
    results = []
    for name, value in outputs:  # an input that comes out, and one of two outputs, has a node too
        graph.nodes.append(helper.make_node("Identity", [value.name], [name], name=f"as_{name}"))
        results.append(describe_value(name, value))
    constants = list(graph.constants.values())
    made = helper.make_graph(graph.nodes, "net", inputs, results, constants)
    versions = [helper.make_opsetid(name, OPSETS[name]) for name in sorted({"", *graph.domains})]
    model = helper.make_model(
        made,
        producer_name="chainrule",
        producer_version=__version__,
        opset_imports=versions,
        ir_version=helper.find_min_ir_version_for(versions),
    )
    texts = {key: v if isinstance(v, str) else json.dumps(v) for key, v in metadata.items()}
    helper.set_model_props(model, texts)
    checker.check_model(model, full_check=True)
    return model


TYPES = {
    torch.float32: TensorProto.FLOAT,
    torch.int32: TensorProto.INT32,
    torch.int64: TensorProto.INT64,
    torch.bool: TensorProto.BOOL,
}


def describe_value(name: str, value: GraphValue) -> ValueInfoProto:
    """Name, dtype and shape of an input or output."""
    dims = [BATCH if size is None else size for size in value.shape]
    return helper.make_tensor_value_info(name, TYPES[value.examples[0].dtype], dims)


def join_path(name: str, path: str) -> str:
    """The name with the path below it, "input.0"; alone where there is none."""
    return f"{name}.{path}".rstrip(".")
