"""A cohort's rows: each is what its training alone would give."""

from __future__ import annotations

import math
import weakref
from dataclasses import replace

import pytest
import torch

from chainrule.data import Dataset
from chainrule.data.resampled import stored_data
from chainrule.study.execution.cohorts import training_seeds
from chainrule.study.execution.final_nets import write_nets
from chainrule.study.execution.job import run_job
from chainrule.study.execution.scheduling.scheduler import Scheduler
from chainrule.study.execution.training.cohort_data import (
    ReplicaStack,
    expand_ensemble,
    find_samples,
)
from chainrule.study.execution.training.train_cohort import build_cohort_trainer, train_until
from chainrule.study.execution.workers.package import StudyPackage
from chainrule.study.round_data import RoundData
from chainrule.train import Callback, Trainer, load
from tests.study.small import SMALL, lasting, searched, small

PAIRS = {
    "data": {"name": "pairs", "train": 30, "test": 20},
    "net": {"name": "pair_shallow", "hidden": 5, "aux": True},
    "loss": {"name": "pair_loss", "weight": 0.3},
    "metrics": {"accuracy": {"name": "Accuracy", "head": "main"}},
    "batch_size": 10,
    "arms": {"a": {}},
    "precision": "float64",
}


def jobs_of(study, stage):
    """The first arm's jobs of a stage; a search is taken for granted."""
    made = Scheduler(study, study.all_arms)
    return [job for job in made.take_jobs(made.arms[0]) if job.stage == stage]


def trained(study, job):
    return run_job(StudyPackage(study.model_dump_json()), job).rows


def apart(study, job):
    """The rows of a job whose trainings are trained each on its own."""
    return [trained(study, replace(job, trainings=(t,)))[0] for t in job.trainings]


def assert_same(together, alone):
    for a, b in zip(together, alone, strict=True):
        assert a.key == b.key
        assert a.status == b.status == "done"
        for name, value in a.metrics.items():
            assert value == pytest.approx(b.metrics[name], rel=1e-10, abs=1e-12)
        for name, curve in a.curves.items():
            assert curve == pytest.approx(b.curves[name], rel=1e-10, abs=1e-12)


SHARED = {
    "optimizer.lr": ([0.001, 0.03, 0.2], {}),
    "optimizer.weight_decay": ([0.0, 0.01, 0.3], {}),
    "loss.weight": ([0.25, 0.5, 0.75], {}),
    "schedule.gamma": ([0.5, 0.7, 0.9], {"schedule": {"name": "ExponentialLR", "gamma": 1.0}}),
}


@pytest.mark.parametrize("path", SHARED)
def test_a_training_in_a_cohort_is_the_training_alone(path):
    values, more = SHARED[path]
    study = searched(**{**PAIRS, **more}, space={path: values})
    (job,) = jobs_of(study, "search")
    rows = trained(study, job)
    assert len({row.metrics["loss"] for row in rows}) == 3
    assert_same(rows, apart(study, job))


def test_the_samples_of_a_fold_are_made_once_for_all_candidates(monkeypatch):
    study = searched(**PAIRS, space={"optimizer.lr": [0.001, 0.03, 0.2]})
    (job,) = jobs_of(study, "search")
    drawn = []
    fold = RoundData.fold
    monkeypatch.setattr(
        RoundData, "fold", lambda self, r, f: drawn.append((r, f)) or fold(self, r, f)
    )
    (learned, _), marks = find_samples(RoundData(study), job)
    assert learned.replicas == len(marks) == len(job.trainings) == 3 * len({*drawn})
    assert len(drawn) == len({*drawn})


def plain_data(seed: int, n: int = 4) -> Dataset:
    return Dataset(
        torch.randn(n, 3, generator=torch.Generator().manual_seed(seed)), torch.arange(n)
    )


def test_samples_that_are_put_one_after_the_other_are_those_stacked():
    a, b, c = map(plain_data, (1, 2, 3))
    stack = ReplicaStack(4)
    for part, places in ((a, [0, 2]), (b, [1]), (c, [3])):
        stack.put(part, places)
    built, expected = stack.build(), Dataset.stack([a, b, a, c])
    assert torch.equal(built.inputs, expected.inputs)
    assert torch.equal(built.targets, expected.targets)


def test_the_same_samples_are_held_once_for_all_replicas():
    stack = ReplicaStack(3)
    for k in range(3):
        stack.put(plain_data(1), [k])
    assert stack.build().inputs.shape == (1, 4, 3)


