"""The sections of a study's declaration: data, search, selection, what was reported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from chainrule.recipes.component import Component, normalize_component
from chainrule.recipes.fields import StrictModel
from chainrule.recipes.problems import Place, list_problems, raise_problems
from chainrule.recipes.recipe import deep_merge
from chainrule.statistics import Design, FixedSplit, Resplits

__all__ = [
    "Data",
    "Halving",
    "PartOf",
    "Race",
    "Reported",
    "Search",
    "Selection",
    "merge_datasets",
    "spread_data",
]


class Data(Component):
    """Where the samples come from: a function of a seed that gives (training set, test set).

    - ``rounds``: ``fresh``: a draw a round; ``fixed``: one draw for all; ``resplit``: one draw,
      joined and divided anew in each round; ``folds``: round r is fold r of ``folds``, repeated.
      The rows of one file (``FILES``) are never fresh, and ``resplit`` unless given.
    - ``standardize``: inputs by the mean and spread of the training samples alone, for each
      feature or for ``all`` together; ``standardize_target``: the target too, a number. Metrics
      that have a unit are given in the target's own.
    - ``missing``: inputs that are nan become the ``median`` of the training samples.
    """

    rounds: Literal["fresh", "fixed", "resplit", "folds"] = "fresh"
    folds: int = Field(default=10, ge=2)
    standardize: Literal["feature", "all"] | None = None
    standardize_target: bool = False
    missing: Literal["median"] | None = None

    @property
    def divides_one_draw(self) -> bool:
        """Whether what one round tests on is learned from in another."""
        return self.rounds in ("resplit", "folds")

    def declared_design(self, n_train: int, n_test: int) -> Design | None:
        """How rounds that divide one draw come about, which has so many samples in each; None where
        each draws its own: what these share is seen in the samples.
        """
        if self.rounds == "fixed":
            return FixedSplit()
        if self.rounds == "folds":
            return Resplits.folds(self.folds)
        return Resplits(n_test, n_train) if self.rounds == "resplit" else None

    @model_validator(mode="before")
    @classmethod
    def _divide_files_anew(cls, given: Any, info: ValidationInfo) -> Any:
        """Rounds of one file are re-splits; not in a study that ran before this was so."""
        if not isinstance(given, Mapping) or given.get("name") not in FILES or info.context:
            return given
        if given.get("rounds") == "fresh":
            raise ValueError(
                "rounds: a file has the same rows in every round, so none draws fresh ones; "
                'expected "resplit" (the default: divided anew in each round), "folds" or "fixed"'
            )
        return {"rounds": "resplit", **given}


FILES = ("table", "text_characters")
"""Data that come from one file, whole: rounds can but divide its rows."""


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
      or ``gp``: Optuna proposes ``batch`` at a time from what is known.
    - ``candidates``: how many, for all but the grid.
    - ``parameters``: "65k to 75k": candidates whose nets have fewer or more are not tried.
    - ``halving``, ``race``: end the worse candidates early, by epochs or by splits.
    - ``each_round``: search in every round, on its training data; else once, before the first,
      so that conclusions are about the settings found then. See ``Study.searches_each_round``.
    """

    method: Literal["fixed", "grid", "random", "tpe", "gp"] = "fixed"
    candidates: int | None = Field(default=None, ge=1)
    batch: int = Field(default=8, ge=1)
    parameters: Annotated[str, AfterValidator(check_parameter_range)] | None = None
    halving: Halving | None = None
    race: Race | None = None
    each_round: bool | None = None

    @property
    def parameter_bounds(self) -> tuple[int, int] | None:
        """The least and the most parameters of a candidate's nets; None for any number."""
        return None if self.parameters is None else parse_range(self.parameters)


def check_stratify(given: Any) -> Any:
    """Whether to stratify, or by which target. Raises ValueError for anything else."""
    if not isinstance(given, bool | str):
        raise ValueError(f"expected true, false or the name of a target, got {given!r}")
    return given


class Selection(StrictModel):
    """How a candidate is judged, on parts of the training data: the mean over the splits.

    - ``split``: ``holdout`` keeps ``fraction`` back, ``kfold`` each of ``folds`` parts once;
      ``repeats`` times. ``stratify``: by the class, or by the target of this name.
    - ``average_last``: over how many last epochs a split's values are averaged, so that a training
      whose accuracy jumps from epoch to epoch is not chosen for a lucky one.
    - ``refit``: the chosen one is trained on the whole training set; else on the part alone.
    """

    split: Literal["holdout", "kfold"] = "holdout"
    fraction: float = Field(default=0.3, gt=0, lt=1)
    folds: int = Field(default=3, ge=2)
    repeats: int = Field(default=1, ge=1, le=10_000)
    stratify: Annotated[bool | str, BeforeValidator(check_stratify)] = False
    average_last: int = Field(default=1, ge=1)
    refit: bool = True

    @property
    def splits(self) -> int:
        """How many trainings judge a candidate."""
        return self.repeats * (self.folds if self.split == "kfold" else 1)


class Reported(StrictModel):
    """What a report printed for an arm, in the metric's own unit; ``std`` where it gave one."""

    mean: float
    std: float | None = None


class PartOf(StrictModel):
    """Which study over several data sets a study of one is a part of.

    ``study`` and ``digest`` are that study's, ``dataset`` names this one of ``datasets``, all.
    """

    study: str
    digest: str
    dataset: str
    datasets: tuple[str, ...]


def merge_datasets(given: Any) -> Any:
    """A declaration with each data set whole, and the first of them as ``data``.

    Each is ``data`` with what it says differently. Another source keeps how data are divided and
    standardized, not the arguments. Raises, in a validator, for data sets that are none.
    """
    if not isinstance(given, Mapping):
        return given
    own = {
        name: normalize_component(one) for name, one in dict(given.get("datasets") or {}).items()
    }
    base = normalize_component(given.get("data", {}))
    if not own or not all(isinstance(one, Mapping) for one in (base, *own.values())):
        return given
    merged = {name: merge_data(base, one) for name, one in own.items()}
    raise_problems(
        problem for name, one in merged.items() for problem in find_data_problems(name, one)
    )
    return {**given, "datasets": merged, "data": next(iter(merged.values()))}


def find_data_problems(name: str, given: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """What is wrong with a data set of this name."""
    try:
        Data.model_validate(given)
    except ValidationError as error:
        yield from ((("datasets", name, *at), text) for at, text in list_problems(error))


def merge_data(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A data set: the base with what it says itself."""
    if own.get("name", base.get("name")) == base.get("name", own.get("name")):
        return deep_merge(base, own)
    return {key: base[key] for key in Data.model_fields if key in base} | dict(own)


def spread_data(changes: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Changes of which those of ``data`` are said of each of these data sets, if there are any."""
    if not (names := [*names]) or "data" not in changes:
        return dict(changes)
    data = normalize_component(changes["data"])
    of_all = dict.fromkeys(names, data)
    others = {key: value for key, value in changes.items() if key != "data"}
    return {**others, "datasets": deep_merge(of_all, changes.get("datasets", {}))}
