"""The seed of each round of a study."""

from __future__ import annotations

from chainrule import seeds
from chainrule.study.spec.study import Study
from chainrule.study.store.record import SEARCH_ROUND

__all__ = ["round_seed"]


def round_seed(study: Study, r: int) -> int:
    """The seed that all of a round's seeds come from."""
    if r == SEARCH_ROUND:
        return seeds.derive(study.seed, "search")
    return seeds.derive(study.seed, "round", r)
