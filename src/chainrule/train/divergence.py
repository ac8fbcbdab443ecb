"""Where did nan or infinity enter? One step of a lone replica, done again and watched."""

from __future__ import annotations

from typing import Any

from chainrule.nn.loss import Loss
from chainrule.nn.module import Module
from chainrule.nn.summary import each_layer
from chainrule.nn.tree import leaves

__all__ = ["first_non_finite"]


def first_non_finite(net: Module, criterion: Loss, x: Any, target: Any) -> str:
    """Name the first thing of a training step that is not finite, in the order of computation.

    net is plain, x and target are its batch; the input, a layer's output, the loss, a parameter's
    gradient (counted from the output's side) or else the update.
    """
    if not _finite(x):
        return "the input is not finite"
    places: list[str] = []

    def see(path: str, layer: Module, x: Any, y: Any) -> None:
        if not _finite(y):
            places.append(f"the output of layer {path or '(the net)'}, {layer.label()}")

    watched = each_layer(net, see)
    watched.zero_grad()
    y, rule = watched.forward(x)
    loss, loss_rule = criterion.forward(y, target)
    if places:
        return places[0]
    if not _finite(loss):
        return f"the loss {criterion.label()}"
    rule(loss_rule(loss.new_ones(())))
    for path, parameter in reversed(list(watched.named_parameters())):
        if not _finite(parameter.grad):
            return f"the gradient of {path}"
    return "the update of the parameters"


def _finite(value: Any) -> bool:
    return all(bool(t.isfinite().all()) for _, t in leaves(value) if t.is_floating_point())
