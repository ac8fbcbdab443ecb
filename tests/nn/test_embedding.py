import pytest
import torch
from torch import nn as tnn

from chainrule import nn


@pytest.mark.parametrize("padding_idx", [None, 2, -1])
def test_the_same_seed_draws_torchs_weights(padding_idx):
    torch.manual_seed(0)
    layer = nn.Embedding(5, 3, padding_idx)
    torch.manual_seed(0)
    assert torch.equal(layer.weight.data, tnn.Embedding(5, 3, padding_idx).weight)


def test_a_row_named_twice_gets_both_gradients():
    layer = nn.Embedding(3, 2)
    layer(torch.tensor([1, 2, 1]))
    assert layer.backward(torch.tensor([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]])) is None
    assert layer.weight.grad.tolist() == [[0, 0], [101, 202], [10, 20]]


def test_the_padding_row_stays_zero():
    layer = nn.Embedding(4, 2, padding_idx=-1).initialize(3)
    assert not layer.weight.data[-1].any()
    assert layer.weight.data[:-1].all()
    y = layer(torch.tensor([3, 0, 3]))
    layer.backward(torch.ones_like(y))
    assert layer.weight.grad.tolist() == [[1, 1], [0, 0], [0, 0], [0, 0]]


def test_it_is_the_first_layer_of_a_net():
    net = nn.Sequential(nn.Embedding(6, 3), nn.Flatten(), nn.Linear(12, 2))
    y = net(torch.randint(6, (5, 4)))
    assert net.backward(torch.ones_like(y)) is None
    assert all(p.grad.any() for p in net.parameters())


def test_gradients_that_are_views_of_a_wider_tensor():
    cohort = nn.Embedding(3, 2).replicate(2)
    flat = torch.zeros(2, 10)
    cohort.weight.grad = flat[:, 4:].view(2, 3, 2)
    y = cohort(torch.tensor([[0, 2], [1, 1]]))
    cohort.backward(torch.ones_like(y))
    assert flat.tolist() == [[0, 0, 0, 0, 1, 1, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0, 2, 2, 0, 0]]


def test_int32_and_an_empty_batch():
    layer = nn.Embedding(3, 2)
    assert layer(torch.zeros(4, dtype=torch.int32)).shape == (4, 2)
    y = layer(torch.zeros(0, 4, dtype=torch.int64))
    assert y.shape == (0, 4, 2)
    layer.backward(y)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.tensor([0, 3]), "expected whole numbers from 0 to 2, got numbers from 0 to 3"),
        (torch.tensor([-1, 1]), "got numbers from -1 to 1"),
        (torch.tensor([1.0]), "expected torch.int64 or torch.int32, got torch.float32"),
        ("text", "expected whole numbers below 3, got a str"),
    ],
)
def test_wrong_inputs(x, message):
    with pytest.raises(nn.LayerError, match=message):
        nn.Embedding(3, 2)(x)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="max_norm must be None"):
        nn.Embedding(3, 2, max_norm=1.0)
    with pytest.raises(ValueError, match="padding_idx must be one of 3 rows, got 3"):
        nn.Embedding(3, 2, padding_idx=3)


def test_gradients_scaled_by_how_often_a_row_is_named_are_torchs():
    ours = nn.Embedding(3, 2, None, None, 2.0, True)
    twin = torch.nn.Embedding(3, 2, None, None, 2.0, True)
    x = torch.tensor([0, 0, 1])
    ours(x)
    ours.backward(torch.ones(3, 2))
    twin(x).sum().backward()
    assert torch.equal(ours.weight.grad, twin.weight.grad)


def test_sparse_gradients_are_refused():
    with pytest.raises(ValueError, match="sparse must be False"):
        nn.Embedding(3, 2, sparse=True)
