"""What the kernel's update rules are told, from an optimizer of ours."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Annotated, NamedTuple, final

import torch
from torch import Tensor

from chainrule.compiled.cstruct import fields, structure
from chainrule.compiled.lowering.matrices import (
    NewtonSchulz,
    newton_schulz,
    parameter_shapes,
    statistic_widths,
)
from chainrule.compiled.lowering.optimizer_rows import STATE_PLACES
from chainrule.compiled.lowering.program import Unsupported
from chainrule.optim import (
    ASGD,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Muon,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
    Rprop,
)
from chainrule.optim.hyperparameters import check_number
from chainrule.optim.inplace import Scalar, is_nonzero
from chainrule.optim.optimizer import read_hyperparameters

__all__ = [
    "HyperparameterRows",
    "Hyperparameters",
    "OptimizerFlags",
    "ParameterGroup",
    "UpdateRule",
    "bound_per_replica",
    "check_parameter_types",
    "has_regular_state",
    "has_update_rule",
    "hyperparameter_rows",
    "optimizer_flags",
    "parameter_groups",
]


class UpdateRule(IntEnum):
    """The optimizers that the kernel knows; AdamW is Adam with decoupled decay."""

    SGD = 0
    ADAM = 1
    NADAM = 2
    RADAM = 3
    ADAGRAD = 4
    RMSPROP = 5
    ADADELTA = 6
    ADAMAX = 7
    RPROP = 8
    ASGD = 9
    ADAFACTOR = 10
    MUON = 11


RULES: dict[type[Optimizer], UpdateRule] = {
    SGD: UpdateRule.SGD,
    Adam: UpdateRule.ADAM,
    AdamW: UpdateRule.ADAM,
    NAdam: UpdateRule.NADAM,
    RAdam: UpdateRule.RADAM,
    Adagrad: UpdateRule.ADAGRAD,
    RMSprop: UpdateRule.RMSPROP,
    Adadelta: UpdateRule.ADADELTA,
    Adamax: UpdateRule.ADAMAX,
    Rprop: UpdateRule.RPROP,
    ASGD: UpdateRule.ASGD,
    Adafactor: UpdateRule.ADAFACTOR,
    Muon: UpdateRule.MUON,
}

FLOATS = (torch.float32, torch.float64)


@final
@structure
class Hyperparameters(ctypes.Structure):
    """The numbers of an update rule, for one replica: a row of the table.

    ``beta2`` is how long squares are remembered, whatever the optimizer calls it.
    """

    lr: float
    weight_decay: float
    momentum: float
    dampening: float
    beta1: float
    beta2: float
    eps: float
    lr_decay: float
    momentum_decay: float
    eta_minus: float
    eta_plus: float
    min_step: float
    max_step: float
    lambd: float
    alpha: float
    t0: float
    eps2: float
    beta2_decay: float
    d: float


PAIRS = {
    "betas": ("beta1", "beta2"),
    "etas": ("eta_minus", "eta_plus"),
    "step_sizes": ("min_step", "max_step"),
    "eps": ("eps", "eps2"),
}
"""Hyperparameters that may be two numbers, and what each is called here."""
MEMORY: dict[type[Optimizer], str] = {RMSprop: "alpha", Adadelta: "rho"}
"""What an optimizer calls beta2."""
PLACES = {field.name: i for i, field in enumerate(fields(Hyperparameters))}
"""Where each number is in a row of the table."""


@final
@structure
class OptimizerFlags(ctypes.Structure):
    """Which update rule, and what in it is on; ``first_momentum``: it has no value yet."""

    rule: UpdateRule
    maximize: bool
    weight_decay: bool
    momentum: bool
    nesterov: bool
    decoupled: bool
    amsgrad: bool
    centered: bool
    first_momentum: bool


@final
@structure
class ParameterGroup(ctypes.Structure):
    """The parameters from ``begin`` to ``end`` of a row, and how they are moved.

    ``hyperparameters`` (rows, K); ``step``: how many the optimizer has done before the epoch;
    ``mu_product`` (K), of NAdam alone, in float32 or float64. ``shapes``: of Adafactor and Muon
    alone, and of Adafactor ``row_var`` (K, row_size), ``col_var`` and ``variance``.
    """

    begin: int
    end: int
    step: int
    flags: OptimizerFlags
    hyperparameters: Annotated[int | None, "const Hyperparameters *"]
    mu_product: Annotated[int | None, "void *"]
    mu_product_is_float: bool
    shapes: Annotated[int | None, "const ParameterShape *"]
    num_shapes: int
    newton_schulz: NewtonSchulz
    row_var: Annotated[int | None, "void *"]
    row_size: int
    col_var: Annotated[int | None, "void *"]
    col_size: int
    variance: Annotated[int | None, "void *"]
    variance_size: int


def has_update_rule(optimizer: Optimizer) -> bool:
    """Whether the kernel has this update rule, and the state is one that it made."""
    return type(optimizer) in RULES and has_regular_state(optimizer)


def check_parameter_types(optimizer: Optimizer) -> None:
    """Raise Unsupported unless all parameters that it moves have one dtype."""
    if len({flat.data.dtype for flat in optimizer.flats}) > 1:
        raise Unsupported("parameter groups of several dtypes")


def has_regular_state(optimizer: Optimizer) -> bool:
    """Whether the tensors that a rule keeps are like the parameters, as it makes them."""
    for i, (flat, state) in enumerate(zip(optimizer.flats, optimizer.state, strict=True)):
        if not set(optimizer.state_names) <= set(state):
            return False
        widths = dict.fromkeys(STATE_PLACES, flat.data.shape[1]) | statistic_widths(optimizer, i)
        for name, t in state.items():
            shape = len(flat.data), widths.get(name, 1)
            if not isinstance(t, Tensor) or t.shape != shape or not t.is_contiguous():
                return False
            if t.dtype not in ((flat.data.dtype,) if name in widths else FLOATS):
                return False
    return True


def parameter_groups(
    optimizer: Optimizer, tables: Sequence[Tensor], fresh: Sequence[bool]
) -> tuple[ctypes.Array[ParameterGroup], list[object]]:
    """The groups as the kernel sees them, and what has to be kept meanwhile.

    ``tables``: the hyperparameters of each, kept by the caller; ``fresh``: whether each has no
    momentum yet.
    """
    array, begin = (ParameterGroup * len(optimizer.flats))(), 0
    kept: list[object] = []
    for i, native in enumerate(array):
        end = begin + optimizer.flats[i].data.shape[1]
        native.begin, native.end, begin = begin, end, end
        native.step = optimizer.param_groups[i]["step"]
        native.flags = optimizer_flags(optimizer, i, fresh[i])
        native.hyperparameters = tables[i].data_ptr()
        product = optimizer.state[i].get("mu_product")
        if product is not None:
            native.mu_product = product.data_ptr()
            native.mu_product_is_float = product.dtype == torch.float32
        shapes = parameter_shapes(optimizer, i, native.begin)
        if shapes is not None:
            native.shapes, native.num_shapes = ctypes.addressof(shapes), len(shapes)
            kept.append(shapes)
        if isinstance(optimizer, Muon):
            native.newton_schulz = newton_schulz(optimizer)
        if isinstance(optimizer, Adafactor):
            point_at_statistics(native, optimizer.state[i])
    return array, kept


def point_at_statistics(native: ParameterGroup, state: dict[str, Tensor]) -> None:
    """Tell a group where what Adafactor keeps is: the kernel writes there."""
    rows, columns, others = (state[name] for name in Adafactor.state_names)
    native.row_var, native.row_size = rows.data_ptr(), rows.shape[1]
    native.col_var, native.col_size = columns.data_ptr(), columns.shape[1]
    native.variance, native.variance_size = others.data_ptr(), others.shape[1]


def optimizer_flags(optimizer: Optimizer, index: int, fresh: bool = False) -> OptimizerFlags:
    """What is on in a group; ``fresh``: it has no momentum yet."""
    group = optimizer.param_groups[index]
    return OptimizerFlags(
        rule=RULES[type(optimizer)],
        maximize=group["maximize"],
        weight_decay=is_nonzero(group.get("weight_decay", 0)),
        momentum=is_nonzero(group.get("momentum", 0)),
        nesterov=group.get("nesterov", getattr(optimizer, "nesterov", False)),
        decoupled=group.get("decoupled_weight_decay", False),
        amsgrad=group.get("amsgrad", False),
        centered=group.get("centered", False),
        first_momentum=fresh,
    )


class HyperparameterRows(NamedTuple):
    """The Hyperparameters of each group (rows, K, numbers), in float64.

    A row is for ``steps_per_row`` steps of a call; with 0 there is one, for all of them.
    """

    tables: list[Tensor]
    steps_per_row: int = 0


def hyperparameter_rows(
    optimizer: Optimizer,
    count: int = 1,
    steps_per_row: int = 0,
    schedule: Callable[[], None] | None = None,
) -> HyperparameterRows:
    """So many rows, as they are; or as a ``schedule`` sets them, which is called after each."""
    groups, rows = range(len(optimizer.flats)), []
    for _ in range(count):
        rows.append([hyperparameter_table(optimizer, i) for i in groups])
        if schedule is not None:
            schedule()
    tables = [torch.stack(column) for column in zip(*rows, strict=True)]
    return HyperparameterRows(tables, steps_per_row)


def hyperparameter_table(optimizer: Optimizer, index: int) -> Tensor:
    """The Hyperparameters of a group, for each replica (K, numbers), in float64."""
    data, columns = optimizer.flats[index].data, read_hyperparameters(optimizer, index)
    for name, parts in PAIRS.items():
        if isinstance(columns.get(name), tuple):
            columns |= zip(parts, columns.pop(name), strict=True)
    if columns.get("eps", 0.0) is None:
        columns["eps"] = torch.finfo(data.dtype).eps
    if type(optimizer) in MEMORY:
        columns["beta2"] = columns.pop(MEMORY[type(optimizer)])
    row, per_replica = [0.0] * len(PLACES), {}
    for name in PLACES.keys() & columns.keys():
        if isinstance(columns[name], Tensor):
            per_replica[PLACES[name]] = columns[name]
        else:
            row[PLACES[name]] = columns[name]
    table = torch.tensor(row, dtype=torch.float64).expand(len(data), -1).contiguous()
    for i, column in per_replica.items():
        table[:, i : i + 1] = column
    return table


def bound_per_replica(name: str, bound: Scalar | None, replicas: int | None) -> Tensor | None:
    """A bound of gradients for each replica (K,), in float64; None where there is none."""
    if bound is None:
        return None
    check_number(name, bound, replicas)
    return (
        torch.as_tensor(bound, dtype=torch.float64).reshape(-1).expand(replicas or 1).contiguous()
    )
