"""What the nets of a cohort say of each sample that they are judged on, kept with their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from chainrule._util.pytree import tree_map
from chainrule.data import Dataset
from chainrule.study.round_data import RoundData
from chainrule.study.sample_identity import name_samples
from chainrule.study.store.predictions import Predictions, encode_predictions
from chainrule.study.store.record import TrainingRecord
from chainrule.train.metrics.base import Metric

__all__ = ["add_predictions"]


def add_predictions(
    rows: Sequence[TrainingRecord],
    metrics: Mapping[str, Metric],
    samples: RoundData,
    outputs: Any,
    judged: Dataset,
) -> list[TrainingRecord]:
    """The rows of a cohort with its predictions; one that diverged has none.

    ``outputs`` are those that gave the rows' metrics, of K nets (K, N, …), K a multiple of the
    number of rows, or of one net; ``judged`` is what they were given for.
    """
    targets = judged.targets
    samples_axis = 0 if judged.replicas is None else 1
    scores = {name: metric(outputs, targets).double() for name, metric in metrics.items()}
    scores = {name: each for name, each in scores.items() if each.dim() > samples_axis}
    return [
        row
        if not row.has_value
        else replace(
            row,
            predictions=encode_predictions(
                Predictions(
                    take_training(outputs, i, len(rows), judged.replicas),
                    take_training(targets, i, len(rows), judged.replicas),
                    take_training(scores, i, len(rows), judged.replicas),
                    name_judged(samples, row),
                    unit=target_unit(samples, row),
                )
            ),
        )
        for i, row in enumerate(rows)
    ]


def take_training(value: Any, i: int, trainings: int, replicas: int | None) -> Any:
    """What is training i's as arrays; the first of its members, which are alike here."""

    def take(t: Tensor) -> NDArray[Any]:
        if replicas is not None:
            t = t[0] if len(t) == 1 else t[i * (len(t) // trainings)]
        return np.ascontiguousarray(t.detach().cpu().numpy())

    return tree_map(take, value)


def name_judged(samples: RoundData, row: TrainingRecord) -> NDArray[np.int64]:
    """The names of the samples that a row's net was judged on."""
    is_search = row.stage == "search"
    raw = samples.raw_fold(row.round, row.fold) if is_search else samples.raw_final(row.round)
    return name_samples(raw[1])


def target_unit(samples: RoundData, row: TrainingRecord) -> float:
    """What the targets that a row's net was judged by were divided by."""
    return samples.unit(row.round, row.fold if row.stage == "search" else None)
