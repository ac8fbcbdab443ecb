"""What is compared: arms that are written out, or products of factors."""

from __future__ import annotations

import pytest

from chainrule.study import StudyError, run
from tests.study.small import SEARCH, searched, small

FACTORS = {
    "depth": {"flat": {}, "deep": {"net": {"hidden": 9}}},
    "aux": {"no": {}, "yes": {"loss": {"label_smoothing": 0.1}}},
}


def product(**changes):
    return small(arms={}, factors=FACTORS, **changes)


def test_a_study_without_arms_has_one():
    assert [arm.name for arm in small(arms={}).all_arms] == ["only"]


def test_factors_are_multiplied_the_first_slowest():
    names = [arm.name for arm in product().all_arms]
    assert names == ["flat", "flat-aux", "deep", "deep-aux"]


def test_where_every_level_is_no_the_name_is_none():
    factors = {name: {"no": {}, "yes": {}} for name in ("sharing", "aux")}
    names = [arm.name for arm in small(arms={}, factors=factors).all_arms]
    assert names == ["none", "aux", "sharing", "sharing-aux"]


def test_each_arm_knows_its_levels():
    arm = product().select("deep-aux")[0]
    assert arm.factors == {"depth": "deep", "aux": "yes"}


def test_every_level_adds_what_it_says():
    recipe = product().select("deep-aux")[0].recipe
    assert recipe.net.arguments == {"hidden": 9}
    assert recipe.loss.arguments == {"label_smoothing": 0.1}


def test_what_an_arm_does_not_say_is_the_studys():
    narrow, wide = small().all_arms
    assert narrow.recipe.net.arguments == {"hidden": 3}
    assert wide.recipe.optimizer == narrow.recipe.optimizer


def test_another_optimizer_does_not_inherit_arguments():
    arm = small(arms={"sgd": {"optimizer": {"name": "SGD", "momentum": 0.5}}}).all_arms[0]
    assert arm.recipe.optimizer.arguments == {"momentum": 0.5}


def test_the_same_optimizer_does():
    arm = small(arms={"a": {"optimizer": {"name": "Adam", "eps": 0.1}}}).all_arms[0]
    assert arm.recipe.optimizer.arguments == {"lr": 0.03, "eps": 0.1}


# the space


@pytest.mark.parametrize(
    ("overrides", "paths"),
    [
        ({}, ["net.hidden", "optimizer.lr"]),
        ({"net": {"hidden": 5}}, ["optimizer.lr"]),
        ({"net": {"hidden": 5}, "optimizer": {"lr": 0.1}}, []),
        ({"net": "disk_net"}, ["net.hidden", "optimizer.lr"]),
        ({"net": {"name": "disk_net"}}, ["net.hidden", "optimizer.lr"]),
        ({"epochs": 3}, ["net.hidden", "optimizer.lr"]),
    ],
)
def test_a_path_that_an_arm_sets_leaves_its_space(overrides, paths):
    space = {"net.hidden": [3, 5], "optimizer.lr": [0.1, 0.2]}
    study = searched(space=space, arms={"a": overrides, "b": {}})
    assert list(study.all_arms[0].space) == paths


def test_an_arm_that_sets_the_name_is_not_searched_in_names():
    study = searched(space={"net": ["disk_net", "pair_mlp"]}, arms={"a": {"net": "disk_net"}})
    assert not study.all_arms[0].space


# patterns


@pytest.mark.parametrize(
    ("pattern", "names"),
    [("*", ["narrow", "wide"]), ("w*", ["wide"]), ("?arrow", ["narrow"]), ("wide", ["wide"])],
)
def test_arms_are_chosen_by_a_pattern(pattern, names):
    assert [arm.name for arm in small().select(pattern)] == names


@pytest.mark.parametrize("pattern", ["big*", "", "Wide"])
def test_no_arm_lists_those_that_are_there(pattern):
    with pytest.raises(StudyError, match=r"^study small: no arm matches .*; .*arms: narrow, wide$"):
        small().select(pattern)


# names


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "a\\b", "a\0b", "a\nb"])
def test_a_name_that_could_leave_a_folder_is_refused(name):
    with pytest.raises(StudyError, match="cannot name a folder"):
        small(arms={name: {}})


@pytest.mark.parametrize("name", ["λ=0.5", "MLP 2", "conv-1.5+aux"])
def test_other_names_are_free(name):
    assert small(arms={name: {}}).all_arms[0].name == name


def test_two_combinations_of_one_name_are_refused():
    factors = {"f": {"yes": {}, "f": {"epochs": 3}}}
    with pytest.raises(StudyError, match="arms: 2 are named 'f'; expected one"):
        small(arms={}, factors=factors)


def test_a_wrong_arm_is_named():
    with pytest.raises(StudyError, match="arm b: epochs: expected at least 1, got 0"):
        small(arms={"a": {}, "b": {"epochs": 0}})


def test_a_value_of_the_space_that_no_recipe_takes_is_named():
    with pytest.raises(StudyError, match="arm narrow: epochs: expected at least 1, got 0"):
        small(**{**SEARCH, "space": {"epochs": [0, 1]}})


def test_a_whole_part_may_be_searched_by_name():
    parts = {
        "steps": {"name": "StepLR", "step_size": 3},
        "even": {"name": "TimeBasedLR", "decay": 0},
    }
    study = small(space={"schedule": {"parts": parts}}, search={"method": "grid"})
    arm = study.all_arms[0]
    assert arm.with_overrides({"schedule": "steps"}).schedule.arguments == {"step_size": 3}
    assert arm.with_overrides({"schedule": "even"}).schedule.name == "TimeBasedLR"
    result = run(study)
    assert {c.setting["schedule"] for c in result.candidates(arm.name)} == {"steps", "even"}
    assert study.from_toml(study.to_toml()).digest == study.digest


def test_a_part_of_a_space_that_does_not_fit_names_the_arm():
    with pytest.raises(StudyError, match="arm narrow: schedule"):
        small(
            space={"schedule": {"parts": {"odd": {"name": "StepLR", "every": "day"}}}}, search=GRID
        )


GRID = {"method": "grid"}
