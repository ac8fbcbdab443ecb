"""What a network would do with an input, found out without computing anything."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from chainrule._util.display import html_table
from chainrule._util.kinds import check_kind
from chainrule._util.pytree import tree_map
from chainrule.nn.inspect.trace import LayerObserver, trace_layers
from chainrule.nn.module import Module

__all__ = ["Summary", "SummaryRow", "output_shape", "summary"]


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

    def _table(self) -> list[tuple[str, ...]]:
        """The head, a row a layer, the total."""
        head = ("layer", "", "output", "parameters", "multiply-adds")
        body = [
            (r.path, r.layer, str(r.output), f"{r.parameters:,}", f"{r.multiply_adds:,}")
            for r in self.rows
        ]
        return [head, *body, ("", "", "total", f"{self.parameters:,}", f"{self.multiply_adds:,}")]

    def _repr_html_(self) -> str:
        head, *body = self._table()
        return html_table(head, body)

    def __str__(self) -> str:
        table = self._table()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]

        def line(cells: Sequence[str]) -> str:
            texts = [cell.ljust(n) for cell, n in zip(cells[:3], widths, strict=False)]
            numbers = [cell.rjust(n) for cell, n in zip(cells[3:], widths[3:], strict=True)]
            return "  ".join([*texts, *numbers]).rstrip()

        return "\n".join(map(line, table))


def summary(
    net: Module, shape: Sequence[Any], dtype: torch.dtype | None = None, device: str = "meta"
) -> Summary:
    """A table of the layers: output shapes, parameters, multiply-adds for an input of this shape.

    ``shape`` and ``dtype`` as for :func:`output_shape`. On the meta device nothing is computed. For
    one sample of a small net ``device="cpu"`` is quicker: PyTorch loads a second of modules for the
    other.
    """
    rows: list[SummaryRow] = []
    seen: set[int] = set()

    def add_row(path: str, layer: Module, x: Any, y: Any) -> None:
        new = [p for p in layer.parameters() if id(p) not in seen]
        seen.update(map(id, new))
        count = sum(p.data.numel() for p in new)
        products = layer.multiply_adds(x, y)
        rows.append(SummaryRow(path, layer.label(), _shapes(y), count, products))

    _dry_run(net, shape, dtype, add_row, device)
    return Summary(rows)


def output_shape(net: Module, shape: Sequence[Any], dtype: torch.dtype | None = None) -> Any:
    """The shape that an input of this shape would come out with; nothing is computed.

    ``shape`` is that of a tensor, or a tuple of shapes for a net of several inputs. ``dtype`` is
    the input's, the parameters' unless given. Raises LayerError where the input does not fit.
    """
    return _shapes(_dry_run(net, shape, dtype, lambda *_: None))


def _dry_run(
    net: Module,
    shape: Sequence[Any],
    dtype: torch.dtype | None,
    observe: LayerObserver,
    device: str = "meta",
) -> Any:
    """The output of a copy of net on the device, for an input of zeros."""
    check_kind(net, Module, "net")
    if not isinstance(shape, Sequence):
        raise TypeError(f"shape: expected that of an input, such as (100, 2), got {shape!r}")
    for parameter in net.parameters():
        dtype = dtype or parameter.data.dtype

    def zeros(size: Any) -> Any:
        if not size or isinstance(size[0], int):
            return torch.empty(tuple(size), dtype=dtype, device=device).zero_()
        return tuple(map(zeros, size))

    y, _ = trace_layers(copy.deepcopy(net).eval().to(device), zeros(shape), observe)
    return y


def _shapes(value: Any) -> Any:
    return tree_map(lambda t: tuple(t.shape), value)
