"""From layers to a program's operations.

What has no form here raises Unsupported, and is trained on the plain path.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from chainrule import nn
from chainrule.compiled.lowering.conv import lower_conv, lower_pool
from chainrule.compiled.lowering.ir import ActivationKind, StoreOutput
from chainrule.compiled.lowering.loss import Outputs
from chainrule.compiled.lowering.program import INPUTS, Program, Slice, Unsupported, Value
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter

__all__ = ["lower_net", "write_outputs"]

ACTIVATIONS: dict[type[Module], ActivationKind] = {
    nn.ReLU: ActivationKind.RELU,
    nn.LeakyReLU: ActivationKind.LEAKY_RELU,
    nn.Tanh: ActivationKind.TANH,
    nn.Sigmoid: ActivationKind.SIGMOID,
    nn.ELU: ActivationKind.ELU,
    nn.SELU: ActivationKind.ELU,
    nn.Hardtanh: ActivationKind.HARDTANH,
    nn.Softsign: ActivationKind.SOFTSIGN,
    nn.Softmax: ActivationKind.SOFTMAX,
    nn.LogSoftmax: ActivationKind.LOG_SOFTMAX,
}


def lower_net(program: Program, net: Module, shape: tuple[int, ...]) -> Outputs:
    """All operations of a net on samples of this shape."""
    *layers, last = flatten_sequential(net) or [nn.Identity()]
    lanes = [Value(shape, [Slice(INPUTS, 0, prod(shape))])]
    if isinstance(last, nn.Heads):
        lanes = lower_layers(program, layers, lanes)
        return {
            name: lower_layers(program, flatten_sequential(head), lanes)[0]
            for name, head in last.heads.items()
        }
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
        if isinstance(layer, nn.Linear):
            if any(value.shape != (layer.in_features,) for value in lanes):
                raise Unsupported(f"{layer.label()} of samples {lanes[0].shape}")
            lanes = program.add_linear(lanes, layer.weight, layer.bias)
            lower_activation(program, remaining, lanes, layer.bias)
        elif isinstance(layer, nn.Conv2d):
            lanes = lower_conv(program, layer, lanes)
            lower_activation(program, remaining, lanes, layer.bias)
        elif isinstance(layer, nn.MaxPool2d | nn.AvgPool2d):
            lanes = lower_pool(program, layer, lanes)
            lower_activation(program, remaining, lanes, None)
        elif isinstance(layer, nn.Siamese):
            lanes = lower_siamese(program, layer, lanes)
        else:
            lanes = [rearrange(layer, value) for value in lanes]
    return lanes


def lower_activation(
    program: Program, remaining: list[Module], lanes: list[Value], bias: Parameter | None
) -> None:
    """The activation that comes next, if one does: it is done where the lanes are."""
    kind, shape = ActivationKind.IDENTITY, lanes[0].shape
    constants: list[float] = []
    if remaining and type(remaining[0]) in ACTIVATIONS:
        layer = remaining.pop(0)
        if isinstance(layer, nn.Softmax | nn.LogSoftmax) and len(shape) > 1:
            raise Unsupported(f"{layer.label()} of samples {shape}")
        kind, constants = activation_kind(layer)
    program.add_activation(lanes, kind, constants, bias, prod(shape[1:]))


def activation_kind(layer: Module) -> tuple[ActivationKind, list[float]]:
    """Which activation it is, and its constants."""
    kind = ACTIVATIONS[type(layer)]
    if isinstance(layer, nn.LeakyReLU):
        if layer.negative_slope < 0:
            raise Unsupported(layer.label())
        return kind, [layer.negative_slope]
    if isinstance(layer, nn.ELU):
        if layer.alpha < 0:
            raise Unsupported(layer.label())
        return kind, [1.0, layer.alpha]
    if isinstance(layer, nn.SELU):
        return kind, [layer.SCALE, layer.SCALE * layer.ALPHA]
    if isinstance(layer, nn.Hardtanh):
        return kind, [layer.min_val, layer.max_val]
    if isinstance(layer, nn.Softmax | nn.LogSoftmax) and layer.dim not in (None, 1, -1):
        raise Unsupported(layer.label())
    return kind, []


def lower_siamese(program: Program, layer: nn.Siamese, lanes: list[Value]) -> list[Value]:
    """Shared, its module sees twice as many lanes; else each module its half."""
    if any(value.shape[:1] != (2,) for value in lanes):
        raise Unsupported(f"Siamese of samples {lanes[0].shape}")
    halves = [[select_entry(value, i) for value in lanes] for i in range(2)]
    if layer.share:
        both = lower_layers(program, flatten_sequential(layer.module), [*halves[0], *halves[1]])
        first, second = both[: len(lanes)], both[len(lanes) :]
    else:
        first = lower_layers(program, flatten_sequential(layer.module), halves[0])
        second = lower_layers(program, flatten_sequential(layer.other), halves[1])
    return [
        Value((2, *a.shape), [*a.slices, *b.slices]) for a, b in zip(first, second, strict=True)
    ]


def select_entry(value: Value, index: int) -> Value:
    """One entry of the first axis after the samples."""
    shape = value.shape[1:]
    size = prod(shape)
    return Value(shape, value.slice_range(index * size, (index + 1) * size))


def rearrange(layer: Module, value: Value) -> Value:
    """What a layer that only rearranges makes of a value: the same features by other names."""
    if isinstance(layer, nn.Identity):
        return value
    if isinstance(layer, nn.Flatten) and (layer.start_dim, layer.end_dim) == (1, -1):
        return Value((prod(value.shape),), value.slices)
    if isinstance(layer, nn.Unflatten) and layer.dim == 1:
        sizes = layer.unflattened_size
        if min(sizes) > 0 and prod(sizes) == value.shape[0]:
            return Value((*sizes, *value.shape[1:]), value.slices)
    if isinstance(layer, nn.Select) and layer.dim == 1 and 0 <= layer.index < value.shape[0]:
        return select_entry(value, layer.index)
    raise Unsupported(f"{layer.label()} of samples {value.shape}")


def write_outputs(program: Program, outputs: Outputs) -> dict[str, int]:
    """Write each output to memory: how many features it has."""
    for head, value in enumerate(outputs.values()):
        features, first = prod(value.shape), 0
        for piece in value.slices:
            if piece.buffer == INPUTS:
                raise Unsupported("an output that is an input")
            x, ldx = program.address(piece)
            program.ops.append(StoreOutput(head, features, first, piece.rows, x, ldx))
            first += piece.rows
    return {name: prod(value.shape) for name, value in outputs.items()}
