"""What happens to samples before a net, as the first nodes of a graph; and to a number after it."""

from __future__ import annotations

from typing import Any

import torch
from onnx import TensorProto, ValueInfoProto, helper
from torch import Tensor

from chainrule._util.words import count_noun
from chainrule.data.tabular.encoder import CategoricalColumn, Encoder, NumericColumn
from chainrule.data.tabular.preprocessor import Preprocessor
from chainrule.data.tabular.target import Regression
from chainrule.data.transforms.standardize import Standardizer
from chainrule.interop.onnx.graph import BATCH, Graph, GraphValue

__all__ = ["Preprocessing", "export_preprocessing", "find_standardizer", "restore_target_unit"]

Preprocessing = Preprocessor | Standardizer
"""What a model may begin with."""


def find_standardizer(preprocessing: Preprocessing) -> Standardizer:
    """What scales the inputs. Raises ValueError where it does so for each replica."""
    scale = preprocessing.scale if isinstance(preprocessing, Preprocessor) else preprocessing
    if len(scale.mean) != 1:
        replicas = count_noun(len(scale.mean), "replica")
        raise ValueError(f"one standardization is needed, got that of {replicas}")
    return scale


def export_preprocessing(
    graph: Graph, preprocessing: Preprocessing, x: GraphValue
) -> tuple[GraphValue, list[ValueInfoProto]]:
    """The net's input from samples as they were read, and what these inputs are.

    Of a table each column is an input (N, 1), by its name: numbers, where nan is a missing one, or
    texts. Else there is "input", as it was before it was standardized.
    """
    columns = preprocessing.columns if isinstance(preprocessing, Preprocessor) else None
    if columns is None:
        source, inputs = x.name, [describe_input(x.name, TensorProto.FLOAT, x.shape)]
    else:
        source, inputs = export_columns(graph, columns)
    scaled = export_standardizer(graph, find_standardizer(preprocessing), source)
    return GraphValue(scaled, x.examples), inputs


def describe_input(name: str, kind: int, shape: tuple[int | None, ...]) -> ValueInfoProto:
    """An input of the model; None in its shape is the number of samples."""
    sizes = [BATCH if size is None else size for size in shape]
    return helper.make_tensor_value_info(name, kind, sizes)


def export_columns(graph: Graph, columns: Encoder) -> tuple[str, list[ValueInfoProto]]:
    """(N, D) of a table's columns, and the inputs."""
    parts, inputs = [], []
    for column in columns.inputs:
        is_text = isinstance(column, CategoricalColumn)
        kind = TensorProto.STRING if is_text else TensorProto.FLOAT
        inputs.append(describe_input(column.name, kind, (None, 1)))
        parts.append(export_levels(graph, column) if is_text else export_number(graph, column))
    return graph.node("Concat", *parts, axis=1), inputs


def export_levels(graph: Graph, column: Any) -> str:
    """One-hot, and only zeros for a level that is not known."""
    levels = [level.encode() for level in column.levels]
    one_hot = graph.node(
        "OneHotEncoder", column.name, domain="ai.onnx.ml", cats_strings=levels, zeros=1
    )
    return graph.reshape(one_hot, (None, len(levels)))


def export_number(graph: Graph, column: NumericColumn | Any) -> str:
    """The number, or what stands for a missing one."""
    if column.fill is None:
        return str(column.name)
    missing = graph.node("IsNaN", column.name)
    return graph.node("Where", missing, graph.constant(column.fill), column.name)


def export_standardizer(graph: Graph, scale: Standardizer, x: str) -> str:
    """(x − mean) / std in float64, and 0 where std = 0."""
    wide = graph.node("Cast", x, to=TensorProto.DOUBLE)
    factor = torch.where(scale.std == 0, 0.0, 1 / scale.std)
    centred = graph.node("Sub", wide, graph.constant(scale.mean))
    return graph.node(
        "Cast", graph.node("Mul", centred, graph.constant(factor)), to=TensorProto.FLOAT
    )


def restore_target_unit(graph: Graph, preprocessing: Preprocessing | None, y: Any) -> Any:
    """The output in the unit of a target that is a number; classes stay as they are."""
    task = preprocessing.task if isinstance(preprocessing, Preprocessor) else None
    if not isinstance(task, Regression):
        return y
    numbers: tuple[Tensor, Tensor] = y.examples
    scaled = graph.node("Mul", y.name, graph.constant(task.std))
    return GraphValue(graph.node("Add", scaled, graph.constant(task.mean)), numbers)
