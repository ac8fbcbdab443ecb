"""Recurrent layers: RNN, LSTM, GRU; and the chain rule of their steps, back through time.

T steps, N samples, H hidden units, D directions (1, or 2), L layers; … is the replica axis K. What
one step does stands in ``recurrent_steps.py``; the rule of a layer goes through its steps' rules
from the last to the first.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor

from chainrule._util.kinds import check_counts
from chainrule.nn.errors import LayerError, check_input, describe_shape
from chainrule.nn.layers.dropout import drop_within
from chainrule.nn.layers.recurrent_steps import (
    GRUStep,
    LSTMStep,
    RecurrentStep,
    RNNStep,
    State,
    check_nonlinearity,
)
from chainrule.nn.ops.matmul import linear_forward
from chainrule.nn.vjp import BackwardFn

__all__ = ["GRU", "LSTM", "RNN"]


class RecurrentWeights(RecurrentStep, ABC):
    """What the steps of all layers and directions multiply by, under torch's names."""

    input_size: int
    num_layers: int
    batch_first: bool
    dropout: float
    bidirectional: bool
    truncate: int | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        truncate: int | None = None,
    ) -> None:
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, dropout
        self.bidirectional, self.truncate = bidirectional, truncate
        self._init_weights(device, dtype)

    def _init_weights(self, device: Any, dtype: torch.dtype | None) -> None:
        """The parameters of all layers and directions, in torch's order."""
        for name in ("input_size", "hidden_size", "num_layers", "truncate"):
            if (size := getattr(self, name)) is not None:
                check_counts(**{name: size})
        if not 0 <= self.dropout <= 1:
            raise ValueError(f"dropout is a probability, from 0 to 1; got {self.dropout}")
        for layer in range(self.num_layers):
            directions = len(self._directions)
            width = self.input_size if layer == 0 else self.hidden_size * directions
            for name in self.suffixes(layer):
                self._draw_weights(width, name)
        self.to(device=device, dtype=dtype)

    @property
    def _directions(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)

    def suffixes(self, layer: int) -> list[str]:
        """How the names of a layer's parameters end, a direction each."""
        return [f"_l{layer}{direction}" for direction in self._directions]

    def _project(self, x: Tensor, name: str) -> Tensor:
        """a of all steps at once        (…, T, N, gates H)"""
        time, bias = self.num_replica_dims, self._bias("ih", name)
        b = None if bias is None else bias.data
        a = linear_forward(self._weight("ih", name).data, x.flatten(time, time + 1), b)
        return a.reshape(*a.shape[:time], *x.shape[time : time + 2], a.shape[-1])


