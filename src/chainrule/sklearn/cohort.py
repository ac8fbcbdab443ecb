"""Estimators trained on the same samples together: those that differ in numbers as one cohort."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Self, final

import torch

from chainrule.sklearn.estimator import NetEstimator, make_cohort_trainer, train_nets
from chainrule.sklearn.samples import Samples
from chainrule.sklearn.settings import value_key
from chainrule.train import Trainer

__all__ = ["CohortFit", "CohortPool", "make_cohorts"]

PER_REPLICA = ("learning_rate_init", "alpha")
"""What may differ among the nets of a cohort."""

SECONDS_BETWEEN_LOOKS = 0.2
"""How long it waits at a time, to hear Ctrl-C."""


def make_cohorts(
    members: Sequence[NetEstimator], X: Any, y: Any, params: Mapping[str, Any]
) -> list[CohortFit]:
    """The fits of these on samples, each as its own ``fit`` would; ``params`` are those of ``fit``.

    Those that differ in ``PER_REPLICA`` alone are one cohort.
    """
    groups: dict[object, list[NetEstimator]] = {}
    for member in members:
        groups.setdefault(group_key(member), []).append(member)
    return [CohortFit(group, X, y, params) for group in groups.values()]


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


@final
class CohortFit:
    """The fit of estimators of one key, which can be stopped.

    Afterwards ``problems`` has what was wrong with each member, if anything, by its id, and
    ``seconds`` how long it took.
    """

    def __init__(
        self, members: Sequence[NetEstimator], X: Any, y: Any, params: Mapping[str, Any]
    ) -> None:
        self.members, self.given = members, (X, y, params)
        self.problems: dict[int, Exception | None] = {}
        self.seconds = 0.0
        self.is_stopped = False
        self.trainer: Trainer | None = None

    def run(self) -> None:
        """Train the nets of all members, and give each its own.

        A member that refuses the samples or its options is left out; what a net or a loss raises is
        that of all others. Raises KeyboardInterrupt.
        """
        if self.is_stopped:
            raise KeyboardInterrupt
        start = time.perf_counter()
        samples = self._read_samples(*self.given)
        del self.given
        ready = [each for each in self.members if self.problems[id(each)] is None]
        if samples is not None:
            self._train(ready, samples)
        self.seconds = time.perf_counter() - start

    def _train(self, ready: Sequence[NetEstimator], samples: Samples) -> None:
        """The nets of those that have taken the samples."""
        try:
            self.trainer = trainer = make_cohort_trainer(ready, samples)
            train_nets(trainer, ready[0], samples)
        except Exception as error:
            self.problems |= {id(each): error for each in ready}
            return
        finally:
            self.trainer = None
        if trainer.history.interrupted:
            raise KeyboardInterrupt
        for place, each in enumerate(ready):
            self.problems[id(each)] = take_share(each, trainer, samples, place)

    def _read_samples(self, X: Any, y: Any, params: Mapping[str, Any]) -> Samples | None:
        """What is learned from, None where nobody takes it; what was wrong with each is kept."""
        samples: Samples | None = None
        reader: NetEstimator | None = None
        for member in self.members:
            try:
                if reader is None:
                    samples = member.read_samples(X, y, **params)
                    reader = member
                else:
                    member.adopt_reading(reader, PER_REPLICA)
                self.problems[id(member)] = None
            except Exception as error:
                self.problems[id(member)] = error
        return samples

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


@final
class CohortPool:
    """Runs fits of cohorts, at most ``most`` at a time, which divide PyTorch's threads.

    One at a time is run where it is given. Within the context PyTorch has one thread where several
    are at work. What ends the context before its end, as Ctrl-C does, stops all.
    """

    def __init__(self, most: int) -> None:
        self.threads = torch.get_num_threads()
        self.workers = min(self.threads, most)
        self.futures: dict[CohortFit, Future[None]] = {}

    def __enter__(self) -> Self:
        self.pool: ThreadPoolExecutor | None = None
        if self.workers > 1:
            share = (self.threads // self.workers,)
            self.pool = ThreadPoolExecutor(self.workers, "fit", torch.set_num_threads, share)
        return self

    def __exit__(self, *raised: object) -> None:
        if any(raised):
            for cohort in self.futures:
                cohort.stop()
        if self.pool is not None:
            self.pool.shutdown()
            torch.set_num_threads(self.threads)  # a part of it is of the process

    def start(self, cohorts: Sequence[CohortFit]) -> None:
        """Let these be fitted as soon as there is room. Raises KeyboardInterrupt."""
        for cohort in cohorts:
            if self.pool is None:
                cohort.run()
            else:
                self.futures[cohort] = self.pool.submit(cohort.run)

    def wait(self, cohorts: Sequence[CohortFit]) -> None:
        """Until these are fitted. Raises KeyboardInterrupt."""
        if self.pool is None:
            return
        futures = [self.futures[cohort] for cohort in cohorts]
        while wait(futures, SECONDS_BETWEEN_LOOKS).not_done:
            pass
        for cohort in cohorts:
            self.futures.pop(cohort).result()
