"""A net on one batch of somebody's data, to be looked at: with the loss that it would be given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.estimators.build import data_of, recipe_of, sized, trainer_of
from chainrule.estimators.split_parts import divided

if TYPE_CHECKING:
    from chainrule.nn import Loss, Module

__all__ = ["BATCH", "Explained", "on_data"]

BATCH = 200
"""Samples of a batch, where there are as many."""


class Explained(NamedTuple):
    """A net, what it is given, what it is to answer, and the words for that."""

    net: Module
    inputs: Any
    targets: Any
    criterion: Loss | None
    words: str


def on_data(net: str, data: str, target: str | None, seed: int) -> Explained:
    """A net that ``chainrule train`` wrote, or the one it would begin with, on these samples.

    Raises ValueError or OSError for what is no net or no data, or does not fit.
    """
    return saved(net, data, target) if Path(net).is_file() else new(net, data, target, seed)


def new(name: str, data: str, target: str | None, seed: int) -> Explained:
    """The net of a function, prepared and drawn as for a training."""
    division = divided(data, target, None, {}, test=0.2, validation=0.2, seed=seed)
    prepared, rows = division.preparation(), division.rows.subset(division.learned[:BATCH])
    batch = prepared.dataset(rows, target)
    loss = "CrossEntropyLoss" if division.kind == "classification" else "MSELoss"
    recipe = sized(recipe_of(name, loss, "SGD", {}), prepared)
    trainer = trainer_of(recipe, prepared, batch, seed)
    words = f"{name}, not trained: {len(rows)} samples of {data}, {loss}."
    return Explained(trainer.net, batch.inputs, batch.targets, trainer.criterion, words)


def saved(path: str, data: str, target: str | None) -> Explained:
    """The net of a file, on samples prepared as those that it was trained on."""
    from chainrule.data.tabular.preprocessor import read_targets
    from chainrule.estimators.fit import loss_for
    from chainrule.estimators.predictor import Predictor
    from chainrule.recipes.component import Component, build

    predictor = Predictor.load(path)
    if target not in (None, predictor.target):
        raise ValueError(f"{path} tells {predictor.target}, got --target {target}")
    rows, _ = data_of(data)
    cells = read_targets(rows, predictor.target) or ()
    known = rows.subset([i for i, cell in enumerate(cells) if cell][:BATCH])
    if not len(known):
        raise ValueError(f"{data}: it has no targets, and the loss asks for them")
    prepared = predictor.preparation
    batch = prepared.dataset(known, predictor.target)
    loss = loss_for(build("loss", Component(name=predictor.loss)), prepared.task.kind)
    words = f"{path}: {len(known)} samples of {data}, {predictor.loss}."
    return Explained(predictor.net, batch.inputs, batch.targets, loss, words)
