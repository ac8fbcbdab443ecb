"""What a search of scikit-learn's takes and says, CohortSearchCV takes and says too."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning, UnsetMetadataPassedError
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, PredefinedSplit, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

import sklearn
from chainrule.sklearn import CohortSearchCV, MLPClassifier
from tests.sklearn.test_search import assert_same_results

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
NET = MLPClassifier((3,), max_iter=3, random_state=0)
PIPELINE = Pipeline([("head", StandardScaler()), ("net", NET)])
ALPHAS = {"alpha": [1e-3, 1.0]}
GROUPS = np.arange(len(X)) % 7
WEIGHT = np.linspace(0.1, 2.0, len(X))


def columns(*names):
    return ColumnTransformer([("few", StandardScaler(), list(names))])


def score_two(estimator, X, y):
    return {"right": estimator.score(X, y), "half": 0.5}


def fail(y, predicted):
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("estimator", "grid", "options", "params"),
    [
        (NET, ALPHAS, {"cv": GroupKFold(3)}, {"groups": GROUPS}),
        (NET, ALPHAS, {"cv": PredefinedSplit(GROUPS % 3 - 1), "n_jobs": 1}, {}),
        (NET, ALPHAS, {"scoring": score_two, "refit": "right"}, {}),
        (NET, ALPHAS, {"scoring": ["accuracy", "f1_macro"], "refit": False}, {}),
        (PIPELINE, {"net__alpha": [1e-3]}, {}, {"head__sample_weight": WEIGHT}),
        (PIPELINE, {"net__alpha": [1e-3]}, {}, {"net__sample_weight": WEIGHT}),
        (PIPELINE, {"net": [NET, MLPClassifier((2,), max_iter=2, random_state=1)]}, {}, {}),
        (PIPELINE, {"head": ["passthrough"], "net__alpha": [1.0]}, {}, {}),
        (NET, {"max_iter": np.arange(2, 4), "hidden_layer_sizes": [np.int64(2)]}, {}, {}),
    ],
    ids=["groups", "predefined", "dict", "refit", "head", "net", "nets", "steps", "numpy"],
)
def test_it_finds_what_grid_search_finds(estimator, grid, options, params):
    options = {"cv": 2, **options}
    ours = CohortSearchCV(estimator, grid, **options).fit(X, Y, **params)
    theirs = GridSearchCV(estimator, grid, **options).fit(X, Y, **params)
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    assert getattr(ours, "best_params_", None) == getattr(theirs, "best_params_", None)


def test_heads_that_print_alike_are_not_the_same():
    long = [0, 1] * 100
    grid = {"head": [columns(*long, 2), columns(*long, 3)]}
    assert repr(grid["head"][0]) == repr(grid["head"][1])
    pipeline = Pipeline([("head", columns(0)), ("net", NET)])
    ours = CohortSearchCV(pipeline, grid, cv=2).fit(X, Y).cv_results_
    assert_same_results(ours, GridSearchCV(pipeline, grid, cv=2).fit(X, Y).cv_results_)


def test_functions_without_a_name_are_told_apart():
    grid = {"head__func": [lambda X: X * 0, lambda X: X / 3]}
    pipeline = Pipeline([("head", FunctionTransformer()), ("net", NET)])
    found = CohortSearchCV(pipeline, grid, cv=2).fit(X, Y).cv_results_["mean_test_score"]
    theirs = GridSearchCV(pipeline, grid, cv=2).fit(X, Y).cv_results_["mean_test_score"]
    assert np.allclose(found, theirs, atol=1e-5)


@pytest.mark.filterwarnings("ignore:One or more of the t")
@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (NET, {"alpha": [-1.0, 1e-3]}),
        (PIPELINE, {"head": [FunctionTransformer(np.linalg.inv), StandardScaler()]}),
    ],
    ids=["net", "head"],
)
def test_a_candidate_that_is_refused_fails_alone(estimator, grid):
    search = CohortSearchCV(estimator, grid, cv=2, return_train_score=True)
    with pytest.warns(FitFailedWarning, match="2 fits failed out of a total of 4"):
        scores = search.fit(X, Y).cv_results_
    assert np.isnan(scores["mean_test_score"]).tolist() == [True, False]
    assert np.isnan(scores["mean_train_score"]).tolist() == [True, False]


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_a_scorer_that_fails_counts_as_told():
    search = CohortSearchCV(NET, ALPHAS, cv=2, scoring=make_scorer(fail), refit=False)
    with pytest.warns(UserWarning, match="Scoring failed"):
        assert np.isnan(search.fit(X, Y).cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("scoring", [None, "accuracy", ["accuracy", "neg_log_loss"]])
@pytest.mark.parametrize("counts", [True, False, None], ids=["counts", "counts not", "unsaid"])
@pytest.mark.filterwarnings("ignore:Scoring failed", "ignore:One or more of the test scores")
def test_metadata_goes_where_it_is_requested(counts, scoring):
    """Unsaid, it is an error of the same words; a pipeline's own score refuses False."""
    found, told = [], []
    with sklearn.config_context(enable_metadata_routing=True):
        net = MLPClassifier(**NET.get_params()).set_fit_request(sample_weight=True)
        if counts is not None:
            net.set_score_request(sample_weight=counts)
        head = StandardScaler().set_fit_request(sample_weight=True)
        pipeline = Pipeline([("head", head), ("net", net)])
        grid = {"net__alpha": [1e-3]}
        options = {"cv": 2, "scoring": scoring, "refit": False}
        for search in (CohortSearchCV, GridSearchCV):
            try:
                made = search(pipeline, grid, **options).fit(X, Y, sample_weight=WEIGHT)
                found.append(made.cv_results_)
            except UnsetMetadataPassedError as error:
                told.append(str(error).replace("CohortSearchCV", "GridSearchCV"))
    if found:
        assert_same_results(*found)
    assert len(found) + len(told) == 2
    assert len(set(told)) < 2


