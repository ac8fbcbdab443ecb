"""Whether a training can be made of what was given, before anything is done with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from chainrule._util.kinds import check_kind, describe_object
from chainrule.nn.loss import Loss
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.optim import Optimizer
from chainrule.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from chainrule.optim.optimizer import check_complete
from chainrule.train import metrics as metric_module
from chainrule.train.state import Callback, TrainState

__all__ = [
    "check_accumulation",
    "check_bounds",
    "check_epochs",
    "check_moved",
    "check_optimizer_class",
    "check_options",
    "check_parameters",
    "check_parts",
]


def check_parts(net: Module, criterion: Loss, optimizer: Optimizer, *others: Any) -> None:
    """Raise TypeError for other things, ValueError where the three cannot train together."""
    check_kinds(net, criterion, optimizer, *others)
    if getattr(criterion, "reduction", "mean") == "none":
        raise ValueError(f"a training needs one number: {criterion.label()} does not reduce")
    check_moved(net, optimizer)
    if optimizer.replicas != net.replicas:
        raise ValueError(
            f"the net's replicas are {net.replicas}, the optimizer's {optimizer.replicas}: build "
            "the optimizer from the net, or say replicas=net.replicas"
        )


def check_parameters(state: TrainState) -> None:
    """Raise where a training cannot go on, since its parameters were changed or replaced."""
    held = [*state.net.parameters()]
    state.check_parameters(held)
    check_moved(state.net, state.optimizer, held)


def check_moved(
    net: Module, optimizer: Optimizer, parameters: Iterable[Parameter] | None = None
) -> None:
    """Raise unless the optimizer moves parameters of the net alone, and those of new layers too.

    ``parameters``: the net's, where they are known.
    """
    held = {id(parameter) for parameter in parameters or net.parameters()}
    if not is_made_for(optimizer, net, held):
        check_complete(optimizer, net)
    if any(id(p) not in held for group in optimizer.param_groups for p in group["params"]):
        raise ValueError(
            "the optimizer moves parameters that are not the net's (another net's, or of a layer "
            f"that was replaced since): build it anew, {type(optimizer).__name__}(net, …) with the "
            "net that is trained"
        )


def is_made_for(optimizer: Optimizer, net: Module, held: set[int]) -> bool:
    """Whether it was given the net as a whole, and packed these parameters, by their ids."""
    packed = {id(parameter) for flat in optimizer.flats for parameter in flat.parameters}
    is_whole = all(module is net for module in optimizer.modules)
    return is_whole and packed == held and len(optimizer.param_groups) == len(optimizer.flats)


def check_kinds(
    net: Any, criterion: Any, optimizer: Any, scheduler: Any, metrics: Any, callbacks: Any
) -> None:
    """Raise TypeError, with what to write instead, for a part that is another thing."""
    check_kind(net, Module, "net")
    check_kind(criterion, Loss, "criterion")
    check_kind(optimizer, Optimizer, "optimizer")
    if scheduler is not None:
        check_kind(scheduler, LRScheduler, "scheduler")
    if metrics is not None:
        check_metrics(metrics)
    if not isinstance(callbacks, Sequence):
        got = describe_object(callbacks)
        raise TypeError(f"callbacks: expected a list, got {got}; write callbacks=[…]")
    for callback in callbacks:
        check_kind(callback, Callback, "callbacks")


def check_metrics(metrics: Any) -> None:
    """Raise TypeError unless the metrics are functions by name."""
    if not isinstance(metrics, Mapping):
        names = [metrics] if isinstance(metrics, str) or callable(metrics) else metrics
        entries = [f"{to_name(m)!r}: {to_call(m)}" for m in names] if names else []
        example = "{" + (", ".join(entries) or "'accuracy': Accuracy()") + "}"
        raise TypeError(
            f"metrics: expected a dict of names and functions, got {describe_object(metrics)}; "
            f"write metrics={example}"
        )
    for name, metric in metrics.items():
        if isinstance(metric, type) or not callable(metric):
            raise TypeError(
                f"metrics[{name!r}]: expected a function of (output, target), got "
                f"{describe_object(metric)}; write {to_call(metric)}"
            )


def to_name(metric: Any) -> str:
    """What a metric that was given without a name may be called in the history."""
    if isinstance(metric, str):
        return metric
    cls = metric if hasattr(metric, "__name__") else type(metric)
    return str(cls.__name__).lower()


def to_call(metric: Any) -> str:
    """How to write the object that was meant by a class or a name."""
    if isinstance(metric, str):
        known = {name.lower(): name for name in metric_module.__all__}
        return f"{known.get(metric.lower().replace('_', ''), 'Accuracy')}()"
    if isinstance(metric, type):
        return f"{metric.__name__}()"
    return str(getattr(metric, "__name__", f"{type(metric).__name__}()"))


def check_augment(augment: Any) -> None:
    """Raise TypeError unless it is a function of a batch, an object of a class at most."""
    if augment is not None and (isinstance(augment, type) or not callable(augment)):
        fix = f"; write {augment.__name__}()" if isinstance(augment, type) else ""
        raise TypeError(
            "augment: expected an augmentation of chainrule.data, or a function of (inputs, seeds, "
            f"step), got {describe_object(augment)}{fix}"
        )


def check_optimizer_class(optimizer: Any) -> None:
    """Raise TypeError unless it is a class of optimizers, or a function that makes one."""
    is_class = isinstance(optimizer, type)
    if not callable(optimizer) or (is_class and not issubclass(optimizer, Optimizer)):
        raise TypeError(
            "optimizer: expected a class of chainrule.optim, such as optim.SGD, got "
            f"{describe_object(optimizer)}"
        )


def check_bounds(**bounds: float | Tensor | None) -> None:
    """Raise ValueError for a bound on gradients that is none."""
    for name, bound in bounds.items():
        if bound is None:
            continue
        numeric = isinstance(bound, Real | Tensor) and not isinstance(bound, bool)
        if not numeric or not bool((torch.as_tensor(bound) > 0).all()):
            raise ValueError(f"{name}: expected a number above 0, got {bound!r}")


def check_epochs(epochs: int) -> None:
    """Raise where it is no number of epochs."""
    if isinstance(epochs, bool) or not isinstance(epochs, int):
        raise TypeError(f"epochs is a whole number, got {epochs!r}")
    if epochs < 0:
        raise ValueError(f"epochs is at least 0, got {epochs}")


def check_options(scheduler: LRScheduler | None, schedule_every: str, augment: Any = None) -> None:
    """Raise ValueError where the learning rate cannot be changed so, TypeError for an augmentation
    that is none.
    """
    check_augment(augment)
    if schedule_every not in ("epoch", "step"):
        raise ValueError(f"schedule_every is 'epoch' or 'step', got {schedule_every!r}")
    if schedule_every == "step" and isinstance(scheduler, ReduceLROnPlateau):
        raise ValueError("ReduceLROnPlateau judges epochs: schedule_every='epoch'")


def check_accumulation(optimizer: Optimizer, accumulate: int) -> None:
    """Raise ValueError where several batches would make a step that looks at the loss again."""
    if accumulate > 1 and optimizer.needs_closure:
        name = type(optimizer).__name__
        raise ValueError(
            f"{name} looks at the loss of its batch several times a step: expected accumulate=1 "
            f"and a larger batch_size, got accumulate={accumulate}"
        )
