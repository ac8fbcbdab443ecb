"""What a study found, read from its rows."""

from __future__ import annotations

import json
import math
import pickle
from dataclasses import replace
from statistics import mean, stdev

import pytest

from chainrule.statistics import FixedSplit, FreshData, Resplits, StatisticsError, compare, holm
from chainrule.study import (
    StoreError,
    StudyError,
    StudyResult,
    TrainingRecord,
    load_result,
    open_store,
    run,
)
from chainrule.study.results.timings import Timings
from tests.study.small import searched, small
from tests.study.store.rows import row

STUDY = small(
    arms={},
    factors={"depth": {"flat": {}, "deep": {}}, "aux": {"no": {}, "yes": {}}},
    rounds=4,
    baseline="deep",
    rope=0.05,
    reported={"flat": {"mean": 0.5, "std": 0.1}},
    failure_value=0.2,
)

SCORES = {
    "flat": [0.5, 0.6, 0.55, 0.7],
    "flat-aux": [0.6, 0.65, 0.5, 0.75],
    "deep": [0.7, 0.75, 0.6, 0.7],
    "deep-aux": [0.9, 0.8, 0.75, 0.95],
}


def rows_of(scores: dict[str, list[float]]) -> list[TrainingRecord]:
    """The last rounds come first; a score of None diverged."""
    return [
        replace(
            row(r, 0, arm=arm),
            fold=0,
            status="diverged" if score is None else "done",
            metrics={"accuracy": math.nan if score is None else score},
            cohort_size=4,
            n_train=70,
            n_test=30,
        )
        for arm, of in scores.items()
        for r, score in reversed([*enumerate(of)])
    ]


def result(study=STUDY, **scores) -> StudyResult:
    return StudyResult(study, rows_of({**SCORES, **scores}))


# arms


def test_values_are_in_the_order_of_the_rounds():
    assert result().arm("flat").values == SCORES["flat"]


def test_mean_and_spread():
    arm = result().arm("flat")
    assert arm.mean == pytest.approx(mean(SCORES["flat"]))
    assert arm.std == pytest.approx(stdev(SCORES["flat"]))


def test_a_round_that_diverged_counts_as_the_worst_and_is_counted():
    arm = result(flat=[0.5, None, 0.6, 0.7]).arm("flat")
    assert arm.values == [0.5, 0.2, 0.6, 0.7]
    assert (arm.n, arm.n_ok) == (4, 3)


def test_one_round_has_no_spread():
    arm = result(flat=[0.5]).arm("flat")
    assert math.isnan(arm.std)
    assert arm.as_row()["std"] is None


def test_times_are_of_one_training():
    rows = rows_of(SCORES)
    solo = replace(rows[-1], stage="timing", arm="flat", seconds=7.5, cohort_size=1)
    arms = StudyResult(STUDY, [*rows, solo])
    assert arms.arm("flat").solo_seconds == 7.5
    assert arms.arm("deep").solo_seconds is None
    assert arms.arm("flat").amortised_seconds == 1.25 / 4


def timed(arm: str, seconds: float, host: str, cpu: str = "", finished: str = "") -> TrainingRecord:
    machine = {"host": host, "cpu": cpu} if cpu else {}
    made = replace(row(0, arm=arm), stage="timing", seconds=seconds, cohort_size=1, fold=0)
    return replace(made, worker=f"{host}:12", machine=machine, finished=finished)


@pytest.mark.parametrize(
    ("other", "solo", "said"),
    [
        (timed("deep-aux", 9.0, "b"), None, "a; arm deep-aux was timed on another machine."),
        (timed("deep-aux", 9.0, "a", "cpu 2"), None, "a; arm deep-aux was timed on another"),
        (timed("deep-aux", 9.0, "a", "cpu 1"), 9.0, ""),
        (timed("deep-aux", 9.0, "a"), 9.0, ""),  # from before the processor was recorded
    ],
)
def test_times_of_other_machines_are_in_no_column_with_these(other, solo, said):
    timings = [timed("flat", 7.5, "a", "cpu 1"), timed("deep", 8.5, "a", "cpu 1"), other]
    found = StudyResult(STUDY, [*rows_of(SCORES), *timings])
    assert [arm.solo_seconds for arm in found.arms] == [7.5, None, 8.5, solo]
    others = Timings.of_rows(found.rows).describe_others()
    assert said in others
    assert bool(said) == bool(others)


def test_of_machines_that_timed_as_many_arms_the_last_one_counts():
    timings = [timed("flat", 7.5, "a", "x", "2026-02"), timed("deep", 8.5, "b", "x", "2026-01")]
    found = Timings.of_rows([*rows_of(SCORES), *timings])
    assert found.seconds == {"flat": 7.5}
    assert found.machine == ("a", "x")
    assert Timings.of_rows([replace(timings[0], status="failed")]).machine is None


