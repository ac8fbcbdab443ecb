import pytest
import torch
from torch import nn as tnn

from chainrule import nn
from tests.nn.cases import odd


@pytest.mark.parametrize("momentum", [0.1, None, 0.0, 1.0])
def test_running_statistics_over_several_steps(momentum):
    layer, twin = nn.BatchNorm1d(3, momentum=momentum), tnn.BatchNorm1d(3, momentum=momentum)
    layer.to(torch.float64)
    twin.double()
    for seed in range(5):
        x = odd(4, 3, seed=seed) + seed
        layer(x)
        twin(x)
        for (name, ours), theirs in zip(
            layer.state_dict().items(), twin.state_dict().values(), strict=True
        ):
            assert torch.allclose(ours, theirs, rtol=1e-12), name
    x = odd(4, 3, seed=9)
    assert torch.allclose(layer.eval()(x), twin.eval()(x), rtol=1e-12)


def test_evaluation_leaves_the_running_statistics_alone():
    layer = nn.BatchNorm2d(2).eval()
    layer(torch.randn(3, 2, 4, 4))
    assert layer.num_batches_tracked.data == 0
    assert not layer.running_mean.data.any()


def test_the_running_statistics_are_updated_in_place():
    layer = nn.BatchNorm1d(3)
    views = list(layer.state_dict().values())
    layer(torch.randn(5, 3))
    for view, value in zip(views, layer.state_dict().values(), strict=True):
        assert view is value


def test_each_use_in_a_shared_branch_counts_once_and_in_order():
    shared, alone = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    a, b = torch.randn(5, 3), torch.randn(5, 3) + 4
    nn.Siamese(shared)((a, b))
    alone(a)
    alone(b)
    assert shared.num_batches_tracked.data == 2
    assert torch.equal(shared.running_mean.data, alone.running_mean.data)


def test_replicas_keep_statistics_of_their_own():
    cohort = nn.BatchNorm1d(3).replicate(2)
    x = torch.randn(2, 5, 3)
    x[0] = float("nan")
    cohort(x)
    assert cohort.running_mean.data[0].isnan().all()
    assert not cohort.running_mean.data[1].isnan().any()
    assert cohort.num_batches_tracked.data.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("layer", "shape"), [(nn.BatchNorm1d(3), (1, 3)), (nn.BatchNorm2d(3), (1, 3, 1, 1))]
)
def test_one_value_a_channel_is_refused_before_anything_changes(layer, shape):
    with pytest.raises(nn.LayerError, match="more than one value for each channel in training"):
        layer(torch.ones(shape))
    assert layer.num_batches_tracked.data == 0
    assert not layer.running_mean.data.any()
    assert layer.eval()(torch.ones(shape)).shape == shape


def test_an_empty_batch_moves_nothing():
    layer, twin = nn.BatchNorm1d(3), tnn.BatchNorm1d(3)
    y, _ = layer(torch.zeros(0, 3)), twin(torch.zeros(0, 3))
    assert layer.backward(y).shape == (0, 3)
    for ours, theirs in zip(layer.state_dict().values(), twin.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
    for other in (nn.LayerNorm(3), nn.GroupNorm(3, 3)):
        assert other(torch.zeros(0, 3)).shape == (0, 3)


@pytest.mark.parametrize("make", [nn.BatchNorm1d, nn.LayerNorm, lambda n: nn.GroupNorm(1, n)])
def test_a_mean_far_above_the_spread(make):
    """In float32 at 1e6, numbers 1/16 apart still stand out; so must their gradients."""
    x = 1e6 + (odd(64, 64) * 16).round() / 16
    g = odd(64, 64, seed=1)
    exact, single = make(64).to(torch.float64), make(64)
    y, dx = exact(x), exact.backward(g)
    assert torch.allclose(single(x.float()).double(), y, atol=1e-5)
    assert torch.allclose(single.backward(g.float()).double(), dx, atol=1e-5)


@pytest.mark.parametrize("make", [nn.BatchNorm1d, nn.LayerNorm, lambda n: nn.GroupNorm(1, n)])
def test_no_spread_at_all(make):
    layer = make(4)
    assert not layer(torch.full((3, 4), 7.0)).any()
    assert layer.backward(torch.ones(3, 4)).isfinite().all()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (lambda: nn.BatchNorm1d(3), (5, 4), r"expected input \(N, 3\) or \(N, 3, L\), got \(5, 4"),
        (lambda: nn.BatchNorm1d(3), (5, 3, 2, 2), r"expected input \(N, 3\)"),
        (lambda: nn.BatchNorm2d(3), (5, 3), r"expected input \(N, 3, H, W\), got \(5, 3\)"),
        (lambda: nn.LayerNorm((2, 3)), (5, 3), r"expected input \(…, 2, 3\), got \(5, 3\)"),
        (lambda: nn.GroupNorm(2, 4), (5, 6), r"expected input \(N, 4, …\)"),
        (lambda: nn.GroupNorm(2, 2), (1, 2), "with more than one value a group"),
    ],
)
def test_wrong_inputs(layer, shape, message):
    with pytest.raises(nn.LayerError, match=message):
        layer()(torch.zeros(shape))


def test_wrong_arguments():
    with pytest.raises(ValueError, match="num_groups must divide num_channels, got 2 and 3"):
        nn.GroupNorm(2, 3)


@pytest.mark.parametrize("eps", [0, 0.0, -1e-5])
@pytest.mark.parametrize("cls", [nn.BatchNorm1d, nn.BatchNorm2d])
def test_batch_normalization_needs_a_positive_eps(cls, eps):
    with pytest.raises(ValueError, match=r"eps must be positive, got"):
        cls(3, eps=eps)
