"""How far numbers are off, in their own unit, and what predicted intervals cover."""

from __future__ import annotations

import math

import pytest
import torch

from chainrule.train import Coverage, MeanAbsoluteError, RootMeanSquaredError
from chainrule.train.metrics.base import average_metric

OUTPUT = torch.tensor([[1.5], [2.0], [-0.5]])
TARGET = torch.tensor([[0.5], [4.0], [-0.5]])
"""Differences 1, −2, 0."""


def test_the_root_of_the_mean_of_the_squares():
    value = average_metric(RootMeanSquaredError(), OUTPUT, TARGET, 0)
    assert value.item() == pytest.approx(math.sqrt(5 / 3))


def test_the_mean_of_what_is_off():
    assert average_metric(MeanAbsoluteError(), OUTPUT, TARGET, 0).item() == pytest.approx(1)


@pytest.mark.parametrize("metric", [RootMeanSquaredError, MeanAbsoluteError])
class TestInUnits:
    def test_in_the_unit_of_the_target(self, metric):
        plain = average_metric(metric(), OUTPUT, TARGET, 0)
        assert average_metric(metric().with_unit(7.0), OUTPUT, TARGET, 0) == pytest.approx(
            7 * plain
        )

    def test_each_replica_has_its_own(self, metric):
        both, units = torch.stack([OUTPUT, 2 * OUTPUT]), torch.tensor([[[3.0]], [[5.0]]])
        values = average_metric(metric().with_unit(units), both, TARGET[None], 1)
        alone = [average_metric(metric(), y, TARGET, 0) for y in both]
        torch.testing.assert_close(values, torch.stack([3 * alone[0], 5 * alone[1]]))

    def test_a_target_without_the_axis_of_the_output(self, metric):
        values = [average_metric(metric(), OUTPUT, t, 0) for t in (TARGET, TARGET.squeeze(1))]
        assert values[0] == values[1]

    def test_of_a_distribution_the_mean(self, metric):
        output = {"mean": OUTPUT, "var": torch.ones(3, 1)}
        assert average_metric(metric(), output, TARGET, 0) == average_metric(
            metric(), OUTPUT, TARGET, 0
        )

    def test_nan_is_no_small_error(self, metric):
        assert average_metric(metric(), OUTPUT * torch.nan, TARGET, 0).isnan()


def gaussian(mean, var):
    return {"mean": torch.tensor(mean).unsqueeze(-1), "var": torch.tensor(var).unsqueeze(-1)}


def test_a_target_within_1_96_standard_deviations_is_covered():
    output = gaussian([0.0, 0.0, 3.0, 3.0], [1.0, 1.0, 4.0, 4.0])
    target = torch.tensor([[1.95], [-1.97], [6.91], [-0.93]])
    assert Coverage()(output, target).tolist() == [1, 0, 1, 0]
    assert Coverage()(output, target.squeeze(1)).tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize("level", [0.2, 0.5, 0.95])
def test_the_true_distribution_covers_its_level(level):
    draw = torch.Generator().manual_seed(3)
    mean = torch.randn(20000, 1, generator=draw, dtype=torch.float64)
    var = mean.exp()
    noise = torch.randn(20000, 1, generator=draw, dtype=torch.float64)
    target = mean + var.sqrt() * noise
    covered = average_metric(Coverage(level), {"mean": mean, "var": var}, target, 0)
    assert covered.item() == pytest.approx(level, abs=4 * math.sqrt(level * (1 - level) / 20000))


def test_a_cohort_is_covered_replica_by_replica():
    output = gaussian([[0.0, 0.0], [9.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]])
    assert Coverage()(output, torch.zeros(1, 2, 1)).tolist() == [[1, 1], [0, 1]]


def test_who_claims_no_interval_covers_nothing_that_is_known():
    assert Coverage()(OUTPUT, TARGET).isnan().tolist() == [True] * 3


def test_nan_covers_nothing():
    assert Coverage()(gaussian([math.nan, 1.0], [1.0, math.nan]), TARGET[:2]).isnan().all()


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_is_a_share(level):
    with pytest.raises(ValueError, match=f"expected a level between 0 and 1, got {level}"):
        Coverage(level)
