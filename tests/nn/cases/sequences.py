"""Recurrent layers and attention."""

from __future__ import annotations

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

CASES = [*RECURRENT]
