"""The space of a search: which values a path may take, and the candidates in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, model_validator

from chainrule import seeds
from chainrule._util.field_problems import describe_given
from chainrule.recipes.component import Named
from chainrule.recipes.fields import StrictModel
from chainrule.recipes.importing import SEARCH_MODULES
from chainrule.recipes.problems import raise_problems
from chainrule.study.store.record import Value

__all__ = [
    "Dimension",
    "Params",
    "Space",
    "covering_settings",
    "grid",
    "is_batchable",
    "random_settings",
]

Params = Mapping[str, Value]
"""Path → value: ``{"optimizer.lr": 0.001, "net.hidden": 100}``."""


MAX_WHOLE = 2**53
"""Larger whole numbers are not exact as floats."""

MAX_VALUES = 1_000_000
"""A range with more steps, or a grid with more combinations, is a slip: nobody trains so many."""


def check_value(given: Any) -> Any:
    """A value of a space. Raises ValueError for what is none."""
    if not isinstance(given, bool | int | float | str):
        raise ValueError(f"expected true, false, a number or a text, got {describe_given(given)}")
    return given


class Dimension(StrictModel):
    """The values of one path: a list of them, or a range.

    - ``values``: what may be chosen, in order; any kind of value.
    - ``parts``: name → a whole part, as a schedule with its arguments; the values are the names.
    - ``low``, ``high``: a range with both ends; ``log`` draws evenly in the logarithm; ``step``
      makes a grid of it, and ``integer`` keeps to whole numbers.
    - ``batchable``: whether trainings that differ in it share a cohort. Unless given: yes for
      numbers of the optimizer, the schedule and the loss, no for what may change a shape.
    """

    values: tuple[Annotated[bool | int | float | str, BeforeValidator(check_value)], ...] | None = (
        None
    )
    parts: dict[str, Named] | None = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    log: bool = False
    integer: bool = False
    batchable: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _name_parts(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not given.get("parts"):
            return given
        names = tuple(given["parts"])
        if tuple(given.get("values") or names) != names:
            raise ValueError(f"expected values, or parts, which are named {', '.join(names)}")
        return {**given, "values": names}

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        ranged = (self.low, self.high) != (None, None)
        if (self.values is not None) == ranged:
            raise ValueError("expected either values, or low and high")
        if self.values is not None:
            if not self.values or len(set(map(repr, self.values))) < len(self.values):
                raise ValueError("expected at least one value, each once")
            if any(isinstance(v, float) and not math.isfinite(v) for v in self.values):
                raise ValueError(f"expected finite values, got {self.values}")
            if self.log or self.integer or self.step is not None:
                raise ValueError("log, integer and step go with low and high, not with values")
            return self
        if self.low is None or self.high is None or not self.low <= self.high:
            raise ValueError(f"expected low ≤ high, got {self.low} and {self.high}")
        if not math.isfinite(self.high - self.low):
            raise ValueError(f"expected finite ends, got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"a log range begins above 0, got low = {self.low}")
        if self.integer and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError(f"expected whole ends, got {self.low} and {self.high}")
        if self.integer and max(-self.low, self.high) > MAX_WHOLE:
            raise ValueError(f"expected ends of at most 2⁵³, got {self.low:g} and {self.high:g}")
        if self.step is not None and (self.log or not 0 < self.step < math.inf):
            raise ValueError("step is above 0 and does not go with log")
        if self.step is not None and self.integer and not self.step.is_integer():
            raise ValueError(f"expected a whole step, got {self.step}")
        if self.step is not None and (self.high - self.low) / self.step > MAX_VALUES:
            raise ValueError(f"step: expected at most {MAX_VALUES:,} values, got {self.step}")
        return self

    @cached_property
    def choices(self) -> Sequence[Value] | None:
        """The values where they can be counted; None for a range without steps."""
        if self.values is not None or self.low is None or self.high is None:
            return self.values
        if self.step is None:
            return range(round(self.low), round(self.high) + 1) if self.integer else None
        count = math.floor((self.high - self.low) / self.step * (1 + 1e-12)) + 1
        # 12 digits: 0.001 + 2 · 0.001 is 0.003, and prints so.
        points = (float(f"{self.low + i * self.step:.12g}") for i in range(count))
        return tuple(round(x) if self.integer else x for x in points)

    def resolve(self, value: Value) -> Any:
        """What a value stands for: the part of this name, or itself."""
        return value if self.parts is None else self.parts[str(value)].model_dump()

    @property
    def cells(self) -> Sequence[Value] | None:
        """The values that share the way through evenly; None for a log range, or one without
        steps.
        """
        return None if self.log else self.choices

    def value_at(self, u: float) -> Value:
        """The value at u in [0, 1) of the way through."""
        if self.cells is not None:
            return self.cells[int(u * len(self.cells))]
        a, b = self._ends
        x = a * (b / a) ** u if self.log else a + u * (b - a)
        x = min(max(x, float(self.low or 0)), float(self.high or 0))
        return round(x) if self.integer else x

    def locate_value(self, value: Value) -> float:
        """A u at which :meth:`value_at` has this value: of cells, the middle of its own."""
        if self.cells is not None:
            return (self.find_cell(value) + 0.5) / len(self.cells)
        (a, b), x = self._ends, float(value)
        if a == b:
            return 0.5
        u = math.log(x / a) / math.log(b / a) if self.log else (x - a) / (b - a)
        return min(max(u, 0.0), 1.0)

    def find_cell(self, value: Value) -> int:
        """Which of the cells a value is: 1, 1.0 and true are three.

        Raises LookupError or ValueError for none of them.
        """
        if isinstance(self.cells, range):
            return self.cells.index(int(value))
        return self._indices[repr(value)]

    @property
    def _ends(self) -> tuple[float, float]:
        """The ends of what is drawn from; those of whole numbers are as likely as the others."""
        wide = 0.5 if self.integer else 0.0
        return float(self.low or 0) - wide, float(self.high or 0) + wide

    @cached_property
    def _indices(self) -> Mapping[str, int]:
        """A cell's value, as Python writes it → which one it is."""
        return {repr(value): i for i, value in enumerate(self.cells or ())}


