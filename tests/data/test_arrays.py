"""Dataset.of: arrays, frames and lists as a data set."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from chainrule.data import Dataset

ROWS = np.array([[3, 5, 7], [11, 13, 17]])


def test_fractions_take_the_default_dtype_and_whole_numbers_are_int64():
    found = Dataset.of(ROWS / 2, ROWS[:, 0].astype(np.int32))
    assert (found.inputs.dtype, found.targets.dtype) == (torch.float32, torch.int64)
    assert found.inputs.tolist() == (ROWS / 2).tolist()


def test_a_dtype_that_is_given():
    found = Dataset.of([[1.5], [2.5]], torch.tensor([1.0, 3.0]), dtype=torch.float64)
    assert (found.inputs.dtype, found.targets.dtype) == (torch.float64, torch.float64)
    with pytest.raises(TypeError, match=r"expected a floating dtype, got torch.int64"):
        Dataset.of(ROWS, ROWS, dtype=torch.int64)


def test_what_has_its_dtype_is_not_copied():
    rows, tensor = ROWS.astype(np.float32), torch.tensor([[1.5], [2.5]], dtype=torch.float64)
    assert Dataset.of(rows, ROWS).inputs.data_ptr() == rows.ctypes.data
    assert Dataset.of(tensor, ROWS).inputs is tensor


def test_lists_truth_values_and_several_targets():
    found = Dataset.of([[3.0], [5.0]], {"yes": [True, False], "size": np.array([7.0, 11.0])})
    assert found.targets["yes"].tolist() == [1, 0]
    assert found.targets["size"].dtype == torch.float32


@pytest.mark.parametrize("rows", [ROWS[::-1], ROWS.astype(">i8"), ROWS.astype(">f8")])
def test_any_order_of_memory_and_bytes(rows):
    assert Dataset.of(rows, ROWS).inputs.tolist() == rows.tolist()


def test_arrays_that_are_only_to_be_read_are_taken_without_a_warning():
    rows = ROWS.astype(np.float32)
    rows.flags.writeable = False
    assert Dataset.of(rows, ROWS).inputs.data_ptr() == rows.ctypes.data


def test_a_data_frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.5, 2.5], "b": [3, 5], "c": [True, False]})
    found = Dataset.of(frame, frame["b"])
    assert found.inputs.tolist() == [[1.5, 3, 1], [2.5, 5, 0]]
    assert found.targets.tolist() == [3, 5]
    frame["city"] = ["Bern", "Chur"]
    with pytest.raises(TypeError, match=r"in inputs, got (object|str).* in column 'city'; data\."):
        Dataset.of(frame, frame["b"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array(["a", "b"]), "got <U1"),
        (["a", "b"], "got list"),
        ([[1, 2], [3]], "got list"),
        (np.array([1j, 2j]), "got complex128"),
    ],
)
def test_what_is_no_numbers(values, message):
    with pytest.raises(TypeError, match=f"expected numbers in targets, {message}"):
        Dataset.of(ROWS, values)


def test_bytes_want_a_scale():
    images = ROWS.astype(np.uint8)
    with pytest.raises(ValueError, match="expected a scale for inputs of uint8"):
        Dataset.of(images, ROWS)
    found = Dataset.of(images, ROWS, scale=1 / 255)
    assert found.inputs.data_ptr() == images.ctypes.data
    assert repr(found) == (
        "Dataset(inputs (2, 3) uint8, targets (2, 3) int64, replicas=None, scale=0.00392157)"
    )


@pytest.mark.parametrize(
    ("scale", "kind"), [(0.0, ValueError), (np.nan, ValueError), (np.inf, ValueError)]
)
def test_a_scale_is_a_positive_number(scale, kind):
    with pytest.raises(kind, match="expected a scale above 0"):
        Dataset.of(ROWS.astype(np.uint8), ROWS, scale=scale)


def test_a_scale_is_of_bytes_alone():
    with pytest.raises(ValueError, match=r"expected uint8 inputs with a scale, got \(2, 3\) int64"):
        Dataset.of(ROWS, ROWS, scale=0.5)
    with pytest.raises(TypeError, match="one floating number"):
        Dataset(torch.zeros(2, 3, dtype=torch.uint8), torch.zeros(2), scale=torch.ones(2))


def test_the_scale_goes_along():
    data = Dataset.of(ROWS.astype(np.uint8), ROWS, scale=0.5)
    for other in (
        data.subset(torch.tensor([1])),
        data.subset(torch.tensor([[1], [0]])),
        data.expand(3),
        data.expand(3).replica(2),
        Dataset.stack([data, data]),
    ):
        assert other.scale == 0.5
        assert other.inputs.dtype == torch.uint8
        assert other.input_dtype == torch.float32
    double = data.to(dtype=torch.float64)
    assert double.scale_inputs(double.inputs).tolist() == (ROWS / 2).tolist()
    assert double.input_dtype == torch.float64


def test_data_sets_of_other_scales_are_no_stack():
    images = ROWS.astype(np.uint8)
    parts = [Dataset.of(images, ROWS, scale=scale) for scale in (0.5, 0.25)]
    with pytest.raises(ValueError, match="the same shapes and dtypes"):
        Dataset.stack(parts)


def test_what_has_replicas_is_not_expanded():
    data = Dataset.of(ROWS, ROWS)
    with pytest.raises(ValueError, match=r"Dataset.expand: expected a plain data set"):
        data.expand(2).expand(2)


def test_a_file_that_would_be_copied_whole_is_refused(tmp_path):
    path = tmp_path / "rows.npy"
    np.save(path, ROWS / 2)
    rows = np.load(path, mmap_mode="r")
    with pytest.raises(ValueError, match="write the file as float32"):
        Dataset.of(rows[1:], ROWS[1:])
    found = Dataset.of(rows, ROWS, dtype=torch.float64)
    assert found.inputs.data_ptr() == rows.ctypes.data
