"""Recurrent layers: what is special to them."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.train import Trainer
from tests.nn.cases import odd

KINDS = ["RNN", "LSTM", "GRU"]


def make_twins(kind: str, **kwargs):
    layer = getattr(nn, kind)(3, 2, **kwargs).to(torch.float64)
    twin = getattr(torch.nn, kind)(3, 2).double()
    twin.load_state_dict(layer.state_dict())
    return layer, twin


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_is_a_detached_state(kind):
    layer, twin = make_twins(kind, truncate=3)
    x = odd(8, 2, 3)
    y, state = layer(x)
    g = odd(*y.shape, seed=1)
    nothing = tuple(torch.zeros_like(s) for s in state) if kind == "LSTM" else torch.zeros(1, 2, 2)
    dx = layer.backward((g, nothing if kind == "LSTM" else nothing.double()))
    leaf, state, outputs = x.clone().requires_grad_(), None, []
    for part in leaf.split(3):
        if state is not None:
            state = tuple(s.detach() for s in state) if kind == "LSTM" else state.detach()
        out, state = twin(part, state)
        outputs.append(out)
    torch.cat(outputs).backward(g)
    assert torch.allclose(y, torch.cat(outputs), atol=1e-12)
    assert torch.allclose(dx, leaf.grad, atol=1e-12)
    for ours, theirs in zip(layer.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_draws_torchs_weights(kind):
    torch.manual_seed(0)
    ours = getattr(nn, kind)(3, 2, 2, bidirectional=True).state_dict()
    torch.manual_seed(0)
    theirs = getattr(torch.nn, kind)(3, 2, 2, bidirectional=True).state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_dropout_stands_between_layers_in_training_alone():
    layer = nn.GRU(3, 4, 2, dropout=1.0, batch_first=True)
    plain = nn.GRU(3, 4, 2, batch_first=True)
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(layer.eval()(x)[0], plain(x)[0])
    dropped = layer.train()(x)[0]
    assert torch.allclose(dropped[0], dropped[1])  # nothing of x reaches the second layer


def test_a_cohort_learns_to_remember_the_first_entry():
    draw = torch.Generator().manual_seed(3)
    x = torch.randn(200, 6, 1, generator=draw)
    data = Dataset(x, (x[:, 0, 0] > 0).long())
    net = nn.Sequential(
        nn.GRU(1, 8, batch_first=True), nn.Item(0), nn.Select(1, -1), nn.Linear(8, 2)
    )
    cohort = net.replicate(2, seeds=[0, 1])
    trainer = Trainer(
        cohort, nn.CrossEntropyLoss(), optim.Adam(cohort, lr=0.03), batch_size=50, seed=[1, 2]
    )
    history = trainer.fit(data, epochs=20, progress=False)
    assert float(torch.as_tensor(history["train_loss"][-1]).max()) < 0.2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.RNN(3, 0), "hidden_size: expected a whole number, 1 or more, got 0"),
        (lambda: nn.RNN(3, 2, nonlinearity="sigmoid"), "nonlinearity is 'tanh' or 'relu'"),
        (lambda: nn.GRU(3, 2, dropout=1.5), "dropout is a probability, from 0 to 1; got 1.5"),
        (lambda: nn.GRU(3, 2)(torch.zeros(4, 2)), r"input \(T, N, 3\) or \(T, 3\), got \(4, 2\)"),
        (
            lambda: nn.LSTM(3, 2)(torch.zeros(4, 1, 3), torch.zeros(1, 1, 2)),
            r"expected a pair \(h0, c0\) to begin with",
        ),
        (
            lambda: nn.GRU(3, 2)(torch.zeros(4, 1, 3), torch.zeros(1, 2, 2)),
            r"expected a first state \(1, 1, 2\), got \(1, 2, 2\)",
        ),
        (lambda: nn.Item(0)(torch.zeros(2)), "expected a tuple or a dict"),
        (lambda: nn.Item("c")({"a": torch.zeros(2)}), "expected an item 'c'"),
    ],
)
def test_what_does_not_fit_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_products_of_all_steps_are_counted():
    x = torch.zeros(4, 2, 3)
    each = (3 + 2) * 2 * 4 + (4 + 2) * 2 * 4  # of two layers, one direction the four gates
    layer = nn.LSTM(3, 2, 2, bidirectional=True)
    assert layer.multiply_adds(x, layer(x)) == 4 * 2 * 2 * each
    cohort = layer.replicate(3)
    inputs = x.unsqueeze(0).expand(3, 4, 2, 3)
    assert cohort.multiply_adds(inputs, cohort(inputs)) == 3 * 4 * 2 * 2 * each
