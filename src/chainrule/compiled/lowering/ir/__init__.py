"""The operations of the kernel: what each computes, and where its numbers lie.

Values lie feature by feature, samples innermost: a matrix (rows, n) in the memory of a worker, its
rows ``ld`` apart; its gradient is at the same place of another array. Parameters lie in their
replica's row of the optimizer's tensor. Places are counted in numbers, from the beginning of that
memory; NOWHERE is no place. The C++ declarations are made of these classes.
"""

from __future__ import annotations

from typing import Any, TypeAlias, get_args

from chainrule.compiled.lowering.ir.dense import (
    Activation,
    AddConstants,
    Attention,
    LessEqual,
    Map,
    Matmul,
    Multiply,
    ParametricReLU,
)
from chainrule.compiled.lowering.ir.distances import Cosine, Distance
from chainrule.compiled.lowering.ir.images import (
    Convolution,
    Pad,
    Pool,
    Resample,
    TransposedConvolution,
)
from chainrule.compiled.lowering.ir.losses import (
    CrossEntropy,
    ElementwiseTerm,
    GaussianTerm,
    MultiMargin,
)
from chainrule.compiled.lowering.ir.modes import (
    NOWHERE,
    ActivationKind,
    GradMode,
    LossKind,
    MapKind,
)
from chainrule.compiled.lowering.ir.normalization import BatchNormalize, DrawMask, Drop, Normalize
from chainrule.compiled.lowering.ir.samples import (
    LoadInput,
    LoadTarget,
    Lookup,
    OneHot,
    StoreOutput,
)

__all__ = [
    "NOWHERE",
    "OPERATIONS",
    "Activation",
    "ActivationKind",
    "AddConstants",
    "Attention",
    "BatchNormalize",
    "Convolution",
    "Cosine",
    "CrossEntropy",
    "Distance",
    "DrawMask",
    "Drop",
    "ElementwiseTerm",
    "GaussianTerm",
    "GradMode",
    "LessEqual",
    "LoadInput",
    "LoadTarget",
    "Lookup",
    "LossKind",
    "Map",
    "MapKind",
    "Matmul",
    "MultiMargin",
    "Multiply",
    "Normalize",
    "OneHot",
    "Operation",
    "Pad",
    "ParametricReLU",
    "Pool",
    "Resample",
    "StoreOutput",
    "TransposedConvolution",
]

Operation: TypeAlias = (
    LoadInput
    | Lookup
    | LoadTarget
    | OneHot
    | Matmul
    | Activation
    | Map
    | Multiply
    | AddConstants
    | Attention
    | ParametricReLU
    | Normalize
    | BatchNormalize
    | DrawMask
    | Drop
    | LessEqual
    | Distance
    | Cosine
    | ElementwiseTerm
    | CrossEntropy
    | GaussianTerm
    | MultiMargin
    | StoreOutput
    | Convolution
    | TransposedConvolution
    | Pool
    | Pad
    | Resample
)
OPERATIONS: tuple[type[Any], ...] = get_args(Operation)
