"""From layers to a program's operations.

What has no form here raises Unsupported, and is trained on the plain path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any

from chainrule import nn
from chainrule._util.words import count_noun
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
from chainrule.compiled.lowering.layers.branches import add_branches, join_values
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
from chainrule.compiled.lowering.layers.reshape import rearrange, select_entry, unbind_entries
from chainrule.compiled.lowering.outputs import OutputKey, Outputs
from chainrule.compiled.lowering.program import (
    INPUTS,
    Lanes,
    Program,
    Slice,
    Unsupported,
    Value,
    join_entries,
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
    lanes: Lanes = [Value(shape, [Slice(INPUTS, 0, prod(shape))])]
    if isinstance(last, nn.Heads):
        lanes = lower_layers(program, layers, lanes)
        branches = {name: lower_branch(program, f, lanes) for name, f in last.heads.items()}
        return {name: to_output(branch) for name, branch in branches.items()}
    return {"": to_output(lower_layers(program, [*layers, last], lanes))}


def to_output(lanes: Lanes) -> Value | tuple[Value, ...]:
    """What a net has given, of its only lane."""
    if not isinstance(lanes, tuple):
        return lanes[0]
    if any(isinstance(each, tuple) for each in lanes):
        raise Unsupported("several outputs within one of several outputs")
    return tuple(each[0] for each in lanes if not isinstance(each, tuple))


def flatten_sequential(layer: Module) -> list[Module]:
    """The layers of a Sequential, and of those within it, as one list."""
    if not isinstance(layer, nn.Sequential):
        return [layer]
    return [inner for child in layer for inner in flatten_sequential(child)]


def lower_layers(program: Program, layers: Sequence[Module], lanes: Lanes) -> Lanes:
    """The operations of a chain of layers on each lane."""
    remaining = list(layers)
    while remaining:
        layer = remaining.pop(0)
        if type(layer) in CONTAINERS:
            lanes = CONTAINERS[type(layer)](program, layer, lanes)
        elif isinstance(lanes, tuple):
            raise Unsupported(f"{layer.label()} of {count_noun(len(lanes), 'value')}")
        elif type(layer) in LOOKING_AHEAD:
            lanes = LOOKING_AHEAD[type(layer)](program, layer, lanes, remaining)
        elif type(layer) in LOWERINGS:
            lanes = LOWERINGS[type(layer)](program, layer, lanes)
            if type(layer) not in ACTIVATIONS:
                bias = layer.bias if isinstance(layer, ConvBase) else None
                lower_next_activation(program, remaining, lanes, bias)
        elif type(layer) in MOVING:
            lanes = MOVING[type(layer)](program, layer, lanes)
        else:
            lanes = [rearrange(layer, value) for value in lanes]
    return lanes


def lower_branch(program: Program, module: Module, lanes: Lanes) -> Lanes:
    """The operations of a module, which may be a chain of them."""
    return lower_layers(program, flatten_sequential(module), lanes)


def lower_value(program: Program, module: Module, lanes: Lanes) -> list[Value]:
    """The same of a module that gives one value. Raises Unsupported where it gives several."""
    found = lower_branch(program, module, lanes)
    if isinstance(found, tuple):
        raise Unsupported(f"{module.label()}, which gives {count_noun(len(found), 'value')}")
    return found


def gather_lanes(program: Program, lanes: Lanes) -> Lanes:
    """What several branches read, brought here once."""
    if isinstance(lanes, tuple):
        return tuple(gather_lanes(program, each) for each in lanes)
    return program.gather(lanes)


def lower_parallel(program: Program, layer: nn.Parallel, lanes: Lanes) -> Lanes:
    """Each module at its own value."""
    if not isinstance(lanes, tuple) or len(lanes) != len(layer):
        raise Unsupported(f"{layer.label()} of other than {count_noun(len(layer), 'value')}")
    return lower_each(program, layer, lanes)


def lower_each(
    program: Program, modules: Iterable[Module], lanes: tuple[Lanes, ...]
) -> tuple[Lanes, ...]:
    """Each module at one of several values."""
    pairs = zip(modules, lanes, strict=True)
    return tuple(lower_branch(program, module, each) for module, each in pairs)


def lower_unbind(program: Program, layer: nn.Unbind, lanes: Lanes) -> Lanes:
    """The entries of an axis, as several values."""
    if isinstance(lanes, tuple):
        raise Unsupported(f"{layer.label()} of {count_noun(len(lanes), 'value')}")
    return unbind_entries(layer, lanes)


def lower_item(program: Program, layer: nn.Item, lanes: Lanes) -> Lanes:
    """One of several values."""
    if not isinstance(lanes, tuple) or layer.key not in range(len(lanes)):
        raise Unsupported(f"{layer.label()} of what has no such item")
    return lanes[int(layer.key)]


def lower_residual(program: Program, layer: nn.Residual, lanes: list[Value]) -> list[Value]:
    """x + f(x) of each lane."""
    lanes = program.gather(lanes)
    return add_branches(program, layer, [lanes, lower_value(program, layer.module, lanes)])


def lower_sum(program: Program, layer: nn.Sum, lanes: Lanes) -> list[Value]:
    """f₁(x) + f₂(x) + … of each lane."""
    lanes = gather_lanes(program, lanes)
    return add_branches(program, layer, [lower_value(program, each, lanes) for each in layer])


def lower_concat(program: Program, layer: nn.Concat, lanes: Lanes) -> list[Value]:
    """The outputs of the branches, one after the other along an axis: they stay where they are."""
    lanes = gather_lanes(program, lanes)
    branches = [lower_value(program, each, lanes) for each in layer]
    return [join_values(layer, parts) for parts in zip(*branches, strict=True)]


def lower_siamese(program: Program, layer: nn.Siamese, lanes: Lanes) -> Lanes:
    """The module, or the two of them, at the halves of each lane, or at the values of a pair."""
    if isinstance(lanes, tuple):
        if len(lanes) != 2 or layer.joint_batch:
            raise Unsupported(f"{layer.label()} of {count_noun(len(lanes), 'value')}")
        modules = layer.module, layer.module if layer.share else layer.other
        return lower_each(program, modules, lanes)
    if any(value.shape[:1] != (2,) for value in lanes):
        raise Unsupported(f"Siamese of samples {lanes[0].shape}")
    first, second = lower_halves(
        program, layer, *([select_entry(value, i) for value in lanes] for i in range(2))
    )
    return [
        Value((2, *a.shape), [*a.slices, *b.slices]) for a, b in zip(first, second, strict=True)
    ]


def lower_halves(
    program: Program, layer: nn.Siamese, first: list[Value], second: list[Value]
) -> tuple[list[Value], list[Value]]:
    """Shared, the module sees twice as many lanes; one that looks at a batch sees one by one."""
    if layer.joint_batch or (layer.share and not layer.module.depends_on_batch):
        m, order = len(first), program.batch_lanes
        program.batch_lanes = [lane for i in order for lane in (i, i + m)]
        both = lower_value(program, layer.module, [*first, *second])
        program.batch_lanes = order
        return both[:m], both[m:]
    other = layer.module if layer.share else layer.other
    return lower_value(program, layer.module, first), lower_value(program, other, second)


def lower_encoder_layer(
    program: Program, layer: nn.TransformerEncoderLayer, lanes: list[Value]
) -> list[Value]:
    """Attention and a net of two layers, each added to what it is given; a step is a lane here."""
    T = check_sequence(layer.self_attn, lanes, layer.d_model)

    def attend(steps: list[Value]) -> list[Value]:
        seen = add_attention(program, layer.self_attn, steps, T)
        return lower_step_dropout(program, layer.drop1, seen, T)

    def feed_forward(steps: list[Value]) -> list[Value]:
        inner = lower_value(program, nn.Sequential(layer.linear1, layer.f), steps)
        inner = lower_step_dropout(program, layer.drop, inner, T)
        outer = lower_value(program, layer.linear2, inner)
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


CONTAINERS: dict[type[Module], Callable[[Program, Any, Any], Lanes]] = {
    nn.Identity: lambda program, layer, lanes: lanes,
    nn.Siamese: lower_siamese,
    nn.Sum: lower_sum,
    nn.Concat: lower_concat,
    nn.Sequential: lower_branch,
    nn.Parallel: lower_parallel,
    nn.Unbind: lower_unbind,
    nn.Item: lower_item,
}
"""The modules that take or give several values."""

MOVING: dict[type[Module], Callable[[Program, Any, list[Value]], list[Value]]] = {
    nn.Residual: lower_residual,
    nn.Dropout: lower_dropout,
    nn.Dropout2d: lower_dropout,
    nn.TransformerEncoderLayer: lower_encoder_layer,
    nn.PositionalEncoding: lower_positions,
    **dict.fromkeys(PADS, lower_pad),
}
"""Those of one value whose lanes are anywhere: what is made of others, dropout, and padding, whose
zeros are written once, so that nothing is done in their place."""


def write_outputs(program: Program, outputs: Outputs) -> dict[OutputKey, tuple[int, ...]]:
    """Write each output to memory: the shape of a sample of it."""
    values = {
        OutputKey(head, item): value
        for head, found in outputs.items()
        for item, value in (enumerate(found) if isinstance(found, tuple) else [(None, found)])
    }
    for number, value in enumerate(values.values()):
        features, first = prod(value.shape), 0
        for piece in program.gather([value])[0].slices:
            x, ldx = program.address(piece)
            program.ops.append(StoreOutput(number, features, first, piece.rows, x, ldx))
            first += piece.rows
    return {key: value.shape for key, value in values.items()}
