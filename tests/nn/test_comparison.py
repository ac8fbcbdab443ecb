"""The order of two digits that are known with a probability each."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn
from chainrule.nn import LessEqualProbability
from chainrule.nn.inspect.gradcheck import gradcheck
from tests.nn.cases import odd


def autograd(x: torch.Tensor) -> torch.Tensor:
    """What LessEqualProbability is, counted case by case."""
    first, second = x.softmax(-1).unbind(-2)
    at_most = sum(first[:, i] * second[:, i:].sum(-1) for i in range(x.shape[-1]))
    return torch.stack([1 - at_most, at_most], -1).log()


@pytest.mark.parametrize("L", [2, 3, 10])
def test_output_and_gradient_agree_with_autograd(L):
    x, g = odd(5, 2, L).requires_grad_(), odd(5, 2, seed=3)
    expected = autograd(x)
    expected.backward(g)
    layer = LessEqualProbability()
    assert torch.allclose(layer(x.detach()), expected, rtol=1e-10)
    assert torch.allclose(layer.backward(g), x.grad, rtol=1e-9, atol=1e-12)


def test_gradients_agree_with_finite_differences():
    report = gradcheck(LessEqualProbability(), odd(3, 2, 10))
    assert report, report


def test_the_two_cases_are_all_there_is():
    y = LessEqualProbability()(odd(5, 2, 10) * 3)
    assert torch.allclose(y.exp().sum(-1), torch.ones(5).double(), rtol=1e-12)


def test_sure_digits_give_a_sure_order():
    x = 50 * torch.eye(10)
    pairs = torch.stack([x.repeat_interleave(10, 0), x.repeat(10, 1)], 1)
    i, j = torch.cartesian_prod(torch.arange(10), torch.arange(10)).unbind(1)
    assert torch.equal(LessEqualProbability()(pairs).argmax(-1) == 1, i <= j)


def test_equal_shares_of_all_digits():
    y = LessEqualProbability()(torch.zeros(1, 2, 10).double())
    assert torch.allclose(y.exp(), torch.tensor([[0.45, 0.55]]).double())


def test_extreme_logits_stay_finite():
    x = 1e4 * odd(4, 2, 10).float()
    layer = LessEqualProbability()
    assert layer(x).isfinite().all()
    assert layer.backward(torch.ones(4, 2)).isfinite().all()


def test_nan_in_one_digit_is_nan_out_for_its_pair_alone():
    x = odd(3, 2, 10)
    x[1, 0, 4] = torch.nan
    assert LessEqualProbability()(x).isnan().any(-1).tolist() == [False, True, False]


@pytest.mark.parametrize("shape", [(2, 10), (4, 3, 10), (4, 2, 1), (2, 4, 2, 10)])
def test_another_shape_is_refused(shape):
    with pytest.raises(
        nn.LayerError, match=r"LessEqualProbability\(\): expected logits \(N, 2, ≥2\)"
    ):
        LessEqualProbability()(torch.zeros(shape))
