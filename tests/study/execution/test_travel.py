"""What the driver has and a worker lacks goes there; who runs other code is refused by name."""

from __future__ import annotations

import importlib
import os
import sys
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from chainrule.compiled import BuildError, build
from chainrule.recipes.errors import StudyError
from chainrule.study import Study, open_store, run
from chainrule.study.execution import job
from chainrule.study.execution.workers import handshake
from chainrule.study.execution.workers.handshake import (
    WorkerRefusedError,
    check_worker,
    describe_process,
    describe_version_changes,
)
from chainrule.study.execution.workers.package import StudyPackage
from chainrule.study.execution.workers.travel import keep_files
from tests.study.execution.elsewhere import Elsewhere
from tests.study.scored import ScoringExecutor
from tests.study.small import lasting, small

NETS = """\
from chainrule import nn
from travelparts.widths import WIDTH


def net(inputs, outputs, hidden=3):
    wide = hidden * WIDTH
    return nn.Sequential(nn.Linear(inputs, wide), nn.Tanh(), nn.Linear(wide, outputs))
"""

STUDY = """\
name = "mine"
rounds = 2
epochs = 2
loss = "MSELoss"
optimizer = "Adam"
direction = "min"
failure_value = 100.0
timing = true
compile = false

[metrics]
rmse = "RootMeanSquaredError"

[data]
name = "table"
csv = "mine.csv"
sha256 = "SHA"
target = "y"
standardize = "feature"

[net]
name = "travelnets:net"

[arms.one]

[arms.two]
net.hidden = 5
"""


@pytest.fixture
def mine(tmp_path, monkeypatch) -> Study:
    """A study of a file and of modules that are in a folder of the driver's alone."""
    folder = tmp_path / "driver"
    (folder / "travelparts").mkdir(parents=True)
    (folder / "travelnets.py").write_text(NETS, encoding="utf-8")
    (folder / "travelparts" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "travelparts" / "widths.py").write_text("WIDTH = 2\n", encoding="utf-8")
    rows = "\n".join(f"{i % 7},{i % 5},{i % 7 - i % 5}" for i in range(400))
    (folder / "mine.csv").write_text(f"a,b,y\n{rows}\n", encoding="utf-8")
    monkeypatch.setattr(sys, "dont_write_bytecode", False)  # it tells what was loaded
    monkeypatch.syspath_prepend(str(folder))
    yield Study.load(declare(folder))
    for name in [name for name in sys.modules if name.startswith("travel")]:
        del sys.modules[name]


def declare(folder: Path) -> Path:
    from chainrule.data.files.csv_file import digest_file

    path = folder / "mine.toml"
    path.write_text(STUDY.replace("SHA", digest_file(folder / "mine.csv")), encoding="utf-8")
    return path


def test_modules_a_data_file_and_nets_travel(mine, tmp_path):
    with Elsewhere(tmp_path / "worker") as worker:
        result = run(mine, executor=worker, nets=tmp_path / "nets")
    carried = [b"def net(inputs" in sent for sent in worker.sent]
    assert carried == [False, True, *[False] * (len(carried) - 2)]  # what it lacked, once
    home = run(mine, nets=tmp_path / "home")
    assert lasting(result.rows) == lasting(home.rows)
    for path in (tmp_path / "home").rglob("*.safetensors"):
        assert (tmp_path / "nets" / path.relative_to(tmp_path / "home")).read_bytes() == (
            path.read_bytes()
        )
    assert not [*(tmp_path / "worker").rglob("*.safetensors")]
    for row in result.rows:
        here = row.stage == "timing"  # times of two machines are no column
        assert (row.worker.endswith(f":{os.getpid()}")) == here
        assert row.machine == describe_process().as_row()


def test_a_worker_that_had_another_version_of_a_module_takes_the_new_one(mine, tmp_path):
    with Elsewhere(tmp_path / "worker") as worker:
        run(mine, executor=worker)
        (tmp_path / "driver" / "travelparts" / "widths.py").write_text("WIDTH = 13\n")
        importlib.reload(sys.modules["travelparts.widths"])
        importlib.reload(sys.modules["travelnets"])
        result = run(mine, executor=worker)
    assert lasting(result.rows) == lasting(run(mine).rows)
    assert {row.parameters for row in result.rows if row.arm == "one"} == {2 * 39 + 39 + 39 + 1}


