"""Kept predictions on the command line: ``run --keep``, ``show``, ``compare``, ``plot``."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import TINY

POOL = TINY.replace('name = "disk_points"', 'name = "disk_points"\nrounds = "fixed"').replace(
    "epochs = 2", 'epochs = 8\nkeep = "predictions"', 1
)


@pytest.fixture
def kept(call, tmp_path):
    (tmp_path / "tiny.toml").write_text(POOL, encoding="utf-8")
    assert call("run", "tiny.toml", "--jobs", "1")[0] == 0


def test_show_adds_intervals_and_what_to_have_more_of(call, kept):
    _, out, err = call("show", "tiny")
    assert "with its 95% interval" in out
    assert "small-slow: of what makes its mean unsure" in " ".join(out.split())
    assert err == ""
    assert call("show", "tiny", "--format", "csv")[1].startswith("arm,metric,mean")


@pytest.mark.parametrize("name", ["intervals", "confusion", "calibration", "wrong"])
def test_show_prints_any_of_their_tables(name, call, kept):
    code, out, _ = call("show", "tiny", "--predictions", name, "--json")
    assert code == 0
    assert {row["arm"] for row in json.loads(out)} >= {"small", "large"}
    assert max(map(len, call("show", "tiny", "--predictions", name)[1].splitlines())) <= 80


def test_compare_says_what_holds_for_new_samples(call, kept):
    assert "The comparisons for new test samples" in call("compare", "tiny")[1]
    found = json.loads(call("compare", "tiny", "--all-pairs", "--json")[1])
    assert len(found["new-samples"]["rows"]) == 6
    assert len(call("compare", "tiny", "--format", "csv")[1].splitlines()) == 4


def test_plot_draws_them_where_they_are(call, kept, tmp_path):
    code, *_ = call("plot", "tiny", "reliability", "confusion", "-o", "figures")
    assert code == 0
    assert sorted(path.name for path in tmp_path.glob("figures/*")) == [
        "confusion.png",
        "reliability.png",
    ]


def test_without_them_show_and_plot_say_how_to_keep_them(call, finished):
    for words in (("show", "tiny", "--predictions", "confusion"), ("plot", "tiny", "confusion")):
        code, _, err = call(*words)
        assert code == 1
        assert "--keep predictions" in err


def test_ensemble_names_the_members_and_the_gain(call, kept):
    code, out, _ = call("ensemble", "tiny")
    assert code == 0
    assert "best single" in out
    assert "of the best single arm: a gain of" in out or "No ensemble was better" in out
    found = json.loads(call("ensemble", "tiny", "--json")[1])
    assert len(found["rounds"]) == 3
    assert set(found["rounds"][0]["members"]) <= {"small", "small-slow", "large", "large-slow"}
    assert found["gain"] == pytest.approx(found["mean"] - found["single_mean"])


def test_ensemble_says_how_predictions_are_kept(call, finished):
    code, _, err = call("ensemble", "tiny")
    assert code == 1
    assert "--keep predictions" in err
