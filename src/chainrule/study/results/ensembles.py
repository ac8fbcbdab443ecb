"""Arms that decide together: chosen on validation predictions, tested once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from chainrule import seeds
from chainrule._util.argument_checks import check_arguments
from chainrule._util.kinds import check_counts
from chainrule._util.plain_data import finite_or_none
from chainrule.recipes.errors import StudyError
from chainrule.statistics import PairedTest, paired_test, sample_test
from chainrule.study.results.predictions.averages import OutputAverage
from chainrule.study.store.predictions import Predictions, take_samples
from chainrule.study.store.record import SEARCH_ROUND

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = ["EnsembleResult", "EnsembleRound", "select_ensembles"]

MAX_MEMBERS = 30
"""So many, at most, one counted as often as it was chosen."""


@final
@dataclass(frozen=True)
class EnsembleRound:
    """The ensemble of a round: ``members`` is arm → how often it counts in the mean.

    ``value`` is its metric on the test samples, ``single`` that of ``single_arm``, the best arm by
    the same validation predictions.
    """

    round: int
    members: Mapping[str, int]
    value: float
    single_arm: str
    single: float

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data."""
        return {**vars(self), "members": dict(self.members)}


@final
@dataclass(frozen=True)
class EnsembleResult:
    """The ensembles of all rounds, and their gain over the best single arm, above 0 is better.

    ``halves``: arms had no validation predictions, so that members were chosen on one half of the
    test samples and tested on the other. ``test`` is of the gain: over rounds, with the study's
    design; of one round over its test samples.
    """

    rounds: Sequence[EnsembleRound]
    halves: bool
    test: PairedTest

    @property
    def mean(self) -> float:
        """The mean metric of the ensembles."""
        return float(np.mean([each.value for each in self.rounds]))

    @property
    def single_mean(self) -> float:
        """The mean metric of the best single arms."""
        return float(np.mean([each.single for each in self.rounds]))

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON data."""
        return {
            "mean": self.mean,
            "single_mean": self.single_mean,
            "gain": self.test.difference,
            "low": finite_or_none(self.test.low),
            "high": finite_or_none(self.test.high),
            "p": self.test.p,
            "test": self.test.test,
            "halves": self.halves,
            "rounds": [each.as_row() for each in self.rounds],
        }


@check_arguments
def select_ensembles(
    result: StudyResult, arms: str = "*", *, max_members: int = MAX_MEMBERS
) -> EnsembleResult:
    """In each round the arms that decide best together, and what that gains on the test set

    Members are added one by one, again and again, the one with which the mean of the members'
    outputs (class probabilities, where the loss makes some) is best on validation predictions; it
    begins with the best single arm and ends when no member makes it better. Validation predictions
    are those of the chosen candidates in their search. Where an arm has none, half of the test
    samples select, the same for all arms, and the other half tests.
    (Caruana, Niculescu-Mizil, Crew and Ksikes 2004.)

    Raises StudyError where fewer than two arms that match have predictions of a round, and where
    outputs or the metric cannot be averaged.
    """
    check_counts(max_members=max_members)
    names = [arm.name for arm in result.study.select(arms) if arm.name in result.by_sample.arms]
    finals = {name: result.by_sample.predictions(name) for name in names}
    rounds = sorted(set.intersection(*map(set, finals.values()))) if finals else []
    if len(names) < 2 or not rounds:
        raise StudyError(
            f"study {result.study.name}: an ensemble needs predictions of two arms in a round, got "
            f"those of {', '.join(names) or 'none'}; a run keeps them that is told "
            "--keep predictions"
        )
    average = OutputAverage(result.study, names)
    validations = {r: find_validations(result, names, r) for r in rounds}
    halves = any(found is None for found in validations.values())
    found: list[EnsembleRound] = []
    gains: list[np.ndarray[Any, Any]] = []
    for r in rounds:
        tests = {name: finals[name][r] for name in names}
        judged = validations[r]
        if halves or judged is None:
            judged, tests = split_halves(tests, seeds.derive(result.study.seed, "ensemble", r))
        members, single = select_members(average, judged, max_members)
        found.append(assess_members(average, tests, members, single, r))
        gains.append(average.sample_gain(tests, members, {single: 1}))
    return EnsembleResult(found, halves, assess_gain(result, found, gains, average.sign))


def find_validations(
    result: StudyResult, names: Sequence[str], r: int
) -> dict[str, Predictions] | None:
    """Arm → the validation predictions of its chosen candidate; None where one has none."""
    kept, found = result.kept, {}
    searched = r if result.study.search.each_round else SEARCH_ROUND
    for name in names:
        (chosen,) = [row.candidate for row in result.arm(name).rows if row.round == r]
        searches = {} if kept is None else kept.searches(name)
        folds = [searches.get((searched, chosen, f)) for f in range(result.study.selection.splits)]
        parts = [part for part in folds if part is not None]
        if len(parts) < len(folds):
            return None
        found[name] = join_predictions(parts)
    first = next(iter(found.values())).samples
    same = all(np.array_equal(first, each.samples) for each in found.values())
    return found if same else None


def join_predictions(parts: Sequence[Predictions]) -> Predictions:
    """Those of several folds, one after the other."""

    def join(values: Sequence[Any]) -> Any:
        if isinstance(values[0], Mapping):
            return {key: join([value[key] for value in values]) for key in values[0]}
        return np.concatenate(values)

    return Predictions(
        join([part.outputs for part in parts]),
        join([part.targets for part in parts]),
        join([part.scores for part in parts]),
        np.concatenate([part.samples for part in parts]),
        unit=parts[0].unit,
    )


def split_halves(
    tests: Mapping[str, Predictions], seed: int
) -> tuple[dict[str, Predictions], dict[str, Predictions]]:
    """The test predictions of two random halves, the same for every arm."""
    n = len(next(iter(tests.values())))
    order = np.random.default_rng(seed).permutation(n)
    first, second = (np.sort(part) for part in (order[: n // 2], order[n // 2 :]))
    return (
        {name: take_samples(found, first) for name, found in tests.items()},
        {name: take_samples(found, second) for name, found in tests.items()},
    )


def select_members(
    average: OutputAverage, judged: Mapping[str, Predictions], max_members: int
) -> tuple[Counter[str], str]:
    """How often each arm counts, and the best single arm."""

    def best(members: Counter[str]) -> tuple[float, str]:
        scores = {name: average.score(judged, members + Counter([name])) for name in judged}
        name = max(scores, key=scores.__getitem__)
        return scores[name], name

    value, single = best(Counter())
    members = Counter([single])
    while members.total() < max_members:
        better, name = best(members)
        if not better > value:
            break
        value = better
        members[name] += 1
    return members, single


def assess_members(
    average: OutputAverage,
    tests: Mapping[str, Predictions],
    members: Mapping[str, int],
    single: str,
    r: int,
) -> EnsembleRound:
    """The ensemble of a round, tested once."""
    value, alone = (average.sign * average.score(tests, of) for of in (members, {single: 1}))
    return EnsembleRound(r, dict(members), value, single, alone)


def assess_gain(
    result: StudyResult,
    found: Sequence[EnsembleRound],
    gains: Sequence[np.ndarray[Any, Any]],
    sign: float,
) -> PairedTest:
    """Of the gain over rounds; of one round over its samples."""
    if len(found) > 1:
        values = [sign * each.value for each in found]
        return paired_test(values, [sign * each.single for each in found], result.design)
    if not gains[0].any():
        same = [0.0, 0.0]
        return paired_test(same, same, result.design)
    return sample_test(gains[0], np.arange(len(gains[0])))
