"""A whole training as one call: with the trainer's words, and with those of a training script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from chainrule._util.argument_checks import check_arguments
from chainrule._util.kinds import check_kind
from chainrule.data import Dataset
from chainrule.nn.loss import Loss, MSELoss
from chainrule.nn.module import Module
from chainrule.optim import SGD, Optimizer
from chainrule.optim.lr_scheduler import LRScheduler
from chainrule.train.checks import check_optimizer_class
from chainrule.train.history import History
from chainrule.train.metrics import Accuracy
from chainrule.train.trainer import Trainer

__all__ = ["fit", "train"]


@check_arguments
def fit(
    net: Module,
    train: Dataset,
    test: Dataset | None = None,
    *,
    criterion: Loss,
    optimizer: Optimizer,
    epochs: int,
    progress: bool | None = None,
    **options: Any,
) -> History:
    """Train a net or a cohort in one call: ``Trainer(…, **options).fit(…)``."""
    trainer = Trainer(net, criterion, optimizer, **options)
    return trainer.fit(train, test, epochs=epochs, progress=progress)


@check_arguments
def train(
    model: Module,
    train_set: Dataset,
    test_set: Dataset | None = None,
    epochs: int = 50,
    lr: float = 0.01,
    schedule: Callable[[Optimizer, float], LRScheduler] | None = None,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    criterion: Loss | None = None,
    batch_size: int = 100,
    optimizer: Callable[..., Optimizer] = SGD,
    train_history: bool = True,
    test_history: bool = True,
    *,
    seed: int = 0,
    progress: bool | None = None,
    compile: bool | Literal["auto"] = "auto",  # noqa: A002
) -> History:
    """Train ``model`` on ``train_set`` and return its history.

    ``schedule`` makes a learning rate schedule of the optimizer and ``lr_decay``: a class such as
    ``TimeBasedLR`` or ``ExponentialLR``, or a function of your own. ``criterion`` is MSELoss()
    unless given. ``train_history`` adds the accuracy on the training batches to the curves,
    ``test_history`` loss and accuracy on ``test_set`` after each epoch; ``compile`` is the
    Trainer's. Raises ValueError for an ``lr_decay`` without a schedule, TypeError for what is no
    such object.
    """
    if lr_decay and schedule is None:
        raise ValueError("lr_decay needs a schedule, e.g. schedule=lr_scheduler.TimeBasedLR")
    check_kind(model, Module, "model")
    check_optimizer_class(optimizer)
    steps = optimizer(model, lr=lr, weight_decay=weight_decay)
    trainer = Trainer(
        model,
        MSELoss() if criterion is None else criterion,
        steps,
        scheduler=None if schedule is None else schedule(steps, lr_decay),
        batch_size=batch_size,
        seed=seed,
        metrics={"accuracy": Accuracy()},
        train_metrics=train_history,
        compile=compile,
    )
    followed: Any = test_set if test_history else None
    return trainer.fit(train_set, followed, epochs=epochs, progress=progress)
