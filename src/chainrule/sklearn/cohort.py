"""Estimators that differ in numbers alone, trained on the same samples as one cohort."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch

from chainrule.sklearn.estimator import NetEstimator, make_cohort_trainer, train_nets

__all__ = ["fit_together"]

PER_REPLICA = ("learning_rate_init", "alpha")
"""What may differ among the nets of a cohort."""


def fit_together(
    members: Sequence[NetEstimator], X: Any, y: Any, sample_weight: Any = None
) -> list[Exception | None]:
    """Fit each as its own ``fit`` would, and say of each what was wrong, if anything.

    Those that differ in ``PER_REPLICA`` alone are trained at once.
    """
    groups: dict[str, list[int]] = {}
    for i, member in enumerate(members):
        groups.setdefault(group_key(member), []).append(i)
    problems: list[Exception | None] = [None] * len(members)
    for indices in groups.values():
        found = fit_group([members[i] for i in indices], X, y, sample_weight)
        for i, problem in zip(indices, found, strict=True):
            problems[i] = problem
    return problems


def group_key(member: NetEstimator) -> str:
    """The same for those that can be one cohort; it draws the member's seed."""
    parameters = member.get_params(deep=False)
    seed = member.draw_seed()
    same = {k: v for k, v in parameters.items() if k not in (*PER_REPLICA, "random_state")}
    return repr((same, seed if member.early_stopping else None))  # who is held out


def fit_group(
    members: Sequence[NetEstimator], X: Any, y: Any, sample_weight: Any
) -> list[Exception | None]:
    """Those of one key."""
    try:
        for member in members:
            samples = member.read_samples(X, y, sample_weight)
        trainer = make_cohort_trainer(members, samples)
        train_nets(trainer, members[0], samples)
    except Exception as error:  # whatever a net or a loss raises is the score of all of them
        return [error] * len(members)
    problems: list[Exception | None] = []
    for i, member in enumerate(members):
        first = i * member.n_seeds
        nets = copy.deepcopy(trainer.net)
        nets.keep_replicas(torch.arange(first, first + member.n_seeds))
        try:
            member.take_nets(nets, trainer, first)
            problems.append(None)
        except ValueError as error:  # all of its nets diverged
            problems.append(error)
    return problems
