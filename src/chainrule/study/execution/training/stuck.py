"""Trainings that are stuck: all numbers finite and nothing learned, as at far too high a rate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from chainrule.data import Dataset
from chainrule.data.resampled import shares_inputs, stored_data
from chainrule.nn.loss import Loss, MultiLoss
from chainrule.study.store.record import STUCK, TrainingRecord
from chainrule.train import Trainer

__all__ = ["describe_stuck", "mark_stuck"]

LEAST_FALL = 1e-3
"""The share by which the loss of the later half of the epochs is below that of the earlier half
where a training moves."""

HOPELESS = 100.0
"""A loss of so many times the trivial one is stuck, however it moves about."""


@torch.no_grad()
def describe_stuck(trainer: Trainer, learned: Dataset, outputs: object) -> dict[int, str]:
    """Replica → why it is stuck, of those that are.

    It ended worse than the best constant answer to its training targets, and its loss did not fall.
    ``outputs``: of the net, for their shapes.
    """
    history = trainer.history
    all_losses = history["train_loss"].reshape(history.epochs, -1)
    trivial: dict[int, float] = {}
    found = {}
    for k in range(all_losses.shape[1]):
        losses = all_losses[: history.stopped.get(k, history.epochs), k]  # others may go on
        last = float(losses[-1])
        of = 0 if is_shared(learned) else k  # one set of targets is looked at once
        if of not in trivial:
            trivial[of] = trivial_loss(trainer.criterion, learned, outputs, of)
        bound = trivial[of]
        above = (last - bound) / abs(bound) if 0 != bound < math.inf else 0.0
        if LEAST_FALL < above < math.inf and (above > HOPELESS or not has_fallen(losses)):
            found[k] = f"{STUCK}: its loss ended at {last:.4g}, the best constant has {bound:.4g}"
    return found


def mark_stuck(
    rows: Sequence[TrainingRecord], stuck: Mapping[int, str], members: int
) -> list[TrainingRecord]:
    """The rows, with a note where a member of a training was stuck that did not diverge."""
    notes = {replica // members: why for replica, why in stuck.items()}
    return [
        replace(row, note=notes[i]) if i in notes and row.has_value else row
        for i, row in enumerate(rows)
    ]


def has_fallen(losses: Tensor) -> bool:
    """Whether the loss of the later epochs (E,) is below that of the earlier ones.

    Of a single epoch that cannot be said: it has.
    """
    half = len(losses) // 2
    if not half:
        return True
    before = losses[:half].mean()
    return bool(losses[-half:].mean() < before - LEAST_FALL * before.abs())


def is_shared(data: Dataset) -> bool:
    """Whether all replicas learn from the same samples."""
    targets = stored_data(data).targets
    return data.replicas is None or (
        shares_inputs(data) and isinstance(targets, Tensor) and len(targets) == 1
    )


def trivial_loss(criterion: Loss, data: Dataset, outputs: object, k: int) -> float:
    """The loss of the best constant that is tried; infinite where none has the right form."""
    if data.replicas is not None:
        criterion, data = criterion.replica(k), data.replica(k)
    return constant_loss(criterion, outputs, data.targets)


def constant_loss(criterion: Loss, outputs: object, targets: object) -> float:
    """The same for targets of one replica: of several heads the weighted sum of theirs."""
    if isinstance(criterion, MultiLoss):
        if not isinstance(outputs, Mapping) or not isinstance(targets, Mapping):
            return math.inf
        weighted = {name: float(weight) for name, weight in criterion.weights.items()}
        if min(weighted.values()) < 0:  # the worst would be the best
            return math.inf
        losses = criterion.losses
        return sum(
            weight * constant_loss(losses[name], outputs.get(name), targets.get(name))
            for name, weight in weighted.items()
            if weight
        )
    values = []
    for answers in constant_answers(outputs, targets):
        try:
            value, _ = criterion.forward(answers, targets)
        except (ValueError, RuntimeError):  # a loss of another form
            continue
        values.append(float(value))
    return min(values, default=math.inf)


def constant_answers(outputs: object, targets: object) -> Iterator[Tensor | dict[str, Tensor]]:
    """For every target the same: numbers of an output (…, D), or a mean and a variance."""
    if not isinstance(targets, Tensor):
        return
    n = len(targets)
    if isinstance(outputs, Tensor):
        for constant in constants(targets, outputs.shape[-1]):
            yield constant.to(outputs.dtype).expand(n, outputs.shape[-1])
    elif isinstance(outputs, Mapping) and outputs.keys() == {"mean", "var"} and targets.dim() == 2:
        var, mean = torch.var_mean(targets.double(), 0, correction=0)
        dtype, shape = outputs["mean"].dtype, targets.shape
        yield {"mean": mean.to(dtype).expand(shape), "var": var.to(dtype).expand(shape)}


def constants(targets: Tensor, size: int) -> Iterator[Tensor]:
    """Answers (size,) that may be the best of all constant ones, for any loss that is known."""
    tiny = torch.finfo(torch.float32).tiny
    if not targets.is_floating_point():
        if targets.dim() == 1 and len(targets) and size > int(targets.max()):
            shares = torch.bincount(targets.long(), minlength=size).double() / len(targets)
            yield shares.clamp_min(tiny).log()
            yield shares  # of losses of one-hot vectors
            yield 2 * shares - 1
        return
    if targets.dim() != 2 or targets.shape[1] != size:
        return
    mean = targets.double().mean(0)
    yield mean
    yield targets.double().median(0).values
    if bool((targets >= 0).all()) and bool((targets <= 1).all()):
        shares = mean.clamp(tiny, 1 - 1e-12)
        yield shares.log()
        yield shares.logit()
