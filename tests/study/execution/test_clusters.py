"""The same study on clusters of this machine: the same rows, whoever is killed."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from chainrule.study import StudyError, open_store, run
from tests.study.execution.clusters import SOURCE, DaskCluster, find_descendants
from tests.study.execution.killing import ROOT, STUDY, Process
from tests.study.execution.test_runner import FEW
from tests.study.execution.test_travel import mine  # noqa: F401
from tests.study.small import lasting

DASK = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="Dask is not installed"
)
MPIEXEC = shutil.which(
    "mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
)
"""That of this environment, which need not be activated, or the system's."""

MPI = pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None or MPIEXEC is None, reason="MPI is not installed"
)


@pytest.fixture(scope="module")
def few():
    return lasting(run(FEW).rows)


@pytest.fixture
def cluster(tmp_path):
    with DaskCluster(tmp_path / "cluster") as begun:
        yield begun


# the same rows


@DASK
@pytest.mark.parametrize(
    "nanny",
    [pytest.param(False, id="alone", marks=pytest.mark.slow), pytest.param(True, id="nanny")],
)
def test_on_dask_a_file_and_modules_that_only_the_driver_has(tmp_path, mine, nanny):  # noqa: F811
    with DaskCluster(tmp_path / "cluster", nanny=nanny) as cluster:
        result = run(mine, executor=cluster.engine, nets=tmp_path / "nets")
    assert lasting(result.rows) == lasting(run(mine).rows)
    assert len([*(tmp_path / "nets").rglob("*.safetensors")]) == 4


@pytest.mark.slow
@DASK
def test_a_cluster_of_dasks_own_and_a_schedulers_file(tmp_path, few, cluster):
    assert lasting(run(FEW, executor="dask", jobs=2).rows) == few
    assert lasting(run(FEW, executor=f"dask://{cluster.file}").rows) == few


def test_on_a_pool_of_new_processes(few):
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        assert lasting(run(FEW, executor=pool).rows) == few


def test_on_loky(few):
    loky = pytest.importorskip("joblib.externals.loky")
    with loky.get_reusable_executor(max_workers=2) as pool:
        assert lasting(run(FEW, executor=pool).rows) == few


@pytest.mark.slow
def test_a_pool_of_loky_is_made_anew_when_a_worker_is_killed(tmp_path):
    pytest.importorskip("joblib.externals.loky")
    from chainrule.study.execution.executors import open_engine

    killed = []

    def watch(progress):
        if progress.cohorts == 1 and not killed:
            killed.append(find_children()[0])
            os.kill(killed[0], signal.SIGKILL)

    with open_engine("joblib.externals.loky:get_reusable_executor", 2, {"max_workers": 2}) as loky:
        result = run(STUDY, executor=loky, on_progress=watch)
    assert killed
    assert lasting(result.rows) == lasting(run(STUDY).rows)


