"""Predictions are those that gave the metrics, of samples that are known again in other rounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from chainrule.nn import CrossEntropyLoss
from chainrule.study import Study, StudyError, open_store, run
from tests.study.execution.training.test_train_cohort import PAIRS
from tests.study.small import SMALL, searched, small
from tests.study.test_own_tables import CARS

KINDS = {
    "a cohort": small(),
    "a search": searched(selection={"split": "kfold", "folds": 3}),
    "halving": searched(search={"method": "grid", "halving": {"min_epochs": 1, "factor": 2}}),
    "pairs": small(**PAIRS),
    "an ensemble": small(ensemble_size=3),
    "one net": small(cohort_size=1),
    "a number": Study(**CARS),
}


@pytest.mark.parametrize("kind", KINDS)
def test_their_scores_are_what_the_metrics_saw(kind, tmp_path):
    study = KINDS[kind].with_overrides(keep="predictions")
    run(study, store=tmp_path / "s.sqlite")
    with open_store(tmp_path / "s.sqlite", read_only=True) as store:
        rows = store.rows(1)
        kept = store.predictions(1)
    wanted = [row for row in rows if row.status == "done"]
    assert kept.keys() == {row.key for row in wanted}
    for row in wanted:
        found = kept[row.key]
        assert len(found) == row.n_test
        for name, scores in found.scores.items():
            mean = math.sqrt(scores.mean()) if name == "rmse" else scores.mean()
            assert mean == pytest.approx(row.metrics[name], rel=1e-12, nan_ok=True)


def test_outputs_and_targets_give_the_loss_of_the_row():
    result = run(small(keep="predictions"))
    for arm in result.arms:
        for row in arm.rows:
            found = result.predictions(arm.arm, row.round)
            outputs, targets = torch.tensor(found.outputs), torch.tensor(found.targets)
            loss, _ = CrossEntropyLoss().forward(outputs, targets)
            assert loss.item() == pytest.approx(row.metrics["loss"], rel=1e-6)


def test_a_sample_has_the_same_name_in_every_round_and_arm():
    data = {"rounds": "folds", "folds": 3, "standardize": "feature"}
    arms = {"a": {}, "b": {"optimizer": {"lr": 0.1}}}
    result = run(small(data={**SMALL["data"], **data}, arms=arms, rounds=6, keep="predictions"))
    a, b = ([result.predictions(arm, r).samples.tolist() for r in range(6)] for arm in arms)
    assert a == b
    assert sorted([*a[0], *a[1], *a[2]]) == sorted([*a[3], *a[4], *a[5]])
    assert sorted(a[0]) != sorted(a[3])


def test_a_pair_is_named_by_its_two_images():
    result = run(small(**PAIRS, keep="predictions"))
    assert result.predictions("a", 0).samples.shape == (20, 2)


def test_keeping_them_is_no_other_study(tmp_path):
    plain, keeping = small(), small(keep="predictions")
    assert plain.digest == keeping.digest
    before = run(plain, store=tmp_path / "s.sqlite")
    again = run(keeping, store=tmp_path / "s.sqlite")
    assert again.as_rows() == before.as_rows()
    with pytest.raises(StudyError, match=r"arm wide: no predictions of round 1; .* none"):
        again.predictions("wide", 1)


def test_rounds_that_were_added_have_them_and_the_others_not(tmp_path):
    run(small(rounds=1), store=tmp_path / "s.sqlite")
    more = small(rounds=3, keep="predictions")
    result = run(more, store=tmp_path / "s.sqlite", extend=True)
    assert [arm.select_predicted().n for arm in result.arms] == [2, 2]
    assert len(result.predictions("wide", 2)) == 30
    with pytest.raises(StudyError, match="of round 0; rounds with predictions: 1, 2"):
        result.predictions("wide", 0)


def test_a_diverged_round_has_none():
    result = run(small(data="tests.study.small:poisoned", rounds=5, keep="predictions"))
    fine = [row.round for row in result.arm("wide").rows if row.status == "done"]
    assert 0 < len(fine) < 5
    assert [row.round for row in result.arm("wide").select_predicted().rows] == fine


def test_workers_send_the_same_ones():
    study = small(keep="predictions", cohort_size=1)
    one, two = (run(study, jobs=jobs) for jobs in (1, 2))
    for arm in ("narrow", "wide"):
        for r in range(3):
            a, b = one.predictions(arm, r), two.predictions(arm, r)
            np.testing.assert_array_equal(a.outputs, b.outputs)
            np.testing.assert_array_equal(a.samples, b.samples)
