"""The studies of the practical report are declared as it says."""

from __future__ import annotations

import re

import pytest

from chainrule.study.builtin import load_builtin


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plane", {"linear": 0.59, "base": 1.0}),
        ("digits", {"softmax": 0.88, "best": 0.9839}),
        ("colored-digits", {"shared": 0.9913, "best": 0.9913}),
    ],
)
def test_what_was_reported_is_stated(name, expected):
    assert {arm: said.mean for arm, said in load_builtin(name).reported.items()} == expected


def test_plane_is_a_net_of_two_layers_after_ten_epochs():
    study = load_builtin("plane")
    assert study.epochs == 10
    assert study.net["layers"] == 1
    layers = {arm.recipe.net.arguments["layers"] for arm in study.all_arms}
    units = {arm.recipe.net.arguments["hidden"] for arm in study.all_arms}
    assert layers == {0, 1, 2, 3}
    assert (min(units), max(units)) == (2, 150)


@pytest.mark.parametrize(("name", "base"), [("plane", "base"), ("digits", "base")])
def test_an_arm_changes_one_thing(name, base):
    study = load_builtin(name)
    by_name = {arm.name: arm.recipe.model_dump(exclude_none=True) for arm in study.all_arms}
    several = {"mse": {"net", "loss"}} | {
        "sgd-high": {"net", "optimizer"},
        "sgd-high-clip": {"net", "optimizer", "clip_norm"},
    }
    crossed = re.compile("(sgd|momentum|adagrad|rmsprop)-batch-")
    for arm, recipe in by_name.items():
        changed = {key for key in recipe if recipe[key] != by_name[base].get(key)}
        if crossed.match(arm):
            assert changed == {"optimizer", "batch_size"}
        elif arm not in (base, "best"):
            assert len(changed) == 1 or changed == several.get(arm)


def test_clipping_is_all_that_is_different_where_the_gradient_explodes():
    high, clipped = (
        load_builtin("digits").select(name)[0].recipe for name in ("sgd-high", "*-clip")
    )
    assert high.clip_norm is None
    assert clipped == high.model_copy(update={"clip_norm": clipped.clip_norm})


def test_coloured_digits_are_trained_as_reported():
    study = load_builtin("colored-digits")
    for arm in study.all_arms:
        recipe = arm.recipe
        if arm.name == "best":
            continue
        assert recipe.batch_size == 64
        assert (recipe.optimizer.name, recipe.optimizer.arguments) == ("Adam", {"lr": 1e-3})
        assert recipe.schedule is not None
        assert recipe.schedule.arguments == {"T_max": recipe.epochs, "eta_min": 1e-5}


def test_both_is_what_is_selected_and_tested():
    study = load_builtin("colored-digits")
    assert study.metric_name == "both"
    assert study.metrics["both"].arguments == {"heads": ["digit", "color"]}
    colors = study.data.arguments["colors"]
    assert len(colors) == len(set(colors)) == 6
