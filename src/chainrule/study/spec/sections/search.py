"""[search]: how candidates are found, and which of them end early."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from chainrule.recipes.fields import StrictModel

__all__ = ["Halving", "Race", "Search", "parse_range"]

MOST_CANDIDATES = 100_000
"""More of them are a slip: nobody trains so many."""


class Halving(StrictModel):
    """Successive halving: after ``min_epochs`` epochs, and each time that ``factor`` times as many
    are done, only the better 1/factor of an arm's candidates go on. (Jamieson and Talwalkar 2016.)
    """

    min_epochs: int = Field(ge=1)
    factor: int = Field(default=3, ge=2)


class Race(StrictModel):
    """A race of the candidates over the splits that judge them: after ``min_splits`` splits, and
    after each more, those that are significantly worse than the best, at ``alpha``, are judged no
    more. (Birattari et al. 2002, see :func:`chainrule.statistics.race_survivors`.)
    """

    min_splits: int = Field(default=3, ge=2)
    alpha: float = Field(default=0.05, gt=0, lt=1)


RANGE = re.compile(r"\s*([\d.]+)\s*([kM]?)\s*to\s*([\d.]+)\s*([kM]?)\s*")
FACTORS = {"": 1, "k": 1_000, "M": 1_000_000}


def parse_range(text: str) -> tuple[int, int]:
    """65,000 and 75,000 of "65k to 75k". Raises ValueError for what is no range."""
    if found := RANGE.fullmatch(text):
        low, low_unit, high, high_unit = found.groups()
        with suppress(ValueError):
            ends = float(low) * FACTORS[low_unit], float(high) * FACTORS[high_unit]
            if 0 < ends[0] <= ends[1]:
                return round(ends[0]), round(ends[1])
    raise ValueError(f'expected a range such as "65k to 75k", got {text!r}')


def check_parameter_range(text: str) -> str:
    """The text, where it is a range. Raises ValueError, in a validator, where it is none."""
    parse_range(text)
    return text


class Search(StrictModel):
    """How candidates are found.

    - ``method``: ``fixed``: one, as declared; ``grid``: every combination; ``random``; ``tpe``
      (tree-structured Parzen estimator) or ``gp`` (Gaussian process, of Optuna): ``batch`` at a
      time are proposed from what is known.
    - ``candidates``: how many, for all but the grid.
    - ``parameters``: "65k to 75k": candidates whose nets have fewer or more are not tried.
    - ``halving``, ``race``: end the worse candidates early, by epochs or by splits.
    - ``each_round``: search in every round, on its training data; else once, before the first,
      so that conclusions are about the settings found then. See ``Study.searches_each_round``.
    """

    method: Literal["fixed", "grid", "random", "tpe", "gp"] = "fixed"
    candidates: int | None = Field(default=None, ge=1, le=MOST_CANDIDATES)
    batch: int = Field(default=8, ge=1)
    parameters: Annotated[str, AfterValidator(check_parameter_range)] | None = None
    halving: Halving | None = None
    race: Race | None = None
    each_round: bool | None = None

    @property
    def parameter_bounds(self) -> tuple[int, int] | None:
        """The least and the most parameters of a candidate's nets; None for any number."""
        return None if self.parameters is None else parse_range(self.parameters)
