"""Stored files of every format: each loads for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from chainrule import load, nn, optim, save
from chainrule.data import Arrays, disk
from chainrule.estimators import Predictor
from chainrule.optim import lr_scheduler
from chainrule.serialization import load_metadata
from chainrule.serialization.safetensors_file import FORMAT, read_file
from chainrule.serialization.upgrade import upgrade_header
from chainrule.train import Accuracy, EarlyStopping, Trainer

FORMATS = range(1, FORMAT + 1)


def stored(kind: str, version: int) -> Path:
    return Path(__file__).with_name("formats") / f"{kind}_{version}.safetensors"


def build_trainer() -> Trainer:
    """The trainer whose second epoch is in the files."""
    layers = nn.Linear(2, 3), nn.Dropout(0.3), nn.Tanh(), nn.BatchNorm1d(3), nn.Linear(3, 2)
    net = nn.Sequential(*layers).replicate(2, [7, 8])
    optimizer = optim.Adam(net, lr=torch.tensor([0.05, 0.01]))
    return Trainer(
        net,
        nn.CrossEntropyLoss(),
        optimizer,
        scheduler=lr_scheduler.ReduceLROnPlateau(optimizer, patience=1),
        batch_size=16,
        seed=[0, 1],
        metrics={"accuracy": Accuracy()},
        callbacks=[EarlyStopping("test_loss", patience=50, restore_best=False)],
    )


@pytest.mark.parametrize("version", FORMATS)
def test_a_net_gives_what_it_gave(version):
    net = load(stored("net", version))
    assert net.label() == "Sequential"
    y = net.eval()(torch.tensor([[0.5, -0.25]]))
    assert y.tolist()[0] == pytest.approx([-0.08733606338500977, -0.3276974558830261], rel=1e-5)


@pytest.mark.parametrize("version", FORMATS)
def test_a_training_goes_on_as_it_would_have(version):
    trainer = build_trainer()
    trainer.load(stored("training", version))
    assert trainer.epoch == trainer.history.epochs == 2
    history = trainer.fit(disk(48, seed=1), disk(20, seed=3), epochs=4, progress=False)
    expected = torch.tensor(
        [
            [0.6857355237007141, 0.5573190450668335],
            [0.6913442611694336, 0.5617086291313171],
            [0.6983036994934082, 0.567091166973114],
            [0.6973980069160461, 0.5680459141731262],
        ],
        dtype=torch.float64,
    )
    torch.testing.assert_close(history["test_loss"], expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("version", FORMATS)
def test_a_predictor_answers_what_it_answered(version):
    inputs = torch.tensor([[0.0, 1.0], [2.0, 1.0], [1.0, -3.0], [4.0, 0.5]])
    predictor = Predictor.load(stored("predictor", version))
    assert predictor.predict(Arrays("here", inputs)) == ["b", "b", "b", "a"]
    assert predictor.preprocessor.task.baseline_prediction == "a"


@pytest.mark.parametrize("kind", ["net", "training", "predictor"])
@pytest.mark.parametrize("version", FORMATS)
def test_a_header_has_the_keys_of_the_present_format(kind, version):
    _, _, header = read_file(stored(kind, version))
    assert header.keys() == read_file(stored(kind, FORMAT))[2].keys()
    assert load_metadata(stored("predictor", version))["loss"] == "CrossEntropyLoss"


def test_a_header_of_the_present_format_stays_as_it_is():
    header = {"draws": 1}
    assert upgrade_header(FORMAT, header) == header


def test_the_same_net_gives_the_same_bytes(tmp_path):
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    net.initialize(3)
    for i in range(8):  # the order of metadata was drawn for each file
        save(net, tmp_path / str(i))
    assert len({(tmp_path / str(i)).read_bytes() for i in range(8)}) == 1
