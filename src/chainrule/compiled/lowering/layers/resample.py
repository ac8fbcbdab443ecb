"""From layers whose entries are weighted sums of a channel's entries to a program's operations."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, product
from typing import TypeAlias

import torch

from chainrule import nn
from chainrule.compiled.lowering.ir import Resample
from chainrule.compiled.lowering.layers.windows import add_margin, as_images, drop_height
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value, side_by_side
from chainrule.nn.layers.padding import ConstantPad, PadLayer, SourcePad
from chainrule.nn.layers.upsample import Places
from chainrule.nn.ops.padding import PadWidths, pad

__all__ = ["Taps", "add_resampling", "lower_pad", "lower_upsample", "padding_taps"]

Taps: TypeAlias = Sequence[Sequence[tuple[int, float]]]
"""What each entry along an axis is made of: (entry, weight)."""


def lower_upsample(program: Program, layer: nn.Upsample, lanes: list[Value]) -> list[Value]:
    """Each lane with other sizes, in a new buffer."""
    _, *sizes = lanes[0].shape or (0,)
    if not layer.can_resize(sizes):
        raise Unsupported(f"{layer.label()} of samples {lanes[0].shape}")
    places = layer.find_places(sizes)
    taps = [place_taps(found, n) for found, n in zip(places, sizes, strict=True)]
    images = as_images(layer, lanes, len(sizes))
    made = add_resampling(program, images, *([[[(0, 1.0)]], *taps][-2:]))
    return drop_height(made, len(sizes))


def place_taps(places: Places, n: int) -> Taps:
    """(1 − w) x[l] + w x[l + 1] along an axis of n entries."""
    low = places.low.tolist()
    if places.part is None:
        return [[(i, 1.0)] for i in low]
    parts = zip(low, places.part.tolist(), strict=True)
    return [[(i, 1 - w), (min(i + 1, n - 1), w)] for i, w in parts]


def lower_pad(program: Program, layer: PadLayer, lanes: list[Value]) -> list[Value]:
    """Each lane with a margin, in a new buffer."""
    images = as_images(layer, lanes, layer.axes)
    edges = [(0, 0), *layer.edges][-2:]
    if isinstance(layer, ConstantPad):
        pairs = zip(images[0].shape[1:], edges, strict=True)
        if any(n + a + b < 1 or n + min(a, 0) + min(b, 0) < 0 for n, (a, b) in pairs):
            raise Unsupported(f"{layer.label()} of samples {lanes[0].shape}")
        made = add_margin(program, images, edges, float(layer.value))
    elif isinstance(layer, SourcePad):
        made = add_resampling(
            program, images, *padding_taps(images[0].shape[1:], edges, layer.mode)
        )
    return drop_height(made, layer.axes)


def padding_taps(sizes: Sequence[int], edges: PadWidths, mode: str) -> list[Taps]:
    """Where the entries of a margin, and within it, are from, for each axis."""
    sources = (
        pad(torch.arange(n), [pair], mode)[0].tolist() for n, pair in zip(sizes, edges, strict=True)
    )
    return [[[(i, 1.0)] for i in found] for found in sources]


def add_resampling(program: Program, lanes: list[Value], rows: Taps, columns: Taps) -> list[Value]:
    """Each lane (C, H, W) as (C, h, w), what is said for its rows and columns, in a new buffer."""
    x, (C, H, W) = program.join_lanes(lanes), lanes[0].shape
    h, w, n = len(rows), len(columns), len(lanes) * program.batch_columns
    y = Slice(program.add_buffer(C * h * w, len(lanes)), 0, C * h * w)
    taps = [
        [(i * W + j, a * b) for (i, a), (j, b) in product(*pair)] for pair in product(rows, columns)
    ]
    flat = [tap for found in taps for tap in found]
    op = Resample(
        x=program.address(x)[0],
        y=program.address(y)[0],
        n=n,
        C=C,
        channel_size=H * W * n,
        pixels=h * w,
        starts=torch.tensor([0, *accumulate(map(len, taps))]),
        sources=torch.tensor([i * n for i, _ in flat], dtype=torch.int64),
        weights=torch.tensor([weight for _, weight in flat], dtype=torch.float64),
    )
    program.add_reader(op, x, len(lanes))
    if x.buffer in program.constants:
        program.constants.add(y.buffer)
    return side_by_side((C, h, w), y, len(lanes))
