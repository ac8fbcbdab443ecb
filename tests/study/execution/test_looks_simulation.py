"""How often studies that look while they run find what is not there, and what rounds they save.

Each study goes through its declaration, ``run`` and ``compare``; only the training is left out: a
row has a normal score. The table of docs/statistics.md was printed by
``python -m tests.study.execution.test_looks_simulation``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from chainrule.study import StudyResult, run
from chainrule.study.execution import runner
from tests.study.scored import ScoringExecutor, looked_at, normal_scores

pytestmark = pytest.mark.slow

STUDIES = 200
ERROR = 2.5 * (0.05 * 0.95 / STUDIES) ** 0.5
"""By how much chance moves 5 % of so many studies, hardly ever by more."""

LOOKS = [5, 10, 20, 40]
METHODS = ("pocock", "obrien-fleming", "anytime", "bonferroni")


@pytest.fixture(autouse=True)
def _same_provenance(monkeypatch):
    """Asking git for the commit takes longer than a study does here."""
    monkeypatch.setattr(runner, "provenance", lambda _: {"versions": {}})


def simulate(gains: dict[str, float], n: int = STUDIES, **changes: Any) -> Iterator[StudyResult]:
    """Finished studies of these arms; a gain is in standard deviations of a difference."""
    for seed in range(n):
        study = looked_at(*gains, **changes)
        yield run(study, executor=ScoringExecutor(normal_scores(gains, seed)))


def until(method: str) -> dict[str, Any]:
    return {"until": "decided", "looks": LOOKS, "method": method}


def find_false(result: StudyResult, equal: set[str]) -> bool:
    """Whether two arms that are equal are called different."""
    return any(
        {c.a, c.b} <= equal and c.conclusion in ("better", "worse")
        for c in result.compare().comparisons
    )


@pytest.mark.parametrize(("method", "baseline"), [*((m, "a") for m in METHODS), ("pocock", None)])
def test_equal_arms_are_called_different_in_5_percent_of_studies(method, baseline):
    """Over three arms and four looks: one comparison or more."""
    gains = dict.fromkeys("abc", 0.0)
    found = simulate(gains, rounds=until(method), baseline=baseline)
    assert np.mean([find_false(result, {*gains}) for result in found]) <= 0.05 + ERROR


@pytest.mark.parametrize("method", METHODS)
def test_equal_arms_among_others_are_called_different_in_5_percent_of_studies(method):
    gains = {"a": 0.0, "b": 0.0, "c": 1.0, "d": 2.0}
    found = simulate(gains, rounds=until(method))
    assert np.mean([find_false(result, {"a", "b"}) for result in found]) <= 0.05 + ERROR


@pytest.mark.parametrize(
    ("method", "most"), [("pocock", 15), ("obrien-fleming", 24), ("anytime", 20)]
)
def test_looks_save_rounds_of_forty(method, most):
    found = list(simulate({"a": 0.0, "b": 1.0}, 100, rounds=until(method)))
    assert np.mean([result.arms[0].n for result in found]) <= most
    assert np.mean([r.compare().comparisons[0].conclusion == "better" for r in found]) >= 0.87


def test_equal_arms_end_early():
    found = simulate({"a": 0.0, "b": 0.0}, 100, rounds=until("pocock"))
    assert np.mean([result.arms[0].n for result in found]) < 25


def test_arms_apart_by_the_rope_are_called_equivalent_in_5_percent_of_studies():
    found = simulate({"a": 0.0, "b": 1.0}, rounds=until("pocock"), rope=0.01)
    same = ("equivalent", "different within the rope")
    said = [result.compare().comparisons[0].conclusion in same for result in found]
    assert np.mean(said) <= 0.05 + ERROR


def extend(seed: int, rounds: tuple[int, ...], store: Any) -> list[bool]:
    """Whether two equal arms are called different after each of these numbers of rounds."""
    gains, said = {"a": 0.0, "b": 0.0}, []
    for n in rounds:
        workers = ScoringExecutor(normal_scores(gains, seed))
        study = looked_at("a", "b", rounds=n, compile=False)  # what a row without a word of it says
        found = run(study, executor=workers, store=store, extend=True)
        said.append(find_false(found, {"a", "b"}))
    return said


def test_looks_by_extend_are_counted(tmp_path):
    """After the last look the decision allows for all: 12 % at the plain level."""
    said = np.array([extend(s, (5, 10, 20), tmp_path / f"{s}.sqlite") for s in range(STUDIES)])
    assert said[:, -1].mean() <= 0.05
    assert said.any(axis=1).mean() <= 0.06 + ERROR  # who stops at the first p below 5 %


def main() -> None:
    """Print what the table of the page has."""
    runner.provenance = lambda _: {"versions": {}}
    kinds = {"four equal arms": (dict.fromkeys("abcd", 0.0), 300)}
    kinds |= {f"d_z = {gain}": ({"a": 0.0, "b": gain}, 150) for gain in (1.0, 0.5)}
    for method in METHODS:
        for name, (gains, n) in kinds.items():
            found = list(simulate(gains, n, rounds=until(method)))
            different = np.mean([is_different(result) for result in found])
            rounds = np.mean([result.arms[0].n for result in found])
            print(f"{method}, {name}: {different:.1%} different, {rounds:.1f} rounds", flush=True)
    with TemporaryDirectory() as folder:
        stores = [Path(folder) / f"{seed}.sqlite" for seed in range(500)]
        said = np.array([extend(i, (5, 10, 20), store) for i, store in enumerate(stores)])
    print(
        f"extended: {said[:, -1].mean():.1%} at the end, {said.any(axis=1).mean():.1%} at any look"
    )


def is_different(result: StudyResult) -> bool:
    """Whether any two arms are called different."""
    return any(c.conclusion in ("better", "worse") for c in result.compare().comparisons)


if __name__ == "__main__":
    main()
