"""What every kind of store does."""

from __future__ import annotations

import math
import os
import random
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.study import StoreError, open_store
from chainrule.study.store.record import TrainingKey
from tests.study.store import rows as made
from tests.study.store.rows import DECLARATION, PROVENANCE, row, text


def begin(store, digest: str = "abc") -> int:
    return store.open_study("pairs", digest, DECLARATION, PROVENANCE).id


@settings(max_examples=50)
@given(st.lists(made.rows, max_size=5, unique_by=lambda row: row.key))
@pytest.mark.parametrize("kind", [":memory:", "sqlite+pysqlite://"])
def test_rows_come_back_as_they_were(kind, rows):
    with open_store(kind) as store:
        study = begin(store)
        store.add(study, rows)
        ordered = sorted(rows, key=lambda row: row.key)
        assert text(store.rows(study, curves=True)) == text(ordered)
        assert text(store.rows(study)) == text(replace(row, curves={}) for row in ordered)


def test_rows_come_back_from_another_opening_in_order(where):
    rows = [row(r, c, arm=arm) for r in (10, 2, 1) for c in (1, 0) for arm in ("mlp", "conv", "É")]
    with open_store(where) as store:
        study = begin(store)
        for one in rows:
            store.add(study, [one])
    with open_store(where, read_only=True) as store:
        again = store.rows(study, curves=True)
    assert text(again) == text(sorted(rows, key=lambda row: row.key))
    assert [r.round for r in again if r.arm == "mlp" and r.candidate == 0] == [1, 2, 10]


def test_arm_and_stage_select(store):
    study = begin(store)
    search = replace(row(arm="conv"), stage="search")
    store.add(study, [row(0), row(1), row(0, arm="conv"), search])
    assert [r.round for r in store.rows(study, arm="mlp")] == [0, 1]
    assert text(store.rows(study, arm="conv", stage="search", curves=True)) == text([search])
    assert store.rows(study, stage="timing") == []


def test_the_first_row_of_a_key_stays(store):
    study = begin(store)
    first, other = row(3), replace(row(3, epochs=2), note="another")
    store.add(study, [first, other])
    store.add(study, [other, row(4)])
    assert text(store.rows(study, curves=True)) == text([first, row(4)])


def test_a_study_that_is_entered_with_rows_is_there_with_all_of_them_or_not_at_all(store):
    with pytest.raises(ValueError, match="cannot be stored"):
        store.open_study(
            "pairs", "abc", DECLARATION, PROVENANCE, [row(0), replace(row(1), note=object())]
        )
    assert store.studies() == []
    record = store.open_study("pairs", "abc", DECLARATION, PROVENANCE, [row(0), row(1)])
    assert record.trainings == 2
    assert store.studies() == [record]
    assert text(store.rows(record.id, curves=True)) == text([row(0), row(1)])


def test_an_extension_comes_with_its_first_rows_or_not_at_all(store):
    study = begin(store)
    store.add(study, [row(0)])
    before = store.studies()
    with pytest.raises(ValueError, match="cannot be stored"):
        store.update(study, {}, {}, digest="def", rows=[replace(row(1), note=object())])
    assert store.studies() == before
    assert store.update(study, {}, {}, digest="def", rows=[row(1)]).trainings == 2


def test_a_removed_study_is_gone_with_its_rows_and_the_others_are_as_they_were(store):
    first, second = begin(store), begin(store, "def")
    for study in (first, second):
        store.add(study, [row(0), row(1)])
    store.remove(first)
    assert [record.id for record in store.studies()] == [second]
    assert text(store.rows(second, curves=True)) == text([row(0), row(1)])
    with pytest.raises(StoreError, match=f"has no study {first}"):
        store.remove(first)
    store.add(begin(store), [row(5)])
    assert len(store.studies()) == 2


def test_keys_are_those_of_the_rows(store):
    study = begin(store)
    store.add(study, [row(0), row(1, 2, epochs=0)])
    assert store.keys(study) == {
        TrainingKey("mlp", "final", 0, 0, -1),
        TrainingKey("mlp", "final", 2, 1, -1),
    }


def test_nothing_is_added_by_nothing(store):
    study = begin(store)
    store.add(study, [])
    assert store.rows(study) == []


def test_a_study_is_known_by_its_digest(store):
    assert store.find("abc") is None
    record = store.open_study("pairs", "abc", DECLARATION, PROVENANCE)
    assert store.open_study("other", "abc", {}, {}) == record == store.find("abc")
    assert (record.name, record.digest) == ("pairs", "abc")
    assert (record.declaration, record.provenance) == (DECLARATION, PROVENANCE)
    age = datetime.now(UTC) - datetime.fromisoformat(record.created)
    assert abs(age.total_seconds()) < 60


