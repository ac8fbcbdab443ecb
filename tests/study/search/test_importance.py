"""Importance of searched settings: Optuna's own, of the same trials."""

from __future__ import annotations

import builtins
import math

import pytest

from chainrule.study import Dimension, StudyError
from chainrule.study.search.importance import setting_importances
from chainrule.study.spec.sections.space import random_settings

optuna = pytest.importorskip("optuna")

SPACE = {
    "optimizer.lr": Dimension(low=1e-4, high=1.0, log=True),
    "net.hidden": Dimension(values=(3, 5, 7)),
    "epochs": Dimension(low=1, high=9, integer=True),
    "net.activation": Dimension(values=("ReLU", "Tanh")),
}
KINDS = {
    "optimizer.lr": optuna.distributions.FloatDistribution(1e-4, 1.0, log=True),
    "net.hidden": optuna.distributions.CategoricalDistribution((3, 5, 7)),
    "epochs": optuna.distributions.IntDistribution(1, 9),
    "net.activation": optuna.distributions.CategoricalDistribution(("ReLU", "Tanh")),
}


def score(setting) -> float:
    """Best at a learning rate of 0.01; the units matter a little, the rest not at all."""
    return -abs(math.log10(setting["optimizer.lr"]) + 2) - 0.05 * abs(setting["net.hidden"] - 5)


TRIALS = [(setting, score(setting)) for setting in random_settings(SPACE, 60, seed=3)]


@pytest.mark.parametrize("sign", [1, -1])
def test_agrees_with_optuna_on_the_same_trials(sign):
    study = optuna.create_study(direction="maximize" if sign == 1 else "minimize")
    for setting, value in TRIALS:
        study.add_trial(
            optuna.create_trial(params=setting, distributions=KINDS, value=sign * value)
        )
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    wanted = optuna.importance.get_param_importances(study, evaluator=evaluator)
    trials = [(setting, sign * value) for setting, value in TRIALS]
    found = setting_importances(SPACE, trials, maximize=sign == 1)
    assert found == pytest.approx(wanted, abs=1e-6)
    assert max(found, key=lambda path: found[path]) == "optimizer.lr"
    assert sum(found.values()) == pytest.approx(1.0)


def test_a_setting_with_one_value_has_none():
    space = {**SPACE, "batch_size": Dimension(values=(10,))}
    trials = [({**setting, "batch_size": 10}, value) for setting, value in TRIALS]
    assert setting_importances(space, trials, maximize=True)["batch_size"] == 0.0


@pytest.mark.parametrize("trials", [TRIALS[:1], [TRIALS[0], TRIALS[0]]])
def test_too_few_candidates_are_refused(trials):
    with pytest.raises(StudyError, match="two candidates or more that differ"):
        setting_importances(SPACE, trials, maximize=True)


def test_without_optuna_its_extra_is_named(monkeypatch):
    whole = builtins.__import__

    def partial(name, *args, **kwargs):
        if name == "optuna":
            raise ImportError(name)
        return whole(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", partial)
    with pytest.raises(StudyError, match=r"importance of settings needs Optuna: .*\[optuna\]"):
        setting_importances(SPACE, TRIALS, maximize=True)