def expand_list(given: Any) -> Any:
    """A dimension from its short form, the list of its values. ValueError for what is neither."""
    if not isinstance(given, list | tuple | Mapping | Dimension):
        raise ValueError(
            f"expected a list of values, or a table with low and high, got {describe_given(given)}"
        )
    return {"values": given} if isinstance(given, list | tuple) else given


def check_quotes(given: Any) -> Any:
    """Raise, in a validator, where a path has no quotes, so that TOML makes tables of it."""
    if isinstance(given, Mapping):
        problem = "TOML takes this for a table in a table; expected the path in quotes"
        raise_problems(
            (place, f'{problem}: "{".".join(place)}"')
            for place in find_paths(given, ())
            if len(place) > 1 and place[0] in SEARCH_MODULES
        )
    return given


def find_paths(given: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The keys that lead to what is not a table, or is one with a dimension's fields."""
    for key, inner in given.items():
        if (
            isinstance(inner, Mapping)
            and inner
            and not inner.keys() & Dimension.model_fields.keys()
        ):
            yield from find_paths(inner, (*place, key))
        else:
            yield (*place, key)


Space = Annotated[
    dict[str, Annotated[Dimension, BeforeValidator(expand_list)]], BeforeValidator(check_quotes)
]
"""Path → its values; a plain list stands for ``values``."""


def grid(space: Mapping[str, Dimension]) -> list[dict[str, Value]]:
    """Every combination, the last path changing fastest.

    Raises ValueError for a range that has neither steps nor whole numbers.
    """
    for path, dimension in space.items():
        if dimension.choices is None:
            raise ValueError(f"space {path}: a grid needs values, or a range with a step")
    choices = [dimension.choices or () for dimension in space.values()]
    if (count := math.prod(map(len, choices))) > MAX_VALUES:
        raise ValueError(
            f"space: a grid of {count:,} combinations; expected at most {MAX_VALUES:,}, or search "
            'with method = "random"'
        )
    return [dict(zip(space, values, strict=True)) for values in product(*choices)]


NEARLY = 1 - 2**-53
"""The end of a range."""


def covering_settings(space: Mapping[str, Dimension]) -> list[dict[str, Value]]:
    """So few that each declared value of each path, or each end of its range, is in one of them."""
    values = {
        path: dimension.values or (dimension.value_at(0), dimension.value_at(NEARLY))
        for path, dimension in space.items()
    }
    longest = max(map(len, values.values()), default=1)
    return [{path: of[i % len(of)] for path, of in values.items()} for i in range(longest)]


def random_settings(space: Mapping[str, Dimension], n: int, seed: int) -> list[dict[str, Value]]:
    """n independent draws; draw i depends on the seed, i and the path alone."""

    def draw(i: int, path: str) -> float:
        return (seeds.derive(seed, "candidate", i, path) >> 10) / 2**53  # never rounded up to 1

    return [{path: d.value_at(draw(i, path)) for path, d in space.items()} for i in range(n)]


def is_batchable(path: str, dimension: Dimension) -> bool:
    """Whether trainings that differ in this path may share a cohort."""
    values = dimension.values or ()
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if dimension.batchable is not None:
        return dimension.batchable and numbers
    return numbers and path.partition(".")[0] in ("optimizer", "schedule", "loss")
