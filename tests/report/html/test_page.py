"""The page as text: whole, escaped, the same each time."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import replace
from html import unescape
from itertools import pairwise

import pytest

from chainrule.data.files.csv_file import digest_file
from chainrule.report import build_table, render_page, write_page
from chainrule.report.html.downloads import data_uri
from chainrule.report.html.protocol import protocol_facts, run_facts
from chainrule.study import Data, Study, StudyResult, TrainingRecord
from tests.report.conftest import declared, diverged, final_rows, made, search_rows, without_search
from tests.report.html.reader import Reader

EVIL = "</script><script>alert('x')</script> & \"<b>\""


STUDY = without_search()


def some(study: Study = STUDY, rounds: int = 3) -> StudyResult:
    """A few rounds, without curves and search: quick to draw."""
    return bare(made(study, rounds=rounds, search=False))


def bare(found: StudyResult) -> StudyResult:
    return replace(found, rows=[replace(r, curves={}) for r in found.rows])


def first(rounds: int) -> list[TrainingRecord]:
    return final_rows(STUDY, rounds)


@pytest.fixture(scope="module")
def page(result) -> str:
    return render_page(result)


@pytest.fixture(scope="module")
def read(page) -> Reader:
    return Reader(page)


def test_the_tags_match_and_ids_are_unique(read):
    assert not read.wrong
    assert not read.open
    assert len(read.ids) == len(set(read.ids))


def test_every_link_within_the_page_has_its_end(read):
    inner = {a["href"][1:] for a in read.all("a") if a["href"].startswith("#")}
    assert len(inner) == 9
    assert inner <= set(read.ids)


def test_nothing_is_fetched(page, read):
    assert {a["href"][:5] for a in read.all("a") if not a["href"].startswith("#")} == {"data:"}
    assert not [tag for tag, attrs in read.tags if "src" in attrs]
    assert "default-src 'none'" in page
    assert set(re.findall(r"https?://[^\"' )]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_headings_go_down_one_step_at_a_time(read):
    levels = [int(tag[1]) for tag, _ in read.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


def test_every_figure_is_labelled(read):
    figures = [attrs for attrs in read.all("svg") if attrs.get("role") == "img"]
    assert len(figures) == len(read.all("figure")) >= 12
    assert all(attrs["aria-label"] for attrs in figures)


def test_every_table_has_a_label_and_heads_with_a_scope(read):
    assert all(attrs["aria-labelledby"] in read.ids for attrs in read.all("table"))
    assert {attrs["scope"] for attrs in read.all("th")} == {"row", "col"}


def test_only_what_is_long_in_a_table_is_broken_into_lines():
    cells = re.findall(r"<td([^>]*)>([^<]*)</td>", render_page(some()))
    broken = ["prose" in attributes for attributes, _ in cells]
    assert broken == [len(unescape(text)) > 40 for _, text in cells]
    assert any(broken)


def test_the_same_result_is_the_same_page():
    assert render_page(some()) == render_page(some())


def read_address(address: str) -> str:
    """The text that a link holds."""
    head, _, letters = address.partition("base64,")
    packed = base64.b64decode(letters)
    return (gzip.decompress(packed) if "gzip" in head else packed).decode()


@pytest.mark.parametrize("what", ["results", "comparisons", "effects", "candidates"])
def test_a_table_can_be_taken_along(result, read, what):
    files = {a["download"].removesuffix(".gz"): a for a in read.all("a") if "download" in a}
    link = files[f"toy-{what}.json"]
    text = read_address(link["href"])
    assert json.loads(text) == [dict(row) for row in build_table(result, what).rows]
    assert link["download"].endswith(".gz") == ("gzip" in link["href"])
    assert {f"toy-{what}.{ending}" for ending in ("csv", "tex", "md")} <= {*files}


def test_a_long_table_begins_with_its_first_rows_and_holds_all(result, monkeypatch):
    found = build_table(result, "comparisons").drop_empty_columns()
    monkeypatch.setattr("chainrule.report.html.page.SHOWN_ROWS", 2)
    monkeypatch.setattr("chainrule.report.html.downloads.SHOWN_ROWS", 2)
    text = render_page(bare(result))
    shown = re.search(r'<table id="comparisons".*?</table>', text, re.DOTALL)[0]
    rest = re.search(r'data-of="comparisons" data-rest="([^"]+)"', text)[1]
    rows = [shown.partition("<tbody>")[2], gzip.decompress(base64.b64decode(rest)).decode()]
    assert rows[0].count("<tr>") == 2
    cells = [unescape(cell) for cell in re.findall(r"<t[hd][^>]*>([^<]*)</t", "".join(rows))]
    assert cells == [cell.text for row in found.cells for cell in row]
    files = [name for name in re.findall(r'download="toy-([^"]+)"', text) if "comparisons" in name]
    assert files == ["comparisons.csv"]


def test_a_cell_says_what_sorts_it_where_that_is_not_what_it_shows(result):
    found = build_table(result, "results").drop_empty_columns()
    text = re.search(r'<table id="results".*?</table>', render_page(result), re.DOTALL)[0]
    cells = re.findall(r'<t[hd](?: scope="row")?(?: class="\w+")?([^>]*)>([^<]*)</t', text)
    for (attribute, shown), cell in zip(
        [cell for cell in cells if "scope" not in cell[0]],
        [cell for row in found.cells for cell in row],
        strict=True,
    ):
        order = attribute.removeprefix(' data-order="').removesuffix('"') if attribute else shown
        if isinstance(cell.order, float | int):
            assert float(order) == pytest.approx(cell.order, rel=1e-8)
        else:
            assert order == (cell.order or "")


def test_every_figure_has_its_data(read):
    files = {a.get("download", "").removesuffix(".gz") for a in read.all("a")}
    assert {
        "toy-boxes.csv",
        "toy-curve-grid.csv",
        "toy-search-0.csv",
        "toy-validation.csv",
    } <= files


def test_it_says_how_it_was_made(page):
    for text in (
        "paired t",
        "root seed",
        "data, init",
        "versions.torch",
        "2.13.0",
        "0123abc",
        "machine.cpu",
        "threads",
        "a hold-out of 30% of the training data",
        "trained anew on the whole training set",
        "epoch 2, step 3: train loss is nan",
        "[factors.kind.mlp.net]",
        "standard deviation (ddof = 1)",
    ):
        assert text in page


def test_memory_is_in_gib(result):
    run = {"machine": {"cpu": "a processor", "memory": 16_645_025_792}}
    assert ("machine.memory", "15.5 GiB") in run_facts(replace(result, runs=[run]))[0]


def test_what_a_net_takes_of_the_columns_of_a_table_is_told(result, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("id,x,y\n" + "".join(f"row{i},{i / 7:.3f},{i * i}\n" for i in range(40)))
    table = Data(name="table", csv=str(path), target="y", sha256=digest_file(path))
    of_table = replace(result, study=result.study.model_copy(update={"data": table}))
    columns = dict(protocol_facts(of_table))["columns"]
    assert "40 rows, 1 input" in columns
    assert "id" in columns
    path.unlink()
    assert dict(protocol_facts(of_table))["columns"].startswith("not known any more: ")


def test_text_of_the_study_is_escaped():
    study = declared(
        summary=EVIL,
        factors={},
        arms={EVIL.replace("/", ""): {}, "b": {}},
        baseline="b",
        reported={},
    )
    text = render_page(bare(made(study, rounds=3)))
    found = Reader(text)
    assert not found.wrong
    assert len(found.all("script")) == 1
    assert not found.all("b")
    assert "<script>alert" not in text
    assert "&lt;/script&gt;" in text


def test_an_unfinished_study_says_so():
    rows = [r for r in some(rounds=8).rows if r.round < 5]
    text = render_page(StudyResult(STUDY, rows, interrupted=True))
    assert "Not finished: 5 of 8 rounds done by every arm" in text
    assert "The last run was interrupted." in text


FOLDS = {"name": "x:y", "rounds": "folds", "folds": 8}
ODD = {
    "nothing yet": StudyResult(declared(), []),
    "a search alone": StudyResult(declared(), search_rows(declared())),
    "one round": some(rounds=1),
    "one arm": some(without_search(factors={}, reported={}, baseline=None)),
    "all diverged": StudyResult(STUDY, [diverged(r) for r in first(3)]),
    "all pairs": some(without_search(baseline=None)),
    "folds": some(without_search(data=FOLDS)),
    "one arm behind": bare(StudyResult(STUDY, [r for r in first(3) if r.arm != "conv"])),
    "a loss": some(without_search(metric="loss", direction="min", failure_value=9.0)),
}


@pytest.mark.parametrize("name", ODD)
def test_any_study_has_a_page(name):
    text = render_page(ODD[name])
    found = Reader(text)
    assert not found.wrong
    assert "<h2>Summary</h2>" in text
    assert "nan" not in re.sub(r"data:[^\"]+|train loss is nan|met nan or infinity", "", text)


def test_what_cannot_be_compared_is_explained():
    assert "a comparison takes 2 rounds that all arms have, got 1" in render_page(ODD["one round"])
    assert "nothing to compare" in render_page(ODD["one arm"])


def test_many_candidates_are_counted_and_not_kept(result, monkeypatch):
    monkeypatch.setattr("chainrule.report.html.page.MAX_CANDIDATES", 23)
    text = render_page(bare(result))
    assert "24 settings were tried, too many to be kept in this page" in text
    assert "toy-candidates" not in text


def test_the_page_is_written_whole(tmp_path):
    found = ODD["nothing yet"]
    write_page(found, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text("utf-8") == render_page(found)


def test_a_page_that_cannot_be_written_names_its_path(tmp_path):
    path = tmp_path / "none" / "report.html"
    with pytest.raises(OSError, match="cannot write") as caught:
        write_page(StudyResult(declared(), []), path)
    assert caught.value.filename == str(path)


def test_protocol_in_words():
    study = declared(
        selection={"split": "kfold", "folds": 3, "repeats": 2, "stratify": True},
        search={"method": "grid", "each_round": True, "halving": {"min_epochs": 2, "factor": 3}},
    )
    facts = dict(protocol_facts(StudyResult(study, [])))
    assert facts["search"] == "grid, in every round"
    assert facts["selection"].endswith("on 3 folds of the training data, 2 times, stratified")
    assert facts["successive halving"] == "first after 2 epochs, by 3"


def test_a_data_address_holds_its_text():
    address = data_uri("ä,±\n")
    assert base64.b64decode(address.partition("base64,")[2]).decode() == "ä,±\n"


def test_the_page_has_what_a_review_finds(result):
    text = render_page(result)
    assert "R006" in text
    assert "R003 could not look" in text
