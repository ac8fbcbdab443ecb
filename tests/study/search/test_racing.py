"""A race of the candidates: who leaves, what it saves, and the same however it is run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chainrule.study import Study, review, run
from chainrule.study.execution.scheduling.scheduler import Scheduler
from chainrule.study.plan.build import build_plan
from chainrule.study.search.racing import count_race_trainings, plan_splits
from chainrule.study.search.selection import best_candidate, group_by_candidate
from tests.study.rules.studies import study as clouds
from tests.study.small import lasting, small
from tests.study.store.rows import row

SPLITS = 10
RACE = {
    "arms": {"only": {}},
    "space": {"optimizer.lr": {"low": 1e-5, "high": 1.0, "log": True}},
    "search": {"method": "random", "candidates": 20, "race": {}},
    "selection": {"split": "kfold", "folds": SPLITS},
    "rounds": 1,
}


def study(**changes) -> Study:
    return small(**{**RACE, **changes})


def rows_of(table: np.ndarray, splits: int) -> dict[int, list]:
    """Candidate → rows of its first splits, whose values are those of the table."""
    return {
        c: [
            replace(
                row(-1, c, arm="only"),
                stage="search",
                fold=f,
                status="done" if np.isfinite(values[f]) else "diverged",
                metrics={"accuracy": float(values[f])},
            )
            for f in range(splits)
        ]
        for c, values in enumerate(table)
    }


def simulate(declared: Study, table: np.ndarray) -> tuple[int, int]:
    """(the winner, how many trainings it took), as a scheduler has it."""
    board = Scheduler(declared, declared.all_arms)
    [arm] = board.arms
    rows, trained = rows_of(table, SPLITS), []
    while (jobs := board.take_jobs(arm))[0].stage == "search":
        for job in jobs:
            for t in job.trainings:
                made = rows[t.candidate][t.fold]
                trained.append(replace(made, setting=t.setting, round=t.round))
        board.add(trained)
    [final] = jobs
    judged = group_by_candidate(trained)
    assert final.trainings[0].candidate == best_candidate(declared, *judged.values())
    return final.trainings[0].candidate, len(trained)


def draw(seed: int) -> np.ndarray:
    """(candidates, splits): accuracies such as a random search over a rate gives."""
    rng = np.random.default_rng(seed)
    means = 0.9 - 0.3 * np.abs(rng.uniform(-1, 1, size=20)) ** 1.5
    return means[:, None] + 0.02 * rng.normal(size=SPLITS) + 0.02 * rng.normal(size=(20, SPLITS))


def test_a_race_with_a_clear_winner_ends_early():
    table = np.linspace(0.1, 0.9, 20)[:, None] + 0.01 * np.arange(SPLITS)
    winner, trained = simulate(study(), table)
    assert winner == 19
    assert trained == 60  # 20 on three splits, where one is left


def test_equal_candidates_run_to_the_end():
    winner, trained = simulate(study(), np.full((20, SPLITS), 0.5))
    assert (winner, trained) == (0, 200)


def test_one_that_diverges_leaves():
    table = np.full((20, SPLITS), 0.5) + 0.001 * np.arange(SPLITS)
    table[7] = np.nan
    needed, is_over = plan_splits(study(), rows_of(table, 3), 20)
    assert not is_over
    assert needed == [3 if c == 7 else 4 for c in range(20)]


def test_it_goes_on_from_any_rows():
    """Whatever was interrupted, the same rows say the same."""
    declared, table = study(), draw(5)
    rows = rows_of(table, 3)
    partly = {c: of[: 3 - (c == 4)] for c, of in rows.items()}
    assert plan_splits(declared, partly, 20) == ([3] * 20, False)
    needed, _ = plan_splits(declared, rows, 20)
    other = {c: of[::-1] for c, of in reversed(rows.items())}
    assert plan_splits(declared, other, 20)[0] == needed


def test_a_run_races_and_an_interrupted_one_trains_the_same(tmp_path):
    declared = clouds(
        rounds=1,
        arms={"only": {}},
        baseline="only",
        search={"method": "grid", "race": {}},
        space={"optimizer.lr": [1e-6, 1e-5, 1e-4, 0.1, 0.3]},
        selection={"split": "kfold", "folds": 6},
    )
    whole = run(declared)
    searched = [r for r in whole.rows if r.stage == "search"]
    assert 15 <= len(searched) < 30

    class Stop(Exception):
        pass

    calls = []

    def stop(_):
        calls.append(1)
        if len(calls) == 3:
            raise Stop

    with pytest.raises(Stop):
        run(declared, store=tmp_path / "race.sqlite", on_progress=stop)
    again = run(declared, store=tmp_path / "race.sqlite")
    assert lasting(again.rows) == lasting(whole.rows)
    assert [c.chosen for c in whole.candidates("only")].count(True) == 1
    assert not review(whole, select=["R001", "R010"]).findings


def test_the_plan_shows_the_expected_price():
    plan = build_plan(study(), times=False)
    assert (plan.arms[0].search, plan.arms[0].most_search) == (80, 200)
    assert (
        build_plan(study(search={"method": "random", "candidates": 20}), times=False).arms[0].search
        == 200
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"selection": {"split": "kfold", "folds": 3}}, "min_splits: expected less than the 3"),
        ({"search": {**RACE["search"], "method": "tpe"}}, "goes with method grid or random"),
        ({"search": {**RACE["search"], "halving": {"min_epochs": 1}}}, "expected one"),
    ],
)
def test_what_cannot_race_is_refused(changes, problem):
    declared = {**small().as_dict(), **RACE, **changes}
    with pytest.raises(ValueError, match=problem):
        Study(**declared)


@pytest.mark.slow
def test_the_same_winner_at_half_the_cost():
    """In 200 searches of 20 candidates over 10 splits: the winner of the whole search, or one whose
    mean is within a third of a standard error of it, and less than half of the trainings.
    """
    n, same, lost, trained = 200, 0, [], 0
    declared = study()
    for seed in range(n):
        table = draw(seed)
        means = table.mean(1)
        winner, count = simulate(declared, table)
        same += winner == means.argmax()
        lost.append(means.max() - means[winner])
        trained += count
    assert same >= 0.95 * n
    assert np.mean(lost) < 0.001
    assert trained <= 0.5 * n * 200
    assert trained == pytest.approx(n * count_race_trainings(declared, 20), rel=0.25)
