"""What the kept predictions of a study say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chainrule.statistics import sample_test, two_way_table
from chainrule.study import Study, StudyError, run
from tests.study.execution.training.test_train_cohort import PAIRS
from tests.study.small import SEARCH, SMALL, small
from tests.study.test_own_tables import CARS

POOL = {
    "data": {**SMALL["data"], "rounds": "fixed"},
    "epochs": 12,
    "optimizer": {"name": "Adam", "lr": 0.1},
    "keep": "predictions",
}


@pytest.fixture(scope="module")
def fixed():
    """Rounds that all have the same test samples."""
    return run(small(**POOL, rounds=4))


def accuracies(result, arm):
    """Whether each prediction was right, (rounds, samples), by hand."""
    found = [result.predictions(arm, row.round) for row in result.arm(arm).rows]
    return np.array([one.outputs.argmax(1) == one.targets for one in found]).astype(float)


def test_the_interval_is_of_the_mean_in_the_table(fixed):
    found = fixed.by_sample.interval("wide")
    assert found.mean == pytest.approx(fixed.arm("wide").mean)
    assert (found.rounds, found.samples) == (4, 30)
    assert found.low < found.mean < found.high
    assert fixed.by_sample.interval("wide", confidence=0.5).low > found.low


def test_the_comparison_is_the_two_way_test_of_the_decisions(fixed):
    [comparison] = fixed.by_sample.compare()
    expected = two_way_table(accuracies(fixed, "narrow"), accuracies(fixed, "wide"))
    assert (comparison.a, comparison.b) == ("narrow", "wide")
    assert comparison.test == expected
    assert comparison.p_holm == expected.p
    [turned] = fixed.by_sample.compare(baseline="narrow")
    assert (turned.a, turned.test.difference) == ("wide", -expected.difference)


FACTORS = {
    "arms": {},
    "factors": {
        "size": {"small": {}, "large": {"net": {"hidden": 9}}},
        "rate": {"low": {}, "high": {"optimizer": {"lr": 0.3}}},
    },
}


def test_effects_of_factors_count_too():
    """Six pairs of four arms; two main effects and an interaction are none of these."""
    result = run(small(**POOL, **FACTORS))
    found = result.by_sample.compare()
    assert {c.tests for c in found} == {9}
    least = min(found, key=lambda c: c.test.p)
    assert least.p_holm == min(1.0, 9 * least.test.p)


def test_looks_count_and_later_rounds_do_not():
    until = {"until": "decided", "looks": [3, 5], "max": 8, "futility": False}
    whole = run(small(**POOL, rounds=until))
    rows = [row for row in whole.rows if row.round < 4]
    [comparison] = replace(whole, rows=rows).by_sample.compare()
    x, y = (accuracies(replace(whole, rows=rows), arm)[:3] for arm in ("narrow", "wide"))
    assert comparison.test == two_way_table(x, y)
    assert comparison.p_holm == min(1.0, 3 * comparison.test.p)


def test_the_usual_comparison_says_where_new_samples_are(fixed):
    assert any("by_sample.compare()" in note for note in fixed.compare().notes)
    bare = {key: value for key, value in POOL.items() if key != "keep"}
    assert any("--keep predictions" in note for note in run(small(**bare)).compare().notes)


def test_of_one_round_it_is_about_these_nets():
    result = run(small(**POOL, rounds=1))
    a, b = accuracies(result, "narrow")[0], accuracies(result, "wide")[0]
    [comparison] = result.by_sample.compare()
    if (a != b).any():
        assert comparison.test == sample_test(a - b, np.arange(30))
    assert not result.by_sample.interval("wide").generalizes


def test_nets_that_agree_on_all_samples_are_not_told_apart():
    result = run(small(**POOL, arms={"a": {}, "b": {}}))
    [comparison] = result.by_sample.compare()
    assert (comparison.test.difference, comparison.test.p) == (0, 1)
    assert comparison.test.test == "two-way t"


def test_rounds_of_one_split_share_their_tests_and_fresh_ones_do_not(fixed):
    assert fixed.by_sample.rounds_share_tests
    assert not run(small(keep="predictions")).by_sample.rounds_share_tests


def test_over_one_split_rounds_are_seeds(fixed):
    assert [part.name for part in fixed.by_sample.variance_parts("wide")] == [
        "samples",
        "seeds",
        "rest",
    ]


def test_settings_that_rounds_chose_are_a_part():
    search = {**SEARCH, "search": {"method": "grid", "each_round": True}}
    result = run(small(**search, keep="predictions", rounds=6, arms={"a": {}}))
    settings = {str(setting) for setting in result.arm("a").settings}
    parts = [part.name for part in result.by_sample.variance_parts("a")]
    assert parts == ["samples", "rounds", *(["search"] if 1 < len(settings) < 6 else [])]


def test_confusion_counts_every_prediction(fixed):
    counts = fixed.by_sample.decisions("wide").confusion()
    assert counts.shape == (2, 2)
    assert counts.sum() == 120
    assert np.trace(counts) == accuracies(fixed, "wide").sum()


def test_calibration_is_of_the_probabilities_that_the_loss_makes(fixed):
    decisions = fixed.by_sample.decisions("wide")
    found = fixed.predictions("wide", 0).outputs.astype(float)
    shares = np.exp(found) / np.exp(found).sum(1, keepdims=True)
    assert decisions.confidence[:30] == pytest.approx(shares.max(1))
    bins = decisions.calibration()
    assert sum(b.n for b in bins) == 120
    assert all(b.low <= b.confidence <= b.high for b in bins)
    by_hand = sum(b.n * abs(b.accuracy - b.confidence) for b in bins) / 120
    assert decisions.calibration_error() == pytest.approx(by_hand)


def test_a_loss_without_probabilities_has_no_calibration():
    arms = {"a": {"loss": {"name": "class_loss", "loss": "MSELoss"}}}
    result = run(small(keep="predictions", arms=arms, rounds=1))
    decisions = result.by_sample.decisions("a")
    assert decisions.calibration() == []
    assert decisions.calibration_error() is None


@pytest.mark.parametrize("loss", ["BCEWithLogitsLoss", "BCELoss"])
def test_one_output_is_decided_as_the_metric_decides(loss):
    result = run(
        small(
            data="tests.study.results.predictions.test_by_sample:one_output",
            keep="predictions",
            net={
                "name": "plane_net",
                "outputs": 1,
                "output": "Sigmoid" if loss == "BCELoss" else "Identity",
            },
            loss=loss,
            arms={"a": {}},
        )
    )
    decisions = result.by_sample.decisions("a")
    counts = decisions.confusion()
    assert np.trace(counts) / counts.sum() == pytest.approx(result.arm("a").mean)
    assert (decisions.confidence >= 0.5).all()


def one_output(seed: int):
    """Classes 0 and 1, to be told by one output."""
    from chainrule.data import Dataset, disk

    parts = [disk(n, seed + n) for n in (40, 30)]
    return tuple(Dataset(p.inputs, p.targets[:, None].float()) for p in parts)


def test_wrong_samples_are_found_in_the_test_set(fixed):
    wrong = fixed.by_sample.decisions("wide").wrong_samples()
    right = accuracies(fixed, "wide")
    assert sorted(w.wrong for w in wrong) == sorted((1 - right).sum(0)[(right == 0).any(0)])
    assert [w.wrong for w in wrong] == sorted((w.wrong for w in wrong), reverse=True)
    for w in wrong:
        assert w.n == 4
        assert fixed.data(w.round)[1].targets[w.index] == w.truth
        assert w.decided == 1 - w.truth


def test_pairs_are_decided_by_their_head():
    result = run(small(**PAIRS, keep="predictions"))
    counts = result.by_sample.decisions("a").confusion()
    assert np.trace(counts) / counts.sum() == pytest.approx(result.arm("a").mean)


def test_a_root_is_no_mean_over_samples_and_numbers_are_no_decisions():
    result = run(Study(**{**CARS, "arms": {"point": {}}, "keep": "predictions"}))
    with pytest.raises(StudyError, match="its metric rmse is no mean over samples"):
        result.by_sample.interval("point")
    with pytest.raises(StudyError, match="none of its metrics is an Accuracy"):
        result.by_sample.decisions("point")


def test_a_mean_error_in_its_unit_is_a_mean_over_samples():
    metrics = {"mae": "MeanAbsoluteError"}
    changes = {"arms": {"point": {}}, "metrics": metrics, "keep": "predictions"}
    result = run(Study(**{**CARS, **changes}))
    assert result.by_sample.interval("point").mean == pytest.approx(result.arm("point").mean)


def test_samples_that_the_loss_ignores_are_in_no_table():
    loss = {"name": "CrossEntropyLoss", "ignore_index": 0}
    result = run(small(loss=loss, rounds=1, keep="predictions"))
    decisions = result.by_sample.decisions("wide")
    assert {*decisions.truth.tolist()} == {1}
    share = (decisions.decided == 1).mean()
    assert result.arm("wide").values == pytest.approx([share])
    assert result.trivial_scores == {0: 1.0}
    with pytest.raises(StudyError, match="of round 0 do not count in accuracy: its samples"):
        result.by_sample.scores("wide")


def test_rounds_that_diverged_are_not_left_out_of_a_mean():
    result = run(small(data="tests.study.small:poisoned", rounds=5, keep="predictions"))
    with pytest.raises(StudyError, match=r"arm wide: round .* diverged .* would flatter it"):
        result.by_sample.interval("wide")


def test_without_predictions_it_says_how_to_keep_them():
    with pytest.raises(StudyError, match="chainrule run small --keep predictions"):
        run(small()).by_sample.interval("wide")
