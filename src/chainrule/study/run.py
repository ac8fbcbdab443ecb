"""Run a study: the rounds of an arm are one cohort."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from chainrule import seeds
from chainrule.data import Dataset
from chainrule.nn.module import Module
from chainrule.study.declaration import Arm, Study, StudyError
from chainrule.study.result import ArmResult, StudyResult
from chainrule.train import Callback, Trainer

__all__ = ["run"]


def run(
    study: Study,
    *,
    arms: str = "*",
    rounds: int | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    watch: Callable[[Arm], Callback] | None = None,
) -> StudyResult:
    """Train every arm that matches ``arms`` over the rounds and return the results.

    ``rounds``, ``epochs`` and ``seed`` stand in for the declared ones. ``watch`` makes a callback
    for each arm (a progress display). Ctrl-C ends the study after the arms that are done.

    Round r has the same data for every arm. A net's parameters and batch order come from the root
    seed, the round and, for a parameter, its path; so a round is the same whatever the number of
    rounds and whichever other arms are run.
    """
    chosen = study.select(arms)
    rounds, epochs = (
        study.rounds if rounds is None else rounds,
        study.epochs if epochs is None else epochs,
    )
    seed = study.seed if seed is None else seed
    for name, number in (("rounds", rounds), ("epochs", epochs)):
        if number < 1:
            raise StudyError(f"study {study.name}: {name} is at least 1, got {number}")
    roots = [seeds.derive(seed, "round", r) for r in range(rounds)]
    train, test = study.data([seeds.derive(root, "data") for root in roots])
    done: list[ArmResult] = []
    interrupted = False
    with one_thread():
        try:
            for arm in chosen:
                callbacks = [] if watch is None else [watch(arm)]
                done.append(run_arm(study, arm, train, test, roots, epochs, callbacks))
        except KeyboardInterrupt:
            interrupted = True
    return StudyResult(study.name, rounds, epochs, seed, done, interrupted)


def run_arm(
    study: Study,
    arm: Arm,
    train: Dataset,
    test: Dataset,
    roots: Sequence[int],
    epochs: int,
    callbacks: Sequence[Callback],
) -> ArmResult:
    """All rounds as one cohort, then the first again alone, for its time."""
    inits = [seeds.derive(root, "net") for root in roots]
    cohort = trainer(study, arm, arm.net().replicate(len(roots), inits), roots, callbacks)
    history = cohort.fit(train, test, epochs=epochs, progress=False)
    if history.interrupted:
        raise KeyboardInterrupt
    alone = trainer(study, arm, arm.net().initialize(inits[0]), roots[:1])
    solo = alone.fit(train.replica(0), test.replica(0), epochs=epochs, progress=False)
    if solo.interrupted:
        raise KeyboardInterrupt
    values = history.last(f"test_{study.metric_name}")
    ok = values.isfinite()
    return ArmResult(
        arm=arm.name,
        metric=study.metric_name,
        values=torch.where(ok, values, 0.0).tolist(),
        n_ok=int(ok.sum()),
        parameters=sum(p.data.numel() for p in alone.net.parameters()),
        solo_seconds=solo.seconds,
        cohort_seconds=history.seconds,
        history=history,
        reported=arm.reported,
    )


def trainer(
    study: Study, arm: Arm, net: Module, roots: Sequence[int], callbacks: Sequence[Callback] = ()
) -> Trainer:
    """What trains this arm's net, plain or a cohort, in the rounds with these root seeds."""
    return Trainer(
        net,
        arm.criterion(),
        arm.optimizer(net),
        batch_size=study.batch_size,
        seed=[seeds.derive(root, "order") for root in roots],
        metrics={study.metric_name: study.metric},
        callbacks=callbacks,
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Small products are slower on several threads; leave the setting as it was afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
