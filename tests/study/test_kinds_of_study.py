"""Every kind of data, search and selection, from the declaration to the result."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
import torch

from chainrule.statistics import FixedSplit, FreshData, Resplits
from chainrule.study import Study, StudyError, StudyResult, TrainingRecord, run
from chainrule.study.round_data import RoundData
from chainrule.study.spec.own_files.own_code import pin_sources
from chainrule.train import load
from tests.study.small import lasting, small

RANGE = {"optimizer.lr": {"low": 1e-3, "high": 0.3, "log": True}}
RANDOM = {"method": "random", "candidates": 3}
EACH = {**RANDOM, "each_round": True}


def study(**changes: Any) -> Study:
    """One arm."""
    return small(**{"arms": {"only": {}}, **changes})


def points(**changes: Any) -> dict[str, Any]:
    return {"name": "disk_points", "train": 60, "test": 30, **changes}


def rows_of(result: StudyResult, stage: str) -> list[TrainingRecord]:
    return [row for row in lasting(result.rows) if row.stage == stage]


KINDS: dict[str, dict[str, Any]] = {
    "fixed search": {},
    "random": {"space": RANGE, "search": RANDOM},
    "random in each round": {"space": RANGE, "search": EACH},
    "unequal folds": {
        "data": points(train=40),
        "space": RANGE,
        "search": RANDOM,
        "selection": {"split": "kfold", "folds": 3},
    },
    "repeated unequal folds": {
        "data": points(train=40),
        "space": RANGE,
        "search": EACH,
        "selection": {"split": "kfold", "folds": 3, "repeats": 2, "stratify": True},
    },
    "repeated hold-out": {"space": RANGE, "search": RANDOM, "selection": {"repeats": 3}},
    "no refit": {"space": RANGE, "search": RANDOM, "selection": {"refit": False}},
    "fixed data": {"data": points(rounds="fixed")},
    "fixed data, random": {"data": points(rounds="fixed"), "space": RANGE, "search": RANDOM},
    "re-splits": {"data": points(rounds="resplit")},
    "re-splits, random": {"data": points(rounds="resplit"), "space": RANGE, "search": EACH},
    "folds": {"data": points(rounds="folds", folds=3)},
    "unequal folds of the data": {"data": points(rounds="folds", folds=4), "rounds": 5},
    "unequal folds of both": {
        "data": points(rounds="folds", folds=4),
        "rounds": 4,
        "space": RANGE,
        "search": EACH,
        "selection": {"split": "kfold", "folds": 4},
    },
    "members": {"ensemble_size": 3},
    "members, random": {"ensemble_size": 2, "space": RANGE, "search": RANDOM},
    "standardized": {"data": points(standardize="feature"), "space": RANGE, "search": EACH},
    "float64": {"precision": "float64"},
    "a metric that is a loss": {"metric": "loss", "direction": "min", "failure_value": 9.0},
}


@cache
def run_kind(name: str) -> StudyResult:
    """Once for all tests that look at what comes out."""
    return run(study(**KINDS[name]))


@pytest.mark.parametrize("name", KINDS)
def test_every_training_that_is_declared_is_made_once(name):
    declared = study(**KINDS[name])
    rows = run_kind(name).rows
    expected = Counter({"final": declared.rounds})
    if declared.space:
        scopes = declared.rounds if declared.search.each_round else 1
        expected["search"] = 3 * declared.selection.splits * scopes
    assert Counter(row.stage for row in rows) == expected
    assert len({row.key for row in rows}) == len(rows)
    assert {row.status for row in rows} == {"done"}


@pytest.mark.parametrize("name", KINDS)
def test_another_width_changes_no_more_than_the_order_of_sums(name):
    whole, narrow = run_kind(name), run(study(cohort_size=2, **KINDS[name]))
    for a, b in zip(lasting(whole.rows), lasting(narrow.rows), strict=True):
        assert (a.key, a.setting, a.seeds) == (b.key, b.setting, b.seeds)
        assert (a.n_train, a.n_test) == (b.n_train, b.n_test)
        assert b.metrics == pytest.approx(a.metrics, rel=1e-4)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_interrupted_goes_on_to_the_same_rows(name, tmp_path):
    declared, calls = study(**KINDS[name]), []

    def interrupt(progress):
        calls.append(progress)
        if len(calls) == 2:
            raise KeyboardInterrupt

    first = run(declared, store=tmp_path / "s.sqlite", on_progress=interrupt)
    assert first.interrupted
    second = run(declared, store=tmp_path / "s.sqlite")
    assert lasting(second.rows) == lasting(run_kind(name).rows)


def test_the_solo_training_is_round_0_again():
    for name in ("fixed search", "unequal folds", "members", "no refit"):
        result = run(study(timing=True, **KINDS[name]))
        (solo,), final = rows_of(result, "timing"), rows_of(result, "final")[0]
        assert solo.cohort_size == 1
        assert solo.setting == final.setting
        assert solo.metrics == pytest.approx(final.metrics, rel=1e-4)


# data


def test_fresh_rounds_differ_and_fixed_ones_have_the_same_data():
    for rounds, sets in (("fresh", 3), ("fixed", 1)):
        samples = RoundData(study(data=points(rounds=rounds)))
        assert len({str(samples.round(r)[0].inputs.tolist()) for r in range(3)}) == sets
        assert len({str(samples.round(r)[1].inputs.tolist()) for r in range(3)}) == sets


def test_fixed_data_leave_the_seeds_of_the_net():
    rows = rows_of(run(study(**KINDS["fixed data"])), "final")
    assert len({row.seeds["net"] for row in rows}) == 3
    assert len({row.metrics["loss"] for row in rows}) == 3


def test_every_sample_is_tested_once_by_the_folds_of_the_data():
    samples = RoundData(study(**KINDS["unequal folds of the data"]))
    tests = [samples.round(r)[1].inputs for r in range(4)]
    assert sorted(map(len, tests)) == [22, 22, 23, 23]
    assert len({tuple(point) for part in tests for point in part.tolist()}) == 90
    again = samples.round(4)[1].inputs  # round 4 is fold 0 of another division
    assert again.tolist() != tests[0].tolist()


def test_trainings_on_folds_of_two_sizes_are_not_in_one_cohort():
    rows = run(study(**KINDS["unequal folds of both"])).rows
    sizes = {(row.stage, row.round, row.fold): (row.n_train, row.n_test) for row in rows}
    assert {sizes["final", r, 0] for r in range(4)} == {(67, 23), (68, 22)}
    for r in range(4):
        train = sizes["final", r, 0][0]
        assert all(sum(sizes["search", r, f]) == train for f in range(4))
        assert sum(sizes["search", r, f][1] for f in range(4)) == train


def test_re_splits_join_and_divide_anew():
    samples = RoundData(study(**KINDS["re-splits"]))
    wholes, tests = [], []
    for r in range(3):
        train, test = samples.round(r)
        wholes.append(sorted(train.inputs.tolist() + test.inputs.tolist()))
        tests.append(sorted(test.inputs.tolist()))
        assert (len(train), len(test)) == (60, 30)
    assert all(a == b for a, b in pairwise(wholes))
    assert all(a != b for a, b in pairwise(tests))


@pytest.mark.parametrize(
    ("rounds", "design"),
    [
        ("fresh", FreshData()),
        ("fixed", FixedSplit()),
        ("resplit", Resplits(n_test=30, n_train=60)),
        ("folds", Resplits.folds(3)),
    ],
)
def test_the_design_follows_from_the_data(rounds, design):
    result = run(study(data=points(rounds=rounds, folds=3)))
    assert result.design == design


# search and selection


def test_a_search_in_each_round_is_on_the_data_of_that_round():
    samples = RoundData(study(**KINDS["re-splits, random"]))
    for r in range(3):
        tested = samples.round(r)[1].inputs.tolist()
        learned, judged = samples.fold(r, 0)
        assert not any(point in tested for point in learned.inputs.tolist())
        assert not any(point in tested for point in judged.inputs.tolist())


def test_each_round_has_candidates_and_a_choice_of_its_own():
    result = run(study(**KINDS["random in each round"]))
    rows = rows_of(result, "search")
    lrs = {(row.round, row.candidate): row.setting["optimizer.lr"] for row in rows}
    assert len(set(lrs.values())) == 9
    chosen = {c.round: c.setting for c in result.candidates("only") if c.chosen}
    assert result.arms[0].settings == [chosen[r] for r in range(3)]


def test_one_search_chooses_for_all_rounds():
    result = run(study(**KINDS["random"]))
    (chosen,) = [c for c in result.candidates("only") if c.chosen]
    assert result.arms[0].settings == [chosen.setting] * 3
    assert chosen.round == -1
    assert chosen.mean == max(c.mean for c in result.candidates("only"))


def test_arms_of_a_round_have_the_same_seeds_and_folds():
    both = small(**KINDS["unequal folds"])
    rows = lasting(run(both).rows)
    rows.sort(key=lambda row: (row.stage, row.round, row.candidate if row.stage == "search" else 0))
    arms = {arm: [row for row in rows if row.arm == arm] for arm in ("narrow", "wide")}
    for a, b in zip(arms["narrow"], arms["wide"], strict=True):
        assert a.seeds == b.seeds
        assert (a.n_train, a.n_test) == (b.n_train, b.n_test)


def test_without_a_refit_the_part_alone_is_learned_from():
    for refit, n in ((True, 60), (False, 42)):
        kind = {**KINDS["no refit"], "selection": {"refit": refit}}
        rows = rows_of(run(study(**kind)), "final")
        assert {(row.n_train, row.n_test) for row in rows} == {(n, 30)}


# members


def test_an_ensemble_of_one_is_the_net():
    one, plain = run(study(ensemble_size=1)), run(study())
    assert lasting(one.rows) == lasting(plain.rows)


def test_the_first_member_is_the_net_alone(tmp_path):
    run(study(), nets=tmp_path / "one")
    run(study(ensemble_size=3), nets=tmp_path / "three")
    plain = load(tmp_path / "one" / "only" / "round-000.safetensors").state_dict()
    member = load(tmp_path / "three" / "only" / "round-000-member-00.safetensors").state_dict()
    other = load(tmp_path / "three" / "only" / "round-000-member-01.safetensors").state_dict()
    for name, value in plain.items():
        torch.testing.assert_close(member[name], value, rtol=1e-4, atol=1e-6)
        assert not torch.allclose(other[name], value, rtol=1e-2)


def test_metrics_of_the_whole_set_and_of_ones_own_are_a_studys():
    own = "tests.study.small:largest_score"
    declared = small(
        metrics={"f1": {"name": "F1", "average": "macro"}, "auc": "AUC", "largest": own},
        keep="predictions",
    )
    result = run(declared)
    for arm in result.arms:
        assert all(0 <= row.metrics["f1"] <= 1 for row in arm.rows)
        assert all(0 <= row.metrics["auc"] <= 1 for row in arm.rows)
        assert len({row.metrics["largest"] for row in arm.rows}) == 3
        assert all(len(row.curves["test_f1"]) == 2 for row in arm.rows)


# augmentation of several parts


COMPOSE = {
    "name": "Compose",
    "transforms": ["SwapPair", {"name": "GaussianNoise", "sigma": 0.3}, "tests.study.small:darken"],
}


def test_augmentations_are_composed_by_name_and_own_ones_are_pinned():
    pairs = {
        "data": {"name": "pairs", "train": 30, "test": 20},
        "net": {"name": "pair_shallow", "hidden": 5, "aux": True},
        "loss": {"name": "pair_loss", "weight": 0.3},
        "metrics": {"accuracy": {"name": "Accuracy", "head": "main"}},
        "arms": {"plain": {}, "augmented": {"augment": COMPOSE}},
        "rounds": 1,
    }
    result = run(small(**pairs))
    plain, augmented = (arm.rows[0].curves["train_loss"] for arm in result.arms)
    assert plain != augmented
    assert "tests.study.small" in pin_sources(small(**pairs)).sources


@pytest.mark.parametrize(
    ("transforms", "message"),
    [
        (["SwapPai"], "augment 'SwapPai' is not known; did you mean 'SwapPair'"),
        ([{"name": "Cutout"}], "argument 'size' is missing"),
        ([{"size": 3}], "name"),
        ([], "expected at least one augmentation"),
        ("SwapPair", "transforms: expected a list"),
    ],
)
def test_what_is_wrong_in_a_composed_augmentation_is_said(transforms, message):
    study = small(augment={"name": "Compose", "transforms": transforms})
    with pytest.raises(StudyError, match=message):
        run(study)
