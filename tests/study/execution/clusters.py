"""A Dask cluster on this machine, begun by hand: processes that may be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

SOURCE = Path(__file__).parents[3] / "src"


class DaskCluster:
    """A scheduler and two workers, whose folder has nothing of the driver's."""

    def __init__(self, folder: Path, *, nanny: bool = False, port: int = 0) -> None:
        self.folder, self.nanny = folder, nanny
        folder.mkdir(exist_ok=True)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.file = folder / "scheduler.json"
        self.file.unlink(missing_ok=True)
        options = ["--scheduler-file", self.file, "--port", port, "--host", "127.0.0.1"]
        self.scheduler = self.begin("scheduler", *options, "--no-dashboard")
        self.wait_for_scheduler()
        self.workers = [self.add_worker() for _ in range(2)]

    @property
    def address(self) -> str:
        """``127.0.0.1:PORT``"""
        return json.loads(self.file.read_text())["address"].removeprefix("tcp://")

    @property
    def engine(self) -> str:
        """As ``--engine`` names it."""
        return f"dask://{self.address}"

    def begin(self, kind: str, *options: object) -> subprocess.Popen[bytes]:
        """A process of the cluster, in a group of its own."""
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *map(str, options)]
        environment = {
            **os.environ,
            "PYTHONPATH": str(SOURCE),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "20",
        }
        begun = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.processes.append(begun)
        return begun

    def wait_for_scheduler(self, seconds: float = 60) -> None:
        """Until it has written where it is."""
        end = time.monotonic() + seconds
        while not (self.file.exists() and self.file.stat().st_size):
            assert time.monotonic() < end, "no scheduler"
            time.sleep(0.05)

    def add_worker(self) -> subprocess.Popen[bytes]:
        """One more worker, of one thread."""
        nanny = "--nanny" if self.nanny else "--no-nanny"
        options = ["--nthreads", 1, "--no-dashboard", "--local-directory", self.folder]
        options += ["--preload", Path(__file__).with_name("elsewhere.py")]
        return self.begin("worker", self.address, nanny, *options, "--death-timeout", 60)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """kill -9 of a process and all that it began."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.processes.remove(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in [*self.processes]:
            self.kill(process)
