"""A net's architecture as JSON data and back, and what is refused."""

from __future__ import annotations

import json

import pytest
import torch

from chainrule import nn
from chainrule.nn.config import apply_ties, find_sources, find_ties, from_config, to_config


def there_and_back(net: nn.Module) -> nn.Module:
    return from_config(json.loads(json.dumps(to_config(net))))


def test_the_config_of_a_net():
    net = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Tanh())
    assert to_config(net) == {
        "module": "Sequential",
        "arguments": {
            "layers": [
                {
                    "module": "Linear",
                    "arguments": {
                        "in_features": 2,
                        "out_features": 3,
                        "bias": False,
                        "init": None,
                    },
                },
                {"module": "Tanh", "arguments": {}},
            ]
        },
    }


NETS = [
    nn.Linear(2, 3, init=nn.init.HeNormal("tanh")),
    nn.Linear(2, 3, init=nn.init.Constant(0.5)),
    nn.Conv2d(2, 4, (3, 2), stride=2, padding="valid", groups=2, padding_mode="circular"),
    nn.BatchNorm1d(3, momentum=None, affine=False),
    nn.LayerNorm((3, 4), bias=False),
    nn.LayerNorm((3, 4), elementwise_affine=False),
    nn.Embedding(5, 3, padding_idx=1),
    nn.Hardtanh(-float("inf"), 2.0),
    nn.Identity(),
    nn.Unflatten(1, (2, 3)),
    nn.AdaptiveAvgPool2d((None, 2)),
    nn.Sequential(),
    nn.Sequential([nn.Tanh(), nn.Sequential(nn.ReLU())]),
    nn.Concat(nn.Tanh(), nn.ReLU(), dim=-1),
    nn.Sum(nn.Tanh(), nn.ReLU()),
    nn.Parallel(nn.Tanh(), nn.ReLU()),
    nn.Residual(nn.Linear(3, 3)),
    nn.Heads({"a b": nn.Tanh()}, c=nn.ReLU()),
    nn.Siamese(nn.Linear(3, 2)),
    nn.Siamese(nn.Linear(3, 2), share=False),
]


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.label())
def test_a_net_comes_back_the_same(net):
    again = there_and_back(net)
    assert repr(again) == repr(net)
    assert to_config(again) == to_config(net)
    shapes = {name: t.shape for name, t in net.state_dict().items()}
    assert {name: t.shape for name, t in again.state_dict().items()} == shapes


def test_an_initialization_comes_back_and_draws_the_same():
    net = nn.Linear(4, 5, init=nn.init.XavierUniform(gain=2.0))
    again = there_and_back(net)
    assert again.init == net.init
    assert torch.equal(again.initialize(3).weight.data, net.initialize(3).weight.data)


def test_a_number_for_each_replica_comes_back():
    again = there_and_back(nn.Dropout(torch.tensor([0.25, 0.5])))
    assert again.p.tolist() == [0.25, 0.5]


def test_a_number_for_each_replica_keeps_its_dtype():
    p = torch.tensor([0.1, 0.3], dtype=torch.float64)
    assert torch.equal(there_and_back(nn.Dropout(p)).p, p)


def test_a_module_used_again_is_one_module_again():
    layer = nn.Linear(3, 3)
    again = there_and_back(nn.Sequential(nn.Tanh(), layer, nn.Residual(layer)))
    assert again[1] is again[2].module
    assert again[0] is not again[1]


# ties


def tied() -> nn.Sequential:
    net = nn.Sequential(nn.Linear(3, 3), nn.Residual(nn.Linear(3, 3)))
    net[1].module.weight = net[0].weight
    return net


def test_ties_lead_to_the_first_path():
    assert find_ties(tied()) == {"1.module.weight": "0.weight"}


def test_a_net_without_ties_has_none():
    assert find_ties(nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))) == {}


