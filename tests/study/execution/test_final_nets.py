"""Nets that no run kept are trained again: the very same ones."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
import torch

from chainrule import nn
from chainrule.compiled.toolchain import compiler
from chainrule.serialization import load
from chainrule.study import StudyError, load_result, open_store, retrain_nets, run
from tests.study.small import searched, small

COMPILED = pytest.mark.skipif(compiler() is None, reason="there is no C++ compiler")


def contents(folder: Path) -> dict[str, bytes]:
    """Name → bytes of each file in it."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.*"))}


def weights(folder: Path) -> dict[str, dict[str, torch.Tensor]]:
    """Name → parameters and buffers of the net in each file."""
    return {name: load(folder / name).state_dict() for name in contents(folder)}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"ensemble_size": 2},
        {"cohort_size": 2, "rounds": 5},
        {"compile": False},
        {"space": {"net.hidden": [3, 5, 9]}, "search": {"method": "grid", "each_round": True}},
        pytest.param({"trainer": {"name": "Trainer", "compile": True}}, marks=COMPILED),
    ],
    ids=["default", "ensemble", "cohorts", "plain", "ragged", "compiled"],
)
def test_they_are_bit_for_bit_those_that_a_run_keeps(tmp_path, change):
    study = searched(**change)
    result = run(study, nets=tmp_path / "kept")
    paths = retrain_nets(result, tmp_path / "again")
    kept = contents(tmp_path / "kept")
    assert contents(tmp_path / "again") == kept
    assert [str(path.relative_to(tmp_path / "again")) for path in paths] == sorted(kept)


def test_of_rounds_that_came_later_too(tmp_path):
    store = tmp_path / "a.sqlite"
    run(small(rounds=2), store=store, nets=tmp_path / "kept")
    run(small(rounds=5), store=store, extend=True, nets=tmp_path / "kept")
    with open_store(store, read_only=True) as opened:
        result = load_result(opened, 1)
    retrain_nets(result, tmp_path / "again")
    kept, again = weights(tmp_path / "kept"), weights(tmp_path / "again")
    assert kept.keys() == again.keys()
    assert len(kept) == 10
    for name in kept:  # the first files have the digest of two rounds
        assert all(torch.equal(kept[name][key], again[name][key]) for key in kept[name])


@pytest.mark.slow
def test_two_workers_make_the_same(tmp_path):
    result = run(small())
    retrain_nets(result, tmp_path / "one")
    retrain_nets(result, tmp_path / "two", jobs=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_some_arms_and_rounds_alone(tmp_path):
    result = run(small())
    retrain_nets(result, tmp_path, arms=["na*", "narrow"], rounds=[0, 2])
    assert [*contents(tmp_path)] == ["narrow/round-000.safetensors", "narrow/round-002.safetensors"]


def test_a_run_that_has_all_its_rows_keeps_the_nets_that_are_missing(tmp_path):
    store = tmp_path / "a.sqlite"
    run(small(), store=store, nets=tmp_path / "kept")
    run(small(), store=store, nets=tmp_path / "again")
    assert contents(tmp_path / "again") == contents(tmp_path / "kept")
    changed = tmp_path / "again" / "narrow" / "round-001.safetensors"
    changed.write_bytes(b"not touched")
    run(small(), store=store, nets=tmp_path / "again")
    assert changed.read_bytes() == b"not touched"


def test_arms_and_rounds_without_results_are_said(tmp_path):
    result = run(small(), arms="narrow")
    with pytest.raises(StudyError, match="no results yet of wide"):
        retrain_nets(result, tmp_path, arms="wide")
    with pytest.raises(StudyError, match="no results of round 3, 7; there are: 0, 1, 2"):
        retrain_nets(result, tmp_path, rounds=[0, 7, 3])
    with pytest.raises(StudyError, match="no arm matches"):
        retrain_nets(result, tmp_path, arms="nosuch")


def test_a_net_that_scores_something_else_than_the_store_has_is_not_saved(tmp_path):
    result = run(small())
    for row in result.rows:
        if row.arm == "wide" and row.round == 1:
            row.metrics["loss"] += 1e-9
    with pytest.raises(StudyError, match=r"arm wide, round 1: trained again it has loss 0\."):
        retrain_nets(result, tmp_path)
    assert not (tmp_path / "wide").exists()


def test_code_of_the_users_that_changed_is_said(tmp_path, monkeypatch):
    path = tmp_path / "own_nets_of_today.py"
    path.write_text("from chainrule.zoo import disk_net\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    study = small(net={"name": "own_nets_of_today:disk_net", "hidden": 3})
    result = run(study)
    assert len(retrain_nets(result, tmp_path / "nets")) == 6
    path.write_text("from chainrule.zoo import disk_net  # as before\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"own_nets_of_today\.py was changed after this process"):
        retrain_nets(result, tmp_path / "nets")


def local() -> nn.Module:
    """A net that no file can hold: its class is in a function."""

    class Tanh(nn.Module):
        def forward(self, x):
            y = x.tanh()
            return y, lambda g: g * (1 - y * y)

    return nn.Sequential(nn.Linear(2, 3), Tanh(), nn.Linear(3, 2))


def test_an_arm_whose_nets_no_file_can_hold_is_trained_and_ends_no_run(tmp_path, capsys):
    here = {"name": f"{__name__}:local"}
    study = small(net={"name": "plane_net", "hidden": 3}, arms={"good": {}, "local": {"net": here}})
    result = run(study, nets=tmp_path)
    assert [arm.n_ok for arm in result.arms] == [3, 3]
    assert {name.partition("/")[0] for name in contents(tmp_path)} == {"good"}
    assert "arm local is trained, and its nets are not saved: Tanh is" in capsys.readouterr().err


class Broken:
    """An executor whose workers are killed."""

    def submit(self, f, /, *args):
        future = Future()
        future.set_exception(BrokenProcessPool("terminated abruptly"))
        return future


def test_a_worker_that_dies_is_a_sentence_and_no_traceback(tmp_path):
    result = run(small(arms={"a": {}}, rounds=2))
    with pytest.raises(
        StudyError,
        match=r"arm a: a worker died 4 times over a cohort of 2 trainings; too little memory",
    ):
        retrain_nets(result, tmp_path, executor=Broken())


UNGUARDED = """\
from chainrule.study import load_result, open_store, retrain_nets

with open_store("a.sqlite", read_only=True) as store:
    retrain_nets(load_result(store, 1), "nets", jobs=2)
"""


@pytest.mark.slow
def test_a_program_without_its_guard_is_told_the_two_lines(tmp_path):
    run(small(), store=tmp_path / "a.sqlite")
    (tmp_path / "own.py").write_text(UNGUARDED, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "own.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert "own.py, which would run the study there again" in done.stderr
    assert done.stderr.count("Traceback") == 1
