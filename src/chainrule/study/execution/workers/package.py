"""What goes to a worker with each cohort, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chainrule.study.execution.workers.handshake import WorkerInfo
from chainrule.study.store.record import TrainingRecord

__all__ = ["JobResult", "ModuleSource", "StudyPackage"]


@dataclass(frozen=True)
class ModuleSource:
    """A module of the user's: its name, the digest that names its code, and its file.

    ``content``: the SHA-256 of the file, all of it.
    """

    name: str
    is_package: bool
    digest: str
    content: str


@dataclass(frozen=True)
class StudyPackage:
    """A study as workers get it: the same for all cohorts of a run.

    - ``declared``: the study as JSON text; ``run`` names the run, so that a worker may be asked to
      stop what it does for it.
    - ``driver``: what the process runs with that gives the cohorts out, ``modules`` what the user
      wrote; None and none where the workers are its own processes, and have both.
    - ``files``: SHA-256 → bytes, for a worker that has said which it lacks.
    """

    declared: str
    run: str = ""
    driver: WorkerInfo | None = None
    modules: tuple[ModuleSource, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class JobResult:
    """What a cohort gave: its rows, and where they are wanted its nets.

    ``nets``: the path in the folder of nets → the bytes of the file. Who wanted them writes them:
    workers need no disk that all of them see. ``worker``: who trained it; None where that is a
    process of the driver's own.
    """

    rows: Sequence[TrainingRecord]
    nets: Mapping[str, bytes] = field(default_factory=dict)
    worker: WorkerInfo | None = None
