"""A user's samples in three parts: to learn from, to judge each epoch by, to test on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self, final

import torch
from torch import Tensor

from chainrule import seeds
from chainrule._util.words import count_noun
from chainrule.data import CsvTable, Dataset, holdout
from chainrule.data.files.npz_file import Arrays
from chainrule.data.files.reading import RawData
from chainrule.data.tabular.encoder import normalize_cells
from chainrule.data.tabular.preprocessor import Preprocessor, read_targets
from chainrule.data.tabular.target import Kind, infer_kind

__all__ = ["DataSplit"]

MIN_ROWS = 10
"""RawData that can be divided: two to test on, two to judge epochs by."""


@final
@dataclass(frozen=True, eq=False)
class DataSplit:
    """``rows``, and the places in them of three parts that share none; those without a target
    are in no part.

    ``train_indices``: what the net is trained on, and the preprocessor fitted on;
    ``validation_indices``: what says when to stop; ``test_indices``: what is looked at once, at the
    end. ``kind`` is whether the target is a class or a number.
    """

    rows: RawData
    target: str | None
    kind: Kind
    train_indices: Sequence[int]
    validation_indices: Sequence[int]
    test_indices: Sequence[int]

    @classmethod
    def make(
        cls,
        rows: RawData,
        target: str | None = None,
        kind: Kind | None = None,
        *,
        test: Arrays | float = 0.2,
        validation: float = 0.2,
        seed: int = 0,
    ) -> Self:
        """Divide at random, classes evenly: ``test`` of all, then ``validation`` of the rest.

        A ``test`` set of its own stays as it is. ``target`` is the column of a table; ``kind`` is
        told from the targets unless given. Raises ValueError for a table without a target, for
        fewer than ten targets, for texts that are no classes, or where a part would be empty.
        """
        check_target(rows, target)
        kind = kind or choose_kind(rows, target)
        num_test = 0
        if isinstance(test, Arrays) and isinstance(rows, Arrays):
            num_test, rows = len(test), rows.concat(test)
        cells = read_targets(rows, target) or ()
        rest = [i for i, cell in enumerate(cells[: len(cells) - num_test]) if cell]
        if len(rest) < MIN_ROWS:
            raise ValueError(f"{rows.source}: too few rows with a target to divide: {len(rest)}")
        strata = class_numbers(cells) if kind == "classification" else None
        held_out = [*range(len(rows) - num_test, len(rows))]
        if isinstance(test, float):
            rest, held_out = split_indices(rest, strata, test, seeds.derive(seed, "test"))
        train, judged = split_indices(rest, strata, validation, seeds.derive(seed, "validation"))
        return cls(rows, target, kind, train, judged, held_out)

    @cached_property
    def preprocessor(self) -> Preprocessor:
        """Fitted on the training rows. Raises DataError where there is nothing to learn."""
        return Preprocessor.fit(self.rows, self.train_indices, self.kind, self.target)

    @property
    def validation_rows(self) -> RawData:
        """The rows to judge each epoch by, as they were read."""
        return self.rows.subset(self.validation_indices)

    @property
    def test_rows(self) -> RawData:
        """The rows to test on, as they were read."""
        return self.rows.subset(self.test_indices)

    @cached_property
    def train_set(self) -> Dataset:
        """The preprocessed rows to learn from."""
        return self.preprocessor.dataset(self.rows.subset(self.train_indices), self.target)

    @cached_property
    def validation_set(self) -> Dataset:
        """The preprocessed rows to judge each epoch by."""
        return self.preprocessor.dataset(self.validation_rows, self.target)


def check_target(rows: RawData, target: str | None) -> None:
    """Raise ValueError where the target is missing, too much, or no column; or has no values."""
    if isinstance(rows, CsvTable):
        if target is None:
            columns = ", ".join(rows.columns)
            raise ValueError(f"{rows.source}: say which column to tell, --target COLUMN: {columns}")
        rows.drop_missing(target)
    elif target is not None:
        raise ValueError(f"--target names a column of a CSV file; {rows.source} has arrays")
    elif not any(rows.targets or ()):
        raise ValueError(f"{rows.source}: it has no targets to learn from")


def choose_kind(rows: RawData, target: str | None) -> Kind:
    """Classes or numbers. Raises ValueError for texts of which too many differ."""
    cells = [cell for cell in read_targets(rows, target) or () if cell]
    kind = infer_kind(cells)
    if kind == "classification" and 2 * len({*cells}) > len(cells):
        raise ValueError(
            f"{rows.source}: {count_noun(len({*cells}), 'different text')} in "
            f"{count_noun(len(cells), 'target')}, too many for classes; if that is meant: --task "
            "classification"
        )
    return kind


def class_numbers(cells: Sequence[str]) -> Tensor:
    """(N,), a number for each class: what splits are stratified by."""
    labels = normalize_cells(cells)
    numbers = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    return torch.tensor([numbers[label] for label in labels])


def split_indices(
    indices: Sequence[int], strata: Tensor | None, fraction: float, seed: int
) -> tuple[list[int], list[int]]:
    """(the others, this fraction) of some places."""
    stratify = None if strata is None else strata[list(indices)]
    first, second = holdout(len(indices), fraction, seed=seed, stratify=stratify)
    return [indices[i] for i in first.tolist()], [indices[i] for i in second.tolist()]
