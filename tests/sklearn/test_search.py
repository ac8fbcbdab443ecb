"""CohortSearchCV beside scikit-learn's own searches over the same estimators."""

from __future__ import annotations

import signal
import threading

import numpy as np
import pytest
import torch

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_iris, load_wine
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from chainrule._util.threads import torch_threads
from chainrule.sklearn import CohortSearchCV, MLPClassifier, MLPRegressor, cohort
from chainrule.sklearn.halving import plan_halving

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

WINE = load_wine(return_X_y=True)
NET = MLPClassifier((10,), max_iter=20, random_state=3)
PIPELINE = make_pipeline(StandardScaler(), NET)
GRID = {
    "mlpclassifier__learning_rate_init": [1e-3, 3e-2],
    "mlpclassifier__alpha": [1e-4, 1e-1],
    "mlpclassifier__hidden_layer_sizes": [(5,), (10,)],
}


def assert_same_results(ours, theirs):
    assert {*ours} == {*theirs}
    assert ours["params"] == theirs["params"]
    for name in ours:
        if "score" in name and "time" not in name:
            assert np.allclose(ours[name], theirs[name], atol=1e-5, equal_nan=True), name


@pytest.mark.parametrize(
    "options", [{"n_seeds": 2}, {"early_stopping": True}, {"batch_norm": True}], ids=str
)
def test_a_grid_scores_as_scikit_learns_does(options):
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**NET.get_params() | options))
    how = {"cv": 3, "return_train_score": True}
    ours = CohortSearchCV(pipeline, GRID, **how).fit(*WINE)
    theirs = GridSearchCV(pipeline, GRID, **how).fit(*WINE)
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    assert ours.best_params_ == theirs.best_params_
    assert np.array_equal(ours.predict(WINE[0]), theirs.predict(WINE[0]))


def test_random_settings_of_several_metrics():
    how = {"n_iter": 3, "random_state": 0, "cv": 2, "scoring": ["accuracy", "neg_log_loss"]}
    space = {"learning_rate_init": [1e-3, 1e-2, 1e-1], "alpha": [0.0, 1e-2]}
    X = StandardScaler().fit_transform(WINE[0])
    ours = CohortSearchCV(NET, param_distributions=space, refit="accuracy", **how)
    theirs = RandomizedSearchCV(NET, space, refit="accuracy", **how)
    assert_same_results(ours.fit(X, WINE[1]).cv_results_, theirs.fit(X, WINE[1]).cv_results_)
    assert {*ours.scorer_} == {"accuracy", "neg_log_loss"}


def test_steps_before_the_net_are_searched_and_fitted_on_the_fold_alone():
    grid = {"scale": [StandardScaler(), MinMaxScaler()], "net__alpha": [1e-4, 1e-2]}
    from sklearn.pipeline import Pipeline

    pipeline = Pipeline([("scale", StandardScaler()), ("net", NET)])
    ours = CohortSearchCV(pipeline, grid, cv=2, refit=False).fit(*WINE)
    theirs = GridSearchCV(pipeline, grid, cv=2, refit=False).fit(*WINE)
    assert np.allclose(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"], atol=1e-5
    )


def test_sample_weights_go_along_with_their_samples():
    X, y = load_iris(return_X_y=True)
    weight = np.where(y == 2, 0.1, 1.0)
    grid = {"alpha": [0.0, 1e-2]}
    net = MLPRegressor((5,), max_iter=20, random_state=0)
    ours = CohortSearchCV(net, grid, cv=2).fit(X[:, :3], X[:, 3], sample_weight=weight)
    theirs = GridSearchCV(net, grid, cv=2).fit(X[:, :3], X[:, 3], sample_weight=weight)
    assert np.allclose(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"], atol=1e-5
    )


RATES = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 0.2, 0.3, 0.4]


@pytest.mark.parametrize(("n", "epochs"), [(9, 18), (10, 9), (2, 5), (9, 2)])
def test_halving_says_what_halving_grid_search_says(n, epochs):
    pipeline = clone(PIPELINE).set_params(mlpclassifier__max_iter=epochs)
    grid = {"mlpclassifier__learning_rate_init": RATES[:n]}
    ours = CohortSearchCV(pipeline, grid, halving=3, cv=2).fit(*WINE)
    theirs = HalvingGridSearchCV(
        pipeline,
        grid,
        resource="mlpclassifier__max_iter",
        max_resources=epochs,
        cv=2,
        min_resources=ours.min_resources_,
    ).fit(*WINE)
    names = [name for name in vars(theirs) if "candidates_" in name or "resources_" in name]
    names += [name for name in vars(theirs) if "iterations_" in name]
    assert len(names) == 8
    assert {name: getattr(ours, name) for name in names} == {
        name: getattr(theirs, name) for name in names
    }
    for key in ("iter", "n_resources"):
        assert list(ours.cv_results_[key]) == list(theirs.cv_results_[key])
    assert max(ours.cv_results_["n_resources"]) == epochs


