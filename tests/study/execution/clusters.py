"""Clusters of Dask and Ray on this machine, begun by hand: processes that may be killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
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


class RayCluster:
    """A head with two CPUs, whose folder has nothing of the driver's; it listens on ``port``."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        path = os.pathsep.join(map(str, (SOURCE, folder)))
        self.port = port or find_free_port()
        self.temporary = Path(tempfile.mkdtemp(prefix="ray-"))  # its sockets need a short path
        begin = "from ray.scripts.scripts import main; main()"
        options = ["--head", "--block", "--num-cpus=2", "--include-dashboard=false"]
        options += ["--disable-usage-stats", f"--temp-dir={self.temporary}"]
        options += [f"--port={find_free_port()}", f"--ray-client-server-port={self.port}"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", begin, "start", *options],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.wait_until_it_answers()

    @property
    def address(self) -> str:
        """``127.0.0.1:PORT``"""
        return f"127.0.0.1:{self.port}"

    @property
    def engine(self) -> str:
        """As ``--engine`` names it."""
        return f"ray://{self.address}"

    def wait_until_it_answers(self, seconds: float = 300) -> None:
        """Until somebody listens."""
        end = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < end, "no Ray"
                time.sleep(0.1)

    def find_processes(self) -> dict[int, str]:
        """Those of the cluster → how they are called."""
        found = {}
        for pid in find_descendants(self.process.pid):  # workers have groups of their own
            with contextlib.suppress(OSError):
                found[pid] = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        return found

    def find_workers(self) -> list[int]:
        """Those that train, or wait to."""
        names = "ray::IDLE", "ray::run_job"
        return [p for p, name in self.find_processes().items() if name.startswith(names)]

    def find_busy(self) -> list[int]:
        """Those that train."""
        return [p for p, name in self.find_processes().items() if name.startswith("ray::run_job")]

    def kill(self) -> None:
        """kill -9 of all of it."""
        for pid in [*find_descendants(self.process.pid), self.process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.temporary, ignore_errors=True)


def find_free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def find_descendants(parent: int) -> list[int]:
    """The processes that one has begun, and those that these have."""
    parents = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            stat = (process / "stat").read_text()
            parents[int(process.name)] = int(stat.rpartition(")")[2].split()[1])
    own = {parent}
    while more := {p for p, begun_by in parents.items() if begun_by in own} - own:
        own |= more
    return sorted(own - {parent})
