"""The figures of results: what they show, read back from their axes."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.figure import Figure

from chainrule.report import (
    boxes,
    critical_differences,
    curve_grid,
    curves,
    differences,
    effect_sizes,
    search_maps,
    validation_against_test,
)
from chainrule.report.figure_data.boxes import round_rows
from chainrule.report.figure_data.curves import curve_rows
from chainrule.statistics import rank_arms
from chainrule.study import StudyResult
from tests.report.conftest import (
    declared,
    diverged,
    final_rows,
    made,
    row,
    search_rows,
    without_search,
)

ARMS = ["mlp", "mlp-sharing", "conv", "conv-sharing"]
EMPTY = StudyResult(declared(), [])


def names(ticks) -> list[str]:
    return [tick.get_text() for tick in ticks]


def drawn(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file)
    return file.getvalue()


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for of in figure.legends for text in of.get_texts()]


# boxes


def test_a_box_an_arm_in_the_declared_order(result):
    figure, axes = boxes(result)
    assert names(axes.get_yticklabels()) == ARMS
    assert axes.yaxis_inverted()
    assert drawn(figure)


def test_a_point_a_round_at_its_value(result):
    _, axes = boxes(result)
    points = next(c for c in axes.collections if c.get_label() == "round")
    x, y = np.asarray(points.get_offsets()).T
    assert sorted(x[y < 1.5]) == sorted(result.arms[0].values)


def test_a_diverged_round_is_a_cross_at_the_edge_and_does_not_squeeze_the_others(result):
    _, axes = boxes(result)
    crosses = next(c for c in axes.collections if c.get_label() == "diverged round")
    assert len(crosses.get_offsets()) == 1
    assert axes.get_xlim()[0] > 0.5


def test_where_many_diverged_the_worst_value_is_on_the_axes():
    study = without_search()
    rows = [diverged(r) if r.round < 4 else r for r in final_rows(study, 8)]
    _, axes = boxes(StudyResult(study, rows))
    assert axes.get_xlim()[0] < 0


def test_the_reported_mean_is_marked_on_its_arm(result):
    _, axes = boxes(result)
    marks = next(c for c in axes.collections if c.get_label() == "reported mean")
    assert marks.get_offsets().tolist() == [[0.71, 1.0]]


def test_seconds_are_amortised(result):
    _, axes = boxes(result, "seconds")
    assert axes.get_xlabel() == "seconds, amortised"
    points = np.asarray(axes.collections[0].get_offsets())
    assert points[:, 0].min() == pytest.approx(4.0 / 8)


def test_another_metric_leaves_out_what_diverged(result):
    _, axes = boxes(result, "loss")
    points = [c for c in axes.collections if isinstance(c, PathCollection)]
    assert sum(len(c.get_offsets()) for c in points) == 4 * 8 - 1


def test_a_metric_that_is_not_there(result):
    with pytest.raises(ValueError, match="no values of 'f1'"):
        boxes(result, "f1")


def test_the_data_of_the_boxes_are_all_rounds(result):
    rows = round_rows(result)
    assert len(rows) == 4 * 8
    assert rows[-1]["status"] == "diverged"
    assert rows[-1]["accuracy"] == 0.0


def test_a_dollar_in_a_name_is_a_dollar():
    study = without_search(factors={}, arms={"a$b$": {}, "c": {}}, baseline="c", reported={})
    found = StudyResult(study, final_rows(study, 3))
    figure, axes = boxes(found)
    assert axes.get_yticklabels()[0].get_text() == r"a\$b\$"
    assert drawn(figure)


# curves


def test_a_line_an_arm_in_a_band(result):
    _, axes = curves(result, "test_accuracy")
    assert len(axes.lines) == 4
    assert sum(isinstance(c, PolyCollection) for c in axes.collections) == 4
    mean = np.mean([r.curves["test_accuracy"][-1] for r in result.arms[0].rows])
    assert axes.lines[0].get_ydata()[-1] == pytest.approx(mean)


def test_a_diverged_round_is_left_out_of_the_curve_and_counted(result):
    _, axes = curves(result)
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts[-1] == "conv-sharing (1 diverged)"


def test_arms_are_chosen_by_a_pattern(result):
    _, axes = curves(result, arms="mlp*")
    assert len(axes.lines) == 2


def test_an_arm_or_a_curve_that_is_not_there(result):
    with pytest.raises(ValueError, match=r"no results of an arm 'x'; there are: mlp, "):
        curves(result, arms="x")
    with pytest.raises(ValueError, match="no curve 'f1'; there are: train_loss, test_loss"):
        curves(result, "f1")


def test_rounds_of_different_lengths_are_cut_to_the_shortest():
    study = without_search()
    rows = final_rows(study, 2)
    rows[0] = replace(rows[0], curves={"test_loss": [3.0, 2.0, 1.5]})
    _, axes = curves(StudyResult(study, rows), arms="mlp")
    assert len(axes.lines[0].get_xdata()) == 3


def test_the_data_of_the_curves_say_over_how_many_rounds(result):
    rows = curve_rows(result)
    assert {r["n"] for r in rows if r["arm"] == "conv-sharing"} == {7}
    assert {r["n"] for r in rows if r["arm"] == "conv"} == {8}
    assert len(rows) == 4 * 4 * 5


def test_a_panel_an_arm_with_loss_above_and_metric_below(result):
    figure, grid = curve_grid(result)
    assert grid.shape == (4, 2)
    assert [axes.get_title() for axes in grid[:, 0]] == ARMS
    assert len(grid[0, 0].lines) == 2
    assert legend(figure) == ["train", "test"]


def test_the_panels_of_a_kind_share_their_scale(result):
    _, grid = curve_grid(result)
    assert len({axes.get_ylim() for axes in grid[:, 1]}) == 1
    assert grid[0, 0].get_ylim() != grid[0, 1].get_ylim()


def test_without_curves_there_is_no_grid():
    study = without_search()
    rows = [replace(r, curves={}) for r in final_rows(study, 2)]
    with pytest.raises(ValueError, match="no curves"):
        curve_grid(StudyResult(study, rows))


# search


def test_a_map_has_the_means_at_their_values_in_order(result):
    _, (axes,) = search_maps(result, "mlp")
    (mesh,) = [c for c in axes.collections if hasattr(c, "get_coordinates")]
    assert names(axes.get_yticklabels()) == ["0.001", "0.01", "0.1"]
    assert names(axes.get_xticklabels()) == ["50", "200"]
    expected = [[0.60, 0.62], [0.64, 0.62], [0.60, 0.58]]
    assert np.allclose(np.asarray(mesh.get_array()).reshape(3, 2), expected)


def test_the_chosen_is_framed(result):
    _, (axes,) = search_maps(result, "mlp")
    (frame,) = axes.patches
    assert frame.get_xy() == (0, 1)


def three_paths() -> StudyResult:
    study = declared(space={"optimizer.lr": [0.1, 0.01], "net.hidden": [5, 7], "epochs": [2, 3]})
    best = {(0.1, 5): 0.3, (0.1, 7): 0.4, (0.01, 5): 0.5, (0.01, 7): 0.6}
    rows = []
    for (lr, hidden), value in best.items():
        for epochs in (2, 3):
            setting = {"optimizer.lr": lr, "net.hidden": hidden, "epochs": epochs}
            at = row("mlp", "search", len(rows), -1, value - 0.01 * epochs, setting=setting)
            rows.append(at)
    return StudyResult(study, rows)


def test_three_paths_are_three_pairs_of_the_best_over_the_third():
    figure, panels = search_maps(three_paths(), "mlp")
    assert [(a.get_ylabel(), a.get_xlabel()) for a in panels] == [
        ("optimizer.lr", "net.hidden"),
        ("optimizer.lr", "epochs"),
        ("net.hidden", "epochs"),
    ]
    mesh = next(c for c in panels[0].collections if hasattr(c, "get_coordinates"))
    assert np.allclose(np.asarray(mesh.get_array()).reshape(2, 2), [[0.48, 0.58], [0.28, 0.38]])
    assert "best over the paths not shown" in figure.get_supxlabel()


def test_one_path_is_a_line():
    rows = [row("mlp", "search", c, -1, 0.6, setting={"optimizer.lr": 10.0**-c}) for c in range(3)]
    study = declared(space={"optimizer.lr": [1.0, 0.1, 0.01]})
    figure, (axes,) = search_maps(StudyResult(study, rows), "mlp")
    assert axes.lines[0].get_xdata() == pytest.approx([0.01, 0.1, 1.0])
    assert axes.get_xscale() == "log"
    assert legend(figure) == ["candidate", "chosen"]


def test_a_search_that_drew_its_values_is_points_over_each_path():
    space = {"optimizer.lr": {"low": 0.001, "high": 0.1, "log": True}, "net.hidden": [5, 7]}
    study = declared(space=space, search={"method": "random", "candidates": 30})
    rows = [
        row("mlp", "search", c, -1, 0.6 + c / 100, setting={"optimizer.lr": lr, "net.hidden": h})
        for c, (lr, h) in enumerate(zip(np.geomspace(0.001, 0.1, 30), [5, 7] * 15, strict=True))
    ]
    _, panels = search_maps(StudyResult(study, rows), "mlp")
    assert [axes.get_xlabel() for axes in panels] == ["optimizer.lr", "net.hidden"]
    assert panels[0].lines[1].get_ydata() == pytest.approx([0.89])


def test_a_choice_of_words_is_on_the_axis():
    words = ("relu", "tanh", "gelu")
    rows = [row("mlp", "search", c, -1, 0.6, setting={"net.act": w}) for c, w in enumerate(words)]
    study = declared(space={"net.act": list(words)})
    _, (axes,) = search_maps(StudyResult(study, rows), "mlp")
    assert names(axes.get_xticklabels()) == list(words)


def test_searches_of_several_rounds_are_averaged():
    study = declared(search={"method": "grid", "each_round": True})
    rows = [
        replace(r, round=at, metrics={"accuracy": r.metrics["accuracy"] + 0.1 * at})
        for r in search_rows(study)
        for at in (0, 1)
    ]
    _, (axes,) = search_maps(StudyResult(study, rows), "mlp")
    mesh = next(c for c in axes.collections if hasattr(c, "get_coordinates"))
    assert np.asarray(mesh.get_array()).ravel()[0] == pytest.approx(0.65)


def test_no_search_no_map():
    with pytest.raises(ValueError, match="no search"):
        search_maps(made(without_search(), search=False), "mlp")


def test_validation_against_test_is_a_mark_an_arm(result):
    figure, axes = validation_against_test(result)
    marks = [c.lines[0].get_xydata()[0].tolist() for c in axes.containers]
    assert [x for x, _ in marks] == pytest.approx([0.64, 0.65, 0.66, 0.67])
    assert [y for _, y in marks] == pytest.approx([arm.mean for arm in result.arms])
    assert legend(figure) == ARMS


def test_without_a_search_there_is_no_validation():
    with pytest.raises(ValueError, match="no search"):
        validation_against_test(made(without_search(), search=False))


# intervals and ranks


def test_a_difference_has_its_interval_in_points(result):
    found = result.compare()
    _, axes = differences(result, found)
    test = found.comparisons[0].test
    assert axes.lines[0].get_xdata() == pytest.approx([100 * test.low, 100 * test.high])
    assert names(axes.get_yticklabels()) == ARMS[1:]


def test_what_holm_does_not_reject_is_hollow(result):
    found = result.compare()
    _, axes = differences(result, found)
    faces = [line.get_markerfacecolor() for line in axes.lines[1:-1:2]]
    hollow = [face == "white" for face in faces]
    assert hollow == [c.p_holm >= 0.05 for c in found.comparisons]
    assert any(hollow)
    assert not all(hollow)


def test_all_pairs_are_named(result):
    _, axes = differences(result, result.compare(all_pairs=True))
    assert names(axes.get_yticklabels())[0] == "mlp − mlp-sharing"


def test_every_effect_has_a_line(result):
    _, axes = effect_sizes(result)
    assert names(axes.get_yticklabels())[1] == "sharing: yes - no"


def test_ranks_have_a_bar_a_clique_and_every_name():
    scores = {"a": [0.9] * 9, "b": [0.5, 0.6] * 4 + [0.6], "c": [0.6, 0.5] * 4 + [0.5]}
    ranking = rank_arms(scores)
    figure, axes = critical_differences(ranking)
    bars = [line for line in axes.lines if line.get_linewidth() == 4]
    assert len(bars) == len(ranking.cliques) == 1
    assert {text.get_text().split()[0] for text in axes.texts} >= {"a", "mean", "1"}
    assert drawn(figure)


def test_too_few_data_sets_are_said():
    ranking = rank_arms({"a": [0.9, 0.8], "b": [0.5, 0.6], "c": [0.4, 0.5]})
    figure, _ = critical_differences(ranking)
    assert figure.get_supxlabel() == ranking.note
    assert drawn(figure)


# all of them


@pytest.mark.parametrize("show", [boxes, curves, curve_grid, validation_against_test])
def test_without_results_there_is_no_figure(show):
    with pytest.raises(ValueError, match=r"no (values|results|search)"):
        show(EMPTY)


@pytest.mark.parametrize("show", [boxes, curves, curve_grid])
def test_a_study_that_diverged_whole_is_drawn(show):
    study = without_search()
    found = StudyResult(study, [diverged(r) for r in final_rows(study, 3)])
    figure, _ = show(found)
    assert drawn(figure)


def test_no_names_overlap_with_sixteen_arms():
    levels = [f"architecture-no-{i}" for i in range(8)]
    study = without_search(levels)
    figure, axes = boxes(StudyResult(study, final_rows(study, 3)))
    figure.draw_without_rendering()
    spans = [t.get_window_extent() for t in axes.get_yticklabels()]
    assert len(spans) == 16
    assert not any(a.overlaps(b) for a, b in pairwise(spans))
    assert all(span.x0 >= 0 for span in spans)


def test_an_arm_that_diverged_altogether_does_not_squeeze_the_others(result):
    rows = [diverged(row) if row.arm == "conv" else row for row in result.rows]
    _, axes = boxes(StudyResult(result.study, rows))
    crosses = next(c for c in axes.collections if c.get_label() == "diverged round")
    assert len(crosses.get_offsets()) >= 8
    assert axes.get_xlim()[0] > 0.5
