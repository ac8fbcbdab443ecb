"""What a data set looks like."""

from __future__ import annotations

import pytest
import torch
from matplotlib.axis import Axis

from chainrule.data import Dataset, bullseye, colored_digits, digit_pairs, digits
from chainrule.report import samples


def first(data: Dataset, n: int = 40) -> Dataset:
    return data.subset(torch.arange(n))


def shown(axes) -> torch.Tensor:
    return torch.as_tensor(axes.images[0].get_array())


def test_every_point_is_there_in_the_colour_of_its_class():
    data = bullseye(50, seed=1)
    _, axes = samples(data)
    drawn = [torch.as_tensor(found.get_offsets()) for found in axes.collections]
    for label, points in enumerate(drawn):
        assert torch.allclose(points.float(), data.inputs[data.targets == label])


def test_points_may_have_targets_in_a_column():
    data = bullseye(50, seed=1)
    _, axes = samples(Dataset(data.inputs, data.targets[:, None].float() * 2 - 1))
    assert len(axes.collections) == 2


def test_grey_images_have_their_digits_above_them():
    data = first(digits())
    _, places = samples(data)
    assert places.shape == (4, 10)
    assert [axes.get_title() for axes in places.flat] == [str(int(t)) for t in data.targets]
    assert torch.allclose(shown(places[0, 3]), data.inputs[3, 0])


def test_images_are_drawn_without_ticks(monkeypatch):
    figure, _ = samples(first(digits(), 10))
    made = []
    monkeypatch.setattr(Axis, "_get_tick", lambda axis, major: made.append(axis))
    figure.draw_without_rendering()
    assert made == []


def test_images_in_colour_keep_it_also_where_they_were_standardized():
    data = first(colored_digits())
    _, places = samples(Dataset(data.inputs * 3 - 1, data.targets))
    expected = data.inputs[7].permute(1, 2, 0)
    assert torch.allclose(shown(places[0, 7]), expected / data.inputs.max(), atol=1e-6)
    title = f"digit {data.targets['digit'][7]}\ncolor {data.targets['color'][7]}"
    assert places[0, 7].get_title() == title


def test_a_pair_stands_side_by_side():
    data = digit_pairs(3)
    _, places = samples(data)
    assert places.shape == (1, 5)
    image = shown(places[0, 1])
    assert image.shape == (14, 29)
    high = data.inputs.max()
    assert torch.allclose(image[:, :14], data.inputs[1, 0] / high)
    assert torch.allclose(image[:, 15:], data.inputs[1, 1] / high)
    assert not places[0, 3].images


def test_a_table_has_a_histogram_of_each_column_and_of_the_target():
    _, places = samples(Dataset(torch.rand(30, 3), torch.rand(30, 1)))
    assert [axes.get_title() for axes in places] == ["x1", "x2", "x3", "target"]
    assert all(sum(bar.get_height() for bar in axes.patches) == 30 for axes in places)


@pytest.mark.parametrize("shape", [(3, 4, 5, 5), (3, 17), (3,), (0, 2)])
def test_what_cannot_be_shown_is_refused(shape):
    with pytest.raises(ValueError, match=r"expected .*, got"):
        samples(Dataset(torch.ones(shape), torch.zeros(shape[0], dtype=torch.int64)))


def test_replicas_are_refused():
    with pytest.raises(ValueError, match="expected a plain data set"):
        samples(bullseye(5, seed=[1, 2]))


def test_targets_that_are_images_stand_below_their_input():
    x, clean, noisy = (torch.rand(12, 1, 4, 5) for _ in range(3))
    for targets, height in ((clean, 9), ({"clean": clean, "noisy": noisy}, 14)):
        _, places = samples(Dataset(x, targets))
        assert sum(bool(axes.images) for axes in places.flat) == 10
        assert shown(places.flat[3]).shape == (height, 5)
        assert places.flat[3].get_title() == ""
