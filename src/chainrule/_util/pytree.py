"""Values between modules: a tensor, or a tuple, list or dict of such values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

__all__ = ["named_leaves", "take_rows", "tree_map"]


def named_leaves(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """(name, tensor) of each tensor within: "" for a lone one, "0", "main", "main.0" below."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, dict | tuple | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from named_leaves(item, f"{name}.{key}".lstrip("."))


def tree_map(f: Callable[[Tensor], Any], value: Any) -> Any:
    """The same structure with ``f`` of each tensor; None stays None."""
    if isinstance(value, dict):
        return {key: tree_map(f, item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        items = [tree_map(f, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return f(value) if isinstance(value, Tensor) else value


def take_rows(value: Any, index: Tensor) -> Any:
    """The same structure with the rows ``index`` (n,) of each tensor; a scalar stays as it is."""
    return tree_map(lambda t: t[index.to(t.device)] if t.dim() else t, value)
