"""The test set is looked at on a schedule."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import disk
from chainrule.optim import lr_scheduler
from chainrule.train import EarlyStopping, Trainer

TRAIN, TEST = disk(60, seed=0), disk(40, seed=1)


def build(*, lr=0.1, schedule=None, **options) -> Trainer:
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2)).replicate(2, [5, 6])
    optimizer = optim.SGD(net, lr=lr)
    scheduler = None if schedule is None else schedule(optimizer)
    loss = nn.CrossEntropyLoss()
    return Trainer(net, loss, optimizer, batch_size=20, scheduler=scheduler, **options)


def evaluated(trainer, epochs):
    """The epochs that have a test loss."""
    curve = trainer.fit(TRAIN, TEST, epochs=epochs)["test_loss"]
    return (1 + curve.isfinite().all(1).nonzero().flatten()).tolist()


@pytest.mark.parametrize(
    ("every", "expected"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (5, [5]), (9, [5])]
)
def test_every_so_many_epochs_and_the_last_are_evaluated(every, expected):
    assert evaluated(build(evaluate_every=every), 5) == expected


def test_the_test_set_is_not_looked_at_in_between(monkeypatch):
    trainer, looks = build(evaluate_every=3, compile=False), []
    predict = trainer.backend.predict
    monkeypatch.setattr(trainer.backend, "predict", lambda *a: looks.append(1) or predict(*a))
    trainer.fit(TRAIN, TEST, epochs=7)
    assert len(looks) == 3


def test_it_changes_nothing_but_the_test_curves():
    often, seldom = build(), build(evaluate_every=4)
    for trainer in (often, seldom):
        trainer.fit(TRAIN, TEST, epochs=6)
    for a, b in zip(often.net.parameters(), seldom.net.parameters(), strict=True):
        assert torch.equal(a.data, b.data)
    assert torch.equal(often.history["train_loss"], seldom.history["train_loss"])
    assert torch.equal(often.history["test_loss"][3::2], seldom.history["test_loss"][3::2])


def test_early_stopping_counts_the_epochs_that_are_evaluated():
    worse = EarlyStopping("test_loss", patience=2, mode="max", restore_best=False)
    trainer = build(lr=0.5, evaluate_every=3, callbacks=[worse])
    trainer.fit(TRAIN, TRAIN, epochs=20)  # whose loss falls
    assert trainer.history.stopped == {0: 9, 1: 9}


def test_early_stopping_on_a_training_curve_looks_at_each_epoch():
    worse = EarlyStopping("train_loss", patience=2, mode="max", restore_best=False)
    trainer = build(lr=0.5, evaluate_every=3, callbacks=[worse])
    trainer.fit(TRAIN, TEST, epochs=20)
    assert trainer.history.stopped == {0: 3, 1: 3}


def test_a_plateau_is_one_of_the_losses_that_are_known():
    def schedule(optimizer):
        return lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=0)

    trainer = build(lr=0.4, schedule=schedule, evaluate_every=2)
    trainer.fit(TRAIN, TRAIN, epochs=6)  # looks at 2, 4, 6; each loss is below the one before
    assert trainer.scheduler.get_last_lr()[0].tolist() == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize("every", [0, -1])
def test_none_at_all_is_refused(every):
    with pytest.raises(ValueError, match="evaluate_every: expected a whole number, 1 or more"):
        build(evaluate_every=every)
