"""The same study on Ray: the same rows, whoever is killed."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from chainrule.compiled.build import cache_dir
from chainrule.study import StudyError, open_store, run
from chainrule.study.execution.executors import open_engine
from chainrule.study.execution.scheduling import lost_jobs
from tests.study.execution.clusters import RayCluster
from tests.study.execution.killing import STUDY, Process
from tests.study.execution.test_runner import FEW
from tests.study.execution.test_travel import NETS, mine  # noqa: F401
from tests.study.small import lasting

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed"),
]

BUSY = 300
"""Seconds that Ray may take to begin on a machine that is busy with other tests."""


@pytest.fixture
def cluster(tmp_path):
    """One that may be killed."""
    with RayCluster(tmp_path / "cluster") as begun:
        yield begun


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    """One that nobody kills."""
    with RayCluster(tmp_path_factory.mktemp("steady")) as begun:
        yield begun


def test_a_cluster_of_rays_own():
    assert lasting(run(FEW, executor="ray", jobs=2).rows) == lasting(run(FEW).rows)


def test_a_file_and_modules_that_only_the_driver_has(tmp_path, monkeypatch, mine, steady):  # noqa: F811
    csv, sha256 = (mine.data.arguments[name] for name in ("csv", "sha256"))
    monkeypatch.chdir(Path(csv).parent)
    hidden = mine.with_overrides(data={"csv": "/proc/self/cwd/mine.csv"})  # not in theirs
    kept = cache_dir() / "sent" / sha256
    kept.unlink(missing_ok=True)
    result = run(hidden, executor=steady.engine, nets=tmp_path / "nets")
    assert kept.is_file()
    assert lasting(result.rows) == lasting(run(mine).rows)
    assert len([*(tmp_path / "nets").rglob("*.safetensors")]) == 4


def test_a_worker_with_another_version_of_a_module_is_refused_by_name(mine, steady):  # noqa: F811
    module = steady.folder / "travelnets.py"
    module.write_text(NETS.replace("Tanh", "ReLU"), encoding="utf-8")
    try:
        with pytest.raises(
            StudyError, match=rf"worker \S+: its module travelnets, {module}, is an"
        ):
            run(mine, executor=steady.engine)
    finally:
        module.unlink()


def test_workers_that_are_killed_at_10_instants_cost_nothing_but_time(cluster, monkeypatch):
    monkeypatch.setattr(lost_jobs, "MAX_RETRIES", 20)  # one cohort may be hit as often
    draw, killed, over = random.Random(3), [], threading.Event()

    def kill():
        while not over.wait(0.1 + 0.6 * draw.random()):
            if len(killed) < 10 and (workers := cluster.find_workers()):
                os.kill(draw.choice(workers), signal.SIGKILL)
                killed.append(time.monotonic())
                over.wait(2)

    killer = threading.Thread(target=kill)
    killer.start()
    runs = []
    try:
        with open_engine(cluster.engine, 2) as engine:
            while len(killed) < 10:
                runs.append(run(STUDY, executor=engine))
    finally:
        over.set()
        killer.join()
    undisturbed = lasting(run(STUDY).rows)
    for result in runs:
        assert lasting(result.rows) == undisturbed


def test_a_head_that_is_killed_is_told_and_the_same_command_goes_on(tmp_path, cluster):
    store = tmp_path / "a.sqlite"
    process = Process(store, "STUDY", cluster.engine)
    try:
        assert process.wait_for(3, BUSY), process.popen.communicate()
        cluster.kill()
        _, errors = process.popen.communicate(timeout=BUSY)
    finally:
        process.end()
    assert f"the Ray cluster {cluster.address} is gone, or the network to it; what is" in errors
    with open_store(store, read_only=True) as opened:
        assert 3 * 2 <= opened.studies()[0].trainings < 36
    with RayCluster(tmp_path / "again", port=cluster.port) as again:
        result = run(STUDY, store=store, executor=again.engine)
    assert lasting(result.rows) == lasting(run(STUDY).rows)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_what_workers_do_and_the_second_one_waits_for_nothing(tmp_path, steady, times):
    process = Process(tmp_path / "a.sqlite", "ENDLESS", steady.engine)
    try:
        assert process.wait_for(2, BUSY)
        while len(steady.find_busy()) < 2:
            time.sleep(0.05)
        begun = time.monotonic()
        for _ in range(times):
            os.killpg(process.popen.pid, signal.SIGINT)
            time.sleep(0.1)
        said, errors = process.popen.communicate(timeout=30)
        ended = time.monotonic() - begun
        while steady.find_busy():
            assert time.monotonic() - begun < 3 * times
            time.sleep(0.05)
    finally:
        process.end()
    assert ended < 3
    if times == 1:
        assert said.endswith("interrupted\n")
        assert errors == ""


def test_no_cluster_is_an_error():
    with pytest.raises(StudyError, match=r"no Ray cluster answers at 127\.0\.0\.1:9\n"):
        run(FEW, executor="ray://127.0.0.1:9")