def test_an_arm_without_a_round_is_left_out_and_named():
    some = StudyResult(STUDY, rows_of({"flat": [0.5]}))
    assert [arm.arm for arm in some.arms] == ["flat"]
    with pytest.raises(StudyError, match="no results of arm 'deep'; there are: flat"):
        some.arm("deep")


def test_rows_are_json_and_hold_what_they_say():
    rows = json.loads(json.dumps(result().as_rows(), allow_nan=False))
    assert [r["arm"] for r in rows] == ["flat", "flat-aux", "deep", "deep-aux"]
    flat = rows[0]
    assert flat["reported"] == {"mean": 0.5, "std": 0.1}
    assert "reported" not in rows[1]
    assert (flat["n"], flat["n_ok"], flat["metric"], flat["cohort"]) == (4, 4, "accuracy", 4)
    assert flat["values"] == SCORES["flat"]
    assert flat["setting"] == dict(row().setting)


def test_rounds_with_other_settings_have_no_common_one():
    rows = rows_of({"flat": [0.5, 0.6]})
    rows[0] = replace(rows[0], setting={"optimizer.lr": 3})
    assert StudyResult(STUDY, rows).as_rows()[0]["setting"] is None


def test_the_table_is_a_data_frame():
    pd = pytest.importorskip("pandas")
    table = result().to_pandas()
    assert isinstance(table, pd.DataFrame)
    assert list(table["arm"]) == list(SCORES)
    assert table["mean"][0] == pytest.approx(mean(SCORES["flat"]))


def test_curves_are_one_a_round():
    arm = result().arm("flat")
    assert arm.curves("loss") == [list(row(r).curves["loss"]) for r in range(4)]
    with pytest.raises(StudyError, match="arm flat: no curve 'auc'; curves: loss, accuracy"):
        arm.curves("auc")


# comparisons


def test_arms_are_compared_as_the_statistics_do_by_hand():
    scores = {arm: of for arm, of in SCORES.items() if "aux" not in arm}
    study = small(arms={arm: {} for arm in scores}, rounds=4, baseline="deep", rope=0.05)
    found = StudyResult(study, rows_of(scores))
    by_hand = compare(scores, FreshData(), baseline="deep", rope=0.05, seed=study.seed)
    assert found.compare() == by_hand


def test_comparisons_and_effects_are_one_family():
    comparisons, effects = result().compare(), result().effects()
    tests = [*comparisons.comparisons, *effects.effects]
    assert [t.p_holm for t in tests] == holm([t.test.p for t in tests])
    assert (comparisons.family, effects.family) == (6, 6)
    for t in tests:
        excludes_zero = not t.simultaneous_low < 0 < t.simultaneous_high
        assert excludes_zero == (t.p_holm <= 0.05)


def test_a_factor_whose_effect_is_a_comparison_counts_once():
    study = small(arms={}, factors={"depth": {"flat": {}, "deep": {}}}, baseline="flat", rounds=4)
    found = StudyResult(study, rows_of({arm: SCORES[arm] for arm in ("flat", "deep")}))
    assert found.compare().family == found.effects().family == 1
    assert found.compare().comparisons[0].p_holm == found.compare().comparisons[0].test.p


def test_another_baseline_and_all_pairs():
    assert {c.b for c in result().compare(baseline="flat").comparisons} == {"flat"}
    assert len(result().compare(all_pairs=True).comparisons) == 6


def test_a_loss_is_better_when_it_is_small():
    study = STUDY.with_overrides(direction="min", failure_value=9.0)
    (flat, *_) = result(study).compare(baseline="flat-aux").comparisons
    assert flat.test.difference == pytest.approx(mean(SCORES["flat-aux"]) - mean(SCORES["flat"]))


def test_only_rounds_that_all_arms_have_are_compared():
    fewer = result(flat=[0.5, 0.6, 0.55])
    three = {arm: of[:3] for arm, of in SCORES.items()}
    assert fewer.compare() == result(**three).compare()


@pytest.mark.parametrize(
    ("data", "design"),
    [
        ({"rounds": "fresh"}, FreshData()),
        ({"rounds": "fixed"}, FixedSplit()),
        ({"rounds": "resplit"}, Resplits(n_test=30, n_train=70)),
        ({"rounds": "folds", "folds": 4}, Resplits(n_test=1, n_train=3)),
    ],
)
def test_the_design_follows_from_the_data(data, design):
    assert result(STUDY.with_overrides(data=data)).design == design


@pytest.mark.parametrize("direction", ["max", "min"])
@pytest.mark.parametrize("ask", [StudyResult.compare, StudyResult.effects])
def test_rounds_that_diverged_never_beat_others(ask, direction):
    value = 0.99 if direction == "max" else 0.1
    study = STUDY.with_overrides(direction=direction, failure_value=value)
    worst = "0.5 of arm flat in round 0" if direction == "max" else "0.95 of arm deep-aux in round"
    found = result(study, deep=[None] * 4)
    with pytest.raises(StudyError, match=f"counts as {value}, which is better .* accuracy {worst}"):
        ask(found)
    assert len(found.as_rows()) == 4  # what was found stays