def test_samples_that_were_put_in_their_places_are_not_kept():
    stack, second = ReplicaStack(3), plain_data(2)
    stack.put(plain_data(1), [0])
    kept = weakref.ref(second)
    stack.put(second, [1])
    del second
    assert kept() is None


def test_rounds_of_other_shapes_are_refused():
    stack = ReplicaStack(2)
    stack.put(plain_data(1), [0])
    with pytest.raises(ValueError, match="expected rounds of the same shapes"):
        stack.put(plain_data(2, 5), [1])


def test_without_an_ensemble_no_sample_is_copied():
    data = Dataset(torch.ones(2, 3, 1), torch.ones(2, 3), 2)
    assert expand_ensemble(data, 1) is data
    assert expand_ensemble(data, 2).inputs.shape == (4, 3, 1)


def test_a_round_in_a_cohort_is_the_round_alone():
    study = small(**PAIRS)
    (job,) = jobs_of(study, "final")
    assert_same(trained(study, job), apart(study, job))


RESPLIT = {
    "as they are": {},
    "standardized": {"data": {"standardize": "feature"}},
    "of all features": {"data": {"standardize": "all"}},
    "in folds": {"data": {"standardize": "feature", "rounds": "folds", "folds": 3}},
    "fixed, on a part": {
        "data": {"standardize": "feature", "rounds": "fixed"},
        "selection": {"refit": False},
        "space": {"optimizer.lr": [0.01]},
        "search": {"method": "grid", "each_round": True},
    },
    "with a part to watch": {
        "data": {"standardize": "feature"},
        "early_stopping": {"monitor": "loss", "patience": 1, "fraction": 0.3},
    },
    "members": {"data": {"standardize": "feature"}, "ensemble_size": 2},
    "in float64": {"data": {"standardize": "feature"}, "precision": "float64"},
}


@pytest.mark.parametrize("compile", [False, "auto"])
@pytest.mark.parametrize("case", RESPLIT)
def test_a_round_of_one_data_set_in_a_cohort_is_the_round_alone(case, compile):  # noqa: A002
    changes = {"arms": {"a": {}}, "compile": compile, **RESPLIT[case]}
    changes["data"] = {**SMALL["data"], "rounds": "resplit", **changes.get("data", {})}
    study = small(**changes)
    made = Scheduler(study, study.all_arms)
    (job,) = made.take_jobs(made.arms[0])
    assert len(job.trainings) == 3
    for a, b in zip(trained(study, job), apart(study, job), strict=True):
        assert a.samples == b.samples
        for name, value in a.metrics.items():
            assert value == pytest.approx(b.metrics[name], rel=1e-4, abs=1e-6)


def test_rounds_of_one_data_set_share_its_memory():
    for standardized in ({}, {"standardize": "feature"}):
        study = searched(
            arms={"a": {}},
            space={"optimizer.lr": [0.01, 0.02]},
            search={"method": "grid", "each_round": True},
            selection={"split": "kfold", "folds": 4},
            data={**SMALL["data"], "rounds": "resplit", **standardized},
        )
        (job,) = jobs_of(study, "search")
        (learned, judged), _ = find_samples(RoundData(study), job)
        assert learned.replicas == 3 * 2 * 4
        assert len(stored_data(learned).inputs) == 1  # which all replicas have
        assert stored_data(learned).inputs.data_ptr() == stored_data(judged).inputs.data_ptr()


def test_a_fold_in_a_cohort_is_the_fold_alone():
    study = searched(**PAIRS, selection={"split": "kfold", "folds": 3})
    (job,) = jobs_of(study, "search")
    assert len(job.trainings) == 9
    assert_same(trained(study, job), apart(study, job))


def test_rounds_with_the_same_points_and_other_labels_are_not_confused():
    study = small(data="tests.study.small:noisy_labels", arms={"a": {}}, precision="float64")
    (job,) = jobs_of(study, "final")
    assert_same(trained(study, job), apart(study, job))


def test_all_candidates_of_a_fold_have_the_same_seeds_and_rounds_have_others():
    study = searched(arms={"a": {}})
    rows = trained(study, jobs_of(study, "search")[0])
    assert rows[0].seeds == rows[1].seeds
    finals = trained(small(arms={"a": {}}), jobs_of(small(arms={"a": {}}), "final")[0])
    assert len({row.seeds["net"] for row in finals}) == 3


def test_two_arms_of_a_round_have_the_same_seeds():
    study = small(arms={"a": {}, "b": {"net": {"hidden": 5}}})
    made = Scheduler(study, study.all_arms)
    a, b = (trained(study, made.take_jobs(arm)[0]) for arm in made.arms)
    assert [row.seeds for row in a] == [row.seeds for row in b]


