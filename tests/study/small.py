"""Small studies for the tests, their parts, and how rows are compared."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch

from chainrule import nn
from chainrule.data import Dataset, disk
from chainrule.seeds import derive
from chainrule.study import Study, TrainingRecord

SMALL: dict[str, Any] = {
    "name": "small",
    "rounds": 3,
    "epochs": 2,
    "batch_size": 20,
    "data": {"name": "disk_points", "train": 60, "test": 30},
    "net": {"name": "disk_net", "hidden": 3},
    "loss": "CrossEntropyLoss",
    "optimizer": {"name": "Adam", "lr": 0.03},
    "arms": {"narrow": {}, "wide": {"net": {"hidden": 7}}},
}

SEARCH: dict[str, Any] = {
    "space": {"optimizer.lr": [0.003, 0.03, 0.3]},
    "search": {"method": "grid", "each_round": False},
}


def small(**changes: Any) -> Study:
    """Two arms without a search, with other values in some fields."""
    return Study(**{**SMALL, **changes})


def searched(**changes: Any) -> Study:
    """Two arms, three candidates each, searched once."""
    return small(**{**SEARCH, **changes})


def lasting(rows: Iterable[TrainingRecord]) -> list[TrainingRecord]:
    """The rows in the order of their keys, less what differs from run to run."""
    plain = [replace(row, seconds=0.0, finished="", worker="", machine={}) for row in rows]
    return sorted(plain, key=lambda row: row.key)


# what user code may do


def fragile(hidden: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(2, hidden), Fragile(), nn.Linear(hidden, 2))


class Fragile(nn.Module):
    """An error of one's own."""

    def forward(self, x):
        raise ZeroDivisionError("user code")


def normed(hidden: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(2, hidden), nn.BatchNorm1d(hidden), nn.Linear(hidden, 2))


class Halve(nn.Module):
    """y = x / 2"""

    def forward(self, x):
        return x / 2, lambda g: g / 2


def halved(hidden: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(2, hidden), Halve(), nn.Linear(hidden, 2))


class Deadly(nn.Module):
    """y = x; the process that runs it on more than one sample is killed."""

    def forward(self, x):
        if x.shape[-2] > 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return x, lambda g: g


def deadly(hidden: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(2, hidden), Deadly(), nn.Linear(hidden, 2))


def noisy_labels(seed: int, *, train: int = 40, test: int = 30) -> tuple[Dataset, Dataset]:
    """The same points for every seed, and other labels."""
    points = disk(train + test)
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(2, (train + test,), generator=draw)
    whole = Dataset(points.inputs, labels)
    index = torch.arange(train + test)
    return whole.subset(index[:train]), whole.subset(index[train:])


def poisoned(seed: int, *, train: int = 40, test: int = 30) -> tuple[Dataset, Dataset]:
    """Points of which about every second seed has an infinite one."""
    data = disk(train, derive(seed, "train")), disk(test, derive(seed, "test"))
    if seed % 2:
        data[0].inputs[0] = torch.inf
    return data


def no_data(seed: int) -> int:
    return seed


def largest_score():
    """A metric of one's own over all samples: one number a replica."""
    return lambda output, target: output.amax((-2, -1))


def darken() -> Any:
    """An augmentation of one's own."""
    return lambda x, seeds, step: x * 0.9
