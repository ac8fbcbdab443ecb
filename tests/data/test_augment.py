"""Augmentations that see the target, each on batches (K, B, …)."""

from __future__ import annotations

import pytest
import torch

from chainrule.data import (
    Compose,
    Cutout,
    GaussianNoise,
    MixUp,
    PadImages,
    RandomCrop,
    RandomHorizontalFlip,
    RandomRotation,
    RandomVerticalFlip,
    SwapPair,
    Warp,
)

K, B = 2, 9
SEEDS = [3, 8]
CLASSES = torch.arange(K * B).reshape(K, B) % 2


def images(*channels, H=6, W=7):
    return torch.rand(K, B, *channels, H, W, generator=torch.Generator().manual_seed(1)).double()


EACH = [
    RandomHorizontalFlip(),
    RandomVerticalFlip(),
    RandomCrop(6, padding=2),
    PadImages(2, fill=0.5),
    RandomRotation(40),
    Cutout(3),
    GaussianNoise(0.3),
    MixUp(0.7, num_classes=2),
    SwapPair(),
    Compose([Warp(), RandomHorizontalFlip(), MixUp(num_classes=2)]),
]


@pytest.mark.parametrize("augment", EACH, ids=lambda a: type(a).__name__)
def test_a_replica_gets_what_its_seed_alone_gives_and_nothing_is_written_into(augment):
    x, t = images(2), CLASSES
    before = x.clone()
    both, targets = augment(x, t, SEEDS, 5)
    alone, target = augment(x[1:], t[1:], SEEDS[1:], 5)
    assert torch.equal(both[1:], alone)
    assert torch.equal(targets[1:], target)
    assert torch.equal(x, before)
    assert both.dtype == x.dtype


@pytest.mark.parametrize("augment", EACH, ids=lambda a: type(a).__name__)
def test_another_step_and_another_seed_give_other_samples(augment):
    x = images(2)
    first, _ = augment(x, CLASSES, SEEDS, 5)
    for seeds, step in ((SEEDS, 6), ([4, 9], 5)):
        other, _ = augment(x, CLASSES, seeds, step)
        assert torch.equal(first, other) == isinstance(augment, PadImages)


@pytest.mark.parametrize("make", [RandomHorizontalFlip, RandomVerticalFlip])
def test_a_flip_is_drawn_for_each_image(make):
    x, axis = images(3), make.axis
    assert torch.equal(make(0.0)(x, None, SEEDS, 0)[0], x)
    assert torch.equal(make(1.0)(x, None, SEEDS, 0)[0], x.flip(axis))
    y, _ = make(0.5)(x, CLASSES, SEEDS, 0)
    turned = (y == x.flip(axis)).flatten(2).all(-1)
    assert 0 < turned.sum() < K * B
    assert ((y == x).flatten(2).all(-1) ^ turned).all()


MOVES = [
    RandomHorizontalFlip,
    RandomVerticalFlip,
    lambda **more: RandomCrop(4, **more),
    lambda **more: PadImages(1, **more),
    lambda **more: RandomRotation(30, **more),
    lambda **more: Cutout(3, **more),
]


@pytest.mark.parametrize("make", MOVES)
def test_a_target_that_is_an_image_changes_as_its_input_does(make):
    x = images(1)
    y, target = make(target=True)(x, x, SEEDS, 2)
    assert torch.equal(y, target)
    assert torch.equal(make()(x, CLASSES, SEEDS, 2)[1], CLASSES)


@pytest.mark.parametrize("make", MOVES)
def test_channels_change_alike(make):
    x = images(1).expand(K, B, 3, 6, 7)
    y, _ = make()(x, CLASSES, SEEDS, 2)
    assert torch.allclose(y[:, :, 0], y[:, :, 2])
    plain, _ = make()(x[:, :, 0], CLASSES, SEEDS, 2)
    assert torch.allclose(y[:, :, 1], plain)


def test_a_crop_is_a_part_of_the_image_from_any_place():
    x = torch.arange(42.0).reshape(1, 1, 6, 7).expand(1, 200, 6, 7)
    y, _ = RandomCrop(5)(x, None, [3], 0)
    corners = y[0, :, 0, 0]
    assert torch.equal(y, corners.reshape(1, -1, 1, 1) + x[:, :, :5, :5])
    assert sorted(corners.unique().tolist()) == [0, 1, 2, 7, 8, 9]


def test_a_crop_with_padding_has_what_fills_it():
    y, _ = RandomCrop(6, padding=3, fill=-1.0)(images(H=6, W=6), CLASSES, SEEDS, 0)
    assert y.shape == (K, B, 6, 6)
    assert (y == -1).any()
    with pytest.raises(ValueError, match="images of at least 9 × 9 with their padding, got 6 × 7"):
        RandomCrop(9)(images(), CLASSES, SEEDS, 0)


