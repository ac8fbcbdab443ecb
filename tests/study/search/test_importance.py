"""Importance of searched settings: as Optuna's, of the same trials."""

from __future__ import annotations

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
    "batch_size": Dimension(low=1, high=700, log=True, integer=True),
    "optimizer.momentum": Dimension(low=0.5, high=0.95),
}
KINDS = {
    "optimizer.lr": optuna.distributions.FloatDistribution(1e-4, 1.0, log=True),
    "net.hidden": optuna.distributions.CategoricalDistribution((3, 5, 7)),
    "epochs": optuna.distributions.IntDistribution(1, 9),
    "net.activation": optuna.distributions.CategoricalDistribution(("ReLU", "Tanh")),
    "batch_size": optuna.distributions.IntDistribution(1, 700, log=True),
    "optimizer.momentum": optuna.distributions.FloatDistribution(0.5, 0.95),
}


def score(setting) -> float:
    """Best at a learning rate of 0.01; the units matter a little, the rest not at all."""
    return -abs(math.log10(setting["optimizer.lr"]) + 2) - 0.05 * abs(setting["net.hidden"] - 5)


TRIALS = [(setting, score(setting)) for setting in random_settings(SPACE, 60, seed=3)]


@pytest.mark.parametrize("n", [2, 5, 60])
@pytest.mark.parametrize("sign", [1, -1])
def test_agrees_with_optuna_on_the_same_trials(sign, n):
    study = optuna.create_study(direction="maximize" if sign == 1 else "minimize")
    for setting, value in TRIALS[:n]:
        study.add_trial(
            optuna.create_trial(params=setting, distributions=KINDS, value=sign * value)
        )
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    wanted = optuna.importance.get_param_importances(study, evaluator=evaluator)
    trials = [(setting, sign * value) for setting, value in TRIALS[:n]]
    found = setting_importances(SPACE, trials, maximize=sign == 1)
    assert found == pytest.approx(wanted, abs=1e-6)
    assert n < 60 or max(found, key=lambda path: found[path]) == "optimizer.lr"
    assert sum(found.values()) == pytest.approx(1.0)


def test_a_setting_with_one_value_has_none():
    space = {**SPACE, "net.layers": Dimension(values=(2,))}
    trials = [({**setting, "net.layers": 2}, value) for setting, value in TRIALS]
    assert setting_importances(space, trials, maximize=True)["net.layers"] == 0.0


@pytest.mark.parametrize("trials", [TRIALS[:1], [TRIALS[0], TRIALS[0]]])
def test_too_few_candidates_are_refused(trials):
    with pytest.raises(StudyError, match="two candidates or more that differ"):
        setting_importances(SPACE, trials, maximize=True)


def test_what_is_not_finite_counts_for_nothing():
    more = [*TRIALS, ({**TRIALS[0][0], "optimizer.lr": 1.0}, math.nan)]
    found = setting_importances(SPACE, more, maximize=True)
    assert found == setting_importances(SPACE, TRIALS, maximize=True)
