"""What a search found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chainrule.report import (
    search_maps,
)
from chainrule.study import StudyResult
from tests.report.conftest import (
    declared,
    made,
    row,
    search_rows,
    without_search,
)
from tests.report.figures.readback import legend_names, tick_names


def test_a_map_has_the_means_at_their_values_in_order(result):
    _, (axes,) = search_maps(result, "mlp")
    (mesh,) = [c for c in axes.collections if hasattr(c, "get_coordinates")]
    assert tick_names(axes.get_yticklabels()) == ["0.001", "0.01", "0.1"]
    assert tick_names(axes.get_xticklabels()) == ["50", "200"]
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
    assert legend_names(figure) == ["candidate", "chosen"]


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
    assert tick_names(axes.get_xticklabels()) == list(words)


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
