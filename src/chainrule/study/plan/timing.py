"""How fast this machine trains an arm, from a few real steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.data import Dataset
from chainrule.recipes.cost import cost
from chainrule.study.plan.dry_run import few, first_data, rehearse
from chainrule.study.plan.workload import Load
from chainrule.study.round_data import Samples
from chainrule.study.run.train_cohort import trainer_of
from chainrule.study.spec.study import Study

__all__ = ["TimeModel", "fit_time_model"]

STEPS = 8
ENOUGH = 0.12
"""Seconds: after so many no further step is measured."""


@dataclass(frozen=True)
class TimeModel:
    """seconds = a step's own time x steps + a product's x products"""

    step: float
    product: float

    def seconds(self, load: Load) -> float:
        """What the training of a cohort takes."""
        return self.step * load.steps + self.product * load.products


def fit_time_model(study: Study, samples: Samples, loads: Sequence[Load]) -> TimeModel:
    """The line through two cohorts' measured steps: that of the fewest products and of the most.

    Trains each for some steps, at random first parameters, on the study's device.
    """
    learned, _ = first_data(study, samples)
    ends = min(loads, key=products_a_step), max(loads, key=products_a_step)
    (x0, t0), (x1, t1) = (measured(study, load, learned) for load in ends)
    product = max(0.0, (t1 - t0) / (x1 - x0)) if x1 > x0 else 0.0
    if product and t0 < product * x0:  # a line through the origin
        return TimeModel(0.0, t1 / x1)
    return TimeModel(t0 - product * x0, product)


def products_a_step(load: Load) -> float:
    """With the evaluation spread over the steps."""
    return load.products / load.steps


def measured(study: Study, load: Load, learned: Dataset) -> tuple[float, float]:
    """(multiply-adds, seconds) of a step of a cohort: the fastest of some, for others may work."""
    recipe, trainer = load.job.recipe, trainer_of(study, load.job)
    batch = few(learned, recipe.batch_size)
    times = [rehearse(trainer, batch)]
    while len(times) < STEPS and sum(times) < ENOUGH:
        times.append(rehearse(trainer, batch))
    return load.width * cost(recipe, batch.inputs.shape) / recipe.epochs, min(times)
