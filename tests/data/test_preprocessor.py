"""From rows to tensors: fitted on some rows, kept as JSON, and refusing rows of another kind."""

from __future__ import annotations

import json

import pytest
import torch

from chainrule.data import Arrays, DataError, Preprocessor, read_csv
from chainrule.data.tabular.preprocessor import read_targets

CARS = """\
origin,weight,mpg
usa,3500,18
usa,,15
japan,2100,31
europe,2300,26
japan,2000,33
"""


@pytest.fixture
def cars(tmp_path):
    path = tmp_path / "cars.csv"
    path.write_text(CARS)
    return read_csv(path)


def test_all_is_fitted_on_the_learned_rows_alone(cars):
    prepared = Preprocessor.fit(cars, [0, 2], "regression", "mpg")
    assert (prepared.task.mean, prepared.task.std) == (24.5, 6.5)
    x = prepared.inputs(cars)
    assert prepared.columns.features == ["origin=japan", "origin=usa", "weight"]
    assert torch.allclose(x[[0, 2]].mean(0), torch.zeros(3))
    assert x[1, 2] == 0  # a missing weight is the learned median, here also the mean
    assert x[3, :2].tolist() == [-1, -1]  # a level that was not learned is none


def test_a_data_set_has_what_is_learned(cars):
    prepared = Preprocessor.fit(cars, range(5), "classification", "origin")
    data = prepared.dataset(cars, "origin")
    assert data.targets.tolist() == [2, 2, 1, 0, 1]
    assert data.inputs.shape == (5, 2)


def test_it_comes_back_from_json(cars):
    images = Arrays("here", torch.rand(4, 1, 3, 3), ("a", "b", "a", "b"))
    for rows, kind, target in ((cars, "regression", "mpg"), (images, "classification", None)):
        prepared = Preprocessor.fit(rows, range(4), kind, target)
        again = Preprocessor.from_dict(json.loads(json.dumps(prepared.as_dict())))
        assert torch.equal(again.inputs(rows), prepared.inputs(rows))
        assert again.task == prepared.task
        assert again.shape == prepared.shape


@pytest.mark.parametrize("key", ["task", "mean", "shape", "columns"])
def test_half_of_it_is_refused(cars, key):
    data = Preprocessor.fit(cars, range(4), "regression", "mpg").as_dict()
    with pytest.raises(ValueError, match="not what a Preprocessor gave"):
        Preprocessor.from_dict({name: value for name, value in data.items() if name != key})


def test_images_keep_their_contrasts():
    images = Arrays("here", torch.rand(8, 1, 3, 3) * 200, ("a", "b") * 4)
    prepared = Preprocessor.fit(images, range(8), "classification")
    x = prepared.inputs(images)
    assert prepared.scale.mean.numel() == 1
    assert (float(x.mean()), float(x.std(correction=0))) == pytest.approx((0, 1), abs=1e-5)


def test_a_column_that_is_not_there_is_named(cars, tmp_path):
    (tmp_path / "new.csv").write_text("orgin,weight\nusa,3000\n")
    prepared = Preprocessor.fit(cars, range(5), "regression", "mpg")
    with pytest.raises(DataError, match=r"new.csv: no column 'origin'; did you mean 'orgin'\?"):
        prepared.inputs(read_csv(tmp_path / "new.csv"))


def test_columns_may_come_in_another_order_and_be_more(cars, tmp_path):
    (tmp_path / "new.csv").write_text("colour,weight,origin\nred,3500,usa\n")
    prepared = Preprocessor.fit(cars, range(5), "regression", "mpg")
    new = read_csv(tmp_path / "new.csv")
    assert torch.equal(prepared.inputs(new), prepared.inputs(cars)[:1])
    assert read_targets(new, "mpg") is None


def test_another_shape_or_kind_is_refused(cars):
    arrays = Arrays("here", torch.rand(4, 2), ("a", "b", "a", "b"))
    of_arrays = Preprocessor.fit(arrays, range(4), "classification")
    of_cars = Preprocessor.fit(cars, range(5), "regression", "mpg")
    with pytest.raises(DataError, match=r"expected inputs \(N, 2\), .* got \(N, 3\)"):
        of_arrays.inputs(Arrays("there", torch.rand(4, 3)))
    with pytest.raises(DataError, match="expected a table with the columns origin, weight, got"):
        of_cars.inputs(arrays)
    with pytest.raises(DataError, match=r"cars.csv: expected arrays, .* got a table"):
        of_arrays.inputs(cars)


def test_a_number_beyond_float32_is_named_with_its_line(tmp_path):
    path = tmp_path / "large.csv"
    path.write_text("x,y\n1,1\n2,2\n1e300,3\n")
    rows = read_csv(path)
    with pytest.raises(DataError, match=r"large.csv, line 4, column 'x': expected a number that"):
        Preprocessor.fit(rows, range(3), "regression", "y")


def test_without_targets_there_is_nothing_to_learn(cars):
    with pytest.raises(DataError, match="here: it has no targets to learn from"):
        Preprocessor.fit(Arrays("here", torch.rand(4, 2)), range(4), "regression")
    with pytest.raises(DataError, match="it has no targets"):
        Preprocessor.fit(cars, range(4), "regression", "mpg").dataset(cars)
