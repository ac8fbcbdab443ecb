"""From samples as they were read to what a net is given, fitted on training rows; and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, final

import torch
from torch import Tensor

from chainrule.data.dataset import Dataset
from chainrule.data.errors import DataError
from chainrule.data.files.csv_file import CsvTable
from chainrule.data.files.npz_file import Arrays
from chainrule.data.files.reading import RawData
from chainrule.data.tabular.encoder import Encoder
from chainrule.data.tabular.target import Classification, Kind, Regression
from chainrule.data.transforms.standardize import Standardizer, standardize

__all__ = ["Preprocessor", "read_targets"]


def read_targets(rows: RawData, target: str | None) -> tuple[str, ...] | None:
    """The targets as they are written, None where there are none; "" is a missing one."""
    if isinstance(rows, Arrays):
        return rows.targets
    return tuple(rows.columns[target]) if target is not None and target in rows.columns else None


@final
@dataclass(frozen=True, eq=False)
class Preprocessor:
    """What happens to samples before a net sees them, and what its outputs mean.

    - ``task``: classes, or the mean and deviation of a number.
    - ``scale``: standardizes inputs: each feature of a row, images as a whole.
    - ``shape``: of one input.
    - ``columns``: makes inputs of a table's rows; None where the data are arrays.
    """

    task: Classification | Regression
    scale: Standardizer
    shape: tuple[int, ...]
    columns: Encoder | None = None

    @classmethod
    def fit(
        cls, rows: RawData, learned: Sequence[int], kind: Kind, target: str | None = None
    ) -> Self:
        """Fitted on the rows that ``learned`` names; the classes are those of all rows.

        Raises DataError where there is nothing to learn, or no number where one is wanted.
        """
        cells = read_targets(rows, target)
        if cells is None:
            raise DataError(f"{rows.source}: it has no targets to learn from")
        part, columns = [cells[i] for i in learned], None
        task: Classification | Regression
        try:
            if kind == "classification":
                task = Classification.fit([cell for cell in cells if cell], part)
            else:
                task = Regression.fit(part)
        except DataError as error:
            raise DataError(f"{rows.source}: {error}") from None
        if isinstance(rows, CsvTable):
            columns = Encoder.fit(rows, str(target), learned, classify=kind == "classification")
        x = raw_inputs(rows.subset(learned), columns)
        _, scale = standardize(Dataset(x, x), per="feature" if x.ndim == 2 else "all")
        return cls(task, scale, tuple(x.shape[1:]), columns)

    def inputs(self, rows: RawData) -> Tensor:
        """(N, …) float32 for a net. Raises DataError where the rows are not like those learned."""
        x = raw_inputs(rows, self.columns)
        if x.shape[1:] != self.shape:
            got = ", ".join(map(str, x.shape[1:]))
            raise DataError(
                f"{rows.source}: expected inputs {self.sizes}, as the net was trained on, "
                f"got (N, {got})"
            )
        return self.scale(x)

    def dataset(self, rows: RawData, target: str | None = None) -> Dataset:
        """The rows as a data set to learn from or to test on."""
        cells = read_targets(rows, target)
        if cells is None:
            raise DataError(f"{rows.source}: it has no targets")
        return Dataset(self.inputs(rows), self.task.encode(cells))

    @property
    def sizes(self) -> str:
        """(N, 1, 28, 28)"""
        return f"(N, {', '.join(map(str, self.shape))})"

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "task": self.task.as_dict(),
            "mean": self.scale.mean.tolist(),
            "std": self.scale.std.tolist(),
            "shape": self.shape,
            "columns": None if self.columns is None else self.columns.as_dict(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """What :meth:`as_dict` gave. Raises ValueError for anything else."""
        try:
            task, columns = dict(data["task"]), data["columns"]
            mean, std = (torch.tensor(data[name], dtype=torch.float64) for name in ("mean", "std"))
            return cls(
                task=Classification(tuple(task["classes"]), task["baseline_prediction"])
                if task["kind"] == "classification"
                else Regression(float(task["mean"]), float(task["std"])),
                scale=Standardizer(mean, std),
                shape=tuple(data["shape"]),
                columns=None if columns is None else Encoder.from_dict(columns),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not what a Preprocessor gave: {error!r}") from None


def raw_inputs(rows: RawData, columns: Encoder | None) -> Tensor:
    """(N, …) float32, not standardized. Raises DataError for a number beyond float32."""
    if isinstance(rows, Arrays):
        if columns is not None:
            names = ", ".join(column.name for column in columns.inputs)
            raise DataError(f"{rows.source}: expected a table with the columns {names}, got arrays")
        return rows.inputs
    if columns is None:
        raise DataError(f"{rows.source}: expected arrays, as the net was trained on, got a table")
    x = columns.encode_inputs(rows)
    lost = (~x.isfinite()).nonzero()
    if len(lost):
        i, j = lost[0].tolist()
        raise DataError(
            f"{rows.source}, line {rows.lines[i]}, column {columns.features[j]!r}: expected a "
            "number that float32 has, up to 3.4e38"
        )
    return x
