"""Nets that read sequences, and nets that take noise out of images."""

from __future__ import annotations

import pytest
import torch

from chainrule.data import copying
from chainrule.nn import CrossEntropyLoss
from chainrule.train import PSNR, TokenAccuracy
from chainrule.zoo import denoise_net, modular_net, sequence_net


@pytest.mark.parametrize("reader", ["RNN", "LSTM", "GRU", "attention"])
def test_each_reader_answers_once_or_at_each_place(reader):
    x = torch.rand(5, 7, 2)
    once = sequence_net(reader, hidden=8).initialize(0)
    assert once(x).shape == (5, 1)
    torch.testing.assert_close(once(x.flip(0)).flip(0), once(x))  # by itself, wherever it stands
    data = copying(5, 3, delay=2, symbols=4)
    net = sequence_net(reader, 6, 8, outputs=4, tokens=6, places=3).initialize(0)
    y = net(data.inputs)
    assert y.shape == (5, 4, 3)
    assert CrossEntropyLoss()(y, data.targets) > 0
    assert TokenAccuracy()(y, data.targets).shape == (5,)


def test_the_answer_is_that_of_the_last_place():
    net, x = sequence_net("GRU", hidden=8).initialize(0), torch.rand(2, 9, 2)
    changed = x.clone()
    changed[:, -1] += 1
    assert not torch.allclose(net(x), net(changed))


def test_pairs_of_numbers_get_a_score_for_each_result():
    assert modular_net(11).initialize(0)(torch.tensor([[3, 10], [0, 0]])).shape == (2, 11)


@pytest.mark.parametrize("up", ["upsample", "transpose", "none"])
def test_an_image_comes_back_in_its_size(up):
    x = torch.rand(3, 1, 14, 14)
    y = denoise_net(up, channels=4).initialize(0)(x)
    assert y.shape == x.shape
    assert PSNR(target="clean")(y, {"clean": x}).shape == (3,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sequence_net("rnn"), "a reader of RNN, LSTM, GRU, attention, got 'rnn'"),
        (lambda: denoise_net("down"), "up to be one of upsample, transpose, none, got 'down'"),
    ],
)
def test_another_kind_is_told(make, message):
    with pytest.raises(ValueError, match=message):
        make()
