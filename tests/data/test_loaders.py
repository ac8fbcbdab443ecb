"""Where a study's samples come from: points and images; pairs and tables have tests of theirs."""

from __future__ import annotations

import pytest
import torch

from chainrule.data import digits
from chainrule.data.datasets.loaders import (
    bullseye_points,
    colored_digit_images,
    digit_images,
    plane_points,
)


@pytest.mark.parametrize("source", [bullseye_points, digit_images, colored_digit_images])
def test_a_seed_gives_the_same_samples_again_and_another_seed_others(source):
    once, again, other = (source(seed, train=30, test=20) for seed in (1, 1, 2))
    assert (len(once[0]), len(once[1])) == (30, 20)
    for i in (0, 1):
        assert torch.equal(once[i].inputs, again[i].inputs)
        assert not torch.equal(once[i].inputs, other[i].inputs)


def test_all_images_come_in_their_order_unless_a_number_is_said():
    train, test = digit_images(3)
    assert torch.equal(train.inputs, digits("train").inputs)
    assert torch.equal(test.targets, digits("test").targets)


def test_drawn_images_are_each_drawn_once():
    train, _ = digit_images(3, train=2400)
    assert len(train.inputs.flatten(1).unique(dim=0)) == 2400


@pytest.mark.parametrize("n", [0, 2501, -1])
def test_there_are_only_so_many_images(n):
    with pytest.raises(ValueError, match=f"expected from 1 to 2,500 images, got {n}"):
        digit_images(0, train=n)


def test_training_and_test_images_in_colour_are_drawn_apart():
    train, test = colored_digit_images(0)
    assert not torch.equal(train.targets["color"], test.targets["color"])


def test_a_bullseye_is_as_told():
    train, test = bullseye_points(0, train=2000, test=2000, share=0.2, gap=0.3)
    for data in (train, test):
        assert data.targets.float().mean().item() == pytest.approx(0.2, abs=0.05)
        assert data.inputs[data.targets == 0].norm(dim=-1).min() > 0.8 - 1e-6


@pytest.mark.parametrize("problem", ["disk", "moons", "spirals"])
def test_every_problem_in_the_plane_is_data_of_a_study(problem):
    train, test = plane_points(3, problem=problem, train=5, test=4)
    assert (len(train), len(test)) == (5, 4)
    assert not torch.equal(train.inputs[:4], test.inputs)


def test_a_problem_that_there_is_not_is_said():
    with pytest.raises(ValueError, match="problem: expected one of disk, bullseye"):
        plane_points(3, problem="disc")
