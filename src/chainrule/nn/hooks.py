"""A hook that sees each use of a module within a net, while it is set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

from chainrule.nn.vjp import BackwardFn

__all__ = ["ForwardHook", "call_forward_hook", "forward_hook", "has_forward_hook"]

ForwardHook: TypeAlias = Callable[[Any, Any, Any, BackwardFn], BackwardFn]
"""``hook(module, x, y, rule)`` returns the rule to go on with: the one given, or one around it."""

_hook: ContextVar[ForwardHook | None] = ContextVar("hook", default=None)


@contextmanager
def forward_hook(hook: ForwardHook) -> Iterator[None]:
    """In here, containers show ``hook`` each use of a child."""
    before = _hook.set(hook)
    try:
        yield
    finally:
        _hook.reset(before)


def call_forward_hook(module: Any, x: Any, y: Any, rule: BackwardFn) -> BackwardFn:
    """The rule of this use of a module, as the hook that is set, if any, returns it."""
    hook = _hook.get()
    return rule if hook is None else hook(module, x, y, rule)


def has_forward_hook() -> bool:
    """Whether a hook is set."""
    return _hook.get() is not None
