"""A net layer by layer, as a table."""

from __future__ import annotations

import io
import json

import pytest
import torch
from rich.console import Console

from chainrule import nn
from chainrule.report import RichTable, as_csv, as_json, layers, layers_table
from chainrule.train import layer_stats
from chainrule.zoo import plane_net

INITS = ("FanInUniform", "XavierUniform", "HeNormal", "Zeros")


@pytest.fixture(scope="module")
def rows():
    x = torch.randn(30, 2, generator=torch.Generator().manual_seed(1))
    net = plane_net(25, 10, "Sigmoid")
    return {name: layer_stats(net.initialize(0, getattr(nn.init, name)()), x) for name in INITS}


def printed(rows, width: int = 80) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    console.print(RichTable(layers_table(rows)))
    return console.file.getvalue().splitlines()


def test_one_net_has_all_its_numbers_in_80_columns(rows):
    lines = printed({"Zeros": rows["Zeros"]})
    assert len([line for line in lines if "Linear 25" in line]) == 10
    assert max(map(len, lines)) <= 80
    assert lines[2].split() == [
        *("layer", "mean", "std", "zeros", "dead", "flat"),
        *("‖dL/dy‖", "‖dL/dW‖", "/", "‖W‖"),
    ]


def test_four_nets_stand_side_by_side_in_80_columns(rows):
    lines = printed(rows)
    assert max(map(len, lines)) <= 80
    assert lines[4].split() == ["layer", *["std", "‖dL/dW‖"] * 4]
    assert len([line for line in lines if "Sigmoid 25" in line]) == 10


def test_in_40_columns_a_number_has_its_net_before_it(rows):
    lines = printed(rows, 40)
    assert max(map(len, lines)) <= 40
    assert lines[1:4] == ["0", "  layer: Linear 25", "  FanInUniform, std: 0.47"]


def test_the_data_have_every_number_and_nothing_that_json_has_not(rows):
    data = json.loads(as_json(layers_table(rows)))
    assert len(data) == 4 * 22
    assert {row["label"] for row in data} == set(INITS)
    assert data[0]["dw"] == rows["FanInUniform"][0].dw
    assert data[1]["dw"] is None
    assert as_csv(layers_table(rows)).startswith("label,path,layer,output,mean,std,zeros,dead,flat")


def test_what_is_not_finite_is_null():
    x = torch.full((3, 2), torch.inf)
    data = layers_table({"a": layer_stats(nn.Linear(2, 2), x)}).rows
    assert data[0]["mean"] is None


def test_other_layers_and_none_are_refused(rows):
    with pytest.raises(ValueError, match="b and a have different layers"):
        layers_table({"a": rows["Zeros"], "b": rows["Zeros"][:3]})
    with pytest.raises(ValueError, match="at least one net"):
        layers({})
