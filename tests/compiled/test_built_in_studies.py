"""Which arms of the built-in studies, and nets of the zoo, the kernel trains: all of them."""

import inspect

import pytest
import torch

from chainrule import nn, optim, zoo
from chainrule.data import Dataset
from chainrule.study.builtin import NAMES, load_builtin
from chainrule.study.round_data import RoundData
from chainrule.train import Trainer
from chainrule.train.backends import CompiledBackend
from chainrule.train.batches import add_replica_axis
from tests.study.builtin import parts

BY_TORCH = {"disk-torch": ["torch-sgd", "torch-adam", "small-rate", "small-rate-sum"]}
"""The arms that PyTorch trains on purpose."""


def first_candidate(arm):
    values = {p: d.choices[0] if d.choices else d.value_at(0) for p, d in arm.space.items()}
    return arm.with_overrides(values)


PARTS = [(name, part) for name in NAMES for part in parts(load_builtin(name).quick_form())]


@pytest.mark.parametrize(("name", "study"), PARTS, ids=[part.name for _, part in PARTS])
def test_every_arm_is_compiled(name, study):
    train, _ = RoundData(study).round(0)
    found, by_torch = {}, []
    for arm in study.all_arms:
        recipe = first_candidate(arm)
        if recipe.trainer.name != "Trainer":
            by_torch.append(arm.name)
            continue
        trainer = recipe.make_trainer(recipe.make_net().replicate(2, [1, 2]), {}, seed=[1, 2])
        status = str(CompiledBackend().prepare(trainer.state, add_replica_axis(train, 2)))
        if status != "compiled":
            found[arm.name] = status
    assert found == {}
    assert by_torch == BY_TORCH.get(name, [])


PAIR = (2, 14, 14)
ZOO = {
    "color_best": (3, 28, 28),
    "color_net": (3, 28, 28),
    "denoise_net": (1, 14, 14),
    "digit_net": (1, 28, 28),
    "disk_net": (2,),
    "gaussian_net": (9,),
    "modular_net": (2,),
    "pair_best": PAIR,
    "pair_cnn": PAIR,
    "pair_conv1": PAIR,
    "pair_conv2": PAIR,
    "pair_fnn": PAIR,
    "pair_mlp": PAIR,
    "pair_shallow": PAIR,
    "plane_net": (2,),
    "sequence_net": (5, 2),
    "table_net": (9,),
}
"""Net → the shape of its samples."""


def test_every_net_of_the_zoo_is_here():
    assert {*ZOO, "pair_net", "sequential_net"} == {
        name for name in zoo.__all__ if not name.endswith("loss")
    }


@pytest.mark.parametrize("name", ZOO)
def test_every_net_of_the_zoo_is_compiled(name):
    make = getattr(zoo, name)
    options = [{}]
    if "share" in inspect.signature(make).parameters:
        options = [{"share": share} for share in (True, False)]
    if "norm" in inspect.signature(make).parameters:
        options += [{"norm": True, "dropout": 0.2}]
    if name == "sequence_net":
        options = [{"reader": reader} for reader in ("RNN", "LSTM", "GRU", "attention")]
    if name == "denoise_net":
        options = [{"up": up} for up in ("upsample", "transpose", "none")]
    for given in options:
        net = make(**given).initialize(0)
        x = torch.randn(8, *ZOO[name])
        if name == "modular_net":
            x = torch.randint(97, (8, 2))
        y = net(x)
        if name == "gaussian_net":
            criterion, target = nn.GaussianNLLLoss(), torch.randn_like(y["mean"])
        elif isinstance(y, dict):
            criterion = nn.MultiLoss({head: nn.CrossEntropyLoss() for head in y})
            target = {head: torch.zeros(8, dtype=torch.int64) for head in y}
        else:
            criterion, target = nn.MSELoss(), torch.randn_like(y)
        trainer = Trainer(net, criterion, optim.SGD(net), batch_size=4, compile=True)
        trainer.fit(Dataset(x, target), epochs=1, progress=False)
        assert str(trainer.backend_status) == "compiled", given