def test_a_shared_module_is_tied_at_each_path():
    layer = nn.Linear(3, 3)
    assert find_ties(nn.Sequential(layer, layer)) == {"1.weight": "0.weight", "1.bias": "0.bias"}


def test_ties_are_made_again():
    again = there_and_back(tied())
    assert again[1].module.weight is not again[0].weight
    apply_ties(again, find_ties(tied()))
    assert again[1].module.weight is again[0].weight


@pytest.mark.parametrize("tied", [{"9.weight": "0.weight"}, {"0.weight": "9.weight"}])
def test_a_tie_to_nowhere_is_refused(tied):
    with pytest.raises(ValueError, match="the net has no such parameters"):
        apply_ties(nn.Sequential(nn.Linear(3, 3)), tied)


# refusals


def make_local() -> nn.Module:
    class Local(nn.Module):
        def forward(self, x):
            return x, lambda g: g

    return Local()


@pytest.mark.parametrize("wrap", [lambda net: net, lambda net: nn.Sequential(nn.Residual(net))])
def test_a_class_that_no_one_can_import_is_refused(wrap):
    with pytest.raises(
        ValueError, match=r"Local is neither a class of chainrule\.nn .* save the st"
    ):
        to_config(wrap(make_local()))


class OwnInit(nn.init.Initializer):
    def __call__(self, shape, generator=None):
        return torch.ones(shape)


class Linear(nn.Module):
    """A module of the user's with the name of one of ours."""

    def __init__(self, init: nn.init.Initializer) -> None:
        self.init = init

    def forward(self, x):
        return x, lambda g: g


def test_classes_of_the_users_are_built_where_their_module_is_trusted():
    config = json.loads(json.dumps(to_config(nn.Sequential(Linear(OwnInit())))))
    ((home, digest),) = find_sources(config).items()
    assert home == __name__
    assert len(digest) == 64
    with pytest.raises(ValueError, match=f"{home} has no Module"):
        from_config(config)
    again = from_config(config, [home])
    assert type(again[0]) is Linear
    assert type(again[0].init) is OwnInit


def module(name, **arguments):
    return {"module": name, "arguments": arguments}


@pytest.mark.parametrize(
    "config",
    [
        None,
        3,
        "Linear",
        [],
        {},
        [module("Tanh")],
        {"module": "Tanh"},
        {"arguments": {}},
        {"again": 0},
        {"again": -1},
        {"again": "x"},
        {"tensor": [1.0]},
        module("Nosuch"),
        module("Module"),
        module("Weighted"),
        module("os.system"),
        module("__class__"),
        module("init"),
        module("MSELoss"),
        module("Zeros"),
        module(["Tanh"]),
        module("Tanh", nosuch=1),
        module("Linear"),
        module("Linear", in_features="x", out_features=2),
        module("Sequential", layers=[3]),
        module("Sequential", layers=3),
        module("Residual"),
        module("Linear", in_features=2, out_features=2, init={"initializer": "Nosuch"}),
        module("Linear", in_features=2, out_features=2, init={"initializer": "Initializer"}),
        module(
            "Linear",
            in_features=2,
            out_features=2,
            init={"initializer": "Tanh", "arguments": {}},
        ),
        module(
            "Linear",
            in_features=2,
            out_features=2,
            init={"initializer": "Constant", "arguments": {"nosuch": 1}},
        ),
    ],
    ids=lambda config: str(config)[:60],
)
def test_data_that_describe_no_net_are_refused(config):
    said = r"has no |sizes are|expected a|no module -?\d before it|\w+: \w+ is missing"
    with pytest.raises(ValueError, match=rf"^architecture[\w.]*: .*({said})"):
        from_config(config)


@pytest.mark.parametrize("config", [module("Nosuch"), module("Module"), module("os.system")])
def test_an_unknown_class_is_named(config):
    with pytest.raises(ValueError, match=rf"chainrule\.nn has no Module '{config['module']}'"):
        from_config(config)
