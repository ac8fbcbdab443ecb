"""From activations to a program's operations: in place of what was just made, or of a copy."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from chainrule import nn
from chainrule.compiled.lowering.ir import (
    NOWHERE,
    Activation,
    ActivationKind,
    MapKind,
    ParametricReLU,
)
from chainrule.compiled.lowering.layers.multiply import add_elementwise_product
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value, side_by_side
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter

__all__ = [
    "ACTIVATIONS",
    "ELEMENTWISE",
    "MAPS",
    "activate_rows",
    "lower_activation",
    "lower_next_activation",
]

ACTIVATIONS: dict[type[Module], ActivationKind] = {
    nn.ReLU: ActivationKind.RELU,
    nn.LeakyReLU: ActivationKind.LEAKY_RELU,
    nn.Tanh: ActivationKind.TANH,
    nn.Sigmoid: ActivationKind.SIGMOID,
    nn.ELU: ActivationKind.ELU,
    nn.SELU: ActivationKind.ELU,
    nn.Hardtanh: ActivationKind.HARDTANH,
    nn.ReLU6: ActivationKind.HARDTANH,
    nn.Softsign: ActivationKind.SOFTSIGN,
    nn.Softmax: ActivationKind.SOFTMAX,
    nn.LogSoftmax: ActivationKind.LOG_SOFTMAX,
}
"""Those whose derivative follows from their output."""

MAPS: dict[type[Module], MapKind] = {
    nn.GELU: MapKind.GELU,
    nn.SiLU: MapKind.SILU,
    nn.Softplus: MapKind.SOFTPLUS,
    nn.Exp: MapKind.EXP,
    nn.LeakyReLU: MapKind.LEAKY_RELU,
    nn.ELU: MapKind.ELU,
    nn.CELU: MapKind.CELU,
    nn.Mish: MapKind.MISH,
    nn.LogSigmoid: MapKind.LOG_SIGMOID,
    nn.Tanhshrink: MapKind.TANHSHRINK,
    nn.Hardshrink: MapKind.HARDSHRINK,
    nn.Softshrink: MapKind.SOFTSHRINK,
    nn.Hardsigmoid: MapKind.HARDSIGMOID,
    nn.Hardswish: MapKind.HARDSWISH,
    nn.Threshold: MapKind.THRESHOLD,
}
"""Those whose derivative needs the input; LeakyReLU and ELU where their constant is negative."""


ELEMENTWISE = {*ACTIVATIONS, *MAPS} - {nn.Softmax, nn.LogSoftmax}
"""Those that treat each number by itself, with replicas or without."""


def lower_next_activation(
    program: Program, remaining: list[Module], lanes: list[Value], bias: Parameter | None
) -> None:
    """The activation that comes next, if it can be done in place of the lanes; and a bias's sums.

    It is taken from the remaining layers. The lanes are all of their buffer.
    """
    kind, shape = ActivationKind.IDENTITY, lanes[0].shape
    constants: list[float] = []
    if remaining and is_in_place(remaining[0]):
        axis = softmax_axis(remaining[0], shape)
        if axis is None or prod(shape) == shape[axis]:
            kind, constants = activation_kind(remaining.pop(0))
    if kind != ActivationKind.IDENTITY or bias is not None:
        add_activation(program, lanes, kind, constants, bias, prod(shape[1:]))


def lower_activation(program: Program, layer: Module, lanes: list[Value]) -> list[Value]:
    """f of each lane, in a new buffer."""
    if isinstance(layer, nn.PReLU):
        return lower_prelu(program, layer, lanes)
    if isinstance(layer, nn.GLU):
        return lower_gate(program, layer, lanes)
    if isinstance(layer, nn.Softmin):
        return lower_activation(
            program, nn.Softmax(layer.dim), program.copy(lanes, MapKind.NEGATIVE)
        )
    if not is_in_place(layer):
        return program.copy(lanes, *map_kind(layer))
    lanes, shape = program.copy(lanes), lanes[0].shape
    kind, constants = activation_kind(layer)
    axis = softmax_axis(layer, shape)
    if axis is None:
        add_activation(program, lanes, kind, constants, None)
    else:
        add_softmax(program, lanes, kind, prod(shape[:axis]), shape[axis])
    program.constants.discard(lanes[0].slices[0].buffer)
    return lanes


def lower_gate(program: Program, layer: nn.GLU, lanes: list[Value]) -> list[Value]:
    """a σ(b) of each lane, a and b its halves along an axis, in a new buffer."""
    lanes, shape = program.gather(lanes), lanes[0].shape
    axis = sample_axis(layer, shape, layer.dim)
    size, inner = shape[axis], prod(shape[axis + 1 :])
    if size % 2:
        raise Unsupported(f"{layer.label()} of samples {tuple(shape)}")
    half, halves = size // 2 * inner, (*shape[:axis], size // 2, *shape[axis + 1 :])

    def take(value: Value, start: int) -> Value:
        starts = range(start, prod(shape), size * inner)
        return Value(halves, [piece for at in starts for piece in value.slice_range(at, at + half)])

    gates = program.copy([take(value, half) for value in lanes])
    add_activation(program, gates, ActivationKind.SIGMOID, [], None)
    program.constants.discard(gates[0].slices[0].buffer)
    y = Slice(program.add_buffer(prod(halves), len(lanes)), 0, prod(halves))
    for lane, value in enumerate(lanes):
        row = 0
        for piece in take(value, 0).slices:
            gate, out = (Slice(at.buffer, row, piece.rows, lane) for at in (gates[0].slices[0], y))
            add_elementwise_product(program, piece, gate, out)
            row += piece.rows
    return side_by_side(halves, y, len(lanes))


def is_in_place(layer: Module) -> bool:
    """Whether the layer is an activation whose derivative follows from its output."""
    if isinstance(layer, nn.LeakyReLU):
        return layer.negative_slope >= 0
    if isinstance(layer, nn.ELU):
        return layer.alpha >= 0
    return type(layer) in ACTIVATIONS


def softmax_axis(layer: Module, shape: Sequence[int]) -> int | None:
    """Which axis of a sample shares are along; None of other layers."""
    if not isinstance(layer, nn.Softmax | nn.LogSoftmax):
        return None
    return sample_axis(layer, shape, layer.choose_dim(len(shape) + 1))


def sample_axis(layer: Module, shape: Sequence[int], dim: int) -> int:
    """Which axis of a sample a dimension is. Raises Unsupported where it is that of the samples."""
    axes = len(shape) + 1
    if not -axes <= dim < axes or dim % axes == 0:
        raise Unsupported(f"{layer.label()} of samples {tuple(shape)}")
    return dim % axes - 1


def activation_kind(layer: Module) -> tuple[ActivationKind, list[float]]:
    """Which activation it is, and its constants."""
    kind = ACTIVATIONS[type(layer)]
    if isinstance(layer, nn.LeakyReLU):
        return kind, [layer.negative_slope]
    if isinstance(layer, nn.ELU):
        return kind, [1.0, layer.alpha]
    if isinstance(layer, nn.SELU):
        return kind, [layer.SCALE, layer.SCALE * layer.ALPHA]
    if isinstance(layer, nn.Hardtanh):
        return kind, [layer.min_val, layer.max_val]
    if isinstance(layer, nn.ReLU6):
        return kind, [0.0, 6.0]
    return kind, []


def map_kind(layer: Module) -> tuple[MapKind, list[float]]:
    """Which function it is of its input, and its constants."""
    if isinstance(layer, nn.GELU) and layer.approximate == "tanh":
        return MapKind.GELU_TANH, []
    if isinstance(layer, nn.LeakyReLU):
        return MapKind.LEAKY_RELU, [layer.negative_slope]
    if isinstance(layer, nn.ELU | nn.CELU):
        return MAPS[type(layer)], [layer.alpha]
    if isinstance(layer, nn.Hardshrink | nn.Softshrink):
        return MAPS[type(layer)], [layer.lambd]
    if isinstance(layer, nn.Threshold):
        return MapKind.THRESHOLD, [layer.threshold, layer.value]
    if isinstance(layer, nn.Softplus):
        return MapKind.SOFTPLUS, [layer.beta, layer.threshold]
    return MAPS[type(layer)], []


def lower_prelu(program: Program, layer: nn.PReLU, lanes: list[Value]) -> list[Value]:
    """x, and w x below 0, of each lane, in a new buffer."""
    shape, channels = lanes[0].shape, layer.num_parameters
    if channels > 1 and shape[:1] != (channels,):
        raise Unsupported(f"{layer.label()} of samples {shape}")
    x, rows = program.join_lanes(lanes), prod(shape)
    y = Slice(program.add_buffer(rows, len(lanes)), 0, rows)
    op = ParametricReLU(
        weight=program.parameter_offset(layer.weight),
        x=program.address(x)[0],
        y=program.address(y)[0],
        rows=rows,
        n=len(lanes) * program.batch_columns,
        rows_per_weight=rows // channels,
    )
    program.add_reader(op, x, len(lanes))
    return side_by_side(shape, y, len(lanes))


def add_activation(
    program: Program,
    lanes: Sequence[Value],
    kind: ActivationKind,
    constants: Sequence[float],
    bias: Parameter | None,
    rows_per_bias: int = 1,
) -> None:
    """y = f(x), in place of what was just made; on the way back, the bias's gradient too."""
    number = lanes[0].slices[0].buffer
    buffer = program.buffers[number]
    program.activations[number] = kind
    activate_rows(
        program,
        Slice(number, 0, buffer.rows),
        kind,
        constants,
        blocks=buffer.blocks,
        bias=program.parameter_offset(bias),
        rows_per_bias=rows_per_bias,
    )


