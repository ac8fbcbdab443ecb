"""Sequences to learn from: problems that ask for memory, arithmetic, the characters of a text.

A sequence of K seeds gives K fresh draws as one data set with replicas, in which replica k is bit
for bit the plain draw of seed k.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, TypeAlias, final

import torch
from torch import Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule._util.words import count_noun
from chainrule.data.dataset import Dataset, Seeds, stack_draws
from chainrule.data.errors import DataError
from chainrule.seeds import generator

__all__ = [
    "Alphabet",
    "Operation",
    "adding",
    "characters",
    "copying",
    "modular_arithmetic",
    "read_text",
]


@check_arguments
def adding(n: int, length: int = 20, *, seed: Seeds = 0) -> Dataset:
    """Numbers in a row, two of them marked: what is the sum of these two?

    inputs (n, length, 2) float32: a number uniform in [0, 1], and 1 where it is marked, else 0
    targets (n, 1) float32

    One mark is in each half. Who answers 1 whatever comes errs by 1/6 in the mean square.
    (Hochreiter and Schmidhuber, Long short-term memory, 1997.) Raises ValueError for n below 0
    and for a length below 2.
    """
    check_sizes("adding", n, length, least=2)

    def draw(one: int) -> Dataset:
        g = generator(one, "data", "adding")
        numbers = torch.rand(n, length, generator=g, dtype=torch.float32)
        first = torch.randint(length // 2, (n, 1), generator=g)
        second = torch.randint(length // 2, length, (n, 1), generator=g)
        places = torch.cat([first, second], 1)
        marks = torch.zeros_like(numbers).scatter_(1, places, 1.0)
        return Dataset(torch.stack([numbers, marks], -1), numbers.gather(1, places).sum(1, True))

    return stack_draws(draw, seed)


@check_arguments
def copying(
    n: int, length: int = 5, *, delay: int = 10, symbols: int = 8, seed: Seeds = 0
) -> Dataset:
    """Symbols to be said again after a delay.

    inputs (n, 2 · length + delay) int64: the symbols 1 … symbols, ``delay`` zeros, then ``length``
    times the sign symbols + 1, which asks for an answer
    targets (n, length) int64: the symbols in their order, counted from 0

    The answer to position i is due at input length + delay + i. (Hochreiter and Schmidhuber,
    1997; Arjovsky, Shah and Bengio, Unitary evolution recurrent neural networks, 2016.) Raises
    ValueError for n or delay below 0, and for length or symbols below 1.
    """
    check_sizes("copying", n, length, least=1)
    if delay < 0 or symbols < 1:
        raise ValueError(
            f"copying: expected delay at least 0 and symbols at least 1, got {delay} and {symbols}"
        )

    def draw(one: int) -> Dataset:
        g = generator(one, "data", "copying")
        wanted = torch.randint(symbols, (n, length), generator=g)
        pause, ask = torch.zeros(n, delay, dtype=torch.long), torch.full_like(wanted, symbols + 1)
        return Dataset(torch.cat([wanted + 1, pause, ask], 1), wanted)

    return stack_draws(draw, seed)


Operation: TypeAlias = Literal["+", "-", "*"]

OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul}


@check_arguments
def modular_arithmetic(modulus: int = 97, operation: Operation = "+") -> Dataset:
    """All pairs of numbers, and what an operation makes of them, modulo a number.

    inputs (modulus², 2) int64: a and b in 0 … modulus − 1, in order
    targets (modulus²,) int64: a + b, a − b or a · b, modulo the modulus

    A net that has learned some of the pairs by heart may find the rule for all much later. (Power
    et al., Grokking, 2022.) Raises ValueError for a modulus below 2 and for another operation.
    """
    if operator.index(modulus) < 2:
        raise ValueError(f"modular_arithmetic: expected a modulus of at least 2, got {modulus}")
    if operation not in OPERATIONS:
        known = ", ".join(map(repr, OPERATIONS))
        raise ValueError(f"modular_arithmetic: expected the operation {known}, got {operation!r}")
    numbers = torch.arange(modulus)
    pairs = torch.cartesian_prod(numbers, numbers)
    a, b = pairs.unbind(1)
    sources = torch.arange(len(pairs)).unsqueeze(1)
    return Dataset(pairs, OPERATIONS[operation](a, b) % modulus, sources=sources)


@final
@check_arguments
@dataclass(frozen=True)
class Alphabet:
    """The characters that there are, each of which stands for its place among them."""

    characters: str

    def __post_init__(self) -> None:
        if len(set(self.characters)) < len(self.characters):
            raise ValueError(f"Alphabet: expected each character once, got {self.characters!r}")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """That of a text, in the order of Unicode."""
        return cls("".join(sorted(set(text))))

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> Tensor:
        """The place of each character (T,) int64. Raises DataError for one that is not there."""
        places = {character: i for i, character in enumerate(self.characters)}
        if unknown := sorted(set(text) - places.keys()):
            raise DataError(f"no character {unknown[0]!r} in the alphabet {self.characters!r}")
        return torch.tensor([places[character] for character in text], dtype=torch.long)

    def decode(self, places: Tensor | Sequence[int]) -> str:
        """The text of places (T,). Raises IndexError for one that is not there."""
        return "".join(self.characters[operator.index(i)] for i in places)


@check_arguments
def characters(text: str, length: int = 32, alphabet: Alphabet | None = None) -> Dataset:
    """Stretches of a text, and the character after each.

    inputs (N, length) int64: characters as places in the ``alphabet``, the text's own unless given
    targets (N,) int64: the next one

    Stretches do not overlap: each begins after the target of the one before, so that samples can
    be shared out to training and test. Raises DataError for a text that is too short and for a
    character that is not in the alphabet, ValueError for a length below 1.
    """
    if length < 1:
        raise ValueError(f"characters: expected a length of at least 1, got {length}")
    places = (alphabet or Alphabet.from_text(text)).encode(text)
    N = len(places) // (length + 1)
    if not N:
        raise DataError(
            f"a text of {count_noun(len(text), 'character')} has no {length} with one after "
            "them; expected a longer text or a smaller length"
        )
    rows = places[: N * (length + 1)].reshape(N, length + 1)
    return Dataset(rows[:, :-1].contiguous(), rows[:, -1], sources=torch.arange(N).unsqueeze(1))


@check_arguments
def read_text(path: str | Path) -> str:
    """A text file in UTF-8, each line ended alike. Raises OSError, DataError where it is none."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text in UTF-8: {error}") from None


def check_sizes(name: str, n: int, length: int, least: int) -> None:
    """Raise ValueError where there cannot be n sequences of this length."""
    if operator.index(n) < 0 or operator.index(length) < least:
        raise ValueError(
            f"{name}: expected n at least 0 and length at least {least}, got {n} and {length}"
        )
