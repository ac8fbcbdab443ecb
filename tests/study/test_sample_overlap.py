"""What rounds share is read off their samples: the design, and leaks."""

from __future__ import annotations

from concurrent.futures import Future
from hashlib import blake2b

import pytest
import torch

from chainrule.data import Dataset
from chainrule.statistics import FinitePool, FixedSplit, FreshData, Resplits
from chainrule.study import Study, StudyError, StudyResult, run
from chainrule.study.execution.executors import Engine
from chainrule.study.plan.dry_run import check_arms
from chainrule.study.round_data import RoundData
from chainrule.study.sample_identity import sample_identities
from chainrule.study.sample_overlap import find_leaks, plan_design, read_overlap
from chainrule.study.spec.study import validate_study
from tests.study.small import searched, small
from tests.study.store.rows import row

HERE = "tests.study.test_sample_overlap:"


def points(n: int, seed: int) -> Dataset:
    draw = torch.Generator().manual_seed(seed)
    return Dataset(torch.rand(n, 2, generator=draw), torch.arange(n) % 2)


def split_file(seed: int) -> tuple[Dataset, Dataset]:
    """One file of 90 rows, 10 of them twice, divided by the seed."""
    rows = points(80, 0).subset(torch.arange(90) % 80)
    order = torch.randperm(90, generator=torch.Generator().manual_seed(seed))
    return rows.subset(order[:60]), rows.subset(order[60:])


def pool(seed: int) -> tuple[Dataset, Dataset]:
    """New training samples, and 30 test samples out of 40."""
    order = torch.randperm(40, generator=torch.Generator().manual_seed(seed))
    return points(60, seed), points(40, 0).subset(order[:30])


def leaky(seed: int) -> tuple[Dataset, Dataset]:
    """Some test samples are training samples."""
    train = points(60, seed)
    return train, train.subset(torch.arange(30) + 50 - 20)


def nearly_right(seed: int) -> tuple[Dataset, Dataset]:
    """One test sample of 120 is a training sample."""
    data = points(200, seed)
    return data.subset(torch.arange(80)), data.subset(torch.arange(79, 199))


