"""What a study found: its rows, read as arms, candidates, tables and comparisons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from chainrule._util.argument_checks import check_arguments
from chainrule._util.display import ShownAsTable
from chainrule._util.suggest import did_you_mean
from chainrule.recipes.errors import StudyError
from chainrule.statistics import FixedSplit, StatisticsError
from chainrule.study.results.arm_result import (
    ArmResult,
    Candidate,
    build_arm_result,
    list_candidates,
    read_trivial_scores,
)
from chainrule.study.results.failure_value import describe_failure_value
from chainrule.study.results.failures import failed_arm_rows, select_failures
from chainrule.study.results.later_changes import describe_later_changes
from chainrule.study.results.looks import (
    Look,
    count_first_rounds,
    find_looks,
    find_needed_rounds,
)
from chainrule.study.results.predictions.by_sample import SampleResult
from chainrule.study.results.predictions.kept_predictions import (
    KeptPredictions,
    choose_round,
    find_predictions,
)
from chainrule.study.results.round_design import (
    SeenDesign,
    check_same_samples,
    digest_rounds,
    read_design,
)
from chainrule.study.results.round_scores import RoundScores
from chainrule.study.results.timings import Timings
from chainrule.study.search.scope import describe_search_scope
from chainrule.study.spec.stored import read_declaration
from chainrule.study.spec.study import Study
from chainrule.study.store import Store, StoreError
from chainrule.study.store.predictions import Predictions
from chainrule.study.store.record import TrainingRecord

if TYPE_CHECKING:  # rows are read without torch; samples that are made anew load it
    import pandas as pd

    from chainrule.data import Dataset
    from chainrule.statistics import Comparisons, Design, Effects, SequentialDesign
    from chainrule.study.round_data import RoundData

__all__ = ["StudyResult", "load_result", "read_leaks", "see_design"]

ABOUT_SAMPLES = "What holds for new test samples is in by_sample.compare(), by kept predictions."
NO_SAMPLES = (
    "Nothing is said about new test samples: that takes the nets' predictions, which a run with "
    "--keep predictions and another --store keeps."
)


@dataclass(frozen=True, repr=False)
class StudyResult(ShownAsTable, columns=("arm", "metric", "mean", "std", "n")):
    """The rows of a study so far, and what they say.

    ``runs`` are the provenances of the runs that made them; ``interrupted``: the last run was
    ended early. ``kept``: where predictions are, if any are kept; ``looks``: when it was looked at;
    ``seen_design``: what its last run saw that rounds share.
    Arms without a final row yet are left out of ``arms``, and so are those whose final trainings
    all failed: ``failures`` has the row of every training that an error ended.
    """

    study: Study
    rows: Sequence[TrainingRecord]
    runs: Sequence[Mapping[str, Any]] = ()
    interrupted: bool = False
    kept: KeptPredictions | None = field(default=None, repr=False, compare=False)
    looks: Sequence[Look] = ()
    seen_design: SeenDesign | None = field(default=None, repr=False, compare=False)

    @cached_property
    def arms(self) -> list[ArmResult]:
        """The arms that have results, in the declared order."""
        by_arm = {arm.name: self._select_rows(arm.name, "final") for arm in self.study.all_arms}
        solo = Timings.of_rows(self.rows).seconds
        return [
            build_arm_result(self.study, arm, by_arm[arm.name], solo.get(arm.name))
            for arm in self.study.all_arms
            if any(row.status != "failed" for row in by_arm[arm.name])
        ]

    @cached_property
    def common_arms(self) -> list[ArmResult]:
        """The arms over the rounds that all have and that were looked at: those are compared."""
        n = self.rounds_looked_at
        done = [{row.round for row in arm.rows} for arm in self.arms]
        rounds = set.intersection(*done) if done else set()
        return [arm.select_rounds(rounds & {*range(n)} if n else rounds) for arm in self.arms]

    @property
    def rounds_looked_at(self) -> int:
        """The last look that was reached; 0 before the first, and where rounds are fixed."""
        looks = () if self.study.sequential is None else self.study.looks
        return max((n for n in looks if n <= self.first_rounds), default=0)

    @cached_property
    def needed_rounds(self) -> int:
        """How many each arm needs, as far as is known: to the look that decides, or the next."""
        return find_needed_rounds(self.study, self.first_rounds, lambda n: compare_first(self, n))

    @property
    def first_rounds(self) -> int:
        """How many rounds, from the first on, all arms have that have results."""
        return count_first_rounds([{row.round for row in arm.rows} for arm in self.arms])

    @cached_property
    def failures(self) -> list[TrainingRecord]:
        """The trainings that an error ended, which their notes tell; a new run tries them again."""
        return select_failures(self.rows)

    @property
    def failed_arms(self) -> list[str]:
        """The arms of which a training failed, in the declared order."""
        failed = {row.arm for row in self.failures}
        return [arm.name for arm in self.study.all_arms if arm.name in failed]

    def arm(self, name: str) -> ArmResult:
        """The arm of this name. Raises StudyError where it has no results."""
        for arm in self.arms:
            if arm.arm == name:
                return arm
        names = [arm.arm for arm in self.arms]
        hint, known = did_you_mean(name, names), ", ".join(names) or "none yet"
        raise StudyError(
            f"study {self.study.name}: no results of arm {name!r}; {hint}there are: {known}"
        )

    def _select_rows(self, arm: str, stage: str) -> list[TrainingRecord]:
        return [row for row in self.rows if row.arm == arm and row.stage == stage]

    def standard_error(self, arm: ArmResult) -> float | None:
        """Of an arm's mean, as the design has it: √(1/n + n_test/n_train) std.

        The second term is 0 where rounds are independent. None over one fixed split, whose spread
        says nothing of other data, and for a single round.
        """
        if isinstance(self.design, FixedSplit) or not arm.std > 0:
            return None
        return math.sqrt(1 / arm.n + self.design.test_over_train) * arm.std

    def candidates(self, arm: str) -> list[Candidate]:
        """Every candidate of an arm's search, in the order of rounds and candidates."""
        return list_candidates(self.study, self._select_rows(arm, "search"))

    def predictions(self, arm: str, r: int) -> Predictions:
        """What the arm's net of a round says of each test sample; read when it is asked for.

        Raises StudyError where none are kept: the round is not there, or diverged, or was trained
        before the study said ``keep = "predictions"``; StoreError where they are damaged.
        """
        found = {} if self.kept is None else self.kept.finals(self.arm(arm).arm)
        return choose_round(found, r, f"study {self.study.name}: arm {arm}", self.study.name)

    @cached_property
    def by_sample(self) -> SampleResult:
        """What the kept predictions say, of which there may be none."""
        design = partial(getattr, self, "design")
        looks = partial(allow_for_looks, self)
        return SampleResult(self.study, self.arms, self.predictions, design, looks)

    def data(self, r: int) -> tuple[Dataset, Dataset]:
        """(training set, test set) of a round, made anew as the study declares them."""
        return self._round_data.copy_final(r)

    @cached_property
    def _round_data(self) -> RoundData:
        from chainrule.study.round_data import RoundData

        return RoundData(self.study, "cpu")  # whoever reads need not have what trained it

    @property
    def is_complete(self) -> bool:
        """Whether every arm has all its rounds."""
        done = {arm.arm: {row.round for row in arm.rows} for arm in self.arms}
        return all(
            done.get(a.name, set()) >= {*range(self.needed_rounds)} for a in self.study.all_arms
        )

    @property
    def design(self) -> Design:
        """How the rounds came about; it decides the test.

        Read off their samples, which are made anew; as declared where that fails. Raises StudyError
        before there is a round.
        """
        return self._design_and_problem[0]

    @property
    def design_problem(self) -> str:
        """Why the design is as declared, not as seen; empty where it was seen."""
        return self._design_and_problem[1]

    @cached_property
    def _design_and_problem(self) -> tuple[Design, str]:
        """The design, and why it is the declared one."""
        if not self.arms:
            raise StudyError(f"study {self.study.name}: no round is done yet")
        arms = choose_design_arms(self)
        return read_design(self.study, arms, lambda: self._round_data, self.seen_design)

    @cached_property
    def trivial_scores(self) -> Mapping[int, float]:
        """Round → the metric of the trivial answer, as noted, or made anew: raises as that does."""
        noted = read_trivial_scores(self.arms)
        if rounds := sorted({row.round for arm in self.arms for row in arm.rows} - {*noted}):
            from chainrule.study.results.trivial import trivial_scores

            noted |= zip(rounds, trivial_scores(self._round_data, rounds), strict=True)
        return noted

    @check_arguments
    def compare(self, *, baseline: str | None = None, all_pairs: bool = False) -> Comparisons:
        """Every arm against the baseline (the declared one unless said), or all pairs.

        Over the rounds that all arms have, and about their settings where one search found them,
        which a note says; larger is better (a loss is negated). Holm's correction counts effects of
        factors too. Raises StatisticsError where there is too little to compare, StudyError where
        a round that diverged would beat one that did not (``failure_problem``).
        """
        wanted = None if all_pairs else self.study.baseline if baseline is None else baseline
        return collect_scores(self).compare(wanted)

    @cached_property
    def comparisons(self) -> Comparisons:
        """The declared ones, see :meth:`compare`."""
        return self.compare()

    def effects(self) -> Effects:
        """Main effects and interactions of the factors, as :func:`statistics.factorial_effects`.

        Holm's correction counts the declared comparisons too. Raises as :meth:`compare`.
        """
        return collect_scores(self).effects()

    @property
    def failure_problem(self) -> str:
        """What is wrong with the failure value: it is better than a value that was observed.

        Empty where it is not, or no round diverged: nothing counts as it then.
        """
        return describe_failure_value(self.study, self.arms)

    def as_rows(self) -> list[dict[str, Any]]:
        """A row an arm, as JSON data; of one without results because it failed, the error."""
        rows = failed_arm_rows(self.failures, self.study.metric_name)
        rows |= {arm.arm: arm.as_row() for arm in self.arms}
        return [rows[arm.name] for arm in self.study.all_arms if arm.name in rows]

    def to_pandas(self) -> pd.DataFrame:
        """A row an arm as a data frame. Needs ``chainrule[pandas]``."""
        return build_data_frame(self.as_rows())