def test_a_rotation_stays_within_its_degrees_and_differs_by_image():
    x = torch.zeros(1, 50, 21, 21)
    x[..., 10, 18] = 1.0  # eight to the right of the centre
    y, _ = RandomRotation(30)(x, None, [3], 0)
    rows = y.amax(-1).argmax(-1) - 10
    assert rows.abs().max() <= 4  # 8 sin 30°
    assert len(rows.unique()) > 4


def test_a_square_is_covered_also_at_the_edge():
    y, _ = Cutout(3, fill=9.0)(torch.zeros(1, 300, 1, 6, 7), None, [3], 0)
    covered = (y == 9).flatten(2).sum(-1)
    assert set(covered.unique().tolist()) <= {4, 6, 9}
    assert covered.max() == 9


def test_noise_has_its_size_and_is_cut_on_request():
    x = torch.zeros(1, 100, 50)
    y, _ = GaussianNoise(0.3)(x, None, [3], 0)
    assert y.std().item() == pytest.approx(0.3, abs=0.01)
    assert GaussianNoise(3.0, clip=True)(x, None, [3], 0)[0].aminmax() == (0, 1)


def test_samples_and_targets_are_mixed_alike():
    x = torch.arange(2.0 * B).reshape(K, B, 1)
    y, target = MixUp(1.0)(x, x.clone(), SEEDS, 0)
    assert torch.equal(y, target)
    assert (y[0] < B).all()  # of one's own replica
    assert not torch.equal(y, x)
    assert torch.allclose(y.sum((1, 2)), x.sum((1, 2)), rtol=0.5)


def test_classes_become_shares():
    x, t = torch.rand(K, B, 4), CLASSES
    _, shares = MixUp(1.0, num_classes=3)(x, {"main": t}, SEEDS, 0)
    assert shares["main"].shape == (K, B, 3)
    assert torch.allclose(shares["main"].sum(-1), torch.ones(K, B))
    with pytest.raises(ValueError, match="targets are classes; expected num_classes"):
        MixUp()(x, t, SEEDS, 0)


def test_a_pair_the_other_way_round_has_the_other_answer_but_for_equals():
    first, second = torch.tensor([[1, 5, 7]]), torch.tensor([[4, 5, 2]])
    targets = {"main": (first <= second).long(), "first": first, "second": second}
    x = torch.stack([first, second], 2).float()
    y, turned = SwapPair(1.0)(x, targets, [3], 0)
    assert torch.equal(y, x.flip(2))
    assert turned["main"].tolist() == [[0, 1, 1]]
    assert turned["first"].tolist() == [[4, 5, 2]]
    assert targets["main"].tolist() == [[1, 1, 0]]
    assert SwapPair(1.0)(x, targets["main"], [3], 0)[1].tolist() == [[0, 0, 1]]
    assert SwapPair(1.0)(x, {"main": targets["main"]}, [3], 0)[1]["main"].tolist() == [[0, 0, 1]]


def test_two_of_a_kind_draw_for_themselves():
    x = images(1)
    twice, _ = Compose([RandomHorizontalFlip(), RandomHorizontalFlip()])(x, CLASSES, SEEDS, 0)
    assert not torch.equal(twice, x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RandomHorizontalFlip(1.5), "RandomHorizontalFlip: expected p from 0 to 1"),
        (lambda: PadImages(-1), "PadImages: expected padding at least 0, got -1"),
        (lambda: RandomCrop(0), "expected size at least 1 .* got 0 and 0"),
        (lambda: RandomRotation(-3), "expected rotate at least 0, got -3"),
        (lambda: Cutout(0), "Cutout: expected size at least 1, got 0"),
        (lambda: GaussianNoise(-0.1), "GaussianNoise: expected sigma at least 0"),
        (lambda: MixUp(0), "MixUp: expected alpha above 0, got 0"),
        (lambda: SwapPair(-1), "SwapPair: expected p from 0 to 1"),
        (lambda: Compose([]), "expected at least one augmentation"),
        (lambda: Cutout(2)(torch.rand(2, 3, 4), None, SEEDS, 0), "expected floating images"),
        (lambda: MixUp()(torch.rand(3, 3), None, SEEDS, 0), "inputs \\(K, B, …\\) for K = 2 seeds"),
        (lambda: SwapPair()(images(3), CLASSES, SEEDS, 0), "expected pairs"),
        (lambda: SwapPair()(images(2), CLASSES + 1, SEEDS, 0), "expected answers 0 or 1"),
        (lambda: SwapPair()(images(2), {"a": CLASSES}, SEEDS, 0), "answer to be one of a, got"),
    ],
)
def test_what_cannot_be_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
