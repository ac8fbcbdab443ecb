"""From a table to numbers: what each column becomes, as plain data that a file can keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chainrule._util.words import count_noun
from chainrule.data.dataset import Dataset
from chainrule.data.errors import DataError
from chainrule.data.files.cells import COMMA_NUMBER
from chainrule.data.files.csv_file import CsvTable, is_number, suggest_option

__all__ = ["CategoricalColumn", "Encoder", "NumericColumn"]

MAX_LEVELS = 20
"""So many levels are never too many."""


@dataclass(frozen=True)
class NumericColumn:
    """A column that is used as it is; ``fill`` stands for a missing number, None: nan does."""

    name: str
    fill: float | None

    @property
    def features(self) -> list[str]:
        """Its one input."""
        return [self.name]

    def encode(self, table: CsvTable) -> Tensor:
        """(N, 1)"""
        numbers = torch.tensor(table.numbers(self.name))
        filled = numbers if self.fill is None else numbers.nan_to_num(self.fill)
        return filled.float().unsqueeze(1)


@dataclass(frozen=True)
class CategoricalColumn:
    """A column of texts, one-hot: 1 at its level, and only zeros for a level that is not known.

    A missing text is the level "".
    """

    name: str
    levels: tuple[str, ...]

    @property
    def features(self) -> list[str]:
        """An input a level."""
        return [f"{self.name}={level or 'missing'}" for level in self.levels]

    def encode(self, table: CsvTable) -> Tensor:
        """(N, levels)"""
        at = {level: i for i, level in enumerate(self.levels)}
        index = torch.tensor([at.get(cell, -1) for cell in table[self.name]])
        return (index.unsqueeze(1) == torch.arange(len(at))).float()


@dataclass(frozen=True)
class Encoder:
    """Makes inputs (N, D) and targets of a table's rows.

    - ``inputs``: what each column becomes, in the order of the table.
    - ``target``: the column to be told; ``classes``: its levels, None for a number.
    - ``notes``: a line for each column that is not simply taken as it is, for the user.

    Targets are (N, 1) float32, or class numbers (N,) int64.
    """

    inputs: tuple[NumericColumn | CategoricalColumn, ...]
    target: str
    classes: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls,
        table: CsvTable,
        target: str,
        rows: Sequence[int] | None = None,
        *,
        classify: bool = False,
        fill: bool = True,
    ) -> Self:
        """What these rows (unless given, all) say: levels, medians, and what is no input.

        A column is numbers or text by all of the table, and so are the classes. One that never
        changes, numbers the rows, or has a text of its own for most rows is left out. ``fill``:
        a missing number becomes the median; else it stays nan. Raises DataError for an unknown
        target, one that is text without ``classify`` or that never changes, or where no column is
        left.
        """
        part = table if rows is None else table.subset(rows)
        classes = class_levels(table[target]) if classify else None
        check_varies(table, target, classes)
        found = [fit_column(table, part, name, fill) for name in table.columns if name != target]
        inputs = tuple(column for column, _ in found if column is not None)
        notes = tuple(note for _, note in found if note)
        if not inputs:
            why = "; ".join(notes) or "it has no other column"
            raise DataError(f"{table.source}: no column to tell {target!r} from: {why}")
        return cls(inputs, target, classes, notes)

    @property
    def features(self) -> list[str]:
        """What each of the D inputs is: ``weight``, ``origin=japan``."""
        return [feature for column in self.inputs for feature in column.features]

    def __call__(self, table: CsvTable) -> Dataset:
        """The rows as a data set. Raises DataError where a target is missing or not known."""
        return Dataset(self.encode_inputs(table), self.encode_targets(table))

    def encode_inputs(self, table: CsvTable) -> Tensor:
        """(N, D) float32; the table needs no target. Raises DataError for a missing column."""
        return torch.cat([column.encode(table) for column in self.inputs], 1)

    def encode_targets(self, table: CsvTable) -> Tensor:
        """(N, 1) float32, or (N,) int64."""
        at = {level: i for i, level in enumerate(self.classes or ())}
        cells = table[self.target]
        labels = normalize_cells(cells) if self.classes else cells
        wrong = cells.count("") or (self.classes is not None and {*labels} - {*at})
        for label, line in zip(labels, table.lines, strict=True) if wrong else ():
            if not label or (at and label not in at):
                expected = f"one of {', '.join(at)}" if at else "a number"
                raise DataError(
                    f"{table.source}, line {line}, column {self.target!r}: expected {expected}, "
                    f"got {label or 'nothing'}"
                )
        if self.classes is not None:
            return torch.tensor([at[label] for label in labels])
        return torch.tensor(table.numbers(self.target)).float().unsqueeze(1)

    def describe_unknown(self, table: CsvTable) -> Iterator[str]:
        """A line for each column in which numbers are missing, or levels are not known."""
        for column in self.inputs:
            cells = table[column.name]
            if isinstance(column, NumericColumn) and (lost := cells.count("")):
                taken = "nan" if column.fill is None else f"the training median, {column.fill:g}"
                rows = count_noun(len(cells), "row")
                yield f"{column.name}: missing in {lost} of {rows}, taken as {taken}"
            if isinstance(column, CategoricalColumn) and (
                new := sorted({*cells} - {*column.levels})
            ):
                shown = ", ".join(level or "missing" for level in new[:3])
                more = ", …" if len(new) > 3 else ""
                yield f"{column.name}: not known, so no level at all: {shown}{more}"

    def as_dict(self) -> dict[str, Any]:
        """As JSON data, without the notes."""
        whole = asdict(self)
        del whole["notes"]
        return whole

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """What :meth:`as_dict` gave. Raises ValueError for anything else."""
        try:
            inputs = tuple(
                CategoricalColumn(one["name"], tuple(one["levels"]))
                if "levels" in one
                else NumericColumn(one["name"], one["fill"])
                for one in data["inputs"]
            )
            classes = data["classes"]
            return cls(inputs, data["target"], None if classes is None else tuple(classes))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not what an Encoder gave: {error!r}") from None


def check_varies(table: CsvTable, target: str, classes: Sequence[str] | None) -> None:
    """Raise DataError for a target that is the same in every row, or that should be numbers."""
    if classes is None:
        numbers = table.numbers(target)
        given = numbers[~np.isnan(numbers)]
        varies = not len(given) or given.min() < given.max()
    else:
        varies = len(classes) != 1
    if not varies:
        only = next(cell for cell in table[target] if cell)
        raise DataError(
            f"{table.source}: expected a target that varies; {target} is {only} in every row that "
            "has it"
        )


def fit_column(
    table: CsvTable, part: CsvTable, name: str, fill: bool
) -> tuple[NumericColumn | CategoricalColumn | None, str]:
    """What a column becomes, None where it is no input; and what is to be said about it."""
    cells, lost = part[name], part[name].count("")
    missing = f"missing in {lost} of {count_noun(len(cells), 'row')}" if lost else ""
    if table.is_numeric(name):
        numbers = part.numbers(name)
        given = numbers[~np.isnan(numbers)]
        if not len(given) or given.min() == given.max():
            return None, f"{name}: left out, it never changes"
        if is_row_number(table.numbers(name)):
            return None, f"{name}: left out, it numbers the rows"
        taken = ", taken as the training median" if fill else ""
        note = f"{name}: {missing}{taken}" if lost else ""
        return NumericColumn(name, float(np.median(given)) if fill else None), note
    levels = tuple(sorted({*cells}))
    if len(levels) < 2:
        return None, f"{name}: left out, it never changes"
    if len(levels) > max(MAX_LEVELS, len(cells) / 2):
        apart = (
            f"{count_noun(len(levels), 'text')} in {count_noun(len(cells), 'row')} tell rows apart"
        )
        return None, f"{name}: left out, {apart}{almost_numeric_hint(table, name)}"
    note = f"{name}: text, one-hot, {count_noun(len(levels), 'level')}"
    note += almost_numeric_hint(table, name)
    return CategoricalColumn(name, levels), f"{note}; {missing}, which is one" if lost else note


def almost_numeric_hint(table: CsvTable, name: str) -> str:
    """What keeps a column from being numbers, where most of its cells are; and what to do."""
    given = [(cell, line) for cell, line in zip(table[name], table.lines, strict=True) if cell]
    texts = [(cell, line) for cell, line in given if not is_number(cell)]
    commas = all(COMMA_NUMBER.fullmatch(cell) for cell, _ in texts)
    if not texts or (2 * len(texts) >= len(given) and not commas):
        return ""
    cell, line = texts[0]
    option = suggest_option(*dict.fromkeys(cell for cell, _ in texts))
    if len(texts) == len(given):
        return f", such as {cell!r}: {option}"
    return f"; most are numbers, {cell!r} in line {line} is not: {option}"


def is_row_number(numbers: NDArray[np.float64]) -> bool:
    """Whether they are 1, 2, 3, … or go on so from another number."""
    start, n = float(numbers[0]), len(numbers)
    return start.is_integer() and n > MAX_LEVELS and bool((numbers == start + np.arange(n)).all())


def class_levels(cells: Sequence[str]) -> tuple[str, ...]:
    """Each class once, in an order that no row decides: numbers by size, else by letters."""
    found = sorted({normalize_cell(cell) for cell in {*cells} if cell})
    return tuple(sorted(found, key=float) if all(map(is_number, found)) else found)


def normalize_cell(cell: str) -> str:
    """A number in its shortest form, so that 1, 1.0 and 01 are one class; a text as it is."""
    return f"{float(cell):.15g}" if is_number(cell) else cell


def normalize_cells(cells: Sequence[str]) -> list[str]:
    """Each of them as :func:`normalize_cell` has it, which is asked once for each different one."""
    shortest = {cell: normalize_cell(cell) for cell in {*cells}}
    return [shortest[cell] for cell in cells]
