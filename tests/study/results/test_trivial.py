"""The trivial answer: the most frequent class, the mean of a number."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from chainrule.data import Dataset
from chainrule.report import results_table
from chainrule.study import run
from chainrule.study.results.trivial import trivial_score
from tests.study.small import small

TRAIN = Dataset(torch.zeros(5, 2), torch.tensor([2, 0, 2, 2, 1]))
TEST = Dataset(torch.zeros(4, 2), torch.tensor([2, 1, 2, 0]))
NUMBERS = Dataset(torch.zeros(4, 2), torch.tensor([[0.0], [1.0], [2.0], [9.0]]))
OTHERS = Dataset(torch.zeros(2, 2), torch.tensor([[4.0], [2.0]]))


def test_the_most_frequent_class_is_judged_on_test_samples():
    assert trivial_score(small(), TRAIN, TEST, unit=1.0) == 0.5


@pytest.mark.parametrize(
    ("metric", "wanted"),
    [("RootMeanSquaredError", 1.0), ("MeanAbsoluteError", 2.0)],
)
def test_a_number_is_told_by_its_mean_or_its_median(metric, wanted):
    study = small(metrics={"error": metric}, direction="min", failure_value=99.0, loss="MSELoss")
    assert trivial_score(study, NUMBERS, OTHERS, unit=1.0) == pytest.approx(wanted)
    assert trivial_score(study, NUMBERS, OTHERS, unit=3.0) == pytest.approx(3 * wanted)


def test_of_a_single_output_and_of_several_heads():
    heads = {"main": {"name": "Accuracy", "head": "main"}}
    both = [
        Dataset(part.inputs, {"main": part.targets, "aux": part.targets}) for part in (TRAIN, TEST)
    ]
    assert trivial_score(small(metrics=heads), *both, unit=1.0) == 0.5
    signs = [
        Dataset(torch.zeros(3, 2), torch.tensor([[1.0], [-1.0], [1.0]])),
        Dataset(torch.zeros(4, 2), torch.tensor([[1.0], [1.0], [-1.0], [1.0]])),
    ]
    assert trivial_score(small(loss="MSELoss"), *signs, unit=1.0) == 0.75


def test_a_loss_that_arms_do_not_share_has_none():
    loss = {"metric": "loss", "direction": "min", "failure_value": 99.0}
    assert trivial_score(small(**loss), TRAIN, TEST, unit=1.0) == pytest.approx(
        torch.tensor([0.6, 0.2, 0.6, 0.2]).log().neg().mean().item()
    )
    arms = {"a": {}, "b": {"loss": {"label_smoothing": 0.1}}}
    assert trivial_score(small(**loss, arms=arms), TRAIN, TEST, unit=1.0) is None


def test_final_rows_note_it_and_the_table_has_it_as_a_row():
    result = run(small())
    noted = {(r.round, r.metrics["trivial_accuracy"]) for a in result.arms for r in a.rows}
    assert noted == {*result.trivial_scores.items()}
    table = results_table(result)
    assert [row[0].text for row in table.cells] == ["narrow", "wide", "(trivial)"]
    assert len(table.rows) == 2
    bare = [
        replace(r, metrics={n: x for n, x in r.metrics.items() if not n.startswith("trivial")})
        for r in result.rows
    ]
    older = replace(result, rows=bare)
    assert older.trivial_scores == pytest.approx(result.trivial_scores)
    assert len(results_table(older).cells) == 2
