"""Candidates whose nets have as many parameters as they may have."""

from __future__ import annotations

import pytest

from chainrule.recipes.cost import count_parameters
from chainrule.study import StudyError, run
from chainrule.study.search.candidates import count_candidates, make_proposer
from chainrule.study.spec.sections.search import parse_range
from tests.study.small import small

SPACE = {"net.hidden": {"low": 2, "high": 40, "integer": True}, "optimizer.lr": [0.01, 0.1]}
ARMS = {"plain": {}, "other": {"optimizer": {"lr": 0.2}}}


def budget(method, parameters="100 to 200", space=SPACE, **search):
    return small(
        arms=ARMS, space=space, search={"method": method, "parameters": parameters, **search}
    )


def sizes(study, arm, settings):
    return [count_parameters(arm.with_overrides(setting)) for setting in settings]


def test_a_range_is_read():
    assert parse_range("65k to 75k") == (65_000, 75_000)
    assert parse_range(" 0.5M to 1M") == (500_000, 1_000_000)


@pytest.mark.parametrize("text", ["many", "75k to 65k", "0 to 9", "1..2 to 3", "65k", "-1 to 5"])
def test_what_is_no_range_is_told(text):
    with pytest.raises(StudyError, match=f"expected a range such as .65k to 75k., got '{text}'"):
        budget("random", text, candidates=3)


def test_a_grid_has_the_combinations_that_fit():
    study = budget("grid")
    for arm, times in zip(study.all_arms, (2, 1), strict=True):
        settings = make_proposer(study, arm, 0)({})
        assert all(100 <= size <= 200 for size in sizes(study, arm, settings))
        every = sizes(study, arm, [{"net.hidden": n} for n in range(2, 41)])
        fitting = sum(100 <= size <= 200 for size in every)
        assert len(settings) == count_candidates(study, arm) == times * fitting


@pytest.mark.parametrize("method", ["random", "tpe", "gp"])
def test_a_search_tries_nets_that_fit_alone(method):
    study = budget(method, candidates=8)
    arm = study.all_arms[0]
    settings = make_proposer(study, arm, 0)({})
    assert len(settings) == 8
    assert all(100 <= size <= 200 for size in sizes(study, arm, settings))


def test_draws_that_fit_at_once_are_those_without_a_budget():
    study = budget("random", "1 to 1M", candidates=8)
    free = small(arms=ARMS, space=SPACE, search={"method": "random", "candidates": 8})
    arm = study.all_arms[0]
    assert make_proposer(study, arm, 0)({}) == make_proposer(free, arm, 0)({})


@pytest.mark.parametrize("method", ["grid", "random"])
def test_where_nothing_fits_the_sizes_that_there_are_are_said(method):
    study = budget(method, "5M to 6M", candidates=3 if method == "random" else None)
    with pytest.raises(StudyError, match="arm plain has no candidate with 5M to 6M parameters; of"):
        run(study)


def test_members_count_together():
    study = budget("random", candidates=5).with_overrides(ensemble_size=2)
    arm = study.all_arms[0]
    settings = make_proposer(study, arm, 0)({})
    assert all(50 <= size <= 100 for size in sizes(study, arm, settings))


def test_a_budget_without_a_space_is_refused():
    with pytest.raises(StudyError, match=r"search.parameters: bounds the candidates of a space"):
        small(search={"parameters": "1 to 2"})
