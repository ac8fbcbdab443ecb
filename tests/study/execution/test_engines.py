"""Where cohorts are trained: executors of the user's own, lost workers, and requests to stop."""

from __future__ import annotations

import multiprocessing
import threading
import time
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest
import torch

from chainrule._util.stopping import check_stop, stoppable
from chainrule.recipes.errors import StudyError
from chainrule.study import run
from chainrule.study.execution.executors import dask
from chainrule.study.execution.executors.futures import FuturesEngine
from chainrule.study.execution.job import run_job
from chainrule.study.execution.scheduling.scheduler import Scheduler
from chainrule.study.execution.workers.package import StudyPackage
from chainrule.study.execution.workers.stop_requests import (
    JobStoppedError,
    StoppableWork,
    request_stop,
)
from tests.study.execution.test_runner import FEW
from tests.study.small import lasting, small


@pytest.fixture(scope="module")
def undisturbed():
    return lasting(run(FEW).rows)


class Here:
    """Trains here at once; of the first ``losses`` jobs only the error comes back."""

    def __init__(self, error: BaseException | None = None, losses: int = 0) -> None:
        self.error, self.losses, self.open = error, losses, 0

    def submit(self, f, *args):
        future: Future = Future()
        self.open += 1
        if self.losses:
            self.losses -= 1
            if isinstance(self.error, CancelledError):
                future.cancel()
                future.set_running_or_notify_cancel()
            else:
                future.set_exception(self.error)
        else:
            future.set_result(f(*args))
        return future


def test_a_cancelled_cohort_is_given_out_again(undisturbed):
    assert lasting(run(FEW, executor=Here(CancelledError(), 3)).rows) == undisturbed


def test_one_that_is_always_cancelled_names_arm_and_cohort_in_two_lines():
    message = r"^arm wide: a worker was lost 4 times over a cohort of 2 trainings; [^\n]*\n[^\n]*$"
    with pytest.raises(StudyError, match=message) as caught:
        run(small(arms={"wide": {}}, rounds=2), executor=Here(CancelledError(), 99))
    assert str(caught.value).endswith("\n  CancelledError: it was cancelled")


class Counting(Here):
    """Nothing is done before the driver waits: it counts what is under way."""

    def submit(self, f, *args):
        self.open += 1
        future: Future = Future()
        threading.Timer(0.05, lambda: future.set_result(f(*args))).start()
        return future


def test_all_that_is_ready_is_submitted_at_once():
    most = []
    executor = Counting()
    run(
        small(cohort_size=1, rounds=4),
        executor=executor,
        on_progress=lambda p: most.append(executor.open),
    )
    assert most[1] == 8  # two arms of four rounds, before the first was done


class Broken:
    """A pool whose worker died, and that takes nothing any more."""

    def submit(self, f, *args):
        raise BrokenProcessPool("a process was terminated abruptly")


def test_a_broken_pool_says_so(tmp_path):
    message = (
        "the executor Broken is broken, and takes nothing more; what is done is kept: go on with a "
        "new one\n  BrokenProcessPool: a process was terminated abruptly"
    )
    with pytest.raises(StudyError, match=message):
        run(FEW, executor=Broken(), store=tmp_path / "a.sqlite")
    assert list(tmp_path.iterdir()) == []


class Immediate:
    """What is no executor: its submit gives the result."""

    def submit(self, f, *args):
        return [f(*args)]


def test_an_executor_that_gives_no_futures_is_told():
    with pytest.raises(StudyError, match=r"Immediate: expected its submit to return a .*, got a l"):
        run(FEW, executor=Immediate())


def test_who_listens_and_is_no_scheduler_is_told(monkeypatch):
    monkeypatch.setattr(dask, "SECONDS_TO_CONNECT", 0.05)
    over = threading.Event()
    with pytest.raises(OSError, match="is it the port of its dashboard"):
        dask.connect(lambda **_: over.wait(), {"timeout": 0})
    over.set()


def test_a_broken_pool_is_made_anew_where_it_is_known_how(undisturbed):
    with FuturesEngine(Broken(), make=Here) as engine:
        assert lasting(run(FEW, executor=engine).rows) == undisturbed


