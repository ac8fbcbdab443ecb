"""Searches as SVG: a cell a pair of values, a mark a candidate, with its values in words."""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from chainrule.report import ReportData
from chainrule.report.figure_data import search_maps_data
from chainrule.report.figure_data.search.search_maps import SearchLine, SearchMapsData, SearchPoint
from chainrule.report.html.page_figures import _map_figures
from chainrule.report.html.search_figures import draw_search_svg
from chainrule.report.numbers import PERCENT

SVG = "{http://www.w3.org/2000/svg}"


def read(data):
    return ElementTree.fromstring(draw_search_svg(data, "the <label>"))


def marks(root, tag, kind=None):
    found = root.iter(f"{SVG}{tag}")
    return [e for e in found if kind is None or e.get("class") == kind]


def titles(root):
    return [e.text for e in root.iter(f"{SVG}title")]


@pytest.fixture(scope="module")
def found(result):
    return search_maps_data(result, "mlp")


def test_every_cell_has_its_values_in_words_and_a_better_one_is_lighter(found):
    root = read(found)
    (search_map,) = found.maps
    cells = marks(root, "rect", "cell")
    means = [mean for row in search_map.means for mean in row]
    assert len(cells) == len(means)
    assert titles(root)[0] == (
        f"{search_map.y_path} {search_map.y_values[0]}, {search_map.x_path} "
        f"{search_map.x_values[0]}: {found.unit.quantity(means[0])}"
    )
    green = [int(cell.get("fill")[3:5], 16) for cell in cells]
    assert green[means.index(max(means))] == max(green)
    assert green[means.index(min(means))] == min(green)


def test_the_first_row_is_at_the_bottom_and_chosen_cells_are_framed(found):
    root = read(found)
    (search_map,) = found.maps
    cells, columns = marks(root, "rect", "cell"), len(search_map.x_values)
    assert float(cells[0].get("y")) > float(cells[columns].get("y"))
    frames = marks(root, "rect", "chosen")
    assert len(frames) == len(search_map.chosen)
    i, j = search_map.chosen[0]
    assert frames[0].get("x") == cells[i * columns + j].get("x")
    assert frames[0].get("y") == str(cells[i * columns + j].get("y"))


def test_a_pair_that_was_not_tried_has_no_cell(found):
    (search_map,) = found.maps
    means = [[math.nan, *row[1:]] for row in search_map.means]
    root = read(replace(found, maps=[replace(search_map, means=means)]))
    assert len(marks(root, "rect", "cell")) == len(means) * (len(means[0]) - 1)


def test_of_many_values_no_cell_has_its_number_and_names_leave_room(found):
    (search_map,) = found.maps
    many = [f"value {i}" for i in range(20)]
    means = [[0.5] * 20 for _ in search_map.y_values]
    wide = replace(search_map, x_values=many, means=means, chosen=[])
    root = read(replace(found, maps=[wide, wide, wide], n_paths=3))
    said = [e.text for e in marks(root, "text")]
    assert "value 0" in said
    assert "value 1" not in said
    assert not any(e.get("font-size") for e in marks(root, "text"))
    assert any("best over the paths not shown" in text for text in said)


def lines(*found):
    return SearchMapsData("accuracy", PERCENT, len(found), (0.5, 0.9), [], found)


def points(*positions):
    means = [0.5, 0.7, 0.9, 0.6, 0.8, 0.55, 0.65]
    return [
        SearchPoint(x, m, m == 0.9) for x, m in zip(positions, means[: len(positions)], strict=True)
    ]


def test_a_candidate_is_a_mark_with_its_value_in_words_the_chosen_a_diamond():
    rate = SearchLine("optimizer.lr", [0.001, 0.01, 0.1], True, points(0.001, 0.01, 0.1))
    root = read(lines(rate))
    assert titles(root) == [
        "optimizer.lr 0.001: 50.00 %",
        "optimizer.lr 0.01: 70.00 %",
        "optimizer.lr 0.1: 90.00 %",
    ]
    x = [float(e.get("cx")) for e in marks(root, "circle") if e.find(f"{SVG}title") is not None]
    (chosen,) = [e for e in marks(root, "path", "chosen") if e.find(f"{SVG}title") is not None]
    end = float(chosen.get("d")[1:].split()[0])
    assert x[1] - x[0] == pytest.approx(end - x[1], abs=0.2)  # powers of ten are as far apart
    assert len(marks(root, "path", "line")) == 1


def test_with_more_paths_nothing_is_joined_and_names_are_places():
    names = SearchLine("net.kind", ["mlp", "conv"], False, points(0.0, 1.0))
    sizes = SearchLine("net.hidden", [*range(7)], True, points(*map(float, range(7))))
    few = SearchLine("net.depth", [2, 3], True, points(2.0, 3.0))
    root = read(lines(names, sizes, few))
    assert not marks(root, "path", "line")
    said = [e.text for e in marks(root, "text")]
    assert {"mlp", "conv", "net.kind", "net.hidden", "6", "2", "3"} <= {*said}
    assert "net.kind mlp: 50.00 %" in titles(root)


def test_one_value_and_equal_means_are_drawn_too():
    alone = SearchLine("a", [3], True, [SearchPoint(3.0, 0.5, chosen=True)])
    data = SearchMapsData("loss", PERCENT, 1, (0.5, 0.5), [], [alone])
    assert titles(read(data)) == ["a 3: 50.00 %"]


def test_the_page_has_a_figure_of_each_search_and_its_numbers(result):
    figures = [*_map_figures(ReportData(result))]
    assert len(figures) == 4
    for figure in figures:
        assert 'class="search"' in figure.svg
        assert "<image" not in figure.svg
        assert figure.csv.startswith("optimizer.lr,net.hidden,validation,chosen,n")
