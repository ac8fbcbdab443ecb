"""NPZ files: what is read, and what is refused by name."""

from __future__ import annotations

import io
import random
import zipfile
from contextlib import suppress

import numpy as np
import pytest
import torch

from chainrule.data import Arrays, DataError
from chainrule.data.files.npz_file import read_npz

X = np.arange(12.0).reshape(4, 3)


@pytest.fixture
def written(tmp_path):
    def write(**arrays):
        path = tmp_path / "data.npz"
        np.savez(path, **arrays)
        return path

    return write


def test_numbers_and_texts_are_read(written):
    rows = read_npz(written(inputs=X, targets=np.array(["b", "a", "b", "a"])))
    assert torch.equal(rows.inputs, torch.arange(12.0).reshape(4, 3))
    assert rows.targets == ("b", "a", "b", "a")
    assert len(rows) == 4


@pytest.mark.parametrize(
    ("targets", "cells"),
    [
        (np.array([3, 1, 2, 1]), ("3", "1", "2", "1")),
        (np.array([[0.5], [1e-9], [2], [-1]]), ("0.5", "1e-09", "2.0", "-1.0")),
        (np.array([True, False, True, True]), ("1", "0", "1", "1")),
        (np.array([1, 2, 3, 4], dtype=np.uint8), ("1", "2", "3", "4")),
    ],
)
def test_targets_are_kept_as_text(written, targets, cells):
    assert read_npz(written(inputs=X, targets=targets)).targets == cells


def test_targets_may_be_missing_and_compressed_files_are_read(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", inputs=X.astype(np.uint8), other=X)
    rows = read_npz(tmp_path / "x.npz")
    assert rows.targets is None
    assert rows.inputs.dtype == torch.float32


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X, "y": X}, "expected the arrays inputs and targets, .* it has: x, y"),
        ({"inputs": np.array([["a"], ["b"]])}, "expected inputs that are numbers, got <U1"),
        ({"inputs": X.astype(object)}, r"got \(4, 3\) object"),
        ({"inputs": X, "targets": X}, r"expected targets \(N,\), .* got \(4, 3\) float64"),
        ({"inputs": X, "targets": np.arange(3)}, "4 inputs, but 3 targets"),
        ({"inputs": X[:, 0]}, r"expected inputs \(N, features…\), got \(4,\)"),
        ({"inputs": X[:0]}, r"expected inputs \(N, features…\), got \(0, 3\)"),
        (
            {"inputs": np.where(X == 7, np.nan, X)},
            r"expected finite float32 inputs, inputs\[2, 1\] is nan",
        ),
        ({"inputs": X * 1e300}, r"inputs\[0, 1\] is inf"),
        ({"inputs": X, "targets": np.array([1, np.inf, 2, 3])}, r"targets\[1\] is 'inf'"),
        ({"inputs": X, "targets": np.array(["a", "", "b", "c"])}, r"targets\[1\] is ''"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_what_is_no_data_is_refused_by_name(written, arrays, message):
    path = written(**arrays)
    with pytest.raises(DataError, match=f"^{path}: .*{message}"):
        read_npz(path)


def test_every_kind_of_damage_is_refused_or_changes_nothing(written, tmp_path):
    whole = written(inputs=X, targets=np.arange(4)).read_bytes()
    draw = random.Random(5)
    for _ in range(300):
        content = bytearray(whole[: draw.randrange(len(whole))] if draw.random() < 0.3 else whole)
        for _ in range(draw.randint(1, 3)):
            if content:
                content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        (tmp_path / "damaged.npz").write_bytes(content)
        with suppress(DataError):
            rows = read_npz(tmp_path / "damaged.npz")
            assert rows.inputs.tolist() == X.tolist()
            assert rows.targets in (None, ("0", "1", "2", "3"))


def test_no_more_memory_is_taken_than_the_file_has(tmp_path):
    header = io.BytesIO()
    shape = (1 << 16, 1 << 13)
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inputs.npy", header.getvalue() + b"\0" * 80)
    with pytest.raises(DataError, match=r"at most 4294967296 bytes, got \(65536, 8192\) float64"):
        read_npz(path)


def test_more_than_the_limit_is_refused(written):
    path = written(inputs=X)
    with pytest.raises(DataError, match="at most 95 bytes"):
        read_npz(path, limit=95)


def test_a_subset_and_two_joined():
    rows = Arrays("here", torch.arange(6.0).reshape(3, 2), ("a", "b", "c"))
    part = rows.subset([2, 0])
    assert part.inputs.tolist() == [[4, 5], [0, 1]]
    assert part.targets == ("c", "a")
    assert part.concat(rows).targets == ("c", "a", "a", "b", "c")
    with pytest.raises(DataError, match=r"here: inputs \(3, 2\), but to test \(3, 1\)"):
        rows.concat(Arrays("there", torch.ones(3, 1)))
