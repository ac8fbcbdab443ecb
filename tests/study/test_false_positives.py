"""How often a study calls two equally good arms different: declared, run and compared.

Nothing is trained (see closed_form.py); all else is what a run does: samples, splits, search,
selection, rows, store, the design read off the samples, the test. 5 % is right. Of 500 studies,
chance moves a rate near 5 % by 1 point (a standard error), so a rate of 3 to 6 % is held to two of
these. ``python -m tests.study.test_false_positives`` prints the table of docs/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from chainrule.seeds import derive
from chainrule.statistics import StatisticsError, two_way_test
from chainrule.study import Study, StudyResult
from tests.study.closed_form import HERE, declare, run_closed_form

STUDIES = 500
ERROR = math.sqrt(0.05 * 0.95 / STUDIES)

pytestmark = pytest.mark.slow

Test = Callable[[StudyResult], float]
"""The p of a result."""


def compare(result: StudyResult) -> float:
    (comparison,) = result.compare().comparisons
    return comparison.test.p


def generalize(result: StudyResult) -> float:
    """The two-way test of what each net says of each sample: about new samples too."""
    differences, rounds, names = [], [], []
    for r in range(result.study.rounds):
        first, second = (result.predictions(arm, r) for arm in ("first", "second"))
        differences.append(first.scores["accuracy"] - second.scores["accuracy"])
        rounds.append(np.full(len(first), r))
        names.append(first.samples)
    found = (np.concatenate(parts) for parts in (differences, rounds, names))
    return two_way_test(*found).p


def data(rounds: str = "fresh", **more: Any) -> dict[str, Any]:
    return {"data": {"name": HERE + "samples", "rounds": rounds, **more}}


def draw_pool(seed: int, rounds: int) -> Study:
    chosen = {"name": HERE + "pool", "pool": derive(seed, "pool") % 2**31}
    return declare(seed=seed, rounds=rounds, data=chosen, keep="predictions")


def draw(**changes: Any) -> Callable[[int, int], Study]:
    return lambda seed, rounds: declare(seed=seed, rounds=rounds, **changes)


def draw_folds(seed: int, rounds: int) -> Study:
    """One k-fold: as many folds as rounds."""
    return declare(seed=seed, rounds=rounds, **data("folds", folds=rounds, train=60, test=30))


ALIKE = {"space": {"net.offset": [0, 1, 2, 3, 4]}, "net": {"name": HERE + "net", "features": 3}}
"""Settings that are equally good; which one a search finds is luck."""

BETTER = {"space": {"net.features": [1, 2, 5]}}
"""Settings of which the last one is best, which a search does not always find."""

ONCE = {"search": {"method": "grid", "each_round": False}}
EACH = {"search": {"method": "grid"}}

DESIGNS: dict[str, tuple[Callable[[int, int], Study], Test, tuple[int, ...], dict[str, float]]] = {
    "fresh": (draw(), compare, (3, 5, 10, 30), {}),
    "re-splits": (draw(**data("resplit", train=70, test=30)), compare, (3, 5, 10, 30), {}),
    "one k-fold": (draw_folds, compare, (3, 5, 10, 30), {}),
    "5-fold, repeated": (draw(**data("folds", folds=5)), compare, (10, 30), {}),
    "pool, paired t read as about new samples": (draw_pool, compare, (3, 5, 10, 30), {}),
    "pool, two-way t about new samples": (draw_pool, generalize, (3, 5, 10, 30), {}),
    "searched once, about settings": (draw(**ALIKE, **ONCE), compare, (3, 5, 10, 30), {}),
    "searched once, read as about arms": (draw(**BETTER, **ONCE), compare, (3, 5, 10, 30), {}),
    "searched each round": (draw(**BETTER, **EACH), compare, (3, 5, 10, 30), {}),
    "10 % diverged": (draw(), compare, (3, 5, 10, 30), {"diverging": 0.1}),
    "10 % missing": (draw(), compare, (3, 5, 10, 30), {"failing": 0.1}),
}
"""Name → how a study is declared, its test, how many rounds, and what goes wrong."""


def count_rejections(design: str, rounds: int, studies: int = STUDIES) -> float:
    """The share of studies in which the arms are called different at 5 %."""
    make, test, _, spoilt = DESIGNS[design]
    rejected = 0
    with ExitStack() as stack:  # which commit and which packages made a study is not asked here
        runner = "chainrule.study.execution.runner."
        stack.enter_context(patch(runner + "provenance", lambda files: {}))
        stack.enter_context(patch(runner + "pin_sources", lambda study: study))
        for i in range(studies):
            study = make(derive(0, design, rounds, i), rounds)
            try:
                rejected += test(run_closed_form(study, **spoilt)) <= 0.05
            except StatisticsError:  # too few rounds are left
                continue
    return rejected / studies


CAUTIOUS: Mapping[str, str] = {
    "one k-fold": "Nadeau and Bengio's factor is for re-splits, whose test sets overlap",
    "10 % diverged": "a round that one arm loses widens the spread more than the mean",
}
"""Where fewer than 3 % are right too, and why."""

WRONG = {"pool, paired t read as about new samples", "searched once, read as about arms"}
"""What the page shows as wrong: a conclusion about more than was varied."""

CELLS = [(name, J) for name, (_, _, rounds, _) in DESIGNS.items() for J in rounds]


@pytest.mark.parametrize(("design", "rounds"), [c for c in CELLS if c[0] not in WRONG])
def test_equal_arms_are_called_different_in_3_to_6_percent(design, rounds):
    rate = count_rejections(design, rounds)
    assert rate <= 0.06 + 2 * ERROR
    if design not in CAUTIOUS:
        assert rate >= 0.03 - 2 * ERROR


@pytest.mark.parametrize("design", sorted(WRONG))
def test_a_conclusion_about_more_than_was_varied_is_wrong_more_often(design):
    assert count_rejections(design, 30) > 0.06 + 2 * ERROR


def main() -> None:
    """Print the table of docs/statistics.md."""
    for name, (_, _, rounds, _) in DESIGNS.items():
        cells = {
            J: f"{count_rejections(name, J):.1%}" if J in rounds else "–" for J in (3, 5, 10, 30)
        }
        print(f"| {name} | {' | '.join(cells.values())} |", flush=True)


if __name__ == "__main__":
    main()
