"""Cells: one step of RNN, LSTM and GRU as a layer of its own."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor

from chainrule._util.kinds import check_counts
from chainrule.nn.errors import LayerError, check_input, describe_shape
from chainrule.nn.layers.recurrent_steps import (
    GRUStep,
    LSTMStep,
    RecurrentStep,
    RNNStep,
    check_nonlinearity,
)
from chainrule.nn.ops.matmul import linear_forward
from chainrule.nn.vjp import BackwardFn

__all__ = ["GRUCell", "LSTMCell", "RNNCell"]


class RecurrentCell(RecurrentStep, ABC):
    """One step        x (N, in) or (in,), h (N, H) or (H,)

    ``cell(x, h)`` returns the next state, as torch's does; without h it begins with 0. With the
    step's da and du:   dx = W_ihᵀ da,   dh = W_hhᵀ du + its own part,   dW_ih += daᵀ x,
    dW_hh += duᵀ h. In a cohort K is first everywhere. Raises LayerError for other shapes or
    dtypes, ValueError for sizes that are not positive.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        check_counts(input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self._draw_weights(input_size)
        self.to(device=device, dtype=dtype)

    def forward(self, x: Any) -> tuple[Any, BackwardFn]:
        x, given = self._split_input(x)
        lone = x.dim() == self.num_replica_dims + 1
        rows = x.unsqueeze(-2) if lone else x
        state = self._begin(rows, given, lone)
        bias = [None if b is None else b.data for b in (self._bias("ih"), self._bias("hh"))]
        a = linear_forward(self._weight("ih").data, rows, bias[0])
        u = linear_forward(self._weight("hh").data, state[0], bias[1])
        following, rule = self.step(a, u, state)

        def backward(g: Any) -> Any:
            gradients = tuple(s.unsqueeze(-2) if lone else s for s in self._flatten_state(g))
            da, du, (dh, *rest) = rule(gradients)
            self._add_grads("ih", da, rows)
            self._add_grads("hh", du, state[0])
            dx = self._restore(linear_forward(self._weight("ih").data.mT, da), lone)
            if given is None:
                return dx
            dh = dh + linear_forward(self._weight("hh").data.mT, du)
            return dx, self._pack_state([self._restore(s, lone) for s in (dh, *rest)])

        return self._pack_state([self._restore(s, lone) for s in following]), backward

    def _restore(self, rows: Tensor, lone: bool) -> Tensor:
        """As it was given."""
        return rows.squeeze(-2) if lone else rows

    def _begin(
        self, rows: Tensor, given: Sequence[Tensor] | None, lone: bool
    ) -> tuple[Tensor, ...]:
        """The state before the step, each (…, N, H)."""
        lead = () if self.replicas is None else (self.replicas,)
        shape = (*lead, rows.shape[-2], self.hidden_size)
        if given is None:
            return (rows.new_zeros(shape),) * self.num_states
        return tuple((s.unsqueeze(-2) if lone else s).expand(shape) for s in given)

    def _split_input(self, x: Any) -> tuple[Tensor, Sequence[Tensor] | None]:
        """(x, the state before). Raises LayerError where they do not fit."""
        n, first = self.num_replica_dims, None
        if isinstance(x, tuple | list) and len(x) == 2:
            x, first = x

        def fits(x: Tensor) -> bool:
            return x.dim() - n in (1, 2) and x.shape[-1] == self.input_size

        expected = f"input (N, {self.input_size}) or ({self.input_size},)"
        check_input(self, x, expected, fits, like=self._weight("ih").data)
        if first is None:
            return x, None
        states, shape = self._flatten_state(first), (*x.shape[n:-1], self.hidden_size)
        if not isinstance(states, list | tuple) or len(states) != self.num_states:
            kind = "a tensor" if self.num_states == 1 else "a pair (h, c)"
            raise LayerError(self, f"expected {kind} for the state, got {describe_shape(first)}")
        for state in states:
            check_input(self, state, f"a state {shape}", lambda s: s.shape[n:] == shape, like=x)
        return x, states

    def multiply_adds(self, inputs: Any, output: Any) -> int:
        x = inputs[0] if isinstance(inputs, tuple | list) else inputs
        samples: int = x.numel() // self.input_size
        sizes = [self._weight(kind).data.numel() for kind in ("ih", "hh")]
        return samples * sum(sizes) // (self.replicas or 1)


@final
class RNNCell(RNNStep, RecurrentCell):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or with ``nonlinearity="relu"`` max(…, 0)

    Its rule is that of a step of :class:`RNN`; shapes, weights and errors: RecurrentCell.
    ValueError for another ``nonlinearity``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.nonlinearity = check_nonlinearity(nonlinearity)
        super().__init__(input_size, hidden_size, bias, device, dtype)


@final
class LSTMCell(LSTMStep, RecurrentCell):
    """(h', c') of x and (h, c): one step of :class:`LSTM`, whose rule it has

    ``cell(x, (h, c))`` returns the pair. Shapes, weights and errors: RecurrentCell.
    """


@final
class GRUCell(GRUStep, RecurrentCell):
    """h' of x and h: one step of :class:`GRU`, whose rule it has

    Shapes, weights, arguments and errors: RecurrentCell.
    """
