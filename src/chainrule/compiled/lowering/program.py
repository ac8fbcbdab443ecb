"""A net and its loss as a list of operations on numbers in known places: what the kernel runs.

A value lies feature by feature, its samples innermost. Layers that two branches share see both
at once, as lanes: a value then has a block of samples for each. Layers that only rearrange cost
nothing: they say where a value's features are, which is in one or several slices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple, TypeAlias

from chainrule.compiled.lowering.ir import (
    NOWHERE,
    Activation,
    ActivationKind,
    Convolution,
    CrossEntropy,
    ElementwiseTerm,
    GradMode,
    LoadInput,
    Matmul,
    Operation,
    Pad,
    Pool,
)
from chainrule.nn.parameter import Parameter

__all__ = ["INPUTS", "Program", "Slice", "Unsupported", "Value", "ValueBuffer"]

INPUTS = -1
"""The buffer of what is still in the data set, not yet gathered."""

Reader: TypeAlias = Matmul | Convolution | Pool | Pad | ElementwiseTerm | CrossEntropy
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


class ValueBuffer(NamedTuple):
    """Rows of samples in memory, in blocks of one batch each."""

    offset: int
    rows: int
    blocks: int


class Read(NamedTuple):
    """An operation, the buffer it reads, and whether it reads all of that."""

    op: Reader
    buffer: int
    full: bool


class Program:
    """The operations of one training step, and the memory that they need.

    ``batch_columns`` is the number of samples that go through it together, filled up to whole
    vectors; ``features``, how many numbers a sample of the inputs has. ``parameter_offsets`` says
    of each parameter, by identity, where it begins in its replica's row of the optimizer's tensor,
    and its size. ``activation_size``: the numbers of all values; ``step_workspace`` and
    ``scratch``: how many more the operations keep for a step, and need while they are done.
    ``bfloat16``: whether the kernel can multiply it.
    """

    def __init__(
        self,
        batch_columns: int,
        features: int,
        parameter_offsets: Mapping[int, tuple[int, int]],
        *,
        bfloat16: bool = True,
    ) -> None:
        self.batch_columns, self.features, self.bfloat16 = batch_columns, features, bfloat16
        self.parameter_offsets = parameter_offsets
        self.ops: list[Operation] = []
        self.buffers: list[ValueBuffer] = []
        self.activation_size = self.step_workspace = self.scratch = 0
        self.reads: list[Read] = []
        self.activations: dict[int, ActivationKind] = {}  # by buffer
        self.constants: set[int] = set()  # buffers of inputs and targets: they have no gradient
        self.gradient_writes: Counter[int] = Counter()  # place among the parameters → operations

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

    def add_reader(self, op: Reader, x: Slice, blocks: int) -> None:
        """An operation that reads a slice, in so many blocks, and writes its gradient."""
        buffer = self.buffers[x.buffer]
        self.ops.append(op)
        self.reads.append(Read(op, x.buffer, (x.rows, blocks) == (buffer.rows, buffer.blocks)))

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

    def gather(self, lanes: Sequence[Value]) -> list[Value]:
        """The lanes with what is still in the data set brought here, all lanes side by side."""
        if all(piece.buffer != INPUTS for value in lanes for piece in value.slices):
            return list(lanes)
        rows = prod(lanes[0].shape)
        buffer = self.add_buffer(rows, len(lanes))
        self.constants.add(buffer)
        for block, value in enumerate(lanes):
            (piece,) = value.slices
            y, ldy = self.address(Slice(buffer, 0, rows, block))
            self.ops.append(LoadInput(piece.row, self.features, rows, y, ldy))
        return [Value(v.shape, [Slice(buffer, 0, rows, b)]) for b, v in enumerate(lanes)]

    def add_linear(
        self, lanes: Sequence[Value], weight: Parameter, bias: Parameter | None
    ) -> list[Value]:
        """W x + b of each lane, in a new buffer."""
        lanes = self.gather(lanes)
        m, k = weight.data.shape[-2:]
        out = self.add_buffer(m, len(lanes))
        for lane, slices, blocks in group_lanes(lanes):
            y, ldy = self.address(Slice(out, 0, m, lane))
            column = 0
            for x in slices:
                offset, ldx = self.address(x)
                op = Matmul(
                    weight=self.parameter_offset(weight) + column,
                    ldw=k,
                    bias=self.parameter_offset(None if column else bias),
                    x=offset,
                    ldx=ldx,
                    y=y,
                    ldy=ldy,
                    m=m,
                    k=x.rows,
                    n=blocks * self.batch_columns,
                    accumulate=column > 0,
                )
                self.add_reader(op, x, blocks)
                column += x.rows
        return [Value((m,), [Slice(out, 0, m, lane)]) for lane in range(len(lanes))]

    def add_activation(
        self,
        lanes: Sequence[Value],
        kind: ActivationKind,
        constants: Sequence[float],
        bias: Parameter | None,
        rows_per_bias: int = 1,
    ) -> None:
        """y = f(x), in place of what was just made; on the way back, the bias's gradient too."""
        number = lanes[0].slices[0].buffer
        buffer = self.buffers[number]
        columns = buffer.blocks * self.batch_columns
        alpha, beta = (*constants, 0.0, 0.0)[:2]
        self.activations[number] = kind
        self.ops.append(
            Activation(
                kind=kind,
                y=buffer.offset,
                ldy=columns,
                rows=buffer.rows,
                n=columns,
                alpha=alpha,
                beta=beta,
                bias=self.parameter_offset(bias),
                rows_per_bias=rows_per_bias,
            )
        )

    def image_slice(self, lanes: Sequence[Value]) -> Slice:
        """The rows that the lanes are, all of their buffer, side by side."""
        lanes = self.gather(lanes)
        number = lanes[0].slices[0].buffer
        buffer = self.buffers[number]
        aligned = [[Slice(number, 0, buffer.rows, block)] for block in range(buffer.blocks)]
        if [value.slices for value in lanes] != aligned:
            raise Unsupported("images that are put together from several")
        return aligned[0][0]

    def finish(self) -> list[Operation]:
        """The operations, now that it is known who else writes a gradient that they write."""
        self.gradient_writes = Counter(
            op.bias if isinstance(op, Activation) else op.weight
            for op in self.ops
            if isinstance(op, Activation | Matmul | Convolution)
        )
        for op in self.ops:
            if isinstance(op, Activation):
                op.bias_grad = self._parameter_mode(op.bias)
            elif isinstance(op, Matmul | Convolution):
                op.weight_grad = self._parameter_mode(op.weight)
        for read in self.reads:
            read.op.x_grad = self._value_mode(read.buffer)
        return self.ops

    def _parameter_mode(self, offset: int) -> GradMode:
        if offset == NOWHERE:
            return GradMode.SKIP
        return GradMode.ACCUMULATE if self.gradient_writes[offset] > 1 else GradMode.ASSIGN

    def _value_mode(self, buffer: int) -> GradMode:
        if buffer in self.constants:
            return GradMode.SKIP
        full = [read.full for read in self.reads if read.buffer == buffer]
        return GradMode.ASSIGN if full == [True] else GradMode.ACCUMULATE

    def accumulated_values(self) -> list[tuple[int, int]]:
        """(place, count) of the gradients that several operations add to."""
        return [
            (buffer.offset, buffer.rows * buffer.blocks * self.batch_columns)
            for i, buffer in enumerate(self.buffers)
            if self._value_mode(i) == GradMode.ACCUMULATE
        ]

    def accumulated_parameters(self) -> list[tuple[int, int]]:
        """(place, count) of each parameter to whose gradient several operations add."""
        repeated = [place for place, writes in self.gradient_writes.items() if writes > 1]
        return [
            (start, size)
            for start, size in self.parameter_offsets.values()
            if any(start <= place < start + size for place in repeated)
        ]


def group_lanes(lanes: Sequence[Value]) -> Iterator[tuple[int, list[Slice], int]]:
    """(first lane, its slices, number of lanes) of lanes that one product can do at once."""
    slices = [value.slices for value in lanes]
    aligned = [[piece._replace(block=i) for piece in slices[0]] for i in range(len(lanes))]
    if len(lanes) > 1 and slices == aligned:
        yield 0, slices[0], len(lanes)
    else:
        for i, pieces in enumerate(slices):
            yield i, pieces, 1
