"""Recurrent layers and attention."""

from __future__ import annotations

from math import cos, sin

import torch
from torch import nn as tnn

from chainrule import nn
from tests.nn.cases import Case, odd, same


def with_state(name: str, *state: int, states: int, shape: tuple[int, ...], **kwargs) -> Case:
    """A recurrent layer that is given the state to begin with."""
    row = same(name, *(3, 2), shape=shape, **kwargs)

    def make(seed: int):
        first = tuple(odd(*state, seed=seed + 5 + i) for i in range(states))
        return odd(*shape, seed=seed), first if states > 1 else first[0]

    return Case(f"{row.name} from {state}", row.make, twin=row.twin, input=make)


RECURRENT = [
    *(same(name, 3, 2, shape=(4, 2, 3)) for name in ("RNN", "LSTM", "GRU")),
    *(
        same(name, 3, 2, 2, batch_first=True, bidirectional=True, shape=(2, 4, 3))
        for name in ("RNN", "LSTM", "GRU")
    ),
    same("RNN", 3, 2, nonlinearity="relu", bias=False, shape=(4, 2, 3)),
    same("LSTM", 3, 2, bias=False, bidirectional=True, shape=(4, 3)),
    same("GRU", 3, 2, 3, shape=(4, 3)),
    same("LSTM", 3, 2, 2, dropout=0.4, shape=(4, 2, 3), random=True),
    with_state("RNN", 1, 2, 2, states=1, shape=(4, 2, 3)),
    with_state("GRU", 2, 4, 2, states=1, shape=(4, 2, 3), bidirectional=True, batch_first=True),
    with_state("LSTM", 1, 2, 2, states=2, shape=(4, 2, 3)),
    with_state("LSTM", 1, 2, states=2, shape=(4, 3)),
    Case("Item(0) of an LSTM", lambda: nn.Sequential(nn.LSTM(3, 2), nn.Item(0)), (4, 2, 3)),
    Case(
        "Item(b) of Heads",
        lambda: nn.Sequential(nn.Heads(a=nn.Linear(3, 4), b=nn.Linear(3, 2)), nn.Item("b")),
        (5, 3),
    ),
]


def cell_from(name: str, *shape: int, **kwargs) -> Case:
    """A cell that is given the state before."""
    row = same(name, 3, 2, shape=shape, **kwargs)

    def make(seed: int):
        states = [odd(*shape[:-1], 2, seed=seed + 5 + i) for i in range(2)]
        return odd(*shape, seed=seed), tuple(states) if name == "LSTMCell" else states[0]

    return Case(f"{row.name} from a state", row.make, twin=row.twin, input=make)


CELLS = [
    *(same(name, 3, 2, shape=(4, 3)) for name in ("RNNCell", "LSTMCell", "GRUCell")),
    *(cell_from(name, 4, 3) for name in ("RNNCell", "LSTMCell", "GRUCell")),
    *(cell_from(name, 3) for name in ("LSTMCell", "GRUCell")),
    same("RNNCell", 3, 2, nonlinearity="relu", bias=False, shape=(3,)),
    same("LSTMCell", 3, 2, bias=False, shape=(3,)),
    Case("Item(1) of an LSTMCell", lambda: nn.Sequential(nn.LSTMCell(3, 2), nn.Item(1)), (4, 3)),
]


class TorchSelfAttention(tnn.MultiheadAttention):
    """Of one tensor, which is query, key and value."""

    def forward(self, x):
        T = x.shape[-2 if self.batch_first or x.dim() == 2 else 0]
        later = torch.ones(T, T, dtype=torch.bool).triu(1)
        return super().forward(x, x, x, attn_mask=later if self.causal else None)

    causal = False


class TorchCausalAttention(TorchSelfAttention):
    causal = True


class TorchPositions(tnn.Module):
    """The table of sines, entry by entry."""

    def forward(self, x):
        P = torch.zeros(x.shape[1], x.shape[2], dtype=x.dtype)
        for t in range(x.shape[1]):
            for i in range(x.shape[2]):
                angle = t / 10000 ** (2 * (i // 2) / x.shape[2])
                P[t, i] = cos(angle) if i % 2 else sin(angle)
        return x + P


def attention(*args, shape, twin=TorchSelfAttention, causal=False, **kwargs) -> Case:
    row = same("MultiheadAttention", *args, shape=shape, **kwargs)
    return Case(
        f"{row.name}{' causal' * causal}",
        lambda: nn.MultiheadAttention(*args, causal=causal, **kwargs),
        shape,
        lambda: twin(*args, **kwargs),
    )


def encoder(*args, **kwargs) -> Case:
    shape = kwargs.pop("shape")
    return same("TransformerEncoderLayer", *args, dropout=0.0, shape=shape, **kwargs)


ATTENTION = [
    attention(4, 2, shape=(3, 2, 4)),
    attention(6, 2, batch_first=True, shape=(2, 3, 6)),
    attention(4, 1, bias=False, shape=(3, 4)),
    attention(4, 2, batch_first=True, causal=True, twin=TorchCausalAttention, shape=(2, 5, 4)),
    Case(
        "MultiheadAttention of three",
        lambda: nn.MultiheadAttention(4, 2, batch_first=True),
        twin=lambda: tnn.MultiheadAttention(4, 2, batch_first=True),
        input=lambda seed: tuple(odd(2, n, 4, seed=seed + n) for n in (3, 5, 5)),
    ),
    Case(
        "MultiheadAttention dropout",
        lambda: nn.MultiheadAttention(4, 2, 0.3, batch_first=True),
        (2, 3, 4),
        random=True,
    ),
    encoder(4, 2, 5, shape=(3, 2, 4), keeps_shape=True),
    encoder(4, 2, 5, activation="gelu", norm_first=True, batch_first=True, shape=(2, 3, 4)),
    encoder(4, 1, 5, layer_norm_eps=0.1, bias=False, shape=(3, 4)),
    Case(
        "PositionalEncoding(5)",
        lambda: nn.PositionalEncoding(5, batch_first=True),
        (2, 4, 5),
        TorchPositions,
        keeps_shape=True,
    ),
    Case("PositionalEncoding(4) (T, N, E)", lambda: nn.PositionalEncoding(4), (3, 2, 4)),
]

CASES = [*RECURRENT, *CELLS, *ATTENTION]