def activate_rows(
    program: Program,
    rows: Slice,
    kind: ActivationKind,
    constants: Sequence[float] = (),
    *,
    blocks: int = 1,
    bias: int = NOWHERE,
    rows_per_bias: int = 1,
) -> None:
    """y = f(x) in place of these rows, in so many blocks; ``bias``: where its gradient goes."""
    y, ldy = program.address(rows)
    alpha, beta = (*constants, 0.0, 0.0)[:2]
    n = blocks * program.batch_columns
    program.ops.append(
        Activation(kind, y, ldy, rows.rows, n, alpha, beta, bias, rows_per_bias=rows_per_bias)
    )


def add_softmax(
    program: Program, lanes: Sequence[Value], kind: ActivationKind, outer: int, size: int
) -> None:
    """Shares along an axis of this size, in place of lanes that are all of their buffer."""
    number = lanes[0].slices[0].buffer
    buffer = program.buffers[number]
    n, inner = buffer.blocks * program.batch_columns, buffer.rows // (outer * size)
    program.activations[number] = kind
    for i in range(outer):
        for j in range(inner):
            y = buffer.offset + (i * size * inner + j) * n
            program.ops.append(
                Activation(kind, y, inner * n, size, n, 0.0, 0.0, NOWHERE, rows_per_bias=1)
            )
