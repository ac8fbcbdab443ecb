"""A net and its loss as a list of operations on numbers in known places: what the kernel runs.

A value lies feature by feature, its samples innermost. Layers that two branches share see both
at once, as lanes: a value then has a block of samples for each. Layers that only rearrange cost
nothing: they say where a value's features are, which is in one or several parts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

from torch import Tensor

from chainrule.nn.parameter import Parameter

__all__ = ["Op", "Part", "Program", "Unsupported", "Value"]

INPUT, PRODUCT, ACTIVATION, TARGET, ONE_HOT, POINTWISE, CLASSES, OUTPUT = range(8)
CONVOLUTION, POOLING, PADDING = range(8, 11)
NO, ASSIGN, ADD = range(3)
NOWHERE = -1
LINE = 16
"""Numbers of at least one line of the cache."""


class Unsupported(Exception):  # noqa: N818 (it is no error: the plain path does it)
    """There is no compiled form of this; the message says of what."""


@dataclass
class Op:
    """One operation: its kind, its whole numbers and its constants, as epoch.cpp reads them.

    ``lists`` are what some of its numbers point at; ``moves`` is the array whose gradient it adds
    to, where the last of its numbers says how.
    """

    kind: int
    a: list[int]
    c: list[float] = field(default_factory=list)
    lists: list[Tensor] = field(default_factory=list)
    moves: int | None = None


class Part(NamedTuple):
    """Some features of a value: rows of an array, and the block of samples in them."""

    array: int  # which; NOWHERE: the data set's inputs, not yet gathered
    row: int
    rows: int
    block: int = 0


@dataclass
class Value:
    """A value of one lane: its shape without the samples, and where its features are, in order."""

    shape: tuple[int, ...]
    parts: list[Part]

    def between(self, start: int, stop: int) -> list[Part]:
        """Where the features from ``start`` to ``stop`` are."""
        found, at = [], 0
        for part in self.parts:
            low, high = max(start, at), min(stop, at + part.rows)
            if low < high:
                found.append(part._replace(row=part.row + low - at, rows=high - low))
            at += part.rows
        return found


class Array(NamedTuple):
    """Rows of samples in memory, in blocks of one batch each."""

    place: int
    rows: int
    blocks: int


class Program:
    """The operations of one training step, and the room that they need.

    ``columns`` is the number of samples that go through it together, filled up to whole vectors.
    ``places`` says of each parameter, by identity, where it begins in its replica's row of the
    optimizer's tensor, and its size. ``room`` and ``scratch``: how many more numbers operations
    keep for a step, and need while they are done. ``bfloat16``: whether the kernel can multiply it.
    """

    def __init__(
        self, columns: int, places: Mapping[int, tuple[int, int]], *, bfloat16: bool = True
    ) -> None:
        self.columns, self.places, self.bfloat16 = columns, places, bfloat16
        self.ops: list[Op] = []
        self.arrays: list[Array] = []
        self.space = self.room = self.scratch = 0
        self.reads: list[tuple[int, bool]] = []  # array, whether all of it
        self.activations: dict[int, int] = {}  # array → kind
        self.data: set[int] = set()  # the arrays that hold inputs: nobody needs their gradient
        self.written: Counter[int] = Counter()  # place among the parameters → uses

    def array(self, rows: int, blocks: int = 1) -> int:
        """Room for a value: its number."""
        self.arrays.append(Array(self.space, rows, blocks))
        self.space += rows * blocks * self.columns
        return len(self.arrays) - 1

    def at(self, part: Part) -> tuple[int, int]:
        """The first number of a part, and the step from row to row."""
        array = self.arrays[part.array]
        ld = array.blocks * self.columns
        return array.place + part.row * ld + part.block * self.columns, ld

    def keep(self, room: int, scratch: int) -> int:
        """Room for so many numbers, which one operation keeps for a step; where it is."""
        self.scratch = max(self.scratch, scratch)
        self.room += room
        return self.room - room

    def add(self, op: Op, writes: int | None = None) -> None:
        """An operation that reads all of ``op.moves``, and writes the gradient of a parameter."""
        self.ops.append(op)
        if writes is not None:
            self.written[writes] += 1
        if op.moves is not None:
            self.reads.append((op.moves, True))

    def of(self, parameter: Parameter) -> int:
        """Where a parameter begins in its replica's row."""
        if id(parameter) not in self.places:
            raise Unsupported("a parameter that the optimizer does not move")
        return self.places[id(parameter)][0]

    def gather(self, lanes: Sequence[Value]) -> list[Value]:
        """The lanes with what is still in the data set brought here, all lanes side by side."""
        if all(part.array != NOWHERE for value in lanes for part in value.parts):
            return list(lanes)
        rows = prod(lanes[0].shape)
        array = self.array(rows, len(lanes))
        self.data.add(array)
        for block, value in enumerate(lanes):
            (part,) = value.parts
            place, ld = self.at(Part(array, 0, rows, block))
            # The step from sample to sample is known only with the data: see job.py.
            self.ops.append(Op(INPUT, [part.row, 0, rows, place, ld]))
        return [Value(v.shape, [Part(array, 0, rows, b)]) for b, v in enumerate(lanes)]

    def linear(
        self, lanes: Sequence[Value], weight: Parameter, bias: Parameter | None
    ) -> list[Value]:
        """W x + b of each lane, in a new array."""
        lanes = self.gather(lanes)
        m, k = weight.data.shape[-2:]
        out = self.array(m, len(lanes))
        for lane, parts, blocks in together(lanes):
            column = 0
            for i, part in enumerate(parts):
                first = bias if i == 0 else None
                self._product(weight, first, k, column, part, Part(out, 0, m, lane), blocks, i > 0)
                column += part.rows
        return [Value((m,), [Part(out, 0, m, lane)]) for lane in range(len(lanes))]

    def _product(
        self,
        weight: Parameter,
        bias: Parameter | None,
        k: int,
        column: int,
        part: Part,
        out: Part,
        blocks: int,
        add: bool,
    ) -> None:
        place = self.of(weight) + column
        b = NOWHERE if bias is None else self.of(bias)
        sizes = [out.rows, part.rows, blocks * self.columns, int(add)]
        self.ops.append(
            Op(PRODUCT, [place, k, b, *self.at(part), *self.at(out), *sizes, part.array])
        )
        self.written[place] += 1
        whole = self.arrays[part.array]
        self.reads.append((part.array, (part.rows, blocks) == (whole.rows, whole.blocks)))

    def activation(
        self,
        lanes: Sequence[Value],
        kind: int,
        constants: Sequence[float],
        bias: Parameter | None,
        shared: int = 1,
    ) -> None:
        """y = f(x), in place of what was just made; on the way back, the bias's gradient too.

        So many rows share an entry of the bias.
        """
        array = self.arrays[lanes[0].parts[0].array]
        b = NOWHERE if bias is None else self.of(bias)
        if bias is not None:
            self.written[b] += 1
        columns = array.blocks * self.columns
        a = [kind, array.place, columns, array.rows, columns, b, shared]
        self.activations[lanes[0].parts[0].array] = kind
        self.ops.append(Op(ACTIVATION, a, list(constants)))

    def images(self, lanes: Sequence[Value]) -> int:
        """The array whose rows the lanes are, all of them, side by side."""
        lanes = self.gather(lanes)
        number = lanes[0].parts[0].array
        array = self.arrays[number]
        alike = [[Part(number, 0, array.rows, block)] for block in range(array.blocks)]
        if [value.parts for value in lanes] != alike:
            raise Unsupported("images that are put together from several")
        return number

    def result(self, value: Value) -> Part:
        """The one part of an output, which a loss reads."""
        if len(value.parts) != 1 or value.parts[0].array == NOWHERE:
            raise Unsupported("a loss of what is not the output of a linear layer")
        part = value.parts[0]
        whole = self.arrays[part.array]
        self.reads.append((part.array, (part.rows, 1) == (whole.rows, whole.blocks)))
        return part

    def finish(self) -> list[Op]:
        """The operations, now that it is known who else adds to what they add to."""
        for op in self.ops:
            if op.kind == ACTIVATION:
                op.a.append(self._flow(op.a[5]))
            elif op.kind == PRODUCT:
                array = op.a.pop()
                flow = NO if array in self.data else ADD if self.adds(array) else ASSIGN
                op.a[10] |= self._flow(op.a[0]) << 1 | flow << 3
            elif op.kind in (POINTWISE, CLASSES):
                op.a[7] = int(self.adds(op.a[7]))
            elif op.kind == CONVOLUTION:
                op.a[-1] = self._flow(op.a[0])
            if op.moves is not None:
                free = op.moves in self.data
                op.a.append(NO if free else ADD if self.adds(op.moves) else ASSIGN)
        return self.ops

    def _flow(self, place: int) -> int:
        return ASSIGN if self.written[place] <= 1 else ADD

    def zeros(self) -> list[tuple[int, int]]:
        """(place, count) of the gradients that several operations add to."""
        return [
            (a.place, a.rows * a.blocks * self.columns)
            for i, a in enumerate(self.arrays)
            if i not in self.data and self.adds(i)
        ]

    def zero_parameters(self) -> list[tuple[int, int]]:
        """(place, count) of each parameter to whose gradient several operations add."""
        several = [place for place, uses in self.written.items() if uses > 1]
        return [
            (start, size)
            for start, size in self.places.values()
            if any(start <= place < start + size for place in several)
        ]

    def adds(self, array: int) -> bool:
        """Whether a value's gradient is a sum: not the whole of it from one operation."""
        mine = [whole for a, whole in self.reads if a == array]
        return mine != [True]


def together(lanes: Sequence[Value]) -> Iterator[tuple[int, list[Part], int]]:
    """(first lane, its parts, number of lanes) of lanes that one product can do at once."""
    parts = [value.parts for value in lanes]
    aligned = [[part._replace(block=i) for part in parts[0]] for i in range(len(lanes))]
    if len(lanes) > 1 and parts == aligned:
        yield 0, parts[0], len(lanes)
    else:
        for i, mine in enumerate(parts):
            yield i, mine, 1
