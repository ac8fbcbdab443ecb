"""Candidates that Optuna proposes, a batch at a time, from what is known of the earlier ones."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from statistics import mean
from types import ModuleType
from typing import Any, final

import torch

from chainrule import seeds
from chainrule.recipes.errors import StudyError
from chainrule.study.search import selection
from chainrule.study.search.budget import draw_within_budget, fits_budget
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.sections.space import Dimension, Params, random_settings
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord, Value

__all__ = ["propose_batches"]

STARTUP = 10
"""About so many candidates are drawn at random before a model has a say: Optuna's own number."""

TRIES = 100
"""How many random draws are looked at for one that is new."""

Known = Mapping[int, Sequence[TrainingRecord]]
"""Candidate → its rows, one a split."""

Codes = tuple[int | float, ...]
"""A setting as Optuna knows it, see :func:`code`, in the order of the space."""


def propose_batches(study: Study, arm: Arm, n: int, seed: int, known: Known) -> list[Params]:
    """The settings of candidates 0, 1, … of n, as far as they can be said now: whole batches.

    A batch is proposed when every split of all earlier candidates is known. Each time a new
    Optuna study is told of them and asked, with a seed of the batch's own: the same rows give the
    same batch, whatever was interrupted. A candidate with rows has the setting of its rows.

    Raises StudyError where Optuna is not installed.
    """
    settings: list[Params] = []
    batch, splits = study.search.batch, study.selection.splits
    for start in range(0, n, batch):
        numbers = range(start, min(start + batch, n))
        if any(len(known.get(c, ())) < splits for c in range(start)):
            break
        new: Sequence[Params] = ()
        if any(c not in known for c in numbers):
            told = candidate_values(study, known, start)
            own = seeds.derive(seed, "batch", start // batch)
            new = propose_batch(study, arm, settings, told, len(numbers), own)
        settings += [known[c][0].setting if c in known else new[c - start] for c in numbers]
    return settings


def candidate_values(study: Study, known: Known, n: int) -> list[float]:
    """The mean of each of the first n candidates over its splits.

    Where a split diverged or failed, the worst of the others' means stands for it: a model that is
    told a number from far away sees no difference between the rest.
    """
    means = [mean(selection.metric_value(study, row) for row in known[c]) for c in range(n)]
    lost = [any(not row.has_value for row in known[c]) for c in range(n)]
    whole = [value for value, gone in zip(means, lost, strict=True) if not gone]
    worst = (min if study.direction == "max" else max)(whole, default=0.0)
    return [worst if gone else value for value, gone in zip(means, lost, strict=True)]


def propose_batch(
    study: Study,
    arm: Arm,
    settings: Sequence[Params],
    told: Sequence[float],
    n: int,
    seed: int,
) -> list[Params]:
    """n settings more, given the values told of the earlier ones.

    One that is there already gives way to a random draw that is not, if such a one is found; and so
    does one whose net is too small or too large. Raises StudyError where all are.
    """
    space = arm.space
    codes = [tuple(encode_value(d, s[path]) for path, d in space.items()) for s in settings]
    batch = study.search.batch
    question = OptunaQuestion(
        method=study.search.method,
        maximize=study.direction == "max",
        startup=STARTUP // batch * batch or STARTUP,  # whole batches: a model from the next one on
        space=tuple(space.items()),
        known=tuple(zip(codes, told, strict=True)),
        n=n,
        seed=seed % 2**32,
    )
    found = list(settings)
    for answer in ask_optuna(question):
        pairs = zip(space.items(), answer, strict=True)
        proposed = {path: decode_value(dimension, coded) for (path, dimension), coded in pairs}
        draws = random_settings(space, TRIES, seeds.derive(seed, "instead", len(found)))
        fitting: list[Params] = [s for s in (proposed, *draws) if fits_budget(study, arm, s)]
        if not fitting:
            fitting = draw_within_budget(study, arm, 1, seeds.derive(seed, "within", len(found)))
        found.append(next((s for s in fitting if s not in found), fitting[0]))
    return found[len(settings) :]


@final
@dataclass(frozen=True)
class OptunaQuestion:
    """What Optuna is asked: n settings more, given (codes, value) of each that is known."""

    method: str
    maximize: bool
    startup: int
    space: tuple[tuple[str, Dimension], ...]
    known: tuple[tuple[Codes, float], ...]
    n: int
    seed: int


@lru_cache(maxsize=1024)
def ask_optuna(question: OptunaQuestion) -> tuple[Codes, ...]:
    """Optuna's answer; kept, for it is asked again whenever some of a batch are done."""
    optuna = import_optuna()
    paths = [path for path, _ in question.space]
    kinds = {path: make_distribution(optuna, dimension) for path, dimension in question.space}
    with quiet_optuna(optuna):
        direction = "maximize" if question.maximize else "minimize"
        study = optuna.create_study(sampler=make_sampler(optuna, question), direction=direction)
        for codes, value in question.known:
            params = dict(zip(paths, codes, strict=True))
            study.add_trial(optuna.create_trial(params=params, distributions=kinds, value=value))
        asked = [study.ask(kinds).params for _ in range(question.n)]
    return tuple(tuple(params[path] for path in paths) for params in asked)


def import_optuna(needs: str = "search.method: tpe and gp need") -> ModuleType:
    """Optuna. Raises StudyError, which says what needs it and its extra, where it is missing."""
    try:
        import optuna
    except ImportError as error:
        raise StudyError(f"{needs} Optuna: pip install 'chainrule[optuna]'") from error
    return optuna


def make_sampler(optuna: ModuleType, question: OptunaQuestion) -> Any:
    """That of the declared method. Both keep the candidates of a batch apart."""
    given = {"seed": question.seed, "n_startup_trials": question.startup}
    if question.method == "gp":
        return optuna.samplers.GPSampler(**given)
    return optuna.samplers.TPESampler(**given, constant_liar=True)


@contextmanager
def quiet_optuna(optuna: ModuleType) -> Iterator[None]:
    """Without Optuna's messages and warnings; on one thread, which is several times faster."""
    verbosity, threads = optuna.logging.get_verbosity(), torch.get_num_threads()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
        torch.set_num_threads(threads)


def make_distribution(optuna: ModuleType, dimension: Dimension) -> Any:
    """What Optuna draws codes from."""
    kinds = optuna.distributions
    if dimension.values is not None:
        return kinds.CategoricalDistribution(range(len(dimension.values)))
    if (choices := indexed_values(dimension)) is not None:
        return kinds.IntDistribution(0, len(choices) - 1)
    low, high = dimension.low or 0.0, dimension.high or 0.0
    if dimension.integer:
        return kinds.IntDistribution(int(low), int(high), log=True)
    return kinds.FloatDistribution(low, high, log=dimension.log)


def indexed_values(dimension: Dimension) -> Sequence[Value] | None:
    """The values that go by their number; None for a log range, or one without steps."""
    return None if dimension.log else dimension.choices


def encode_value(dimension: Dimension, value: Value) -> Any:
    """A value for Optuna: its number, as 1, 1.0 and true are one to it; else the value itself."""
    choices = indexed_values(dimension)
    return value if choices is None else [*map(repr, choices)].index(repr(value))


def decode_value(dimension: Dimension, coded: Any) -> Value:
    """The value of a code, of its own type."""
    choices = indexed_values(dimension)
    found: Value = coded if choices is None else choices[coded]
    return found
