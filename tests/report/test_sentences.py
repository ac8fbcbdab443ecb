"""What the page says in words."""

from __future__ import annotations

from dataclasses import replace

from chainrule.report import opening_sentence, progress_sentence, verdict_sentences
from chainrule.study import StudyResult
from tests.report.conftest import diverged, final_rows, made, row, without_search

STUDY = without_search()


def rounds(*of: int) -> StudyResult:
    """As many rounds of each arm."""
    counts = dict(zip([arm.name for arm in STUDY.all_arms], of, strict=True))
    return StudyResult(STUDY, [r for r in final_rows(STUDY, 8) if r.round < counts[r.arm]])


def two(a: list[float], b: list[float], **changes) -> StudyResult:
    study = without_search(
        factors={}, arms={"a": {}, "b": {}}, reported={}, **{"baseline": "a"} | changes
    )
    values = {"a": a, "b": b}
    return StudyResult(
        study,
        [row(n, "final", 0, i, v) for n, of in values.items() for i, v in enumerate(of)],
    )


def said(found: StudyResult) -> str:
    return " ".join(verdict_sentences(found, found.compare()))


def test_what_was_compared():
    assert opening_sentence(rounds(8, 8, 8, 8)) == (
        "4 arms, compared by accuracy on test data (more is better), over 8 rounds declared."
    )


def test_a_finished_study():
    assert progress_sentence(rounds(8, 8, 8, 8)) == "All 8 rounds are done."


def test_a_study_half_done_says_how_far():
    found = rounds(8, 8, 5, 3)
    assert progress_sentence(found) == (
        "Not finished: 3 of 8 rounds done by every arm; 2 arms of 4 not complete."
    )


def test_an_arm_that_has_not_begun_counts():
    assert "0 of 8 rounds done by every arm; 1 arm of 4" in progress_sentence(rounds(8, 8, 8, 0))


def test_an_interrupt_and_nothing_done():
    found = replace(rounds(0, 0, 0, 0), interrupted=True)
    assert progress_sentence(found) == "No round is done yet, of 8. The last run was interrupted."
    assert verdict_sentences(found, None) == []


def test_a_clear_difference_is_significant():
    text = said(two([0.5, 0.51, 0.52, 0.5], [0.6, 0.61, 0.62, 0.61]))
    assert text.startswith("b has the highest mean test accuracy: 61.00 %")
    assert "difference of b from a, the baseline, is +10.25 points" in text
    assert "after Holm's correction for 1 comparison): significant at 5%." in text
    assert "1 are significant" in text


def test_an_unclear_one_is_not_and_not_called_equal():
    text = said(two([0.5, 0.61, 0.52], [0.6, 0.5, 0.62]))
    assert "not significant at 5%, which does not show that they are equal" in text


def test_where_the_baseline_is_best_it_is_compared_with_the_next():
    text = said(two([0.6, 0.61, 0.62], [0.5, 0.51, 0.53]))
    assert "The difference of a from b, the next, is +9.67 points" in text
    assert "0 better, 1 worse" in text


def test_where_less_is_better_the_lowest_is_best():
    text = said(
        two([0.5, 0.51, 0.52], [0.6, 0.61, 0.65], metric="loss", direction="min", failure_value=9.0)
    )
    assert text.startswith("b has the lowest mean test loss")  # 1 − accuracy
    assert "is +0.11" in text


def test_the_best_of_several_is_said_to_flatter(result):
    assert "The best of 4 means flatters" in verdict_sentences(result, result.compare())[0]


def test_two_arms_that_tie_are_both_named():
    assert "b has the same mean." in said(two([0.5, 0.6], [0.6, 0.5]))


def test_diverged_rounds_of_the_best_are_said():
    found = two([0.5, 0.5, 0.5], [0.9, 0.9, 0.9])
    rows = [*found.rows[:-1], diverged(found.rows[-1])]
    text = said(StudyResult(found.study, rows))
    assert "n = 3, 1 of them diverged" in text


def test_no_arm_is_the_best_by_its_failure_value():
    found = two([0.5, 0.5], [0.6, 0.6], failure_value=0.9)
    found = StudyResult(found.study, [*found.rows[:2], *map(diverged, found.rows[2:])])
    (sentence,) = verdict_sentences(found, None)
    assert "counts as 0.9, which is better than the accuracy 0.5 of arm a in round 0" in sentence


def test_one_arm_is_not_called_the_best():
    study = without_search(factors={}, reported={}, baseline=None)
    found = StudyResult(study, final_rows(study, 1))
    assert verdict_sentences(found, None) == ["only: mean test accuracy: 73.06 % (n = 1)."]


def test_without_a_baseline_all_pairs_are_counted():
    found = made(without_search(baseline=None, reported={}), search=False)
    assert "Of 6 comparisons of all pairs," in said(found)
