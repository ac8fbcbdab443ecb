import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import bullseye, checkerboard, circles, disk, moons, one_hot, spirals, xor
from chainrule.data.datasets.loaders import disk_points

ALL = [bullseye, disk, moons, circles, spirals, xor, checkerboard]


@pytest.mark.parametrize("make", ALL)
def test_shapes_and_dtypes(make):
    data = make(7)
    assert (data.inputs.shape, data.inputs.dtype) == ((7, 2), torch.float32)
    assert (data.targets.shape, data.targets.dtype) == ((7,), torch.int64)


@pytest.mark.parametrize("make", ALL)
@settings(max_examples=15)
@given(n=st.integers(0, 40), seeds=st.lists(st.integers(-(2**70), 2**70), min_size=1, max_size=4))
def test_replica_k_is_the_draw_of_seed_k(make, n, seeds):
    cohort = make(n, seed=seeds)
    assert cohort.replicas == len(seeds)
    for k, seed in enumerate(seeds):
        alone, one = make(n, seed=seed), cohort.replica(k)
        assert torch.equal(one.inputs, alone.inputs)
        assert torch.equal(one.targets, alone.targets)


@pytest.mark.parametrize("make", ALL)
def test_another_seed_draws_other_points(make):
    assert not torch.equal(make(9, seed=0).inputs, make(9, seed=1).inputs)


@pytest.mark.parametrize("make", ALL)
def test_the_global_generator_is_left_alone(make):
    before = torch.get_rng_state()
    make(5)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("make", ALL)
def test_the_default_dtype_changes_no_bit(make):
    before = make(9)
    torch.set_default_dtype(torch.float64)
    try:
        after = make(9)
    finally:
        torch.set_default_dtype(torch.float32)
    assert after.inputs.dtype == torch.float32
    assert torch.equal(after.inputs, before.inputs)


@pytest.mark.parametrize("make", ALL)
def test_no_points_are_allowed_and_fewer_are_not(make):
    assert make(0).inputs.shape == (0, 2)
    with pytest.raises(ValueError, match=f"{make.__name__}: expected n at least 0, got -1"):
        make(-1)


@pytest.mark.parametrize("make", ALL)
def test_classes_are_equally_likely(make):
    # Five standard deviations of a fair coin thrown 10,000 times.
    assert make(10_000).targets.float().mean().item() == pytest.approx(0.5, abs=0.025)


def test_disk_labels_are_those_of_the_disk():
    data = disk(500)
    radius = (data.inputs.double() - 0.5).norm(dim=-1)
    inside = radius < 1 / math.sqrt(2 * math.pi)
    assert torch.equal(data.targets == 1, inside)


def test_a_bullseye_is_a_disk_and_a_ring_with_a_gap_between():
    data = bullseye(5000, share=0.3, gap=0.1)
    radius, inside = data.inputs.norm(dim=-1), data.targets == 1
    assert radius[inside].max() <= 0.5
    assert radius[~inside].min() >= 0.6 - 1e-6
    assert radius.max() <= 1 + 1e-6
    assert inside.float().mean().item() == pytest.approx(0.3, abs=0.03)


def test_a_bullseye_has_as_many_points_per_area_everywhere():
    data = bullseye(5000, share=1.0)
    # Half of a disk's area lies beyond √½ of its radius.
    beyond = data.inputs.norm(dim=-1) > 0.5 * math.sqrt(0.5)
    assert beyond.float().mean().item() == pytest.approx(0.5, abs=0.04)
    assert data.inputs.mean(0).tolist() == pytest.approx([0, 0], abs=0.02)


@pytest.mark.parametrize(("share", "gap"), [(-0.1, 0.1), (1.1, 0.1), (0.5, 0.5), (0.5, -0.1)])
def test_a_bullseye_refuses_what_leaves_no_room(share, gap):
    with pytest.raises(ValueError, match=f"in \\[0, ½\\), got {share} and {gap}"):
        bullseye(3, share=share, gap=gap)


