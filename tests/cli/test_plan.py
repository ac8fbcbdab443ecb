"""``chainrule plan``."""

from __future__ import annotations

import json

from tests.cli.conftest import ARMS, TINY


def test_the_plan_is_a_table_with_totals(call, tiny, tmp_path):
    code, out, err = call("plan", tiny, "--jobs", "1")
    assert (code, err) == (0, "")
    assert out.startswith("tiny: 24 trainings (12 to search and 12 final ones) in 6 cohorts")
    assert [line.split()[0] for line in out.splitlines()[3:7]] == ARMS
    assert "with 1 worker" in out
    assert "2 in the grid, 1 distinct: optimizer.lr does nothing in small-slow, large-slow." in out
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.toml"]


def test_the_plan_of_16_arms_fits_80_columns(call):
    lines = call("plan", "pairs-depth", "--quick")[1].splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith(("shallow", "mlp", "conv")) for line in lines[:22]) == 16
    assert not any(line != line.rstrip() for line in lines)


def test_without_times_the_trainings_are_counted_and_nothing_is_made(call, tiny):
    code, out, err = call("plan", tiny, "--no-time")
    assert (code, err) == (0, "")
    assert out.startswith("tiny: 24 trainings (12 to search and 12 final ones).\n")
    assert out.splitlines()[1].split() == ["arm", "cand.", "search", "final"]
    assert "nothing was made, tried or measured" in " ".join(out.split())


def test_counts_are_those_of_the_whole_plan(call, tiny):
    counted, whole = (
        json.loads(call("plan", tiny, *more, "--json")[1]) for more in (("--no-time",), ())
    )
    for few, all_ in zip(counted["arms"], whole["arms"], strict=True):
        assert few.items() <= all_.items()
    assert {**counted["totals"], "hours": 0}.items() <= {**whole["totals"], "hours": 0}.items()


def test_the_plan_as_json(call, tiny):
    found = json.loads(call("plan", tiny, "--no-time", "--jobs", "3", "--json")[1])
    assert found["study"] == "tiny"
    assert [arm["arm"] for arm in found["arms"]] == ARMS
    totals = found["totals"]
    assert (totals["trainings"], totals["jobs"], totals["hours"]) == (24, 3, None)


def test_options_change_what_is_planned(call, tiny):
    asked = ("--arms", "large*", "--rounds", "5", "--no-time", "--json")
    found = json.loads(call("plan", tiny, *asked)[1])
    assert [(arm["arm"], arm["final"]) for arm in found["arms"]] == [
        ("large", 5),
        ("large-slow", 5),
    ]


def test_the_small_form_is_planned_under_its_own_name(call, tiny):
    assert json.loads(call("plan", tiny, "--quick", "--no-time", "--json")[1])["study"] == (
        "tiny-quick"
    )


def test_a_study_without_a_small_form_says_so(call, tiny):
    text = tiny.read_text(encoding="utf-8")
    tiny.write_text(text[: text.index("[quick]")], encoding="utf-8")
    code, _, err = call("plan", tiny, "--quick")
    assert code == 1
    assert "chainrule: study tiny declares no quick form" in err


def test_looks_and_a_race_are_planned_in_words(call, tmp_path):
    looks = TINY.replace(
        "rounds = 3", 'rounds = { until = "decided", looks = [5, 10], max = 10 }', 1
    )
    race = looks.replace('method = "grid"', 'method = "grid"\nrace = { min_splits = 2 }')
    (tmp_path / "tiny.toml").write_text(f'{race}\n[selection]\nsplit = "kfold"\nfolds = 4\n')
    code, out, err = call("plan", "tiny.toml", "--no-time")
    assert (code, err) == (0, "")
    words = " ".join(out.split())
    assert "At most 10 rounds are planned, until each comparison is decided at one of the" in words
    assert "The candidates race" in words
