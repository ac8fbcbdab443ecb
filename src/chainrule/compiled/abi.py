"""What the kernel is called with: its structures, and the C++ header that declares them.

C++ and ctypes both have them from here: ``header()`` is what ``cpu/abi.h`` has to be, and
scripts/kernel_header.py writes it. All tensors are contiguous. K replicas, N samples, P parameters
of one replica.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import Annotated, TypeAlias, final

from chainrule.compiled.cstruct import (
    Field,
    declare,
    declare_fields,
    native_type,
    snake_case,
    structure,
    to_native,
)
from chainrule.compiled.lowering.ir import (
    NOWHERE,
    OPERATIONS,
    ActivationKind,
    GradMode,
    LossKind,
    MapKind,
    Operation,
)
from chainrule.compiled.lowering.layers.dropout import DropoutState
from chainrule.compiled.lowering.matrices import NewtonSchulz, ParameterShape
from chainrule.compiled.lowering.optimizer import (
    Hyperparameters,
    OptimizerFlags,
    ParameterGroup,
    UpdateRule,
)

__all__ = ["THREADS_PER_REPLICA", "EpochArgs", "NativeOp", "header", "native_ops"]

THREADS_PER_REPLICA = 2
"""How many threads can train one replica."""

Numbers: TypeAlias = Annotated[int | None, "void *"]
ConstNumbers: TypeAlias = Annotated[int | None, "const void *"]
Indices: TypeAlias = Annotated[int | None, "const int64_t *"]


CODES = {cls: (code, snake_case(cls.__name__)) for code, cls in enumerate(OPERATIONS)}
"""Each operation's number, and its name in C++."""


class NativeArgs(ctypes.Union):
    """The fields of an operation, of whichever it is."""

    _fields_ = [(snake_case(cls.__name__), native_type(cls)) for cls in OPERATIONS]


class NativeOp(ctypes.Structure):
    """An operation: which it is, by number, and its fields."""

    _fields_ = [("code", ctypes.c_int64), ("args", NativeArgs)]


@final
@structure
class EpochArgs(ctypes.Structure):
    """An epoch of a cohort: the program, the memory it works in, and the data.

    ``batch_columns``: padded samples of a chunk, a part of a batch that goes through all layers at
    once. ``accumulated_values``, ``accumulated_parameters``: (place, count) of gradients that
    several operations add to. ``workspace`` (num_workers, worker_size) is at first 0; as many
    replicas work at once, or THREADS_PER_REPLICA workers for each. ``stop`` may be set meanwhile.
    """

    ops: Annotated[int | None, "const Operation *"]
    num_ops: int
    batch_columns: int
    activation_size: int
    step_workspace: int
    scratch: int
    accumulated_values: Indices
    accumulated_parameters: Indices
    num_accumulated_values: int
    num_accumulated_parameters: int
    replicas: int
    samples: int
    batch_size: int
    accumulate: int  # batches of a step of the optimizer
    parameters: int
    moved: int  # the first of them, which the optimizer moves
    num_workers: int
    worker_size: int
    workspace: Numbers
    params: Numbers  # (K, P), as are the next five
    grads: Numbers
    momentum: Numbers
    mean: Numbers
    mean_square: Numbers
    extra: Numbers
    inputs: ConstNumbers  # (K or 1, N, …); the stride is from replica to replica
    input_scale: float  # what bytes are multiplied by; 0 where the inputs are no bytes
    input_stride: int
    input_fill: Annotated[int | None, "const double *"]  # (K, …) for inputs that are nan
    input_mean: Annotated[int | None, "const double *"]  # (K, …), or nothing, as the others
    input_factor: Annotated[int | None, "const double *"]  # z = (x − mean) · factor
    rows: Annotated[int | None, "const int32_t *"]  # (K or 1, n): each sample's place in the data
    rows_stride: int
    targets: Annotated[int | None, "const void **"]  # each (K or 1, N, …)
    target_strides: Indices
    outputs: Annotated[int | None, "void **"]  # by epoch and head (K, N, features), or nothing
    num_heads: int
    running: Annotated[int | None, "void **"]  # each (K, …): what layers learn beside parameters
    dropouts: Annotated[int | None, "const DropoutState *"]
    order: Indices  # (K or 1, N): the samples in the epoch's order
    order_stride: int
    first_batch: int  # how many the call has done in epochs before this one
    first_step: int  # the same of steps
    losses: Numbers  # (terms, batches, K)
    num_terms: int
    finite: Annotated[int | None, "bool *"]  # (batches, K): whether the replica learned
    active: Annotated[int | None, "const bool *"]  # (K)
    loss_weights: Annotated[int | None, "const double *"]  # (terms, K)
    clip_norm: Annotated[int | None, "const double *"]  # (K), or nothing, as the next
    clip_value: Annotated[int | None, "const double *"]
    groups: Annotated[int | None, "const ParameterGroup *"]
    num_groups: int
    steps_per_row: int  # of the hyperparameters; 0 where one row is for all steps
    stop: Annotated[int, "volatile int64_t"]


ENUMS: tuple[type, ...] = (GradMode, ActivationKind, MapKind, LossKind, UpdateRule)
STRUCTURES = (
    Hyperparameters,
    OptimizerFlags,
    ParameterShape,
    NewtonSchulz,
    ParameterGroup,
    DropoutState,
    EpochArgs,
)


def native_ops(ops: Sequence[Operation]) -> ctypes.Array[NativeOp]:
    """The operations as one array; their tensors have to be kept by the caller."""
    array = (NativeOp * len(ops))()
    for native, op in zip(array, ops, strict=True):
        native.code, name = CODES[type(op)]
        setattr(native.args, name, to_native(op))
    return array


@cache
def header() -> str:
    """The C++ declarations of all that is handed over."""
    codes = ", ".join(f"{name.upper()} = {code}" for code, name in CODES.values())
    members = [Field(name, cls.__name__, None) for cls, (_, name) in CODES.items()]
    cases = "".join(
        f"    case OpCode::{name.upper()}: return f(op.args.{name});\n"
        for _, name in CODES.values()
    )
    return "\n".join(
        [
            "// Made by chainrule.compiled.abi: not to be edited.",
            "#pragma once\n\n#include <cstdint>\n",
            f"constexpr int64_t NOWHERE = {NOWHERE};",
            f"constexpr int64_t THREADS_PER_REPLICA = {THREADS_PER_REPLICA};\n",
            *(declare(cls) for cls in (*ENUMS, *OPERATIONS)),
            f"enum class OpCode : int64_t {{ {codes} }};\n",
            f"union OperationArgs {{\n{''.join(declare_fields(members))}}};\n",
            "// An operation: which it is, and its fields.",
            "struct Operation {\n    OpCode code;\n    OperationArgs args;\n};\n",
            "// f of an operation's fields",
            "template <class F> void visit(const Operation &op, F f) {",
            f"    switch (op.code) {{\n{cases}    }}\n}}\n",
            *(declare(cls) for cls in STRUCTURES),
        ]
    )
