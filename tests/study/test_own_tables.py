"""Studies of a table: what is scaled by which rows, and metrics in the target's own unit."""

from __future__ import annotations

import math

import pytest
import torch

from chainrule.data import Dataset, auto_mpg
from chainrule.study import Study, StudyError, run
from chainrule.study.round_data import RoundData
from chainrule.train import load

CARS = {
    "name": "cars",
    "rounds": 3,
    "epochs": 3,
    "batch_size": 20,
    "direction": "min",
    "failure_value": 40.0,
    "data": {
        "name": "table",
        "rounds": "resplit",
        "missing": "median",
        "standardize": "feature",
        "standardize_target": True,
    },
    "metrics": {"rmse": "RootMeanSquaredError", "coverage": "Coverage"},
    "net": {"name": "table_net", "hidden": 3},
    "loss": "MSELoss",
    "optimizer": {"name": "Adam", "lr": 0.03},
    "arms": {
        "point": {},
        "gaussian": {"net": "gaussian_net", "loss": "GaussianNLLLoss"},
        "too-fast": {"optimizer": {"name": "SGD", "lr": 30.0}},
    },
}
SEARCH = {
    "space": {"optimizer.lr": [0.003, 0.03]},
    "search": {"method": "grid", "each_round": True},
}


def with_holes(seed: int) -> tuple[Dataset, Dataset]:
    """Inputs of which one is missing, targets that are far from standard."""
    x = torch.arange(12.0).reshape(6, 2)
    x[seed % 2, 1] = torch.nan
    return Dataset(x[:4], 100 + 7 * x[:4, :1]), Dataset(x[4:], 100 + 7 * x[4:, :1])


def three_numbers(seed: int) -> tuple[Dataset, Dataset]:
    data = Dataset(torch.eye(3), torch.eye(3))
    return data, data


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nets")
    return run(Study(**CARS), nets=folder), folder


# samples


def test_targets_are_scaled_by_what_is_learned_from_alone():
    samples = RoundData(Study(**{**CARS, **SEARCH, "precision": "float64"}))
    for learned, judged in (samples.round(1), samples.fold(1, 0)):
        torch.testing.assert_close(learned.targets.mean().item(), 0.0, atol=1e-6, rtol=0)
        torch.testing.assert_close(learned.targets.std(correction=0).item(), 1.0)
        assert judged.targets.mean().abs() > 1e-4


def test_the_unit_is_the_spread_of_what_is_learned_from():
    samples = RoundData(Study(**CARS, **SEARCH))
    everything = auto_mpg().targets.std(correction=0).item()
    units = [samples.unit(0), samples.unit(1), samples.unit(0, 0)]
    assert len(set(units)) == 3
    assert all(unit == pytest.approx(everything, rel=0.15) for unit in units)
    a, b = (samples.round(0)[0].targets.squeeze(1)[:2] * units[0]).tolist()
    known = auto_mpg().targets.squeeze(1)
    assert torch.isclose(known[:, None] - known, torch.tensor(a - b), atol=1e-4).any()


def test_without_standardize_target_there_is_no_unit_to_go_back_to():
    plain = {**CARS["data"], "standardize_target": False}
    samples = RoundData(Study(**{**CARS, "data": plain}))
    assert samples.unit(0) == 1
    assert samples.round(0)[0].targets.mean() > 10


def test_what_is_missing_is_filled_by_what_is_learned_from():
    data = {
        "name": "tests.study.test_own_tables:with_holes",
        "rounds": "fresh",
        "missing": "median",
    }
    train, _ = RoundData(Study(**{**CARS, "data": data})).round(0)
    assert not train.inputs.isnan().any()


def test_several_numbers_have_no_one_unit():
    data = {"name": "tests.study.test_own_tables:three_numbers", "standardize_target": True}
    samples = RoundData(Study(**{**CARS, "data": data}))
    with pytest.raises(StudyError, match="expected one number to tell, got 3"):
        samples.unit(0)


# rows


@pytest.mark.parametrize("arm", ["point", "gaussian"])
def test_the_error_is_in_miles_per_gallon(result, arm):
    found, folder = result
    samples = RoundData(found.study)
    for row in found.arm(arm).rows:
        net = load(folder / arm / f"round-{row.round:03}.safetensors").eval()
        _, test = samples.round(row.round)
        y = net(test.inputs)
        mean = y["mean"] if arm == "gaussian" else y
        rmse = (mean - test.targets).square().mean().sqrt().item() * samples.unit(row.round)
        assert row.metrics["rmse"] == pytest.approx(rmse, rel=1e-5)
        assert row.curves["test_rmse"][-1] == pytest.approx(rmse, rel=1e-5)


def test_each_training_of_a_search_is_judged_in_its_own_unit():
    study = Study(**{**CARS, **SEARCH, "arms": {"point": {}}, "rounds": 2})
    alone = run(study.with_overrides(cohort_size=1))
    for a, b in zip(run(study).rows, alone.rows, strict=True):
        assert a.key == b.key
        assert a.metrics["rmse"] == pytest.approx(b.metrics["rmse"], rel=1e-3)


def test_a_rate_that_is_far_too_high_is_a_row_that_diverged(result):
    found, _ = result
    lost = found.arm("too-fast")
    assert (lost.n_ok, lost.mean) == (0, 40)
    assert all(row.status == "diverged" and row.note for row in lost.rows)


def test_coverage_is_known_where_an_interval_is_claimed(result):
    found, _ = result
    assert all(0 < row.metrics["coverage"] <= 1 for row in found.arm("gaussian").rows)
    assert all(math.isnan(row.metrics["coverage"]) for row in found.arm("point").rows)
    assert found.arm("point").n_ok == 3


def test_rows_are_divided_anew_and_the_test_knows_it(result):
    found, _ = result
    assert type(found.design).__name__ == "Resplits"
    assert {(row.n_train, row.n_test) for row in found.rows} == {(294, 98)}
