"""One step of RNN, LSTM and GRU: what layers and cells apply again and again.

N samples, H hidden units; … is the replica axis K. A step has two sums, a = W_ih xₜ + b_ih and
u = W_hh hₜ₋₁ + b_hh, and makes of them and of the state the next state.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple, TypeAlias

import torch
from torch import Tensor

from chainrule.nn.init import FanInUniform
from chainrule.nn.module import Module
from chainrule.nn.ops.matmul import addmm_
from chainrule.nn.parameter import Parameter

__all__ = [
    "GRUStep",
    "LSTMStep",
    "RNNStep",
    "RecurrentStep",
    "State",
    "StepRule",
    "check_nonlinearity",
]

State: TypeAlias = tuple[Tensor, ...]
"""What goes from step to step: (h,), or (h, c) of an LSTM, each (…, N, H)."""


class StepGrads(NamedTuple):
    """What a step's rule makes of dL/d(next state): of a, of u, and of the state beside u."""

    a: Tensor
    u: Tensor
    state: State


StepRule: TypeAlias = Callable[[State], StepGrads]


class RecurrentStep(Module, ABC):
    """A module that goes from state to state, and the weights that it multiplies by.

    Their names end with a ``name``, which says of which layer and direction they are.
    """

    num_gates: ClassVar[int]
    num_states: ClassVar[int] = 1
    hidden_size: int
    bias: bool

    @abstractmethod
    def step(self, a: Tensor, u: Tensor, state: State) -> tuple[State, StepRule]:
        """The next state, and the rule        a, u (…, N, gates H)"""

    def _draw_weights(self, width: int, name: str = "") -> None:
        """W_ih (gates H, width), W_hh (gates H, H) and their biases, in torch's order."""
        rows, init = self.num_gates * self.hidden_size, FanInUniform(self.hidden_size)
        setattr(self, f"weight_ih{name}", Parameter.draw((rows, width), init))
        setattr(self, f"weight_hh{name}", Parameter.draw((rows, self.hidden_size), init))
        for kind in ("ih", "hh") if self.bias else ():
            setattr(self, f"bias_{kind}{name}", Parameter.draw((rows,), init))

    def _weight(self, kind: str, name: str = "") -> Parameter:
        found: Parameter = getattr(self, f"weight_{kind}{name}")
        return found

    def _bias(self, kind: str, name: str = "") -> Parameter | None:
        found: Parameter | None = getattr(self, f"bias_{kind}{name}", None)
        return found

    def _add_grads(self, kind: str, g: Tensor, x: Tensor, name: str = "") -> None:
        """dW += gᵀ x, db += Σ g        g (…, rows, gates H)"""
        addmm_(self._weight(kind, name).grad, g.mT, x)
        if (bias := self._bias(kind, name)) is not None:
            bias.grad += g.sum(-2)

    def _flatten_state(self, state: Any) -> Sequence[Tensor]:
        return [state] if self.num_states == 1 else state

    def _pack_state(self, parts: Sequence[Tensor]) -> Any:
        return parts[0] if self.num_states == 1 else tuple(parts)


def check_nonlinearity(name: str) -> str:
    """The name. Raises ValueError for another than "tanh" and "relu"."""
    if name not in ("tanh", "relu"):
        raise ValueError(f"nonlinearity is 'tanh' or 'relu', got {name!r}")
    return name


class RNNStep(RecurrentStep, ABC):
    """hₜ = tanh(a + u), or with ``nonlinearity="relu"`` max(a + u, 0)

    da = du = dh (1 − hₜ²), or dh where hₜ > 0
    """

    num_gates = 1
    nonlinearity: str

    def step(self, a: Tensor, u: Tensor, state: State) -> tuple[State, StepRule]:
        squash = self.nonlinearity == "tanh"
        h = (a + u).tanh() if squash else (a + u).relu()

        def rule(g: State) -> StepGrads:
            (dh,) = g
            dz = dh - dh * h * h if squash else dh.masked_fill(h <= 0, 0)
            return StepGrads(dz, dz, (torch.zeros_like(h),))

        return (h,), rule


class LSTMStep(RecurrentStep, ABC):
    """cₜ = f cₜ₋₁ + i m,   hₜ = o tanh cₜ,   with i, f, o = σ, m = tanh of a + u, in order i f m o

    dc = dcₜ + dh o (1 − tanh² cₜ), and dcₜ₋₁ = dc f;   di = dc m,   df = dc cₜ₋₁,   dm = dc i,
    do = dh tanh cₜ, each through its own σ or tanh
    """

    num_gates, num_states = 4, 2

    def step(self, a: Tensor, u: Tensor, state: State) -> tuple[State, StepRule]:
        _, before = state
        i, f, m, o = (a + u).chunk(4, -1)
        i, f, m, o = i.sigmoid(), f.sigmoid(), m.tanh(), o.sigmoid()
        c = f * before + i * m
        t = c.tanh()

        def rule(g: State) -> StepGrads:
            dh, dc = g
            dc = dc + dh * o * (1 - t * t)
            dz = torch.cat(
                [
                    dc * m * i * (1 - i),
                    dc * before * f * (1 - f),
                    dc * i * (1 - m * m),
                    dh * t * o * (1 - o),
                ],
                -1,
            )
            return StepGrads(dz, dz, (torch.zeros_like(dh), dc * f))

        return (o * t, c), rule


class GRUStep(RecurrentStep, ABC):
    """hₜ = (1 − z) n + z hₜ₋₁,   r, z = σ(a + u),   n = tanh(a + r u), in order r z n

    dn = dh (1 − z) (1 − n²),   dz = dh (hₜ₋₁ − n) z (1 − z),   dr = dn u r (1 − r); the third
    part of du is r dn, and dhₜ₋₁ has dh z besides
    """

    num_gates = 3

    def step(self, a: Tensor, u: Tensor, state: State) -> tuple[State, StepRule]:
        (before,) = state
        (ar, az, an), (ur, uz, un) = a.chunk(3, -1), u.chunk(3, -1)
        r, z = (ar + ur).sigmoid(), (az + uz).sigmoid()
        n = (an + r * un).tanh()

        def rule(g: State) -> StepGrads:
            (dh,) = g
            dn = dh * (1 - z) * (1 - n * n)
            dz = dh * (before - n) * z * (1 - z)
            dr = dn * un * r * (1 - r)
            return StepGrads(
                torch.cat([dr, dz, dn], -1), torch.cat([dr, dz, dn * r], -1), (dh * z,)
            )

        return (n + z * (before - n),), rule
