"""Loggers: what they write, for one net, a cohort and a study, and that they change nothing."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import disk
from chainrule.optim import lr_scheduler
from chainrule.study import Study, run
from chainrule.train import (
    Accuracy,
    Callback,
    EarlyStopping,
    JSONLinesLogger,
    Logger,
    MLflowLogger,
    TensorBoardLogger,
    Trainer,
)

DATA = disk(40, seed=0)


def make_trainer(*callbacks: Callback, K: int | None = None, compile=True) -> Trainer:  # noqa: A002
    net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2)).initialize(0)
    net = net if K is None else net.replicate(K, [*range(K)])
    optimizer = optim.SGD(net, lr=0.5)
    return Trainer(
        net,
        nn.CrossEntropyLoss(),
        optimizer,
        scheduler=lr_scheduler.StepLR(optimizer, 1, gamma=0.5),
        batch_size=16,
        metrics={"accuracy": Accuracy()},
        callbacks=callbacks,
        compile=compile,
    )


def read_lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def read_events(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    return {
        name: [(event.step, event.value) for event in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }


@pytest.mark.parametrize("compile", [True, False], ids=["kernel", "plain"])
def test_the_curves_are_those_of_the_history_and_the_path_stays(tmp_path, compile):  # noqa: A002
    trainer, alone = (
        make_trainer(*callbacks, compile=compile)
        for callbacks in ([JSONLinesLogger(tmp_path, gradient_norm=True)], [])
    )
    history = trainer.fit(DATA, DATA, epochs=3)
    assert trainer.backend_status == alone.backend_status or compile
    assert str(trainer.backend_status).startswith("compiled" if compile else "plain")
    lines = read_lines(tmp_path)
    assert [line["_step"] for line in lines] == [1, 2, 3]
    assert [line["lr"] for line in lines] == [0.5, 0.25, 0.125]
    for name, curve in history.curves.items():
        assert [line[name] for line in lines] == curve.tolist()
    assert all(line["gradient_norm"] > 0 for line in lines)
    assert all(line["_runtime"] >= 0 and line["_timestamp"] > 1e9 for line in lines)
    other = alone.fit(DATA, DATA, epochs=3)
    assert torch.equal(other["test_loss"], history["test_loss"])
    about = json.loads((tmp_path / "config.json").read_text())
    assert about == {"seed": 0, "batch_size": 16, "lr": 0.5}


def test_the_gradient_norm_is_that_of_the_last_step_on_either_path(tmp_path):
    for name, way in (("kernel", True), ("plain", False)):
        logger = JSONLinesLogger(tmp_path / name, gradient_norm=True)
        make_trainer(logger, K=2, compile=way).fit(DATA, epochs=2)
    for replica in ("replica-0", "replica-1"):
        kernel, plain = (
            [line["gradient_norm"] for line in read_lines(tmp_path / name / replica)]
            for name in ("kernel", "plain")
        )
        assert kernel == pytest.approx(plain, rel=1e-3)


def test_each_replica_is_a_run_until_it_stops(tmp_path):
    stopping = EarlyStopping("train_loss", patience=1, min_delta=10.0)
    history = make_trainer(stopping, JSONLinesLogger(tmp_path), K=2).fit(DATA, epochs=9)
    for k in range(2):
        lines = read_lines(tmp_path / f"replica-{k}")
        assert len(lines) == history.stopped[k] == 2
        assert [line["train_loss"] for line in lines] == history["train_loss"][:2, k].tolist()


def test_what_is_not_finite_is_left_out(tmp_path):
    trainer = make_trainer(JSONLinesLogger(tmp_path))
    trainer.optimizer.param_groups[0]["lr"] = 1e30
    trainer.fit(DATA, DATA, epochs=3)
    assert trainer.history.diverged
    assert all(math.isfinite(value) for line in read_lines(tmp_path) for value in line.values())


def test_a_training_that_goes_on_adds_and_a_new_one_begins_anew(tmp_path):
    trainer = make_trainer(JSONLinesLogger(tmp_path))
    trainer.fit(DATA, epochs=2)
    trainer.fit(DATA, epochs=3)
    assert [line["_step"] for line in read_lines(tmp_path)] == [1, 2, 3]
    make_trainer(JSONLinesLogger(tmp_path)).fit(DATA, epochs=1)
    assert [line["_step"] for line in read_lines(tmp_path)] == [1]


def test_tensorboard_reads_what_is_written(tmp_path):
    pytest.importorskip("tensorboard")
    history = make_trainer(TensorBoardLogger(tmp_path), K=2).fit(DATA, DATA, epochs=3)
    found = read_events(tmp_path / "replica-1")
    assert {*found} == {*history.curves, "lr"}
    for name, curve in history.curves.items():
        assert [step for step, _ in found[name]] == [1, 2, 3]
        assert [value for _, value in found[name]] == pytest.approx(curve[:, 1].tolist())


@pytest.mark.filterwarnings("ignore")
def test_mlflow_reads_what_is_written(tmp_path):
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    history = make_trainer(MLflowLogger(tmp_path, experiment="mine")).fit(DATA, epochs=2)
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    (found,) = client.search_runs([client.get_experiment_by_name("mine").experiment_id])
    curve = client.get_metric_history(found.info.run_id, "train_loss")
    assert [(one.step, one.value) for one in curve] == [*enumerate(history["train_loss"], 1)]
    assert found.data.params["batch_size"] == "16"


class Told:
    """Stands where MLflow's client does, and remembers what it is told."""

    runs: ClassVar[dict[str, dict]] = {}

    def __init__(self, tracking_uri):
        self.uri = tracking_uri

    def get_experiment_by_name(self, name):
        return None

    def create_experiment(self, name):
        return f"the experiment {name}"

    def create_run(self, experiment, run_name):
        self.runs[run_name] = {"experiment": experiment, "uri": self.uri, "metrics": []}
        return SimpleNamespace(info=SimpleNamespace(run_id=run_name))

    def log_batch(self, run, metrics=(), params=()):
        self.runs[run]["metrics"] += metrics
        self.runs[run].update(params)


