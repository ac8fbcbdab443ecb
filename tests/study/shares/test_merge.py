"""Stores become one: what is kept, and what is refused before anything is written."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import replace

import pytest

from chainrule.study import StoreError, StudyError, merge_stores, open_store, run
from chainrule.study.spec.datasets import split_datasets
from tests.study.shares.studies import load, run_share
from tests.study.small import SMALL, Study, small
from tests.study.store.rows import text

STUDY = small(rounds=4)


@pytest.fixture
def shares(tmp_path):
    """The stores of two shares."""
    paths = [tmp_path / "a.sqlite", tmp_path / "b.sqlite"]
    for i, path in enumerate(paths, 1):
        run_share(STUDY, path, f"{i}/2")
    return paths


def digests(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.sqlite")
    }


def change(path, statement, *values):
    connection = sqlite3.connect(path)
    connection.execute(statement, values)
    connection.commit()
    connection.close()


def test_it_counts_what_it_did_and_again_changes_nothing(shares, tmp_path):
    [study] = merge_stores(shares, tmp_path / "all.sqlite")
    assert (study.name, study.trainings, study.added, study.known) == ("small", 8, 8, 0)
    before = load(tmp_path / "all.sqlite")
    [again] = merge_stores(shares, tmp_path / "all.sqlite")
    assert (again.trainings, again.added, again.known, again.different) == (8, 0, 8, 0)
    after = load(tmp_path / "all.sqlite")
    assert (text(before.rows), before.runs) == (text(after.rows), after.runs)


def test_the_stores_that_are_read_stay_as_they_are(shares, tmp_path):
    before = digests(tmp_path)
    merge_stores(shares, tmp_path / "all.sqlite")
    assert {name: digests(tmp_path)[name] for name in before} == before


def test_the_provenance_of_all_runs_comes_along(shares, tmp_path):
    merge_stores(shares, tmp_path / "all.sqlite")
    assert [one["share"] for one in load(tmp_path / "all.sqlite").runs] == ["1/2", "2/2"]


def test_a_store_that_is_there_gets_what_it_lacks_and_may_be_named_twice(shares):
    [study] = merge_stores(shares, shares[0])
    assert (study.trainings, study.added) == (8, 4)
    assert load(shares[0]).is_complete


def test_predictions_and_curves_come_along(tmp_path):
    study = small(rounds=2, keep="predictions")
    run(study, store=tmp_path / "a.sqlite", share="1/2")
    run(study, store=tmp_path / "b.sqlite", share="2/2")
    merge_stores([tmp_path / "a.sqlite", tmp_path / "b.sqlite"], tmp_path / "all.sqlite")
    merged, whole = load(tmp_path / "all.sqlite"), run(study)
    assert [row.predictions_digest for row in merged.rows] == [
        row.predictions_digest for row in whole.rows
    ]
    with open_store(tmp_path / "all.sqlite", read_only=True) as store:
        assert len(store.predictions(1)) == 4
    assert [row.curves for row in merged.rows] == [row.curves for row in whole.rows]


def test_of_two_rows_the_first_stays_and_others_numbers_are_counted(shares, tmp_path):
    run_share(STUDY, tmp_path / "c.sqlite", "1/1")
    with open_store(tmp_path / "c.sqlite") as store:
        [record] = store.studies()
        rows = store.rows(record.id)
        store.remove(record.id)
        rows[0] = replace(rows[0], metrics={"accuracy": 0.123})
        digest, declared = record.digest, record.declaration
        store.open_study(record.name, digest, declared, record.provenance, rows)
    [study] = merge_stores([*shares, tmp_path / "c.sqlite"], tmp_path / "all.sqlite")
    assert (study.trainings, study.known, study.different) == (8, 8, 1)
    assert 0.123 not in [row.metrics["accuracy"] for row in load(tmp_path / "all.sqlite").rows]


@pytest.mark.parametrize("first", ["failed", "done"])
def test_a_row_that_failed_gives_way_to_one_that_did_not(shares, tmp_path, first):
    with open_store(shares[0]) as store:
        [record] = store.studies()
        rows = store.rows(record.id)
        store.remove(record.id)
        failed = [replace(row, status="failed", metrics={}) for row in rows]
        digest, declared = record.digest, record.declaration
        store.open_study(record.name, digest, declared, record.provenance, failed)
    run_share(STUDY, tmp_path / "c.sqlite", "1/2")
    order = [shares[0], tmp_path / "c.sqlite"]
    merge_stores(order if first == "failed" else order[::-1], tmp_path / "all.sqlite")
    assert [row.status for row in load(tmp_path / "all.sqlite").rows] == ["done"] * 4


def test_a_damaged_store_is_named_and_nothing_is_written(shares, tmp_path):
    change(shares[1], "UPDATE training SET content = replace(content, 'done', 'gone')")
    before = digests(tmp_path)
    with pytest.raises(StoreError, match=r"b\.sqlite: is damaged: the row"):
        merge_stores(shares, tmp_path / "all.sqlite")
    assert digests(tmp_path) == before


def test_damaged_curves_are_seen_before_anything_is_written(tmp_path):
    for i, name in enumerate("ab", 1):
        run(small(rounds=2), store=tmp_path / f"{name}.sqlite", share=f"{i}/2")
    change(tmp_path / "b.sqlite", "UPDATE curve SET data = zeroblob(8)")
    with pytest.raises(StoreError, match=r"b\.sqlite: is damaged: the curves"):
        merge_stores([tmp_path / "a.sqlite", tmp_path / "b.sqlite"], tmp_path / "all.sqlite")
    assert not (tmp_path / "all.sqlite").exists()


def test_another_form_of_the_study_is_named_with_what_differs(shares, tmp_path):
    run_share(small(rounds=4, epochs=5), tmp_path / "c.sqlite", "1/2")
    message = r"c\.sqlite: has small in another form than .*a\.sqlite \(epochs: 2 → 5\)"
    with pytest.raises(StudyError, match=message):
        merge_stores([*shares, tmp_path / "c.sqlite"], tmp_path / "all.sqlite")
    assert not (tmp_path / "all.sqlite").exists()


def test_a_store_of_another_study_is_named(shares, tmp_path):
    run_share(small(name="other"), tmp_path / "c.sqlite", "1/2")
    with pytest.raises(StudyError, match=r"c\.sqlite: has other, and not small: it is no share"):
        merge_stores([*shares, tmp_path / "c.sqlite"], tmp_path / "all.sqlite")


def test_what_is_no_store_or_not_there_is_named(shares, tmp_path):
    (tmp_path / "c.sqlite").write_text("a text")
    with pytest.raises(StoreError, match=r"c\.sqlite: is not a store"):
        merge_stores([*shares, tmp_path / "c.sqlite"], tmp_path / "all.sqlite")
    with pytest.raises(FileNotFoundError, match=r"there is no store: .*d\.sqlite"):
        merge_stores([*shares, tmp_path / "d.sqlite"], tmp_path / "all.sqlite")


def test_what_is_declared_otherwise_and_decides_a_conclusion_is_said(shares, tmp_path):
    run_share(small(rounds=4, rope=0.02), tmp_path / "c.sqlite", "1/2")
    [study] = merge_stores([*shares, tmp_path / "c.sqlite"], tmp_path / "all.sqlite")
    assert study.changes == {str(tmp_path / "c.sqlite"): {"rope": [None, 0.02]}}
    assert load(tmp_path / "all.sqlite").study.rope is None


def test_data_sets_of_one_study_may_be_begun_in_different_stores(tmp_path):
    data = {name: {"name": "disk_points", "train": 60, "test": 30} for name in "xy"}
    whole = Study(**{k: v for k, v in SMALL.items() if k != "data"}, datasets=data)
    for part in split_datasets(whole).values():
        run_share(part, tmp_path / f"{part.part_of.dataset}.sqlite", "1/1")
    merged = merge_stores(sorted(tmp_path.glob("?.sqlite")), tmp_path / "all.sqlite")
    assert [(study.name, study.added) for study in merged] == [("small.x", 6), ("small.y", 6)]
