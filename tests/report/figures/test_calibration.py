"""Coverage against the level that was claimed, and the table of any metric."""

from __future__ import annotations

import json
import math

import pytest

from chainrule.report import as_json, calibration, metric_table
from chainrule.study import StudyResult
from tests.report.conftest import declared, diverged, row

LEVELS = {"cover_95": 0.95, "cover_50": 0.5, "accuracy": None}
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


def test_a_line_an_arm_that_claims_intervals_beside_the_diagonal():
    figure, axes = calibration(covering())
    ideal, line = (of for of in axes.lines if len(of.get_xdata()) == 2 and of.get_label()[0] != "_")
    assert (ideal.get_label(), line.get_label()) == ("calibrated", "mlp")
    assert list(line.get_xdata()) == [0.5, 0.95]
    assert list(line.get_ydata()) == pytest.approx([0.4, 0.9])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["calibrated", "mlp"]
    figure.draw_without_rendering()


def test_without_intervals_there_is_nothing_to_show(result):
    with pytest.raises(ValueError, match="none of its metrics is a Coverage"):
        calibration(result)
    with pytest.raises(ValueError, match="no arm of these predicts an interval"):
        calibration(covering(), "conv")


def test_the_table_of_a_metric_has_the_rounds_that_know_it():
    table = metric_table(covering(), "cover_95")
    assert [[cell.text for cell in cells] for cells in table.cells] == [
        ["mlp", "90.00 ± 1.00", "3/4", "89.00", "91.00"],
        ["conv", "–", "0/4", "–", "–"],
    ]
    assert "mean ± standard deviation" in table.caption
    rows = json.loads(as_json(table))
    assert (rows[0]["n_known"], rows[1]["mean"]) == (3, None)


def test_an_accuracy_is_in_per_cent():
    table = metric_table(covering(), "accuracy")
    assert table.cells[1][1].text == "70.00 ± 0.00"
    assert "in %" in table.caption


def test_an_unknown_metric_lists_those_there_are():
    with pytest.raises(ValueError, match="no metric 'mae'; metrics: accuracy, cover_95, cover_50"):
        metric_table(covering(), "mae")
