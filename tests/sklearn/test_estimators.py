"""The estimators beside scikit-learn's own: the same contract, and more than one seed."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from contextlib import nullcontext, suppress
from io import BytesIO

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule.nn import Linear, MSELoss, Sequential, Tanh
from chainrule.sklearn import MLPClassifier, MLPRegressor, NetClassifier, NetRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:.*array_api:UserWarning"
)

QUICK = {"hidden_layer_sizes": (10,), "learning_rate_init": 0.02, "max_iter": 60}
SLOW = [
    *(MLPClassifier(n_seeds=4), MLPRegressor(n_seeds=4)),
    *(NetClassifier(), NetRegressor(), NetClassifier(n_seeds=4), NetRegressor(n_seeds=4)),
    *(NetClassifier(n_seeds=4, dtype="float64"), NetRegressor(n_seeds=4, dtype="float64")),
]
INEXACT = {
    *(f"check_sample_weight_equivalence_on_{kind}_data" for kind in ("dense", "sparse")),
    *(f"check_methods_{kind}_invariance" for kind in ("subset", "sample_order")),
}
"""What asks for seven equal digits of sums in another order, which float32 may have or not."""


def two_layers(inputs: int, outputs: int) -> Sequential:
    return Sequential(Linear(inputs, 8), Tanh(), Linear(8, outputs))


@pytest.fixture(scope="module")
def blobs():
    return make_classification(200, 6, n_informative=4, random_state=1)


WAYS = {
    **{f"pickle {n}": lambda model, n=n: pickle.loads(pickle.dumps(model, n)) for n in range(2, 6)},
    "joblib": lambda model: dump_and_load(model),
    "cloudpickle": lambda model: pickle.loads(pytest.importorskip("cloudpickle").dumps(model)),
    "deepcopy": copy.deepcopy,
}


def dump_and_load(model):
    joblib, file = pytest.importorskip("joblib"), BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


@parametrize_with_checks([MLPClassifier(**QUICK), MLPRegressor(**QUICK)])
def test_scikit_learn_finds_nothing_wrong(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(SLOW)
def test_scikit_learn_finds_nothing_wrong_with_any(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [MLPClassifier(**QUICK, dtype="float32"), MLPRegressor(**QUICK, dtype="float32")]
)
def test_scikit_learn_finds_little_wrong_in_float32(estimator, check):
    with suppress(AssertionError) if check.func.__name__ in INEXACT else nullcontext():
        check(estimator)


@pytest.mark.parametrize("way", [False, True], ids=["plain", "kernel"])
@pytest.mark.parametrize("duplicate", WAYS.values(), ids=WAYS)
def test_a_copy_predicts_and_learns_the_same(blobs, duplicate, way):
    options = QUICK | {"max_iter": 5, "n_seeds": 2, "compile": way}
    model = MLPClassifier(**options, random_state=0).fit(*blobs)
    other = duplicate(model)
    assert np.array_equal(other.predict_proba(blobs[0]), model.predict_proba(blobs[0]))
    before = model.predict_proba(blobs[0])
    for one in (model, other):
        one.partial_fit(*blobs)
    assert np.array_equal(other.predict_proba(blobs[0]), model.predict_proba(blobs[0]))
    assert not np.array_equal(other.predict_proba(blobs[0]), before)


def test_another_process_learns_the_same(blobs):
    model = MLPClassifier(**QUICK | {"max_iter": 5}, random_state=0).fit(*blobs)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        other = pool.apply(model.partial_fit, blobs)
    assert np.array_equal(
        other.predict_proba(blobs[0]), model.partial_fit(*blobs).predict_proba(blobs[0])
    )


@pytest.mark.parametrize("way", [False, True], ids=["plain", "kernel"])
def test_a_pickled_estimator_has_its_numbers_few_times(blobs, way):
    options = {"max_iter": 3, "random_state": 0, "compile": way, "n_seeds": 2}
    model = MLPClassifier((300, 100), **options).fit(*blobs)
    numbers = sum(parameter.data.nbytes for parameter in model.nets_.parameters())
    assert len(pickle.dumps(model.nets_)) < 1.1 * numbers
    assert len(pickle.dumps(model)) < 4.2 * numbers  # gradients and Adam's two moments beside


WEIGHTS = {0: 1.0, 1: 5.0}


def test_partial_fit_weighs_the_classes(blobs):
    X, y = blobs
    by_class = MLPClassifier(**QUICK, random_state=0, class_weight=WEIGHTS)
    by_sample = MLPClassifier(**QUICK, random_state=0)
    plain = MLPClassifier(**QUICK, random_state=0)
    for _ in range(3):
        by_class.partial_fit(X, y)
        by_sample.partial_fit(X, y, sample_weight=np.vectorize(WEIGHTS.get)(y))
        plain.partial_fit(X, y)
    assert np.array_equal(by_class.predict_proba(X), by_sample.predict_proba(X))
    assert by_class.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.05


def test_partial_fit_needs_the_weights_of_the_classes_themselves(blobs):
    with pytest.raises(ValueError, match=r"class_weight='balanced' needs all samples.*{class: w"):
        MLPClassifier(class_weight="balanced").partial_fit(*blobs)


def test_a_part_may_have_one_class_and_the_weights_name_some():
    X = np.random.default_rng(0).normal(size=(20, 3))
    model = MLPClassifier(**QUICK, class_weight={"b": 3.0})
    model.partial_fit(X, np.repeat("a", 20), classes=["a", "b", "c"])
    assert model.partial_fit(X, np.repeat("b", 20)).predict(X).shape == (20,)


@pytest.mark.parametrize("way", [False, "auto"], ids=["plain", "auto"])
@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_weights_may_come_and_go(blobs, cls, way):
    X, y = blobs
    ones, rows = np.ones(200), np.arange(200) < 150
    models = [cls(**QUICK, random_state=0, compile=way) for _ in range(2)]
    for weight in (None, ones, ones * rows, None):
        models[0].partial_fit(X, y, sample_weight=weight)
    for part, weight in ((X, ones), (X, None), (X[rows], None), (X, ones)):
        models[1].partial_fit(part, y[: len(part)], sample_weight=weight)
    told = [getattr(model, "predict_proba", model.predict)(X) for model in models]
    assert np.allclose(*told, atol=1e-9)
    models[0].fit(X, y, sample_weight=ones).partial_fit(X, y).partial_fit(X, y, sample_weight=ones)


def test_an_ensemble_is_the_mean_of_its_seeds(blobs):
    model = MLPClassifier(**QUICK, n_seeds=3, random_state=0).fit(*blobs)
    alone = np.stack(
        [np.asarray(model.nets_.replica(k)(as_tensor(blobs[0])).softmax(-1)) for k in range(3)]
    )
    assert np.allclose(model.predict_proba(blobs[0]), alone.mean(0), atol=1e-12)
    assert np.allclose(model.predict_std(blobs[0]), alone.std(0, ddof=1), atol=1e-12)
    assert MLPClassifier(**QUICK, random_state=0).fit(*blobs).predict_std(blobs[0]).max() == 0


def as_tensor(X):
    import torch

    return torch.from_numpy(X)


def test_the_first_seed_of_several_is_the_only_seed_of_one(blobs):
    one = MLPClassifier(**QUICK, random_state=4).fit(*blobs)
    four = MLPClassifier(**QUICK, n_seeds=4, random_state=4).fit(*blobs)
    x = as_tensor(blobs[0])
    assert np.allclose(one.nets_.replica(0)(x), four.nets_.replica(0)(x), atol=1e-9)


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.2},
        {"batch_norm": True},
        {"loss": "MSELoss"},
        {"loss": MSELoss()},
        {"optimizer": {"name": "SGD", "momentum": 0.9}, "learning_rate_init": 0.05},
        {"schedule": {"name": "StepLR", "step_size": 30}},
        {"activation": "tanh"},
        {"activation": "GELU"},
        {"hidden_layer_sizes": ()},
        {"early_stopping": True, "n_iter_no_change": 5},
        {"class_weight": "balanced"},
    ],
    ids=str,
)
def test_each_option_learns(blobs, options):
    model = MLPClassifier(**QUICK | {"random_state": 0} | options).fit(*blobs)
    assert model.score(*blobs) > 0.8


def test_the_loss_of_numbers_gives_no_probabilities(blobs):
    model = MLPClassifier(**QUICK, loss="MSELoss").fit(*blobs)
    with pytest.raises(ValueError, match="MSELoss gives no probabilities"):
        model.predict_proba(blobs[0])
    assert model.decision_function(blobs[0]).shape == (200,)


@pytest.mark.parametrize("labels", [np.array(["no", "yes"]), np.array([False, True])], ids=str)
def test_classes_keep_their_names(blobs, labels):
    X, y = blobs
    model = MLPClassifier(**QUICK).fit(X, labels[y])
    assert np.array_equal(model.classes_, labels)
    assert set(model.predict(X)) == set(labels)


def test_a_frame_keeps_the_names_of_its_columns(blobs):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(blobs[0], columns=list("abcdef"))
    model = make_pipeline(
        make_column_transformer((StandardScaler(), list("abc")), remainder="passthrough"),
        MLPClassifier(**QUICK),
    )
    assert model.fit(frame, blobs[1]).score(frame, blobs[1]) > 0.8
    alone = MLPClassifier(**QUICK).fit(frame, blobs[1])
    assert list(alone.feature_names_in_) == list("abcdef")
    with pytest.raises(ValueError, match="feature names"):
        alone.predict(frame[list("fedcba")])


def test_it_goes_where_other_estimators_go(blobs):
    X, y = blobs
    model = MLPClassifier(**QUICK, random_state=0)
    search = GridSearchCV(model, {"alpha": [1e-4, 1e-1]}, cv=2, n_jobs=1).fit(X, y)
    assert search.best_score_ > 0.7
    assert min(cross_validate(model, X, y, cv=2)["test_score"]) > 0.7
    assert CalibratedClassifierCV(model, cv=2).fit(X, y).score(X, y) > 0.7
    fitted = clone(model).fit(X, y)
    assert permutation_importance(fitted, X, y, n_repeats=2).importances_mean.max() > 0


def test_several_targets():
    X = np.random.default_rng(0).normal(size=(200, 3))
    Y = np.stack([X[:, 0] - X[:, 1], X[:, 2]], 1)
    model = MLPRegressor(**QUICK, n_seeds=2).fit(X, Y)
    assert model.predict(X).shape == model.predict_std(X).shape == (200, 2)
    assert model.score(X, Y) > 0.9


def test_any_net(blobs):
    X, y = blobs
    assert NetClassifier(two_layers, learning_rate_init=0.02).fit(X, y).score(X, y) > 0.8
    with pytest.raises(TypeError, match=r"expected a function \(inputs, outputs\) → Module"):
        NetRegressor(two_layers(6, 1)).fit(X, y)


def test_warm_start_goes_on_where_it_was(blobs):
    whole = MLPClassifier(**QUICK | {"max_iter": 20}, random_state=0).fit(*blobs)
    parts = MLPClassifier(**QUICK | {"max_iter": 10}, random_state=0, warm_start=True)
    parts.fit(*blobs).fit(*blobs)
    assert parts.n_iter_ == 20
    assert np.array_equal(parts.predict_proba(blobs[0]), whole.predict_proba(blobs[0]))


def test_early_stopping_holds_samples_out_and_goes_back_to_the_best_epoch(blobs):
    options = QUICK | {"max_iter": 400, "early_stopping": True}
    model = MLPClassifier(**options, random_state=0).fit(*blobs)
    assert model.n_iter_ < 400
    assert len(model.validation_loss_curve_) == model.n_iter_ == len(model.loss_curve_)
    with pytest.raises(ValueError, match="early_stopping needs samples to validate on"):
        MLPRegressor(**options).fit(blobs[0][:1], blobs[0][:1, 0])


def test_too_few_epochs_are_said(blobs):
    with pytest.warns(
        ConvergenceWarning, match="max_iter=2 epochs are done, and the loss still fell"
    ):
        MLPClassifier(max_iter=2).fit(*blobs)


def test_a_training_that_diverges_says_what_to_try(blobs):
    model = MLPRegressor(optimizer="SGD", learning_rate_init=1e9, max_iter=5)
    with pytest.raises(ValueError, match="try a smaller learning_rate_init, or standardize X"):
        model.fit(blobs[0] * 1e3, blobs[0][:, 0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "adam"}, "optimizer 'adam' is not known; did you mean 'Adam'"),
        ({"loss": "Hinge"}, "loss 'Hinge' is not known"),
        ({"activation": "rely"}, "no activation 'rely'"),
        ({"batch_size": 0}, "The .batch_size. parameter of MLPClassifier must be .* Got 0 instead"),
        (
            {"hidden_layer_sizes": (10, -1)},
            "hidden_layer_sizes: expected whole numbers, at least 1",
        ),
        ({"n_seeds": 0}, "The .n_seeds. parameter of MLPClassifier must be an int in the range"),
    ],
    ids=str,
)
def test_a_wrong_option_says_what_would_be_right(blobs, options, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**options).fit(*blobs)


def test_the_score_is_that_of_scikit_learns_own_within_noise():
    from sklearn.neural_network import MLPClassifier as Theirs

    X, y = load_breast_cancer(return_X_y=True)
    scores = [
        cross_validate(make_pipeline(StandardScaler(), model), X, y, cv=3)["test_score"].mean()
        for model in (MLPClassifier(max_iter=60, random_state=0), Theirs(max_iter=60))
    ]
    assert abs(scores[0] - scores[1]) < 0.02


def test_regression_is_better_than_the_mean():
    X, y = load_diabetes(return_X_y=True)
    model = MLPRegressor((20,), learning_rate_init=0.02, n_seeds=2, random_state=0)
    assert model.fit(X, (y - y.mean()) / y.std()).score(X, (y - y.mean()) / y.std()) > 0.4


def test_the_notebook_shows_how_it_went():
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier(max_iter=3)
    assert "epochs" not in model._repr_html_()
    assert "3 epochs, loss" in model.fit(X, y)._repr_html_()


@pytest.mark.parametrize(("activation", "factor"), [("relu", 6), ("logistic", 2)])
def test_a_regressor_starts_in_the_bounds_of_scikit_learn(activation, factor):
    net = MLPRegressor((30,), activation).make_net(5, 2).initialize(seed=0)
    for layer, sizes in ((net[0], 5 + 30), (net[2], 30 + 2)):
        bound = (factor / sizes) ** 0.5
        for values in (layer.weight.data, layer.bias.data):
            assert values.abs().max() <= bound
        assert layer.weight.data.abs().max() > 0.8 * bound
