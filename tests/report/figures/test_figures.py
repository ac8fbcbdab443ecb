"""What holds for every figure of a study."""

from __future__ import annotations

import pytest

from chainrule.report import (
    boxes,
    curve_grid,
    curves,
    validation_against_test,
)
from chainrule.study import StudyResult
from tests.report.conftest import (
    declared,
    diverged,
    final_rows,
    without_search,
)
from tests.report.figures.readback import draw_png

EMPTY = StudyResult(declared(), [])


@pytest.mark.parametrize("show", [boxes, curves, curve_grid, validation_against_test])
def test_without_results_there_is_no_figure(show):
    with pytest.raises(ValueError, match=r"no (values|results|search)"):
        show(EMPTY)


@pytest.mark.parametrize("show", [boxes, curves, curve_grid])
def test_a_study_that_diverged_whole_is_drawn(show):
    study = without_search()
    found = StudyResult(study, [diverged(r) for r in final_rows(study, 3)])
    figure, _ = show(found)
    assert draw_png(figure)
