"""Validation against test."""

from __future__ import annotations

import pytest

from chainrule.report import (
    validation_against_test,
)
from tests.report.conftest import (
    made,
    without_search,
)
from tests.report.figures.readback import legend_names

ARMS = ["mlp", "mlp-sharing", "conv", "conv-sharing"]


def test_validation_against_test_is_a_mark_an_arm(result):
    figure, axes = validation_against_test(result)
    marks = [c.lines[0].get_xydata()[0].tolist() for c in axes.containers]
    assert [x for x, _ in marks] == pytest.approx([0.64, 0.65, 0.66, 0.67])
    assert [y for _, y in marks] == pytest.approx([arm.mean for arm in result.arms])
    assert legend_names(figure) == ARMS


def test_without_a_search_there_is_no_validation():
    with pytest.raises(ValueError, match="no search"):
        validation_against_test(made(without_search(), search=False))
