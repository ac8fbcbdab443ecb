"""From transposed convolutions to a program's operations."""

from __future__ import annotations

from math import prod

from chainrule.compiled.lowering.ir import NOWHERE, TransposedConvolution
from chainrule.compiled.lowering.layers.conv import multiplies_bfloat16
from chainrule.compiled.lowering.layers.windows import (
    Windows,
    add_margin,
    as_images,
    drop_height,
    two_axes,
)
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value, side_by_side
from chainrule.nn.layers.conv_transpose import ConvTranspose

__all__ = ["lower_conv_transpose"]


def lower_conv_transpose(program: Program, layer: ConvTranspose, lanes: list[Value]) -> list[Value]:
    """The sum of W's copies, each times an entry of a lane, + b, in a new buffer."""
    if lanes[0].shape[:1] != (layer.in_channels,):
        raise Unsupported(f"{layer.label()} of samples {lanes[0].shape}")
    multiplies_bfloat16(program, layer)  # which these products do not
    lanes = as_images(layer, lanes, layer.axes)
    params, (_, h, w) = layer.params, lanes[0].shape
    kernel, stride, dilation = map(two_axes, (params.kernel, params.stride, params.dilation))
    margins = [(0, 0), *layer.margins][-2:]
    axes = zip((h, w), kernel, stride, dilation, margins, strict=True)
    H, W = ((n - 1) * s + d * (k - 1) + 1 + max(0, after) for n, k, s, d, (_, after) in axes)
    x, rows = program.join_lanes(lanes), layer.out_channels * H * W
    y = Slice(program.add_buffer(rows, len(lanes)), 0, rows)
    windows = Windows(kernel, stride, dilation, (H, W), (h, w))
    for group in range(layer.groups):
        add_transposed_convolution(program, layer, windows, x, y, group, len(lanes))
    made = side_by_side((layer.out_channels, H, W), y, len(lanes))
    cut = [(before, min(0, after)) for before, after in margins]
    if any(a or b for a, b in cut):
        made = add_margin(program, made, cut, 0.0)
    return drop_height(made, layer.axes)


def add_transposed_convolution(
    program: Program,
    layer: ConvTranspose,
    windows: Windows,
    x: Slice,
    y: Slice,
    group: int,
    lanes: int,
) -> None:
    """One group of a layer's channels, from its part of x to its part of y."""
    (H, W), (h, w) = windows.image, windows.output
    O, C = layer.in_channels // layer.groups, layer.out_channels // layer.groups  # noqa: E741
    n, weights = lanes * program.batch_columns, O * C * prod(windows.kernel)
    x = x._replace(row=x.row + group * O * h * w, rows=O * h * w)
    y = y._replace(row=y.row + group * C * H * W, rows=C * H * W)
    run_length, run_offsets = windows.find_runs(n)
    bias = program.parameter_offset(layer.bias)
    op = TransposedConvolution(
        weight=program.parameter_offset(layer.weight) + group * weights,
        bias=bias if bias == NOWHERE else bias + group * C,
        x=program.address(x)[0],
        y=program.address(y)[0],
        n=n,
        C=C,
        H=H,
        W=W,
        O=O,
        h=h,
        w=w,
        window_size=prod(windows.kernel),
        num_runs=len(run_offsets),
        run_length=run_length,
        window_offsets=windows.entry_offsets(C, n),
        run_offsets=run_offsets,
        workspace=program.add_workspace(weights, 0),
    )
    program.add_reader(op, x, lanes)
