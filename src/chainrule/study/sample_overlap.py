"""What the rounds of a study share, read off their samples: it decides what can be concluded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from chainrule.data import Dataset
from chainrule.recipes.errors import StudyError
from chainrule.statistics import (
    Design,
    FixedSplit,
    FreshData,
    Overlap,
    Resplits,
    design_from_overlap,
)
from chainrule.study.round_data import RoundData
from chainrule.study.spec.study import Study
from chainrule.study.store.record import SEARCH_ROUND

__all__ = [
    "check_leaks",
    "find_design",
    "find_leaks",
    "name_samples",
    "plan_design",
    "read_overlap",
]

MAX_ROUNDS = 20
"""Of more rounds the first ones are read: they tell what all share."""

IMAGES_PER_SAMPLE = {"pairs": 2}
"""Data whose rounds share not samples but what these are made of, along the first axis of each."""

LEAK = 0.01
"""More shared samples than this are a leak; less are what doubles in real data come to."""


def sample_identities(data: Dataset, images: int = 1) -> list[bytes]:
    """A digest of each sample, its targets included; or of each of its ``images``."""
    if images > 1:
        parts = [data.inputs.flatten(0, 1)]
    else:
        targets = data.targets
        parts = [data.inputs, *(targets.values() if isinstance(targets, dict) else [targets])]
    columns = [part.detach().cpu().reshape(len(part), -1).numpy() for part in parts]
    return [
        blake2b(b"".join(row.tobytes() for row in rows), digest_size=12).digest()
        for rows in zip(*columns, strict=True)
    ]


def name_samples(data: Dataset, study: Study) -> NDArray[np.int64]:
    """An integer that names each sample, (N,); of samples made of images each of these, (N, m)."""
    images = IMAGES_PER_SAMPLE.get(study.data.name, 1)
    digests = sample_identities(data, images)
    names = np.array([int.from_bytes(one[:8], "little", signed=True) for one in digests], np.int64)
    return names if images == 1 else names.reshape(-1, images)


def round_identities(data: RoundData, r: int) -> tuple[list[bytes], list[bytes]]:
    """Those of a round's training and of its test samples."""
    images = IMAGES_PER_SAMPLE.get(data.study.data.name, 1)
    train, test = (sample_identities(part, images) for part in data.raw_round(r))
    return train, test


def are_distinct(identities: Sequence[bytes]) -> bool:
    """Whether samples can be told apart: points of a grid, or binary ones, cannot."""
    return 2 * len(set(identities)) > len(identities)


def number_repeats(identities: Iterable[bytes]) -> list[tuple[bytes, int]]:
    """Each with how often it came before, so that doubles stay two samples."""
    seen: Counter[bytes] = Counter()
    numbered = []
    for one in identities:
        numbered.append((one, seen[one]))
        seen[one] += 1
    return numbered


def read_overlap(data: RoundData, rounds: Sequence[int]) -> Overlap | None:
    """What these rounds share. None where their samples cannot be told apart, or of one round.

    The samples are made anew, as the study declares them: raises what that raises.
    """
    if len(rounds) < 2:
        return None
    trains, tests = [], []
    for r in rounds[:MAX_ROUNDS]:
        train, test = round_identities(data, r)
        if not are_distinct(train) or not are_distinct(test):
            return None
        numbered = number_repeats([*train, *test])
        trains.append(numbered[: len(train)])
        tests.append(numbered[len(train) :])
    return design_from_overlap(trains, tests)


def find_design(data: RoundData, rounds: Sequence[int], sizes: tuple[int, int]) -> Design:
    """How these rounds came about; ``sizes``: samples to learn from and to test on.

    Rounds that divide one draw are known by their declaration. Those that are declared fresh are
    looked at: they may draw from one file, or one pool. Raises what making samples raises.
    """
    declared = data.study.data
    if declared.rounds == "fixed":
        return FixedSplit()
    if declared.rounds == "folds":
        return Resplits.folds(declared.folds)
    if declared.rounds == "resplit":
        return Resplits(n_test=sizes[1], n_train=sizes[0])
    overlap = read_overlap(data, rounds)
    return FreshData() if overlap is None else overlap.design


def plan_design(study: Study) -> Design:
    """The design that a study will have, before anything is trained; as declared where its
    samples cannot be made.
    """
    data = RoundData(study)
    try:
        train, test = data.raw_round(0)
        return find_design(data, range(study.rounds), (len(train), len(test)))
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

    Not seen in samples that cannot be told apart. Raises what making samples raises.
    """
    data, declared = RoundData(study), study.data
    problems = []
    looked = [r for r in rounds if r < study.rounds][: None if declared.rounds == "fresh" else 1]
    found = [round_identities(data, r) for r in looked]
    if declared.rounds in ("fresh", "fixed") and declared.name != "table":  # others divide rows
        for r, (train, test) in zip(looked, found, strict=True):
            if share := leaked_share(train, test):
                problems.append(
                    f"data {declared.name}: {share:.0%} of the test samples of round {r} are among "
                    "its training samples; expected none"
                )
    if study.space and not study.searches_each_round and declared.rounds == "fresh":
        searched, _ = round_identities(data, SEARCH_ROUND)
        shares = [leaked_share(searched, test) for _, test in found]
        if any(shares):
            problems.append(
                f"search.each_round: the search before the first round learns from "
                f"{max(shares):.0%} of a round's test samples, as all are drawn from the same "
                'ones; expected true, with data.rounds = "resplit"'
            )
    return problems


def leaked_share(train: Sequence[bytes], test: Sequence[bytes]) -> float:
    """The share of the test samples that are among those learned from; 0 for up to ``LEAK``."""
    if not are_distinct(train) or not are_distinct(test):
        return 0.0
    share = len(set(test) & set(train)) / len(set(test))
    return share if share > LEAK else 0.0
