"""A recipe: all that decides how one net is made and trained, apart from data and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field

from chainrule._util.suggest import did_you_mean
from chainrule.recipes.component import (
    Component,
    Named,
    build_component,
    describe_part,
    normalize_component,
)
from chainrule.recipes.errors import StudyError
from chainrule.recipes.fields import StrictModel, describe_unknown, validate_model

if TYPE_CHECKING:  # a recipe is read without torch, which making its parts loads
    from torch import Tensor

    from chainrule.data.augment import Augment
    from chainrule.nn.loss import Loss
    from chainrule.nn.module import Module
    from chainrule.nn.parameter import Parameter
    from chainrule.optim import Optimizer
    from chainrule.optim.lr_scheduler import LRScheduler
    from chainrule.train import Trainer

__all__ = ["EarlyStop", "Recipe", "ReplicaValues", "Schedule", "build_augment", "deep_merge"]

ReplicaValues: TypeAlias = "Mapping[str, Tensor]"
"""Path → one number a replica (K,), where the replicas of a cohort differ."""


class Schedule(Component):
    """A learning rate schedule; ``every``: it goes on after each epoch, or after each step."""

    every: Literal["epoch", "step"] = "epoch"


class EarlyStop(StrictModel):
    """When a training ends before its last epoch.

    ``fraction`` of what is learned from is held out and watched: when ``monitor``, its loss or a
    metric, has not improved by more than ``min_delta`` for ``patience`` epochs, the training ends
    with the parameters of its best epoch. ``mode``: which way is better.
    """

    patience: int = Field(default=10, ge=1)
    fraction: float = Field(default=0.1, gt=0, lt=1)
    monitor: str = "loss"
    mode: Literal["min", "max"] = "min"
    min_delta: float = Field(default=0.0, ge=0, allow_inf_nan=False)


class Recipe(StrictModel):
    """How one net is made and trained.

    - ``net``, ``loss``, ``optimizer``, ``schedule``, ``init``, ``augment``: see :class:`Component`.
    - ``epochs``, ``batch_size``, ``drop_last``, ``accumulate``: see :class:`Trainer`.
    - ``clip_norm``, ``clip_value``: bounds on each replica's gradient, its norm and its entries.
    - ``early_stopping``: see :class:`EarlyStop`.
    - ``freeze``: patterns such as ``encoder.*`` of paths whose parameters stay as they were drawn.
    - ``evaluate_every``: epochs from one look at the test set to the next, for the curves.
    - ``ensemble_size``: nets trained for one result; their class probabilities are averaged.
    - ``trainer``: what carries the steps out, chainrule's own unless said.
    """

    net: Named
    loss: Named
    optimizer: Named
    schedule: Annotated[Schedule, BeforeValidator(normalize_component)] | None = None
    init: Named | None = None
    augment: Named | None = None
    epochs: int = Field(default=25, ge=1)
    batch_size: int = Field(default=100, ge=1)
    drop_last: bool = False
    accumulate: int = Field(default=1, ge=1)
    evaluate_every: int = Field(default=1, ge=1)
    clip_norm: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    clip_value: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    early_stopping: EarlyStop | None = None
    freeze: list[str] = Field([])
    ensemble_size: int = Field(default=1, ge=1, le=10_000)
    trainer: Named = Component(name="Trainer")

    def with_overrides(self, setting: Mapping[str, Any]) -> Self:
        """The recipe with other values at some paths (``optimizer.lr``, ``epochs``).

        Raises StudyError for a path that it does not have, and for a value that is none there.
        """
        plain = self.model_dump(exclude_none=True)
        for path, value in setting.items():
            part, dot, argument = path.partition(".")
            if part not in type(self).model_fields:
                problem = describe_unknown(path, type(self), plain)
                raise StudyError(f"path {path!r}: {problem}")
            if dot and not isinstance(plain.get(part), dict):
                raise StudyError(f"path {path!r}: the recipe has no {part} with arguments")
            if dot:
                plain[part][argument] = value
            else:
                plain[part] = value
        return validate_model(type(self), plain)

    def make_net(self) -> Module:
        """A new net, its parameters not yet drawn from a seed of ours.

        Raises StudyError where one of its sizes is 0: a layer without units passes nothing on.
        """
        net: Module = build_component("net", self.net)
        for path, value in net.named_state():
            if not value.numel():
                shape = tuple(value.shape)
                raise StudyError(
                    f"{describe_part('net', self.net)}: {path} of the shape {shape} has no numbers:"
                    " a size is 0; expected 1 or more"
                )
        return net

    def make_loss(self, numbers: ReplicaValues) -> Loss:
        """A new loss."""
        loss: Loss = build_component("loss", self.loss, **component_values("loss", numbers))
        return loss

    def make_optimizer(self, net: Module, numbers: ReplicaValues) -> Optimizer:
        """The optimizer of a net's parameters, less those that are frozen.

        Raises StudyError for a pattern that freezes nothing, and where nothing is left to learn.
        """
        arguments: dict[str, Any] = component_values("optimizer", numbers)
        learned: Any = net
        if self.freeze:
            learned = learned_parameters(net, self.freeze)
            arguments["replicas"] = net.replicas
        optimizer: Optimizer = build_component("optimizer", self.optimizer, learned, **arguments)
        return optimizer

    def make_schedule(self, optimizer: Optimizer, numbers: ReplicaValues) -> LRScheduler | None:
        """The schedule of an optimizer's learning rate, if there is one."""
        if self.schedule is None:
            return None
        schedule: LRScheduler = build_component(
            "schedule", self.schedule, optimizer, **component_values("schedule", numbers)
        )
        return schedule

    def make_trainer(self, net: Module, numbers: ReplicaValues, **options: Any) -> Trainer:
        """What trains a net; ``options`` are the :class:`Trainer`'s but for those of the recipe."""
        for name in ("evaluate_every", "drop_last", "accumulate", "clip_value"):
            value = getattr(self, name)
            if value != type(self).model_fields[name].default:  # one's own may not know it
                options[name] = value
        optimizer = self.make_optimizer(net, numbers)
        trainer: Trainer = build_component(
            "trainer",
            self.trainer,
            net,
            self.make_loss(numbers),
            optimizer,
            scheduler=self.make_schedule(optimizer, numbers),
            schedule_every="epoch" if self.schedule is None else self.schedule.every,
            batch_size=self.batch_size,
            clip_norm=self.clip_norm,
            augment=None if self.augment is None else build_augment(self.augment),
            **options,
        )
        return trainer