def test_halving_gives_the_last_ones_all_epochs():
    plan = plan_halving(48, 3, 30)
    assert plan.n_candidates == [48, 16, 6, 2]
    assert plan.n_resources == [1, 3, 10, 30]
    assert plan_halving(125, 5, 1000).n_required_iterations == 4


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_a_candidate_that_diverges_counts_as_told_and_the_others_are_not_touched():
    X, _ = load_iris(return_X_y=True)
    net = MLPRegressor((5,), optimizer="SGD", max_iter=20, random_state=0)
    search = CohortSearchCV(net, {"learning_rate_init": [1e-2, 1e30]}, cv=2, refit=False)
    with pytest.warns(FitFailedWarning, match="2 fits failed out of a total of 4"):
        scores = search.fit(X[:, :3], X[:, 3]).cv_results_["mean_test_score"]
    assert np.isfinite(scores[0])
    assert np.isnan(scores[1])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: CohortSearchCV(LogisticRegression(), {}), TypeError, "GridSearchCV takes any"),
        (lambda: CohortSearchCV(NET), ValueError, "param_grid or param_distributions, one of"),
        (lambda: CohortSearchCV(NET, {"max_iter": [5]}, halving=3), ValueError, "is over max_iter"),
        (
            lambda: CohortSearchCV(NET, {"alpha": [1]}, halving=1),
            ValueError,
            "parameter of Cohort",
        ),
        (lambda: CohortSearchCV(NET, []), ValueError, "param_grid: expected candidates, got none"),
        (lambda: CohortSearchCV(NET, {"alfa": [1]}), ValueError, "Invalid parameter 'alfa'"),
    ],
)
def test_a_wrong_search_says_what_would_be_right(make, error, message):
    with pytest.raises(error, match=message):
        make().fit(*WINE)


def test_it_says_how_much_there_is_to_fit_and_takes_a_net_without_steps_before(capsys):
    pipeline = make_pipeline(NET)
    search = CohortSearchCV(pipeline, {"mlpclassifier__alpha": [0.0, 1.0]}, cv=2, verbose=1)
    search.fit(StandardScaler().fit_transform(WINE[0]), WINE[1])
    assert capsys.readouterr().out == "Fitting 2 folds for each of 2 candidates, totalling 4 fits\n"
    assert search.best_score_ > 0.5


def test_a_failure_is_raised_where_that_is_asked_for():
    net = MLPRegressor((5,), optimizer="SGD", max_iter=20, learning_rate_init=1e30)
    X, _ = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="smaller learning_rate_init"):
        CohortSearchCV(net, {"alpha": [0.0]}, cv=2, error_score="raise").fit(X[:, :3], X[:, 3])
    with pytest.raises(ValueError, match="All the 2 fits failed"):
        CohortSearchCV(net, {"alpha": [0.0]}, cv=2).fit(X[:, :3], X[:, 3])


SIZES = {"hidden_layer_sizes": [(5,), (9,), (5, 4), (12,)], "learning_rate_init": [1e-3, 3e-2]}


def test_candidates_of_other_sizes_are_trained_at_the_same_time(monkeypatch):
    both = threading.Barrier(2, timeout=60)
    train = cohort.train_nets
    monkeypatch.setattr(cohort, "train_nets", lambda *given: (both.wait(), train(*given)))
    with torch_threads(2):
        search = CohortSearchCV(NET, SIZES, cv=2, error_score="raise").fit(*WINE)
        assert torch.get_num_threads() == 2
    assert len(search.cv_results_["params"]) == 8


def test_scores_are_a_moments_work_of_one_thread():
    """Threads of PyTorch that wait for the next moment's work do so without rest."""
    seen = []
    with torch_threads(2):
        CohortSearchCV(
            NET,
            SIZES,
            cv=2,
            scoring=lambda net, X, y: seen.append(torch.get_num_threads()) or net.score(X, y),
            refit=False,
        ).fit(*WINE)
        assert torch.get_num_threads() == 2
    assert set(seen) == {1}


def test_threads_change_no_score():
    found = []
    for threads in (1, 2):
        with torch_threads(threads):
            found.append(CohortSearchCV(NET, SIZES, cv=2).fit(*WINE).cv_results_)
    for name in ("split0_test_score", "split1_test_score"):
        assert (found[0][name] == found[1][name]).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_control_c_ends_the_search(threads):
    net = MLPClassifier((10,), max_iter=10**6, tol=0, n_iter_no_change=10**6, random_state=3)
    killer = threading.Timer(2, signal.raise_signal, [signal.SIGINT])
    killer.start()
    with torch_threads(threads), pytest.raises(KeyboardInterrupt):
        CohortSearchCV(net, {"hidden_layer_sizes": [(5,), (9,), (12,)]}, cv=2).fit(*WINE)
