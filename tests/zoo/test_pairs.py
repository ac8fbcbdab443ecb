"""The networks that compare two digits."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from chainrule import nn, zoo
from chainrule.nn.inspect.gradcheck import check_layers
from tests.nn.cases import odd

NETS = [zoo.pair_shallow, zoo.pair_mlp, zoo.pair_conv1, zoo.pair_conv2, zoo.pair_fnn, zoo.pair_cnn]
every = pytest.mark.parametrize("make", NETS, ids=lambda make: make.__name__)
forms = pytest.mark.parametrize(
    ("share", "aux"), list(product((False, True), repeat=2)), ids=["none", "aux", "sharing", "both"]
)


def pairs(*lead: int, seed: int = 0) -> torch.Tensor:
    return odd(*lead, 2, 14, 14, seed=seed)


def targets(N: int) -> dict[str, torch.Tensor]:
    digits = torch.arange(2 * N).mul(7).remainder(10)
    first, second = digits[:N], digits[N:]
    return {"main": (first <= second).long(), "first": first, "second": second}


@every
@forms
def test_a_head_for_the_answer_and_with_aux_one_for_each_digit(make, share, aux):
    shapes = nn.output_shape(make(12, share=share, aux=aux), (5, 2, 14, 14))
    digits = {"first": (5, 10), "second": (5, 10)} if aux else {}
    assert shapes == {"main": (5, 2), **digits}


@pytest.mark.slow
@every
@forms
def test_gradients_agree_with_finite_differences(make, share, aux):
    net = make(6, share=share, aux=aux).initialize(3)
    for path, report in check_layers(net, pairs(3)):
        assert report, f"{path}: {report}"


@every
def test_sharing_is_one_encoder_for_both_images(make):
    shared, apart = (make(12, share=share, aux=True) for share in (True, False))
    encoder = sum(p.numel() for p in shared[0].parameters())
    name = sum(p.numel() for p in shared[1].heads["first"].parameters())
    total = [sum(p.numel() for p in net.parameters()) for net in (apart, shared)]
    assert total[0] - total[1] == encoder + name


@every
def test_shared_the_same_image_gives_the_same_digit_on_either_side(make):
    net = make(12, share=True, aux=True).initialize(1).eval()
    y = net(pairs(4).float()[:, :1].expand(-1, 2, -1, -1))
    torch.testing.assert_close(y["first"], y["second"])
    net = make(12, share=False, aux=True).initialize(1).eval()
    y = net(pairs(4).float()[:, :1].expand(-1, 2, -1, -1))
    assert not torch.allclose(y["first"], y["second"], atol=1e-3)


@every
@forms
def test_a_replica_is_the_net_alone(make, share, aux):
    net, roots = make(8, share=share, aux=aux).to(torch.float64), [4, 5]
    weight = torch.tensor([0.3, 0.7]).double()
    loss = zoo.pair_loss(weight if aux else 0)
    cohort, losses = net.replicate(2, roots), loss.replicate(2)
    x = torch.stack([pairs(6), pairs(6, seed=1)])
    values = losses(cohort(x), {name: torch.stack([t, t]) for name, t in targets(6).items()})
    cohort.backward(losses.backward())
    for k, root in enumerate(roots):
        alone, its_loss = make(8, share=share, aux=aux).to(torch.float64), losses.replica(k)
        alone.initialize(root)
        torch.testing.assert_close(values[k], its_loss(alone(x[k]), targets(6)))
        alone.backward(its_loss.backward())
        for p, q in zip(cohort.parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(p.grad[k], q.grad, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("make", "convolutions", "features"),
    [
        (zoo.pair_conv1, [(1, 32, 3), (32, 64, 3)], 256),
        (zoo.pair_conv2, [(1, 16, 5), (16, 32, 3), (32, 64, 3), (64, 128, 2)], 512),
    ],
)
def test_the_convolutions_are_those_of_the_report(make, convolutions, features):
    net = make(12, share=True, aux=True)
    found = [
        (m.in_channels, m.out_channels, m.kernel_size)
        for m in net.modules()
        if isinstance(m, nn.Conv2d)
    ]
    assert found == convolutions
    assert nn.output_shape(net[0], (3, 2, 14, 14)) == (3, 2, features)


def test_the_loss_is_main_alone_with_the_number_0():
    assert list(zoo.pair_loss().losses) == list(zoo.pair_loss(0).losses) == ["main"]


def test_the_loss_weighs_the_digits():
    y, t = zoo.pair_mlp(5, aux=True).initialize(0)(pairs(6).float()), targets(6)
    loss = zoo.pair_loss(0.5)
    total = float(loss(y, t))
    main, first, second = (float(loss.values[name]) for name in ("main", "first", "second"))
    assert total == pytest.approx(main + 0.5 * (first + second))


def test_the_loss_takes_a_weight_a_replica_and_0_among_them():
    cohort = zoo.pair_mlp(5, aux=True).replicate(2, [0, 1])
    y = cohort(pairs(1, 6).float())
    t = {name: v[None] for name, v in targets(6).items()}
    loss = zoo.pair_loss(torch.tensor([0.0, 2.0])).replicate(2)
    total, values = loss(y, t), loss.values
    digits = values["first"] + values["second"]
    torch.testing.assert_close(total, values["main"] + torch.tensor([0.0, 2.0]) * digits)
