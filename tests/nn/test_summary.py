"""The summary's numbers, and shapes known beforehand."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn
from chainrule.zoo import pair_mlp


def lenet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def test_parameters_of_lenet_by_layer():
    rows = nn.summary(lenet(), (1, 1, 28, 28)).rows
    counts = {row.path: row.parameters for row in rows if row.parameters}
    assert counts == {"0": 156, "3": 2416, "7": 30840, "9": 10164, "11": 850}


def test_parameters_of_lenet_are_torchs():
    twin = torch.nn.Sequential(
        torch.nn.Conv2d(1, 6, 5),
        torch.nn.Conv2d(6, 16, 5),
        torch.nn.Linear(256, 120),
        torch.nn.Linear(120, 84),
        torch.nn.Linear(84, 10),
    )
    expected = sum(p.numel() for p in twin.parameters())
    assert nn.summary(lenet(), (1, 1, 28, 28)).parameters == expected == 44426


def test_multiply_adds_of_lenet_by_layer():
    """out · H' · W' · in · k² for a convolution, in · out for a linear layer."""
    rows = nn.summary(lenet(), (1, 1, 28, 28)).rows
    products = {row.path: row.multiply_adds for row in rows if row.multiply_adds}
    assert products == {
        "0": 6 * 24 * 24 * 25,
        "3": 16 * 8 * 8 * 6 * 25,
        "7": 256 * 120,
        "9": 120 * 84,
        "11": 84 * 10,
    }


def test_multiply_adds_are_those_of_the_whole_batch():
    assert nn.summary(lenet(), (1, 1, 28, 28)).multiply_adds == 281640
    assert nn.summary(lenet(), (7, 1, 28, 28)).multiply_adds == 7 * 281640


def test_output_shapes_layer_by_layer():
    shapes = [row.output for row in nn.summary(lenet(), (2, 1, 28, 28)).rows]
    assert shapes[:4] == [(2, 6, 24, 24), (2, 6, 24, 24), (2, 6, 12, 12), (2, 16, 8, 8)]
    assert shapes[-1] == (2, 10)


def test_the_table():
    net = nn.Sequential(nn.Linear(300, 40), nn.Tanh(), nn.Linear(40, 2))
    assert str(nn.summary(net, (100, 300))) == (
        "layer                   output     parameters  multiply-adds\n"
        "0      Linear(300, 40)  (100, 40)      12,040      1,200,000\n"
        "1      Tanh()           (100, 40)           0              0\n"
        "2      Linear(40, 2)    (100, 2)           82          8,000\n"
        "                        total          12,122      1,208,000"
    )


def test_groups_divide_the_multiply_adds():
    assert nn.summary(nn.Conv2d(4, 8, 3, groups=2), (1, 4, 5, 5)).multiply_adds == 8 * 9 * 2 * 9


def test_bilinear_counts_both_products():
    summary = nn.summary(nn.Bilinear(3, 2, 4), ((5, 3), (5, 2)))
    assert summary.parameters == 3 * 2 * 4 + 4
    assert summary.multiply_adds == 5 * 4 * (3 + 1) * 2


def test_a_layer_used_twice_has_two_rows_and_one_count():
    layer = nn.Linear(3, 3)
    summary = nn.summary(nn.Sequential(layer, nn.Tanh(), layer), (5, 3))
    assert [(row.path, row.parameters) for row in summary.rows] == [("0", 12), ("1", 0), ("0", 0)]
    assert summary.multiply_adds == 2 * 5 * 9


def test_a_tied_parameter_counts_once():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net[1].weight = net[0].weight
    assert [row.parameters for row in nn.summary(net, (5, 3)).rows] == [12, 3]


def test_sharing_the_encoder_halves_its_parameters_and_not_its_work():
    shared, apart = (nn.summary(pair_mlp(20, share=s), (1, 2, 14, 14)) for s in (True, False))
    encoder = 196 * 20 + 20
    assert apart.parameters - shared.parameters == encoder
    assert apart.multiply_adds == shared.multiply_adds


def test_a_cohort_counts_all_its_replicas():
    net = nn.Linear(3, 2)
    assert (
        nn.summary(net.replicate(4), (4, 5, 3)).parameters == 4 * nn.summary(net, (5, 3)).parameters
    )


def test_a_lone_layer_has_one_row():
    (row,) = nn.summary(nn.Linear(3, 2), (5, 3)).rows
    assert (row.path, row.layer, row.output) == ("", "Linear(3, 2)", (5, 2))


# shapes beforehand


def test_the_output_shape_of_named_heads():
    net = nn.Heads(main=nn.Linear(3, 2), other=nn.Linear(3, 7))
    assert nn.output_shape(net, (5, 3)) == {"main": (5, 2), "other": (5, 7)}


def test_the_output_shape_for_a_pair():
    assert nn.output_shape(nn.Siamese(nn.Linear(3, 2)), ((5, 3), (4, 3))) == ((5, 2), (4, 2))


def test_one_shape_given_as_a_tuple():
    assert nn.output_shape(nn.Linear(3, 2), (5, 3)) == (5, 2)


def test_the_dtype_is_the_parameters_unless_given():
    assert nn.output_shape(nn.Linear(3, 2, dtype=torch.float64), (5, 3)) == (5, 2)
    assert nn.output_shape(nn.Embedding(9, 4), (5,), dtype=torch.int64) == (5, 4)


def test_an_input_that_does_not_fit_says_where():
    with pytest.raises(nn.LayerError, match=r"Sequential\[7\] Linear\(256, 120\): expected input"):
        nn.summary(lenet(), (1, 1, 32, 32))


def test_nothing_is_computed_drawn_or_changed():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout()).initialize(1)
    before = [t.clone() for t in net.state_dict().values()]
    state = torch.get_rng_state()
    nn.summary(net, (5, 3))
    nn.output_shape(net, (10**6, 3))
    assert all(torch.equal(s, t) for s, t in zip(before, net.state_dict().values(), strict=True))
    assert torch.equal(torch.get_rng_state(), state)
    assert net.training
    assert net[2].rng_counter == 0
    with pytest.raises(RuntimeError, match="backward needs a call"):
        net.backward(torch.ones(5, 4))


def test_more_axes_or_one_sample_count_a_layer_once():
    assert nn.summary(nn.Sequential(nn.Linear(2, 3)), (5, 4, 2)).multiply_adds == 120
    assert len(nn.summary(nn.Conv1d(2, 3, 2), (2, 5)).rows) == 1