def whole_numbers(seed: int) -> tuple[Dataset, Dataset]:
    """Points of a grid of 400, which come again in each part and in the other."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randint(20, (90, 2), generator=draw)
    data = Dataset(x.float(), (x.sum(1) > 20).long())
    return data.subset(torch.arange(60)), data.subset(torch.arange(60, 90))


def binary(seed: int) -> tuple[Dataset, Dataset]:
    """The four points of XOR, many times."""
    x = torch.arange(60) % 4
    data = Dataset(torch.stack([x // 2, x % 2], 1).float(), x % 2)
    return data, data


def broken(seed: int) -> tuple[Dataset, Dataset]:
    raise OSError("the file is gone")


def study(function: str, **changes) -> Study:
    return small(data={"name": HERE + function, **changes.pop("data", {})}, **changes)


def test_drawn_rounds_are_fresh():
    assert plan_design(small()) == FreshData()


def test_one_file_split_anew_is_a_resplit_whatever_was_declared():
    assert plan_design(study("split_file")) == Resplits(n_test=30, n_train=60)


def test_a_stored_table_that_was_declared_fresh_is_a_resplit():
    stored = validate_study(
        small(data="disk_points").as_dict() | {"data": "table"}, "", stored=True
    )
    assert stored.data.rounds == "fresh"
    assert isinstance(plan_design(stored), Resplits)


def test_rounds_that_share_test_samples_are_about_a_pool():
    design = plan_design(study("pool", rounds=8))
    assert isinstance(design, FinitePool)
    assert design.samples == 40
    assert design.shared_test == pytest.approx(0.75, abs=0.05)


def test_pairs_share_their_images():
    found = read_overlap(RoundData(small(data={"name": "pairs"})), range(3))
    assert found is not None
    assert isinstance(found.design, FinitePool)
    assert found.shared_test == pytest.approx(0.8, abs=0.02)
    assert "about this pool of" in found.design.scope


def test_coloured_digits_share_their_images_whatever_their_colours():
    few = {"name": "colored_digit_images", "train": 1000, "test": 500, "rounds": "fresh"}
    found = read_overlap(RoundData(small(data=few)), range(3))
    assert found is not None
    assert isinstance(found.design, FinitePool)
    assert found.shared_test == pytest.approx(500 / 2500, abs=0.03)
    assert found.shared_train == pytest.approx(1000 / 2500, abs=0.03)
    assert plan_design(small(data={"name": "colored_digit_images"})) == FixedSplit()


def test_samples_that_cannot_be_told_apart_are_as_declared():
    assert plan_design(study("binary")) == FreshData()
    assert find_leaks(study("binary")) == []


@pytest.mark.parametrize(
    ("rounds", "design"), [("fixed", FixedSplit()), ("folds", Resplits.folds(10))]
)
def test_what_divides_one_draw_is_known_by_its_declaration(rounds, design):
    assert plan_design(study("split_file", data={"rounds": rounds})) == design


def result(data: str) -> StudyResult:
    rows = [row(r, 0, arm=arm) for arm in ("narrow", "wide") for r in range(3)]
    return StudyResult(study(data), rows)


def test_the_comparison_goes_by_the_samples():
    found = result("split_file").compare()
    assert found.design == Resplits(n_test=30, n_train=60)
    assert found.comparisons[0].test.test == "Nadeau-Bengio"


def test_where_samples_cannot_be_made_again_that_is_said():
    found = result("broken").compare()
    assert found.design == FreshData()
    assert found.notes[-1].startswith("That rounds share no samples is declared, not seen")
    assert "the file is gone" in found.notes[-1]


# leaks


def test_a_test_sample_that_is_learned_from_is_an_error_before_anything_is_trained():
    with pytest.raises(StudyError, match=r"30 of 30 test samples of round 0 are among"):
        run(study("leaky"))


class SlowEngine(Engine):
    """Its two workers never come to an end."""

    max_workers = 2

    def __init__(self):
        self.begun, self.stopped = 0, False

    def submit(self, f, /, *args):
        self.begun += 1
        return Future()

    def stop(self, run):
        self.stopped = True

    def close(self):
        raise AssertionError


def test_leaks_are_looked_for_while_workers_try_the_arms_which_then_stop():
    engine = SlowEngine()
    with pytest.raises(StudyError, match=r"30 of 30 test samples of round 0 are among"):
        check_arms(study("leaky"), engine=engine)
    assert (engine.begun, engine.stopped) == (2, True)


def test_one_sample_is_a_leak():
    with pytest.raises(StudyError, match=r"1 of 120 test samples of round 0 is among"):
        run(study("nearly_right"))


def test_a_search_that_sees_the_rounds_test_samples_is_an_error():
    data = {"name": HERE + "split_file"}
    with pytest.raises(
        StudyError,
        match=r"search.each_round: the search before .* test samples, \d+ "
        r"of the 30 of round 0, \d+ of the 30 of round 1, .* expected true",
    ):
        run(searched(data=data))


@pytest.mark.parametrize("seed", range(20))
def test_doubles_by_chance_are_no_leak(seed):
    assert find_leaks(study("whole_numbers", seed=seed)) == []


@pytest.mark.parametrize("rounds", ["resplit", "folds"])
def test_doubles_in_a_file_are_no_leak(rounds):
    assert find_leaks(study("split_file", data={"rounds": rounds})) == []
    assert find_leaks(small()) == find_leaks(searched()) == []


def test_a_sample_is_known_by_the_bytes_of_its_inputs_and_targets():
    inputs = torch.arange(18.0).reshape(3, 2, 3).transpose(1, 2)  # not in the order of memory
    targets = {"digit": torch.tensor([7, 1, 3]), "sum": torch.tensor([[0.5], [2.5], [4.0]])}
    first, *_ = sample_identities(Dataset(inputs, targets))
    parts = inputs[0].contiguous(), targets["digit"][0], targets["sum"][0]
    content = b"".join(part.numpy().tobytes() for part in parts)
    assert first == blake2b(content, digest_size=12).digest()
