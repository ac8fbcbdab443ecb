"""Estimators trained on the same samples together: those that differ in numbers as one cohort."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, final

import torch

from chainrule.sklearn.estimator import NetEstimator, make_cohort_trainer, train_nets
from chainrule.train import Trainer

__all__ = ["fit_together"]

PER_REPLICA = ("learning_rate_init", "alpha")
"""What may differ among the nets of a cohort."""

SECONDS_BETWEEN_LOOKS = 0.2
"""How long it waits at a time, to hear Ctrl-C."""


def fit_together(
    members: Sequence[NetEstimator], X: Any, y: Any, sample_weight: Any = None
) -> list[Exception | None]:
    """Fit each as its own ``fit`` would, and say of each what was wrong, if anything.

    Those that differ in ``PER_REPLICA`` alone are one cohort; as many cohorts as PyTorch has
    threads are trained at a time. Raises KeyboardInterrupt.
    """
    groups: dict[str, list[int]] = {}
    for i, member in enumerate(members):
        groups.setdefault(group_key(member), []).append(i)
    cohorts = [CohortFit([members[i] for i in of]) for of in groups.values()]
    problems: list[Exception | None] = [None] * len(members)
    for indices, found in zip(
        groups.values(), fit_cohorts(cohorts, X, y, sample_weight), strict=True
    ):
        for i, problem in zip(indices, found, strict=True):
            problems[i] = problem
    return problems


def group_key(member: NetEstimator) -> str:
    """The same for those that can be one cohort; it draws the member's seed."""
    parameters = member.get_params(deep=False)
    seed = member.draw_seed()
    same = {k: v for k, v in parameters.items() if k not in (*PER_REPLICA, "random_state")}
    return repr((same, seed if member.early_stopping else None))  # who is held out


@final
class CohortFit:
    """The fit of estimators of one key, which can be stopped."""

    def __init__(self, members: Sequence[NetEstimator]) -> None:
        self.members, self.is_stopped = members, False
        self.trainer: Trainer | None = None

    def fit(self, X: Any, y: Any, sample_weight: Any) -> list[Exception | None]:
        """Train the nets of all members, and give each its own; what was wrong with each.

        What a net or a loss raises is that of all of them. Raises KeyboardInterrupt.
        """
        if self.is_stopped:
            raise KeyboardInterrupt
        try:
            for member in self.members:
                samples = member.read_samples(X, y, sample_weight)
            self.trainer = trainer = make_cohort_trainer(self.members, samples)
            train_nets(trainer, self.members[0], samples)
        except Exception as error:
            return [error] * len(self.members)
        finally:
            self.trainer = None  # which holds the samples
        if trainer.history.interrupted:
            raise KeyboardInterrupt
        return [take_share(member, trainer, i) for i, member in enumerate(self.members)]

    def stop(self) -> None:
        """End its training after the epoch that it is in."""
        self.is_stopped = True
        if self.trainer is not None:
            self.trainer.history.interrupted = True


def take_share(member: NetEstimator, trainer: Trainer, i: int) -> Exception | None:
    """Give the i-th member its nets of a cohort; what was wrong, if anything."""
    first = i * member.n_seeds
    nets = copy.deepcopy(trainer.net)
    nets.keep_replicas(torch.arange(first, first + member.n_seeds))
    try:
        member.take_nets(nets, trainer, first)
    except ValueError as error:  # all of its nets diverged
        return error
    return None


def fit_cohorts(cohorts: Sequence[CohortFit], *samples: Any) -> list[list[Exception | None]]:
    """What each fit says; several at a time, which divide PyTorch's threads.

    Raises KeyboardInterrupt.
    """
    threads = torch.get_num_threads()
    n = min(threads, len(cohorts))
    if n < 2 or any(cohort.members[0].verbose for cohort in cohorts):
        return [cohort.fit(*samples) for cohort in cohorts]
    with ThreadPoolExecutor(n, "fit", torch.set_num_threads, (threads // n,)) as pool:
        futures = [pool.submit(cohort.fit, *samples) for cohort in cohorts]
        try:
            while wait(futures, SECONDS_BETWEEN_LOOKS).not_done:
                pass
        except KeyboardInterrupt:
            for cohort in cohorts:
                cohort.stop()
            raise
        finally:
            torch.set_num_threads(threads)  # a part of it is of the process
    return [future.result() for future in futures]
