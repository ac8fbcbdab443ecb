"""Trainings that go on, samples of other kinds, and what is refused in scikit-learn's words."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("sklearn")

from scipy.sparse import csr_array
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

from chainrule.sklearn import MLPClassifier, MLPRegressor, samples

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
OPTIONS = {"hidden_layer_sizes": (3,), "max_iter": 3, "random_state": 0}


def classifier(**options):
    return MLPClassifier(**OPTIONS | options)


def regressor(**options):
    return MLPRegressor(**OPTIONS | options)


@pytest.mark.parametrize(
    ("go_on", "message"),
    [
        (lambda: classifier(warm_start=True).fit(X, Y).fit(X[:, :2], Y), "X has 2 features, but"),
        (lambda: classifier(warm_start=True).fit(X, Y).fit(X, Y + 1), "has the same classes"),
        (
            lambda: classifier(warm_start=True).fit(X, Y).set_params(n_seeds=2).fit(X, Y),
            "n_seeds: expected 1, as of the nets to go on with, got 2",
        ),
        (
            lambda: (
                classifier(warm_start=True).fit(X, Y).set_params(hidden_layer_sizes=9).fit(X, Y)
            ),
            r"hidden_layer_sizes: expected \(3,\), as of the nets to go on with, got 9",
        ),
        (
            lambda: classifier().partial_fit(X, Y).set_params(optimizer="SGD").partial_fit(X, Y),
            "optimizer: expected 'Adam', as of the nets to go on with, got 'SGD'",
        ),
        (
            lambda: regressor(warm_start=True).fit(X, X[:, 0]).fit(X, X[:, :2]),
            "y has 2 outputs, but MLPRegressor is expecting 1 outputs",
        ),
        (lambda: regressor().partial_fit(X, X[:, 0]).partial_fit(X, X), "y has 4 outputs"),
        (lambda: classifier(early_stopping=True).partial_fit(X, Y), "not support early_stopping"),
        (lambda: classifier().fit(X, Y).partial_fit(X, Y + 1), r"did not name: \[3\]"),
        (
            lambda: classifier().fit(X, np.array(["a", 1, None], object)[Y]),
            "y has classes of more than one kind: .*, got NoneType and int and str",
        ),
        (lambda: classifier(class_weight={0: -1, 1: 1, 2: 1}).fit(X, Y), "of at least 0, got"),
        (lambda: classifier(optimizer=3).fit(X, Y), "optimizer: expected a name, as 'SGD'"),
        (lambda: classifier(schedule={"step_size": 3}).fit(X, Y), "schedule: expected a name"),
        (lambda: classifier(loss=0).fit(X, Y), "loss: expected a name"),
        (lambda: classifier().fit(X, None), "requires y to be passed"),
    ],
)
def test_what_does_not_go_together_is_refused(go_on, message):
    with pytest.raises(ValueError, match=message):
        go_on()


def test_a_first_part_that_is_refused_leaves_nothing_behind():
    model = classifier()
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(np.full_like(X, np.nan), Y)
    assert model.partial_fit(X, Y).predict(X).shape == Y.shape


def test_a_training_goes_on_with_the_rate_of_now():
    models = [classifier(warm_start=True, batch_size=15).fit(X, Y) for _ in range(2)]
    models[1].set_params(learning_rate_init=0.1)
    losses = [model.fit(X, Y).loss_ for model in models]
    assert losses[1] < losses[0] - 0.01


def test_before_fit_there_are_no_nets():
    assert not hasattr(classifier(), "nets_")
    with pytest.raises(NotFittedError, match="this MLPClassifier has no nets_ yet: call fit"):
        _ = classifier().nets_


def test_a_sparse_x_is_predicted_some_rows_at_a_time(monkeypatch):
    model = classifier().fit(csr_array(X), Y)
    monkeypatch.setattr(samples, "SPARSE_ROWS_BYTES", 7 * 4 * 8)
    assert len([*samples.slice_sparse(csr_array(X))]) == 22
    assert np.allclose(model.predict_proba(csr_array(X)), model.predict_proba(X))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_answers_have_the_dtype_of_x(dtype):
    model = classifier().fit(X.astype(dtype), Y)
    for told in (model.predict_proba, model.predict_std, model.decision_function):
        assert told(X.astype(dtype)).dtype == dtype
    assert regressor().fit(X.astype(dtype), Y).predict(X.astype(dtype)).dtype == dtype


@pytest.mark.parametrize("y", [np.r_[3, Y[1:]], Y], ids=["a class of one", "few"])
def test_a_class_too_small_to_be_divided_is_held_out_by_chance(y):
    rows = slice(None) if y[0] == 3 else slice(45, 55)  # one held out, of two classes
    model = classifier(early_stopping=True).fit(X[rows], y[rows])
    assert len(model.validation_loss_curve_) == model.n_iter_


def test_numbers_of_numpy_are_numbers():
    options = {"max_iter": np.int64(2), "n_seeds": np.int64(2), "batch_size": np.int64(50)}
    model = classifier(**options, hidden_layer_sizes=np.array([3, 2])).fit(X, Y)
    assert (model.n_iter_, model.nets_.replicas) == (2, 2)


def test_nothing_ends_a_training_whose_patience_is_as_long():
    model = classifier(max_iter=30, n_iter_no_change=30, tol=10.0).fit(X, Y)
    assert model.n_iter_ == 30
    assert classifier(max_iter=30, n_iter_no_change=29, tol=10.0).fit(X, Y).n_iter_ == 30
    assert classifier(max_iter=30, n_iter_no_change=5, tol=10.0).fit(X, Y).n_iter_ == 6


@pytest.mark.parametrize(
    ("options", "rows", "given", "trained"),
    [
        ({}, 9_999, "float64", "float64"),
        ({}, 10_000, "float64", "float32"),
        ({}, 9_999, "float32", "float32"),
        ({"dtype": "float64"}, 10_000, "float32", "float64"),
        ({"dtype": np.float32}, 9_999, "float64", "float32"),
    ],
)
@pytest.mark.parametrize("make", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_a_large_x_is_trained_on_in_float32(options, rows, given, trained, make):
    x = np.linspace(-1, 1, rows, dtype=given)[:, None]
    model = regressor(**options, max_iter=1).fit(make(x), x.ravel())
    assert (model.dtype_, next(model.nets_.parameters()).data.dtype) == (
        trained,
        getattr(torch, trained),
    )
    assert model.predict(make(x)).dtype == given


def test_what_float32_cannot_hold_is_refused():
    with pytest.raises(ValueError, match=r"Input X contains .* too large for dtype\('float32'\)"):
        regressor(dtype="float32").fit(X * 1e300, Y)


def test_a_batch_goes_by_the_samples_of_its_own_call():
    few_first = regressor().partial_fit(X[:7], X[:7, 0])
    assert [
        few_first._trainer.batch_size,
        few_first.partial_fit(X, X[:, 0])._trainer.batch_size,
    ] == [7, 150]
    assert few_first.set_params(batch_size=50).partial_fit(X, X[:, 0])._trainer.batch_size == 50
