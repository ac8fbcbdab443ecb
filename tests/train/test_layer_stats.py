"""``probe``: what it says of each layer, against what torch's autograd and arithmetic say."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from chainrule import nn
from chainrule.data import disk, standardize
from chainrule.train import layer_stats
from chainrule.train.layer_stats import cohort_layer_stats
from chainrule.zoo import plane_net


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(40, 3, generator=torch.Generator().manual_seed(3))


@pytest.fixture
def labels() -> torch.Tensor:
    return torch.arange(40) % 2


def chain() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).initialize(1)


def test_values_and_gradients_are_those_of_autograd(x, labels):
    net = chain()
    rows = layer_stats(net, x, labels, nn.CrossEntropyLoss())
    twin = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))
    twin.load_state_dict(net.state_dict())
    hidden = twin[0](x)
    squashed = twin[1](hidden)
    output = twin[2](squashed)
    for y in (hidden, squashed, output):
        y.retain_grad()
    torch.nn.functional.cross_entropy(output, labels).backward()
    for row, y in zip(rows, (hidden, squashed, output), strict=True):
        assert row.mean == pytest.approx(y.mean().item(), abs=1e-6)
        assert row.std == pytest.approx(y.std(correction=0).item(), rel=1e-5)
        assert row.dy == pytest.approx(float(y.grad.norm()), rel=1e-5)
    assert rows[0].dw == pytest.approx(float(twin[0].weight.grad.norm()), rel=1e-5)
    assert rows[0].w == pytest.approx(twin[0].weight.norm().item(), rel=1e-5)
    assert rows[0].relative == pytest.approx(rows[0].dw / rows[0].w)


def test_a_row_names_its_layer(x):
    rows = layer_stats(chain(), x)
    assert [(r.path, r.layer, r.output) for r in rows] == [
        ("0", "Linear", (5,)),
        ("1", "Tanh", (5,)),
        ("2", "Linear", (2,)),
    ]


def test_without_a_loss_the_gradient_at_the_output_is_a_sign_each(x):
    last = layer_stats(chain(), x)[-1]
    assert last.dy == pytest.approx((40 * 2) ** 0.5 / 40)


def test_a_layer_used_twice_has_a_row_a_use(x):
    layer = nn.Linear(3, 3)
    first, second = layer_stats(nn.Sequential(layer, layer), x)
    assert first.path == second.path == "0"
    assert first.dw == second.dw
    assert first.dy != second.dy


def test_dead_units_are_those_that_no_sample_makes_active(x):
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    net[0].bias.data.copy_(torch.tensor([-99.0, 0.0, 99.0, -99.0]))
    linear, relu = layer_stats(net, x)
    assert relu.dead == 0.5
    assert linear.dead is None
    assert 0.5 < relu.zeros < 0.75


def test_dead_channels_of_images():
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU())
    net[0].bias.data.copy_(torch.tensor([-99.0, 99.0, 99.0]))
    assert layer_stats(net, torch.rand(2, 1, 5, 5))[1].dead == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("activation", "x", "flat"),
    [
        (nn.Sigmoid(), [-4.0, -3.0, 0.0, 4.0], 0.5),  # σ'(4) = 0.018, σ'(3) = 0.045
        (nn.Tanh(), [-2.0, -1.0, 0.0, 3.0], 0.5),  # tanh'(2) = 0.07, tanh'(1) = 0.42
        (nn.Hardtanh(), [-2.0, 0.0, 0.5, 0.9], 0.25),
        (nn.ReLU(), [-2.0, 0.0, 0.5, 0.9], None),
    ],
)
def test_flat_is_where_the_slope_is_small(activation, x, flat):
    (row,) = layer_stats(activation, torch.tensor(x)[:, None])
    assert row.flat == flat


def test_a_deep_sigmoid_net_loses_its_gradient_and_a_zero_net_has_none():
    (points,), _ = standardize(disk(100, 0))
    net = plane_net(25, 10, "Sigmoid").initialize(0)

    def norms(init: nn.init.Initializer) -> list[float]:
        net.initialize(0, init)
        rows = layer_stats(net, points.inputs, points.targets, nn.CrossEntropyLoss())
        return [row.dw for row in rows if row.layer == "Linear"]

    xavier = norms(nn.init.XavierUniform())
    assert all(a < b for a, b in pairwise(xavier))
    assert xavier[0] < 1e-5 * xavier[-1]
    assert norms(nn.init.Zeros())[:-1] == [0.0] * 10


def test_a_weight_of_zero_has_no_relative_gradient(x):
    net = nn.Sequential(nn.Linear(3, 2, init=nn.init.Zeros()))
    (row,) = layer_stats(net, x)
    assert row.w == 0
    assert row.relative is None


def test_the_net_is_left_as_it_is(x):
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).initialize(0)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    layer_stats(net, x)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(not p.grad.any() for p in net.parameters())
    assert net[2].rng_counter == 0


def test_heads_and_class_numbers_are_no_trouble():
    net = nn.Sequential(nn.Embedding(7, 3), nn.Heads(a=nn.Linear(3, 2), b=nn.Linear(3, 4)))
    rows = layer_stats(net, torch.tensor([0, 3, 6]))
    assert [row.path for row in rows] == ["0", "1.a", "1.b"]


def test_a_cohort_is_refused(x):
    with pytest.raises(ValueError, match=r"expected a plain net, such as net.replica\(0\)"):
        layer_stats(chain().replicate(3), x)


def test_a_target_needs_a_criterion(x, labels):
    with pytest.raises(ValueError, match="a target with its criterion"):
        layer_stats(chain(), x, labels)


COHORTS = {
    "activations": lambda: nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4), nn.Sigmoid()),
    "normalized": lambda: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh()),
    "branches": lambda: nn.Sequential(nn.Residual(nn.Linear(3, 3)), nn.Linear(3, 4)),
}


@pytest.mark.parametrize("name", COHORTS)
def test_of_a_cohort_each_net_has_the_numbers_that_it_has_alone(name, x):
    cohort = COHORTS[name]().replicate(3, seeds=[3, 5, 7])
    labels = torch.arange(len(x)) % 4
    alone = [layer_stats(cohort.replica(k), x, labels, nn.CrossEntropyLoss()) for k in range(3)]
    loss = nn.CrossEntropyLoss().replicate(3)
    for i, row in enumerate(cohort_layer_stats(cohort, x, labels, loss)):
        for k in range(3):
            for field, value in alone[k][i].as_row().items():
                found = getattr(row, field)
                found = found[k].item() if isinstance(found, torch.Tensor) else found
                assert found == (
                    value if not isinstance(value, float) else pytest.approx(value, 1e-4, 1e-6)
                )


def test_a_plain_net_is_no_cohort(x, labels):
    with pytest.raises(ValueError, match="expected a cohort"):
        cohort_layer_stats(chain(), x, labels, nn.CrossEntropyLoss())


def test_a_weight_of_zero_has_no_relative_gradient_in_a_cohort_either(x):
    net = nn.Sequential(nn.Linear(3, 2, init=nn.init.Zeros())).replicate(2)
    (row,) = cohort_layer_stats(net, x, torch.arange(40) % 2, nn.CrossEntropyLoss().replicate(2))
    assert row.relative.isnan().all()
