"""A run that goes on until its comparisons are decided, and looks that nobody had planned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chainrule.statistics import SequentialDesign, paired_t
from chainrule.study import Look, StudyError, load_result, open_store, run
from tests.study.execution.killing import LOOKING, Process, kill_often
from tests.study.scored import ScoringExecutor, looked_at, normal_scores
from tests.study.small import lasting, small

APART = normal_scores({"a": 0.0, "b": 4.0}, 1)
EQUAL = normal_scores({"a": 0.0, "b": 0.0}, 1)


def stepwise(arm: str, r: int) -> float:
    """Arms that are told apart at the second look, not before."""
    return 0.5 + 0.01 * (arm != "a") * (3 if r >= 5 else 2 + 2 * (-1) ** r) + 0.001 * (r % 3)


def run_scored(study, score, **how):
    study = study.with_overrides(compile=False)  # scores that are given know of no kernel
    return run(study, executor=ScoringExecutor(score), **how)


def stop_after(n: int):
    def watch(progress):
        if progress.cohorts == n:
            raise KeyboardInterrupt

    return watch


def test_it_ends_at_the_look_that_decides():
    for score, rounds in ((APART, 5), (stepwise, 10)):
        result = run_scored(looked_at("a", "b"), score)
        assert [arm.n for arm in result.arms] == [rounds, rounds]
        assert result.is_complete
        (c,) = result.compare().comparisons
        assert (c.conclusion, c.decided_at) == ("better", rounds)


def test_it_goes_on_until_every_comparison_is_decided():
    study = looked_at("a", "b", "c")
    score = normal_scores({"a": 0.0, "b": 4.0, "c": 1.1}, 3)
    result = run_scored(study, score)
    found = {c.a: c.decided_at for c in result.compare().comparisons}
    assert found["b"] == 5
    assert result.needed_rounds == found["c"] > 5


def test_without_an_effect_it_ends_where_a_conclusion_has_hardly_a_chance():
    result = run_scored(looked_at("a", "b"), lambda arm, r: 0.5 + 0.01 * (arm == "b") * (-1) ** r)
    (c,) = result.compare().comparisons
    assert c.is_futile
    assert result.needed_rounds < 20
    stubborn = looked_at(
        "a", "b", rounds={"until": "decided", "looks": [5, 10, 20], "futility": False}
    )
    result = run_scored(stubborn, lambda arm, r: 0.5 + 0.01 * (arm == "b") * (-1) ** r)
    assert result.needed_rounds == 20


def test_with_a_rope_it_ends_where_there_is_no_difference_that_matters():
    result = run_scored(looked_at("a", "b", rope=0.1), EQUAL)
    (c,) = result.compare().comparisons
    assert (result.needed_rounds, c.conclusion, c.decided_at) == (5, "equivalent", 5)


def test_looks_are_kept_with_their_date_and_plan(tmp_path):
    result = run_scored(looked_at("a", "b"), stepwise, store=tmp_path / "a.sqlite")
    assert [look.rounds for look in result.looks] == [5, 10]
    assert {look.plan for look in result.looks} == {(5, 10, 20)}
    assert all(look.time.endswith("+00:00") for look in result.looks)
    again = run_scored(looked_at("a", "b"), stepwise, store=tmp_path / "a.sqlite")
    assert again.looks == result.looks


@pytest.mark.parametrize("n", range(7))
def test_interrupted_anywhere_and_resumed_it_is_as_undisturbed(tmp_path, n):
    study, store = looked_at("a", "b", "c", cohort_size=3), tmp_path / "a.sqlite"
    score = normal_scores({"a": 0.0, "b": 1.5, "c": 1.2}, 5)
    whole = run_scored(study, score)
    assert whole.needed_rounds > 5
    first = run_scored(study, score, store=store, on_progress=stop_after(n))
    assert first.interrupted
    second = run_scored(study, score, store=store)
    assert lasting(second.rows) == lasting(whole.rows)
    assert second.compare() == whole.compare()
    assert [look.rounds for look in second.looks] == [look.rounds for look in whole.looks]


def test_between_two_looks_the_last_one_is_the_decision(tmp_path):
    study, store = looked_at("a", "b", cohort_size=2), tmp_path / "a.sqlite"
    run_scored(study, stepwise, store=store, on_progress=stop_after(10))
    with open_store(store) as opened:
        result = load_result(opened, 1)
    assert 5 < min(arm.n for arm in result.arms) < 10
    assert {c.test.n for c in result.compare().comparisons} == {5}
    assert {arm.n for arm in result.common_arms} == {5}


def test_no_cohort_goes_beyond_a_look():
    workers = ScoringExecutor(stepwise)
    run(looked_at("a", "b"), executor=workers)
    rounds = [{t.round for t in job.trainings} for job in workers.jobs if job.stage == "final"]
    assert rounds.count({0, 1, 2, 3, 4}) == rounds.count({5, 6, 7, 8, 9}) == 2


def test_a_search_in_each_round_goes_look_by_look():
    study = looked_at(
        "a",
        "b",
        space={"optimizer.lr": [0.01, 0.1]},
        search={"method": "grid", "each_round": True},
        arms={"a": {}, "b": {"epochs": 3}},
    )
    workers = ScoringExecutor(APART)
    result = run(study, executor=workers)
    searched = {t.round for job in workers.jobs if job.stage == "search" for t in job.trainings}
    assert (searched, result.needed_rounds) == ({0, 1, 2, 3, 4}, 5)


def test_arms_may_be_run_one_after_another(tmp_path):
    study, store = looked_at("a", "b"), tmp_path / "a.sqlite"
    assert run_scored(study, stepwise, store=store, arms="a").arms[0].n == 5
    run_scored(study, stepwise, store=store, arms="b")
    assert run_scored(study, stepwise, store=store).needed_rounds == 10


def test_another_rope_may_ask_for_more_rounds(tmp_path):
    store = tmp_path / "a.sqlite"
    assert run_scored(looked_at("a", "b", rope=0.1), EQUAL, store=store).needed_rounds == 5
    assert run_scored(looked_at("a", "b", rope=0.0051), EQUAL, store=store).needed_rounds > 5


def test_a_round_that_failed_holds_the_look_up_until_it_is_mended(tmp_path):
    def torn(arm, r):
        if (arm, r) == ("b", 3):
            raise StudyError("torn")
        return APART(arm, r)

    class Failing(ScoringExecutor):
        def submit(self, function, *given):
            try:
                return super().submit(function, *given)
            except StudyError as error:
                from concurrent.futures import Future

                failed = Future()
                failed.set_exception(error)
                return failed

    store = tmp_path / "a.sqlite"
    result = run(looked_at("a", "b"), executor=Failing(torn), store=store)
    assert [arm.n for arm in result.arms] == [5, 4]
    assert not result.is_complete
    assert run_scored(looked_at("a", "b"), APART, store=store).is_complete


# looks that nobody had planned


def extended(store, score, *rounds):
    for n in rounds:
        result = run_scored(looked_at("a", "b", rounds=n), score, store=store, extend=True)
    return result


def test_one_look_at_fixed_rounds_is_the_plain_test(tmp_path):
    result = extended(tmp_path / "a.sqlite", EQUAL, 10)
    assert [look.rounds for look in result.looks] == [10]
    (c,) = result.compare().comparisons
    assert (c.p_looks, c.p_holm) == (None, c.test.p)


def test_more_rounds_count_the_looks_before(tmp_path):
    result = extended(tmp_path / "a.sqlite", EQUAL, 5, 10, 20)
    assert [look.rounds for look in result.looks] == [5, 10, 20]
    found = result.compare()
    scores = [np.array(arm.values) for arm in result.arms]
    p = [paired_t(scores[1][:n], scores[0][:n]).p for n in (5, 10, 20)]
    assert found.looks.looks == (5, 10, 20)
    assert found.comparisons[0].p_looks <= SequentialDesign((5, 10, 20), "anytime").adjust(p)[-1]
    (note,) = [note for note in found.notes if note.startswith("Looked")]
    assert note.startswith(
        "Looked at after 5, 10, 20 rounds; the level was adjusted for three looks (it holds for "
        "any number of looks): after 20 rounds p must be at most 0.0028."
    )


def test_an_extension_that_is_under_way_is_a_look_too(tmp_path):
    store = tmp_path / "a.sqlite"
    run_scored(looked_at("a", "b", rounds=5, cohort_size=5), EQUAL, store=store)
    study = looked_at("a", "b", rounds=20, cohort_size=5)
    run_scored(study, EQUAL, store=store, extend=True, on_progress=stop_after(4))
    with open_store(store) as opened:
        assert load_result(opened, 1).compare().looks.looks == (5, 10)


def test_a_store_without_looks_had_one_before_more_was_asked_for(tmp_path):
    store = tmp_path / "a.sqlite"
    extended(store, EQUAL, 5)
    with open_store(store) as opened:
        (record,) = opened.studies()
        opened.update(record.id, {"toml": record.declaration["toml"]}, record.provenance)
    result = extended(store, EQUAL, 10)
    assert [look.rounds for look in result.looks] == [5, 10]
    assert result.compare().looks.looks == (5, 10)


def test_fixed_rounds_may_go_on_until_decided(tmp_path):
    store = tmp_path / "a.sqlite"
    extended(store, stepwise, 4)
    result = run_scored(looked_at("a", "b"), stepwise, store=store, extend=True)
    found = result.compare().looks
    assert (found.method, found.looks) == ("anytime", (4, 5, 10, 20))


def test_more_arms_are_no_look(tmp_path):
    store, score = tmp_path / "a.sqlite", normal_scores(dict.fromkeys("abc", 0.0), 1)
    run_scored(looked_at("a", "b", rounds=10), score, store=store)
    result = run_scored(looked_at("a", "b", "c", rounds=10), score, store=store, extend=True)
    assert result.compare().looks is None


def test_rounds_that_share_samples_have_bonferronis_levels():
    data = {"name": "disk_points", "train": 40, "test": 40, "rounds": "resplit"}
    result = run_scored(looked_at("a", "b", data=data), APART)
    assert result.compare().looks.method == "bonferroni"


def test_a_look_is_data():
    look = Look(5, "2026-01-01T00:00:00+00:00", (5, 10), "pocock")
    assert Look.from_row(look.as_row()) == look
    assert look.is_planned(looked_at("a", "b", rounds={"until": "decided", "looks": [5, 10]}))
    assert not replace(look, method="anytime").is_planned(looked_at("a", "b"))


# trained


def test_trained_in_earnest_it_is_the_same_wherever_it_was_interrupted(tmp_path):
    rounds = {"until": "decided", "looks": [2, 4], "futility": False}
    study = small(rounds=rounds, baseline="narrow", cohort_size=2)
    whole = run(study)
    run(study, store=tmp_path / "a.sqlite", on_progress=stop_after(3))
    assert lasting(run(study, store=tmp_path / "a.sqlite").rows) == lasting(whole.rows)


@pytest.mark.slow
def test_killed_at_any_moment_it_decides_the_same(tmp_path):
    whole = run(LOOKING)
    for store in kill_often(tmp_path, 12, seed=3, name="LOOKING"):
        process = Process(store, "LOOKING")
        process.popen.communicate()
        with open_store(store) as opened:
            result = load_result(opened, 1)
        assert lasting(result.rows) == lasting(whole.rows)
        assert result.compare() == whole.compare()
        assert [look.rounds for look in result.looks] == [look.rounds for look in whole.looks]
