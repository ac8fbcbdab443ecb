"""A second fit goes on from the first, or says why it cannot; a batch of one is refused in time."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset, disk
from chainrule.interop import TorchTrainer
from chainrule.train import Callback, EarlyStopping, Trainer

DATA = disk(40, seed=0)


def build(cls=Trainer, K=None, **options) -> Trainer:
    net = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 2)).initialize(0)
    net = net if K is None else net.replicate(K, [*range(K)])
    return cls(net, nn.CrossEntropyLoss(), optim.Adam(net, lr=0.05), batch_size=16, **options)


def scale(trainer: Trainer) -> None:
    next(trainer.net.parameters()).data.mul_(0.5)


def pickled(pair):
    return pickle.loads(pickle.dumps(pair))


CHANGES = {
    "initialize": lambda t: t.net.initialize(*([[1, 2]] if t.net.replicas else [1])),
    "load_state_dict": lambda t: t.net.load_state_dict(t.net.state_dict()),
    "by hand": scale,
    "moved": lambda t: t.net.to(torch.float64),
    "another training": lambda t: Trainer(
        t.net, t.criterion, t.optimizer, compile=True, batch_size=16
    ).fit(DATA, epochs=1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("K", [None, 2])
@pytest.mark.parametrize("kernel", [False, True])
def test_parameters_that_another_hand_changed_are_noticed(kernel, K, change):
    trainer = build(K=K, compile=kernel)
    trainer.fit(DATA, epochs=2)
    change(trainer)
    for epochs in (2, 4):
        with pytest.raises(RuntimeError, match=r"after epoch 2 .*accept_parameters"):
            trainer.fit(DATA, epochs=epochs)
    assert trainer.epoch == 2


def test_they_may_be_accepted():
    trainer = build(callbacks=[EarlyStopping("train_loss")])
    trainer.fit(DATA, epochs=2)
    trainer.net.initialize(5)
    trainer.accept_parameters()
    trainer.state.batch_size, trainer.optimizer.param_groups[0]["lr"] = 40, 0.0
    first = trainer.evaluate(DATA)["loss"]
    assert trainer.fit(DATA, epochs=3).last("train_loss").item() == pytest.approx(first.item())


@pytest.mark.parametrize("cls", [Trainer, TorchTrainer])
def test_what_the_trainer_does_itself_is_no_change(cls, tmp_path):
    trainer = build(cls, callbacks=[EarlyStopping("train_loss", patience=100)])
    trainer.fit(DATA, epochs=2)
    trainer.evaluate(DATA)
    trainer.net(DATA.inputs)
    if cls is Trainer:
        trainer.save(tmp_path / "training")
        trainer.load(tmp_path / "training")
    assert trainer.fit(DATA, epochs=4).epochs == 4


def test_before_the_first_epoch_anything_may_change():
    trainer = build()
    trainer.fit(DATA, epochs=0)
    trainer.net.initialize(3)
    assert trainer.fit(DATA, epochs=1).epochs == 1


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_a_copy_notices_too(duplicate):
    trainer = build()
    trainer.fit(DATA, epochs=1)
    other = duplicate(trainer)
    other.fit(DATA, epochs=2)
    other.net.initialize(1)
    with pytest.raises(RuntimeError, match="accept_parameters"):
        other.fit(DATA, epochs=3)


class Fussy(nn.Module):
    """A layer of a user's that wants to compare samples."""

    def forward(self, x):
        if self.training and x.shape[-2] < 2:
            raise RuntimeError("nothing to compare")
        return x, lambda g: g


