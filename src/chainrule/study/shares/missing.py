"""What a result lacks of its study, by the shares that would have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from chainrule.study.results.study_result import StudyResult
from chainrule.study.search.arm_search import ArmSearch
from chainrule.study.search.candidates import count_candidates
from chainrule.study.shares.share import Division, RunStage, Share, select_trainings
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.store.record import SEARCH_ROUND, TrainingKey, TrainingRecord

__all__ = ["count_missing", "count_share", "describe_missing_shares", "find_shares", "name_shares"]


def find_shares(result: StudyResult) -> list[Share]:
    """The shares whose runs made these rows; none where they were not made by share.

    Where a study was divided twice, those of the last division.
    """
    found = [Share.parse(run["share"]) for run in result.runs if run.get("share")]
    return sorted(
        {share for share in found if share.count == found[-1].count}, key=lambda s: s.number
    )


def count_missing(result: StudyResult, count: int) -> dict[int, int]:
    """Share, by its number → how many of its trainings are not there; of ``count`` shares.

    As far as is known: of a search in each round and of a race, the final trainings alone.
    """
    division = Division(result.study, count)
    missing = Counter(division.find_number(key) for key in list_missing_trainings(result))
    return dict(sorted(missing.items()))


def count_share(
    result: StudyResult, share: Share, stage: RunStage | None = None
) -> tuple[int, int]:
    """(how many trainings of a share are there, how many are not, as far as is known).

    Of those of one ``stage``, if given.
    """
    is_wanted = select_trainings(result.study, str(share), stage)
    keys = {row.key for row in result.rows if row.status != "failed"}
    missing = list_missing_trainings(result)
    return sum(map(is_wanted, keys)), sum(map(is_wanted, missing))


def list_missing_trainings(result: StudyResult) -> Iterator[TrainingKey]:
    """What names the trainings that are not there; a final one of any candidate has candidate 0."""
    rows: dict[str, list[TrainingRecord]] = {arm.name: [] for arm in result.study.all_arms}
    for row in result.rows:
        if row.status != "failed":
            rows[row.arm].append(row)
    for arm in result.study.all_arms:
        finals = {row.round for row in rows[arm.name] if row.stage == "final"}
        for r in range(result.needed_rounds):
            if r not in finals:
                yield TrainingKey(arm.name, "final", 0, r, 0)
        if arm.space and not finals and not result.study.searches_each_round:
            yield from list_missing_search(result, arm, rows[arm.name])


def list_missing_search(
    result: StudyResult, arm: Arm, rows: list[TrainingRecord]
) -> Iterator[TrainingKey]:
    """The same of an arm's one search."""
    study = result.study
    done = {row.key for row in rows if row.stage == "search"}
    if study.search.race is not None or study.search.halving is not None:
        search = ArmSearch(study, arm, SEARCH_ROUND)
        for row in rows:
            if row.stage == "search":
                search.add(row)
        search.advance()
        if search.is_over:
            return
    for c in range(count_candidates(study, arm)):
        for f in range(study.selection.splits):
            key = TrainingKey(arm.name, "search", c, SEARCH_ROUND, f)
            if key not in done:
                yield key


def describe_missing_shares(*results: StudyResult) -> str:
    """Of which shares a store is, and which lack something there; of each data set a result.

    Empty where all is there, and where nothing was shared.
    """
    shares = sorted({share for result in results for share in find_shares(result)}, key=str)
    open_results = [result for result in results if not result.is_complete]
    if not shares or not open_results:
        return ""
    count = shares[-1].count
    here = sorted(share.number for share in shares if share.count == count)
    missing = sorted({n for result in open_results for n in count_missing(result, count)})
    if not missing:
        return ""
    return (
        f"{'This is' if len(here) == 1 else 'These are'} {name_shares(here, count)} of the study; "
        f"{name_shares(missing, count)} "
        f"{'lacks' if len(missing) == 1 else 'lack'} trainings here: run what is not run, then "
        "chainrule merge STORE … -o ALL.sqlite."
    )


def name_shares(numbers: list[int], count: int) -> str:
    """``share 3/8``, ``shares 1, 2 and 5 of 8``, ``all 8 shares``."""
    if len(numbers) == 1:
        return f"share {numbers[0]}/{count}"
    if len(numbers) == count:
        return f"all {count} shares"
    *some, last = map(str, numbers)
    return f"shares {', '.join(some)} and {last} of {count}"
