"""Arguments of another kind, or beyond their limits, are named with what would be right."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from chainrule import statistics
from chainrule.statistics import FinitePool, FreshData, Resplits, SequentialDesign

A, B = [0.9, 0.91, 0.92, 0.95], [0.8, 0.85, 0.86, 0.88]
ARMS = {"a": A, "b": B}
TABLE = {"a": [A, A, B], "b": [B, B, A]}
DESIGN = FreshData()
ROUNDS, SAMPLES = [0, 0, 1, 1], [0, 1, 0, 1]

WRONG = {
    "a text for a level": (
        lambda: statistics.paired_t(A, B, confidence="0.9"),
        "paired_t: confidence: expected a number, got '0.9'",
    ),
    "numbers for one": (
        lambda: statistics.paired_t(A, B, confidence=np.ones(2)),
        "confidence: expected a number, got",
    ),
    "a fraction of trials": (
        lambda: statistics.wilson_interval(0.5, 2.5),
        "wilson_interval: n: expected a whole number, got 2.5",
    ),
    "a misspelt argument": (
        lambda: statistics.compare(ARMS, DESIGN, basline="a"),
        "compare: no argument 'basline'; did you mean 'baseline'",
    ),
    "the class of a design": (
        lambda: statistics.compare(ARMS, FreshData),
        r"design: expected a chainrule.statistics.Design, got the class FreshData; write .*\(…\)",
    ),
    "no design": (
        lambda: statistics.t_test_power(5, 1.0, design=0.2),
        "design: expected a chainrule.statistics.Design, got 0.2",
    ),
    "no design of a data set": (
        lambda: statistics.hierarchical_posterior(TABLE["a"], TABLE["b"], [0.2] * 3),
        "designs: expected a chainrule.statistics.Design, got 0.2",
    ),
    "a list of arms": (
        lambda: statistics.friedman([A, B, A]),
        "scores: expected a dict of arms and their scores, got a list",
    ),
    "fewer tests than none": (
        lambda: statistics.compare(ARMS, DESIGN, missing=-1),
        "missing: expected a whole number, 0 or more, got -1",
    ),
    "a rope below 0": (
        lambda: statistics.compare_over_datasets(TABLE, [DESIGN] * 3, rope=-0.1),
        "rope: expected a number, 0 or more, got -0.1",
    ),
    "nan on a data set": (
        lambda: statistics.compare_over_datasets({"a": [A, [math.nan]], "b": [B, B]}, [DESIGN] * 2),
        "arm a, data set 1: score 0 is nan",
    ),
    "a gradient": (
        lambda: statistics.paired_t(torch.ones(3, requires_grad=True), [1, 2, 3]),
        "the first arm: expected numbers, got tensor",
    ),
    "a masked score": (
        lambda: statistics.paired_t(np.ma.masked_equal(A, 0.91), B),
        "the first arm: score 1 is nan",
    ),
    "labels of several rounds": (
        lambda: statistics.mean_interval([0, 1, 1, 0], np.zeros((4, 2)), SAMPLES),
        r"rounds: expected a label of each of 4 scores, got the shape \(4, 2\)",
    ),
    "no labels": (
        lambda: statistics.sample_test([0, 1, 1, 0], None),
        "samples: expected a label of each of 4 scores, got None",
    ),
    "a label that is nan": (
        lambda: statistics.mean_interval([0, 1, 1, 0], ROUNDS, [0, 1, math.nan, 1]),
        "samples: expected a label",
    ),
    "no factors": (
        lambda: statistics.variance_parts([0, 1, 1, 0], {}),
        "factors: expected a dict of factors",
    ),
    "a text for looks": (lambda: SequentialDesign(b"x"), "looks: expected a list of whole numbers"),
    "a power above 1": (
        lambda: SequentialDesign([3]).find_detectable_effect(2),
        "power: expected a number between 0 and 1, got 2",
    ),
    "a share above 1": (
        lambda: FinitePool(10, 1.5),
        "shared_test: expected a number from 0 to 1, got 1.5",
    ),
    "a fraction of a fold": (lambda: Resplits.folds(2.5), "k: expected a whole number, got 2.5"),
    "fewer rounds than none": (
        lambda: statistics.power_warning(-1),
        "n: expected a whole number, 0 or more, got -1",
    ),
    "half a draw": (
        lambda: statistics.expected_best(A, 1.5),
        "expected_best: n: expected a whole number, got 1.5",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_argument_is_named(wrong):
    call, message = WRONG[wrong]
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_a_table_of_columns_is_a_dict_of_arms():
    pandas = pytest.importorskip("pandas")
    of_table = statistics.compare(pandas.DataFrame(ARMS), DESIGN)
    assert of_table.as_rows() == statistics.compare(ARMS, DESIGN).as_rows()
