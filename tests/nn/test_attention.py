"""Attention: masks, and what does not fit."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim
from tests.nn.cases import odd

MASK = torch.tensor([[False, False, True, False], [False, True, True, True]])


def test_padding_counts_nothing():
    layer = nn.MultiheadAttention(4, 2, batch_first=True).to(torch.float64)
    twin = torch.nn.MultiheadAttention(4, 2, batch_first=True).double()
    twin.load_state_dict(layer.state_dict())
    q, k, v = (odd(2, n, 4, seed=n + i) for i, n in enumerate((3, 4, 4)))
    y, weights = layer(q, k, v, MASK)
    leaves = [t.clone().requires_grad_() for t in (q, k, v)]
    expected = twin(*leaves, key_padding_mask=MASK)
    g = odd(*y.shape, seed=9)
    expected[0].backward(g)
    found = layer.backward((g, torch.zeros_like(weights)))
    assert torch.allclose(y, expected[0], atol=1e-12)
    assert torch.allclose(weights, expected[1], atol=1e-12)
    for ours, leaf in zip(found, leaves, strict=False):
        assert torch.allclose(ours, leaf.grad, atol=1e-12)
    assert found[3] is None
    assert not found[1][MASK].any()


@pytest.mark.parametrize("norm_first", [False, True])
def test_an_encoder_layer_leaves_padding_out(norm_first):
    layer = nn.TransformerEncoderLayer(4, 2, 5, 0.0, batch_first=True, norm_first=norm_first)
    layer.to(torch.float64)
    x = odd(2, 4, 4)
    y = layer(x, MASK)
    layer.backward(odd(*y.shape, seed=2))
    other = torch.where(MASK.unsqueeze(-1), 3.7, x)
    again = layer(other, MASK)
    assert torch.allclose(again[~MASK], y[~MASK], atol=1e-12)


def test_positions_are_told_apart():
    net = nn.Sequential(nn.PositionalEncoding(6), nn.MultiheadAttention(6, 2), nn.Item(0))
    y = net.to(torch.float64)(odd(1, 1, 6).expand(4, 1, 6))
    assert not torch.allclose(y[0], y[1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.MultiheadAttention(5, 2), "num_heads must divide embed_dim, got 2 and 5"),
        (lambda: nn.MultiheadAttention(4, 2, 2.0), "dropout is a probability"),
        (lambda: nn.MultiheadAttention(4, 2)(torch.zeros(3, 5)), r"expected \(T, N, 4\) or"),
        (
            lambda: nn.MultiheadAttention(4, 2)(torch.zeros(3, 4), torch.zeros(3, 4)),
            "or query, key, value and a mask of these, got a tuple",
        ),
        (
            lambda: nn.MultiheadAttention(4, 2)(*[torch.zeros(3, 1, 4)] * 3, torch.zeros(1, 3)),
            r"expected a mask \(1, 3\) of torch.bool, got \(1, 3\) torch.float32",
        ),
        (
            lambda: nn.MultiheadAttention(4, 2)(*(torch.zeros(n, 1, 4) for n in (3, 4, 5))),
            "as many keys as values",
        ),
        (lambda: nn.TransformerEncoderLayer(4, 2, activation="elu"), "is 'relu' or 'gelu'"),
        (lambda: nn.PositionalEncoding(0), "d_model is a whole number, 1 or more; got 0"),
    ],
)
def test_what_does_not_fit_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_no_samples_and_no_steps():
    layer = nn.MultiheadAttention(4, 2)
    for shape in ((3, 0, 4), (0, 2, 4)):
        (y, weights), rule = layer.forward(torch.zeros(shape))
        assert y.shape == rule((y, weights)).shape == shape
        assert weights.shape == (shape[1], shape[0], shape[0])


def test_the_products_are_counted():
    layer, x = nn.MultiheadAttention(4, 2), torch.zeros(3, 5, 4)
    projections, scores_and_means = 4 * 3 * 5 * 4 * 4, 2 * 5 * 3 * 3 * 4
    assert layer.multiply_adds(x, layer(x)) == projections + scores_and_means
    q, k = torch.zeros(2, 5, 4), torch.zeros(6, 5, 4)
    found = layer.multiply_adds((q, k, k), layer(q, k, k))
    assert found == (2 * 2 + 2 * 6) * 5 * 4 * 4 + 2 * 5 * 2 * 6 * 4


def test_the_bias_of_the_keys_has_no_gradient_and_stays_as_it_is():
    layer = nn.MultiheadAttention(4, 2, batch_first=True).initialize(0)
    layer.in_proj_bias.data.copy_(odd(12).float())
    before = layer.in_proj_bias.data.clone()
    optimizer = optim.Adam(layer, lr=0.1)
    y, weights = layer(odd(2, 3, 4).float())
    layer.backward((torch.ones_like(y), odd(*weights.shape).float()))
    optimizer.step()
    moved = layer.in_proj_bias.data != before
    assert moved.tolist() == [True] * 4 + [False] * 4 + [True] * 4
