"""What holds for every batch that an augmentation is given."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import (
    Compose,
    Cutout,
    MixUp,
    PadImages,
    RandomCrop,
    RandomHorizontalFlip,
    RandomRotation,
    RandomVerticalFlip,
    SwapPair,
)

few = settings(max_examples=25)
seeds = st.integers(0, 2**40)
sizes = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 5), st.integers(1, 5))


def draw_images(size, seed=0):
    return torch.rand(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def draw_pairs(K, B, seed):
    digits = torch.randint(4, (K, B, 2), generator=torch.Generator().manual_seed(seed))
    first, second = digits.unbind(-1)
    targets = {"main": (first <= second).long(), "first": first, "second": second}
    return digits.double(), targets


@few
@given(sizes, seeds, st.sampled_from([RandomHorizontalFlip, RandomVerticalFlip]))
def test_a_flip_twice_is_none(size, seed, flip):
    x, own = draw_images(size), [seed + k for k in range(size[0])]
    for p in (0.0, 0.5, 1.0):
        both = flip(p, target=True)
        y, target = both(x, x, own, 3)
        again, _ = both(y, target, own, 3)
        assert torch.equal(y, target)
        assert torch.equal(again, x)


@few
@given(st.integers(1, 3), st.integers(1, 9), seeds, st.floats(0, 1))
def test_a_swapped_pair_is_answered_rightly_and_twice_is_none(K, B, seed, p):
    x, targets = draw_pairs(K, B, seed % 1000)
    own, swap = [seed + k for k in range(K)], SwapPair(p)
    y, turned = swap(x, targets, own, 1)
    assert torch.equal(turned["main"], (turned["first"] <= turned["second"]).long())
    assert torch.equal(y, torch.stack([turned["first"], turned["second"]], -1).double())
    again, same = swap(y, turned, own, 1)
    assert torch.equal(again, x)
    assert all(torch.equal(same[name], targets[name]) for name in targets)


@few
@given(st.integers(1, 3), st.integers(1, 9), seeds, st.floats(0.05, 3))
def test_mixed_shares_add_up_to_one_and_mixed_inputs_stay_between(K, B, seed, alpha):
    x = draw_images((K, B, 3), seed % 1000)
    t = torch.arange(K * B).reshape(K, B) % 4
    own = [seed + k for k in range(K)]
    y, shares = MixUp(alpha, num_classes=4)(x, t, own, 2)
    assert torch.allclose(shares.sum(-1), torch.ones(K, B, dtype=shares.dtype), atol=1e-12)
    assert shares.min() >= 0
    assert (y >= x.amin(1, keepdim=True) - 1e-12).all()
    assert (y <= x.amax(1, keepdim=True) + 1e-12).all()
    whole = torch.nn.functional.one_hot(t, 4).double()
    assert torch.equal(MixUp(alpha)(x, whole, own, 2)[1], shares)


@few
@given(sizes, seeds)
def test_what_changes_nothing_gives_what_was_given(size, seed):
    x, own = draw_images(size), [seed + k for k in range(size[0])]
    side = min(size[2:])
    square = x[..., :side, :side]
    assert torch.equal(RandomCrop(side)(square, None, own, 0)[0], square)
    assert torch.allclose(RandomRotation(0.0)(x, None, own, 0)[0], x, atol=1e-12)
    padded, _ = PadImages(2, fill=-1.0)(x, None, own, 0)
    assert torch.equal(padded[..., 2:-2, 2:-2], x)
    assert (padded == -1).sum() == padded.numel() - x.numel()


@few
@given(sizes, seeds, st.integers(1, 4))
def test_a_square_covers_at_least_a_pixel_and_at_most_its_own(size, seed, side):
    x, own = draw_images(size), [seed + k for k in range(size[0])]
    y, _ = Cutout(side, fill=9.0)(x, None, own, 0)
    covered = (y == 9).flatten(2).sum(-1)
    assert covered.min() >= 1
    assert covered.max() <= side * side
    assert torch.equal(y[y != 9], x[y != 9])


KINDS = [
    RandomHorizontalFlip(),
    RandomCrop(3, padding=2),
    RandomRotation(30),
    Cutout(2),
    MixUp(num_classes=4),
]
chains = st.lists(st.sampled_from(KINDS), min_size=1, max_size=3)


@few
@given(
    st.integers(1, 4),
    st.integers(1, 6),
    seeds,
    chains,
)
def test_a_replica_is_as_alone_and_what_comes_later_changes_nothing_before(K, B, seed, kinds):
    x = draw_images((K, B, 4, 5))
    t = torch.arange(K * B).reshape(K, B) % 4
    kinds = [k for i, k in enumerate(kinds) if not isinstance(k, MixUp) or k not in kinds[:i]]
    augment, own = Compose(kinds), [seed + 7 * k for k in range(K)]
    y, target = augment(x, t, own, 5)
    for k in range(K):
        alone, its = augment(x[k : k + 1], t[k : k + 1], own[k : k + 1], 5)
        assert torch.equal(alone[0], y[k])
        assert torch.equal(its[0], target[k])
    longer, _ = Compose([*kinds, Cutout(1, fill=9.0)])(x, t, own, 5)
    assert torch.equal(longer[longer != 9], y[longer != 9])
