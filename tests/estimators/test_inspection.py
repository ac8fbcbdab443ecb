"""Nets to be looked at, each with one batch."""

from __future__ import annotations

import pytest

from chainrule.estimators import built_in_net, net_on_data, net_to_check, stats_by_init


@pytest.mark.parametrize("name", ["deep", "disk", "pairs"])
def test_a_built_in_net_comes_with_a_batch_and_a_loss(name):
    example = built_in_net(name, seed=1)
    loss = example.criterion(example.net(example.inputs), example.targets)
    assert loss.isfinite()
    assert "200" in example.description


def test_a_function_of_a_net_is_drawn_from_the_seed():
    a, b, c = (net_on_data("plane_net", "disk_points", seed=s).net for s in (1, 1, 2))
    weights = [net[0].weight.data for net in (a, b, c)]
    assert weights[0].equal(weights[1])
    assert not weights[0].equal(weights[2])


def test_a_net_to_check_gets_numbers_of_the_shape():
    assert net_to_check("disk", "7,2").inputs.shape == (7, 2)


def test_each_initialization_has_its_rows():
    stats = stats_by_init(built_in_net("disk"), ["Zeros", "HeNormal"])
    assert [*stats] == ["Zeros", "HeNormal"]
    assert stats["Zeros"][0].w == 0
    with pytest.raises(ValueError, match="no initialization 'Zero'; did you mean 'Zeros'"):
        stats_by_init(built_in_net("disk"), ["Zero"])