def test_a_row_says_what_it_was():
    study = searched(arms={"a": {}})
    row = trained(study, jobs_of(study, "search")[0])[1]
    assert (row.stage, row.candidate, row.round, row.fold) == ("search", 1, -1, 0)
    assert row.setting == {"optimizer.lr": 0.03}
    assert (row.cohort_size, row.epochs, row.n_train, row.n_test) == (3, 2, 42, 18)
    assert row.parameters == 2 * 3 + 3 + 2 * (3 * 3 + 3) + 3 * 2 + 2
    assert row.seconds > 0


def test_a_final_row_has_curves_and_its_last_value_is_the_metric():
    study = small(arms={"a": {}})
    row = trained(study, jobs_of(study, "final")[0])[0]
    assert set(row.curves) == {"train_loss", "train_accuracy", "test_loss", "test_accuracy"}
    assert len(row.curves["test_loss"]) == 2
    assert row.curves["test_accuracy"][-1] == row.metrics["accuracy"]


# nothing is learned from test samples


def test_other_test_samples_change_no_training(monkeypatch):
    plateau = {"name": "ReduceLROnPlateau", "patience": 0, "factor": 0.01}
    study = small(arms={"a": {}}, schedule=plateau, epochs=8)
    (job,) = jobs_of(study, "final")
    before = trained(study, job)
    final = RoundData.final

    def other(self, r):
        train, _ = final(self, r)
        return train, train

    monkeypatch.setattr(RoundData, "final", other)
    after = trained(study, job)
    assert [r.curves["train_loss"] for r in before] == [r.curves["train_loss"] for r in after]
    assert before[0].metrics["loss"] != after[0].metrics["loss"]


# what rows are judged by


def test_outputs_that_the_last_epoch_left_are_not_computed_again(monkeypatch):
    study = small(arms={"a": {}}, rounds=2, epochs=4)
    (job,) = jobs_of(study, "final")
    again = []
    monkeypatch.setattr(Trainer, "predict", lambda *_: again.append(1))
    rows = trained(study, job)
    assert not again
    for row in rows:
        assert row.metrics["accuracy"] == row.curves["test_accuracy"][-1]


def test_a_net_that_a_callback_has_changed_is_judged_as_it_is_then():
    class Zero(Callback):
        def on_fit_end(self, state):
            for parameter in state.net.parameters():
                parameter.data.zero_()

    study = small(arms={"a": {}}, rounds=2, epochs=4)
    (job,) = jobs_of(study, "final")
    trainer = build_cohort_trainer(study, job)
    trainer.callbacks.append(Zero())
    rows = train_until(study, RoundData(study), job, trainer, 4)
    assert [row.metrics["loss"] for row in rows] == pytest.approx([math.log(2)] * 2)


# members


def test_members_average_probabilities():
    study = small(arms={"a": {}}, ensemble_size=3, precision="float64", rounds=2, epochs=4)
    (job,) = jobs_of(study, "final")
    rows = trained(study, job)
    for row, training in zip(rows, job.trainings, strict=True):
        train, test = RoundData(study).final(training.round)
        scores = []
        for m in range(3):
            seeds = training_seeds(study, job.stage, training, m)
            one = replace(
                job, recipe=job.recipe.with_overrides({"ensemble_size": 1}), trainings=(training,)
            )
            trainer = build_cohort_trainer(study, one)
            trainer.net.initialize([seeds["net"]])
            trainer.state.seeds = [seeds["order"]]
            trainer.fit(train, epochs=4, progress=False)
            scores.append(trainer.predict(test).softmax(-1))
        mean = torch.stack(scores).mean(0)
        accuracy = (mean.argmax(-1) == test.targets).double().mean()
        loss = -mean[torch.arange(len(test)), test.targets].log().mean()
        assert row.metrics["accuracy"] == pytest.approx(float(accuracy))
        assert row.metrics["loss"] == pytest.approx(float(loss), rel=1e-10)


# divergence


