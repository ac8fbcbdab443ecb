"""What a network would do with an input, found out without computing anything."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from chainrule._util.pytree import tree_map
from chainrule.nn.module import Module
from chainrule.nn.vjp import BackwardFn

__all__ = ["Summary", "SummaryRow", "output_shape", "summarize", "trace_layers"]


class SummaryRow(NamedTuple):
    """One use of one layer; the parameters of a layer used again count at its first use only."""

    path: str
    layer: str
    output: Any
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """A network's layers in the order of use; printed, a table."""

    rows: Sequence[SummaryRow]

    @property
    def parameters(self) -> int:
        """The number of learned numbers, each counted once."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one forward of the whole batch."""
        return sum(row.multiply_adds for row in self.rows)

    def __str__(self) -> str:
        head = ("layer", "", "output", "parameters", "multiply-adds")
        body = [
            (r.path, r.layer, str(r.output), f"{r.parameters:,}", f"{r.multiply_adds:,}")
            for r in self.rows
        ]
        foot = ("", "", "total", f"{self.parameters:,}", f"{self.multiply_adds:,}")
        table = [head, *body, foot]
        width = [max(len(row[i]) for row in table) for i in range(5)]
        return "\n".join(
            "  ".join(
                cell.ljust(width[i]) if i < 3 else cell.rjust(width[i])
                for i, cell in enumerate(row)
            ).rstrip()
            for row in table
        )


Back: TypeAlias = Callable[[Any], None]
"""Is shown dL/dy of one use of a layer."""


def trace_layers(net: Module, see: Callable[[str, Module, Any, Any], Back | None]) -> Module:
    """A copy of net whose forward shows ``see(path, layer, input, output)`` each use of a layer.

    A layer is a module without children; the layers of the copy are shown under their own paths.
    What ``see`` returns, if anything, is shown dL/dy of that use when the chain rule is applied.
    """
    copied = copy.deepcopy(net)

    def watch(path: str, layer: Module) -> None:
        inner = layer.forward

        def forward(*x: Any) -> tuple[Any, BackwardFn]:
            y, rule = inner(*x)
            back = see(path, layer, x[0] if len(x) == 1 else x, y)
            return y, rule if back is None else with_backward_hook(rule, back)

        vars(layer)["forward"] = forward

    for path, module in copied.named_modules():
        if module.is_layer():
            watch(path, module)
    return copied


def with_backward_hook(rule: BackwardFn, back: Back) -> BackwardFn:
    """The rule, which tells ``back`` what it is given."""

    def backward(g: Any) -> Any:
        back(g)
        return rule(g)

    return backward


def _dry_run(
    net: Module,
    shape: Sequence[Any],
    dtype: torch.dtype | None,
    see: Callable[[str, Module, Any, Any], None],
    device: str = "meta",
) -> Any:
    for parameter in net.parameters():
        dtype = dtype or parameter.data.dtype
    sizes = tuple(shape) if shape and isinstance(shape[0], int) else tuple(map(tuple, shape))

    def empty(size: Any) -> Tensor:
        return torch.empty(size, dtype=dtype, device=device).zero_()

    one = not sizes or isinstance(sizes[0], int)
    x = empty(sizes) if one else tuple(map(empty, sizes))
    ghost = trace_layers(net, see).eval().to(device)
    y, _ = ghost.forward(x[0] if not one and len(x) == 1 else x)
    return y


def _shape(value: Any) -> Any:
    return tree_map(lambda t: tuple(t.shape), value)


def output_shape(net: Module, shape: Sequence[Any], dtype: torch.dtype | None = None) -> Any:
    """The shape of net's output; see :meth:`Module.output_shape`."""
    return _shape(_dry_run(net, shape, dtype, lambda *_: None))


def summarize(
    net: Module, shape: Sequence[Any], dtype: torch.dtype | None = None, device: str = "meta"
) -> Summary:
    """The table of net's layers; see :meth:`Module.summary`.

    On the meta device nothing is computed. For one sample of a small net ``device="cpu"`` is
    quicker: PyTorch loads a second of modules for the other.
    """
    rows: list[SummaryRow] = []
    seen: set[int] = set()

    def see(path: str, layer: Module, x: Any, y: Any) -> None:
        new = [p for p in layer.parameters() if id(p) not in seen]
        seen.update(map(id, new))
        count = sum(p.data.numel() for p in new)
        products = layer.multiply_adds(x, y)
        rows.append(SummaryRow(path, layer.label(), _shape(y), count, products))

    _dry_run(net, shape, dtype, see, device)
    return Summary(rows)
