"""Networks for the rows of a table, which tell a number."""

from __future__ import annotations

from itertools import pairwise

from chainrule._util.argument_checks import check_arguments
from chainrule.nn import Exp, Heads, Linear, Module, Sequential
from chainrule.zoo.activations import build_activation

__all__ = ["check_layer_count", "gaussian_net", "table_net"]


@check_arguments
def table_net(
    inputs: int = 9,
    hidden: int = 20,
    layers: int = 2,
    activation: str = "ReLU",
    outputs: int = 1,
) -> Sequential:
    """``layers`` hidden layers; none is linear regression, or of classes softmax regression

    Input (N, inputs), output (N, outputs). The activation is a name of ``chainrule.nn``'s.
    """
    body, features = hidden_layers(inputs, hidden, layers, activation)
    return Sequential(*body, Linear(features, outputs))


@check_arguments
def gaussian_net(
    inputs: int = 9, hidden: int = 20, layers: int = 2, activation: str = "ReLU"
) -> Sequential:
    """The same for a normal distribution: a mean, and the logarithm of a variance

    Input (N, inputs), output {"mean": (N, 1), "var": (N, 1)}, for ``GaussianNLLLoss``.
    Nix and Weigend, 1994.
    """
    body, features = hidden_layers(inputs, hidden, layers, activation)
    heads = Heads(mean=Linear(features, 1), var=Sequential(Linear(features, 1), Exp()))
    return Sequential(*body, heads)


def hidden_layers(
    inputs: int, hidden: int, layers: int, activation: str
) -> tuple[list[Module], int]:
    """The layers, and how many features come out of them."""
    check_layer_count(layers)
    sizes = [inputs, *[hidden] * layers]
    made = [(Linear(a, b), build_activation(activation)) for a, b in pairwise(sizes)]
    return [module for pair in made for module in pair], sizes[-1]


def check_layer_count(layers: int) -> None:
    """Raise ValueError unless it is a number of hidden layers that can be made."""
    if not 0 <= layers <= MAX_LAYERS:
        raise ValueError(f"layers: expected a whole number from 0 to {MAX_LAYERS:,}, got {layers}")


MAX_LAYERS = 1000
"""A number of more digits would make layers for hours."""
