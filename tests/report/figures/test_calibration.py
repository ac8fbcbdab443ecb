"""Coverage against the level that was claimed."""

from __future__ import annotations

import pytest

from chainrule.report import calibration
from tests.report.tables.test_metric import covering


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
