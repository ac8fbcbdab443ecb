"""Which reader a path gets; and folders of IDX files."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from chainrule.data import CsvTable, DataError, read_data
from chainrule.data.files.reading import read_folder

from .mnist_files import idx, labels, write_split


def test_the_ending_decides(tmp_path):
    (tmp_path / "a.CSV").write_text("x,y\n1,2\n")
    (tmp_path / "b.tsv").write_text("x\ty\n1\t2\n")
    np.savez(tmp_path / "c.npz", inputs=np.ones((2, 3)))
    for name in ("a.CSV", "b.tsv"):
        rows, test = read_data(tmp_path / name)
        assert isinstance(rows, CsvTable)
        assert test is None
        assert rows["y"] == ("2",)
    assert read_data(str(tmp_path / "c.npz"))[0].inputs.shape == (2, 3)


def test_a_folder_of_idx_files_has_a_test_set_of_its_own(tmp_path):
    write_split(tmp_path, "train", 12)
    write_split(tmp_path, "test", 5, suffix=".gz", zipped=True)
    train, test = read_data(tmp_path)
    assert (train.inputs.shape, test.inputs.shape) == ((12, 1, 28, 28), (5, 1, 28, 28))
    assert train.targets[:3] == ("0", "1", "2")
    assert train.inputs.dtype == torch.float32
    assert 0 <= train.inputs.min() < 0.1 < 0.9 < train.inputs.max() <= 1


def test_a_folder_may_have_no_test_set(tmp_path):
    write_split(tmp_path, "train", 12)
    assert read_folder(tmp_path)[1] is None


def test_images_of_any_size_and_more_classes_than_ten(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(torch.ones(3, 5, 4, dtype=torch.uint8)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(
        idx(torch.tensor([7, 40, 41], dtype=torch.uint8))
    )
    train, _ = read_folder(tmp_path)
    assert train.inputs.shape == (3, 1, 5, 4)
    assert train.targets == ("7", "40", "41")


def test_other_counts_of_images_and_labels_are_refused(tmp_path):
    write_split(tmp_path, "train", 12)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(labels(11)))
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte: expected 12 labels.* \(11,\)"):
        read_data(tmp_path)


def test_half_a_test_set_is_refused(tmp_path):
    write_split(tmp_path, "train", 12)
    write_split(tmp_path, "test", 5)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte"):
        read_data(tmp_path)


@pytest.mark.parametrize("name", ["data.parquet", "data"])
def test_another_kind_is_refused_with_those_there_are(tmp_path, name):
    (tmp_path / name).write_text("?")
    with pytest.raises(DataError, match=r"expected a file that ends in .csv, .tsv, .txt or .npz"):
        read_data(tmp_path / name)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nosuch.csv: no such file or folder"):
        read_data(tmp_path / "nosuch.csv")