def test_a_training_that_diverges_is_a_row_and_its_neighbours_do_not_notice():
    study = searched(arms={"a": {"optimizer": "SGD"}}, space={"optimizer.lr": [0.1, 1e38, 0.2]})
    (job,) = jobs_of(study, "search")
    rows = trained(study, replace(job, trainings=(job.trainings[0], *job.trainings)))
    assert [row.status for row in rows] == ["done", "done", "diverged", "done"]
    assert "step" in rows[2].note
    assert all(math.isnan(value) for value in rows[2].metrics.values())
    healthy = [row for row in rows if row.status == "done"][1:]
    kept = searched(arms={"a": {"optimizer": "SGD"}}, space={"optimizer.lr": [0.1, 0.15, 0.2]})
    (other,) = jobs_of(kept, "search")
    without = trained(kept, replace(other, trainings=(other.trainings[0], *other.trainings)))
    assert [r.metrics for r in healthy] == [without[1].metrics, without[3].metrics]
    assert {row.note for row in healthy} == {""}


def test_the_row_of_a_training_that_diverges_is_that_which_it_has_alone():
    study = searched(arms={"a": {"optimizer": "SGD"}}, space={"optimizer.lr": [0.1, 0.2, 1e38]})
    (job,) = jobs_of(study, "search")
    (together,) = (row for row in trained(study, job) if row.status == "diverged")
    (place,) = (i for i, t in enumerate(job.trainings) if t.candidate == together.candidate)
    (alone,) = trained(study, replace(job, trainings=job.trainings[place : place + 1]))
    assert (together.epochs, together.note) == (alone.epochs, alone.note)
    assert together.epochs == len(together.curves["train_loss"]) < study.epochs
    assert together.note.startswith("diverged in epoch 1, step ")
    assert str(together.curves) == str(alone.curves)


def test_a_round_whose_data_are_not_finite_diverges_alone():
    study = small(data="tests.study.small:poisoned", arms={"a": {}}, rounds=8)
    (job,) = jobs_of(study, "final")
    status = {row.status for row in trained(study, job)}
    assert status == {"done", "diverged"}


def test_where_one_member_diverges_the_row_does():
    study = small(
        arms={"a": {"optimizer": {"name": "SGD", "lr": 1e38}}}, ensemble_size=2, rounds=1, epochs=3
    )
    (row,) = trained(study, jobs_of(study, "final")[0])
    assert row.status == "diverged"
    assert row.note.startswith("member 0 diverged in epoch 1, step ")


# precision


def test_bfloat16_is_for_products_alone():
    net = {"name": "pair_conv2", "hidden": 5, "aux": True}
    losses = []
    for precision in ("float32", "bfloat16"):
        study = small(**{**PAIRS, "net": net, "precision": precision, "rounds": 1, "epochs": 1})
        (job,) = jobs_of(study, "final")
        trainer = build_cohort_trainer(study, job)
        assert {p.data.dtype for p in trainer.net.parameters()} == {torch.float32}
        (row,) = trained(study, job)
        losses.append(row.metrics["loss"])
    assert 0 < abs(losses[1] - losses[0]) < 0.02 * losses[0]


# nets


def trained_with_nets(study, job, folder):
    result = run_job(StudyPackage(study.model_dump_json()), job, nets=True)
    write_nets(result.nets, folder)
    return result.rows


def test_nets_come_back_as_files_and_give_what_the_row_says(tmp_path):
    study = small(arms={"a": {}}, precision="float64")
    (job,) = jobs_of(study, "final")
    rows = trained_with_nets(study, job, tmp_path)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == [f"round-00{r}.safetensors" for r in range(3)]
    for row in rows:
        net = load(tmp_path / "a" / f"round-00{row.round}.safetensors").eval()
        test = RoundData(study).final(row.round)[1]
        right = net.forward(test.inputs)[0].argmax(-1) == test.targets
        assert float(right.double().mean()) == row.metrics["accuracy"]


def test_each_member_is_saved(tmp_path):
    study = small(arms={"a": {}}, ensemble_size=2, rounds=1)
    trained_with_nets(study, jobs_of(study, "final")[0], tmp_path)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == [f"round-000-member-0{m}.safetensors" for m in range(2)]


def test_a_cohort_twice_is_the_same_bit_for_bit():
    study = searched(arms={"a": {}})
    (job,) = jobs_of(study, "search")
    assert lasting(trained(study, job)) == lasting(trained(study, job))


def test_looking_at_the_test_set_seldom_changes_nothing_but_its_curves():
    often, seldom = small(epochs=5), small(epochs=5, evaluate_every=2)
    for a, b in zip(*(trained(of, jobs_of(of, "final")[0]) for of in (often, seldom)), strict=True):
        assert a.metrics == b.metrics
        assert a.curves["train_loss"] == b.curves["train_loss"]
        known = [i for i, x in enumerate(b.curves["test_loss"], 1) if math.isfinite(x)]
        assert known == [2, 4, 5]
