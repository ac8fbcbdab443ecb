"""How many rounds a study has: a number, or as many as it takes to decide its comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, TypeAdapter, model_validator

from chainrule.recipes.fields import StrictModel

__all__ = ["Rounds", "SequentialRounds"]

MAX = 40
"""The most rounds unless given: they find half a standard deviation with a power of 74 to 87 %."""

MOST = 100_000
"""More rounds are a slip: nobody trains so many."""

FIRST = 5
"""The first look unless given; from there twice as many rounds each time."""


class SequentialRounds(StrictModel):
    """Rounds until the comparisons are decided.

    A run trains up to a look, tests all comparisons at levels that allow for every look, and goes
    on until each is decided: a difference, with a rope none that matters, or hardly a chance of
    either at the last look (``futility``).

    - ``looks``: numbers of rounds; by default 5, 10, 20, … up to ``max``, where the last one is.
    - ``max``: the most rounds; by default those of the last look, or 40.
    - ``method``: as :class:`statistics.SequentialDesign`. Rounds that share samples have
      ``bonferroni``, whatever is declared.
    """

    until: Literal["decided"]
    looks: tuple[Annotated[int, Field(ge=2, le=MOST)], ...] = ()
    max: int | None = Field(default=None, ge=2, le=MOST)
    method: Literal["pocock", "obrien-fleming", "anytime", "bonferroni"] = "pocock"
    futility: bool = True

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if list(self.looks) != sorted(set(self.looks)):
            raise ValueError(f"looks: expected them in ascending order, got {list(self.looks)}")
        if self.looks and self.max is not None and self.max < self.looks[-1]:
            raise ValueError(
                f"max: expected at least {self.looks[-1]}, the last of looks, got {self.max}"
            )
        return self

    @property
    def plan(self) -> tuple[int, ...]:
        """All looks, the last one at the most rounds."""
        if self.looks:
            last = self.max or self.looks[-1]
            return self.looks if last == self.looks[-1] else (*self.looks, last)
        last, doubled = self.max or MAX, FIRST
        plan = []
        while doubled < last:
            plan.append(doubled)
            doubled *= 2
        return (*plan, last)


FIXED: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=1, le=MOST)])


def validate_rounds(given: Any) -> int | SequentialRounds:
    """A number, or a table. Raises, in a validator, for anything else."""
    if isinstance(given, SequentialRounds):
        return given
    if isinstance(given, Mapping):
        return SequentialRounds.model_validate(given)
    return FIXED.validate_python(given)


Rounds: TypeAlias = Annotated[
    Annotated[int, Field(ge=1, le=MOST)] | SequentialRounds, BeforeValidator(validate_rounds)
]
"""A number of rounds, or until when."""
