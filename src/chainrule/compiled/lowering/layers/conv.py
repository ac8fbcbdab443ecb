"""From convolutions to a program's operations.

Images (C, H, W) are rows of samples, one a pixel: a window is a list of rows, and windows that are
neighbours along W, with a stride of 1, are one longer row.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import torch

from chainrule import nn
from chainrule.compiled.lowering.ir import NOWHERE, Convolution
from chainrule.compiled.lowering.layers.resample import add_resampling, padding_taps
from chainrule.compiled.lowering.layers.windows import (
    Windows,
    add_margin,
    as_images,
    count_windows,
    drop_height,
    two_axes,
)
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value, side_by_side
from chainrule.nn.layers.conv import ConvBase

__all__ = ["CACHE_LINE", "lower_conv", "multiplies_bfloat16"]

CACHE_LINE = 16
"""Numbers of at least one line of the cache, as in winograd.h."""
WINOGRAD_TILES: dict[tuple[int, ...], tuple[int, ...]] = {(3, 3): (2, 3, 4, 5), (2, 2): (2, 3)}
"""The windows that winograd.h knows; its tiles have so many results along an axis."""
WIDE_VECTOR, MAX_NARROW_TILE = 64, 4
"""Larger tiles are for vectors of so many bytes: with narrower ones two layers' gradients were off
by 3.2 times as much as the layers' own, where 3 is the most that is allowed."""
BFLOAT16_TILES: dict[tuple[int, ...], tuple[int, ...]] = {(3, 3): (2,), (2, 2): (2, 3)}
"""Those of products in bfloat16: larger ones would multiply what it rounds."""
BFLOAT16_SPEED = 1.8
"""So many products in bfloat16 take as long as one in float32: on a Zen 5 1.5 to 1.8."""
WINOGRAD_CHANNELS = 4
"""Of x, at least: with fewer the additions cost more than the products that they save. A first
layer 3 x 3 of 32 channels took 0.61 ms as it is defined and 0.93 so with 1 channel, 0.91 and 1.10
with 3."""
WINOGRAD_ADDITIONS = 6
"""The additions for an entry of a tile take as long as so many products, for each channel of x
and y: with 4 to 64 channels of images of 9 to 144 results, 6 tells best which way is faster."""
WINOGRAD_COLUMNS = 96
"""Columns of the matrices there, for tiles and samples: enough for a product, few for the cache."""


def lower_conv(program: Program, layer: nn.Conv1d | nn.Conv2d, lanes: list[Value]) -> list[Value]:
    """W ⋆ x + b of each lane, in a new buffer; a row is an image one pixel high."""
    if lanes[0].shape[:1] != (layer.in_channels,):
        raise Unsupported(f"{layer.label()} of samples {lanes[0].shape}")
    lanes = lower_padding(program, layer, as_images(layer, lanes, layer.axes))
    _, H, W = lanes[0].shape
    params = layer.params
    kernel, stride, dilation = map(two_axes, (params.kernel, params.stride, params.dilation))
    h, w = count_windows(layer, (H, W), kernel, stride, dilation)
    x, rows = program.join_lanes(lanes), layer.out_channels * h * w
    y = Slice(program.add_buffer(rows, len(lanes)), 0, rows)
    windows = Windows(kernel, stride, dilation, (H, W), (h, w))
    for group in range(layer.groups):
        add_convolution(program, layer, windows, x, y, group, len(lanes))
    return drop_height(side_by_side((layer.out_channels, h, w), y, len(lanes)), layer.axes)


def add_convolution(
    program: Program,
    layer: nn.Conv1d | nn.Conv2d,
    windows: Windows,
    x: Slice,
    y: Slice,
    group: int,
    lanes: int,
) -> None:
    """One group of a layer's channels, from its part of x to its part of y."""
    kernel, (H, W), (h, w) = windows.kernel, windows.image, windows.output
    C, O = layer.in_channels // layer.groups, layer.out_channels // layer.groups  # noqa: E741
    n, weights = lanes * program.batch_columns, O * C * prod(kernel)
    x = x._replace(row=x.row + group * C * H * W, rows=C * H * W)
    y = y._replace(row=y.row + group * O * h * w, rows=O * h * w)
    run_length, run_offsets = windows.find_runs(n)
    sizes = C, O, h, w
    tile, bfloat16 = choose_tile(program, layer, windows, sizes)
    block, kept, scratch = Block(0, 0), weights, 0
    if tile:
        block, kept, scratch = winograd_sizes(kernel[0], tile, bfloat16, sizes, n)
    bias = program.parameter_offset(layer.bias)
    op = Convolution(
        weight=program.parameter_offset(layer.weight) + group * weights,
        bias=bias if bias == NOWHERE else bias + group * O,
        x=program.address(x)[0],
        y=program.address(y)[0],
        n=n,
        C=C,
        H=H,
        W=W,
        O=O,
        h=h,
        w=w,
        window_size=prod(kernel),
        num_runs=len(run_offsets),
        run_length=run_length,
        window_offsets=windows.entry_offsets(C, n),
        run_offsets=run_offsets,
        winograd=kernel[0] if tile else 0,
        tile=tile,
        bfloat16=bfloat16,
        block_tiles=block.tiles,
        block_samples=block.samples,
        workspace=program.add_workspace(kept, scratch),
    )
    program.add_reader(op, x, lanes)


