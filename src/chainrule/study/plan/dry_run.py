"""Train a batch of each size that will occur, so that what would fail is found before a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import final

import torch

from chainrule._util.threads import one_thread
from chainrule._util.user_code import add_user_lines, describe_error
from chainrule._util.words import count_noun
from chainrule.data import Dataset
from chainrule.recipes.component import build_component
from chainrule.recipes.errors import StudyError
from chainrule.recipes.recipe import Recipe
from chainrule.study.execution.cohorts import CohortJob, Training, build_jobs
from chainrule.study.execution.executors import Engine
from chainrule.study.execution.job import load_study
from chainrule.study.execution.training.train_cohort import build_cohort_trainer, train_until
from chainrule.study.round_data import RoundData, check_device
from chainrule.study.sample_overlap import check_leaks
from chainrule.study.search.scope import search_rounds
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.sections.space import covering_settings
from chainrule.study.spec.study import Study
from chainrule.study.store.record import SEARCH_ROUND, Stage
from chainrule.train import Trainer

__all__ = [
    "check_arms",
    "find_problems",
    "first_training_data",
    "take_first",
    "train_one_epoch",
]

Sizes = Mapping[Stage, Sequence[int]]
"""Stage → how many samples its trainings learn from, each number once."""

MAX_JUDGED = 100
"""So many samples, at most, are judged on."""


def find_problems(study: Study) -> list[str]:
    """A line for each thing that would fail in a run: a device, a name, an argument, a shape.

    Every arm is trained, with each value of its space at least once, on the first and the last
    batch of every size of training set that the rounds and folds have: a step each. The same of
    the quick form, where it is declared.
    """
    problems = find_form_problems(study)
    if study.quick:
        found = find_form_problems(study.quick_form())
        problems += [f"quick form: {problem}" for problem in found if problem not in problems]
    return problems


def find_form_problems(study: Study) -> list[str]:
    """The problems of a study without its quick form."""
    try:
        arms = find_failing_arms(study)
    except StudyError as error:
        return [add_user_lines(str(error), error)]
    return describe_failing(arms)


def describe_failing(arms: Mapping[str, Sequence[str]]) -> list[str]:
    """``arms a, b: what is wrong`` for each problem."""
    return [f"{'arms' if len(of) > 1 else 'arm'} {', '.join(of)}: {p}" for p, of in arms.items()]


def check_arms(study: Study, pattern: str = "*", engine: Engine | None = None) -> list[str]:
    """A line for each problem that some of the arms have that match; the others can be trained.

    The processes of an ``engine`` look at them side by side, where it has some. Raises StudyError
    for the data and the device, and where none of the arms can be trained.
    """
    found = find_failing_arms(study, pattern, engine)
    problems = describe_failing(found)
    failing = {name for names in found.values() for name in names}
    if failing.issuperset(arm.name for arm in study.select(pattern)):
        raise StudyError("\n  ".join([f"study {study.name}: no arm can be trained", *problems]))
    return problems


def find_failing_arms(
    study: Study, pattern: str = "*", engine: Engine | None = None
) -> dict[str, list[str]]:
    """Problem → the arms that have it, of those that match.

    Raises StudyError for the data and the device.
    """
    check_device(study.device)
    study = study.model_copy(update={"keep": None})
    samples = RoundData(study)
    try:
        sizes = {stage: training_sizes(study, samples, stage) for stage in trained_stages(study)}
        few = FewSamples(study, samples)
        few.final(few.first_round)
    except StudyError:
        raise
    except Exception as error:  # whatever a function of the user raises
        raise StudyError(f"data {study.data.name}: {describe_error(error)}") from error
    arms: dict[str, list[str]] = {}
    chosen = study.select(pattern)
    if engine is None or engine.max_workers == 1:
        check_leaks(study)
        found = [[*find_arm_problems(study, arm, few, sizes)] for arm in chosen]
    else:
        found = try_elsewhere(study, chosen, sizes, engine)
    for arm, problems in zip(chosen, found, strict=True):
        different = {problem.rpartition("): ")[2]: problem for problem in reversed(problems)}
        for problem in reversed(different.values()):  # one for all values of the space
            arms.setdefault(problem, []).append(arm.name)
    return arms


def try_elsewhere(
    study: Study, arms: Sequence[Arm], sizes: Sizes, engine: Engine
) -> list[list[str]]:
    """The problems of each arm, found by an engine's processes, while leaks are looked for here.

    Whose process dies has none: the run will say so. Raises StudyError for leaks.
    """
    declared = study.model_dump_json()
    futures = [engine.submit(try_arm, declared, arm.name, sizes) for arm in arms]
    found: list[list[str]] = []
    try:
        check_leaks(study)
        for future in futures:
            try:
                found.append(future.result())
            except engine.lost:
                found.append([])
    except BaseException:
        engine.stop("")
        raise
    return found


def try_arm(declared: str, name: str, sizes: Sizes) -> list[str]:
    """The problems of an arm of a study, which a worker is told of."""
    study, samples = load_study(declared)
    (arm,) = (arm for arm in study.all_arms if arm.name == name)
    with one_thread():
        return [*find_arm_problems(study, arm, FewSamples(study, samples), sizes)]


def trained_stages(study: Study) -> Sequence[Stage]:
    """What trainings there are."""
    return ("search", "final") if study.space else ("final",)


def training_sizes(study: Study, samples: RoundData, stage: Stage) -> list[int]:
    """How many samples the trainings of a stage learn from: each number once, the first first.

    Rounds differ in folds alone.
    """
    rounds = range(study.max_rounds if study.data.rounds == "folds" else 1)
    if stage == "final":
        return [*dict.fromkeys(samples.count_final(r) for r in rounds)]
    searched = rounds if study.searches_each_round else [SEARCH_ROUND]
    return [*dict.fromkeys(n for r in searched for n in samples.count_folds(r))]


def find_arm_problems(study: Study, arm: Arm, few: FewSamples, sizes: Sizes) -> Iterator[str]:
    """What goes wrong in one arm."""
    sample = few.final(few.first_round)[0].inputs.shape[1:]
    for stage in trained_stages(study) if arm.space else ("final",):
        trainings = [
            Training(c, s, few.first_round, 0) for c, s in enumerate(covering_settings(arm.space))
        ]
        try:
            jobs = build_jobs(arm, stage, trainings, sample=sample)
        except Exception as error:
            yield describe_error(error)
            return
        for job in jobs:
            yield from find_job_problems(study, job, few, sizes[stage])


def find_job_problems(
    study: Study, job: CohortJob, few: FewSamples, sizes: Sequence[int]
) -> Iterator[str]:
    """What goes wrong in a cohort, for each kind of epoch that its data have."""
    epochs = {count_needed(n, job.recipe): n for n in reversed(sizes)}
    for needed, n in epochs.items():
        few.limit = needed
        try:
            for part in study.callbacks:  # a dry run is not logged, but they are to be there
                build_component("callback", part)
            train_until(study, few, job, build_cohort_trainer(study, job), 1)
        except Exception as error:
            # The last batch is that of n samples; who reads the message has not heard of fewer.
            tried, said = count_noun(needed, "sample"), count_noun(n, "sample")
            yield describe_error(error).replace(tried, said)
            return


def count_needed(n: int, recipe: Recipe) -> int:
    """So many samples give the first and the last batch that n samples give."""
    size = recipe.batch_size
    return n if n <= size else size + n % size


@final
class FewSamples(RoundData):
    """The first samples of a study's data: ``limit`` to learn from, some to be judged on."""

    def __init__(self, study: Study, samples: RoundData) -> None:
        super().__init__(study)
        self.samples, self.limit = samples, 1
        self.first_round = search_rounds(study)[0] if study.space else 0
        self._sides: dict[bool, tuple[Dataset, Dataset]] = {}

    def fold(self, r: int, f: int) -> tuple[Dataset, Dataset]:
        """The beginning of the first fold."""
        return self._take(is_fold=True)

    def final(self, r: int) -> tuple[Dataset, Dataset]:
        """The beginning of the first round."""
        return self._take(is_fold=False)

    def unit(self, r: int, f: int | None = None) -> float:
        """That of the first round or fold."""
        return self.samples.unit(self.first_round, None if f is None else 0)

    def digests(self, r: int, f: int | None = None) -> tuple[str, str]:
        """None: no row is kept."""
        return "", ""

    def _take(self, *, is_fold: bool) -> tuple[Dataset, Dataset]:
        if is_fold not in self._sides:
            r = self.first_round
            self._sides[is_fold] = self.samples.fold(r, 0) if is_fold else self.samples.final(r)
        learned, judged = self._sides[is_fold]
        return take_first(learned, self.limit), take_first(judged, MAX_JUDGED)


def train_one_epoch(trainer: Trainer, learned: Dataset, judged: Dataset | None = None) -> float:
    """Train one epoch more, and say how many seconds it took. Raises KeyboardInterrupt."""
    before = trainer.history.seconds
    history = trainer.fit(learned, judged, epochs=trainer.epoch + 1, progress=False)
    if history.interrupted:
        raise KeyboardInterrupt
    return history.seconds - before


def first_training_data(study: Study, samples: RoundData) -> Sequence[Dataset]:
    """What the first training of the study learns from, and what it is judged on."""
    r = search_rounds(study)[0] if study.space else 0
    return samples.fold(r, 0) if study.space else samples.final(r)


def take_first(data: Dataset, n: int) -> Dataset:
    """The first n samples, or all where there are fewer."""
    return data.subset(torch.arange(min(n, len(data))))
