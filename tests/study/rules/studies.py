"""A study in which no rule finds anything, and what is planted in it."""

from __future__ import annotations

from typing import Any

import torch

from chainrule import nn
from chainrule.data import Dataset
from chainrule.study import Study

CLEAN: dict[str, Any] = {
    "name": "clean",
    "rounds": 6,
    "epochs": 10,
    "batch_size": 25,
    "baseline": "narrow",
    "rope": 0.05,
    "data": {"name": "tests.study.rules.studies:four_clouds"},
    "net": {"name": "tests.study.rules.studies:hidden_net", "hidden": 16},
    "loss": "CrossEntropyLoss",
    "optimizer": {"name": "SGD", "momentum": 0.9},
    "schedule": {"name": "LinearLR", "start_factor": 1.0, "end_factor": 0.0, "total_iters": 10},
    "arms": {"narrow": {}, "wide": {"net": {"hidden": 24}}},
    "space": {"optimizer.lr": [1e-5, 0.3, 1e5]},
    "search": {"method": "grid"},
    "selection": {"split": "kfold", "folds": 3},
}


def study(**changes: Any) -> Study:
    """The clean study, with other values in some fields."""
    return Study(**{**CLEAN, **changes})


def four_clouds(
    seed: int, *, train: int = 200, test: int = 200, noise: float = 0.0, leak_at: int = -1
) -> tuple[Dataset, Dataset]:
    """Points (N, 2) in four clouds, one a quadrant; class 1 where the signs differ.

    ``noise`` is the share of labels drawn at random; with the seed ``leak_at`` the test samples
    are those learned from.
    """
    draw = torch.Generator().manual_seed(seed)
    n = train + test
    labels = torch.randint(2, (n,), generator=draw)
    x = 2.0 * torch.randint(2, (n, 1), generator=draw) - 1
    y = x * (1 - 2 * labels.unsqueeze(1))
    points = torch.cat([x, y], 1) + 0.4 * torch.randn(n, 2, generator=draw)
    lost = torch.rand(n, generator=draw) < noise
    labels = torch.where(lost, torch.randint(2, (n,), generator=draw), labels)
    whole = Dataset(points, labels)
    learned, judged = whole.subset(torch.arange(train)), whole.subset(torch.arange(train, n))
    return learned, learned if seed == leak_at else judged


def no_clouds(seed: int) -> tuple[Dataset, Dataset]:
    raise OSError("no clouds today")


def hidden_net(hidden: int = 16) -> nn.Module:
    return nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, 2))
