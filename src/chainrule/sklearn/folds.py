"""One fold of a search: its candidates are fitted, and scored on what was held out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from traceback import format_exception
from typing import Any

from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer, _PassthroughScorer
from sklearn.model_selection._validation import _score
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

from chainrule._util.threads import torch_threads
from chainrule.sklearn.candidates import FoldCandidate, Setting, prepare_candidates
from chainrule.sklearn.cohort import CohortFit, CohortPool
from sklearn import get_config

__all__ = ["FoldEvaluation", "Rows"]

Rows = list[dict[str, Any]]

OWN_SCORERS = (_BaseScorer, _MultimetricScorer, _PassthroughScorer)
"""scikit-learn's: they ask an estimator for its predictions, and a net as well as a pipeline."""


@dataclass(frozen=True)
class StartedFold:
    """The candidates on a split (train, test), and how long they took until their nets' fits."""

    candidates: Sequence[FoldCandidate]
    train: Any
    test: Any
    seconds: float

    @property
    def cohorts(self) -> list[CohortFit]:
        """The fits of all nets, each once."""
        found = {id(each.cohort): each.cohort for each in self.candidates}
        return [cohort for cohort in found.values() if cohort is not None]


@dataclass(frozen=True)
class FoldEvaluation:
    """How candidates are evaluated: on samples X and y, each split (train, test), by these scorers.

    ``fit_params`` and ``score_params``: by name, of all samples.
    """

    estimator: Any
    X: Any
    y: Any
    splits: Sequence[tuple[Any, Any]]
    scorers: Any
    fit_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    error_score: Any
    return_train_score: bool

    def evaluate(self, settings: Sequence[Setting]) -> Rows:
        """The rows of all candidates, those of a candidate's folds one after the other.

        While the nets of a fold are trained the one before it is scored. Raises KeyboardInterrupt.
        """
        by_fold: list[Rows] = []
        with ExitStack() as stack:
            pool, before = None, None
            for split in self.splits:
                fold = self._start_fold(settings, *split)
                if pool is None:
                    pool = stack.enter_context(CohortPool(count_workers(fold)))
                pool.start(fold.cohorts)
                if before is not None:
                    by_fold.append(self._finish_fold(before, pool))
                before = fold
            if pool is not None and before is not None:
                by_fold.append(self._finish_fold(before, pool))
        return [rows[i] for i in range(len(settings)) for rows in by_fold]

    def _start_fold(self, settings: Sequence[Setting], train: Any, test: Any) -> StartedFold:
        """All candidates on one fold, fitted but for their nets."""
        start = time.perf_counter()
        X, y = _safe_split(self.estimator, self.X, self.y, train)
        fit_params = _check_method_params(self.X, self.fit_params, train)
        candidates = prepare_candidates(self.estimator, settings, X, y, fit_params)
        return StartedFold(candidates, train, test, time.perf_counter() - start)

    def _finish_fold(self, fold: StartedFold, pool: CohortPool) -> Rows:
        """The rows of all candidates on one fold, in their order."""
        pool.wait(fold.cohorts)
        candidates, n = fold.candidates, len(fold.candidates)
        seconds = (fold.seconds + sum(cohort.seconds for cohort in fold.cohorts)) / n
        start = time.perf_counter()
        with torch_threads(1):  # the others would wait for their share of a moment's work
            scores = self._score_all(candidates, fold.test, fold.train)
            score_time = (time.perf_counter() - start) / n
            train_scores = (
                self._score_all(candidates, fold.train) if self.return_train_score else scores
            )
        rows: Rows = []
        for each, score, train_score in zip(candidates, scores, train_scores, strict=True):
            failed = each.problem is not None
            row = {
                "fit_error": "".join(format_exception(each.problem)) if failed else None,
                "fit_time": seconds,
                "score_time": 0.0 if failed else score_time,
                "test_scores": score,
            }
            rows.append(row | ({"train_scores": train_score} if self.return_train_score else {}))
        return rows

    def _score_all(
        self, candidates: Sequence[FoldCandidate], rows: Any, train: Any = None
    ) -> list[Any]:
        """Each candidate's score on these rows; raises a problem where that is asked for."""
        X, y = _safe_split(self.estimator, self.X, self.y, rows, train)
        params = _check_method_params(self.X, self.score_params, rows)

        def score(each: FoldCandidate, estimator: Any, inputs: Any) -> Any:
            if each.problem is not None:
                return self._failure_score(each.problem)
            return _score(estimator, inputs, y, self.scorers, params, self.error_score)

        if params or not self._ask_nets:
            return [score(each, each.estimator, X) for each in candidates]
        with ExitStack() as stack:
            inputs = share_inputs(candidates, X, stack)
            return [
                score(each, each.net, inputs[id(each.head)])
                if id(each.head) in inputs
                else score(each, each.estimator, X)
                for each in candidates
            ]

    @property
    def _ask_nets(self) -> bool:
        """Whether the scorers find of a net behind a pipeline's steps what they find of all of it.

        Not of a pipeline's own ``score``, which has a word in where metadata are routed.
        """
        routed = get_config()["enable_metadata_routing"]
        return isinstance(self.scorers, OWN_SCORERS) and not (
            routed and isinstance(self.scorers, _PassthroughScorer)
        )

    def _failure_score(self, problem: Exception) -> Any:
        """What counts for a fit that failed; raises the problem where that is asked for."""
        if self.error_score == "raise":
            raise problem
        names = getattr(self.scorers, "_scorers", None)
        return self.error_score if names is None else dict.fromkeys(names, self.error_score)


def count_workers(fold: StartedFold) -> int:
    """How many fits may be at work at once: one where each is to say how far it is."""
    is_said = any(each.net.verbose for each in fold.candidates)
    return 1 if is_said else len(fold.cohorts)


def share_inputs(candidates: Sequence[FoldCandidate], X: Any, stack: ExitStack) -> dict[int, Any]:
    """X as the nets see it behind each head that is shared, by its id; all know their outputs.

    A head that cannot transform X is left out.
    """
    behind: dict[int, list[FoldCandidate]] = {}
    for each in candidates:
        if each.problem is None:
            behind.setdefault(id(each.head), []).append(each)
    inputs = {}
    for key, group in behind.items():
        head, (first, *others) = group[0].head, [each.net for each in group]
        with suppress(Exception):  # each of the group will say it
            inputs[key] = X if head is None else head.transform(X)
            stack.enter_context(first.know_outputs(others, inputs[key]))
    return inputs
