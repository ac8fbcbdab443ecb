import pytest
import torch

from chainrule.data import deskew, digit_pairs
from chainrule.data.datasets.loaders import pairs


def figure(slant: float = 0.0, width: float = 2.0, at: tuple[float, float] = (0.0, 0.0)):
    """A smooth blot, 21 x 21, double: slanted, so wide, away from the centre."""
    rows, columns = torch.meshgrid(
        torch.arange(21).double(), torch.arange(21).double(), indexing="ij"
    )
    i, j = rows - 10 - at[0], columns - 10 - at[1]
    return torch.exp(-(((j - slant * i) / width) ** 2 + (i / 3) ** 2) / 2)


def moments(x):
    """Centre, slant and spread along rows of one image."""
    rows, columns = torch.meshgrid(*(torch.arange(n).to(x) for n in x.shape), indexing="ij")
    share = x / x.sum()
    r, c = (share * rows).sum(), (share * columns).sum()
    v_rr = (share * (rows - r) ** 2).sum()
    v_rc = (share * (rows - r) * (columns - c)).sum()
    v_cc = (share * (columns - c) ** 2).sum()
    return r, c, v_rc / v_rr, v_cc.sqrt()


@pytest.mark.parametrize("slant", [-0.6, 0.0, 0.4])
@pytest.mark.parametrize("width", [1.5, 2.5])
@pytest.mark.parametrize("at", [(0.0, 0.0), (1.0, -2.0)])
def test_a_figure_stands_upright_in_the_middle_and_is_so_wide(slant, width, at):
    r, c, a, s = moments(deskew(figure(slant, width, at), 2.0))
    assert r == pytest.approx(10, abs=0.05)
    assert c == pytest.approx(10, abs=0.05)
    assert a == pytest.approx(0, abs=0.02)
    assert s == pytest.approx(2.0, abs=0.03)


def test_what_stands_so_already_stays():
    x = figure()
    assert torch.allclose(deskew(x, moments(x)[3].item()), x, atol=2e-3)


def test_every_image_is_its_own():
    x = torch.stack([figure(0.3, 1.5), figure(-0.2, 2.5)])
    whole = deskew(x, 2.0)
    for one, alone in zip(whole, x, strict=True):
        assert torch.allclose(one, deskew(alone, 2.0))
    assert torch.equal(deskew(x.view(1, 2, 21, 21), 2.0), whole.view(1, 2, 21, 21))


def test_values_stay_between_the_background_and_the_largest():
    x = digit_pairs(50).inputs
    y = deskew(x, 3.0)
    assert (y >= 0).all()
    assert (y.amax((-2, -1)) <= x.amax((-2, -1))).all()
    assert y.dtype == x.dtype


def test_an_empty_image_stays_empty_and_a_dot_does_not_become_a_bar():
    assert torch.equal(deskew(torch.zeros(2, 5, 5), 3.0), torch.zeros(2, 5, 5))
    dot = torch.zeros(9, 9)
    dot[2, 7] = 1.0
    y = deskew(dot, 3.0)
    assert y[4, 4] == 1
    assert ((y > 0.5).sum(1) <= 3).all()


@pytest.mark.parametrize("spread", [0, -1.0, float("nan")])
def test_a_spread_that_is_not_positive_is_refused(spread):
    with pytest.raises(
        ValueError, match=r"upright: expected a spread above 0, got|deskew: spread: .* got nan"
    ):
        deskew(torch.rand(3, 3), spread)


@pytest.mark.parametrize(
    "x", [torch.ones(3, 3, dtype=torch.int64), torch.rand(3), torch.tensor([[0.0, -1.0]])]
)
def test_what_are_not_images_is_refused(x):
    with pytest.raises(ValueError, match=r"upright: expected floating images"):
        deskew(x, 2.0)


def test_pairs_with_a_spread_are_the_same_pairs_set_upright():
    for plain, set_so in zip(
        pairs(3, train=20, test=10), pairs(3, train=20, test=10, spread=3.0), strict=True
    ):
        assert torch.equal(set_so.inputs, deskew(plain.inputs, 3.0))
        for name, target in plain.targets.items():
            assert torch.equal(set_so.targets[name], target)
