"""A side at work: processes of its own, kept alive, told over pipes what to do next.

So every side has its own libraries, threads and memory, and all are one process tree, in which one
side works at a time. Nothing heavy is imported here: a child loads what its own side needs.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    import numpy as np

    from benchmarks.ragged import RaggedTask
    from benchmarks.task import Runner, Task

__all__ = ["Peer", "Side", "SideError"]

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

KEPT = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**32)}
"""With glibc, freed memory stays with a process: as in our studies, and to nobody's harm."""


class SideError(RuntimeError):
    """What a side's process could not do, with its traceback."""


@dataclass(frozen=True)
class Peer:
    """A side, before it is started.

    - ``module``: where its ``Runner`` is, called ``Side`` there; ``options`` go to it.
    - ``threads`` of each process, None for what the library takes; ``processes``: the replicas are
      split over so many.
    - ``needs``: modules; ``install``: how one gets them.
    - ``least``, ``most``: replicas that it is meant for; it takes at least its processes.
    - ``path``: a folder of libraries that it takes before all others.
    - ``exact``: it computes the same as ours; if not, its name says what is different.
    """

    name: str
    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    threads: int | None = None
    processes: int = 1
    needs: tuple[str, ...] = ("torch",)
    install: str = "pip install -e '.[bench]'"
    least: int = 1
    most: int = 10**9
    exact: bool = True
    path: str = ""

    def fits(self, K: int) -> bool:
        """Whether it is meant for so many replicas."""
        return max(self.processes, self.least) <= K <= self.most

    def missing(self) -> str | None:
        """A line that says what is not installed and how to get it, or None."""
        if self.path and not Path(self.path).is_dir():
            return f"{self.name}: skipped, no {self.path}; {self.install}"
        gone = [name for name in self.needs if not self.path and find_spec(name) is None]
        names = ", ".join(gone)
        return f"{self.name}: skipped, no {names}; {self.install}" if gone else None


@final
class Side:
    """The processes of a peer, from ``with Side(peer) as side`` to its end."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for _ in range(peer.processes):
            ours, theirs = context.Pipe()
            given = theirs, peer.module, dict(peer.options), peer.path
            process = context.Process(target=serve, args=given, daemon=True)
            with threads(peer.threads):
                process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in self._pipes:
            pipe.close()  # at which the child ends
        for process in self._processes:
            process.join()

    def prepare(self, task: Task | RaggedTask) -> str:
        """Give it its work and return its note. The data are there before memory is counted."""
        n = len(self._pipes)
        ends = [task.K * i // n for i in range(n + 1)]
        parts = [task.part(a, b) for a, b in pairwise(ends)]
        return str(self._all("prepare", [(part,) for part in parts])[0])

    def train(self, epochs: int) -> tuple[float, np.ndarray]:
        """Train from the first weights; seconds, and the loss of each epoch (E, K)."""
        import numpy as np

        self._all("reset")
        start = time.perf_counter()
        losses = self._all("train", [(epochs,)] * len(self._pipes))
        return time.perf_counter() - start, np.concatenate(losses, 1)

    def peak(self, epochs: int) -> int:
        """Train once more: the bytes that all its processes hold at most meanwhile.

        Less what they held after a small step, before they had their work.
        """
        self._all("reset")
        self._all("forget")
        self._all("train", [(epochs,)] * len(self._pipes))
        return sum(self._all("peak"))

    def _all(self, command: str, arguments: Sequence[tuple[Any, ...]] = ()) -> list[Any]:
        for pipe, given in zip(self._pipes, arguments or [()] * len(self._pipes), strict=True):
            pipe.send((command, *given))
        answers = [self._answer(pipe) for pipe in self._pipes]
        for ok, answer in answers:
            if not ok:
                raise SideError(f"{self.peer.name}: {answer}")
        return [answer for _, answer in answers]

    def _answer(self, pipe: Connection) -> tuple[bool, Any]:
        try:
            found: tuple[bool, Any] = pipe.recv()
        except EOFError:
            return False, "its process ended"
        return found


@contextmanager
def threads(n: int | None) -> Iterator[None]:
    """Processes that are begun in here use so many threads, whatever they load, and when."""
    before = dict(os.environ)
    os.environ.update(KEPT)
    if n is not None:
        os.environ.update(dict.fromkeys(THREADS, str(n)))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def serve(pipe: Connection, module: str, options: dict[str, Any], path: str) -> None:
    """In the child: do what the pipe says, until it is closed."""
    if path:
        sys.path.insert(0, path)
    work = Work(module, options)
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            command, *given = pipe.recv()
            try:
                pipe.send((True, getattr(work, command)(*given)))
            except Exception:
                pipe.send((False, traceback.format_exc()))


@final
class Work:
    """What a child can be told to do."""

    def __init__(self, module: str, options: dict[str, Any]) -> None:
        self.make, self.options = import_module(module).Side, options
        self.runner: Runner | None = None
        self.before = 0

    def prepare(self, task: Task | RaggedTask) -> str:
        if not self.options.get("compiled"):  # which takes half a minute
            first = self.make(task.tiny(), **self.options)
            first.reset()
            first.train(1)
            del first
        trim()
        self.before = memory("VmRSS")
        self.runner = self.make(task, **self.options)
        return self.runner.note

    def reset(self) -> None:
        self.runner.reset()

    def train(self, epochs: int) -> np.ndarray:
        return self.runner.train(epochs)

    def forget(self) -> None:
        trim()  # of what was needed to begin anew
        with suppress(OSError), open("/proc/self/clear_refs", "w") as file:  # noqa: PTH123
            file.write("5")

    def peak(self) -> int:
        return max(0, memory("VmHWM") - self.before)


def trim() -> None:
    """Give memory that nobody holds back to the system, where its C library can."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def memory(name: str) -> int:
    """VmRSS, what the process holds, or VmHWM, the most it held, in bytes; 0 where unknown."""
    with suppress(OSError), open("/proc/self/status") as lines:  # noqa: PTH123
        for line in lines:
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0