# one thread


def test_a_job_takes_one_thread_and_leaves_those_of_its_worker_as_they_were(monkeypatch):
    seen = []
    study = small(arms={"a": {}}, net="tests.study.execution.test_engines:noted", rounds=1)
    monkeypatch.setattr("tests.study.execution.test_engines.SEEN", seen)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with ThreadPoolExecutor(1) as threads:
            run(study, executor=threads)
            assert threads.submit(torch.get_num_threads).result() == 3
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {1}


SEEN: list[int] = []


def noted(hidden: int = 3):
    from tests.study.small import halved

    if threading.current_thread() is not threading.main_thread():
        SEEN.append(torch.get_num_threads())
    return halved(hidden)


# stopping


@pytest.mark.parametrize("compiled", [True, False])
def test_a_thread_that_trains_stops_soon_when_it_is_asked(compiled):
    study = small(arms={"a": {"epochs": 10**6}}, rounds=1, compile=compiled)
    board = Scheduler(study, study.all_arms)
    (job,) = board.take_jobs(board.arms[0])
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(
            run_job, StudyPackage(study.model_dump_json(), f"mine {compiled}"), job
        )
        time.sleep(0.5)
        request_stop("another")
        assert not future.done()
        start = time.monotonic()
        request_stop(f"mine {compiled}")
        assert isinstance(future.exception(timeout=10), JobStoppedError)
        assert time.monotonic() - start < 3


def test_ctrl_c_stops_the_threads_of_an_executor():
    study = small(arms={"quick": {"epochs": 1}, "long": {"epochs": 10**6}}, rounds=2)

    def watch(progress):
        if progress.cohorts:
            raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as threads:
        start = time.monotonic()
        result = run(study, executor=threads, on_progress=watch)
    assert time.monotonic() - start < 10  # the threads have ended
    assert (result.interrupted, [arm.arm for arm in result.arms]) == (True, ["quick"])


def wait_to_be_stopped(seconds: float) -> str:
    """What a training does, between its steps."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        check_stop()
        time.sleep(0.01)
    return "not stopped"


def test_work_in_a_process_that_nobody_can_tell_looks_for_a_file(tmp_path):
    file = tmp_path / "stop"
    work = StoppableWork(wait_to_be_stopped, str(file))
    assert work(0.1) == "not stopped"
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(work, 30.0)
        time.sleep(0.1)
        file.touch()
        start = time.monotonic()
        assert isinstance(future.exception(timeout=10), JobStoppedError)
        assert time.monotonic() - start < 3


def test_ctrl_c_of_such_a_process_is_its_own(tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        StoppableWork(interrupt, str(tmp_path / "stop"))()


def test_both_requests_to_stop_are_obeyed():
    first, second = threading.Event(), threading.Event()
    with stoppable(first), stoppable(second):
        check_stop()
        first.set()
        with pytest.raises(KeyboardInterrupt):
            check_stop()
    check_stop()


@pytest.mark.slow  # new processes take seconds to begin
def test_ctrl_c_stops_the_processes_of_a_pool_of_ones_own():
    study = small(arms={"quick": {"epochs": 1}, "long": {"epochs": 10**6}}, rounds=2)
    stopped = []

    def watch(progress):
        if progress.cohorts:
            time.sleep(0.5)  # the other one has begun
            stopped.append(time.monotonic())
            raise KeyboardInterrupt

    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        for _ in range(2):
            run(FEW, executor=pool)  # both have begun
        result = run(study, executor=pool, on_progress=watch)
        for future in [pool.submit(abs, -1) for _ in range(2)]:
            future.result()  # who takes this has ended the other
        assert time.monotonic() - stopped[0] < 3
    assert (result.interrupted, [arm.arm for arm in result.arms]) == (True, ["quick"])


def test_an_engine_that_was_stopped_trains_again():
    with ThreadPoolExecutor(1) as threads, FuturesEngine(threads) as engine:
        engine.stop("a run")
        assert run(FEW, executor=engine).is_complete
