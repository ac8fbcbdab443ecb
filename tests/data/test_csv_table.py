"""The rows of a table as training and test samples."""

from __future__ import annotations

from hashlib import sha256

import pytest
import torch

from chainrule.data import DataError
from chainrule.data.datasets.loaders import table

HOUSES = "area,town,price\n" + "\n".join(
    f"{50 + i * 7 % 60},{'ABC'[i % 3]},{i * 11 % 40 or ''}" for i in range(41)
)


@pytest.fixture
def houses(tmp_path):
    path = tmp_path / "houses.csv"
    path.write_text(HOUSES.replace("\n57,", "\n?,"), encoding="utf-8")
    digest = sha256(path.read_bytes()).hexdigest()
    return {"csv": str(path), "target": "price", "sha256": digest}


def pairs(*parts):
    return sorted(tuple(row) for d in parts for row in torch.cat([d.inputs, d.targets], 1).tolist())


def test_the_cars_without_a_file():
    train, test = table(3)
    assert (train.inputs.shape, test.inputs.shape) == ((294, 9), (98, 9))


def test_another_seed_divides_the_same_rows_otherwise():
    (a, b), (c, d) = table(3), table(4)
    assert pairs(a, b) == pairs(c, d)
    assert pairs(b) != pairs(d)


def test_the_same_seed_divides_them_so_again():
    assert torch.equal(table(3)[1].inputs, table(3)[1].inputs)


def test_the_rows_of_a_file_that_have_a_target(houses):
    train, test = table(0, **houses, test=0.5)
    assert len(train) + len(test) == 39
    assert train.inputs.shape[1] == 4


def test_a_missing_number_is_nan(houses):
    train, test = table(0, **houses)
    assert sum(int(d.inputs.isnan().sum()) for d in (train, test)) == 1


def test_a_column_to_ignore_is_no_input(houses):
    assert table(0, **houses, ignore=["town"])[0].inputs.shape[1] == 1
    with pytest.raises(DataError, match=r"no column 'towns'; did you mean 'town'\?"):
        table(0, **houses, ignore=["towns"])


@pytest.mark.parametrize("digest", [None, "0" * 64])
def test_a_file_of_other_content_is_refused_with_what_to_say(houses, digest):
    with pytest.raises(DataError, match=rf'for this one write sha256 = "{houses["sha256"]}"'):
        table(0, **{**houses, "sha256": digest})


def test_texts_that_do_not_come_again_are_no_classes(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text("a,name\n" + "".join(f"{i},n{i}\n" for i in range(9)), encoding="utf-8")
    digest = sha256(path.read_bytes()).hexdigest()
    with pytest.raises(DataError, match=r"'name': 9 different texts in 9 rows, such as 'n0', are"):
        table(0, csv=str(path), target="name", sha256=digest)
