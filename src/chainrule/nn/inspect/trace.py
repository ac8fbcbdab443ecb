"""Each use of each layer of a net, looked at while the net runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from chainrule.nn.errors import check_forward
from chainrule.nn.hooks import forward_hook
from chainrule.nn.module import Module
from chainrule.nn.vjp import BackwardFn

__all__ = ["GradObserver", "LayerObserver", "trace_layers"]

GradObserver: TypeAlias = Callable[[Any], Any]
"""Is shown dL/dy of one use of a layer."""

LayerObserver: TypeAlias = Callable[[str, Module, Any, Any], GradObserver | None]
"""``observe(path, layer, x, y)`` is shown one use; what it returns, if anything, its dL/dy."""


def trace_layers(net: Module, x: Any, observe: LayerObserver) -> tuple[Any, BackwardFn]:
    """net.forward(x), in which ``observe`` is shown each use of a layer, in order.

    A layer is a module without children; one that is used again is shown under the same path. What
    ``observe`` returns, if anything, is shown dL/dy of that use when the chain rule is applied.
    """
    paths = {id(module): path for path, module in net.named_modules() if module.is_layer()}

    def hook(module: Module, x: Any, y: Any, rule: BackwardFn) -> BackwardFn:
        if id(module) not in paths:
            return rule
        observe_grad = observe(paths[id(module)], module, x, y)
        return rule if observe_grad is None else with_backward_hook(rule, observe_grad)

    with forward_hook(hook):
        y, rule = check_forward(net, net.forward(x))
        return y, hook(net, x, y, rule)  # for a net that is one layer, and in no container


def with_backward_hook(rule: BackwardFn, observe_grad: GradObserver) -> BackwardFn:
    """The rule, which shows ``observe_grad`` what it is given."""

    def backward(g: Any) -> Any:
        observe_grad(g)
        return rule(g)

    return backward
