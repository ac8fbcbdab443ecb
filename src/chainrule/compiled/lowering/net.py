"""From layers to a program's operations.

What has no form here raises Unsupported, and is trained on the plain path.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from chainrule import nn
from chainrule.compiled.lowering.conv import convolution, pooling
from chainrule.compiled.lowering.ir import NOWHERE, OUTPUT, Op, Part, Program, Unsupported, Value
from chainrule.compiled.lowering.loss import Outputs
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter

__all__ = ["lower_net", "write_outputs"]

ACTIVATIONS: dict[type[Module], int] = {
    nn.ReLU: 1,
    nn.LeakyReLU: 2,
    nn.Tanh: 3,
    nn.Sigmoid: 4,
    nn.ELU: 5,
    nn.SELU: 5,
    nn.Hardtanh: 6,
    nn.Softsign: 7,
    nn.Softmax: 8,
    nn.LogSoftmax: 9,
}


def lower_net(program: Program, net: Module, shape: tuple[int, ...]) -> Outputs:
    """All operations of a net on samples of this shape."""
    *layers, last = chain(net) or [nn.Identity()]
    lanes = [Value(shape, [Part(NOWHERE, 0, prod(shape))])]
    if isinstance(last, nn.Heads):
        lanes = lower(program, layers, lanes)
        return {name: lower(program, chain(head), lanes)[0] for name, head in last.heads.items()}
    return {"": lower(program, [*layers, last], lanes)[0]}


def chain(layer: Module) -> list[Module]:
    """The layers of a Sequential, and of those within it, as one list."""
    if not isinstance(layer, nn.Sequential):
        return [layer]
    return [inner for each in layer for inner in chain(each)]


def lower(program: Program, layers: Sequence[Module], lanes: list[Value]) -> list[Value]:
    """The operations of a chain of layers on each lane."""
    left = list(layers)
    while left:
        layer = left.pop(0)
        if isinstance(layer, nn.Linear):
            if any(value.shape != (layer.in_features,) for value in lanes):
                raise Unsupported(f"{layer.label()} of samples {lanes[0].shape}")
            lanes = program.linear(lanes, layer.weight, layer.bias)
            activate(program, left, lanes, layer.bias)
        elif isinstance(layer, nn.Conv2d):
            lanes = convolution(program, layer, lanes)
            activate(program, left, lanes, layer.bias)
        elif isinstance(layer, nn.MaxPool2d | nn.AvgPool2d):
            lanes = pooling(program, layer, lanes)
            activate(program, left, lanes, None)
        elif isinstance(layer, nn.Siamese):
            lanes = siamese(program, layer, lanes)
        else:
            lanes = [moved(layer, value) for value in lanes]
    return lanes


def activate(
    program: Program, left: list[Module], lanes: list[Value], bias: Parameter | None
) -> None:
    """The activation that comes next, if one does: it is done where the lanes are."""
    kind, shape = 0, lanes[0].shape
    constants: list[float] = []
    if left and type(left[0]) in ACTIVATIONS:
        layer = left.pop(0)
        if isinstance(layer, nn.Softmax | nn.LogSoftmax) and len(shape) > 1:
            raise Unsupported(f"{layer.label()} of samples {shape}")
        kind, constants = activation(layer)
    program.activation(lanes, kind, constants, bias, prod(shape[1:]))


def activation(layer: Module) -> tuple[int, list[float]]:
    """The number of an activation and its constants."""
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


def siamese(program: Program, layer: nn.Siamese, lanes: list[Value]) -> list[Value]:
    """Shared, its module sees twice as many lanes; else each module its half."""
    if any(value.shape[:1] != (2,) for value in lanes):
        raise Unsupported(f"Siamese of samples {lanes[0].shape}")
    halves = [[select(value, i) for value in lanes] for i in range(2)]
    if layer.share:
        both = lower(program, chain(layer.module), [*halves[0], *halves[1]])
        first, second = both[: len(lanes)], both[len(lanes) :]
    else:
        first = lower(program, chain(layer.module), halves[0])
        second = lower(program, chain(layer.other), halves[1])
    return [Value((2, *a.shape), [*a.parts, *b.parts]) for a, b in zip(first, second, strict=True)]


def select(value: Value, index: int) -> Value:
    """One entry of the first axis after the samples."""
    shape = value.shape[1:]
    size = prod(shape)
    return Value(shape, value.between(index * size, (index + 1) * size))


def moved(layer: Module, value: Value) -> Value:
    """What a layer that only rearranges makes of a value: the same features by other names."""
    if isinstance(layer, nn.Identity):
        return value
    if isinstance(layer, nn.Flatten) and (layer.start_dim, layer.end_dim) == (1, -1):
        return Value((prod(value.shape),), value.parts)
    if isinstance(layer, nn.Unflatten) and layer.dim == 1:
        sizes = layer.unflattened_size
        if min(sizes) > 0 and prod(sizes) == value.shape[0]:
            return Value((*sizes, *value.shape[1:]), value.parts)
    if isinstance(layer, nn.Select) and layer.dim == 1 and 0 <= layer.index < value.shape[0]:
        return select(value, layer.index)
    raise Unsupported(f"{layer.label()} of samples {value.shape}")


def write_outputs(program: Program, outputs: Outputs) -> dict[str, int]:
    """Write each output to memory: how many features it has."""
    for number, value in enumerate(outputs.values()):
        features = prod(value.shape)
        row = 0
        for part in value.parts:
            if part.array == NOWHERE:
                raise Unsupported("an output that is an input")
            program.ops.append(Op(OUTPUT, [number, features, row, part.rows, *program.at(part)]))
            row += part.rows
    return {name: prod(value.shape) for name, value in outputs.items()}
