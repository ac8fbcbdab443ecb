"""What the page says in words."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

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
        "4 arms, compared by accuracy on test data (more is better), over 8 declared rounds."
    )


def test_a_finished_study():
    assert progress_sentence(rounds(8, 8, 8, 8)) == "All 8 rounds are done."
    assert progress_sentence(two([0.5, 0.6], [0.7, 0.8], rounds=2)) == "Both rounds are done."
    assert progress_sentence(two([0.5], [0.7], rounds=1)) == "The round is done."


def test_a_study_half_done_says_how_far():
    found = rounds(8, 8, 5, 3)
    assert progress_sentence(found) == (
        "Not finished: 3 of 8 rounds done by every arm; 2 of 4 arms incomplete."
    )


def test_an_arm_that_has_not_begun_counts():
    assert "0 of 8 rounds done by every arm; 1 of 4 arms" in progress_sentence(rounds(8, 8, 8, 0))


def test_an_interrupt_and_nothing_done():
    found = replace(rounds(0, 0, 0, 0), interrupted=True)
    assert progress_sentence(found) == "No round is done yet, of 8. The last run was interrupted."
    assert verdict_sentences(found, None) == []


def test_a_clear_difference_is_significant():
    text = said(two([0.5, 0.51, 0.52, 0.5], [0.6, 0.61, 0.62, 0.61]))
    assert text.startswith("b has the highest mean test accuracy: 61.00 %")
    assert "difference of b from a, the baseline, is +10.25 points" in text
    assert ", paired t, p < 0.001): significant at 5%." in text
    assert "Holm" not in text  # there is one test
    assert "4 rounds are few" in text


def test_an_unclear_one_is_not_and_not_called_equal():
    text = said(two([0.5, 0.61, 0.52], [0.6, 0.5, 0.62]))
    assert "no difference found at 5%, which does not show that they are equal" in text
    assert "3 rounds find a difference of 39.57 points with a power of 80%." in text


def test_where_the_baseline_is_best_it_is_compared_with_the_next():
    text = said(two([0.6, 0.61, 0.62], [0.5, 0.51, 0.53]))
    assert "The difference of a from b, the next, is +9.67 points" in text
    assert "significant at 5%" in text


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


def test_several_arms_that_tie_have_one_mean():
    study = without_search(factors={}, arms={"a": {}, "b": {}, "c": {}}, reported={}, baseline="a")
    rows = [row(arm, "final", 0, i, 0.5 + i / 10) for arm in "abc" for i in range(2)]
    assert "b and c have the same mean." in said(StudyResult(study, rows))


def test_where_the_difference_is_shown_to_be_small_that_is_said():
    text = said(two([0.5, 0.51, 0.52, 0.53], [0.501, 0.509, 0.521, 0.529], rope=0.05))
    assert "no difference at 5% beyond the rope of 5.00 points (equivalence test, p < 0.001" in text
    assert "found" not in text


def test_a_difference_within_the_rope_is_too_small_to_matter():
    a = [0.5 + 0.01 * i for i in range(8)]
    text = said(two(a, [x + 0.01 + 0.0001 * (i % 2) for i, x in enumerate(a)], rope=0.05))
    assert "significant at 5%, but too small to matter: within 5.00 points, the rope" in text


def test_what_was_not_found_has_a_plan():
    a, b = [0.5, 0.61, 0.52, 0.55, 0.58, 0.52], [0.52, 0.6, 0.55, 0.54, 0.6, 0.53]
    assert "To find a difference of 0.50 points, the rope, it takes 90 rounds." in said(two(a, b))
    assert "as here, it takes" in said(two(a, b, rope=None))


def test_the_same_difference_in_every_round_is_not_certainty():
    text = said(two([0.5, 0.625], [0.625, 0.75]))
    assert "p = 0.500)" in text
    assert "the same in both rounds, which is not certainty" in text
    assert "2 rounds are few" in text


def test_a_small_difference_that_is_significant_is_not_shown_as_zero():
    a = [0.5 + 0.01 * i for i in range(8)]
    text = said(two(a, [x + 1e-5 + 1e-6 * (i % 2) for i, x in enumerate(a)], rope=None))
    assert "is +0.001 points" in text


def test_means_are_over_the_rounds_that_all_arms_have():
    found = two([0.5, 0.5, 0.9, 0.9, 0.9], [0.6, 0.6])
    text = said(found)
    assert text.startswith("b has the highest mean test accuracy: 60.00 %")
    assert "n = 2, those that all arms have)" in text


def test_without_a_common_round_no_arm_is_the_best():
    found = two([0.5, 0.6], [0.7, 0.8])
    rows = [r for r in found.rows if (r.arm == "a") == (r.round == 0)]
    (sentence,) = verdict_sentences(StudyResult(found.study, rows), None)
    assert sentence.startswith("No arm is called the best: no round is done by all")


def random_result(seed: int) -> StudyResult:
    """Two to five arms whose scores tie, repeat, diverge and are missing."""
    draw = np.random.default_rng(seed)
    arms = [f"arm{i}" for i in range(draw.integers(2, 6))]
    loss = bool(draw.integers(2))
    study = without_search(
        factors={},
        arms={name: {} for name in arms},
        reported={},
        baseline=draw.choice([None, arms[0]]),
        rope=draw.choice([None, 0.0, 0.005, 0.1]),
        data={"name": "x:y", "rounds": draw.choice(["fresh", "fixed", "folds"])},
        **({"metric": "loss", "direction": "min", "failure_value": 1.0} if loss else {}),
    )
    n, steps = int(draw.integers(2, 13)), draw.choice([2, 50, 10**7])
    rows = []
    for name in arms:
        gain = draw.choice([0.0, 0.0, 1e-6, 0.02])
        for r in range(n - int(draw.integers(2)) * int(draw.integers(n - 1))):
            score = min(1.0, np.round(draw.beta(8, 3) * steps) / steps + gain)
            made = row(name, "final", 0, r, float(score))
            rows.append(diverged(made) if draw.random() < 0.05 else made)
    return StudyResult(study, rows)


@pytest.mark.parametrize("seed", range(150))
def test_no_sentence_of_a_random_study_says_more_than_its_numbers(seed):
    found = random_result(seed)
    comparisons = found.compare()
    sentences = verdict_sentences(found, comparisons)
    text = " ".join(sentences)
    assert not re.search(r"nan|None|p = 0\.0+ |p = –|, \S+ has |\b1 are|-0\.0+[ ,\]]", text), text
    assert text.count("no difference found") <= 1
    best = max if found.study.direction == "max" else min
    means = {arm.arm: arm.mean for arm in found.common_arms}
    assert means[sentences[0].split(" has the ")[0]] == best(means.values())
    if len(sentences) == 3:
        pair = sentences[1]
        assert not (re.search(r" is [+-]0\.0+ ", pair) and "significant at" in pair), text
        named = {n for n in means if f" {n} from" in pair or f"from {n}," in pair}
        (c,) = [c for c in comparisons.comparisons if {c.a, c.b} == named]
        assert ("no difference found" in pair) == (c.conclusion == "undecided")
        assert ("no difference at" in pair) == (c.conclusion == "equivalent")
        assert ("significant at" in pair) == (c.conclusion not in ("undecided", "equivalent"))


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
