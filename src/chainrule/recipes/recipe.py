"""A recipe: all that decides how one net is made and trained, apart from data and seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field

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
    from chainrule.optim import Optimizer
    from chainrule.optim.lr_scheduler import LRScheduler
    from chainrule.train import Trainer

__all__ = ["Recipe", "ReplicaValues", "Schedule", "build_augment", "deep_merge"]

ReplicaValues: TypeAlias = "Mapping[str, Tensor]"
"""Path → one number a replica (K,), where the replicas of a cohort differ."""


class Schedule(Component):
    """A learning rate schedule; ``every``: it goes on after each epoch, or after each step."""

    every: Literal["epoch", "step"] = "epoch"


class Recipe(StrictModel):
    """How one net is made and trained.

    - ``net``, ``loss``, ``optimizer``, ``schedule``, ``init``, ``augment``: see :class:`Component`.
    - ``epochs``, ``batch_size``; ``clip_norm``: a bound on each replica's gradient norm.
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
    evaluate_every: int = Field(default=1, ge=1)
    clip_norm: float | None = Field(default=None, gt=0, allow_inf_nan=False)
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
        """The optimizer of a net's parameters."""
        optimizer: Optimizer = build_component(
            "optimizer", self.optimizer, net, **component_values("optimizer", numbers)
        )
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
        if self.evaluate_every > 1:  # a trainer of the user's may not know it
            options["evaluate_every"] = self.evaluate_every
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
