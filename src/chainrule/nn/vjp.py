"""Chain rules: functions from dL/dy to dL/dx, which add to the parameters' gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, final

__all__ = ["BackwardFn", "ChainRule", "accumulate_param_grads"]

BackwardFn: TypeAlias = Callable[[Any], Any]
"""From dL/dy to dL/dx; adds to the parameters' gradients on its way."""


@final
class ChainRule:
    """A rule that can also leave dL/dx out, which nobody needs of a network's first layer."""

    __slots__ = ("full", "params_only")

    def __init__(self, full: BackwardFn, params_only: Callable[[Any], None]) -> None:
        self.full, self.params_only = full, params_only

    def __call__(self, g: Any) -> Any:
        return self.full(g)


def accumulate_param_grads(rule: BackwardFn, g: Any) -> None:
    """Add to the parameters' gradients, and spare dL/dx where the rule knows how."""
    if isinstance(rule, ChainRule):
        rule.params_only(g)
    else:
        rule(g)
