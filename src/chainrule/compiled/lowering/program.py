"""A net and its loss as a list of operations on numbers in known places: what the kernel runs.

A value lies feature by feature, its samples innermost. Layers that two branches share see both
at once, as lanes: a value then has a block of samples for each. Layers that only rearrange cost
nothing: they say where a value's features are, which is in one or several slices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple, TypeAlias

from chainrule.compiled.lowering.ir import (
    NOWHERE,
    ActivationKind,
    Attention,
    BatchNormalize,
    Convolution,
    Cosine,
    CrossEntropy,
    Distance,
    Drop,
    ElementwiseTerm,
    GaussianTerm,
    LessEqual,
    LoadInput,
    Map,
    MapKind,
    Matmul,
    MultiMargin,
    Multiply,
    Normalize,
    Operation,
    Pad,
    ParametricReLU,
    Pool,
    Resample,
    TransposedConvolution,
)
from chainrule.nn.module import Module
from chainrule.nn.parameter import Buffer, Parameter

__all__ = [
    "INPUTS",
    "Lanes",
    "Program",
    "Slice",
    "Unsupported",
    "Value",
    "ValueBuffer",
    "group_lanes",
    "join_entries",
    "side_by_side",
    "split_entries",
]

INPUTS = -1
"""The buffer of what is still in the data set, not yet gathered."""

Reader: TypeAlias = (
    Matmul
    | Convolution
    | TransposedConvolution
    | Pool
    | Pad
    | Resample
    | Map
    | Multiply
    | Attention
    | ParametricReLU
    | Normalize
    | BatchNormalize
    | Drop
    | LessEqual
    | Distance
    | Cosine
    | ElementwiseTerm
    | CrossEntropy
    | GaussianTerm
    | MultiMargin
)
"""An operation that writes the gradient of its x."""


class Unsupported(Exception):  # noqa: N818 (it is no error: the plain path does it)
    """There is no compiled form of this; the message says of what."""


class Slice(NamedTuple):
    """Some features of a value: rows of a buffer, and the block of samples in them."""

    buffer: int  # which, or INPUTS
    row: int
    rows: int
    block: int = 0


@dataclass(slots=True)
class Value:
    """A value of one lane: its shape without the samples, and where its features are, in order."""

    shape: tuple[int, ...]
    slices: list[Slice]

    def slice_range(self, start: int, stop: int) -> list[Slice]:
        """Where the features from ``start`` to ``stop`` are."""
        found, offset = [], 0
        for piece in self.slices:
            low, high = max(start, offset), min(stop, offset + piece.rows)
            if low < high:
                found.append(piece._replace(row=piece.row + low - offset, rows=high - low))
            offset += piece.rows
        return found


Lanes: TypeAlias = "list[Value] | tuple[Lanes, ...]"
"""A value of each lane; a tuple where there are several values, each with its lanes."""


class ValueBuffer(NamedTuple):
    """Rows of samples in memory, in blocks of one batch each."""

    offset: int
    rows: int
    blocks: int


class Read(NamedTuple):
    """An operation, the buffer it reads, whether all of that, and what it calls it."""

    op: Reader
    buffer: int
    full: bool
    name: str


class Program:
    """The operations of one training step, and the memory that they need.

    ``batch_columns`` is the number of samples that go through it together, filled up to whole
    vectors; ``features``, how many numbers a sample of the inputs has. ``parameter_offsets`` says
    of each parameter, by identity, where it begins in its replica's row of the optimizer's tensor,
    and its size. ``activation_size``: the numbers of all values; ``step_workspace`` and
    ``scratch``: how many more the operations keep for a step, and need while they are done.
    ``vector_bytes``: how wide the kernel's vectors are; ``bfloat16_channels``: how many it can
    multiply at a time, or 0; ``training``: whether
    it learns, or predicts; ``whole_numbers``: whether the inputs are some.

    ``batch_lanes``: the lanes that a layer here sees as one batch, in the order of the samples'
    numbers. ``whole_batch``: whether all samples of
    a batch have to go through together. ``running``: what layers learn beside parameters;
    ``dropouts``: those that draw, each with how often it does in a step; ``idle_draws``: those that
    count a draw, and would draw nothing but 1.
    """

    def __init__(
        self,
        batch_columns: int,
        features: int,
        parameter_offsets: Mapping[int, tuple[int, int]],
        *,
        vector_bytes: int = 32,
        bfloat16_channels: int = 8,
        training: bool = True,
        whole_numbers: bool = False,
    ) -> None:
        self.batch_columns, self.features = batch_columns, features
        self.vector_bytes, self.bfloat16_channels = vector_bytes, bfloat16_channels
        self.parameter_offsets, self.training = parameter_offsets, training
        self.ops: list[Operation] = []
        self.buffers: list[ValueBuffer] = []
        self.activation_size = self.step_workspace = self.scratch = 0
        self.reads: list[Read] = []
        self.activations: dict[int, ActivationKind] = {}  # by buffer
        self.batch_lanes = [0]
        self.whole_batch, self.whole_numbers = False, whole_numbers
        self.running: list[Buffer] = []
        self.dropouts: dict[Module, int] = {}
        self.idle_draws: dict[Module, int] = {}
        self.constants: set[int] = set()  # buffers of inputs and targets: they have no gradient

    def add_buffer(self, rows: int, blocks: int = 1) -> int:
        """Memory for a value: its number."""
        self.buffers.append(ValueBuffer(self.activation_size, rows, blocks))
        self.activation_size += rows * blocks * self.batch_columns
        return len(self.buffers) - 1

    def add_workspace(self, kept: int, scratch: int) -> int:
        """Memory for so many numbers, which one operation keeps for a step; where it is."""
        self.scratch = max(self.scratch, scratch)
        self.step_workspace += kept
        return self.step_workspace - kept

    def add_reader(self, op: Reader, x: Slice, blocks: int, **others: Slice) -> None:
        """An operation that reads a slice, in so many blocks, and writes its gradient.

        ``others``: what else it reads, by its own names.
        """
        self.ops.append(op)
        for name, piece in {"x": x, **others}.items():
            buffer = self.buffers[piece.buffer]
            full = (piece.rows, blocks) == (buffer.rows, buffer.blocks)
            self.reads.append(Read(op, piece.buffer, full, name))

    def address(self, piece: Slice) -> tuple[int, int]:
        """The first number of a slice, and the step from row to row."""
        buffer = self.buffers[piece.buffer]
        ld = buffer.blocks * self.batch_columns
        return buffer.offset + piece.row * ld + piece.block * self.batch_columns, ld

    def parameter_offset(self, parameter: Parameter | None) -> int:
        """Where a parameter begins in its replica's row."""
        if parameter is None:
            return NOWHERE
        if id(parameter) not in self.parameter_offsets:
            raise Unsupported("a parameter that the optimizer does not move")
        return self.parameter_offsets[id(parameter)][0]

    def running_number(self, buffer: Buffer | None) -> int:
        """Which of the buffers that layers learn it is."""
        if buffer is None:
            return NOWHERE
        if not any(buffer is known for known in self.running):
            self.running.append(buffer)
        return next(i for i, known in enumerate(self.running) if known is buffer)

    def count_draws(self, layer: Module) -> None:
        """A use of a layer that counts its draws and makes none."""
        self.idle_draws[layer] = self.idle_draws.get(layer, 0) + 1

    def gather(self, lanes: Sequence[Value]) -> list[Value]:
        """The lanes with what is still in the data set brought here, all lanes side by side."""
        if all(piece.buffer != INPUTS for value in lanes for piece in value.slices):
            return list(lanes)
        if any(len(value.slices) > 1 or value.slices[0].buffer != INPUTS for value in lanes):
            return [self._gather_pieces(value) for value in lanes]
        rows = prod(lanes[0].shape)
        buffer = self.add_buffer(rows, len(lanes))
        pieces = [Slice(buffer, 0, rows, block) for block in range(len(lanes))]
        for value, piece in zip(lanes, pieces, strict=True):
            self._load(value.slices[0], piece)
        return [Value(v.shape, [piece]) for v, piece in zip(lanes, pieces, strict=True)]

    def _gather_pieces(self, value: Value) -> Value:
        """A value some of whose slices are still in the data set."""
        slices = []
        for source in value.slices:
            piece = source
            if source.buffer == INPUTS:
                piece = Slice(self.add_buffer(source.rows), 0, source.rows)
                self._load(source, piece)
            slices.append(piece)
        return Value(value.shape, slices)

    def _load(self, source: Slice, piece: Slice) -> None:
        if self.whole_numbers:
            raise Unsupported("whole numbers that are no rows of an embedding")
        self.constants.add(piece.buffer)
        y, ldy = self.address(piece)
        self.ops.append(LoadInput(source.row, self.features, piece.rows, y, ldy))

    def copy(
        self,
        lanes: Sequence[Value],
        kind: MapKind = MapKind.IDENTITY,
        constants: Sequence[float] = (),
    ) -> list[Value]:
        """f of each lane, side by side in a new buffer."""
        lanes, shape = self.gather(lanes), lanes[0].shape
        out = Slice(self.add_buffer(prod(shape), len(lanes)), 0, prod(shape))
        self.write_map(lanes, out, kind, constants)
        if all(piece.buffer in self.constants for value in lanes for piece in value.slices):
            self.constants.add(out.buffer)
        return side_by_side(shape, out, len(lanes))

    def write_map(
        self,
        lanes: Sequence[Value],
        out: Slice,
        kind: MapKind = MapKind.IDENTITY,
        constants: Sequence[float] = (),
        *,
        accumulate: bool = False,
    ) -> None:
        """f of each lane to a block of these rows, from their own on, or added to them."""
        alpha, beta = (*constants, 0.0, 0.0)[:2]
        for lane, slices, blocks in group_lanes(lanes):
            row = out.row
            for x in slices:
                (offset, ldx), (y, ldy) = (
                    self.address(piece)
                    for piece in (x, Slice(out.buffer, row, x.rows, out.block + lane))
                )
                n = blocks * self.batch_columns
                op = Map(kind, offset, ldx, y, ldy, x.rows, n, alpha, beta, accumulate)
                self.add_reader(op, x, blocks)
                row += x.rows

    def join_lanes(self, lanes: Sequence[Value]) -> Slice:
        """The lanes side by side, as all of a buffer; they are copied where they are not so."""
        lanes = self.gather(lanes)
        number = lanes[0].slices[0].buffer
        buffer = self.buffers[number]
        aligned = [[Slice(number, 0, buffer.rows, block)] for block in range(buffer.blocks)]
        if [value.slices for value in lanes] != aligned:
            return self.copy(lanes)[0].slices[0]
        return aligned[0][0]


