"""Files that workers lack are sent once to each place, however many of its workers ask."""

from __future__ import annotations

import pickle
from concurrent.futures import Future

import pytest

from chainrule.recipes.errors import StudyError
from chainrule.study import run
from chainrule.study.execution.executors.futures import FuturesEngine
from chainrule.study.execution.scheduling.deliveries import Deliveries
from chainrule.study.execution.workers.travel import MissingFilesError
from tests.study.execution.elsewhere import Elsewhere
from tests.study.execution.test_travel import mine  # noqa: F401
from tests.study.small import lasting


class InTurn:
    """An executor of several such processes, each task given to the next of them."""

    def __init__(self, *workers: Elsewhere) -> None:
        self.workers, self.n = workers, 0

    def submit(self, f, *args):
        self.n += 1
        return self.workers[self.n % len(self.workers)].submit(f, *args)


def count_sent(*workers: Elsewhere) -> int:
    """How often the data file went to any of them."""
    return sum(b"\n6,4,2\n" in sent for worker in workers for sent in worker.sent)


@pytest.mark.slow  # new processes take seconds to begin
def test_two_workers_of_one_place_are_sent_a_file_once(mine, tmp_path):  # noqa: F811
    study = mine.with_overrides(rounds=4, cohort_size=1)
    with Elsewhere(tmp_path / "worker") as one, Elsewhere(tmp_path / "worker") as two:
        result = run(study, executor=InTurn(one, two))
        assert count_sent(one, two) == 1
        run(study, executor=InTurn(one, two))
        assert count_sent(one, two) == 1  # another run finds it
    assert lasting(result.rows) == lasting(run(study).rows)


@pytest.mark.slow
def test_two_places_have_it_whoever_is_given_what(mine, tmp_path):  # noqa: F811
    study = mine.with_overrides(rounds=6, cohort_size=1)
    with Elsewhere(tmp_path / "a") as a, Elsewhere(tmp_path / "b") as b:
        result = run(study, executor=InTurn(a, a, b))
    assert lasting(result.rows) == lasting(run(study).rows)
    for folder in "ab":
        assert (tmp_path / folder / "sent" / study.data.arguments["sha256"]).is_file()


class Noting:
    """An executor that notes what it is to do."""

    def __init__(self) -> None:
        self.futures = []

    def submit(self, f, *args):
        self.futures.append((args, Future()))
        return self.futures[-1][1]


@pytest.fixture
def sent(tmp_path):
    """(an executor that notes, deliveries by it, SHA-256 → file)"""
    files = {name: tmp_path / name for name in ("x", "y")}
    for name, path in files.items():
        path.write_text(f"content of {name}")
    executor = Noting()
    return executor, Deliveries(FuturesEngine(executor)), files


def test_who_asks_while_a_file_is_under_way_waits_for_it(sent):
    executor, deliveries, files = sent
    assert deliveries.send("job 1", MissingFilesError("a:/f", ("x",)), files)
    assert deliveries.send("job 2", MissingFilesError("a:/f", ("x",)), files)
    [(args, future)] = executor.futures
    assert args == ({"x": b"content of x"},)
    assert [*deliveries.take_ready()] == []
    future.set_result(None)
    assert [*deliveries.take_ready()] == ["job 1", "job 2"]
    assert not deliveries.under_way


def test_where_it_came_to_another_place_the_next_one_brings_it(sent):
    executor, deliveries, files = sent
    deliveries.send("job 1", MissingFilesError("a:/f", ("x",)), files)
    executor.futures[0][1].set_exception(OSError("no space"))
    assert [*deliveries.take_ready()] == ["job 1"]
    assert deliveries.read_brought("job 1", files) == {}
    assert not deliveries.send("job 1", MissingFilesError("a:/f", ("x",)), files)
    assert deliveries.read_brought("job 1", files) == {"x": b"content of x"}
    assert len(executor.futures) == 1


def test_another_place_and_other_files_are_a_delivery_of_their_own(sent):
    executor, deliveries, files = sent
    for place, digests in (("a:/f", ("x",)), ("b:/f", ("x",)), ("a:/f", ("x", "y"))):
        assert deliveries.send(f"job {place}", MissingFilesError(place, digests), files)
    assert len(executor.futures) == 3


def test_the_error_of_a_worker_that_lacks_files_crosses_processes():
    error = pickle.loads(pickle.dumps(MissingFilesError("a:/f", ("12", "34"))))
    assert (error.place, error.digests) == ("a:/f", ("12", "34"))
    assert str(error) == "a:/f lacks the files of sha256 12, 34"
    assert isinstance(error, StudyError)
