"""A run: only what is missing, the same rows however it came about."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
import torch

from chainrule.study import StudyError, load_result, open_store, run
from tests.study.small import Fragile, lasting, searched, small

FEW = searched(cohort_size=2, timing=True)
"""2 arms: 2 cohorts of search, 2 of rounds and one for the time each: 10."""


def counted(study, store=None, **how):
    """(result, the number of cohorts that were trained)."""
    seen = []
    result = run(study, store=store, on_progress=lambda p: seen.append(p.cohorts), **how)
    return result, seen[-1]


def stopped_after(n: int) -> Callable:
    """A watch that interrupts when n cohorts are done."""

    def watch(progress):
        if progress.cohorts == n:
            raise KeyboardInterrupt

    return watch


@pytest.fixture(scope="module")
def undisturbed():
    return lasting(run(FEW).rows)


# the same rows


def test_a_run_has_a_row_for_each_training(undisturbed):
    result, cohorts = counted(FEW)
    assert cohorts == 10
    assert len(result.rows) == 2 * (3 + 3 + 1)
    assert result.is_complete
    assert not result.interrupted
    assert lasting(result.rows) == undisturbed


def test_memory_or_file_are_the_same(tmp_path, undisturbed):
    assert lasting(run(FEW, store=tmp_path / "a.sqlite").rows) == undisturbed


def test_an_arm_is_the_same_whatever_other_arms_are_run(undisturbed):
    wide = lasting(run(FEW, arms="wide").rows)
    assert wide == [row for row in undisturbed if row.arm == "wide"]


def test_any_executor_will_do(undisturbed):
    with ThreadPoolExecutor(2) as threads:
        assert lasting(run(FEW, executor=threads).rows) == undisturbed


def test_the_threads_of_the_caller_are_as_they_were():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run(small(arms={"a": {}}, rounds=1))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_random_numbers_of_the_caller_change_nothing(undisturbed):
    torch.manual_seed(12345)
    assert lasting(run(FEW).rows) == undisturbed


# on and on


@pytest.mark.parametrize("n", [0, 1, 3, 6, 9])
def test_interrupted_and_resumed_it_is_as_undisturbed(tmp_path, undisturbed, n):
    store = tmp_path / "a.sqlite"
    first = run(FEW, store=store, on_progress=stopped_after(n))
    assert first.interrupted
    assert len(first.rows) < len(undisturbed)
    second, cohorts = counted(FEW, store)
    assert cohorts == 10 - n
    assert not second.interrupted
    assert lasting(second.rows) == undisturbed


def test_a_finished_study_trains_nothing_and_says_the_same(tmp_path):
    store = tmp_path / "a.sqlite"
    first = run(FEW, store=store)
    again, cohorts = counted(FEW, store)
    assert cohorts == 0
    assert again.rows == first.rows
    assert again.as_rows() == first.as_rows()


def test_some_arms_first_and_the_others_later(tmp_path, undisturbed):
    store = tmp_path / "a.sqlite"
    run(FEW, store=store, arms="w*")
    result, cohorts = counted(FEW, store)
    assert cohorts == 5
    assert lasting(result.rows) == undisturbed


def test_each_run_is_recorded_once(tmp_path):
    store = tmp_path / "a.sqlite"
    run(FEW, store=store, on_progress=stopped_after(3))
    result = run(FEW, store=store)
    assert 1 <= len(result.runs) <= 2


def test_a_run_that_is_interrupted_before_its_first_row_leaves_no_trace(tmp_path):
    store = tmp_path / "a.sqlite"
    result = run(FEW, store=store, on_progress=stopped_after(0))
    assert (result.interrupted, list(result.rows), result.study) == (True, [], FEW)
    with open_store(store) as opened:
        assert opened.studies() == []


def test_an_extension_that_is_interrupted_before_its_first_row_leaves_no_trace(tmp_path):
    store = tmp_path / "a.sqlite"
    run(small(), store=store)
    with open_store(store) as opened:
        before = opened.studies()
    run(small(rounds=5), store=store, extend=True, on_progress=stopped_after(0))
    with open_store(store) as opened:
        assert opened.studies() == before


# more of it


def test_more_rounds_are_refused_unless_said(tmp_path):
    store = tmp_path / "a.sqlite"
    run(small(), store=store)
    message = (
        "study small: the store has it with 2 arms x 3 rounds; this is 2 arms x 5 rounds: say "
        "--extend to go on from there, or choose another --store"
    )
    with pytest.raises(StudyError, match=message):
        run(small(rounds=5), store=store)


def test_more_rounds_leave_the_old_ones_as_they_were(tmp_path):
    store = tmp_path / "a.sqlite"
    old = run(small(), store=store).rows
    result = run(small(rounds=5), store=store, extend=True)
    assert [arm.n for arm in result.arms] == [5, 5]
    assert [row for row in result.rows if row.round < 3] == list(old)


def test_more_arms_leave_the_old_ones_as_they_were(tmp_path):
    store = tmp_path / "a.sqlite"
    old = run(small(), store=store).rows
    more = small(arms={"narrow": {}, "new": {"epochs": 1}, "wide": {"net": {"hidden": 7}}})
    result, cohorts = counted(more, store, extend=True)
    assert cohorts == 1
    assert [arm.arm for arm in result.arms] == ["narrow", "new", "wide"]
    assert [row for row in result.rows if row.arm != "new"] == list(old)


def test_fewer_rounds_are_refused(tmp_path):
    store = tmp_path / "a.sqlite"
    run(small(), store=store)
    with pytest.raises(StudyError, match="has it with 2 arms x 3 rounds, more than 2 arms x 1"):
        run(small(rounds=1), store=store, extend=True)


def test_the_extended_study_is_finished_then(tmp_path):
    store = tmp_path / "a.sqlite"
    run(small(), store=store)
    run(small(rounds=4), store=store, extend=True)
    assert counted(small(rounds=4), store)[1] == 0
    assert counted(small(rounds=4), store, extend=True)[1] == 0


@pytest.mark.parametrize(
    "other",
    [small(epochs=3), small(seed=1), small(arms={"narrow": {}, "wide": {"net": {"hidden": 8}}})],
    ids=["epochs", "seed", "arm"],
)
def test_another_declaration_is_another_study_and_the_old_rows_stay(tmp_path, other):
    store = tmp_path / "a.sqlite"
    old = run(small(), store=store)
    new = run(other, store=store, extend=True)
    assert lasting(new.rows) != lasting(old.rows)
    with open_store(store, read_only=True) as opened:
        assert opened.rows(opened.studies()[0].id, curves=True) == list(old.rows)
    assert counted(small(), store)[1] == 0


def test_other_words_about_it_are_the_same_study(tmp_path):
    store = tmp_path / "a.sqlite"
    run(small(), store=store)
    result, cohorts = counted(small(summary="in other words", rope=0.1, baseline="wide"), store)
    assert cohorts == 0
    assert result.study.summary == "in other words"
    with open_store(store, read_only=True) as opened:
        assert len(opened.studies()) == 1


# what goes wrong


ONE_FAILS = small(arms={"good": {}, "bad": {"net": "tests.study.small:fragile"}})


def test_an_arm_that_fails_is_rows_with_its_error_and_the_others_go_on(tmp_path):
    result = run(ONE_FAILS, store=tmp_path / "a.sqlite")
    assert result.arm("good").n == result.arm("good").n_ok == 3
    assert [arm.arm for arm in result.arms] == ["good"]
    assert [(row.arm, row.status) for row in result.failures] == [("bad", "failed")] * 3
    message, *lines = result.failures[0].note.split("\n")
    assert message == "ZeroDivisionError: user code"
    assert lines[-1].endswith('in forward: raise ZeroDivisionError("user code")')
    assert not result.is_complete


def test_what_failed_is_tried_again_and_what_is_done_is_not(tmp_path, monkeypatch):
    store = tmp_path / "a.sqlite"
    good = run(ONE_FAILS, store=store).arm("good").rows
    again, cohorts = counted(ONE_FAILS, store)
    assert len(again.failures) == 3
    monkeypatch.setattr(Fragile, "forward", lambda self, x: (x, lambda g: g))
    mended, cohorts = counted(ONE_FAILS, store)
    assert cohorts == 1  # the three rounds
    assert (mended.failures, mended.is_complete) == ([], True)
    assert lasting(mended.arm("good").rows) == lasting(good)


def test_a_study_of_which_everything_fails_is_an_error_and_leaves_no_store(tmp_path):
    store = tmp_path / "a.sqlite"
    with pytest.raises(StudyError, match=r"^arm bad: ZeroDivisionError: user code\n"):
        run(small(arms={"bad": {"net": "tests.study.small:fragile"}}), store=store)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("halving", [None, {"min_epochs": 1}])
def test_a_setting_that_fails_is_not_chosen_and_the_rest_of_its_cohort_is_trained(halving):
    study = searched(
        space={"optimizer.lr": [0.003, -0.5, 0.03]},
        search={"method": "grid", "halving": halving, "each_round": False},
        failure_value=2.0,  # better than any
    )
    result = run(study)
    assert result.is_complete
    assert {row.setting["optimizer.lr"] for row in result.failures} == {-0.5}
    for arm in result.arms:
        assert (arm.n_ok, arm.n_failed) == (3, 0)
        assert [c.n_ok for c in result.candidates(arm.arm)] == [1, 0, 1]


def test_a_search_of_which_everything_fails_chooses_nothing(tmp_path):
    bad = {"net": {"name": "tests.study.small:fragile"}}
    result = run(searched(arms={"good": {}, "bad": bad}), store=tmp_path / "a.sqlite")
    assert {(row.arm, row.stage) for row in result.failures} == {("bad", "search")}
    assert [c.chosen for c in result.candidates("bad")] == [False] * 3


def test_a_search_that_failed_in_part_stays_as_its_choice_was_made(tmp_path):
    study = searched(space={"optimizer.lr": [-0.5, 0.03]})
    before = run(study, store=tmp_path / "a.sqlite")
    after, cohorts = counted(study, tmp_path / "a.sqlite")
    assert (after.rows, cohorts) == (before.rows, 0)


def test_an_epoch_whose_last_batch_is_one_sample_fails_with_batch_norm_alone():
    arms = {"norm": {"net": "tests.study.small:normed"}, "plain": {}}
    result = run(small(arms=arms, data={"name": "disk_points", "train": 61, "test": 30}))
    assert (result.failed_arms, result.arm("plain").n_ok) == (["norm"], 3)
    assert "expected more than one value for each channel" in result.failures[0].note


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"net": "pair_netz"}, "net 'pair_netz' is not known; did you mean 'pair_net'"),
        ({"net": "nowhere:net"}, "net 'nowhere:net': cannot import nowhere"),
        ({"net": "tests.study.small:nothing"}, "tests.study.small has no function 'nothing'"),
        (
            {"net": {"name": "disk_net", "width": 3}},
            r"net disk_net\(hidden=3, width=3\): ",
        ),
        ({"net": "tests.study.small:small"}, "expected it to make a Module, got a Study"),
        ({"loss": "Linear"}, "arm a: loss 'Linear' is not known; expected"),
        (
            {"optimizer": {"name": "Adam", "rl": 1}},
            r"arm a: optimizer Adam\(lr=0.03, rl=1\): ",
        ),
        ({"schedule": "StepLR"}, r"arm a: schedule StepLR\(\): "),
    ],
)
def test_a_part_that_cannot_be_made_is_named(part, message):
    with pytest.raises(StudyError, match=message):
        run(small(arms={"a": part}, rounds=1))


def test_no_worker_is_no_run():
    with pytest.raises(StudyError, match="expected at least 1 job, got 0"):
        run(small(), jobs=0)


class Mortal:
    """Trains here, one at a time; some of the workers that get a cohort of this arm die."""

    slots = 1

    def __init__(self, arm: str, deaths: int) -> None:
        self.arm, self.deaths = arm, deaths

    def submit(self, f, declared, job, nets):
        future: Future = Future()
        if job.arm == self.arm and self.deaths:
            self.deaths -= 1
            future.set_exception(BrokenProcessPool())
        else:
            future.set_result(f(declared, job, nets))
        return future


@pytest.mark.parametrize("times", [1, 3])
def test_a_cohort_whose_worker_dies_is_trained_again(undisturbed, times):
    assert lasting(run(FEW, executor=Mortal("wide", times)).rows) == undisturbed


def test_four_deaths_are_an_error_that_names_the_arm(tmp_path):
    store = tmp_path / "a.sqlite"
    with pytest.raises(StudyError, match="arm wide: a worker died 4 times over a cohort of 2 "):
        run(FEW, store=store, executor=Mortal("wide", 99))
    assert lasting(run(FEW, store=store).rows) == lasting(run(FEW).rows)


# what a watcher sees


def test_progress_counts_to_the_total():
    seen = []

    def watch(p):
        seen.append((p.cohorts, p.trainings, len(p.running), p.seconds_left))

    run(FEW, on_progress=watch)
    assert seen[0] == (0, (0, 14), 0, None)
    assert [cohorts for cohorts, *_ in seen] == list(range(11))
    assert seen[-1][1] == (14, 14)
    assert seen[-1][3] == 0


def test_progress_knows_the_best_so_far_by_arm():
    seen = []
    run(FEW, on_progress=lambda p: seen.append(p.best))
    assert seen[0] == {}
    assert set(seen[-1]) == {"narrow", "wide"}


def test_searches_and_large_cohorts_come_first():
    order = []

    class Note:
        slots = 1

        def submit(self, f, declared, job, nets):
            order.append((job.arm, job.stage))
            future: Future = Future()
            future.set_result(f(declared, job, nets))
            return future

    run(FEW, executor=Note())
    stages = [stage for _, stage in order]
    assert stages[:4] == ["search"] * 4
    assert order[0] == ("wide", "search")


def test_a_store_of_the_first_format_goes_on(tmp_path):
    path = tmp_path / "old.sqlite"
    shutil.copy(Path(__file__).parents[1] / "store" / "format-1-study.sqlite", path)
    with open_store(path, read_only=True) as store:
        old = load_result(store, 1)
    assert (old.study.direction, old.study.failure_value) == ("min", 9.0)
    assert old.is_complete
    assert old.arm("b").solo_seconds is not None
    result, cohorts = counted(old.study, path)
    assert cohorts == 0
    assert lasting(result.rows) == lasting(old.rows)
    with open_store(path, read_only=True) as store:
        (record,) = store.studies()
    assert record.digest == old.study.digest
    assert "failure_value = 9.0" in record.declaration["toml"]
