"""Layers that take the samples of a batch for steps of time are refused before the first step."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.nn.layers.reshape import Select
from chainrule.train import Trainer

X = torch.randn(20, 6, 4, generator=torch.Generator().manual_seed(0))
DATA = Dataset(X, X.sum((1, 2)).unsqueeze(-1))


def fit(*layers: nn.Module, K: int | None = None, criterion=None, data=DATA) -> None:
    net = nn.Sequential(*layers)
    net = net.initialize(0) if K is None else net.replicate(K, seeds=range(K))
    Trainer(net, criterion or nn.MSELoss(), optim.SGD(net, lr=0.001), batch_size=5).fit(
        data, epochs=1, progress=False
    )


LAYERS = {
    "PositionalEncoding": lambda **kw: [nn.PositionalEncoding(4, **kw)],
    "RNN": lambda **kw: [nn.RNN(4, 4, **kw), nn.Item(0)],
    "LSTM": lambda **kw: [nn.LSTM(4, 4, **kw), nn.Item(0)],
    "GRU": lambda **kw: [nn.GRU(4, 4, **kw), nn.Item(0)],
    "MultiheadAttention": lambda **kw: [nn.MultiheadAttention(4, 2, **kw), nn.Item(0)],
    "TransformerEncoderLayer": lambda **kw: [nn.TransformerEncoderLayer(4, 2, 8, **kw)],
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("K", [None, 2])
def test_without_batch_first_a_training_is_refused(name, K):
    with pytest.raises(ValueError, match=rf"0 {name} takes .* write batch_first=True"):
        fit(*LAYERS[name](), Select(1, -1), nn.Linear(4, 1), K=K)


@pytest.mark.parametrize("name", LAYERS)
def test_with_batch_first_it_is_trained(name):
    fit(*LAYERS[name](batch_first=True), Select(1, -1), nn.Linear(4, 1))


class Swap(nn.Module):
    """Samples and steps change places."""

    def forward(self, x):
        n = self.num_replica_dims
        return x.transpose(n, n + 1), lambda g: g.transpose(n, n + 1)


def test_a_net_that_puts_time_first_by_itself_is_trained():
    fit(Swap(), nn.GRU(4, 4), nn.Item(0), Swap(), Select(1, -1), nn.Linear(4, 1))


def test_a_loss_that_reads_steps_first_is_refused():
    data = Dataset(X, torch.ones(20, 2, dtype=torch.long))
    with pytest.raises(ValueError, match=r"CTCLoss\(\) reads steps first"):
        fit(nn.Linear(4, 3), nn.LogSoftmax(-1), criterion=nn.CTCLoss(), data=data)


def test_other_errors_are_left_to_the_training():
    with pytest.raises(nn.LayerError, match=r"expected input .*5"):
        fit(nn.GRU(5, 4), nn.Item(0), Select(1, -1), nn.Linear(4, 1))
