"""Do net, loss and data fit; and the net of the best epoch, however the training ends."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.estimators import check_fit, fit_with_early_stopping, loss_for
from chainrule.train import Callback, Trainer, TrainState

X = torch.rand(40, 2, generator=torch.Generator().manual_seed(1))
CLASSES = Dataset(X, (X[:, 0] > 0.5).long())
NUMBERS = Dataset(X, X[:, :1] * 3)


def trainer(lr: float = 0.1, callbacks=(), net=None) -> Trainer:
    net = (net or nn.Linear(2, 1)).initialize(0)
    return Trainer(
        net, nn.MSELoss(), optim.SGD(net, lr=lr), batch_size=10, callbacks=list(callbacks)
    )


def fit(one: Trainer, **options):
    return fit_with_early_stopping(
        one, NUMBERS, NUMBERS, progress=False, **({"epochs": 5, "patience": 2} | options)
    )


def test_a_loss_of_vectors_takes_classes_one_hot():
    loss = loss_for(nn.MSELoss(), "classification")
    assert isinstance(loss, nn.OneHotLoss)
    assert isinstance(loss_for(nn.CrossEntropyLoss(), "classification"), nn.CrossEntropyLoss)
    assert isinstance(loss_for(nn.L1Loss(), "regression"), nn.L1Loss)


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.NLLLoss(), nn.BCELoss()])
def test_a_loss_of_classes_is_refused_for_numbers(loss):
    with pytest.raises(ValueError, match=f"{type(loss).__name__} is a loss of classes"):
        loss_for(loss, "regression")


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (nn.Linear(3, 2), r"Linear\(3, 2\): expected input"),
        (nn.Linear(2, 3), r"expected outputs \(N, 2\) for the target, got \(2, 3\)"),
        (
            nn.Heads(a=nn.Linear(2, 2)),
            r"expected outputs \(N, 2\) for the target, got {.a.: \(2, 2\)}",
        ),
    ],
)
def test_a_net_that_does_not_fit_is_refused_before_training(net, message):
    with pytest.raises(ValueError, match=message):
        check_fit(net, nn.CrossEntropyLoss(), CLASSES, 2)


def test_a_net_that_cannot_be_saved_is_refused_before_training():
    class Own(nn.Module):
        def forward(self, x):
            return x, lambda g: g

    with pytest.raises(ValueError, match="Own"):
        check_fit(Own(), nn.CrossEntropyLoss(), CLASSES, 2)


def test_a_fit_leaves_the_mode_and_the_statistics():
    net = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2))
    before = {name: t.clone() for name, t in net.state_dict().items()}
    check_fit(net, nn.CrossEntropyLoss(), CLASSES, 2)
    assert net.training
    assert all(torch.equal(before[name], t) for name, t in net.state_dict().items())


def test_the_best_epoch_is_kept():
    class Worsen(Callback):
        def on_epoch_end(self, trainer):
            if trainer.epoch == 3:
                trainer.net.bias.data.add_(100)

    one = trainer(callbacks=[Worsen()])
    found = fit(one, epochs=20)
    assert (found.epochs, found.best_epoch, found.stop_reason) == (5, 3, "stopped early")
    assert float(one.evaluate(NUMBERS)["loss"]) == pytest.approx(float(one.history["test_loss"][2]))


def test_a_training_to_its_end_says_nothing_else():
    found = fit(trainer(lr=0.01))
    assert (found.epochs, found.best_epoch, found.stop_reason, found.interrupted) == (
        5,
        5,
        "",
        False,
    )


class InterruptAt(Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, trainer):
        if trainer.steps == self.step:
            raise KeyboardInterrupt


def test_an_interrupt_keeps_the_best_epoch_so_far():
    one = trainer(callbacks=[InterruptAt(10)])
    found = fit(one)
    assert (found.epochs, found.best_epoch, found.interrupted) == (2, 2, True)
    assert float(one.evaluate(NUMBERS)["loss"]) == pytest.approx(float(one.history["test_loss"][1]))


def test_an_interrupt_between_two_epochs_too(monkeypatch):
    def interrupt(state):
        if state.epoch == 2:
            raise KeyboardInterrupt
        return True

    monkeypatch.setattr(TrainState, "running", property(interrupt))
    assert fit(trainer()).interrupted


def test_an_interrupt_in_the_first_epoch_has_nothing_to_keep():
    with pytest.raises(KeyboardInterrupt):
        fit(trainer(callbacks=[InterruptAt(2)]))


def test_a_training_that_diverges_at_once_is_an_error():
    with pytest.raises(ValueError, match=r"the training diverged in epoch 1, step .* smaller --lr"):
        fit(trainer(lr=1e30))


def test_a_training_that_diverges_later_keeps_its_best_epoch():
    class Spoil(Callback):
        def on_epoch_end(self, trainer):
            if trainer.epoch == 2:
                trainer.net.bias.data.fill_(float("nan"))

    one = trainer(lr=0.01, callbacks=[Spoil()])
    found = fit(one)
    assert found.best_epoch == 2
    assert found.stop_reason.startswith("diverged in epoch 3, step ")
    assert one.evaluate(NUMBERS)["loss"].isfinite()
