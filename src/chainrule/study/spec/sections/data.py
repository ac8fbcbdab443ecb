"""[data] and [datasets]: where the samples come from, one data set or several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, model_validator

from chainrule.recipes.component import Component, normalize_component
from chainrule.recipes.fields import StrictModel
from chainrule.recipes.problems import Place, list_problems, raise_problems
from chainrule.recipes.recipe import deep_merge
from chainrule.statistics import Design, FixedSplit, Resplits

__all__ = ["Data", "PartOf", "merge_datasets", "spread_data"]


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
    datasets = given.get("datasets") or {} if isinstance(given, Mapping) else {}
    if not isinstance(datasets, Mapping):  # said where it is read
        return given
    own = {name: normalize_component(one) for name, one in datasets.items()}
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
        yield from list_problems(error, ("datasets", name))


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
