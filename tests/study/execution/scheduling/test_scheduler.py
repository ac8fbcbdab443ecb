"""What can be begun, in which cohorts, and what waits."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

import pytest

from chainrule.study.builtin import load_builtin
from chainrule.study.execution import cohorts
from chainrule.study.execution.cohorts import cohort_size_for, split_evenly
from chainrule.study.execution.scheduling import scheduler
from chainrule.study.execution.scheduling.scheduler import Scheduler
from chainrule.study.search import arm_search, selection
from tests.study.small import SMALL, searched, small
from tests.study.store.rows import row


def board(study, rows=()):
    return Scheduler(study, study.all_arms, rows)


def finished(job):
    """Rows such as the job's trainings would give; the best are the last candidates."""
    return [
        replace(
            row(t.round, t.candidate, arm=job.arm, epochs=0),
            stage=job.stage,
            fold=t.fold,
            status="done",
            setting=t.setting,
            metrics={"accuracy": t.candidate / 100},
        )
        for t in job.trainings
    ]


def everything(made, done=0):
    """All jobs of a board in the order in which they could be trained, ``done`` at a time."""
    jobs, waiting = [], []
    while waiting := waiting + [job for arm in made.arms for job in made.take_jobs(arm)]:
        for job in waiting[: done or None]:
            jobs.append(job)
            made.add(finished(job))
        waiting = waiting[done:] if done else []
    return jobs


def shape(jobs):
    return sorted((job.arm, job.stage, tuple(job.keys)) for job in jobs)


BIG = {
    "space": {"optimizer.lr": [0.001, 0.01, 0.1], "net.hidden": [3, 5]},
    "selection": {"split": "kfold", "folds": 3},
    "rounds": 4,
}


def test_without_a_search_all_rounds_can_begin():
    jobs = [(job.arm, job.stage, len(job.trainings)) for job in everything(board(small()))]
    assert jobs == [(arm, "final", 3) for arm in ("narrow", "wide")]


def test_each_arm_is_timed_alone_where_the_study_says_so():
    made = board(small(timing=True))
    jobs = [(job.arm, job.stage, len(job.trainings)) for job in everything(made)]
    final, solo = ("final", 3), ("timing", 1)
    assert jobs == [(arm, *kind) for arm in ("narrow", "wide") for kind in (final, solo)]
    assert [(made.count_done(arm), made.count_total(arm)) for arm in made.arms] == [(4, 4), (4, 4)]


def test_trainings_for_the_time_of_an_earlier_run_are_not_counted():
    timed = board(small(timing=True))
    rows = [row for job in everything(timed) for row in finished(job)]
    made = board(small(), rows)
    assert [(made.count_done(arm), made.count_total(arm)) for arm in made.arms] == [(3, 3), (3, 3)]


def test_the_search_comes_first():
    made = board(searched())
    assert {job.stage for job in made.take_jobs(made.arms[0])} == {"search"}


def test_the_chosen_candidate_is_trained_in_all_rounds():
    made = board(searched())
    finals = [job for job in everything(made) if job.stage == "final"]
    assert {(t.candidate, t.setting["optimizer.lr"]) for j in finals for t in j.trainings} == {
        (2, 0.3)
    }
    assert [t.round for t in finals[0].trainings] == [0, 1, 2]


def test_numbers_and_splits_share_a_cohort_and_shapes_do_not():
    study = searched(**BIG, arms={"a": {}})
    jobs = board(study).take_jobs(study.all_arms[0])
    assert len(jobs) == 2  # one for each number of hidden units
    assert [len(job.trainings) for job in jobs] == [9, 9]
    assert [job.recipe.net.arguments["hidden"] for job in jobs] == [3, 5]


def test_parts_of_other_sizes_do_not_share_a_cohort():
    study = searched(
        **{**BIG, "selection": {"split": "kfold", "folds": 7}}, arms={"a": {"net": {"hidden": 3}}}
    )
    jobs = board(study).take_jobs(study.all_arms[0])  # 60 samples in 7 folds: 4 of 9, 3 of 8
    assert sorted(len(job.trainings) for job in jobs) == [9, 12]


