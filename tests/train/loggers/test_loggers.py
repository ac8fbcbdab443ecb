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
    experiments: ClassVar[dict[str, SimpleNamespace]] = {}
    pages: ClassVar[list[int]] = []
    fails: ClassVar[list[Exception]] = []

    def __init__(self, tracking_uri):
        self.uri = tracking_uri

    def search_experiments(self, max_results):
        Path(self.uri.removeprefix("sqlite:///")).write_text("tables")

    def get_experiment_by_name(self, name):
        return self.experiments.get(name)

    def create_experiment(self, name):
        stage = {"experiment_id": f"the experiment {name}", "lifecycle_stage": "active"}
        if self.fails:
            if not str(self.fails[0]):  # another process was quicker
                self.experiments[name] = SimpleNamespace(**stage)
            raise self.fails[0]
        self.experiments[name] = SimpleNamespace(**stage)
        return stage["experiment_id"]

    def create_run(self, experiment, run_name):
        number = f"run {len(self.runs)}"
        self.runs[number] = {"experiment": experiment, "uri": self.uri, "metrics": []}
        self.runs[number]["name"] = run_name
        return SimpleNamespace(info=SimpleNamespace(run_id=number))

    def search_runs(self, experiments, filter_string, max_results, page_token):
        """Pages of one run each."""
        self.pages.append(max_results)
        digest = filter_string.partition("'")[2].rstrip("'")
        found = [(n, r) for n, r in self.runs.items() if r.get("digest") == digest]
        found = [(n, r) for n, r in found if not r.get("deleted")]
        i = int(page_token or 0)
        page = [
            SimpleNamespace(info=SimpleNamespace(run_id=number, run_name=run["name"]))
            for number, run in found[i : i + 1]
        ]
        return Page(page, str(i + 1) if i + 1 < len(found) else None)

    def delete_run(self, number):
        self.runs[number]["deleted"] = True

    def log_batch(self, run, metrics=(), params=()):
        assert len(metrics) <= 1000
        self.runs[run]["metrics"] += metrics
        self.runs[run].update(params)

    def set_terminated(self, run, status):
        self.runs[run]["status"] = status


class Page(list):
    def __init__(self, runs, token):
        super().__init__(runs)
        self.token = token


@pytest.fixture
def told(monkeypatch):
    """MLflow's client, as if it were installed."""
    for each in (Told.runs, Told.experiments, Told.pages, Told.fails):
        each.clear()
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
    return Told


def test_mlflow_is_told_each_epoch_of_each_replica(told, tmp_path):
    history = make_trainer(MLflowLogger(tmp_path, experiment="mine"), K=2).fit(DATA, epochs=3)
    runs = {run["name"]: run for run in told.runs.values()}
    assert {*runs} == {"replica-0", "replica-1"}
    run = runs["replica-1"]
    assert run["experiment"] == "the experiment mine"
    assert run["uri"] == f"sqlite:///{tmp_path}/mlflow.db"
    assert run["batch_size"] == "16"
    losses = [(step, value) for name, step, value in run["metrics"] if name == "train_loss"]
    assert losses == [*enumerate(history["train_loss"][:, 1].tolist(), 1)]
    assert run["status"] == "FINISHED"
    assert MLflowLogger("http://there:5000").uri == "http://there:5000"


class Stops(Callback):
    def on_epoch_end(self, state):
        raise RuntimeError("enough")


def test_mlflow_is_told_how_a_run_ended(told, tmp_path):
    trainer = make_trainer(MLflowLogger(tmp_path), K=2)
    trainer.optimizer.param_groups[0]["lr"] = torch.tensor([0.1, 1e30])
    trainer.fit(DATA, epochs=3)
    assert [run["status"] for run in told.runs.values()] == ["FINISHED", "FAILED"]
    trainer = make_trainer(MLflowLogger(tmp_path), Stops())
    with pytest.raises(RuntimeError, match="enough"):
        trainer.fit(DATA, epochs=3)
    assert told.runs["run 2"]["status"] == "KILLED"


