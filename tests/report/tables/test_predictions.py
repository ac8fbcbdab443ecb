"""The tables of kept predictions, the sentences about them, and their place on the page."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.report import (
    ReportData,
    advice_sentences,
    build_prediction_table,
    calibration_table,
    confusion,
    confusion_table,
    intervals_table,
    reliability,
    render_page,
    sample_comparisons_table,
    wrong_samples,
    wrong_samples_table,
)
from chainrule.report.figure_data import wrong_samples_data
from chainrule.study import StudyError, run
from tests.study.small import SMALL, small

DATA = {**SMALL["data"], "rounds": "fixed"}
LEARNED = {"epochs": 12, "optimizer": {"name": "Adam", "lr": 0.1}, "keep": "predictions"}


@pytest.fixture(scope="module")
def kept():
    return run(small(**LEARNED, data=DATA, rounds=4))


@pytest.fixture(scope="module")
def digits():
    """Two nets for 60 test images, which are the same in both rounds."""
    return run(
        small(
            data={"name": "digit_images", "train": 60, "test": 60, "rounds": "fixed"},
            net={"name": "digit_net", "channels": [2]},
            arms={"a": {}, "b": {"optimizer": {"lr": 0.001}}},
            keep="predictions",
            rounds=2,
        )
    )


def texts(table):
    return [[cell.text for cell in row] for row in table.cells]


def test_a_row_an_arm_has_its_mean_interval_and_what_makes_it_unsure(kept):
    table = intervals_table(kept)
    assert [column.title for column in table.columns[:5]] == [
        "arm",
        "mean",
        "interval",
        "rounds",
        "samples",
    ]
    assert [row["arm"] for row in table.rows] == ["narrow", "wide"]
    assert [row["mean"] for row in table.rows] == pytest.approx([arm.mean for arm in kept.arms])
    for cells in texts(table):
        shares = [float(x) for x in cells[5:]]
        assert sum(shares) == pytest.approx(100, abs=2)


def test_a_sentence_says_what_to_have_more_of(kept):
    for sentence, arm in zip(advice_sentences(kept), ("narrow", "wide"), strict=True):
        assert sentence.startswith(f"{arm}: of what makes its mean unsure, ")
        assert "narrow its interval most: twice as many take it from ±" in sentence


def test_the_part_that_is_named_is_the_largest(kept):
    data = ReportData(kept)
    for sentence, parts in zip(
        advice_sentences(data), data.prediction_data.variance_parts.values(), strict=True
    ):
        largest = max(parts, key=lambda part: part.of_mean).name
        word = {"samples": "test samples", "seeds": "seeds", "rest": "or more test samples"}
        assert word[largest] in sentence.split(". ")[1]


def test_comparisons_for_new_samples_have_the_numbers_of_the_test(kept):
    found = kept.by_sample.compare()
    table = sample_comparisons_table(kept, found)
    assert table.rows[0]["difference"] == found[0].test.difference
    assert texts(table)[0][:3] == ["narrow", "wide", "4"]
    assert "for new test samples" in table.caption


def test_confusion_has_a_row_an_arm_and_class(digits):
    table = confusion_table(ReportData(digits).prediction_data.decisions)
    assert len(table.cells) == 20
    assert sum(int(text) for row in texts(table) for text in row[2:-1]) == 240
    right = sum(row[f"as_{row['truth']}"] for row in table.rows if row["arm"] == "a")
    assert right / 120 == pytest.approx(digits.arm("a").mean)


def test_calibration_names_the_error(kept):
    decisions = ReportData(kept).prediction_data.decisions
    table = calibration_table(decisions)
    assert sum(row["n"] for row in table.rows if row["arm"] == "wide") == 120
    error = decisions["wide"].calibration_error()
    assert f"wide {100 * error:.2f} points" in table.notes[0]


def test_wrong_samples_are_listed_with_their_place(digits):
    decisions = ReportData(digits).prediction_data.decisions
    table = wrong_samples_table(decisions)
    assert {row["arm"] for row in table.rows} == {"a", "b"}
    first = table.rows[0]
    assert texts(table)[0][1:5] == [
        f"{first['round']} : {first['index']}",
        str(first["truth"]),
        str(first["decided"]),
        f"{first['wrong']}/{first['n']}",
    ]


@pytest.mark.parametrize("name", ["intervals", "confusion", "calibration", "wrong"])
def test_without_predictions_each_says_how_they_are_kept(name):
    with pytest.raises(StudyError, match="run keeps them that is told --keep predictions"):
        build_prediction_table(run(small(rounds=1)), name)


def test_the_page_has_a_section_where_predictions_are_and_only_there(digits):
    page = render_page(digits)
    for part in ('id="sec-predictions"', 'id="confusion"', 'id="wrong"', 'id="new-samples"'):
        assert part in page
    assert "Predictions</h2>" not in render_page(run(small(rounds=1)))


def test_figures_show_decisions(digits):
    figure, axes = reliability(digits, "a")
    _, line = axes.lines
    [bins] = [ReportData(digits).prediction_data.decisions["a"].calibration()]
    assert list(line.get_ydata()) == [b.accuracy for b in bins]
    figure.draw_without_rendering()
    figure, grid = confusion(digits)
    shown = [int(text.get_text()) for text in grid[0, 0].texts]
    assert shown == ReportData(digits).prediction_data.decisions["a"].confusion().ravel().tolist()
    figure.draw_without_rendering()


def test_the_figure_of_wrong_images_shows_those_of_the_table(digits):
    _, grid = wrong_samples(digits, "a")
    wrong = ReportData(digits).prediction_data.decisions["a"].wrong_samples()[0]
    first = grid.flat[0]
    assert first.get_title() == f"{wrong.truth} as {wrong.decided}\n{wrong.wrong}/{wrong.n}"
    image = digits.data(wrong.round)[1].inputs[wrong.index, 0]
    shown = np.asarray(first.images[0].get_array())
    assert np.corrcoef(shown.ravel(), image.ravel())[0, 1] == pytest.approx(1)


def test_wrong_points_have_the_place_of_the_table(kept):
    figure, axes = wrong_samples(kept, "wide")
    wrong = ReportData(kept).prediction_data.decisions["wide"].wrong_samples()
    data = wrong_samples_data(kept, "wide")
    assert sum(len(group.points) for group in data.wrong) == len(wrong)
    first = wrong[0]
    [group] = [g for g in data.wrong if (g.truth, g.decided) == (first.truth, first.decided)]
    place = kept.data(first.round)[1].inputs[first.index].numpy()
    at = (group.points == place).all(1)
    assert at.sum() == 1
    assert group.shares[at][0] == first.wrong / first.n
    assert not (data.others == place).all(1).any()
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert f"{group.truth} as {group.decided}: {len(group.points)}" in labels
    assert axes.get_xlabel() == "x₁"
    figure.draw_without_rendering()
