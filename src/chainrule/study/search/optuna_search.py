"""Candidates that Optuna proposes, a batch at a time, from what is known of the earlier ones."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import mean
from types import ModuleType
from typing import Any, final

from chainrule import seeds
from chainrule.recipes.errors import StudyError
from chainrule.study.search import selection
from chainrule.study.search.budget import draw_within_budget, fits_budget
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.sections.space import Dimension, Params, random_settings
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord, Value

__all__ = ["OptunaSearch"]

STARTUP = 10
"""About so many candidates are drawn at random before a model has a say: Optuna's own number."""

TRIES = 100
"""How many random draws are looked at for one that is new."""

Known = Mapping[int, Sequence[TrainingRecord]]
"""Candidate → its rows, one a split."""

Codes = tuple[int | float, ...]
"""A setting as Optuna knows it, see :func:`code`, in the order of the space."""


@final
class OptunaSearch:
    """The n candidates of one search, as Optuna proposes them: whole batches.

    A batch is proposed when every split of all earlier candidates is known. Optuna is told of each
    candidate once, and asked for each batch once, with a seed of the batch's own: the same rows
    give the same batch, whatever was interrupted. A candidate with rows has the setting of them.
    """

    def __init__(self, study: Study, arm: Arm, n: int, seed: int) -> None:
        self.study, self.arm, self.n, self.seed = study, arm, n, seed
        self._memory: Any = None
        self._told: list[tuple[Codes, float]] = []

    def propose(self, known: Known) -> list[Params]:
        """The settings of candidates 0, 1, … as far as they can be said now.

        Raises StudyError where Optuna is not installed.
        """
        settings: list[Params] = []
        batch, splits = self.study.search.batch, self.study.selection.splits
        for start in range(0, self.n, batch):
            numbers = range(start, min(start + batch, self.n))
            if any(len(known.get(c, ())) < splits for c in range(max(0, start - batch), start)):
                break
            new: Sequence[Params] = ()
            if any(c not in known for c in numbers):
                values = candidate_values(self.study, known, start)
                own = seeds.derive(self.seed, "batch", start // batch)
                new = self._propose_batch(settings, values, len(numbers), own)
            settings += [known[c][0].setting if c in known else new[c - start] for c in numbers]
        return settings

    def _propose_batch(
        self, settings: Sequence[Params], values: Sequence[float], n: int, seed: int
    ) -> list[Params]:
        """n settings more, given the values of the earlier ones. Raises as :meth:`_choose`."""
        found = [*settings]
        for codes in self._ask(self._encode(settings, values), n, seed):
            pairs = zip(self.arm.space.items(), codes, strict=True)
            proposed = {path: decode_value(dimension, coded) for (path, dimension), coded in pairs}
            found.append(self._choose(proposed, found, seed))
        return found[len(settings) :]

    def _choose(self, proposed: Params, found: Sequence[Params], seed: int) -> Params:
        """The setting that was proposed, or another one in its place.

        One that is there already gives way to a random draw that is not, if such a one is found;
        and so does one whose net is too small or too large. Raises StudyError where all are.
        """
        others = []
        for setting in self._draw_instead(proposed, seeds.derive(seed, "instead", len(found))):
            if fits_budget(self.study, self.arm, setting):
                if setting not in found:
                    return setting
                others.append(setting)
        within = seeds.derive(seed, "within", len(found))
        return (others or draw_within_budget(self.study, self.arm, 1, within))[0]

    def _draw_instead(self, proposed: Params, seed: int) -> Iterator[Params]:
        """What was proposed, then random draws, which are made if they are looked at."""
        yield proposed
        yield from random_settings(self.arm.space, TRIES, seed)

    def _encode(
        self, settings: Sequence[Params], values: Sequence[float]
    ) -> list[tuple[Codes, float]]:
        """(codes, value) of each candidate; the codes of those that were told are known."""
        known = [codes for codes, _ in self._told[: len(settings)]]
        space = self.arm.space.items()
        known += [
            tuple(encode_value(dimension, setting[path]) for path, dimension in space)
            for setting in settings[len(known) :]
        ]
        return [*zip(known, values, strict=True)]

    def _ask(self, told: list[tuple[Codes, float]], n: int, seed: int) -> list[Codes]:
        """What Optuna answers, given all candidates so far and their values."""
        from chainrule._util.threads import torch_threads

        optuna, space = import_optuna(), self.arm.space
        kinds = {path: make_distribution(optuna, dimension) for path, dimension in space.items()}
        with quiet_optuna(optuna), torch_threads(1):  # on several it takes several times as long
            if self._memory is None or told[: len(self._told)] != self._told:
                direction = "maximize" if self.study.direction == "max" else "minimize"
                self._memory, self._told = optuna.create_study(direction=direction), []
            for codes, value in told[len(self._told) :]:
                params = dict(zip(space, codes, strict=True))
                trial = optuna.create_trial(params=params, distributions=kinds, value=value)
                self._memory.add_trial(trial)
            self._told = told
            self._memory.sampler = make_sampler(optuna, self.study, seed)
            asked = [self._memory.ask(kinds) for _ in range(n)]
            for trial in asked:  # it is told of them as candidates, when their values are known
                self._memory.tell(trial, state=optuna.trial.TrialState.FAIL)
        return [tuple(trial.params[path] for path in space) for trial in asked]


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


def import_optuna(needs: str = "search.method: tpe and gp need") -> ModuleType:
    """Optuna. Raises StudyError, which says what needs it and its extra, where it is missing."""
    try:
        import optuna
    except ImportError as error:
        raise StudyError(f"{needs} Optuna: pip install 'chainrule[optuna]'") from error
    return optuna


def make_sampler(optuna: ModuleType, study: Study, seed: int) -> Any:
    """That of the declared method. Both keep the candidates of a batch apart."""
    batch = study.search.batch
    startup = STARTUP // batch * batch or STARTUP  # whole batches: a model from the next one on
    given = {"seed": seed % 2**32, "n_startup_trials": startup}
    if study.search.method == "gp":
        return optuna.samplers.GPSampler(**given)
    return optuna.samplers.TPESampler(**given, constant_liar=True)


@contextmanager
def quiet_optuna(optuna: ModuleType) -> Iterator[None]:
    """Without Optuna's messages and warnings."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)


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
