"""The network that reads both digits and counts how they can be ordered."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, zoo
from chainrule.nn.inspect.gradcheck import check_layers
from chainrule.zoo import pair_best
from tests.nn.cases import odd
from tests.nn.test_comparison import autograd


def test_outputs_and_their_shapes():
    shapes = nn.output_shape(pair_best(6), (5, 2, 14, 14))
    assert shapes == {"main": (5, 2), "first": (5, 10), "second": (5, 10)}


def test_main_is_the_order_of_the_two_named_digits():
    y = pair_best(6).initialize(2).eval()(odd(4, 2, 14, 14).float())
    named = torch.stack([y["first"], y["second"]], 1)
    assert torch.allclose(y["main"].double(), autograd(named.double()), atol=1e-5)


def test_one_encoder_reads_both_images():
    x = odd(4, 2, 14, 14).float()
    net = pair_best(6).initialize(2).eval()
    there, back = net(x), net(x.flip(1))
    assert torch.allclose(there["first"], back["second"], atol=1e-6)


@pytest.mark.slow
def test_the_nets_gradients_agree_with_finite_differences():
    for path, report in check_layers(pair_best(5).initialize(3), odd(3, 2, 14, 14)):
        assert report, f"{path}: {report}"


def test_a_replica_is_the_net_alone():
    x, seeds = odd(4, 2, 14, 14).float(), [3, 5]
    cohort = pair_best(6).replicate(2, seeds)
    together = cohort(x[None])
    for k, seed in enumerate(seeds):
        alone = pair_best(6).initialize(seed)(x)
        for head, y in alone.items():
            assert torch.allclose(together[head][k], y, atol=1e-5)


def test_the_loss_of_the_pairs_takes_it():
    net, loss = pair_best(6).initialize(1), zoo.pair_loss(1.0)
    digits = torch.tensor([3, 0, 7]), torch.tensor([3, 9, 1])
    target = {"main": (digits[0] <= digits[1]).long(), "first": digits[0], "second": digits[1]}
    value = loss(net(odd(3, 2, 14, 14).float()), target)
    net.backward(loss.backward(), input_grad=False)
    assert value.isfinite()
    assert all(p.grad.abs().sum() > 0 for p in net.parameters())
