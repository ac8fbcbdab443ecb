"""A study over several data sets, from the command line."""

from __future__ import annotations

import json
import shutil

import pytest

from chainrule.cli.resolve import resolve_study
from chainrule.study import Study, run_datasets
from tests.study.spec.test_datasets import FILE

ARM = "\n[arms.wide]\nnet.hidden = 30\n"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store in which the study has been run."""
    path = tmp_path_factory.mktemp("runs") / "two.sqlite"
    run_datasets(Study.from_toml(FILE + ARM), store=path)
    return path


@pytest.fixture
def here(call, store, tmp_path):
    """A folder with the study and its run."""
    (tmp_path / "two.toml").write_text(FILE + ARM)
    (tmp_path / "runs").mkdir()
    shutil.copy(store, tmp_path / "runs")
    return tmp_path


def test_a_run_trains_each_data_set_and_prints_one_table(call, here):
    (here / "runs" / "two.sqlite").unlink()
    code, out, err = call("run", "two.toml", "--jobs", "1")
    assert code == 0, err
    assert out.splitlines()[1].split() == ["arm", "iris", "disk", "mean", "rank"]
    assert [line.split()[0] for line in out.splitlines()[3:6]] == ["linear", "deep", "wide"]
    assert "All rounds on all 2 data sets are done. Kept in runs/two.sqlite." in err
    assert "Next: chainrule compare two; chainrule report two" in err


def test_the_same_run_again_trains_nothing(call, here):
    code, _out, err = call("run", "two.toml", "--jobs", "1")
    assert (code, "nothing was left to train" in err) == (0, True)


@pytest.mark.parametrize("run", ["two", "two.toml", "runs/two.sqlite"])
def test_whatever_names_it_shows_all_data_sets(call, here, run):
    rows = json.loads(call("show", run, "--json")[1])
    assert [(row["dataset"], row["arm"]) for row in rows] == [
        (dataset, arm) for dataset in ("iris", "disk") for arm in ("linear", "deep", "wide")
    ]


def test_one_data_set_is_shown_by_its_name_or_number(call, here):
    by_name, by_number = (call("show", "two", "--study", which)[1] for which in ("disk", "2"))
    assert by_name == by_number
    assert by_name.startswith("two.disk: test accuracy")


def test_compare_speaks_of_these_data_sets(call, here):
    code, out, _ = call("compare", "two")
    assert code == 0
    assert "over these 2 data sets" in out
    assert "can never reject at" in " ".join(out.split())
    found = json.loads(call("compare", "two", "--baseline", "deep", "--json")[1])
    assert found["data_sets"] == ["iris", "disk"]
    assert [(c["a"], c["b"]) for c in found["comparisons"]["rows"]] == [
        ("linear", "deep"),
        ("wide", "deep"),
    ]
    assert {row["arm"] for row in found["ranks"]} == {"linear", "deep", "wide"}


def test_all_pairs_fit_80_columns(call, here):
    out = call("compare", "two", "--all-pairs")[1]
    table = out[: out.index("+/=/−: data sets")]
    assert "no difference found" in table
    assert max(map(len, table.splitlines())) <= 80


def test_a_csv_file_takes_the_place_of_one_data_set_alone(call, here):
    (here / "rows.csv").write_text("a,t\n" + "1,x\n2,y\n" * 20)
    code, _, err = call("init", "m.toml", "--csv", "rows.csv", "--target", "t", "--from", "tables")
    assert (code, "--csv goes with one data set; it has breast_cancer, cars" in err) == (1, True)


def test_the_page_has_every_data_set_once_and_no_id_twice(call, here):
    assert call("report", "two", "-o", "two.html")[0] == 0
    page = (here / "two.html").read_text("utf-8")
    ids = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len({*ids})
    assert all(f"results-{name}" in ids for name in ("iris", "disk"))
    assert "over these 2 data sets" in page
    assert "critical-differences" in page


def test_review_looks_at_each(call, here):
    _code, out, _err = call("review", "two", "--json")
    assert [one["study"] for one in json.loads(out)["datasets"]] == ["two.iris", "two.disk"]
    out = call("review", "two", "--select", "R005")[1]
    assert [line for line in out.splitlines() if not line.startswith(" ")] == [
        "two.iris:",
        "R005 warning  too few rounds for the question",
        "two.disk:",
        "R005 warning  too few rounds for the question",
    ]


def test_plot_draws_the_ranks(call, here):
    code, _, _err = call("plot", "two", "-o", "figures")
    assert (code, [path.name for path in (here / "figures").iterdir()]) == (
        0,
        ["critical-differences.png"],
    )
    assert call("plot", "two")[2] == "wrote runs/two/critical-differences.png\n"


def test_plan_has_a_row_a_data_set(call, here):
    code, out, _ = call("plan", "two.toml", "--no-time", "--arms", "deep")
    assert code == 0
    assert [line.split() for line in out.splitlines()[3:5]] == [
        ["iris", "0", "2"],
        ["disk", "0", "2"],
    ]
    plans = json.loads(call("plan", "two.toml", "--no-time", "--json")[1])["datasets"]
    assert [plan["totals"]["trainings"] for plan in plans] == [6, 6]


def test_check_study_checks_each_and_the_quick_form(call, here):
    code, out, _ = call("check-study", "two.toml")
    assert (code, out.count("two.toml: ok: two.")) == (0, 2)
    (here / "wrong.toml").write_text(FILE.replace("train = 20", "train = -1"))
    code, _, err = call("check-study", "wrong.toml")
    assert (code, "data set disk: data disk_points(train=-1" in err) == (1, True)


@pytest.mark.parametrize(
    ("assignment", "expected"), [("test=40", [40, 40]), ("disk.test=40", [None, 40])]
)
def test_data_are_changed_for_all_or_for_one(call, here, assignment, expected):
    study = resolve_study("two.toml", data=[assignment])
    assert [data.get("test") for data in study.datasets.values()] == expected


def test_what_goes_with_one_data_set_says_so(call, here):
    for words in (
        ("show", "two", "--candidates"),
        ("compare", "two", "--target", "0.9"),
        ("ensemble", "two"),
        ("nets", "two", "-o", "nets"),
    ):
        code, _, err = call(*words)
        assert code == 1
        assert "two has several data sets: choose one of them by --study: iris, disk" in err
    code, _, err = call("run", "two.toml", "--csv", "a.csv", "--target", "t")
    assert (code, "--csv goes with one data set" in err) == (1, True)


def test_a_data_set_that_there_is_not(call, here):
    code, _, err = call("show", "two", "--study", "irsi")
    assert (code, "no results of data set 'irsi'; did you mean 'iris'?" in err) == (1, True)


def test_a_changed_declaration_is_said(call, here):
    (here / "more").mkdir(exist_ok=True)
    (here / "more" / "two.toml").write_text(FILE.replace("epochs = 2", "epochs = 3"))
    code, _out, err = call("show", "more/two.toml")
    assert (code, "was not run as it is declared now" in err) == (0, True)


def test_one_name_removes_all_data_sets(call, here):
    assert call("run", "two.toml", "--jobs", "1", "--store", "gone.sqlite", "--quick")[0] == 0
    code, _, err = call("remove", "gone.sqlite/two-quick")
    assert (code, "two-quick.iris" in err) == (1, True)
    assert call("remove", "gone.sqlite/two-quick", "--yes")[0] == 0
    assert json.loads(call("studies", "gone.sqlite", "--json")[1]) == []


def test_a_run_of_some_arms_is_not_finished(call, here):
    code, _out, err = call(
        "run", "two.toml", "--jobs", "1", "--arms", "deep", "--store", "some.sqlite"
    )
    assert code == 0
    assert "Not finished: 0 of 2 data sets complete." in err
