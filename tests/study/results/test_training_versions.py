"""Rows of an earlier chainrule that trained otherwise are told, wherever more is added to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chainrule._util import notices
from chainrule.study import merge_stores, open_store, run
from chainrule.study.results import training_versions
from chainrule.study.results.study_result import load_result
from chainrule.study.results.training_versions import TRAINING_VERSION, describe_mixed_rows
from tests.study.small import small

STOPPING = small(rounds=1, early_stopping={"patience": 1, "fraction": 0.3})
SINCE = (
    "since then one that ends before others of its cohort has its own epochs, curves and train_… "
    "numbers"
)


def age(path, version=0):
    """Let the first study of a store be of an earlier chainrule, as its rows and runs say."""
    with open_store(path) as store:
        record = store.studies()[0]
        rows = store.rows(record.id, curves=True)
        store.remove(record.id)
        said = {**record.provenance, "versions": {"chainrule": "0.0.9"}, "commit": "0123456789ab"}
        if version:
            said["training_version"] = version
        else:
            del said["training_version"]
        old = [replace(row, training_version=version) for row in rows]
        store.open_study(record.name, record.digest, record.declaration, said, old)


@pytest.fixture
def told(capsys):
    """What is said from here on."""
    notices.print_once.cache_clear()
    return lambda: capsys.readouterr().err


def test_a_row_and_its_run_keep_the_version(tmp_path):
    result = run(STOPPING, store=tmp_path / "a.sqlite")
    with open_store(tmp_path / "a.sqlite", read_only=True) as store:
        stored = load_result(store, 1)
    assert {row.training_version for row in [*result.rows, *stored.rows]} == {TRAINING_VERSION}
    assert stored.runs[0]["training_version"] == TRAINING_VERSION


def test_going_on_with_old_rows_is_told_with_their_version_and_what_changed(tmp_path, told):
    store = tmp_path / "a.sqlite"
    run(STOPPING, store=store)
    age(store)
    run(STOPPING, store=store)  # nothing is left: nothing is mixed
    assert "trained otherwise" not in told()
    run(STOPPING.with_overrides(rounds=2), store=store, extend=True)
    line = (
        f"chainrule: 2 trainings of small may have other numbers than now, for chainrule 0.0.9 "
        f"(01234567) trained otherwise: {SINCE}; they stay: another --store has all of one kind\n"
    )
    assert line in told()


def test_rows_that_no_change_touches_are_not_told(tmp_path, told):
    store = tmp_path / "a.sqlite"
    run(small(rounds=1), store=store)
    age(store)
    run(small(rounds=2), store=store, extend=True)
    assert "otherwise" not in told()


def test_a_later_change_of_what_trainings_give_is_told_of_rows_before_it(
    tmp_path, told, monkeypatch
):
    store = tmp_path / "a.sqlite"
    run(small(rounds=1), store=store)
    later = training_versions.TrainingChange("all is new", lambda arm, row: True)
    monkeypatch.setattr(training_versions, "CHANGES", [*training_versions.CHANGES, later])
    monkeypatch.setattr(training_versions, "TRAINING_VERSION", TRAINING_VERSION + 1)
    run(small(rounds=2), store=store, extend=True)
    assert "trained otherwise: since then all is new; they stay" in told()


def test_shares_of_several_versions_are_told_when_they_are_merged(tmp_path):
    shares = [tmp_path / f"{i}.sqlite" for i in (1, 2)]
    for i, store in enumerate(shares, 1):
        run(STOPPING.with_overrides(rounds=2), store=store, share=f"{i}/2")
    age(shares[0])
    merge_stores(shares, tmp_path / "all.sqlite")
    with open_store(tmp_path / "all.sqlite", read_only=True) as store:
        result = load_result(store, 1)
    assert describe_mixed_rows(result).startswith("2 trainings of small may have other numbers")
    assert describe_mixed_rows(replace(result, rows=result.rows[:1])) == ""
