"""What the rounds of a study share, read off their samples: it decides what can be concluded."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np

from chainrule._util.words import count_noun
from chainrule.data import Dataset
from chainrule.data.resampled import gather_samples, stored_data
from chainrule.recipes.errors import StudyError
from chainrule.statistics import (
    Design,
    FixedSplit,
    FreshData,
    Overlap,
    design_from_overlap,
)
from chainrule.study.round_data import RoundData
from chainrule.study.sample_identity import are_distinct, number_repeats, sample_identities
from chainrule.study.spec.study import Study
from chainrule.study.store.record import SEARCH_ROUND

__all__ = [
    "MAX_ROUNDS",
    "check_leaks",
    "find_design",
    "find_leaks",
    "plan_design",
    "read_overlap",
    "read_rounds",
]

MAX_ROUNDS = 20
"""Of more rounds the first ones are read: they tell what all share."""


def round_identities(data: RoundData, r: int) -> tuple[list[Hashable], list[Hashable]]:
    """Those of a round's training and of its test samples."""
    train, test = map(gather_samples, data.raw_round(r))
    if train.sources is None or test.sources is None:  # so that both are told apart by one thing
        train, test = replace(train, sources=None), replace(test, sources=None)
    return sample_identities(train), sample_identities(test)


def read_overlap(data: RoundData, rounds: Sequence[int]) -> Overlap | None:
    """What these rounds share. None where their samples cannot be told apart, or of one round.

    The samples are made anew, as the study declares them: raises what that raises.
    """
    if len(rounds) < 2:
        return None
    trains, tests = [], []
    for r in read_rounds(data.study, rounds):
        train, test = round_identities(data, r)
        if not are_distinct(train) or not are_distinct(test):
            return None
        numbered = number_repeats([*train, *test])
        trains.append(numbered[: len(train)])
        tests.append(numbered[len(train) :])
    return design_from_overlap(trains, tests)


def read_rounds(study: Study, rounds: Sequence[int]) -> Sequence[int]:
    """The rounds whose samples are looked at: none where the declaration says what they share."""
    return rounds[:MAX_ROUNDS] if study.data.rounds == "fresh" else ()


def find_design(data: RoundData, rounds: Sequence[int], sizes: tuple[int, int]) -> Design:
    """How these rounds came about; ``sizes``: samples to learn from and to test on.

    Rounds that divide one draw are known by their declaration. Those that are declared fresh are
    looked at: they may draw from one file, or one pool. Raises what making samples raises.
    """
    if (declared := data.study.data.declared_design(*sizes)) is not None:
        return declared
    overlap = read_overlap(data, rounds)
    return FreshData() if overlap is None else overlap.design


def plan_design(study: Study) -> Design:
    """The design that a study will have, before anything is trained; as declared where its
    samples cannot be made.
    """
    data = RoundData(study)
    try:
        train, test = data.raw_round(0)
        return find_design(data, range(study.max_rounds), (len(train), len(test)))
    except Exception:  # whatever a function of the user raises: a training will say so
        return FixedSplit() if study.data.rounds == "fixed" else FreshData()


def check_leaks(study: Study) -> None:
    """Raise StudyError where test samples would be learned from."""
    try:
        problems = find_leaks(study)
    except Exception:  # whatever a function of the user raises: a training will say so
        return
    if problems:
        raise StudyError(f"study {study.name}: {'; '.join(problems)}")


def find_leaks(study: Study, rounds: Sequence[int] = (0, 1)) -> list[str]:
    """A line for each way in which test samples are learned from, looked for in these rounds.

    Raises what making samples raises.
    """
    data, declared = RoundData(study), study.data
    if declared.divides_one_draw and has_distinct_sources(data.raw_round(0)[0]):
        return []  # each sample is on one side
    looked = [r for r in rounds if r < study.max_rounds][
        : None if declared.rounds == "fresh" else 1
    ]
    found = {r: round_identities(data, r) for r in looked}
    own = {r: count_leaked(*parts) for r, parts in found.items()}
    problems = [
        f"data {declared.name}: {n:,} of {count_noun(len(found[r][1]), 'test sample')} of "
        f"round {r} {'is' if n == 1 else 'are'} among its training samples; expected none"
        for r, n in own.items()
        if n
    ]
    if study.space and not study.searches_each_round and declared.rounds == "fresh":
        searched, _ = round_identities(data, SEARCH_ROUND)
        leaked = {r: count_leaked(searched, test) for r, (_, test) in found.items()}
        shares = [f"{n:,} of the {len(found[r][1]):,} of round {r}" for r, n in leaked.items() if n]
        if shares:
            problems.append(
                "search.each_round: the search before the first round learns from test samples, "
                f"{', '.join(shares)}, as all are drawn from the same ones; expected true"
            )
    return problems


def has_distinct_sources(data: Dataset) -> bool:
    """Whether it is known of what each sample is made, and no two samples share it."""
    sources = stored_data(data).sources
    return sources is not None and len(np.unique(sources.numpy())) == sources.numel()


def count_leaked(train: Sequence[Hashable], test: Sequence[Hashable]) -> int:
    """How many test samples are learned from: none is too few to count.

    Known by where samples come from. Where that is not known and samples are told apart by their
    content, real data have doubles, which are no leak: as many as the training samples have among
    themselves let expect, and three standard deviations more, are none.
    """
    learned = Counter(train)
    shared = sum(one in learned for one in test)
    if all(isinstance(one, bytes) for one in train):
        doubles = sum(n for n in learned.values() if n > 1)
        expected = len(test) * doubles / len(train)
        return shared if shared > expected + 3 * math.sqrt(expected) else 0
    return shared
