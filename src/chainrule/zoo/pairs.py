"""Networks that compare two digits: is the first at most the second?

Two encoders, or one that both images share, then a head that compares; with ``aux`` two more
heads name the digits. Input (N, 2, 14, 14); output a dict with "main" (N, 2) and, with ``aux``,
"first" and "second" (N, 10).
"""

from __future__ import annotations

from chainrule.nn import Flatten, Heads, Linear, Module, ReLU, Select, Sequential, Siamese

__all__ = ["pair_mlp", "pair_net"]


def pair_net(
    encoder: Module, features: int, compare: Module, *, share: bool, aux: bool
) -> Sequential:
    """Join an encoder (N, 14, 14) → (N, features) and a head (N, 2 · features) → (N, 2).

    With ``share`` the encoder, and the head that names a digit, serve both images.
    """
    heads: dict[str, Module] = {"main": Sequential(Flatten(), compare)}
    if aux:
        first = Linear(features, 10)
        second = first if share else Linear(features, 10)
        heads["first"] = Sequential(Select(1, 0), first)
        heads["second"] = Sequential(Select(1, 1), second)
    return Sequential(Siamese(encoder, share), Heads(heads))


def pair_mlp(hidden: int = 100, *, share: bool = False, aux: bool = False) -> Sequential:
    """Two hidden layers: 196 → hidden for each image, then 2 · hidden → hidden → 2."""
    encoder = Sequential(Flatten(), Linear(14 * 14, hidden), ReLU())
    compare = Sequential(Linear(2 * hidden, hidden), ReLU(), Linear(hidden, 2))
    return pair_net(encoder, hidden, compare, share=share, aux=aux)
