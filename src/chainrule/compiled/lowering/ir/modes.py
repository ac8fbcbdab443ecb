"""How gradients are written, and the functions that an operation chooses from."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["NOWHERE", "ActivationKind", "GradMode", "LossKind", "MapKind"]

NOWHERE = -1
"""A place that is none."""


class GradMode(IntEnum):
    """How an operation writes a gradient: not at all, as the first to do so, or as one of several.

    What is accumulated is 0 before: at the start of each chunk of samples for the gradient of a
    value, of each share of a batch for that of a parameter. A parameter's gradient is assigned in
    the first chunk of a share, and accumulated in the others.
    """

    SKIP = 0
    ASSIGN = 1
    ACCUMULATE = 2


class ActivationKind(IntEnum):
    """The functions of an Activation."""

    IDENTITY = 0
    RELU = 1
    LEAKY_RELU = 2
    TANH = 3
    SIGMOID = 4
    ELU = 5
    HARDTANH = 6
    SOFTSIGN = 7
    SOFTMAX = 8
    LOG_SOFTMAX = 9


class MapKind(IntEnum):
    """The functions of a Map."""

    IDENTITY = 0
    LEAKY_RELU = 1
    ELU = 2
    GELU = 3
    GELU_TANH = 4
    SILU = 5
    SOFTPLUS = 6
    EXP = 7
    NEGATIVE = 8
    CELU = 9
    MISH = 10
    LOG_SIGMOID = 11
    TANHSHRINK = 12
    HARDSHRINK = 13
    SOFTSHRINK = 14
    HARDSIGMOID = 15
    HARDSWISH = 16
    THRESHOLD = 17


class LossKind(IntEnum):
    """The functions of an ElementwiseTerm."""

    MSE = 0
    L1 = 1
    SMOOTH_L1 = 2
    HUBER = 3
    BCE = 4
    BCE_WITH_LOGITS = 5
    KL_DIV = 6
    KL_DIV_LOG = 7
    POISSON = 8
    POISSON_FULL = 9
    POISSON_LOG = 10
    POISSON_LOG_FULL = 11
    HINGE_EMBEDDING = 12
    SOFT_MARGIN = 13
    MARGIN_RANKING = 14
    COSINE_EMBEDDING = 15
    TRIPLET_MARGIN = 16
