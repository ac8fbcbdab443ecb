"""Metrics of one's own in a study: the function itself, or what makes it."""

from __future__ import annotations

import pickle

import pytest
import torch

from chainrule.recipes.component import Component, build_component
from chainrule.recipes.errors import StudyError
from chainrule.study import run
from tests.study.small import small

OUTPUT, TARGET = torch.tensor([[2.0, 1.0], [0.0, 3.0]]), torch.tensor([0, 0])


def count_right(output, target, worth=1.0, *, power=1):
    return worth * (output.argmax(-1) == target).double() ** power


def make_count(worth=1.0):
    def count(output, target):
        return count_right(output, target, worth)

    return count


class Count:
    def __init__(self, worth=1.0):
        self.worth = worth

    def __call__(self, output, target):
        return count_right(output, target, self.worth)


def build(name: str, **arguments):
    return build_component("metric", Component(name=f"{__name__}:{name}", **arguments))


@pytest.mark.parametrize("name", ["count_right", "make_count", "Count"])
def test_a_function_of_outputs_and_what_makes_one_are_metrics(name):
    assert build(name)(OUTPUT, TARGET).tolist() == [1, 0]
    assert build(name, worth=3.0)(OUTPUT, TARGET).tolist() == [3, 0]


def test_one_with_arguments_goes_to_other_processes():
    metric = pickle.loads(pickle.dumps(build("count_right", worth=3.0, power=2)))
    assert metric(OUTPUT, TARGET).tolist() == [3, 0]


@pytest.mark.parametrize("name", ["count_right", "make_count"])
def test_an_argument_that_is_not_there_is_told(name):
    with pytest.raises(StudyError, match="wort"):
        build(name, wort=3.0)


def test_a_study_counts_by_it():
    own = run(small(metrics={"right": f"{__name__}:count_right"}))
    plain = run(small(metrics={"right": "Accuracy"}))
    assert [arm.mean for arm in own.arms] == [arm.mean for arm in plain.arms]
