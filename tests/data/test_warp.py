import pytest
import torch

from chainrule.data import Warp, digit_pairs, digits
from chainrule.data.augment.warp import GRID
from chainrule.data.transforms.interpolation import interpolate_cubic

NOTHING = {"shift": 0, "rotate": 0, "scale": 0, "shear": 0, "elastic": 0}


def at_the_bound(x, **bounds):
    """The image x warped by draws that are all 1, so that each part is its bound."""
    draws = torch.ones(1, 7 + 2 * GRID**2, dtype=x.dtype)
    places = Warp(**NOTHING | bounds)._source_positions(draws, *x.shape)
    return interpolate_cubic(x[None], *places.unbind(1)).view_as(x)


def pixels(H, W):
    rows, columns = torch.meshgrid(
        torch.arange(H).double(), torch.arange(W).double(), indexing="ij"
    )
    return rows.reshape(1, -1), columns.reshape(1, -1)


def test_without_any_bound_nothing_moves():
    x = digit_pairs(7).inputs
    assert torch.allclose(Warp(**NOTHING)(x, [3], 5), x, atol=1e-5)


def test_between_pixels_a_quadratic_is_exact():
    rows, columns = pixels(6, 7)

    def f(r, c):
        return 2 + 0.3 * r - 0.7 * c + 0.11 * r * r + 0.05 * r * c - 0.13 * c * c

    x = f(rows, columns).view(1, 6, 7)
    r, c = torch.tensor([[1.3, 2.9, 3.5]]).double(), torch.tensor([[4.1, 1.0, 2.75]]).double()
    assert torch.allclose(interpolate_cubic(x, r, c), f(r, c), rtol=1e-12)


@pytest.mark.parametrize("place", [-2.5, -1.0, 6.0, 6.5, 7.5, 1e9])
def test_beyond_the_edge_there_is_nothing(place):
    x, far = torch.ones(1, 6, 6), torch.tensor([[place]])
    inside = torch.tensor([[3.0]])
    expected = -0.0625 if place == 6.5 else 0.0  # half a pixel out, the cubic still feels the edge
    assert interpolate_cubic(x, far, inside).item() == pytest.approx(expected)
    assert interpolate_cubic(x, inside, far).item() == pytest.approx(expected)


def test_a_shift_takes_each_value_from_its_place_plus_the_shift():
    x = torch.rand(5, 6).double()
    assert torch.allclose(at_the_bound(x, shift=2)[:3, :4], x[2:, 2:])


def test_a_rotation_turns_about_the_centre():
    x = torch.rand(7, 7).double()
    assert torch.allclose(at_the_bound(x, rotate=90), x.rot90(-1))
    assert torch.allclose(at_the_bound(x, rotate=180), x.flip(0, 1))


def test_a_scale_stretches_about_the_centre_along_both_axes():
    x = torch.rand(9, 9).double()
    assert torch.allclose(at_the_bound(x, scale=1)[2:7, 2:7], x[::2, ::2])


def test_a_shear_moves_columns_by_the_row():
    x = torch.rand(5, 9).double()
    y = at_the_bound(x, shear=1)
    assert torch.allclose(y[0, 2:], x[0, :-2])
    assert torch.allclose(y[2], x[2])
    assert torch.allclose(y[4, :-2], x[4, 2:])


def test_an_elastic_field_of_equal_displacements_is_a_shift():
    x = torch.rand(6, 6).double()
    assert torch.allclose(at_the_bound(x, elastic=1)[:5, :5], x[1:, 1:])


def test_an_elastic_field_bends():
    x = torch.rand(3, 8, 8)
    draws = torch.rand(3, 7 + 2 * GRID**2)
    places = Warp(**NOTHING | {"elastic": 1.5})._source_positions(draws, 8, 8)
    moved = places - torch.stack(pixels(8, 8), 1).float()
    assert moved.std(-1).min() > 0.1
    assert moved.abs().max() <= 1.5
    assert interpolate_cubic(x, *places.unbind(1)).shape == (3, 64)


def test_what_comes_in_is_the_images_own_background():
    x = torch.rand(4, 3, 6, 6) + torch.tensor([-7.0, 1.0, 5.0]).view(3, 1, 1)
    ground = x.amin((-2, -1), keepdim=True)
    y = Warp(**NOTHING | {"shift": 1e4})(x, [1], 0)
    assert torch.allclose(y, ground.expand_as(y))


def test_a_replica_draws_what_it_draws_alone():
    x = digit_pairs(5, seed=[1, 2, 3]).inputs
    seeds, warp = [4, 0, 2**40], Warp()
    cohort = warp(x, seeds, 6)
    for k, seed in enumerate(seeds):
        assert torch.equal(cohort[k], warp(x[k], [seed], 6))