def test_a_failure_value_that_nothing_counts_as_is_no_error():
    assert result(STUDY.with_overrides(failure_value=0.99)).compare().comparisons


def test_the_standard_error_is_the_designs():
    std = stdev(SCORES["flat"])
    folds = result(STUDY.with_overrides(data={"rounds": "folds", "folds": 4}))
    fixed = result(STUDY.with_overrides(data={"rounds": "fixed"}))
    assert result().standard_error(result().arm("flat")) == pytest.approx(std / 2)
    assert folds.standard_error(folds.arm("flat")) == pytest.approx(std * math.sqrt(1 / 4 + 1 / 3))
    assert fixed.standard_error(fixed.arm("flat")) is None
    single = result(flat=[0.5])
    assert single.standard_error(single.arm("flat")) is None


def test_effects_of_factors():
    effects = result().effects()
    (depth,) = [e for e in effects.effects if list(e.levels) == ["depth"]]
    deep = [*SCORES["deep"], *SCORES["deep-aux"]]
    flat = [*SCORES["flat"], *SCORES["flat-aux"]]
    assert depth.test.difference == pytest.approx(mean(deep) - mean(flat))


def test_arms_that_are_no_product_have_no_effects():
    study = small(rounds=4)
    rows = rows_of({"narrow": [0.5, 0.6], "wide": [0.6, 0.7]})
    with pytest.raises(StatisticsError, match="expected the levels of every arm"):
        StudyResult(study, rows).effects()


# unfinished


def test_before_the_first_row_there_is_nothing():
    empty = StudyResult(STUDY, [])
    assert empty.as_rows() == []
    assert not empty.is_complete
    assert empty.candidates("flat") == []


@pytest.mark.parametrize("ask", [StudyResult.compare, StudyResult.effects])
@pytest.mark.parametrize("rounds", ["fresh", "resplit"])
def test_nothing_cannot_be_compared(ask, rounds):
    with pytest.raises(ValueError, match=r"two arms|no round is done|every arm"):
        ask(StudyResult(STUDY.with_overrides(data={"rounds": rounds}), []))


def test_arms_without_a_common_round_cannot_be_compared():
    rows = [r for r in rows_of(SCORES) if (r.round < 2) == (r.arm == "flat")]
    with pytest.raises(StatisticsError):
        StudyResult(STUDY, rows).compare()


def test_a_missing_baseline_is_named():
    rows = rows_of({"flat": [0.5, 0.6], "flat-aux": [0.6, 0.7]})
    with pytest.raises(StatisticsError, match="deep"):
        StudyResult(STUDY, rows).compare()


def test_it_is_done_when_every_arm_has_its_rounds():
    assert result().is_complete
    assert not result(flat=[0.5, 0.6, 0.7]).is_complete


# candidates


def test_candidates_say_what_was_tried_and_what_was_chosen():
    found = run(searched(selection={"split": "kfold", "folds": 2})).candidates("wide")
    assert [c.setting["optimizer.lr"] for c in found] == [0.003, 0.03, 0.3]
    assert [len(c.values) for c in found] == [2, 2, 2]
    best = max(found, key=lambda c: (c.mean, -c.index))
    assert [c.chosen for c in found] == [c is best for c in found]


def test_a_candidate_is_json():
    candidate = run(searched(arms={"a": {}}, rounds=1)).candidates("a")[0]
    assert json.loads(json.dumps(candidate.as_row()))["round"] is None
    assert candidate.as_row()["optimizer.lr"] == 0.003


def test_the_chosen_one_is_what_the_rounds_were_trained_with():
    whole = run(searched(search={"method": "grid", "each_round": True}))
    for arm in whole.arms:
        chosen = {c.round: c.setting for c in whole.candidates(arm.arm) if c.chosen}
        assert [chosen[r] for r in range(3)] == arm.settings


# from a store


def test_it_is_read_from_a_store(tmp_path):
    store = tmp_path / "a.sqlite"
    made = run(small(), store=store)
    with open_store(store, read_only=True) as opened:
        read = load_result(opened, 1)
        assert read.as_rows() == made.as_rows()
        assert read.study == made.study
        with pytest.raises(StoreError, match="has no study 2"):
            load_result(opened, 2)


def test_a_result_that_was_read_is_pickled():
    found = run(small(data={**small().as_dict()["data"], "rounds": "fixed"}, keep="predictions"))
    table, for_samples = found.comparisons, found.by_sample.compare()
    copy = pickle.loads(pickle.dumps(found))
    assert (copy.design, copy.comparisons) == (found.design, table)
    assert copy.by_sample.compare() == for_samples
    assert copy.data(1)[0].inputs.tolist() == found.data(1)[0].inputs.tolist()
