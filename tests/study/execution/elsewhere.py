"""A worker that has neither the files nor the folder of the tests: a process in a folder apart.

Its disk is that of the driver, and it is made not to look for data there, as are Dask's workers.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Self

SOURCE = Path(__file__).parents[3] / "src"


class Elsewhere:
    """An executor of one such process; it keeps what it is sent in ``folder``."""

    max_workers = 1

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.popen = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(SOURCE), "CHAINRULE_CACHE": str(folder)},
        )
        self.sent: list[bytes] = []

    def submit(self, f: Any, /, *args: Any) -> Future[Any]:
        question = pickle.dumps((f, args))
        self.sent.append(question)
        self.popen.stdin.write(question)
        self.popen.stdin.flush()
        result, error = pickle.load(self.popen.stdout)
        future: Future[Any] = Future()
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
        return future

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.popen.communicate()


def forget_disk() -> None:
    """Let this process find no data file where the driver has it."""
    from chainrule.study.execution.workers import travel

    travel.has_same_file = lambda path, digest: False


def dask_setup(worker: object) -> None:
    """What a worker of Dask's does with this file as its preload."""
    forget_disk()


def main() -> None:
    sys.path.remove(str(Path(__file__).parent))
    forget_disk()
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr
    while True:
        try:
            f, args = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = f(*args), None
        except Exception as error:
            answer = None, error
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
