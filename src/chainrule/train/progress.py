"""A line that tells how a training goes: epochs, loss, time left; nothing where nobody looks."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import final

from chainrule._util.live_line import LiveLine, find_screen, in_notebook
from chainrule.train.state import Callback, TrainState

__all__ = ["ProgressBar", "wants_progress"]


def wants_progress(progress: bool | None) -> bool:
    """Whether to show one: as told, or if not told, on a terminal and in a notebook."""
    if progress is None:
        return in_notebook() or (sys.stderr is not None and sys.stderr.isatty())
    return progress


class Bar(ABC):
    """What shows how far a fit is."""

    @abstractmethod
    def update(self, state: TrainState, loss: str) -> None:
        """Show the epochs done and the loss."""

    @abstractmethod
    def stop(self) -> None:
        """Take it away."""


@final
class ProgressBar(Callback):
    """Epochs done, the mean loss over the replicas that run, and the time left.

    On standard error, or below the cell of a notebook.
    """

    def __init__(self, title: str = "training") -> None:
        self.title = title
        self.bar: Bar | None = None

    def on_fit_start(self, state: TrainState) -> None:
        self.bar = NotebookBar(self.title) if in_notebook() else TerminalBar(self.title, state)

    def on_epoch_end(self, state: TrainState) -> None:
        if self.bar is not None:
            loss = float(state.history.last("train_loss").nanmean())
            self.bar.update(state, f"{loss:.4g}")

    def on_fit_end(self, state: TrainState) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


@final
class NotebookBar(Bar):
    """A line of text."""

    def __init__(self, title: str) -> None:
        self.title, self.line = title, LiveLine(find_screen())

    def update(self, state: TrainState, loss: str) -> None:
        self.line.update(f"{self.title}: epoch {state.epoch}/{state.epochs}, loss {loss}")

    def stop(self) -> None:
        self.line.close()


@final
class TerminalBar(Bar):
    """A bar in colours."""

    def __init__(self, title: str, state: TrainState) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("epoch {task.completed}/{task.total}  loss {task.fields[loss]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.progress.start()
        self.task = self.progress.add_task(
            title, total=state.epochs, completed=state.epoch, loss="–"
        )

    def update(self, state: TrainState, loss: str) -> None:
        self.progress.update(self.task, completed=state.epoch, loss=loss)

    def stop(self) -> None:
        self.progress.stop()
