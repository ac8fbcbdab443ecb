"""The sections of a study's declaration: data, search, selection, what was reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from chainrule.recipes.component import Component
from chainrule.recipes.fields import StrictModel
from chainrule.statistics import Design, FixedSplit, Resplits

__all__ = ["Data", "Halving", "Race", "Reported", "Search", "Selection"]


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


FILES = ("table",)
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


class Search(StrictModel):
    """How candidates are found.

    - ``method``: ``fixed``: one, as declared; ``grid``: every combination; ``random``; ``tpe``
      or ``gp``: Optuna proposes ``batch`` at a time from what is known.
    - ``candidates``: how many, for all but the grid.
    - ``halving``, ``race``: end the worse candidates early, by epochs or by splits.
    - ``each_round``: search in every round, on its training data; else once, before the first,
      so that conclusions are about the settings found then. See ``Study.searches_each_round``.
    """

    method: Literal["fixed", "grid", "random", "tpe", "gp"] = "fixed"
    candidates: int | None = Field(default=None, ge=1)
    batch: int = Field(default=8, ge=1)
    halving: Halving | None = None
    race: Race | None = None
    each_round: bool | None = None


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
