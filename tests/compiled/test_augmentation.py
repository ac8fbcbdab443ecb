"""Augmented batches on the compiled path: those of the plain one, made ahead for a whole epoch."""

import pickle

import pytest
import torch

from chainrule import nn
from chainrule.data import Dataset, MixUp, SwapPair, Warp
from chainrule.train import Accuracy, Trainer
from chainrule.train.backends import compiled
from tests.compiled.agreement import SEEDS, K, assert_equal, make_data, sgd


def shift(x, seeds, step):
    """Each replica's inputs moved by what its seed and the step say."""
    moves = [float(seed + step) / 10 for seed in seeds]
    return x + torch.tensor(moves, dtype=x.dtype).reshape(-1, *[1] * (x.dim() - 1))


def network():
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 4))


@pytest.mark.parametrize("augment", [shift, Warp(gamma=0.5)], ids=["shift", "warp"])
def test_augmented_batches_agree(augment):
    assert_equal(network(), nn.CrossEntropyLoss(), sgd, (2, 6, 6), -4, augment=augment)


def train_shared(seed, net, compiled_path):
    data = make_data((2, 6, 6), -4, torch.float64, replicas=1)
    data = Dataset(data.inputs[0], data.targets[0])
    options = {"batch_size": 17, "augment": shift, "compile": compiled_path}
    trainer = Trainer(net.to(torch.float64), nn.CrossEntropyLoss(), sgd(net), seed=seed, **options)
    trainer.fit(data, epochs=2, progress=False)
    assert str(trainer.backend_status) == ("compiled" if compiled_path else "plain")
    return trainer.optimizer.flats[0].data


@pytest.mark.parametrize("seed", [SEEDS, [3, 3, 3], 3])
def test_one_data_set_for_all(seed):
    made = [
        network().initialize(1) if seed == 3 else network().replicate(K, SEEDS) for _ in range(2)
    ]
    fast, plain = (train_shared(seed, net, i == 0) for i, net in enumerate(made))
    torch.testing.assert_close(fast, plain, rtol=1e-12, atol=1e-12)


def test_what_changes_the_shape_takes_the_plain_path():
    net = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 4)).initialize(0)
    data = make_data((2, 6, 6), -4, torch.float32, replicas=1)
    trainer = Trainer(
        net,
        nn.CrossEntropyLoss(),
        sgd(net),
        augment=lambda x, seeds, step: x[..., 1:],
    )
    trainer.fit(Dataset(data.inputs[0], data.targets[0]), epochs=2, progress=False)
    assert str(trainer.backend_status) == "plain: augmentation that changes the shape or dtype"
    assert trainer.epoch == 2


def test_more_than_there_is_room_for_takes_the_plain_path(monkeypatch):
    monkeypatch.setattr(compiled, "MAX_AUGMENTED_BYTES", 1000)
    net = network().initialize(0)
    data = make_data((2, 6, 6), -4, torch.float32, replicas=1)
    trainer = Trainer(net, nn.CrossEntropyLoss(), sgd(net), augment=shift)
    trainer.fit(Dataset(data.inputs[0], data.targets[0]), epochs=1, progress=False)
    assert str(trainer.backend_status).endswith("augmentation of so many samples")


def test_a_copy_of_a_trainer_does_not_carry_the_epoch():
    net = network().initialize(0)
    data = make_data((2, 6, 6), -4, torch.float32, replicas=1)
    trainer = Trainer(net, nn.CrossEntropyLoss(), sgd(net), augment=shift, compile=True)
    trainer.fit(Dataset(data.inputs[0], data.targets[0]), epochs=1, progress=False)
    assert len(pickle.dumps(trainer)) < 60_000


def test_targets_that_change_agree():
    """A pair swapped turns its answer, of which the kernel has to learn, and the metric to know."""
    found = []
    for compiled_path in (True, False):
        net = nn.Sequential(nn.Flatten(), nn.Linear(72, 5), nn.Tanh(), nn.Linear(5, 2))
        net = net.to(torch.float64).replicate(K, SEEDS)
        data = make_data((2, 6, 6), -2, torch.float64, replicas=1)
        trainer = Trainer(
            net,
            nn.CrossEntropyLoss(torch.tensor([0.3, 0.7])),
            sgd(net),
            batch_size=17,
            seed=SEEDS,
            augment=SwapPair(),
            metrics={"accuracy": Accuracy()},
            compile=compiled_path,
        )
        trainer.fit(Dataset(data.inputs[0], data.targets[0]), epochs=3, progress=False)
        assert str(trainer.backend_status) == ("compiled" if compiled_path else "plain")
        curves = [trainer.history[f"train_{name}"].T for name in ("loss", "accuracy")]
        found.append(torch.cat([trainer.optimizer.flats[0].data, *curves], 1))
    torch.testing.assert_close(*found, rtol=1e-10, atol=1e-10)


def test_classes_that_are_mixed_take_the_plain_path():
    net = network().initialize(0)
    data = make_data((2, 6, 6), -4, torch.float32, replicas=1)
    trainer = Trainer(net, nn.CrossEntropyLoss(), sgd(net), augment=MixUp(num_classes=4))
    trainer.fit(Dataset(data.inputs[0], data.targets[0]), epochs=1, progress=False)
    assert str(trainer.backend_status) == "plain: augmentation that changes the shape or dtype"
