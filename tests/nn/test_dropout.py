import pytest
import torch
from torch import nn as tnn

from chainrule import nn


@pytest.mark.parametrize(
    ("ours", "twin", "shape"),
    [
        (nn.Dropout, tnn.functional.dropout, (50, 4)),
        (nn.Dropout2d, tnn.functional.dropout2d, (5, 7, 2, 3)),
    ],
)
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_without_seeds_the_draws_are_torchs(ours, twin, shape, p):
    x = torch.randn(shape)
    torch.manual_seed(3)
    y, after = ours(p)(x), torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(y, twin(x, p))
    assert torch.equal(after, torch.rand(1))


def test_the_gradient_has_the_mask_of_its_own_use():
    layer = nn.Dropout()
    x = torch.ones(20)
    (y1, rule1), (y2, rule2) = layer.forward(x), layer.forward(x)
    assert torch.equal(rule1(x), y1)
    assert torch.equal(rule2(x), y2)
    assert not torch.equal(y1, y2)


def test_a_seeded_net_resumes_from_one_number():
    x = torch.ones(30)
    layer = nn.Dropout().initialize(5)
    ys = [layer(x) for _ in range(3)]
    resumed = nn.Dropout().initialize(5)
    resumed.rng_counter = 2
    assert torch.equal(resumed(x), ys[2])
    assert len({tuple(y.tolist()) for y in ys}) == 3


def test_a_seeded_net_leaves_torchs_generator_alone():
    layer = nn.Dropout().initialize(5)
    torch.manual_seed(3)
    layer(torch.ones(30))
    after = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(after, torch.rand(1))


def test_the_mask_does_not_depend_on_the_memory_layout():
    layer, x = nn.Dropout().initialize(5), torch.ones(6, 5)
    y = layer(x)
    layer.rng_counter = 0
    assert torch.equal(layer(torch.ones(5, 6).T), y)


def test_evaluation_draws_nothing():
    layer, x = nn.Dropout().initialize(5).eval(), torch.ones(30)
    assert torch.equal(layer(x), x)
    assert torch.equal(layer.backward(x), x)
    assert layer.rng_counter == 0


def test_a_probability_for_each_replica():
    cohort = nn.Dropout().replicate(4, [1, 2, 3, 4])
    cohort.p = torch.tensor([0.0, 0.25, 0.75, 1.0])
    y = cohort(torch.ones(1, 2000))
    kept = (y != 0).double().mean(1)
    assert torch.allclose(kept, torch.tensor([1.0, 0.75, 0.25, 0.0]).double(), atol=0.05)
    for k, seed in enumerate([1, 2, 3, 4]):
        alone = nn.Dropout(cohort.p[k].item()).initialize(seed)
        assert torch.equal(y[k], alone(torch.ones(2000)))
        assert cohort.replica(k).p == cohort.p[k]


def test_one_batch_for_all_has_a_mask_for_each_replica():
    cohort = nn.Dropout().replicate(2)
    y = cohort(torch.ones(1, 50))
    assert y.shape == (2, 50)
    assert not torch.equal(y[0], y[1])


def test_channels_go_as_a_whole():
    y = nn.Dropout2d()(torch.ones(20, 5, 3, 3))
    assert torch.equal(y, y[..., :1, :1].expand_as(y))
    assert set(y.unique().tolist()) == {0, 2}


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan"), torch.tensor([0.5, 1.5])])
def test_a_probability_outside_0_and_1(p):
    with pytest.raises(ValueError, match=r"p is a probability, from 0 to 1|p: .* got nan"):
        nn.Dropout(p)


def test_wrong_inputs():
    with pytest.raises(nn.LayerError, match=r"expected input \(N, C, H, W\) or \(N, C, L\)"):
        nn.Dropout2d()(torch.ones(3, 2))
    with pytest.raises(nn.LayerError, match="expected a floating dtype"):
        nn.Dropout()(torch.ones(3, dtype=torch.int64))