def find_children() -> list[int]:
    """The processes that this one has begun."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            command = (process / "cmdline").read_text()
        except OSError:
            continue
        if parent == os.getpid() and "loky" in command and "tracker" not in command:
            found.append(int(process.name))
    return found


OPEN_MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}
"""More processes than cores, and in a container; other MPIs need nothing of it."""


@pytest.mark.slow
@MPI
def test_on_mpi(tmp_path, few):
    code = (
        "from mpi4py.futures import MPIPoolExecutor\n"
        "from chainrule.study import run\n"
        "from tests.study.small import lasting\n"
        "from tests.study.execution.test_runner import FEW\n"
        "if __name__ == '__main__':\n"
        "    with MPIPoolExecutor() as pool:\n"
        "        print(repr(lasting(run(FEW, executor=pool).rows)))\n"
    )
    (tmp_path / "driver.py").write_text(code, encoding="utf-8")
    command = [MPIEXEC, "-n", "3", sys.executable, "-m", "mpi4py.futures", "driver.py"]
    path = os.pathsep.join([str(SOURCE), str(ROOT)])
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, **OPEN_MPI, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout == f"{few!r}\n", done.stderr


@pytest.mark.slow
@MPI
def test_on_mpi_a_killed_worker_ends_all_and_the_same_command_goes_on(tmp_path, monkeypatch):
    for name, value in OPEN_MPI.items():
        monkeypatch.setenv(name, value)
    store, engine = tmp_path / "a.sqlite", "mpi4py.futures:MPIPoolExecutor"
    launcher = [MPIEXEC, "-n", "3", sys.executable, "-m", "mpi4py.futures"]
    process = Process(store, "STUDY", engine, launcher=launcher)
    try:
        assert process.wait_for(3, 120)
        workers = [p for p in find_descendants(process.popen.pid) if is_python(p)]
        os.kill(workers[-1], signal.SIGKILL)
        process.popen.communicate(timeout=60)
        assert process.popen.returncode
    finally:
        process.end()
    with open_store(store, read_only=True) as opened:
        assert 3 * 2 <= opened.studies()[0].trainings < 36
    process = Process(store, "STUDY", engine, launcher=launcher)
    try:
        assert process.wait_for("done", 240)
    finally:
        process.end()
    with open_store(store, read_only=True) as opened:
        rows = opened.rows(opened.studies()[0].id, curves=True)
    assert lasting(rows) == lasting(run(STUDY).rows)


@pytest.mark.slow
@MPI
def test_on_mpi_ctrl_c_ends_all_and_keeps_what_is_done(tmp_path, monkeypatch):
    for name, value in OPEN_MPI.items():
        monkeypatch.setenv(name, value)
    launcher = [MPIEXEC, "-n", "3", sys.executable, "-m", "mpi4py.futures"]
    engine = "mpi4py.futures:MPIPoolExecutor"
    process = Process(tmp_path / "a.sqlite", "ENDLESS", engine, launcher=launcher)
    try:
        assert process.wait_for(2, 120)
        ranks, begun = find_descendants(process.popen.pid), time.monotonic()
        os.killpg(process.popen.pid, signal.SIGINT)
        process.popen.communicate(timeout=30)
        assert time.monotonic() - begun < 3
        assert not [rank for rank in ranks if Path(f"/proc/{rank}/exe").exists()]
    finally:
        process.end()
    with open_store(tmp_path / "a.sqlite", read_only=True) as opened:
        assert opened.studies()[0].trainings == 2


def is_python(process: int) -> bool:
    """Whether it is one of the workers, or the driver."""
    return "mpi4py.futures\0" in Path(f"/proc/{process}/cmdline").read_text()


# who is killed


@pytest.mark.slow
@DASK
def test_workers_that_are_killed_at_10_instants_cost_nothing_but_time(tmp_path, cluster):
    draw, killed, over = random.Random(3), [], threading.Event()

    def kill():
        while not over.wait(0.1 + 0.6 * draw.random()):
            if len(killed) < 10:
                cluster.kill(cluster.workers.pop(0))
                cluster.workers.append(cluster.add_worker())
                killed.append(time.monotonic())
                over.wait(4)  # until it has begun

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        runs = [run(STUDY, executor=cluster.engine)]
        while len(killed) < 10:
            runs.append(run(STUDY, executor=cluster.engine))
    finally:
        over.set()
        killer.join()
    undisturbed = lasting(run(STUDY).rows)
    assert len(killed) == 10
    for result in runs:
        assert lasting(result.rows) == undisturbed


@pytest.mark.slow
@DASK
def test_a_scheduler_that_is_killed_is_told_and_the_same_command_goes_on(tmp_path, cluster):
    store, port = tmp_path / "a.sqlite", int(cluster.address.rpartition(":")[2])

    def kill(progress):
        if progress.cohorts == 3:
            cluster.kill(cluster.scheduler)

    message = (
        f"the Dask scheduler {cluster.address} is gone, or the network to it; what is done is kept"
    )
    with pytest.raises(StudyError, match=message):
        run(STUDY, store=store, executor=cluster.engine, on_progress=kill)
    with open_store(store, read_only=True) as opened:
        assert 3 * 2 <= opened.studies()[0].trainings < 36
    with DaskCluster(tmp_path / "again", port=port) as again:
        assert again.engine == cluster.engine
        result = run(STUDY, store=store, executor=again.engine)
    assert lasting(result.rows) == lasting(run(STUDY).rows)


TRAININGS = (
    "sum('in run_job' in ''.join(__import__('traceback').format_stack(frame)) "
    "for frame in __import__('sys')._current_frames().values())"
)
"""How many a worker is at."""


@pytest.mark.slow
@DASK
def test_ctrl_c_ends_what_workers_do_for_this_run_and_no_other(tmp_path, cluster):
    from distributed import Client

    process = Process(tmp_path / "a.sqlite", "ENDLESS", cluster.engine)
    with Client(cluster.address, set_as_default=False) as other:
        try:
            assert process.wait_for(2)
            waiting = other.submit(time.sleep, 0.1, pure=False)
            end = time.monotonic() + 30
            while sum(other.run(eval, TRAININGS).values()) < 2:
                assert time.monotonic() < end
                time.sleep(0.1)
            os.killpg(process.popen.pid, signal.SIGINT)
            begun = time.monotonic()
            while sum(other.run(eval, TRAININGS).values()):
                assert time.monotonic() - begun < 3
                time.sleep(0.05)
            said, errors = process.popen.communicate(timeout=30)
        finally:
            process.end()
        assert said.endswith("interrupted\n")
        assert errors == ""
        assert waiting.result(timeout=30) is None  # another's task is done


@pytest.mark.slow
@DASK
def test_no_cluster_is_an_error():
    with pytest.raises(StudyError, match=r"no Dask scheduler answers at 127\.0\.0\.1:9\n"):
        run(FEW, executor="dask://127.0.0.1:9")