class Recurrent(RecurrentWeights, ABC):
    """A layer that reads a sequence step by step        x (T, N, in), or (N, T, in) ``batch_first``

    It returns (y, hₙ) as torch's: y (T, N, D H) the last layer's h at each step, hₙ (L D, N, H) all
    layers' last state, a pair of them for an LSTM. ``layer(x, h0)`` begins with h0, else with 0; a
    lone sequence is x (T, in). In a cohort K is first everywhere. :class:`Item` picks y in a
    Sequential.

    With gₜ = dL/dyₜ and dhₜ what comes back from step t + 1, the rule of step t is given gₜ + dhₜ:
    dhₜ₋₁ = W_hhᵀ du + its own part,   dW_hh += Σₜ du hₜ₋₁ᵀ,   dW_ih += Σₜ da xₜᵀ,   dxₜ = W_ihᵀ da

    ``truncate`` n lets no gradient pass from a step n, 2n, … to the one before (Williams and Peng,
    1990). ``dropout`` stands between layers. Raises LayerError for other shapes or dtypes,
    ValueError for sizes that are not positive and for a ``dropout`` outside [0, 1].
    """

    @property
    def depends_on_batch(self) -> bool:
        return not self.batch_first

    def forward(self, x: Any) -> tuple[Any, BackwardFn]:
        x, first = self._split_input(x)
        time, lone = self.num_replica_dims, x.dim() == self.num_replica_dims + 2
        y, given = self._reorder(x, lone), first or ()
        states = [s.unsqueeze(time + 1) if lone else s for s in given] or self._zeros(y)
        rules, last = [], []
        for layer in range(self.num_layers):
            begins = [tuple(s.select(time, i) for s in states) for i in self._rows(layer)]
            y, ends, rule = self._forward_layer(layer, y, begins)
            rules.append(rule)
            last.extend(ends)
        h_n = tuple(torch.stack(parts, time) for parts in zip(*last, strict=True))

        def backward(g: Any) -> Any:
            gy, gh = g
            gy = self._reorder(gy, lone)
            ends = [s.unsqueeze(time + 1) if lone else s for s in self._flatten_state(gh)]
            begins: list[State] = []
            for layer in reversed(range(self.num_layers)):
                came = [tuple(s.select(time, i) for s in ends) for i in self._rows(layer)]
                gy, found = rules[layer](gy, came)
                begins = [*found, *begins]
            dx = self._restore(gy, lone)
            if first is None:
                return dx
            dh = [torch.stack(parts, time) for parts in zip(*begins, strict=True)]
            return dx, self._pack_state([s.squeeze(time + 1) if lone else s for s in dh])

        ends = [s.squeeze(time + 1) if lone else s for s in h_n]
        return (self._restore(y, lone), self._pack_state(ends)), backward

    def _rows(self, layer: int) -> range:
        """Where the states of a layer's directions stand among all."""
        D = len(self._directions)
        return range(layer * D, (layer + 1) * D)

    def _forward_layer(self, layer: int, x: Tensor, begins: list[State]) -> Any:
        """All directions of a layer side by side, and dropout where another layer follows."""
        names, H = self.suffixes(layer), self.hidden_size
        runs = [self._run(x, begin, name) for begin, name in zip(begins, names, strict=True)]
        y = torch.cat([run[0] for run in runs], -1)
        drop: BackwardFn = lambda g: g  # noqa: E731
        if self.dropout and layer < self.num_layers - 1:
            y, drop = self._drop(y)

        def backward(g: Tensor, ends: list[State]) -> tuple[Tensor, list[State]]:
            parts = zip(runs, torch.split(drop(g), H, -1), ends, strict=True)
            found = [run[2](part, end) for run, part, end in parts]
            return sum((dx for dx, _ in found[1:]), found[0][0]), [begin for _, begin in found]

        return y, [run[1] for run in runs], backward

    def _run(self, x: Tensor, state: State, name: str) -> Any:
        """One layer in one direction        x (…, T, N, in); (y, last state, rule)"""
        time, backwards = self.num_replica_dims, name.endswith("reverse")
        a = self._project(x, name)
        order = range(x.shape[time])[:: -1 if backwards else 1]
        w, bias = self._weight("hh", name), self._bias("hh", name)
        steps, before, after = [], {}, {}
        for t in order:
            before[t] = state[0]
            u = linear_forward(w.data, state[0], None if bias is None else bias.data)
            state, rule = self.step(a.select(time, t), u, state)
            steps.append((t, rule))
            after[t] = state[0]

        def backward(g: Tensor, end: State) -> tuple[Tensor, State]:
            da, du = {}, {}
            for i, (t, rule) in reversed([*enumerate(steps)]):
                da[t], du[t], (dh, *rest) = rule((end[0] + g.select(time, t), *end[1:]))
                end = (dh + linear_forward(w.data.mT, du[t]), *rest)
                if self.truncate and i and i % self.truncate == 0:
                    end = tuple(torch.zeros_like(s) for s in end)
            stacked = [stack_steps(parts, time) for parts in (da, du, before)]
            self._add_grads("hh", stacked[1], stacked[2], name)
            self._add_grads("ih", stacked[0], x.flatten(time, time + 1), name)
            dx = linear_forward(self._weight("ih", name).data.mT, stacked[0])
            return dx.reshape(*a.shape[:-1], x.shape[-1]), end

        return torch.stack([after[t] for t in sorted(after)], time), state, backward

    def _drop(self, y: Tensor) -> tuple[Tensor, BackwardFn]:
        """Dropout with this layer's own draws; a sample's do not depend on the others."""
        time = self.num_replica_dims
        dropped, rule = drop_within(self, y.transpose(time, time + 1), self.dropout)
        return dropped.transpose(time, time + 1), lambda g: rule(
            g.transpose(time, time + 1)
        ).transpose(time, time + 1)

    def _zeros(self, y: Tensor) -> list[Tensor]:
        lead = () if self.replicas is None else (self.replicas,)
        shape = (*lead, self.num_layers * len(self._directions), y.shape[-2], self.hidden_size)
        return [y.new_zeros(shape)] * self.num_states

    def _reorder(self, g: Tensor, lone: bool) -> Tensor:
        """As the layer computes: time before the samples."""
        time = self.num_replica_dims
        if lone:
            return g.unsqueeze(time + 1)
        return g.transpose(time, time + 1) if self.batch_first else g

    def _restore(self, y: Tensor, lone: bool) -> Tensor:
        """As it was given."""
        time = self.num_replica_dims
        if lone:
            return y.squeeze(time + 1)
        return y.transpose(time, time + 1) if self.batch_first else y

    def _split_input(self, x: Any) -> tuple[Tensor, Sequence[Tensor] | None]:
        """(x, the first state). Raises LayerError where they do not fit."""
        first = None
        if isinstance(x, tuple | list) and len(x) == 2:
            x, first = x
        axes = "(N, T, {0})" if self.batch_first else "(T, N, {0})"
        expected = f"input {axes} or (T, {{0}})".format(self.input_size)
        check_input(self, x, expected, self._fits, like=self._weight("ih", "_l0").data)
        if first is None:
            return x, None
        states = self._flatten_state(first)
        lone = x.dim() == self.num_replica_dims + 2
        samples = x.shape[self.num_replica_dims + (not self.batch_first)]
        rows = self.num_layers * len(self._directions)
        shape = (rows, self.hidden_size) if lone else (rows, samples, self.hidden_size)
        if not isinstance(states, list | tuple) or len(states) != self.num_states:
            kind = "a tensor" if self.num_states == 1 else "a pair (h0, c0)"
            raise LayerError(self, f"expected {kind} to begin with, got {describe_shape(first)}")
        for state in states:
            fits = lambda t: t.shape[self.num_replica_dims :] == shape  # noqa: E731
            check_input(self, state, f"a first state {shape}", fits, like=x)
        return x, [s.expand(self.replicas, *shape) if self.replicas else s for s in states]

    def _fits(self, x: Tensor) -> bool:
        n = self.num_replica_dims
        sized = x.dim() - n in (2, 3) and x.shape[-1] == self.input_size
        return sized and x.shape[n + (self.batch_first and x.dim() - n == 3)] > 0

    def multiply_adds(self, inputs: Any, output: Any) -> int:
        x = inputs[0] if isinstance(inputs, tuple | list) else inputs
        steps: int = x.numel() // self.input_size
        each = 0
        for layer in range(self.num_layers):
            for name in self.suffixes(layer):
                sizes = [self._weight(kind, name).data.numel() for kind in ("ih", "hh")]
                each += sum(sizes) // (self.replicas or 1)
        return steps * each


