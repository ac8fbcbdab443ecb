"""Which part of a study is whose, and that the parts make the whole."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from chainrule.study import StudyError, merge_stores, run
from chainrule.study.execution.scheduling.scheduler import Scheduler
from chainrule.study.shares.missing import count_share, describe_missing_shares
from chainrule.study.shares.share import Division, Share, divides_searches, select_trainings
from chainrule.study.spec.datasets import split_datasets
from chainrule.study.store.record import TrainingKey
from tests.study.execution.killing import SHARED, Process
from tests.study.shares.studies import NamingExecutor, load, rows_of, run_share
from tests.study.small import SMALL, Study, searched, small

RATES = {"optimizer.lr": {"low": 0.001, "high": 0.3, "log": True}}
TREE: dict[str, Any] = {"method": "tpe", "candidates": 4, "batch": 2}
RACE: dict[str, Any] = {"method": "random", "candidates": 5, "race": {"min_splits": 2}}
HALVING: dict[str, Any] = {"method": "random", "candidates": 4, "halving": {"min_epochs": 1}}
FOLDS = {"split": "kfold", "folds": 4}


def each(search: dict[str, Any]) -> dict[str, Any]:
    return {**search, "each_round": True}


KINDS = {
    "no search": small(rounds=5, timing=True),
    "each round": searched(search={"method": "grid", "each_round": True}, timing=True),
    "race": small(space=RATES, search=each(RACE), selection=FOLDS),
    "halving": small(space=RATES, search=each(HALVING)),
    "tpe": small(space=RATES, search=each(TREE)),
}


def fixed(search: dict[str, Any], **changes: Any) -> Study:
    """One search before the rounds."""
    return small(space=RATES, search={**search, "each_round": False}, **changes)


ONE_SEARCH = {
    "grid": searched(selection=FOLDS, timing=True),
    "race": fixed(RACE, selection=FOLDS),
    "halving": fixed(HALVING),
    "tpe": fixed(TREE),
}


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "-1/3", ""])
def test_what_is_no_share_is_an_error_that_shows_one(text):
    with pytest.raises(StudyError, match="expected NUMBER/COUNT, from 1/COUNT on, as 3/8, got "):
        Share.parse(text)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8, 12])
@pytest.mark.parametrize("n_arms", [1, 2, 3, 4, 8])
def test_rounds_are_dealt_evenly_however_many_there_are(count, n_arms):
    study = small(arms={f"a{i}": {} for i in range(n_arms)})
    division, sizes = Division(study, count), Counter()
    for r in range(2 * count):
        for arm in study.all_arms:
            sizes[division.find_number(TrainingKey(arm.name, "final", 5, r, 0))] += 1
        dealt = [sizes[number] for number in range(1, count + 1)]
        assert max(dealt) - min(dealt) <= 1


@pytest.mark.parametrize(("count", "n_arms"), [(8, 4), (2, 8), (3, 3), (8, 7)])
def test_no_share_has_one_arm_alone(count, n_arms):
    study = small(arms={f"a{i}": {} for i in range(n_arms)}, rounds=n_arms * count)
    division = Division(study, count)
    of_first = Counter(
        arm.name
        for r in range(study.max_rounds)
        for arm in study.all_arms
        if division.find_number(TrainingKey(arm.name, "final", 0, r, 0)) == 1
    )
    assert len(of_first) == n_arms
    assert max(of_first.values()) - min(of_first.values()) <= 1


def test_more_rounds_leave_the_shares_as_they_are():
    few, many = (Division(small(rounds=n), 3) for n in (2, 40))
    for r in range(2):
        key = TrainingKey("wide", "final", 0, r, 0)
        assert few.find_number(key) == many.find_number(key)


def test_data_sets_begin_with_other_shares():
    data = {name: {"name": "disk_points", "train": 60, "test": 30} for name in "xyz"}
    whole = Study(**{k: v for k, v in SMALL.items() if k != "data"}, datasets=data)
    first = [
        Division(part, 8).find_number(TrainingKey("narrow", "final", 0, 0, 0))
        for part in split_datasets(whole).values()
    ]
    assert first == [1, 3, 5]


@pytest.mark.parametrize("study", [*KINDS.values(), *ONE_SEARCH.values()])
def test_each_training_has_one_share(study):
    wanted = [select_trainings(study, f"{i}/3", None) for i in (1, 2, 3)]
    for arm in study.all_arms:
        boards = [Scheduler(study, study.all_arms, is_wanted=of) for of in wanted]
        whole = Scheduler(study, study.all_arms)
        assert sum(board.count_total(arm) for board in boards) == whole.count_total(arm)


def test_candidates_of_one_search_are_shared_where_none_needs_to_know_of_another():
    assert [name for name, study in ONE_SEARCH.items() if divides_searches(study)] == ["grid"]


@pytest.mark.parametrize("name", KINDS)
def test_shares_that_are_merged_are_one_run_row_for_row(name, tmp_path):
    study = KINDS[name]
    for i in (1, 2, 3):
        result = run_share(study, tmp_path / f"{i}.sqlite", f"{i}/3")
        assert count_share(result, Share(i, 3)) == (len(result.rows), 0)
    merge_stores([tmp_path / f"{i}.sqlite" for i in (1, 2, 3)], tmp_path / "all.sqlite")
    whole = rows_of(run(study, executor=NamingExecutor()))
    assert rows_of(load(tmp_path / "all.sqlite")) == whole
    [again] = merge_stores([tmp_path / f"{i}.sqlite" for i in (3, 1, 2)], tmp_path / "all.sqlite")
    assert again.added == 0
    merge_stores([tmp_path / f"{i}.sqlite" for i in (3, 1)], tmp_path / "some.sqlite")
    merge_stores([tmp_path / "2.sqlite", tmp_path / "some.sqlite"], tmp_path / "other.sqlite")
    assert rows_of(load(tmp_path / "other.sqlite")) == whole


@pytest.mark.parametrize("name", ONE_SEARCH)
def test_finals_of_one_search_are_shared_when_all_of_it_is_there(name, tmp_path):
    study = ONE_SEARCH[name]
    stores, joined = [tmp_path / f"{i}.sqlite" for i in (1, 2, 3)], tmp_path / "all.sqlite"
    for i, store in enumerate(stores, 1):
        run_share(study, store, f"{i}/3", stage="search")
    merge_stores([store for store in stores if store.exists()], joined)
    assert {row.stage for row in load(joined).rows} == {"search"}
    for i, store in enumerate(stores, 1):
        merge_stores([joined], store)
        run_share(study, store, f"{i}/3", stage="final")
    merge_stores(stores, joined)
    assert rows_of(load(joined)) == rows_of(run(study, executor=NamingExecutor()))


def test_eight_shares_are_trained_as_one_run_is_bit_for_bit(tmp_path):
    study = searched(search={"method": "grid", "each_round": True}, keep="predictions")
    stores = [tmp_path / f"{i}.sqlite" for i in range(1, 9)]
    for i, store in enumerate(stores, 1):
        run(study, store=store, share=f"{i}/8")
    merge_stores([store for store in stores if store.exists()], tmp_path / "all.sqlite")
    merged, whole = load(tmp_path / "all.sqlite"), run(study)
    assert rows_of(merged) == rows_of(whole)
    assert all(row.curves for row in merged.rows)


def test_a_share_that_was_interrupted_goes_on_with_its_own(tmp_path):
    store, study, calls = tmp_path / "a.sqlite", small(rounds=9, cohort_size=1), []

    def interrupt(progress):
        calls.append(progress)
        if len(calls) == 3:
            raise KeyboardInterrupt

    first = run_share(study, store, "2/3", on_progress=interrupt)
    assert first.interrupted
    second = run_share(study, store, "2/3")
    assert len(first.rows) == 2
    assert rows_of(second) == rows_of(run_share(study, tmp_path / "b.sqlite", "2/3"))


@pytest.mark.slow
@pytest.mark.parametrize("cohorts", [0, 1, 3])
def test_shares_that_are_killed_go_on_and_are_one_run_when_merged(tmp_path, cohorts):
    stores = [tmp_path / f"{i}.sqlite" for i in (1, 2)]
    for i, store in enumerate(stores, 1):
        process = Process(store, "SHARED", share=f"{i}/2")
        try:
            process.wait_for(cohorts)
            process.kill(group=True)
        finally:
            process.end()
        assert run(SHARED, store=store, share=f"{i}/2").rows
    merge_stores(stores, tmp_path / "all.sqlite")
    assert rows_of(load(tmp_path / "all.sqlite")) == rows_of(run(SHARED))


def test_finals_that_would_wait_for_a_search_are_refused_by_name(tmp_path):
    run_share(searched(), tmp_path / "a.sqlite", "1/3", stage="search")
    message = r"does not have all of the search of arms narrow, wide; run stage search, by every"
    with pytest.raises(StudyError, match=message):
        run_share(searched(), tmp_path / "a.sqlite", "1/3", stage="final")


def test_another_stage_is_an_error():
    with pytest.raises(StudyError, match="stage: expected search or final, got 'timing'"):
        run(small(), stage="timing")


def test_a_result_of_shares_says_what_it_lacks(tmp_path):
    study = small(rounds=4)
    for i in (1, 2):
        run_share(study, tmp_path / f"{i}.sqlite", f"{i}/4")
    merge_stores([tmp_path / "1.sqlite", tmp_path / "2.sqlite"], tmp_path / "all.sqlite")
    assert describe_missing_shares(load(tmp_path / "1.sqlite")).startswith(
        "This is share 1/4 of the study; shares 2, 3 and 4 of 4 lack trainings here: "
    )
    assert describe_missing_shares(load(tmp_path / "all.sqlite")).startswith(
        "These are shares 1 and 2 of 4 of the study; shares 3 and 4 of 4 lack trainings here: "
    )
    assert describe_missing_shares(run(study, executor=NamingExecutor())) == ""


def test_rounds_until_it_is_decided_are_shared_up_to_each_look(tmp_path):
    until = {"until": "decided", "looks": [2, 4], "max": 4}
    study = small(rounds=until, baseline="narrow")
    stores, joined = [tmp_path / f"{i}.sqlite" for i in (1, 2)], tmp_path / "all.sqlite"
    for look in (2, 4):
        for i, store in enumerate(stores, 1):
            run_share(study, store, f"{i}/2")
        merge_stores(stores, joined)
        assert {row.round for row in load(joined).rows} == {*range(look)}
        for store in stores:
            merge_stores([joined], store)
    whole = run(study, executor=NamingExecutor())
    assert rows_of(load(joined)) == rows_of(whole)
    assert [look.rounds for look in load(joined).looks] == [look.rounds for look in whole.looks][:1]


def test_more_rounds_are_shared_too(tmp_path):
    stores = [tmp_path / f"{i}.sqlite" for i in (1, 2)]
    for i, store in enumerate(stores, 1):
        run_share(small(rounds=2), store, f"{i}/2")
        run_share(small(rounds=4), store, f"{i}/2", extend=True)
    merge_stores(stores, tmp_path / "all.sqlite")
    assert rows_of(load(tmp_path / "all.sqlite")) == rows_of(
        run(small(rounds=4), executor=NamingExecutor())
    )
