"""Studies of two equally good learners that need little training: for simulations of many studies.

Nearest-centroid classifiers of points from two normal classes with 10 features: arm "first" sees
features 0 to 4, arm "second" 5 to 9, so over all data neither is better. A study is declared, run
and compared as any other: samples, splits, search, selection, rows and store are the real ones. An
executor makes each row, where another one would train a net. Where it matters how a learner follows
its samples, small nets are trained, all rounds of a job at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

import numpy as np
import torch

from chainrule import nn, seeds
from chainrule.data import Dataset
from chainrule.optim import Adam
from chainrule.study import Study, StudyResult, TrainingRecord, run
from chainrule.study.execution.cohorts import CohortJob, Training
from chainrule.study.execution.workers.package import JobResult, StudyPackage
from chainrule.study.round_data import RoundData
from chainrule.study.sample_identity import name_samples
from chainrule.study.store.predictions import Predictions, encode_predictions
from chainrule.train import Trainer

HALF = 5
HERE = "tests.study.closed_form:"


def points(n: int, seed: int) -> Dataset:
    """n points, half of each class."""
    draw = torch.Generator().manual_seed(seed)
    label = torch.arange(n) % 2
    return Dataset(torch.randn(n, 2 * HALF, generator=draw) + 0.5 * label[:, None], label)


def samples(seed: int, *, train: int = 50, test: int = 50) -> tuple[Dataset, Dataset]:
    """Points of its own for each seed."""
    data = points(train + test, seed)
    return data.subset(torch.arange(train)), data.subset(torch.arange(train, train + test))


def pool(seed: int, *, pool: int, size: int = 60, test: int = 48) -> tuple[Dataset, Dataset]:
    """Training points of its own for each seed; test points drawn from the pool of this number."""
    order = torch.randperm(size, generator=torch.Generator().manual_seed(seed))
    return points(50, seed), points(size, pool).subset(order[:test])


def net(side: str, features: int = HALF, offset: int = 0, learner: str = "centroids") -> nn.Module:
    """Which features a classifier sees: so many of its half, from ``offset`` on, around the end.

    ``learner``: "centroids", which hardly change with their samples, or "net".
    """
    return nn.Linear(2 * HALF, 2)


def declare(**changes: Any) -> Study:
    """Two arms that are alike but for the half that they see."""
    whole: dict[str, Any] = {
        "name": "equal",
        "rounds": 10,
        "data": HERE + "samples",
        "net": {"name": HERE + "net"},
        "loss": "CrossEntropyLoss",
        "optimizer": "SGD",
        "arms": {"first": {"net": {"side": "first"}}, "second": {"net": {"side": "second"}}},
    }
    return Study(**{**whole, **changes})


def run_closed_form(study: Study, *, diverging: float = 0.0, failing: float = 0.0) -> StudyResult:
    """The result of a study; shares of the trainings diverge, or end in an error."""
    return run(study, executor=ClosedForm(study, diverging, failing))


class ClosedForm:
    """An executor that makes rows of classifiers, which are known as soon as their samples are."""

    def __init__(self, study: Study, diverging: float, failing: float) -> None:
        self.study, self.data = study, RoundData(study)
        self.diverging, self.failing = diverging, failing
        self.parts: dict[tuple[int, int | None], tuple[Any, Any, dict[str, str]]] = {}

    def submit(self, f: Any, package: StudyPackage, job: CohortJob, nets: bool) -> Future:
        future: Future = Future()
        parts = [self.find_parts(t.round, find_fold(job, t)) for t in job.trainings]
        if job.recipe.net.arguments.get("learner") == "net":
            starts = [seeds.derive(self.study.seed, job.arm, t.round) for t in job.trainings]
            right = train_nets(parts, job.recipe.net.arguments["side"], starts)
        else:
            seen = [{**job.recipe.net.arguments, **t.setting} for t in job.trainings]
            right = [classify(*part[:2], of) for part, of in zip(parts, seen, strict=True)]
        rows = map(partial(self.make_row, job), job.trainings, right)
        future.set_result(JobResult(list(rows)))
        return future

    def make_row(self, job: CohortJob, training: Training, right: np.ndarray) -> TrainingRecord:
        r = training.round
        learned, judged, digests = self.find_parts(r, find_fold(job, training))
        luck = np.random.default_rng(seeds.derive(self.study.seed, job.arm, job.stage, r)).random()
        status = "done"
        if job.stage == "final" and luck < self.diverging + self.failing:
            status = "diverged" if luck < self.diverging else "failed"
        kept = b""
        if self.study.keep == "predictions" and status == "done":
            _, test = self.data.raw_final(r)
            scores = {"accuracy": right.astype(float)}
            kept = encode_predictions(Predictions(right, right, scores, name_samples(test)))
        return TrainingRecord(
            arm=job.arm,
            stage=job.stage,
            candidate=training.candidate,
            round=r,
            fold=training.fold,
            status=status,
            setting=training.setting,
            metrics={"accuracy": right.mean() if status == "done" else np.nan},
            epochs=1,
            seconds=0.0,
            cohort_size=len(job.trainings),
            parameters=2 * HALF,
            n_train=len(learned[1]),
            n_test=len(judged[1]),
            seeds={},
            samples=digests,
            predictions=kept,
        )

    def find_parts(self, r: int, f: int | None) -> tuple[Any, Any, dict[str, str]]:
        """Points and labels to learn from and to be judged on, and the digests of these samples."""
        if (r, f) not in self.parts:
            parts = self.data.raw_final(r) if f is None else self.data.raw_fold(r, f)
            learned, judged = self.data.digests(r, f)
            sides = [(part.inputs.numpy(), part.targets.numpy()) for part in parts]
            self.parts[r, f] = (*sides, {"learned": learned, "judged": judged})
        return self.parts[r, f]


def find_fold(job: CohortJob, training: Training) -> int | None:
    """The fold of a search that a training learns in."""
    return training.fold if job.stage == "search" else None


def classify(learned: Any, judged: Any, arguments: dict[str, Any]) -> np.ndarray:
    """Which points a nearest-centroid classifier of these features has right."""
    seen = {path.removeprefix("net."): value for path, value in arguments.items()}
    start = HALF * (seen["side"] == "second")
    some = start + (seen.get("offset", 0) + np.arange(seen.get("features", HALF))) % HALF
    (x, label), (new, truth) = learned, judged
    first, second = (x[label == c][:, some].mean(0) for c in (0, 1))
    weight = second - first
    return (new[:, some] @ weight > (first + second) @ weight / 2) == truth


def train_nets(parts: Sequence[Any], side: str, starts: list[int]) -> Sequence[np.ndarray]:
    """Which points nets of one hidden layer have right that were trained until they fit."""
    half = slice(HALF) if side == "first" else slice(HALF, None)

    def stack(which: int) -> Dataset:
        inputs, labels = (np.stack([part[which][i] for part in parts]) for i in (0, 1))
        inputs = np.ascontiguousarray(inputs[..., half], dtype=np.float32)
        return Dataset(torch.from_numpy(inputs), torch.from_numpy(labels), len(parts))

    plain = nn.Sequential(nn.Linear(HALF, 16), nn.ReLU(), nn.Linear(16, 2))
    nets = plain.replicate(len(parts), seeds=starts)
    learned, judged = stack(0), stack(1)
    trainer = Trainer(nets, nn.CrossEntropyLoss(), Adam(nets, lr=0.02), batch_size=len(learned))
    trainer.fit(learned, epochs=100)
    return list((trainer.predict(judged).argmax(-1) == judged.targets).numpy())
