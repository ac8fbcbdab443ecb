"""The optical digits: the second collection that comes with the package."""

from __future__ import annotations

import pytest
import torch

from chainrule.data import DataError, colored_digits, digit_pairs, digits, noisy_digits
from chainrule.data.datasets.loaders import digit_images, noisy_digit_images, pairs
from chainrule.data.files.bundled import OPTICAL_FILE, read_bundled


def test_they_are_scikit_learns():
    theirs = pytest.importorskip("sklearn.datasets").load_digits()
    images, labels = read_bundled(OPTICAL_FILE)
    assert torch.equal(images.double(), torch.from_numpy(theirs.images))
    assert torch.equal(labels.long(), torch.from_numpy(theirs.target))


def test_each_field_is_nine_pixels_within_a_frame():
    train, test = (digits(split, collection="optical") for split in ("train", "test"))
    assert train.inputs.shape == (898, 1, 28, 28)
    assert test.inputs.shape == (899, 1, 28, 28)
    assert train.inputs.aminmax() == (0, 1)
    fields, _ = read_bundled(OPTICAL_FILE)
    x = train.inputs[:, 0, 2:-2, 2:-2]
    for row in range(3):
        for column in range(3):
            assert torch.equal(x[:, row::3, column::3] * 16, fields[:898].float())
    assert train.inputs.sum() == x.sum()


def test_no_image_is_in_both_splits_and_each_has_a_source_of_its_own():
    train, test = (digits(split, collection="optical") for split in ("train", "test"))
    both = torch.cat([train.inputs, test.inputs]).flatten(1)
    assert len(both.unique(dim=0)) == len(both) == 1797
    assert not {*train.sources.flatten().tolist()} & {*test.sources.flatten().tolist()}


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_digit_occurs_about_as_often(split):
    counts = digits(split, collection="optical").targets.bincount()
    assert len(counts) == 10
    assert counts.min() >= 85


def test_what_is_made_of_digits_is_made_of_them():
    pair = digit_pairs(9, collection="optical", seed=3)
    assert pair.inputs.shape == (9, 2, 14, 14)
    first, second = pair.targets["first"], pair.targets["second"]
    assert torch.equal(pair.targets["main"], (first <= second).long())
    assert colored_digits(collection="optical", noise=0.0).inputs.shape == (898, 3, 28, 28)
    clean = noisy_digits(collection="optical", noise=0.0, size=14)
    assert torch.equal(clean.inputs, clean.targets)


def test_a_study_draws_of_them():
    train, test = pairs(0, train=20, test=30, collection="optical")
    assert (len(train), len(test)) == (20, 30)
    assert [len(part) for part in digit_images(0, collection="optical")] == [898, 899]
    assert len(noisy_digit_images(0, train=5, collection="optical")[0]) == 5
    with pytest.raises(ValueError, match=r"expected n in 0 … 449 .* got 450"):
        pairs(0, train=450, collection="optical")


def test_what_cannot_be_is_told(tmp_path):
    with pytest.raises(ValueError, match="'mnist' or 'optical', got 'usps'"):
        digits(collection="usps")
    for more in ({"root": tmp_path}, {"download": True}):
        with pytest.raises(ValueError, match="the optical digits come with the package"):
            digits(collection="optical", **more)


def test_another_file_is_refused(tmp_path):
    path = tmp_path / OPTICAL_FILE.name
    path.write_bytes(OPTICAL_FILE.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"optical_digits\.npz: expected SHA-256 .*; reinstall"):
        read_bundled(path)
