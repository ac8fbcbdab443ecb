"""From recurrent layers to a program's operations: a few for each step, forward and back in time.

What a layer makes of its inputs is one product for all steps, which lie side by side as blocks of
samples. Each step adds what it makes of the state before, and goes through the gates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from chainrule import nn
from chainrule.compiled.lowering.ir import ActivationKind
from chainrule.compiled.lowering.layers.activations import activate_rows
from chainrule.compiled.lowering.layers.dropout import add_masks, drop_steps, drops
from chainrule.compiled.lowering.layers.linear import (
    Weights,
    add_bias_grad,
    add_products,
    find_weights,
)
from chainrule.compiled.lowering.layers.multiply import add_elementwise_product
from chainrule.compiled.lowering.program import (
    Program,
    Slice,
    Unsupported,
    Value,
    join_entries,
    split_entries,
)
from chainrule.nn.layers.recurrent import Recurrent
from chainrule.nn.module import Module

__all__ = ["lower_recurrent", "take_first_item"]


def lower_recurrent(
    program: Program, layer: Recurrent, lanes: list[Value], remaining: list[Module]
) -> list[Value]:
    """The last layer's states h at each step, of each lane; the next layer has to pick these."""
    shape = lanes[0].shape
    if len(shape) != 2 or shape[1] != layer.input_size or not layer.batch_first:
        raise Unsupported(f"{layer.label()} of samples {shape}")
    take_first_item(layer, remaining)
    steps, T, between = split_entries(lanes), shape[0], layer.num_layers - 1
    masks: list[Slice] = []
    if between and layer.dropout and drops(program, layer):
        width = layer.hidden_size * len(layer.suffixes(0))
        masks = add_masks(program, layer, T * width, uses=between)
    for number in range(layer.num_layers):
        sequences = [steps[i : i + T] for i in range(0, len(steps), T)]
        steps = [at for each in sequences for at in read_sequence(program, layer, number, each)]
        if number < len(masks):
            steps = drop_steps(program, steps, T, masks[number])
    return join_entries(steps, T)


def take_first_item(layer: Module, remaining: list[Module]) -> None:
    """Pick the first of a layer's outputs. Raises Unsupported where that is not what comes next."""
    if not remaining or not isinstance(remaining[0], nn.Item) or remaining[0].key != 0:
        raise Unsupported(f"{layer.label()} without an Item(0) after it")
    remaining.pop(0)


def read_sequence(
    program: Program, layer: Recurrent, number: int, steps: Sequence[Value]
) -> list[Value]:
    """The states (D H) of the layer of this number at each step (features)."""
    add_cell, H = CELLS[type(layer)], layer.hidden_size
    directions = [Direction(program, layer, steps, name) for name in layer.suffixes(number)]
    states = [add_cell(direction) for direction in directions]
    return [
        Value((H * len(states),), [at_step(state, t) for state in states])
        for t in range(len(steps))
    ]


def at_step(rows: Slice, t: int) -> Slice:
    """These rows at step t, which is a block of their buffer."""
    return rows._replace(block=t)


class Direction:
    """A layer in one direction: its weights, and the steps (features) that it reads."""

    def __init__(
        self, program: Program, layer: Recurrent, steps: Sequence[Value], name: str
    ) -> None:
        self.program, self.layer, self.steps, self.name = program, layer, steps, name
        self.H = layer.hidden_size

    def weights(self, kind: str, first: int, count: int) -> Weights:
        """Those of ``count`` gates; kind: "ih", of the inputs, or "hh", of the state."""
        weight = getattr(self.layer, f"weight_{kind}{self.name}")
        bias = getattr(self.layer, f"bias_{kind}{self.name}", None)
        whole = find_weights(self.program, weight, bias)
        return whole.select_rows(first * self.H, count * self.H)

    def add_buffer(self, count: int = 1) -> Slice:
        """Room for ``count`` numbers of each unit, at each step."""
        rows = count * self.H
        return Slice(self.program.add_buffer(rows, len(self.steps)), 0, rows)

    def add_input_sums(self, first: int, count: int) -> Slice:
        """W_ih x + b_ih of some gates, for all steps."""
        out, weights = self.add_buffer(count), self.weights("ih", first, count)
        add_products(self.program, weights, self.steps, out)
        add_bias_grad(self.program, out, len(self.steps), weights.bias)
        return out

    def add_state_sums(self, first: int, count: int, out: Slice) -> Callable[..., None]:
        """A function that adds W_hh h + b_hh of some gates to ``out``, a step at a time."""
        weights = self.weights("hh", first, count)
        add_bias_grad(self.program, out, len(self.steps), weights.bias)

        def add_step(t: int, h: Slice, *, accumulate: bool = True) -> None:
            before = [Value((self.H,), [h])]
            add_products(self.program, weights, before, at_step(out, t), accumulate=accumulate)

        return add_step

    def read(self, *states: Slice) -> Iterator[tuple[int, list[Slice]]]:
        """(step, the states before it), in the order of reading; the first are 0."""
        order = range(len(self.steps))[:: -1 if self.name.endswith("reverse") else 1]
        before = [self._add_zeros() for _ in states]
        for i, t in enumerate(order):
            if self.layer.truncate and i and i % self.layer.truncate == 0:
                before = [self._cut_gradient(state) for state in before]
            yield t, before
            before = [at_step(state, t) for state in states]

    def _add_zeros(self) -> Slice:
        """A state that nobody writes to."""
        number = self.program.add_buffer(self.H)
        self.program.constants.add(number)
        return Slice(number, 0, self.H)

    def _cut_gradient(self, state: Slice) -> Slice:
        """A copy whose gradient nobody writes, so that it is 0."""
        (copied,) = self.program.copy([Value((self.H,), [state])])
        self.program.constants.add(copied.slices[0].buffer)
        return copied.slices[0]


