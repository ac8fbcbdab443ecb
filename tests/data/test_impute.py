"""Missing inputs: the median of the training samples, and of no other."""

from __future__ import annotations

import pytest
import torch

from chainrule.data import Dataset, fill_missing

NAN = float("nan")


def data(*rows):
    inputs = torch.tensor(rows)
    return Dataset(inputs, torch.zeros(len(rows), 1))


def test_a_missing_number_becomes_the_training_median():
    train, test = fill_missing(data([1.5, 7], [NAN, 9], [2.5, NAN]), data([NAN, NAN], [99, 99]))
    assert train.inputs.tolist() == [[1.5, 7], [2, 9], [2.5, 8]]
    assert test.inputs.tolist() == [[2, 8], [99, 99]]


def test_of_a_feature_without_any_number_nothing_is_known():
    (train,) = fill_missing(data([NAN, 3.5], [NAN, 4]))
    assert train.inputs.tolist() == [[0, 3.5], [0, 4]]


def test_where_nothing_is_missing_nothing_is_made():
    train, test = data([1.5, 7]), data([2.5, 3])
    assert fill_missing(train, test) == (train, test)


def test_what_was_given_is_not_written_into():
    train = data([1.5, NAN], [2.5, 3])
    fill_missing(train)
    assert train.inputs.isnan().sum() == 1


def test_data_sets_with_replicas_are_refused():
    with pytest.raises(ValueError, match="expected plain data sets"):
        fill_missing(Dataset.stack([data([1.5, 7.0])]))
