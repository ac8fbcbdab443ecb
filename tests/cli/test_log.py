"""chainrule log, and every number of a study in a long table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from chainrule import report
from chainrule.cli.commands.show import save_parquet
from chainrule.report.tables.long import COLUMNS
from chainrule.report.tables.table import Table
from tests.cli.conftest import Call


def test_the_curves_of_a_store_are_written_as_runs(call: Call, finished):
    code, _, err = call("log", finished, "logs", "--to", "jsonl")
    assert code == 0, err
    lines = [*Path("logs").rglob("history.jsonl")]
    assert f"wrote {len(lines)} runs to logs" in err
    assert {path.parts[1] for path in lines} == {"small", "small-slow", "large", "large-slow"}
    steps = [json.loads(line)["_step"] for line in lines[0].read_text().splitlines()]
    assert steps == [1, 2]


def test_tensorboard_reads_them(call: Call, finished):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert call("log", finished, "logs", "--to", "tensorboard")[0] == 0
    folder = next(iter(Path("logs/small/final").rglob("events*"))).parent
    assert "train_loss" in EventAccumulator(str(folder)).Reload().Tags()["scalars"]


def test_what_was_written_before_is_replaced_and_what_others_wrote_stays(call: Call, finished):
    assert call("log", finished, "logs", "--to", "jsonl")[0] == 0
    Path("logs/notes.txt").write_text("mine")
    before = {path: path.read_text() for path in Path("logs").rglob("config.json")}
    assert call("log", finished, "logs", "--to", "jsonl")[0] == 0
    assert {path: path.read_text() for path in Path("logs").rglob("config.json")} == before
    assert Path("logs/notes.txt").read_text() == "mine"
    about = json.loads(next(iter(before.values())))
    assert {"study", "digest", "arm", "stage", "round", "status"} <= {*about}
    lines = next(iter(Path("logs").rglob("history.jsonl"))).read_text().splitlines()
    assert [json.loads(line)["_step"] for line in lines] == [1, 2]


def test_a_study_that_is_not_finished_says_so_and_what_diverged_ends_early(call: Call):
    Path("wild.toml").write_text(
        'name = "wild"\nrounds = 3\nepochs = 3\nbatch_size = 20\n'
        'data = {name = "disk_points", train = 40, test = 40}\n'
        'net = {name = "plane_net", hidden = 3}\nloss = "CrossEntropyLoss"\noptimizer = "SGD"\n'
        "arms = {one = {}, wild = {optimizer = {lr = 3e38}}}\n"
    )
    assert call("run", "wild.toml", "--arms", "w*", "-q")[0] == 0
    code, _, err = call("log", "wild", "logs", "--to", "jsonl")
    assert code == 0
    assert "Not finished" in err or "of 3 rounds" in err
    assert "wrote 3 runs" in err
    for path in Path("logs").rglob("history.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert len(lines) < 3
        assert all("train_accuracy" in line or "train_loss" in line for line in lines)
        assert json.loads((path.parent / "config.json").read_text())["status"] == "diverged"


def test_a_place_where_nothing_can_be_written_is_told(call: Call, finished):
    Path("file").write_text("mine")
    code, _, err = call("log", finished, "file", "--to", "jsonl")
    assert code == 1
    assert "file" in err
    assert "Traceback" not in err
    assert Path("file").read_text() == "mine"
    code, _, err = call("log", finished, "http://there:5000", "--to", "tensorboard")
    assert code == 2
    assert "DIR is a folder for --to tensorboard" in " ".join(err.split())


def test_a_long_table_has_a_row_an_arm_a_round_and_a_metric(call: Call, finished):
    code, out, _ = call("show", finished, "--long", "--format", "csv")
    assert code == 0
    rows = [*csv.DictReader(io.StringIO(out))]
    assert [*rows[0]] == ["arm", "round", "metric", "value"]
    keys = [(row["arm"], row["round"], row["metric"]) for row in rows]
    assert len(keys) == len({*keys})
    assert {row["round"] for row in rows} == {"0", "1", "2"}
    code, out, _ = call("show", finished, "--long", "--json")
    found = json.loads(out)
    assert [row["value"] for row in found] == [float(row["value"]) for row in rows]


def test_parquet_is_what_csv_is(call: Call, finished):
    pytest.importorskip("pyarrow")
    import pandas as pd

    _, out, _ = call("show", finished, "--long", "--format", "csv")
    assert call("show", finished, "--long", "--format", "parquet", "-o", "a.parquet")[0] == 0
    expected, found = pd.read_csv(io.StringIO(out)), pd.read_parquet("a.parquet")
    assert [*found.columns] == [*expected.columns]
    assert found["value"].tolist() == expected["value"].tolist()


def test_a_long_table_without_rows_has_its_heads(tmp_path):
    pytest.importorskip("pyarrow")
    import pandas as pd

    table = Table("long", "", COLUMNS, [], [])
    assert report.as_csv(table) == "arm,round,metric,value\n"
    assert json.loads(report.as_json(table)) == []
    save_parquet(table, tmp_path / "a.parquet")
    found = pd.read_parquet(tmp_path / "a.parquet")
    assert [*found.columns] == ["arm", "round", "metric", "value"]
    assert found["value"].dtype == "float64"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "parquet"], "goes with --long and -o FILE"),
        (["--long", "--format", "parquet"], "goes with --long and -o FILE"),
        (["--long", "-o", "a.csv"], "else: > FILE"),
        (["--long", "--metric", "loss"], "exclude each other"),
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_told(call: Call, finished, words, message):
    code, _, err = call("show", finished, *words)
    assert code == 2
    assert message in " ".join(err.split())


def test_log_needs_to_know_what_for(call: Call, finished):
    code, _, err = call("log", finished, "logs")
    assert code == 2
    assert "--to" in err
    assert call("log", finished, "logs", "--to", "excel")[0] == 2
