"""Nets that give several outputs, and losses that compare these, agree on both paths."""

import pytest
import torch

from chainrule import nn, optim
from chainrule.compiled import Unsupported, compile_training
from tests.compiled.agreement import SEEDS, K, N, assert_equal, make_data, sgd, train_net

SHARED = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))


def compare(parts, *, shared=True):
    """What reads so many vectors of a sample: by one net, or each by its own."""
    encoder = nn.Parallel(*[SHARED] * parts) if shared else nn.Parallel(*map(read, range(parts)))
    return nn.Sequential(nn.Unbind(1), encoder)


def read(i):
    return nn.Sequential(nn.Linear(4, 3 + i), nn.ReLU(), nn.Linear(3 + i, 3))


COMPARED = [
    (nn.MarginRankingLoss(), 2, (3,)),
    (nn.MarginRankingLoss(0.4, reduction="sum"), 2, (3,)),
    (nn.CosineEmbeddingLoss(), 2, ()),
    (nn.CosineEmbeddingLoss(-0.2, reduction="sum"), 2, ()),
    (nn.TripletMarginLoss(), 3, ()),
    (nn.TripletMarginLoss(0.3, reduction="sum"), 3, ()),
    (nn.TripletMarginLoss(0.3, p=3.0, swap=True), 3, ()),
    (nn.TripletMarginLoss(p=1.0), 3, ()),
    (nn.TripletMarginLoss(p=1.5, swap=True, eps=0.01), 3, ()),
]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("loss", "parts", "target"), COMPARED, ids=repr)
def test_losses_that_compare_outputs_agree(loss, parts, target, shared):
    assert_equal(compare(parts, shared=shared), loss, sgd, (parts, 4), target, clip_norm=0.5)


def test_numbers_of_a_sample_are_ranked():
    """Two outputs of one number each, which have no axis of their own."""
    net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2), nn.Unbind())
    assert_equal(net, nn.MarginRankingLoss(0.1), sgd, (4,), ())


def test_heads_may_give_several_outputs_and_compare_them():
    heads = nn.Heads(pair=nn.Identity(), sum=nn.Sum(nn.Item(0), nn.Item(1)))
    criterion = nn.MultiLoss({"pair": nn.CosineEmbeddingLoss(), "sum": nn.MSELoss()}, {"pair": 0.5})
    net = nn.Sequential(*compare(2), heads)
    assert_equal(net, criterion, optim.Adam, (2, 4), {"pair": (), "sum": 3})


def test_several_outputs_are_predicted_as_the_net_gives_them():
    data = make_data((2, 4), (), torch.float64)
    trainer = train_net(True, compare(2), nn.CosineEmbeddingLoss(), sgd, data)
    y = trainer.predict(data)
    assert isinstance(y, tuple)
    assert [each.shape for each in y] == [(K, N, 3)] * 2


FIRST = nn.Linear(4, 4), nn.Unbind(1)


@pytest.mark.parametrize(
    ("net", "reason"),
    [
        (nn.Sequential(*FIRST, nn.Parallel(nn.Unbind(1), nn.Tanh())), "several outputs"),
        (nn.Sequential(*FIRST, nn.Siamese(nn.Unbind(1))), "several outputs"),
        (nn.Sequential(nn.Unbind(2), nn.Parallel(*[nn.Linear(2, 3)] * 4)), "Unbind"),
    ],
    ids=repr,
)
def test_what_is_not_known_of_several_values_takes_the_plain_path(net, reason):
    net = net.replicate(K, SEEDS).to(torch.float64)
    data = make_data((2, 4), 3, torch.float64)
    with pytest.raises(Unsupported, match=reason):
        compile_training(net, nn.MSELoss(), sgd(net), data, 10)
