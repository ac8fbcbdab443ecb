"""The page of a study over several data sets."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from chainrule.report import render_datasets_page
from chainrule.study import DatasetsResult, run_datasets
from tests.report.html.reader import Reader
from tests.report.tables.test_datasets import ARMS
from tests.study.results.test_datasets_result import disks


@pytest.fixture(scope="module")
def result():
    return run_datasets(disks(arms=ARMS, summary="disks < of three sizes"))


@pytest.fixture(scope="module")
def page(result):
    return render_datasets_page(result)


@pytest.fixture(scope="module")
def read(page):
    return Reader(page)


def test_the_tags_match_and_ids_are_unique(read):
    assert not read.wrong
    assert not read.open
    assert len(read.ids) == len(set(read.ids))


def test_every_link_within_the_page_has_its_end(read):
    inner = {a["href"][1:] for a in read.all("a") if a["href"].startswith("#")}
    assert len(inner) == 5
    assert inner <= set(read.ids)


def test_nothing_is_fetched(page, read):
    assert {a["href"][:5] for a in read.all("a") if not a["href"].startswith("#")} == {"data:"}
    assert "default-src 'none'" in page
    assert "disks &lt; of three sizes" in page


def test_headings_go_down_one_step_at_a_time(read):
    levels = [int(tag[1]) for tag, _ in read.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


def test_the_diagram_and_every_table_are_there_with_their_data(read):
    assert [attrs["aria-label"][:10] for attrs in read.all("svg") if "aria-label" in attrs] == [
        "Mean ranks"
    ]
    names = {a.get("download") for a in read.all("a")}
    tables = ("datasets", "comparisons", "results-few", "results-some", "results-many")
    assert {f"small-{name}.json" for name in tables} <= names
    assert {"small-critical-differences.csv", "small-few.toml"} <= names


def test_findings_are_counted_and_no_comparison_that_rejects_is_called_none(page):
    assert re.search(r"<summary>Review: [1-9]\d* findings?</summary>", page)
    assert re.search(r"Of \d comparisons [\w\s]+, none is significant at 5% after Holm\.", page)


def test_one_data_set_alone_says_why_it_is_not_compared(result):
    one = DatasetsResult("small", {"few": result["few"]}, result.declared)
    page = render_datasets_page(one)
    assert "Not compared: expected the scores of every arm on at least two data sets." in page
    assert "1 of 3 data sets complete" in page
    assert not Reader(page).wrong