def build_data_frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows as a data frame. Raises ImportError, which says what to install, without pandas."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("pandas is missing: pip install 'chainrule[pandas]'") from error
    return pd.DataFrame(rows)


def collect_scores(result: StudyResult) -> RoundScores:
    """Those of the rounds that all arms have. Raises StudyError where they are no pairs."""
    study, arms = result.study, result.common_arms
    check_same_samples(result.arms)
    if problem := result.failure_problem:
        raise StudyError(f"study {study.name}: {problem}")
    if study.sequential is not None and not result.rounds_looked_at:
        done = f"all arms have {result.first_rounds} so far"
        raise StatisticsError(f"the first look is after {study.looks[0]} rounds, {done}")
    if len(arms) > 1 and arms[0].n < 2:
        raise StatisticsError(f"a comparison takes 2 rounds that all arms have, got {arms[0].n}")
    sign = 1.0 if study.direction == "max" else -1.0
    scores = {arm.arm: [sign * value for value in arm.values] for arm in arms}
    factors = {arm.arm: arm.factors for arm in arms}
    notes = [describe_search_scope(study), *describe_later_changes(result.runs)]
    if problem := result.design_problem:
        notes.append(f"That rounds share no samples is declared, not seen: {problem}")
    if result.by_sample.rounds_share_tests:
        notes.append(ABOUT_SAMPLES if len(result.by_sample.arms) > 1 else NO_SAMPLES)
    looks = allow_for_looks(result, arms[0].n)
    return RoundScores(study, scores, factors, result.design, [*filter(None, notes)], looks)


