"""Progress: a line where somebody looks, nothing where nobody does."""

from __future__ import annotations

import io
import sys

import pytest
import rich.console
import torch

from chainrule import nn, optim
from chainrule._util.notices import print_once
from chainrule.data import Dataset, disk
from chainrule.train import Callback, ProgressBar, Trainer
from chainrule.train.progress import wants_progress

DATA = disk(20)


def trainer(*callbacks: Callback, K: int | None = None) -> Trainer:
    net = nn.Linear(2, 2) if K is None else nn.Linear(2, 2).replicate(K)
    return Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net, lr=0.1), callbacks=callbacks)


@pytest.fixture
def screen(monkeypatch):
    """What a terminal on standard error would show."""
    shown, console = io.StringIO(), rich.console.Console

    def terminal(**options) -> rich.console.Console:
        return console(file=shown, force_terminal=True, width=100)

    monkeypatch.setattr(rich.console, "Console", terminal)
    return shown


def test_nothing_is_shown_where_there_is_no_terminal(capfd):
    trainer().fit(DATA, epochs=2)
    assert capfd.readouterr() == ("", "")


def test_a_bar_is_shown_on_a_terminal(monkeypatch, screen):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    trainer().fit(DATA, epochs=2)
    assert "training" in screen.getvalue()


@pytest.mark.parametrize("told", [True, False])
def test_what_is_told_counts(told):
    assert wants_progress(told) is told


def test_off_is_quiet_on_a_terminal_too(monkeypatch, screen):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    trainer().fit(DATA, epochs=2, progress=False)
    assert not screen.getvalue()


def test_the_bar_shows_title_epochs_and_loss(screen):
    own = trainer(ProgressBar("mine"), K=2)
    loss = float(own.fit(DATA, epochs=2, progress=False)["train_loss"][-1].mean())
    shown = screen.getvalue()
    assert "mine" in shown
    assert "epoch 2/2" in shown
    assert f"loss {loss:.4g}" in shown


def test_a_diverged_replica_does_not_hide_the_loss_of_the_others(screen):
    own = trainer(ProgressBar(), K=2)
    inputs = DATA.inputs.repeat(2, 1, 1)
    inputs[1] = float("nan")
    targets = DATA.targets.repeat(2, 1)
    own.fit(Dataset(inputs, targets, 2), epochs=1, progress=False)
    assert "epoch 1/1" in screen.getvalue()
    assert "loss nan" not in screen.getvalue()


def test_the_bar_is_taken_away_after_an_error(screen):
    bar = ProgressBar()
    wrong = Dataset(torch.rand(5, 3), torch.zeros(5, dtype=torch.int64))
    with pytest.raises(nn.LayerError):
        trainer(bar).fit(wrong, epochs=1, progress=False)
    assert bar.bar is None
    assert screen.getvalue()


def test_a_bar_that_was_never_started_is_quiet(screen):
    own = trainer()
    own.fit(DATA, epochs=1, progress=False)
    bar = ProgressBar()
    bar.on_epoch_end(own.state)
    bar.on_fit_end(own.state)
    assert not screen.getvalue()


def test_where_standard_error_is_closed_there_is_no_line(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert not wants_progress(None)
    print_once("nobody reads this")
