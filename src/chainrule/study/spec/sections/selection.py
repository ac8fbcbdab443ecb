"""[selection]: how a candidate is judged; [reported]: what arms are held against."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from chainrule._util.field_problems import describe_given
from chainrule.recipes.fields import StrictModel

__all__ = ["Reported", "Selection"]


def check_stratify(given: Any) -> Any:
    """Whether to stratify, or by which target. Raises ValueError for anything else."""
    if not isinstance(given, bool | str):
        raise ValueError(
            f"expected true, false or the name of a target, got {describe_given(given)}"
        )
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
