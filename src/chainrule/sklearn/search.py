"""CohortSearchCV: a search over settings, all candidates of a fold trained at once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar, Self, final

import numpy as np
import torch
from joblib import effective_n_jobs
from sklearn.base import clone, is_classifier
from sklearn.model_selection import ParameterGrid, ParameterSampler, check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import (
    _insert_error_scores,
    _warn_or_raise_about_fit_failures,
)
from sklearn.utils import indexable
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_method_params

from chainrule._util.threads import torch_threads
from chainrule.sklearn.candidates import Setting, check_searchable
from chainrule.sklearn.folds import FoldEvaluation, Rows
from chainrule.sklearn.halving import find_max_iter, keep_best, plan_halving

__all__ = ["CohortSearchCV"]


@final
class CohortSearchCV(BaseSearchCV):  # type: ignore[misc]
    """GridSearchCV, or with ``param_distributions`` RandomizedSearchCV, in one cohort a fold.

    - ``estimator``: one of this package, or a Pipeline that ends in one.
    - ``param_grid``, or ``param_distributions`` with ``n_iter`` and ``random_state``.
    - ``halving``: None, or a factor such as 3: all candidates are tried for a few epochs, and one
      in so many is kept each time until the last ones have all ``max_iter``; ``cv_results_`` then
      has ``iter`` and ``n_resources``, and the search ``n_candidates_``, ``n_resources_`` …, as
      HalvingGridSearchCV.
    - ``n_jobs``: threads that train, all processors for -1; None: as many as PyTorch has.
    - ``scoring``, ``refit``, ``cv``, ``error_score``, ``return_train_score``, ``verbose``: as in
      scikit-learn's.

    Of each fold, candidates that differ in ``learning_rate_init`` and ``alpha`` alone are trained
    at once, others as many at a time as there are threads; and a pipeline's earlier steps are
    fitted once for all that have them in common. Ctrl-C ends the search. After
    ``fit`` it has what GridSearchCV has: ``cv_results_``, ``best_estimator_``, ``best_params_``,
    ``best_score_``, ``best_index_``. The fit time of a candidate is its share of its fold's.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseSearchCV._parameter_constraints,
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "halving": [None, Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        param_grid: Any = None,
        *,
        param_distributions: Any = None,
        n_iter: int = 10,
        halving: int | None = None,
        scoring: Any = None,
        n_jobs: int | None = None,
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
            n_jobs=n_jobs,
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
        TypeError for an estimator of another kind, ValueError where nothing is searched or no fit
        succeeds.
        """
        self._validate_params()
        check_searchable(self.estimator)
        scorers, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        routed = self._get_routed_params_for_fit(_check_method_params(X, params))
        candidates = [*self._candidates()]
        if not candidates:
            raise ValueError("param_grid: expected candidates, got none")
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = [*cv.split(X, y, **routed.splitter.split)]
        self.n_splits_ = len(splits)
        folds = FoldEvaluation(
            self.estimator,
            X,
            y,
            splits,
            scorers,
            routed.estimator.fit,
            routed.scorer.score,
            self.error_score,
            self.return_train_score,
        )
        with torch_threads(self._count_threads()):
            if self.halving is None:
                rows = self._evaluate(folds, candidates)
                self.cv_results_ = self._format_results(candidates, self.n_splits_, rows)
            else:
                rows = self._halve(folds, candidates, refit_metric)
            self._conclude(rows, scorers, refit_metric)
            if self.refit:
                self._refit_best(X, y, routed.estimator.fit)
        return self

    def _run_search(self, evaluate_candidates: Any) -> None:
        """Unused: ``fit`` evaluates all candidates of a fold together."""
        raise NotImplementedError

    def _count_threads(self) -> int:
        if self.n_jobs is None:
            return torch.get_num_threads()
        return int(effective_n_jobs(self.n_jobs))

    def _candidates(self) -> Iterator[Setting]:
        if (self.param_grid is None) == (self.param_distributions is None):
            raise ValueError("expected param_grid or param_distributions, one of them")
        if self.param_grid is not None:
            yield from ParameterGrid(self.param_grid)
        else:
            yield from ParameterSampler(
                self.param_distributions, self.n_iter, random_state=self.random_state
            )

    def _evaluate(self, folds: FoldEvaluation, candidates: Sequence[Setting]) -> Rows:
        """The rows of all candidates, each on all folds; warns or raises where fits failed."""
        n = len(candidates)
        if self.verbose:
            print(
                f"Fitting {self.n_splits_} folds for each of {n} candidates, totalling "
                f"{n * self.n_splits_} fits"
            )
        rows = folds.evaluate(candidates)
        if not rows:
            raise ValueError("No fits were performed. Was the CV iterator empty?")
        _warn_or_raise_about_fit_failures(rows, self.error_score)
        if callable(self.scoring):  # whose names are known only now
            _insert_error_scores(rows, self.error_score)
        return rows

    def _halve(self, folds: FoldEvaluation, candidates: Sequence[Setting], metric: Any) -> Rows:
        """Evaluate fewer and fewer candidates for more and more epochs; the rows of all."""
        if not isinstance(metric, str):
            raise ValueError(
                "halving needs the one metric by which candidates are kept: with several in "
                f"scoring, refit is to name it, got {self.refit!r}"
            )
        name, most = find_max_iter(self.estimator, candidates)
        plan = plan_halving(len(candidates), self.halving or 2, most)
        tried: list[Setting] = []
        rows: Rows = []
        more: dict[str, list[int]] = {"iter": [], "n_resources": []}
        for i, (n, epochs) in enumerate(zip(plan.n_candidates, plan.n_resources, strict=True)):
            if i:
                scores = self.cv_results_[f"mean_test_{metric}"][-len(candidates) :]
                candidates = keep_best(candidates, scores, n)
            candidates = [{**setting, name: epochs} for setting in candidates]
            rows += self._evaluate(folds, candidates)
            tried += candidates
            more["iter"] += [i] * n
            more["n_resources"] += [epochs] * n
            self.cv_results_ = self._format_results(tried, self.n_splits_, rows, more)
        self.__dict__.update(plan.attributes())
        return rows

    def _conclude(self, rows: Rows, scorers: Any, metric: Any) -> None:
        """Know the scorers and the best candidate."""
        self.multimetric_ = isinstance(rows[0]["test_scores"], dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(rows[0]["test_scores"])
            metric = self.refit
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        if self.refit or not self.multimetric_:
            self._choose_best(metric)

    def _choose_best(self, metric: Any) -> None:
        results = self.cv_results_
        if self.halving is not None and not callable(self.refit):  # those of the last rung alone
            last = np.flatnonzero(results["iter"] == max(results["iter"]))
            scores = np.nan_to_num(results[f"mean_test_{metric}"][last], nan=-np.inf)
            self.best_index_ = int(last[scores.argmax()])
        else:
            self.best_index_ = self._select_best_index(self.refit, metric, results)
        self.best_params_ = results["params"][self.best_index_]
        if not callable(self.refit):
            self.best_score_ = results[f"mean_test_{metric}"][self.best_index_]

    def _refit_best(self, X: Any, y: Any, params: Mapping[str, Any]) -> None:
        start = time.perf_counter()
        best = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
        self.best_estimator_ = best.fit(X, y, **params)
        self.refit_time_ = time.perf_counter() - start
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_