def allow_for_looks(result: StudyResult, rounds: int) -> SequentialDesign | None:
    """The looks that a test after so many rounds must allow for; None where it is the only one."""
    return find_looks(result.study, result.looks, rounds, result.design)


def choose_design_arms(result: StudyResult) -> list[ArmResult]:
    """After a look over its rounds, so that it decides the same whatever came after."""
    return result.common_arms if result.rounds_looked_at else result.arms


def read_leaks(result: StudyResult) -> Sequence[str]:
    """A line for each way in which test samples were learned from, in the first rounds.

    As the run has noted them, or of samples made anew: raises as that does.
    """
    seen, arms = result.seen_design, choose_design_arms(result)
    if seen is not None and seen.leaks is not None and seen.samples == digest_rounds(arms):
        return seen.leaks
    from chainrule.study.sample_overlap import MAX_ROUNDS, find_leaks

    rounds = sorted({row.round for arm in result.arms for row in arm.rows})
    return find_leaks(result.study, rounds[:MAX_ROUNDS])


def see_design(result: StudyResult) -> SeenDesign | None:
    """The design, for a store to keep; None where it was not seen in samples of this result."""
    if not result.arms or result.study.data.rounds != "fresh":
        return None
    samples = digest_rounds(choose_design_arms(result))
    if result.design_problem or not samples:
        return None
    try:
        leaks = tuple(read_leaks(result))
    except Exception:  # whatever a function of the user raises
        leaks = None
    return SeenDesign(result.design, samples, leaks)


def compare_first(result: StudyResult, n: int) -> Comparisons | None:
    """The declared comparisons after the first n rounds; None where they cannot be made."""
    try:
        return replace(result, rows=[row for row in result.rows if row.round < n]).compare()
    except ValueError:
        return None


@check_arguments
def load_result(store: Store, study_id: int, *, interrupted: bool = False) -> StudyResult:
    """What a store has of a study. Raises StoreError where it is damaged or has none of this id."""
    for record in store.studies():
        if record.id == study_id:
            rows = store.rows(study_id, curves=True)
            kept = find_predictions(store, study_id, rows)
            looks = [Look.from_row(row) for row in record.declaration.get("looks", ())]
            study = read_declaration(record)
            seen = SeenDesign.from_row(record.declaration.get("design"))
            return StudyResult(study, rows, record.runs, interrupted, kept, looks, seen)
    raise StoreError("this store", f"has no study {study_id}")
