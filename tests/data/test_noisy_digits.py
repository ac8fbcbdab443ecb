"""Digits with noise, and what is to be learned of them."""

from __future__ import annotations

import pytest
import torch

from chainrule.data import digits, noisy_digits
from chainrule.data.datasets.loaders import noisy_digit_images


def test_a_clean_target_is_the_image():
    data = noisy_digits("test", noise=0.3, seed=4)
    assert torch.equal(data.targets, digits("test").inputs)
    noise = data.inputs - data.targets
    assert noise.mean().item() == pytest.approx(0, abs=1e-3)
    assert noise.std().item() == pytest.approx(0.3, abs=1e-3)


def test_a_noisy_target_has_noise_of_its_own_and_the_same_input():
    clean, noisy = (noisy_digits(target=t, size=14, noise=0.3, seed=4) for t in ("clean", "noisy"))
    assert torch.equal(clean.inputs, noisy.inputs)
    a, b = (clean.inputs - clean.targets).flatten(), (noisy.targets - clean.targets).flatten()
    assert abs(torch.corrcoef(torch.stack([a, b]))[0, 1].item()) < 0.01
    assert b.std().item() == pytest.approx(0.3, abs=1e-2)


def test_a_replica_is_the_plain_draw_of_its_seed():
    both = noisy_digits("test", size=7, seed=[1, 2])
    assert torch.equal(both.replica(1).inputs, noisy_digits("test", size=7, seed=2).inputs)


def test_test_targets_of_a_study_are_always_clean():
    train, test = noisy_digit_images(0, train=30, test=20, target="noisy", noise=0.5, size=14)
    assert (len(train), len(test)) == (30, 20)
    assert test.targets.amin() >= 0
    assert train.targets.amin() < 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"target": "dirty"}, "expected target 'clean', 'noisy' or 'both', got 'dirty'"),
        ({"size": 10}, "expected size 28, 14 or 7, got 10"),
        ({"noise": -1.0}, "expected noise at least 0, got -1.0"),
    ],
)
def test_what_cannot_be_made_is_told(wrong, message):
    with pytest.raises(ValueError, match=f"noisy_digits: {message}"):
        noisy_digits(**wrong)
