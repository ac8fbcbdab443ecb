"""CohortSearchCV: a search over settings, all candidates of a fold trained at once."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Self, final

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import ParameterGrid, ParameterSampler, check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import indexable
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

from chainrule._util.words import count_noun
from chainrule.sklearn.cohort import fit_together
from chainrule.sklearn.estimator import NetEstimator

__all__ = ["CohortSearchCV"]

Setting = Mapping[str, Any]
Rows = list[dict[str, Any]]


@final
class CohortSearchCV(BaseSearchCV):  # type: ignore[misc]
    """GridSearchCV, or with ``param_distributions`` RandomizedSearchCV, in one cohort a fold.

    - ``estimator``: one of this package, or a Pipeline that ends in one.
    - ``param_grid``, or ``param_distributions`` with ``n_iter`` and ``random_state``.
    - ``halving``: None, or a factor such as 3: all candidates are tried for a few epochs, and one
      in so many is kept each time until the last ones have all ``max_iter``; ``cv_results_`` then
      has ``iter`` and ``n_resources``, as HalvingGridSearchCV.
    - ``scoring``, ``refit``, ``cv``, ``error_score``, ``return_train_score``, ``verbose``: as in
      scikit-learn's.

    Of each fold, candidates that differ in ``learning_rate_init`` and ``alpha`` alone are trained
    at once, others as many at a time as PyTorch has threads; and a pipeline's earlier steps are
    fitted once for all that have them in common. Ctrl-C ends the search. After
    ``fit`` it has what GridSearchCV has: ``cv_results_``, ``best_estimator_``, ``best_params_``,
    ``best_score_``, ``best_index_``. The fit time of a candidate is its share of its fold's.
    """

    def __init__(
        self,
        estimator: Any,
        param_grid: Any = None,
        *,
        param_distributions: Any = None,
        n_iter: int = 10,
        halving: int | None = None,
        scoring: Any = None,
        refit: Any = True,
        cv: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            estimator,
            scoring=scoring,
            refit=refit,
            cv=cv,
            verbose=verbose,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_grid = param_grid
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.halving = halving
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Search, and with ``refit`` fit the best on all of X (N, D) and y.

        ``groups`` goes to the splitter, other ``params`` to ``fit`` of the estimator. Raises
        TypeError for an estimator of another kind, ValueError where nothing is searched.
        """
        check_searchable(self.estimator)
        scorers, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        routed = self._get_routed_params_for_fit(params)
        candidates = [*self._candidates()]
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = [*cv.split(X, y, **routed.splitter.split)]
        self.n_splits_ = len(splits)
        if self.verbose:
            many = count_noun(len(candidates), "candidate")
            print(f"Fitting {self.n_splits_} folds for each of {many}")

        def evaluate(settings: Sequence[Setting]) -> Rows:
            by_fold = [
                self._evaluate(settings, X, y, train, test, routed, scorers)
                for train, test in splits
            ]
            return [fold[i] for i in range(len(settings)) for fold in by_fold]

        if self.halving is None:
            rows = evaluate(candidates)
            self.cv_results_ = self._format_results(candidates, self.n_splits_, rows)
        else:
            rows = self._halve(candidates, evaluate, refit_metric)
        warn_of_failures(rows, self.error_score)
        self.multimetric_ = isinstance(rows[0]["test_scores"], dict)
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        if self.refit or not self.multimetric_:
            self._choose_best(refit_metric)
        if self.refit:
            self._refit_best(X, y, routed.estimator.fit)
        return self

    def _run_search(self, evaluate_candidates: Any) -> None:
        """Unused: ``fit`` evaluates all candidates of a fold together."""
        raise NotImplementedError

    def _candidates(self) -> Iterator[Setting]:
        if (self.param_grid is None) == (self.param_distributions is None):
            raise ValueError("expected param_grid or param_distributions, one of them")
        if self.param_grid is not None:
            yield from ParameterGrid(self.param_grid)
        else:
            yield from ParameterSampler(
                self.param_distributions, self.n_iter, random_state=self.random_state
            )

    def _halve(
        self,
        candidates: Sequence[Setting],
        evaluate: Callable[[Sequence[Setting]], Rows],
        metric: str,
    ) -> Rows:
        """Evaluate fewer and fewer candidates for more and more epochs; the rows of all."""
        name, most = find_max_iter(self.estimator, candidates)
        tried: list[Setting] = []
        rows: Rows = []
        more: dict[str, list[int]] = {"iter": [], "n_resources": []}
        for rung, (n, epochs) in enumerate(plan_rungs(len(candidates), self.halving, most)):
            if rung:
                scores = self.cv_results_[f"mean_test_{metric}"][-len(candidates) :]
                best = np.argsort(np.nan_to_num(-scores, nan=np.inf), kind="stable")[:n]
                candidates = [candidates[i] for i in sorted(best)]
            rows += evaluate([{**setting, name: epochs} for setting in candidates])
            tried += candidates
            more["iter"] += [rung] * n
            more["n_resources"] += [epochs] * n
            self.cv_results_ = self._format_results(tried, self.n_splits_, rows, more)
        return rows

    def _evaluate(
        self,
        candidates: Sequence[Setting],
        X: Any,
        y: Any,
        train: Any,
        test: Any,
        routed: Any,
        scorers: Any,
    ) -> Rows:
        """The rows of all candidates on one fold, in their order."""
        start = time.perf_counter()
        X_train, y_train = _safe_split(self.estimator, X, y, train)
        X_test, y_test = _safe_split(self.estimator, X, y, test, train)
        fit_params = _check_method_params(X, routed.estimator.fit, train)
        score_params = [
            _check_method_params(X, routed.scorer.score, rows) for rows in (train, test)
        ]
        fitted, problems = fit_candidates(self.estimator, candidates, X_train, y_train, fit_params)
        seconds = (time.perf_counter() - start) / len(candidates)
        rows: Rows = []
        for estimator, problem in zip(fitted, problems, strict=True):
            row: dict[str, Any] = {"fit_error": problem, "fit_time": seconds}
            start = time.perf_counter()
            score = partial(self._score, scorers, estimator, problem)
            row["test_scores"] = score(X_test, y_test, **score_params[1])
            row["score_time"] = time.perf_counter() - start
            if self.return_train_score:
                row["train_scores"] = score(X_train, y_train, **score_params[0])
            rows.append(row)
        return rows

    def _score(
        self,
        scorers: Any,
        estimator: Any,
        problem: Exception | None,
        X: Any,
        y: Any,
        **params: Any,
    ) -> Any:
        """A number, or one by name; ``error_score`` where the fit failed."""
        if problem is None:
            return scorers(estimator, X, y, **params)
        if self.error_score == "raise":
            raise problem
        names = getattr(scorers, "_scorers", None)
        return self.error_score if names is None else dict.fromkeys(names, self.error_score)

    def _choose_best(self, metric: str) -> None:
        results = self.cv_results_
        if self.halving is not None and not callable(self.refit):  # those of the last rung alone
            last = results["iter"] == max(results["iter"])
            scores = np.where(last, results[f"mean_test_{metric}"], -np.inf)
            self.best_index_ = int(np.nanargmax(scores))
        else:
            self.best_index_ = self._select_best_index(self.refit, metric, results)
        self.best_params_ = self.cv_results_["params"][self.best_index_]
        if not callable(self.refit):
            self.best_score_ = self.cv_results_[f"mean_test_{metric}"][self.best_index_]

    def _refit_best(self, X: Any, y: Any, params: Mapping[str, Any]) -> None:
        start = time.perf_counter()
        best = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
        self.best_estimator_ = best.fit(X, y, **params)
        self.refit_time_ = time.perf_counter() - start
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_


