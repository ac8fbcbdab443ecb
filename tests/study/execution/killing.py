"""A study that is run in a process of its own, to be interrupted and killed."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from chainrule.study import Progress, Study, run
from tests.study.small import small

ROOT = Path(__file__).parents[3]

STUDY = small(
    rounds=4,
    epochs=30,
    cohort_size=2,
    arms={name: {"net": {"hidden": h}} for h, name in enumerate("abcd", 3)},
    space={"optimizer.lr": [0.003, 0.01, 0.03, 0.1]},
    search={"method": "grid", "each_round": False},
)
"""4 arms x (2 cohorts of search, 2 of rounds, 1 for the time): 20 cohorts, 36 trainings."""

ENDLESS = small(
    arms={
        "quick": {"epochs": 1},
        **{name: {"epochs": 10**6, "optimizer": {"lr": 0.1}} for name in "abc"},
    },
    space={"optimizer.lr": [0.1, 0.2]},
    search={"method": "grid", "each_round": False},
    cohort_size=1,
)
"""Two cohorts are done quickly, for a search comes first; the others keep their workers busy."""


SHARED = STUDY.with_overrides(rounds=3, search={"each_round": True})
"""The same with a search in each round, which shares can do by themselves."""

LOOKING = small(
    rounds={"until": "decided", "looks": [3, 6, 9], "futility": False},
    epochs=20,
    cohort_size=1,
    baseline="narrow",
)
"""Two arms that are about equal: 9 rounds, looked at three times."""


class Process:
    """``run`` of a study in a new process group; it says how many cohorts are done.

    ``jobs``: processes, or the name of an engine; ``launcher``: what begins Python.
    """

    def __init__(
        self,
        store: Path,
        name: str = "STUDY",
        jobs: int | str = 2,
        share: str | None = None,
        launcher: Sequence[str] = (sys.executable,),
    ) -> None:
        command = [
            *launcher,
            "-m",
            "tests.study.execution.killing",
            name,
            str(store),
            str(jobs),
            *([] if share is None else [share]),
        ]
        self.popen = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def wait_for(self, said: int | str, seconds: float = 60) -> bool:
        """Whether it says this before it ends; of a number, that so many cohorts are done."""
        end, pipe, text = time.monotonic() + seconds, self.popen.stdout.fileno(), b""
        while time.monotonic() < end:
            if not select.select([pipe], [], [], 0.1)[0]:
                continue
            more = os.read(pipe, 1 << 16)  # two lines may come at once
            text += more
            lines = text.decode().split("\n")[:-1]
            if not more or any(line == said or reaches(line, said) for line in lines):
                return bool(more)
        raise TimeoutError(f"{said!r} was not said in {seconds} s")

    def group(self) -> list[int]:
        """The processes that it has begun and that are there, itself among them."""
        return [int(p.name) for p in Path("/proc").glob("[0-9]*") if self._has(p)]

    def _has(self, process: Path) -> bool:
        try:
            state, _, group = (process / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            return False
        return int(group) == self.popen.pid and state != "Z"

    def alone(self, seconds: float = 2) -> list[int]:
        """Who of the group is still there after so long, itself apart."""
        end = time.monotonic() + seconds
        while (left := [p for p in self.group() if p != self.popen.pid]) and time.monotonic() < end:
            time.sleep(0.05)
        return left

    def kill(self, *, group: bool) -> None:
        """kill -9: all its processes at once, or itself alone; nothing where it has ended."""
        if self.popen.poll() is None:
            (os.killpg if group else os.kill)(self.popen.pid, signal.SIGKILL)
        self.popen.communicate()

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        for pid in self.group():
            os.kill(pid, signal.SIGKILL)
        self.popen.communicate()


def kill_often(folder: Path, times: int, seed: int, name: str = "STUDY") -> list[Path]:
    """Kill runs of the study so often, each elsewhere; a new study when one is over. The stores.

    Every second time the parent alone is killed, else its workers with it.
    """
    draw, hits, stores = random.Random(seed), 0, [folder / "0.sqlite"]
    while hits < times:
        if killed(stores[-1], draw, name, group=hits % 2 == 0):
            hits += 1
        else:
            stores.append(folder / f"{len(stores)}.sqlite")
    return stores


def killed(store: Path, draw: random.Random, name: str, *, group: bool) -> bool:
    """Begin or go on, and kill somewhere; False where all was done before."""
    process = Process(store, name)
    try:
        process.wait_for(draw.choice([0, 1, 2, 4]))
        time.sleep(draw.random() * draw.choice([0.01, 0.1, 1.0]))
        process.kill(group=group)
        process.alone()
        return process.popen.returncode == -signal.SIGKILL
    finally:
        process.end()


def reaches(line: str, cohorts: int | str) -> bool:
    """Whether a line says so many cohorts or more: several may be done at once."""
    return isinstance(cohorts, int) and line.isdecimal() and int(line) >= cohorts


def say(progress: Progress) -> None:
    print(progress.cohorts, flush=True)


def main(name: str, store: str, jobs: str, share: str | None = None) -> None:
    study: Study = globals()[name]
    where = {"jobs": int(jobs)} if jobs.isdecimal() else {"executor": jobs}
    result = run(study, store=store, share=share, on_progress=say, **where)
    print("interrupted" if result.interrupted else "done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
