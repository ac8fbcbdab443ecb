"""The samples that rows were made with: the same for all arms of a round, and those made again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chainrule.statistics import FinitePool, FixedSplit, FreshData, PartialResplits, Resplits
from chainrule.study import (
    StudyError,
    StudyResult,
    TrainingRecord,
    load_result,
    open_store,
    run,
)
from chainrule.study.results.round_design import SeenDesign
from chainrule.study.results.study_result import read_leaks
from chainrule.study.round_data import RoundData
from tests.study.small import lasting, searched, small


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return run(searched(search={"method": "grid"}))


def change_samples(row: TrainingRecord, digest: str) -> TrainingRecord:
    return replace(row, samples={**row.samples, "judged": digest})


def test_every_row_has_digests_of_its_samples(result):
    seen: dict[tuple, set] = {}
    for row in result.rows:
        assert {*row.samples} == {"learned", "judged"}
        stage = "search" if row.stage == "search" else "final"
        seen.setdefault((stage, row.round), set()).add(
            (row.samples["learned"], row.samples["judged"])
        )
    assert all(len(digests) == 1 for digests in seen.values())  # of both arms and all candidates
    assert len(set.union(*seen.values())) == len(seen) == 2 * 3


def test_they_are_those_of_the_samples_made_again(result):
    assert result.design == FreshData()
    assert not any("declared, not seen" in note for note in result.compare().notes)


def test_a_store_keeps_them(tmp_path):
    study = small()
    made = run(study, store=tmp_path / "s.sqlite")
    with open_store(tmp_path / "s.sqlite", read_only=True) as store:
        rows = store.rows(1)
    assert [row.samples for row in lasting(rows)] == [row.samples for row in lasting(made.rows)]


def test_other_samples_than_those_that_were_used_are_said(result):
    rows = [
        change_samples(row, "0" * 24) if row.stage == "final" and row.round == 1 else row
        for row in result.rows
    ]
    found = StudyResult(result.study, rows).compare()
    assert found.notes[-1] == (
        "That rounds share no samples is declared, not seen: the samples of round 1, made again, "
        "are not those that were used"
    )


def test_one_split_is_known_by_its_digests_alone(result):
    rows = [
        replace(row, samples={"learned": "a", "judged": "b"}) if row.stage == "final" else row
        for row in result.rows
    ]
    assert StudyResult(result.study, rows).design == FixedSplit()


def test_arms_that_had_different_samples_are_not_compared(result):
    rows = [
        change_samples(row, "0" * 24) if (row.arm, row.stage) == ("wide", "final") else row
        for row in result.rows
    ]
    with pytest.raises(StudyError, match="round 0: arms narrow and wide had different samples"):
        StudyResult(result.study, rows).compare()


def test_rows_of_before_have_none_and_are_compared(result):
    rows = [replace(row, samples={}) for row in result.rows]
    found = StudyResult(result.study, rows).compare()
    assert found.comparisons == result.compare().comparisons


def fail_to_make_samples(*_):
    raise AssertionError("samples are made again")


@pytest.fixture
def stored(tmp_path):
    """A finished study of samples that may be drawn again, loaded from its store."""
    path = tmp_path / "s.sqlite"
    run(small(data={"name": "tests.study.test_sample_overlap:pool"}), store=path)
    return path


def load(path):
    with open_store(path, read_only=True) as store:
        return load_result(store, 1)


def test_what_rounds_share_is_kept_and_read_without_making_samples_again(stored, monkeypatch):
    made_again = replace(load(stored), seen_design=None).design
    monkeypatch.setattr(RoundData, "raw_round", fail_to_make_samples)
    result = load(stored)
    assert isinstance(result.design, FinitePool)
    assert result.design == made_again
    assert result.design_problem == ""
    assert list(read_leaks(result)) == []


def test_what_was_seen_of_other_samples_does_not_count(stored, monkeypatch):
    result = load(stored)
    monkeypatch.setattr(RoundData, "raw_round", fail_to_make_samples)
    fewer = replace(result, rows=[row for row in result.rows if row.round < 2])
    assert "made again" in fewer.design_problem


@pytest.mark.parametrize(
    "design",
    [FinitePool(30, 0.5, 0.2), FixedSplit(), FreshData(), PartialResplits(0.3), Resplits(3, 7)],
)
@pytest.mark.parametrize("leaks", [None, (), ("3 of 4",)])
def test_a_design_that_was_kept_is_read_as_it_was(design, leaks):
    seen = SeenDesign(design, "abc", leaks)
    assert SeenDesign.from_row(json.loads(json.dumps(seen.as_row()))) == seen


@pytest.mark.parametrize(
    "row", [None, {}, {"of": "a", "kind": "Other"}, {"of": "a", "kind": "Resplits", "n_test": 0}]
)
def test_what_is_no_design_is_none(row):
    assert SeenDesign.from_row(row) is None