def stack_steps(parts: dict[int, Tensor], time: int) -> Tensor:
    """Tensors (…, N, F) of the steps as one (…, T N, F)."""
    return torch.stack([parts[t] for t in sorted(parts)], time).flatten(time, time + 1)


@final
class RNN(RNNStep, Recurrent):
    """hₜ = tanh(a + u), or with ``nonlinearity="relu"`` max(a + u, 0)        Elman, 1990

    da = du = dh (1 − hₜ²), or dh where hₜ > 0

    Shapes, weights, arguments and errors: Recurrent. ValueError for another ``nonlinearity``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        truncate: int | None = None,
    ) -> None:
        self.nonlinearity = check_nonlinearity(nonlinearity)
        super().__init__(
            *(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional),
            device=device,
            dtype=dtype,
            truncate=truncate,
        )


@final
class LSTM(LSTMStep, Recurrent):
    """cₜ = f cₜ₋₁ + i m,   hₜ = o tanh cₜ,   with i, f, o = σ, m = tanh of a + u, in order i f m o

    dc = dcₜ + dh o (1 − tanh² cₜ), and dcₜ₋₁ = dc f;   di = dc m,   df = dc cₜ₋₁,   dm = dc i,
    do = dh tanh cₜ, each through its own σ or tanh        Hochreiter and Schmidhuber, 1997

    Shapes, weights, arguments and errors: Recurrent; the state is the pair (h, c).
    """


@final
class GRU(GRUStep, Recurrent):
    """hₜ = (1 − z) n + z hₜ₋₁,   r, z = σ(a + u),   n = tanh(a + r u), in order r z n

    dn = dh (1 − z) (1 − n²),   dz = dh (hₜ₋₁ − n) z (1 − z),   dr = dn u r (1 − r); the third
    part of du is r dn, and dhₜ₋₁ has dh z besides        Cho et al., 2014

    Shapes, weights, arguments and errors: Recurrent.
    """