def test_mlflow_is_told_each_epoch_of_each_replica(monkeypatch, tmp_path):
    Told.runs.clear()
    entities = SimpleNamespace(
        Param=lambda name, value: (name, value),
        Metric=lambda name, value, time, step: (name, step, value),
    )
    for name, module in {
        "mlflow": SimpleNamespace(),
        "mlflow.entities": entities,
        "mlflow.tracking": SimpleNamespace(MlflowClient=Told),
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    history = make_trainer(MLflowLogger(tmp_path, experiment="mine"), K=2).fit(DATA, epochs=3)
    assert {*Told.runs} == {"replica-0", "replica-1"}
    told = Told.runs["replica-1"]
    assert told["experiment"] == "the experiment mine"
    assert told["uri"] == f"sqlite:///{tmp_path}/mlflow.db"
    assert told["batch_size"] == "16"
    losses = [(step, value) for name, step, value in told["metrics"] if name == "train_loss"]
    assert losses == [*enumerate(history["train_loss"][:, 1].tolist(), 1)]
    assert MLflowLogger("http://there:5000").uri == "http://there:5000"


def test_a_missing_library_is_said_when_the_logger_is_made(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "tensorboard", None)
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)
    for cls, name in ((TensorBoardLogger, "tensorboard"), (MLflowLogger, "mlflow")):
        with pytest.raises(
            ImportError, match=rf"{name} is missing: pip install 'chainrule\[{name}"
        ):
            cls(tmp_path)


class Watcher(Logger):
    """Remembers what it is told; for a study, which makes its own."""

    seen: ClassVar[list[tuple[str, dict]]] = []

    def start_run(self, run, about):
        self.seen.append((run, dict(about)))

    def log_values(self, run, epoch, values):
        self.seen.append((run, {"epoch": epoch}))


def declare(**more) -> Study:
    return Study(
        name="small",
        rounds=2,
        epochs=2,
        data={"name": "disk_points", "train": 60, "test": 60},
        net={"name": "plane_net", "hidden": 5},
        loss="CrossEntropyLoss",
        optimizer="Adam",
        arms={"one": {}, "two": {"net": {"layers": 2}}},
        space={"optimizer.lr": [0.01, 0.1]},
        search={"method": "grid"},
        **more,
    )


def test_a_study_gives_its_callbacks_what_each_training_is(tmp_path):
    part = {"name": "JSONLinesLogger", "folder": str(tmp_path / "logs")}
    study = declare(callbacks=[part])
    assert study.digest == declare().digest
    result, plain = run(study), run(declare())
    assert [row.metrics for row in result.rows] == [row.metrics for row in plain.rows]
    for row in result.rows:
        name = f"{row.arm}/{row.stage}/candidate-{row.candidate}/round-{row.round:03}"
        folder = tmp_path / "logs" / name / (f"fold-{row.fold}" if row.stage == "search" else "")
        lines = read_lines(folder)
        assert [line["train_loss"] for line in lines] == pytest.approx([*row.curves["train_loss"]])
        about = json.loads((folder / "config.json").read_text())
        assert (about["study"], about["arm"], about["round"]) == ("small", row.arm, row.round)
    assert len([*(tmp_path / "logs").rglob("history.jsonl")]) == len(result.rows)


def test_a_callback_of_ones_own_hears_of_a_study_and_of_no_dry_run(tmp_path):
    Watcher.seen.clear()
    study = declare(callbacks=[{"name": f"{__name__}:Watcher", "folder": str(tmp_path)}])
    assert not study.sources
    result = run(study)
    assert len([1 for _, what in Watcher.seen if "arm" in what]) == len(result.rows)


def test_a_callback_that_is_none_is_told_before_anything_runs():
    with pytest.raises(ValueError, match="callback 'TensorBoard' is not known; did you mean"):
        run(declare(callbacks=["TensorBoard"]))
