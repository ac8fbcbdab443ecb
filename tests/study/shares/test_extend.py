"""Stores of a study with more rounds or arms: what merge makes of them and of what was there."""

from __future__ import annotations

import itertools

import pytest

from chainrule.study import StudyError, merge_stores, open_store, run
from tests.study.shares.studies import NamingExecutor, load, rows_of, run_share
from tests.study.small import SMALL, small
from tests.study.store.rows import text

TWO, FOUR = small(rounds=2), small(rounds=4)
THIRD = small(rounds=4, arms={**SMALL["arms"], "third": {"net": {"hidden": 5}}})


@pytest.fixture
def stores(tmp_path):
    """Two shares of two rounds."""
    paths = [tmp_path / "1.sqlite", tmp_path / "2.sqlite"]
    for i, path in enumerate(paths, 1):
        run_share(TWO, path, f"{i}/2")
    return paths


def extend(study, stores):
    for i, path in enumerate(stores, 1):
        run_share(study, path, f"{i}/2", extend=True)


def test_a_merged_store_gets_the_rounds_that_its_shares_were_given(stores, tmp_path):
    merged = tmp_path / "all.sqlite"
    merge_stores(stores, merged)
    extend(FOUR, stores)
    [study] = merge_stores(stores, merged)
    assert (study.trainings, study.added, study.known) == (8, 4, 4)
    assert study.extended == "2 arms x 2 rounds"
    assert study.digest == FOUR.digest
    result = load(merged)
    assert result.is_complete
    assert rows_of(result) == rows_of(run(FOUR, executor=NamingExecutor()))


def test_and_its_arms_too_step_by_step(stores, tmp_path):
    merged = tmp_path / "all.sqlite"
    for study in (TWO, FOUR, THIRD):
        extend(study, stores)
        merge_stores(stores, merged)
    whole = run(THIRD, executor=NamingExecutor())
    assert {row.key for row in load(merged).rows} == {row.key for row in whole.rows}
    assert rows_of(load(merged)) == rows_of(whole)


def test_merged_again_it_stays_as_it_is(stores, tmp_path):
    merged = tmp_path / "all.sqlite"
    merge_stores(stores, merged)
    extend(FOUR, stores)
    merge_stores(stores, merged)
    before = load(merged)
    [again] = merge_stores(stores, merged)
    assert (again.added, again.known, again.different, again.extended) == (0, 8, 0, "")
    after = load(merged)
    assert text(before.rows) == text(after.rows)
    assert (before.runs, before.looks) == (after.runs, after.looks)


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
def test_stores_of_few_and_of_many_rounds_merge_in_any_order(stores, tmp_path, order):
    run_share(FOUR, stores[0], "1/2", extend=True)
    run_share(FOUR, tmp_path / "3.sqlite", "2/2")  # begun with all of them
    given = [*stores, tmp_path / "3.sqlite"]
    [study] = merge_stores([given[i] for i in order], tmp_path / "all.sqlite")
    assert (study.trainings, study.digest) == (8, FOUR.digest)
    assert rows_of(load(tmp_path / "all.sqlite")) == rows_of(run(FOUR, executor=NamingExecutor()))


def test_a_share_of_fewer_rounds_gets_what_is_merged(stores, tmp_path):
    run_share(FOUR, tmp_path / "all.sqlite", "1/1")
    [study] = merge_stores([tmp_path / "all.sqlite"], stores[0])
    assert (study.digest, study.trainings) == (FOUR.digest, 8)
    assert run_share(FOUR, stores[0], "1/2").is_complete


def test_what_was_said_first_of_how_it_is_compared_stays_and_the_change_is_kept(stores, tmp_path):
    merged = tmp_path / "all.sqlite"
    merge_stores(stores, merged)
    run_share(small(rounds=4, rope=0.02), tmp_path / "3.sqlite", "1/1")
    [study] = merge_stores([tmp_path / "3.sqlite"], merged)
    assert study.changes == {str(tmp_path / "3.sqlite"): {"rope": [None, 0.02]}}
    result = load(merged)
    assert (result.study.rope, result.study.max_rounds) == (None, 4)
    changes = [run["changes"] for run in result.runs if "changes" in run]
    assert changes == [{"rounds": [[2], [4]]}]


def test_that_it_was_looked_at_before_it_got_more_rounds_is_not_forgotten(stores, tmp_path):
    merged = tmp_path / "all.sqlite"
    merge_stores(stores, merged)
    assert not load(merged).looks
    run_share(FOUR, tmp_path / "3.sqlite", "1/1")
    merge_stores([tmp_path / "3.sqlite"], merged)
    run_share(TWO, tmp_path / "b.sqlite", "1/1")
    one = run_share(FOUR, tmp_path / "b.sqlite", "1/1", extend=True)
    looks = [look.rounds for look in load(merged).looks]
    assert looks == [look.rounds for look in one.looks]
    assert 2 in looks


def test_two_forms_that_are_no_part_of_each_other_are_refused(stores, tmp_path):
    fourth = small(rounds=2, arms={**SMALL["arms"], "fourth": {}})
    run_share(fourth, tmp_path / "3.sqlite", "1/1")
    run_share(FOUR, stores[0], "1/2", extend=True)
    with pytest.raises(StudyError, match=r"3\.sqlite: has small in another form than .*1\.sqlite"):
        merge_stores([*stores, tmp_path / "3.sqlite"], tmp_path / "all.sqlite")
    assert not (tmp_path / "all.sqlite").exists()


def test_predictions_and_curves_of_new_rounds_come_along(tmp_path):
    few, more = (small(rounds=n, keep="predictions") for n in (1, 2))
    run(few, store=tmp_path / "a.sqlite")
    run(more, store=tmp_path / "b.sqlite")
    merge_stores([tmp_path / "b.sqlite"], tmp_path / "a.sqlite")
    with open_store(tmp_path / "a.sqlite", read_only=True) as store:
        [record] = store.studies()
        assert len(store.predictions(record.id)) == 4
        assert all(row.curves for row in store.rows(record.id, curves=True))
