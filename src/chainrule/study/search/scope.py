"""When a study searches, and what its conclusions are about for that reason."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.study.spec.study import Study
from chainrule.study.store.record import SEARCH_ROUND

__all__ = ["describe_search_scope", "is_about_settings", "search_rounds"]


def search_rounds(study: Study) -> Sequence[int]:
    """The rounds that are searched in; ``SEARCH_ROUND`` where it is done once, before them."""
    return range(study.max_rounds) if study.searches_each_round else [SEARCH_ROUND]


def is_about_settings(study: Study) -> bool:
    """Whether conclusions are about the settings that one search found, not about the arms.

    Each arm has one setting in all rounds then, and how well a search of it does is not seen.
    """
    return not study.searches_each_round and any(arm.space for arm in study.all_arms)


def describe_search_scope(study: Study) -> str:
    """A sentence that says so; empty where conclusions are about the arms."""
    if not is_about_settings(study):
        return ""
    n = len(study.all_arms)
    found = {1: "this setting, not the arm", 2: "these two settings, not these arms"}.get(
        n, f"these {n} settings, not these arms"
    )
    return (
        f"One search, before the rounds, chooses each arm's setting: conclusions are about {found}."
    )
