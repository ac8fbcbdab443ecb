"""What a training leaves behind: losses and metrics per epoch and replica."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from chainrule._util.display import format_cell, html_table, sparkline

if TYPE_CHECKING:
    import pandas as pd

from chainrule._util.suggest import did_you_mean
from chainrule._util.words import count_noun

__all__ = ["Divergence", "History"]

FIRST_ROWS = 16
"""How many epochs there is room for at first; when it is full, twice as many."""


@dataclass(frozen=True)
class Divergence:
    """Where a replica's training met nan or infinity, and was stopped."""

    replica: int
    epoch: int
    step: int
    where: str

    def __str__(self) -> str:
        return f"replica {self.replica} {self.describe()}"

    def describe(self) -> str:
        """What happened, whatever place the replica has in its cohort."""
        return f"diverged in epoch {self.epoch}, step {self.step}: {self.where}"


class HistoryMark(NamedTuple):
    """How far a history was: epochs, names of curves, divergences, who had stopped, seconds."""

    epochs: int
    names: tuple[str, ...]
    diverged: int
    stopped: dict[int, int]
    seconds: float


class History:
    """The curves of one fit.

    ``curves`` maps a name ("train_loss", "test_accuracy", …) to a tensor (epochs, K), or (epochs,)
    for a plain net, in float64 on the CPU. The training curves are of all an epoch's samples, each
    batch as it was trained on; the test curves are taken at the end of each epoch. A diverged
    replica is nan from the epoch on in which it diverged.

    - ``diverged``: where each replica that met nan or infinity was stopped.
    - ``stopped``: replica → epoch after which early stopping ended it.
    - ``seconds``: spent in training and evaluation.
    - ``interrupted``: whether the last fit was, by Ctrl-C.
    """

    def __init__(self, replicas: int | None = None) -> None:
        self.replicas = replicas
        self.epochs = 0
        """How many are done."""
        self.diverged: list[Divergence] = []
        self.stopped: dict[int, int] = {}
        self.seconds = 0.0
        self.interrupted = False
        # Each curve with rows to spare, so that an epoch more is one row written.
        self._buffers: dict[str, Tensor] = {}

    @property
    def curves(self) -> dict[str, Tensor]:
        """Name → curve: views of what is kept, not copies."""
        return {name: buffer[: self.epochs] for name, buffer in self._buffers.items()}

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._buffers:
            known = ", ".join(self._buffers) or "none yet"
            hint = did_you_mean(name, self._buffers)
            raise KeyError(f"no curve {name!r}; {hint}there are: {known}")
        return self._buffers[name][: self.epochs]

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Append one epoch: name → value, (K,) or a scalar; nan where a curve has none."""
        for name in values:
            if name not in self._buffers:
                self._buffers[name] = self._new_buffer(max(FIRST_ROWS, self.epochs + 1))
        for name, buffer in self._buffers.items():
            if len(buffer) == self.epochs:
                self._buffers[name] = self._new_buffer(2 * self.epochs)
                self._buffers[name][: self.epochs] = buffer
            if name in values:
                self._buffers[name][self.epochs] = values[name].detach()
        self.epochs += 1

    def _new_buffer(self, rows: int) -> Tensor:
        axes = () if self.replicas is None else (self.replicas,)
        return torch.full((rows, *axes), torch.nan, dtype=torch.float64)

    def last(self, name: str) -> Tensor:
        """The newest value of a curve: (K,), or a scalar for a plain net."""
        return self[name][-1]

    def mark(self) -> HistoryMark:
        """How far it is, to go back to."""
        names, stopped = tuple(self._buffers), dict(self.stopped)
        return HistoryMark(self.epochs, names, len(self.diverged), stopped, self.seconds)

    def rollback(self, mark: HistoryMark) -> None:
        """Forget what was added since the mark was taken."""
        self.epochs, self.stopped, self.seconds = mark.epochs, dict(mark.stopped), mark.seconds
        del self.diverged[mark.diverged :]
        # Copies, for who was given a curve before: its rows are not to be written again.
        self._set_curves({name: self[name] for name in mark.names})

    def state_dict(self) -> dict[str, Any]:
        """What a file needs: tensors, numbers and lists of them."""
        return {
            "curves": self.curves,
            "diverged": [list(astuple(d)) for d in self.diverged],
            "stopped": [list(item) for item in self.stopped.items()],
            "seconds": self.seconds,
        }

    def load_state_dict(self, values: Mapping[str, Any]) -> None:
        """Take over what ``state_dict`` gave; changes nothing where it raises."""
        curves, seconds = dict(values["curves"]), values["seconds"]
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
            raise ValueError(f"seconds: expected a number of them, got {seconds!r}")
        diverged = [Divergence(*row) for row in values["diverged"]]
        stopped = {k: epoch for k, epoch in values["stopped"]}  # noqa: C416 (lists of two)
        self._set_curves(curves)
        self.epochs = max(map(len, curves.values()), default=0)
        self.diverged, self.stopped, self.seconds = diverged, stopped, seconds

    def __getstate__(self) -> dict[str, Any]:
        """With copies of the curves, which processes would else share."""
        copies = {name: buffer.clone() for name, buffer in self._buffers.items()}
        return {**vars(self), "_buffers": copies}

    def _set_curves(self, curves: Mapping[str, Tensor]) -> None:
        buffers = {}
        for name, curve in curves.items():
            buffers[name] = self._new_buffer(FIRST_ROWS + len(curve))
            buffers[name][: len(curve)] = curve
        self._buffers = buffers

    def _repr_html_(self) -> str:
        """Each curve, the mean over the replicas, with its last value."""
        means = {n: c.reshape(len(c), -1).nanmean(1).tolist() for n, c in self.curves.items()}
        rows = [(n, sparkline(v), format_cell(v[-1])) for n, v in means.items() if v]
        epochs = count_noun(self.epochs, "epoch")
        notes = [epochs, f"{self.seconds:.2f} s", *map(str, self.diverged)]
        return html_table(("curve", "", "last"), rows, "; ".join(notes), raw=[1])

    def keep_replicas(self, index: Tensor) -> None:
        """Keep the curves of these replicas, and what is noted of them    index int64 (n,)"""
        new = {old: k for k, old in enumerate(index.tolist())}
        curves = {name: curve[:, index] for name, curve in self.curves.items()}
        self.replicas = len(new)
        self._set_curves(curves)
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
        kind = "plain net" if self.replicas is None else count_noun(self.replicas, "replica")
        return f"History({count_noun(self.epochs, 'epoch')}, {kind}: {', '.join(self._buffers)})"