def test_studies_share_a_store_and_no_rows(store):
    first, second = begin(store), begin(store, "def")
    store.add(first, [row(0)])
    store.add(second, [row(0), row(1)])
    assert [record.digest for record in store.studies()] == ["abc", "def"]
    assert [len(store.rows(study)) for study in (first, second)] == [1, 2]


def test_an_extended_study_keeps_rows_and_every_provenance(store):
    study = begin(store)
    store.add(study, [row(0)])
    store.update(study, {"rounds": 9}, {"commit": "f00"}, digest="def")
    record = store.add_run(study, {"commit": "f01"})
    assert record == store.find("def") == store.studies()[0]
    assert store.find("abc") is None
    assert record.declaration == {"rounds": 9}
    assert record.runs == [PROVENANCE, {"commit": "f00"}, {"commit": "f01"}]
    assert record.provenance == PROVENANCE
    assert text(store.rows(study, curves=True)) == text([row(0)])


def test_the_run_that_began_a_study_is_kept_once(store):
    study = begin(store)
    assert store.add_run(study, PROVENANCE).runs == [PROVENANCE]


def test_the_digest_of_another_study_is_refused(store):
    begin(store, "def")
    study = begin(store)
    with pytest.raises(StoreError, match="another study has the digest def"):
        store.update(study, {}, {}, digest="def")
    assert store.update(study, {}, {}, digest="abc").declaration == {}


def test_a_study_that_is_not_there_is_an_error(store):
    for attempt in (
        lambda: store.rows(7),
        lambda: store.add(7, [row()]),
        lambda: store.add_run(7, {}),
        lambda: store.update(7, {}, {}),
    ):
        with pytest.raises(StoreError, match="has no study 7"):
            attempt()


def test_what_is_no_json_is_refused_by_name_and_nothing_is_added(store):
    study = begin(store)
    bad = replace(row(1), setting={"lr": object()})
    with pytest.raises(ValueError, match=r"the row \('mlp', 'final', 0, 1, -1\) cannot be stored"):
        store.add(study, [row(0), bad])
    assert store.rows(study) == []


def test_an_error_within_a_writing_leaves_what_was(store, monkeypatch):
    study = begin(store)
    store.add(study, [row(0)])
    monkeypatch.setattr(store, "_write_study", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.add(study, [row(1)])
    monkeypatch.undo()
    store.add(study, [row(2)])
    assert text(store.rows(study, curves=True)) == text([row(0), row(2)])


def test_a_reader_changes_nothing(where):
    with open_store(where) as store:
        study = begin(store)
    with open_store(where, read_only=True) as store:
        with pytest.raises(StoreError, match="open for reading only"):
            store.add(study, [row()])
        assert store.rows(study) == []


def test_a_closed_store_is_an_error_and_closes_again(where):
    store = open_store(where)
    study = begin(store)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="cannot be used"):
        store.rows(study)


def test_a_second_runner_is_told_of_the_first(where):
    named = f"process {os.getpid()} on {socket.gethostname()} runs studies on it"
    with open_store(where) as one, open_store(where) as two:
        with one.run_lock():
            for other in (one, two):
                with pytest.raises(StoreError, match=named), other.run_lock():
                    pass
        with two.run_lock():
            begin(two)


def test_who_looks_is_told_who_runs(where):
    with open_store(where) as store:
        begin(store)
        with open_store(where, read_only=True) as viewer:
            assert viewer.run_holder() == ""
            with store.run_lock():
                assert viewer.run_holder() == f"{os.getpid()} on {socket.gethostname()}"
            assert viewer.run_holder() == ""


def test_a_store_in_memory_runs_at_once():
    with open_store(":memory:") as store, store.run_lock():
        begin(store)
        assert store.run_holder() == ""


def test_curves_may_be_arrays(store):
    study = begin(store)
    curves = {"a": np.float32([0.5, math.nan]), "b": torch.tensor([1.5]), "c": (2, 3)}
    store.add(study, [replace(row(), curves=curves)])
    [again] = store.rows(study, curves=True)
    assert repr(again.curves) == "{'a': [0.5, nan], 'b': [1.5], 'c': [2.0, 3.0]}"


def test_any_mapping_may_be_a_setting(store):
    study = begin(store)
    store.add(study, [replace(row(), setting=MappingProxyType({"lr": 0.5}))])
    assert store.rows(study)[0].setting == {"lr": 0.5}


@pytest.mark.slow  # a promise for a machine that is not busy with other tests
def test_reading_and_writing_are_quick(tmp_path):
    curves = {name: [random.random() for _ in range(25)] for name in "abcd"}
    with open_store(tmp_path / "s") as store:
        study = begin(store)
        times = []
        for r in range(210):
            rows = [replace(row(r, c), curves=curves) for c in range(48)]
            start = time.process_time()
            store.add(study, rows)
            times.append(time.process_time() - start)
        start = time.process_time()
        assert len(store.rows(study)) == 10080
        assert time.process_time() - start < 3  # 0.6 on a quiet machine, without coverage
    assert sorted(times)[105] < 0.02