@pytest.mark.parametrize("done", [1, 3])
def test_cohorts_follow_from_the_declaration_whatever_is_done_first(done):
    study = searched(**BIG, cohort_size=4)
    assert shape(everything(board(study), done)) == shape(everything(board(study)))


@pytest.mark.parametrize("last", [0, 3])
def test_finals_share_cohorts_that_follow_from_the_declaration_whichever_search_ends_first(last):
    """Those of a block of rounds begin when all its searches are over, and not before."""
    each = {"method": "grid", "each_round": True}
    made = board(searched(search=each, rounds=6, cohort_size=3, arms={"a": {}}))
    [arm] = made.arms
    jobs = made.take_jobs(arm)
    late = [job for job in jobs if last in {t.round for t in job.trainings}]
    for job in (job for job in jobs if job not in late):
        made.add(finished(job))
    blocks = [{0, 1, 2}, {3, 4, 5}]
    early = [{t.round for t in job.trainings} for job in made.take_jobs(arm)]
    assert early == [block for block in blocks if last not in block]
    for job in late:
        made.add(finished(job))
    assert [{t.round for t in job.trainings} for job in made.take_jobs(arm)] == [
        block for block in blocks if last in block
    ]


def test_what_is_done_is_not_begun_again():
    study = searched(**BIG)
    made = board(study)
    first = made.take_jobs(made.arms[0])[0]
    rest = board(study, finished(first))
    assert first.keys not in [job.keys for job in rest.take_jobs(rest.arms[0])]


def test_of_a_cohort_that_is_partly_done_the_rest_is_left():
    study = small(rounds=4)
    four = board(study).take_jobs(study.all_arms[0])[0]
    made = board(study, finished(four)[:3])
    left = made.take_jobs(made.arms[0])[0]
    assert [t.round for t in left.trainings] == [3]


def test_a_finished_board_has_nothing_ready_and_counts_all_as_done():
    made = board(searched(**BIG))
    trained = sum(len(job.trainings) for job in everything(made))
    assert all(not made.take_jobs(arm) for arm in made.arms)
    assert [made.count_done(arm) for arm in made.arms] == [
        made.count_total(arm) for arm in made.arms
    ]
    assert sum(map(made.count_total, made.arms)) == trained


def test_the_total_is_search_and_rounds():
    made = board(searched(**BIG, arms={"a": {}}))
    assert made.count_total(made.arms[0]) == 3 * 2 * 3 + 4


def test_a_search_in_each_round_chooses_in_each_round():
    each = {"method": "grid", "each_round": True}
    made = board(searched(search=each, arms={"a": {}}))
    assert made.count_total(made.arms[0]) == 3 * 3 + 3
    jobs = everything(made)
    assert {t.round for job in jobs if job.stage == "search" for t in job.trainings} == {0, 1, 2}


def test_rows_of_other_arms_do_not_count():
    study = small()
    made = board(study, [row(0, 0, arm="a stranger")])
    assert [made.count_done(arm) for arm in made.arms] == [0, 0]


def test_the_best_is_a_mean_over_splits():
    made = board(searched(selection={"split": "kfold", "folds": 2}))
    arm = made.arms[0]
    assert made.best_validation(arm) is None
    rows = finished(made.take_jobs(arm)[0])
    scores = {(1, 0): 0.9, (1, 1): 0.5, (2, 0): 0.6, (2, 1): 0.6}
    made.add(replace(r, metrics={"accuracy": scores.get((r.candidate, r.fold), 0.1)}) for r in rows)
    assert made.best_validation(arm) == pytest.approx(0.7)


