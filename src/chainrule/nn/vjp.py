"""Chain rules: functions from dL/dy to dL/dx, which add to the parameters' gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, final

__all__ = ["ChainRule", "Rule", "accumulate"]

Rule: TypeAlias = Callable[[Any], Any]
"""From dL/dy to dL/dx; adds to the parameters' gradients on its way."""


@final
class ChainRule:
    """A rule that can also leave dL/dx out, which nobody needs of a network's first layer."""

    __slots__ = ("parameters", "whole")

    def __init__(self, whole: Rule, parameters: Callable[[Any], None]) -> None:
        self.whole, self.parameters = whole, parameters

    def __call__(self, g: Any) -> Any:
        return self.whole(g)


def accumulate(rule: Rule, g: Any) -> None:
    """Add to the parameters' gradients, and spare dL/dx where the rule knows how."""
    if isinstance(rule, ChainRule):
        rule.parameters(g)
    else:
        rule(g)
