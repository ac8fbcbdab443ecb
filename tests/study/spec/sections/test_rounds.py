"""A number of rounds, or until when."""

from __future__ import annotations

from typing import get_args

import pytest

from chainrule.statistics import SequentialMethod
from chainrule.study import SequentialRounds, Study, StudyError
from tests.study.small import small


def until(**more) -> Study:
    return small(rounds={"until": "decided", **more})


@pytest.mark.parametrize(
    ("declared", "looks"),
    [
        ({}, (5, 10, 20, 40)),
        ({"max": 30}, (5, 10, 20, 30)),
        ({"max": 4}, (4,)),
        ({"looks": [4, 8]}, (4, 8)),
        ({"looks": [4, 8], "max": 8}, (4, 8)),
        ({"looks": [4, 8], "max": 12}, (4, 8, 12)),
    ],
)
def test_the_last_look_is_at_the_most_rounds(declared, looks):
    study = until(**declared)
    assert study.looks == looks
    assert study.max_rounds == looks[-1]


def test_a_fixed_number_is_looked_at_once():
    study = small(rounds=7)
    assert (study.looks, study.max_rounds, study.sequential) == ((7,), 7, None)


def test_a_file_has_it_as_a_table():
    study = until(looks=[5, 10], method="anytime")
    assert Study.from_toml(study.to_toml()) == study
    assert small(rounds=SequentialRounds(until="decided", looks=(5, 10), method="anytime")) == study


def test_what_is_left_to_the_default_is_the_same_study():
    assert until().digest == until(looks=[5, 10, 20, 40]).digest == until(max=40).digest
    assert until().digest != until(method="anytime").digest


def test_a_number_on_the_command_line_takes_its_place():
    assert until().with_overrides(rounds=7).rounds == 7


def test_the_methods_are_those_of_the_statistics():
    field = SequentialRounds.model_fields["method"]
    assert get_args(field.annotation) == get_args(SequentialMethod)


@pytest.mark.parametrize(
    ("rounds", "message"),
    [
        ({"untl": "decided"}, "rounds.untl: no such field; did you mean 'until'?"),
        ({"until": "decided", "look": [5]}, "rounds.look: no such field; did you mean 'looks'?"),
        ({"until": "decide"}, "rounds.until: expected 'decided', got 'decide'"),
        (
            {"until": "decided", "method": "pocok"},
            "rounds.method: expected .* got 'pocok'; did you mean 'pocock'",
        ),
        (
            {"until": "decided", "looks": [10, 5]},
            r"rounds: looks: expected them in ascending order, got \[10, 5\]",
        ),
        ({"until": "decided", "looks": [5, 5]}, "in ascending order"),
        ({"until": "decided", "looks": [1, 5]}, "rounds.looks.0: expected at least 2, got 1"),
        (
            {"until": "decided", "looks": [5, 10], "max": 8},
            "max: expected at least 10, the last of looks, got 8",
        ),
        ({"until": "decided", "max": 1}, "rounds.max: expected at least 2, got 1"),
        (0, "rounds: expected at least 1, got 0"),
        ("ten", "rounds: expected a whole number, got 'ten'"),
        (2.5, "rounds: expected a whole number, got 2.5"),
    ],
)
def test_what_is_wrong_is_said(rounds, message):
    with pytest.raises(StudyError, match=message):
        small(rounds=rounds)


def test_one_arm_has_nothing_to_decide():
    with pytest.raises(StudyError, match="one is the only arm: there is nothing to decide"):
        small(arms={"one": {}}, rounds={"until": "decided"})
