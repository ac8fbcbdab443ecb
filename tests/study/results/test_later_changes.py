"""What is declared later is kept beside what was declared before."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest

from chainrule.report import render_page, results_table, verdict_sentences
from chainrule.study import Study, StudyResult, open_store, run
from chainrule.study.results.later_changes import describe_later_changes
from chainrule.study.results.study_result import load_result
from chainrule.study.spec.digests import digest_declaration
from tests.study.small import small


def look(path) -> StudyResult:
    with open_store(path, read_only=True) as store:
        return load_result(store, 1)


@pytest.fixture
def store(tmp_path):
    """A study whose rope was changed twice, and whose rounds and baseline once."""
    path = tmp_path / "s.sqlite"
    run(small(rope=0.01, baseline="narrow"), store=path)
    run(small(rope=0.02, baseline="narrow"), store=path)
    run(small(rope=None, baseline="wide", rounds=4), store=path, extend=True)
    return path


def test_each_change_is_a_line_with_its_date(store):
    rounds, baseline, rope = describe_later_changes(look(store).runs)
    date = r"\d{4}-\d\d-\d\d \d\d:\d\d"
    for said, wanted in (
        (rounds, f"The number of rounds was 3 when the study began \\({date}\\), 4 from {date}\\."),
        (baseline, f"The baseline was narrow .*, wide from {date}\\."),
        (rope, f"The rope was 0.01 .*, 0.02 from {date}, not declared from {date}\\."),
    ):
        assert re.fullmatch(wanted, said), said


def test_it_stands_beside_every_result(store):
    result = look(store)
    rope = describe_later_changes(result.runs)[-1]
    assert rope in result.compare().notes
    assert rope in results_table(result).footnotes()
    assert rope in verdict_sentences(result, result.compare())
    assert rope in render_page(result)


def test_the_same_declaration_again_changes_nothing(tmp_path):
    path = tmp_path / "s.sqlite"
    for _ in range(2):
        run(small(rope=0.01), store=path)
    assert describe_later_changes(look(path).runs) == []


def test_a_change_back_is_a_change(tmp_path):
    path = tmp_path / "s.sqlite"
    for rope in (0.01, 0.02, 0.01):
        run(small(rope=rope), store=path)
    assert describe_later_changes(look(path).runs)[0].count(" from ") == 2


def test_what_failed_counts_may_not_be_chosen_afterwards_in_silence(tmp_path):
    path = tmp_path / "s.sqlite"
    for value in (0.0, 0.4):
        run(small(failure_value=value), store=path)
    assert (
        "The failure value was 0.0 when the study began"
        in describe_later_changes(look(path).runs)[0]
    )


def test_runs_of_before_say_nothing():
    assert describe_later_changes([{"time": "2026-01-01T00:00:00+00:00"}, {}]) == []


def test_comparisons_that_were_not_declared_are_said_to_be_so(store):
    result = look(store)
    asked = (
        "The study declares comparisons with the baseline wide: these were asked for afterwards."
    )
    assert result.compare(baseline="narrow").notes[-1] == asked
    assert result.compare(all_pairs=True).notes[-1] == asked
    assert asked not in result.compare().notes
    assert asked not in result.compare(baseline="wide").notes


def test_a_digest_of_the_declaration_is_of_the_text_that_is_kept(tmp_path):
    path = tmp_path / "s.sqlite"
    study = small(rope=0.01)
    run(study, store=path)
    with open_store(path, read_only=True) as store:
        (record,) = store.studies()
    text = record.declaration["toml"]
    assert digest_declaration(study) == sha256(text.encode()).hexdigest()
    assert record.runs[0]["declaration"] == digest_declaration(Study.from_toml(text))
    assert digest_declaration(small(rope=0.02)) != digest_declaration(study)
