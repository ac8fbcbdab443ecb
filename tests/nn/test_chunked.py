"""What is done piece by piece is what is done at once."""

from __future__ import annotations

import pytest
import torch

from chainrule.nn.ops import chunked as module
from chainrule.nn.ops.batch_moments import batch_norm_forward
from chainrule.nn.ops.chunked import chunks, relu_backward
from chainrule.nn.ops.max_pool import max_along_axis
from tests.nn.cases import odd

sizes = pytest.mark.parametrize("size", [1, 500, 2**21])


@sizes
def test_pieces_are_all_of_it_in_order(size, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_BYTES", size)
    x, same = odd(7, 3, 2), odd(1, 3)
    parts = list(chunks(x, same))
    assert torch.equal(torch.cat([part for part, _ in parts]), x)
    assert all(other is same for _, other in parts)
    assert len(parts) == {1: 7, 500: 1, 2**21: 1}[size]


@sizes
@pytest.mark.parametrize("w_replicas", [1, 3])
@pytest.mark.parametrize("x_replicas", [1, 3])
def test_normalize_is_its_formula(size, x_replicas, w_replicas, monkeypatch):
    """With its derivative as the difference quotient of Σ g y."""
    monkeypatch.setattr(module, "CHUNK_BYTES", size)
    x, w, b = odd(x_replicas, 5, 4, 3), odd(w_replicas, 1, 4, 1), odd(w_replicas, 1, 4, 1, seed=1)

    def plain(x, w, b):
        mean = x.mean((1, 3), keepdim=True)
        var = (x - mean).square().mean((1, 3), keepdim=True)
        return w * (x - mean) / (var + 0.1).sqrt() + b, mean, var

    y, mean, var, rule = batch_norm_forward(x, [1, 3], 0.1, w, b)
    for ours, theirs in zip((y, mean, var), plain(x, w, b), strict=True):
        torch.testing.assert_close(*torch.broadcast_tensors(ours, theirs))
    g = odd(*y.shape, seed=2)
    wide = [t.expand(len(y), *t.shape[1:]).clone() for t in (x, w, b)]
    for gradient, at in zip(rule(g), range(3), strict=True):
        step = odd(*wide[at].shape, seed=3)
        there = [[*wide[:at], wide[at] + h * step, *wide[at + 1 :]] for h in (1e-5, -1e-5)]
        ahead, behind = ((g * plain(*place)[0]).sum() for place in there)
        torch.testing.assert_close(
            (gradient * step).sum(), (ahead - behind) / 2e-5, rtol=1e-6, atol=1e-8
        )


@sizes
def test_a_gate_lets_through_where_y_is_positive(size, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_BYTES", size)
    g, y = odd(6, 5), odd(6, 5, seed=1).relu()
    assert torch.equal(relu_backward(g, y), torch.where(y > 0, g, 0))


@sizes
def test_a_maximum_sends_back_the_same(size, monkeypatch):
    x, g = odd(6, 4, 4), odd(6, 4, 2, seed=1)
    _, rule = max_along_axis(x, -1, 2)
    whole = rule(g)
    monkeypatch.setattr(module, "CHUNK_BYTES", size)
    assert torch.equal(rule(g), whole)