def test_mlflow_is_told_of_a_training_that_goes_on_elsewhere(told, tmp_path):
    MLflowLogger(tmp_path).log_values("later", 3, {"loss": 0.5})
    MLflowLogger(tmp_path).end_run("never begun", "done")
    assert [(run["name"], run["metrics"]) for run in told.runs.values()] == [
        ("later", [("loss", 3, 0.5)])
    ]


def test_trainings_of_one_name_are_runs_of_their_own_unless_they_are_logged_again(told, tmp_path):
    for digest in ("a", "a", "b"):
        logger = MLflowLogger(tmp_path)
        for name in ("one", "two"):
            logger.start_run(name, {"digest": digest})
            logger.log_epochs(name, ((i, {"loss": i}) for i in range(1500)))
    left = [(r["name"], r["digest"]) for r in told.runs.values() if not r.get("deleted")]
    assert left == [("one", "a"), ("two", "a"), ("one", "b"), ("two", "b")]
    assert all(len(run["metrics"]) == 1500 for run in told.runs.values())
    for _ in range(2):
        MLflowLogger(tmp_path).start_run("one", {})
    assert len([r for r in told.runs.values() if not r.get("deleted")]) == 6


def test_an_experiment_that_another_process_makes_is_taken(told, tmp_path):
    told.fails.append(RuntimeError())
    MLflowLogger(tmp_path).start_run("one", {})
    assert told.runs["run 0"]["experiment"] == "the experiment chainrule"
    told.fails[:] = [RuntimeError("no such server")]
    with pytest.raises(RuntimeError, match="no such server"):
        MLflowLogger(tmp_path, experiment="other").start_run("one", {})
    told.experiments["chainrule"].lifecycle_stage = "deleted"
    with pytest.raises(ValueError, match="'chainrule' was deleted: mlflow experiments restore"):
        MLflowLogger(tmp_path).start_run("one", {})


def test_a_server_that_does_not_answer_is_named(told, tmp_path, monkeypatch):
    def fail(self, name):
        raise RuntimeError("refused\nby the server")

    monkeypatch.setattr(Told, "get_experiment_by_name", fail)
    with pytest.raises(OSError, match=r"http://there:1: MLflow does not answer: refused by the"):
        MLflowLogger("http://there:1").start_run("one", {})


def test_a_database_that_another_process_made_is_kept(told, tmp_path, monkeypatch):
    make = Told.search_experiments

    def be_second(self, max_results):
        make(self, max_results)
        (tmp_path / "mlflow.db").write_text("of the first")

    monkeypatch.setattr(Told, "search_experiments", be_second)
    MLflowLogger(tmp_path).start_run("one", {})
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]
    assert (tmp_path / "mlflow.db").read_text() == "of the first"


PAGE = Path(__file__).parents[3] / "docs" / "howto" / "loggers.md"


def test_the_lines_of_the_page_hand_runs_to_wandb(tmp_path, monkeypatch):
    """Of another library, which is not needed here: with one that stands in its place."""
    history = make_trainer(JSONLinesLogger(tmp_path / "logs"), K=2).fit(DATA, epochs=2)
    runs = []

    class Run:
        def __init__(self, **options):
            self.options, self.rows = options, []
            runs.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def log(self, values, step):
            self.rows.append((step, values))

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=Run))
    monkeypatch.chdir(tmp_path)
    exec(PAGE.read_text(encoding="utf-8").partition("```py\n")[2].partition("```")[0], {})
    assert [run.options["name"] for run in runs] == ["replica-0", "replica-1"]
    assert (
        runs[1].options["config"]["seed"]
        == json.loads((tmp_path / "logs" / "replica-1" / "config.json").read_text())["seed"]
    )
    losses = [(step, values["train_loss"]) for step, values in runs[1].rows]
    assert losses == [*enumerate(history["train_loss"][:, 1].tolist(), 1)]
    assert {*runs[1].rows[0][1]} == {"train_loss", "train_accuracy", "lr"}


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
