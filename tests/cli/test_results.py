"""``chainrule show`` and ``compare``."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest

from chainrule.study import Study, run
from tests.cli.conftest import ARMS, TINY


@pytest.mark.parametrize("run", ["tiny", "runs/tiny.sqlite", "tiny.toml"])
def test_a_run_is_named_by_its_study_its_store_or_its_file(call, tiny, finished, run):
    code, out, err = call("show", run)
    assert (code, err) == (0, "")
    assert "mean ± std" in out
    assert max(map(len, out.splitlines())) <= 80


def test_showing_changes_nothing(call, finished):
    before = finished.read_bytes()
    call("show", "tiny")
    call("compare", "tiny")
    assert finished.read_bytes() == before


def test_the_formats(call, finished):
    rows = list(csv.DictReader(StringIO(call("show", "tiny", "--format", "csv")[1])))
    assert [row["arm"] for row in rows] == ARMS
    latex = call("show", "tiny", "--format", "latex")[1]
    assert "\\toprule" in latex
    assert call("show", "tiny", "--format", "markdown")[1].startswith("| arm |")
    as_json = call("show", "tiny", "--format", "json")[1]
    assert as_json == call("show", "tiny", "--json")[1]
    assert [row["arm"] for row in json.loads(as_json)] == ARMS


def test_an_unknown_format_is_a_wrong_call(call, finished):
    code, _, err = call("show", "tiny", "--format", "xls")
    assert code == 2
    assert "xls" in err


def test_candidates(call, finished):
    rows = json.loads(call("show", "tiny", "--candidates", "--json")[1])
    assert [(row["arm"], row["optimizer.lr"]) for row in rows] == [
        ("small", 0.01),
        ("small", 0.03),
        ("large", 0.01),
        ("large", 0.03),
    ]


def test_a_study_that_is_not_finished_says_how_far_it_is(call, tmp_path):
    (tmp_path / "runs").mkdir()
    run(Study.from_toml(TINY), arms="small*", store=tmp_path / "runs" / "tiny.sqlite")
    code, out, err = call("show", "tiny", "--json")
    assert code == 0
    assert [row["arm"] for row in json.loads(out)] == ["small", "small-slow"]
    assert err == ("Not finished: 0 of 3 rounds done by every arm; 2 of 4 arms incomplete.\n")


def test_a_run_that_is_not_there_lists_those_that_are(call, finished):
    code, out, err = call("show", "tinny")
    assert (code, out) == (1, "")
    assert err == (
        "chainrule: no run 'tinny': neither tinny nor runs/tinny.sqlite is a file; "
        "did you mean 'tiny'? runs here: tiny\n"
    )


def test_a_study_number_that_is_not_there_lists_those_that_are(call, finished):
    code, _, err = call("show", "tiny", "--study", "7")
    assert code == 1
    assert err.startswith("chainrule: tiny: no study 7 in it; studies: 1: tiny, begun 20")


@pytest.mark.parametrize("words", [("report",), ("show", "--long", "--format", "parquet")])
def test_a_store_is_not_written_over(call, finished, words):
    code, _, err = call(words[0], finished, *words[1:], "-o", finished)
    assert (code, "is what this reads: choose another file with -o" in err) == (1, True)


def test_there_is_no_study_0(call, finished):
    code, _, err = call("show", finished, "--study", "0")
    assert (code, "no study 0 in it; studies: 1: tiny" in err) == (1, True)


@pytest.mark.parametrize("words", [["--baseline", ""], ["--baseline="]])
def test_an_empty_text_is_no_value(call, finished, words):
    code, out, err = call("compare", finished, *words)
    assert (code, out) == (2, "")
    assert "Invalid value for '--baseline': expected a value, got an empty text" in err


def test_the_effects_alone_have_no_pairs(call, finished):
    code, _, err = call("compare", finished, "--effects", "--all-pairs")
    assert (code, "--effects excludes --baseline and --all-pairs" in err) == (2, True)


def test_a_damaged_store_is_an_error_and_no_table(call, finished):
    finished.write_bytes(finished.read_bytes()[:5000])
    code, out, err = call("show", "tiny")
    assert (code, out) == (1, "")
    assert "runs/tiny.sqlite" in err


# compare


def test_compare_prints_comparisons_with_the_baseline_then_effects(call, finished):
    code, out, err = call("compare", "tiny")
    assert (code, err) == (0, "")
    first, _, second = out.partition("\n\n")
    assert first.startswith("Comparisons with the baseline small: ")
    assert "n = 3 rounds." in first
    assert second.startswith("Effects of the factors: ")
    assert max(map(len, out.splitlines())) <= 80


def test_another_baseline_and_all_pairs(call, finished):
    rows = json.loads(call("compare", "tiny", "--baseline", "large", "--json")[1])
    assert {row["b"] for row in rows["comparisons"]["rows"]} == {"large"}
    rows = json.loads(call("compare", "tiny", "--all-pairs", "--json")[1])
    assert len(rows["comparisons"]["rows"]) == 6
    assert {row["effect"] for row in rows["effects"]["rows"]} >= {"size: large - small"}
    assert rows["comparisons"]["notes"]


def test_csv_is_one_table(call, finished):
    for extra, n in ((), 3), (("--effects",), 3):
        text = call("compare", "tiny", "--format", "csv", *extra)[1]
        assert len(list(csv.DictReader(StringIO(text)))) == n


def test_an_unknown_baseline_lists_the_arms(call, finished):
    code, _, err = call("compare", "tiny", "--baseline", "huge")
    assert code == 1
    assert "'huge'" in err
    assert ", ".join(ARMS) in err


def test_a_baseline_and_all_pairs_is_a_wrong_call(call, finished):
    assert call("compare", "tiny", "--baseline", "large", "--all-pairs")[0] == 2


def test_the_importance_of_what_was_searched(call, tmp_path):
    (tmp_path / "runs").mkdir()
    study = Study.from_toml(TINY).with_overrides(space={"batch_size": [10, 20]}, name="two")
    run(study, arms="small", store=tmp_path / "runs" / "two.sqlite")
    code, out, _ = call("show", "two", "--importance", "--json")
    found = json.loads(out)
    assert code == 0
    assert {row["path"] for row in found} == {"optimizer.lr", "batch_size"}
    assert sum(row["importance"] for row in found) == pytest.approx(1.0)
    assert max(map(len, call("show", "two", "--importance")[1].splitlines())) <= 80


def test_a_target_is_tested_and_when_it_was_reached(call, finished):
    code, out, _ = call("compare", "tiny", "--target", "0.5")
    assert code == 0
    assert "Each arm against the target: one-sample t" in out
    assert "first was as good as the target" in out
    assert max(map(len, out.splitlines())) <= 80
    found = json.loads(call("compare", "tiny", "--target", "0.5", "--json")[1])
    assert [row["arm"] for row in found["target"]["rows"]] == ARMS
    assert found["time-to-target"]["rows"][0]["n"] == 3
    assert call("compare", "tiny", "--target", "0.5", "--effects")[0] == 2


def test_reported_values_are_tested(call, tiny, finished):
    tiny.write_text(TINY + "\n[reported]\nlarge = { mean = 0.7 }\n", encoding="utf-8")
    assert call("run", tiny, "--jobs", "1")[0] == 0
    assert "Each arm against what was reported" in call("compare", "tiny")[1]
