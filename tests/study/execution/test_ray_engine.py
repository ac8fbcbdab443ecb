"""What the engine asks of Ray, seen by a stand-in for it; test_ray asks the real one."""

from __future__ import annotations

import socket
import sys
from concurrent.futures import Future
from functools import partial
from types import ModuleType, SimpleNamespace

import pytest

from chainrule.study import StudyError
from chainrule.study.execution.executors import ray as engine_module
from chainrule.study.execution.executors.ray import RayEngine

ERRORS = (
    *("WorkerCrashedError", "NodeDiedError", "LocalRayletDiedError", "ObjectLostError"),
    *("OutOfMemoryError", "TaskCancelledError"),
)


class TaskError(Exception):
    """What Ray says of an error of a task, whose cause it is."""


class StandIn(ModuleType):
    """Ray with two machines of three CPUs; it begins what is submitted when ``work`` is called."""

    def __init__(self) -> None:
        super().__init__("ray")
        self.exceptions = SimpleNamespace(**{name: type(name, (Exception,), {}) for name in ERRORS})
        self.asked, self.waiting, self.cancelled = {}, [], []
        self.counts, self.gone, self.closed = 0, False, False
        self.options, self.sent = [], []

    def init(self, **options):
        if options.get("num_cpus") == 0:
            raise RuntimeError("no CPUs at all")
        self.asked = options

    def cluster_resources(self):
        self.counts += 1
        if self.gone:
            raise ConnectionError("gone")
        return {"CPU": 3.0, "memory": 7.0}

    def nodes(self):
        names = (("one", "left", False), ("two", "left", True), ("three", "right", True))
        return [
            {"NodeID": number, "NodeManagerHostname": host, "Alive": alive}
            for number, host, alive in names
        ]

    def remote(self, f):
        self.sent.append(f)

        def begin(options, *args):
            if self.gone:
                raise ConnectionError("gone")
            done = Future()
            self.options.append(options)
            self.waiting.append((done, f, args))
            return SimpleNamespace(future=lambda: done)

        return SimpleNamespace(
            options=lambda **options: SimpleNamespace(remote=partial(begin, options))
        )

    def work(self):
        for done, f, args in self.waiting:
            try:
                done.set_result(f(*args))
            except Exception as cause:
                error = TaskError(f"ray::{f.__name__}()")
                error.cause = cause
                done.set_exception(error)
        self.waiting = []

    def cancel(self, ref, force):
        self.cancelled.append((ref.future(), force))

    def shutdown(self):
        self.closed = True
        raise RuntimeError("twice")


@pytest.fixture
def ray(monkeypatch):
    stand_in, strategies = StandIn(), ModuleType("ray.util.scheduling_strategies")
    strategies.NodeAffinitySchedulingStrategy = lambda number, soft: (number, soft)
    monkeypatch.setitem(sys.modules, "ray", stand_in)
    monkeypatch.setitem(sys.modules, "ray.util.scheduling_strategies", strategies)
    return stand_in


@pytest.fixture
def head():
    """Who listens as the head of a cluster does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def address_of(head: socket.socket) -> str:
    return f"ray://127.0.0.1:{head.getsockname()[1]}"


def test_a_cluster_of_its_own_has_as_many_cpus_as_asked_for(ray):
    RayEngine("", 5, {"namespace": "mine"})
    wanted = {"num_cpus": 5, "include_dashboard": False, "namespace": "mine"}
    assert wanted.items() <= ray.asked.items()
    assert "address" not in ray.asked
    with pytest.raises(StudyError, match=r"no Ray cluster could be begun on this machine\n  no"):
        RayEngine("", 0, {})


def test_a_job_is_a_task_of_one_cpu_that_is_never_tried_again(ray):
    future = RayEngine("", 2, {}).submit(max, 3, 7)
    assert not future.done()
    ray.work()
    assert future.result(0) == 7
    assert ray.options == [{"max_retries": 0, "num_cpus": 1}]


def test_a_function_is_sent_once_however_many_jobs_it_does(ray):
    engine = RayEngine("", 2, {})
    for i in range(3):
        engine.submit(max, i, 7)
    assert ray.sent == [max]
    assert len(ray.waiting) == 3


def test_a_head_that_listens_and_does_not_answer_is_asked_again_then_named(ray, head, monkeypatch):
    asked = []

    def refuse(**options):
        asked.append(options)
        raise ConnectionError("ray client connection timeout")

    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(StudyError, match=r"(?s)no Ray cluster answers at .*does it want a token"):
        RayEngine(address_of(head), 2, {})
    assert len(asked) == 2


def test_an_error_is_the_tasks_own_not_rays_about_it(ray):
    future = RayEngine("", 2, {}).submit(int, "seven")
    ray.work()
    with pytest.raises(ValueError, match="seven"):
        future.result(0)


def test_workers_are_cpus_counted_once_a_second(ray, monkeypatch):
    engine, now = RayEngine("", 2, {}), [100.0]
    monkeypatch.setattr(engine_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    assert [engine.max_workers, engine.max_workers, ray.counts] == [3, 3, 1]
    ray.gone, now[0] = True, 102.0
    assert [engine.max_workers, ray.counts] == [3, 2]


def test_content_goes_to_a_living_node_of_the_host_or_to_any(ray):
    engine = RayEngine("", 2, {})
    futures = [engine.deliver(print, "", place) for place in ("left:17", "elsewhere:3")]
    assert ray.options == [
        {"max_retries": 0, "num_cpus": 0, "scheduling_strategy": ("two", True)},
        {"max_retries": 0, "num_cpus": 1},
    ]
    ray.work()
    assert [future.result(0) for future in futures] == [None, None]


def test_what_is_not_done_is_cancelled_at_a_stop(ray):
    engine = RayEngine("", 2, {})
    engine.submit(max, 3, 7)
    ray.work()
    engine.submit(max, 5, 9)
    engine.stop("this run")
    assert ray.cancelled == [(ray.waiting[0][0], False)]
    engine.close()
    assert ray.closed


def test_an_address_where_nobody_listens_is_named(ray, head):
    address = address_of(head)
    head.close()
    with pytest.raises(StudyError, match=f"no Ray cluster answers at {address[6:]}\n"):
        RayEngine(address, 2, {})
    assert not ray.asked


def test_a_cluster_that_is_gone_is_told_with_what_to_do(ray, head):
    engine = RayEngine(address_of(head), 2, {})
    assert ray.asked["address"] == address_of(head)
    engine.check()
    ray.gone = True
    message = (
        f"the Ray cluster {engine.address} is gone, or the network to it; what is done is kept"
    )
    with pytest.raises(StudyError, match=message):  # another head may listen there by now
        engine.submit(max, 3, 7)
    engine.check()
    head.close()
    with pytest.raises(StudyError, match=message):
        engine.check()
