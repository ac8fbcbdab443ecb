"""The table of any metric."""

from __future__ import annotations

import json
import math

import pytest

from chainrule.report import as_json, build_table, metric_table
from chainrule.study import StudyResult
from tests.report.conftest import declared, diverged, row

METRICS = {
    "accuracy": {"name": "Accuracy"},
    "cover_95": {"name": "Coverage"},
    "cover_50": {"name": "Coverage", "level": 0.5},
}


def covering(metrics=METRICS) -> StudyResult:
    """mlp claims intervals that hold a little less; conv claims none; a round of mlp diverged."""
    study = declared(metrics=metrics)
    rows = []
    for r in range(4):
        off = 0.01 * (r - 1)
        claimed = {"accuracy": 0.8, "cover_95": 0.9 + off, "cover_50": 0.4 + off}
        none = dict.fromkeys(("cover_95", "cover_50"), math.nan)
        rows += [
            row("mlp", "final", 0, r, 0.8, metrics=claimed),
            row("conv", "final", 0, r, 0.8, metrics={"accuracy": 0.7, **none}),
        ]
    rows[6] = diverged(rows[6])
    return StudyResult(study, rows)


def test_where_a_round_diverged_no_mean_is_given():
    table = metric_table(covering(), "cover_95")
    assert [[cell.text for cell in cells] for cells in table.cells] == [
        ["mlp", "–", "3/4", "89.00", "91.00"],
        ["conv", "–", "0/4", "–", "–"],
    ]
    assert "mean ± standard deviation" in table.caption
    assert "no mean is given" in " ".join(table.footnotes())
    rows = json.loads(as_json(table))
    assert (rows[0]["n_known"], rows[1]["mean"]) == (3, None)


def test_the_studys_own_metric_counts_a_diverged_round_as_the_table_of_results():
    found = covering()
    table, results = metric_table(found, "accuracy"), build_table(found, "results")
    assert table.cells[0][1].text == results.cells[0][1].text == "60.00 ± 40.00"
    assert [cell.text for cell in table.cells[0][2:]] == ["3/4", "0.00", "80.00"]
    assert table.rows[0]["mean"] == pytest.approx(0.6)


def test_an_accuracy_is_in_per_cent():
    table = metric_table(covering(), "accuracy")
    assert table.cells[1][1].text == "70.00 ± 0.00"
    assert "in %" in table.caption


def test_an_unknown_metric_lists_those_there_are():
    with pytest.raises(ValueError, match="no metric 'mae'; metrics: accuracy, cover_95, cover_50"):
        metric_table(covering(), "mae")
