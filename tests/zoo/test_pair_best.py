"""The network that reads both digits, by a vote, and counts how they can be ordered."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn
from chainrule.nn.gradcheck import check_layers
from chainrule.zoo import pair_best, reading_loss
from tests.nn.cases import odd
from tests.nn.test_order import autograd

KINDS = ("narrow", "padded", "flat")


def some(n: int) -> torch.Tensor:
    return odd(n, 2, 14, 14).float()


def labels(first: list[int], second: list[int]) -> dict[str, torch.Tensor]:
    a, b = torch.tensor(first), torch.tensor(second)
    return {"main": (a <= b).long(), "first": a, "second": b}


@pytest.mark.parametrize("readers", [KINDS, *((kind,) for kind in KINDS)])
def test_outputs_and_their_shapes(readers):
    shapes = pair_best(readers).output_shape(5, 2, 14, 14)
    assert shapes == {"main": (5, 2), "first": (5, 10), "second": (5, 10)}


def test_main_is_the_order_of_the_two_named_digits():
    y = pair_best().initialize(2).eval()(some(4))
    named = torch.stack([y["first"], y["second"]], 1)
    assert torch.allclose(y["main"].double(), autograd(named.double()), atol=1e-5)


def test_the_same_readers_read_both_images():
    x = some(4)
    net = pair_best().initialize(2).eval()
    there, back = net(x), net(x.flip(1))
    assert torch.allclose(there["first"], back["second"], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_nets_gradients_agree_with_finite_differences(kind):
    for path, report in check_layers(pair_best([kind]).initialize(3), odd(3, 2, 14, 14)):
        assert report, f"{path}: {report}"


def test_a_replica_is_the_net_alone():
    x, seeds = some(4), [3, 5]
    cohort = pair_best().replicate(2, seeds)
    together = cohort(x[None])
    for k, seed in enumerate(seeds):
        alone = pair_best().initialize(seed)(x)
        for head, y in alone.items():
            assert torch.allclose(together[head][k], y, atol=1e-5)


def test_a_vote_of_one_is_that_reader_and_its_cross_entropy():
    net = pair_best(["narrow"]).initialize(1).eval()
    y, target = net(some(3)), labels([3, 0, 7], [3, 9, 1])
    assert torch.allclose(y["first"].exp().sum(-1), torch.ones(3), atol=1e-5)
    loss, parts = reading_loss(1.0), nn.CrossEntropyLoss()
    value = sum(parts(y[head], target[head]) for head in ("main", "first", "second"))
    assert torch.allclose(loss(y, target), value, atol=1e-5)


def test_every_reader_learns_the_digits_as_if_it_were_alone():
    x, target = some(3), labels([3, 0, 7], [3, 9, 1])
    vote = pair_best(dropout=0.0).initialize(1)
    value = reading_loss(1.0)
    value.losses.pop("main")
    y = {head: out for head, out in vote(x).items() if head != "main"}
    g = value.forward(y, target)[1](torch.tensor(1.0))
    vote.backward({"main": torch.zeros(3, 2), **g}, input_grad=False)
    for i, kind in enumerate(KINDS):
        alone = pair_best([kind], dropout=0.0).initialize(1)
        mine = {n: p for n, p in vote.named_parameters() if n.startswith(f"0.module.{i}.")}
        for (_, p), (_, q) in zip(alone.named_parameters(), mine.items(), strict=True):
            p.data = q.data.clone()
        y = {head: out for head, out in alone(x).items() if head != "main"}
        g = value.forward(y, target)[1](torch.tensor(1.0))
        alone.backward({"main": torch.zeros(3, 2), **g}, input_grad=False)
        for (_, p), q in zip(alone.named_parameters(), mine.values(), strict=True):
            assert torch.allclose(p.grad / 3, q.grad, atol=1e-5)


def test_another_kind_of_reader_is_an_error():
    with pytest.raises(ValueError, match="no reader 'wide'; readers: narrow, padded, flat"):
        pair_best(["wide"])
