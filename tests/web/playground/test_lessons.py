"""Each lesson's settings are built, and what its text says one sees is so."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.web.playground.catalog import load_lessons

LESSONS = {lesson["title"]: lesson for lesson in load_lessons()}


def test_there_are_eight_lessons_each_with_all_its_parts():
    assert len(LESSONS) == 8
    for lesson in LESSONS.values():
        assert {*lesson} == {"title", "question", "text", "answer", "setting", "try"}
        assert {*lesson["try"]} == {"label", "setting"}


@pytest.mark.parametrize("title", LESSONS)
def test_a_lessons_settings_are_ones_of_the_page(page, title):
    for part in (LESSONS[title], LESSONS[title]["try"]):
        assert page.do("build", setting={**part["setting"], "seeds": 2})["type"] == "frame"


def train(page, title, epochs, attempt=False):
    """The last message, after so many epochs of a lesson's setting."""
    part = LESSONS[title]["try"] if attempt else LESSONS[title]
    page.do("build", setting=part["setting"])
    return page.do("step", epochs=epochs)


def last(frame, side, curve, which="mean"):
    return frame["curves"][side][curve][which][-1]


def linear_gradients(frame, side):
    """‖dL/dy‖ of each Linear, from the input on."""
    layers = frame["sides"][side]["layers"]
    return [
        g
        for g, kind in zip(layers["dy"]["mean"], layers["layers"], strict=True)
        if kind == "Linear"
    ]


def test_a_gradient_is_a_sum_of_pulls_of_both_signs(page):
    train(page, "What a gradient is", 2)
    found = page.do("weight", path="0.weight", index=[1, 0])
    assert min(found["terms"]) < 0 < max(found["terms"])
    assert found["sum"] == pytest.approx(found["grad"], rel=1e-12)
    assert found["difference"] == pytest.approx(found["grad"], abs=1e-6)
    train(page, "What a gradient is", 2, attempt=True)
    assert len(page.do("weight", path="0.weight", index=[1, 0])["terms"]) == 1


@pytest.mark.slow
def test_gradients_vanish_through_sigmoids(page):
    frame = train(page, "Gradients vanish through sigmoids", 50)
    sigmoid = linear_gradients(frame, 0)
    assert sigmoid[0] < sigmoid[-1] / 1000
    assert last(frame, 0, "test_loss") == pytest.approx(0.693, abs=0.01)
    assert last(frame, 1, "test_accuracy") > 0.85
    frame = train(page, "Gradients vanish through sigmoids", 50, attempt=True)
    assert last(frame, 0, "test_accuracy") > 0.85


@pytest.mark.slow
def test_relus_die_and_leaky_ones_do_not(page):
    frame = train(page, "Dead ReLUs", 30)
    assert np.nanmax(frame["sides"][0]["layers"]["dead"]["mean"]) >= 0.3
    frame = train(page, "Dead ReLUs", 30, attempt=True)
    assert last(frame, 0, "test_accuracy") > 0.8


@pytest.mark.slow
def test_zero_is_no_beginning(page):
    frame = train(page, "Why zero is no beginning", 50)
    assert last(frame, 0, "test_accuracy") > 0.9
    assert last(frame, 1, "test_loss") == pytest.approx(0.693, abs=0.01)
    assert linear_gradients(frame, 1)[:2] == [0, 0]
    assert page.do("weight", side=1, path="2.weight", index=[1, 1])["terms"] == [0] * 50
    assert frame["sides"][1]["map"]["spread"].max() <= 2  # of 255


@pytest.mark.slow
def test_a_rate_that_is_too_high_does_not_come_down(page):
    frame = train(page, "A learning rate that is too high", 50)
    assert last(frame, 0, "test_accuracy") > 0.9
    assert last(frame, 1, "test_loss") > 2
    assert last(frame, 1, "test_loss", "high") > 2 * last(frame, 1, "test_loss", "low")
    frame = train(page, "A learning rate that is too high", 50, attempt=True)
    assert np.diff(frame["curves"][0]["train_loss"]["mean"]).max() < 0.02
    assert last(frame, 0, "test_loss") > 0.5


@pytest.mark.slow
def test_batch_norm_brings_gradients_to_the_first_layers(page):
    frame = train(page, "What batch norm hands back", 50)
    assert linear_gradients(frame, 1)[0] > 1000 * linear_gradients(frame, 0)[0]
    assert last(frame, 1, "test_loss") < 0.5 < last(frame, 0, "test_loss")
    frame = train(page, "What batch norm hands back", 200, attempt=True)
    losses = frame["curves"][0]["test_loss"]["mean"]
    assert losses[199] < 0.5 < losses[99]


@pytest.mark.slow
def test_a_net_over_fits_and_dropout_holds_it_back(page):
    frame = train(page, "Over-fitting, and dropout", 40)
    assert last(frame, 0, "train_accuracy") == 1
    assert last(frame, 0, "test_accuracy") < 0.82
    assert last(frame, 1, "train_loss") > last(frame, 0, "train_loss")
    many = train(page, "Over-fitting, and dropout", 40, attempt=True)
    assert last(many, 0, "test_accuracy") > last(frame, 0, "test_accuracy") + 0.08


@pytest.mark.slow
def test_the_bands_of_two_activations_overlap(page):
    frame = train(page, "Was it luck? Seeds", 50, attempt=True)
    one, two = ([last(frame, s, "test_accuracy", w) for w in ("low", "high")] for s in (0, 1))
    assert max(one[0], two[0]) < min(one[1], two[1])
