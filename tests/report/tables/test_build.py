"""Tables by name."""

from __future__ import annotations

import pytest

from chainrule.report import (
    build_table,
)
from chainrule.statistics import StatisticsError
from chainrule.study import StudyResult
from tests.report.conftest import final_rows, without_search


def test_a_table_that_does_not_exist(result):
    with pytest.raises(ValueError, match="no table 'x'; tables: results, comparisons"):
        build_table(result, "x")


def test_too_little_to_compare_is_the_statistics_own_error():
    study = without_search()
    with pytest.raises(StatisticsError, match="takes 2 rounds"):
        build_table(StudyResult(study, final_rows(study, 1)), "comparisons")