LAYERS = {
    "BatchNorm1d": lambda: nn.BatchNorm1d(6),
    "without statistics": lambda: nn.BatchNorm1d(6, track_running_stats=False),
    "a user's": Fussy,
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("K", [None, 2])
@pytest.mark.parametrize("kernel", [False, True])
@pytest.mark.parametrize(
    ("n", "batch_size", "advice"), [(41, 20, "19"), (3, 1, "3"), (1, 9, "add")]
)
def test_a_batch_of_one_is_refused_before_the_first_step(
    layer,
    K,
    kernel,
    n,
    batch_size,
    advice,
):
    net = nn.Sequential(nn.Linear(2, 6), layer(), nn.Dropout(0.5), nn.Linear(6, 2)).initialize(0)
    net = net if K is None else net.replicate(K, [*range(K)])
    trainer = Trainer(
        net, nn.CrossEntropyLoss(), optim.SGD(net), batch_size=batch_size, compile=kernel
    )
    before = {name: t.clone() for name, t in net.state_dict().items()}
    with pytest.raises(ValueError, match=rf"{n} samples? with batch_size={batch_size}: .*{advice}"):
        trainer.fit(disk(n, seed=0), epochs=2)
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())
    assert trainer.steps == 0
    assert all(not module.rng_counter for module in net.modules())


@pytest.mark.parametrize("layer", [nn.ReLU(), nn.LayerNorm(6)])
def test_a_net_that_can_learn_of_one_sample_does(layer):
    net = nn.Sequential(nn.Linear(2, 6), layer, nn.Linear(6, 2)).initialize(0)
    trainer = Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net), batch_size=20)
    assert trainer.fit(disk(41, seed=0), epochs=1).epochs == 1


def test_images_have_more_than_one_value_a_channel():
    net = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(4, 2)).initialize(0)
    data = Dataset(torch.randn(5, 1, 2, 2), torch.zeros(5, dtype=torch.long))
    trainer = Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net), batch_size=4)
    assert trainer.fit(data, epochs=1).epochs == 1


@pytest.mark.parametrize("given", [lambda net: net, lambda net: [*net.parameters()]])
@pytest.mark.parametrize("kernel", [False, True])
@pytest.mark.parametrize("epochs", [0, 2])
def test_a_layer_that_is_replaced_is_noticed_before_a_training_goes_on(given, kernel, epochs):
    net = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 2)).initialize(0)
    optimizer = optim.SGD(given(net))
    trainer = Trainer(net, nn.CrossEntropyLoss(), optimizer, batch_size=16, compile=kernel)
    trainer.fit(DATA, epochs=epochs)
    net[2] = nn.Linear(6, 2)
    with pytest.raises((RuntimeError, ValueError), match=r"replaced|changed after epoch"):
        trainer.fit(DATA, epochs=epochs + 1)
    with pytest.raises((RuntimeError, ValueError), match="replaced"):
        trainer.accept_parameters()
    assert trainer.epoch == epochs
    with pytest.raises((RuntimeError, ValueError), match="replaced"):
        Trainer(net, nn.CrossEntropyLoss(), optimizer)


@pytest.mark.parametrize("copied", [lambda pair: pair, copy.deepcopy, pickled])
def test_a_layer_that_is_added_to_a_list_of_parameters_is_noticed(copied):
    net = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 2)).initialize(0)
    net, optimizer = copied((net, optim.SGD([net[2].weight, net[2].bias])))
    trainer = Trainer(net, nn.CrossEntropyLoss(), optimizer, batch_size=16)
    trainer.fit(DATA, epochs=1)  # what was left out from the start stays as it was
    net.layers.append(nn.Linear(2, 2))
    with pytest.raises(RuntimeError, match="parameters were changed after epoch 1"):
        trainer.fit(DATA, epochs=2)
    with pytest.raises(RuntimeError, match=r"3\.weight is newer than the optimizer"):
        Trainer(net, nn.CrossEntropyLoss(), optimizer)


@pytest.mark.parametrize("kernel", [False, True])
def test_a_layer_that_a_callback_replaces_is_noticed_in_the_same_epoch(kernel):
    class Replace(Callback):
        def on_epoch_start(self, state):
            if state.epoch == 1:
                state.net[2] = nn.Linear(6, 2)

    trainer = build(compile=kernel, callbacks=[Replace()])
    with pytest.raises(RuntimeError, match=r"2\.weight is newer than the optimizer"):
        trainer.fit(DATA, epochs=3)
    assert trainer.epoch == 1
