"""What is said where nothing was found, and of looks."""

from __future__ import annotations

from dataclasses import replace

from chainrule.report import (
    build_table,
    comparisons_table,
    effects_table,
    opening_sentence,
    progress_sentence,
    render_page,
    verdict_sentences,
)
from chainrule.statistics import FreshData, Sensitivity, sensitivity
from chainrule.study import Look, StudyResult
from tests.report.conftest import made, row, without_search

UNTIL = {"until": "decided", "looks": [3, 6], "max": 12}


def three(b: list[float], c: list[float], **changes) -> StudyResult:
    """Arm a is always at 0.5; b and c have these scores."""
    study = without_search(
        factors={}, arms={"a": {}, "b": {}, "c": {}}, reported={}, baseline="a", **changes
    )
    values = {"a": [0.5] * len(b), "b": b, "c": c}
    rows = [row(n, "final", 0, i, v) for n, of in values.items() for i, v in enumerate(of)]
    return StudyResult(study, rows)


def could(result: StudyResult, i: int = 0, wanted: float = 0.005) -> Sensitivity:
    """What a comparison could have found, by hand."""
    test = result.compare().comparisons[i].test
    return sensitivity(test, FreshData(), comparisons=2, wanted=wanted)


NOISY, CLEAR = [0.4, 0.61, 0.52], [0.6, 0.61, 0.62]


def notes(result: StudyResult) -> str:
    return " ".join(comparisons_table(result).notes)


def test_no_difference_found_has_the_planned_rounds_and_what_they_find():
    found = three(NOISY, CLEAR, rounds=3)
    by_hand = could(found)
    assert notes(found).startswith(
        "No difference found in 1 of 2 comparisons, which does not show that there is none. 3 "
        "rounds were planned; with a power of 80% these find a difference of "
        f"{100 * by_hand.difference:.2f} points. To find a difference of 0.50 points, the rope, it "
        f"takes {by_hand.rounds_needed:,} rounds."
    )


def test_rounds_that_are_missing_are_said():
    assert "8 rounds were planned, 3 are compared; with" in notes(three(NOISY, CLEAR))


def test_without_a_rope_the_difference_seen_is_planned_for():
    found = three(NOISY, CLEAR, rope=None)
    needed = could(found, wanted=0.01).rounds_needed
    assert f"To find the difference seen, it takes {needed:,} rounds." in notes(found)


def test_several_have_a_range():
    found = three(NOISY, [0.45, 0.53, 0.51])
    most, least = (f"{100 * could(found, i).difference:.2f}" for i in range(2))
    assert "No difference found in 2 of 2 comparisons" in notes(found)
    assert f"a difference of {least} to {most} points, as they spread" in notes(found)


def test_no_difference_is_another_sentence():
    text = notes(three([0.5, 0.501, 0.5], CLEAR, rope=0.05))
    assert "No difference found" not in text
    assert (
        "No difference beyond the rope of 5.00 points in 1 of 2 comparisons: tests of equivalence "
        "show it."
    ) in text


def test_a_spread_of_0_is_no_power():
    text = notes(three([0.52, 0.52], [0.53, 0.53]))
    assert "what they find is not known at a spread of 0" in text


def test_rows_have_what_a_comparison_could_have_found():
    result = three(NOISY, CLEAR, rounds=3)
    for i, found in enumerate(comparisons_table(result).rows):
        by_hand = could(result, i)
        assert (found["rounds_planned"], found["rounds_needed"]) == (3, by_hand.rounds_needed)
        assert found["detectable"] == by_hand.difference


def test_effects_that_were_not_found_have_the_same(result):
    text = " ".join(effects_table(result).notes)
    assert text.startswith("No effect found in 3 of 3 effects, which does not show")
    assert "8 rounds were planned; with a power of 80%" in text


# looks


def test_a_study_until_decided_says_when_it_is_looked_at():
    found = three(CLEAR, CLEAR, rounds=UNTIL)
    assert opening_sentence(found).endswith(
        "over as many rounds as it takes to decide, looked at after 3, 6, 12."
    )


def test_its_end_says_why():
    assert progress_sentence(three(CLEAR, CLEAR, rounds=UNTIL)) == (
        "Ended after 3 of at most 12 rounds: every comparison is decided."
    )
    flat = [0.5, 0.51, 0.49] * 2
    futile = progress_sentence(three(flat, [0.62, 0.61, 0.6] * 2, rope=None, rounds=UNTIL))
    assert futile == (
        "Ended after 3 of at most 12 rounds: 1 of 2 comparisons would hardly be decided by the "
        "last look, the others are decided."
    )


def test_before_its_end_it_says_up_to_where():
    assert progress_sentence(three(CLEAR[:2], CLEAR[:2], rounds=UNTIL)) == (
        "Not finished: 2 of 3 rounds, up to the next look, done by every arm; 3 of 3 arms "
        "incomplete."
    )


def test_results_comparisons_and_page_say_when_it_was_looked_at():
    found = three(CLEAR, NOISY, rounds=UNTIL)
    looked = "Looked at after 3 rounds, of looks planned after 3, 6, 12; the level was adjusted for"
    results = " ".join(build_table(found, "results").notes)
    assert looked in results
    assert "1 of 2 comparisons is decided." in results
    assert looked in notes(found)
    assert looked in " ".join(verdict_sentences(found, found.compare()))
    assert looked in render_page(found)


def test_before_the_first_look_nothing_is_decided():
    found = three(CLEAR[:2], CLEAR[:2], rounds=UNTIL)
    results = " ".join(build_table(found, "results").notes)
    assert (
        "Nothing is decided: the first look is after 3 rounds, all arms have 2 so far." in results
    )
    assert "the first look is after 3 rounds" in render_page(found)


def test_looks_before_more_rounds_are_said_with_their_dates():
    found = three(NOISY * 2, CLEAR * 2, rounds=6)
    looks = [Look(n, f"2026-01-0{n}T00:00:00+00:00", (n,), None) for n in (3, 6)]
    page = render_page(replace(found, looks=looks))
    assert "Looked at after 3, 6 rounds; the level was adjusted for two looks" in page
    assert "3 rounds, 2026-01-03T00:00:00+00:00 (planned then: 3); 6 rounds, 2026-01-06" in page
    assert "Looked at" not in render_page(found)


def test_one_planned_look_is_not_mentioned():
    assert "Looked" not in " ".join(build_table(made(), "results").notes)
