"""From layers to a program's operations.

What has no form here raises Unsupported, and is trained on the plain path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from chainrule import nn
from chainrule.compiled.lowering.ir import StoreOutput
from chainrule.compiled.lowering.layers.activations import (
    ACTIVATIONS,
    ELEMENTWISE,
    MAPS,
    lower_activation,
    lower_next_activation,
)
from chainrule.compiled.lowering.layers.attention import (
    add_attention,
    check_sequence,
    lower_attention,
    lower_positions,
)
from chainrule.compiled.lowering.layers.comparison import lower_less_equal
from chainrule.compiled.lowering.layers.conv import lower_conv
from chainrule.compiled.lowering.layers.conv_transpose import lower_conv_transpose
from chainrule.compiled.lowering.layers.dropout import lower_dropout, lower_step_dropout
from chainrule.compiled.lowering.layers.embedding import lower_embedding
from chainrule.compiled.lowering.layers.linear import lower_linear
from chainrule.compiled.lowering.layers.normalization import (
    lower_batch_norm,
    lower_group_norm,
    lower_instance_norm,
    lower_layer_norm,
)
from chainrule.compiled.lowering.layers.pooling import (
    lower_adaptive_pool,
    lower_maxout,
    lower_pool,
)
from chainrule.compiled.lowering.layers.recurrent import lower_recurrent
from chainrule.compiled.lowering.layers.resample import lower_pad, lower_upsample
from chainrule.compiled.lowering.loss import Outputs
from chainrule.compiled.lowering.program import (
    INPUTS,
    Program,
    Slice,
    Unsupported,
    Value,
    join_entries,
    side_by_side,
    split_entries,
)
from chainrule.nn.layers.conv import ConvBase
from chainrule.nn.module import Module

__all__ = ["lower_net", "write_outputs"]

ADAPTIVE_POOLS: list[type[Module]] = [
    nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool1d,
    nn.AdaptiveMaxPool2d,
]
PADS: list[type[Module]] = [
    *(nn.ZeroPad1d, nn.ZeroPad2d, nn.ConstantPad1d, nn.ConstantPad2d),
    *(nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReplicationPad1d, nn.ReplicationPad2d),
    *(nn.CircularPad1d, nn.CircularPad2d),
]

LOWERINGS: dict[type[Module], Callable[[Program, Any, list[Value]], list[Value]]] = {
    **dict.fromkeys([*ACTIVATIONS, *MAPS, nn.PReLU, nn.GLU, nn.Softmin], lower_activation),
    **dict.fromkeys([nn.Conv1d, nn.Conv2d], lower_conv),
    **dict.fromkeys([nn.ConvTranspose1d, nn.ConvTranspose2d], lower_conv_transpose),
    **dict.fromkeys([nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d], lower_pool),
    **dict.fromkeys(ADAPTIVE_POOLS, lower_adaptive_pool),
    nn.Upsample: lower_upsample,
    nn.Maxout: lower_maxout,
    nn.LayerNorm: lower_layer_norm,
    nn.RMSNorm: lower_layer_norm,
    nn.GroupNorm: lower_group_norm,
    nn.InstanceNorm1d: lower_instance_norm,
    nn.InstanceNorm2d: lower_instance_norm,
    nn.BatchNorm1d: lower_batch_norm,
    nn.BatchNorm2d: lower_batch_norm,
    nn.LessEqualProbability: lower_less_equal,
    nn.Embedding: lower_embedding,
}
"""The layers that make a new buffer, which is all the lanes: an activation after is done there."""


LOOKING_AHEAD: dict[
    type[Module], Callable[[Program, Any, list[Value], list[Module]], list[Value]]
] = {
    nn.Linear: lower_linear,
    **dict.fromkeys([nn.RNN, nn.LSTM, nn.GRU], lower_recurrent),
    nn.MultiheadAttention: lower_attention,
}
"""Those that may take the next layer along, from those that remain."""


def lower_net(program: Program, net: Module, shape: tuple[int, ...]) -> Outputs:
    """All operations of a net on samples of this shape."""
    for module in net.modules():
        if module.replicas != net.replicas and type(module) not in ELEMENTWISE:
            raise Unsupported(f"{module.label()}, which has not the net's replicas")
    *layers, last = flatten_sequential(net) or [nn.Identity()]
    lanes = [Value(shape, [Slice(INPUTS, 0, prod(shape))])]
    if isinstance(last, nn.Heads):
        lanes = lower_layers(program, layers, lanes)
        return {name: lower_branch(program, head, lanes)[0] for name, head in last.heads.items()}
    return {"": lower_layers(program, [*layers, last], lanes)[0]}


def flatten_sequential(layer: Module) -> list[Module]:
    """The layers of a Sequential, and of those within it, as one list."""
    if not isinstance(layer, nn.Sequential):
        return [layer]
    return [inner for child in layer for inner in flatten_sequential(child)]


def lower_layers(program: Program, layers: Sequence[Module], lanes: list[Value]) -> list[Value]:
    """The operations of a chain of layers on each lane."""
    remaining = list(layers)
    while remaining:
        layer = remaining.pop(0)
        if type(layer) in LOOKING_AHEAD:
            lanes = LOOKING_AHEAD[type(layer)](program, layer, lanes, remaining)
        elif type(layer) in LOWERINGS:
            lanes = LOWERINGS[type(layer)](program, layer, lanes)
            if type(layer) not in ACTIVATIONS:
                bias = layer.bias if isinstance(layer, ConvBase) else None
                lower_next_activation(program, remaining, lanes, bias)
        elif type(layer) in CONTAINERS:
            lanes = CONTAINERS[type(layer)](program, layer, lanes)
        else:
            lanes = [rearrange(layer, value) for value in lanes]
    return lanes


def lower_branch(program: Program, module: Module, lanes: list[Value]) -> list[Value]:
    """The operations of a module, which may be a chain of them."""
    return lower_layers(program, flatten_sequential(module), lanes)


def lower_residual(program: Program, layer: nn.Residual, lanes: list[Value]) -> list[Value]:
    """x + f(x) of each lane."""
    lanes = program.gather(lanes)
    return add_branches(program, layer, [lanes, lower_branch(program, layer.module, lanes)])


def lower_sum(program: Program, layer: nn.Sum, lanes: list[Value]) -> list[Value]:
    """f₁(x) + f₂(x) + … of each lane."""
    lanes = program.gather(lanes)
    return add_branches(program, layer, [lower_branch(program, each, lanes) for each in layer])


def add_branches(program: Program, layer: Module, branches: list[list[Value]]) -> list[Value]:
    """The sum of what the branches made of each lane, in a new buffer."""
    shapes = {value.shape for lanes in branches for value in lanes}
    if len(shapes) != 1:
        raise Unsupported(f"{layer.label()} of outputs {sorted(shapes)}")
    (shape,), lanes = shapes, len(branches[0])
    out = Slice(program.add_buffer(prod(shape), lanes), 0, prod(shape))
    for i, branch in enumerate(branches):
        program.write_map(branch, out, accumulate=i > 0)
    return side_by_side(shape, out, lanes)


def lower_concat(program: Program, layer: nn.Concat, lanes: list[Value]) -> list[Value]:
    """The outputs of the branches, one after the other along an axis: they stay where they are."""
    lanes = program.gather(lanes)
    branches = [lower_branch(program, each, lanes) for each in layer]
    return [join_values(layer, parts) for parts in zip(*branches, strict=True)]


def join_values(layer: nn.Concat, parts: Sequence[Value]) -> Value:
    """Values as one, joined along the layer's axis."""
    first = parts[0].shape
    axis = layer.dim % (len(first) + 1) - 1
    if axis < 0 or any(
        part.shape[:axis] + part.shape[axis + 1 :] != first[:axis] + first[axis + 1 :]
        for part in parts
    ):
        raise Unsupported(f"{layer.label()} of outputs {[part.shape for part in parts]}")
    inner = prod(first[axis + 1 :])
    sizes = [part.shape[axis] * inner for part in parts]
    slices = [
        piece
        for i in range(prod(first[:axis]))
        for part, size in zip(parts, sizes, strict=True)
        for piece in part.slice_range(i * size, (i + 1) * size)
    ]
    return Value((*first[:axis], sum(sizes) // inner, *first[axis + 1 :]), slices)


def lower_siamese(program: Program, layer: nn.Siamese, lanes: list[Value]) -> list[Value]:
    """Shared, its module sees twice as many lanes; else each module its half."""
    if any(value.shape[:1] != (2,) for value in lanes):
        raise Unsupported(f"Siamese of samples {lanes[0].shape}")
    halves = [[select_entry(value, i) for value in lanes] for i in range(2)]
    if layer.share:
        groups, m, used = program.lane_groups, len(lanes), program.used_in_turn
        pairs = [[(i, i + m) for i in group] for group in groups]
        if layer.joint_batch or not layer.module.depends_on_batch:
            program.lane_groups = [[lane for pair in group for lane in pair] for group in pairs]
        else:
            program.used_in_turn = set() if used is None else used
            program.lane_groups = [
                list(half) for group in pairs for half in zip(*group, strict=True)
            ]
        both = lower_branch(program, layer.module, [*halves[0], *halves[1]])
        program.lane_groups, program.used_in_turn = groups, used
        first, second = both[: len(lanes)], both[len(lanes) :]
    else:
        first = lower_branch(program, layer.module, halves[0])
        second = lower_branch(program, layer.other, halves[1])
    return [
        Value((2, *a.shape), [*a.slices, *b.slices]) for a, b in zip(first, second, strict=True)
    ]


def select_entry(value: Value, index: int) -> Value:
    """One entry of the first axis after the samples."""
    shape = value.shape[1:]
    size = prod(shape)
    return Value(shape, value.slice_range(index * size, (index + 1) * size))


def lower_encoder_layer(
    program: Program, layer: nn.TransformerEncoderLayer, lanes: list[Value]
) -> list[Value]:
    """Attention and a net of two layers, each added to what it is given; a step is a lane here."""
    T = check_sequence(layer.self_attn, lanes, layer.d_model)

    def attend(steps: list[Value]) -> list[Value]:
        seen = add_attention(program, layer.self_attn, steps, T)
        return lower_step_dropout(program, layer.drop1, seen, T)

    def feed_forward(steps: list[Value]) -> list[Value]:
        inner = lower_layers(program, [layer.linear1, layer.f], steps)
        inner = lower_step_dropout(program, layer.drop, inner, T)
        outer = lower_layers(program, [layer.linear2], inner)
        return lower_step_dropout(program, layer.drop2, outer, T)

    steps = program.gather(split_entries(lanes))
    for norm, branch in ((layer.norm1, attend), (layer.norm2, feed_forward)):
        if layer.norm_first:
            normed = lower_layer_norm(program, norm, steps)
            steps = add_branches(program, layer, [steps, branch(normed)])
        else:
            steps = add_branches(program, layer, [steps, branch(steps)])
            steps = lower_layer_norm(program, norm, steps)
    return join_entries(steps, T)


CONTAINERS: dict[type[Module], Callable[[Program, Any, list[Value]], list[Value]]] = {
    nn.Siamese: lower_siamese,
    nn.Residual: lower_residual,
    nn.Sum: lower_sum,
    nn.Concat: lower_concat,
    nn.Sequential: lower_branch,
    nn.Dropout: lower_dropout,
    nn.Dropout2d: lower_dropout,
    nn.TransformerEncoderLayer: lower_encoder_layer,
    nn.PositionalEncoding: lower_positions,
    **dict.fromkeys(PADS, lower_pad),
}
"""The modules whose lanes are anywhere, those that are made of others, and dropout; and padding,
whose zeros are written once, so that nothing is done in their place."""


def rearrange(layer: Module, value: Value) -> Value:
    """What a layer that only rearranges makes of a value: the same features by other names."""
    if isinstance(layer, nn.Identity):
        return value
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


def is_axis(dim: int, axes: int) -> bool:
    """Whether it is one of so many dimensions, counted from either end."""
    return -axes <= dim < axes


def merge_axes(shape: tuple[int, ...], start: int, end: int) -> tuple[int, ...]:
    """The shape with the axes from start to end as one."""
    return (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :])


def write_outputs(program: Program, outputs: Outputs) -> dict[str, tuple[int, ...]]:
    """Write each output to memory: the shape of a sample of it."""
    for head, value in enumerate(outputs.values()):
        features, first = prod(value.shape), 0
        for piece in program.gather([value])[0].slices:
            x, ldx = program.address(piece)
            program.ops.append(StoreOutput(head, features, first, piece.rows, x, ldx))
            first += piece.rows
    return {name: value.shape for name, value in outputs.items()}
