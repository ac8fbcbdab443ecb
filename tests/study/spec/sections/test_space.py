"""The values that a path may take, and the candidates among them."""

from __future__ import annotations

import math
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.study import Dimension, StudyError
from chainrule.study.spec.sections.space import grid, is_batchable, random_settings


def test_a_grid_has_every_combination_the_last_path_fastest():
    space = {"a": Dimension(values=(1, 2)), "b": Dimension(values=("x", "y"))}
    assert [tuple(s.values()) for s in grid(space)] == [(1, "x"), (1, "y"), (2, "x"), (2, "y")]


def test_a_range_by_steps_prints_as_it_was_meant():
    steps = Dimension(low=0.001, high=0.015, step=0.001).choices
    assert list(steps) == [i / 1000 for i in range(1, 16)]
    assert str(steps[2]) == "0.003"


def test_steps_that_do_not_meet_the_end_stay_below_it():
    assert Dimension(low=0, high=1, step=0.3).choices == (0.0, 0.3, 0.6, 0.9)


def test_whole_numbers_need_no_steps():
    assert list(Dimension(low=3, high=6, integer=True).choices) == [3, 4, 5, 6]


def test_whole_steps_are_whole_numbers():
    steps = Dimension(low=10, high=30, step=10, integer=True).choices
    assert [*map(repr, steps)] == ["10", "20", "30"]


def test_a_billion_whole_numbers_take_no_memory():
    assert len(Dimension(low=1, high=1e9, integer=True).choices) == 10**9


def test_a_grid_of_a_range_without_steps_is_refused():
    with pytest.raises(ValueError, match="space a: a grid needs values, or a range with a step"):
        grid({"a": Dimension(low=0, high=1)})


KINDS = {
    "linear": Dimension(low=-2, high=3),
    "log": Dimension(low=1e-5, high=0.1, log=True),
    "whole": Dimension(low=1, high=9, integer=True),
    "whole log": Dimension(low=1, high=900, integer=True, log=True),
    "steps": Dimension(low=0.1, high=0.7, step=0.1),
}


@pytest.mark.parametrize("dimension", KINDS.values(), ids=KINDS)
@given(u=st.floats(0, 1, exclude_max=True))
def test_what_is_drawn_is_in_the_range_and_whole_where_asked(dimension, u):
    value = dimension.value_at(u)
    assert dimension.low <= value <= dimension.high
    assert isinstance(value, int) == dimension.integer


def test_log_draws_are_even_in_the_logarithm():
    draws = random_settings({"a": KINDS["log"]}, 2000, 7)
    assert median(math.log10(d["a"]) for d in draws) == pytest.approx(-3, abs=0.15)


def test_all_whole_numbers_are_drawn_equally_often():
    draws = [d["a"] for d in random_settings({"a": KINDS["whole"]}, 1800, 7)]
    assert all(140 < draws.count(i) < 265 for i in range(1, 10))


def test_a_draw_depends_on_its_number_and_path_alone():
    a, b = Dimension(low=0, high=1), Dimension(low=0, high=1)
    many = random_settings({"a": a, "b": b}, 9, 7)
    assert [s["b"] for s in random_settings({"b": b}, 4, 7)] == [s["b"] for s in many[:4]]
    assert many[0]["a"] != many[0]["b"]
    assert random_settings({"a": a}, 1, 8)[0]["a"] != many[0]["a"]


WRONG = {
    "nothing": ({}, "expected either values, or low and high"),
    "both": ({"values": (1,), "low": 0, "high": 1}, "expected either values, or low and high"),
    "one end": ({"low": 0}, "expected low ≤ high, got 0.0 and None"),
    "upside down": ({"low": 2, "high": 1}, "expected low ≤ high, got 2.0 and 1.0"),
    "nan": ({"low": 0, "high": math.nan}, "expected low ≤ high"),
    "infinite": ({"low": 0, "high": math.inf}, "expected finite ends"),
    "no value": ({"values": ()}, "expected at least one value, each once"),
    "twice": ({"values": (1, 2, 1)}, "expected at least one value, each once"),
    "nan value": ({"values": (1.0, math.nan)}, "expected finite values"),
    "log of 0": ({"low": 0, "high": 1, "log": True}, "a log range begins above 0, got low = 0"),
    "log values": ({"values": (1, 2), "log": True}, "log, integer and step go with low and high"),
    "no step": ({"low": 0, "high": 1, "step": 0}, "step is above 0 and does not go with log"),
    "nan step": ({"low": 0, "high": 1, "step": math.nan}, "step is above 0"),
    "log step": ({"low": 1, "high": 2, "step": 1, "log": True}, "does not go with log"),
    "whole ends": (
        {"low": 0.5, "high": 2, "integer": True},
        "expected whole ends, got 0.5",
    ),
    "whole step": ({"low": 0, "high": 2, "step": 0.5, "integer": True}, "expected a whole step"),
}


@pytest.mark.parametrize(("given", "message"), WRONG.values(), ids=WRONG)
def test_what_makes_no_range_is_refused(given, message):
    with pytest.raises(StudyError, match=message):
        Dimension(**given)


def test_one_and_true_and_one_point_nought_are_three_values():
    assert [*map(repr, Dimension(values=(1, True, 1.0)).choices)] == ["1", "True", "1.0"]


NUMBERS, WORDS = Dimension(values=(0.1, 0.2)), Dimension(values=("a", "b"))


@pytest.mark.parametrize(
    ("path", "dimension", "shared"),
    [
        ("optimizer.lr", NUMBERS, True),
        ("optimizer.lr", Dimension(low=0, high=1), True),
        ("schedule.gamma", NUMBERS, True),
        ("loss.weight", NUMBERS, True),
        ("net.hidden", NUMBERS, False),
        ("batch_size", NUMBERS, False),
        ("optimizer.name", WORDS, False),
        ("optimizer.nesterov", Dimension(values=(True, False)), False),
        ("optimizer.betas", Dimension(values=(0.1, 0.2), batchable=False), False),
        ("net.p", Dimension(values=(0.1, 0.2), batchable=True), True),
        ("net.p", Dimension(values=("a", "b"), batchable=True), False),
    ],
)
def test_numbers_share_a_cohort_and_shapes_do_not(path, dimension, shared):
    assert is_batchable(path, dimension) is shared


SCHEDULES = Dimension(
    parts={
        "steps": {"name": "StepLR", "step_size": 3},
        "none": {"name": "ExponentialLR", "gamma": 1.0},
    }
)


def test_the_values_of_parts_are_their_names_which_start_a_cohort_each():
    assert SCHEDULES.choices == ("steps", "none")
    assert not is_batchable("schedule", SCHEDULES)
    assert SCHEDULES.resolve("steps") == {"name": "StepLR", "step_size": 3}
    assert Dimension(values=(1, 2)).resolve(2) == 2


def test_parts_come_back_from_what_is_written():
    again = Dimension.model_validate(SCHEDULES.model_dump(mode="json", exclude_defaults=True))
    assert again == SCHEDULES


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"parts": {"a": "StepLR"}, "values": ["b"]}, "named a"),
        ({"parts": {"a": "StepLR"}, "low": 0, "high": 1}, "either values, or low and high"),
        ({"parts": {"a": {"step_size": 3}}}, "name"),
        ({"parts": {}}, "either values, or low and high"),
    ],
)
def test_parts_that_are_none_are_refused(given, message):
    with pytest.raises(StudyError, match=message):
        Dimension(**given)
