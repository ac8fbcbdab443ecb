"""Networks for points in the plane."""

from __future__ import annotations

from collections.abc import Callable

from chainrule.nn import Linear, Module, ReLU, Sequential, Tanh

__all__ = ["disk_net"]


def disk_net(
    hidden: int = 25,
    activation: Callable[[], Module] = ReLU,
    output: Callable[[], Module] = Tanh,
) -> Sequential:
    """2-25-25-25-2, the net of the framework reports: three hidden layers and a squashed output.

    Input (N, 2), output (N, 2).
    """
    return Sequential(
        Linear(2, hidden),
        activation(),
        Linear(hidden, hidden),
        activation(),
        Linear(hidden, hidden),
        activation(),
        Linear(hidden, 2),
        output(),
    )
