import pytest
import torch

from chainrule.data import digit_pairs, digits

from .mnist_files import write_split


def rows(images):
    return {bytes(row.mul(255 * 4).round().to(torch.int16).numpy()) for row in images.flatten(1)}


def small(split):
    x = digits(split).inputs
    return (x[..., ::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, ::2] + x[..., 1::2, 1::2]) / 4


def test_shapes_and_dtypes():
    data = digit_pairs(7)
    assert (data.inputs.shape, data.inputs.dtype) == ((7, 2, 14, 14), torch.float32)
    assert list(data.targets) == ["main", "first", "second"]
    assert all(t.shape == (7,) and t.dtype == torch.int64 for t in data.targets.values())


def test_main_is_one_where_the_first_digit_is_at_most_the_second():
    targets = digit_pairs(400).targets
    assert torch.equal(targets["main"] == 1, targets["first"] <= targets["second"])
    assert (targets["first"] == targets["second"]).any()  # so that ≤ and < differ here


@pytest.mark.parametrize("split", ["train", "test"])
def test_images_are_2_by_2_means_of_their_own_split_each_once(split):
    pairs = digit_pairs(1250, split)
    assert rows(pairs.inputs.flatten(0, 1)) == rows(small(split))
    assert len(rows(small(split))) == 2500


def test_each_image_keeps_its_digit():
    source, means = digits("test"), small("test").flatten(1)
    data = digit_pairs(50, "test")
    for place, name in enumerate(("first", "second")):
        match = torch.cdist(data.inputs[:, place].flatten(1), means).argmin(1)
        assert torch.equal(source.targets[match], data.targets[name])


def test_pixels_stay_between_0_and_1():
    x = digit_pairs(300).inputs
    assert x.min() == 0
    assert 0.9 < x.max() <= 1


def test_replica_k_is_the_draw_of_seed_k():
    seeds = [4, 0, 2**40]
    cohort = digit_pairs(20, seed=seeds)
    assert cohort.inputs.shape == (3, 20, 2, 14, 14)
    for k, seed in enumerate(seeds):
        alone = digit_pairs(20, seed=seed)
        assert torch.equal(cohort.replica(k).inputs, alone.inputs)
        for name, target in alone.targets.items():
            assert torch.equal(cohort.replica(k).targets[name], target)


def test_another_seed_draws_other_pairs():
    assert not torch.equal(digit_pairs(20, seed=0).inputs, digit_pairs(20, seed=1).inputs)


def test_no_pairs_are_allowed():
    assert digit_pairs(0).inputs.shape == (0, 2, 14, 14)


@pytest.mark.parametrize("n", [-1, 1251])
def test_too_many_pairs_are_refused_with_the_maximum(n):
    with pytest.raises(ValueError, match=f"n in 0 … 1250 for the split 'test', got {n}"):
        digit_pairs(n, "test")


def test_root_gives_the_users_own(tmp_path):
    write_split(tmp_path, n=12)
    assert len(digit_pairs(6, root=tmp_path)) == 6
    with pytest.raises(ValueError, match=r"n in 0 … 6 for"):
        digit_pairs(7, root=tmp_path)
