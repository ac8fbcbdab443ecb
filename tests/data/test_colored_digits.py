"""Digits in colours: the real images, each in the colour that its target names."""

from __future__ import annotations

import pytest
import torch

from chainrule.data import colored_digits, deskew, digits
from chainrule.data.datasets.colored_digits import COLORS


def test_upright_digits_have_the_same_colours():
    data, plain = colored_digits(spread=6.0, noise=0), colored_digits(noise=0)
    gray = deskew(digits().inputs, 6.0)
    torch.testing.assert_close(data.inputs.amax(1, keepdim=True), gray)
    assert torch.equal(data.inputs > 0, (gray > 0) & (plain.inputs.amax((2, 3), keepdim=True) > 0))


def test_shapes_and_dtypes():
    data = colored_digits("test")
    assert (data.inputs.shape, data.inputs.dtype) == ((2500, 3, 28, 28), torch.float32)
    assert {name: of.dtype for name, of in data.targets.items()} == {
        "digit": torch.int64,
        "color": torch.int64,
    }


def test_without_noise_it_is_the_digit_times_its_colour():
    data, gray = colored_digits(colors=["red", (0.25, 0.5, 1.0)], noise=0), digits()
    paint = torch.tensor([[1.0, 0.0, 0.0], [0.25, 0.5, 1.0]])[data.targets["color"]]
    assert torch.equal(data.targets["digit"], gray.targets)
    assert torch.equal(data.inputs, gray.inputs * paint[:, :, None, None])


def test_colours_are_equally_likely():
    counts = colored_digits().targets["color"].bincount()
    assert len(counts) == 6
    assert (counts - 2500 / 6).abs().max() < 5 * (2500 / 6) ** 0.5


def test_noise_moves_the_colour_of_a_whole_image():
    data, gray = colored_digits(colors=[(0.5, 0.5, 0.5)], noise=0.07), digits()
    brightest = gray.inputs.flatten(1).argmax(1)
    paint = data.inputs.flatten(2).take_along_dim(brightest[:, None, None], 2)
    paint = paint.squeeze(2) / gray.inputs.flatten(1).amax(1, keepdim=True)
    assert paint.std().item() == pytest.approx(0.07, rel=0.05)
    assert torch.allclose(data.inputs, gray.inputs * paint[:, :, None, None], atol=1e-6)


def test_nothing_leaves_the_range():
    inputs = colored_digits(noise=3.0).inputs
    assert (inputs.min(), inputs.max()) == (0, 1)


def test_smaller_images_are_means_of_fields():
    small, whole = colored_digits(size=14, noise=0), colored_digits(noise=0)
    fields = whole.inputs.reshape(-1, 3, 14, 2, 14, 2).mean((3, 5))
    assert torch.allclose(small.inputs, fields, atol=1e-6)


def test_a_seed_draws_the_colours_and_replica_k_is_the_draw_of_seed_k():
    cohort = colored_digits(seed=[3, 4])
    for k, seed in enumerate((3, 4)):
        alone, one = colored_digits(seed=seed), cohort.replica(k)
        assert torch.equal(one.inputs, alone.inputs)
        assert torch.equal(one.targets["color"], alone.targets["color"])
    assert not torch.equal(cohort.inputs[0], cohort.inputs[1])


@pytest.mark.parametrize("color", ["mauve", (1.0, 0.0), (0.0, 0.0, 1.5)])
def test_what_is_no_colour_is_refused_with_the_names(color):
    with pytest.raises(ValueError, match=f"no colour .*; expected .* one of: {', '.join(COLORS)}"):
        colored_digits(colors=[color])


@pytest.mark.parametrize("wrong", [{"colors": []}, {"size": 15}, {"noise": -0.1}])
def test_other_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match="colored_digits: expected"):
        colored_digits(**wrong)
