"""How far a run is: a live table where standard error is a terminal, else a line now and then."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Self, final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from chainrule.report import Unit, metric_unit
from chainrule.study import Progress, Study

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Display", "LiveDisplay", "PlainDisplay", "ProgressSnapshot", "display_for"]

APART = 2.0
"""Seconds between two plain lines, unless an arm is done."""

FRAME = 5
"""Lines of the live table that are no arm's."""


@dataclass(frozen=True)
class ProgressSnapshot:
    """How far a run was at one moment; nothing in it changes while it is drawn.

    ``arms``: name → (trainings done, in all); ``best``: name → its best validation so far;
    ``left``: seconds to go, None at first.
    """

    arms: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    best: Mapping[str, float] = field(default_factory=dict)
    cohorts: int = 0
    seconds: float = 0.0
    left: float | None = None
    at: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, progress: Progress) -> Self:
        """The moment now."""
        board = progress.board
        return cls(
            arms={arm.name: (board.done(arm), board.total(arm)) for arm in board.arms},
            best=progress.best,
            cohorts=progress.cohorts,
            seconds=progress.seconds,
            left=progress.seconds_left,
        )

    @property
    def done(self) -> int:
        """Trainings that are done."""
        return sum(done for done, _ in self.arms.values())

    @property
    def total(self) -> int:
        """Trainings in all."""
        return sum(total for _, total in self.arms.values())

    @property
    def complete(self) -> set[str]:
        """The arms that have all their trainings."""
        return {name for name, (done, total) in self.arms.items() if done >= total}

    def line(self, now: float) -> str:
        """``412 of 960 trainings, 23 cohorts, 0:01:12, about 0:05:10 left``"""
        since = now - self.at
        cohorts = "1 cohort" if self.cohorts == 1 else f"{self.cohorts:,} cohorts"
        text = f"{self.done:,} of {self.total:,} trainings, {cohorts}"
        text += f", {clock(self.seconds + since)}"
        if self.left is None or self.done >= self.total:
            return text
        return f"{text}, about {clock(max(0.0, self.left - since))} left"


def clock(seconds: float) -> str:
    """``0:01:12``"""
    return str(timedelta(seconds=round(seconds)))


class Display(ABC):
    """Shows a run while it is entered; ``watch`` is told when a cohort begins or ends."""

    def __init__(self, name: str, unit: Unit, console: Console) -> None:
        self.name, self.unit, self.console = name, unit, console
        self.shown = ProgressSnapshot()
        self.progress: Progress | None = None

    @property
    def trained(self) -> bool:
        """Whether the run has trained anything."""
        return self.shown.cohorts > 0

    def watch(self, progress: Progress) -> None:
        """Show how far it is."""
        before, self.shown, self.progress = self.shown, ProgressSnapshot.of(progress), progress
        self.update(before)

    @abstractmethod
    def update(self, before: ProgressSnapshot) -> None:
        """Something happened."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


@final
class PlainDisplay(Display):
    """A plain line when a cohort or an arm is done, and not too many of them."""

    def __init__(
        self,
        name: str,
        unit: Unit,
        console: Console,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name, unit, console)
        self._now, self._last = now, -APART

    def update(self, before: ProgressSnapshot) -> None:
        if self.shown.done == (before.done if before.arms else self.shown.total):
            return
        finished, now = sorted(self.shown.complete - before.complete), self._now()
        if not finished and now - self._last < APART:
            return
        self._last = now
        said = f"; done: {', '.join(finished)}" if finished else ""
        text = f"{self.name}: {self.shown.line(self.shown.at)}{said}"
        self.console.print(Text(text), soft_wrap=True)


@final
class LiveDisplay(Display):
    """A bar, the clock, and the arms that fit; drawn anew by a thread of its own."""

    def __init__(self, name: str, unit: Unit, console: Console) -> None:
        super().__init__(name, unit, console)
        self._live = Live(
            console=console, get_renderable=self.drawn, refresh_per_second=4, transient=True
        )

    def update(self, before: ProgressSnapshot) -> None:
        self._live.refresh()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def drawn(self) -> RenderableType:
        """What is on the screen now."""
        shown = self.shown
        if not shown.arms:
            return Text(f"{self.name}: preparing")
        bar = ProgressBar(max(1, shown.total), shown.done, width=self.console.width - 1)
        head = Text(f"{self.name}: {shown.line(time.monotonic())}", overflow="ellipsis")
        return Group(head, bar, self._table(shown))

    def _active(self) -> set[str]:
        """Read as it is now: a run tells of a cohort when it ends, not when it begins."""
        return set() if self.progress is None else {job.arm for job in self.progress.running}

    def _table(self, shown: ProgressSnapshot) -> Table:
        active = self._active()
        names = by_interest(shown, active)
        room = max(1, self.console.height - FRAME)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for head in ("", "arm", "trainings", "best validation"):
            table.add_column(head, justify="right" if head == "trainings" else "left")
        for name in names[:room]:
            done, total = shown.arms[name]
            best = self.unit.quantity(shown.best[name]) if name in shown.best else ""
            mark = ">" if name in active else ""
            table.add_row(mark, Text(name), f"{done}/{total}", best)
        if len(names) > room:
            table.add_row("", f"and {len(names) - room} more")
        return table


def by_interest(shown: ProgressSnapshot, active: set[str]) -> Sequence[str]:
    """The arms that are being trained, then those begun, those to come, those done."""

    def place(name: str) -> int:
        done, total = shown.arms[name]
        if name in active:
            return 0
        if done >= total:
            return 3
        return 1 if done else 2

    return sorted(shown.arms, key=place)


def display_for(study: Study) -> Display:
    """What suits the standard error of this process."""
    console, unit = Console(stderr=True, highlight=False), metric_unit(study.metric_name, study)
    lively = console.is_terminal and not console.is_dumb_terminal
    return (LiveDisplay if lively else PlainDisplay)(study.name, unit, console)