def split_gates(rows: Slice, t: int, count: int) -> list[Slice]:
    """So many gates at a step, from the rows of all."""
    H = rows.rows // count
    return [rows._replace(row=rows.row + i * H, rows=H, block=t) for i in range(count)]


def add_rnn(direction: Direction) -> Slice:
    """hₜ = f(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh), where the sum was."""
    layer, program = direction.layer, direction.program
    squash = isinstance(layer, nn.RNN) and layer.nonlinearity == "tanh"
    kind = ActivationKind.TANH if squash else ActivationKind.RELU
    h = direction.add_input_sums(0, 1)
    add_step = direction.add_state_sums(0, 1, h)
    for t, (before,) in direction.read(h):
        add_step(t, before)
        activate_rows(program, at_step(h, t), kind)
    return h


def add_lstm(direction: Direction) -> Slice:
    """cₜ = f cₜ₋₁ + i m,   hₜ = o tanh cₜ"""
    program, H = direction.program, direction.H
    sums = direction.add_input_sums(0, 4)
    add_step = direction.add_state_sums(0, 4, sums)
    c, squashed, h = (direction.add_buffer() for _ in range(3))
    for t, (h_before, c_before) in direction.read(h, c):
        add_step(t, h_before)
        i, f, m, o = split_gates(sums, t, 4)
        activate_rows(program, i._replace(rows=2 * H), ActivationKind.SIGMOID)
        activate_rows(program, m, ActivationKind.TANH)
        activate_rows(program, o, ActivationKind.SIGMOID)
        c_now, squashed_now = at_step(c, t), at_step(squashed, t)
        add_elementwise_product(program, f, c_before, c_now)
        add_elementwise_product(program, i, m, c_now, accumulate=True)
        program.write_map([Value((H,), [c_now])], squashed_now)
        activate_rows(program, squashed_now, ActivationKind.TANH)
        add_elementwise_product(program, o, squashed_now, at_step(h, t))
    return h


def add_gru(direction: Direction) -> Slice:
    """hₜ = n + z hₜ₋₁ − z n,   n = tanh(a + r u)"""
    program, H = direction.program, direction.H
    gates, n = direction.add_input_sums(0, 2), direction.add_input_sums(2, 1)
    u, h = direction.add_buffer(), direction.add_buffer()
    add_step, add_new = direction.add_state_sums(0, 2, gates), direction.add_state_sums(2, 1, u)
    for t, (before,) in direction.read(h):
        add_step(t, before)
        activate_rows(program, at_step(gates, t), ActivationKind.SIGMOID)
        add_new(t, before, accumulate=False)
        r, z = split_gates(gates, t, 2)
        n_now, h_now = at_step(n, t), at_step(h, t)
        add_elementwise_product(program, r, at_step(u, t), n_now, accumulate=True)
        activate_rows(program, n_now, ActivationKind.TANH)
        program.write_map([Value((H,), [n_now])], h_now)
        add_elementwise_product(program, z, before, h_now, accumulate=True)
        add_elementwise_product(program, z, n_now, h_now, scale=-1.0, accumulate=True)
    return h


CELLS: dict[type[Module], Callable[[Direction], Slice]] = {
    nn.RNN: add_rnn,
    nn.LSTM: add_lstm,
    nn.GRU: add_gru,
}
"""What each layer does in its steps: where the states h are, a block for each."""
