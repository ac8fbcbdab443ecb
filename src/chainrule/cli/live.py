"""How far a run is: a live table where standard error is a terminal, else a line now and then."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self, final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from chainrule._util.words import count_noun
from chainrule.cli.output import verbosity
from chainrule.report import Unit, metric_unit
from chainrule.study import Progress, Study

__all__ = ["Display", "LiveDisplay", "PlainDisplay", "ProgressSnapshot", "choose_display"]

SECONDS_BETWEEN_LINES = 2.0
"""Seconds between two plain lines, unless an arm is done."""

HEADER_LINES = 5
"""Lines of the live table that are no arm's."""


@dataclass(frozen=True)
class ProgressSnapshot:
    """How far a run was at one moment; nothing in it changes while it is drawn.

    ``arms``: name → (trainings done, in all); ``best``: name → its best validation so far;
    ``seconds_left``: seconds to go, None at first.
    """

    arms: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    best: Mapping[str, float] = field(default_factory=dict)
    cohorts: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None
    taken_at: float = field(default_factory=time.monotonic)

    @classmethod
    def from_progress(cls, progress: Progress) -> Self:
        """The moment now."""
        scheduler = progress.scheduler
        return cls(
            arms={
                arm.name: (scheduler.count_done(arm), scheduler.count_total(arm))
                for arm in scheduler.arms
            },
            best=progress.best,
            cohorts=progress.cohorts,
            seconds=progress.seconds,
            seconds_left=progress.seconds_left,
        )

    @property
    def num_done(self) -> int:
        """Trainings that are done."""
        return sum(done for done, _ in self.arms.values())

    @property
    def num_total(self) -> int:
        """Trainings in all."""
        return sum(total for _, total in self.arms.values())

    @property
    def finished_arms(self) -> set[str]:
        """The arms that have all their trainings."""
        return {name for name, (done, total) in self.arms.items() if done >= total}

    def format_line(self, now: float) -> str:
        """``412 of 960 trainings, 23 cohorts, 0:01:12, about 0:05:10 left``"""
        since = now - self.taken_at
        text = f"{self.num_done:,} of {count_noun(self.num_total, 'training')}"
        text += f", {count_noun(self.cohorts, 'cohort')}"
        text += f", {format_clock(self.seconds + since)}"
        if self.seconds_left is None or self.num_done >= self.num_total:
            return text
        return f"{text}, about {format_clock(max(0.0, self.seconds_left - since))} left"


def format_clock(seconds: float) -> str:
    """``0:01:12``"""
    return str(timedelta(seconds=round(seconds)))


class Display(ABC):
    """Shows a run while it is entered; ``watch`` is called when a cohort begins or ends."""

    def __init__(self, name: str, unit: Unit, console: Console) -> None:
        self.name, self.unit, self.console = name, unit, console
        self.snapshot = ProgressSnapshot()
        self.progress: Progress | None = None
        self._trained = False

    @property
    def has_trained(self) -> bool:
        """Whether the run has trained anything."""
        return self._trained

    def watch(self, progress: Progress) -> None:
        """Show how far it is."""
        before, self.progress = self.snapshot, progress
        self.snapshot = ProgressSnapshot.from_progress(progress)
        self._trained |= self.snapshot.cohorts > 0
        if self.name != (name := progress.scheduler.study.name):  # the next data set
            self.name, before = name, ProgressSnapshot()
        self.update(before)

    @abstractmethod
    def update(self, before: ProgressSnapshot) -> None:
        """Something happened."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


@final
class PlainDisplay(Display):
    """A plain line when a cohort or an arm is done, at most one in ``interval`` seconds."""

    def __init__(
        self,
        name: str,
        unit: Unit,
        console: Console,
        now: Callable[[], float] = time.monotonic,
        interval: float = SECONDS_BETWEEN_LINES,
    ) -> None:
        super().__init__(name, unit, console)
        self._now, self._interval, self._last = now, interval, -interval

    def update(self, before: ProgressSnapshot) -> None:
        if self.snapshot.num_done == (before.num_done if before.arms else self.snapshot.num_total):
            return
        finished, now = sorted(self.snapshot.finished_arms - before.finished_arms), self._now()
        if not finished and now - self._last < self._interval:
            return
        self._last = now
        finished_text = f"; done: {', '.join(finished)}" if finished else ""
        text = f"{self.name}: {self.snapshot.format_line(self.snapshot.taken_at)}{finished_text}"
        self.console.print(Text(text), soft_wrap=True)


@final
class LiveDisplay(Display):
    """A bar, the clock, and the arms that fit; drawn anew by a thread of its own."""

    def __init__(self, name: str, unit: Unit, console: Console) -> None:
        super().__init__(name, unit, console)
        self._live = Live(
            console=console, get_renderable=self.render, refresh_per_second=4, transient=True
        )

    def update(self, before: ProgressSnapshot) -> None:
        self._live.refresh()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def render(self) -> RenderableType:
        """What is on the screen now."""
        snapshot = self.snapshot
        if not snapshot.arms:
            return Text(f"{self.name}: preparing")
        bar = ProgressBar(
            max(1, snapshot.num_total), snapshot.num_done, width=self.console.width - 1
        )
        head = Text(f"{self.name}: {snapshot.format_line(time.monotonic())}", overflow="ellipsis")
        return Group(head, bar, self._table(snapshot))

    def _running_arms(self) -> set[str]:
        """Read as it is now: a run tells of a cohort when it ends, not when it begins."""
        return set() if self.progress is None else {job.arm for job in self.progress.running}

    def _table(self, snapshot: ProgressSnapshot) -> Table:
        active = self._running_arms()
        names = order_by_interest(snapshot, active)
        room = max(1, self.console.height - HEADER_LINES)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for head in ("", "arm", "trainings", "best validation"):
            table.add_column(head, justify="right" if head == "trainings" else "left")
        for name in names[:room]:
            done, total = snapshot.arms[name]
            best = self.unit.quantity(snapshot.best[name]) if name in snapshot.best else ""
            mark = ">" if name in active else ""
            table.add_row(mark, Text(name), f"{done}/{total}", best)
        if len(names) > room:
            table.add_row("", f"and {len(names) - room} more")
        return table


def order_by_interest(snapshot: ProgressSnapshot, active: set[str]) -> Sequence[str]:
    """The arms that are being trained, then those in part trained, those to come, those done."""

    def priority(name: str) -> int:
        done, total = snapshot.arms[name]
        if name in active:
            return 0
        if done >= total:
            return 3
        return 1 if done else 2

    return sorted(snapshot.arms, key=priority)


@final
class StderrConsole(Console):
    """Where nobody reads it any more (``2>&1 | head``), it is quiet and the run goes on."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


def choose_display(study: Study) -> Display:
    """What suits the standard error of this process, and --quiet and --verbose."""
    console = StderrConsole(stderr=True, highlight=False, quiet=verbosity.quiet)
    unit = metric_unit(study.metric_name, study)
    if verbosity.verbose:
        return PlainDisplay(study.name, unit, console, interval=0.0)
    is_live = console.is_terminal and not console.is_dumb_terminal and not verbosity.quiet
    return (LiveDisplay if is_live else PlainDisplay)(study.name, unit, console)
