import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import disk, holdout, kfold, repeated_kfold

SEEDS = st.integers(0, 2**63)
CLASSES = st.lists(st.integers(-2, 3), min_size=4, max_size=60).map(torch.tensor)
quick = settings(max_examples=60)


def both(split):
    return torch.cat(split).sort().values.tolist()


def counts(classes, index):
    return {int(c): int((classes[index] == c).sum()) for c in classes.unique()}


@quick
@given(n=st.integers(2, 80), fraction=st.floats(0.3, 0.7), seed=SEEDS)
def test_holdout_names_every_sample_once(n, fraction, seed):
    train, test = holdout(n, fraction, seed=seed)
    assert both((train, test)) == list(range(n))
    assert len(test) == round(fraction * n)


@quick
@given(classes=CLASSES, fraction=st.floats(0.2, 0.8), seed=SEEDS)
def test_stratified_holdout_keeps_the_proportions(classes, fraction, seed):
    train, test = holdout(classes, fraction, seed=seed, stratify=classes)
    share = len(test) / len(classes)
    assert both((train, test)) == list(range(len(classes)))
    for c, count in counts(classes, test).items():
        assert abs(count - share * int((classes == c).sum())) < 1 + 1e-9


@quick
@given(n=st.integers(2, 60), data=st.data(), seed=SEEDS)
def test_kfold_tests_every_sample_once(n, data, seed):
    k = data.draw(st.integers(2, n))
    splits = kfold(n, k, seed=seed)
    assert torch.cat([test for _, test in splits]).sort().values.tolist() == list(range(n))
    assert all(both(split) == list(range(n)) for split in splits)
    sizes = [len(test) for _, test in splits]
    assert max(sizes) - min(sizes) <= 1


@quick
@given(classes=CLASSES, k=st.integers(2, 4), seed=SEEDS)
def test_stratified_kfold_keeps_the_proportions(classes, k, seed):
    splits = kfold(classes, k, seed=seed, stratify=classes)
    assert torch.cat([test for _, test in splits]).sort().values.tolist() == list(
        range(len(classes))
    )
    for _, test in splits:
        for c, count in counts(classes, test).items():
            assert abs(count - int((classes == c).sum()) / k) < 1


@pytest.mark.parametrize("stratify", [None, torch.arange(30) % 3])
def test_indices_are_sorted_int64(stratify):
    splits = [holdout(30, seed=1, stratify=stratify), *kfold(30, 4, seed=1, stratify=stratify)]
    for index in (index for split in splits for index in split):
        assert index.dtype == torch.int64
        assert (index.diff() > 0).all()


@pytest.mark.parametrize("stratify", [None, torch.arange(30) % 3])
def test_the_seed_decides(stratify):
    def tests(seed):
        hold = holdout(30, seed=seed, stratify=stratify)[1]
        return torch.cat([hold, *(t for _, t in kfold(30, 3, seed=seed, stratify=stratify))])

    assert torch.equal(tests(5), tests(5))
    assert not torch.equal(tests(5), tests(6))


def test_every_sample_is_as_likely_to_test():
    # 2000 hold-outs of 3 in 10: each sample tests 600 times, give or take 5 · √(2000 · 0.3 · 0.7).
    # Classes of one member each too: none is always on the same side.
    for stratify in (None, torch.arange(10)):
        times = torch.zeros(10)
        for seed in range(2000):
            times[holdout(10, seed=seed, stratify=stratify)[1]] += 1
        assert (times - 600).abs().max() < 105


def test_n_may_be_anything_with_a_length():
    assert both(holdout(disk(10), seed=0)) == list(range(10))
    assert len(kfold(list(range(6)), 3, seed=0)[0][1]) == 2


def test_a_class_smaller_than_k_is_missing_from_some_folds():
    classes = torch.tensor([0] * 8 + [1])
    with_it = [int((classes[test] == 1).sum()) for _, test in kfold(9, 3, seed=0, stratify=classes)]
    assert sorted(with_it) == [0, 0, 1]


def test_repeats_follow_each_other_and_differ():
    splits = repeated_kfold(12, 3, 2, seed=0)
    assert len(splits) == 6
    for first in (0, 3):
        tests = torch.cat([test for _, test in splits[first : first + 3]])
        assert tests.sort().values.tolist() == list(range(12))
    assert not torch.equal(splits[0][1], splits[3][1])


def test_more_repeats_leave_the_first_ones_as_they_are():
    few, many = repeated_kfold(12, 3, 2, seed=0), repeated_kfold(12, 3, 5, seed=0)
    assert all(torch.equal(a[1], b[1]) for a, b in zip(few, many[:6], strict=True))


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, 1.5, float("nan"), None, torch.ones(2)])
def test_a_fraction_outside_is_refused(fraction):
    with pytest.raises(ValueError, match="fraction between 0 and 1, got "):
        holdout(10, fraction, seed=0)


@pytest.mark.parametrize(("n", "fraction"), [(10, 0.01), (10, 0.99), (1, 0.5), (0, 0.5)])
def test_an_empty_side_is_refused(n, fraction):
    with pytest.raises(ValueError, match=f"samples on both sides, got .* of {n} to test"):
        holdout(n, fraction, seed=0)


@pytest.mark.parametrize("k", [-1, 0, 1, 6, None])
def test_a_number_of_folds_outside_is_refused(k):
    with pytest.raises(ValueError, match=f"expected 2 ≤ k ≤ 5, the number of samples, got k = {k}"):
        kfold(5, k, seed=0)


def test_no_repeat_is_refused():
    with pytest.raises(ValueError, match="at least 1 repeat, got 0"):
        repeated_kfold(5, 2, 0, seed=0)


@pytest.mark.parametrize("classes", [torch.zeros(4, dtype=torch.int64), torch.zeros(5)])
def test_other_classes_than_one_per_sample_are_refused(classes):
    with pytest.raises(ValueError, match=r"stratify to be the classes \(5,\)"):
        kfold(5, 2, seed=0, stratify=classes)
