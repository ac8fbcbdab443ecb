"""Steps of several batches, and last batches that are left out."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset, disk
from chainrule.optim.lr_scheduler import StepLR
from chainrule.train import Callback, EarlyStopping, Trainer

SEEDS = [3, 4, 5]


def make_trainer(replicas=None, **options):
    net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2)).to(torch.float64)
    net = net.initialize(3) if replicas is None else net.replicate(len(SEEDS), SEEDS)
    optimizer = optim.SGD(net, lr=0.3, momentum=0.5)
    seed = 3 if replicas is None else SEEDS
    return Trainer(net, nn.CrossEntropyLoss(), optimizer, seed=seed, **options)


def samples(n):
    return disk(n, seed=2).to(dtype=torch.float64)


def train(trainer, n=60, epochs=3):
    trainer.fit(samples(n), epochs=epochs, progress=False)
    return trainer.optimizer.flats[0].data.clone()


@pytest.mark.parametrize("replicas", [None, 3])
def test_equal_batches_together_are_one_batch(replicas):
    whole = train(make_trainer(replicas, batch_size=20, compile=False))
    parts = train(make_trainer(replicas, batch_size=5, accumulate=4))
    torch.testing.assert_close(parts, whole, rtol=1e-10, atol=1e-12)


def test_the_last_step_of_an_epoch_may_have_fewer_batches():
    trainer = make_trainer(batch_size=10, accumulate=4)
    train(trainer, epochs=2)  # six batches: four, and two
    assert trainer.steps == 4


def test_a_schedule_and_who_looks_on_go_by_steps():
    class Count(Callback):
        seen = 0

        def on_step_end(self, state):
            self.seen += 1

    net = nn.Linear(2, 2).initialize(0)
    optimizer = optim.SGD(net, lr=1.0)
    count = Count()
    Trainer(
        net,
        nn.CrossEntropyLoss(),
        optimizer,
        scheduler=StepLR(optimizer, 1, gamma=0.5),
        schedule_every="step",
        batch_size=10,
        accumulate=3,
        callbacks=[count],
    ).fit(disk(60), epochs=1, progress=False)
    assert count.seen == 2
    assert optimizer.param_groups[0]["lr"] == 0.25


@pytest.mark.parametrize("replicas", [None, 3])
def test_a_last_batch_is_left_out_on_either_path(replicas):
    found = [
        train(make_trainer(replicas, batch_size=16, drop_last=True, compile=path), epochs=4)
        for path in (True, False)
    ]
    torch.testing.assert_close(*found, rtol=1e-11, atol=1e-12)
    with_it = train(make_trainer(replicas, batch_size=16, compile=False), epochs=4)
    assert not torch.allclose(found[0], with_it)


def test_batch_norm_learns_where_a_last_batch_of_one_is_left_out():
    net = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).initialize(0)
    trainer = Trainer(net, nn.CrossEntropyLoss(), optim.Adam(net), batch_size=20, drop_last=True)
    history = trainer.fit(disk(61), epochs=2, progress=False)
    assert not history.diverged
    assert trainer.steps == 6


def test_what_leaves_no_batch_or_no_step_is_told():
    with pytest.raises(ValueError, match="drop_last leaves nothing of 60 samples"):
        train(make_trainer(batch_size=61, drop_last=True))
    with pytest.raises(ValueError, match="accumulate: expected a whole number, 1 or more, got 0"):
        make_trainer(accumulate=0)


# early stopping on samples of its own


@pytest.mark.parametrize("replicas", [None, 3])
def test_samples_that_are_watched_end_a_training_and_no_others(replicas):
    watched = samples(30)
    noise = Dataset(watched.inputs, 1 - watched.targets)  # the opposite of what is learned
    trainer = make_trainer(
        replicas, batch_size=20, callbacks=[EarlyStopping(patience=2, validation=noise)]
    )
    history = trainer.fit(samples(60), samples(40), epochs=50, progress=False)
    assert len(history.stopped) == (replicas or 1)
    assert all(epoch < 50 for epoch in history.stopped.values())
    best = trainer.evaluate(noise)["loss"]
    torch.testing.assert_close(best.reshape(-1), trainer.callbacks[0].best)


def test_a_metric_that_is_not_there_cannot_be_watched():
    stopping = EarlyStopping("accuracy", validation=samples(10))
    with pytest.raises(ValueError, match="own data to be one of loss, got 'accuracy'"):
        train(make_trainer(callbacks=[stopping]))
