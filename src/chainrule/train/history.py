"""What a training leaves behind: losses and metrics per epoch and replica."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Divergence", "History"]


@dataclass(frozen=True)
class Divergence:
    """Where a replica's training met nan or infinity, and was stopped."""

    replica: int
    epoch: int
    step: int
    where: str

    def __str__(self) -> str:
        return (
            f"replica {self.replica} diverged in epoch {self.epoch}, step {self.step}: {self.where}"
        )


@dataclass
class History:
    """The curves of one fit.

    ``curves`` maps a name ("train_loss", "test_accuracy", …) to a tensor (epochs, K), or (epochs,)
    for a plain net, in float64 on the CPU. The training curves are means over an epoch's batches as
    they were trained on; the test curves are taken at the end of each epoch. A diverged replica
    is nan from the epoch on in which it diverged.
    """

    replicas: int | None = None
    curves: dict[str, Tensor] = field(default_factory=dict)
    diverged: list[Divergence] = field(default_factory=list)
    stopped: dict[int, int] = field(default_factory=dict)
    """Replica → epoch after which early stopping ended it."""
    seconds: float = 0.0
    """Time spent in training and evaluation."""
    interrupted: bool = False

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.curves:
            raise KeyError(f"no curve {name!r}; there are: {', '.join(self.curves) or 'none yet'}")
        return self.curves[name]

    @property
    def epochs(self) -> int:
        """How many epochs are done."""
        return max((len(curve) for curve in self.curves.values()), default=0)

    def add(self, values: dict[str, Tensor]) -> None:
        """Append one epoch: name → value, (K,) or a scalar; nan where a curve has none."""
        done = self.epochs
        shape = () if self.replicas is None else (self.replicas,)
        for name in [*self.curves, *(name for name in values if name not in self.curves)]:
            curve = self.curves.get(
                name, torch.full((done, *shape), torch.nan, dtype=torch.float64)
            )
            value = values.get(name, torch.full(shape, torch.nan))
            row = value.detach().to("cpu", torch.float64).expand(shape).unsqueeze(0)
            self.curves[name] = torch.cat([curve, row])

    def last(self, name: str) -> Tensor:
        """The newest value of a curve: (K,), or a scalar for a plain net."""
        return self[name][-1]

    def keep_replicas(self, index: Tensor) -> None:
        """Keep the curves of these replicas, and what is noted of them    index int64 (n,)"""
        new = {old: k for k, old in enumerate(index.tolist())}
        self.replicas = len(new)
        self.curves = {name: curve[:, index] for name, curve in self.curves.items()}
        self.diverged = [
            replace(d, replica=new[d.replica]) for d in self.diverged if d.replica in new
        ]
        self.stopped = {new[k]: epoch for k, epoch in self.stopped.items() if k in new}

    def to_pandas(self) -> pd.DataFrame:
        """One row an epoch and replica, one column a curve. Needs ``chainrule[pandas]``."""
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("pandas is missing: pip install 'chainrule[pandas]'") from error
        replicas = self.replicas or 1
        columns: dict[str, Any] = {
            "epoch": [e for e in range(1, self.epochs + 1) for _ in range(replicas)],
            "replica": list(range(replicas)) * self.epochs,
        }
        for name, curve in self.curves.items():
            columns[name] = curve.reshape(-1).tolist()
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        kind = "plain net" if self.replicas is None else f"{self.replicas} replicas"
        return f"History({self.epochs} epochs, {kind}: {', '.join(self.curves)})"