def test_draws_depend_on_the_step_and_the_seed_and_nothing_else():
    x, warp = digit_pairs(5).inputs, Warp()
    once = warp(x, [1], 2)
    torch.rand(3)
    assert torch.equal(once, warp(x, [1], 2))
    assert not torch.equal(once, warp(x, [1], 3))
    assert not torch.equal(once, warp(x, [2], 2))


def test_every_image_is_moved_on_its_own():
    x = digit_pairs(1).inputs[:, :1].expand(3, 2, 14, 14)
    y = Warp()(x, [1], 0).flatten(0, 1)
    assert torch.cdist(y.flatten(1), y.flatten(1)).fill_diagonal_(9).min() > 0.1


def test_images_of_28_by_28_bend_too():
    x = digits().inputs[:5]
    y = Warp()(x, [1], 0)
    assert y.shape == x.shape
    assert (y - x).abs().mean() < 0.75 * (x.flip(0) - x).abs().mean()


def test_the_channels_of_an_image_move_alike():
    x = digits().inputs[:4].expand(4, 3, 28, 28)
    warp = Warp(channels=3)
    y = warp(x, [1], 0)
    assert torch.equal(y[:, :1].expand_as(y), y)
    assert torch.equal(y[:, :1], Warp()(x[:, :1], [1], 0))
    assert torch.equal(warp(x[None].expand(2, *x.shape), [1, 7], 0)[0], y)


@pytest.mark.parametrize("shape", [(4, 2, 6, 6), (6, 6, 6)])
def test_other_channels_are_refused(shape):
    with pytest.raises(ValueError, match=r"Warp: expected images \(…, 3, H, W\)"):
        Warp(channels=3)(torch.ones(shape), [1], 0)


def test_less_than_a_channel_is_refused():
    with pytest.raises(ValueError, match="Warp: expected channels at least 1, got 0"):
        Warp(channels=0)


def test_a_digit_stays_about_where_and_what_it_was():
    x = digit_pairs(300).inputs
    y = Warp()(x, [1], 0)
    assert abs(y.mean() - x.mean()) < 0.02 * x.mean()
    assert (y - x).abs().mean() < 0.75 * (x.flip(0) - x).abs().mean()


def test_dtype_is_kept_and_x_is_not_written_into():
    x = digit_pairs(3).inputs.double()
    before = x.clone()
    assert Warp()(x, [1], 0).dtype == torch.float64
    assert torch.equal(x, before)


def test_an_empty_batch_stays_empty():
    assert Warp()(torch.empty(2, 0, 2, 14, 14), [1, 2], 0).shape == (2, 0, 2, 14, 14)


@pytest.mark.parametrize(
    ("x", "seeds"),
    [
        (torch.rand(4, 4), [1]),
        (torch.ones(2, 4, 4, dtype=torch.int64), [1]),
        (torch.rand(3, 4, 4), [1, 2]),
        (torch.rand(3, 4, 4), []),
    ],
)
def test_what_cannot_be_shared_out_is_refused(x, seeds):
    with pytest.raises(ValueError, match="Warp: expected floating images"):
        Warp()(x, seeds, 0)


@pytest.mark.parametrize("bound", [*NOTHING, "gamma"])
def test_a_negative_bound_is_refused_by_name(bound):
    with pytest.raises(ValueError, match=f"Warp: expected {bound} at least 0, got -0.5"):
        Warp(**{bound: -0.5})


def test_gamma_bends_the_values_between_the_smallest_and_the_largest():
    x = torch.linspace(-1.0, 3.0, 100).view(1, 10, 10).repeat(50, 1, 1)
    y = Warp(**NOTHING, gamma=0.5)(x, [4], 0)
    shares = (y + 1) / 4
    powers = shares.log() / ((x + 1) / 4).log()
    inner = powers[:, 1:-1]
    assert torch.allclose(inner, inner[:, :1, :1].expand_as(inner), atol=1e-3)
    logs = inner[:, 0, 0].log()
    assert -0.5 <= logs.min() < -0.4 < 0.4 < logs.max() <= 0.5
    assert torch.allclose(y.amin((1, 2)), torch.tensor(-1.0))
    assert torch.allclose(y.amax((1, 2)), torch.tensor(3.0))


def test_gamma_leaves_an_even_image_as_it_is():
    x = torch.full((2, 5, 5), 0.25)
    assert torch.equal(Warp(**NOTHING, gamma=0.5)(x, [4], 0), x)


def test_gamma_does_not_change_how_images_move():
    x = torch.rand(3, 8, 8)
    moved = Warp()(x, [4], 0).clamp(x.amin((1, 2), True), x.amax((1, 2), True))
    assert torch.allclose(Warp(gamma=1e-6)(x, [4], 0), moved, atol=1e-4)
