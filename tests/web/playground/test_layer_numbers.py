"""The layers of all seeds at once, and how many samples they are looked at with."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.train import layer_stats
from chainrule.web.playground.layer_numbers import QUANTITIES, choose_sample_count


def test_the_numbers_are_those_of_each_seeds_net(built):
    side, layers = built.player.sides[0], built.messages[-1]["sides"][0]["layers"]
    train = side.samples.train
    rows = [
        layer_stats(side.trainer.net.replica(k).train(), train.inputs, train.targets, side.loss)
        for k in range(3)
    ]
    assert layers["paths"] == ["0", "1", "2"]
    for name in QUANTITIES:
        expected = [[getattr(row[i], name) for row in rows] for i in range(3)]
        expected = np.array(expected, float)  # None is nan
        np.testing.assert_allclose(layers[name]["seeds"].reshape(3, 3), expected, rtol=1e-4)
        np.testing.assert_allclose(layers[name]["mean"], expected.mean(1), rtol=1e-4)


def test_a_layer_that_has_no_such_quantity_has_no_number(built):
    assert np.isnan(built.messages[-1]["sides"][0]["layers"]["dead"]["seeds"]).all()


@pytest.mark.parametrize(
    ("activations", "K", "available", "expected"),
    [(157, 16, 500, 100), (903, 64, 500, 9), (10**5, 64, 500, 8), (0, 1, 7, 7)],
)
def test_large_nets_are_looked_at_with_fewer_samples(activations, K, available, expected):
    assert choose_sample_count(activations, K, available) == expected
