"""A worker and the process that gives it work: whether both run the same code."""

from __future__ import annotations

import hashlib
import os
import platform
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path

import torch

from chainrule._version import __version__
from chainrule.compiled import BuildError, kernel
from chainrule.recipes.errors import StudyError
from chainrule.study.execution.provenance import cpu_name
from chainrule.study.round_data import check_device

__all__ = [
    "WorkerInfo",
    "WorkerRefusedError",
    "check_worker",
    "describe_process",
    "describe_version_changes",
]

PACKAGE = Path(__file__).parents[3]


class WorkerRefusedError(StudyError):
    """A worker that would train something else than it was asked to; the message names it."""


@dataclass(frozen=True)
class WorkerInfo:
    """What a process runs with.

    ``code``: a digest of chainrule's own sources; ``kernel``: the key of the kernel that it
    trains with, "" where it takes the plain path.
    """

    host: str
    chainrule: str
    code: str
    python: str
    torch: str
    cpu: str
    kernel: str = ""

    def as_row(self) -> dict[str, str]:
        """As JSON data, for the record of a run."""
        return asdict(self)


def describe_process(kernel_key: str = "") -> WorkerInfo:
    """What this process runs with."""
    return WorkerInfo(
        host=socket.gethostname(),
        chainrule=__version__,
        code=digest_package(),
        python=platform.python_version(),
        torch=torch.__version__,
        cpu=cpu_name() or "",
        kernel=kernel_key,
    )


@cache
def digest_package() -> str:
    """Half a SHA-256 of chainrule's sources: versions in the making have one number."""
    whole = hashlib.sha256()
    for path in sorted(list_code_files()):
        whole.update(str(path.relative_to(PACKAGE).as_posix()).encode())
        whole.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return whole.hexdigest()[:32]


def list_code_files() -> Iterator[Path]:
    """The package's files that are code."""
    for pattern in ("*.py", "*.cpp", "*.h"):
        yield from PACKAGE.rglob(pattern)


@lru_cache(maxsize=8)
def check_worker(driver: WorkerInfo, dtype: torch.dtype, device: str = "cpu") -> WorkerInfo:
    """What this worker runs with, its kernel among it, which is built where need be.

    Raises WorkerRefusedError unless it would train as the driver would, and has the device.
    """
    own, problem = describe_process(), ""
    if own.chainrule != driver.chainrule:
        problem = f"has chainrule {own.chainrule}, the run {driver.chainrule}"
    elif own.code != driver.code:
        problem = f"has another code of chainrule {own.chainrule} than the run"
    if problem:
        raise WorkerRefusedError(
            f"worker {name_worker()} {problem}: install the same on all machines, and start the "
            "workers again"
        )
    try:
        check_device(device)
    except StudyError as error:
        raise WorkerRefusedError(f"worker {name_worker()}: {error}") from None
    if not driver.kernel:
        return own
    try:
        return describe_process(kernel(dtype).key)
    except BuildError as error:
        raise WorkerRefusedError(
            f"worker {name_worker()} has no kernel for small nets, which the run has: mend that, "
            f"or say --no-compile\n  {error}"
        ) from None


def name_worker() -> str:
    """``host:pid``, as rows have it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def describe_version_changes(driver: WorkerInfo, worker: WorkerInfo) -> list[str]:
    """In what a worker that was taken differs so that numbers may differ in their last digits."""
    return [
        f"{name} {theirs} (here {own})"
        for name in ("torch", "python", "kernel")
        if (theirs := getattr(worker, name)) != (own := getattr(driver, name))
    ]
