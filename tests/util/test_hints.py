"""What a type hint says of a value, and in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import pytest
import torch

from chainrule._util.hints import describe_hint, fits_hint

FITTING = [
    (3, int),
    (3, float),
    (True, bool),
    (None, int | None),
    ("auto", bool | Literal["auto"]),
    ([1, 2], tuple[int, int]),
    ([], Sequence[int]),
    ([1, [2.5]], Sequence[int | Sequence[float]]),
    ({"a": 1}, Mapping[str, float]),
    (len, Callable[[Any], int]),
    (torch.ones(2), float | torch.Tensor),
    (object(), Any),
]
OTHERS = [
    (True, int),
    (1, bool),
    (1.5, int),
    (10**30, float),
    ("relu", bool | Literal["auto"]),
    ([1, 2, 3], tuple[int, int]),
    ("ab", Sequence[str]),
    ([1, None], Sequence[int]),
    ({"a": "b"}, Mapping[str, float]),
    ([1], float | torch.Tensor),
    (None, str),
]


@pytest.mark.parametrize(("value", "hint"), FITTING)
def test_what_a_hint_says(value, hint):
    assert fits_hint(value, hint)


@pytest.mark.parametrize(("value", "hint"), OTHERS)
def test_what_a_hint_does_not_say(value, hint):
    assert not fits_hint(value, hint)


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int | None, "a whole number"),
        (float | torch.Tensor, "a number"),
        (int | tuple[int, ...], "a whole number or a list of whole numbers"),
        (tuple[float, float], "a list of 2 numbers"),
        (Literal["cos", "linear"], "'cos' or 'linear'"),
        (Mapping[str, int], "a table"),
        (str | Callable[[], int], "a text"),
    ],
)
def test_a_hint_in_words(hint, words):
    assert describe_hint(hint) == words
