"""Activations by name, as a study's file has them."""

from __future__ import annotations

from collections.abc import Callable

from chainrule import nn
from chainrule._util.kinds import describe_object
from chainrule._util.suggest import did_you_mean
from chainrule.nn import Module
from chainrule.nn.layers import activations, piecewise

__all__ = ["build_activation"]

OTHERS = {"GLU", "Threshold"}
"""Not by name alone: the one halves the units, the other has no default."""

KNOWN = tuple(
    sorted({*activations.__all__, *piecewise.__all__, "LogSoftmax", "Softmax", "Softmin"} - OTHERS)
)


def build_activation(name: str | Callable[[], Module]) -> Module:
    """The activation of this name in ``chainrule.nn``, or that a class makes.

    Raises ValueError where there is none of the name, TypeError for what is neither.
    """
    if not isinstance(name, str) and callable(name):
        return name()
    if not isinstance(name, str):
        raise TypeError(
            f"activation: expected a name in chainrule.nn, or a class, got {describe_object(name)}"
        )
    if name not in KNOWN:
        hint = did_you_mean(name, KNOWN)
        raise ValueError(f"no activation {name!r}; {hint}there are: {', '.join(KNOWN)}")
    made: Module = getattr(nn, name)()
    return made
