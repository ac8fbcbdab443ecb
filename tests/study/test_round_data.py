"""What each round and split sees: the same for all arms, and never the test set in training."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from chainrule.study import StudyError
from chainrule.study.round_data import RoundData
from chainrule.study.store.record import SEARCH_ROUND
from tests.study.small import searched, small

HOLDOUT = {"split": "holdout", "fraction": 0.3}
KFOLD = {"split": "kfold", "folds": 4}


def drawn(rounds="fresh", **changes):
    """The samples of a study of 60 + 30 points."""
    data = {"name": "disk_points", "train": 60, "test": 30, "rounds": rounds, "folds": 3}
    once = {"search": {"method": "grid", "each_round": True}}
    return RoundData(searched(**once, data={**data, **changes.pop("data", {})}, **changes))


def points(data) -> set[tuple[float, ...]]:
    return {tuple(x) for x in data.inputs.flatten(1).tolist()}


# rounds


def test_the_same_study_has_the_same_samples():
    for a, b in zip(drawn().round(2), drawn().round(2), strict=True):
        assert torch.equal(a.inputs, b.inputs)
        assert torch.equal(a.targets, b.targets)


def test_fresh_rounds_have_nothing_in_common_the_search_neither():
    samples = drawn()
    rounds = [points(samples.round(r)[0]) for r in (SEARCH_ROUND, 0, 1, 2)]
    assert all(not a & b for a, b in combinations(rounds, 2))


def test_another_seed_gives_other_samples():
    assert not points(drawn().round(0)[0]) & points(drawn(seed=3).round(0)[0])


def test_a_fixed_study_has_one_draw():
    samples = drawn("fixed")
    assert points(samples.round(0)[0]) == points(samples.round(5)[0])
    assert points(samples.round(0)[1]) == points(samples.round(5)[1])


@pytest.mark.parametrize("rounds", ["fresh", "fixed", "resplit", "folds"])
def test_no_test_sample_is_learned_from(rounds):
    samples = drawn(rounds)
    for r in range(4):
        train, test = samples.round(r)
        assert not points(train) & points(test)
        learned, judged = samples.fold(r, 0)
        assert not (points(learned) | points(judged)) & points(test)


def test_resplits_divide_the_same_samples_anew():
    samples = drawn("resplit")
    (train, test), (train1, test1) = samples.round(0), samples.round(1)
    assert points(train) | points(test) == points(train1) | points(test1)
    assert points(test) != points(test1)
    assert (len(train), len(test)) == (60, 30)


def test_folds_share_the_samples_out_and_then_again():
    samples = drawn("folds")
    tests = [points(samples.round(r)[1]) for r in range(6)]
    assert len(set.union(*tests[:3])) == 90
    assert set.union(*tests[:3]) == set.union(*tests[3:])
    assert sum(map(len, tests[:3])) == 90
    assert tests[3] not in tests[:3]


def test_images_of_test_pairs_are_in_no_training_pair():
    data = {"name": "pairs", "train": 60, "test": 60, "rounds": "fresh"}
    samples = RoundData(small(data=data))
    train, test = samples.round(0)
    images = [{bytes(i.numpy()) for i in d.inputs.flatten(0, 1)} for d in (train, test)]
    assert not images[0] & images[1]


# splits


def test_a_hold_out_never_overlaps_and_is_whole():
    samples = drawn(selection=HOLDOUT)
    learned, judged = samples.fold(0, 0)
    assert (len(learned), len(judged)) == (42, 18)
    assert points(learned) | points(judged) == points(samples.round(0)[0])


def test_folds_partition_the_training_set():
    samples = drawn(selection=KFOLD)
    judged = [points(samples.fold(0, f)[1]) for f in range(4)]
    assert set.union(*judged) == points(samples.round(0)[0])
    assert sum(map(len, judged)) == 60


def test_repeats_are_other_splits():
    samples = drawn(selection={**HOLDOUT, "repeats": 2})
    assert points(samples.fold(0, 0)[1]) != points(samples.fold(0, 1)[1])


def test_stratified_parts_keep_the_shares_of_the_classes():
    samples = drawn(selection={**KFOLD, "stratify": True})
    ones = [int(samples.fold(0, f)[1].targets.sum()) for f in range(4)]
    assert max(ones) - min(ones) <= 1


def test_one_of_several_targets_stratifies_by_name():
    data = {"name": "pairs", "train": 60, "test": 30}
    by = RoundData(searched(data=data, selection={**KFOLD, "stratify": "main"}))
    ones = [int(by.fold(0, f)[1].targets["main"].sum()) for f in range(4)]
    assert max(ones) - min(ones) <= 1


def test_an_unknown_target_lists_those_there_are():
    data = {"name": "pairs", "train": 60, "test": 30}
    samples = RoundData(searched(data=data, selection={"stratify": True}))
    with pytest.raises(StudyError, match="expected one of main, first, second, got True"):
        samples.fold(0, 0)


# what the chosen one is trained on


def test_it_is_the_whole_training_set():
    assert len(drawn().final(0)[0]) == 60


def test_without_refit_it_is_the_part_of_the_search():
    samples = drawn(selection={**HOLDOUT, "refit": False})
    (train, test), (learned, _) = samples.final(1), samples.fold(1, 0)
    assert torch.equal(train.inputs, learned.inputs)
    assert points(test) == points(samples.round(1)[1])


# standardization


@pytest.mark.parametrize("per", ["feature", "all"])
def test_inputs_are_scaled_by_what_is_learned_from_alone(per):
    samples = drawn(data={"standardize": per}, precision="float64")
    for learned, judged in (samples.round(0), samples.fold(0, 0)):
        axes = 0 if per == "feature" else (0, 1)
        std, mean = torch.std_mean(learned.inputs, axes, correction=0)
        torch.testing.assert_close(mean, torch.zeros_like(mean))
        torch.testing.assert_close(std, torch.ones_like(std))
        assert judged.inputs.mean(axes).abs().max() > 1e-3


def test_the_declared_precision_is_that_of_the_inputs():
    assert drawn(precision="float64").round(0)[0].inputs.dtype == torch.float64
    assert drawn().round(0)[0].inputs.dtype == torch.float32


def test_a_function_that_makes_no_samples_is_named():
    samples = RoundData(small(data="tests.study.small:no_data"))
    with pytest.raises(StudyError, match=r"tests.study.small:no_data: expected it to make \(train"):
        samples.round(0)


def test_arguments_that_the_function_does_not_take_are_shown():
    samples = RoundData(small(data={"name": "disk_points", "size": 3}))
    with pytest.raises(StudyError, match=r"data disk_points\(size=3\): .*no argument .size."):
        samples.round(0)
