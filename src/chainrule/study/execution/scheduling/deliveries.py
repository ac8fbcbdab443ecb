"""Files that workers lack, on their way to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, final

from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.execution.executors import Engine
from chainrule.study.execution.workers.travel import MissingFilesError, keep_files

__all__ = ["Deliveries"]

Wish = tuple[str, tuple[str, ...]]
"""(the place that lacks files, their SHA-256)"""


@final
class Deliveries:
    """What was sent to which place: once, however many of its workers ask for it.

    Cohorts that lack files wait until they have come. Not every engine can say who gets a thing:
    where it came to another place than the one that asked for it, the next cohort that lacks it
    brings it along.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: dict[Wish, list[CohortJob]] = {}
        self._come: set[Wish] = set()
        self._brought: dict[CohortJob, tuple[str, ...]] = {}
        self.under_way: dict[Future[Any], Wish] = {}

    def send(self, job: CohortJob, error: MissingFilesError, files: Mapping[str, Path]) -> bool:
        """Let a cohort wait for what it lacks; False where it can begin at once, with that.

        ``files``: SHA-256 → file.
        """
        wish = error.place, error.digests
        if wish in self._come:
            self._brought[job] = error.digests
            return False
        if wish not in self._waiting:
            content = read_files(error.digests, files)
            future = self._engine.deliver(keep_files, content, error.place)
            self.under_way[future] = wish
        self._waiting.setdefault(wish, []).append(job)
        return True

    def take_ready(self) -> Iterator[CohortJob]:
        """The cohorts whose files have come, or have failed to: each is handed out once."""
        for future in [future for future in self.under_way if future.done()]:
            wish = self.under_way.pop(future)
            self._come.add(wish)
            yield from self._waiting.pop(wish)

    def read_brought(self, job: CohortJob, files: Mapping[str, Path]) -> dict[str, bytes]:
        """SHA-256 → content of what a cohort brings along; mostly nothing."""
        return read_files(self._brought.get(job, ()), files)


def read_files(digests: tuple[str, ...], files: Mapping[str, Path]) -> dict[str, bytes]:
    """SHA-256 → content."""
    return {digest: files[digest].read_bytes() for digest in digests}
