"""Train on a handful of samples, so that what would fail is found before a study runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch

from chainrule._util.user_code import describe_error
from chainrule.data import Dataset
from chainrule.recipes.errors import StudyError
from chainrule.study.round_data import RoundData
from chainrule.study.run.cohorts import Training, build_jobs
from chainrule.study.run.train_cohort import build_cohort_trainer
from chainrule.study.spec.arms import Arm
from chainrule.study.spec.space import Dimension, Params
from chainrule.study.spec.study import Study
from chainrule.study.store.record import SEARCH_ROUND
from chainrule.train import Trainer

__all__ = [
    "find_failing_arms",
    "find_problems",
    "first_training_data",
    "take_first",
    "train_one_epoch",
]

SAMPLES = 6
"""So many are trained on: more than one, for batch normalization."""

NEARLY = 1 - 2**-53
"""The end of a range."""


def find_problems(study: Study) -> list[str]:
    """A line for each thing that would fail in a training: a name, an argument, a shape.

    Every arm is trained for a moment, on the CPU, with each value of its space at least once.
    """
    try:
        arms = find_failing_arms(study)
    except StudyError as error:
        return [str(error)]
    return [f"{'arms' if len(of) > 1 else 'arm'} {', '.join(of)}: {p}" for p, of in arms.items()]


def find_failing_arms(study: Study, pattern: str = "*") -> dict[str, list[str]]:
    """Problem → the arms that have it, of those that match. Raises StudyError for the data."""
    here = study.with_overrides(device="cpu")
    try:
        learned, judged = (
            take_first(data, SAMPLES) for data in first_training_data(here, RoundData(here))
        )
    except Exception as error:  # whatever a function of the user raises
        raise StudyError(f"data {study.data.name}: {describe_error(error)}") from error
    arms: dict[str, list[str]] = {}
    for arm in here.select(pattern):
        for problem in dict.fromkeys(find_arm_problems(here, arm, learned, judged)):
            arms.setdefault(problem, []).append(arm.name)
    return arms


def find_arm_problems(study: Study, arm: Arm, learned: Dataset, judged: Dataset) -> Iterator[str]:
    """What goes wrong in one arm."""
    try:
        trainings = [Training(c, s, 0, 0) for c, s in enumerate(covering_settings(arm.space))]
        jobs = build_jobs(arm, "final", trainings, sample=learned.inputs.shape[1:])
    except Exception as error:
        yield describe_error(error)
        return
    for job in jobs:
        try:
            train_one_epoch(build_cohort_trainer(study, job), learned, judged)
        except Exception as error:
            yield describe_error(error)


def covering_settings(space: Mapping[str, Dimension]) -> list[Params]:
    """So few settings that each value of each path, or each end of its range, is in one."""
    values = {path: d.choices or (d.value_at(0), d.value_at(NEARLY)) for path, d in space.items()}
    longest = max(map(len, values.values()), default=1)
    return [{path: of[i % len(of)] for path, of in values.items()} for i in range(longest)]


def train_one_epoch(trainer: Trainer, learned: Dataset, judged: Dataset | None = None) -> float:
    """Train one epoch more, and say how many seconds it took. Raises KeyboardInterrupt."""
    before = trainer.history.seconds
    history = trainer.fit(learned, judged, epochs=trainer.epoch + 1, progress=False)
    if history.interrupted:
        raise KeyboardInterrupt
    return history.seconds - before


def first_training_data(study: Study, samples: RoundData) -> Sequence[Dataset]:
    """What the first training of the study learns from, and what it is judged on."""
    r = 0 if study.search.each_round or not study.space else SEARCH_ROUND
    return samples.fold(r, 0) if study.space else samples.final(r)


def take_first(data: Dataset, n: int) -> Dataset:
    """The first n samples, or all where there are fewer."""
    return data.subset(torch.arange(min(n, len(data)), device=data.inputs.device))
