"""Estimators trained on the same samples together: those that differ in numbers as one cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, final

import joblib
import torch

from chainrule.sklearn.estimator import NetEstimator, make_cohort_trainer, train_nets
from chainrule.sklearn.samples import Samples
from chainrule.train import Trainer

__all__ = ["fit_together", "value_key"]

PER_REPLICA = ("learning_rate_init", "alpha")
"""What may differ among the nets of a cohort."""

SECONDS_BETWEEN_LOOKS = 0.2
"""How long it waits at a time, to hear Ctrl-C."""


def fit_together(
    members: Sequence[NetEstimator], X: Any, y: Any, params: Mapping[str, Any]
) -> list[Exception | None]:
    """Fit each as its own ``fit`` would, and say of each what was wrong, if anything.

    ``params`` are those of ``fit``. Those that differ in ``PER_REPLICA`` alone are one cohort; as
    many cohorts as PyTorch has threads are trained at a time. Raises KeyboardInterrupt.
    """
    groups: dict[object, list[int]] = {}
    for i, member in enumerate(members):
        groups.setdefault(group_key(member), []).append(i)
    cohorts = [CohortFit([members[i] for i in of]) for of in groups.values()]
    problems: list[Exception | None] = [None] * len(members)
    for indices, found in zip(groups.values(), fit_cohorts(cohorts, X, y, params), strict=True):
        for i, problem in zip(indices, found, strict=True):
            problems[i] = problem
    return problems


def group_key(member: NetEstimator) -> object:
    """The same for those that can be one cohort; it draws the member's seed."""
    seed = member.draw_seed()
    held_out_by = seed if member.early_stopping else None
    same = (
        value_key(value)
        for name, value in vars(member).items()
        if name not in (*PER_REPLICA, "random_state", "_seed")
    )
    return type(member), held_out_by, *same


def value_key(value: Any) -> object:
    """The same for equal values; of what cannot be pickled, as a lambda, for itself alone."""
    if value is None or isinstance(value, str | bool | int | float):
        return type(value), value
    try:
        return joblib.hash(value)
    except Exception:  # of any kind: a class says how it is pickled
        return id(value)


@final
class CohortFit:
    """The fit of estimators of one key, which can be stopped."""

    def __init__(self, members: Sequence[NetEstimator]) -> None:
        self.members, self.is_stopped = members, False
        self.trainer: Trainer | None = None
        self.samples: Samples | None = None

    def fit(self, X: Any, y: Any, params: Mapping[str, Any]) -> list[Exception | None]:
        """Train the nets of all members, and give each its own; what was wrong with each.

        A member that refuses the samples or its options is left out; what a net or a loss raises is
        that of all others. Raises KeyboardInterrupt.
        """
        if self.is_stopped:
            raise KeyboardInterrupt
        problems = self._read_samples(X, y, params)
        ready = [i for i, problem in enumerate(problems) if problem is None]
        if self.samples is None:
            return problems
        try:
            members = [self.members[i] for i in ready]
            self.trainer = trainer = make_cohort_trainer(members, self.samples)
            train_nets(trainer, members[0], self.samples)
        except Exception as error:
            return [problem or error for problem in problems]
        finally:
            samples, self.samples, self.trainer = self.samples, None, None
        if trainer.history.interrupted:
            raise KeyboardInterrupt
        for place, i in enumerate(ready):
            problems[i] = take_share(self.members[i], trainer, samples, place)
        return problems

    def _read_samples(self, X: Any, y: Any, params: Mapping[str, Any]) -> list[Exception | None]:
        """Keep what is learned from, and say what was wrong with it or with each member."""
        problems: list[Exception | None] = []
        reader: NetEstimator | None = None
        for member in self.members:
            try:
                if reader is None:
                    self.samples = member.read_samples(X, y, **params)
                    reader = member
                else:
                    member.adopt_reading(reader, PER_REPLICA)
                problems.append(None)
            except Exception as error:
                problems.append(error)
        return problems

    def stop(self) -> None:
        """End its training after the epoch that it is in."""
        self.is_stopped = True
        if self.trainer is not None:
            self.trainer.history.interrupted = True


def take_share(
    member: NetEstimator, trainer: Trainer, samples: Samples, i: int
) -> Exception | None:
    """Give the i-th member its nets of a cohort; what was wrong, if anything."""
    try:
        member.take_nets(trainer, samples, i * member.n_seeds)
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
