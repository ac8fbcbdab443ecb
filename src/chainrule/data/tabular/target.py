"""What is to be learned about each sample: its class, or a number. As plain data for a file."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import Any, ClassVar, Literal, Self, final

import torch
from torch import Tensor

from chainrule.data.errors import DataError
from chainrule.data.files.csv_file import is_number
from chainrule.data.tabular.encoder import class_levels, normalize_cells

__all__ = ["Classification", "Kind", "Regression", "TargetEncoder", "infer_kind"]

Kind = Literal["classification", "regression"]

MAX_CLASSES = 20
"""Whole numbers are classes where there are at most so many different ones."""


def infer_kind(cells: Sequence[str]) -> Kind:
    """Classes for texts, and for few whole numbers that come again; else numbers."""
    if not all(map(is_number, cells)):
        return "classification"
    numbers = {float(cell) for cell in cells}
    few = len(numbers) <= MAX_CLASSES and 2 * len(numbers) <= len(cells)
    return "classification" if few and all(x.is_integer() for x in numbers) else "regression"


class TargetEncoder(ABC):
    """Between targets as they are written, ``cells``, and a net's targets and outputs."""

    kind: ClassVar[Kind]

    @property
    @abstractmethod
    def outputs(self) -> int:
        """How many numbers a net gives for a sample."""

    @abstractmethod
    def encode(self, cells: Sequence[str]) -> Tensor:
        """What a net learns."""

    @abstractmethod
    def decode(self, y: Tensor) -> list[str] | list[float]:
        """What outputs mean."""

    @abstractmethod
    def scores(self, answers: Sequence[Any], cells: Sequence[str]) -> dict[str, float]:
        """How right answers are, by name, the one that counts first."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {"kind": self.kind, **vars(self)}


@final
@dataclass(frozen=True)
class Classification(TargetEncoder):
    """One of L classes        targets (N,) int64, outputs (N, L), the largest counts."""

    kind: ClassVar[Kind] = "classification"

    classes: tuple[str, ...]
    baseline_prediction: str
    """The most frequent one."""

    @classmethod
    def fit(cls, cells: Sequence[str], learned: Sequence[str]) -> Self:
        """The classes in all cells, the most frequent one of those to learn from."""
        classes = class_levels(cells)
        if len(classes) < 2:
            got = f"it is always {classes[0]}" if classes else "it has none"
            raise DataError(f"expected a target with two classes or more, {got}")
        return cls(classes, Counter(normalize_cells(learned)).most_common(1)[0][0])

    @property
    def outputs(self) -> int:
        return len(self.classes)

    def encode(self, cells: Sequence[str]) -> Tensor:
        at = {name: i for i, name in enumerate(self.classes)}
        return torch.tensor([at[label] for label in normalize_cells(cells)])

    def decode(self, y: Tensor) -> list[str]:
        return [self.classes[i] for i in y.argmax(-1).tolist()]

    def scores(self, answers: Sequence[str], cells: Sequence[str]) -> dict[str, float]:
        """accuracy: the share of right answers."""
        right = sum(a == b for a, b in zip(answers, normalize_cells(cells), strict=True))
        return {"accuracy": right / len(cells)}


@final
@dataclass(frozen=True)
class Regression(TargetEncoder):
    """A number, which a net learns in standard deviations

    z = (t − mean) / std        targets and outputs (N, 1) float32
    """

    kind: ClassVar[Kind] = "regression"

    mean: float
    std: float

    @classmethod
    def fit(cls, learned: Sequence[str]) -> Self:
        """Mean and standard deviation (of the population) of what is learned from."""
        for cell in learned:
            if not is_number(cell):
                raise DataError(f"expected targets that are numbers, got {cell!r}")
        numbers = [*map(float, learned)]
        if len({*numbers}) < 2:
            raise DataError(f"expected a target that varies, it is always {numbers[0]:g}")
        return cls(fmean(numbers), pstdev(numbers))

    @property
    def outputs(self) -> int:
        return 1

    @property
    def baseline_prediction(self) -> float:
        """The answer of one who has not seen the inputs."""
        return self.mean

    def encode(self, cells: Sequence[str]) -> Tensor:
        numbers = torch.tensor([*map(float, cells)], dtype=torch.float64)
        return ((numbers - self.mean) / self.std).float().unsqueeze(1)

    def decode(self, y: Tensor) -> list[float]:
        return (y.double().squeeze(-1) * self.std + self.mean).tolist()

    def scores(self, answers: Sequence[float], cells: Sequence[str]) -> dict[str, float]:
        """rmse: √ of the mean squared error, in the target's unit; mae: the mean absolute one."""
        errors = [a - float(cell) for a, cell in zip(answers, cells, strict=True)]
        return {"rmse": math.sqrt(fmean(e * e for e in errors)), "mae": fmean(map(abs, errors))}
