"""What models propose: whole batches, from rows alone, and the same from the same rows."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from chainrule.study import Dimension, Study, StudyError, TrainingRecord, run
from chainrule.study.search.candidates import make_model
from chainrule.study.search.model_search import ModelSearch, candidate_mean, replace_lost
from chainrule.study.search.optuna_search import decode_value, encode_value
from chainrule.study.spec.sections.space import Params
from chainrule.study.store.record import Value
from tests.study.small import lasting, small

optuna = pytest.importorskip("optuna")

SPACE: dict[str, Any] = {
    "net.hidden": [3, 5, 7],
    "optimizer.lr": {"low": 1e-4, "high": 1.0, "log": True},
    "optimizer.weight_decay": {"low": 0.0, "high": 0.1, "step": 0.01},
    "optimizer.eps": {"low": 1e-9, "high": 1e-7},
    "batch_size": {"low": 10, "high": 40, "log": True, "integer": True},
    "epochs": {"low": 1, "high": 3, "integer": True},
}
PLAIN: dict[str, Any] = {
    "optimizer.lr": {"low": 1e-6, "high": 1e2, "log": True},
    "net.hidden": [3, 5, 7],
}
METHODS = ["tpe", "gp"]
SLOW_GP = ["tpe", pytest.param("gp", marks=pytest.mark.slow)]


def study(method: str = "tpe", **changes: Any) -> Study:
    """20 candidates, 4 at a time."""
    search = {"method": method, "candidates": 20, "batch": 4, **changes.pop("search", {})}
    return small(**{"arms": {"only": {}}, "space": SPACE, "search": search, **changes})


def search(study: Study, seed: int = 7) -> ModelSearch:
    arm, n = study.all_arms[0], study.search.candidates or 0
    return ModelSearch(study, arm, n, seed, make_model(study, arm))


def asked(study: Study, known: dict[int, list[TrainingRecord]], seed: int = 7) -> list[Params]:
    return search(study, seed).propose(known)


def row(candidate: int, setting: Params, value: float, **changes: Any) -> TrainingRecord:
    made = TrainingRecord(
        "only", "search", candidate, -1, 0, "done", setting, {}, 1, 1.0, 1, 1, 1, 1, {}
    )
    return replace(made, **{"metrics": {"accuracy": value}, **changes})


def renamed(
    rows: dict[int, list[TrainingRecord]], name: str, sign: float
) -> dict[int, list[TrainingRecord]]:
    """The rows with their accuracy under another name, perhaps negated."""
    return {
        c: [replace(r, metrics={name: sign * r.metrics["accuracy"]}) for r in of]
        for c, of in rows.items()
    }


def score(setting: Params) -> float:
    """Best at a learning rate of 0.01 with 5 units."""
    far = abs(math.log10(float(setting["optimizer.lr"])) + 2)
    return 0.9 - 0.1 * far - 0.05 * abs(float(setting.get("net.hidden", 5)) - 5)


def known(settings: Sequence[Params], n: int) -> dict[int, list[TrainingRecord]]:
    return {c: [row(c, settings[c], score(settings[c]))] for c in range(n)}


def searched(study: Study) -> list[Params]:
    """All candidates, each batch proposed when the earlier ones are known."""
    settings: list[Params] = []
    while len(settings) < (study.search.candidates or 0):
        settings = asked(study, known(settings, len(settings)))
    return settings


# batches


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_follows_when_the_earlier_ones_are_known(method):
    first = asked(study(method), {})
    assert len(first) == 4
    second = asked(study(method), known(first, 4))
    assert len(second) == 8
    assert second[:4] == first
    assert asked(study(method), known(second, 7)) == second


def test_a_batch_waits_for_every_split():
    folds = study(selection={"split": "kfold", "folds": 2})
    first = asked(folds, {})
    one = known(first, 4)
    assert len(asked(folds, one)) == 4
    both = {c: [*rows, replace(rows[0], fold=1)] for c, rows in one.items()}
    assert len(asked(folds, both)) == 8


def test_the_last_batch_may_be_smaller():
    odd = study(search={"candidates": 6})
    assert len(asked(odd, known(asked(odd, {}), 4))) == 6


@pytest.mark.parametrize("method", METHODS)
def test_the_same_rows_give_the_same_batch_and_another_seed_another(method):
    ten = study(
        method, space=PLAIN, search={"candidates": 12, "batch": 10}
    )  # a random batch, then a model's
    rows = known(asked(ten, {}), 10)
    batch = asked(ten, rows)
    assert asked(ten, rows) == batch
    assert asked(ten, rows, seed=8)[10:] != batch[10:]
    worse = {c: [replace(of[0], metrics={"accuracy": -c})] for c, of in rows.items()}
    assert asked(ten, worse)[10:] != batch[10:]


@pytest.mark.parametrize("method", SLOW_GP)
@pytest.mark.parametrize("diverged", [(), (5, 9)], ids=["", "diverged"])
def test_a_search_that_goes_on_proposes_as_one_that_begins_from_the_rows(method, diverged):
    """What a model remembers is no more than the rows say."""
    many = study(method, space=PLAIN, search={"candidates": 24, "batch": 4})
    kept = search(many)
    settings, rows = kept.propose({}), {}
    while len(rows) < 24:
        rows = known(settings, len(settings))
        for c in diverged:
            if c in rows:
                rows[c] = [replace(rows[c][0], status="diverged", metrics={"accuracy": math.nan})]
        settings = kept.propose(rows)
        assert settings == asked(many, rows)


@pytest.mark.slow
def test_optuna_is_told_of_each_candidate_once_and_asked_for_each_once(monkeypatch):
    calls: Counter[str] = Counter()
    for name in ("add_trial", "ask"):
        real = getattr(optuna.Study, name)

        def count(*args, name=name, real=real):
            calls[name] += 1
            return real(*args)

        monkeypatch.setattr(optuna.Study, name, count)
    kept = search(study("gp"))
    settings = kept.propose({})
    while len(settings) < 20:
        settings = kept.propose(known(settings, len(settings)))
    assert calls == {"add_trial": 16, "ask": 20}


def test_a_candidate_with_rows_keeps_its_setting():
    first = asked(study(), {})
    other = {**first[2], "optimizer.lr": 0.5}
    rows = {2: [row(2, other, 0.3)]}
    assert asked(study(), rows) == [*first[:2], other, first[3]]


@pytest.mark.parametrize("method", SLOW_GP)
def test_later_batches_are_better_than_the_first(method):
    many = study(method, search={"candidates": 24, "batch": 8}, space=PLAIN)
    scores = [score(setting) for setting in searched(many)]
    assert sum(scores[16:]) / 8 > sum(scores[:8]) / 8 + 0.1


@pytest.mark.parametrize("method", METHODS)
def test_less_of_a_loss_is_as_more_of_its_negative(method):
    sizes: dict[str, Any] = {"space": PLAIN, "search": {"candidates": 12, "batch": 10}}
    more, less = (
        study(method, **sizes),
        study(method, metric="loss", direction="min", failure_value=9.0, **sizes),
    )
    rows = known(asked(more, {}), 10)
    losses = renamed(rows, "loss", -1)
    assert asked(less, losses) == asked(more, rows)
    assert asked(more, renamed(rows, "accuracy", -1)) != asked(more, rows)


# settings


@pytest.mark.parametrize("method", SLOW_GP)
def test_settings_are_of_the_space_and_of_its_types(method):
    declared = study(method)
    for setting in searched(declared):
        assert list(setting) == list(SPACE)
        assert setting["net.hidden"] in (3, 5, 7)
        assert 1e-4 <= setting["optimizer.lr"] <= 1
        assert setting["optimizer.weight_decay"] in Dimension(low=0, high=0.1, step=0.01).choices
        assert type(setting["optimizer.weight_decay"]) is float
        assert type(setting["batch_size"]) is type(setting["epochs"]) is int
        assert 10 <= setting["batch_size"] <= 40
        assert setting["epochs"] in (1, 2, 3)


@pytest.mark.parametrize(
    ("dimension", "value"),
    [
        (Dimension(values=(1, 1.0, True, "1")), 1),
        (Dimension(values=(1, 1.0, True, "1")), 1.0),
        (Dimension(values=(1, 1.0, True, "1")), True),
        (Dimension(values=(1, 1.0, True, "1")), "1"),
        (Dimension(low=0.001, high=0.015, step=0.001), 0.003),
        (Dimension(low=5, high=9, integer=True), 7),
        (Dimension(low=5, high=9, integer=True, log=True), 7),
        (Dimension(low=0.1, high=9, log=True), 0.7),
        (Dimension(low=0.1, high=9), 0.7),
    ],
)
def test_a_value_comes_back_from_its_code(dimension: Dimension, value: Value):
    back = decode_value(dimension, encode_value(dimension, value))
    assert (type(back), back) == (type(value), value)


@pytest.mark.parametrize("method", METHODS)
def test_no_point_comes_twice_while_there_are_others(method):
    space = {"optimizer.lr": [0.003, 0.01, 0.03, 0.1, 0.3], "net.hidden": [3, 5]}
    points = [
        tuple(s.values()) for s in searched(study(method, space=space, search={"candidates": 10}))
    ]
    assert len(set(points)) == 10


def test_a_space_that_is_used_up_gives_points_again():
    few = study(space={"optimizer.lr": [0.01, 0.1]}, search={"candidates": 6, "batch": 3})
    settings = searched(few)
    assert len(settings) == 6
    assert {s["optimizer.lr"] for s in settings} == {0.01, 0.1}


# what is told


def test_a_candidate_counts_by_its_mean_over_the_splits():
    rows = [row(0, {}, 0.2), row(0, {}, 0.4, fold=1)]
    assert candidate_mean(study(), rows) == pytest.approx(0.3)


def test_one_that_diverged_counts_as_the_worst_of_the_others():
    gone = row(1, {}, math.nan, status="diverged")
    assert candidate_mean(study(), [row(1, {}, 0.9, fold=1), gone]) is None
    assert replace_lost(study(), [0.6, None, 0.4]) == [0.6, 0.4, 0.4]
    less = study(metric="loss", direction="min", failure_value=1e9)
    assert replace_lost(less, [0.6, None, 0.4]) == [0.6, 0.6, 0.4]
    assert replace_lost(study(), [None]) == [0.0]


# manners


@pytest.mark.parametrize("method", METHODS)
def test_nothing_else_is_disturbed(method, capfd):
    ten = study(method, space=PLAIN, search={"candidates": 12, "batch": 10})
    rows = known(asked(ten, {}), 10)
    torch.manual_seed(5)
    before = torch.get_rng_state(), torch.get_num_threads(), optuna.logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asked(ten, rows)
    after = torch.get_rng_state(), torch.get_num_threads(), optuna.logging.get_verbosity()
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("optuna").level == optuna.logging.get_verbosity()


def test_without_optuna_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(StudyError, match=r"gp needs Optuna: pip install 'chainrule\[optuna\]'"):
        asked(study("gp"), {})
    assert len(asked(study("tpe"), {})) == 4


@pytest.mark.slow
def test_optuna_is_imported_when_it_is_asked():
    program = "import sys, chainrule.study.search.optuna_search; print('optuna' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "False"


# in a study


@pytest.mark.parametrize("method", METHODS)
def test_a_study_ends_with_all_its_candidates(method):
    space = {"optimizer.lr": {"low": 1e-3, "high": 0.3, "log": True}, "net.hidden": [3, 5]}
    declared = study(method, space=space, search={"candidates": 10, "batch": 4}, rounds=2)
    result = run(declared)
    assert result.is_complete
    assert [c.index for c in result.candidates("only")] == list(range(10))


def test_a_run_that_was_interrupted_proposes_the_same(tmp_path):
    space = {"optimizer.lr": {"low": 1e-3, "high": 0.3, "log": True}, "net.hidden": [3, 5]}
    declared = study(space=space, search={"candidates": 14, "batch": 5}, rounds=1)
    store, begun = tmp_path / "s.sqlite", []

    def interrupt(progress):
        begun.append(progress)
        if len(begun) == 2:
            raise KeyboardInterrupt

    counts = []
    for _ in range(4):
        begun.clear()
        counts.append(len(run(declared, store=store, on_progress=interrupt).rows))
    assert counts == sorted(set(counts))
    whole = run(declared, store=store)
    assert lasting(whole.rows) == lasting(run(declared).rows)
