"""chainrule log, and every number of a study in a long table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

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
