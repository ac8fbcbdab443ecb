"""Arrays, data frames and lists as tensors, without a copy where there need be none."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chainrule.data.sparse import from_scipy

__all__ = ["to_tensor"]


def to_tensor(
    name: str, values: Any, dtype: torch.dtype | None = None, *, keep_bytes: bool = False
) -> Tensor:
    """What is called ``name`` as a tensor: see :meth:`chainrule.data.Dataset.of`.

    With ``keep_bytes`` uint8 stays uint8. Raises TypeError and ValueError as that does.
    """
    if isinstance(values, Tensor):
        return values.to(dtype) if dtype is not None and values.is_floating_point() else values
    if hasattr(values, "tocsr"):
        kept = torch.get_default_dtype() if dtype is None else dtype
        return from_scipy(values).to(kept)
    array = read_array(name, values)
    if array.dtype == np.uint8 and keep_bytes:
        return wrap_array(array)
    wanted = np.dtype(np.int64)
    if array.dtype.kind == "f":
        kept = torch.get_default_dtype() if dtype is None else dtype
        wanted = torch.empty(0, dtype=kept).numpy().dtype
    if array.dtype != wanted and is_memory_mapped(array) and name == "inputs":
        raise ValueError(
            f"Dataset.of: {name} of {array.dtype} in a file would be copied whole to become "
            f"{wanted}: write the file as {wanted}, or as uint8 and give a scale"
        )
    return wrap_array(array.astype(wanted, copy=False))


def read_array(name: str, values: Any) -> NDArray[Any]:
    """An array of numbers. Raises TypeError for what is none."""
    try:
        array: NDArray[Any] = np.asanyarray(values)
        if array.dtype.kind == "O":  # a frame of several kinds of columns
            array = array.astype(np.float64)
    except (TypeError, ValueError) as problem:
        raise TypeError(f"Dataset.of: {explain_no_numbers(name, values)}") from problem
    if array.dtype.kind not in "biuf":
        raise TypeError(f"Dataset.of: {explain_no_numbers(name, values)}")
    return array


def explain_no_numbers(name: str, values: Any) -> str:
    """What is wrong with values that are no numbers: which column of a frame, where it is one."""
    advice = "; data.read_csv and data.Encoder make numbers of a table's words"
    for column in getattr(values, "columns", ()):
        dtype = np.asarray(values[column]).dtype
        if dtype.kind not in "biuf":
            return f"expected numbers in {name}, got {dtype} in column {column!r}{advice}"
    return (
        f"expected numbers in {name}, got {getattr(values, 'dtype', type(values).__name__)}{advice}"
    )


def is_memory_mapped(array: NDArray[Any]) -> bool:
    """Whether it is a file, or a part of one."""
    base: object = array
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    return isinstance(base, np.memmap)


def wrap_array(array: NDArray[Any]) -> Tensor:
    """A tensor with the memory of an array, a copy only where PyTorch cannot have that.

    The memory may be one that is only to be read, as a file's is: no data set is written to.
    """
    if any(stride < 0 for stride in array.strides) or not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="), order="C")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)
