"""What a study's recipe says of its trainings: early stopping, frozen parameters, batches."""

from __future__ import annotations

import pytest
import torch

from chainrule.study import StudyError, run
from chainrule.study.execution.training.train_cohort import build_cohort_trainer
from chainrule.train import load
from tests.study.execution.training.test_train_cohort import apart, assert_same, jobs_of, trained
from tests.study.small import lasting, searched, small


def test_a_training_ends_when_what_is_held_out_gets_no_better():
    stopping = {"patience": 1, "fraction": 0.5}
    result = run(small(epochs=40, optimizer={"name": "Adam", "lr": 0.5}, early_stopping=stopping))
    lengths = [len(row.curves["train_loss"]) for arm in result.arms for row in arm.rows]
    assert min(lengths) < 40
    assert all(row.n_train == 60 for arm in result.arms for row in arm.rows)


def test_a_cohort_stops_each_of_its_trainings_as_it_stops_alone():
    study = small(
        arms={"a": {}},
        epochs=12,
        precision="float64",
        optimizer={"name": "Adam", "lr": 0.3},
        early_stopping={"patience": 1, "fraction": 0.4, "monitor": "accuracy", "mode": "max"},
    )
    (job,) = jobs_of(study, "final")
    together, alone = trained(study, job), apart(study, job)
    for a, b in zip(together, alone, strict=True):
        assert a.metrics["accuracy"] == pytest.approx(b.metrics["accuracy"])
        assert (a.epochs, len(a.curves["train_loss"])) == (b.epochs, b.epochs)
    assert len({len(row.curves["train_loss"]) for row in alone}) > 1


def test_early_stopping_goes_with_halving_and_ensembles():
    study = searched(
        epochs=6,
        ensemble_size=2,
        early_stopping={"patience": 1, "fraction": 0.3},
        search={"method": "grid", "halving": {"min_epochs": 1, "factor": 2}},
    )
    result = run(study)
    assert all(row.status == "done" for arm in result.arms for row in arm.rows)
    assert lasting(run(study).rows) == lasting(result.rows)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"monitor": "acuracy"}, "did you mean 'accuracy'"),
        ({"fraction": 0.001}, "early_stopping.fraction: .*samples on both sides"),
    ],
)
def test_what_cannot_be_watched_is_said(given, message):
    with pytest.raises(StudyError, match=message):
        run(small(early_stopping=given))


def test_frozen_parameters_stay_as_they_were_drawn(tmp_path):
    study = small(arms={"a": {}}, rounds=1, freeze=["0.*"], clip_value=0.5, init="HeNormal")
    run(study, nets=tmp_path)
    net = load(tmp_path / "a" / "round-000.safetensors")
    (job,) = jobs_of(study, "final")
    before = build_cohort_trainer(study, job).net
    same = {name: torch.equal(t, before.state_dict()[name]) for name, t in net.state_dict().items()}
    assert same["0.weight"]
    assert same["0.bias"]
    assert not all(same.values())


def test_a_frozen_cohort_is_its_nets_alone():
    study = small(arms={"a": {}}, freeze=["*.bias"], precision="float64", drop_last=True)
    (job,) = jobs_of(study, "final")
    assert_same(trained(study, job), apart(study, job))


@pytest.mark.parametrize(
    ("freeze", "message"),
    [
        (["0.weigth"], "freeze: no parameter fits '0.weigth'; did you mean '0.weight'"),
        (["*"], "freeze: \\* leave nothing to learn"),
    ],
)
def test_patterns_that_freeze_nothing_or_all_are_said(freeze, message):
    with pytest.raises(StudyError, match=message):
        run(small(freeze=freeze))


def test_arms_may_differ_in_how_they_are_trained():
    arms = {
        "plain": {},
        "accumulated": {"accumulate": 3},
        "whole": {"drop_last": True, "batch_size": 16},
        "stopped": {"early_stopping": {"patience": 2}},
    }
    result = run(small(arms=arms))
    losses = [arm.rows[0].curves["train_loss"][-1] for arm in result.arms]
    assert len(set(losses)) == 4
