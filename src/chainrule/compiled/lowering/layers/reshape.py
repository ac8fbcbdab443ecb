"""Layers that only rearrange: they cost nothing, they say where a value's features are."""

from __future__ import annotations

from math import prod

from chainrule import nn
from chainrule.compiled.lowering.program import Unsupported, Value
from chainrule.nn.module import Module

__all__ = ["rearrange", "select_entry", "unbind_entries"]


def rearrange(layer: Module, value: Value) -> Value:
    """What a layer that only rearranges makes of a value: the same features by other names."""
    axes = len(value.shape) + 1
    if isinstance(layer, nn.Flatten):
        start, end = (dim % axes - 1 for dim in (layer.start_dim, layer.end_dim))
        if 0 <= start <= end and is_axis(layer.start_dim, axes) and is_axis(layer.end_dim, axes):
            return Value(merge_axes(value.shape, start, end), value.slices)
    if isinstance(layer, nn.Unflatten) and is_axis(layer.dim, axes) and layer.dim % axes:
        axis, sizes = layer.dim % axes - 1, [*layer.unflattened_size]
        if -1 in sizes:
            sizes[sizes.index(-1)] = value.shape[axis] // max(1, -prod(sizes))
        if min(sizes) > 0 and prod(sizes) == value.shape[axis]:
            return Value((*value.shape[:axis], *sizes, *value.shape[axis + 1 :]), value.slices)
    if (
        isinstance(layer, nn.Select)
        and layer.dim == 1
        and -value.shape[0] <= layer.index < value.shape[0]
    ):
        return select_entry(value, layer.index % value.shape[0])
    raise Unsupported(f"{layer.label()} of samples {value.shape}")


def unbind_entries(layer: nn.Unbind, lanes: list[Value]) -> tuple[list[Value], ...]:
    """Each entry of the first axis after the samples, of each lane."""
    shape = lanes[0].shape
    if not shape or layer.dim % (len(shape) + 1) != 1:
        raise Unsupported(f"{layer.label()} of samples {shape}")
    return tuple([select_entry(value, i) for value in lanes] for i in range(shape[0]))


def select_entry(value: Value, index: int) -> Value:
    """One entry of the first axis after the samples."""
    shape = value.shape[1:]
    size = prod(shape)
    return Value(shape, value.slice_range(index * size, (index + 1) * size))


def is_axis(dim: int, axes: int) -> bool:
    """Whether it is one of so many dimensions, counted from either end."""
    return -axes <= dim < axes


def merge_axes(shape: tuple[int, ...], start: int, end: int) -> tuple[int, ...]:
    """The shape with the axes from start to end as one."""
    return (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :])
