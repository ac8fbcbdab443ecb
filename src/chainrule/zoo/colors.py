"""A network that tells a digit and its colour."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule._util.argument_checks import check_arguments
from chainrule.nn import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    CrossEntropyLoss,
    Dropout,
    Flatten,
    Heads,
    Linear,
    Maxout,
    MaxPool2d,
    MultiLoss,
    ReLU,
    Sequential,
)
from chainrule.zoo.digits import reader

__all__ = ["color_best", "color_loss", "color_net"]


@check_arguments
def color_net(
    channels: Sequence[int] = (16, 32, 64),
    kernel: int = 3,
    *,
    share: bool = True,
    norm: bool = True,
    dropout: float = 0.3,
    colors: int = 6,
    size: int = 28,
) -> Sequential:
    """Two heads, "digit" (N, 10) and "color" (N, colors), both logits; input (N, 3, size, size).

    With ``share`` both stand on the same convolutions, else each has its own: see
    :func:`chainrule.zoo.digits.reader`. ``color_loss`` is their loss.
    """

    def layers() -> tuple[Sequential, int]:
        found, features = reader(3, size, channels, kernel, norm=norm, dropout=dropout)
        return Sequential(*found), features

    first, features = layers()
    if share:
        return Sequential(first, Heads(digit=Linear(features, 10), color=Linear(features, colors)))
    second, _ = layers()
    heads = Heads(
        digit=Sequential(first, Linear(features, 10)),
        color=Sequential(second, Linear(features, colors)),
    )
    return Sequential(heads)


@check_arguments
def color_best(width: int = 32, dropout: float = 0.3, *, colors: int = 6) -> Sequential:
    """The same heads for input (N, 3, 28, 28): the digit is read from the brightest of the three
    channels, whatever the colour, by four normalized convolutions; the colour from their means.
    """
    digit = Sequential(
        Maxout(3),
        *(Conv2d(1, width, 5, bias=False), BatchNorm2d(width), MaxPool2d(2), ReLU()),
        *(Conv2d(width, width, 3, bias=False), BatchNorm2d(width), ReLU()),
        *(Conv2d(width, 2 * width, 3, bias=False), BatchNorm2d(2 * width), MaxPool2d(2), ReLU()),
        *(Conv2d(2 * width, 2 * width, 3, bias=False), BatchNorm2d(2 * width), ReLU()),
        *(Flatten(), Dropout(dropout), Linear(8 * width, 10)),
    )
    color = Sequential(
        *(Conv2d(3, 16, 1), ReLU(), AdaptiveAvgPool2d(1), Flatten(), Linear(16, colors))
    )
    return Sequential(Heads(digit=digit, color=color))


@check_arguments
def color_loss() -> MultiLoss:
    """Cross-entropy of the digit + that of the colour."""
    return MultiLoss({"digit": CrossEntropyLoss(), "color": CrossEntropyLoss()})
