"""A line that tells how a training goes: epochs, loss, time left; nothing where nobody looks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, final

from chainrule.train.state import Callback, TrainState

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["ProgressBar", "wants_progress"]


def wants_progress(progress: bool | None) -> bool:
    """Whether to show one: as told, or if not told, where standard error is a terminal."""
    return sys.stderr.isatty() if progress is None else progress


@final
class ProgressBar(Callback):
    """Epochs done, the mean loss over the replicas that run, and the time left, on stderr."""

    def __init__(self, title: str = "training") -> None:
        self.title = title
        self.bar: Progress | None = None

    def on_fit_start(self, state: TrainState) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("epoch {task.completed}/{task.total}  loss {task.fields[loss]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.bar.start()
        self.task = self.bar.add_task(
            self.title, total=state.epochs, completed=state.epoch, loss="–"
        )

    def on_epoch_end(self, state: TrainState) -> None:
        if self.bar is not None:
            loss = float(state.history.last("train_loss").nanmean())
            self.bar.update(self.task, completed=state.epoch, loss=f"{loss:.4g}")

    def on_fit_end(self, state: TrainState) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
