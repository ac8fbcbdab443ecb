"""Networks for sequences: of numbers, of tokens, of pairs of tokens."""

from __future__ import annotations

from typing import Literal

from chainrule import nn
from chainrule._util.argument_checks import check_arguments
from chainrule.nn import Module, Sequential

__all__ = ["modular_net", "sequence_net"]

Reader = Literal["RNN", "LSTM", "GRU", "attention"]
HEADS = 4


@check_arguments
def sequence_net(
    reader: Reader = "LSTM",
    inputs: int = 2,
    hidden: int = 32,
    outputs: int = 1,
    tokens: int | None = None,
    places: int | None = None,
) -> Sequential:
    """One reader of the sequence, whose last state gives the answer.

    Input (N, T, inputs), or with ``tokens`` whole numbers (N, T), of which each has a vector of
    ``inputs`` numbers. Output (N, outputs), or with ``places`` (N, outputs, places), scores for the
    classes of several answers. ``attention`` is one encoder layer of a transformer with positions.
    """
    embedding: list[Module] = [] if tokens is None else [nn.Embedding(tokens, inputs)]
    last = nn.Linear(hidden, outputs * (places or 1))
    unfold: list[Module] = [] if places is None else [nn.Unflatten(1, (outputs, places))]
    return Sequential(*embedding, *build_reader(reader, inputs, hidden), last, *unfold)


def build_reader(reader: Reader, inputs: int, hidden: int) -> list[Module]:
    """What makes (N, hidden) of (N, T, inputs). Raises ValueError for another kind."""
    recurrent = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}
    if reader in recurrent:
        cell = recurrent[reader](inputs, hidden, batch_first=True)
        return [cell, nn.Item(0), nn.Select(1, -1)]
    if reader != "attention":
        known = ", ".join((*recurrent, "attention"))
        raise ValueError(f"sequence_net: expected a reader of {known}, got {reader!r}")
    return [
        nn.Linear(inputs, hidden),
        nn.PositionalEncoding(hidden, batch_first=True),
        nn.TransformerEncoderLayer(
            hidden, HEADS, dim_feedforward=2 * hidden, dropout=0.0, batch_first=True
        ),
        nn.Select(1, -1),
    ]


@check_arguments
def modular_net(modulus: int = 97, embedding: int = 32, hidden: int = 128) -> Sequential:
    """Both numbers as vectors, side by side, a hidden layer, and a score for each result.

    Input (N, 2) whole numbers below the modulus, output (N, modulus).
    """
    return Sequential(
        nn.Embedding(modulus, embedding),
        nn.Flatten(),
        nn.Linear(2 * embedding, hidden),
        nn.ReLU(),
        nn.Linear(hidden, modulus),
    )