def side_by_side(shape: tuple[int, ...], rows: Slice, lanes: int) -> list[Value]:
    """So many values of a shape in these rows, a block each."""
    return [Value(shape, [rows._replace(block=block)]) for block in range(lanes)]


def split_entries(lanes: Sequence[Value]) -> list[Value]:
    """The entries of the first axis of each lane, as lanes."""
    shape = lanes[0].shape[1:]
    size = prod(shape)
    return [
        Value(shape, value.slice_range(i * size, (i + 1) * size))
        for value in lanes
        for i in range(value.shape[0])
    ]


def join_entries(entries: Sequence[Value], count: int) -> list[Value]:
    """Each ``count`` lanes as the entries of one."""
    shape = (count, *entries[0].shape)
    return [
        Value(shape, [piece for entry in entries[i : i + count] for piece in entry.slices])
        for i in range(0, len(entries), count)
    ]


def group_lanes(lanes: Sequence[Value]) -> Iterator[tuple[int, list[Slice], int]]:
    """(first lane, its slices, number of lanes) of lanes that one product can do at once."""
    slices = [value.slices for value in lanes]
    aligned = [
        [piece._replace(block=piece.block + i) for piece in slices[0]] for i in range(len(lanes))
    ]
    if len(lanes) > 1 and slices == aligned:
        yield 0, slices[0], len(lanes)
    else:
        for i, pieces in enumerate(slices):
            yield i, pieces, 1
