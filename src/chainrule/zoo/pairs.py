"""Networks that compare two digits: is the first at most the second?

Two encoders, or one that both images share, then a head that compares; with ``aux`` two more
heads name the digits. Input (N, 2, 14, 14); output a dict with "main" (N, 2) and, with ``aux``,
"first" and "second" (N, 10). All outputs are logits: ``pair_loss`` is their loss.

With ``share`` the encoder, and the head that names a digit, serve both images. ReLU stands after
the pooling where there is one: the maximum of a window and ReLU may change places, and a quarter
of the entries is left to it.
"""

from __future__ import annotations

from typing import Any

from chainrule._util.argument_checks import check_arguments
from chainrule.nn import (
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    CrossEntropyLoss,
    Flatten,
    Heads,
    Linear,
    MaxPool2d,
    Module,
    MultiLoss,
    ReLU,
    Select,
    Sequential,
    Siamese,
    Softmax,
    Unflatten,
)

__all__ = [
    "pair_cnn",
    "pair_conv1",
    "pair_conv2",
    "pair_fnn",
    "pair_loss",
    "pair_mlp",
    "pair_net",
    "pair_shallow",
]

PIXELS = 14 * 14


@check_arguments
def pair_net(
    encoder: Module, features: int, compare: Module, *, share: bool, aux: bool
) -> Sequential:
    """Join an encoder (N, 14, 14) → (N, features) and a head (N, 2 · features) → (N, 2)."""
    heads: dict[str, Module] = {"main": Sequential(Flatten(), compare)}
    if aux:
        first = Linear(features, 10)
        second = first if share else Linear(features, 10)
        heads["first"] = Sequential(Select(1, 0), first)
        heads["second"] = Sequential(Select(1, 1), second)
    return Sequential(Siamese(encoder, share), Heads(heads))


@check_arguments
def pair_shallow(hidden: int = 100, *, share: bool = False, aux: bool = False) -> Sequential:
    """One hidden layer: 196 → hidden for each image, then 2 · hidden → 2."""
    encoder = Sequential(Flatten(), Linear(PIXELS, hidden), ReLU())
    return pair_net(encoder, hidden, Linear(2 * hidden, 2), share=share, aux=aux)


@check_arguments
def pair_mlp(hidden: int = 100, *, share: bool = False, aux: bool = False) -> Sequential:
    """Two hidden layers: 196 → hidden for each image, then 2 · hidden → hidden → 2."""
    encoder = Sequential(Flatten(), Linear(PIXELS, hidden), ReLU())
    return pair_net(encoder, hidden, two_layers(2 * hidden, hidden), share=share, aux=aux)


@check_arguments
def pair_conv1(hidden: int = 100, *, share: bool = False, aux: bool = False) -> Sequential:
    """Two convolutions, each with pooling: 256 features a digit, then 512 → hidden → 2."""
    encoder = Sequential(
        Unflatten(1, (1, 14)),
        *(Conv2d(1, 32, 3), MaxPool2d(2), ReLU()),
        *(Conv2d(32, 64, 3), MaxPool2d(2), ReLU()),
        Flatten(),
    )
    return pair_net(encoder, 256, two_layers(512, hidden), share=share, aux=aux)


@check_arguments
def pair_conv2(hidden: int = 100, *, share: bool = False, aux: bool = False) -> Sequential:
    """Four convolutions, one pooling: 512 features a digit, then 1024 → hidden → 2."""
    encoder = Sequential(
        Unflatten(1, (1, 14)),
        *(Conv2d(1, 16, 5), ReLU()),
        *(Conv2d(16, 32, 3), ReLU()),
        *(Conv2d(32, 64, 3), MaxPool2d(2), ReLU()),
        *(Conv2d(64, 128, 2), ReLU()),
        Flatten(),
    )
    return pair_net(encoder, 512, two_layers(1024, hidden), share=share, aux=aux)


@check_arguments
def pair_fnn(hidden: int = 100, *, share: bool = False, aux: bool = False) -> Sequential:
    """A digit's distribution from 196 → hidden → hidden → 10, normalized; then 20 → hidden → 2."""
    encoder = Sequential(
        Flatten(),
        *(Linear(PIXELS, hidden, bias=False), BatchNorm1d(hidden), ReLU()),
        *(Linear(hidden, hidden, bias=False), BatchNorm1d(hidden), ReLU()),
        Linear(hidden, 10),
    )
    return distributions(encoder, two_layers(20, hidden), share=share, aux=aux)


@check_arguments
def pair_cnn(hidden: int = 100, *, share: bool = False, aux: bool = False) -> Sequential:
    """A digit's distribution from two normalized convolutions; then 20 → hidden → 2."""
    encoder = Sequential(
        Unflatten(1, (1, 14)),
        *(Conv2d(1, 16, 3, bias=False), BatchNorm2d(16), MaxPool2d(2), ReLU()),
        *(Conv2d(16, 32, 3, bias=False), BatchNorm2d(32), MaxPool2d(2), ReLU()),
        Flatten(),
        Linear(128, 10),
    )
    return distributions(encoder, two_layers(20, hidden), share=share, aux=aux)


def distributions(encoder: Module, compare: Module, *, share: bool, aux: bool) -> Sequential:
    """Join an encoder (N, 14, 14) → (N, 10), a digit's logits, and a head (N, 20) → (N, 2).

    The head gets both digits' softmax; "first" and "second" are the logits of the same.
    """
    heads: dict[str, Module] = {"main": Sequential(Softmax(2), Flatten(), compare)}
    if aux:
        heads |= {"first": Select(1, 0), "second": Select(1, 1)}
    return Sequential(Siamese(encoder, share), Heads(heads))


def two_layers(features: int, hidden: int) -> Sequential:
    """features → hidden → 2, the head that compares."""
    return Sequential(Linear(features, hidden), ReLU(), Linear(hidden, 2))


@check_arguments
def pair_loss(weight: Any = 0.0) -> MultiLoss:
    """Cross-entropy of main + weight (first + second)

    ``weight`` is a number, or in a cohort a tensor (K,), one a replica. With the number 0 there
    is main alone, for a net without ``aux``.
    """
    heads = {"main": 1.0}
    if not (isinstance(weight, int | float) and weight == 0):
        heads |= {"first": weight, "second": weight}
    return MultiLoss({head: CrossEntropyLoss() for head in heads}, heads)
