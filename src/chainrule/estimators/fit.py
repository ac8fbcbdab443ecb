"""One net, a loss and a user's samples: do they fit, and trained until it gets no better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch

from chainrule.data import Dataset
from chainrule.estimators.predictor import Predictor
from chainrule.estimators.split import DataSplit
from chainrule.nn.config import to_config
from chainrule.nn.errors import LayerError, describe_shape
from chainrule.nn.loss import Loss
from chainrule.nn.loss.base import ElementwiseLoss
from chainrule.nn.loss.classification import ClassificationLoss
from chainrule.nn.loss.one_hot import OneHotLoss
from chainrule.nn.module import Module
from chainrule.train.callbacks import EarlyStopping
from chainrule.train.inference import TO_PROBABILITIES, loss_name
from chainrule.train.trainer import Trainer

__all__ = ["FitResult", "check_fit", "fit_predictor", "fit_with_early_stopping", "loss_for"]


@final
@dataclass(frozen=True)
class FitResult:
    """How a training went: epochs done, the best of them, why it stopped, "" for in full.

    ``backend``: which way it was computed, and why, as Trainer.backend_status says it.
    """

    epochs: int
    best_epoch: int
    seconds: float
    stop_reason: str = ""
    backend: str = ""
    interrupted: bool = False


def loss_for(loss: Loss, kind: str) -> Loss:
    """The loss for targets of this kind; classes as vectors for one that wants these.

    Raises ValueError for a loss of classes where the target is a number.
    """
    if kind == "classification":
        return OneHotLoss(loss) if isinstance(loss, ElementwiseLoss) else loss
    if isinstance(loss, ClassificationLoss | OneHotLoss) or loss_name(loss) in TO_PROBABILITIES:
        raise ValueError(
            f"{loss_name(loss)} is a loss of classes, but the target is taken for a number; "
            "else: --task classification"
        )
    return loss


@torch.no_grad()
def check_fit(net: Module, loss: Loss, data: Dataset, outputs: int) -> None:
    """Raise ValueError, before anything is trained, where net, loss and data are no match."""
    to_config(net)  # a net that cannot be saved
    sample = data.subset(torch.arange(min(2, len(data))))
    training = net.training
    try:
        y, _ = net.eval().forward(sample.inputs)
        if not isinstance(y, torch.Tensor) or y.shape[1:] != (outputs,):
            raise ValueError(
                f"expected outputs (N, {outputs}) for the target, got {describe_shape(y)}"
            )
        loss.forward(y, sample.targets)
    except LayerError as error:
        raise ValueError(f"the net, the loss and the data do not fit: {error}") from None
    finally:
        net.train(training)


def fit_predictor(
    trainer: Trainer,
    split: DataSplit,
    *,
    epochs: int,
    patience: int,
    progress: bool | None = None,
) -> tuple[Predictor, FitResult]:
    """(the net of the best epoch with all that it takes to predict, how the training went).

    Raises as :func:`fit_with_early_stopping`.
    """
    result = fit_with_early_stopping(
        trainer,
        split.train_set,
        split.validation_set,
        epochs=epochs,
        patience=patience,
        progress=progress,
    )
    loss = loss_name(trainer.criterion)
    return Predictor(trainer.net, split.preprocessor, loss, split.target), result


def fit_with_early_stopping(
    trainer: Trainer,
    train_set: Dataset,
    validation_set: Dataset,
    *,
    epochs: int,
    patience: int,
    progress: bool | None = None,
) -> FitResult:
    """Train, and leave the net as it was after the epoch with the smallest validation loss.

    Ends after ``patience`` epochs that were no better, or with Ctrl-C. Raises KeyboardInterrupt
    where not one epoch was done, ValueError where the training diverged in the first one.
    """
    stopping = EarlyStopping("test_loss", patience=patience)
    trainer.callbacks.insert(0, stopping)
    try:
        history = trainer.fit(train_set, validation_set, epochs=epochs, progress=progress)
        interrupted = history.interrupted
    except KeyboardInterrupt:  # between two epochs
        history, interrupted = trainer.history, True
    diverged = str(history.diverged[0]).removeprefix("replica 0 ") if history.diverged else ""
    if stopping.best is None or not bool(stopping.best.isfinite().all()):
        if interrupted:
            raise KeyboardInterrupt
        raise ValueError(f"the training {diverged or 'gives no loss'}; try a smaller --lr")
    trainer.net.load_state_dict(stopping.best_state)
    trainer.state.mark_parameters()
    best_epoch = int(history["test_loss"].nan_to_num(torch.inf).argmin()) + 1
    stop_reason = diverged or ("stopped early" if history.stopped else "")
    way = str(trainer.backend_status)
    return FitResult(trainer.epoch, best_epoch, history.seconds, stop_reason, way, interrupted)