def choose_tile(
    program: Program, layer: ConvBase, windows: Windows, sizes: tuple[int, int, int, int]
) -> tuple[int, bool]:
    """As :func:`select_tile`; (0, False) as well where its windows are of another kind."""
    C, O, channels = *sizes[:2], program.bfloat16_channels  # noqa: E741
    bfloat16 = multiplies_bfloat16(program, layer) and C % channels == O % channels == 0
    if max(*windows.stride, *windows.dilation) > 1 or C < WINOGRAD_CHANNELS:
        return 0, False
    return select_tile(windows.kernel, sizes, bfloat16, program.vector_bytes)


def multiplies_bfloat16(program: Program, layer: ConvBase) -> bool:
    """Whether the layer is to multiply in bfloat16."""
    if layer.matmul_dtype is None:
        return False
    if layer.matmul_dtype != torch.bfloat16:
        raise Unsupported(f"products in {layer.matmul_dtype}")
    if not program.bfloat16_channels:
        raise Unsupported(
            "products in torch.bfloat16 but for a float32 net on a processor with AVX512-BF16"
        )
    return True


class Block(NamedTuple):
    """So many of Winograd's tiles, of so many samples, are done at a time."""

    tiles: int
    samples: int


def winograd_block(tiles: int, n: int) -> Block:
    """What ``WINOGRAD_COLUMNS`` have room for, of all tiles of n samples, whole lines of them.

    Blocks are as equal as can be: three tiles and then one take longer than two and two.
    """
    parts = -(-n // WINOGRAD_COLUMNS)
    samples = min(n, -(-n // parts // CACHE_LINE) * CACHE_LINE)
    blocks = -(-tiles // max(1, WINOGRAD_COLUMNS // samples))
    return Block(-(-tiles // blocks), samples)


def count_tiles(tile: int, h: int, w: int) -> int:
    """Of tile x tile results each, so many as h x w results need."""
    return -(-h // tile) * -(-w // tile)


def select_tile(
    kernel: Sequence[int], sizes: tuple[int, int, int, int], bfloat16: bool, vector_bytes: int
) -> tuple[int, bool]:
    """The size of the tiles that take least, and whether their products are in bfloat16.

    (0, False): no tiles are worth it. With ``bfloat16`` the larger ones of float32 may take less.
    """
    C, O, h, w = sizes  # noqa: E741
    additions = WINOGRAD_ADDITIONS * (C + O)
    costs = {
        (M, rounded): count_products(kernel, M, h, w) * (C * O / speed + additions)
        for rounded, all_tiles, speed in (
            (False, WINOGRAD_TILES, 1.0),
            (True, BFLOAT16_TILES if bfloat16 else {}, BFLOAT16_SPEED),
        )
        for M in all_tiles.get(tuple(kernel), ())
        if M <= MAX_NARROW_TILE or vector_bytes >= WIDE_VECTOR
    }
    as_defined = h * w * prod(kernel) * C * O
    best = min(costs, key=lambda each: costs[each], default=(0, False))
    return best if costs.get(best, as_defined) < as_defined else (0, False)


def count_products(kernel: Sequence[int], tile: int, h: int, w: int) -> int:
    """Of a pair of channels of h x w results in tiles of this size."""
    return count_tiles(tile, h, w) * (tile + kernel[0] - 1) ** 2


def winograd_sizes(
    window: int, tile: int, bfloat16: bool, sizes: tuple[int, int, int, int], n: int
) -> tuple[Block, int, int]:
    """What is done at a time, and how many numbers that keeps for a step and needs meanwhile."""
    C, O, h, w = sizes  # noqa: E741
    tiles = count_tiles(tile, h, w)
    block = winograd_block(tiles, n)
    products, columns = (tile + window - 1) ** 2, block.tiles * block.samples
    blocks = -(-tiles // block.tiles) * -(-n // block.samples)
    v, m, pairs = C * columns + CACHE_LINE, O * columns + CACHE_LINE, max(C, O) * columns // 2
    kept = (2 + bfloat16) * products * C * O + bfloat16 * blocks * products * v // 2
    scratch = block.samples + products * (v + m) + bfloat16 * (products * m // 2 + pairs)
    return block, kept, scratch


def lower_padding(
    program: Program, layer: nn.Conv1d | nn.Conv2d, lanes: list[Value]
) -> list[Value]:
    """The lanes (C, H, W) with the layer's margin."""
    edges = [(0, 0), *layer.edges][-2:]
    if not any(a + b for a, b in edges):
        return lanes
    if layer.padding_mode == "zeros":
        return add_margin(program, lanes, edges, 0.0)
    taps = padding_taps(lanes[0].shape[1:], edges, layer.padding_mode)
    return add_resampling(program, lanes, *taps)
