"""From normalizations to a program's operations."""

from __future__ import annotations

from math import prod

import torch

from chainrule import nn
from chainrule.compiled.lowering.ir import NOWHERE, BatchNormalize, Normalize
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value, side_by_side

__all__ = ["lower_batch_norm", "lower_group_norm", "lower_instance_norm", "lower_layer_norm"]


def lower_layer_norm(
    program: Program, layer: nn.LayerNorm | nn.RMSNorm, lanes: list[Value]
) -> list[Value]:
    """Each lane's last axes normalized."""
    shape, normalized = lanes[0].shape, layer.normalized_shape
    if shape[len(shape) - len(normalized) :] != normalized:
        raise Unsupported(f"{layer.label()} of samples {shape}")
    size = prod(normalized)
    return add_normalization(program, layer, lanes, size, size, 1)


def lower_group_norm(program: Program, layer: nn.GroupNorm, lanes: list[Value]) -> list[Value]:
    """Each lane's groups of channels normalized."""
    shape = lanes[0].shape
    if shape[:1] != (layer.num_channels,):
        raise Unsupported(f"{layer.label()} of samples {shape}")
    group_rows = prod(shape) // layer.num_groups
    return add_normalization(program, layer, lanes, group_rows, layer.num_channels, prod(shape[1:]))


def lower_instance_norm(
    program: Program, layer: nn.InstanceNorm1d | nn.InstanceNorm2d, lanes: list[Value]
) -> list[Value]:
    """Each channel of each lane normalized."""
    shape, pixels = lanes[0].shape, prod(lanes[0].shape[1:])
    if layer.track_running_stats:
        raise Unsupported(f"{layer.label()} with running statistics")
    if len(shape) != 1 + layer.axes or shape[0] != layer.num_features or pixels < 2:
        raise Unsupported(f"{layer.label()} of samples {shape}")
    return add_normalization(program, layer, lanes, pixels, layer.num_features, pixels)


def add_normalization(
    program: Program,
    layer: nn.LayerNorm | nn.RMSNorm | nn.GroupNorm | nn.InstanceNorm1d | nn.InstanceNorm2d,
    lanes: list[Value],
    group_rows: int,
    weights: int,
    rows_per_weight: int,
) -> list[Value]:
    """Each lane normalized within a sample, over so many rows, in a new buffer."""
    shape, rows = lanes[0].shape, prod(lanes[0].shape)
    x = program.join_lanes(lanes)
    y = Slice(program.add_buffer(rows, len(lanes)), 0, rows)
    moments = program.add_buffer(2 * rows // group_rows, len(lanes))
    program.constants.add(moments)
    op = Normalize(
        weight=program.parameter_offset(layer.weight),
        bias=program.parameter_offset(layer.bias),
        x=program.address(x)[0],
        y=program.address(y)[0],
        moments=program.buffers[moments].offset,
        rows=rows,
        n=len(lanes) * program.batch_columns,
        group_rows=group_rows,
        rows_per_weight=rows_per_weight,
        weights=weights,
        eps=-1.0 if layer.eps is None else layer.eps,
        centred=not isinstance(layer, nn.RMSNorm),
    )
    program.add_reader(op, x, len(lanes))
    return side_by_side(shape, y, len(lanes))


def lower_batch_norm(
    program: Program, layer: nn.BatchNorm1d | nn.BatchNorm2d, lanes: list[Value]
) -> list[Value]:
    """Each channel normalized over a batch, which may be of several lanes, in a new buffer."""
    shape, rows = lanes[0].shape, prod(lanes[0].shape)
    if len(shape) + 1 not in layer.dims or shape[0] != layer.num_features:
        raise Unsupported(f"{layer.label()} of samples {shape}")
    learns = program.training
    if not learns and layer.running_mean is None:
        raise Unsupported(f"{layer.label()}, which needs all samples at once")
    program.whole_batch |= learns
    x, channels = program.join_lanes(lanes), layer.num_features
    y = Slice(program.add_buffer(rows, len(lanes)), 0, rows)
    together = program.batch_lanes if learns else [*range(len(lanes))]
    op = BatchNormalize(
        training=learns,
        weight=program.parameter_offset(layer.weight),
        bias=program.parameter_offset(layer.bias),
        running_mean=program.running_number(layer.running_mean),
        running_var=program.running_number(layer.running_var),
        num_batches=program.running_number(layer.num_batches_tracked),
        x=program.address(x)[0],
        y=program.address(y)[0],
        n=len(lanes) * program.batch_columns,
        channels=channels,
        pixels=rows // channels,
        lanes=torch.tensor(together),
        num_lanes=len(together),
        moments=program.add_workspace(3 * channels, 0) if learns else NOWHERE,
        eps=layer.eps,
        momentum=-1.0 if layer.momentum is None else layer.momentum,
    )
    program.add_reader(op, x, len(together))
    return side_by_side(shape, y, len(lanes))
