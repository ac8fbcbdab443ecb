"""Data, recipe and trainer of one training, from names and values."""

from __future__ import annotations

import pytest

from chainrule import estimators
from chainrule.estimators import build_recipe, build_trainer, fit_predictor, load_split


def test_a_split_is_loaded_and_its_kind_is_told_from_the_targets():
    assert load_split("disk_points", arguments={"train": 50, "test": 20}).kind == "classification"
    assert load_split("auto_mpg", "mpg").kind == "regression"


def test_a_test_set_that_comes_apart_stays_as_it_is():
    split = load_split("disk_points", arguments={"train": 50, "test": 20})
    assert [*split.test_indices] == [*range(50, 70)]
    assert len(split.test_rows) == 20
    assert (len(split.train_set), len(split.validation_set)) == (40, 10)


@pytest.mark.parametrize(
    ("kind", "loss"), [("classification", "CrossEntropyLoss"), ("regression", "MSELoss")]
)
def test_a_recipe_has_the_usual_loss_of_its_kind(kind, loss):
    assert build_recipe("plane_net", kind).loss.name == loss


def test_settings_go_over_the_recipe():
    recipe = build_recipe("plane_net", "regression", settings={"net.hidden": 7}, batch_size=5)
    assert (recipe.net.arguments, recipe.batch_size) == ({"hidden": 7}, 5)


def test_the_net_has_the_sizes_of_the_data_unless_they_are_set():
    split = load_split("auto_mpg", "mpg")
    trainer = build_trainer(build_recipe("table_net", split.kind), split)
    assert trainer.net[0].weight.data.shape[-1] == len(split.preprocessor.columns.features)
    wrong = build_recipe("table_net", split.kind, settings={"net.inputs": 3})
    with pytest.raises(ValueError, match=r"expected input \(…, 3\)"):
        build_trainer(wrong, split)


def test_a_predictor_is_fitted_on_a_split():
    split = load_split("disk_points", arguments={"train": 50, "test": 20})
    trainer = build_trainer(build_recipe("plane_net", split.kind), split)
    predictor, fit = fit_predictor(trainer, split, epochs=3, patience=2, progress=False)
    assert fit.epochs == 3
    assert len(predictor.predict(split.test_rows)) == 20
    assert predictor.loss == "CrossEntropyLoss"


def test_every_name_is_found_and_no_other():
    assert all(getattr(estimators, name) for name in estimators.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        estimators.nosuch  # noqa: B018
