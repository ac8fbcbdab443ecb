"""What goes wrong with shares: killed, trained twice, at the same time, with searches of all kinds.

Nets are trained here, and the merged rows are those of one run, bit for bit.
"""

from __future__ import annotations

import pytest

from chainrule.study import StoreError, merge_stores, run
from tests.study.execution.killing import ENDLESS, SHARED, Process
from tests.study.shares.studies import load, rows_of
from tests.study.small import small

RATES = {"optimizer.lr": {"low": 0.001, "high": 0.3, "log": True}}
TREE = {"method": "tpe", "candidates": 12, "batch": 4}
HALVING = {"method": "random", "candidates": 4, "halving": {"min_epochs": 1}}
EARLY = {"early_stopping": {"patience": 1, "fraction": 0.25}, "epochs": 12}


def each_round(search):
    return {**search, "each_round": True}


STUDIES = {
    "tpe": small(space=RATES, search=each_round(TREE), rounds=4),
    "diverging": small(
        data={"name": "tests.study.small:poisoned", "train": 40, "test": 30},
        keep="predictions",
        rounds=9,
    ),
    "early": small(**EARLY, rounds=12),
    "early, searched": small(**EARLY, space=RATES, search=each_round(HALVING), rounds=4),
}

ONE_SEARCH = {
    "tpe": small(space=RATES, search={**TREE, "each_round": False}, rounds=4),
    "grid, early": small(
        **EARLY,
        space={"optimizer.lr": [0.003, 0.03, 0.3]},
        search={"method": "grid", "each_round": False},
        rounds=5,
    ),
}


def read_files(folder):
    """Path → bytes of each file in it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): path.read_bytes() for path in files}


def train_shares(study, folder, count, **options):
    """The stores of all shares that have something to train."""
    stores = [folder / f"{i}.sqlite" for i in range(1, count + 1)]
    for i, store in enumerate(stores, 1):
        run(study, store=store, share=f"{i}/{count}", **options)
    return [store for store in stores if store.exists()]


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_eight_shares_are_one_run_bit_for_bit(name, tmp_path):
    study = STUDIES[name]
    stores = train_shares(study, tmp_path, 8, nets=tmp_path / "nets")
    merge_stores(stores, tmp_path / "all.sqlite")
    whole = run(study, nets=tmp_path / "whole")
    assert repr(rows_of(load(tmp_path / "all.sqlite"))) == repr(rows_of(whole))  # nan is nan
    nets = [read_files(tmp_path / folder) for folder in ("nets", "whole")]
    assert nets[0] == nets[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE_SEARCH)
def test_eight_shares_of_one_search_in_two_stages_are_too(name, tmp_path):
    study, merged = ONE_SEARCH[name], tmp_path / "all.sqlite"
    merge_stores(train_shares(study, tmp_path, 8, stage="search"), merged)
    for i in range(1, 9):
        own = tmp_path / f"{i}.sqlite"
        merge_stores([merged], own)
        run(study, store=own, share=f"{i}/8", stage="final")
    merge_stores(sorted(tmp_path.glob("?.sqlite")), merged)
    assert rows_of(load(merged)) == rows_of(run(study))


@pytest.mark.slow
def test_a_share_that_two_machines_trained_counts_once(tmp_path):
    first = train_shares(SHARED, tmp_path, 2)
    run(SHARED, store=tmp_path / "twice.sqlite", share="2/2")
    [study] = merge_stores([*first, tmp_path / "twice.sqlite"], tmp_path / "all.sqlite")
    assert study.different == 0
    assert study.known == len(load(tmp_path / "twice.sqlite").rows)
    assert rows_of(load(tmp_path / "all.sqlite")) == rows_of(run(SHARED))


@pytest.mark.slow
def test_a_share_that_is_begun_twice_at_once_is_refused_the_second_time(tmp_path):
    store = tmp_path / "1.sqlite"
    process = Process(store, "ENDLESS", share="1/2")
    try:
        process.wait_for(0)
        with pytest.raises(StoreError, match=f"process {process.popen.pid} on .* runs studies"):
            run(ENDLESS, store=store, share="1/2")
    finally:
        process.end()


def kill_share(store, share):
    """Begin a share, and kill it when something of it is done, or soon after."""
    process = Process(store, "SHARED", share=share)
    try:
        process.wait_for(2)
        process.kill(group=True)
    finally:
        process.end()


@pytest.mark.slow
def test_what_a_killed_share_has_is_merged_and_the_rest_later(tmp_path):
    merged, other = tmp_path / "all.sqlite", tmp_path / "2.sqlite"
    run(SHARED, store=other, share="2/2")
    for i in range(10):  # on a busy machine it may be done before it is killed
        stores = [tmp_path / f"1-{i}.sqlite", other]
        kill_share(stores[0], "1/2")
        merged.unlink(missing_ok=True)
        merge_stores(stores, merged)
        if not load(merged).is_complete:
            break
    assert not load(merged).is_complete
    run(SHARED, store=stores[0], share="1/2")
    [study] = merge_stores(stores, merged)
    assert study.different == 0
    assert rows_of(load(merged)) == rows_of(run(SHARED))