def build_augment(part: Component) -> Augment:
    """An augmentation; those that a ``Compose`` is made of are parts themselves."""
    made: Augment
    transforms = part.arguments.get("transforms")
    if part.name != "Compose" or not isinstance(transforms, list):
        made = build_component("augment", part)
        return made
    parts = [build_augment(validate_model(Component, one)) for one in transforms]
    made = build_component("augment", Component(name="Compose"), transforms=parts)
    return made


def learned_parameters(net: Module, freeze: Sequence[str]) -> list[Parameter]:
    """The parameters of a net whose path no pattern fits. Raises StudyError as said above."""
    paths = [path for path, _ in net.named_parameters()]
    for pattern in freeze:
        if not any(fnmatchcase(path, pattern) for path in paths):
            hint = did_you_mean(pattern, paths)
            raise StudyError(
                f"freeze: no parameter fits {pattern!r}; {hint}they are {', '.join(paths)}"
            )
    learned = [
        parameter
        for path, parameter in net.named_parameters()
        if not any(fnmatchcase(path, pattern) for pattern in freeze)
    ]
    if not learned:
        raise StudyError(f"freeze: {', '.join(freeze)} leave nothing to learn")
    return learned


def component_values(part: str, numbers: ReplicaValues) -> dict[str, Tensor]:
    """Argument → its numbers, of one part."""
    return {p.removeprefix(f"{part}."): n for p, n in numbers.items() if p.startswith(f"{part}.")}


def deep_merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with what ``over`` says, level by level.

    A part that gets another name begins anew: the arguments of Adam are not those of SGD.
    """
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        value = {"name": value} if isinstance(old, Mapping) and isinstance(value, str) else value
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            anew = "name" in value and old.get("name", value["name"]) != value["name"]
            result[key] = dict(value) if anew else deep_merge(old, value)
        else:
            result[key] = value
    return result