@pytest.mark.parametrize(
    ("search", "error", "message"),
    [
        (CohortSearchCV(NET, ALPHAS, cv=[]), ValueError, "No fits were performed"),
        (CohortSearchCV(NET, ALPHAS, n_jobs=0), ValueError, "n_jobs == 0"),
        (CohortSearchCV(NET, ALPHAS, error_score="x"), ValueError, "'error_score' parameter"),
        (CohortSearchCV(PIPELINE, {"net": [SVC()]}, cv=2), TypeError, "or a Pipeline that ends"),
        (CohortSearchCV(NET, ALPHAS, cv=2, scoring=score_two), ValueError, "refit must be set"),
        (
            CohortSearchCV(NET, ALPHAS, halving=2, scoring=["accuracy"], refit=False),
            ValueError,
            "halving needs the one metric",
        ),
    ],
    ids=["folds", "jobs", "score", "other", "refit", "halving"],
)
def test_a_search_that_makes_no_sense_is_refused(search, error, message):
    with pytest.raises(error, match=message):
        search.fit(X, Y)


def test_a_search_is_searched_over_folds_of_its_own():
    search = CohortSearchCV(PIPELINE, {"net__alpha": [1e-3, 1.0]}, cv=2)
    assert np.isfinite(cross_validate(search, X, Y, cv=2)["test_score"]).all()


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_samples_that_the_net_refuses_at_the_test_are_told():
    holes = np.where(np.arange(len(X))[:, None] == len(X) - 1, np.nan, X)
    search = CohortSearchCV(NET, ALPHAS, cv=PredefinedSplit(np.arange(len(X)) // 75 - 1))
    with (
        pytest.warns(UserWarning, match="(?s)Scoring failed.*NaN"),
        pytest.raises(ValueError, match="NaN"),
    ):
        search.fit(holes, Y)


def test_a_candidate_takes_its_own_nets_along():
    kept = []

    def keep(estimator, X, y):
        kept.append(pickle.loads(pickle.dumps(estimator)))
        assert np.array_equal(kept[-1].predict_proba(X), estimator.predict_proba(X))
        return estimator.score(X, y)

    CohortSearchCV(NET, ALPHAS, cv=2, scoring=keep, refit=False).fit(X, Y)
    assert [each.nets_.replicas for each in kept] == [1] * 4
