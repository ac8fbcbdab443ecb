"""Trainings of nets of other shapes in one job: each is what it is alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chainrule.compiled.build import compiler
from chainrule.study import Study, run
from chainrule.study.execution.cohorts import CohortJob, Training, build_jobs, pack_programs
from chainrule.study.execution.job import run_job
from chainrule.study.execution.scheduling.scheduler import Scheduler
from chainrule.study.execution.workers.package import StudyPackage
from tests.study.small import SMALL, lasting, small

COMPILED = pytest.mark.skipif(compiler() is None, reason="there is no C++ compiler")

SHAPES = {
    "net.hidden": {"low": 2, "high": 40, "integer": True},
    "net.layers": [1, 2, 3],
    "net.activation": ["ReLU", "Tanh"],
    "batch_size": [10, 20, 30],
    "optimizer.lr": {"low": 0.003, "high": 0.3, "log": True},
}


def shapes(**changes) -> Study:
    """One arm, eight candidates whose nets and steps differ."""
    net = {"name": "plane_net", "hidden": 5}
    search = {"method": "random", "candidates": 8, "each_round": False}
    how = {"net": net, "arms": {"a": {}}, "space": SHAPES, "search": search, **changes}
    return small(**how)


def search_jobs(study: Study, workers: int | None) -> list[CohortJob]:
    arm = study.all_arms[0]
    board = Scheduler(study, [arm])
    board.workers = workers
    return board.take_jobs(arm)


def results(rows):
    """Rows without the size of the cohort that they were in."""
    return [replace(row, cohort_size=0) for row in lasting(rows)]


def test_a_random_search_over_shapes_is_one_job():
    (job,) = search_jobs(shapes(), workers=1)
    assert [len(program.trainings) for program in job.programs] == [1] * 8
    assert len(job.trainings) == 8


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_candidates_of_any_shape_are_trained_together(method):
    search = {"method": method, "candidates": 8, "batch": 4, "each_round": False}
    rows = run(shapes(search=search)).rows
    sizes = [row.cohort_size for row in rows if row.stage == "search"]
    assert sizes == [8 if method == "random" else 4] * 8


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=COMPILED)])
def test_each_is_bit_for_bit_what_it_is_alone(compiled):
    study = shapes(compile=compiled)
    together, alone = run(study), run(study.with_overrides(cohort_size=1))
    assert {row.cohort_size for row in alone.rows} == {1}
    search = [[row for row in of.rows if row.stage == "search"] for of in (together, alone)]
    assert results(search[0]) == results(search[1])


def test_finals_of_a_search_in_each_round_are_together_and_keep_their_nets(tmp_path):
    search = {"method": "random", "candidates": 3, "each_round": True}
    result = run(shapes(search=search), nets=tmp_path)
    finals = [row for row in result.rows if row.stage == "final"]
    assert len({row.setting["net.hidden"] for row in finals}) > 1
    assert [row.cohort_size for row in finals] == [3, 3, 3]
    assert len([*tmp_path.rglob("*.safetensors")]) == 3


def test_of_a_job_with_one_that_fails_the_others_are_done():
    search = {"method": "grid", "each_round": False}
    space = {"net.hidden": [3, 4], "net.layers": [1, -1]}
    result = run(shapes(space=space, search=search))
    status = {row.candidate: row.status for row in result.rows if row.stage == "search"}
    assert status == {0: "done", 1: "failed", 2: "done", 3: "failed"}


def test_what_is_done_of_a_job_is_left_out():
    study = shapes()
    (job,) = search_jobs(study, workers=1)
    left = job.without(job.keys[:7])
    assert (left.keys, left.parts) == (job.keys[7:], ())
    assert job.without(job.keys).trainings == ()


def test_seconds_are_those_of_a_program_and_shared_by_its_own():
    study = small(**SMALL)
    arm, data = study.all_arms[0], [Training(0, {"net.hidden": h}, 0, 0) for h in (3, 200)]
    study = study.with_overrides(epochs=20)
    programs = build_jobs(arm, "final", data, sample=(2,))
    (job,) = pack_programs(programs, (60, 2), None, 1)
    narrow, wide = run_job(StudyPackage(study.model_dump_json()), job).rows
    assert narrow.cohort_size == wide.cohort_size == 2
    assert narrow.seconds != wide.seconds


def costly(n: int) -> list[CohortJob]:
    arm = small(epochs=10**6).all_arms[0]
    trainings = [Training(i, {"net.hidden": 200 + i}, 0, 0) for i in range(n)]
    return build_jobs(arm, "search", trainings, sample=(2,))


def test_long_trainings_are_jobs_of_their_own():
    assert len(pack_programs(costly(3), (1000, 2), None, 1)) == 3


def test_trainings_of_many_epochs_are_long_however_small_the_nets():
    arm = small(epochs=900).all_arms[0]
    trainings = [Training(i, {"net.hidden": 2 + i}, 0, 0) for i in range(6)]
    programs = build_jobs(arm, "search", trainings, sample=(2,))
    jobs = pack_programs(programs, (10, 2), None, 1)
    assert [len(job.trainings) for job in jobs] == [2, 2, 2]


@pytest.mark.parametrize(("workers", "expected"), [(1, [8]), (2, [4, 4]), (3, [2, 2, 2, 2])])
def test_each_worker_has_a_job(workers, expected):
    study = shapes(space={"batch_size": [*range(10, 18)]}, search={"method": "grid"})
    assert [len(job.trainings) for job in search_jobs(study, workers)] == expected


def test_no_job_has_more_trainings_than_declared():
    sizes = [len(job.trainings) for job in search_jobs(shapes(cohort_size=3), workers=1)]
    assert sizes == [3, 3, 2]
