"""From outputs that a loss compares to their difference, cosine or distances."""

from __future__ import annotations

from chainrule import nn
from chainrule.compiled.lowering.ir import Cosine, Distance, MapKind
from chainrule.compiled.lowering.layers.pooling import add_pool
from chainrule.compiled.lowering.outputs import output_slice
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value
from chainrule.nn.loss import Loss
from chainrule.nn.loss.embedding import COSINE_EPS, ComparingLoss

__all__ = ["compare_outputs"]


def compare_outputs(program: Program, loss: Loss, outputs: tuple[Value, ...]) -> Value:
    """What each element of such a loss, or of most each sample, is a function of."""
    shapes = {value.shape for value in outputs}
    fits = isinstance(loss, ComparingLoss) and len(outputs) == len(loss.parts) and len(shapes) == 1
    if not fits:
        raise Unsupported(f"{loss.label()} of samples {sorted(shapes)}")
    if isinstance(loss, nn.MarginRankingLoss):
        return add_values(program, outputs[:1], outputs[1:])
    if len(outputs[0].shape) != 1:
        raise Unsupported(f"{loss.label()} of samples {outputs[0].shape}")
    parts = [output_slice(program, value) for value in outputs]
    if isinstance(loss, nn.TripletMarginLoss):
        return compare_distances(program, loss, *parts)
    return add_cosine(program, *parts)


def add_values(program: Program, plus: tuple[Value, ...], minus: tuple[Value, ...]) -> Value:
    """The sum of some values less that of others, of one shape, in a new buffer."""
    (sum_,) = program.copy(plus[:1])
    for value, kind in (
        *((value, MapKind.IDENTITY) for value in plus[1:]),
        *((value, MapKind.NEGATIVE) for value in minus),
    ):
        program.write_map([value], sum_.slices[0], kind, accumulate=True)
    return sum_


def compare_distances(
    program: Program, loss: nn.TripletMarginLoss, a: Slice, b: Slice, n: Slice
) -> Value:
    """d(a, b) − d(a, n), or − the shorter of d(a, n) and d(b, n) with ``swap``."""
    near, far = add_distance(program, loss, a, b), add_distance(program, loss, a, n)
    if not loss.swap:
        return add_values(program, (near,), (far,))
    pair = [*far.slices, *add_distance(program, loss, b, n).slices]
    lengths = program.copy([Value((2,), pair)], MapKind.NEGATIVE)
    images = [Value((1, 2, 1), lengths[0].slices)]
    (shorter,) = add_pool(program, loss, images, (2, 1), (2, 1), (1, 1), mean=False)
    return add_values(program, (near, Value((), shorter.slices)), ())


def add_distance(program: Program, loss: nn.TripletMarginLoss, x: Slice, z: Slice) -> Value:
    """d(x, z) of each sample."""
    y = Slice(program.add_buffer(1), 0, 1)
    (x_place, ldx), (z_place, ldz) = map(program.address, (x, z))
    op = Distance(
        x=x_place,
        ldx=ldx,
        z=z_place,
        ldz=ldz,
        y=program.address(y)[0],
        rows=x.rows,
        n=program.batch_columns,
        p=loss.p,
        eps=loss.eps,
    )
    program.add_reader(op, x, 1, z=z)
    return Value((), [y])


def add_cosine(program: Program, x: Slice, z: Slice) -> Value:
    """The cosine of each sample."""
    y, lengths = Slice(program.add_buffer(1), 0, 1), program.add_buffer(2)
    program.constants.add(lengths)
    (x_place, ldx), (z_place, ldz) = map(program.address, (x, z))
    op = Cosine(
        x=x_place,
        ldx=ldx,
        z=z_place,
        ldz=ldz,
        y=program.address(y)[0],
        lengths=program.buffers[lengths].offset,
        rows=x.rows,
        n=program.batch_columns,
        eps=COSINE_EPS,
    )
    program.add_reader(op, x, 1, z=z)
    return Value((), [y])