def test_a_worker_with_another_version_of_a_module_of_its_own_is_refused_by_name(mine, tmp_path):
    folder = tmp_path / "worker"
    folder.mkdir()
    with Elsewhere(folder) as worker:
        worker.submit(exec, f"import sys; sys.path.append({str(folder)!r})")
        (folder / "travelnets.py").write_text(NETS.replace("Tanh", "ReLU"), encoding="utf-8")
        message = rf"worker \S+:{worker.popen.pid}: its module travelnets, {folder}/travelnets.py, "
        with pytest.raises(StudyError, match=message + "is another version than that of the run"):
            run(mine, executor=worker)


def test_what_came_damaged_is_not_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    with pytest.raises(StudyError, match="came damaged: expected sha256 00"):
        keep_files({"00": b"rows"})
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


# who is refused


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"chainrule": "9.1"}, r"has chainrule [\d.]+\S*, the run 9\.1: install the same on all"),
        ({"code": "0"}, r"has another code of chainrule [\d.]+\S* than the run: install the same"),
    ],
)
def test_other_code_of_chainrule_is_refused(other, message):
    with pytest.raises(WorkerRefusedError, match=rf"worker \S+:{os.getpid()} {message}"):
        check_worker(replace(describe_process(), **other), torch.float32)


def test_a_worker_without_the_kernel_is_refused_where_the_run_has_it(monkeypatch):
    def nothing(dtype):
        raise BuildError("there is no C++ compiler")

    monkeypatch.setattr(handshake, "kernel", nothing)
    with pytest.raises(WorkerRefusedError, match=r"has no kernel .* say --no-compile\n  there is"):
        check_worker(describe_process("a key"), torch.float32)
    assert check_worker(describe_process(), torch.float32) == describe_process()


def test_a_worker_without_the_device_is_refused():
    with pytest.raises(WorkerRefusedError, match=r"worker \S+: device: expected cpu.*'cuda:99'"):
        check_worker(describe_process(), torch.float32, "cuda:99")


def test_a_device_that_workers_alone_have_is_no_matter_to_the_driver(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    study = small(device="cuda", timing=True, cohort_size=1)
    executor = ScoringExecutor(lambda arm, r: 0.5)
    result = run(study, executor=executor)
    assert {row.metrics["accuracy"] for row in result.rows} == {0.5}
    assert [job.stage for job in executor.jobs][-2:] == ["timing"] * 2  # not timed here, and last
    assert [arm.n for arm in result.arms] == [3, 3]
    for own in (None, "serial", "processes"):
        with pytest.raises(StudyError, match="device: expected cpu, got 'cuda'"):
            run(study, executor=own)


def test_what_names_no_device_is_refused_whoever_trains():
    with pytest.raises(StudyError, match=r"device: expected cpu.* got 'gpu' \(graphics cards are"):
        run(small(device="gpu"), executor=ScoringExecutor(lambda arm, r: 0.5))


def test_other_versions_of_what_computes_are_said():
    driver = describe_process()
    worker = replace(driver, torch="2.4.0", cpu="another")
    assert describe_version_changes(driver, worker) == [f"torch 2.4.0 (here {torch.__version__})"]
    assert describe_version_changes(driver, driver) == []


def test_another_kernel_is_said_too():
    driver = replace(describe_process(), kernel="256-6x4-1")
    worker = replace(driver, kernel="128-6x2-2")
    assert describe_version_changes(driver, worker) == ["kernel 128-6x2-2 (here 256-6x4-1)"]


def test_a_worker_takes_the_micro_kernel_of_the_run(monkeypatch):
    known, study = [str(each) for each in build.micro_kernels()], small(data={"name": "disk"})
    monkeypatch.setattr(job, "check_worker", lambda *_: build.micro_kernels())
    for name in known:
        driver = describe_process(f"{name}-0123456789abcdef")
        package = StudyPackage(study.model_dump_json(), driver=driver)
        with job.open_package(package) as (_, _, taken):
            assert [str(each) for each in taken] == [name]


def test_a_refused_worker_ends_the_run_and_what_was_done_is_kept(monkeypatch, tmp_path):
    class Changing:
        """After one cohort, a worker of another machine."""

        jobs = 0

        def submit(self, f, package, job, nets):
            self.jobs += 1
            future: Future = Future()
            if self.jobs > 1:
                future.set_exception(WorkerRefusedError("worker b:1 has chainrule 9.1"))
            else:
                future.set_result(f(package, job, nets))
            return future

    store = tmp_path / "a.sqlite"
    with pytest.raises(StudyError, match=r"worker b:1 has chainrule 9\.1"):
        run(small(cohort_size=1), executor=Changing(), store=store)
    with open_store(store, read_only=True) as opened:
        assert opened.studies()[0].trainings == 1
