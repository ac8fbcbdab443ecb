"""Rows in three parts."""

from __future__ import annotations

import pytest
import torch

from chainrule.data import Arrays, read_csv
from chainrule.estimators import DataSplit


def rows(n: int, classes: int = 2) -> Arrays:
    return Arrays(
        "here", torch.arange(n).float().unsqueeze(1), tuple(str(i % classes) for i in range(n))
    )


def test_each_row_is_in_one_part():
    found = DataSplit.make(rows(50), None, "classification")
    parts = found.train_indices, found.validation_indices, found.test_indices
    assert [*map(len, parts)] == [32, 8, 10]
    assert sorted(i for part in parts for i in part) == [*range(50)]


def test_each_part_has_its_share_of_each_class():
    found = DataSplit.make(rows(100), None, "classification", test=0.1, validation=0.2)
    for part in (found.train_indices, found.validation_indices, found.test_indices):
        ones = sum(found.rows.targets[i] == "1" for i in part)
        assert abs(2 * ones - len(part)) <= 1


def test_a_test_set_of_its_own_stays_as_it_is():
    found = DataSplit.make(rows(20), None, "classification", test=rows(7))
    assert len(found.rows) == 27
    assert [*found.test_indices] == [*range(20, 27)]
    assert sorted([*found.train_indices, *found.validation_indices]) == [*range(20)]
    assert found.rows.inputs[20:].flatten().tolist() == [*map(float, range(7))]


def test_the_seed_decides():
    first, again, other = (DataSplit.make(rows(50), None, "regression", seed=s) for s in (3, 3, 4))
    assert first.train_indices == again.train_indices
    assert first.train_indices != other.train_indices


def test_another_validation_share_leaves_the_test_rows():
    few, many = (DataSplit.make(rows(50), None, "regression", validation=v) for v in (0.1, 0.5))
    assert few.test_indices == many.test_indices


def test_a_handful_is_too_few():
    with pytest.raises(ValueError, match="here: too few rows with a target to divide: 9"):
        DataSplit.make(rows(9), None, "regression")


def test_rows_without_a_target_are_in_no_part(tmp_path):
    (tmp_path / "t.csv").write_text(
        "x,y\n" + "".join(f"{i},{'a' if i % 4 else ''}\n" for i in range(40))
    )
    found = DataSplit.make(read_csv(tmp_path / "t.csv"), "y", "classification")
    parts = [*found.train_indices, *found.validation_indices, *found.test_indices]
    assert sorted(parts) == [i for i in range(40) if i % 4]
