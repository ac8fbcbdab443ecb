"""How fast this machine trains an arm, from a few real steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.data import Dataset
from chainrule.recipes.cost import training_cost
from chainrule.study.execution.training.train_cohort import build_cohort_trainer
from chainrule.study.plan.dry_run import first_training_data, take_first, train_one_epoch
from chainrule.study.plan.workload import Workload
from chainrule.study.round_data import RoundData
from chainrule.study.spec.study import Study

__all__ = ["TimeModel", "fit_time_model"]

MAX_STEPS = 8
MAX_SECONDS = 0.12
"""Seconds: after so many no further step is measured."""


@dataclass(frozen=True)
class TimeModel:
    """seconds = a step's own time x steps + a product's x products"""

    step: float
    product: float

    def seconds(self, load: Workload) -> float:
        """What the training of a cohort takes."""
        return self.step * load.steps + self.product * load.products


def fit_time_model(study: Study, samples: RoundData, loads: Sequence[Workload]) -> TimeModel:
    """The line through two cohorts' measured steps: that of the fewest products and of the most.

    Trains each for some steps, at random first parameters, on the study's device.
    """
    learned, _ = first_training_data(study, samples)
    ends = min(loads, key=products_per_step), max(loads, key=products_per_step)
    (x0, t0), (x1, t1) = (measure_step(study, load, learned) for load in ends)
    product = max(0.0, (t1 - t0) / (x1 - x0)) if x1 > x0 else 0.0
    if product and t0 < product * x0:  # a line through the origin
        return TimeModel(0.0, t1 / x1)
    return TimeModel(t0 - product * x0, product)


def products_per_step(load: Workload) -> float:
    """With the evaluation spread over the steps."""
    return load.products / load.steps


def measure_step(study: Study, load: Workload, learned: Dataset) -> tuple[float, float]:
    """(multiply-adds, seconds) of a step of a cohort: the fastest of some, for others may work."""
    recipe, trainer = load.job.recipe, build_cohort_trainer(study, load.job)
    batch = take_first(learned, recipe.batch_size)
    times = [train_one_epoch(trainer, batch)]
    while len(times) < MAX_STEPS and sum(times) < MAX_SECONDS:
        times.append(train_one_epoch(trainer, batch))
    return load.cohort_size * training_cost(recipe, batch.inputs.shape) / recipe.epochs, min(times)