def test_what_a_cohort_costs_the_scheduler_does_not_grow_with_what_is_done(monkeypatch):
    """Counted in values of the metric that are looked up, and cohorts that are built."""
    calls = Counter()
    for module, name in ((arm_search, "make_proposer"), (selection, "metric_value")):
        counted(monkeypatch, module, name, calls)
    counted(monkeypatch, cohorts.Training, "__init__", calls)
    work = {}
    for rounds in (10, 40):
        calls.clear()
        each = {"method": "random", "candidates": 4, "each_round": True}
        space = {"optimizer.lr": {"low": 0.001, "high": 0.1, "log": True}}
        made = board(small(rounds=rounds, space=space, search=each, cohort_size=4))
        n = len(everything(made, done=1))
        work[rounds] = {name: calls[name] / n for name in calls}
    assert work[40] == pytest.approx(work[10], rel=0.05)


def counted(monkeypatch, place, name, calls):
    """Count how often a function of a module or class is called."""
    real = getattr(place, name)

    def count(*args, **kwargs):
        calls[name] += 1
        return real(*args, **kwargs)

    monkeypatch.setattr(place, name, count)


# widths


def test_no_cohort_is_wider_than_said_and_all_are_about_equal():
    study = searched(**BIG, cohort_size=4, arms={"a": {}})
    sizes = Counter(len(job.trainings) for job in board(study).take_jobs(study.all_arms[0]))
    assert sizes == {3: 6}  # 9 trainings of each shape


@pytest.mark.parametrize(("n", "width", "sizes"), [(10, 4, [3, 3, 4]), (4, 4, [4]), (5, 9, [5])])
def test_parts_are_as_few_and_as_equal_as_can_be(n, width, sizes):
    assert [len(part) for part in split_evenly(range(n), width)] == sizes


def test_a_large_net_has_narrow_cohorts_and_members_count():
    narrow = small().all_arms[0].recipe
    assert cohort_size_for(narrow, (2,)) == 48
    assert cohort_size_for(narrow.with_overrides({"ensemble_size": 6}), (2,)) == 8
    assert cohort_size_for(narrow.with_overrides({"net.hidden": 300}), (2,)) < 12


def test_a_net_whose_layers_put_out_much_is_trained_alone():
    conv1 = load_builtin("pairs-depth").select("conv1")[0].recipe
    assert cohort_size_for(conv1, (2, 14, 14)) == 1
    assert cohort_size_for(conv1.with_overrides({"batch_size": 10}), (2, 14, 14)) > 4


def test_samples_of_their_own_bound_how_many_rounds_a_cohort_has(monkeypatch):
    own = 4 * 90 + 8 * 60  # places and order
    monkeypatch.setattr(cohorts, "DATA_BYTES", 4 * (4 * 90 * 2 + own))  # of four fresh rounds
    for rounds, sizes in {"fresh": [3, 3, 3], "fixed": [4, 5], "resplit": [4, 5]}.items():
        study = small(arms={"a": {}}, rounds=9, data={**SMALL["data"], "rounds": rounds})
        jobs = board(study).take_jobs(study.all_arms[0])
        assert [len(job.trainings) for job in jobs] == sizes
    assert len(board(small(rounds=9, cohort_size=9)).take_jobs(small().all_arms[0])) == 1


def test_candidates_of_a_fresh_round_with_many_samples_are_a_cohort(monkeypatch):
    search = {"method": "grid", "each_round": True}
    study = searched(arms={"a": {}}, search=search, selection={"split": "kfold", "folds": 3})
    assert len(board(study).take_jobs(study.all_arms[0])) == 1
    monkeypatch.setattr(scheduler, "FRESH_BYTES", 0)
    jobs = board(study).take_jobs(study.all_arms[0])
    assert [{t.round for t in job.trainings} for job in jobs] == [{0}, {1}, {2}]
    assert [len(job.trainings) for job in jobs] == [9, 9, 9]


def test_a_study_of_16_arms_is_planned_in_less_than_3_seconds():
    study = load_builtin("pairs-depth")
    start = time.process_time()
    made = board(study)
    jobs = [job for arm in made.arms for job in made.take_jobs(arm)]
    assert time.process_time() - start < 3
    assert sum(len(job.trainings) for job in jobs) == 8 * 12 + 8 * 48
