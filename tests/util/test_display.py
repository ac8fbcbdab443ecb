"""Objects as small tables: printed, and in a notebook."""

from __future__ import annotations

import re
from xml.dom.minidom import parseString

import pytest
import torch

from chainrule import data, gradcheck, nn, optim, train
from chainrule._util.display import MOST_ROWS, ShownAsTable, html_table, sparkline
from chainrule.study import Study, run
from tests.cli.conftest import TINY


class Rows(ShownAsTable, columns=("name", "value")):
    def __init__(self, n):
        self.n = n

    def as_rows(self):
        return [{"name": f"<{i}>", "value": i / 3, "more": 0} for i in range(self.n)]


def test_it_prints_its_columns_and_nothing_else():
    assert repr(Rows(2)) == "name  value\n<0>   0\n<1>   0.3333"


def test_texts_are_escaped():
    assert "&lt;1&gt;" in Rows(2)._repr_html_()
    assert parseString(Rows(2)._repr_html_())


def test_a_long_table_says_how_long():
    assert f"… {MOST_ROWS + 5} rows" in repr(Rows(MOST_ROWS + 5))
    assert f"… {MOST_ROWS + 5} rows" in Rows(MOST_ROWS + 5)._repr_html_()
    assert len(repr(Rows(10_000))) < 5_000


def test_a_sparkline_goes_from_the_first_to_the_last_value():
    svg = parseString(sparkline([3.0, float("nan"), 1.0])).documentElement
    points = svg.getElementsByTagName("polyline")[0].getAttribute("points").split()
    assert [point.split(",")[0] for point in points] == ["0.0", "120.0"]
    assert svg.getAttribute("aria-label") == "from 3 to 1"
    assert sparkline([1.0]) == sparkline([float("inf")] * 3) == ""


def test_only_what_is_said_to_be_html_is_not_escaped():
    table = html_table(("a", "b"), [("<i>", "<b>x</b>")], raw=[1])
    assert "<td>&lt;i&gt;</td><td><b>x</b></td>" in table


@pytest.fixture(scope="module")
def fitted():
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).initialize(0)
    points = data.Dataset(torch.randn(20, 2), torch.randn(20, 1))
    history = train.fit(
        net, points, criterion=nn.MSELoss(), optimizer=optim.SGD(net, lr=0.1), epochs=3
    )
    return net, points, history


def test_a_notebook_shows_nets_data_curves_and_checks(fitted):
    net, points, history = fitted
    report = gradcheck(nn.Linear(2, 3).initialize(0), torch.randn(4, 2))
    shown = [each._repr_html_() for each in (net, points, history, report)]
    shown.append(nn.summary(net, (1, 2))._repr_html_())
    for html in shown:
        assert parseString(html).documentElement.tagName == "table"
    assert "weight (3, 2), bias (3,)" in shown[0]
    assert "20 samples" in shown[1]
    assert "<polyline" in shown[2]
    assert "train_loss" in shown[2]
    assert "ok Linear" in shown[3]


def test_a_result_is_a_short_table():
    result = run(Study.from_toml(TINY).quick_form())
    for each in (result, result.compare(), result.effects()):
        assert len(str(each)) < 2_000
        assert len(str(each).splitlines()) > 1
        assert re.search("small|size", each._repr_html_())


def test_a_study_shows_what_was_declared():
    study = Study.from_toml(TINY)
    page = parseString(study._repr_html_())
    assert page.documentElement.tagName == "table"
    cells = [cell.firstChild.data for cell in page.getElementsByTagName("td")]
    assert dict(zip(cells[::2], cells[1::2], strict=True))["data.name"] == study.data.name
    assert "failure_value" not in repr(study)  # a default
