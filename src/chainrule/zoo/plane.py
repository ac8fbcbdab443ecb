"""Networks for points in the plane."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from chainrule import nn
from chainrule._util.argument_checks import check_arguments
from chainrule.nn import Linear, Module, ReLU, Sequential, Tanh
from chainrule.zoo.activations import build_activation
from chainrule.zoo.table import check_layer_count

__all__ = ["disk_net", "plane_net"]


@check_arguments
def disk_net(
    hidden: int = 25,
    activation: str | Callable[[], Module] = ReLU,
    output: str | Callable[[], Module] = Tanh,
) -> Sequential:
    """2-25-25-25-2, the net of the framework reports: three hidden layers and a squashed output.

    Input (N, 2), output (N, 2). Activations are classes, or their names in ``chainrule.nn``.
    """
    return Sequential(
        Linear(2, hidden),
        build_activation(activation),
        Linear(hidden, hidden),
        build_activation(activation),
        Linear(hidden, hidden),
        build_activation(activation),
        Linear(hidden, 2),
        build_activation(output),
    )


@check_arguments
def plane_net(
    hidden: int = 25,
    layers: int = 3,
    activation: str = "ReLU",
    output: str = "Identity",
    norm: bool = False,
    outputs: int = 2,
    dropout: float = 0.0,
) -> Sequential:
    """``layers`` hidden layers; activations by their names in ``chainrule.nn``, as a study has them

    Input (N, 2), output (N, outputs). With ``norm``, batch normalization before each activation;
    with ``dropout``, its probability, after each.
    """

    def layer(features: int) -> list[Module]:
        normed: list[Module] = [nn.BatchNorm1d(hidden)] if norm else []
        dropped: list[Module] = [nn.Dropout(dropout)] if dropout else []
        linear = Linear(features, hidden, bias=not norm)  # the norm would subtract a bias again
        return [linear, *normed, build_activation(activation), *dropped]

    check_layer_count(layers)
    hidden_layers = [layer(2 if i == 0 else hidden) for i in range(layers)]
    last = Linear(hidden if layers else 2, outputs)
    return Sequential(*chain.from_iterable(hidden_layers), last, build_activation(output))
