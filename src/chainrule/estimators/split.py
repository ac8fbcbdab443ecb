"""A user's samples in three parts: to learn from, to judge each epoch by, to test on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, final

import torch
from torch import Tensor

from chainrule import seeds
from chainrule.data import holdout
from chainrule.data.files.npz_file import Arrays
from chainrule.data.files.reading import RawData
from chainrule.data.tabular.encoder import normalize_cell
from chainrule.data.tabular.preprocessor import Preprocessor, read_targets
from chainrule.data.tabular.target import Kind

__all__ = ["DataSplit"]

FEWEST = 10
"""Rows that can be divided: two to test on, two to judge epochs by."""


@final
@dataclass(frozen=True, eq=False)
class DataSplit:
    """``rows``, and the places in them of three parts that share none; those without a target
    are in no part.

    ``learned``: what the net is trained on, and the preparation fitted on; ``validated``: what
    says when to stop; ``tested``: what is looked at once, at the end.
    """

    rows: RawData
    target: str | None
    kind: Kind
    learned: Sequence[int]
    validated: Sequence[int]
    tested: Sequence[int]

    @classmethod
    def make(
        cls,
        rows: RawData,
        target: str | None,
        kind: Kind,
        *,
        test: Arrays | float = 0.2,
        validation: float = 0.2,
        seed: int = 0,
    ) -> Self:
        """Divide at random, classes evenly: ``test`` of all, then ``validation`` of the rest.

        A ``test`` set of its own stays as it is. Raises ValueError for fewer than ten targets, or
        where a part would be empty.
        """
        given = 0
        if isinstance(test, Arrays) and isinstance(rows, Arrays):
            given, rows = len(test), rows.concat(test)
        cells = read_targets(rows, target) or ()
        rest = [i for i, cell in enumerate(cells[: len(cells) - given]) if cell]
        if len(rest) < FEWEST:
            raise ValueError(f"{rows.source}: too few rows with a target to divide: {len(rest)}")
        by, tested = _classes(cells, kind), [*range(len(rows) - given, len(rows))]
        if isinstance(test, float):
            rest, tested = _split(rest, by, test, seeds.derive(seed, "test"))
        learned, validated = _split(rest, by, validation, seeds.derive(seed, "validation"))
        return cls(rows, target, kind, learned, validated, tested)

    def preparation(self) -> Preprocessor:
        """Fitted on what is learned from."""
        return Preprocessor.fit(self.rows, self.learned, self.kind, self.target)


def _classes(cells: Sequence[str], kind: Kind) -> Tensor | None:
    """What splits are stratified by: a number for each target."""
    levels = {cell: i for i, cell in enumerate(dict.fromkeys(map(normalize_cell, cells)))}
    return (
        torch.tensor([levels[normalize_cell(c)] for c in cells])
        if kind == "classification"
        else None
    )


def _split(
    places: Sequence[int], by: Tensor | None, fraction: float, seed: int
) -> tuple[list[int], list[int]]:
    own = None if by is None else by[list(places)]
    first, second = holdout(len(places), fraction, seed=seed, stratify=own)
    return [places[i] for i in first.tolist()], [places[i] for i in second.tolist()]
