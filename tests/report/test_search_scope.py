"""Of a study that searched once everything says that it is about settings."""

from __future__ import annotations

import pytest

from chainrule.report import (
    comparisons_table,
    effects_table,
    opening_sentence,
    render_page,
    results_table,
    verdict_sentences,
)
from chainrule.report.tables.metric import metric_table
from chainrule.study import StudyResult
from tests.report.conftest import declared, final_rows

ONCE = declared(search={"method": "grid", "each_round": False})
RESULT = StudyResult(ONCE, final_rows(ONCE, 8))
SCOPE = "conclusions are about these 4 settings, not these arms."


@pytest.mark.parametrize(
    "table",
    [
        results_table(RESULT),
        comparisons_table(RESULT),
        effects_table(RESULT),
        metric_table(RESULT, "accuracy"),
    ],
    ids=lambda table: table.name,
)
def test_tables_say_so(table):
    assert any(note.endswith(SCOPE) for note in table.footnotes())


def test_the_result_says_so():
    assert any(note.endswith(SCOPE) for note in RESULT.compare().notes)


def test_the_page_says_so():
    page = render_page(RESULT)
    summary = page[page.index("<h2>Summary</h2>") : page.index("<h2>Review</h2>")]
    assert summary.count(SCOPE) == 1


def test_no_sentence_is_about_the_arms_themselves():
    best, difference, tally, scope = verdict_sentences(RESULT, RESULT.compare())
    assert "'s setting has the highest mean" in best
    assert difference.startswith("The difference of ")
    assert difference.count("'s setting") == 2
    assert "comparisons of settings with that of the baseline mlp" in tally
    assert scope.endswith(SCOPE)
    assert "each in the setting that one search chose" in opening_sentence(RESULT)


def test_a_search_in_each_round_is_about_the_arms():
    study = declared()
    result = StudyResult(study, final_rows(study, 8))
    said = " ".join([opening_sentence(result), *verdict_sentences(result, result.compare())])
    assert "setting" not in said
    assert not any("setting" in note for note in result.compare().notes)
