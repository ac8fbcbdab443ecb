"""The built-in studies: they load, and every name in them is of something."""

from __future__ import annotations

import math

import pytest

from chainrule.recipes.importing import resolve_callable as named
from chainrule.study import StudyError
from chainrule.study.builtin import NAMES, load_builtin
from chainrule.study.execution.scheduling.scheduler import Scheduler
from chainrule.study.spec.sections.space import grid
from tests.study.builtin import parts

REPORTED = {
    "shallow": (71.88, 77.55, 76.04, 77.51),
    "mlp": (80.28, 79.63, 80.50, 81.22),
    "conv1": (79.78, 80.43, 80.43, 81.54),
    "conv2": (81.48, 83.00, 82.05, 83.19),
    "fnn": (78.2, 77.4, 93.8, 94.8),
    "cnn": (79.7, 82.1, 94.5, 94.7),
}
"""Accuracy in percent, in the order none, sharing, aux, both."""


FORMS = {name: load_builtin(name) for name in NAMES}
FORMS |= {f"{name} quick": study.quick_form() for name, study in FORMS.items()}
FORMS = {part.name: part for study in FORMS.values() for part in parts(study)}


def test_those_of_the_reports_are_there():
    assert {"pairs-depth", "pairs-sharing"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_study_has_the_name_of_its_file_and_says_what_it_is(name):
    assert load_builtin(name).name == name
    assert load_builtin(name).summary


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(StudyError, match=r"^no study 'pears'; built-in studies: .*pairs-depth"):
        load_builtin("pears")


@pytest.mark.parametrize("study", FORMS.values(), ids=FORMS)
def test_every_name_is_of_something(study):
    named("data", study.data.name)
    for metric in study.metrics.values():
        named("metric", metric.name)
    for arm in study.all_arms:
        for part in ("net", "loss", "optimizer", "schedule", "init", "augment"):
            if (given := getattr(arm.recipe, part)) is not None:
                named(part, given.name)


@pytest.mark.parametrize("study", FORMS.values(), ids=FORMS)
def test_every_arm_can_be_made_with_its_first_candidate(study):
    for arm in study.all_arms:
        first = {
            path: d.choices[0] if d.choices else d.value_at(0) for path, d in arm.space.items()
        }
        recipe = arm.with_overrides(first)
        net = recipe.make_net()
        recipe.make_loss({})
        recipe.make_schedule(recipe.make_optimizer(net, {}), {})


@pytest.mark.parametrize("name", NAMES)
def test_the_quick_form_has_the_same_arms_and_less_to_do(name):
    study, quick = (parts(of)[0] for of in (load_builtin(name), load_builtin(name).quick_form()))
    assert [arm.name for arm in quick.all_arms] == [arm.name for arm in study.all_arms]
    totals = [
        sum(map(b.count_total, b.arms)) for b in (Scheduler(s, s.all_arms) for s in (study, quick))
    ]
    assert totals[1] < totals[0]


@pytest.mark.parametrize(
    ("name", "architectures"),
    [("pairs-depth", ["shallow", "mlp", "conv1", "conv2"]), ("pairs-sharing", ["fnn", "cnn"])],
)
def test_what_was_reported_is_stated(name, architectures):
    study = load_builtin(name)
    ends = ("", "-sharing", "-aux", "-sharing-aux")
    expected = {
        f"{a}{end}": percent / 100
        for a in architectures
        for end, percent in zip(ends, REPORTED[a], strict=True)
    }
    assert {arm.name for arm in study.all_arms} == set(expected)
    for arm, accuracy in expected.items():
        assert math.isclose(study.reported[arm].mean, accuracy, abs_tol=1e-9)


def test_pairs_depth_is_declared_as_in_its_report():
    study = load_builtin("pairs-depth")
    assert (study.rounds, study.epochs, study.batch_size) == (30, 25, 100)
    assert study.optimizer["name"] == "Adam"
    assert study.data.arguments == {"train": 1000, "test": 1000}
    assert (study.selection.split, study.selection.fraction) == ("holdout", 0.3)
    assert study.selection.refit
    assert len(grid(study.space)) == 48


def test_without_auxiliary_loss_there_is_no_weight_to_search():
    for arm in load_builtin("pairs-depth").all_arms:
        assert ("loss.weight" in arm.space) == (arm.factors["aux"] == "yes")
        assert "net.hidden" in arm.space


def test_pairs_sharing_is_declared_as_in_its_report():
    study = load_builtin("pairs-sharing")
    assert (study.rounds, study.epochs, study.batch_size) == (10, 50, 64)
    assert (study.selection.split, study.selection.folds) == ("kfold", 3)
    rates = study.space["optimizer.lr"].choices
    assert list(rates) == [i / 1000 for i in range(1, 16)]
    assert set(study.space["optimizer.weight_decay"].choices) == {0, 0.1, 0.01, 0.001}


def test_disk_torch_compares_the_same_training():
    arms = {arm.name: arm.recipe for arm in load_builtin("disk-torch").all_arms}
    ours, theirs = (arms[n].model_dump(exclude={"trainer"}) for n in ("ours", "torch-sgd"))
    assert ours == theirs
    mean, total = (arms[n].model_dump(exclude={"loss"}) for n in ("small-rate", "small-rate-sum"))
    assert mean == total
    assert arms["small-rate"].loss.arguments == {}
    assert arms["small-rate-sum"].loss.arguments == {"reduction": "sum"}
    own = [name for name, recipe in arms.items() if recipe.trainer.name == "Trainer"]
    assert own == ["ours", "ours-dropout"]


def test_disk_activations_changes_one_thing_an_arm():
    base, *arms = load_builtin("disk-activations").all_arms
    whole = base.recipe.model_dump()
    for arm in arms:
        own = arm.recipe.model_dump()
        changed = {name for name in own if own[name] != whole[name]}
        assert len(changed) <= 2, arm.name
        assert changed <= {"net", "loss", "optimizer", "init"}, arm.name
        assert ("loss" in arm.space) == (arm.name not in OUTPUTS)


OUTPUTS = ("sigmoid-mse", "softmax-mse", "cross-entropy")


def test_disk_losses_is_declared_as_in_its_report():
    study = load_builtin("disk-losses")
    tanh, sigmoid = study.all_arms
    assert (tanh.recipe.epochs, sigmoid.recipe.epochs) == (3000, 6000)
    layers = [type(m).__name__ for m in sigmoid.recipe.make_net().children()]
    assert layers == [*(["Linear", "ReLU"] * 4), "Linear", "Sigmoid"]
    assert [study.reported[arm.name].mean for arm in (tanh, sigmoid)] == [0.977, 0.96]


def test_prices_is_declared_as_in_its_report():
    study = load_builtin("prices")
    arms = {arm.name: arm.recipe for arm in study.all_arms}
    nets = {name: recipe.net.arguments for name, recipe in arms.items()}
    own = {name for name, net in nets.items() if net == nets["base"]}
    assert own >= {"base", "batch-8", "batch-128", "sgd", "momentum", "rmsprop", "adagrad"}
    assert {net["layers"] for net in nets.values() if "layers" in net} == {0, 1, 2, 3, 4, 5}
    assert {net["hidden"] for net in nets.values() if "hidden" in net} == {2, 5, 10, 20}
    assert (study.data.standardize, study.data.standardize_target) == ("feature", True)
    assert {arms[name].loss.name for name in arms if "gaussian" in name} == {"GaussianNLLLoss"}
    assert study.direction == "min"


def test_sharing_is_a_net_with_fewer_numbers():
    arms = {
        arm.name: arm.recipe.with_overrides({"net.hidden": 50})
        for arm in load_builtin("pairs-depth").all_arms
    }
    for architecture in ("shallow", "mlp", "conv1", "conv2"):
        apart, shared = (
            sum(p.data.numel() for p in arms[name].make_net().parameters())
            for name in (architecture, f"{architecture}-sharing")
        )
        assert shared < apart