def check_searchable(estimator: Any) -> None:
    """Raise TypeError for other than an estimator of ours, or a pipeline that ends in one."""
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(last, NetEstimator):
        raise TypeError(
            "expected an estimator of chainrule.sklearn, or a Pipeline that ends in one, got "
            f"{type(last).__name__}; sklearn.model_selection.GridSearchCV takes any"
        )


def find_max_iter(estimator: Any, candidates: Sequence[Setting]) -> tuple[str, int]:
    """(the name of ``max_iter``, its value). Raises ValueError where it is searched."""
    prefix = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    name = f"{prefix}max_iter"
    if any(name in setting for setting in candidates):
        raise ValueError(f"halving is over {name}, which cannot be searched too")
    return name, int(estimator.get_params()[name])


def plan_rungs(n: int, factor: int | None, most: int) -> Iterator[tuple[int, int]]:
    """(candidates, epochs) of each rung; the last has ``most`` epochs.

    Raises ValueError for a factor below 2.
    """
    if not isinstance(factor, int) or factor < 2:
        raise ValueError(f"halving: expected None or at least 2, got {factor!r}")
    rungs = 1
    while factor**rungs <= n:
        rungs += 1
    for rung in range(rungs):
        yield max(1, n // factor**rung), max(1, most // factor ** (rungs - 1 - rung))


def fit_candidates(
    estimator: Any, candidates: Sequence[Setting], X: Any, y: Any, params: Mapping[str, Any]
) -> tuple[list[BaseEstimator], list[Exception | None]]:
    """(each candidate fitted, what was wrong with each)."""
    made = [
        clone(estimator).set_params(**clone(dict(setting), safe=False)) for setting in candidates
    ]
    if not isinstance(estimator, Pipeline):
        return made, fit_together(made, X, y, **params)
    name = estimator.steps[-1][0]
    weight = {key.removeprefix(f"{name}__"): value for key, value in params.items()}
    groups: dict[str, list[int]] = {}
    for i, pipeline in enumerate(made):
        groups.setdefault(repr(pipeline[:-1]), []).append(i)
    problems: list[Exception | None] = [None] * len(made)
    for indices in groups.values():
        head = made[indices[0]][:-1]
        inputs = head.fit_transform(X, y) if head.steps else X
        for i in indices:
            made[i].steps[:-1] = head.steps
        found = fit_together([made[i].steps[-1][1] for i in indices], inputs, y, **weight)
        for i, problem in zip(indices, found, strict=True):
            problems[i] = problem
    return made, problems


def warn_of_failures(rows: Rows, error_score: Any) -> None:
    """Warn of fits that failed. Raises ValueError where all of them did."""
    failed = [row["fit_error"] for row in rows if row["fit_error"] is not None]
    if failed and len(failed) == len(rows):
        raise ValueError(f"each of {count_noun(len(rows), 'fit')} failed; the first: {failed[0]}")
    if failed:
        warnings.warn(
            f"{len(failed)} of {count_noun(len(rows), 'fit')} failed, counted as {error_score}; "
            "the first: "
            f"{failed[0]}",
            FitFailedWarning,
            stacklevel=3,
        )
