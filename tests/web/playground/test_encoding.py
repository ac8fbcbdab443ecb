"""Messages as bytes: arrays arrive as they are, whatever stands before them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from chainrule.web.playground.encoding import encode_numbers, pack_message, summarize_seeds
from tests.web.playground.conftest import unpack


@pytest.mark.parametrize("length", [0, 1, 3, 5])
def test_arrays_of_any_length_arrive(length):
    message = {
        "bytes": np.arange(length, dtype=np.uint8),
        "rest": ["ä" * length, {"numbers": np.arange(3, dtype=np.float32) / 7}],
    }
    np.testing.assert_equal(unpack(pack_message(message)), message)


def test_arrays_begin_where_a_browser_can_read_them():
    packed = pack_message({"a": np.zeros(1, np.uint8), "b": np.ones(1, np.float32)})
    start = 4 + int.from_bytes(packed[:4], "little")
    assert start % 4 == 0
    assert packed[start + 4 :] == np.ones(1, "<f4").tobytes()


def test_what_no_page_can_read_is_refused():
    with pytest.raises(TypeError, match="a page takes no Tensor"):
        pack_message({"x": torch.ones(2)})
    with pytest.raises(ValueError, match="Out of range"):
        pack_message({"x": float("nan")})


def test_what_is_not_finite_is_nan():
    numbers = encode_numbers(torch.tensor([3.0, float("inf"), -float("inf")]))
    np.testing.assert_equal(numbers, np.array([3, np.nan, np.nan], np.float32))


def test_seeds_without_a_number_are_left_out_of_mean_and_band():
    found = summarize_seeds(torch.tensor([[3.0, float("nan"), 5.0, 7.0]]))
    assert found["mean"] == 5
    assert 3 < found["low"] < 5 < found["high"] < 7


@pytest.mark.parametrize("K", [1, 3])
def test_of_no_epochs_there_is_nothing(K):
    assert all(array.size == 0 for array in summarize_seeds(torch.ones(0, K)).values())
