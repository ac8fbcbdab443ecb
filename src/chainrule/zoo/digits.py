"""Networks that read a digit: up to some convolutions, then one linear layer.

Input (N, 1, 28, 28); output (N, 10), logits unless ``output`` says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule import nn
from chainrule._util.argument_checks import check_arguments
from chainrule.nn import BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, Module
from chainrule.zoo.activations import build_activation

__all__ = ["digit_net", "reader"]


@check_arguments
def digit_net(
    channels: Sequence[int] = (8, 16),
    kernel: int = 3,
    pools: int = 2,
    activation: str = "ReLU",
    norm: bool = False,
    dropout: float = 0.0,
    output: str = "Identity",
) -> nn.Sequential:
    """A convolution for each of ``channels``; with none, softmax regression on the pixels.

    ``activation`` and ``output`` are named as in ``chainrule.nn``; the rest as in :func:`reader`.
    """
    layers, features = reader(1, 28, channels, kernel, pools, activation, norm, dropout)
    return nn.Sequential(*layers, Linear(features, 10), build_activation(output))


def reader(
    inputs: int,
    size: int,
    channels: Sequence[int],
    kernel: int = 3,
    pools: int = 2,
    activation: str = "ReLU",
    norm: bool = False,
    dropout: float = 0.0,
) -> tuple[list[Module], int]:
    """The layers from images (N, inputs, size, size) to features (N, D), and D.

    The first ``pools`` convolutions are followed by pooling 2 x 2, which stands before the
    activation: where that is monotone the order makes no difference, and a quarter is left to do.
    With ``norm`` each is batch normalized; with ``dropout``, its probability, features are dropped.
    """
    layers: list[Module] = []
    for i, count in enumerate(channels):
        layers += [Conv2d(inputs, count, kernel, bias=not norm)]
        layers += [BatchNorm2d(count)] if norm else []
        layers += [MaxPool2d(2)] if i < pools else []
        layers += [build_activation(activation)]
        inputs, size = count, (size - kernel + 1) // (2 if i < pools else 1)
    dropped = [Dropout(dropout)] if dropout else []
    return [*layers, Flatten(), *dropped], inputs * size**2