def test_uniform_points_fill_their_square():
    square, centred = disk(2000).inputs, xor(2000).inputs
    assert (square.min() >= 0, square.max() < 1) == (True, True)
    assert square.mean(0).tolist() == pytest.approx([0.5, 0.5], abs=0.03)
    assert (centred.min() < -0.99, centred.max() > 0.99) == (True, True)


def test_xor_labels():
    data = xor(500)
    assert torch.equal(data.targets == 1, data.inputs.prod(-1) < 0)


@pytest.mark.parametrize("cells", [1, 2, 5])
def test_checkerboard_neighbours_differ(cells):
    data = checkerboard(500, cells=cells)
    column, row = (data.inputs * cells).long().unbind(-1)
    assert torch.equal(data.targets, (column + row) % 2)


def test_a_checkerboard_needs_a_cell():
    with pytest.raises(ValueError, match="at least 1 cell a side, got 0"):
        checkerboard(3, cells=0)


def test_moons_without_noise_lie_on_their_half_circles():
    data = moons(200, noise=0.0)
    upper, lower = data.inputs[data.targets == 0], data.inputs[data.targets == 1]
    assert (upper[:, 1] >= -1e-6).all()
    assert (lower[:, 1] <= 0.5 + 1e-6).all()
    torch.testing.assert_close(upper.norm(dim=-1), torch.ones(100))
    torch.testing.assert_close((lower - torch.tensor([1.0, 0.5])).norm(dim=-1), torch.ones(100))


def test_circles_without_noise_have_their_radii():
    data = circles(200, noise=0.0, factor=0.3)
    expected = torch.where(data.targets == 0, 1.0, 0.3)
    torch.testing.assert_close(data.inputs.norm(dim=-1), expected)


def test_spirals_without_noise_wind_as_told():
    # At radius r the arm of class 0 has turned by 2π · turns · r, that of class 1 half a turn more.
    data = spirals(200, noise=0.0, turns=2.0)
    radius = data.inputs.norm(dim=-1)
    angle = 4 * math.pi * radius + math.pi * data.targets
    expected = torch.stack((radius * angle.cos(), radius * angle.sin()), -1)
    torch.testing.assert_close(data.inputs, expected, atol=1e-5, rtol=0)


def test_spirals_have_as_many_points_per_length_of_arm_everywhere():
    # The length up to radius r grows as r², so half of the points lie beyond √½.
    radius = spirals(5000, noise=0.0).inputs.norm(dim=-1)
    assert (radius > math.sqrt(0.5)).float().mean().item() == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("make", [moons, circles, spirals])
def test_noise_is_the_deviation_that_is_added(make):
    moved = make(5000, noise=0.2).inputs - make(5000, noise=0.0).inputs
    assert moved.std().item() == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize("make", [moons, circles, spirals])
@pytest.mark.parametrize(
    ("noise", "message"),
    [(-0.1, ": expected noise at least 0, got -0.1"), (math.nan, ": noise: expected a number")],
)
def test_a_negative_noise_is_refused(make, noise, message):
    with pytest.raises(ValueError, match=f"{make.__name__}{message}"):
        make(3, noise=noise)


def test_one_hot_on_plus_and_minus_one():
    vectors = one_hot(torch.tensor([[2, 0]]), 3, low=-1.0)
    assert vectors.tolist() == [[[-1, -1, 1], [1, -1, -1]]]
    assert vectors.dtype == torch.float32


@pytest.mark.parametrize("outside", [-1, 3])
def test_one_hot_refuses_what_is_no_class(outside):
    with pytest.raises(ValueError, match=f"targets in 0 … 2, got {outside}"):
        one_hot(torch.tensor([0, outside]), 3)


def test_one_hot_refuses_another_dtype():
    with pytest.raises(TypeError, match=r"int64 targets, got torch\.float32"):
        one_hot(torch.tensor([0.0]), 3)


def test_a_studys_points_may_have_rows_for_a_tanh():
    plain, signed = (disk_points(3, train=20, test=10, signed=s) for s in (False, True))
    for a, b in zip(plain, signed, strict=True):
        assert torch.equal(a.inputs, b.inputs)
        assert torch.equal(b.targets.argmax(1), a.targets)
        assert set(b.targets.flatten().tolist()) == {-1.0, 1.0}
