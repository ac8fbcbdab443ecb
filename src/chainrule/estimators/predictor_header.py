"""What a predictor's file must say besides its net: checked whole before any of it is used."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from chainrule._util.field_problems import find_first_problem
from chainrule._util.words import count_noun
from chainrule.serialization.safetensors_file import FileError

__all__ = ["check_metadata"]


class Section(BaseModel):
    """A part of the metadata: each field of its kind, and no other."""

    model_config = ConfigDict(strict=True, extra="forbid")


class NumericInput(Section):
    """A column that is used as it is."""

    name: str
    fill: FiniteFloat | None


class CategoricalInput(Section):
    """A column that is one-hot."""

    name: str
    levels: list[str] = Field(min_length=1)


class Columns(Section):
    """What each column of a table becomes."""

    inputs: list[NumericInput | CategoricalInput] = Field(min_length=1)
    target: str
    classes: list[str] | None

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [one.name for one in self.inputs]
        for name in (*names, self.target):
            if (*names, self.target).count(name) > 1:
                raise ValueError(f"expected a name for each column, got {name!r} twice")
        return self

    @property
    def features(self) -> int:
        """How many inputs they are."""
        return sum(
            len(one.levels) if isinstance(one, CategoricalInput) else 1 for one in self.inputs
        )


class ClassTask(Section):
    """One of several classes is told."""

    kind: Literal["classification"]
    classes: list[str] = Field(min_length=2)
    baseline_prediction: str


class NumberTask(Section):
    """A number is told."""

    kind: Literal["regression"]
    mean: FiniteFloat
    std: Annotated[PositiveFloat, Field(allow_inf_nan=False)]


class Preparation(Section):
    """What happens to samples before the net, and what its outputs mean."""

    task: Annotated[ClassTask | NumberTask, Field(discriminator="kind")]
    mean: Any
    std: Any
    shape: list[PositiveInt] = Field(min_length=1)
    columns: Columns | None

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        for name in ("mean", "std"):
            numbers = list(flatten_numbers(getattr(self, name)))
            if len(numbers) not in (1, prod(self.shape)):
                expected = count_noun(prod(self.shape), "number")
                raise ValueError(f"{name}: expected {expected}, got {len(numbers)}")
        if self.columns is not None and [self.columns.features] != self.shape:
            raise ValueError(f"columns: expected {self.shape} inputs, got {self.columns.features}")
        classes = self.task.classes if isinstance(self.task, ClassTask) else None
        if classes is not None and len({*classes}) < len(classes):
            raise ValueError(f"task.classes: expected each once, got {classes}")
        if self.columns is not None and self.columns.classes != classes:
            raise ValueError(f"columns.classes: expected {classes}, got {self.columns.classes}")
        if (
            isinstance(self.task, ClassTask)
            and self.task.baseline_prediction not in self.task.classes
        ):
            raise ValueError(f"task.baseline_prediction: expected one of {self.task.classes}")
        return self


class PredictorMetadata(Section):
    """All of it; what else is said, such as where it comes from, is not needed."""

    model_config = ConfigDict(strict=True, extra="ignore")

    preparation: Preparation
    loss: str
    target: str | None

    @model_validator(mode="after")
    def _check_target(self) -> Self:
        columns = self.preparation.columns
        if self.target != (None if columns is None else columns.target):
            raise ValueError(f"target: expected that of the columns, got {self.target!r}")
        return self


def flatten_numbers(value: Any) -> Any:
    """Each number of nested lists. Raises ValueError for what is none, or not finite."""
    if isinstance(value, list):
        for one in value:
            yield from flatten_numbers(one)
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
        yield float(value)
    else:
        raise ValueError(f"expected a finite number, got {value!r}")


def check_metadata(path: str | Path, metadata: dict[str, Any]) -> None:
    """Raise FileError, naming the field, where a file does not say how to predict with its net."""
    if problem := find_first_problem(PredictorMetadata, metadata):
        raise FileError(path, f"does not say how to predict: {problem}")
