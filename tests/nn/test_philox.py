"""Philox as it was published."""

import pytest
import torch

from chainrule.nn.ops.philox import philox_words


def test_the_published_numbers_of_counter_and_key_zero():
    expected = [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert philox_words([0], 0, 1, 4).flatten().tolist() == expected


@pytest.mark.parametrize(("use", "sample", "draw"), [(0, 3, 6), (5, 0, 0), (2**40 + 3, 7, 9)])
def test_a_number_depends_on_nothing_but_its_place(use, sample, draw):
    keys = [2**62 + 5, 17, 3]
    words = philox_words(keys, use, 8, 11)
    assert words.shape == (3, 8, 11)
    for k, key in enumerate(keys):
        alone = philox_words([key], use, sample + 1, draw + 1)
        assert words[k, sample, draw] == alone[0, -1, -1]


def test_no_two_keys_uses_samples_and_draws_share_their_numbers():
    words = torch.cat([philox_words([1, 2], use, 50, 50) for use in (0, 1, 2**32)])
    assert len(words.unique()) > 0.999 * words.numel()


def test_numbers_are_evenly_distributed():
    shares = philox_words([9], 4, 1000, 100).double() / 2**32
    counts = torch.histc(shares, 100, 0, 1)
    assert 60 < ((counts - 1000).square() / 1000).sum() < 150
    assert abs(torch.corrcoef(torch.stack([shares[0, :-1, 0], shares[0, 1:, 0]]))[0, 1]) < 0.1
