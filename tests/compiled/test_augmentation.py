"""Augmented batches on the compiled path: those of the plain one, made ahead for a whole epoch."""

import pickle

import pytest
import torch

from chainrule import nn
from chainrule._util.threads import torch_threads
from chainrule.data import Dataset, MixUp, SwapPair, Warp
from chainrule.train import Accuracy, Callback, Trainer
from chainrule.train.backends import compiled
from chainrule.train.backends.augmented import NextEpoch
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


# The next epoch's samples, made while the kernel trains.


def train_threads(threads, epochs=4, augment=None, net=None, seed=SEEDS, **options):
    """A cohort's trainer after some epochs on so many threads, and its made-ahead epochs."""
    net = (network().replicate(K, SEEDS) if net is None else net).to(torch.float64)
    data = make_data((2, 6, 6), -4, torch.float64, replicas=1)
    data = Dataset(data.inputs[0], data.targets[0])
    options = {"batch_size": 17, "augment": augment or Warp(), "compile": True} | options
    trainer = Trainer(net, nn.CrossEntropyLoss(), sgd(net), seed=seed, **options)
    with torch_threads(threads):
        trainer.fit(data, epochs=epochs, progress=False)
    return trainer


@pytest.fixture
def ahead(monkeypatch):
    """(epoch, whether it was taken) of each that was made ahead."""
    taken = []
    is_made_for = NextEpoch.is_made_for

    def note(self, *args):
        taken.append((self._source[0], self.is_whole and is_made_for(self, *args)))
        return taken[-1][1]

    monkeypatch.setattr(NextEpoch, "is_made_for", note)
    return taken


@pytest.mark.parametrize("options", [{}, {"drop_last": True}, {"accumulate": 2}], ids=str)
def test_an_epoch_that_is_made_while_the_kernel_trains_is_the_same(ahead, options):
    alone = train_threads(1, **options)
    assert not ahead
    both = train_threads(2, **options)
    assert ahead == [(1, True), (2, True), (3, True)]
    assert torch.equal(both.optimizer.flats[0].data, alone.optimizer.flats[0].data)
    one = train_threads(2, net=network().replicate(K, SEEDS).replica(1), seed=SEEDS[1], **options)
    for (name, parameter), (_, mine) in zip(
        both.net.named_parameters(), one.net.named_parameters(), strict=True
    ):
        assert torch.equal(parameter.data[1], mine.data), name


class Fade(Callback):
    """Warps less from epoch to epoch."""

    def on_epoch_end(self, state):
        state.augment.shift /= 2


def test_an_epoch_whose_augmentation_somebody_changes_is_made_when_it_is_due(ahead):
    found = [
        train_threads(threads, augment=Warp(shift=2.0), callbacks=[Fade()]) for threads in (1, 2)
    ]
    assert not ahead
    assert torch.equal(*(trainer.optimizer.flats[0].data for trainer in found))


def test_what_a_later_epoch_raises_comes_when_it_is_due(ahead):
    def fail(x, seeds, step):
        if step >= 8:
            raise ValueError("no more")
        return x

    net = network().replicate(K, SEEDS)
    with pytest.raises(ValueError, match="no more"):
        train_threads(2, augment=fail, net=net)
    assert ahead == [(1, True)]


def test_another_fit_makes_its_own(ahead):
    trainer = train_threads(2, epochs=2)
    data = make_data((2, 6, 6), -4, torch.float64, replicas=1)
    trainer.fit(Dataset(data.inputs[0] + 1, data.targets[0]), epochs=4, progress=False)
    assert trainer.epoch == 4
    assert ahead == [(1, True)]
