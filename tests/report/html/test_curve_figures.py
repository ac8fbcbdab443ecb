"""Curves as SVG: each line with its name, in a key that a page can switch, and its numbers."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from chainrule.report.data import ReportData
from chainrule.report.figure_data import Curve, CurvesData, curve_grid_data, curves_data
from chainrule.report.figure_data.curve_grid import SIDES
from chainrule.report.html.curve_figures import draw_curve_grid_svg, draw_curves_svg
from chainrule.report.html.page_figures import build_page_figures
from chainrule.report.numbers import PLAIN
from chainrule.study import StudyResult
from tests.report.conftest import made, without_search

SVG = "{http://www.w3.org/2000/svg}"


def read(svg):
    return ElementTree.fromstring(svg)


def with_class(root, name):
    return [e for e in root.iter() if name in e.get("class", "").split()]


def points(path):
    """The pixels that a path's lines go through."""
    return [tuple(map(float, p.split())) for p in path.get("d").strip("MZ").split("L")]


@pytest.fixture(scope="module")
def found(result):
    return curves_data(result, "test_accuracy")


@pytest.fixture(scope="module")
def drawn(found):
    return read(draw_curves_svg(found, "the <label>"))


def test_there_is_a_line_and_a_key_for_each_arm_in_the_same_order(found, drawn):
    names = [curve.label for curve in found.curves]
    assert [e.find(f"{SVG}text").text for e in with_class(drawn, "key")] == names
    assert [e.get("data-curve") for e in with_class(drawn, "curve")] == ["0", "1", "2", "3"]
    assert drawn.get("aria-label") == "the <label>"


def test_a_better_value_is_drawn_higher_and_a_later_epoch_further_right(found, drawn):
    line = points(with_class(with_class(drawn, "curve")[0], "line")[0])
    assert len(line) == len(found.curves[0].epochs)
    assert [x for x, _ in line] == sorted(x for x, _ in line)
    means = found.curves[0].means
    assert (line[-1][1] < line[0][1]) == (means[-1] > means[0])


def test_the_numbers_are_told_as_they_are(found, drawn):
    told = json.loads(drawn.get("data-told"))
    assert told["unit"] == [100.0, 2, " %"]
    assert [curve["name"] for curve in told["curves"]] == [c.label for c in found.curves]
    assert told["curves"][0]["means"] == pytest.approx(found.curves[0].means, rel=1e-3)
    assert told["curves"][0]["stds"] == pytest.approx(found.curves[0].stds, rel=1e-3)


def test_more_than_six_arms_are_grouped_by_their_first_factor():
    data = curves_data(made(without_search(["a", "b", "c", "d"]), search=False), "test_loss")
    groups = with_class(read(draw_curves_svg(data, "")), "group")
    assert [(e.text, e.get("data-curves")) for e in groups] == [
        ("kind: a", "0 1"),
        ("kind: b", "2 3"),
        ("kind: c", "4 5"),
        ("kind: d", "6 7"),
    ]


def test_without_factors_they_are_grouped_six_by_six():
    arms = {f"arm{i}": {} for i in range(8)}
    study = without_search(factors={}, arms=arms, baseline="arm0", reported={})
    groups = [c.group for c in curves_data(made(study, search=False), "test_loss").curves]
    assert groups == ["arm0 to arm5"] * 6 + ["arm6 to arm7"] * 2


def curve(means, stds=None, name="a", n_diverged=0):
    return Curve(name, range(1, len(means) + 1), means, stds, 3, n_diverged)


def test_a_loss_over_powers_of_ten_is_drawn_on_a_logarithmic_scale():
    data = CurvesData("test_loss", PLAIN, "rounds", [curve([1000.0, 10.0, 0.1])])
    drawn = read(draw_curves_svg(data, ""))
    (_, a), (_, b), (_, c) = points(with_class(drawn, "line")[0])
    assert b - a == pytest.approx(c - b, abs=0.2)
    assert {"0.1", "10", "1000"} <= {e.text for e in drawn.iter(f"{SVG}text")}


@pytest.mark.parametrize("stds", [None, [0.5, math.nan]])
def test_what_is_not_known_is_not_drawn(stds):
    data = CurvesData("test_mae", PLAIN, "rounds", [curve([1.0, 2.0], stds), curve([math.nan] * 2)])
    drawn = read(draw_curves_svg(data, ""))
    assert len(with_class(with_class(drawn, "curve")[1], "line")) == 0
    assert "nan" not in ElementTree.tostring(drawn, encoding="unicode")
    assert json.loads(drawn.get("data-told"))["curves"][1]["y"] == [None, None]


def test_one_epoch_is_a_point():
    data = CurvesData("test_mae", PLAIN, "rounds", [curve([2.0])])
    assert len(list(read(draw_curves_svg(data, "")).iter(f"{SVG}circle"))) == 1


def test_a_name_is_text_whatever_is_in_it():
    data = CurvesData(
        "test_mae", PLAIN, "rounds", [curve([1.0, 2.0], name="<b>&\"'", n_diverged=2)]
    )
    (key,) = with_class(read(draw_curves_svg(data, "")), "key")
    assert key.find(f"{SVG}text").text == "<b>&\"' (2 diverged)"


def test_each_arm_has_a_panel_a_kind_with_training_dashed(result):
    data = curve_grid_data(result)
    drawn = read(draw_curve_grid_svg(data, "grid"))
    assert [e.text for e in with_class(drawn, "title")] == [p[0].arm for p in data.panels]
    dashed = [e.get("stroke-dasharray") is not None for e in with_class(drawn, "line")]
    assert dashed == [True, False] * (len(dashed) // 2)
    assert len(dashed) == 4 * 2 * 2 + 2


def test_panels_of_one_kind_share_their_scale(result):
    data = curve_grid_data(result)
    alike = replace(data, panels=[data.panels[0], data.panels[0]])
    lines = with_class(read(draw_curve_grid_svg(alike, "")), "line")
    one, other = points(lines[0]), points(lines[4])
    assert [y for _, y in one] == [y for _, y in other]


def test_a_curve_above_the_others_leaves_the_figure_and_the_caption_says_so():
    levels = [f"a{i}" for i in range(5)]
    found = made(without_search(levels, rounds=3), rounds=3, search=False)
    rows = []
    for row in found.rows:
        factor = 1e6 if row.arm == "a2" else 1.0
        losses = {f"{s}_loss": [factor * x for x in row.curves[f"{s}_loss"]] for s in SIDES}
        rows.append(replace(row, curves={**row.curves, **losses}))
    data = ReportData.wrap(StudyResult(found.study, rows))
    figures = {figure.name: figure for figure in build_page_figures(data, None, None)}
    for name in ("curves-test-loss", "curve-grid"):
        assert figures[name].caption.endswith(" over rounds. Above what is shown: a2.")
    assert "Above" not in figures["curves-test-accuracy"].caption
    assert "e+" not in figures["curves-test-loss"].svg.partition("<metadata")[0]
